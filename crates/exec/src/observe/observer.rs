//! Collects what was observed over the launches of an engine.

use super::site::Looking;
use super::tally::Tally;
use super::watching::{Errors, ShadowWords, Watching};
use super::{Observation, Observe};
use crate::memory::Memory;
use crate::profile::Places;
use crate::program::Program;
use ir::Kind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

struct Seen {
    program: Arc<Program>,
    ptx: ptx::Checked,
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
    pub(crate) fn add(
        &self,
        kernel: &str,
        ptx: &ptx::Checked,
        program: &Arc<Program>,
        counted: Vec<Watching>,
    ) {
        let mut state = self.state();
        let known = state.seen.iter().position(|s| Arc::ptr_eq(&s.program, program));
        let at = known.unwrap_or_else(|| {
            state.seen.push(Seen {
                program: program.clone(),
                ptx: ptx.clone(),
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
