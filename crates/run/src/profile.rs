//! Where the time of a run went: what kinds of instructions, which kernels, which PTX lines.
//!
//! How the library knows is said in `exec::profile`: counts of instructions are exact; the time of a line is
//! its kernel's measured time, shared out by samples of what the engine was working at.

use crate::totals::{Line, Totals};
use record::run::Kernel;
use std::collections::BTreeMap;
use tell::number::{grouped, si};

/// Lines shown of each kernel.
const LINES_SHOWN: usize = 10;

/// Kernels whose lines are shown.
const KERNELS_SHOWN: usize = 8;

/// Kinds of instructions shown in the summary.
const CLASSES_SHOWN: usize = 6;

/// Adds up the same lines of several processes, shares the kernels' seconds out over them, and sorts: the
/// costliest line first.
pub(crate) fn complete(totals: &mut Totals) {
    totals.lines.sort_by(|a, b| place(a).cmp(&place(b)));
    totals.lines.dedup_by(|again, first| {
        let same = place(again) == place(first);
        if same {
            first.executed.add(&again.executed);
        }
        same
    });
    let mut samples: BTreeMap<String, u64> = BTreeMap::new();
    for Line { executed: l, .. } in &totals.lines {
        *samples.entry(l.kernel.clone()).or_default() += l.samples;
    }
    for Line { executed: l, seconds } in &mut totals.lines {
        let kernel = totals.kernels.iter().find(|k| k.name == l.kernel);
        let all = samples[&l.kernel].max(1);
        *seconds = kernel.map_or(0.0, |k| k.seconds) * l.samples as f64 / all as f64;
    }
    totals.lines.sort_by(|a, b| {
        b.seconds
            .total_cmp(&a.seconds)
            .then(a.executed.line.cmp(&b.executed.line))
    });
}

/// Where a line is.
fn place(l: &Line) -> (&str, &str, u32) {
    (&l.executed.kernel, &l.executed.file, l.executed.line)
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
    let (mut memory, mut other): (Vec<_>, Vec<_>) =
        t.counts.classes.iter().partition(|(name, _)| is_memory(name));
    let by_count = |list: &mut Vec<(&String, &u64)>| list.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    by_count(&mut memory);
    by_count(&mut other);
    let all = t.counts.thread_instructions as f64;
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
    if t.counts.warp_instructions > 0 {
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
            si(k.counts.thread_instructions as f64 / k.seconds)
        } else {
            String::new()
        };
        lines.push(format!(
            "{:>9.3}  {:>7}  {:>9}  {:>20}  {rate:>10}  {}",
            k.seconds,
            percent(k.seconds, kernel_seconds),
            grouped(k.counts.launches),
            grouped(k.counts.thread_instructions),
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
        let lines: Vec<&Line> = t
            .lines
            .iter()
            .filter(|l| l.executed.kernel == kernel.name)
            .collect();
        let samples: u64 = lines.iter().map(|l| l.executed.samples).sum();
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
        let sampled = lines.iter().filter(|l| l.executed.samples > 0);
        for Line { executed: l, seconds } in sampled.take(LINES_SHOWN) {
            let cuda = match l.cuda_file.as_str() {
                "" => String::new(),
                file => format!("  ({file}:{})", l.cuda_line),
            };
            out.push(format!(
                "{seconds:>9.3}  {:>7}  {:>20}  {}:{}: {}{cuda}",
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
    use record::run::Counts;

    fn totals() -> Totals {
        let line = |line, samples, text: &str| Line {
            executed: record::run::Line {
                kernel: "k".into(),
                file: "m.ptx".into(),
                line,
                text: text.into(),
                samples,
                thread_instructions: 320,
                warp_instructions: 10,
                ..Default::default()
            },
            seconds: 0.0,
        };
        let mut lines = vec![
            line(3, 20, "add.f32 %f1, %f2, %f3;"),
            line(5, 70, "ld.global.f32 %f1, [%rd1];"),
            line(3, 10, "add.f32 %f1, %f2, %f3;"),
        ];
        lines[1].executed.cuda_file = "m.cu".into();
        lines[1].executed.cuda_line = 9;
        let kernel = Kernel {
            name: "k".into(),
            counts: Counts {
                launches: 2,
                thread_instructions: 960,
                ..Counts::default()
            },
            seconds: 4.0,
        };
        let classes = [("fp32_add", 640), ("load_global", 320)];
        let mut totals = Totals {
            kernels: vec![kernel],
            kernel_seconds: 4.0,
            counts: Counts {
                thread_instructions: 960,
                warp_instructions: 40,
                classes: classes.map(|(n, c)| (n.to_string(), c)).into(),
                ..Counts::default()
            },
            active_lanes: 0.75,
            lines,
            ..Totals::default()
        };
        complete(&mut totals);
        totals
    }

    #[test]
    fn time_is_shared_out_by_samples() {
        let t = totals();
        let seconds: Vec<(u32, u64, f64)> = t
            .lines
            .iter()
            .map(|l| (l.executed.line, l.executed.samples, l.seconds))
            .collect();
        assert_eq!(seconds, [(5, 70, 2.8), (3, 30, 1.2)]);
        assert_eq!(t.lines[1].executed.thread_instructions, 640);
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
