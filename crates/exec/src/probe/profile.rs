//! Where the time of kernels goes, by PTX line. How it is obtained: in a profiled run every worker thread
//! stores the number of the instruction it is at, and a watching thread looks at these numbers about 2000
//! times a second of kernel time. A line's samples over its kernel's samples estimate its share of the
//! kernel's time; with n samples on a line the share is uncertain by about 1 in the square root of n. The counts of executed
//! instructions beside them are exact. Engines that do not profile run other code and pay nothing.

use super::marker::{IDLE, Marker};
use crate::signals::without_signals;
use backend::Location;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Mean time between two looks. It varies by up to a quarter, so that it does not beat with a loop of the kernel.
const PERIOD: Duration = Duration::from_micros(500);

/// A PTX line of a kernel that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProfile {
    /// Mangled kernel name.
    pub kernel: String,
    /// The line; of a device function that the kernel calls, too.
    pub location: Location,
    /// How often a worker thread was seen at it.
    pub samples: u64,
    /// Instructions executed, each counted once per active thread.
    pub thread_instructions: u64,
    /// Instructions executed, each counted once per warp.
    pub warp_instructions: u64,
}

struct State {
    /// By instruction number: programs follow each other, from [`IDLE`] + 1 on.
    samples: Vec<u64>,
    /// One per worker; those nobody else holds are free.
    slots: Vec<Arc<AtomicU32>>,
    /// Launches that run.
    running: usize,
    thread: bool,
    stop: bool,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks where workers are, over the launches of an engine.
pub(crate) struct Sampler(Arc<Shared>);

/// While one of these exists, the watching thread looks.
pub(crate) struct Watched<'a>(&'a Shared);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        lock(self.0).running -= 1;
    }
}

impl Sampler {
    pub(crate) fn new() -> Sampler {
        Sampler(Arc::new(Shared {
            state: Mutex::new(State {
                samples: vec![0; IDLE as usize + 1],
                slots: Vec::new(),
                running: 0,
                thread: false,
                stop: false,
            }),
            wake: Condvar::new(),
        }))
    }

    /// Numbers for the instructions of another program: that of the first one.
    pub(crate) fn program(&self, instructions: usize) -> u32 {
        let samples = &mut lock(&self.0).samples;
        let base = samples.len();
        samples.resize(base + instructions, 0);
        base as u32
    }

    /// How often a worker was seen at each instruction of the program at `base`.
    pub(crate) fn samples(&self, base: u32, instructions: usize) -> Vec<u64> {
        lock(&self.0).samples[base as usize..][..instructions].to_vec()
    }

    /// A launch begins; it ends when the result is dropped.
    pub(crate) fn watch(&self) -> Watched<'_> {
        let mut state = lock(&self.0);
        state.running += 1;
        if !state.thread {
            let theirs = Arc::downgrade(&self.0);
            let builder = std::thread::Builder::new().name("vernier-profile".into());
            let spawned = without_signals(|| builder.spawn(move || look(&theirs)));
            // Without the thread there are counts but no samples.
            state.thread = spawned.is_ok();
        }
        drop(state);
        self.0.wake.notify_one();
        Watched(&self.0)
    }

    /// A place for a worker that will run the program at `base`.
    pub(crate) fn marker(&self, base: u32) -> Marker {
        let mut state = lock(&self.0);
        let free = state.slots.iter().find(|s| Arc::strong_count(s) == 1).cloned();
        let slot = free.unwrap_or_else(|| {
            let slot = Arc::new(AtomicU32::new(IDLE));
            state.slots.push(slot.clone());
            slot
        });
        Marker { slot, base }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        lock(&self.0).stop = true;
        self.0.wake.notify_one();
    }
}

/// The watching thread.
fn look(shared: &Weak<Shared>) {
    let mut random = 1u32;
    while let Some(shared) = shared.upgrade() {
        let mut state = lock(&shared);
        while state.running == 0 && !state.stop {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop {
            return;
        }
        let State { slots, samples, .. } = &mut *state;
        for slot in slots.iter() {
            let at = slot.load(Relaxed);
            if at != IDLE {
                samples[at as usize] += 1;
            }
        }
        drop(state);
        drop(shared);
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let quarter = PERIOD / 4;
        std::thread::sleep(PERIOD - quarter + 2 * quarter * (random >> 24) / 255);
    }
}
