//! The summary of a run: printed at its end, written as `summary.json`.

use crate::launch::FormatSummary;
use crate::totals::Totals;
use crate::{profile, rules, tensors};
use record::run::Cycles;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;
use tell::number::{grouped, si};

/// The file of the summary in the record of a run.
pub const SUMMARY: &str = "summary.json";

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
        self.totals.complete_observations();
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
        if !t.cycles.is_empty() {
            let sum = |f: fn(&Cycles) -> u64| t.cycles.iter().map(f).sum::<u64>();
            let (cycles, done) = (sum(|c| c.cycles), sum(|c| c.thread_instructions));
            row(
                "simulated cycles",
                format!(
                    "{} (IPC {:.2})",
                    grouped(cycles),
                    done as f64 / cycles.max(1) as f64
                ),
            );
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
}
