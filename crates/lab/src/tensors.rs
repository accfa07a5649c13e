//! What a policy did to tensors in a run, and how the scale of the loss went.

use crate::error::Error;
use crate::record::grouped;
use policy::Policy;
use serde::{Deserialize, Serialize};

/// What was done to a tensor of the policy, all processes together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TensorSummary {
    /// Its number in [`Policy::tensors`].
    pub number: usize,
    /// Where it stands, `policy.toml:7`.
    pub place: String,
    /// Its keys in a line.
    pub says: String,
    /// Launches that had it.
    pub launches: u64,
    /// Values that were changed.
    pub values: u64,
    /// It is for a stage that was not run.
    pub other_stage: bool,
}

impl TensorSummary {
    /// Adds it to what other processes said.
    pub fn join(self, all: &mut Vec<TensorSummary>) {
        match all.iter_mut().find(|t| t.number == self.number) {
            Some(known) => {
                known.launches += self.launches;
                known.values += self.values;
                known.other_stage &= self.other_stage;
            }
            None => all.push(self),
        }
    }

    /// For the summary.
    pub fn line(&self) -> String {
        let where_ = self.place.rsplit('/').next().unwrap_or(&self.place);
        let (launches, values) = (grouped(self.launches), grouped(self.values));
        format!("{where_}: {values} values, {launches} launches: {}", self.says)
    }
}

/// Loss scaling in a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossSummary {
    /// Steps of training.
    pub steps: u64,
    /// Steps with a gradient that was not finite.
    pub bad_steps: u64,
    /// Updates that were left out.
    pub skipped: u64,
    /// The scale at the end.
    pub scale: f64,
    /// Step and scale, where it changed; the first is the start.
    pub history: Vec<(u64, f64)>,
}

impl LossSummary {
    /// For the summary.
    pub fn line(&self) -> String {
        let first = self.history.first().map_or(self.scale, |(_, scale)| *scale);
        let changes = self.history.len().saturating_sub(1) as u64;
        format!(
            "{first} at first, {} at the end (changes: {}); {} of {} steps with gradients that are not finite, {} updates left out",
            self.scale,
            grouped(changes),
            grouped(self.bad_steps),
            grouped(self.steps),
            grouped(self.skipped)
        )
    }
}

/// The first tensor that nothing was done to although it could have been.
///
/// # Errors
/// That, with its line.
pub fn check(policy: &Policy, tensors: &[TensorSummary]) -> Result<(), Error> {
    for (number, asked) in policy.tensors().enumerate() {
        let idle = |t: &&TensorSummary| t.number == number && t.launches == 0 && !t.other_stage;
        if tensors.iter().any(|t| idle(&t)) {
            let text = asked.place.message(policy::NO_TENSORS, policy::NO_TENSORS_HELP);
            return Err(Error::failed(text, ""));
        }
    }
    Ok(())
}
