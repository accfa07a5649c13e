//! Trials that can be compared, and the figures that compare them.

use crate::figure::{Cell, Drawing, Figure, Heat, Line, Plot, Point, Series};
use lab::store::Trial;
use lab::sweep::axes::width;
use policy::{Accumulate, FormatChoice, Globs, Policy};
use record::variables;
use std::collections::{BTreeMap, BTreeSet};

/// A trial with what follows from its format or policy.
pub struct Row {
    /// Its place in the table of all trials.
    pub number: usize,
    /// As the store has it.
    pub trial: Trial,
    /// Bits of exponent and of explicit significand, of a trial in one format.
    pub width: Option<(u32, u32)>,
    /// Format of each layer (or kernel) that the policy names.
    pub layers: BTreeMap<String, String>,
    /// Format of those that it does not name, if it gives them one.
    others: Option<String>,
    rules: Vec<Rule>,
    /// Bits of a number: sign, exponent and significand; with a policy the mean over all layers that policies of the
    /// program name.
    pub bits: Option<f64>,
}

/// Bits of a format with or without an accumulator: sign, exponent and explicit significand.
fn bits(format: &str) -> Option<f64> {
    let (e, m) = width(format.split('+').next().unwrap_or(format))?;
    Some(f64::from(1 + e + m))
}

/// A rule of a policy: patterns of the layers (or kernels) that it names, none for everywhere, and what they compute in.
type Rule = (Vec<String>, String);

/// The rules of a policy that give a format to layers, to kernels or to everything.
fn rules(policy: &str) -> Vec<Rule> {
    let read = |rule: &policy::Rule| {
        let format = rule.format?;
        let c = &rule.conditions;
        let patterns = c.layer.as_ref().or(c.kernel.as_ref()).map(Globs::patterns);
        let names: Vec<String> = patterns.into_iter().flatten().map(str::to_string).collect();
        let is_partial = rule.class.is_some() || rule.line.is_some() || rule.ptx.is_some();
        if names.is_empty() && (is_partial || c.is_of_launch()) {
            return None;
        }
        let text = match (format, rule.accumulate) {
            (FormatChoice::Leave, _) => "none".to_string(),
            (_, Some(Accumulate::In(_))) => format!("{}+{}", rule.words.format, rule.words.accumulate),
            _ => rule.words.format.clone(),
        };
        Some((names, text))
    };
    let document = Policy::parse("the policy of a trial", policy).ok();
    document.iter().flat_map(|d| &d.rules).filter_map(read).collect()
}

/// Trials with what follows from their formats and policies.
pub fn rows(trials: Vec<Trial>) -> Vec<Row> {
    let mut rows: Vec<Row> = trials
        .into_iter()
        .enumerate()
        .map(|(i, t)| Row::new(i, t))
        .collect();
    // What the policies of a program name is what is known of its layers.
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let plain = row.layers.keys().filter(|n| !n.contains(['*', '?', '[', '{']));
        names
            .entry(row.trial.program.clone())
            .or_default()
            .extend(plain.cloned());
    }
    for row in &mut rows {
        row.bits = row.bits.or_else(|| row.mean_bits(&names[&row.trial.program]));
    }
    rows
}

impl Row {
    fn new(number: usize, trial: Trial) -> Row {
        let rules = trial.policy.as_deref().map(rules).unwrap_or_default();
        let named = rules
            .iter()
            .flat_map(|(names, f)| names.iter().map(move |n| (n.clone(), f.clone())));
        let layers = named.collect();
        let everywhere = rules.iter().rev().find(|(names, _)| names.is_empty());
        let others = everywhere.map(|(_, format)| format.clone());
        let format = trial.format.as_deref().unwrap_or("none");
        let alone = trial.policy.is_none().then(|| width(format)).flatten();
        Row {
            number,
            width: alone,
            layers,
            others,
            rules,
            bits: alone.map(|(e, m)| f64::from(1 + e + m)),
            trial,
        }
    }

    /// What a layer computes in: as the last rule for it says, else as the trial's format.
    fn format_of(&self, layer: &str) -> &str {
        let holds = |patterns: &[String]| {
            let fits = |p: &String| p == layer || Globs::new(p).is_ok_and(|g| g.matches(layer));
            patterns.is_empty() || patterns.iter().any(fits)
        };
        let rule = self.rules.iter().rev().find(|(patterns, _)| holds(patterns));
        let whole = self.trial.format.as_deref().unwrap_or("none");
        match rule.map(|(_, format)| format.as_str()) {
            Some("launch") | None => whole,
            Some(format) => format,
        }
    }

    /// The mean of the bits of these layers; where none is known, of what the policy says.
    fn mean_bits(&self, layers: &BTreeSet<String>) -> Option<f64> {
        if self.rules.is_empty() {
            return None;
        }
        let formats: Vec<&str> = match layers.is_empty() {
            true => self.rules.iter().map(|(_, format)| format.as_str()).collect(),
            false => layers.iter().map(|l| self.format_of(l)).collect(),
        };
        let bits: Vec<f64> = formats.into_iter().filter_map(bits).collect();
        (!bits.is_empty()).then(|| bits.iter().sum::<f64>() / bits.len() as f64)
    }

    /// Its arithmetic in a few words.
    pub fn name(&self) -> String {
        let format = match self.trial.format.as_deref() {
            None | Some("none") => "as compiled",
            Some(format) => format,
        };
        let mut name = match self.trial.policy {
            None => format.to_string(),
            Some(_) if self.rules.is_empty() => "policy".into(),
            Some(_) => {
                let named = self.layers.iter().map(|(l, f)| format!("{l} {f}"));
                let others = self.others.iter().map(|f| match self.layers.is_empty() {
                    true => format!("policy {f}"),
                    false => format!("others {f}"),
                });
                named.chain(others).collect::<Vec<_>>().join(", ")
            }
        };
        if let Some(accumulate) = self.accumulator() {
            name += &format!(", sums in {accumulate}");
        }
        if let Some(seed) = self.trial.seed {
            name += &format!(", seed {seed}");
        }
        name
    }

    fn accumulator(&self) -> Option<&str> {
        self.trial.accumulate.as_deref().filter(|a| *a != "none")
    }

    /// What is shown when one points at it; the command is its last line.
    fn label(&self) -> String {
        let mut label = self.name();
        if let Some(accuracy) = self.trial.accuracy {
            label += &format!("\n{accuracy:.2} %");
        }
        if let Some(loss) = self.trial.loss {
            label += &format!("\nloss {loss:.4}");
        }
        label + "\n" + &self.trial.command
    }
}

/// Trials of one program under the same conditions.
pub struct Group<'a> {
    /// The program.
    pub program: String,
    /// What else they have in common: stages, epochs, images, device, weights.
    pub conditions: String,
    /// The trials.
    pub rows: Vec<&'a Row>,
}

/// The value of a NAME=VALUE line of a trial's identity.
fn fact<'a>(identity: &'a str, name: &str) -> Option<&'a str> {
    let mut facts = identity.lines().filter_map(|l| l.split_once('='));
    facts.find(|f| f.0 == name).map(|f| f.1)
}

/// Sorts trials into groups, in the order of their first trials.
pub fn groups(rows: &[Row]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows {
        let t = &row.trial;
        // One image has no accuracy: a search counts with it what work a layer is.
        if t.images == Some(1) {
            continue;
        }
        let mut conditions = t.stages.replace(',', ", ");
        let mut also = |what: Option<String>| {
            if let Some(what) = what {
                conditions += &format!(" · {what}");
            }
        };
        also(t.epochs.map(|n| format!("{n} epochs")));
        // Set by an option of the sweep, or from outside by its variable.
        let outside = || fact(&t.identity, variables::TEST_IMAGES.name()).and_then(|n| n.parse().ok());
        also(
            t.images
                .or_else(outside)
                .map(|n: i64| format!("first {n} images")),
        );
        also(t.config.as_ref().map(|c| format!("device {c}")));
        also(t.weights_hash.as_ref().map(|h| format!("weights {h:.8}")));
        match groups
            .iter_mut()
            .find(|g| g.program == t.program && g.conditions == conditions)
        {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                program: t.program.clone(),
                conditions,
                rows: vec![row],
            }),
        }
    }
    groups
}

/// How far below the best format's accuracy "as good" reaches, percentage points.
const NEAR: f64 = 1.0;

/// A number that is shown of trials.
#[derive(Clone, Copy)]
struct Measure {
    name: &'static str,
    of: fn(&Trial) -> Option<f64>,
    more_is_better: bool,
}

const ACCURACY: Measure = Measure {
    name: "accuracy, %",
    of: |t| t.accuracy,
    more_is_better: true,
};
const LOSS: Measure = Measure {
    name: "loss",
    of: |t| t.loss,
    more_is_better: false,
};

impl Group<'_> {
    /// Trials that ended well.
    fn done(&self) -> impl Iterator<Item = &Row> + Clone {
        self.rows.iter().copied().filter(|r| r.trial.is_done())
    }

    /// What others are compared with: as compiled, else fp32.
    pub fn baseline(&self) -> Option<&Row> {
        let whole =
            |r: &&Row| r.trial.policy.is_none() && r.trial.accuracy.is_some() && r.accumulator().is_none();
        let is = |name: &'static str| {
            self.done()
                .filter(whole)
                .find(move |r| r.trial.format.as_deref().unwrap_or("none") == name)
        };
        is("none").or_else(|| is("fp32"))
    }

    /// The narrowest arithmetic that loses at most one percentage point.
    pub fn narrowest(&self) -> Option<&Row> {
        let least = self.baseline()?.trial.accuracy? - NEAR;
        let near = self
            .done()
            .filter(|r| r.bits.is_some() && r.trial.accuracy.is_some_and(|a| a >= least));
        let order = |r: &&Row| (r.bits.unwrap_or(f64::MAX), -r.trial.accuracy.unwrap_or(0.0));
        near.min_by(|a, b| {
            order(a)
                .partial_cmp(&order(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
    }

    /// Those that no other beats in both width and accuracy, the narrowest first.
    pub fn front(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self
            .done()
            .filter(|r| r.bits.is_some() && r.trial.accuracy.is_some())
            .collect();
        let order = |r: &Row| (r.bits.unwrap_or(0.0), -r.trial.accuracy.unwrap_or(0.0));
        rows.sort_by(|a, b| {
            order(a)
                .partial_cmp(&order(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut best = f64::NEG_INFINITY;
        rows.retain(|r| {
            let better = r.trial.accuracy.is_some_and(|a| a > best);
            best = best.max(r.trial.accuracy.unwrap_or(best));
            better
        });
        rows
    }

    /// All figures that the trials have points for.
    pub fn figures(&self, stem: &str) -> Vec<Figure> {
        let mut figures = Vec::new();
        for (measure, tag) in [(ACCURACY, ""), (LOSS, "-loss")] {
            figures.extend(self.over_one_width(measure, &format!("{stem}-exponent{tag}"), true));
            figures.extend(self.over_one_width(measure, &format!("{stem}-significand{tag}"), false));
            figures.extend(self.over_bits(measure, &format!("{stem}-bits{tag}")));
        }
        figures.extend(self.grid(&format!("{stem}-grid")));
        figures.extend(self.sensitivity(&format!("{stem}-layers")));
        figures.extend(self.assignments(&format!("{stem}-assignments")));
        figures
    }

    fn levels(&self, measure: Measure) -> Vec<(f64, String)> {
        let baseline = self.baseline();
        let level = baseline.and_then(|b| Some(((measure.of)(&b.trial)?, b.name())));
        level.into_iter().collect()
    }

    /// Over exponent or significand bits; a series for each width of the other and each accumulator.
    fn over_one_width(&self, measure: Measure, name: &str, exponent: bool) -> Option<Figure> {
        let mut series: BTreeMap<(u32, Option<&str>), Vec<Point>> = BTreeMap::new();
        for row in self.done() {
            let (Some((e, m)), Some(y)) = (row.width, (measure.of)(&row.trial)) else {
                continue;
            };
            let (x, other) = if exponent { (e, m) } else { (m, e) };
            series.entry((other, row.accumulator())).or_default().push(Point {
                x: f64::from(x),
                y,
                label: row.label(),
                row: Some(row.number),
            });
        }
        // A width at which nothing varies says nothing.
        for points in series.values_mut() {
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
        }
        series.retain(|_, points| points.last().zip(points.first()).is_some_and(|(l, f)| l.x > f.x));
        if series.is_empty() {
            return None;
        }
        let (this, that) = if exponent {
            ("exponent", "significand")
        } else {
            ("significand", "exponent")
        };
        let series = series.into_iter().map(|((other, accumulator), points)| Series {
            name: format!("{other} {that} {}", if other == 1 { "bit" } else { "bits" }),
            variant: accumulator.map(|a| format!("sums in {a}")),
            points,
            line: Line::Straight,
        });
        let what = measure.name.split(',').next().unwrap_or(measure.name);
        Some(Figure {
            name: name.into(),
            title: format!("{}: {what} against {this} width", self.program),
            caption: format!("Each line keeps the {that} width. Significand bits are the explicit ones."),
            drawing: Drawing::Plot(Plot {
                x: format!("{this} bits"),
                y: measure.name.into(),
                series: series.collect(),
                levels: self.levels(measure),
            }),
        })
    }

    /// Over all bits, with those that nothing beats joined.
    fn over_bits(&self, measure: Measure, name: &str) -> Option<Figure> {
        let point = |row: &Row| {
            Some(Point {
                x: row.bits?,
                y: (measure.of)(&row.trial)?,
                label: row.label(),
                row: Some(row.number),
            })
        };
        let mut kinds: BTreeMap<String, Vec<Point>> = BTreeMap::new();
        let mut all: Vec<Point> = Vec::new();
        for row in self.done() {
            let Some(point) = point(row) else { continue };
            let kind = match (row.accumulator(), row.trial.policy.is_some()) {
                (_, true) => "policies (mean width)".to_string(),
                (Some(a), false) => format!("sums in {a}"),
                (None, false) => "one format".to_string(),
            };
            all.push(point.clone());
            kinds.entry(kind).or_default().push(point);
        }
        let better = |a: f64, b: f64| if measure.more_is_better { a > b } else { a < b };
        all.sort_by(|a, b| {
            a.x.total_cmp(&b.x).then(if better(a.y, b.y) {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Greater
            })
        });
        let mut front: Vec<Point> = Vec::new();
        for point in all {
            if front.last().is_none_or(|last| better(point.y, last.y)) {
                front.push(point);
            }
        }
        if kinds.values().map(Vec::len).sum::<usize>() < 2 {
            return None;
        }
        let mut series = vec![Series {
            name: "Pareto front".into(),
            variant: None,
            points: front,
            line: Line::Steps,
        }];
        series.extend(kinds.into_iter().map(|(name, points)| Series {
            name,
            variant: None,
            points,
            line: Line::None,
        }));
        let what = measure.name.split(',').next().unwrap_or(measure.name);
        Some(Figure {
            name: name.into(),
            title: format!("{}: {what} against total bits", self.program),
            caption: "Total bits: sign, exponent and significand; of a policy the mean over the program's layers. The line joins \
                      those that nothing of the same width or narrower beats."
                .into(),
            drawing: Drawing::Plot(Plot {
                x: "total bits".into(),
                y: measure.name.into(),
                series,
                levels: self.levels(measure),
            }),
        })
    }

    /// Accuracy for each pair of widths, where many were tried.
    fn grid(&self, name: &str) -> Option<Figure> {
        let mut cells: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
        for row in self.done().filter(|r| r.accumulator().is_none()) {
            if let (Some(width), Some(a)) = (row.width, row.trial.accuracy) {
                cells.insert(width, (a, format!("{a:.2}"), Some(row.number)));
            }
        }
        let exponents: BTreeSet<u32> = cells.keys().map(|k| k.0).collect();
        let significands: BTreeSet<u32> = cells.keys().map(|k| k.1).collect();
        let full = exponents.len() * significands.len();
        if exponents.len() < 2 || significands.len() < 2 || cells.len() * 3 < full {
            return None;
        }
        let line = |e: &u32| {
            significands
                .iter()
                .map(|m| cells.get(&(*e, *m)).cloned())
                .collect()
        };
        Some(Figure {
            name: name.into(),
            title: format!("{}: accuracy of every format, %", self.program),
            caption: "Rows: exponent bits. Columns: explicit significand bits.".into(),
            drawing: Drawing::Heat(Heat {
                corner: "exponent \\ significand".into(),
                rows: exponents.iter().rev().map(|e| format!("e{e}")).collect(),
                columns: significands.iter().map(|m| format!("m{m}")).collect(),
                cells: exponents.iter().rev().map(line).collect(),
            }),
        })
    }

    /// Accuracy when one layer alone is narrow.
    fn sensitivity(&self, name: &str) -> Option<Figure> {
        let mut cells: BTreeMap<(String, String), Cell> = BTreeMap::new();
        let alone = |r: &&Row| r.others.is_none() && r.trial.format.as_deref().unwrap_or("none") == "none";
        for row in self.done().filter(alone) {
            let narrow: Vec<_> = row.layers.iter().filter(|(_, f)| *f != "none").collect();
            let (&[(layer, format)], Some(a)) = (&narrow[..], row.trial.accuracy) else {
                continue;
            };
            cells.insert(
                (layer.clone(), format.clone()),
                (a, format!("{a:.2}"), Some(row.number)),
            );
        }
        let layers = in_order(cells.keys().map(|k| &k.0));
        let mut formats: Vec<&String> = cells
            .keys()
            .map(|k| &k.1)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        formats.sort_by_key(|f| {
            std::cmp::Reverse(width(f.split('+').next().unwrap_or(f)).map(|(e, m)| (e + m, m)))
        });
        if cells.len() < 2 {
            return None;
        }
        let cell = |l: &String, f: &String| cells.get(&(l.clone(), f.clone())).cloned();
        Some(Figure {
            name: name.into(),
            title: format!("{}: accuracy with one layer narrow, %", self.program),
            caption: "Everything but the row's layer as compiled.".into(),
            drawing: Drawing::Heat(Heat {
                corner: "layer \\ format".into(),
                rows: layers.iter().map(|l| (*l).clone()).collect(),
                columns: formats.iter().map(|f| (*f).clone()).collect(),
                cells: layers
                    .iter()
                    .map(|l| formats.iter().map(|f| cell(l, f)).collect())
                    .collect(),
            }),
        })
    }

    /// The formats that the policies of the front give each layer.
    fn assignments(&self, name: &str) -> Option<Figure> {
        let several = |r: &&Row| r.layers.len() + usize::from(r.others.is_some()) > 1;
        let rows: Vec<&Row> = self.front().into_iter().filter(several).collect();
        let layers = in_order(rows.iter().flat_map(|r| r.layers.keys()));
        if rows.is_empty() {
            return None;
        }
        let title = |r: &&Row| {
            format!(
                "{:.1} bits, {:.2} %",
                r.bits.unwrap_or(0.0),
                r.trial.accuracy.unwrap_or(0.0)
            )
        };
        let cell = |r: &Row, l: &String| {
            let format = r.format_of(l);
            Some((bits(format)?, format.into(), Some(r.number)))
        };
        Some(Figure {
            name: name.into(),
            title: format!("{}: formats of the layers on the Pareto front", self.program),
            caption: "A row for each policy that nothing of its width or narrower beats; bluer is wider."
                .into(),
            drawing: Drawing::Heat(Heat {
                corner: "mean width, accuracy".into(),
                rows: rows.iter().map(title).collect(),
                columns: layers.iter().map(|l| (*l).clone()).collect(),
                cells: rows
                    .iter()
                    .map(|r| layers.iter().map(|l| cell(r, l)).collect())
                    .collect(),
            }),
        })
    }
}

/// Names, each once, numbers in them in the order of numbers: `layer2` before `layer10`.
fn in_order<'n>(names: impl Iterator<Item = &'n String>) -> Vec<&'n String> {
    let mut names: Vec<&String> = names.collect::<BTreeSet<_>>().into_iter().collect();
    names.sort_by_key(|name| {
        let (word, rest) = name.split_at(name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len()));
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        (word, rest[..digits].parse::<u64>().ok())
    });
    names
}
