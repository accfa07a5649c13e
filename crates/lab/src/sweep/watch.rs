//! What a sweep asks and whom it tells: which results stand, and who watches it.

use super::Point;
use crate::store::Trial;

/// Which results that are there are taken instead of running a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// All: a trial is never run twice.
    #[default]
    Never,
    /// Those of trials that ended well.
    Failed,
    /// None.
    All,
}

impl Again {
    /// Whether a result stands.
    pub fn accepts(self, trial: &Trial) -> bool {
        match self {
            Again::Never => true,
            Again::Failed => trial.is_done(),
            Again::All => false,
        }
    }
}

/// Told while a sweep runs.
pub trait Watch: Sync {
    /// So many trials will be run, others being known; so many at a time.
    fn start(&self, missing: usize, known: usize, jobs: usize);
    /// One has ended.
    fn ended(&self, point: &Point, trial: &Trial);
    /// Something that a person should know.
    fn say(&self, _line: &str) {}
}

/// Nobody watches.
pub struct Nobody;

impl Watch for Nobody {
    fn start(&self, _: usize, _: usize, _: usize) {}
    fn ended(&self, _: &Point, _: &Trial) {}
}
