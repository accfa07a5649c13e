//! What a candidate will lose, learned from those that were run, and which to run next: those from which most is gained.
//!
//! A Gaussian process (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, algorithm 2.1) over what
//! candidates lose beyond the sum of what their layers lose alone; the next are those with the largest expected gain, the
//! cost saved times the probability that the accuracy is kept (constrained Bayesian optimisation: Gardner, Kusner, Xu,
//! Weinberger, Cunningham, 2014). Losses span four decades, so that they are compared by their area hyperbolic sine, which
//! is linear around the loss that is allowed and a logarithm far above it.

use super::{Candidate, Search};
use lab::sweep::random::Random;
use std::collections::BTreeSet;
use tell::Error;

/// Candidates that are run at a time: side by side, and few, since each tells something about the next.
const FEW: usize = 4;
/// Most candidates that are learned from: the work grows with the third power.
const MOST: usize = 128;
/// Most candidates that are looked at for the next: all, or so many of them, drawn.
const POOL: usize = 4096;
/// Of these, how many are looked at exactly.
const EXACT: usize = 256;
/// How far apart two choices of a layer are, beyond the difference of what they lose alone.
const APART: f64 = 0.5;
/// Standard deviation of what layers lose together beyond their sum, transformed.
const TOGETHER: f64 = 1.0;

/// Runs candidates until the budget is spent but for `spare`, nothing cheaper than the best is left, or enough were learned
/// from. Each layer alone in each choice must have been run ([`Search::sensitivity`]).
///
/// # Errors
/// Those of the evaluator.
pub fn run(search: &mut Search<'_>, spare: usize, random: &mut Random) -> Result<(), Error> {
    while search.left() > spare && search.found.len() < MOST {
        let pool = pool(search, random);
        if pool.is_empty() {
            break;
        }
        let next = Model::new(search).best_of(pool, FEW.min(search.left() - spare));
        search.run(&next)?;
    }
    Ok(())
}

/// Candidates that are cheaper than the best and were not run.
fn pool(search: &Search<'_>, random: &mut Random) -> Vec<Candidate> {
    let problem = &search.problem;
    let here = problem.cost(search.best().0);
    let mut pool: BTreeSet<Candidate> = if problem.size() <= POOL as f64 {
        problem.all().collect()
    } else {
        let choices = problem.choices.len() as u64;
        let drawn = |_| {
            let layers = problem.layers.iter();
            layers.map(|_| random.below(choices) as usize).collect()
        };
        (0..POOL)
            .map(drawn)
            .chain(problem.beside(search.best().0))
            .collect()
    };
    pool.retain(|c| problem.cost(c) < here && !search.found.contains_key(c));
    pool.into_iter().collect()
}

/// What was learned.
struct Model<'s, 'e> {
    search: &'s Search<'e>,
    /// Images that a layer loses alone in a choice. Some lose less than none.
    alone: Vec<Vec<f64>>,
    /// The same, transformed.
    place: Vec<Vec<f64>>,
    /// Images that may be lost, and the width of what counts as near to that.
    allowed: f64,
    near: f64,
    /// What was run.
    known: Vec<Candidate>,
    /// Cholesky factor of the covariance of `known`, lower rows.
    factor: Vec<Vec<f64>>,
    /// The covariance's inverse times what `known` lost beyond the sums.
    weights: Vec<f64>,
}

impl<'s, 'e> Model<'s, 'e> {
    fn new(search: &'s Search<'e>) -> Model<'s, 'e> {
        let images = search.problem.images as f64;
        let widest = search.problem.widest();
        let right = |c: &Candidate| search.accuracy(c).unwrap_or(0.0) * images;
        let reference = right(&widest);
        let alone = |layer: usize, choice: usize| {
            let mut candidate = widest.clone();
            candidate[layer] = choice;
            reference - right(&candidate)
        };
        let choices = 0..search.problem.choices.len();
        let allowed = reference - search.target as f64;
        let mut model = Model {
            search,
            alone: (0..widest.len())
                .map(|l| choices.clone().map(|c| alone(l, c)).collect())
                .collect(),
            place: Vec::new(),
            allowed,
            near: allowed.max(2.0),
            known: search.found.keys().cloned().collect(),
            factor: Vec::new(),
            weights: Vec::new(),
        };
        let place = |layer: &Vec<f64>| layer.iter().map(|x| model.transformed(*x)).collect();
        model.place = model.alone.iter().map(place).collect();
        let mut beyond = Vec::new();
        for (n, candidate) in model.known.iter().enumerate() {
            let found = &search.found[candidate];
            let share = search.accuracy(candidate).unwrap_or(0.0);
            let images_lost = reference - share * images;
            // On few images an accuracy is known less well.
            let sampled = images * (share * (1.0 - share) / found.images as f64).sqrt();
            let sampled = if found.images < search.problem.images {
                sampled
            } else {
                0.0
            };
            let own = model
                .chance(images_lost)
                .hypot(sampled * model.slope(images_lost));
            let mut row: Vec<f64> = model.known[..n]
                .iter()
                .map(|k| model.covariance(candidate, k))
                .collect();
            row.push(TOGETHER * TOGETHER + own * own);
            // Row n of the Cholesky factor.
            for i in 0..=n {
                let above: &[f64] = if i < n { &model.factor[i] } else { &[] };
                let dot: f64 = row[..i].iter().zip(above).map(|(a, b)| a * b).sum();
                row[i] = match i < n {
                    true => (row[i] - dot) / model.factor[i][i],
                    false => (row[n] - row[..n].iter().map(|x| x * x).sum::<f64>())
                        .max(1e-9)
                        .sqrt(),
                };
            }
            model.factor.push(row);
            beyond.push(model.transformed(images_lost) - model.sum(candidate));
        }
        let half = model.forward(&beyond);
        model.weights = model.backward(half);
        model
    }

    /// A number of lost images, linear around what is allowed, a logarithm far above.
    fn transformed(&self, images: f64) -> f64 {
        (images / self.near).asinh()
    }

    /// The derivative of [`Self::transformed`].
    fn slope(&self, images: f64) -> f64 {
        1.0 / self.near.hypot(images)
    }

    /// Standard deviation of what looks like chance: some images that turn with anything, transformed.
    fn chance(&self, images: f64) -> f64 {
        (1.0 + 0.1 * images.abs()).sqrt() * self.slope(images)
    }

    /// What layers would lose together if their losses added up, transformed.
    fn sum(&self, candidate: &[usize]) -> f64 {
        let layers = candidate.iter().enumerate();
        self.transformed(layers.map(|(l, &c)| self.alone[l][c]).sum())
    }

    fn covariance(&self, a: &[usize], b: &[usize]) -> f64 {
        let layers = a.iter().zip(b).enumerate().filter(|(_, (a, b))| a != b);
        let far: f64 = layers
            .map(|(l, (&a, &b))| APART + (self.place[l][a] - self.place[l][b]).abs())
            .sum();
        TOGETHER * TOGETHER * (-far).exp()
    }

    /// Solves with the factor.
    fn forward(&self, right: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = Vec::with_capacity(right.len());
        for (row, r) in self.factor.iter().zip(right) {
            let dot: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
            x.push((r - dot) / row[x.len()]);
        }
        x
    }

    /// Solves with the transposed factor.
    fn backward(&self, mut x: Vec<f64>) -> Vec<f64> {
        for n in (0..x.len()).rev() {
            x[n] /= self.factor[n][n];
            for i in 0..n {
                x[i] -= self.factor[n][i] * x[n];
            }
        }
        x
    }

    /// Probability that a candidate keeps the accuracy; with a rough idea only of how well that is known, or exactly.
    fn kept(&self, candidate: &[usize], rough: bool) -> f64 {
        let with: Vec<f64> = self.known.iter().map(|k| self.covariance(candidate, k)).collect();
        let beyond: f64 = with.iter().zip(&self.weights).map(|(a, b)| a * b).sum();
        let mean = self.sum(candidate) + beyond;
        let explained: f64 = match rough {
            true => 0.0,
            false => self.forward(&with).iter().map(|x| x * x).sum(),
        };
        let chance = self.chance(mean.sinh() * self.near);
        let spread = (TOGETHER * TOGETHER - explained).max(0.0) + chance * chance;
        normal((self.transformed(self.allowed + 0.5) - mean) / spread.sqrt())
    }

    /// Of these the `count` from which most is to be gained.
    fn best_of(&self, pool: Vec<Candidate>, count: usize) -> Vec<Candidate> {
        let here = self.search.problem.cost(self.search.best().0);
        let best = |pool: Vec<Candidate>, rough: bool, count: usize| {
            let gain = |c: &Candidate| (here - self.search.problem.cost(c)) * self.kept(c, rough);
            let mut gains: Vec<(f64, Candidate)> = pool.into_iter().map(|c| (gain(&c), c)).collect();
            gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            gains.into_iter().take(count).map(|(_, c)| c).collect::<Vec<_>>()
        };
        best(best(pool, true, EXACT), false, count)
    }
}

/// The standard normal distribution's function, to within 7.5e-8 (Abramowitz and Stegun, 26.2.17).
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let sum = series.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    let above = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum;
    if x > 0.0 { 1.0 - above } else { above }
}
