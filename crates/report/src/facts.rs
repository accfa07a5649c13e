//! What is known of a program beside its trials: the values of its weights, those that its kernels multiply, and where
//! the time of its kernels goes.

use crate::figure::{Bars, Drawing, Figure, Line, Plot, Point, Series};
use crate::file_stem;
use record::Values;
use run::child::quoted;
use run::program::Program;
use run::summary::{SUMMARY, Summary};
use run::weights;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;
use vfloat::inspect::Distribution;

/// What is counted of values.
const EXPONENT: &str = "exponent e of m * 2^e, 1/2 <= m < 1";
const WIDTH: &str = "bits from the leading one to the last one";

/// Kernels shown by name; the others are one bar.
const KERNELS: usize = 14;

/// Two histograms of the values of a file: exponents and significand bits that are used. `of` is whose they are, `what`
/// what they are, in the plural.
///
/// # Errors
/// The file cannot be read or is none of values.
pub fn distributions(of: &str, what: &str, path: &Path) -> Result<Vec<Figure>, Error> {
    let weights = weights::read(path)?;
    let values: Vec<f32> = weights
        .tensors
        .iter()
        .flat_map(|t| t.values.iter().copied())
        .collect();
    let all = Distribution::of(&values);
    let count = all.finite_non_zero().max(1) as f64;
    let bar = |name: String, kind: &str, n: u64| {
        let share = 100.0 * n as f64 / count;
        let text = format!("{kind} {name}: {n} {what}, {share:.2} %");
        (name, share, text)
    };
    let file = path
        .file_name()
        .map_or_else(String::new, |f| f.to_string_lossy().into_owned());
    let about = format!(
        "{} of {} values of {file} ({}); {} zeros, {} infinities, {} NaN. Per cent of the finite values other than zero.",
        all.finite_non_zero(),
        all.count(),
        weights.encoding,
        all.zeros(),
        all.infinities(),
        all.nans()
    );
    let (low, high) = all.exponent_range().unwrap_or((0, 0));
    let mut exponents: Vec<(i32, u64)> = (low..=high).map(|e| (e, 0)).collect();
    for (e, n) in all.exponents() {
        exponents[(e - low) as usize].1 = n;
    }
    let figure = |tag: &str, title: &str, unit: &str, bars: Vec<(String, f64, String)>| Figure {
        name: format!("{}-{tag}", file_stem(of)),
        title: format!("{of}: {title}"),
        caption: about.clone(),
        drawing: Drawing::Bars(Bars {
            unit: unit.into(),
            bars,
            standing: true,
        }),
    };
    let exponents = exponents
        .into_iter()
        .map(|(e, n)| bar(e.to_string(), "exponent", n));
    let widths = all.widths().map(|(w, n)| bar(w.to_string(), "bits", n));
    Ok(vec![
        figure(
            "exponents",
            &format!("exponents of the {what}"),
            EXPONENT,
            exponents.collect(),
        ),
        figure(
            "significands",
            &format!("significand bits of the {what}"),
            WIDTH,
            widths.collect(),
        ),
    ])
}

/// The file of trained weights that a program's settings name, if it is there.
pub fn weights_of(program: &str) -> Option<PathBuf> {
    let program = Program::find(program).ok()?;
    let weights = program
        .settings
        .weights_in
        .clone()
        .or(program.settings.weights.clone())?;
    let path = program.folder.join(weights);
    path.is_file().then_some(path)
}

/// The newest run of a program that is wanted.
fn newest(program: &str, runs: &Path, wanted: fn(&Summary) -> bool) -> Option<Summary> {
    let mut folders: Vec<PathBuf> = fs::read_dir(runs).ok()?.flatten().map(|e| e.path()).collect();
    // Their names begin with the time.
    folders.sort();
    folders.into_iter().rev().find_map(|folder| {
        let summary = Summary::read(&folder.join(SUMMARY)).ok()?;
        (summary.program == program && wanted(&summary)).then_some(summary)
    })
}

/// The command of a run, as it can be typed from any folder.
fn command(run: &Summary) -> String {
    let words = run.command.iter().skip(1).map(|w| quoted(w));
    let words: Vec<String> = std::iter::once("vernier".into()).chain(words).collect();
    match run.folder.to_string_lossy().as_ref() {
        "" => words.join(" "),
        folder => format!("cd {} && {}", quoted(folder), words.join(" ")),
    }
}

/// Where the time went in the newest run of a program that `runs` keeps a record of.
pub fn kernel_times(program: &str, runs: &Path) -> Option<Figure> {
    let newest = newest(program, runs, |s| !s.totals.kernels.is_empty())?;
    Some(time_bars(
        format!("{}-kernels", file_stem(program)),
        format!("{program}: time of the kernels"),
        format!("The newest recorded run: {}", command(&newest)),
        newest
            .totals
            .kernels
            .iter()
            .map(|k| (k.name.clone(), k.seconds))
            .collect(),
        KERNELS,
    ))
}

/// Bars of seconds, the longest first; the rest beyond `most` in one.
fn time_bars(
    name: String,
    title: String,
    caption: String,
    mut kernels: Vec<(String, f64)>,
    most: usize,
) -> Figure {
    kernels.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let total: f64 = kernels.iter().map(|k| k.1).sum();
    if kernels.len() > most {
        let rest = kernels.split_off(most - 1);
        kernels.push((format!("{} others", rest.len()), rest.iter().map(|k| k.1).sum()));
    }
    let bar = |(name, seconds): (String, f64)| {
        let share = 100.0 * seconds / total.max(f64::MIN_POSITIVE);
        (name, seconds, format!("{seconds:.3} s, {share:.1} %"))
    };
    Figure {
        name,
        title,
        caption,
        drawing: Drawing::Bars(Bars {
            unit: "seconds".into(),
            bars: kernels.into_iter().map(bar).collect(),
            standing: false,
        }),
    }
}

/// Kernels whose factors are shown: those that multiply most.
const MULTIPLIERS: usize = 4;

/// What the kernels of a program multiply - activations, weights, in training gradients - in the newest run that looked
/// (`vernier run --observe`): exponents, and significand bits in use, of both factors of `mul` and `fma`. No figures where
/// no run looked.
pub fn factors(program: &str, runs: &Path) -> Vec<Figure> {
    let Some(newest) = newest(program, runs, |s| !s.totals.observations.is_empty()) else {
        return Vec::new();
    };
    let mut kernels: BTreeMap<&str, [Values; 2]> = BTreeMap::new();
    for o in &newest.totals.observations {
        if let ("mul" | "fma", [first, second, ..]) = (o.operation.as_str(), &o.operands[..]) {
            let sums = kernels.entry(&o.kernel).or_default();
            sums[0].add(first);
            sums[1].add(second);
        }
    }
    let mut kernels: Vec<(&str, [Values; 2])> = kernels.into_iter().collect();
    kernels.sort_by_key(|(name, sums)| (std::cmp::Reverse(sums[0].total()), *name));
    kernels.truncate(MULTIPLIERS);
    let about = format!(
        "Both factors of mul and fma, each time they are used, in the kernels that multiply most. Per cent of the finite values \
         other than zero. The newest run that looked: {}",
        command(&newest)
    );
    let figure = |tag: &str, title: &str, x: &str, of: &dyn Fn(&Values) -> Vec<(i32, u64)>| {
        let mut series = Vec::new();
        for (kernel, sums) in &kernels {
            for (place, values) in ["first", "second"].into_iter().zip(sums) {
                series.extend(share(&format!("{kernel}, {place}"), &of(values)));
            }
        }
        (!series.is_empty()).then(|| Figure {
            name: format!("{}-factors-{tag}", file_stem(program)),
            title: format!("{program}: {title}"),
            caption: about.clone(),
            drawing: Drawing::Plot(Plot {
                x: x.into(),
                y: "% of the values".into(),
                series,
                levels: Vec::new(),
            }),
        })
    };
    // An observation's exponent is that of 1 <= m < 2.
    let exponents = |v: &Values| v.exponents.iter().map(|(e, n)| (e + 1, *n)).collect();
    let widths = |v: &Values| v.widths.iter().map(|(w, n)| (*w as i32, *n)).collect();
    let figures = [
        figure(
            "exponents",
            "exponents of what kernels multiply",
            EXPONENT,
            &exponents,
        ),
        figure(
            "significands",
            "significand bits of what kernels multiply",
            WIDTH,
            &widths,
        ),
    ];
    figures.into_iter().flatten().collect()
}

/// A line through the shares of these counts, without those at the ends that are too few to be seen.
fn share(name: &str, counts: &[(i32, u64)]) -> Option<Series> {
    let all: u64 = counts.iter().map(|(_, n)| n).sum();
    let percent = |n: u64| 100.0 * n as f64 / all as f64;
    let seen = |(_, n): &&(i32, u64)| percent(*n) >= 0.05;
    let (low, high) = (counts.iter().find(seen)?.0, counts.iter().rev().find(seen)?.0);
    let points = (low..=high).map(|x| {
        let n = counts.iter().find(|c| c.0 == x).map_or(0, |c| c.1);
        Point {
            x: f64::from(x),
            y: percent(n),
            label: format!("{name}\n{x}: {:.2} %", percent(n)),
            row: None,
        }
    });
    Some(Series {
        name: name.into(),
        variant: None,
        points: points.collect(),
        line: Line::Straight,
    })
}
