//! Options that several commands share: the rows of `run::options` as options of `run`, `exec` and `ptx run`, and those about a
//! run's outputs.

use crate::Result;
use clap::builder::{PathBufValueParser, PossibleValue, PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use record::variables;
use run::options::{Command, Kind, OPTIONS, RunOption};
use run::settings::{self, Settings, Words};
use std::marker::PhantomData;
use std::path::PathBuf;
use tell::Error;

/// A command with run options.
pub trait Of {
    /// Which one.
    const COMMAND: Command;
}

/// `vernier run`.
pub struct Run;
/// `vernier exec`.
pub struct Exec;
/// `vernier ptx run`.
pub struct PtxRun;

impl Of for Run {
    const COMMAND: Command = Command::Run;
}
impl Of for Exec {
    const COMMAND: Command = Command::Exec;
}
impl Of for PtxRun {
    const COMMAND: Command = Command::PtxRun;
}

/// What was given for an option; checked already.
enum Given {
    Text(String),
    Path(PathBuf),
    Flag,
}

/// The run options that a command was given.
pub struct Options<C> {
    given: Vec<(&'static RunOption, Given)>,
    of: PhantomData<C>,
}

/// The option of the command line that a row means.
fn argument(option: &'static RunOption, command: Command) -> Arg {
    let arg = Arg::new(option.name)
        .long(option.flag)
        .help(option.help_of(command));
    let arg = match option.group {
        "" => arg,
        group => arg.help_heading(group),
    };
    let arg = match option.kind {
        Kind::Flag(_) => return arg.action(ArgAction::SetTrue),
        Kind::Path(_) | Kind::Config(_) => arg.value_parser(PathBufValueParser::new()),
        Kind::Text(_) | Kind::Number(_) if option.words.is_empty() => arg.value_parser(checked(option)),
        Kind::Text(_) | Kind::Number(_) => {
            let words = option.words.iter();
            arg.value_parser(PossibleValuesParser::new(
                words.map(|(word, about)| PossibleValue::new(*word).help(*about)),
            ))
        }
    };
    let arg = arg.value_name(option.value);
    match option.bare {
        None => arg,
        Some(bare) => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value(bare),
    }
}

/// A text that the option takes, as it is.
fn checked(option: &'static RunOption) -> ValueParser {
    ValueParser::new(move |text: &str| -> std::result::Result<String, String> {
        option
            .set(&mut Settings::default(), text)
            .map(|()| text.to_string())
    })
}

impl<C: Of> Args for Options<C> {
    fn augment_args(command: clap::Command) -> clap::Command {
        let options = OPTIONS.iter().filter(|o| o.is_of(C::COMMAND));
        command.args(options.map(|o| argument(o, C::COMMAND)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<C: Of> FromArgMatches for Options<C> {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = |option: &'static RunOption| {
            let given = match option.kind {
                Kind::Flag(_) => matches.get_flag(option.name).then_some(Given::Flag),
                Kind::Path(_) | Kind::Config(_) => {
                    matches.get_one::<PathBuf>(option.name).cloned().map(Given::Path)
                }
                Kind::Text(_) | Kind::Number(_) => {
                    matches.get_one::<String>(option.name).cloned().map(Given::Text)
                }
            };
            Some((option, given?))
        };
        Ok(Options {
            given: OPTIONS
                .iter()
                .filter(|o| o.is_of(C::COMMAND))
                .filter_map(given)
                .collect(),
            of: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<C> Options<C> {
    /// The settings that these options make; paths are from the folder that we are in.
    pub fn settings(&self) -> Result<Settings> {
        let here = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
        let mut settings = Settings::default();
        for (option, given) in &self.given {
            match (option.kind, given) {
                (Kind::Path(set), Given::Path(path)) => set(
                    &mut settings,
                    std::path::absolute(path).map_err(|e| Error::file("find", path, &e))?,
                ),
                (Kind::Config(set), Given::Path(path)) => {
                    set(&mut settings, settings::config(&path.to_string_lossy(), &here));
                }
                (Kind::Flag(set), _) => set(&mut settings, true),
                (_, Given::Text(text)) => option.set(&mut settings, text).map_err(Error::Usage)?,
                _ => {}
            }
        }
        Ok(settings)
    }
}

/// Whether lines are counted.
pub fn counts(settings: &Settings) -> bool {
    settings.observe.is_some() || settings.observe_out.is_some() || settings.shadow == Some(true)
}

/// What to write and say, beside the run options.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub struct Reports {
    /// Write the summary as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Folder of run records
    #[arg(long, value_name = "DIR", env = variables::RUNS.name(), default_value = "runs")]
    pub runs: PathBuf,
    /// Keep no run record
    #[arg(long)]
    pub no_record: bool,
    /// Only the program's own output, and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Let the library say more
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
}

impl Reports {
    /// How much the library says.
    pub fn words(&self) -> Words {
        match (self.quiet, self.verbose) {
            (true, _) => Words::Few,
            (_, true) => Words::Many,
            _ => Words::Usual,
        }
    }
}

/// A path of the command line, from the folder that we are in.
pub fn absolute(path: Option<&PathBuf>) -> Result<Option<PathBuf>> {
    path.map(|p| std::path::absolute(p).map_err(|e| Error::file("find", p, &e)))
        .transpose()
}
