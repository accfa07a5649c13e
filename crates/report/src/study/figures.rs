//! The figures of a study: one kind each, named in its file.

use super::table::{self, is_near, place, row_of, value};
use super::{Results, Study, compiled, programs, sums};
use crate::figure::{Cell, Dot, Dots, Drawing, Figure, Heat, Line, Plot, Point as Place, Series};
use crate::file_stem;
use lab::sweep::Point;
use lab::sweep::axes::width;
use std::collections::BTreeMap;
use tell::suggest;

/// A program, and what its sums run in.
type Key<'p> = (&'p str, Option<&'p str>);

/// What is drawn of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For each program a line for each row of the table, with a dot for each trial.
    Dots,
    /// Accuracy against bits of exponent, all programs in one figure.
    Exponent,
    /// Accuracy against explicit bits of significand, all programs in one figure.
    Significand,
    /// For each program a heat map of exponent against significand.
    Grid,
    /// For each program a heat map of layer (what names rows beside the format) against format.
    Layers,
}

/// Values of the key `figure`.
const KINDS: [(&str, Kind); 5] = [
    ("dots", Kind::Dots),
    ("exponent", Kind::Exponent),
    ("significand", Kind::Significand),
    ("grid", Kind::Grid),
    ("layers", Kind::Layers),
];

impl Kind {
    /// The kind of that name, dots where there is none; else what is wrong, and advice.
    pub fn named(name: &str) -> Result<Kind, (String, String)> {
        let found = KINDS.iter().find(|k| k.0 == name).map(|k| k.1);
        match found {
            Some(kind) => Ok(kind),
            None if name.is_empty() => Ok(Kind::Dots),
            None => Err((
                "there is no such kind".into(),
                suggest::advice(name, KINDS.iter().map(|k| k.0)),
            )),
        }
    }
}

const ACCURACY: &str = "accuracy, %";

/// The head of the column of formats.
const FORMAT: &str = "format";

/// All figures of a study.
pub fn figures(study: &Study, results: Results<'_>) -> Vec<Figure> {
    match study.kind {
        Kind::Dots => programs(results)
            .into_iter()
            .map(|p| dots(study, results, p))
            .collect(),
        Kind::Exponent => vec![lines(study, results, "exponent bits", |w| w.0)],
        Kind::Significand => vec![lines(study, results, "explicit significand bits", |w| w.1)],
        Kind::Grid | Kind::Layers => heats(study, results),
    }
}

/// What a column of the table is called in a legend.
fn sums_name(sums: Option<&str>) -> String {
    sums.map_or("sums in the same format".into(), |s| format!("sums in {s}"))
}

/// The beginning of a file's name: the study and the program, unless the study is named by it.
fn stem(study: &Study, program: &str) -> String {
    let program = file_stem(program);
    match study.name.ends_with(&format!("-{program}")) {
        true => study.name.clone(),
        false => format!("{}-{program}", study.name),
    }
}

fn dots(study: &Study, results: Results<'_>, program: &str) -> Figure {
    let (heads, _) = table::heads(results);
    let mut series: Vec<Option<&str>> = Vec::new();
    let mut known = Vec::new();
    let mut rows: Vec<(String, Vec<Dot>)> = Vec::new();
    for (point, trial) in results.iter().filter(|(p, _)| p["program"] == program) {
        let Some(accuracy) = trial.as_ref().and_then(|t| t.accuracy) else {
            continue;
        };
        let row = row_of(point);
        let words: Vec<&str> = heads
            .iter()
            .map(|h| value(&row, h))
            .filter(|v| !v.is_empty())
            .collect();
        let name = words.join(" ");
        let number = place(&mut series, sums(point));
        let at = place(&mut known, row);
        if at == rows.len() {
            rows.push((name.clone(), Vec::new()));
        }
        rows[at].1.push(Dot {
            series: number,
            x: accuracy,
            label: format!("{name}, {}: {accuracy:.2} %", sums_name(sums(point))),
        });
    }
    Figure {
        name: stem(study, program),
        title: format!("{program}: {}", study.title),
        caption: String::new(),
        drawing: Drawing::Dots(Dots {
            x: ACCURACY.into(),
            series: series.into_iter().map(sums_name).collect(),
            rows,
            level: compiled(results, program).map(|a| (a, "as compiled".into())),
        }),
    }
}

/// Bits of exponent and significand of a point's format, where it has one for all.
fn widths(point: &Point) -> Option<(u32, u32)> {
    match point.get("policy") {
        None => width(point.get("format")?),
        Some(_) => None,
    }
}

fn lines(study: &Study, results: Results<'_>, x: &str, of: fn((u32, u32)) -> u32) -> Figure {
    let mut all: Vec<(Key<'_>, Vec<Place>)> = Vec::new();
    for (point, trial) in results {
        let accuracy = trial.as_ref().and_then(|t| t.accuracy);
        let (Some(widths), Some(y)) = (widths(point), accuracy) else {
            continue;
        };
        let key = (point["program"].as_str(), sums(point));
        let place = Place {
            x: f64::from(of(widths)),
            y,
            label: format!("{} {}, {}: {y:.2} %", key.0, point["format"], sums_name(key.1)),
            row: None,
        };
        match all.iter_mut().find(|s| s.0 == key) {
            Some(series) => series.1.push(place),
            None => all.push((key, vec![place])),
        }
    }
    // Series of a program stand together, in the order of the programs.
    let order = programs(results);
    all.sort_by_key(|s| order.iter().position(|p| *p == s.0.0));
    let series = all.into_iter().map(|((program, sums), mut points)| {
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Series {
            name: program.into(),
            variant: sums.map(|s| sums_name(Some(s))),
            points,
            line: Line::Straight,
        }
    });
    Figure {
        name: study.name.clone(),
        title: study.title.clone(),
        caption: String::new(),
        drawing: Drawing::Plot(Plot {
            x: x.into(),
            y: ACCURACY.into(),
            series: series.collect(),
            levels: Vec::new(),
        }),
    }
}

/// The row and the column of a point in a heat map.
fn cell_of(kind: Kind, point: &Point, heads: &[&str]) -> Option<(String, String)> {
    match kind {
        Kind::Layers => {
            let row = row_of(point);
            let names = heads.iter().filter(|h| **h != FORMAT).map(|h| value(&row, h));
            let names: Vec<&str> = names.filter(|v| !v.is_empty()).collect();
            Some((names.join(" "), value(&row, FORMAT).into()))
        }
        _ => widths(point).map(|(e, m)| (format!("e{e}"), format!("m{m}"))),
    }
}

/// A map for each program and for each kind of sums.
fn heats(study: &Study, results: Results<'_>) -> Vec<Figure> {
    let (heads, _) = table::heads(results);
    let mut maps: Vec<(Key<'_>, Heat)> = Vec::new();
    let mut cells: BTreeMap<(usize, usize, usize), Cell> = BTreeMap::new();
    for (point, trial) in results {
        let Some((row, column)) = cell_of(study.kind, point, &heads) else {
            continue;
        };
        let key = (point["program"].as_str(), sums(point));
        let at = match maps.iter().position(|m| m.0 == key) {
            Some(at) => at,
            None => {
                let corner = match study.kind {
                    Kind::Layers => "layer \\ format",
                    _ => "exponent \\ significand",
                };
                let heat = Heat {
                    corner: corner.into(),
                    rows: Vec::new(),
                    columns: Vec::new(),
                    cells: Vec::new(),
                };
                maps.push((key, heat));
                maps.len() - 1
            }
        };
        let map = &mut maps[at].1;
        let (row, column) = (place(&mut map.rows, row), place(&mut map.columns, column));
        if let Some(accuracy) = trial.as_ref().and_then(|t| t.accuracy) {
            cells.insert((at, row, column), (accuracy, format!("{accuracy:.2}"), None));
        }
    }
    let order = programs(results);
    let mut maps: Vec<_> = maps.into_iter().enumerate().collect();
    maps.sort_by_key(|(_, ((program, _), _))| order.iter().position(|p| p == program));
    let draw = |(at, ((program, sums), mut heat)): (usize, ((&str, Option<&str>), Heat))| {
        heat.cells = (0..heat.rows.len())
            .map(|r| {
                (0..heat.columns.len())
                    .map(|c| cells.get(&(at, r, c)).cloned())
                    .collect()
            })
            .collect();
        let (also, tail) = match sums {
            Some(s) => (format!(", sums in {s}"), format!("-{}", file_stem(s))),
            None => Default::default(),
        };
        Figure {
            name: stem(study, program) + &tail,
            title: format!("{program}{also}: accuracy, %"),
            caption: String::new(),
            drawing: Drawing::Heat(heat),
        }
    };
    maps.into_iter().map(draw).collect()
}

/// The numbers of a heat map as a table. `best`: what counts as near is set bold.
pub fn heat_table(heat: &Heat, best: Option<f64>) -> String {
    let mut lines = vec![vec![heat.corner.clone()], vec!["---".to_string()]];
    for column in &heat.columns {
        lines[0].push(column.clone());
        lines[1].push("--:".into());
    }
    for (row, cells) in heat.rows.iter().zip(&heat.cells) {
        let text = |cell: &Option<_>| match cell {
            Some((value, text, _)) if best.is_some_and(|b| is_near(*value, b)) => format!("**{text}**"),
            Some((_, text, _)) => String::clone(text),
            None => "failed".into(),
        };
        lines.push([row.clone()].into_iter().chain(cells.iter().map(text)).collect());
    }
    table::markdown(&lines)
}

/// The narrowest formats that lose little against `best`, one line for each program and kind of sums.
pub fn narrowest(results: Results<'_>, best: &dyn Fn(&str) -> Option<f64>) -> String {
    let head = ["program", "sums", "bits", "formats (accuracy)"]
        .map(str::to_string)
        .to_vec();
    let mut lines = vec![head, ["---", "---", "--:", "---"].map(str::to_string).to_vec()];
    let mut kinds = Vec::new();
    for (point, _) in results {
        place(&mut kinds, (point["program"].as_str(), sums(point)));
    }
    let order = programs(results);
    kinds.sort_by_key(|k| order.iter().position(|p| *p == k.0));
    for (program, of) in kinds {
        let own = results
            .iter()
            .filter(|(p, _)| p["program"] == program && sums(p) == of);
        let near: Vec<(u32, &str, f64)> = own
            .filter_map(|(p, t)| {
                let ((e, m), accuracy) = (widths(p)?, t.as_ref()?.accuracy?);
                let kept = best(program).is_some_and(|b| is_near(accuracy, b));
                kept.then(|| (1 + e + m, p["format"].as_str(), accuracy))
            })
            .collect();
        let least = near.iter().map(|n| n.0).min();
        let formats = near.iter().filter(|n| Some(n.0) == least);
        let formats: Vec<String> = formats.map(|(_, f, a)| format!("{f} ({a:.2})")).collect();
        lines.push(vec![
            program.into(),
            of.unwrap_or("the same format").into(),
            least.map_or("none".into(), |l| l.to_string()),
            formats.join(", "),
        ]);
    }
    table::markdown(&lines)
}
