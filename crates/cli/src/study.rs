//! `vernier study`.

use crate::Result;
use crate::sweep::{self, Place};
use clap::Args;
use lab::output::Output;
use lab::study::{self, Choice, Results, Study};
use lab::sweep::written;
use lab::{Error, child};
use std::fs;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Studies: names of files in the folder, without .toml (default: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Folder of the studies
    #[arg(long, value_name = "DIR", default_value = study::DEFAULT)]
    studies: PathBuf,
    /// Only the trials of these programs
    #[arg(long, value_name = "PROGRAMS", value_delimiter = ',')]
    program: Vec<String>,
    /// Test the first N images only
    #[arg(long, value_name = "N")]
    images: Option<u64>,
    /// Write the page into this file (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

const HELP: &str =
    "A study is a file as `vernier sweep` reads it, with a `title` and a text `about`. What the store knows
already is not run again: the same command continues what was interrupted.

Examples:
  vernier study -o docs/table.md
  vernier study formats --program mlp --images 1000";

/// `vernier study`.
pub fn run(a: &Arguments) -> Result {
    let choice = Choice {
        names: &a.names,
        programs: &a.program,
        images: a.images,
    };
    let studies = study::read(&a.studies, &choice, &written::folder(&a.place.store))?;
    let points: Vec<_> = studies.iter().flat_map(|s| s.points.iter().cloned()).collect();
    let output = Output::new(None, a.place.quiet)?;
    let (done, number) = sweep::conduct(&a.place, &points, None)?;
    let mut rest = &done.trials[..];
    let mut pages: Vec<(&Study, Results<'_>)> = Vec::new();
    for study in &studies {
        let (own, others) = rest.split_at(study.points.len());
        pages.push((study, own));
        rest = others;
    }
    let command = command(a);
    let page = study::markdown(&pages, &command);
    match &a.output {
        Some(path) => fs::write(path, page).map_err(|e| Error::file("write", path, &e))?,
        None => print!("{page}"),
    }
    output.say(&sweep::ending(&done, number, &a.place.store));
    sweep::whole(&done, &command)
}

/// The command, without what does not change the page.
fn command(a: &Arguments) -> String {
    let mut words = vec!["vernier".to_string(), "study".into()];
    words.extend(a.names.iter().map(|n| child::quoted(n)));
    let mut option = |flag: &str, value: String| words.extend([flag.to_string(), child::quoted(&value)]);
    if a.studies.as_os_str() != study::DEFAULT {
        option("--studies", a.studies.to_string_lossy().into_owned());
    }
    if !a.program.is_empty() {
        option("--program", a.program.join(","));
    }
    if let Some(images) = a.images {
        option("--images", images.to_string());
    }
    if let Some(path) = &a.output {
        option("-o", path.to_string_lossy().into_owned());
    }
    words.join(" ")
}
