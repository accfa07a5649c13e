//! Which format to train in, by successive halving ([`halving`]): all are trained with a sixteenth of the images, the better
//! quarter with a quarter of them, the best with all.

use super::evaluate::Run;
use super::halving::{self, Round};
use super::objective::Arithmetic;
use super::outcome::aligned;
use lab::sweep::axes;
use lab::sweep::{Point, written};
use serde::Serialize;
use std::path::{Path, PathBuf};
use tell::Error;

/// Rounds of a search.
const ROUNDS: usize = 3;

/// One of so many goes on after a round; the next one has so many times the images.
const PART: usize = 4;

/// What may be trained in.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Its name.
    pub name: String,
    /// Its policy; `None` for the program as compiled.
    pub policy: Option<PathBuf>,
    /// What its arithmetic costs, if that is known.
    pub cost: Option<f64>,
}

/// A policy for training in one arithmetic: forward and backward; the update of the weights stays as it was compiled, for
/// in a narrow format the small steps of an optimiser are lost.
pub fn policy(arithmetic: &Arithmetic) -> String {
    let mut text = format!("# vernier search --train: {}\n", arithmetic.name());
    for phase in ["forward", "backward"] {
        text += &format!(
            "[[rule]]\nphase = \"{phase}\"\nformat = \"{}\"\n",
            arithmetic.format
        );
        if let Some(sums) = &arithmetic.accumulate {
            text += &format!("accumulate = \"{sums}\"\n");
        }
    }
    text
}

/// The contender that an arithmetic is.
///
/// # Errors
/// Its policy cannot be written.
pub fn contender(arithmetic: &Arithmetic, cost: f64, policies: &Path) -> Result<Contender, Error> {
    let name = arithmetic.name();
    let policy = match arithmetic.is_as_compiled() {
        true => None,
        false => Some(written::keep(
            policies,
            &format!("train-{name}"),
            &policy(arithmetic),
        )?),
    };
    Ok(Contender {
        name,
        policy,
        cost: Some(cost),
    })
}

/// How to train.
pub struct Plan {
    /// What every trial is told: the program, and how it says its results.
    pub told: Point,
    /// Images of the last round.
    pub train_images: u64,
    /// Epochs of every round.
    pub epochs: u32,
    /// Only the first so many images are tested.
    pub images: Option<u64>,
    /// Contenders whose accuracy is so many points below the best count as good as it, and the cheapest of them goes on.
    pub loss: f64,
}

/// A contender in a round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trained {
    /// Its name.
    pub name: String,
    /// Percent; `None` if it failed.
    pub accuracy: Option<f64>,
    /// The command of the trial.
    pub command: String,
}

/// A search that has ended.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The program.
    pub program: String,
    /// Images that each round trained with, and who took part, the first first.
    pub rounds: Vec<(u64, Vec<Trained>)>,
}

/// Images of a round.
fn images(plan: &Plan, round: usize) -> u64 {
    (plan.train_images / (PART as u64).pow((ROUNDS - 1 - round) as u32)).max(1)
}

fn point(plan: &Plan, contender: &Contender, round: usize) -> Result<Point, Error> {
    let mut point = plan.told.clone();
    point.extend(
        [
            ("stage", "train,test".into()),
            ("epochs", plan.epochs.to_string()),
            ("train_images", images(plan, round).to_string()),
        ]
        .map(|(name, value)| (name.to_string(), value)),
    );
    if let Some(policy) = &contender.policy {
        let text = policy
            .to_str()
            .ok_or_else(|| Error::failed(format!("the policy {} is no UTF-8 name", policy.display()), ""))?;
        point.insert("policy".into(), text.into());
    }
    point.extend(plan.images.map(|n| ("images".to_string(), n.to_string())));
    Ok(point)
}

/// How good each is, higher is better: its accuracy; before all others those within the loss of the best, by cost.
fn scores(accuracies: &[Option<f64>], costs: &[Option<f64>], loss: f64) -> Vec<f64> {
    let best = accuracies
        .iter()
        .flatten()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let one = |(accuracy, cost): (&Option<f64>, &Option<f64>)| match (accuracy, cost) {
        (None, _) => f64::NAN,
        (Some(a), Some(cost)) if loss > 0.0 && *a >= best - loss => 1e6 - cost,
        (Some(a), _) => *a,
    };
    accuracies.iter().zip(costs).map(one).collect()
}

/// Searches.
///
/// # Errors
/// Those of `run`. A training that fails or ends without an accuracy is the worst.
pub fn search(plan: &Plan, contenders: &[Contender], run: &mut Run<'_>) -> Result<Outcome, Error> {
    let mut results: Vec<Vec<(usize, Trained)>> = Vec::new();
    let rounds = halving::run(contenders.len(), ROUNDS, PART, |who, round| {
        let points: Vec<Point> = who
            .iter()
            .map(|&i| point(plan, &contenders[i], round))
            .collect::<Result<_, _>>()?;
        let trials = run(&points)?;
        let accuracies: Vec<Option<f64>> = trials
            .iter()
            .map(|t| t.accuracy.filter(|_| t.is_done()))
            .collect();
        let result = |(&i, (accuracy, point)): (&usize, (&Option<f64>, &Point))| {
            let result = Trained {
                name: contenders[i].name.clone(),
                accuracy: *accuracy,
                command: axes::command(point),
            };
            (i, result)
        };
        results.push(
            who.iter()
                .zip(accuracies.iter().zip(&points))
                .map(result)
                .collect(),
        );
        let costs: Vec<Option<f64>> = who.iter().map(|&i| contenders[i].cost).collect();
        Ok(scores(&accuracies, &costs, plan.loss))
    })?;
    let ordered = |(round, known): (Round, Vec<(usize, Trained)>)| {
        let find = |i: usize| known.iter().find(|k| k.0 == i).map(|k| k.1.clone());
        let who = round.scores.iter().filter_map(|(i, _)| find(*i)).collect();
        (images(plan, round.rung), who)
    };
    Ok(Outcome {
        program: plan.told.get("program").cloned().unwrap_or_default(),
        rounds: rounds.into_iter().zip(results).map(ordered).collect(),
    })
}

impl Outcome {
    /// The first of the last round, unless nothing could be trained.
    pub fn winner(&self) -> Option<&Trained> {
        let (_, last) = self.rounds.last()?;
        last.first().filter(|w| w.accuracy.is_some())
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (n, (images, who)) in self.rounds.iter().enumerate() {
            lines.push(format!("Round {}: {images} images, {} formats", n + 1, who.len()));
            let row = |r: &Trained| {
                let accuracy = r.accuracy.map_or("failed".into(), |a| format!("{a:.2} %"));
                vec![r.name.clone(), accuracy]
            };
            lines.extend(aligned(&who.iter().map(row).collect::<Vec<_>>(), 1));
        }
        match self.winner() {
            Some(winner) => {
                lines.push(format!("Best: {}", winner.name));
                lines.push(format!("Run it: {}", winner.command));
            }
            None => lines.push("None could be trained.".into()),
        }
        lines
    }

    /// Every training, a line each.
    pub fn csv(&self) -> String {
        let mut text = String::from("train_images,name,accuracy\n");
        for (images, who) in &self.rounds {
            for r in who {
                let accuracy = r.accuracy.map_or(String::new(), |a| a.to_string());
                text += &format!("{images},{},{accuracy}\n", r.name);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::store::{DONE, FAILED, Trial};

    #[test]
    fn the_cheapest_as_good_as_the_best_wins_and_what_fails_is_last() {
        let contender = |(i, name): (usize, &str)| Contender {
            name: name.into(),
            policy: Some(format!("/{name}.toml").into()),
            cost: Some(32.0 - i as f64),
        };
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let contenders: Vec<Contender> = names.into_iter().enumerate().map(contender).collect();
        let mut plan = Plan {
            told: Point::from([("program".into(), "toy".into())]),
            train_images: 1600,
            epochs: 1,
            images: None,
            loss: 1.0,
        };
        // b is best, d is as good and cheaper, h fails.
        let mut run = |points: &[Point]| {
            let trial = |p: &Point| {
                let fails = p["policy"] == "/h.toml";
                let accuracy = match p["policy"].as_str() {
                    "/b.toml" => 90.0,
                    "/d.toml" => 89.2,
                    _ => 70.0,
                };
                Trial {
                    status: if fails { FAILED } else { DONE }.into(),
                    accuracy: Some(accuracy),
                    ..Trial::default()
                }
            };
            Ok(points.iter().map(trial).collect())
        };
        let outcome = search(&plan, &contenders, &mut run).unwrap();
        assert_eq!(outcome.winner().unwrap().name, "d");
        insta::assert_snapshot!(outcome.lines().join("\n"));
        plan.loss = 0.0;
        let outcome = search(&plan, &contenders, &mut run).unwrap();
        assert_eq!(outcome.winner().unwrap().name, "b");
        let mut none = |points: &[Point]| Ok(vec![Trial::default(); points.len()]);
        let outcome = search(&plan, &contenders, &mut none).unwrap();
        assert_eq!(outcome.lines().last().unwrap(), "None could be trained.");
    }
}
