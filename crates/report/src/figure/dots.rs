//! Dots: a line for each name, and on it a dot for each value; series have colours and stand a little apart.

use super::draw::{
    CHARACTER, Drawn, LEGEND_LINE, Records, WIDTH, dot, head, line, longest, number, range, step, ticks,
    words,
};
use maud::html;

/// A line for each name, with dots on it.
pub struct Dots {
    /// What x is.
    pub x: String,
    /// Names of the series, for the legend. One needs none.
    pub series: Vec<String>,
    /// Names of the lines, and their dots.
    pub rows: Vec<(String, Vec<Dot>)>,
    /// Something to compare with: x and a name.
    pub level: Option<(f64, String)>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// Its series, by number.
    pub series: usize,
    /// Its place.
    pub x: f64,
    /// What is said of it.
    pub label: String,
}

const ROW: f64 = 24.0;
const TOP: f64 = 20.0;
const RIGHT: f64 = 22.0;
/// Distance of two series on a line.
const APART: f64 = 5.0;

/// The class of the colour of a series.
fn colour(series: usize) -> String {
    format!("s{}", series % 8)
}

impl Dots {
    pub(super) fn draw(&self) -> Drawn {
        let left = (longest(self.rows.iter().map(|r| &r.0)) * CHARACTER + 22.0).min(WIDTH / 2.0);
        let right = WIDTH - RIGHT;
        let bottom = TOP + self.rows.len() as f64 * ROW;
        let dots = || self.rows.iter().flat_map(|r| &r.1);
        let level = self.level.iter().map(|l| l.0);
        let (x0, x1) = range(dots().map(|d| d.x).chain(level), 0.04);
        let px = |x: f64| left + (x - x0) / (x1 - x0) * (right - left);
        let many = self.series.len() > 1;
        let marks = ticks(x0, x1, 6.0, false);
        let middle = (left + right) / 2.0;
        let aside = |d: &Dot| match many {
            true => (d.series as f64 - (self.series.len() as f64 - 1.0) / 2.0) * APART,
            false => 0.0,
        };
        // Where each entry of the legend begins.
        let begins = self.series.iter().scan(left, |x, name| {
            let here = *x;
            *x += 32.0 + name.chars().count() as f64 * CHARACTER;
            Some(here)
        });
        let content = html! {
            @for t in &marks {
                (line("grid", [px(*t); 2], [TOP - 4.0, bottom]))
                (words("tick", "middle", px(*t), bottom + 17.0, &number(*t, step(&marks))))
            }
            (words("name", "middle", middle, bottom + 36.0, &self.x))
            @if let Some((level, name)) = &self.level {
                (line("level", [px(*level); 2], [TOP - 4.0, bottom]))
                // The name goes to the side where there is room for it.
                @let (x, anchor) = if px(*level) > middle { (right, "end") } else { (left, "start") };
                (words("tick", anchor, x, 12.0, name))
            }
            @for (i, (name, row)) in self.rows.iter().enumerate() {
                @let y = TOP + (i as f64 + 0.5) * ROW;
                (line("grid", [left, right], [y; 2]))
                (words("tick", "end", left - 8.0, y + 4.0, name))
                @for d in row { (dot(&colour(d.series), px(d.x), y + aside(d), Some(&d.label), None)) }
            }
            @for ((i, name), x) in self.series.iter().enumerate().zip(begins).filter(|_| many) {
                @let y = bottom + 56.0;
                (dot(&colour(i), x + 5.0, y - 4.0, None, None))
                (words("tick", "start", x + 14.0, y, name))
            }
        };
        Drawn {
            width: WIDTH,
            height: bottom + 44.0 + if many { LEGEND_LINE + 4.0 } else { 0.0 },
            marks: content,
        }
    }

    pub(super) fn records(&self) -> Records {
        let mut records = vec![head(&["name", "series", &self.x])];
        for (name, row) in &self.rows {
            records.extend(
                row.iter()
                    .map(|dot| vec![name.clone(), self.series[dot.series].clone(), dot.x.to_string()]),
            );
        }
        records
    }
}
