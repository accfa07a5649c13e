//! Runs candidates of a program as trials of a store: each is a policy with a rule for each layer, written beside the
//! store, so that every trial has a command that repeats it and none is run twice.

use super::objective::{Arithmetic, Objective};
use super::{Candidate, Choice, Evaluator, Layer, Problem};
use lab::store::Trial;
use lab::sweep::{Point, axes, written};
use layers::Layers;
use std::path::PathBuf;
use tell::Error;
use tell::suggest;

/// Runs points, all of them, and gives their trials in the same order; an error if a signal ended that early.
pub type Run<'a> = dyn FnMut(&[Point]) -> Result<Vec<Trial>, Error> + 'a;

/// A layer as the program's launches show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// It has sums over loops, of which a rule can say what they run in.
    pub sums: bool,
}

/// Layers of a program: those named, or without names all with a number, which are those with parameters.
///
/// # Errors
/// A program without layers; names that are none of them.
pub fn layers(found: &Layers, program: &str, names: &[String]) -> Result<Vec<Seen>, Error> {
    let mut seen: Vec<Seen> = Vec::new();
    for row in found.cycles.iter().flat_map(|c| &c.rows) {
        let Some(name) = &row.layer else { continue };
        match seen.iter_mut().find(|s| s.name == *name) {
            Some(layer) => layer.sums |= row.accumulations > 0,
            None => seen.push(Seen {
                name: name.clone(),
                sums: row.accumulations > 0,
            }),
        }
    }
    let known: Vec<&str> = seen.iter().map(|s| s.name.as_str()).collect();
    if let Some(name) = names.iter().find(|n| !known.contains(&n.as_str())) {
        let advice = suggest::advice(name, known.iter().copied());
        return Err(Error::failed(format!("{program} has no layer `{name}`"), advice));
    }
    if names.is_empty() {
        seen.retain(|s| s.name.starts_with("layer"));
    } else {
        seen.retain(|s| names.contains(&s.name));
    }
    if seen.is_empty() {
        return Err(Error::failed(
            format!("no layers are found in the test of {program}"),
            format!("`vernier layers {program}` shows what its launches are"),
        ));
    }
    Ok(seen)
}

/// A program whose layers are given formats.
pub struct Trials<'r> {
    /// What every trial is told: the program, and how it says its results.
    pub told: Point,
    /// Where policies are written.
    pub policies: PathBuf,
    /// Only the first so many images (sequences, or what else the program counts by) are ever shown.
    pub images: Option<u64>,
    /// Its layers.
    pub layers: Vec<Seen>,
    /// What each may compute in, the widest first.
    pub choices: Vec<Arithmetic>,
    /// Failed trials so far: what was run, and why it failed.
    pub failed: Vec<(String, String)>,
    run: &'r mut Run<'r>,
    /// Answers for each image.
    unit: u64,
    /// Answers for all of them.
    all: u64,
}

impl<'r> Trials<'r> {
    /// Of a program; nothing is run.
    pub fn new(
        told: Point,
        policies: PathBuf,
        images: Option<u64>,
        layers: Vec<Seen>,
        choices: Vec<Arithmetic>,
        run: &'r mut Run<'r>,
    ) -> Trials<'r> {
        Trials {
            told,
            policies,
            images,
            layers,
            choices,
            failed: Vec::new(),
            run,
            unit: 1,
            all: 0,
        }
    }

    /// Runs the program as compiled, which says how many answers there are, and one image for each layer with this layer
    /// in fp32, which says how much work the layer is: the f32 instructions that a rule for it rewrites, times threads.
    ///
    /// # Errors
    /// Of this machine; a program that fails as compiled or does not count its answers; a layer without f32
    /// arithmetic.
    pub fn problem(&mut self, objective: Objective, loss: f64) -> Result<Problem, Error> {
        let wide = Arithmetic {
            format: "fp32".into(),
            accumulate: None,
        };
        let mut points = vec![self.point(None, self.images)?];
        for layer in &self.layers {
            let rule = format!(
                "# vernier search: the work of {}\n{}",
                layer.name,
                rule(layer, &wide)
            );
            let policy = written::keep(&self.policies, &format!("{}-fp32", layer.name), &rule)?;
            points.push(self.point(Some(policy), Some(1))?);
        }
        let trials = (self.run)(&points)?;
        let (_, all) = self.answers(&trials[0], "as compiled")?;
        self.all = all;
        let mut layers = Vec::new();
        for (layer, trial) in self.layers.iter().zip(&trials[1..]) {
            self.unit = self.answers(trial, &format!("with {} in fp32", layer.name))?.1;
            let work = trial.variable_instructions.unwrap_or(0);
            if work <= 0 {
                return Err(Error::failed(
                    format!("{} of {} has no f32 arithmetic", layer.name, self.program()),
                    "name the layers that have some, with --layers",
                ));
            }
            layers.push(Layer {
                name: layer.name.clone(),
                work: work as f64,
            });
        }
        let cost = |a: &Arithmetic| Choice {
            name: a.name(),
            cost: objective.cost(a),
        };
        Ok(Problem {
            layers,
            choices: self.choices.iter().map(cost).collect(),
            images: self.all,
            unit: self.unit,
            loss,
        })
    }

    /// Right answers and answers of a trial that must have ended well.
    fn answers(&self, trial: &Trial, what: &str) -> Result<(u64, u64), Error> {
        if !trial.is_done() {
            let message = trial.message.as_deref().unwrap_or_default();
            return Err(Error::failed(
                format!("{} fails {what}: {message}", self.program()),
                format!("run it alone: {}", trial.command),
            ));
        }
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        match (count(trial.correct), count(trial.answers)) {
            (Some(correct), Some(answers)) if answers > 0 => Ok((correct, answers)),
            _ => Err(Error::failed(
                format!(
                    "the test of {} does not say how many answers are right",
                    self.program()
                ),
                "a program prints `correct: N / M` (programs/README.md), or says how it does: [output] accuracy in its \
                 vernier.toml, or --accuracy-pattern, with a regular expression of two groups: right answers, answers",
            )),
        }
    }

    /// The command that tests a candidate.
    ///
    /// # Errors
    /// Its policy cannot be written.
    pub fn command(&self, candidate: &[usize]) -> Result<String, Error> {
        Ok(axes::command(&self.point(self.keep(candidate)?, self.images)?))
    }

    fn program(&self) -> &str {
        self.told.get("program").map_or("", String::as_str)
    }

    fn point(&self, policy: Option<PathBuf>, images: Option<u64>) -> Result<Point, Error> {
        let mut point = self.told.clone();
        if let Some(policy) = policy {
            let text = policy.to_str().map(str::to_string).ok_or_else(|| {
                Error::failed(
                    format!("the folder of policies {} is no UTF-8", policy.display()),
                    "name a store elsewhere with --store",
                )
            })?;
            point.insert("policy".into(), text);
        }
        point.extend(images.map(|n| ("images".to_string(), n.to_string())));
        Ok(point)
    }

    /// The policy of a candidate: a rule for each layer, so that who reads it sees them all.
    pub fn policy(&self, candidate: &[usize]) -> String {
        let rules = self.layers.iter().zip(candidate);
        let rules: Vec<String> = rules.map(|(l, &c)| rule(l, &self.choices[c])).collect();
        format!("# vernier search {}\n{}", self.program(), rules.join("\n"))
    }

    /// Writes the policy of a candidate and gives its file; `None` for the program as compiled.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, candidate: &[usize]) -> Result<Option<PathBuf>, Error> {
        if candidate.iter().all(|&c| self.choices[c].is_as_compiled()) {
            return Ok(None);
        }
        let names: Vec<String> = candidate.iter().map(|&c| self.choices[c].name()).collect();
        written::keep(&self.policies, &names.join("-"), &self.policy(candidate)).map(Some)
    }
}

/// A rule for a layer.
fn rule(layer: &Seen, arithmetic: &Arithmetic) -> String {
    let format = if arithmetic.is_as_compiled() {
        "leave"
    } else {
        &arithmetic.format
    };
    let mut rule = format!("[[rule]]\nlayer = \"{}\"\nformat = \"{format}\"\n", layer.name);
    if let Some(sums) = arithmetic.accumulate.as_ref().filter(|_| layer.sums) {
        rule += &format!("accumulate = \"{sums}\"\n");
    }
    rule
}

impl Evaluator for Trials<'_> {
    fn correct(&mut self, candidates: &[Candidate], images: u64) -> Result<Vec<u64>, Error> {
        // All are not counted out, so that the trial is the one that a sweep or `vernier run` makes.
        let shown = if images == self.all {
            self.images
        } else {
            Some(images / self.unit)
        };
        let mut points = Vec::new();
        for candidate in candidates {
            points.push(self.point(self.keep(candidate)?, shown)?);
        }
        let trials = (self.run)(&points)?;
        let mut counts = Vec::new();
        for (candidate, trial) in candidates.iter().zip(&trials) {
            if !trial.is_done() {
                let names: Vec<String> = candidate.iter().map(|&c| self.choices[c].name()).collect();
                let message = trial.message.as_deref().unwrap_or_default();
                let message = message.lines().next().unwrap_or_default().to_string();
                self.failed.push((names.join(", "), message));
                counts.push(0);
                continue;
            }
            let (correct, answers) = self.answers(trial, "")?;
            if answers != images {
                return Err(Error::failed(
                    format!(
                        "{} gave {answers} answers where it was asked for {images}",
                        self.program()
                    ),
                    "VERNIER_TEST_IMAGES=N must test the first N images (programs/README.md)",
                ));
            }
            counts.push(correct);
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::objective;
    use super::*;
    use lab::store::{DONE, FAILED};

    fn seen(name: &str, sums: bool) -> Seen {
        Seen {
            name: name.into(),
            sums,
        }
    }

    #[test]
    fn candidates_are_policies_and_a_failed_trial_has_nothing_right() {
        let folder = std::env::temp_dir().join(format!("vernier-evaluate-{}", std::process::id()));
        let mut asked: Vec<Point> = Vec::new();
        let mut run = |points: &[Point]| {
            asked.extend(points.iter().cloned());
            let trial = |p: &Point| {
                let fails = p.get("policy").is_some_and(|f| f.contains("e5m2-none"));
                let images: i64 = p.get("images").map_or(40, |n| n.parse().unwrap_or(0));
                Trial {
                    status: if fails { FAILED } else { DONE }.into(),
                    message: fails.then(|| "too narrow\nmore".into()),
                    correct: Some(images * 3),
                    answers: Some(images * 4),
                    variable_instructions: Some(7),
                    ..Trial::default()
                }
            };
            Ok(points.iter().map(trial).collect())
        };
        let formats = ["e5m2+fp32".to_string(), "e5m2".to_string()];
        let choices = objective::choices(&formats, &[], Objective::Bits).unwrap();
        let told = Point::from([("program".into(), "toy".into())]);
        let layers = vec![seen("layer1", true), seen("layer2", false)];
        let mut trials = Trials::new(told, folder.clone(), None, layers, choices, &mut run);
        let problem = trials.problem(Objective::Bits, 1.0).unwrap();
        assert_eq!(
            (problem.images, problem.unit, problem.layers[1].work),
            (160, 4, 7.0)
        );
        let counts = trials.correct(&[vec![0, 0], vec![1, 1], vec![2, 0]], 80).unwrap();
        assert_eq!(counts, [60, 60, 0]);
        assert_eq!(trials.failed, [("e5m2, none".into(), "too narrow".into())]);
        // A layer without sums has no rule about them: it would select nothing.
        insta::assert_snapshot!(trials.policy(&[1, 1]));
        trials.correct(&[vec![0, 0]], 160).unwrap();
        drop(trials);
        assert_eq!(
            asked[3],
            Point::from([("program".into(), "toy".into()), ("images".into(), "20".into())])
        );
        assert_eq!(asked[6], Point::from([("program".into(), "toy".into())]));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn layers_are_those_with_numbers_unless_they_are_named() {
        let mut found = Layers::default();
        let row = |layer: &str, accumulations| layers::Row {
            layer: Some(layer.into()),
            phase: None,
            kernel: "k".into(),
            grid: [1; 3],
            block: [1; 3],
            arguments: Vec::new(),
            thread_instructions: 1,
            percent: 0.0,
            accumulations,
        };
        let none = layers(&found, "toy", &[]).unwrap_err().to_string();
        assert!(none.contains("no layers are found in the test of toy"), "{none}");
        found.cycles.push(layers::Repeated {
            start: 0,
            repeats: 2,
            rows: vec![row("layer1", 0), row("layer1", 3), row("output", 0)],
        });
        assert_eq!(layers(&found, "toy", &[]).unwrap(), [seen("layer1", true)]);
        let named = layers(&found, "toy", &["output".into()]).unwrap();
        assert_eq!(named, [seen("output", false)]);
        assert!(layers(&found, "toy", &["layer2".into()]).is_err());
    }
}
