//! The search itself: what a model learns from single layers and from what it has asked for ([`model`]), which is all where few
//! candidates may be run; then NSGA-II (Deb, Pratap, Agarwal, Meyarivan, 2002) over cost and accuracy, with steps from the
//! best candidate to its neighbours.

use super::{Candidate, Search, model};
use lab::sweep::random::Random;
use std::collections::BTreeSet;
use tell::Error;

/// How wide the search goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Candidates of a generation.
    pub population: usize,
    /// Generations.
    pub generations: usize,
    /// Of the random choices.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            population: 24,
            generations: 12,
            seed: 1,
        }
    }
}

/// Candidates beside the best that are run at a time.
const FEW: usize = 4;

/// Searches until the plan is done or the budget is spent. `search.found`, [`Search::best`] and [`Search::front`] have
/// the outcome.
///
/// # Errors
/// Those of the evaluator.
pub fn run(search: &mut Search<'_>, plan: &Plan) -> Result<(), Error> {
    let lost = search.sensitivity()?;
    let mut random = Random::new(plan.seed);
    // Some are kept to look around the best at last.
    let last = search.problem.layers.len();
    model::run(search, last, &mut random)?;
    // Half of what may be run is for what will have been found out by then.
    let first = plan
        .population
        .min(search.left().saturating_sub(last).div_ceil(2));
    let mut population = promising(search, &lost, first);
    search.run(&population)?;
    for _ in 0..plan.generations {
        let spare = search.left().saturating_sub(last);
        descend(search, &lost, plan.population.min(spare))?;
        let spare = search.left().saturating_sub(last);
        if spare == 0 {
            break;
        }
        let ranked = rank(search, &population);
        let count = plan.population.min(spare);
        let mut children = BTreeSet::new();
        // Where the space is small there may be nothing new to breed.
        for _ in 0..plan.population * 20 {
            if children.len() == count {
                break;
            }
            let child = child(&ranked, search.problem.choices.len(), &mut random);
            if !search.found.contains_key(&child) {
                children.insert(child);
            }
        }
        let children: Vec<Candidate> = children.into_iter().collect();
        search.run(&children)?;
        population.extend(children);
        population = rank(search, &population);
        population.truncate(plan.population);
    }
    narrower(search)?;
    descend(search, &lost, usize::MAX)?;
    narrower(search)
}

/// Runs the best with each layer one choice cheaper, until that finds nothing better: what keeps the best from being
/// cheaper is known then, as far as the budget goes.
fn narrower(search: &mut Search<'_>) -> Result<(), Error> {
    loop {
        let best = search.best().0.clone();
        let next = |layer: usize| search.problem.cheaper(&best, layer);
        let beside: Vec<Candidate> = (0..best.len()).filter_map(next).collect();
        search.run(&beside)?;
        if search.best().0 == &best {
            return Ok(());
        }
    }
}

/// Candidates on the front of cost and predicted loss, the losses of layers added up; those near the loss that
/// is allowed first.
fn promising(search: &Search<'_>, lost: &[Vec<f64>], count: usize) -> Vec<Candidate> {
    // Layer by layer, only what no other is better than is kept.
    let work: f64 = search.problem.layers.iter().map(|l| l.work).sum();
    let mut front: Vec<(f64, f64, Candidate)> = vec![(0.0, 0.0, Vec::new())];
    for (layer, losses) in search.problem.layers.iter().zip(lost) {
        let mut next = Vec::new();
        for (cost, loss, candidate) in &front {
            for (choice, more) in losses.iter().enumerate() {
                let mut longer = candidate.clone();
                longer.push(choice);
                let step = layer.work / work * search.problem.choices[choice].cost;
                next.push((cost + step, loss + more, longer));
            }
        }
        next.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut least = f64::INFINITY;
        next.retain(|(_, loss, _)| {
            let better = *loss < least;
            least = least.min(*loss);
            better
        });
        front = next;
    }
    let allowed = search.problem.loss / 100.0;
    front.sort_by(|a, b| (a.1 - allowed).abs().total_cmp(&(b.1 - allowed).abs()));
    let mut chosen: Vec<Candidate> = front.into_iter().map(|(_, _, c)| c).collect();
    chosen.truncate(count);
    chosen
}

/// The candidates that were run, the best first: those that no other beats in cost and accuracy, then those that only
/// these beat, and so on; within each the most alone first. One that was given up counts with the accuracy it showed.
fn rank(search: &Search<'_>, population: &[Candidate]) -> Vec<Candidate> {
    let all: BTreeSet<&Candidate> = population.iter().collect();
    let mut points: Vec<(Candidate, f64, f64)> = all
        .into_iter()
        .filter_map(|c| Some((c.clone(), search.problem.cost(c), -search.accuracy(c)?)))
        .collect();
    let mut ranked = Vec::new();
    while !points.is_empty() {
        let dominated = |p: &(Candidate, f64, f64)| {
            points
                .iter()
                .any(|q| q.1 <= p.1 && q.2 <= p.2 && (q.1 < p.1 || q.2 < p.2))
        };
        let (rest, mut front): (Vec<_>, Vec<_>) = points.iter().cloned().partition(dominated);
        front.sort_by(|a, b| a.1.total_cmp(&b.1));
        let crowding = |i: usize| {
            let (first, last) = (&front[0], &front[front.len() - 1]);
            if i == 0 || i + 1 == front.len() {
                return f64::INFINITY;
            }
            let span = |a: f64, b: f64| (b - a).abs().max(f64::MIN_POSITIVE);
            (front[i + 1].1 - front[i - 1].1) / span(first.1, last.1)
                + (front[i - 1].2 - front[i + 1].2).abs() / span(first.2, last.2)
        };
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|&a, &b| crowding(b).total_cmp(&crowding(a)).then(a.cmp(&b)));
        ranked.extend(order.into_iter().map(|i| front[i].0.clone()));
        points = rest;
    }
    ranked
}

/// A child of two parents that won a comparison each: layers of either, some changed by a step or at will.
fn child(ranked: &[Candidate], choices: usize, random: &mut Random) -> Candidate {
    let mut parent = || {
        let n = ranked.len() as u64;
        let (a, b) = (random.below(n), random.below(n));
        &ranked[a.min(b) as usize]
    };
    let (one, other) = (parent(), parent());
    let mut child: Candidate = one
        .iter()
        .zip(other)
        .map(|(a, b)| if random.below(2) == 0 { *a } else { *b })
        .collect();
    let rate = 1.5 / child.len() as f64;
    for gene in &mut child {
        if random.unit() < rate {
            *gene = match random.below(3) {
                0 => gene.saturating_sub(1),
                1 => (*gene + 1).min(choices - 1),
                _ => random.below(choices as u64) as usize,
            };
        }
    }
    child
}

/// Steps from the best candidate to cheaper ones beside it - one layer narrower, perhaps another wider for it - while
/// that finds a better one. Those that are predicted to keep the accuracy come first, the cheapest of them before all:
/// the losses of layers alone, added up, and what the best loses beyond that. After `most` in a row that are no better, it
/// ends.
fn descend(search: &mut Search<'_>, lost: &[Vec<f64>], most: usize) -> Result<(), Error> {
    let alone = |c: &Candidate| -> f64 { c.iter().zip(lost).map(|(&choice, l)| l[choice]).sum() };
    loop {
        let best = search.best().0.clone();
        let here = search.problem.cost(&best);
        let kept = |c: &Candidate| search.accuracy(c).unwrap_or(0.0);
        let beyond = kept(&search.problem.widest()) - kept(&best) - alone(&best);
        let predicted = |c: &Candidate| (alone(c) + beyond - search.problem.loss / 100.0).max(0.0);
        let beside = search.problem.beside(&best).into_iter();
        let mut beside: Vec<Candidate> = beside
            .filter(|c| search.problem.cost(c) < here && !search.found.contains_key(c))
            .collect();
        let order = |c: &Candidate| (predicted(c), search.problem.cost(c));
        beside.sort_by(|a, b| {
            order(a)
                .partial_cmp(&order(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        beside.truncate(most);
        for few in beside.chunks(FEW) {
            search.run(few)?;
            if search.problem.cost(search.best().0) < here {
                break;
            }
        }
        if search.left() == 0 || search.best().0 == &best {
            return Ok(());
        }
    }
}
