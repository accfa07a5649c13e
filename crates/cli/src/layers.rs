//! `vernier layers`: the layers of a program, found in its launches.

use crate::Result;
use crate::options;
use crate::run::LIBRARY;
use clap::Args;
use run::library;
use run::output::Output;
use run::program::Program;
use run::settings::{Settings, Stage};
use run::stages::{self, Context};
use run::target::{Limits, Target};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use tell::Error;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// A program's folder, or its name under programs/
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    program: Option<String>,
    /// The binary to run, in the program's folder (default: what vernier.toml says, else the folder's name)
    #[arg(long = "program", value_name = "FILE", requires = "program")]
    binary: Option<String>,
    /// Which stage to look at: train or test
    #[arg(long, value_name = "STAGE", default_value = "test")]
    stage: Stage,
    /// Weights to test with (default: what vernier.toml says)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Look at so many launches, then end the program
    #[arg(long, value_name = "N", default_value_t = Limits::default().launches, value_parser = clap::value_parser!(u64).range(1..))]
    launches: u64,
    /// Look for so many seconds, then end the program
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().seconds, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Write what was found as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Leave out what differs from machine to machine: shares of time
    #[arg(long)]
    no_times: bool,
    /// Any CUDA binary and its arguments, after --
    #[arg(last = true, value_name = "BINARY ARGS")]
    command: Vec<OsString>,
}

const HELP: &str = "Runs the beginning of a program, finds what it repeats, and names its layers; policies \
(`layer = \"layer1\"`, `phase = \"backward\"`) speak of what is found here. In the table [N] is a buffer of N elements \
from where the argument points, w a parameter of the network, > one that is written; \"sums\" are instructions that accumulate.

Examples:
  vernier layers mlp
  vernier layers cnn --stage train
  vernier layers -- ./my_program its arguments";

/// Prints the table and keeps the map.
pub fn run(a: &Arguments) -> Result {
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    let (target, settings) = match (&a.program, a.command.split_first()) {
        (Some(name), _) => {
            let program = Program::find(name)?;
            let flags = Settings {
                weights: options::absolute(a.weights.as_ref())?,
                program: a.binary.clone(),
                ..Settings::default()
            };
            let settings = flags.over(program.settings.clone());
            if !program.binary(&settings).is_file() {
                build(&program, &library_folder)?;
            }
            (Target::stage(&program, &settings, a.stage)?, settings)
        }
        (None, Some((binary, args))) => (
            Target::binary(&binary.to_string_lossy(), args)?,
            Settings::default(),
        ),
        (None, None) => return Err(Error::Usage("which program shall be looked at?".into())),
    };
    let limits = Limits {
        launches: a.launches,
        seconds: a.seconds,
    };
    let found = target.layers(&settings, &library_folder, limits)?;
    for line in found.lines(!a.no_times) {
        outln!("{line}");
    }
    let kept = target.keep(&found, &settings)?;
    errln!("vernier: kept in {}", kept.display());
    if let Some(path) = &a.json {
        fs::write(path, found.json()?).map_err(|e| Error::file("write", path, &e))?;
    }
    Ok(())
}

/// Builds a program that was never built.
fn build(program: &Program, library_folder: &std::path::Path) -> Result {
    let output = Output::new(None, false)?;
    let context = Context {
        library_folder,
        output: &output,
        runs: None,
        command: std::env::args().collect(),
    };
    let flags = Settings {
        stages: Some(vec![Stage::Build]),
        ..Settings::default()
    };
    stages::run(program, &flags, &context)?.result
}
