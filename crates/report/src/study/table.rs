//! Tables of a study: programs and what sums run in make the columns, the other axes the rows.

use super::{COLUMNS, EXTENT, NEAR, REPEATS, Results, Spread, sums};
use lab::store::Trial;
use lab::sweep::Point;
use lab::sweep::axes::AXES;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most columns of numbers of one table; beyond, each program has its own.
const WIDEST: usize = 6;

/// What names a row: heads and values of the axes that make rows.
pub type Row = Vec<(&'static str, String)>;

/// A point's values of the axes that make rows, as they are shown; only `heads` of them, where given.
pub fn row_of(point: &Point) -> Row {
    let apart = |name: &str| COLUMNS.contains(&name) || EXTENT.contains(&name) || REPEATS.contains(&name);
    let axes = AXES.iter().filter(|a| !apart(a.name));
    axes.filter_map(|a| Some((a.head, plain(&a.cell(point)?))))
        .collect()
}

/// A file's name without its ending; what could end a cell of the table is left away.
fn plain(text: &str) -> String {
    text.strip_suffix(".toml").unwrap_or(text).replace('|', " ")
}

/// The heads under which rows differ, in the order of the axes; and those that all rows share with their value.
pub fn heads(results: Results<'_>) -> (Vec<&'static str>, Row) {
    let rows: Vec<Row> = results.iter().map(|(p, _)| row_of(p)).collect();
    let (mut differ, mut same) = (Vec::new(), Vec::new());
    for axis in AXES.iter() {
        let values: Vec<Option<&String>> = rows
            .iter()
            .map(|r| r.iter().find(|(h, _)| *h == axis.head).map(|(_, v)| v))
            .collect();
        match values.first().copied().flatten() {
            // The format is what studies are about: it has its column.
            Some(first) if axis.name != "format" && values.iter().all(|v| *v == Some(first)) => {
                same.push((axis.head, first.clone()));
            }
            _ if values.iter().any(Option::is_some) => differ.push(axis.head),
            _ => {}
        }
    }
    (differ, same)
}

/// The value that a row has under a head.
pub fn value<'r>(row: &'r Row, head: &str) -> &'r str {
    let value = row.iter().find(|(h, _)| *h == head);
    value.map_or("", |(_, v)| v.as_str())
}

/// The place of an item in a list, to which it is added where it is missing.
pub fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|x| *x == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// The tables of one study. `compiled` gives the accuracy of a program as compiled.
pub fn tables(results: Results<'_>, compiled: &dyn Fn(&str) -> Option<f64>) -> String {
    let (heads, _) = heads(results);
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    let mut cells: BTreeMap<(usize, usize), Vec<Option<&Trial>>> = BTreeMap::new();
    for (point, trial) in results {
        let column = place(&mut columns, (point["program"].as_str(), sums(point)));
        let row = place(&mut rows, row_of(point));
        cells.entry((row, column)).or_default().push(trial.as_ref());
    }
    let mut parts: Vec<Vec<usize>> = vec![(0..columns.len()).collect()];
    if columns.len() > WIDEST {
        let programs = super::programs(results).into_iter();
        let of = |p: &str| (0..columns.len()).filter(|c| columns[*c].0 == p).collect();
        parts = programs.map(of).collect();
    }
    let mut text = String::new();
    for (number, part) in parts.iter().enumerate() {
        let shown: Vec<usize> = (0..rows.len())
            .filter(|r| part.iter().any(|c| cells.contains_key(&(*r, *c))))
            .collect();
        let mut lines = vec![heads.iter().map(|h| h.to_string()).collect::<Vec<_>>()];
        lines.push(heads.iter().map(|_| "---".to_string()).collect());
        for (program, sums) in part.iter().map(|c| &columns[*c]) {
            let sums = sums.map_or(String::new(), |s| format!(", sums in {s}"));
            lines[0].push(format!("{program}{sums}"));
            lines[1].push("--:".into());
        }
        for r in shown {
            let labels = heads.iter().map(|head| value(&rows[r], head).to_string());
            let numbers = part.iter().map(|c| {
                let trials = cells.get(&(r, *c));
                trials.map_or(String::new(), |t| cell(t, compiled(columns[*c].0)))
            });
            lines.push(labels.chain(numbers).collect());
        }
        if number > 0 {
            text += "\n";
        }
        text += &markdown(&lines);
    }
    text
}

/// Lines of cells as a table; the second line says how columns are set.
pub fn markdown(lines: &[Vec<String>]) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text
}

/// What came of trials that differ by chance only.
pub fn cell(trials: &[Option<&Trial>], compiled: Option<f64>) -> String {
    let ran: Vec<&Trial> = trials.iter().filter_map(|t| *t).collect();
    if ran.len() < trials.len() {
        return "not run".into();
    }
    if ran.iter().any(|t| !t.is_done()) {
        return "failed".into();
    }
    let values: Vec<f64> = ran.iter().filter_map(|t| t.accuracy).collect();
    let Some(spread) = Spread::of(&values) else {
        return "no accuracy".into();
    };
    let bold = if compiled.is_some_and(|best| is_near(spread.mean, best)) {
        "**"
    } else {
        ""
    };
    let mean = format!("{bold}{:.2}{bold}", spread.mean);
    if values.len() == 1 {
        return mean;
    }
    format!("{mean} ({:.2}–{:.2})", spread.least, spread.most)
}

/// Whether an accuracy counts as kept. Both have two decimals, which their difference in binary may miss by a little.
pub fn is_near(accuracy: f64, best: f64) -> bool {
    accuracy >= best - NEAR - 1e-9
}
