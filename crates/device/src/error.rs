//! What can be wrong with a configuration. Messages name the place (`--> file:line`) and say what is allowed.

use std::fmt;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read the device configuration {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file that an option names cannot be read.
    #[error("cannot read {path}, which `{option}` names: {source}\n  --> {place}")]
    ReadNamed {
        /// The file.
        path: String,
        /// The option that names it.
        option: &'static str,
        /// Where the option stands.
        place: Place,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is no such option.
    #[error("unknown option `{name}`{hint}\n  --> {place}")]
    UnknownOption {
        /// The name in the file.
        name: String,
        /// `; did you mean ...?`, or empty.
        hint: String,
        /// Where it stands.
        place: Place,
    },
    /// An option without its value.
    #[error("option `{name}` has no value; it takes {allowed}\n  --> {place}")]
    MissingValue {
        /// The option.
        name: String,
        /// What is allowed.
        allowed: String,
        /// Where it stands.
        place: Place,
    },
    /// A value that the option does not take.
    #[error("`{value}` is no value for option `{name}`; it takes {allowed}\n  --> {place}")]
    BadValue {
        /// The option.
        name: String,
        /// The value in the file.
        value: String,
        /// What is allowed.
        allowed: String,
        /// Where it stands.
        place: Place,
    },
    /// Options that contradict each other, or a value that no device can have.
    #[error("{what}\n  --> {place}")]
    Contradiction {
        /// What is wrong and what would be right.
        what: String,
        /// Where the option stands that is to be changed.
        place: Place,
    },
    /// A value with an opening quotation mark only, or text where an option is expected.
    #[error("{what}\n  --> {place}")]
    Syntax {
        /// What is wrong.
        what: String,
        /// Where.
        place: Place,
    },
}

/// `; did you mean ...?` for the name nearest to `name`, or nothing when none is near.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|candidate| (strsim::levenshtein(name, candidate), candidate))
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= 2 + name.len() / 4 => {
            format!("; did you mean `{candidate}`?")
        }
        _ => String::new(),
    }
}
