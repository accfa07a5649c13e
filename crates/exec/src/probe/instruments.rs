//! What the probes of one worker work with, and what they have read.

use super::marker::Marker;
use crate::machine::LANES;
use crate::observe::shadows::Shadow;
use crate::observe::tally::Tally;

/// A value per lane, aligned for vector code.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Row(pub [f32; LANES]);

/// The instruments of one worker. They belong to the state of the block that it runs; an instruction that needs them
/// takes them out of it and puts them back.
pub(crate) struct Instruments {
    /// Where the worker says which instruction it is at.
    pub marker: Option<Marker>,
    /// Operands of the observed instruction that runs.
    pub operands: [Row; 3],
    /// What is followed in binary64.
    pub shadow: Option<Shadow>,
    /// By [`crate::program::Program::sites`].
    pub tallies: Vec<Tally>,
}

impl Instruments {
    /// For a program with so many sites.
    pub fn new(sites: usize, marker: Option<Marker>, shadow: Option<Shadow>) -> Instruments {
        Instruments {
            marker,
            operands: [Row([0.0; LANES]); 3],
            shadow,
            tallies: vec![Tally::default(); sites],
        }
    }

    /// What was read; `counts` are the counters of the same blocks.
    pub fn read(self, counts: &[(u64, u64)]) -> Readings {
        Readings {
            counts: counts.to_vec(),
            tallies: self.tallies,
            errors: self.shadow.map(|s| s.errors).unwrap_or_default(),
        }
    }
}

/// What probes have read of a program: of one worker, of a launch, of all launches. A list is empty where nothing was read.
#[derive(Default)]
pub(crate) struct Readings {
    /// By basic block, as [`crate::warp::Env::counts`].
    pub counts: Vec<(u64, u64)>,
    /// By site.
    pub tallies: Vec<Tally>,
    /// By site: distance from binary64.
    pub errors: Vec<record::Shadow>,
}

impl Readings {
    /// Adds those of another worker or a later launch of the same program.
    pub fn add(&mut self, more: Readings) {
        fn sum<T>(to: &mut Vec<T>, from: Vec<T>, add: impl Fn(&mut T, &T)) {
            match to.is_empty() {
                true => *to = from,
                false => to.iter_mut().zip(&from).for_each(|(a, b)| add(a, b)),
            }
        }
        sum(&mut self.counts, more.counts, |a, b| *a = (a.0 + b.0, a.1 + b.1));
        sum(&mut self.tallies, more.tallies, Tally::add);
        sum(&mut self.errors, more.errors, record::Shadow::add);
    }
}
