//! `vernier bench`: how long whole programs take.

use crate::Result;
use crate::run::LIBRARY;
use clap::Args;
use run::bench::{self, Plan};
use run::library;
use run::program::Program;
use run::settings::NamedFormat;
use std::fs;
use std::path::PathBuf;
use tell::Error;
use vfloat::Format;

/// The programs that are timed when none is named.
const PROGRAMS: [&str; 2] = ["mlp", "cnn"];

/// The formats of `--quick`.
const QUICK: [&str; 3] = ["fp32", "bf16", "e5m2"];

#[derive(Args)]
#[command(after_help = "Examples:
  vernier bench
  vernier bench --quick
  vernier bench mlp --formats fp32,e5m2 --repeat 5 --threads 1 --json bench.json")]
pub struct Arguments {
    /// Programs to time (default: mlp and cnn)
    programs: Vec<String>,
    /// Formats, separated by commas (default: all that have names; those of P,EMIN,EMAX form cannot stand here)
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    formats: Option<Vec<NamedFormat>>,
    /// Fewer formats (fp32, bf16, e5m2), one run of each
    #[arg(long)]
    quick: bool,
    /// Runs of each; the median counts (default: 3, with --quick 1)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,
    /// CPU threads (default: all cores)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Option<u32>,
    /// Write all numbers as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Times the programs and prints the tables.
pub fn run(a: &Arguments) -> Result {
    let names: Vec<String> = match &a.programs[..] {
        [] => PROGRAMS.map(String::from).into(),
        named => named.into(),
    };
    let formats = match &a.formats {
        Some(formats) => formats.clone(),
        None => Format::NAMED
            .iter()
            .filter(|(name, _)| !a.quick || QUICK.contains(name))
            .map(|(name, format)| NamedFormat {
                text: (*name).into(),
                format: *format,
            })
            .collect(),
    };
    let plan = Plan {
        programs: names.iter().map(|n| Program::find(n)).collect::<Result<_>>()?,
        formats,
        repeat: a.repeat.unwrap_or(if a.quick { 1 } else { 3 }),
        threads: a.threads,
    };
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    outln!("{}", bench::head());
    let report = bench::run(&plan, &library_folder, |entry| outln!("{}", entry.row()))?;
    for line in report.shares() {
        outln!("{line}");
    }
    outln!("\n{} CPU threads, median of {}", report.threads, report.repeat);
    match &a.json {
        Some(path) => fs::write(path, report.json()?).map_err(|e| Error::file("write", path, &e)),
        None => Ok(()),
    }
}
