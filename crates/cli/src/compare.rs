//! `vernier compare`: two tests of the same questions, answer by answer.

use crate::Result;
use clap::Args;
use run::compare::{Answers, Comparison};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use tell::Error;
use tell::number::grouped;

#[derive(Args)]
#[command(after_help = "Examples:
  vernier compare runs/20261128-101500-mlp runs/20261128-101700-mlp
  vernier compare runs/20261128-101500-mlp answers.txt --all --json result.json

p is that of McNemar's test, exact and two-sided: how probable so uneven a division of the answers
that differ is, or a more uneven one, if each were as likely to be right in the one as in the other.")]
pub struct Arguments {
    /// Record of a run with a test (a folder in runs/), or a file of answers: a character for each, 1 right, 0 wrong
    #[arg(value_name = "RUN")]
    first: PathBuf,
    /// The one to compare it with
    #[arg(value_name = "RUN")]
    second: PathBuf,
    /// Show all answers that differ, not only the first 20
    #[arg(long)]
    all: bool,
    /// Write the result, with the indices of all answers that differ, to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Answers that are shown without --all.
const SHOWN: usize = 20;

/// Prints the comparison.
pub fn run(arguments: &Arguments) -> Result {
    let first = Answers::read(&arguments.first)?;
    let second = Answers::read(&arguments.second)?;
    let c = Comparison::of(&first, &second)?;
    if let Some(path) = &arguments.json {
        write(path, &first, &second, &c)?;
    }
    let number = |n: usize| grouped(n as u64);
    for (which, run) in [("first", &first), ("second", &second)] {
        let what = match run.what.as_str() {
            "" => String::new(),
            what => format!("  ({what})"),
        };
        outln!("{which:<16} {}{what}", run.name);
    }
    for (which, run) in [("first", &first), ("second", &second)] {
        let (right, percent) = (number(run.correct()), run.percent());
        let which = format!("{which} right");
        outln!("{which:<16} {right:>10} of {}, {percent:.2} %", number(c.answers));
    }
    for (row, n) in [
        ("both right", c.both),
        ("only the first", c.only_first.len()),
        ("only the second", c.only_second.len()),
        ("neither", c.neither),
    ] {
        outln!("{row:<16} {:>10}", number(n));
    }
    outln!(
        "{:<16} {:>+10.2} points (second less first), {}",
        "difference",
        c.difference_points,
        probability(c.p_value)
    );
    let differing = c.differing();
    let shown = if arguments.all { differing.len() } else { SHOWN };
    if !differing.is_empty() {
        outln!("answers that differ (the first of a test is 0):");
    }
    for (index, in_first) in differing.iter().take(shown) {
        let which = if *in_first { "first" } else { "second" };
        outln!("{index:>10}  right in the {which} only");
    }
    if differing.len() > shown {
        let more = number(differing.len() - shown);
        outln!("and {more} more: --all shows them");
    }
    Ok(())
}

/// `p = 0.0414`.
fn probability(p: f64) -> String {
    match p {
        0.0 => "p < 1e-300".into(),
        p if p < 0.001 => format!("p = {p:.1e}"),
        p => format!("p = {p:.4}"),
    }
}

fn write(path: &PathBuf, first: &Answers, second: &Answers, comparison: &Comparison) -> Result {
    let run = |a: &Answers| json!({ "run": a.name, "what": a.what, "correct": a.correct(), "accuracy_percent": a.percent() });
    let all = json!({ "first": run(first), "second": run(second), "comparison": comparison });
    let text = serde_json::to_string_pretty(&all)
        .map_err(|e| Error::failed(format!("the comparison cannot be written as JSON: {e}"), ""))?;
    fs::write(path, text + "\n").map_err(|e| Error::file("write", path, &e))
}
