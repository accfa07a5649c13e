//! `vernier search`.

use crate::Result;
use crate::run::LIBRARY;
use crate::sweep::{self, Bar, Place};
use clap::{Args, ValueEnum};
use lab::store::{Store, Trial};
use lab::sweep::runner::Runner;
use lab::sweep::{Point, written};
use run::library;
use run::output::Output;
use run::program::Program;
use run::said::Pattern;
use run::settings::{Settings, Stage};
use run::target::{Limits, Target};
use search::evaluate::{self, Run, Trials};
use search::objective::{self, Arithmetic, Objective};
use search::outcome::{self, Outcome};
use search::training::{self, Contender};
use search::{Problem, Search, baseline, nsga};
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// A program's folder, or its name under programs/
    program: String,
    /// Percentage points of accuracy that may be lost against the program as compiled
    #[arg(long, value_name = "POINTS", value_parser = points, allow_negative_numbers = true, required_unless_present = "train")]
    loss: Option<f64>,
    /// What is to be least: bits (of operands, weighed by work); cycles or energy of the arithmetic (models, not measured)
    #[arg(long, value_name = "WHAT", value_parser = objective, default_value = "bits")]
    objective: Objective,
    /// Formats that a layer may have; F+A is F with sums over loops in A; `none`, as compiled, is always among them
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_values = objective::FORMATS)]
    formats: Vec<String>,
    /// What sums over loops may run in, with each of the formats: formats, or `none`: as the rest
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    accumulate: Vec<String>,
    /// Layers to search, as `vernier layers` shows them (default: those with a number); the others stay as compiled
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    layers: Vec<String>,
    /// How to search
    #[arg(long, value_enum, value_name = "METHOD", default_value = "nsga")]
    method: Method,
    /// Most candidates that are run (default: a tenth of all, within reason; with exhaustive all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    budget: Option<u32>,
    /// Seed of the search
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Probability that a candidate which keeps the accuracy is given up on few images; 0: all see all
    #[arg(long, value_name = "P", value_parser = probability, default_value_t = 0.001)]
    risk: f64,
    /// Test with the first N images only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    images: Option<u64>,
    /// How the program says its right answers: a regular expression of two groups, right answers and answers
    #[arg(long, value_name = "REGEX")]
    accuracy_pattern: Option<Pattern>,
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    place: Place,
    /// Write the policy of the best
    #[arg(short, long, value_name = "POLICY.toml")]
    output: Option<PathBuf>,
    /// Write everything that was found as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write every candidate that was run as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl Arguments {
    /// What all trials are told.
    fn told(&self) -> Point {
        let pattern = self.accuracy_pattern.as_ref();
        let pattern = pattern.map(|p| ("accuracy_pattern".to_string(), p.as_str().to_string()));
        let program = ("program".to_string(), self.program.clone());
        std::iter::once(program).chain(pattern).collect()
    }
}

/// Options of the search for formats to train in.
#[derive(Args)]
#[command(next_help_heading = "Training")]
struct Training {
    /// Search a format to train in: all are trained for a short time, the better ones for longer
    #[arg(long, requires = "train_images", conflicts_with_all = ["layers", "method", "budget", "seed", "risk"])]
    train: bool,
    /// Images of the longest training; the first has a sixteenth of them
    #[arg(long, value_name = "N", requires = "train", value_parser = clap::value_parser!(u64).range(16..))]
    train_images: Option<u64>,
    /// Epochs of each training
    #[arg(long, value_name = "N", requires = "train", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Files with policies to train with, instead of formats
    #[arg(long, value_name = "FILES", value_delimiter = ',', requires = "train", conflicts_with_all = ["formats", "accumulate", "loss"])]
    policy: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// A model learns from single layers and from each candidate which to run next; NSGA-II breeds more
    Nsga,
    /// From as compiled, always the step that saves most
    Greedy,
    /// Every candidate
    Exhaustive,
}

const HELP: &str = "Finds for each layer the format (and what its sums run in) with which the program keeps its accuracy and its arithmetic
costs least, and says why. Every candidate is a trial of the store: what is known is not run again, and the same command
goes on with a search that was interrupted.

Examples:
  vernier search mlp --loss 1.0
  vernier search cnn --loss 0.5 --objective energy --formats e5m4,e4m3,e5m2 --accumulate fp32,bf16,none
  vernier search mlp --loss 1 --images 1000 -o mlp.toml && vernier run mlp --policy mlp.toml
  vernier search mlp --train --train-images 60000";

/// Candidates that `--method exhaustive` runs without being told how many it may.
const MANY: f64 = 10_000.0;

/// Candidates that a search runs unless it is told: no more than these, where sensitivity and as much again need fewer.
const ENOUGH: usize = 200;

fn number(text: &str, most: f64, what: &str) -> std::result::Result<f64, String> {
    let number = text.trim().parse::<f64>().ok();
    number
        .filter(|x| (0.0..=most).contains(x))
        .ok_or_else(|| format!("{what} is a number from 0 to {most}"))
}

fn points(text: &str) -> std::result::Result<f64, String> {
    number(text, 100.0, "a loss, in percentage points,")
}

fn probability(text: &str) -> std::result::Result<f64, String> {
    number(text, 1.0, "a probability")
}

fn objective(text: &str) -> std::result::Result<Objective, String> {
    let found = Objective::ALL.iter().find(|(name, _)| *name == text);
    let names: Vec<&str> = Objective::ALL.iter().map(|(name, _)| *name).collect();
    found
        .map(|(_, o)| *o)
        .ok_or_else(|| format!("the objectives are {}", names.join(", ")))
}

/// `vernier search`.
pub fn run(a: &Arguments) -> Result {
    let output = Output::new(None, a.place.quiet)?;
    let choices = objective::choices(&a.formats, &a.accumulate, a.objective)?;
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    let program = Program::find(&a.program)?;
    let first = a.told();
    let runner = Runner::new(
        std::slice::from_ref(&first),
        !a.place.no_build,
        a.place.limits()?,
        a.place.again(),
        &library_folder,
    )?;
    sweep::hearing(&runner, &[first], a.place.quiet);
    let layers = if a.training.train {
        Vec::new()
    } else {
        seen(&program, &library_folder, &a.layers, &output)?
    };
    let mut store = Store::open(&a.place.store)?;
    let sweep = store.sweep(&specification(a, &choices)?, &run::child::own_command())?;
    let bar = Bar::new(a.place.quiet);
    let mut ran = 0;
    let mut batch = |points: &[Point]| -> tell::Result<Vec<Trial>> {
        let done = runner.run(&mut store, sweep, points, &bar)?;
        ran += done.ran;
        let all = done
            .trials
            .into_iter()
            .map(|(_, t)| t)
            .collect::<Option<Vec<_>>>();
        match (done.signal, all) {
            (None, Some(all)) => Ok(all),
            (signal, _) => Err(Error::Stage {
                message: "interrupted; the trials that ended are kept\n  = help: the same command goes on"
                    .into(),
                code: signal.map_or(1, |s| 128 + s),
            }),
        }
    };
    let result = match a.training.train {
        true => train(a, &choices, &mut batch),
        false => narrow(a, layers, choices, &mut batch),
    };
    bar.end();
    let lines = result?;
    for line in lines {
        outln!("{line}");
    }
    output.say(&format!(
        "search {sweep}: {ran} trials run now; kept in {}",
        a.place.store.display()
    ));
    Ok(())
}

/// The layers of the program's test.
fn seen(
    program: &Program,
    library_folder: &Path,
    names: &[String],
    output: &Output,
) -> Result<Vec<evaluate::Seen>> {
    output.say("looking at the first launches of the program, to find its layers");
    let settings = Settings::default().over(program.settings.clone());
    let target = Target::stage(program, &settings, Stage::Test)?;
    let found = target.layers(&settings, library_folder, Limits::default())?;
    if target.known(&settings)?.is_none() {
        target.keep(&found, &settings)?;
    }
    evaluate::layers(&found, &program.name, names)
}

/// What the store keeps of the request: searches that ask for the same are one.
fn specification(a: &Arguments, choices: &[Arithmetic]) -> Result<String> {
    let names: Vec<String> = choices.iter().map(Arithmetic::name).collect();
    let spec = serde_json::json!({
        "search": a.program,
        "loss": a.loss,
        "objective": a.objective.name(),
        "choices": names,
        "layers": a.layers,
        "method": format!("{:?}", a.method).to_lowercase(),
        "budget": a.budget,
        "seed": a.seed,
        "risk": a.risk,
        "images": a.images,
        "train_images": a.training.train_images,
        "epochs": a.training.train.then_some(a.training.epochs),
        "policies": a.training.policy,
        "accuracy_pattern": a.accuracy_pattern.as_ref().map(Pattern::as_str),
    });
    serde_json::to_string(&spec)
        .map_err(|e| Error::failed(format!("the search cannot be written as JSON: {e}"), ""))
}

/// How many candidates may be run.
fn budget(a: &Arguments, problem: &Problem) -> Result<usize> {
    let size = problem.size();
    let (alone, given) = (Search::alone(problem), a.budget.map(|n| n as usize));
    match (a.method, given) {
        (Method::Exhaustive, None) if size > MANY => Err(Error::Usage(format!(
            "there are {size:.0} candidates; an exhaustive search runs them all\n  = help: say so with --budget, or leave \
             --method exhaustive away"
        ))),
        (Method::Exhaustive, Some(n)) if (n as f64) < size => Err(Error::Usage(format!(
            "an exhaustive search runs all {size:.0} candidates; a budget of {n} is too small\n  = help: --method nsga"
        ))),
        (Method::Exhaustive, _) => Ok(size as usize),
        (Method::Nsga, Some(n)) if n < alone => Err(Error::Usage(format!(
            "a budget of {n} is too small: each layer alone in each format are {alone} candidates\n  = help: --budget {}, \
             fewer formats, or fewer --layers",
            2 * alone
        ))),
        (_, Some(n)) => Ok(n),
        (_, None) => {
            let tenth = (size / 10.0).min(1e9) as usize;
            let least = 2 * alone;
            Ok(tenth.clamp(least, ENOUGH.max(least)).min(size.min(1e9) as usize))
        }
    }
}

/// The formats of layers to test in.
fn narrow(
    a: &Arguments,
    layers: Vec<evaluate::Seen>,
    choices: Vec<Arithmetic>,
    batch: &mut Run<'_>,
) -> Result<Vec<String>> {
    let folder = written::folder(&a.place.store);
    let mut trials = Trials::new(a.told(), folder, a.images, layers, choices, batch);
    let problem = trials.problem(a.objective, a.loss.unwrap_or_default())?;
    let budget = budget(a, &problem)?;
    let mut search = Search::new(problem, &mut trials, budget, a.risk)?;
    match a.method {
        Method::Nsga => {
            let plan = nsga::Plan {
                seed: a.seed,
                ..nsga::Plan::default()
            };
            nsga::run(&mut search, &plan)?;
        }
        Method::Greedy => drop(baseline::greedy(&mut search)?),
        Method::Exhaustive => baseline::exhaustive(&mut search)?,
    }
    let best = search.best().0.clone();
    let mut outcome = Outcome::new(&search, &a.program, a.objective);
    drop(search);
    outcome.command = trials.command(&best)?;
    outcome.failed = trials.failed.clone();
    if let Some(path) = &a.output {
        let policy = trials.policy(&best);
        fs::write(path, policy).map_err(|e| Error::file("write", path, &e))?;
    }
    write(&a.json, || outcome::json(&outcome))?;
    write(&a.csv, || Ok(outcome.csv()))?;
    Ok(outcome.lines())
}

/// A format to train in.
fn train(a: &Arguments, choices: &[Arithmetic], batch: &mut Run<'_>) -> Result<Vec<String>> {
    let folder = written::folder(&a.place.store);
    let contenders: Vec<Contender> = if a.training.policy.is_empty() {
        let one = |c: &Arithmetic| training::contender(c, a.objective.cost(c), &folder);
        choices.iter().map(one).collect::<Result<_>>()?
    } else {
        let compiled = training::contender(&Arithmetic::as_compiled(), 0.0, &folder)?;
        let file = |path: &PathBuf| {
            let whole = std::path::absolute(path).map_err(|e| Error::file("find", path, &e))?;
            if !whole.is_file() {
                return Err(Error::failed(
                    format!("the policy {} is not there", path.display()),
                    "",
                ));
            }
            Ok(Contender {
                name: path.display().to_string(),
                policy: Some(whole),
                cost: None,
            })
        };
        let files = a.training.policy.iter().map(file);
        std::iter::once(Ok(compiled))
            .chain(files)
            .collect::<Result<_>>()?
    };
    let plan = training::Plan {
        told: a.told(),
        train_images: a.training.train_images.unwrap_or_default(),
        epochs: a.training.epochs,
        images: a.images,
        loss: a.loss.unwrap_or_default(),
    };
    let outcome = training::search(&plan, &contenders, batch)?;
    if let (Some(path), Some(winner)) = (&a.output, outcome.winner()) {
        let policy = contenders.iter().find(|c| c.name == winner.name);
        let text = match policy.and_then(|c| c.policy.as_ref()) {
            Some(policy) => fs::read_to_string(policy).map_err(|e| Error::file("read", policy, &e))?,
            None => "# vernier search --train: as compiled\n".into(),
        };
        fs::write(path, text).map_err(|e| Error::file("write", path, &e))?;
    }
    write(&a.json, || outcome::json(&outcome))?;
    write(&a.csv, || Ok(outcome.csv()))?;
    Ok(outcome.lines())
}

fn write(path: &Option<PathBuf>, text: impl FnOnce() -> Result<String>) -> Result {
    match path {
        Some(path) => fs::write(path, text()?).map_err(|e| Error::file("write", path, &e)),
        None => Ok(()),
    }
}
