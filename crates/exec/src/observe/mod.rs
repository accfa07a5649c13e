//! What the numbers of a kernel do: exponents and significand bits of operands and results, overflow, underflow, cancellation and the
//! like, by PTX line, while the kernel runs as it always does.
//!
//! An observed kernel is lowered anew ([`Looking`] is part of the key): each arithmetic f32 instruction is preceded by
//! one that keeps its operands (the destination may overwrite them) and followed by one that counts ([`tally`]).
//! Every worker counts for itself; integers are added up when the launch has ended, so the numbers are the same for
//! any number of CPU threads. A kernel that nobody observes is lowered as if none of this existed.
//!
//! Never here: anything that changes a result.

mod lanes;
mod recorded;
mod shadow;
mod site;
mod tally;

pub use record::Stop;
pub use shadow::{BINS, Errors, LOWEST};
pub(crate) use shadow::{Follow, Place, Rule, after, before};
pub use site::Kind;
pub(crate) use site::{Facts, Site, kind_of};
pub use tally::{Fact, LOST_BITS, Tally, Values};
pub(crate) use {lanes::choose, lanes::keep_operands};

use crate::launch::Location;
use crate::memory::Memory;
use crate::module::Module;
use crate::profile::Places;
use crate::program::Program;
use crate::warp::LANES;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which kernels are meant: a predicate over mangled names.
#[derive(Clone)]
pub struct Kernels(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Kernels {
    /// Those for whose mangled name `chosen` is true.
    pub fn new(chosen: impl Fn(&str) -> bool + Send + Sync + 'static) -> Kernels {
        Kernels(Arc::new(chosen))
    }

    /// Every kernel.
    pub fn all() -> Kernels {
        Kernels::new(|_| true)
    }

    /// Whether this one is meant.
    pub fn has(&self, kernel: &str) -> bool {
        (self.0)(kernel)
    }
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kernels")
    }
}

/// What an engine looks at.
#[derive(Clone, Debug, Default)]
pub struct Observe {
    /// Kernels whose lines are counted. `None`: nothing is counted.
    pub kernels: Option<Kernels>,
    /// Of a kernel's launches the first of every so many is counted; 0 means 1.
    pub every: u64,
    /// Compare with binary64. Every launch of every kernel is followed then, those of `kernels` are reported; launches
    /// run on one CPU thread.
    pub shadow: bool,
    /// When to stop a launch, of any kernel.
    pub stop: Stop,
}

impl Observe {
    /// Whether anything is asked for.
    pub fn any(&self) -> bool {
        self.kernels.is_some() || self.shadow || self.stop.any()
    }
}

/// How a kernel is lowered when it is observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Looking {
    /// Count.
    pub tally: bool,
    /// Stop.
    pub stop: Stop,
    /// Follow in binary64.
    pub shadow: bool,
}

/// Operands of the observed instruction that runs, and what the worker has counted.
pub(crate) struct Watching {
    /// By operand.
    pub operands: [Row; 3],
    /// By [`Program::sites`].
    pub tallies: Vec<Tally>,
    /// What is followed in binary64.
    pub shadow: Option<shadow::Shadow>,
}

/// A value per lane, aligned for vector code.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Row(pub [f32; LANES]);

impl Watching {
    pub(crate) fn new(program: &Program, words: Option<&ShadowWords>) -> Watching {
        Watching {
            shadow: words.map(|w| shadow::Shadow::new(w.clone(), program.sites.len())),
            operands: [Row([0.0; LANES]); 3],
            tallies: vec![Tally::default(); program.sites.len()],
        }
    }
}

/// What was counted at an instruction of a PTX line, over all launches of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Mangled kernel name.
    pub kernel: String,
    /// The line; of a device function that the kernel calls, too.
    pub location: Location,
    /// What the instruction does.
    pub kind: Kind,
    /// Format of the result, by name.
    pub format: String,
    /// Its facts.
    pub limits: Facts,
    /// The counters.
    pub tally: Tally,
    /// Distance from binary64, if that was asked for.
    pub errors: Option<Errors>,
}

/// Shadows of memory, shared by all launches of an engine.
pub(crate) type ShadowWords = Arc<Mutex<shadow::Words>>;

struct Seen {
    program: Arc<Program>,
    ptx: Arc<ptx::ast::Module>,
    kernel: String,
    tallies: Vec<Tally>,
    errors: Option<Vec<Errors>>,
}

#[derive(Default)]
struct State {
    /// By mangled name: whether it is one of [`Observe::kernels`], and its launches.
    launches: BTreeMap<String, (bool, u64)>,
    seen: Vec<Seen>,
}

/// Collects over the launches of an engine.
pub(crate) struct Observer {
    observe: Observe,
    state: Mutex<State>,
    words: ShadowWords,
}

impl Observer {
    pub(crate) fn new(observe: Observe) -> Observer {
        Observer {
            observe,
            state: Mutex::default(),
            words: ShadowWords::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A launch of `kernel` begins: how to look at it, if at all.
    pub(crate) fn begin(&self, kernel: &str) -> Option<Looking> {
        let o = &self.observe;
        let mut state = self.state();
        let first = || (o.kernels.as_ref().is_some_and(|k| k.has(kernel)), 0);
        let (chosen, launches) = state.launches.entry(kernel.into()).or_insert_with(first);
        let looking = Looking {
            tally: *chosen && launches.is_multiple_of(o.every.max(1)),
            stop: o.stop,
            shadow: o.shadow,
        };
        *launches += 1;
        (looking.tally || looking.shadow || looking.stop.any()).then_some(looking)
    }

    /// Shadows of what is allocated in `memory`, if shadows are wanted.
    pub(crate) fn words(&self, memory: &Memory) -> Option<&ShadowWords> {
        let words = self.observe.shadow.then_some(&self.words)?;
        words
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keep_allocated(memory);
        Some(words)
    }

    /// Adds what the workers of a launch have counted.
    pub(crate) fn add(&self, kernel: &str, module: &Module, program: &Arc<Program>, counted: Vec<Watching>) {
        let mut state = self.state();
        let known = state.seen.iter().position(|s| Arc::ptr_eq(&s.program, program));
        let at = known.unwrap_or_else(|| {
            state.seen.push(Seen {
                program: program.clone(),
                ptx: module.shared_ptx(),
                kernel: kernel.into(),
                tallies: vec![Tally::default(); program.sites.len()],
                errors: None,
            });
            state.seen.len() - 1
        });
        for worker in counted {
            let seen = &mut state.seen[at];
            for (sum, t) in seen.tallies.iter_mut().zip(&worker.tallies) {
                sum.add(t);
            }
            match (&mut seen.errors, worker.shadow) {
                (Some(sums), Some(more)) => sums.iter_mut().zip(&more.errors).for_each(|(a, b)| a.add(b)),
                (sums @ None, Some(more)) => *sums = Some(more.errors),
                _ => {}
            }
        }
    }

    /// What was counted, by kernel, file, line, format; several instructions of a line in the order of the text.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        let state = self.state();
        let mut all: BTreeMap<(String, String, u32, String, Kind), Observation> = BTreeMap::new();
        for s in &state.seen {
            let places = Places::new(&s.ptx);
            let wanted = self.observe.kernels.as_ref().is_none_or(|k| k.has(&s.kernel));
            for (k, (site, tally)) in s.program.sites.iter().zip(&s.tallies).enumerate() {
                let errors = s.errors.as_ref().map(|e| &e[k]).filter(|e| e.count > 0);
                if !site.reported || !wanted || tally.executions == 0 && errors.is_none() {
                    continue;
                }
                let location = places.location(&s.program, &site.origin);
                let format = site.format.name();
                let key = (
                    s.kernel.clone(),
                    location.file.clone(),
                    location.line,
                    format.clone(),
                    site.kind,
                );
                let sum = all.entry(key).or_insert_with(|| Observation {
                    kernel: s.kernel.clone(),
                    location,
                    kind: site.kind,
                    format,
                    limits: site.facts,
                    tally: Tally::default(),
                    errors: None,
                });
                sum.tally.add(tally);
                if let Some(errors) = errors {
                    sum.errors.get_or_insert_default().add(errors);
                }
            }
        }
        all.into_values().collect()
    }
}
