//! Figures: plots, dots, bars, heat maps and histograms of exponents, as SVG and as CSV. Every page has them from here.
//!
//! Drawn here and not by a plotting library because one drawing must serve three places: in the page its colours follow the
//! reader's theme and its points lead to their trials, on paper it is black on white, as a file it stands alone. So
//! elements carry classes and `figure.css` says what they look like.

mod bars;
mod dots;
mod draw;
mod exponents;
mod heat;
mod plot;

pub use bars::Bars;
pub use dots::{Dot, Dots};
pub use exponents::Exponents;
pub use heat::{Cell, Heat};
pub use plot::{Line, Plot, Point, Series};

use draw::Drawn;
pub use draw::clean;
use maud::{PreEscaped, html};

/// Styles of figures; the page and every SVG file hold them.
pub const STYLE: &str = include_str!("figure.css");

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
    Dots(Dots),
    /// A bar for each name.
    Bars(Bars),
    /// A table of coloured cells.
    Heat(Heat),
    /// Histograms of exponents over the range of a format.
    Exponents(Exponents),
}

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
    fn drawn(&self) -> Drawn {
        match &self.drawing {
            Drawing::Plot(plot) => plot.draw(),
            Drawing::Dots(dots) => dots.draw(),
            Drawing::Bars(bars) => bars.draw(),
            Drawing::Heat(heat) => heat.draw(),
            Drawing::Exponents(exponents) => exponents.draw(),
        }
    }

    /// The drawing as an SVG element.
    pub fn svg(&self) -> PreEscaped<String> {
        let Drawn { width, height, marks } = self.drawn();
        html! {
            svg class="figure" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img"
                aria-label=(draw::clean(&self.title)) { (marks) }
        }
    }

    /// The drawing as a file of its own, in black on white and fixed colours: where it is shown may be dark, and not every
    /// program that reads SVG knows variables.
    pub fn svg_file(&self) -> String {
        let Drawn { width, height, marks } = self.drawn();
        let file = html! {
            svg class="figure" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img"
                aria-label=(draw::clean(&self.title)) xmlns="http://www.w3.org/2000/svg" {
                "\n" style { (PreEscaped(without_variables(STYLE))) }
                rect class="ground" width="100%" height="100%" {}
                (marks)
            }
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
            file.into_string()
        )
    }

    /// The data as CSV (RFC 4180). `command` gives the command of a row.
    ///
    /// # Errors
    /// None that is expected: it is written into memory.
    pub fn csv(&self, command: &dyn Fn(usize) -> String) -> tell::Result<String> {
        let command = |row: &Option<usize>| row.map(command).unwrap_or_default();
        let records = match &self.drawing {
            Drawing::Plot(plot) => plot.records(&command),
            Drawing::Dots(dots) => dots.records(),
            Drawing::Bars(bars) => bars.records(),
            Drawing::Heat(heat) => heat.records(&command),
            Drawing::Exponents(exponents) => exponents.records(),
        };
        tell::table::csv(&records)
    }
}
