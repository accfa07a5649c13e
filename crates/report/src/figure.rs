//! Figures: plots, bars and heat maps as SVG and as CSV.
//!
//! Drawn here and not by a plotting library because one drawing must serve three places: in the page its colours follow the
//! reader's theme and its points lead to their trials, on paper it is black on white, as a file it stands alone. So
//! elements carry classes and `figure.css` says what they look like.

use std::fmt::Write;

/// Styles of figures; the page and every SVG file hold them.
pub const STYLE: &str = include_str!("figure.css");

/// How many colours there are for series, and how many steps for heat.
const COLOURS: usize = 8;
const HEAT_STEPS: usize = 7;

/// A figure with its words.
pub struct Figure {
    /// Stem of its files' names.
    pub name: String,
    /// A short title.
    pub title: String,
    /// What is shown, in a sentence or two.
    pub caption: String,
    /// The drawing.
    pub drawing: Drawing,
}

/// What is drawn.
pub enum Drawing {
    /// Points over two axes.
    Plot(Plot),
    /// A line for each name, with dots on it.
    Dots(super::Dots),
    /// A bar for each name.
    Bars(Bars),
    /// A table of coloured cells.
    Heat(Heat),
}

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

/// A bar for each name.
pub struct Bars {
    /// What the lengths are.
    pub unit: String,
    /// Name, length and what is written behind the bar.
    pub bars: Vec<(String, f64, String)>,
    /// Whether bars stand (a histogram) or lie.
    pub standing: bool,
}

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

/// Text that may stand in HTML, SVG and their attributes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Appends formatted text; writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        let _ = write!($out, $($arg)*);
    }};
}
pub(super) use put;

/// A style in which every `var(--name, value)` is its value.
fn without_variables(style: &str) -> String {
    let mut parts = style.split("var(");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (variable, rest) = part.split_once(')').unwrap_or((part, ""));
        out += variable.split_once(',').map_or("", |(_, value)| value.trim());
        out += rest;
    }
    out
}

impl Figure {
    /// The drawing as an SVG element.
    pub fn svg(&self) -> String {
        match &self.drawing {
            Drawing::Plot(plot) => plot.svg(&self.title),
            Drawing::Dots(dots) => dots.svg(&self.title),
            Drawing::Bars(bars) if bars.standing => bars.histogram(&self.title),
            Drawing::Bars(bars) => bars.svg(&self.title),
            Drawing::Heat(heat) => heat.svg(&self.title),
        }
    }

    /// The drawing as a file of its own, in black on white and fixed colours: where it is shown may be dark, and not every
    /// program that reads SVG knows variables.
    pub fn svg_file(&self) -> String {
        let svg = self.svg();
        let (head, rest) = svg.split_once('>').unwrap_or((&svg, ""));
        let style = without_variables(STYLE);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{head} xmlns=\"http://www.w3.org/2000/svg\">\n<style>{style}</style><rect class=\"ground\" width=\"100%\" height=\"100%\"/>{rest}\n"
        )
    }

    /// The data as CSV (RFC 4180). `command` gives the command of a row.
    pub fn csv(&self, command: &dyn Fn(usize) -> String) -> String {
        let quoted = |s: &str| match s.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", s.replace('"', "\"\"")),
            false => s.to_string(),
        };
        let of = |row: &Option<usize>| quoted(&row.map(command).unwrap_or_default());
        let mut out = String::new();
        match &self.drawing {
            Drawing::Plot(plot) => {
                put!(
                    out,
                    "series,variant,{},{},label,command\r\n",
                    quoted(&plot.x),
                    quoted(&plot.y)
                );
                for series in &plot.series {
                    for p in &series.points {
                        let (name, label) = (quoted(&series.name), quoted(&p.label));
                        let variant = quoted(series.variant.as_deref().unwrap_or_default());
                        put!(out, "{name},{variant},{},{},{label},{}\r\n", p.x, p.y, of(&p.row));
                    }
                }
            }
            Drawing::Dots(dots) => {
                put!(out, "name,series,{}\r\n", quoted(&dots.x));
                for (name, row) in &dots.rows {
                    for dot in row {
                        let (name, series) = (quoted(name), quoted(&dots.series[dot.series]));
                        put!(out, "{name},{series},{}\r\n", dot.x);
                    }
                }
            }
            Drawing::Bars(bars) => {
                put!(out, "name,{}\r\n", quoted(&bars.unit));
                for (name, value, _) in &bars.bars {
                    put!(out, "{},{value}\r\n", quoted(name));
                }
            }
            Drawing::Heat(heat) => {
                out += "row,column,value,label,command\r\n";
                for (row, cells) in heat.rows.iter().zip(&heat.cells) {
                    for (column, cell) in heat.columns.iter().zip(cells) {
                        if let Some((value, text, trial)) = cell {
                            let (row, column, text) = (quoted(row), quoted(column), quoted(text));
                            put!(out, "{row},{column},{value},{text},{}\r\n", of(trial));
                        }
                    }
                }
            }
        }
        out
    }
}

pub(super) fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg class=\"figure\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{}\">",
        escaped(title)
    )
}

/// Round numbers that divide a range into about `wanted` parts: 1, 2 or 5 times a power of ten apart.
pub(super) fn ticks(low: f64, high: f64, wanted: f64, whole: bool) -> Vec<f64> {
    let raw = ((high - low) / wanted).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * power)
        .into_iter()
        .find(|s| *s >= raw * 0.999)
        .unwrap_or(10.0 * power);
    let step = if whole { step.max(1.0).round() } else { step };
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).take(100).map(|i| i as f64 * step).collect()
}

/// A number with as many decimals as its neighbours at distance `step` need.
pub(super) fn number(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}

/// The smallest and greatest of some numbers, apart from each other.
pub(super) fn range(values: impl Iterator<Item = f64> + Clone, margin: f64) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let pad = if high > low { (high - low) * margin } else { 1.0 };
    (low - pad, high + pad)
}

// Sizes of a plot, in SVG units (about a pixel).
pub(super) const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;
pub(super) const LEGEND_LINE: f64 = 18.0;
/// Width of a character at the size of figures' text; text is measured by it where it must fit.
pub(super) const CHARACTER: f64 = 6.7;
/// The same of bold text.
const BOLD: f64 = 7.6;

impl Plot {
    fn svg(&self, title: &str) -> String {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let (x0, x1) = range(points().map(|p| p.x), 0.05);
        let levels = self.levels.iter().map(|l| l.0);
        let (y0, y1) = range(points().map(|p| p.y).chain(levels), 0.06);
        let legend = self.legend();
        let height = HEIGHT + legend.len() as f64 * LEGEND_LINE + 4.0;
        let right = WIDTH - RIGHT;
        let bottom = HEIGHT - BOTTOM;
        let px = |x: f64| LEFT + (x - x0) / (x1 - x0) * (right - LEFT);
        let py = |y: f64| bottom - (y - y0) / (y1 - y0) * (bottom - TOP);

        let mut out = open(WIDTH, height, title);
        let y_ticks = ticks(y0, y1, 6.0, false);
        let step = |t: &[f64]| if t.len() > 1 { t[1] - t[0] } else { 1.0 };
        for t in &y_ticks {
            let y = py(*t);
            put!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            );
            let text = number(*t, step(&y_ticks));
            put!(
                out,
                "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 7.0,
                y + 4.0
            );
        }
        let x_ticks = ticks(x0, x1, 10.0, true);
        for t in &x_ticks {
            let text = number(*t, step(&x_ticks));
            put!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
                px(*t),
                bottom + 17.0
            );
        }
        put!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>"
        );
        let (middle, below) = ((LEFT + right) / 2.0, bottom + 37.0);
        put!(
            out,
            "<text class=\"name\" x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
            escaped(&self.x)
        );
        let centre = (TOP + bottom) / 2.0;
        put!(
            out,
            "<text class=\"name\" transform=\"translate(14 {centre}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(&self.y)
        );
        for (level, name) in &self.levels {
            let y = py(*level);
            put!(
                out,
                "<line class=\"level\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            );
            let text = escaped(name);
            put!(
                out,
                "<text class=\"tick\" x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                y - 4.0
            );
        }
        let colours = self.colours();
        for (series, colour) in self.series.iter().zip(&colours) {
            draw(&mut out, colour, series, &px, &py);
        }
        for (line, entries) in legend.iter().enumerate() {
            let y = HEIGHT + line as f64 * LEGEND_LINE + 14.0;
            for (x, class, name) in entries {
                match class {
                    Some(class) => {
                        put!(
                            out,
                            "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4.5\"/>",
                            y - 4.0
                        );
                    }
                    None => {
                        let (from, to, y) = (x - 10.0, x + 5.0, y - 4.0);
                        put!(
                            out,
                            "<line class=\"level\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y}\" y2=\"{y}\"/>"
                        );
                    }
                }
                let text = escaped(name);
                put!(
                    out,
                    "<text class=\"tick\" x=\"{:.1}\" y=\"{y}\">{text}</text>",
                    x + 9.0
                );
            }
        }
        out + "</svg>"
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

    /// Lines of the legend: x, class (`None`: a dashed line) and text of each entry. One series needs none.
    fn legend(&self) -> Vec<Vec<(f64, Option<String>, String)>> {
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
        let mut lines: Vec<Vec<(f64, Option<String>, String)>> = Vec::new();
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
}

/// Draws one series in the colour of a class.
fn draw(out: &mut String, class: &str, series: &Series, px: &dyn Fn(f64) -> f64, py: &dyn Fn(f64) -> f64) {
    let mut path = String::new();
    for (n, p) in series.points.iter().enumerate() {
        let (x, y) = (px(p.x), py(p.y));
        match (n, series.line) {
            (0, _) => put!(path, "M{x:.1} {y:.1}"),
            (_, Line::Steps) => put!(path, "H{x:.1}V{y:.1}"),
            _ => put!(path, "L{x:.1} {y:.1}"),
        }
    }
    if series.line != Line::None {
        let dashed = if series.variant.is_some() { " dashed" } else { "" };
        put!(out, "<path class=\"line {class}{dashed}\" d=\"{path}\"/>");
    }
    for p in &series.points {
        let (x, y) = (px(p.x), py(p.y));
        let row = p
            .row
            .map_or(String::new(), |r| format!(" data-row=\"{r}\" tabindex=\"0\""));
        let text = escaped(&p.label);
        put!(
            out,
            "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"{row}><title>{text}</title></circle>"
        );
    }
}

impl Bars {
    fn svg(&self, title: &str) -> String {
        let longest = self.bars.iter().map(|b| b.0.chars().count()).max().unwrap_or(0);
        let left = (longest as f64 * CHARACTER + 12.0).min(WIDTH / 2.0);
        let room = WIDTH - left - 110.0;
        let most = self.bars.iter().map(|b| b.1).fold(f64::MIN_POSITIVE, f64::max);
        let mut out = open(WIDTH, self.bars.len() as f64 * 22.0 + 8.0, title);
        for (i, (name, value, text)) in self.bars.iter().enumerate() {
            let y = i as f64 * 22.0 + 4.0;
            let wide = (value / most * room).max(1.0);
            let base = y + 14.0;
            put!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{base}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                escaped(name)
            );
            put!(
                out,
                "<rect class=\"bar\" x=\"{left:.1}\" y=\"{}\" width=\"{wide:.1}\" height=\"14\" rx=\"2\"/>",
                y + 2.0
            );
            put!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{base}\">{}</text>",
                left + wide + 7.0,
                escaped(text)
            );
        }
        out + "</svg>"
    }

    fn histogram(&self, title: &str) -> String {
        let (height, bottom) = (230.0, 190.0);
        let most = self.bars.iter().map(|b| b.1).fold(f64::MIN_POSITIVE, f64::max);
        let pitch = (WIDTH - LEFT - RIGHT) / self.bars.len().max(1) as f64;
        let each = (self.bars.iter().map(|b| b.0.len()).max().unwrap_or(1) as f64 * CHARACTER + 6.0) / pitch;
        let each = each.ceil().max(1.0) as usize;
        let mut out = open(WIDTH, height, title);
        let marks = ticks(0.0, most, 4.0, false);
        let step = if marks.len() > 1 { marks[1] } else { 1.0 };
        for t in &marks {
            let y = bottom - t / most * (bottom - TOP);
            let right = WIDTH - RIGHT;
            put!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            );
            let text = number(*t, step);
            put!(
                out,
                "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 7.0,
                y + 4.0
            );
        }
        for (i, (name, value, text)) in self.bars.iter().enumerate() {
            let x = LEFT + i as f64 * pitch;
            let tall = (value / most * (bottom - TOP)).max(if *value > 0.0 { 0.8 } else { 0.0 });
            let (y, wide) = (bottom - tall, (pitch - 2.0).max(1.0));
            put!(
                out,
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\">",
                x + 1.0
            );
            put!(out, "<title>{}</title></rect>", escaped(text));
            if i % each == 0 {
                let (x, y) = (x + pitch / 2.0, bottom + 17.0);
                put!(
                    out,
                    "<text class=\"tick\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                    escaped(name)
                );
            }
        }
        let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, bottom + 36.0);
        put!(
            out,
            "<text class=\"name\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
            escaped(&self.unit)
        );
        out + "</svg>"
    }
}

impl Heat {
    fn svg(&self, title: &str) -> String {
        let longest = self
            .rows
            .iter()
            .chain([&self.corner])
            .map(|r| r.chars().count())
            .max()
            .unwrap_or(0);
        let left = longest as f64 * BOLD + 14.0;
        let widest = self
            .columns
            .iter()
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
            .max(5);
        let cell = (widest as f64 * CHARACTER + 12.0, 26.0);
        let width = (left + self.columns.len() as f64 * cell.0 + 4.0).max(200.0);
        let mut out = open(width, self.rows.len() as f64 * cell.1 + 30.0, title);
        put!(
            out,
            "<text class=\"name\" x=\"{:.1}\" y=\"18\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            escaped(&self.corner)
        );
        for (i, name) in self.columns.iter().enumerate() {
            let x = left + (i as f64 + 0.5) * cell.0;
            put!(
                out,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\">{}</text>",
                escaped(name)
            );
        }
        let values = self.cells.iter().flatten().flatten().map(|c| c.0);
        let (low, high) = range(values, 0.0);
        for (i, (name, cells)) in self.rows.iter().zip(&self.cells).enumerate() {
            let y = 26.0 + i as f64 * cell.1;
            let base = y + 17.0;
            put!(
                out,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{base}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                escaped(name)
            );
            for (j, value) in cells.iter().enumerate() {
                let Some((value, text, row)) = value else { continue };
                let x = left + j as f64 * cell.0;
                let heat = ((value - low) / (high - low) * (HEAT_STEPS as f64 - 0.01)) as usize;
                let row = row.map_or(String::new(), |r| format!(" data-row=\"{r}\" tabindex=\"0\""));
                let (wide, tall, heat) = (cell.0 - 2.0, cell.1 - 2.0, heat.min(HEAT_STEPS - 1));
                let about = escaped(&format!("{name}, {}: {text}", self.columns[j]));
                put!(out, "<g class=\"cell h{heat}\"{row}><title>{about}</title>");
                put!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{wide:.1}\" height=\"{tall}\" rx=\"3\"/>"
                );
                let (x, text) = (x + wide / 2.0, escaped(text));
                put!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{base}\" text-anchor=\"middle\">{text}</text></g>"
                );
            }
        }
        out + "</svg>"
    }
}
