//! What the store keeps of a trial: one table of columns, from which the SQL table, the exports and the manual follow.

use serde::{Deserialize, Serialize};

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Signed 64-bit integer.
    Integer,
    /// binary64.
    Real,
}

impl Kind {
    /// The type in SQL.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Kind::Text => "TEXT",
            Kind::Integer => "INTEGER",
            Kind::Real => "REAL",
        }
    }
}

/// A column of the table of trials.
pub struct Column {
    /// Its name: in SQL, CSV, Parquet and JSON, and the field of [`Trial`].
    pub name: &'static str,
    /// How values are stored.
    pub kind: Kind,
    /// What it holds.
    pub about: &'static str,
}

macro_rules! columns {
    ($($(#[doc = $about:literal])* $name:ident: $kind:ident $type:ty,)*) => {
        /// A trial that ended: what was run, on what, and what came of it.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Trial {
            $($(#[doc = $about])* pub $name: $type,)*
        }

        /// All columns, in the order of the exports.
        pub const COLUMNS: &[Column] = &[
            $(Column { name: stringify!($name), kind: Kind::$kind, about: concat!($($about),*) },)*
        ];
    };
}

columns! {
    /// SHA-256 of `identity`, hexadecimal
    key: Text String,
    /// The sweep or search that ran it
    sweep: Integer i64,
    /// The program's name
    program: Text String,
    /// The values of all axes, a JSON object
    point: Text String,
    /// The format, or `none`: as compiled
    format: Text Option<String>,
    /// The accumulator format of recognised accumulations
    accumulate: Text Option<String>,
    /// The policy's text
    policy: Text Option<String>,
    /// The device configuration
    config: Text Option<String>,
    /// Stages, separated by commas
    stages: Text String,
    /// Epochs trained
    epochs: Integer Option<i64>,
    /// Images tested, if limited
    images: Integer Option<i64>,
    /// Seed of stochastic rounding
    seed: Integer Option<i64>,
    /// Everything that decides the result, one NAME=VALUE a line; files by their SHA-256
    identity: Text String,
    /// SHA-256 of the program's binary
    binary_hash: Text String,
    /// SHA-256 of the weights that it read
    weights_hash: Text Option<String>,
    /// SHA-256 of the PTX files that were read instead of the embedded PTX
    ptx_hash: Text Option<String>,
    /// Vernier's version
    vernier: Text String,
    /// The command that runs this trial alone
    command: Text String,
    /// `done` or `failed`
    status: Text String,
    /// Why it failed
    message: Text Option<String>,
    /// Percent of test images classified correctly
    accuracy: Real Option<f64>,
    /// Answers of the test that are right: images, or what else the program counts
    correct: Integer Option<i64>,
    /// Answers of the test
    answers: Integer Option<i64>,
    /// The last loss that the program printed
    loss: Real Option<f64>,
    /// Kernel launches
    launches: Integer Option<i64>,
    /// PTX instructions times active threads
    instructions: Integer Option<i64>,
    /// Of these, in a variable format
    variable_instructions: Integer Option<i64>,
    /// Simulated cycles (performance simulation only)
    cycles: Integer Option<i64>,
    /// Energy, joules (where it was measured or modelled)
    joules: Real Option<f64>,
    /// Wall-clock time of the stages, seconds
    seconds: Real f64,
    /// Wall-clock time in kernels, seconds
    kernel_seconds: Real Option<f64>,
    /// Most memory that the process held, bytes
    peak_bytes: Integer Option<i64>,
    /// The machine
    host: Text String,
    /// When it ended, UTC
    finished: Text String,
}

impl Trial {
    /// It ran to its end and its results mean something.
    pub fn is_done(&self) -> bool {
        self.status == DONE
    }
}

/// [`Trial::status`] of a trial that ran to its end.
pub const DONE: &str = "done";
/// [`Trial::status`] of a trial that did not.
pub const FAILED: &str = "failed";
