//! What the library wrote while a program ran, read from the records of its processes and added up.

use record::run::{Counts, Cycles, Kernel, LossScale, Overridden, Progress, Rule, Tensor};
use record::{Blame, Cause, Event, Observation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;
use tell::number::{clock, grouped, si};

/// A PTX line that was executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// As the record has it.
    #[serde(flatten)]
    pub executed: record::run::Line,
    /// Estimated time: the kernel's, shared out by samples.
    pub seconds: f64,
}

/// A launch that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Mangled name.
    pub kernel: String,
    /// Why.
    pub cause: Cause,
    /// In words.
    pub message: String,
    /// It is a fault of the kernel, and the program asked CUDA how it went: it was ready for it.
    pub looked_at: bool,
}

impl Fault {
    /// Whether a program is prepared for it, so that its results may be right all the same.
    pub fn is_excused(&self) -> bool {
        match self.cause.blame() {
            Blame::Kernel => self.looked_at,
            Blame::Request => true,
            Blame::Vernier => false,
        }
    }

    /// The message without the PTX lines that follow.
    pub fn headline(&self) -> String {
        let message = self.message.strip_prefix("error: ").unwrap_or(&self.message);
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        match first.ends_with(':').then(|| lines.next()).flatten() {
            Some(next) => format!("{first} {}", next.trim().trim_start_matches("error: ")),
            None => first.into(),
        }
    }
}

/// Where a module's code came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Name.
    pub name: String,
    /// `embedded` or `file PATH`.
    pub source: String,
}

/// What the library found out, all processes of all stages together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// What was executed.
    #[serde(flatten)]
    pub counts: Counts,
    /// Share of lanes that were active, 0 to 1.
    pub active_lanes: f64,
    /// Wall-clock time inside kernels, seconds.
    pub kernel_seconds: f64,
    /// Most device memory that a process held, bytes.
    pub peak_device_bytes: u64,
    /// Modules loaded.
    pub modules: Vec<Module>,
    /// Per kernel, by name.
    pub kernels: Vec<Kernel>,
    /// What the override rewrote, in module order.
    pub overridden: Vec<Overridden>,
    /// What became of the rules of the policy, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What was done to the tensors of the policy, in the order of `Policy::tensors`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tensors: Vec<Tensor>,
    /// Loss scaling, one entry for each process that trained with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loss_scale: Vec<LossScale>,
    /// Calls that Vernier does not support, and how often they were made.
    pub unsupported: BTreeMap<String, u64>,
    /// Kernels that ended early, and launches that were refused.
    #[serde(skip_deserializing)] // older summaries say no cause
    pub faults: Vec<Fault>,
    /// CUDA libraries that the program loaded or tried to, which Vernier does not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
    /// Processes that used the library.
    pub processes: u64,
    /// Those of them that came to their end, so that their totals are whole.
    #[serde(skip)]
    pub ended: u64,
    /// In performance mode: simulated time by kernel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cycles: Vec<Cycles>,
    /// With `--profile`: executed PTX lines, the costliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// With `--observe`: what numbers did, by kernel and PTX line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
}

impl Totals {
    /// Adds every `*.jsonl` of a folder, by name. Of a process that was killed the totals are those that it noted while it
    /// ran.
    ///
    /// # Errors
    /// A record of another version, or a file that is no record.
    pub fn read(&mut self, folder: &Path) -> Result<(), Error> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        files.retain(|p| p.extension().is_some_and(|e| e == "jsonl"));
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).map_err(|e| Error::file("read", &file, &e))?;
            let events = Event::read(&text)
                .map_err(|e| Error::failed(format!("the run record {}: {e}", file.display()), ""))?;
            let ended = events.iter().any(|e| matches!(e, Event::End(_)));
            events.into_iter().for_each(|e| self.add(e));
            if ended {
                self.ended += 1;
            } else {
                let so_far = progress(&file.with_extension("progress")).map(|p| p.so_far);
                so_far.into_iter().flatten().for_each(|e| self.add(e));
            }
        }
        Ok(())
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::Start(_) => self.processes += 1,
            Event::Module(m) => {
                for o in m.overridden {
                    // A module that several stages load is overridden once.
                    if !self.overridden.contains(&o) {
                        self.overridden.push(o);
                    }
                }
                let module = Module {
                    name: m.name,
                    source: m.source,
                };
                if !self.modules.contains(&module) {
                    self.modules.push(module);
                }
            }
            Event::Kernel(more) => match self.kernels.iter_mut().find(|k| k.name == more.name) {
                Some(known) => known.add(&more),
                None => self.kernels.push(more),
            },
            Event::Trap(trap) => self.faults.push(Fault {
                kernel: trap.kernel,
                cause: trap.cause,
                message: trap.message,
                looked_at: trap.looked_at,
            }),
            Event::LaunchError(refused) => self.faults.push(Fault {
                kernel: refused.kernel,
                cause: refused.cause,
                message: refused.message,
                looked_at: false,
            }),
            Event::Library(library) => {
                if !library.allowed && !self.libraries.contains(&library.name) {
                    self.libraries.push(library.name);
                }
            }
            Event::Unsupported(u) => *self.unsupported.entry(u.function).or_default() += u.count,
            Event::Cycles(more) => match self.cycles.iter_mut().find(|c| c.kernel == more.kernel) {
                Some(known) => known.add(&more),
                None => self.cycles.push(more),
            },
            Event::Line(executed) => self.lines.push(Line {
                executed,
                seconds: 0.0,
            }),
            Event::Observation(observation) => self.observations.push(*observation),
            Event::Rule(more) => match self.rules.iter_mut().find(|r| r.number == more.number) {
                Some(known) => known.add(more),
                None => self.rules.push(more),
            },
            Event::Tensor(more) => match self.tensors.iter_mut().find(|t| t.number == more.number) {
                Some(known) => known.add(more),
                None => self.tensors.push(more),
            },
            Event::LossScale(loss) => self.loss_scale.push(loss),
            Event::Skipped { .. } | Event::Digest(_) => {}
            Event::End(end) => {
                self.counts.add(&end.counts);
                self.kernel_seconds += end.kernel_seconds;
                self.peak_device_bytes = self.peak_device_bytes.max(end.peak_device_bytes);
            }
        }
    }

    /// Adds up the observations of the same lines of several processes, and sorts by kernel and line.
    pub fn complete_observations(&mut self) {
        let all = &mut self.observations;
        all.sort_by(|a, b| a.key().cmp(&b.key()));
        all.dedup_by(|again, first| {
            let same = again.key() == first.key();
            if same {
                first.add(again);
            }
            same
        });
    }

    /// The first launch that failed for a reason for which no program is prepared.
    pub fn first_fault(&self) -> Option<&Fault> {
        self.faults.iter().find(|f| !f.is_excused())
    }

    /// `57 instructions in 3 kernels: linear_forward 40, ...`
    pub fn overridden_text(&self) -> String {
        let all: u64 = self.overridden.iter().map(|o| o.instructions).sum();
        let list: Vec<String> = self
            .overridden
            .iter()
            .map(|o| format!("{} {}", o.kernel, o.instructions))
            .collect();
        let (s, k) = (
            if all == 1 { "" } else { "s" },
            if list.len() == 1 { "" } else { "s" },
        );
        let colon = if list.is_empty() { "" } else { ": " };
        format!(
            "{all} instruction{s} in {} kernel{k}{colon}{}",
            list.len(),
            list.join(", ")
        )
    }
}

/// What the library says while kernels run: `PID.progress`.
fn progress(file: &Path) -> Option<Progress> {
    Progress::read(&fs::read_to_string(file).ok()?)
}

/// Whether a process wrote into a stage's folder: it loaded the library.
pub fn was_loaded(folder: &Path) -> bool {
    let mut files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.any(|e| e.path().extension().is_some_and(|x| x == "jsonl"))
}

/// The progress line of a stage, from the newest progress file of its folder.
pub fn progress_line(folder: &Path, stage: &str, seconds: f64) -> Option<String> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|e| e.path());
    let files = files.filter(|p| p.extension().is_some_and(|e| e == "progress"));
    let newest = files.max_by_key(|p| fs::metadata(p).and_then(|m| m.modified()).ok())?;
    let p = progress(&newest)?;
    let blocks = match p.blocks_total {
        0 => String::new(),
        total => format!(" block {}/{total}", p.blocks_done),
    };
    let elapsed = clock(seconds);
    let (launches, work) = (grouped(p.launches), si(p.thread_instructions as f64));
    Some(format!(
        "{stage} {elapsed}  {launches} launches  {work} thread-instructions  {}{blocks}",
        p.kernel
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::run::{End, LaunchError, Start, Trap};

    /// The lines of a record.
    fn record(events: &[Event]) -> String {
        let lines = events.iter().map(|e| serde_json::to_string(e).unwrap() + "\n");
        lines.collect()
    }

    fn start() -> Event {
        Event::Start(Start {
            version: record::VERSION,
            pid: 1,
            program: "p".into(),
            time_unix_s: 0.0,
            vernier: "0".into(),
            cuda: 13,
        })
    }

    /// The totals at the end of a process.
    fn totals() -> [Event; 2] {
        let counts = Counts {
            launches: 2,
            thread_instructions: 10,
            variable_instructions: 4,
            ..Counts::default()
        };
        [
            Event::Kernel(Kernel {
                name: "k".into(),
                counts: counts.clone(),
                seconds: 0.5,
            }),
            Event::End(End {
                counts,
                kernel_seconds: 0.5,
                peak_device_bytes: 7,
            }),
        ]
    }

    #[test]
    fn records_add_up_and_unfinished_lines_are_skipped() {
        let dir = std::env::temp_dir().join(format!("vernier-record-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let module = Event::Module(record::run::Module {
            name: "m".into(),
            source: "embedded".into(),
            kernels: 1,
            overridden: vec![Overridden {
                kernel: "k".into(),
                instructions: 3,
            }],
        });
        let text = record(&[start(), module]) + &record(&totals());
        fs::write(dir.join("1.jsonl"), &text).unwrap();
        fs::write(dir.join("2.jsonl"), text.clone() + "{\"event\":\"ke").unwrap();
        let mut totals = Totals::default();
        totals.read(&dir).unwrap();
        assert_eq!(
            (
                totals.processes,
                totals.counts.launches,
                totals.counts.thread_instructions
            ),
            (2, 4, 20)
        );
        assert_eq!(totals.kernels.len(), 1);
        assert_eq!(totals.overridden_text(), "3 instructions in 1 kernel: k 3");
        // One of another version is not guessed at.
        fs::write(dir.join("3.jsonl"), "{\"event\":\"start\",\"pid\":1}\n").unwrap();
        let error = Totals::default().read(&dir).unwrap_err().to_string();
        fs::remove_dir_all(&dir).unwrap();
        assert!(
            error.contains("3.jsonl: it is of version 0") && error.contains("run the program again"),
            "{error}"
        );
    }

    #[test]
    fn a_killed_process_keeps_what_it_had_counted() {
        let dir = std::env::temp_dir().join(format!("vernier-killed-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert!(!was_loaded(&dir));
        fs::write(dir.join("1.jsonl"), record(&[start()])).unwrap();
        let progress = Progress {
            launches: 2,
            thread_instructions: 10,
            kernel: "k".into(),
            blocks_done: 0,
            blocks_total: 0,
            so_far: totals().into(),
        };
        let progress = serde_json::to_string(&progress).unwrap() + "   \n";
        fs::write(dir.join("1.progress"), &progress).unwrap();
        // One that ended has its totals in its record: they do not count twice.
        let whole = record(&[start()]) + &record(&totals());
        fs::write(dir.join("2.jsonl"), whole).unwrap();
        fs::write(dir.join("2.progress"), &progress).unwrap();
        let mut totals = Totals::default();
        totals.read(&dir).unwrap();
        assert!(was_loaded(&dir));
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(
            (
                totals.processes,
                totals.counts.launches,
                totals.kernels[0].counts.launches
            ),
            (2, 4, 4)
        );
    }

    #[test]
    fn a_fault_that_the_program_looked_at_is_its_own() {
        let mut totals = Totals::default();
        let trap = |looked_at: bool| {
            Event::Trap(Trap {
                kernel: "k".into(),
                cause: Cause::OutOfBounds,
                message: String::new(),
                looked_at,
            })
        };
        totals.add(trap(true));
        assert_eq!((totals.faults.len(), totals.first_fault()), (1, None));
        // A launch that Vernier refused is none that a program is made for; one that no device takes is the program's concern.
        for (cause, is_excused) in [(Cause::RefusedCode, false), (Cause::Configuration, true)] {
            let mut refused = Totals::default();
            refused.add(Event::LaunchError(LaunchError {
                kernel: "k".into(),
                cause,
                message: String::new(),
            }));
            assert_eq!(refused.first_fault().is_none(), is_excused);
        }
        totals.add(trap(false));
        assert!(totals.first_fault().is_some());
    }
}
