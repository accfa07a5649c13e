//! Trials as a table for people.

use super::axes::{AXES, Point};
use crate::store::Trial;
use tell::number::si;

/// The table of these trials: what differs between them, and what came of each. `None` stands for a trial that was
/// not run.
pub fn lines(trials: &[(Point, Option<Trial>)]) -> Vec<String> {
    let differing: Vec<_> = AXES
        .iter()
        .filter(|axis| {
            let first = trials.first().and_then(|(p, _)| axis.cell(p));
            axis.name == "program"
                || axis.name == "format"
                || trials.iter().any(|(p, _)| axis.cell(p) != first)
        })
        .filter(|axis| trials.iter().any(|(p, _)| axis.cell(p).is_some()))
        .collect();
    let has_loss = trials.iter().flat_map(|(_, t)| t).any(|t| t.loss.is_some());
    let mut heads: Vec<&str> = differing.iter().map(|a| a.head).collect();
    let left = heads.len();
    heads.push("accuracy");
    if has_loss {
        heads.push("loss");
    }
    heads.extend(["thread-instr.", "variable", "seconds"]);
    let width = heads.len();
    let mut rows: Vec<(Vec<String>, String)> =
        vec![(heads.iter().map(|h| h.to_string()).collect(), String::new())];
    for (point, trial) in trials {
        let mut cells: Vec<String> = differing
            .iter()
            .map(|a| a.cell(point).unwrap_or_default())
            .collect();
        let number = |n: Option<i64>| n.map_or(String::new(), |n| si(n as f64));
        let mut note = String::new();
        match trial {
            None => note = "not run".into(),
            Some(t) => {
                cells.push(t.accuracy.map_or(String::new(), |a| format!("{a:.2} %")));
                if has_loss {
                    cells.push(t.loss.map_or(String::new(), |x| format!("{x:.4}")));
                }
                cells.extend([
                    number(t.instructions),
                    number(t.variable_instructions),
                    format!("{:.2}", t.seconds),
                ]);
                if !t.is_done() {
                    let message = t.message.as_deref().unwrap_or_default();
                    note = format!("failed: {}", message.lines().next().unwrap_or_default());
                }
            }
        }
        cells.resize(width, String::new());
        rows.push((cells, note));
    }
    let widths: Vec<usize> = (0..width)
        .map(|i| {
            rows.iter()
                .map(|(cells, _)| cells[i].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |(cells, note): &(Vec<String>, String)| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(i, (cell, &w))| {
            if i < left {
                format!("{cell:<w$}")
            } else {
                format!("{cell:>w$}")
            }
        });
        let text = cells.collect::<Vec<_>>().join("  ");
        format!("{text}  {note}").trim_end().to_string()
    };
    rows.iter().map(line).collect()
}
