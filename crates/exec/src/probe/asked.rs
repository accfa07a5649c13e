//! What one launch is asked to tell.

use record::Stop;

/// What a launch of a kernel is asked to tell: part of what its program is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// At which instruction each worker is.
    pub profile: bool,
    /// What the numbers do.
    pub tally: bool,
    /// To stop where they do this.
    pub stop: Stop,
    /// How far they are from binary64.
    pub shadow: bool,
    /// To go on one PTX instruction at a time.
    pub steps: bool,
}

impl Asked {
    /// Whether numbers are looked at.
    pub fn observes(self) -> bool {
        self.tally || self.shadow || self.stop.any()
    }
    /// Whether anything is asked.
    pub fn any(self) -> bool {
        self.observes() || self.profile || self.steps
    }
}
