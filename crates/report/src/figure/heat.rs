//! A table of coloured cells.

use super::draw::{CHARACTER, Command, Drawn, Records, at, clean, head, longest, range, words};
use maud::html;

/// How many steps of colour there are.
const STEPS: usize = 7;

/// Width of a bold character.
const BOLD: f64 = 7.6;

/// Height of a row, and of the heads of columns.
const ROW: f64 = 26.0;

/// A table of coloured cells.
pub struct Heat {
    /// What rows and columns are.
    pub corner: String,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Row by row.
    pub cells: Vec<Vec<Option<Cell>>>,
}

/// A cell of a heat map: value, text and its row in the table of trials.
pub type Cell = (f64, String, Option<usize>);

impl Heat {
    /// The cells that are there: row, column, cell.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, &Cell)> {
        let rows = self.cells.iter().enumerate();
        rows.flat_map(|(i, row)| {
            let there = row.iter().enumerate();
            there.filter_map(move |(j, cell)| Some((i, j, cell.as_ref()?)))
        })
    }

    pub(super) fn draw(&self) -> Drawn {
        let left = longest(self.rows.iter().chain([&self.corner])) * BOLD + 14.0;
        let wide = longest(self.columns.iter()).max(5.0) * CHARACTER + 12.0;
        let (low, high) = range(self.cells.iter().flatten().flatten().map(|c| c.0), 0.0);
        let step = |value: f64| ((value - low) / (high - low) * (STEPS as f64 - 0.01)) as usize;
        let marks = html! {
            (words("name", "end", left - 8.0, 18.0, &self.corner))
            @for (i, name) in self.columns.iter().enumerate() {
                (words("tick", "middle", left + (i as f64 + 0.5) * wide, 18.0, name))
            }
            @for (i, name) in self.rows.iter().enumerate() {
                (words("tick", "end", left - 8.0, ROW + i as f64 * ROW + 17.0, name))
            }
            @for (i, j, (value, text, row)) in self.cells() {
                @let (x, y) = (left + j as f64 * wide, ROW + i as f64 * ROW);
                g class={ "cell h" (step(*value).min(STEPS - 1)) } data-row=[row] tabindex=[row.map(|_| 0)] {
                    title { (clean(&self.rows[i])) ", " (clean(&self.columns[j])) ": " (clean(text)) }
                    rect x=(at(x)) y=(y) width=(at(wide - 2.0)) height=(ROW - 2.0) rx="3" {}
                    (words("", "middle", x + (wide - 2.0) / 2.0, y + 17.0, text))
                }
            }
        };
        Drawn {
            width: at((left + self.columns.len() as f64 * wide + 4.0).max(200.0)),
            height: self.rows.len() as f64 * ROW + 30.0,
            marks,
        }
    }

    pub(super) fn records(&self, command: Command<'_>) -> Records {
        let cells = self.cells().map(|(i, j, (value, text, row))| {
            let (name, column) = (self.rows[i].clone(), self.columns[j].clone());
            vec![name, column, value.to_string(), text.clone(), command(row)]
        });
        let head = head(&["row", "column", "value", "label", "command"]);
        [head].into_iter().chain(cells).collect()
    }
}
