//! What streams are given: every piece of work that has an order comes through [`Context::issue`], whatever call asked
//! for it. It is done when the call returns; a stream that is captured, or a device with a time of its own, finds here
//! what happened in which stream, in order.

use crate::context::Context;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::launch::Arguments;
use crate::memory::{CopyKind, Pitched, Shape};
use crate::module::Function;
use backend::Queue;

/// A piece of work.
pub enum Work<'a> {
    /// A launch of a kernel.
    Launch {
        /// The kernel.
        function: &'a Function,
        /// Grid, block, shared memory.
        geometry: Geometry,
        /// What it is given.
        arguments: Arguments<'a>,
    },
    /// A copy of rows.
    Copy {
        /// The first one's place.
        to: Pitched,
        /// Where it comes from.
        from: Pitched,
        /// Width, height, depth.
        shape: Shape,
        /// Which side is whose.
        kind: CopyKind,
    },
    /// Rows of device memory set to a byte.
    Fill {
        /// The first one's place.
        to: Pitched,
        /// The byte.
        value: u8,
        /// Width, height, depth.
        shape: Shape,
    },
    /// A function of the program.
    Host(&'a mut dyn FnMut()),
    /// Notes the time in an event.
    Record(usize),
    /// Goes on when what was before an event's recording is done.
    Wait(usize),
}

impl Work<'_> {
    /// A copy of `size` bytes in a row.
    pub fn copy(to: usize, from: usize, size: usize, kind: CopyKind) -> Self {
        Work::Copy {
            to: Pitched::linear(to, size),
            from: Pitched::linear(from, size),
            shape: Shape::linear(size),
            kind,
        }
    }

    /// `size` bytes in a row set to `value`.
    pub fn fill(address: usize, value: u8, size: usize) -> Self {
        Work::Fill {
            to: Pitched::linear(address, size),
            value,
            shape: Shape::linear(size),
        }
    }
}

impl Context {
    /// Gives work to a stream.
    ///
    /// # Errors
    /// Not a live stream, or the work cannot begin. A fault of a kernel while it runs is kept for the next call that
    /// synchronises.
    ///
    /// # Safety
    /// Arguments are what [`Arguments`] says; a side of a copy that is the program's own memory
    /// is valid for all its rows.
    pub unsafe fn issue(&self, stream: usize, work: Work<'_>) -> Result<(), Error> {
        self.streams.check(stream)?;
        match work {
            Work::Launch {
                function,
                geometry,
                arguments,
                // SAFETY: the caller's promise, here and below.
            } => unsafe { self.launch(stream, function, geometry, arguments) },
            Work::Copy {
                to,
                from,
                shape,
                kind,
            } => unsafe { self.copy(to, from, shape, kind) },
            Work::Fill { to, value, shape } => self.fill(to, value, shape),
            Work::Host(function) => {
                function();
                Ok(())
            }
            Work::Record(event) => {
                let now = self.ready()?.backend().now(Queue(stream));
                self.streams.record(event, now)
            }
            Work::Wait(event) => {
                if let Some(time) = self.streams.recorded(event)? {
                    self.ready()?.backend().wait(Queue(stream), time);
                }
                Ok(())
            }
        }
    }
}
