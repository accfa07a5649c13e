//! The axes of a sweep: everything that a trial can be told, one row each. A trial is a [`Point`]: a value for some
//! of them. Options of the command, keys of `sweep.toml`, the settings of a run and the command that repeats a trial
//! follow from the table.

use record::variables;
use run::child::quoted;
use run::options::{Kind, OPTIONS, RunOption};
use run::program::{self, Program};
use run::settings::{self, Settings, Stage};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use tell::Error;
use tell::suggest;

/// A value for each of some axes, by their names.
pub type Point = BTreeMap<String, String>;

/// How a value gets into a run.
enum Way {
    /// It is no setting of a run: the program's name.
    Program,
    /// The stages.
    Stages,
    /// An option of `vernier run`.
    Option(&'static RunOption),
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
    /// Several values on the command line, in a word; empty: one only.
    pub values: &'static str,
    /// Where its column stands among the others.
    column: u32,
    way: Way,
}

/// The value of the axis `format` that means: as compiled.
pub const AS_COMPILED: &str = "none";

/// Bits of exponent and explicit significand of a format.
pub fn width(format: &str) -> Option<(u32, u32)> {
    let format: vfloat::Format = match format {
        AS_COMPILED => return Some((8, 23)), // binary32
        text => text.parse().ok()?,
    };
    let significand = format.precision() - 1;
    // Normal exponents run from EMIN + P - 1 to EMAX; one more code is for subnormals, and IEEE's formats keep one for
    // infinities, which the power of two that follows has room for.
    let normal = format.emax() - (format.emin() + significand as i32) + 1;
    let codes = u32::try_from(normal + 1).ok()?.max(1);
    Some((codes.next_power_of_two().trailing_zeros(), significand))
}

/// The axes that are no run options.
const OWN: [Axis; 7] = [
    Axis {
        name: "program",
        head: "program",
        about: "a program's name or folder",
        values: "PROGRAMS",
        column: 10,
        way: Way::Program,
    },
    Axis {
        name: "stage",
        head: "stage",
        about: "stages of a trial, separated by commas: test (default), or train,test",
        values: "",
        column: 20,
        way: Way::Stages,
    },
    Axis {
        name: "template",
        head: "template",
        about: "a policy of the file's [template]",
        values: "TEMPLATES",
        column: 30,
        way: Way::Policy,
    },
    Axis {
        name: "layer",
        head: "layer",
        about: "the layer, or a pattern for layers, that has the format; the others are as compiled",
        values: "LAYERS",
        column: 40,
        way: Way::Policy,
    },
    Axis {
        name: "seed",
        head: "seed",
        about: "seed of stochastic rounding",
        values: "NUMBERS",
        column: 150,
        way: Way::Variable(variables::SEED.name()),
    },
    Axis {
        name: "images",
        head: "images",
        about: "test the first N images only",
        values: "NUMBERS",
        column: 160,
        way: Way::Variable(variables::TEST_IMAGES.name()),
    },
    Axis {
        name: "train_images",
        head: "train images",
        about: "train with the first N images only",
        values: "NUMBERS",
        column: 170,
        way: Way::Variable(variables::TRAIN_IMAGES.name()),
    },
];

/// All axes, in the order of the columns of tables.
pub static AXES: LazyLock<Vec<Axis>> = LazyLock::new(|| {
    let of_option = |option: &'static RunOption| {
        let axis = option.axis?;
        Some(Axis {
            name: if axis.name.is_empty() {
                option.name
            } else {
                axis.name
            },
            head: axis.head,
            about: axis.about,
            values: axis.values,
            column: axis.column,
            way: Way::Option(option),
        })
    };
    let mut all: Vec<Axis> = OWN.into_iter().collect();
    all.extend(OPTIONS.iter().filter_map(of_option));
    all.sort_by_key(|axis| axis.column);
    all
});

fn trial_stages(text: &str) -> Result<Vec<Stage>, String> {
    let words: Vec<String> = text.split(',').map(str::to_string).collect();
    let stages = settings::stages(&words)?;
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
    /// What stands for its value, or values, in `--help`.
    pub fn value_name(&self) -> &'static str {
        match (self.values, &self.way) {
            ("", Way::Option(option)) => option.value,
            ("", Way::Stages) => "STAGES",
            ("", _) => "VALUE",
            (several, _) => several,
        }
    }

    /// A value as a point has it: paths are made absolute, from `folder`.
    pub fn value(&self, text: &str, folder: &Path) -> String {
        let path = match self.way {
            Way::Program => program::named_in(text.trim(), folder).into(),
            Way::Option(RunOption {
                kind: Kind::Config(_),
                ..
            }) => settings::config(text, folder),
            Way::Option(RunOption {
                kind: Kind::Path(_), ..
            }) => folder.join(text),
            _ => return text.trim().into(),
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
        match &self.way {
            Way::Option(option) if !matches!(option.kind, Kind::Config(_) | Kind::Path(_)) => value.into(),
            Way::Stages | Way::Variable(_) | Way::Policy => value.into(),
            Way::Program | Way::Option(_) => {
                let name = Path::new(value).file_name();
                name.map_or(value.into(), |n| n.to_string_lossy().into_owned())
            }
        }
    }
}

/// A value that an axis does not take.
fn refused(axis: &Axis, value: &str, why: &str) -> Error {
    Error::Usage(format!(
        "`{value}` is no value of {} ({}): {why}",
        axis.name, axis.about
    ))
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
            Way::Option(_) if name == "format" && value == AS_COMPILED => {}
            Way::Stages => settings.stages = Some(trial_stages(value).map_err(|e| refused(axis, value, &e))?),
            Way::Option(option) => option
                .set(&mut settings, value)
                .map_err(|e| refused(axis, value, &e))?,
            Way::Variable(variable) => {
                if value.parse::<u64>().is_err() {
                    return Err(refused(axis, value, "a whole number is wanted"));
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
    for axis in AXES.iter() {
        let Some(value) = point.get(axis.name) else {
            continue;
        };
        match &axis.way {
            Way::Program | Way::Policy => {}
            Way::Option(_)
                if axis.name == "format" && (value == AS_COMPILED || point.contains_key("layer")) => {}
            Way::Option(_) if axis.name == "accumulate" && value == AS_COMPILED => {}
            Way::Option(_)
                if axis.name == "accumulate" && settings(point).is_ok_and(|s| s.accumulate.is_none()) => {}
            Way::Stages => options.extend(["--stage".to_string(), quoted(value)]),
            Way::Option(option) => options.extend([format!("--{}", option.flag), quoted(value)]),
            Way::Variable(name) => words.push(format!("{name}={}", quoted(value))),
        }
    }
    words.extend(options);
    words.join(" ")
}
