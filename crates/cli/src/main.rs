//! The `vernier` command: arguments, messages and exit codes. What it does lies in the crates below.
//!
//! Exit codes: 0 done; 1 something failed; 2 wrong usage; otherwise the code of the program or stage that
//! failed (128 + N when signal N ended it, 124 when the time limit did). A standard output that was closed early is 141,
//! as if SIGPIPE had ended the command, one that cannot be written 1; the work is done all the same, and nothing panics:
//! `outln!` and `errln!` print, never `println!`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
extern crate tell;

mod bench;
mod compare;
mod eval;
mod explain;
mod format;
mod inspect;
mod layers;
mod library;
mod options;
mod ptx_check;
mod ptx_dump;
mod ptx_ir;
mod ptx_override;
mod ptx_run;
mod report;
mod rules;
mod run;
mod search;
mod store;
mod study;
mod sweep;
mod tools;
mod worker;

use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::process::ExitCode;
use tell::print;

/// The result of a command.
type Result<T = ()> = tell::Result<T>;

/// Runs CUDA deep-learning programs at any floating-point precision, on the CPU, bit by bit reproducible.
#[derive(Parser)]
#[command(name = "vernier", version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  vernier run mlp --format bf16            build a program and test it in bfloat16
  vernier exec --format e5m2 -- ./app -x   the same for any CUDA binary
  vernier sweep mlp --exponent 8..2 --significand 7
                                           a trial in each format, side by side
  vernier search mlp --loss 1.0            the narrowest format of each layer
  vernier format                           the formats that have names
  vernier eval add bf16 1.5 0.3            one operation, bit by bit

Exit codes: 0 done; 1 something failed; 2 wrong usage; otherwise that of the program or stage that failed.";

#[derive(Subcommand)]
enum Command {
    /// Run a program through its stages: build, train, test, cleanup
    Run(run::RunArguments),
    /// Run any CUDA binary (linked with the shared CUDA runtime)
    Exec(run::ExecArguments),
    /// Show which rule of a precision policy takes which instruction
    Explain(explain::Arguments),
    /// Time whole programs: seconds, thread-instructions per second, share of time by kernel
    Bench(bench::Arguments),
    /// Run a program many times: formats, policies, devices; keep every result
    Sweep(sweep::Arguments),
    /// Find the narrowest format of each layer that keeps a program's accuracy, and why
    Search(search::Arguments),
    /// Run the studies of a folder, sweeps with a title, and write a page with their figures and tables
    Study(study::Arguments),
    /// Run the trials of a Slurm task
    #[command(hide = true)]
    Worker(worker::Arguments),
    /// Show and export the results that sweeps and searches kept
    #[command(subcommand)]
    Store(store::Command),
    /// Write a page about the results that sweeps and searches kept: figures, tables, commands
    Report(report::Arguments),
    /// Compare the tests of two runs answer by answer
    Compare(compare::Arguments),
    /// Find the layers of a program in its launches
    Layers(layers::Arguments),
    /// The old name of `vernier layers`
    #[command(hide = true)]
    Profile(layers::Arguments),
    /// Show number formats: limits and the variables that select them
    Format(format::Arguments),
    /// Take PTX out of binaries, check it, run single kernels of it
    #[command(subcommand)]
    Ptx(PtxCommand),
    /// Evaluate one operation in a format, or many from standard input
    Eval(eval::Arguments),
    /// Show which exponents and significand widths a weights file uses
    Inspect(inspect::Arguments),
    /// Find nvcc, or install it into the cache
    Toolchain(tools::ToolchainArguments),
    /// Find or fetch training data
    #[command(subcommand)]
    Data(tools::DataCommand),
}

#[derive(Subcommand)]
enum PtxCommand {
    /// Write the PTX that a binary carries
    Dump(ptx_dump::Arguments),
    /// Parse and verify PTX files, and count their instructions
    Check(ptx_check::Arguments),
    /// Write PTX as a precision policy has it
    Override(ptx_override::Arguments),
    /// Show what a kernel is lowered to, pass by pass
    Ir(ptx_ir::Arguments),
    /// Run one kernel of a PTX file on files of raw values
    Run(ptx_run::Arguments),
    /// Launch a kernel in this process
    #[command(hide = true)]
    Launch(ptx_run::Kernel),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) if e.use_stderr() => e.exit(),
        Err(help) => {
            let text = help.render();
            let text = match std::io::stdout().is_terminal() {
                true => text.ansi().to_string(),
                false => text.to_string(),
            };
            print::bytes(text.as_bytes());
            return end(Ok(()));
        }
    };
    let result = match arguments.command {
        Command::Run(a) => run::run(a),
        Command::Exec(a) => run::exec(a),
        Command::Explain(a) => explain::run(&a),
        Command::Bench(a) => bench::run(&a),
        Command::Sweep(a) => sweep::run(&a),
        Command::Search(a) => search::run(&a),
        Command::Study(a) => study::run(&a),
        Command::Worker(a) => worker::run(&a),
        Command::Store(a) => store::run(&a),
        Command::Report(a) => report::run(&a),
        Command::Compare(a) => compare::run(&a),
        Command::Layers(a) => layers::run(&a),
        Command::Profile(a) => {
            errln!(
                "vernier: `vernier profile` is called `vernier layers` now; where the time goes shows `vernier run --profile`"
            );
            layers::run(&a)
        }
        Command::Format(a) => format::run(&a),
        Command::Ptx(PtxCommand::Dump(a)) => ptx_dump::run(&a),
        Command::Ptx(PtxCommand::Check(a)) => ptx_check::run(&a),
        Command::Ptx(PtxCommand::Override(a)) => ptx_override::run(&a),
        Command::Ptx(PtxCommand::Ir(a)) => ptx_ir::run(&a),
        Command::Ptx(PtxCommand::Run(a)) => ptx_run::run(&a),
        Command::Ptx(PtxCommand::Launch(a)) => ptx_run::launch(&a),
        Command::Eval(a) => eval::run(&a),
        Command::Inspect(a) => inspect::run(&a),
        Command::Toolchain(a) => tools::toolchain(&a),
        Command::Data(a) => tools::data(&a),
    };
    end(result)
}

/// The exit code, and what is said about it.
fn end(result: Result) -> ExitCode {
    match (result, print::broken()) {
        (Ok(()), None) => ExitCode::SUCCESS,
        // `vernier ... | head` ends quietly, as other commands do.
        (Ok(()), Some(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(PIPE_CLOSED),
        (Ok(()), Some(e)) => fail(&tell::Error::file("write to", "standard output", &e)),
        (Err(error), _) => fail(&error),
    }
}

/// 128 + SIGPIPE.
const PIPE_CLOSED: u8 = 141;

fn fail(error: &tell::Error) -> ExitCode {
    errln!("error: {error}");
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}
