//! Finds the layers of a program that nobody has described: from the log of its launches to a table for people and
//! a map by which policies speak of `layer1`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod find;
pub mod log;
pub mod period;

use std::collections::BTreeSet;

use serde::Serialize;

use find::Layer;
use log::Log;
use policy::Phase;
use policy::layers::{Cycle, Entry, LayerMap, VERSION};
use record::launches::Launch;
use tell::Error;

/// What was found in a log.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Layers {
    /// Launches that were seen.
    pub launches: usize,
    /// What repeats.
    pub cycles: Vec<Repeated>,
}

/// A sequence of launches that repeats.
#[derive(Clone, Debug, Serialize)]
pub struct Repeated {
    /// Launches before it.
    pub start: usize,
    /// How often it was seen whole.
    pub repeats: usize,
    /// Its launches.
    pub rows: Vec<Row>,
}

/// A launch of a cycle.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The layer, if it has one.
    pub layer: Option<String>,
    /// Forward, backward, update.
    pub phase: Option<Phase>,
    /// Mangled name.
    pub kernel: String,
    /// Blocks.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub block: [u32; 3],
    /// Its arguments, in order.
    pub arguments: Vec<ArgumentValue>,
    /// What it executed.
    pub thread_instructions: u64,
    /// Its share of the time of the cycle, percent.
    pub percent: f64,
    /// Instructions that accumulate.
    pub accumulations: u64,
}

/// An argument of a launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ArgumentValue {
    /// An address.
    Buffer {
        /// Elements from there to the end of the allocation (bytes where elements differ in size).
        elements: u64,
        /// Size of the allocation, bytes.
        allocation: u64,
        /// The launch reads it.
        reads: bool,
        /// The launch writes it.
        writes: bool,
        /// It keeps its values from repetition to repetition.
        parameter: bool,
    },
    /// Anything else: its bits, and how many bytes it has.
    Value {
        /// Its bits.
        bits: u64,
        /// Its size.
        bytes: u32,
    },
}

impl std::fmt::Display for ArgumentValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            ArgumentValue::Buffer {
                elements,
                writes,
                parameter,
                ..
            } => {
                let role = if parameter { "w" } else { "" };
                let arrow = if writes { ">" } else { "" };
                write!(f, "{arrow}{role}[{elements}]")
            }
            ArgumentValue::Value { bits, bytes: 4 } => {
                let (int, float) = (bits as u32 as i32, f32::from_bits(bits as u32));
                // A small number is an integer; the bits of a float of usual size are a large one.
                if int.unsigned_abs() < 1 << 23 {
                    write!(f, "{int}")
                } else {
                    write!(f, "{float}")
                }
            }
            ArgumentValue::Value { bits, .. } => write!(f, "{}", bits as i64),
        }
    }
}

impl Row {
    fn new(
        log: &Log,
        l: &Launch,
        (layer, phase): (Option<Layer>, Option<Phase>),
        parameters: &BTreeSet<u64>,
        total: f64,
    ) -> Row {
        let kernel = log.kernels.get(&l.kernel);
        let arguments = l.words.iter().map(|w| {
            let Some(left) = w.left else {
                return ArgumentValue::Value {
                    bits: w.value,
                    bytes: w.bytes,
                };
            };
            let uses = kernel.and_then(|k| {
                k.arguments
                    .iter()
                    .find(|a| (a.index, a.offset) == (w.index, w.offset))
            });
            let element = uses.and_then(|a| a.element).unwrap_or(1).max(1);
            ArgumentValue::Buffer {
                elements: left / u64::from(element),
                allocation: w.allocation().unwrap_or(left),
                reads: uses.is_some_and(|a| a.loads || a.atomics),
                writes: uses.is_some_and(|a| a.stores || a.atomics),
                parameter: parameters.contains(&w.value),
            }
        });
        Row {
            layer: layer.map(|l| l.to_string()),
            phase,
            kernel: l.kernel.clone(),
            grid: l.grid,
            block: l.block,
            arguments: arguments.collect(),
            thread_instructions: l.thread_instructions,
            percent: if total > 0.0 {
                100.0 * l.seconds / total
            } else {
                0.0
            },
            accumulations: kernel.map_or(0, |k| k.accumulations),
        }
    }
}

impl Layers {
    /// What there is in a log.
    pub fn of(log: &Log) -> Layers {
        let cycles = find::find(log).into_iter().map(|(s, rows)| Repeated {
            start: s.start,
            repeats: s.repeats(),
            rows,
        });
        Layers {
            launches: log.launches.len(),
            cycles: cycles.collect(),
        }
    }

    /// All of it as JSON.
    pub fn json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.map_err(|e| Error::failed(format!("what was found cannot be written as JSON: {e}"), ""))?;
        Ok(text + "\n")
    }

    /// The map by which a running program is matched.
    pub fn map(&self) -> LayerMap {
        let entry = |row: &Row| Entry {
            kernel: row.kernel.clone(),
            buffers: row
                .arguments
                .iter()
                .filter_map(|a| match a {
                    ArgumentValue::Buffer { allocation, .. } => Some(*allocation),
                    ArgumentValue::Value { .. } => None,
                })
                .collect(),
            layer: row.layer.clone(),
            phase: row.phase,
        };
        let cycle = |c: &Repeated| Cycle {
            repeats: c.repeats as u64,
            entries: c.rows.iter().map(entry).collect(),
        };
        LayerMap {
            version: VERSION,
            cycles: self.cycles.iter().map(cycle).collect(),
        }
    }

    /// A table for people. `times` shows what differs from machine to machine.
    pub fn lines(&self, times: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for c in &self.cycles {
            let count = c.rows.len();
            lines.push(match c.repeats {
                0 | 1 => format!("{count} launches, no repetition seen"),
                n => format!("{count} launches, repeated {n} times, after {} others", c.start),
            });
            let header = [
                "layer",
                "phase",
                "kernel",
                "grid",
                "block",
                "arguments",
                "instructions",
                "sums",
                "time",
            ];
            let columns = if times { 9 } else { 8 };
            let mut table: Vec<Vec<String>> =
                vec![header[..columns].iter().map(|h| (*h).to_string()).collect()];
            for r in &c.rows {
                let dims = |d: [u32; 3]| match d {
                    [x, 1, 1] => x.to_string(),
                    [x, y, 1] => format!("{x}x{y}"),
                    [x, y, z] => format!("{x}x{y}x{z}"),
                };
                let arguments: Vec<String> = r.arguments.iter().map(ToString::to_string).collect();
                let mut row = vec![
                    r.layer.clone().unwrap_or_else(|| "-".into()),
                    r.phase.map_or("-", Phase::name).to_string(),
                    r.kernel.clone(),
                    dims(r.grid),
                    dims(r.block),
                    arguments.join(" "),
                    tell::number::grouped(r.thread_instructions),
                    r.accumulations.to_string(),
                ];
                row.extend(times.then(|| format!("{:.1} %", r.percent)));
                table.push(row);
            }
            let width = |n: usize| table.iter().map(|r| r[n].chars().count()).max().unwrap_or(0);
            let widths: Vec<usize> = (0..columns).map(width).collect();
            for row in &table {
                let cells = row
                    .iter()
                    .zip(&widths)
                    .enumerate()
                    .map(|(n, (cell, width))| match n {
                        6.. => format!("{cell:>width$}"),
                        _ => format!("{cell:<width$}"),
                    });
                let line = cells.collect::<Vec<_>>().join("  ");
                lines.push(format!("  {}", line.trim_end()));
            }
        }
        lines
    }
}
