//! Precision as a policy: a document of rules that says which instruction of which kernel computes in which
//! format, in which launch. This crate reads the document ([`Policy`]), decides which rules hold in a launch
//! ([`KernelPolicy::plan`]) and rewrites a module accordingly ([`Policy::rewrite`]), saying which rule took what.
//! It launches nothing and reads no environment: the library and the command line do, with the same answers.
//!
//! Every key is decided on its own: the last rule that holds for an instruction and gives a `format` gives its
//! format, the last that gives `accumulate` its accumulator, the last that gives `rounding` its rounding.

mod apply;
mod document;
mod error;
pub mod layers;
pub mod names;
mod plan;
mod reader;
mod select;
mod whole;

pub use apply::{Decision, Outcome, Report, SiteOutcome};
pub use document::{
    Accumulate, Action, Argument, Boundary, FormatChoice, LossScale, MATCHES_NOTHING, MATCHES_NOTHING_HELP,
    NO_SUMS, NO_TENSORS, NO_TENSORS_HELP, Place, Policy, Rule, SHORT_FORM, When, Words,
};
pub use error::Error;
pub use plan::{KernelPolicy, Plan};
pub use select::{ClassName, Conditions, Globs, LaunchContext, Launches, Lines, Phase, Stage};
pub use whole::Known;
