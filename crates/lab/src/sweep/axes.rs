//! The axes of a sweep: everything that a trial can be told, one row each. A trial is a [`Point`]: a value for some
//! of them. Options of the command, keys of `sweep.toml`, the settings of a run and the command that repeats a trial
//! follow from the table.

use crate::child::quoted;
use crate::error::Error;
use crate::program::{self, Program};
use crate::settings::{self, Settings, Stage};
use crate::suggest;
use record::variables;
use std::collections::BTreeMap;
use std::path::Path;

/// A value for each of some axes, by their names.
pub type Point = BTreeMap<String, String>;

/// How a value gets into a run.
enum Way {
    /// It is no setting of a run: the program's name.
    Program,
    /// An option of `vernier run`, and the same in settings.
    Option(&'static str, fn(&mut Settings, &str) -> Result<(), String>),
    /// A variable of the program.
    Variable(&'static str),
    /// It says of what the point's policy was made ([`super::made`]).
    Policy,
}

/// One axis.
pub struct Axis {
    /// Its name in `sweep.toml` and in a point.
    pub name: &'static str,
    /// The head of its column in tables.
    pub head: &'static str,
    /// What its values are.
    pub about: &'static str,
    /// Values are paths; the second kind may be a name under `configs/`.
    place: Place,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    No,
    Path,
    Config,
    Program,
}

/// The value of the axis `format` that means: as compiled.
pub const AS_COMPILED: &str = "none";

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, String> {
    text.parse().map(Some).map_err(|e: T::Err| e.to_string())
}

fn count<T: std::str::FromStr>(text: &str) -> Result<Option<T>, String> {
    text.parse()
        .map(Some)
        .map_err(|_| "a whole number is wanted".into())
}

fn path(text: &str) -> Option<std::path::PathBuf> {
    Some(text.into())
}

/// Shorthand for a row of [`AXES`] that is an option of `vernier run`.
macro_rules! option {
    ($name:literal, $head:literal, $flag:literal, $place:ident, $about:literal, |$s:ident, $v:ident| $body:expr) => {
        Axis {
            name: $name,
            head: $head,
            about: $about,
            place: Place::$place,
            way: Way::Option($flag, |$s, $v| {
                $body;
                Ok(())
            }),
        }
    };
}

/// All axes, in the order of the columns of tables.
pub const AXES: &[Axis] = &[
    Axis {
        name: "program",
        head: "program",
        about: "a program's name or folder",
        place: Place::Program,
        way: Way::Program,
    },
    option!(
        "stage",
        "stage",
        "--stage",
        No,
        "stages of a trial, separated by commas: test (default), or train,test",
        |s, v| s.stages = Some(trial_stages(v)?)
    ),
    Axis {
        name: "template",
        head: "template",
        about: "a policy of the file's [template]",
        place: Place::No,
        way: Way::Policy,
    },
    Axis {
        name: "layer",
        head: "layer",
        about: "the layer, or a pattern for layers, that has the format; the others are as compiled",
        place: Place::No,
        way: Way::Policy,
    },
    option!(
        "format",
        "format",
        "--format",
        No,
        "a format, or none: as compiled",
        |s, v| if v != AS_COMPILED {
            s.format = word(v)?
        }
    ),
    option!(
        "accumulate",
        "sums",
        "--accumulate",
        No,
        "what sums over a loop run in: a format, or none: as the rest",
        |s, v| s.accumulate =
            Some(settings::accumulator(v).map_err(|e| e.trim_start_matches(": ").to_string())?)
    ),
    option!(
        "policy",
        "policy",
        "--policy",
        Path,
        "a file with a precision policy",
        |s, v| s.policy = path(v)
    ),
    option!(
        "input_rounding",
        "cut",
        "--input-rounding",
        No,
        "how operands are cut: rz, rm, rn or rp",
        |s, v| s.input_rounding = word(v)?
    ),
    option!(
        "override",
        "override",
        "--override",
        No,
        "vf32 or none",
        |s, v| s.r#override = word(v)?
    ),
    option!("ptx", "ptx", "--ptx", Path, "a folder of edited PTX", |s, v| s
        .ptx =
        path(v)),
    option!(
        "config",
        "config",
        "--config",
        Config,
        "a device configuration",
        |s, v| s.config = path(v)
    ),
    option!(
        "weights",
        "weights",
        "--weights-in",
        Path,
        "weights to test, or to continue training from",
        |s, v| s.weights_in = path(v)
    ),
    option!("epochs", "epochs", "--epochs", No, "epochs to train", |s, v| s
        .epochs =
        count(v)?),
    option!(
        "start_epoch",
        "from",
        "--start-epoch",
        No,
        "epochs that the weights have seen",
        |s, v| s.start_epoch = count(v)?
    ),
    Axis {
        name: "seed",
        head: "seed",
        about: "seed of stochastic rounding",
        place: Place::No,
        way: Way::Variable(variables::SEED.name()),
    },
    Axis {
        name: "images",
        head: "images",
        about: "test the first N images only",
        place: Place::No,
        way: Way::Variable(variables::TEST_IMAGES.name()),
    },
    Axis {
        name: "train_images",
        head: "train images",
        about: "train with the first N images only",
        place: Place::No,
        way: Way::Variable(variables::TRAIN_IMAGES.name()),
    },
    option!(
        "max_instructions",
        "limit",
        "--max-instructions",
        No,
        "thread-instructions that a block may execute",
        |s, v| s.max_instructions = count(v)?
    ),
    option!(
        "accuracy_pattern",
        "accuracy from",
        "--accuracy-pattern",
        No,
        "how the program says its accuracy: a regular expression with the number in parentheses",
        |s, v| s.accuracy_pattern = word(v)?
    ),
    option!(
        "loss_pattern",
        "loss from",
        "--loss-pattern",
        No,
        "how it says its loss",
        |s, v| s.loss_pattern = word(v)?
    ),
    option!(
        "timeout",
        "timeout",
        "--timeout",
        No,
        "seconds that a stage may take",
        |s, v| s.timeout = count(v)?
    ),
];

fn trial_stages(text: &str) -> Result<Vec<Stage>, String> {
    let words: Vec<String> = text.split(',').map(str::to_string).collect();
    let stages = settings::stages(&words).map_err(|e| e.trim_start_matches(": ").to_string())?;
    match stages[..] {
        [Stage::Test] | [Stage::Train, Stage::Test] | [Stage::Train] => Ok(stages),
        _ => Err("a trial does test, train,test or train; the build is done once before all".into()),
    }
}

/// The axis of that name; else what is wrong, and advice.
///
/// # Errors
/// There is none of that name.
pub fn axis(name: &str) -> Result<&'static Axis, (String, String)> {
    AXES.iter().find(|a| a.name == name).ok_or_else(|| {
        let advice = suggest::advice(name, AXES.iter().map(|a| a.name));
        (format!("there is no axis `{name}`"), advice)
    })
}

/// [`axis`] where a name is an argument.
///
/// # Errors
/// There is none of that name.
pub fn argument(name: &str) -> Result<&'static Axis, Error> {
    axis(name).map_err(|(message, advice)| Error::Usage(format!("{message}\n  = help: {advice}")))
}

impl Axis {
    /// A value as a point has it: paths are made absolute, from `folder`.
    pub fn value(&self, text: &str, folder: &Path) -> String {
        let path = match self.place {
            Place::No => return text.trim().into(),
            Place::Path => folder.join(text),
            Place::Program => program::named_in(text.trim(), folder).into(),
            Place::Config => settings::config(text, folder),
        };
        path.to_string_lossy().into_owned()
    }

    /// The value of a point as a table has it; nothing where it has none, or where other columns say of what its policy
    /// was made.
    pub fn cell(&self, point: &Point) -> Option<String> {
        let made = || {
            let mut sources = AXES.iter().filter(|a| matches!(a.way, Way::Policy));
            sources.any(|a| point.contains_key(a.name))
        };
        let value = point.get(self.name)?;
        (self.name != "policy" || !made()).then(|| self.shown(value))
    }

    /// A value as a table has it: of a path its last part, where that says enough.
    fn shown(&self, value: &str) -> String {
        match self.place {
            Place::No => value.into(),
            Place::Path | Place::Config | Place::Program => {
                let name = Path::new(value).file_name();
                name.map_or(value.into(), |n| n.to_string_lossy().into_owned())
            }
        }
    }
}

/// The settings that a point means.
///
/// # Errors
/// A value that its axis does not take.
pub fn settings(point: &Point) -> Result<Settings, Error> {
    let mut settings = Settings {
        stages: Some(vec![Stage::Test]),
        ..Settings::default()
    };
    for (name, value) in point {
        let axis = argument(name)?;
        match axis.way {
            Way::Program | Way::Policy => {}
            Way::Option(_, set) => set(&mut settings, value).map_err(|e| {
                Error::Usage(format!("`{value}` is no value of {name} ({}): {e}", axis.about))
            })?,
            Way::Variable(variable) => {
                if value.parse::<u64>().is_err() {
                    let message = format!(
                        "`{value}` is no value of {name} ({}): a whole number is wanted",
                        axis.about
                    );
                    return Err(Error::Usage(message));
                }
                settings.env.push((variable.into(), value.clone()));
            }
        }
    }
    if point.get("format").is_none_or(|f| f == AS_COMPILED) {
        // Nothing is overridden, and there are no sums of which to speak.
        settings.accumulate = None;
    }
    if point.contains_key("layer") {
        // The policy says it, of the layer alone.
        (settings.format, settings.accumulate) = (None, None);
    }
    Ok(settings)
}

/// The command that runs a point alone, from any folder.
pub fn command(point: &Point) -> String {
    let mut words = Vec::new();
    let mut options = vec!["vernier".to_string(), "run".to_string()];
    let folder = |name: &String| Program::folder(name).unwrap_or_else(|_| name.into());
    let folder = point.get("program").map(folder);
    options.extend(folder.map(|f| quoted(&f.to_string_lossy())));
    if !point.contains_key("stage") {
        options.extend(["--stage".to_string(), "test".to_string()]);
    }
    for axis in AXES {
        let Some(value) = point.get(axis.name) else {
            continue;
        };
        match axis.way {
            Way::Program | Way::Policy => {}
            Way::Option("--format", _) if value == AS_COMPILED || point.contains_key("layer") => {}
            Way::Option("--accumulate", _) if value == AS_COMPILED => {}
            Way::Option("--accumulate", _) if settings(point).is_ok_and(|s| s.accumulate.is_none()) => {}
            Way::Option(flag, _) => options.extend([flag.to_string(), quoted(value)]),
            Way::Variable(name) => words.push(format!("{name}={}", quoted(value))),
        }
    }
    words.extend(options);
    words.join(" ")
}
