//! `vernier store`: what sweeps and searches kept.

use crate::Result;
use clap::{Args, Subcommand, ValueEnum};
use lab::store::{self, Store, Trial};
use std::fs;
use std::path::PathBuf;
use tell::Error;

#[derive(Subcommand)]
pub enum Command {
    /// List the sweeps of a store
    Sweeps(Which),
    /// Write the trials of a store as CSV, JSON or Parquet
    Export(Export),
}

#[derive(Args)]
pub struct Which {
    /// The store
    #[arg(value_name = "STORE", default_value = store::DEFAULT)]
    store: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Examples:
  vernier store export -o trials.parquet
  vernier store export runs/lab.db --sweep 3 > trials.csv

Columns: docs/lab.md.")]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// File to write (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Its form (default: what the file's name ends with, else csv)
    #[arg(long, value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// Only the trials that this sweep or search ran
    #[arg(long, value_name = "ID")]
    sweep: Option<i64>,
}

/// A form of export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Comma-separated, RFC 4180.
    Csv,
    /// A list of objects.
    Json,
    /// Apache Parquet.
    Parquet,
}

/// `vernier store`.
pub fn run(command: &Command) -> Result {
    match command {
        Command::Sweeps(which) => {
            let the_store = Store::existing(&which.store)?;
            let trials = the_store.trials()?;
            for sweep in the_store.sweeps()? {
                let ran = trials.iter().filter(|t| t.sweep == sweep.id).count();
                outln!(
                    "{:>4}  {}  {ran:>6} trials  {}",
                    sweep.id,
                    sweep.created,
                    sweep.command
                );
            }
            Ok(())
        }
        Command::Export(e) => export(e),
    }
}

fn export(e: &Export) -> Result {
    let form = match (e.form, &e.output) {
        (Some(form), _) => form,
        (None, None) => Form::Csv,
        (None, Some(path)) => path
            .extension()
            .and_then(|x| Form::from_str(&x.to_string_lossy(), true).ok())
            .ok_or_else(|| {
                let message = format!("which form shall {} have?", path.display());
                Error::Usage(format!(
                    "{message}\n  = help: end its name in .csv, .json or .parquet, or say --form"
                ))
            })?,
    };
    let mut trials = Store::existing(&e.which.store)?.trials()?;
    trials.retain(|t: &Trial| e.sweep.is_none_or(|id| t.sweep == id));
    let bytes = match form {
        Form::Csv => export::csv(&trials)?.into_bytes(),
        Form::Json => export::json(&trials)?.into_bytes(),
        Form::Parquet => export::parquet(&trials)?,
    };
    match &e.output {
        Some(path) => fs::write(path, bytes).map_err(|error| Error::file("write", path, &error)),
        None => {
            tell::print::bytes(&bytes);
            Ok(())
        }
    }
}
