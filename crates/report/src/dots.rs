//! Dots: a line for each name, and on it a dot for each value; series have colours and stand a little apart.

use super::figure::{CHARACTER, LEGEND_LINE, WIDTH, escaped, number, open, put, range, ticks};
use std::fmt::Write;

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

impl Dots {
    pub(super) fn svg(&self, title: &str) -> String {
        let longest = self.rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0);
        let left = (longest as f64 * CHARACTER + 22.0).min(WIDTH / 2.0);
        let right = WIDTH - RIGHT;
        let bottom = TOP + self.rows.len() as f64 * ROW;
        let dots = || self.rows.iter().flat_map(|r| &r.1);
        let level = self.level.iter().map(|l| l.0);
        let (x0, x1) = range(dots().map(|d| d.x).chain(level), 0.04);
        let px = |x: f64| left + (x - x0) / (x1 - x0) * (right - left);
        let many = self.series.len() > 1;
        let legend = if many { LEGEND_LINE + 4.0 } else { 0.0 };

        let mut out = open(WIDTH, bottom + 44.0 + legend, title);
        let marks = ticks(x0, x1, 6.0, false);
        let step = if marks.len() > 1 { marks[1] - marks[0] } else { 1.0 };
        for t in &marks {
            let (x, text) = (px(*t), number(*t, step));
            let (from, to, below) = (TOP - 4.0, bottom, bottom + 17.0);
            put!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from}\" y2=\"{to}\"/>"
            );
            put!(
                out,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{text}</text>"
            );
        }
        put!(
            out,
            "<text class=\"name\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            (left + right) / 2.0,
            bottom + 36.0,
            escaped(&self.x)
        );
        if let Some((level, name)) = &self.level {
            let (x, name) = (px(*level), escaped(name));
            put!(
                out,
                "<line class=\"level\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\"/>",
                TOP - 4.0
            );
            // The name goes to the side where there is room for it.
            let (x, anchor) = if x > (left + right) / 2.0 {
                (right, "end")
            } else {
                (left, "start")
            };
            put!(
                out,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"12\" text-anchor=\"{anchor}\">{name}</text>"
            );
        }
        for (i, (name, row)) in self.rows.iter().enumerate() {
            let y = TOP + (i as f64 + 0.5) * ROW;
            put!(
                out,
                "<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right}\" y1=\"{y}\" y2=\"{y}\"/>"
            );
            put!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                y + 4.0,
                escaped(name)
            );
            for dot in row {
                let aside = (dot.series as f64 - (self.series.len() as f64 - 1.0) / 2.0) * APART;
                put!(
                    out,
                    "<circle class=\"dot s{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\"><title>{}</title></circle>",
                    dot.series % 8,
                    px(dot.x),
                    y + if many { aside } else { 0.0 },
                    escaped(&dot.label)
                );
            }
        }
        let (mut x, y) = (left, bottom + 44.0 + 12.0);
        for (i, name) in self.series.iter().enumerate().filter(|_| many) {
            let (from, class, text) = (x + 5.0, i % 8, escaped(name));
            put!(
                out,
                "<circle class=\"dot s{class}\" cx=\"{from:.1}\" cy=\"{}\" r=\"4.5\"/>",
                y - 4.0
            );
            put!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{y}\">{text}</text>",
                x + 14.0
            );
            x += 32.0 + name.chars().count() as f64 * CHARACTER;
        }
        out + "</svg>"
    }
}
