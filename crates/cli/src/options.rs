//! Options that `run` and `exec` share.

use crate::Result;
use clap::{Args, ValueEnum};
use exec::observe::Kernels;
use lab::Error;
use lab::said::Pattern;
use lab::settings::{self, NamedFormat, Settings, Words};
use policy::Globs;
use record::variables::{self, Override};
use std::path::{Path, PathBuf};
use vfloat::Rounding;

/// Functional or performance simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// What the kernels compute.
    Functional,
    /// How many cycles they take; not there yet.
    Performance,
}

/// How to compute.
#[derive(Args)]
#[command(next_help_heading = "Arithmetic")]
pub struct Numbers {
    /// Compute in this format: a name (`vernier format` lists them), eXmY, or P,EMIN,EMAX. Overrides every f32
    /// arithmetic instruction, unless edited PTX is read (--ptx, or -gpgpu_generate_ptx 0 in the configuration)
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<NamedFormat>,
    /// What sums over a loop run in, with --format: a format (fp32, say), or none for the format of the rest
    #[arg(long, value_name = "FORMAT", value_parser = accumulator)]
    pub accumulate: Option<String>,
    /// A precision policy: a TOML file of rules that say which instruction of which kernel computes in which format
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How operands are cut to the format: rz (default), rm, rn, rp, ra or ro
    #[arg(long, value_name = "MODE", value_parser = rounding)]
    pub input_rounding: Option<Rounding>,
    /// vf32: rewrite every f32 arithmetic instruction; none: only what the PTX says
    #[arg(long = "override", value_name = "WHAT")]
    pub r#override: Option<Override>,
    /// Read the kernels from the PTX files in this folder, where they define them
    #[arg(long, value_name = "DIR")]
    pub ptx: Option<PathBuf>,
}

/// How to simulate.
#[derive(Args)]
#[command(next_help_heading = "Simulation")]
pub struct Machine {
    /// Device configuration: a gpgpusim.config, a folder that holds one, or the name of a folder under configs/
    #[arg(long, value_name = "CONFIG")]
    pub config: Option<PathBuf>,
    /// functional (default) or performance (not there yet)
    #[arg(long, value_enum, value_name = "MODE")]
    pub mode: Option<Mode>,
    /// CPU threads (default: all cores); results do not depend on it, but for kernels whose blocks race for memory
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Run the blocks of every launch one after the other, in order (VERNIER_DETERMINISTIC): kernels whose blocks race for
    /// memory give the same result in every run, too
    #[arg(long)]
    pub deterministic: bool,
    /// End a launch when one of its blocks has executed this many thread-instructions
    #[arg(long, value_name = "N")]
    pub max_instructions: Option<u64>,
    /// End a stage after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

/// What to look at.
#[derive(Args)]
#[command(next_help_heading = "Numbers")]
pub struct Looking {
    /// Count what the numbers of these kernels do, by PTX line: exponents, overflow, underflow, cancellation, ... K is
    /// a pattern over kernel names as policies have them (default: all kernels)
    #[arg(long, value_name = "K", num_args = 0..=1, require_equals = true, default_missing_value = "*", value_parser = pattern)]
    pub observe: Option<String>,
    /// Observe the first of every N launches of a kernel
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub observe_every: Option<u64>,
    /// Write observe.json and observe.html, with pictures, into this folder
    #[arg(long, value_name = "DIR")]
    pub observe_out: Option<PathBuf>,
    /// Follow every f32 value in binary64 and show how far results are from it, by PTX line (much slower, one thread)
    #[arg(long)]
    pub shadow: bool,
    /// Stop a launch at the first result of finite operands that is nan, inf or overflow (several with commas)
    #[arg(long, value_name = "WHAT", value_parser = stop_at)]
    pub stop_at: Option<String>,
}

impl Looking {
    /// As settings.
    pub fn options(&self) -> Result<lab::observe::Options> {
        Ok(lab::observe::Options {
            kernels: self.observe.clone(),
            every: self.observe_every,
            shadow: self.shadow,
            stop_at: self.stop_at.clone(),
            out: absolute(self.observe_out.as_ref())?,
        })
    }

    /// For an engine of this process.
    pub fn observe(&self) -> exec::Observe {
        // Checked when it was parsed.
        let pattern = self.observe.as_deref().and_then(|p| Globs::new(p).ok());
        exec::Observe {
            kernels: match pattern {
                Some(globs) => Some(Kernels::new(move |k| globs.matches_mangled(k))),
                None => self.counts().then(Kernels::all),
            },
            every: self.observe_every.unwrap_or(1),
            shadow: self.shadow,
            // Checked when it was parsed.
            stop: self
                .stop_at
                .as_deref()
                .and_then(|t| t.parse().ok())
                .unwrap_or_default(),
        }
    }

    /// Whether lines are counted.
    pub fn counts(&self) -> bool {
        self.observe.is_some() || self.observe_out.is_some() || self.shadow
    }
}

/// Checks the pattern of `--observe`.
fn pattern(text: &str) -> std::result::Result<String, String> {
    Globs::new(text).map(|_| text.to_string())
}

/// Checks the words of `--stop-at`.
fn stop_at(text: &str) -> std::result::Result<String, String> {
    text.parse::<exec::observe::Stop>().map(|_| text.to_string())
}

/// What to write and say.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub struct Reports {
    /// Write all output to this file too
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Write the summary as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// How the program says its accuracy, if not in a common form: a regular expression whose first group is the number
    /// (or two groups: right answers, answers)
    #[arg(long, value_name = "REGEX")]
    pub accuracy_pattern: Option<Pattern>,
    /// How the program says its loss
    #[arg(long, value_name = "REGEX")]
    pub loss_pattern: Option<Pattern>,
    /// Print where the time went: kernels, and their costliest PTX lines (the run takes a few percent longer)
    #[arg(long)]
    pub profile: bool,
    /// Folder of run records
    #[arg(long, value_name = "DIR", env = variables::RUNS.name(), default_value = "runs")]
    pub runs: PathBuf,
    /// Keep no run record
    #[arg(long)]
    pub no_record: bool,
    /// Only the program's own output, and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Let the library say more
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// A rounding mode by its name.
pub fn rounding(text: &str) -> std::result::Result<Rounding, String> {
    Rounding::for_operands(text).map_err(|_| "the modes are rz, rm, rn, rp, ra and ro".to_string())
}

/// What sums run in.
pub fn accumulator(text: &str) -> std::result::Result<String, String> {
    settings::accumulator(text).map_err(|e| e.trim_start_matches(": ").to_owned())
}

/// A path of the command line, from the folder that we are in.
pub fn absolute(path: Option<&PathBuf>) -> Result<Option<PathBuf>> {
    path.map(|p| std::path::absolute(p).map_err(|e| Error::file("find", p, &e)))
        .transpose()
}

/// The settings that these options make.
pub fn settings(
    numbers: &Numbers,
    machine: &Machine,
    looking: &Looking,
    reports: &Reports,
) -> Result<Settings> {
    if machine.mode == Some(Mode::Performance) {
        return Err(lab::launch::no_performance(
            "--mode performance",
            "leave --mode away, or --mode functional",
        ));
    }
    let here = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
    let config = machine.config.as_deref().map(Path::to_string_lossy);
    Ok(Settings {
        format: numbers.format.clone(),
        accumulate: numbers.accumulate.clone(),
        policy: absolute(numbers.policy.as_ref())?,
        input_rounding: numbers.input_rounding,
        r#override: numbers.r#override,
        ptx: absolute(numbers.ptx.as_ref())?,
        config: config.map(|c| settings::config(&c, &here)),
        threads: machine.threads,
        max_instructions: machine.max_instructions,
        timeout: machine.timeout,
        log: absolute(reports.log.as_ref())?,
        accuracy_pattern: reports.accuracy_pattern.clone(),
        loss_pattern: reports.loss_pattern.clone(),
        words: match (reports.quiet, reports.verbose) {
            (true, _) => Words::Few,
            (_, true) => Words::Many,
            _ => Words::Usual,
        },
        profile: reports.profile,
        observe: looking.options()?,
        env: machine
            .deterministic
            .then(|| (variables::DETERMINISTIC.name().into(), "1".into()))
            .into_iter()
            .collect(),
        ..Settings::default()
    })
}
