//! What is known of a program beside its trials: the values of its weights and where the time of its kernels goes.

use super::figure::{Bars, Drawing, Figure};
use super::file_stem;
use super::group::time_bars;
use crate::error::Error;
use crate::program::Program;
use crate::weights;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use vfloat::inspect::Distribution;

/// Kernels shown by name; the others are one bar.
const KERNELS: usize = 14;

/// Two histograms of the values of a file: exponents and significand bits that are used. `of` is whose they are.
///
/// # Errors
/// The file cannot be read or is none of values.
pub fn distributions(of: &str, path: &Path) -> Result<Vec<Figure>, Error> {
    let weights = weights::read(path)?;
    let values: Vec<f32> = weights
        .tensors
        .iter()
        .flat_map(|t| t.values.iter().copied())
        .collect();
    let all = Distribution::of(&values);
    let count = all.finite_non_zero().max(1) as f64;
    let bar = |name: String, what: &str, n: u64| {
        let share = 100.0 * n as f64 / count;
        let text = format!("{what} {name}: {n} values, {share:.2} %");
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
            "exponents of the values",
            "exponent e of m * 2^e, 1/2 <= m < 1",
            exponents.collect(),
        ),
        figure(
            "significands",
            "significand bits in use",
            "bits from the leading one to the last one",
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

/// The parts of a `summary.json` that are wanted here.
#[derive(Deserialize)]
struct Summary {
    program: String,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    kernels: Vec<Kernel>,
}

#[derive(Deserialize)]
struct Kernel {
    name: String,
    seconds: f64,
}

/// Where the time went in the newest run of a program that `runs` keeps a record of.
pub fn kernel_times(program: &str, runs: &Path) -> Option<Figure> {
    let mut folders: Vec<PathBuf> = fs::read_dir(runs).ok()?.flatten().map(|e| e.path()).collect();
    // Their names begin with the time.
    folders.sort();
    let newest = folders.into_iter().rev().find_map(|folder| {
        let text = fs::read_to_string(folder.join("summary.json")).ok()?;
        let summary: Summary = serde_json::from_str(&text).ok()?;
        (summary.program == program && !summary.kernels.is_empty()).then_some(summary)
    })?;
    let command = newest.command.iter().skip(1).map(String::as_str);
    let command: Vec<&str> = std::iter::once("vernier").chain(command).collect();
    Some(time_bars(
        format!("{}-kernels", file_stem(program)),
        format!("{program}: time of the kernels"),
        format!("The newest recorded run: {}", command.join(" ")),
        newest.kernels.into_iter().map(|k| (k.name, k.seconds)).collect(),
        KERNELS,
    ))
}
