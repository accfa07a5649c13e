//! Tests of the report: what is drawn of which trials, and that no text of a trial can break out of the page.

use super::group::{groups, rows};
use super::*;
use crate::figure::Drawing;
use lab::store::{DONE, FAILED, Trial};
use lab::sweep::axes::width;
use std::fs;

fn trial(format: &str, accuracy: f64) -> Trial {
    Trial {
        program: "mlp".into(),
        format: Some(format.into()),
        stages: "test".into(),
        command: format!("vernier run mlp --format {format}"),
        status: DONE.into(),
        accuracy: Some(accuracy),
        seconds: 0.5,
        finished: "2026-11-23 20:00:00".into(),
        ..Trial::default()
    }
}

/// A grid of formats whose accuracy grows with both widths, policies, and a trial that failed.
fn trials() -> Vec<Trial> {
    let mut all = vec![trial("none", 97.82), trial("fp32", 97.82)];
    for e in 2..=8u32 {
        for m in [1, 2, 3, 7, 10] {
            let lost = 60.0 / f64::from(m * m) + 300.0 / 6f64.powi(e as i32 - 1);
            for accumulate in [None, Some("fp32")] {
                let lost = if accumulate.is_some() { lost / 3.0 } else { lost };
                let mut trial = trial(&format!("e{e}m{m}"), (97.8 - lost).max(9.8));
                trial.loss = Some(0.08 + lost / 20.0);
                trial.accumulate = accumulate.map(str::to_string);
                all.push(trial);
            }
        }
    }
    let rule = |layer: &str, format: &str| format!("[[rule]]\nlayer = \"{layer}\"\nformat = \"{format}\"\n");
    for (i, layer) in ["layer1", "layer2", "layer3"].iter().enumerate() {
        for (format, lost) in [("e4m3", 1.0), ("e5m2", 3.0), ("e3m2", 9.0)] {
            let mut trial = trial("none", 97.8 - lost / (i + 1) as f64);
            trial.policy = Some(rule(layer, format));
            all.push(trial);
        }
    }
    let mut mixed = trial("none", 97.7);
    mixed.policy = Some(rule("layer1", "e2m1") + &rule("layer2", "e3m2") + &rule("layer3", "e4m3"));
    all.push(mixed);
    let mut failed = trial("e1m1", 0.0);
    (failed.status, failed.accuracy) = (FAILED.into(), None);
    failed.message = Some("<script>alert(\"x\")</script> & more".into());
    all.push(failed);
    all
}

#[test]
fn widths_of_formats() {
    for (format, expected) in [
        ("none", (8, 23)),
        ("fp32", (8, 23)),
        ("bf16", (8, 7)),
        ("fp16", (5, 10)),
        ("e5m2", (5, 2)),
        ("e2m1", (2, 1)),
        ("e4m3fn", (4, 3)),
        ("e2m1fn", (2, 1)),
        ("e5m2fnuz", (5, 2)),
        ("e4m3_sat", (4, 3)),
        ("3,-15,16", (5, 2)),
        ("3,-14,16", (5, 2)),
    ] {
        assert_eq!(width(format), Some(expected), "{format}");
    }
    assert_eq!(width("nonsense"), None);
}

#[test]
fn a_group_knows_its_baseline_its_front_and_the_narrowest() {
    let rows = rows(trials());
    let groups = groups(&rows);
    assert_eq!(groups.len(), 1);
    let group = &groups[0];
    assert_eq!(group.baseline().unwrap().number, 0);
    let narrowest = group.narrowest().unwrap();
    assert_eq!(narrowest.name(), "layer1 e2m1, layer2 e3m2, layer3 e4m3");
    assert_eq!(narrowest.bits, Some(6.0));
    let front = group.front();
    for pair in front.windows(2) {
        assert!(pair[0].bits < pair[1].bits && pair[0].trial.accuracy < pair[1].trial.accuracy);
    }
    let figures: Vec<String> = group.figures("mlp").into_iter().map(|f| f.name).collect();
    let expected = [
        "mlp-exponent",
        "mlp-significand",
        "mlp-bits",
        "mlp-exponent-loss",
        "mlp-significand-loss",
        "mlp-bits-loss",
        "mlp-grid",
        "mlp-layers",
        "mlp-assignments",
    ];
    assert_eq!(figures, expected);
}

#[test]
fn bits_of_a_policy_are_a_mean_over_all_layers_of_the_program() {
    let with = |policy: &str, format: &str| {
        let mut trial = trial(format, 97.0);
        trial.policy = Some(policy.into());
        trial
    };
    let rule = |key: &str, format: &str| format!("[[rule]]\n{key}\nformat = \"{format}\"\n");
    let rows = rows(vec![
        with(&rule("layer = [\"layer1\", \"layer2\"]", "e5m2"), "none"),
        with(&(rule("", "e4m3") + &rule("layer = \"layer1\"", "e8m7")), "none"),
        with(&rule("layer = \"layer*\"", "e3m2"), "none"),
        with(&rule("layer = \"layer1\"", "leave"), "bf16"),
        with(&rule("class = \"add\"", "bf16"), "none"),
        with(&rule("", "bf16"), "none"),
    ]);
    let bits: Vec<Option<f64>> = rows.iter().map(|r| r.bits).collect();
    let expected = [Some(8.0), Some(12.0), Some(6.0), Some(24.0), None, Some(16.0)];
    assert_eq!(bits, expected);
    assert_eq!(rows[1].name(), "layer1 e8m7, others e4m3");
    assert_eq!(
        (rows[4].name(), rows[5].name()),
        ("policy".into(), "policy bf16".into())
    );
    // One layer alone is no narrow network: the others are as compiled.
    let rows = super::group::rows(trials());
    let alone = rows.iter().find(|r| r.name() == "layer1 e3m2").unwrap();
    assert_eq!(alone.bits, Some((6.0 + 32.0 + 32.0) / 3.0));
}

#[test]
fn conditions_that_differ_are_not_mixed() {
    let mut few = trial("bf16", 50.0);
    few.identity = "VERNIER_TEST_IMAGES=100\nbinary=1\n".into();
    few.weights_hash = Some("0123456789abcdef".into());
    let rows = rows(vec![trial("bf16", 97.0), few]);
    let groups = groups(&rows);
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[1].conditions, "test · first 100 images · weights 01234567");
    assert!(groups[0].figures("mlp").is_empty() && groups[0].baseline().is_none());
}

#[test]
fn the_page_stands_alone_and_shows_text_as_text() {
    let report = Report::new(trials(), "runs/lab.db".into());
    let page = report.html();
    assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more"));
    assert_eq!(page.matches("<script>").count(), 1);
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Every trial has a row with its command, and every mark leads to one.
    for (i, trial) in trials().iter().enumerate() {
        assert!(page.contains(&format!("id=\"trial-{i}\"")));
        assert!(page.contains(&format!("<code>{}</code>", trial.command)));
    }
    for mark in page.split("data-row=\"").skip(1) {
        if let Some(number) = mark.split('"').next().and_then(|n| n.parse::<usize>().ok()) {
            assert!(number < trials().len());
        }
    }
    assert!(
        Report::new(Vec::new(), "empty".into())
            .html()
            .contains("0 trials")
    );
}

#[test]
fn factors_are_those_of_the_newest_run_that_looked() {
    let runs = std::env::temp_dir().join(format!("vernier-factors-{}", std::process::id()));
    let write = |run: &str, observations: &str| {
        fs::create_dir_all(runs.join(run)).unwrap();
        let text = format!(
            r#"{{"program":"mlp","command":["/x","run","mlp","{run}"],"observations":[{observations}]}}"#
        );
        fs::write(runs.join(run).join("summary.json"), text).unwrap();
    };
    let seen = |kernel: &str, operation: &str, first: &str| {
        format!(
            r#"{{"kernel":"{kernel}","operation":"{operation}","operands":[{first},{{"exponents":[[0,8]],"widths":[[1,8]]}}]}}"#
        )
    };
    let first = r#"{"zero":4,"exponents":[[-3,6],[-1,2],[9,0]],"widths":[[3,8]]}"#;
    assert!(factors("mlp", &runs).is_empty());
    write("1", &seen("old", "fma", first));
    let both = [
        seen("k", "fma", first),
        seen("k", "mul", first),
        seen("sum", "add", first),
    ];
    write("2", &both.join(","));
    write("3", "");
    let figures = factors("mlp", &runs);
    let names: Vec<&str> = figures.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["mlp-factors-exponents", "mlp-factors-significands"]);
    assert!(
        figures[0].caption.ends_with("vernier run mlp 2"),
        "{}",
        figures[0].caption
    );
    let csv = figures[0].csv(&|_| String::new()).unwrap();
    let rows: Vec<&str> = csv.lines().skip(1).filter(|l| l.starts_with('"')).collect();
    let starts = ["-2,75,", "-1,0,", "0,25,"].map(|p| format!("\"k, first\",,{p}"));
    assert!(rows.iter().zip(&starts).all(|(r, s)| r.starts_with(s)), "{csv}");
    assert!(
        rows[3].starts_with("\"k, second\",,1,100,") && rows.len() == 4,
        "{csv}"
    );
    fs::remove_dir_all(&runs).unwrap();
}

#[test]
fn plots_lie_beside_their_data() {
    let dir = std::env::temp_dir().join(format!("vernier-report-{}", std::process::id()));
    let mut report = Report::new(trials(), String::new());
    let values = dir.with_extension("f32");
    let bytes: Vec<u8> = [1.0f32, -1.5, 0.1, 0.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    fs::write(&values, bytes).unwrap();
    report.more = distributions("mlp", "values", &values).unwrap();
    assert_eq!(report.write_plots(&dir, &raster::png).unwrap(), 11);
    let csv = fs::read_to_string(dir.join("mlp-exponent.csv")).unwrap();
    assert!(
        csv.starts_with("series,variant,exponent bits,\"accuracy, %\",label,command\r\n"),
        "{csv}"
    );
    assert!(csv.contains("vernier run mlp --format e4m3"));
    let exponents = fs::read_to_string(dir.join("mlp-exponents.csv")).unwrap();
    assert!(
        exponents.contains("\r\n1,66.6") && exponents.contains("\r\n-3,33.3"),
        "{exponents}"
    );
    let svg = fs::read_to_string(dir.join("mlp-grid.svg")).unwrap();
    assert!(svg.starts_with("<?xml") && svg.contains("xmlns=") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("var("), "a variable is left");
    let png = fs::read(dir.join("mlp-grid.png")).unwrap();
    let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && size(16) > 500 && size(20) > 300);
    fs::remove_dir_all(&dir).unwrap();
    fs::remove_file(&values).unwrap();
}

#[test]
fn policies_of_a_search_name_layers_that_stay_as_compiled() {
    let policy = |formats: [&str; 2]| {
        let rule =
            |(i, f): (usize, &&str)| format!("[[rule]]\nlayer = \"layer{}\"\nformat = \"{f}\"\n", i + 1);
        Some(formats.iter().enumerate().map(rule).collect::<String>())
    };
    let mut trials = vec![trial("none", 97.8)];
    for formats in [["leave", "e4m3"], ["leave", "e5m2"], ["e4m3", "e4m3"]] {
        trials.push(Trial {
            policy: policy(formats),
            ..trial("none", 97.5)
        });
    }
    trials.push(Trial {
        images: Some(1),
        ..trial("fp32", 100.0)
    });
    let rows = rows(trials);
    assert_eq!(rows[1].name(), "layer1 none, layer2 e4m3");
    assert_eq!(rows[1].bits, Some(20.0));
    let groups = groups(&rows);
    // What counts work on one image is no group of its own.
    assert_eq!(groups.len(), 1);
    let figures = groups[0].figures("mlp");
    let alone = figures.iter().find(|f| f.name == "mlp-layers").unwrap();
    let Drawing::Heat(heat) = &alone.drawing else {
        panic!("no table of layers")
    };
    // Both policies narrow layer2 alone; the third narrows both.
    assert_eq!((heat.rows.len(), heat.columns.len()), (1, 2));
}

#[test]
fn layers_are_in_the_order_of_their_numbers() {
    let with = |layer: &str| Trial {
        policy: Some(format!("[[rule]]\nlayer = \"{layer}\"\nformat = \"e5m2\"\n")),
        ..trial("none", 97.0)
    };
    let rows = rows(["layer10", "output", "layer2"].map(with).into());
    let figures = groups(&rows)[0].figures("mlp");
    let table = figures.iter().find(|f| f.name == "mlp-layers").unwrap();
    let Drawing::Heat(heat) = &table.drawing else {
        panic!("no table of layers")
    };
    assert_eq!(heat.rows, ["layer2", "layer10", "output"]);
}
