//! `vernier report`: the page, the files of its figures, and what it says when there is nothing to show.

mod support;

use lab::store::{DONE, Store, Trial};
use std::fs;
use support::{folder, run};

fn trial(format: &str, accuracy: f64) -> Trial {
    Trial {
        key: format.into(),
        sweep: 1,
        program: "no such program".into(),
        format: Some(format.into()),
        stages: "test".into(),
        command: format!("vernier run toy --format {format}"),
        status: DONE.into(),
        accuracy: Some(accuracy),
        ..Trial::default()
    }
}

#[test]
fn a_store_becomes_a_page_and_figures() {
    let dir = folder("report");
    let mut store = Store::open(&dir.join("lab.db")).unwrap();
    for (format, accuracy) in [("none", 97.0), ("e5m2", 80.0), ("e4m2", 85.0), ("e3m2", 40.0)] {
        store.put(&trial(format, accuracy)).unwrap();
    }
    fs::write(dir.join("some values.f32"), 1.5f32.to_le_bytes()).unwrap();
    let args = [
        "report",
        "lab.db",
        "-o",
        "page.html",
        "--plots",
        "plots",
        "--values",
        "some values.f32",
    ];
    let output = run(&dir, &args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        said,
        "page.html: 4 trials of no such program\nplots: 5 figures, each as SVG, PNG and CSV\n"
    );
    let page = fs::read_to_string(dir.join("page.html")).unwrap();
    assert!(page.contains("vernier run toy --format e4m2") && page.contains("97.00 %"));
    let mut files: Vec<String> = fs::read_dir(dir.join("plots"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|f| f.ends_with(".svg"))
        .collect();
    files.sort();
    let expected = [
        "no-such-program-bits.svg",
        "no-such-program-exponent.svg",
        "no-such-program-grid.svg",
        "some-values-exponents.svg",
        "some-values-significands.svg",
    ];
    assert_eq!(files, expected);
}

#[test]
fn nothing_to_show_is_an_error() {
    let dir = folder("report_nothing");
    let missing = run(&dir, &["report", "none.db"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no store none.db"));
    drop(Store::open(&dir.join("empty.db")).unwrap());
    for (args, says) in [
        (
            &["report", "empty.db"][..],
            "the store empty.db holds no trials\n",
        ),
        (
            &["report", "empty.db", "--sweep", "7"],
            "holds no trials of sweep 7\n",
        ),
    ] {
        let output = run(&dir, args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            said.contains(says) && said.contains("help: `vernier sweep`"),
            "{said}"
        );
    }
    assert!(!dir.join("report.html").exists());
}
