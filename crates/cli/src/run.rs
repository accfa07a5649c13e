//! `vernier run` and `vernier exec`.

use crate::Result;
use crate::options::{self, Looking, Machine, Numbers, Reports};
use clap::Args;
use lab::output::Output;
use lab::program::Program;
use lab::settings::{Settings, Stage};
use lab::stages::{self, Context, Run};
use lab::{Error, library};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// Our library, as this command was built with it.
pub static LIBRARY: &[u8] = include_bytes!(env!("VERNIER_EMBEDDED_LIBRARY"));

#[derive(Args)]
#[command(after_help = RUN_HELP)]
pub struct RunArguments {
    /// A program's folder, or its name under programs/ (here or above, or in $VERNIER_PROGRAMS)
    program: String,
    /// The binary to run, in the program's folder (default: what vernier.toml says, else the folder's name)
    #[arg(long = "program", value_name = "FILE")]
    binary: Option<String>,
    /// Stages to do: build, train, test, cleanup (default: what vernier.toml says, else build,test)
    #[arg(long, visible_alias = "stages", value_name = "STAGES", value_delimiter = ',')]
    stage: Option<Vec<Stage>>,
    /// Epochs to train
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Epochs that the weights have already seen: 0, the default, trains from scratch (PROG -train END OUT), above 0 training
    /// continues from weights (PROG -train-increment START END IN OUT)
    #[arg(long, value_name = "N")]
    start_epoch: Option<u32>,
    /// Epochs that the weights shall have seen when training ends
    #[arg(long, value_name = "N")]
    end_epoch: Option<u32>,
    /// The weights of the run: trained into, then tested
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Weights to continue training from, or to test without training (default: --weights)
    #[arg(long, value_name = "FILE")]
    weights_in: Option<PathBuf>,
    /// Weights that training writes (default: --weights, else trained.bin in the program's folder)
    #[arg(long, value_name = "FILE")]
    weights_out: Option<PathBuf>,
    /// The stage cleanup runs `make clean` too; without it only what Vernier made goes: PTX beside the program, this run's record
    #[arg(long)]
    clean_build: bool,
    #[command(flatten)]
    numbers: Numbers,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    looking: Looking,
    #[command(flatten)]
    reports: Reports,
}

const RUN_HELP: &str =
    "Every option can stand in the program's vernier.toml too; options of the command line win.

Examples:
  vernier run mlp --format bf16
  vernier run mlp --format 3,-15,16 --json result.json
  vernier run mlp --stage build,train --epochs 1 --weights out
  vernier run mlp --stage train,test --start-epoch 1 --end-epoch 3 --weights out
  vernier run cnn --format e5m2 --profile
  vernier run ./my-program --config SM75_RTX2060 --log run.log";

#[derive(Args)]
#[command(after_help = EXEC_HELP)]
pub struct ExecArguments {
    #[command(flatten)]
    numbers: Numbers,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    looking: Looking,
    #[command(flatten)]
    reports: Reports,
    /// The binary and its arguments, after --
    #[arg(last = true, required = true, value_name = "BINARY ARGS")]
    command: Vec<OsString>,
}

const EXEC_HELP: &str = "Examples:
  vernier exec -- ./vector_add
  vernier exec --format e4m3 --log run.log -- ./app --input data.bin";

/// `vernier run`.
pub fn run(a: RunArguments) -> Result {
    let mut flags = options::settings(&a.numbers, &a.machine, &a.looking, &a.reports)?;
    flags.stages = a.stage.map(|mut stages| {
        stages.sort();
        stages.dedup();
        stages
    });
    flags.program = a.binary;
    flags.clean_build = a.clean_build;
    flags.epochs = a.epochs;
    flags.start_epoch = a.start_epoch;
    flags.end_epoch = a.end_epoch;
    flags.weights = options::absolute(a.weights.as_ref())?;
    flags.weights_in = options::absolute(a.weights_in.as_ref())?;
    flags.weights_out = options::absolute(a.weights_out.as_ref())?;
    let program = Program::find(&a.program)?;
    let log = flags.log.clone().or_else(|| program.settings.log.clone());
    with_context(&a.reports, &a.looking, log, |context| {
        stages::run(&program, &flags, context)
    })
}

/// `vernier exec`.
pub fn exec(a: ExecArguments) -> Result {
    let settings: Settings = options::settings(&a.numbers, &a.machine, &a.looking, &a.reports)?;
    let Some((binary, args)) = a.command.split_first() else {
        return Err(Error::Usage("which binary shall be run?".into()));
    };
    let binary = binary.to_string_lossy();
    with_context(&a.reports, &a.looking, settings.log.clone(), |context| {
        stages::exec(&binary, args, &settings, context)
    })
}

/// Opens the outputs, runs, prints and writes the summary, and ends with the run's own error, if it has one.
fn with_context(
    reports: &Reports,
    looking: &Looking,
    log: Option<PathBuf>,
    run: impl FnOnce(&Context<'_>) -> Result<Run>,
) -> Result {
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    let output = Output::new(log.as_deref(), reports.quiet)?;
    let context = Context {
        library_folder: &library_folder,
        output: &output,
        runs: (!reports.no_record).then_some(reports.runs.as_path()),
        command: std::env::args().collect(),
    };
    let done = run(&context)?;
    if !done.summary.stages.is_empty() {
        for line in std::iter::once("summary".to_string()).chain(done.summary.lines()) {
            output.say(&line);
        }
        if reports.profile {
            for line in lab::profile::tables(&done.summary.totals) {
                output.say(&line);
            }
        }
        if looking.counts() {
            for line in lab::observe::tables(&done.summary.totals) {
                output.say(&line);
            }
        }
        if let Some(folder) = &looking.observe_out {
            let title = format!("{}, {}", done.summary.program, done.summary.format_text());
            lab::observe::write(folder, &title, &done.summary.totals)?;
            output.say(&format!(
                "observe: written to {}",
                folder.join("observe.html").display()
            ));
        }
    }
    let json = match &reports.json {
        Some(path) => {
            let text = done.summary.json()?;
            fs::write(path, text).map_err(|e| Error::file("write", path, &e))
        }
        None => Ok(()),
    };
    // The program's own failure is told first; a lost log or summary only when it went well.
    done.result.and(json).and(output.finish())
}
