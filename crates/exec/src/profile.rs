//! Where the time of kernels goes, by PTX line. How it is obtained: in a profiled run every worker thread
//! stores the number of the instruction it is at, and a watching thread looks at these numbers about 2000
//! times a second of kernel time. A line's samples over its kernel's samples estimate its share of the
//! kernel's time; with n samples on a line the share is uncertain by about 1 in the square root of n. The counts of executed
//! instructions beside them are exact. Engines that do not profile run other code and pay nothing.

use crate::marker::{IDLE, Marker};
use crate::program::Program;
use crate::signals::without_signals;
use backend::Location;
use ir::Origin;
use ptx::ast::Item;
use std::collections::BTreeMap;
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

/// A program that was launched. It is kept, so no other can have its address.
struct Seen {
    program: Arc<Program>,
    ptx: ptx::Checked,
    kernel: String,
    /// Number of its first instruction; programs follow each other.
    base: u32,
    /// By basic block, as [`crate::warp::Env::counts`].
    counts: Vec<(u64, u64)>,
}

struct State {
    seen: Vec<Seen>,
    next_base: u32,
    /// By instruction number.
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

/// Collects samples and counts over the launches of an engine.
pub(crate) struct Profiler(Arc<Shared>);

/// While one of these exists, the watching thread looks.
pub(crate) struct Watched<'a>(&'a Shared);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        lock(self.0).running -= 1;
    }
}

impl Profiler {
    pub(crate) fn new() -> Profiler {
        Profiler(Arc::new(Shared {
            state: Mutex::new(State {
                seen: Vec::new(),
                next_base: IDLE + 1,
                samples: Vec::new(),
                slots: Vec::new(),
                running: 0,
                thread: false,
                stop: false,
            }),
            wake: Condvar::new(),
        }))
    }

    /// The number of the first instruction of a program that is about to run.
    pub(crate) fn program(&self, kernel: &str, program: &Arc<Program>, ptx: &ptx::Checked) -> u32 {
        let mut state = lock(&self.0);
        if let Some(s) = state.seen.iter().find(|s| Arc::ptr_eq(&s.program, program)) {
            return s.base;
        }
        let base = state.next_base;
        state.next_base += program.code.len() as u32;
        let end = state.next_base as usize;
        state.samples.resize(end, 0);
        state.seen.push(Seen {
            program: program.clone(),
            ptx: ptx.clone(),
            kernel: kernel.into(),
            base,
            counts: vec![(0, 0); program.blocks.len()],
        });
        base
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

    /// Adds what a worker executed of the program at `base`.
    pub(crate) fn add(&self, base: u32, counts: &[(u64, u64)]) {
        let mut state = lock(&self.0);
        if let Some(s) = state.seen.iter_mut().find(|s| s.base == base) {
            for (sum, c) in s.counts.iter_mut().zip(counts) {
                sum.0 += c.0;
                sum.1 += c.1;
            }
        }
    }

    /// Executed lines, by kernel and line.
    pub(crate) fn lines(&self) -> Vec<LineProfile> {
        let state = lock(&self.0);
        let mut lines: BTreeMap<(String, String, u32), LineProfile> = BTreeMap::new();
        for s in &state.seen {
            let places = Places::new(&s.ptx);
            let mut at = |origin: &Origin, samples, lanes, visits| {
                if samples == 0 && visits == 0 {
                    return;
                }
                let line = places.line(origin.span.start);
                let key = (s.kernel.clone(), s.ptx.source.name.clone(), line);
                let l = lines.entry(key).or_insert_with(|| LineProfile {
                    kernel: s.kernel.clone(),
                    location: places.location(&s.program, origin),
                    samples: 0,
                    thread_instructions: 0,
                    warp_instructions: 0,
                });
                l.samples += samples;
                l.thread_instructions += lanes;
                l.warp_instructions += visits;
            };
            let mut counted = s.program.counted.iter();
            for (block, (visits, lanes)) in s.program.blocks.iter().zip(&s.counts) {
                for origin in counted.by_ref().take(block.instructions as usize) {
                    at(origin, 0, *lanes, *visits);
                }
            }
            let samples = &state.samples[s.base as usize..][..s.program.code.len()];
            for (origin, n) in s.program.origins.iter().zip(samples) {
                at(origin, *n, 0, 0);
            }
        }
        lines.into_values().collect()
    }
}

impl Drop for Profiler {
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

/// Finds lines of a text without counting from its start each time.
pub(crate) struct Places<'a> {
    ptx: &'a ptx::ast::Module,
    /// Offset of the first byte of each line.
    starts: Vec<u32>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(ptx: &'a ptx::ast::Module) -> Places<'a> {
        let ends = ptx.source.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let starts = std::iter::once(0)
            .chain(ends.map(|(k, _)| k as u32 + 1))
            .collect();
        Places { ptx, starts }
    }

    /// The line of an offset, from 1.
    fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|s| *s <= offset) as u32
    }

    pub(crate) fn location(&self, p: &Program, origin: &Origin) -> Location {
        let line = self.line(origin.span.start);
        let start = self.starts[line as usize - 1] as usize;
        let text = self.ptx.source.text.get(start..).unwrap_or("");
        Location {
            file: self.ptx.source.name.clone(),
            line,
            text: text.lines().next().unwrap_or("").trim().into(),
            cuda: cuda_line(p, self.ptx, origin),
        }
    }
}

/// CUDA file and line of an instruction, where the PTX has `.loc`.
pub(crate) fn cuda_line(p: &Program, ptx: &ptx::ast::Module, origin: &Origin) -> Option<(String, u32)> {
    let (index, line) = *p.locs.get((origin.loc as usize).checked_sub(1)?)?;
    let name = ptx.items.iter().find_map(|i| match i {
        Item::File { index: n, name, .. } if *n == index => Some(name.clone()),
        _ => None,
    });
    Some((name.unwrap_or_else(|| format!("file {index}")), line))
}
