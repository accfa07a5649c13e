//! What a search found, and why: for people, as JSON, and every candidate as CSV.

use super::objective::Objective;
use super::{Candidate, Choice, Found, Layer, Problem, Search};
use serde::Serialize;
use tell::Error;
use tell::number::grouped;

/// A search that has ended.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The program.
    pub program: String,
    /// Name of what was to be least.
    pub objective: &'static str,
    /// What a cost is; says so where it is modelled.
    pub about: &'static str,
    #[serde(skip)]
    head: &'static str,
    /// Percentage points of accuracy that might be lost.
    pub loss: f64,
    /// Answers of the whole test.
    pub answers: u64,
    /// Right answers of the program as compiled.
    pub reference: u64,
    /// Fewest right answers that are enough.
    pub target: u64,
    /// Layers with their work: f32 instructions that a rule rewrites, times threads, for one image.
    pub layers: Vec<Layer>,
    /// What each layer might be given, the widest first.
    pub choices: Vec<Choice>,
    /// Points of accuracy that each layer alone loses in each choice, as far as it was run.
    pub alone: Vec<Vec<Option<Lost>>>,
    /// Candidates to which no other is better in cost and accuracy both, the cheapest first.
    pub front: Vec<Row>,
    /// The cheapest that keeps the accuracy.
    pub best: Row,
    /// What is next to the best, a layer narrower, and why it was not taken.
    pub beside: Vec<Beside>,
    /// How many candidates there are.
    pub size: f64,
    /// Most that might be run.
    pub budget: usize,
    /// How many were run: answers shown, and the number of candidates that were shown so many and no more.
    pub shown: Vec<(u64, usize)>,
    /// Answers shown to all candidates together.
    pub answers_shown: u64,
    /// Trials that failed, and why.
    pub failed: Vec<(String, String)>,
    /// The command that tests the best.
    pub command: String,
    /// Every candidate that was run.
    pub candidates: Vec<Row>,
}

/// A candidate that was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The choice of each layer.
    pub formats: Vec<String>,
    /// Its cost.
    pub cost: f64,
    /// Percent of the answers that it was shown.
    pub accuracy: f64,
    /// Right answers.
    pub correct: u64,
    /// Answers that it was shown.
    pub answers: u64,
    /// It was shown all, and keeps the accuracy.
    pub kept: bool,
}

/// What a candidate loses against the program as compiled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lost {
    /// Percentage points.
    pub points: f64,
    /// Answers that this was seen on.
    pub answers: u64,
}

/// A neighbour of the best.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beside {
    /// The layer.
    pub layer: String,
    /// Its next cheaper choice; `None` where it has the cheapest.
    pub choice: Option<String>,
    /// Cost of the whole.
    pub cost: f64,
    /// What it loses, if it was run.
    pub lost: Option<Lost>,
    /// It keeps the accuracy (and is no cheaper than the best, or it would be that).
    pub kept: bool,
}

impl Outcome {
    /// Of a search that has ended.
    pub fn new(search: &Search<'_>, program: &str, objective: Objective) -> Outcome {
        let problem = &search.problem;
        let row = |candidate: &[usize], found: &Found| row(problem, candidate, found);
        let reference = search
            .found
            .get(&problem.widest())
            .map_or(0, |found| found.correct);
        let lost = |candidate: &Candidate| {
            search.found.get(candidate).map(|f| Lost {
                points: 100.0 * f.lost(),
                answers: f.images,
            })
        };
        let alone = |layer: usize, choice: usize| {
            let mut candidate = problem.widest();
            candidate[layer] = choice;
            lost(&candidate)
        };
        let (best, found) = search.best();
        let beside = |layer: usize| {
            let next = problem.cheaper(best, layer);
            let choice = next.as_ref().map(|c| problem.choices[c[layer]].name.clone());
            let candidate = next.unwrap_or_else(|| best.clone());
            Beside {
                layer: problem.layers[layer].name.clone(),
                choice,
                cost: problem.cost(&candidate),
                lost: lost(&candidate),
                kept: search.found.get(&candidate).is_some_and(|f| f.kept),
            }
        };
        let mut shown: Vec<(u64, usize)> = Vec::new();
        for found in search.found.values() {
            match shown.iter_mut().find(|s| s.0 == found.images) {
                Some(entry) => entry.1 += 1,
                None => shown.push((found.images, 1)),
            }
        }
        shown.sort_by_key(|s| std::cmp::Reverse(s.0));
        Outcome {
            program: program.into(),
            objective: objective.name(),
            about: objective.about(),
            head: objective.head(),
            loss: problem.loss,
            answers: problem.images,
            reference,
            target: search.target(),
            layers: problem.layers.clone(),
            choices: problem.choices.clone(),
            alone: (0..problem.layers.len())
                .map(|l| (0..problem.choices.len()).map(|c| alone(l, c)).collect())
                .collect(),
            front: search.front().iter().map(|(c, _, f)| row(c, f)).collect(),
            best: row(best, &found),
            beside: (0..best.len()).map(beside).collect(),
            size: problem.size(),
            budget: search.budget,
            shown,
            answers_shown: search.shown,
            failed: Vec::new(),
            command: String::new(),
            candidates: search.found.iter().map(|(c, f)| row(c, f)).collect(),
        }
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let percent = |n: u64| 100.0 * n as f64 / self.answers as f64;
        let mut lines = vec![
            format!(
                "{}: {} of {} right as compiled ({:.2} %); at least {} ({:.2} %) are asked for",
                self.program,
                grouped(self.reference),
                grouped(self.answers),
                percent(self.reference),
                grouped(self.target),
                percent(self.target)
            ),
            format!("{}: {}", self.objective, self.about),
            String::new(),
            "Points of accuracy that a layer alone loses (~: on the first images, then given up)".into(),
        ];
        lines.extend(self.sensitivity());
        lines.push(String::new());
        lines.push("Pareto front (*: keeps the accuracy)".into());
        lines.extend(self.table());
        lines.push(String::new());
        lines.extend(self.why());
        if !self.command.is_empty() {
            lines.push(format!("Run it: {}", self.command));
        }
        lines
    }

    /// What each layer loses alone.
    fn sensitivity(&self) -> Vec<String> {
        let mut rows = vec![vec!["layer".to_string(), "work".into()]];
        rows[0].extend(self.choices[1..].iter().map(|c| c.name.clone()));
        let work: f64 = self.layers.iter().map(|l| l.work).sum();
        for (layer, lost) in self.layers.iter().zip(&self.alone) {
            let mut row = vec![layer.name.clone(), format!("{:.1} %", 100.0 * layer.work / work)];
            row.extend(lost[1..].iter().map(|l| match l {
                Some(l) => self.lost(*l),
                None => "not run".into(),
            }));
            rows.push(row);
        }
        let mut costs = vec![self.head.to_string(), String::new()];
        costs.extend(self.choices[1..].iter().map(|c| format!("{:.2}", c.cost)));
        rows.push(costs);
        aligned(&rows, 1)
    }

    fn lost(&self, lost: Lost) -> String {
        let about = if lost.answers < self.answers { "~" } else { "" };
        // No minus before a zero.
        format!("{about}{:.2}", lost.points + 0.0)
    }

    /// The front.
    fn table(&self) -> Vec<String> {
        let mut rows = vec![vec![
            String::new(),
            self.head.to_string(),
            "accuracy".into(),
            "right".into(),
        ]];
        rows[0].extend(self.layers.iter().map(|l| l.name.clone()));
        for row in &self.front {
            let mark = if row.kept { "*" } else { "" };
            let mut cells = vec![
                mark.to_string(),
                format!("{:.2}", row.cost),
                format!("{:.2} %", row.accuracy),
                grouped(row.correct),
            ];
            cells.extend(row.formats.iter().cloned());
            rows.push(cells);
        }
        aligned(&rows, 0)
    }

    /// The best, what keeps it from being cheaper, and what was looked at.
    fn why(&self) -> Vec<String> {
        let widest = self.choices.first().map_or(0.0, |c| c.cost);
        let given = self.layers.iter().zip(&self.best.formats);
        let given: Vec<String> = given.map(|(l, f)| format!("{} {f}", l.name)).collect();
        let mut lines = vec![format!(
            "Best: {}: {:.2} against {widest:.2} as compiled, {:.2} %",
            given.join(", "),
            self.best.cost,
            self.best.accuracy
        )];
        if self.beside.iter().all(|b| b.choice.is_none()) {
            lines.push("  every layer has the cheapest choice".into());
        }
        for b in &self.beside {
            let Some(choice) = &b.choice else { continue };
            let what = match b.lost {
                None => "was not run: the budget was spent".to_string(),
                Some(lost) if lost.answers < self.answers => format!(
                    "loses {:.2} points on the first {} answers, given up",
                    lost.points,
                    grouped(lost.answers)
                ),
                Some(lost) if b.kept => format!("keeps the accuracy too ({:.2} points lost)", lost.points),
                Some(lost) => format!("loses {:.2} points", lost.points),
            };
            lines.push(format!("  {} in {choice} ({:.2}): {what}", b.layer, b.cost));
        }
        let run = self.candidates.len();
        let looks: Vec<String> = self
            .shown
            .iter()
            .map(|(answers, n)| {
                if *answers == self.answers {
                    format!("{n} on all {} answers", grouped(*answers))
                } else {
                    format!("{n} given up after {}", grouped(*answers))
                }
            })
            .collect();
        lines.push(format!(
            "Run: {run} of {} candidates ({:.2} %): {}",
            grouped(self.size as u64),
            100.0 * run as f64 / self.size,
            looks.join(", ")
        ));
        lines.push(format!(
            "  {:.0} whole tests' worth of answers; the others are known by prediction only, or not at all{}",
            self.answers_shown as f64 / self.answers as f64,
            if run >= self.budget && (run as f64) < self.size {
                format!("; the budget of {} is spent, --budget N goes on", self.budget)
            } else {
                String::new()
            }
        ));
        if let Some((what, why)) = self.failed.first() {
            lines.push(format!(
                "  {} trials failed and count as nothing right; the first ({what}): {why}",
                self.failed.len()
            ));
        }
        lines
    }

    /// Every candidate that was run, a line each.
    pub fn csv(&self) -> String {
        let mut head = vec!["cost", "accuracy", "correct", "answers", "kept", "front"];
        head.extend(self.layers.iter().map(|l| l.name.as_str()));
        let mut text = head.join(",") + "\n";
        for row in &self.candidates {
            let front = self.front.contains(row);
            text += &format!(
                "{},{},{},{},{},{front},{}\n",
                row.cost,
                row.accuracy,
                row.correct,
                row.answers,
                row.kept,
                row.formats.join(",")
            );
        }
        text
    }
}

/// All of what a search found.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(outcome: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(outcome)
        .map_err(|e| Error::failed(format!("the outcome cannot be written as JSON: {e}"), ""))?;
    Ok(text + "\n")
}

fn row(problem: &Problem, candidate: &[usize], found: &Found) -> Row {
    Row {
        formats: candidate
            .iter()
            .map(|&c| problem.choices[c].name.clone())
            .collect(),
        cost: problem.cost(candidate),
        accuracy: 100.0 * found.correct as f64 / found.images as f64,
        correct: found.correct,
        answers: found.images,
        kept: found.kept,
    }
}

/// Rows in columns of equal width, the first `left` of them to the left.
pub(super) fn aligned(rows: &[Vec<String>], left: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |n: usize| {
        rows.iter()
            .filter_map(|r| r.get(n))
            .map(|c| c.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|n| width(n).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(n, (cell, &width))| {
            if n < left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  "))
            .trim_end()
            .to_string()
    };
    rows.iter().map(line).collect()
}
