//! Where the time of a run went: what kinds of instructions, which kernels, which PTX lines.
//!
//! How the library knows is said in `exec::profile`: counts of instructions are exact; the time of a line is
//! its kernel's measured time, shared out by samples of what the engine was working at.

use crate::record::{Kernel, Totals, grouped, si};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lines shown of each kernel.
const LINES_SHOWN: usize = 10;

/// Kernels whose lines are shown.
const KERNELS_SHOWN: usize = 8;

/// Kinds of instructions shown in the summary.
const CLASSES_SHOWN: usize = 6;

/// A PTX line that was executed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Mangled name of the kernel.
    pub kernel: String,
    /// Name of the PTX file.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// The line's text.
    pub text: String,
    /// CUDA source file, empty where the PTX does not say.
    pub cuda_file: String,
    /// Its line.
    pub cuda_line: u32,
    /// How often a worker thread was seen at it.
    pub samples: u64,
    /// Instructions times active threads.
    pub thread_instructions: u64,
    /// Instructions, each once per warp.
    pub warp_instructions: u64,
    /// Estimated time: the kernel's, shared out by samples.
    pub seconds: f64,
}

/// Adds up the same lines of several processes, shares the kernels' seconds out over them, and sorts: the
/// costliest line first.
pub(crate) fn complete(totals: &mut Totals) {
    let key = |l: &Line| (l.kernel.clone(), l.file.clone(), l.line);
    totals.lines.sort_by_cached_key(key);
    totals.lines.dedup_by(|again, first| {
        let same = (&again.kernel, &again.file, again.line) == (&first.kernel, &first.file, first.line);
        if same {
            first.samples += again.samples;
            first.thread_instructions += again.thread_instructions;
            first.warp_instructions += again.warp_instructions;
        }
        same
    });
    let mut samples: BTreeMap<String, u64> = BTreeMap::new();
    for l in &totals.lines {
        *samples.entry(l.kernel.clone()).or_default() += l.samples;
    }
    for l in &mut totals.lines {
        let kernel = totals.kernels.iter().find(|k| k.name == l.kernel);
        let all = samples[&l.kernel].max(1);
        l.seconds = kernel.map_or(0.0, |k| k.seconds) * l.samples as f64 / all as f64;
    }
    totals
        .lines
        .sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(a.line.cmp(&b.line)));
}

fn percent(part: f64, whole: f64) -> String {
    let share = if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    format!("{share:.1} %")
}

/// Rows of the summary: kinds of instructions, accesses by memory, share of active lanes.
pub(crate) fn counter_rows(t: &Totals) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let is_memory = |name: &str| {
        let mut starts = ["load_", "store_", "atomic_"].iter();
        starts.any(|s| name.starts_with(s))
    };
    let (mut memory, mut other): (Vec<_>, Vec<_>) = t.classes.iter().partition(|(name, _)| is_memory(name));
    let by_count = |list: &mut Vec<(&String, &u64)>| list.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    by_count(&mut memory);
    by_count(&mut other);
    let all = t.thread_instructions as f64;
    let kinds: Vec<String> = other
        .iter()
        .take(CLASSES_SHOWN)
        .map(|(name, n)| format!("{} {}", name.replace('_', " "), percent(**n as f64, all)))
        .collect();
    if !kinds.is_empty() {
        rows.push(("kinds", kinds.join(", ")));
    }
    let accesses: Vec<String> = memory
        .iter()
        .map(|(name, n)| format!("{} {}", name.replace('_', " "), si(**n as f64)))
        .collect();
    if !accesses.is_empty() {
        rows.push(("memory", accesses.join(", ")));
    }
    if t.warp_instructions > 0 {
        rows.push(("active lanes", percent(t.active_lanes, 1.0).to_string()));
    }
    rows
}

/// The table of kernels, the costliest first.
pub fn kernel_table(kernels: &[Kernel], kernel_seconds: f64) -> Vec<String> {
    let mut sorted: Vec<&Kernel> = kernels.iter().collect();
    sorted.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let mut lines = vec![format!(
        "{:>9}  {:>7}  {:>9}  {:>20}  {:>10}  kernel",
        "seconds", "share", "launches", "thread-instructions", "per second"
    )];
    for k in sorted {
        let rate = if k.seconds > 0.0 {
            si(k.thread_instructions as f64 / k.seconds)
        } else {
            String::new()
        };
        lines.push(format!(
            "{:>9.3}  {:>7}  {:>9}  {:>20}  {rate:>10}  {}",
            k.seconds,
            percent(k.seconds, kernel_seconds),
            grouped(k.launches),
            grouped(k.thread_instructions),
            k.name
        ));
    }
    lines
}

/// What `--profile` prints: kernels by time, and for each its costliest PTX lines.
pub fn tables(t: &Totals) -> Vec<String> {
    let mut out = vec!["profile: kernels by time".to_string()];
    out.extend(kernel_table(&t.kernels, t.kernel_seconds));
    let mut kernels: Vec<&Kernel> = t.kernels.iter().collect();
    kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for kernel in kernels.into_iter().take(KERNELS_SHOWN) {
        let lines: Vec<&Line> = t.lines.iter().filter(|l| l.kernel == kernel.name).collect();
        let samples: u64 = lines.iter().map(|l| l.samples).sum();
        if samples == 0 {
            out.push(format!("profile: {}: too short to sample", kernel.name));
            continue;
        }
        out.push(format!(
            "profile: {} by PTX line, from {} sample{}",
            kernel.name,
            grouped(samples),
            if samples == 1 { "" } else { "s" }
        ));
        out.push(format!(
            "{:>9}  {:>7}  {:>20}  line",
            "seconds", "share", "thread-instructions"
        ));
        for l in lines.iter().filter(|l| l.samples > 0).take(LINES_SHOWN) {
            let cuda = match l.cuda_file.as_str() {
                "" => String::new(),
                file => format!("  ({file}:{})", l.cuda_line),
            };
            out.push(format!(
                "{:>9.3}  {:>7}  {:>20}  {}:{}: {}{cuda}",
                l.seconds,
                percent(l.samples as f64, samples as f64),
                grouped(l.thread_instructions),
                l.file,
                l.line,
                l.text
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        let line = |line, samples, text: &str| Line {
            kernel: "k".into(),
            file: "m.ptx".into(),
            line,
            text: text.into(),
            samples,
            thread_instructions: 320,
            warp_instructions: 10,
            ..Line::default()
        };
        let mut lines = vec![
            line(3, 20, "add.f32 %f1, %f2, %f3;"),
            line(5, 70, "ld.global.f32 %f1, [%rd1];"),
            line(3, 10, "add.f32 %f1, %f2, %f3;"),
        ];
        lines[1].cuda_file = "m.cu".into();
        lines[1].cuda_line = 9;
        let kernel = Kernel {
            name: "k".into(),
            launches: 2,
            thread_instructions: 960,
            seconds: 4.0,
            ..Kernel::default()
        };
        let classes = [("fp32_add", 640), ("load_global", 320)];
        let mut totals = Totals {
            kernels: vec![kernel],
            kernel_seconds: 4.0,
            thread_instructions: 960,
            warp_instructions: 40,
            active_lanes: 0.75,
            classes: classes.map(|(n, c)| (n.to_string(), c)).into(),
            lines,
            ..Totals::default()
        };
        complete(&mut totals);
        totals
    }

    #[test]
    fn time_is_shared_out_by_samples() {
        let t = totals();
        let seconds: Vec<(u32, u64, f64)> = t.lines.iter().map(|l| (l.line, l.samples, l.seconds)).collect();
        assert_eq!(seconds, [(5, 70, 2.8), (3, 30, 1.2)]);
        assert_eq!(t.lines[1].thread_instructions, 640);
    }

    #[test]
    fn tables_name_kernels_and_lines() {
        let text = tables(&totals()).join("\n");
        assert!(
            text.contains("100.0 %          2                   960         240  k"),
            "{text}"
        );
        assert!(text.contains("by PTX line, from 100 samples"), "{text}");
        let line = "2.800   70.0 %                   320  m.ptx:5: ld.global.f32 %f1, [%rd1];  (m.cu:9)";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_kernel_without_samples_says_so() {
        let mut t = totals();
        t.lines.clear();
        assert!(tables(&t).contains(&"profile: k: too short to sample".to_string()));
    }

    #[test]
    fn counters_fit_in_three_rows() {
        assert_eq!(
            counter_rows(&totals()),
            [
                ("kinds", "fp32 add 66.7 %".to_string()),
                ("memory", "load global 320".to_string()),
                ("active lanes", "75.0 %".to_string())
            ]
        );
    }
}
