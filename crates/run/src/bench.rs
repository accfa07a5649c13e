//! Times whole programs, from the start of the process to its end, in many formats.

use crate::output::Output;
use crate::profile::kernel_table;
use crate::program::Program;
use crate::settings::{NamedFormat, Settings, Stage, Words};
use crate::stages::{self, Context};
use record::run::Kernel;
use serde::Serialize;
use std::path::Path;
use tell::Error;
use tell::number::si;

/// What to time.
pub struct Plan {
    /// Programs.
    pub programs: Vec<Program>,
    /// In which formats each.
    pub formats: Vec<NamedFormat>,
    /// How often each.
    pub repeat: u32,
    /// CPU threads of the engine; `None` for all cores.
    pub threads: Option<u32>,
}

/// One program in one format.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Program.
    pub program: String,
    /// Format.
    pub format: String,
    /// Wall-clock time of the process, of each run in the order run, seconds.
    pub seconds: Vec<f64>,
    /// Their median, seconds.
    pub median_seconds: f64,
    /// Wall-clock time in kernels, of the median run, seconds.
    pub kernel_seconds: f64,
    /// PTX instructions times active threads.
    pub thread_instructions: u64,
    /// Per second of kernel time, of the median run.
    pub thread_instructions_per_second: f64,
    /// What the program printed last, percent.
    pub accuracy_percent: Option<f64>,
    /// Kernels of the median run.
    pub kernels: Vec<Kernel>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of Vernier.
    pub vernier: String,
    /// CPU threads of the engine.
    pub threads: usize,
    /// Runs of each.
    pub repeat: u32,
    /// In the order timed.
    pub entries: Vec<Entry>,
}

/// Builds the programs, runs each test `plan.repeat` times in each format, and calls `done` after each entry.
///
/// # Errors
/// Programs that do not build or fail.
pub fn run(plan: &Plan, library_folder: &Path, mut done: impl FnMut(&Entry)) -> Result<Report, Error> {
    let output = Output::nowhere()?;
    let context = Context {
        library_folder,
        output: &output,
        runs: None,
        command: Vec::new(),
    };
    let flags = |stage, format: Option<&NamedFormat>| Settings {
        stages: Some(vec![stage]),
        format: format.cloned(),
        threads: plan.threads,
        words: Words::Few,
        ..Settings::default()
    };
    for program in &plan.programs {
        stages::run(program, &flags(Stage::Build, None), &context)?.result?;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut report = Report {
        vernier: env!("CARGO_PKG_VERSION").into(),
        threads: plan.threads.map_or(cores, |n| n as usize),
        repeat: plan.repeat,
        entries: Vec::new(),
    };
    for program in &plan.programs {
        for format in &plan.formats {
            let mut runs = Vec::new();
            for _ in 0..plan.repeat.max(1) {
                let run = stages::run(program, &flags(Stage::Test, Some(format)), &context)?;
                run.result?;
                runs.push(run.summary);
            }
            let seconds: Vec<f64> = runs.iter().map(|s| s.seconds).collect();
            runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
            let median = runs.swap_remove(runs.len() / 2);
            let mut kernels = median.totals.kernels;
            kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
            let entry = Entry {
                program: program.name.clone(),
                format: format.text.clone(),
                seconds,
                median_seconds: median.seconds,
                kernel_seconds: median.totals.kernel_seconds,
                thread_instructions: median.totals.counts.thread_instructions,
                thread_instructions_per_second: median.thread_instructions_per_second,
                accuracy_percent: median.accuracy_percent,
                kernels,
            };
            done(&entry);
            report.entries.push(entry);
        }
    }
    Ok(report)
}

/// The head of the table whose rows are [`Entry::row`].
pub fn head() -> String {
    format!(
        "{:<10} {:<8} {:>9} {:>9} {:>9} {:>9} {:>14} {:>10} {:>9}",
        "program",
        "format",
        "median s",
        "fastest",
        "slowest",
        "kernels s",
        "thread-instr.",
        "per second",
        "accuracy"
    )
}

impl Entry {
    /// A row of the table.
    pub fn row(&self) -> String {
        let fastest = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = self.seconds.iter().copied().fold(0.0, f64::max);
        let accuracy = self
            .accuracy_percent
            .map_or(String::new(), |a| format!("{a:.2} %"));
        format!(
            "{:<10} {:<8} {:>9.3} {fastest:>9.3} {slowest:>9.3} {:>9.3} {:>14} {:>10} {accuracy:>9}",
            self.program,
            self.format,
            self.median_seconds,
            self.kernel_seconds,
            si(self.thread_instructions as f64),
            si(self.thread_instructions_per_second),
        )
    }
}

impl Report {
    /// Where the time went, a table for each entry.
    pub fn shares(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for e in &self.entries {
            lines.push(format!("\n{} {}: share of kernel time", e.program, e.format));
            lines.extend(kernel_table(&e.kernels, e.kernel_seconds));
        }
        lines
    }

    /// The JSON text, with a newline at its end.
    ///
    /// # Errors
    /// None that is expected: numbers and names have a JSON form.
    pub fn json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.map_err(|e| Error::failed(format!("the report cannot be written as JSON: {e}"), ""))?;
        Ok(text + "\n")
    }
}
