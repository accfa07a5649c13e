//! The record of a run: the folder under `runs/`, what the library wrote there, and the summary.

use crate::cache;
use crate::error::Error;
use crate::profile::{self, Line};
use crate::{observe, rules, tensors};
use record::run::{Counts, Kernel, LossScale, Overridden, Progress, Rule, Tensor};
use record::{Blame, Cause, Event, Observation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The file of the summary in the record of a run.
pub const SUMMARY: &str = "summary.json";

/// Where the files of one run lie; removed at the end when nothing is to be kept.
pub struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// `RUNS/STAMP-NAME`, a name that no other run has. Without `runs` a temporary one.
    pub fn create(runs: Option<&Path>, name: &str) -> Result<Folder, Error> {
        let parent = runs.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let parent = std::path::absolute(&parent).map_err(|e| Error::file("find", &parent, &e))?;
        cache::create(&parent)?;
        let stem = match runs {
            Some(_) => format!("{}-{name}", stamp(SystemTime::now())),
            None => format!("vernier-{}", std::process::id()),
        };
        for n in 0.. {
            let path = parent.join(if n == 0 {
                stem.clone()
            } else {
                format!("{stem}-{n}")
            });
            // What a program prints and computes is its user's, also in a folder that all may read.
            match cache::create_private(&path) {
                Ok(()) => {
                    return Ok(Folder {
                        path,
                        keep: runs.is_some(),
                    });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::file("create the folder", &path, &e)),
            }
        }
        unreachable!("the loop above has no end but return")
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it stays.
    pub fn is_kept(&self) -> bool {
        self.keep
    }

    /// A folder for the records of one stage.
    pub fn stage(&self, stage: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(stage);
        cache::create(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // A temporary folder that cannot be removed is the system's to clean.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// `20261123-175335`, UTC.
pub fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()) as i64;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to date in the proleptic Gregorian calendar, with years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}{month:02}{day:02}-{hour:02}{minute:02}{:02}",
        second % 60
    )
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

/// `m:ss`.
fn clock(seconds: f64) -> String {
    let s = seconds as u64;
    format!("{}:{:02}", s / 60, s % 60)
}

/// `12,345,678`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1.23 G`.
pub fn si(number: f64) -> String {
    let (scale, unit) = match number {
        n if n >= 1e12 => (1e12, " T"),
        n if n >= 1e9 => (1e9, " G"),
        n if n >= 1e6 => (1e6, " M"),
        n if n >= 1e3 => (1e3, " k"),
        _ => (1.0, ""),
    };
    let digits = if scale == 1.0 { 0 } else { 2 };
    format!("{:.digits$}{unit}", number / scale)
}

/// A stage that ran.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StageSummary {
    /// build, train, test, cleanup or exec.
    pub stage: String,
    /// As one would type it.
    pub command: String,
    /// Wall-clock time, seconds.
    pub seconds: f64,
    /// As the shell sees it.
    pub exit_code: i32,
}

/// The format of a run, as the record has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FormatSummary {
    /// As the user named it; empty when none was asked for.
    pub name: String,
    /// P; `None` when no format was asked for.
    pub significand: Option<u32>,
    /// EMIN.
    pub exponent_min: Option<i32>,
    /// EMAX.
    pub exponent_max: Option<i32>,
    /// rz, rm, rn or rp.
    pub input_rounding: String,
    /// `vf32`, `none`, or empty for what the PTX files say.
    pub r#override: String,
    /// What sums run in, as the user named it; empty when that was not said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub accumulate: String,
    /// The file of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
}

/// The summary of a run: printed, written as `summary.json` and to `--json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Version of Vernier.
    pub vernier: String,
    /// Program or binary.
    pub program: String,
    /// The `vernier` command line.
    pub command: Vec<String>,
    /// The folder in which it was typed.
    pub folder: PathBuf,
    /// What was asked for.
    pub format: FormatSummary,
    /// In order.
    pub stages: Vec<StageSummary>,
    /// Why the run failed, if it did: what it says of its results means nothing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The last accuracy that the program printed, percent.
    pub accuracy_percent: Option<f64>,
    /// Answers that are right, and answers, of the last test, if the program said so.
    pub correct: Option<(u32, u32)>,
    /// The last loss that the program printed.
    pub loss: Option<f64>,
    /// The epochs that the program spoke of while it trained.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epochs_trained: Vec<u32>,
    /// How many it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs_asked: Option<u32>,
    /// Most memory that the program was seen to hold, bytes.
    pub peak_bytes: Option<u64>,
    /// From the library.
    #[serde(flatten)]
    pub totals: Totals,
    /// Thread-instructions per second of kernel time.
    pub thread_instructions_per_second: f64,
    /// Wall-clock time of all stages, seconds.
    pub seconds: f64,
    /// The run-record folder, if kept.
    pub record: Option<PathBuf>,
}

impl Summary {
    /// Fills what follows from other fields.
    pub fn complete(&mut self) {
        self.seconds = self.stages.iter().map(|s| s.seconds).sum();
        profile::complete(&mut self.totals);
        observe::complete(&mut self.totals);
        let instructions = self.totals.counts.thread_instructions as f64;
        let warps = self.totals.counts.warp_instructions.max(1) as f64;
        self.totals.active_lanes = instructions / (32.0 * warps);
        let time = self.totals.kernel_seconds;
        self.thread_instructions_per_second = if time > 0.0 { instructions / time } else { 0.0 };
    }

    /// Reads a `summary.json`; older ones leave out what was not there yet.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Summary, Error> {
        let text = fs::read_to_string(path).map_err(|e| Error::file("read", path, &e))?;
        serde_json::from_str(&text).map_err(|e| {
            Error::failed(
                format!("{} is no summary of a run: {e}", path.display()),
                "`vernier run` and `vernier exec` write one into the folder of their record",
            )
        })
    }

    /// The JSON text, with a newline at its end.
    pub fn json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.map_err(|e| Error::failed(format!("the summary cannot be written as JSON: {e}"), ""))?;
        Ok(text + "\n")
    }

    /// The lines printed at the end of a run.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut row = |name: &str, value: String| lines.push(format!("  {name:<20} {value}"));
        row("program", self.program.clone());
        row("format", self.format_text());
        if self.format.r#override == "vf32" && self.totals.processes > 0 {
            row("overridden", self.totals.overridden_text());
        }
        if self.format.policy.is_some() {
            for rule in &self.totals.rules {
                row("rule", rules::line(rule));
            }
            for tensor in &self.totals.tensors {
                row("tensor", tensors::line(tensor));
            }
            for loss in &self.totals.loss_scale {
                row("loss scale", tensors::loss_line(loss));
            }
        }
        if let (Some(first), Some(last)) = (self.epochs_trained.first(), self.epochs_trained.last()) {
            let count = self.epochs_trained.len();
            let numbers = match count {
                1 => format!("1 (number {first})"),
                _ => format!("{count} ({first} to {last})"),
            };
            let asked = match self.epochs_asked {
                Some(asked) if asked as usize != count => {
                    format!("; {asked} asked for: the program counts them another way")
                }
                _ => String::new(),
            };
            row("epochs trained", numbers + &asked);
        }
        if let Some(accuracy) = self.accuracy_percent {
            row("accuracy", format!("{accuracy:.2} %"));
        }
        let t = &self.totals;
        if t.processes > 0 {
            row("launches", grouped(t.counts.launches));
            let speed = match self.thread_instructions_per_second {
                0.0 => String::new(),
                rate => format!(" ({}/s in kernels)", si(rate)),
            };
            row(
                "thread-instructions",
                format!("{}{speed}", grouped(t.counts.thread_instructions)),
            );
            if t.counts.variable_instructions > 0 {
                row("in variable format", grouped(t.counts.variable_instructions));
            }
            for (name, value) in profile::counter_rows(t) {
                row(name, value);
            }
        }
        for (function, count) in &t.unsupported {
            row("not supported", format!("{function} (called {count} times)"));
        }
        if !t.faults.is_empty() {
            row("failed launches", grouped(t.faults.len() as u64));
        }
        let times: Vec<String> = self
            .stages
            .iter()
            .map(|s| format!("{} {:.1} s", s.stage, s.seconds))
            .collect();
        let kernels = if t.processes > 0 {
            format!(" (kernels {:.1} s)", t.kernel_seconds)
        } else {
            String::new()
        };
        row("time", times.join(", ") + &kernels);
        if let Some(record) = &self.record {
            row("record", record.display().to_string());
        }
        lines
    }

    /// The format in words.
    pub fn format_text(&self) -> String {
        let f = &self.format;
        match (f.significand, f.exponent_min, f.exponent_max) {
            (Some(p), Some(emin), Some(emax)) => {
                let name = if f.name.contains(',') {
                    String::new()
                } else {
                    format!("{} ", f.name)
                };
                format!(
                    "{name}(P {p}, exponents {emin} to {emax}), input rounding {}",
                    f.input_rounding
                )
            }
            _ => "as the program says (fp32 where nothing else is set)".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::run::{End, LaunchError, Start, Trap};
    use std::time::Duration;

    #[test]
    fn stamps_are_utc_dates() {
        assert_eq!(stamp(UNIX_EPOCH), "19700101-000000");
        assert_eq!(
            stamp(UNIX_EPOCH + Duration::from_secs(951_782_400)),
            "20000229-000000"
        );
        assert_eq!(
            stamp(UNIX_EPOCH + Duration::from_secs(1_795_456_415)),
            "20261123-175335"
        );
    }

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
    fn a_loop_of_epochs_that_takes_both_ends_shows() {
        let summary = Summary {
            epochs_trained: vec![1, 2, 3],
            epochs_asked: Some(2),
            ..Summary::default()
        };
        let lines = summary.lines().join("\n");
        assert!(lines.contains("3 (1 to 3); 2 asked for"), "{lines}");
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

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(si(2.5e9), "2.50 G");
        assert_eq!(clock(75.0), "1:15");
    }
}
