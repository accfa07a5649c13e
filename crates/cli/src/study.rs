//! `vernier study`.

use crate::Result;
use crate::sweep::{self, Place};
use clap::Args;
use lab::sweep::written;
use report::study::{self, Choice, Page, Part, Results, Study};
use run::child;
use run::output::Output;
use std::path::{Path, PathBuf};
use tell::print;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Studies: names of files in the folder, without number and .toml (default: all)
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
    /// Write the page into this file, and its figures into the folder beside it that has its name (default: the page without
    /// figures, to standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

const HELP: &str =
    "A study is a file as `vernier sweep` reads it, with a `title` and texts `about` and `discussion`; `figure` says what is
drawn. What the store knows already is not run again: the same command continues what was interrupted.

Examples:
  vernier study -o docs/study.md
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
    let whole = command(a, &a.names, a.output.as_deref());
    let part = |(study, results)| Part {
        study,
        command: command(a, std::slice::from_ref(&study.name), None),
        results,
    };
    let page = Page {
        command: whole.clone(),
        summary: study::summary(&a.studies, &choice)?,
        parts: pages.into_iter().map(part).collect(),
    };
    match &a.output {
        // A page that is there is not replaced by half a page.
        Some(_) if done.signal.is_some() => {}
        Some(path) => {
            let count = page.write(path)?;
            output.say(&format!("{}: {count} figures", path.display()));
        }
        None => print::bytes(page.markdown(None).as_bytes()),
    }
    output.say(&sweep::ending(&done, number, &a.place.store));
    sweep::whole(&done, &(whole + &sweep::store_option(&a.place.store)))?;
    sweep::some_ended_well(&done)
}

/// The command, without what does not change the page.
fn command(a: &Arguments, names: &[String], page: Option<&Path>) -> String {
    let mut words = vec!["vernier".to_string(), "study".into()];
    words.extend(names.iter().map(|n| child::quoted(n)));
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
    if let Some(path) = page {
        option("-o", path.to_string_lossy().into_owned());
    }
    words.join(" ")
}
