//! `vernier sweep`.

use crate::Result;
use crate::run::LIBRARY;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lab::store::{self, Store, Trial};
use lab::sweep::runner::{Done, Limits, Runner};
use lab::sweep::slurm::Cluster;
use lab::sweep::watch::{Again, Watch};
use lab::sweep::{Point, Request, axes, file, request, table, written};
use run::library;
use run::output::Output;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use tell::Error;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Programs, separated by commas, or a file sweep.toml
    #[arg(value_name = "PROGRAM|FILE.toml")]
    what: Option<String>,
    #[command(flatten)]
    values: Values,
    /// Draw N points of the grid instead of all
    #[arg(long, value_name = "N", help_heading = "Points")]
    sample: Option<usize>,
    /// Seed of --sample
    #[arg(
        long,
        value_name = "SEED",
        requires = "sample",
        default_value_t = 0,
        help_heading = "Points"
    )]
    sample_seed: u64,
    #[command(flatten)]
    place: Place,
    /// Finish the last sweep of the store, or sweep ID: run what is missing
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true)]
    resume: Option<Option<i64>>,
    /// Write the trials as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the trials as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

const HELP: &str =
    "Options under \"Points\" take one value or several, separated by commas; the sweep runs every
combination of them, each once: what the store knows already is not run again.

Examples:
  vernier sweep mlp --exponent 8..2 --significand 7 --accumulate none,fp32
  vernier sweep mlp,cnn --format none,bf16,e5m2 --images 1000 --csv result.csv
  vernier sweep mlp --layer layer1,layer2,layer3 --format e5m2,e4m3,e3m2
  vernier sweep mlp --stage train,test --epochs 1 --format bf16,fp16
  vernier sweep sweep.toml --jobs 2
  vernier sweep --resume";

/// Values of axes that were given, by the names of the axes.
#[derive(Default)]
pub struct Values(Vec<(&'static str, Vec<String>)>);

/// In which order a grid goes through the axes, the first one slowest; others come last.
const SLOWEST: [&str; 17] = [
    "stage",
    "config",
    "ptx",
    "weights",
    "layer",
    "format",
    "exponent",
    "significand",
    "accumulate",
    "policy",
    "input_rounding",
    "override",
    "start_epoch",
    "epochs",
    "train_images",
    "seed",
    "images",
];

/// What makes formats of a grid, as options behind `--format`: name, help.
const WIDTHS: [(&str, &str); 2] = [
    (
        "exponent",
        "Bits of exponent: numbers and ranges as 8..2; with --significand these make formats",
    ),
    ("significand", "Explicit bits of significand: numbers and ranges"),
];

/// The axes that have an option: programs are named, and templates stand in files.
fn axes_of_options() -> impl Iterator<Item = &'static axes::Axis> {
    let all = axes::AXES.iter();
    all.filter(|a| !["program", "template"].contains(&a.name))
}

/// The names of the options.
fn names() -> impl Iterator<Item = &'static str> {
    axes_of_options()
        .map(|a| a.name)
        .chain(WIDTHS.map(|(name, _)| name))
}

fn option(name: &'static str, about: &str, value: &'static str) -> Arg {
    let mut help = about.to_string();
    help[..1].make_ascii_uppercase();
    let option = Arg::new(name).long(name.replace('_', "-")).value_name(value);
    option.help(help).help_heading("Points")
}

fn many(option: Arg) -> Arg {
    option.value_delimiter(',').action(ArgAction::Append)
}

impl Args for Values {
    fn augment_args(mut command: clap::Command) -> clap::Command {
        for axis in axes_of_options() {
            let one = option(axis.name, axis.about, axis.value_name());
            command = command.arg(if axis.values.is_empty() { one } else { many(one) });
            if axis.name == "format" {
                command = command.args(WIDTHS.map(|(name, about)| many(option(name, about, "BITS"))));
            }
        }
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Values {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = |name| Some((name, matches.get_many::<String>(name)?.cloned().collect()));
        let mut all: Vec<(&str, Vec<String>)> = names().filter_map(given).collect();
        all.sort_by_key(|(name, _)| SLOWEST.iter().position(|n| n == name).unwrap_or(SLOWEST.len()));
        Ok(Values(all))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Where trials are kept, what is not run again, how much is run at a time.
#[derive(Args)]
#[command(next_help_heading = None::<&str>)] // that of what stands before holds until another is set
pub struct Place {
    /// File that keeps every trial
    #[arg(long, value_name = "FILE", default_value = store::DEFAULT)]
    pub store: PathBuf,
    /// Run trials again that failed, or all, although the store has their results
    #[arg(long, value_enum, value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    pub again: Option<AgainWhich>,
    /// Trials at a time (default: all cores)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Memory of all trials together, as 8G or 500M (default: four fifths of what is free)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// The programs are built; do not call make
    #[arg(long)]
    pub no_build: bool,
    /// No progress
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub cluster: Slurm,
}

/// Trials on a cluster.
#[derive(Args)]
pub struct Slurm {
    /// Run the trials as job arrays of Slurm; --jobs N: no more than N tasks at a time
    #[arg(long, conflicts_with = "memory", help_heading = "Cluster")]
    pub slurm: bool,
    /// Slurm's partition (default: Slurm's)
    #[arg(long, value_name = "NAME", requires = "slurm", help_heading = "Cluster")]
    pub partition: Option<String>,
    /// Time limit of a task, as sbatch takes it
    #[arg(long, value_name = "TIME", requires = "slurm", help_heading = "Cluster")]
    pub time: Option<String>,
    /// Processors of each trial
    #[arg(long, value_name = "N", requires = "slurm", help_heading = "Cluster", value_parser = clap::value_parser!(u16).range(1..))]
    pub cpus_per_task: Option<u16>,
    /// An option for sbatch, as --sbatch=--mem=4G; may be repeated
    #[arg(
        long,
        value_name = "OPTION",
        requires = "slurm",
        help_heading = "Cluster",
        allow_hyphen_values = true
    )]
    pub sbatch: Vec<String>,
    /// How often a trial is sent again whose task was lost (default: 2)
    #[arg(long, value_name = "N", requires = "slurm", help_heading = "Cluster")]
    pub retries: Option<u32>,
}

/// How often a trial is sent again when nobody says.
const RETRIES: u32 = 2;

/// Which trials are run although their results are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AgainWhich {
    /// Those that failed.
    Failed,
    /// All.
    All,
}

impl Place {
    /// As the runner takes it.
    pub fn again(&self) -> Again {
        match self.again {
            None => Again::Never,
            Some(AgainWhich::Failed) => Again::Failed,
            Some(AgainWhich::All) => Again::All,
        }
    }

    /// As the runner takes it.
    pub fn limits(&self) -> Result<Limits> {
        let jobs = self.jobs.map(usize::from);
        Ok(Limits {
            jobs,
            memory: self.memory,
            slurm: self
                .cluster
                .slurm
                .then(|| self.cluster.cluster(jobs))
                .transpose()?,
        })
    }
}

impl Slurm {
    /// As the runner takes it.
    fn cluster(&self, jobs: Option<usize>) -> Result<Cluster> {
        let exe = std::env::current_exe().map_err(|e| Error::file("find", "the vernier command", &e))?;
        Ok(Cluster {
            partition: self.partition.clone(),
            time: self.time.clone(),
            threads: self.cpus_per_task.map_or(1, usize::from),
            options: self.sbatch.clone(),
            jobs,
            retries: self.retries.unwrap_or(RETRIES),
            worker: format!("{} worker", run::child::quoted(&exe.to_string_lossy())),
        })
    }
}

/// `8G`, `500M`, `1000000`, bytes.
fn size(text: &str) -> std::result::Result<u64, String> {
    let (digits, shift) = match text.trim_end_matches(['B', 'b']).trim_end_matches('i') {
        t if t.ends_with(['K', 'k']) => (&t[..t.len() - 1], 10),
        t if t.ends_with(['M', 'm']) => (&t[..t.len() - 1], 20),
        t if t.ends_with(['G', 'g']) => (&t[..t.len() - 1], 30),
        t if t.ends_with(['T', 't']) => (&t[..t.len() - 1], 40),
        t => (t, 0),
    };
    let bytes = digits
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(1 << shift));
    bytes
        .filter(|n| *n > 0)
        .ok_or_else(|| "a size is a number with K, M, G or T, as 8G".into())
}

/// The request of the command line, over that of a file.
fn wanted(a: &Arguments, what: &str) -> Result<Request> {
    let here = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
    let mut wanted = if what.ends_with(".toml") {
        file::read(Path::new(what))?
    } else {
        let programs: Vec<String> = what.split(',').map(str::to_string).collect();
        let mut request = Request::default();
        request.set("program", request::values("program", &programs, &here)?);
        request
    };
    for (name, texts) in &a.values.0 {
        wanted.set(name, request::values(name, texts, &here)?);
    }
    if let Some(count) = a.sample {
        wanted.sample = Some((count, a.sample_seed));
    }
    Ok(wanted)
}

/// `vernier sweep`.
pub fn run(a: &Arguments) -> Result {
    let output = Output::new(None, a.place.quiet)?;
    let (points, known) = match (&a.what, a.resume) {
        (Some(what), None | Some(None)) => (wanted(a, what)?.points(&written::folder(&a.place.store))?, None),
        (None, Some(id)) => {
            if let Some((name, _)) = a.values.0.first() {
                let message =
                    format!("--resume takes the points of the sweep as they were; {name} cannot change them");
                return Err(Error::Usage(format!(
                    "{message}\n  = help: leave it away, or name the program"
                )));
            }
            let (points, sweep) = resumed(&Store::existing(&a.place.store)?, id)?;
            (points, Some(sweep))
        }
        (Some(what), Some(Some(_))) => {
            return Err(Error::Usage(format!(
                "--resume=ID takes everything from the store\n  = help: leave `{what}` away"
            )));
        }
        (None, None) => {
            return Err(Error::Usage(
                "what shall be swept?\n  = help: vernier sweep PROGRAM --format a,b,c; a file sweep.toml; or --resume".into(),
            ));
        }
    };
    let (done, sweep) = conduct(&a.place, &points, known)?;
    for line in table::lines(&done.trials) {
        outln!("{line}");
    }
    output.say(&ending(&done, sweep, &a.place.store));
    let rows: Vec<Trial> = done.trials.iter().filter_map(|(_, t)| t.clone()).collect();
    if let Some(path) = &a.json {
        fs::write(path, export::json(&rows)?).map_err(|e| Error::file("write", path, &e))?;
    }
    if let Some(path) = &a.csv {
        fs::write(path, export::csv(&rows)?).map_err(|e| Error::file("write", path, &e))?;
    }
    let slurm = if a.place.cluster.slurm { " --slurm" } else { "" };
    let resume = format!(
        "vernier sweep --resume={sweep}{}{slurm}",
        store_option(&a.place.store)
    );
    whole(&done, &resume)?;
    some_ended_well(&done)
}

/// Runs what is missing of these points, as a sweep of the store that is begun here unless it is `known`.
pub fn conduct(place: &Place, points: &[Point], known: Option<i64>) -> Result<(Done, i64)> {
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    let runner = Runner::new(
        points,
        !place.no_build,
        place.limits()?,
        place.again(),
        &library_folder,
    )?;
    let mut the_store = Store::open(&place.store)?;
    let sweep = match known {
        Some(sweep) => sweep,
        None => {
            let spec = serde_json::to_string(points);
            let spec =
                spec.map_err(|e| Error::failed(format!("the sweep cannot be written as JSON: {e}"), ""))?;
            the_store.sweep(&spec, &run::child::own_command())?
        }
    };
    hearing(&runner, points, place.quiet);
    let bar = Bar::new(place.quiet);
    let done = runner.run(&mut the_store, sweep, points, &bar)?;
    bar.end();
    Ok((done, sweep))
}

/// Says, before a trial is run, of which programs no results may be heard.
pub fn hearing(runner: &Runner<'_>, points: &[Point], quiet: bool) {
    for program in runner.silent(points) {
        if !quiet {
            say(&format!(
                "{program} holds no text about accuracy or right answers: its trials may have no result. It can say how it \
                 prints them: [output] accuracy = 'REGEX' in its vernier.toml, or --accuracy-pattern REGEX"
            ));
        }
    }
}

/// An error if no trial ended well: such a sweep has no result.
pub fn some_ended_well(done: &Done) -> Result {
    let mut ended = done.trials.iter().filter_map(|(_, t)| t.as_ref()).peekable();
    if ended.peek().is_none() {
        return Ok(());
    }
    let mut messages = Vec::new();
    for trial in ended {
        if trial.is_done() {
            return Ok(());
        }
        messages.push(trial.message.as_deref().unwrap_or_default());
    }
    let first = messages.first().copied().unwrap_or_default();
    Err(Error::failed(
        format!("all trials failed; the first: {first}"),
        "`vernier store export` has every message; --again=failed runs them again",
    ))
}

/// An error if a signal ended it early; `resume` is the command that runs what is missing.
pub fn whole(done: &Done, resume: &str) -> Result {
    let Some(signal) = done.signal else {
        return Ok(());
    };
    let missing = done.trials.iter().filter(|(_, t)| t.is_none()).count();
    let all = done.trials.len();
    Err(Error::Stage {
        message: format!("interrupted; {missing} of {all} trials are missing\n  = help: {resume}"),
        code: 128 + signal,
    })
}

/// The option that names this store, unless it is the usual one.
pub fn store_option(store: &Path) -> String {
    if store == Path::new(store::DEFAULT) {
        String::new()
    } else {
        format!(" --store {}", run::child::quoted(&store.to_string_lossy()))
    }
}

/// What was done, in a line.
pub fn ending(done: &Done, sweep: i64, store: &Path) -> String {
    let failed = done
        .trials
        .iter()
        .flat_map(|(_, t)| t)
        .filter(|t| !t.is_done())
        .count();
    let known = done.trials.iter().filter(|(_, t)| t.is_some()).count();
    let failed = match failed {
        0 => String::new(),
        n => format!(", {n} failed"),
    };
    format!(
        "sweep {sweep}: {known} of {} trials{failed}; {} run now in {:.1} s; kept in {}",
        done.trials.len(),
        done.ran,
        done.seconds,
        store.display()
    )
}

/// The points of a sweep of the store: the one named, else the last.
fn resumed(the_store: &Store, id: Option<i64>) -> Result<(Vec<Point>, i64)> {
    let sweeps = the_store.sweeps()?;
    let path = the_store.path().display();
    let sweep = match id {
        Some(id) => sweeps.iter().find(|s| s.id == id),
        None => sweeps.last(),
    };
    let sweep = sweep.ok_or_else(|| {
        let what = id.map_or("no sweep".into(), |id| format!("no sweep {id}"));
        Error::failed(
            format!("the store {path} has {what}"),
            "`vernier store sweeps` lists them",
        )
    })?;
    let points: std::result::Result<Vec<Point>, _> = serde_json::from_str(&sweep.spec);
    let points = points.map_err(|_| {
        let message = format!("{} of the store {path} is no sweep", sweep.id);
        Error::failed(
            message,
            "`vernier store sweeps` lists them; name one with --resume=ID",
        )
    })?;
    Ok((points, sweep.id))
}

/// A line for whoever listens: that nobody does any more is no reason to end.
fn say(text: &str) {
    errln!("vernier: {text}");
}

/// Progress for people: a bar on a terminal, a line a trial elsewhere.
pub struct Bar {
    bar: ProgressBar,
    lines: bool,
}

impl Bar {
    /// A bar; it appears with the first trial.
    pub fn new(quiet: bool) -> Bar {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if terminal && !quiet {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        Bar {
            bar,
            lines: !terminal && !quiet,
        }
    }

    /// Takes it away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn start(&self, missing: usize, known: usize, jobs: usize) {
        // A search starts anew with each of its batches.
        self.bar.set_position(0);
        self.bar.set_length(missing as u64);
        let style = ProgressStyle::with_template("{pos}/{len} [{wide_bar}] {elapsed} left {eta}  {msg}");
        if let Ok(style) = style {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.tick();
        if self.lines {
            say(&format!(
                "{missing} trials to run, {known} known; {jobs} at a time"
            ));
        }
    }

    fn ended(&self, point: &Point, trial: &Trial) {
        let words: Vec<String> = ["program", "template", "layer", "format", "accumulate", "policy"]
            .iter()
            .filter_map(|name| axes::axis(name).ok()?.cell(point))
            .collect();
        let result = match (trial.is_done(), trial.accuracy) {
            (false, _) => {
                let message = trial.message.as_deref().unwrap_or_default();
                format!("failed: {}", message.lines().next().unwrap_or_default())
            }
            (_, Some(accuracy)) => format!("{accuracy:.2} %"),
            (_, None) => "done".into(),
        };
        let text = format!("{}: {result}", words.join(" "));
        self.bar.inc(1);
        if self.lines {
            let (n, of) = (self.bar.position(), self.bar.length().unwrap_or(0));
            say(&format!("{n}/{of} {text}"));
        }
        self.bar.set_message(text);
    }

    fn say(&self, line: &str) {
        if self.lines {
            errln!("vernier: {line}");
        } else {
            self.bar.println(format!("vernier: {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_goes_through_its_axes_in_a_known_order() {
        let names: Vec<&str> = names().collect();
        assert!(SLOWEST.iter().all(|n| names.contains(n)), "{names:?}");
        let command = Values::augment_args(clap::Command::new("sweep"));
        let matches = command
            .try_get_matches_from(["sweep", "--timeout", "3", "--images", "1,2", "--format=bf16"])
            .unwrap();
        let values = Values::from_arg_matches(&matches).unwrap().0;
        let strings = |all: &[&str]| all.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let expected = [
            ("format", strings(&["bf16"])),
            ("images", strings(&["1", "2"])),
            ("timeout", strings(&["3"])),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn sizes() {
        assert_eq!(size("8G"), Ok(8 << 30));
        assert_eq!(size("500MiB"), Ok(500 << 20));
        assert!(size("G").is_err() && size("0").is_err() && size("99999999999T").is_err());
    }
}
