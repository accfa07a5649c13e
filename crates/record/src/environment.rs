//! The environment of a process, and what it says of numbers: one reader for the library, the command and `ptx run`.

use crate::variables::{self, Variable};
use std::collections::BTreeMap;
use std::path::PathBuf;
use vfloat::{Format, Rounding};

/// How the text of a variable is found by its name.
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that is set to what is no value of it, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);

/// A variable of this process as it is now; unset and empty are the same.
pub fn of_process(name: &str) -> Option<String> {
    // The standard library reads the C environment, so a setenv(3) by the program is seen.
    std::env::var_os(name)
        .map(|v| v.to_string_lossy().into_owned())
        .filter(|v| !v.is_empty())
}

/// The variables of a process at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process, now.
    pub fn of_process() -> Environment {
        let all = std::env::vars_os().map(|(n, v)| [n, v].map(|t| t.to_string_lossy().into_owned()));
        Environment(all.map(|[name, value]| (name, value)).collect())
    }

    /// This one with a variable set.
    #[must_use]
    pub fn with<T>(mut self, variable: &Variable<T>, value: impl Into<String>) -> Environment {
        self.0.insert(variable.name().into(), value.into());
        self
    }

    /// The text of a variable; unset and empty are the same.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|text| !text.is_empty()).cloned()
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// It is set to what is no value of it.
    pub fn get<T>(&self, variable: &Variable<T>) -> Result<Option<T>, Invalid> {
        variable.read(&|name| self.text(name))
    }

    /// Whether a variable is set to anything but 0.
    pub fn is_on(&self, flag: &Variable<bool>) -> bool {
        self.get(flag).is_ok_and(|value| value == Some(true))
    }

    /// The path that a variable is set to.
    pub fn path(&self, variable: &Variable<PathBuf>) -> Option<PathBuf> {
        self.text(variable.name()).map(PathBuf::from)
    }
}

/// What the environment says of numbers, as it holds for the launch that starts now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numerics {
    /// What `.vf32` means, if it says that.
    pub format: Option<Format>,
    /// How operands are cut, if it says that.
    pub input_rounding: Option<Rounding>,
    /// What the random bits of stochastic rounding start from, if it says that.
    pub seed: Option<u64>,
}

impl Numerics {
    /// How operands are cut where nobody says it.
    pub const INPUT_ROUNDING: Rounding = Rounding::TowardZero;

    /// Reads it.
    ///
    /// # Errors
    /// The variable, its text and what is allowed.
    pub fn read(read: Read<'_>) -> Result<Numerics, Invalid> {
        let texts = variables::OF_FORMAT.map(|name| (name, read(name).filter(|t| !t.is_empty())));
        let text = |name: &str| texts.iter().find(|(n, _)| *n == name)?.1.clone();
        let is_set = texts.iter().any(|(_, text)| text.is_some());
        let format = is_set.then(|| Format::from_environment(text)).transpose();
        Ok(Numerics {
            format: format.map_err(|e| Invalid(e.to_string()))?,
            input_rounding: variables::INPUT_ROUNDING.read(read)?,
            seed: variables::SEED.read(read)?,
        })
    }
}
