//! What a policy did to tensors in a run, and how the scale of the loss went.

use policy::Policy;
use record::run::{LossScale, Tensor};
use tell::Error;
use tell::number::grouped;

/// A tensor for the summary.
pub fn line(tensor: &Tensor) -> String {
    let where_ = tensor.place.rsplit('/').next().unwrap_or(&tensor.place);
    let (launches, values) = (grouped(tensor.launches), grouped(tensor.values));
    format!("{where_}: {values} values, {launches} launches: {}", tensor.says)
}

/// Loss scaling for the summary.
pub fn loss_line(loss: &LossScale) -> String {
    let first = loss.history.first().map_or(loss.scale, |(_, scale)| *scale);
    let changes = loss.history.len().saturating_sub(1) as u64;
    format!(
        "{first} at first, {} at the end (changes: {}); {} of {} steps with gradients that are not finite, {} updates left out",
        loss.scale,
        grouped(changes),
        grouped(loss.bad_steps),
        grouped(loss.steps),
        grouped(loss.skipped)
    )
}

/// The first tensor that nothing was done to although it could have been.
///
/// # Errors
/// That, with its line.
pub fn check(policy: &Policy, tensors: &[Tensor]) -> Result<(), Error> {
    for (number, asked) in policy.tensors().enumerate() {
        let idle = |t: &&Tensor| t.number == number && t.launches == 0 && !t.other_stage;
        if tensors.iter().any(|t| idle(&t)) {
            let text = asked.place.message(policy::NO_TENSORS, policy::NO_TENSORS_HELP);
            return Err(Error::failed(text, ""));
        }
    }
    Ok(())
}
