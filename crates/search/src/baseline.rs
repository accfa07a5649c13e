//! What the search is compared with.

use super::{Candidate, Search};
use tell::Error;

/// Runs every candidate. The budget must allow it.
///
/// # Errors
/// Those of the evaluator.
pub fn exhaustive(search: &mut Search<'_>) -> Result<(), Error> {
    // In pieces: a whole space need not fit into memory.
    let mut all = search.problem.all().peekable();
    while all.peek().is_some() {
        let piece: Vec<Candidate> = all.by_ref().take(1024).collect();
        search.run(&piece)?;
    }
    Ok(())
}

/// From the widest candidate, takes the step (one layer, one choice narrower or more) that saves most and keeps the
/// accuracy, until none does.
///
/// # Errors
/// Those of the evaluator.
pub fn greedy(search: &mut Search<'_>) -> Result<Candidate, Error> {
    let mut at = search.problem.widest();
    loop {
        let here = search.problem.cost(&at);
        let mut steps: Vec<Candidate> = Vec::new();
        for layer in 0..at.len() {
            for choice in 0..search.problem.choices.len() {
                let mut step = at.clone();
                step[layer] = choice;
                if search.problem.cost(&step) < here {
                    steps.push(step);
                }
            }
        }
        search.run(&steps)?;
        let kept = steps
            .into_iter()
            .filter(|s| search.found.get(s).is_some_and(|f| f.kept));
        let cost = |c: &Candidate| search.problem.cost(c);
        match kept.min_by(|a, b| cost(a).total_cmp(&cost(b))) {
            Some(step) => at = step,
            None => return Ok(at),
        }
    }
}
