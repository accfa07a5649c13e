//! Streams and events. Work is done when it is issued ([`crate::Work`]), so a stream holds no queue; an event holds the
//! device's time at which it was recorded. What remains is which handles are valid and which calls fail.

use crate::code::Code;
use crate::error::Error;
use crate::sync::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The stream of calls that name none.
pub const DEFAULT_STREAM: usize = 0;

/// Handles 0, 1 and 2 are the default, the legacy and the per-thread default stream.
const PREDEFINED_STREAMS: usize = 3;

/// Priorities, from least to greatest, as cudaDeviceGetStreamPriorityRange reports them.
pub const PRIORITIES: (i32, i32) = (0, -5);

const STREAM_FLAGS: u32 = 1;
const EVENT_FLAGS: u32 = 7;
const EVENT_DISABLE_TIMING: u32 = 2;
const EVENT_INTERPROCESS: u32 = 4;

#[derive(Clone, Copy)]
struct Stream {
    flags: u32,
    priority: i32,
}

#[derive(Clone, Copy)]
struct Event {
    flags: u32,
    /// The device's time ([`backend::Backend::now`]).
    recorded: Option<Duration>,
}

/// All streams and events of the process.
#[derive(Default)]
pub struct Streams {
    made: AtomicUsize,
    streams: Mutex<HashMap<usize, Stream>>,
    events: Mutex<HashMap<usize, Event>>,
}

fn invalid(what: &str, handle: usize) -> Error {
    Error::argument(
        Code::INVALID_RESOURCE_HANDLE,
        format!("{handle:#x} is not a live {what}"),
    )
}

impl Streams {
    /// A handle that no other object had: handles are never used again, so a stale one is always found out.
    fn handle(&self) -> usize {
        (self.made.fetch_add(1, Ordering::Relaxed) + 1) << 12
    }
    pub(crate) fn clear(&self) {
        lock(&self.streams).clear();
        lock(&self.events).clear();
    }
}

impl Streams {
    /// Makes a stream.
    ///
    /// # Errors
    /// Unknown flags.
    pub fn create(&self, flags: u32, priority: i32) -> Result<usize, Error> {
        if flags & !STREAM_FLAGS != 0 {
            return Err(Error::value(format!("stream flags {flags:#x} are not known")));
        }
        let handle = self.handle();
        // CUDA takes any number and clamps it.
        let priority = priority.clamp(PRIORITIES.1, PRIORITIES.0);
        lock(&self.streams).insert(handle, Stream { flags, priority });
        Ok(handle)
    }

    /// Flags and priority of a stream.
    ///
    /// # Errors
    /// Not a live stream.
    pub fn info(&self, stream: usize) -> Result<(u32, i32), Error> {
        if stream < PREDEFINED_STREAMS {
            return Ok((0, 0));
        }
        let streams = lock(&self.streams);
        streams
            .get(&stream)
            .map(|s| (s.flags, s.priority))
            .ok_or_else(|| invalid("stream", stream))
    }

    /// Checks that a handle is a live stream.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, stream: usize) -> Result<(), Error> {
        self.info(stream).map(|_| ())
    }

    /// Ends a stream.
    ///
    /// # Errors
    /// Not a live stream, or a predefined one.
    pub fn destroy(&self, stream: usize) -> Result<(), Error> {
        lock(&self.streams)
            .remove(&stream)
            .map(|_| ())
            .ok_or_else(|| invalid("stream", stream))
    }

    /// Makes an event.
    ///
    /// # Errors
    /// Unknown flags, or an interprocess event with timing.
    pub fn event_create(&self, flags: u32) -> Result<usize, Error> {
        let interprocess_timing = flags & EVENT_INTERPROCESS != 0 && flags & EVENT_DISABLE_TIMING == 0;
        if flags & !EVENT_FLAGS != 0 || interprocess_timing {
            return Err(Error::value(format!("event flags {flags:#x} cannot be had")));
        }
        let handle = self.handle();
        lock(&self.events).insert(
            handle,
            Event {
                flags,
                recorded: None,
            },
        );
        Ok(handle)
    }

    /// Notes the device's time in an event.
    ///
    /// # Errors
    /// Not a live event.
    pub(crate) fn record(&self, event: usize, now: Duration) -> Result<(), Error> {
        let mut events = lock(&self.events);
        let event = events.get_mut(&event).ok_or_else(|| invalid("event", event))?;
        event.recorded = Some(now);
        Ok(())
    }

    /// The time that an event was recorded at, if it was.
    ///
    /// # Errors
    /// Not a live event.
    pub(crate) fn recorded(&self, event: usize) -> Result<Option<Duration>, Error> {
        let events = lock(&self.events);
        events
            .get(&event)
            .map(|e| e.recorded)
            .ok_or_else(|| invalid("event", event))
    }

    /// Ends an event.
    ///
    /// # Errors
    /// Not a live event.
    pub fn event_destroy(&self, event: usize) -> Result<(), Error> {
        lock(&self.events)
            .remove(&event)
            .map(|_| ())
            .ok_or_else(|| invalid("event", event))
    }

    /// Milliseconds of the device's time between two recorded events.
    ///
    /// # Errors
    /// Not live events, without timing, or never recorded.
    pub fn elapsed_ms(&self, start: usize, end: usize) -> Result<f32, Error> {
        let events = lock(&self.events);
        let time = |handle: usize| {
            let event = events.get(&handle).ok_or_else(|| invalid("event", handle))?;
            if event.flags & EVENT_DISABLE_TIMING != 0 {
                return Err(Error::argument(
                    Code::INVALID_RESOURCE_HANDLE,
                    "an event made with cudaEventDisableTiming has no time",
                ));
            }
            event
                .recorded
                .ok_or_else(|| Error::argument(Code::INVALID_RESOURCE_HANDLE, "the event was never recorded"))
        };
        let (start, end) = (time(start)?, time(end)?);
        Ok(((end.as_secs_f64() - start.as_secs_f64()) * 1e3) as f32)
    }
}
