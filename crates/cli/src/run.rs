//! `vernier run` and `vernier exec`.

use crate::Result;
use crate::options::{self, Options, Reports};
use clap::Args;
use run::library;
use run::output::Output;
use run::program::Program;
use run::settings::{Settings, Stage};
use run::stages::{self, Context, Run};
use std::ffi::OsString;
use std::fs;
use tell::Error;

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
    #[command(flatten)]
    options: Options<options::Run>,
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
    options: Options<options::Exec>,
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
    let mut flags = a.options.settings()?;
    flags.words = a.reports.words();
    flags.stages = a.stage.map(|mut stages| {
        stages.sort();
        stages.dedup();
        stages
    });
    flags.program = a.binary;
    let program = Program::find(&a.program)?;
    let settings = flags.clone().over(program.settings.clone());
    with_context(&a.reports, &settings, |context| {
        stages::run(&program, &flags, context)
    })
}

/// `vernier exec`.
pub fn exec(a: ExecArguments) -> Result {
    let mut settings = a.options.settings()?;
    settings.words = a.reports.words();
    let Some((binary, args)) = a.command.split_first() else {
        return Err(Error::Usage("which binary shall be run?".into()));
    };
    let binary = binary.to_string_lossy();
    with_context(&a.reports, &settings, |context| {
        stages::exec(&binary, args, &settings, context)
    })
}

/// Opens the outputs, runs, prints and writes the summary, and ends with the run's own error, if it has one.
fn with_context(
    reports: &Reports,
    settings: &Settings,
    run: impl FnOnce(&Context<'_>) -> Result<Run>,
) -> Result {
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    let output = Output::new(settings.log.as_deref(), reports.quiet)?;
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
        if settings.profile == Some(true) {
            for line in run::profile::tables(&done.summary.totals) {
                output.say(&line);
            }
        }
        if options::counts(settings) {
            for line in report::observe::tables(&done.summary.totals) {
                output.say(&line);
            }
        }
        if let Some(folder) = &settings.observe_out {
            let title = format!("{}, {}", done.summary.program, done.summary.format_text());
            report::observe::write(folder, &title, &done.summary.totals)?;
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
