//! Search: which format may each layer have, so that a program keeps its accuracy and its arithmetic costs least?
//!
//! A [`Problem`] has layers and, the widest first, what each may be given; a [`Candidate`] picks one for each layer.
//! What a candidate costs is known without running it ([`Problem::cost`]); how accurate it is an [`Evaluator`] finds
//! out, as little as possible:
//! * [`bound`] stops looking at a candidate when the first images show that it is hopeless;
//! * [`sensitivity`](Search::sensitivity) narrows one layer at a time, which predicts how all others do;
//! * [`model`] learns from what was found what to ask for next;
//! * [`nsga`] breeds candidates where more may be run than that;
//! * [`baseline`] has the greedy and the exhaustive search, to compare with;
//! * [`halving`] picks among training formats by short runs.
//!
//! [`objective`] is what arithmetic costs; [`evaluate`] runs candidates of a real program as trials of a store;
//! [`outcome`] says what was found, and why; [`training`] searches formats to train in.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod baseline;
pub mod bound;
pub mod evaluate;
pub mod halving;
pub mod model;
pub mod nsga;
pub mod objective;
pub mod outcome;
pub mod training;

use std::collections::{BTreeMap, BTreeSet};
use tell::Error;

/// A layer of a program.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its share of the work, for example of the multiplications; any unit.
    pub work: f64,
}

/// What a layer may be given.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Choice {
    /// Its name, for example `e5m2+fp32`.
    pub name: String,
    /// What a unit of work costs in it, for example bits of storage.
    pub cost: f64,
}

/// What is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Layers.
    pub layers: Vec<Layer>,
    /// What each may be given; the first is the widest, in which nothing is lost.
    pub choices: Vec<Choice>,
    /// Images of the whole test.
    pub images: u64,
    /// They can be shown only so many at a time: characters of a sequence, say; 1 for images.
    pub unit: u64,
    /// How many percent points of accuracy may be lost against the widest.
    pub loss: f64,
}

/// For each layer the number of its choice.
pub type Candidate = Vec<usize>;

impl Problem {
    /// Mean cost of a unit of work.
    pub fn cost(&self, candidate: &[usize]) -> f64 {
        let work: f64 = self.layers.iter().map(|l| l.work).sum();
        let cost = self.layers.iter().zip(candidate);
        cost.map(|(l, &c)| l.work * self.choices[c].cost).sum::<f64>() / work
    }

    /// The candidate with one layer in the next cheaper choice, if it has one.
    pub fn cheaper(&self, candidate: &[usize], layer: usize) -> Option<Candidate> {
        let here = self.choices[candidate[layer]].cost;
        let next = self.choices.iter().position(|c| c.cost < here)?;
        let mut cheaper = candidate.to_vec();
        cheaper[layer] = next;
        Some(cheaper)
    }

    /// The candidate that loses nothing.
    pub fn widest(&self) -> Candidate {
        vec![0; self.layers.len()]
    }

    /// `layer1 e5m2, layer2 bf16`.
    pub fn text(&self, candidate: &[usize]) -> String {
        let parts = self.layers.iter().zip(candidate);
        let parts: Vec<String> = parts
            .map(|(l, &c)| format!("{} {}", l.name, self.choices[c].name))
            .collect();
        parts.join(", ")
    }

    /// Every candidate.
    pub fn all(&self) -> impl Iterator<Item = Candidate> + use<> {
        let (layers, choices) = (self.layers.len(), self.choices.len());
        let nth = move |mut n: usize| -> Candidate {
            let mut digit = || {
                let d = n % choices;
                n /= choices;
                d
            };
            (0..layers).map(|_| digit()).collect()
        };
        (0..choices.pow(layers as u32)).map(nth)
    }

    /// What is beside a candidate: one layer in any choice, perhaps another a step wider or narrower.
    pub fn beside(&self, candidate: &[usize]) -> BTreeSet<Candidate> {
        let choices = self.choices.len();
        let mut beside = BTreeSet::new();
        for one in 0..candidate.len() {
            for to in 0..choices {
                let mut first = candidate.to_vec();
                first[one] = to;
                for other in 0..candidate.len() {
                    let at = candidate[other];
                    for step in at.saturating_sub(1)..=(at + 1).min(choices - 1) {
                        let mut second = first.clone();
                        if other != one {
                            second[other] = step;
                        }
                        beside.insert(second);
                    }
                }
            }
        }
        beside
    }

    /// How many candidates there are.
    pub fn size(&self) -> f64 {
        (self.choices.len() as f64).powi(self.layers.len() as i32)
    }
}

/// Runs candidates.
pub trait Evaluator {
    /// How many of the first `images` images each candidate classifies correctly.
    ///
    /// # Errors
    /// Whatever keeps a candidate from being run.
    fn correct(&mut self, candidates: &[Candidate], images: u64) -> Result<Vec<u64>, Error>;
}

/// What is known of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Images that it was shown.
    pub images: u64,
    /// Of these classified correctly.
    pub correct: u64,
    /// Of these classified correctly by the widest candidate.
    pub reference: u64,
    /// The accuracy that is asked for is kept; only with all images shown.
    pub kept: bool,
}

impl Found {
    /// Share of the images lost against the widest candidate, on the same images.
    pub fn lost(&self) -> f64 {
        (self.reference as f64 - self.correct as f64) / self.images as f64
    }

    /// Share of correct images of `all`, of which the widest has `reference` right, if what was shown loses what all do.
    fn share(&self, reference: u64, all: u64) -> f64 {
        (reference as f64 / all as f64 - self.lost()).clamp(0.0, 1.0)
    }
}

/// A search under way: what was asked of the evaluator, and its answers.
pub struct Search<'e> {
    /// What is searched.
    pub problem: Problem,
    evaluator: &'e mut dyn Evaluator,
    /// Most candidates that may be run.
    pub budget: usize,
    /// Probability that a candidate that keeps the accuracy is given up early.
    pub risk: f64,
    /// Everything found, by candidate.
    pub found: BTreeMap<Candidate, Found>,
    /// Images shown to all candidates together.
    pub shown: u64,
    target: u64,
    /// What the widest candidate classifies correctly of the first images, by their number.
    references: BTreeMap<u64, u64>,
}

impl<'e> Search<'e> {
    /// Begins a search by running the widest candidate.
    ///
    /// # Errors
    /// Those of the evaluator.
    pub fn new(
        problem: Problem,
        evaluator: &'e mut dyn Evaluator,
        budget: usize,
        risk: f64,
    ) -> Result<Self, Error> {
        let widest = problem.widest();
        let images = problem.images;
        let correct = evaluator.correct(std::slice::from_ref(&widest), images)?[0];
        let allowed = (problem.loss / 100.0 * images as f64 + 1e-9).floor() as u64;
        let first = Found {
            images,
            correct,
            reference: correct,
            kept: true,
        };
        Ok(Search {
            target: correct.saturating_sub(allowed),
            problem,
            evaluator,
            budget,
            risk,
            found: BTreeMap::from([(widest, first)]),
            shown: images,
            references: BTreeMap::from([(images, correct)]),
        })
    }

    /// Fewest images that a candidate must classify correctly.
    pub fn target(&self) -> u64 {
        self.target
    }

    /// Candidates that may still be run.
    pub fn left(&self) -> usize {
        self.budget.saturating_sub(self.found.len())
    }

    /// Runs those of these candidates that are not known, as far as the budget goes: on few images first, on more only
    /// those that are not hopeless.
    ///
    /// # Errors
    /// Those of the evaluator.
    pub fn run(&mut self, candidates: &[Candidate]) -> Result<(), Error> {
        let unique: BTreeSet<&Candidate> = candidates.iter().collect();
        let fresh = unique.into_iter().filter(|c| !self.found.contains_key(*c));
        let mut alive: Vec<Candidate> = fresh.take(self.left()).cloned().collect();
        let all = self.problem.images;
        // Where nothing may be given up, a look at a part only costs.
        let steps = match self.risk > 0.0 {
            true => bound::steps(all, self.problem.unit),
            false => vec![all],
        };
        for (i, &images) in steps.iter().enumerate() {
            if alive.is_empty() {
                break;
            }
            let reference = self.reference(images)?;
            let counts = self.evaluator.correct(&alive, images)?;
            self.shown += images * alive.len() as u64;
            // The risk is shared out over the looks before the last, which decides without any.
            let risk = self.risk / (steps.len() - 1).max(1) as f64;
            let mut rest = Vec::new();
            for (candidate, correct) in alive.into_iter().zip(counts) {
                let found = Found {
                    images,
                    correct,
                    reference,
                    kept: images == all && correct >= self.target,
                };
                let average = (found.share(self.reference(all)?, all) * images as f64).round() as u64;
                let hopeless = bound::hopeless(all, self.target, images, average, risk);
                if i + 1 < steps.len() && !hopeless {
                    rest.push(candidate.clone());
                }
                self.found.insert(candidate, found);
            }
            alive = rest;
        }
        Ok(())
    }

    /// What the widest candidate classifies correctly of the first `images`.
    fn reference(&mut self, images: u64) -> Result<u64, Error> {
        if let Some(known) = self.references.get(&images) {
            return Ok(*known);
        }
        let correct = self.evaluator.correct(&[self.problem.widest()], images)?[0];
        self.shown += images;
        self.references.insert(images, correct);
        Ok(correct)
    }

    /// Share of correct images; where few were shown, as if these were as hard as all.
    fn accuracy(&self, candidate: &[usize]) -> Option<f64> {
        let all = self.problem.images;
        let reference = self.references.get(&all)?;
        self.found.get(candidate).map(|f| match f.images == all {
            true => f.correct as f64 / all as f64,
            false => f.share(*reference, all),
        })
    }

    /// Narrows one layer at a time and returns, for each layer and choice, the share of images lost.
    ///
    /// # Errors
    /// Those of the evaluator.
    pub fn sensitivity(&mut self) -> Result<Vec<Vec<f64>>, Error> {
        let widest = self.problem.widest();
        let one = |layer: usize, choice: usize| {
            let mut candidate = widest.clone();
            candidate[layer] = choice;
            candidate
        };
        let (layers, choices) = (self.problem.layers.len(), self.problem.choices.len());
        let all: Vec<Candidate> = (0..layers)
            .flat_map(|l| (1..choices).map(move |c| (l, c)))
            .map(|(l, c)| one(l, c))
            .collect();
        self.run(&all)?;
        let base = self.accuracy(&widest).unwrap_or(0.0);
        let lost = |l, c| self.accuracy(&one(l, c)).map_or(1.0, |a| (base - a).max(0.0));
        Ok((0..layers)
            .map(|l| (0..choices).map(|c| lost(l, c)).collect())
            .collect())
    }

    /// Candidates that [`sensitivity`](Search::sensitivity) runs, with the widest.
    pub fn alone(problem: &Problem) -> usize {
        1 + problem.layers.len() * (problem.choices.len() - 1)
    }

    /// The cheapest candidate that keeps the accuracy, the more accurate of two.
    pub fn best(&self) -> (&Candidate, Found) {
        let kept = self.found.iter().filter(|(_, f)| f.kept);
        let best = kept.min_by(|a, b| {
            let cost = self.problem.cost(a.0).total_cmp(&self.problem.cost(b.0));
            cost.then(b.1.correct.cmp(&a.1.correct))
        });
        // The widest candidate is always there and keeps it.
        best.map_or_else(|| unreachable!("the widest candidate"), |(c, f)| (c, *f))
    }

    /// Candidates that were shown all images, and to which no other is better in cost and accuracy both; the
    /// cheapest first.
    pub fn front(&self) -> Vec<(Candidate, f64, Found)> {
        let whole = self.found.iter().filter(|(_, f)| f.images == self.problem.images);
        let mut all: Vec<_> = whole
            .map(|(c, f)| (c.clone(), self.problem.cost(c), *f))
            .collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.2.correct.cmp(&a.2.correct)));
        let mut best = None;
        all.retain(|(_, _, f)| {
            let better = best.is_none_or(|b| f.correct > b);
            if better {
                best = Some(f.correct);
            }
            better
        });
        all
    }
}

#[cfg(test)]
mod tests;
