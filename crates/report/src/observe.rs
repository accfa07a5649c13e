//! What the numbers of a run did, by PTX line: read from the record, added up, shown as a table, as JSON and as a
//! page with pictures ([`page`]). What is counted is said in `exec::observe` and docs/observe.md.

pub mod page;

use record::{Observation, Shadow, Values};
use run::totals::Totals;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tell::Error;
use tell::number::{grouped, percent, share};

/// Kernels shown in the table.
const KERNELS_SHOWN: usize = 8;

/// Lines shown of each kernel.
const LINES_SHOWN: usize = 12;

/// Operands that the cut changed, of all that it could change.
fn cut_share(o: &Observation) -> f64 {
    share(o.cut.iter().max().copied().unwrap_or(0), o.executions)
}

/// A column of the table: its name, and how often it happened.
type Column = (&'static str, fn(&Observation) -> f64);

/// Shares of the executions.
const COLUMNS: &[Column] = &[
    ("overflow", |o| {
        share(o.get("overflow") + o.get("product_overflow"), o.executions)
    }),
    ("underflow", |o| {
        share(o.get("underflow") + o.get("product_underflow"), o.executions)
    }),
    ("subnormal", |o| share(o.get("subnormal"), o.executions)),
    ("NaN made", |o| share(o.get("nan_made"), o.executions)),
    ("cancel 4+", |o| share(o.cancelled(4), o.executions)),
    ("swamped", |o| share(o.get("swamped"), o.executions)),
    ("cut", cut_share),
    ("inexact", |o| share(o.get("inexact"), o.executions)),
];

/// What `--observe` prints: for each kernel the lines that executed most, with shares of executions.
pub fn tables(t: &Totals) -> Vec<String> {
    let mut kernels: BTreeMap<&str, u64> = BTreeMap::new();
    for o in &t.observations {
        *kernels.entry(&o.kernel).or_default() += o.executions;
    }
    let mut kernels: Vec<(&str, u64)> = kernels.into_iter().collect();
    kernels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut out = Vec::new();
    if kernels.is_empty() {
        out.push("observe: no arithmetic f32 instruction of a kernel that was asked for has run".to_string());
    }
    let left_out = kernels.len().saturating_sub(KERNELS_SHOWN);
    for (kernel, executions) in kernels.into_iter().take(KERNELS_SHOWN) {
        let mut lines: Vec<&Observation> = t.observations.iter().filter(|o| o.kernel == kernel).collect();
        let count = lines.len();
        lines.sort_by(|a, b| b.executions.cmp(&a.executions).then(a.line.cmp(&b.line)));
        out.push(format!(
            "observe: {kernel}, {} executions of {count} instruction{}",
            grouped(executions),
            if count == 1 { "" } else { "s" }
        ));
        let names: Vec<String> = COLUMNS.iter().map(|(name, _)| format!("{name:>9}")).collect();
        out.push(format!(
            "{:>16}  {}  {:>12}  line",
            "executions",
            names.join(" "),
            "exponents"
        ));
        for o in lines.into_iter().take(LINES_SHOWN) {
            let cells: Vec<String> = COLUMNS
                .iter()
                .map(|(_, f)| format!("{:>9}", percent(f(o))))
                .collect();
            let cuda = match o.cuda_file.as_str() {
                "" => String::new(),
                file => format!("  ({}:{})", file.rsplit('/').next().unwrap_or(file), o.cuda_line),
            };
            out.push(format!(
                "{:>16}  {}  {:>12}  {}:{}: {}  [{}]{cuda}",
                grouped(o.executions),
                cells.join(" "),
                range(&o.result),
                o.file,
                o.line,
                o.text,
                o.format
            ));
        }
        if count > LINES_SHOWN {
            out.push(format!(
                "{:>16}  and {} more instructions",
                "",
                count - LINES_SHOWN
            ));
        }
    }
    out.extend(worst(&t.observations));
    if left_out > 0 {
        out.push(format!("observe: and {left_out} more kernels"));
    }
    out
}

/// The instructions whose results are furthest from binary64, by mean relative error.
fn worst(all: &[Observation]) -> Vec<String> {
    let mut lines: Vec<(&Observation, &Shadow)> =
        all.iter().filter_map(|o| Some((o, o.shadow.as_ref()?))).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    lines.sort_by(|(a, x), (b, y)| {
        y.mean_relative()
            .total_cmp(&x.mean_relative())
            .then(a.key().cmp(&b.key()))
    });
    let mut out = vec![
        "observe: furthest from binary64, by mean relative error".to_string(),
        format!(
            "{:>10} {:>10} {:>10}  {:>9} {:>9}  line",
            "mean", "largest", "ulps", "exact", "apart"
        ),
    ];
    for (o, e) in lines.into_iter().take(LINES_SHOWN) {
        out.push(format!(
            "{:>10.2e} {:>10.2e} {:>10.3}  {:>9} {:>9}  {}, {}:{}: {}  [{}]",
            e.mean_relative(),
            e.max_relative,
            e.max_ulps,
            percent(share(e.exact, e.count)),
            percent(share(e.apart, e.count)),
            o.kernel,
            o.file,
            o.line,
            o.text,
            o.format
        ));
    }
    out
}

/// Exponents of the results, from the smallest to the largest.
fn range(e: &Values) -> String {
    match (e.exponents.first(), e.exponents.last()) {
        (Some((low, _)), Some((high, _))) => format!("{low}..{high}"),
        _ => "-".into(),
    }
}

/// Writes `observe.json` and `observe.html` into a folder.
///
/// # Errors
/// Files that cannot be written.
pub fn write(folder: &Path, title: &str, t: &Totals) -> Result<(), Error> {
    run::cache::create(folder)?;
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| Error::file("write", &path, &e))
    };
    let json = serde_json::to_string(&t.observations)
        .map_err(|e| Error::failed(format!("the observations cannot be written as JSON: {e}"), ""))?;
    put("observe.json", json + "\n")?;
    put("observe.html", page::html(title, &t.observations))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use record::observation::ALL_BITS;

    pub(crate) fn sample() -> Vec<Observation> {
        let side = |exponents: &[(i32, u64)], zero| Values {
            zero,
            exponents: exponents.to_vec(),
            ..Values::default()
        };
        let o = Observation {
            kernel: "k".into(),
            file: "m.ptx".into(),
            line: 7,
            text: "fma.rn.vf32 %f1, %f2, %f3, %f1;".into(),
            cuda_file: "/src/m.cu".into(),
            cuda_line: 3,
            operation: "fma".into(),
            format: "e4m3".into(),
            precision: 4,
            min: 2f64.powi(-9),
            min_normal: 2f64.powi(-6),
            max: 240.0,
            executions: 1000,
            facts: [("overflow".to_string(), 10), ("swamped".to_string(), 250)].into(),
            cut: vec![500, 20, 0],
            operands: vec![
                side(&[(-3, 600), (0, 400)], 0),
                side(&[(1, 1000)], 0),
                side(&[(4, 900)], 100),
            ],
            result: side(&[(-8, 20), (4, 900), (7, 70)], 10),
            lost: vec![(0, 960), (5, 30), (ALL_BITS, 10)],
            shadow: Some(Shadow {
                count: 1000,
                exact: 500,
                max_relative: 0.5,
                sum_relative: 50.0,
                max_ulps: 3.0,
                histogram: vec![(-4, 400), (-1, 100)],
                ..Shadow::default()
            }),
        };
        vec![o.clone(), o]
    }

    #[test]
    fn lines_of_several_processes_are_added_up() {
        let mut t = Totals {
            observations: sample(),
            ..Totals::default()
        };
        t.complete_observations();
        let [o] = t.observations.as_slice() else {
            panic!("{:?}", t.observations)
        };
        assert_eq!((o.executions, o.get("swamped"), o.cancelled(4)), (2000, 500, 80));
        assert_eq!((o.result.exponents[0], o.result.total()), ((-8, 40), 2000));
        let text = tables(&t).join("\n");
        assert!(
            text.contains("observe: k, 2,000 executions of 1 instruction"),
            "{text}"
        );
        let row = "2,000     1.00 %         -         -         -    4.00 %   25.00 %   50.00 %         -         -8..7";
        assert!(text.contains(row), "{text}");
        assert!(
            text.contains("m.ptx:7: fma.rn.vf32 %f1, %f2, %f3, %f1;  [e4m3]  (m.cu:3)"),
            "{text}"
        );
    }

    #[test]
    fn the_furthest_lines_are_listed() {
        let mut t = Totals {
            observations: sample(),
            ..Totals::default()
        };
        t.complete_observations();
        let text = tables(&t).join("\n");
        let row = "   5.00e-2    5.00e-1      3.000    50.00 %         -  k, m.ptx:7: fma.rn";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn nothing_observed_is_said() {
        assert!(tables(&Totals::default())[0].contains("no arithmetic"));
    }
}
