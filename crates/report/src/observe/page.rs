//! The page with pictures: for each instruction, histograms of the exponents of its operands and results, over the
//! range of its format.

use crate::figure::{Drawing, Exponents, Figure};
use crate::page::page;
use maud::{Markup, html};
use record::Observation;
use record::observation::ALL_BITS;
use std::collections::BTreeMap;
use tell::number::{grouped, percent, share};

/// Facts beside each picture, in this order, and whether they are grave.
const FACTS: &[(&str, &str, bool)] = &[
    ("overflow", "overflow", true),
    ("product_overflow", "product overflow", true),
    ("underflow", "underflow", false),
    ("product_underflow", "product underflow", false),
    ("subnormal", "subnormal", false),
    ("nan_made", "NaN made", true),
    ("nan_in", "NaN in", false),
    ("pole", "pole", true),
    ("swamped", "swamped", false),
    ("inexact", "inexact", false),
];

const INTRODUCTION: &str = "Histograms of exponents (base 2) of operands, as they are before the cut to the format, and \
    of results. Green: normal range of the instruction's format; yellow: its subnormal range. Heights are logarithmic, \
    each histogram to its own maximum; to the right what has no exponent. Counts are exact.";

/// The exponent of a positive number.
fn exponent(x: f64) -> i32 {
    x.log2().floor() as i32
}

/// The page.
pub fn html(title: &str, all: &[Observation]) -> String {
    let mut kernels: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for o in all {
        kernels.entry(&o.kernel).or_default().push(o);
    }
    for lines in kernels.values_mut() {
        lines.sort_by(|a, b| b.executions.cmp(&a.executions).then(a.line.cmp(&b.line)));
    }
    let main = html! {
        @for (kernel, lines) in &kernels {
            section {
                h2 { (kernel) }
                @for o in lines { (instruction(o)) }
            }
        }
    };
    let foot = html! { "By Vernier " (env!("CARGO_PKG_VERSION")) "." };
    page(title, &html! { (INTRODUCTION) }, &main, &foot)
}

fn instruction(o: &Observation) -> Markup {
    let of = |n: u64| percent(share(n, o.executions));
    html! {
        h3 {
            code { (o.text) } " " span.soft {
                (o.file) ":" (o.line)
                @if !o.cuda_file.is_empty() { ", " (o.cuda_file) ":" (o.cuda_line) }
            }
        }
        p.soft {
            (o.operation) " in " (o.format) ", " (grouped(o.executions)) " executions"
            @for (fact, words, is_grave) in FACTS.iter().filter(|(f, ..)| o.get(f) > 0) {
                "; "
                @let text = format!("{words} {}", of(o.get(fact)));
                @if *is_grave { b { (text) } } @else { (text) }
            }
            @for (k, n) in o.cut.iter().enumerate().filter(|(_, n)| **n > 0) {
                "; operand " (k + 1) " cut " (of(*n))
            }
            @if let Some(s) = &o.shadow {
                @let (mean, most) = (s.mean_relative(), s.max_relative);
                "; " b { (format!("from binary64: mean {mean:.2e}, largest {most:.2e}, {:.3} units in the last place", s.max_ulps)) }
            }
            @if o.cancelled(1) > 0 {
                @let all = o.cancelled(ALL_BITS);
                "; bits cancelled: 1 to 3 " (of(o.cancelled(1) - o.cancelled(4)))
                ", 4 to 7 " (of(o.cancelled(4) - o.cancelled(8)))
                ", 8 and more " (of(o.cancelled(8) - all)) ", all " (of(all))
            }
        }
        (picture(o).svg())
    }
}

/// The histograms of an instruction.
fn picture(o: &Observation) -> Figure {
    let names = (1..=o.operands.len()).map(|k| format!("operand {k}"));
    let operands = names.zip(o.operands.iter().cloned());
    Figure {
        name: String::new(),
        title: o.text.clone(),
        caption: String::new(),
        drawing: Drawing::Exponents(Exponents {
            smallest: exponent(o.min),
            normal: exponent(o.min_normal),
            top: exponent(o.max),
            rows: operands.chain([("result".into(), o.result.clone())]).collect(),
        }),
    }
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
