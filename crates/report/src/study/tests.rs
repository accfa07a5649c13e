//! Tests of studies: the page and the figures of a small store, and that the studies of this repository can be read.

use super::*;
use lab::store::{DONE, FAILED};

/// Where policies go that studies make themselves.
fn written() -> PathBuf {
    std::env::temp_dir().join(format!("vernier-studies-{}", std::process::id()))
}

fn point(values: &[(&str, &str)]) -> Point {
    values
        .iter()
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect()
}

fn trial(accuracy: f64) -> Option<Trial> {
    Some(Trial {
        program: "mlp".into(),
        status: DONE.into(),
        accuracy: Some(accuracy),
        weights_hash: Some("0123456789abcdef".into()),
        finished: "2026-11-23 17:53:35".into(),
        ..Trial::default()
    })
}

fn study(kind: &str, results: Results<'_>) -> Study {
    Study {
        name: "formats".into(),
        title: "Formats".into(),
        about: "A question?".into(),
        discussion: "An answer.".into(),
        kind: Kind::named(kind).unwrap(),
        points: results.iter().map(|(p, _)| p.clone()).collect(),
    }
}

/// The page of one study, and its figures as files.
fn page(kind: &str, results: Results<'_>) -> (String, Vec<(String, String)>) {
    let study = study(kind, results);
    let part = Part {
        study: &study,
        command: "vernier study formats".into(),
        results,
    };
    let page = Page {
        command: "vernier study -o page.md".into(),
        summary: "## What was learned\n\nMuch.".into(),
        parts: vec![part],
    };
    let figures = figures::figures(&study, results).into_iter();
    (
        page.markdown(Some("page")),
        figures.map(|f| (f.name.clone(), f.svg_file())).collect(),
    )
}

#[test]
fn programs_and_sums_are_columns_and_the_rest_rows() {
    let failed = Some(Trial {
        status: FAILED.into(),
        message: Some("it ended with exit code 3\nmore".into()),
        ..Trial::default()
    });
    let results = vec![
        (
            point(&[("program", "mlp"), ("format", "none"), ("images", "7")]),
            trial(96.0),
        ),
        (point(&[("program", "mlp"), ("format", "e5m2")]), trial(94.99)),
        (
            point(&[("program", "mlp"), ("format", "e5m2"), ("accumulate", "fp32")]),
            trial(95.0),
        ),
        (
            point(&[("program", "mlp"), ("format", "e5m2"), ("policy", "/a/x.toml")]),
            None,
        ),
        (point(&[("program", "cnn"), ("format", "e5m2")]), failed),
    ];
    let (page, figures) = page("", &results);
    insta::assert_snapshot!("a_study_with_dots", page);
    let names: Vec<&str> = figures.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(names, ["formats-mlp", "formats-cnn"]);
    insta::assert_snapshot!("dots", figures[0].1);
    assert_eq!((page, figures), self::page("", &results));
}

#[test]
fn trials_that_repeat_are_one_cell_and_policies_alone_one_dot_each() {
    let of = |images: &str, policy: &str| {
        point(&[
            ("program", "mlp"),
            ("stage", "train,test"),
            ("epochs", "4"),
            ("train_images", images),
            ("policy", policy),
        ])
    };
    let mut results = vec![
        (of("10", "/a/narrow.toml"), trial(90.0)),
        (of("9", "/a/narrow.toml"), trial(91.0)),
        (of("10", "/a/wide.toml"), trial(94.0)),
        (of("9", "/a/wide.toml"), None),
    ];
    let mut plain = of("10", "");
    plain.remove("policy");
    plain.insert("format".into(), "none".into());
    results.push((plain, trial(91.4)));
    let (page, figures) = page("dots", &results);
    let words = [
        "In all trials: stage train,test, epochs 4, train images 10 or 9.",
        "| format | policy | mlp |\n| --- | --- | --: |\n|  | narrow | **90.50** (90.00–91.00) |\n",
        "|  | wide | not run |\n| none |  | **91.40** |\n",
    ];
    for words in words {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(figures[0].1.matches("<circle").count(), 4);
}

#[test]
fn widths_become_lines_and_maps() {
    let mut results = vec![(point(&[("program", "mlp"), ("format", "none")]), trial(97.8))];
    for (e, m, lost) in [(5, 3, 0.4), (5, 2, 1.0), (4, 3, 0.9), (4, 2, 1.01)] {
        for sums in ["none", "fp32"] {
            let format = format!("e{e}m{m}");
            let values = [("program", "mlp"), ("format", &format), ("accumulate", sums)];
            let lost = if sums == "fp32" { lost / 2.0 } else { lost };
            results.push((point(&values), trial(97.8 - lost)));
        }
    }
    let (text, maps) = page("grid", &results[1..]);
    // Nothing was run as compiled in this study, hence nothing is near.
    assert!(text.contains("| mlp | the same format | none |"), "{text}");
    let (text, figures) = page("grid", &results);
    for words in [
        "| mlp | the same format | 8 | e5m2 (96.80), e4m3 (96.90) |\n| mlp | fp32 | 7 | e4m2 (97.30) |",
        "| exponent \\ significand | m23 | m3 | m2 |",
        "| e4 | failed | **96.90** | 96.79 |",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(
        (maps.len(), figures.len(), figures[1].0.as_str()),
        (2, 2, "formats-mlp-fp32")
    );
    let (_, lines) = page("exponent", &results[1..]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].1.contains(">exponent bits</text>") && lines[0].1.contains("sums in fp32"));
}

#[test]
fn a_program_with_many_sums_has_a_table_of_its_own() {
    let mut results = Vec::new();
    for program in ["mlp", "cnn"] {
        for sums in ["none", "bf16", "fp16", "fp32"] {
            let values = [("program", program), ("format", "e5m2"), ("accumulate", sums)];
            results.push((point(&values), trial(90.0)));
        }
    }
    let (page, _) = page("", &results);
    let head =
        |p: &str| format!("| format | {p} | {p}, sums in bf16 | {p}, sums in fp16 | {p}, sums in fp32 |");
    assert!(
        page.contains(&head("mlp")) && page.contains(&head("cnn")),
        "{page}"
    );
}

#[test]
fn the_studies_of_this_repository_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../studies");
    let all = read(&folder, &Choice::default(), &written()).unwrap();
    assert!(all.len() >= 10);
    for study in &all {
        assert_ne!(study.title, study.name);
        assert!(
            !study.about.is_empty() && !study.discussion.is_empty(),
            "{}",
            study.name
        );
        assert!(
            study.name.starts_with(|c: char| c.is_ascii_alphabetic()),
            "{}",
            study.name
        );
    }
    let mut policies = 0;
    for point in all.iter().flat_map(|s| &s.points) {
        if let Some(path) = point.get("policy") {
            policy::Policy::read(Path::new(path)).unwrap();
            policies += 1;
        }
    }
    assert!(policies > 20);
    assert!(!summary(&folder, &Choice::default()).unwrap().is_empty());
    let (names, programs) = (["formats".to_string()], ["mlp".to_string()]);
    let choice = Choice {
        names: &names,
        programs: &programs,
        images: Some(10),
    };
    let one = read(&folder, &choice, &written()).unwrap();
    assert_eq!((one.len(), one[0].discussion.as_str()), (1, ""));
    assert!(
        one[0]
            .points
            .iter()
            .all(|p| p["program"] == "mlp" && p["images"] == "10")
    );
    assert_eq!(summary(&folder, &choice).unwrap(), "");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../studies");
    let said = |names: &[&str], programs: &[&str]| {
        let list = |l: &[&str]| l.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let choice = Choice {
            names: &list(names),
            programs: &list(programs),
            images: None,
        };
        read(&folder, &choice, &written()).unwrap_err().to_string()
    };
    assert!(said(&["format"], &[]).contains("did you mean `formats`"));
    assert!(said(&[], &["mpl"]).contains("no studies"));
    let (message, advice) = Kind::named("dot").unwrap_err();
    assert!(
        message.contains("no such kind") && advice.contains("`dots`"),
        "{advice}"
    );
}

/// What `vernier study -o docs/study.md` wrote and what lies beside it belong together.
#[test]
fn the_page_of_this_repository_has_its_figures() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = fs::read_to_string(docs.join("study.md")).unwrap();
    let links = page
        .lines()
        .filter_map(|l| l.split_once("](")?.1.strip_suffix(".svg)"));
    let mut linked: Vec<String> = links.map(|l| format!("{l}.svg")).collect();
    linked.sort();
    let entries = fs::read_dir(docs.join("study")).unwrap();
    let mut there: Vec<String> = entries
        .map(|e| format!("study/{}", e.unwrap().file_name().to_string_lossy()))
        .collect();
    there.sort();
    assert_eq!(linked, there);
    assert!(!page.contains("not run") && !page.contains("failed"));
}
