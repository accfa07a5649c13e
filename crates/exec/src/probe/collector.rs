//! Collects what probes read over the launches of an engine, by kernel, and shows it by line.

use super::Probes;
use super::asked::Asked;
use super::instruments::{Instruments, Readings};
use super::profile::{LineProfile, Sampler, Watched};
use crate::location::Locations;
use crate::memory::Memory;
use crate::observe::Observation;
use crate::observe::shadows::{Shadow, ShadowWords, lock};
use crate::observe::tally::Tally;
use crate::program::Program;
use ir::{Kind, Origin};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A program that was launched. It is kept, so no other can have its address.
struct Seen {
    program: Arc<Program>,
    ptx: ptx::Checked,
    kernel: String,
    /// The sampler's number of its first instruction.
    base: u32,
    readings: Readings,
}

#[derive(Default)]
struct State {
    /// By mangled name: whether it is one of [`crate::observe::Observe::kernels`], and its launches.
    launches: BTreeMap<String, (bool, u64)>,
    seen: Vec<Seen>,
}

/// Collects over the launches of an engine.
pub(crate) struct Collector {
    probes: Probes,
    sampler: Option<Sampler>,
    /// Shadows of memory.
    words: ShadowWords,
    state: Mutex<State>,
}

/// A launch that tells something; it is under way as long as this is there.
pub(crate) struct Probed<'a> {
    collector: &'a Collector,
    /// Index of the program.
    seen: usize,
    base: u32,
    _watched: Option<Watched<'a>>,
}

impl Collector {
    /// None if nothing is asked.
    pub fn new(probes: Probes) -> Option<Collector> {
        (probes.profile || probes.observe.any()).then(|| Collector {
            sampler: probes.profile.then(Sampler::new),
            probes,
            words: ShadowWords::default(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A launch of `kernel` begins: what it is asked.
    pub fn ask(&self, kernel: &str) -> Asked {
        let o = &self.probes.observe;
        let mut state = self.state();
        let first = || (o.kernels.as_ref().is_some_and(|k| k.has(kernel)), 0);
        let (chosen, launches) = state.launches.entry(kernel.into()).or_insert_with(first);
        let asked = Asked {
            profile: self.probes.profile,
            tally: *chosen && launches.is_multiple_of(o.every.max(1)),
            stop: o.stop,
            shadow: o.shadow,
            steps: false,
        };
        *launches += 1;
        asked
    }

    /// The launch begins, with the program that was made for what it is asked.
    pub fn launch(
        &self,
        kernel: &str,
        program: &Arc<Program>,
        ptx: &ptx::Checked,
        memory: &Memory,
    ) -> Probed<'_> {
        if program.asked.shadow {
            lock(&self.words).keep_allocated(memory);
        }
        let mut state = self.state();
        let known = state.seen.iter().position(|s| Arc::ptr_eq(&s.program, program));
        let seen = known.unwrap_or_else(|| {
            let base = self.sampler.as_ref().map(|s| s.program(program.code.len()));
            state.seen.push(Seen {
                program: program.clone(),
                ptx: ptx.clone(),
                kernel: kernel.into(),
                base: base.unwrap_or(0),
                readings: Readings::default(),
            });
            state.seen.len() - 1
        });
        Probed {
            collector: self,
            seen,
            base: state.seen[seen].base,
            _watched: self.sampler.as_ref().map(Sampler::watch),
        }
    }

    /// Executed lines, by kernel and line; none if no profile is asked.
    pub fn lines(&self) -> Vec<LineProfile> {
        let mut lines: BTreeMap<(String, String, u32), LineProfile> = BTreeMap::new();
        let Some(sampler) = &self.sampler else {
            return Vec::new();
        };
        for s in &self.state().seen {
            let locations = Locations::new(&s.program, &s.ptx);
            let mut at = |origin: &Origin, samples, lanes, visits| {
                if samples == 0 && visits == 0 {
                    return;
                }
                let key = (
                    s.kernel.clone(),
                    s.ptx.source.name.clone(),
                    locations.line(origin),
                );
                let l = lines.entry(key).or_insert_with(|| LineProfile {
                    kernel: s.kernel.clone(),
                    location: locations.of(origin),
                    samples: 0,
                    thread_instructions: 0,
                    warp_instructions: 0,
                });
                l.samples += samples;
                l.thread_instructions += lanes;
                l.warp_instructions += visits;
            };
            let mut counted = s.program.counted.iter();
            for (block, (visits, lanes)) in s.program.blocks.iter().zip(&s.readings.counts) {
                for origin in counted.by_ref().take(block.instructions as usize) {
                    at(origin, 0, *lanes, *visits);
                }
            }
            let samples = sampler.samples(s.base, s.program.code.len());
            for (origin, n) in s.program.origins.iter().zip(samples) {
                at(origin, n, 0, 0);
            }
        }
        lines.into_values().collect()
    }

    /// What was counted, by kernel, file, line, format; several instructions of a line in the order of the text.
    pub fn observations(&self) -> Vec<Observation> {
        let mut all: BTreeMap<(String, String, u32, String, Kind), Observation> = BTreeMap::new();
        for s in &self.state().seen {
            let locations = Locations::new(&s.program, &s.ptx);
            let chosen = self.probes.observe.kernels.as_ref();
            let wanted = chosen.is_none_or(|k| k.has(&s.kernel));
            for (k, (site, tally)) in s.program.sites.iter().zip(&s.readings.tallies).enumerate() {
                let errors = s.readings.errors.get(k).filter(|e| e.count > 0);
                if !site.reported || !wanted || tally.executions == 0 && errors.is_none() {
                    continue;
                }
                let location = locations.of(&site.origin);
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

impl Probed<'_> {
    /// Instruments for a worker.
    pub fn instruments(&self, program: &Program) -> Instruments {
        let Collector { sampler, words, .. } = self.collector;
        let sites = program.sites.len();
        let marker = sampler.as_ref().map(|s| s.marker(self.base));
        let shadow = program.asked.shadow.then(|| Shadow::new(words.clone(), sites));
        Instruments::new(sites, marker, shadow)
    }

    /// Adds what the launch has told. Of one that has `trapped` only the counters count: how far its workers came behind
    /// the trap is not the same in every run.
    pub fn add(&self, readings: Readings, trapped: bool) {
        let readings = match trapped {
            true => Readings {
                counts: readings.counts,
                ..Readings::default()
            },
            false => readings,
        };
        self.collector.state().seen[self.seen].readings.add(readings);
    }
}
