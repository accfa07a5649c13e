//! What the numbers of a kernel do: exponents and significand bits of operands and results, overflow, underflow, cancellation and the
//! like, by PTX line, while the kernel runs as it always does.
//!
//! These are probes (`crate::probe`): in a program made for them each arithmetic f32 instruction is preceded by
//! one that keeps its operands (the destination may overwrite them) and followed by one that counts ([`tally`]).
//! Every worker counts for itself.
//!
//! Never here: anything that changes a result.

pub(crate) mod follow;
pub(crate) mod lanes;
mod recorded;
pub(crate) mod shadows;
pub(crate) mod site;
pub(crate) mod tally;

pub use ir::Kind;
pub use record::Stop;
pub use site::Facts;
pub use tally::{Fact, LOST_BITS, Tally, Values};

use backend::Location;
use std::sync::Arc;

/// Which kernels are meant: a predicate over mangled names.
#[derive(Clone)]
pub struct Kernels(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Kernels {
    /// Those for whose mangled name `chosen` is true.
    pub fn new(chosen: impl Fn(&str) -> bool + Send + Sync + 'static) -> Kernels {
        Kernels(Arc::new(chosen))
    }

    /// Every kernel.
    pub fn all() -> Kernels {
        Kernels::new(|_| true)
    }

    /// Whether this one is meant.
    pub fn has(&self, kernel: &str) -> bool {
        (self.0)(kernel)
    }
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kernels")
    }
}

/// What an engine looks at.
#[derive(Clone, Debug, Default)]
pub struct Observe {
    /// Kernels whose lines are counted. `None`: nothing is counted.
    pub kernels: Option<Kernels>,
    /// Of a kernel's launches the first of every so many is counted; 0 means 1.
    pub every: u64,
    /// Compare with binary64. Every launch of every kernel is followed then, those of `kernels` are reported; launches
    /// run on one CPU thread.
    pub shadow: bool,
    /// When to stop a launch, of any kernel.
    pub stop: Stop,
}

impl Observe {
    /// Whether anything is asked for.
    pub fn any(&self) -> bool {
        self.kernels.is_some() || self.shadow || self.stop.any()
    }
}

/// What was counted at an instruction of a PTX line, over all launches of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Mangled kernel name.
    pub kernel: String,
    /// The line; of a device function that the kernel calls, too.
    pub location: Location,
    /// What the instruction does.
    pub kind: Kind,
    /// Format of the result, by name.
    pub format: String,
    /// Its facts.
    pub limits: Facts,
    /// The counters.
    pub tally: Tally,
    /// Distance from binary64, if that was asked for.
    pub errors: Option<record::Shadow>,
}
