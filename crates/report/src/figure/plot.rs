//! Points over two axes, with lines through those that belong together.

use super::draw::{
    CHARACTER, Command, Drawn, LEFT, LEGEND_LINE, RIGHT, Records, TOP, WIDTH, at, dot, head, line, number,
    range, step, ticks, words, y_grid,
};
use maud::{Markup, html};
use std::fmt::Write;

/// How many colours there are for series.
const COLOURS: usize = 8;

/// Height of the axes with their names, and the part of it below the x axis.
const HEIGHT: f64 = 330.0;
const BOTTOM: f64 = 46.0;

/// Points over two axes.
pub struct Plot {
    /// What x is.
    pub x: String,
    /// What y is.
    pub y: String,
    /// Points that belong together.
    pub series: Vec<Series>,
    /// Horizontal lines to compare with: y and a name.
    pub levels: Vec<(f64, String)>,
}

/// Points that belong together.
pub struct Series {
    /// Its name in the legend. Neighbours of one name share a colour and an entry.
    pub name: String,
    /// What sets it apart from neighbours of its name; its lines are dashed then.
    pub variant: Option<String>,
    /// The points.
    pub points: Vec<Point>,
    /// Whether a line joins them.
    pub line: Line,
}

/// How the points of a series are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Not at all.
    None,
    /// Straight from one to the next.
    Straight,
    /// In steps: y holds until the next point's x.
    Steps,
}

/// A point of a plot.
#[derive(Clone)]
pub struct Point {
    /// Place on the x axis.
    pub x: f64,
    /// Place on the y axis.
    pub y: f64,
    /// What is said of it.
    pub label: String,
    /// Its row in the table of trials.
    pub row: Option<usize>,
}

/// An entry of the legend: x, class (`None`: a dashed line) and text.
type Entry = (f64, Option<String>, String);

impl Plot {
    pub(super) fn draw(&self) -> Drawn {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let (x0, x1) = range(points().map(|p| p.x), 0.05);
        let levels = self.levels.iter().map(|l| l.0);
        let (y0, y1) = range(points().map(|p| p.y).chain(levels), 0.06);
        let legend = self.legend();
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let px = |x: f64| LEFT + (x - x0) / (x1 - x0) * (right - LEFT);
        let py = |y: f64| bottom - (y - y0) / (y1 - y0) * (bottom - TOP);
        let x_ticks = ticks(x0, x1, 10.0, true);
        let centre = (TOP + bottom) / 2.0;
        let marks = html! {
            (y_grid(y0, y1, 6.0, right, &py))
            @for t in &x_ticks {
                (words("tick", "middle", px(*t), bottom + 17.0, &number(*t, step(&x_ticks))))
            }
            (line("axis", [LEFT, right], [bottom; 2]))
            (words("name", "middle", (LEFT + right) / 2.0, bottom + 37.0, &self.x))
            g transform={ "translate(14 " (centre) ") rotate(-90)" } { (words("name", "middle", 0.0, 0.0, &self.y)) }
            @for (level, name) in &self.levels {
                (line("level", [LEFT, right], [py(*level); 2]))
                (words("tick", "end", right, py(*level) - 4.0, name))
            }
            @for (series, colour) in self.series.iter().zip(&self.colours()) { (series.draw(colour, &px, &py)) }
            @for (row, entries) in legend.iter().enumerate() {
                @let y = HEIGHT + row as f64 * LEGEND_LINE + 14.0;
                @for (x, class, name) in entries {
                    @match class {
                        Some(class) => (dot(class, *x, y - 4.0, None, None)),
                        None => (line("level", [x - 10.0, x + 5.0], [y - 4.0; 2])),
                    }
                    (words("tick", "start", x + 9.0, y, name))
                }
            }
        };
        Drawn {
            width: WIDTH,
            height: HEIGHT + legend.len() as f64 * LEGEND_LINE + 4.0,
            marks,
        }
    }

    /// The class of each series: few names get colours that differ, many get steps of one colour, from first to last.
    fn colours(&self) -> Vec<String> {
        let mut names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
        names.dedup();
        let place = |s: &Series| names.iter().position(|n| *n == s.name).unwrap_or(0);
        let class = |s: &Series| match names.len() {
            n if n <= COLOURS => format!("s{}", place(s)),
            n => format!("r{}", place(s) * (COLOURS - 1) / (n - 1)),
        };
        self.series.iter().map(class).collect()
    }

    /// Lines of the legend. One series needs none.
    fn legend(&self) -> Vec<Vec<Entry>> {
        let mut entries: Vec<(Option<String>, String)> = Vec::new();
        for (series, colour) in self.series.iter().zip(self.colours()) {
            if entries.last().is_none_or(|e| e.1 != series.name) {
                entries.push((Some(colour), series.name.clone()));
            }
        }
        let mut variants: Vec<&str> = self.series.iter().filter_map(|s| s.variant.as_deref()).collect();
        variants.sort_unstable();
        variants.dedup();
        entries.extend((!variants.is_empty()).then(|| (None, variants.join(" or "))));
        let mut lines: Vec<Vec<Entry>> = Vec::new();
        let mut at = f64::INFINITY;
        let needed = self.series.len() > 1;
        for (class, name) in entries.into_iter().filter(|_| needed) {
            let wide = 30.0 + name.chars().count() as f64 * CHARACTER;
            if at + wide > WIDTH {
                lines.push(Vec::new());
                at = LEFT + 5.0;
            }
            if let Some(line) = lines.last_mut() {
                line.push((at, class, name));
            }
            at += wide;
        }
        lines
    }

    pub(super) fn records(&self, command: Command<'_>) -> Records {
        let mut records = vec![head(&["series", "variant", &self.x, &self.y, "label", "command"])];
        for series in &self.series {
            let variant = series.variant.clone().unwrap_or_default();
            records.extend(series.points.iter().map(|p| {
                let (x, y) = (p.x.to_string(), p.y.to_string());
                vec![
                    series.name.clone(),
                    variant.clone(),
                    x,
                    y,
                    p.label.clone(),
                    command(&p.row),
                ]
            }));
        }
        records
    }
}

impl Series {
    /// The series in the colour of a class.
    fn draw(&self, class: &str, px: &dyn Fn(f64) -> f64, py: &dyn Fn(f64) -> f64) -> Markup {
        let mut path = String::new();
        for (n, p) in self.points.iter().enumerate() {
            let (x, y) = (at(px(p.x)), at(py(p.y)));
            // Writing to a string cannot fail.
            let _ = match (n, self.line) {
                (0, _) => write!(path, "M{x} {y}"),
                (_, Line::Steps) => write!(path, "H{x}V{y}"),
                _ => write!(path, "L{x} {y}"),
            };
        }
        let dashed = if self.variant.is_some() { " dashed" } else { "" };
        html! {
            @if self.line != Line::None { path class={ "line " (class) (dashed) } d=(path) {} }
            @for p in &self.points { (dot(class, px(p.x), py(p.y), Some(&p.label), p.row)) }
        }
    }
}
