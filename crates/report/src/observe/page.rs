//! The page with pictures: for each instruction, histograms of the exponents of its operands and results, over the
//! range of its format. One HTML file that needs nothing else; the pictures are SVG within it.

use super::{percent, share};
use record::observation::ALL_BITS;
use record::{Observation, Values};
use std::collections::BTreeMap;
use std::fmt::Write;
use tell::number::grouped;

/// Width of a histogram's bars, pixels.
const WIDTH: f64 = 720.0;
/// Height of one histogram, pixels.
const HEIGHT: f64 = 56.0;
/// Room for names at the left and for zeros, infinities and NaNs at the right, pixels.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 150.0;
/// Room between histograms, pixels.
const GAP: f64 = 14.0;

/// Facts beside each picture, in this order.
const FACTS: &[(&str, &str)] = &[
    ("overflow", "overflow"),
    ("product_overflow", "product overflow"),
    ("underflow", "underflow"),
    ("product_underflow", "product underflow"),
    ("subnormal", "subnormal"),
    ("nan_made", "NaN made"),
    ("nan_in", "NaN in"),
    ("pole", "pole"),
    ("swamped", "swamped"),
    ("inexact", "inexact"),
];

/// Text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The exponent of a positive number.
fn exponent(x: f64) -> i32 {
    x.log2().floor() as i32
}

/// The page.
pub fn html(title: &str, all: &[Observation]) -> String {
    let mut out = String::new();
    let title = escape(title);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>{INTRODUCTION}</p>\n"
    );
    let mut kernels: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for o in all {
        kernels.entry(&o.kernel).or_default().push(o);
    }
    for (kernel, mut lines) in kernels {
        lines.sort_by(|a, b| b.executions.cmp(&a.executions).then(a.line.cmp(&b.line)));
        let _ = writeln!(out, "<h2>{}</h2>", escape(kernel));
        for o in lines {
            instruction(&mut out, o);
        }
    }
    out.push_str("</body></html>\n");
    out
}

const INTRODUCTION: &str = "Histograms of exponents (base 2) of operands, as they are before the cut to the format, and \
    of results. Green: normal range of the instruction's format; yellow: its subnormal range. Heights are logarithmic, \
    each histogram to its own maximum; to the right what has no exponent. Counts are exact.";

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:1000px;color:#1b1f24}\
    h2{border-bottom:1px solid #d0d7de;margin-top:2em}\
    section{margin:1.2em 0 2em}code{background:#f4f6f8;padding:.1em .4em;border-radius:4px}\
    .facts{color:#424a53;margin:.3em 0}.facts b{color:#b3261e}.place{color:#656d76}svg{display:block}\
    svg text{font:11px system-ui,sans-serif;fill:#424a53}";

fn instruction(out: &mut String, o: &Observation) {
    let cuda = match o.cuda_file.as_str() {
        "" => String::new(),
        file => format!(", {}:{}", escape(file), o.cuda_line),
    };
    let _ = write!(
        out,
        "<section><div><code>{}</code> <span class=\"place\">{}:{}{cuda}</span></div>\n<div class=\"facts\">{} in {}, {} \
         executions",
        escape(&o.text),
        escape(&o.file),
        o.line,
        escape(&o.operation),
        escape(&o.format),
        grouped(o.executions)
    );
    for (fact, words) in FACTS.iter().filter(|(f, _)| o.get(f) > 0) {
        let text = format!("{words} {}", percent(share(o.get(fact), o.executions)));
        let grave = matches!(*fact, "overflow" | "product_overflow" | "nan_made" | "pole");
        let _ = if grave {
            write!(out, "; <b>{text}</b>")
        } else {
            write!(out, "; {text}")
        };
    }
    for (k, n) in o.cut.iter().enumerate().filter(|(_, n)| **n > 0) {
        let _ = write!(
            out,
            "; operand {} cut {}",
            k + 1,
            percent(share(*n, o.executions))
        );
    }
    if let Some(s) = &o.shadow {
        let _ = write!(
            out,
            "; <b>from binary64: mean {:.2e}, largest {:.2e}, {:.3} units in the last place</b>",
            s.mean_relative(),
            s.max_relative,
            s.max_ulps
        );
    }
    if o.cancelled(1) > 0 {
        let zero = o.cancelled(ALL_BITS);
        let _ = write!(
            out,
            "; bits cancelled: 1 to 3 {}, 4 to 7 {}, 8 and more {}, all {}",
            percent(share(o.cancelled(1) - o.cancelled(4), o.executions)),
            percent(share(o.cancelled(4) - o.cancelled(8), o.executions)),
            percent(share(o.cancelled(8) - zero, o.executions)),
            percent(share(zero, o.executions))
        );
    }
    out.push_str("</div>\n");
    picture(out, o);
    out.push_str("</section>\n");
}

/// The histograms of an instruction, one below the other, over the same exponents.
fn picture(out: &mut String, o: &Observation) {
    let names = (1..=o.operands.len()).map(|k| format!("operand {k}"));
    let rows: Vec<(String, &Values)> = names
        .zip(&o.operands)
        .chain([("result".into(), &o.result)])
        .collect();
    let (normal, smallest, top) = (exponent(o.min_normal), exponent(o.min), exponent(o.max));
    let seen = || rows.iter().flat_map(|(_, e)| e.exponents.iter().map(|(k, _)| *k));
    let low = seen().min().unwrap_or(0).min(0) - 2;
    let high = seen().max().unwrap_or(0).max(0) + 2;
    // As much of the format's range as lies near what occurred.
    let (low, high) = (
        low.min(smallest.max(low - 12) - 1),
        high.max(top.min(high + 12) + 1),
    );
    let bins = f64::from(high - low + 1);
    let step = WIDTH / bins;
    let x = |e: i32| LEFT + f64::from((e - low).clamp(0, high - low + 1)) * step;
    let height = rows.len() as f64 * (HEIGHT + GAP) + 22.0;
    let _ = writeln!(
        out,
        "<svg width=\"{w}\" height=\"{height:.0}\" viewBox=\"0 0 {w} {height:.0}\" role=\"img\">",
        w = LEFT + WIDTH + RIGHT
    );
    for (k, (name, e)) in rows.iter().enumerate() {
        let bottom = (k + 1) as f64 * (HEIGHT + GAP) - GAP + 4.0;
        let mut rect = |x0: f64, x1: f64, h: f64, color: &str, title: &str| {
            let _ = write!(
                out,
                "<rect x=\"{x0:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{h:.1}\" fill=\"{color}\"><title>{title}</title></rect>",
                bottom - h,
                (x1 - x0).max(0.0)
            );
        };
        rect(LEFT, LEFT + WIDTH, HEIGHT, "#f6f8fa", "beyond the format");
        rect(x(smallest), x(normal), HEIGHT, "#fff1c2", "subnormal range");
        rect(x(normal), x(top + 1), HEIGHT, "#dcf5e1", "normal range");
        let most = e.exponents.iter().map(|(_, n)| *n).max().unwrap_or(1);
        // A single value still has a tenth of the height.
        let bar = |n: u64| HEIGHT * (0.1 + 0.9 * (n as f64).ln() / (most as f64).ln().max(1e-9)).min(1.0);
        let total = e.total();
        for (at, n) in &e.exponents {
            let outside = *at > top || *at < smallest;
            let title = format!("2^{at}: {} ({})", grouped(*n), percent(share(*n, total)));
            let color = if outside { "#b3261e" } else { "#0b5cad" };
            let space = if step > 4.0 { 0.5 } else { 0.0 };
            rect(x(*at) + space, x(*at + 1) - space, bar(*n), color, &title);
        }
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{name}</text>",
            bottom - HEIGHT / 2.0 + 4.0
        );
        let special = [("zero", e.zero), ("inf", e.inf), ("NaN", e.nan)];
        for (line, (word, n)) in special.iter().filter(|(_, n)| *n > 0).enumerate() {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\">{word} {}</text>",
                LEFT + WIDTH + 8.0,
                bottom - HEIGHT + 12.0 + 16.0 * line as f64,
                percent(share(*n, total))
            );
        }
        out.push('\n');
    }
    // Labels, as many as fit.
    let every = [1, 2, 4, 8, 16, 32, 64]
        .into_iter()
        .find(|n| f64::from(*n) * step >= 34.0)
        .unwrap_or(128);
    for e in (low..=high).filter(|e| e.rem_euclid(every) == 0) {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{e}</text>",
            x(e) + step / 2.0,
            height - 6.0
        );
    }
    out.push_str("</svg>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_picture_for_each_instruction() {
        let mut all = super::super::tests::sample();
        all[1].line = 8;
        all[1].text = "mul.f32 %f1, %f2, <&>;".into();
        let page = html("k <1>", &all);
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(
            page.contains("k &lt;1&gt;") && page.contains("&lt;&amp;&gt;;"),
            "{page}"
        );
        assert!(
            page.contains("<b>overflow 1.00 %</b>; swamped 25.00 %; operand 1 cut 50.00 %"),
            "{page}"
        );
        assert!(page.contains("2^-8: 20 (2.00 %)"), "{page}");
        assert!(!page.contains("NaN\"") && !page.contains("=\"inf"), "{page}");
    }
}
