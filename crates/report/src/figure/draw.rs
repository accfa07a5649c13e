//! What the drawings share: numbers in attributes, words, axes, and sizes.

use maud::{Markup, html};

/// What was drawn, and the room that it needs, in SVG units (about a pixel).
pub(super) struct Drawn {
    pub width: f64,
    pub height: f64,
    pub marks: Markup,
}

/// The data of a drawing, a list of fields for each line; the first are names.
pub(super) type Records = Vec<Vec<String>>;

/// Gives the command of a row of trials, if it has one.
pub(super) type Command<'a> = &'a dyn Fn(&Option<usize>) -> String;

/// The names at the head of a table.
pub(super) fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_string()).collect()
}

/// Width of a figure.
pub(super) const WIDTH: f64 = 560.0;
/// Height of a line of the legend.
pub(super) const LEGEND_LINE: f64 = 18.0;
/// Width of a character at the size of figures' text; text is measured by it where it must fit.
pub(super) const CHARACTER: f64 = 6.7;
/// Radius of a dot.
const RADIUS: f64 = 4.5;
/// Room of a plot: for the numbers of the y axis, at the right, and above.
pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = 16.0;
pub(super) const TOP: f64 = 14.0;

/// A coordinate, to a tenth of a unit.
pub(super) fn at(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// Text without control characters, which XML does not allow.
pub fn clean(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', " ")
}

/// Words; `anchor` is their start, middle or end.
pub(super) fn words(class: &str, anchor: &str, x: f64, y: f64, text: &str) -> Markup {
    html! { text class=(class) x=(at(x)) y=(at(y)) text-anchor=(anchor) { (clean(text)) } }
}

/// A line from left to right, or down.
pub(super) fn line(class: &str, x: [f64; 2], y: [f64; 2]) -> Markup {
    html! { line class=(class) x1=(at(x[0])) x2=(at(x[1])) y1=(at(y[0])) y2=(at(y[1])) {} }
}

/// A dot in the colour of a class. What is said of it, and the row of trials that it stands for, if any.
pub(super) fn dot(class: &str, x: f64, y: f64, about: Option<&str>, row: Option<usize>) -> Markup {
    html! {
        circle class={ "dot " (class) } cx=(at(x)) cy=(at(y)) r=(RADIUS) data-row=[row] tabindex=[row.map(|_| 0)] {
            @if let Some(about) = about { title { (clean(about)) } }
        }
    }
}

/// Lines across a plot at round numbers, with the numbers at the left. `py` gives the place of a number.
pub(super) fn y_grid(low: f64, high: f64, wanted: f64, right: f64, py: &dyn Fn(f64) -> f64) -> Markup {
    let ticks = ticks(low, high, wanted, false);
    html! {
        @for t in &ticks {
            (line("grid", [LEFT, right], [py(*t); 2]))
            (words("tick", "end", LEFT - 7.0, py(*t) + 4.0, &number(*t, step(&ticks))))
        }
    }
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

/// How far neighbours of these ticks are apart.
pub(super) fn step(ticks: &[f64]) -> f64 {
    if ticks.len() > 1 { ticks[1] - ticks[0] } else { 1.0 }
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

/// The length of the longest name, characters.
pub(super) fn longest<'n>(names: impl Iterator<Item = &'n String>) -> f64 {
    names.map(|n| n.chars().count()).max().unwrap_or(0) as f64
}
