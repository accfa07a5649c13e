//! Probes: what a launch tells besides its results. All of them are asked for, woven in and harvested in the same way.
//!
//! - *Asked for*: [`Probes`] says what the launches of an engine are to tell. For one launch of one kernel that comes down to
//!   [`asked::Asked`], a part of what a program is made for. A program that is asked nothing has nothing of all this in it.
//! - *Woven in*: `emit::probes` alone puts probes into a program: instructions before and behind the one that is looked
//!   at, or its number beside the code. (The line profile is no instruction: the loop that runs them says at which
//!   one it is, in code of its own, since a call for each would cost several times more than that.)
//! - *Harvested*: each worker works with [`instruments::Instruments`] of its own. What they read ([`instruments::Readings`]) is
//!   added up, over workers, blocks and launches, by one function, so that numbers are the same for any number of CPU
//!   threads; [`collector`] keeps the sums by kernel and shows them by line.
//!
//! | probe | asked by | woven in | read |
//! |---|---|---|---|
//! | counters | always | the instruction that enters a block | how often, with how many lanes, by basic block |
//! | line profile | [`Probes::profile`] | | samples by instruction, and the counters |
//! | numbers | [`Probes::observe`] | what keeps operands; what judges the result | a [`crate::observe::Tally`] by site |
//! | shadow in binary64 | [`Probes::observe`] | what follows registers and memory | a [`record::Shadow`] by site |
//! | steps | [`crate::Engine::steps`] | numbers of instructions | each step, by whoever steps ([`crate::steps`]) |

pub(crate) mod asked;
pub(crate) mod collector;
pub(crate) mod instruments;
pub(crate) mod marker;
pub(crate) mod profile;

use crate::observe::Observe;
pub use profile::LineProfile;

/// What the launches of an engine are asked to tell besides results and counters.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    /// Where time goes ([`crate::Engine::profile`]). Launches take a few percent longer.
    pub profile: bool,
    /// What the numbers do ([`crate::Engine::observations`]). Observed kernels take several times longer.
    pub observe: Observe,
}
