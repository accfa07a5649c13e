//! Histograms of exponents (base 2), one below the other, over the range of a format: what lies in its normal and its
//! subnormal range and what beyond.

use super::draw::{Drawn, Records, at, clean, head, words};
use maud::html;
use record::Values;
use tell::number::{grouped, percent, share};

/// Histograms over the same exponents.
pub struct Exponents {
    /// Exponent of the smallest positive number of the format.
    pub smallest: i32,
    /// Exponent of the smallest normal number.
    pub normal: i32,
    /// Exponent of the greatest number.
    pub top: i32,
    /// Names and what was counted.
    pub rows: Vec<(String, Values)>,
}

/// Width of a histogram's bars.
const BARS: f64 = 720.0;
/// Height of one histogram.
const TALL: f64 = 56.0;
/// Room for names at the left and for zeros, infinities and NaNs at the right.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 150.0;
/// Room between histograms.
const GAP: f64 = 14.0;
/// How much of the format's range is shown beyond what occurred, exponents.
const NEAR: i32 = 12;

impl Exponents {
    pub(super) fn draw(&self) -> Drawn {
        let (normal, smallest, top) = (self.normal, self.smallest, self.top);
        let seen = || {
            self.rows
                .iter()
                .flat_map(|(_, v)| v.exponents.iter().map(|(k, _)| *k))
        };
        let low = seen().min().unwrap_or(0).min(0) - 2;
        let high = seen().max().unwrap_or(0).max(0) + 2;
        let low = low.min(smallest.max(low - NEAR) - 1);
        let high = high.max(top.min(high + NEAR) + 1);
        let step = BARS / f64::from(high - low + 1);
        let x = |e: i32| LEFT + f64::from((e - low).clamp(0, high - low + 1)) * step;
        let height = self.rows.len() as f64 * (TALL + GAP) + 22.0;
        let grounds = [
            ("beyond", LEFT, LEFT + BARS, "beyond the format"),
            ("subnormal", x(smallest), x(normal), "subnormal range"),
            ("normal", x(normal), x(top + 1), "normal range"),
        ];
        // Labels, as many as fit.
        let every = (0..7).map(|k| 1 << k).find(|n| f64::from(*n) * step >= 34.0);
        let every = every.unwrap_or(128);
        let space = if step > 4.0 { 0.5 } else { 0.0 };
        let marks = html! {
            @for (k, (name, values)) in self.rows.iter().enumerate() {
                @let bottom = (k + 1) as f64 * (TALL + GAP) - GAP + 4.0;
                @for (class, from, to, title) in grounds {
                    rect class=(class) x=(at(from)) y=(at(bottom - TALL)) width=(at((to - from).max(0.0))) height=(TALL) {
                        title { (title) }
                    }
                }
                @let most = values.exponents.iter().map(|(_, n)| *n).max().unwrap_or(1);
                @for (e, n) in &values.exponents {
                    // Heights are logarithmic; a single value still has a tenth.
                    @let tall = TALL * (0.1 + 0.9 * (*n as f64).ln() / (most as f64).ln().max(1e-9)).min(1.0);
                    @let class = if *e > top || *e < smallest { "outside" } else { "bar" };
                    rect class=(class) x=(at(x(*e) + space)) y=(at(bottom - tall))
                        width=(at((x(*e + 1) - x(*e) - 2.0 * space).max(0.0))) height=(at(tall)) {
                        title { "2^" (e) ": " (grouped(*n)) " (" (percent(share(*n, values.total()))) ")" }
                    }
                }
                (words("tick", "start", 0.0, bottom - TALL / 2.0 + 4.0, &clean(name)))
                @let special = [("zero", values.zero), ("inf", values.inf), ("NaN", values.nan)];
                @for (line, (word, n)) in special.iter().filter(|(_, n)| *n > 0).enumerate() {
                    @let text = format!("{word} {}", percent(share(*n, values.total())));
                    (words("tick", "start", LEFT + BARS + 8.0, bottom - TALL + 12.0 + 16.0 * line as f64, &text))
                }
            }
            @for e in (low..=high).filter(|e| e.rem_euclid(every) == 0) {
                (words("tick", "middle", x(e) + step / 2.0, height - 6.0, &e.to_string()))
            }
        };
        Drawn {
            width: LEFT + BARS + RIGHT,
            height,
            marks,
        }
    }

    pub(super) fn records(&self) -> Records {
        let mut records = vec![head(&["name", "exponent", "count"])];
        for (name, values) in &self.rows {
            let counts = values.exponents.iter().map(|(e, n)| (e.to_string(), *n));
            let special = [("zero", values.zero), ("inf", values.inf), ("nan", values.nan)];
            let special = special.into_iter().map(|(word, n)| (word.to_string(), n));
            let line = |(what, n): (String, u64)| vec![name.clone(), what, n.to_string()];
            records.extend(counts.chain(special).map(line));
        }
        records
    }
}
