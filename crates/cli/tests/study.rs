//! `vernier study` on mlp and the studies of this repository.

mod support;

use std::fs;
use support::{folder, root, vernier};

#[test]
fn the_page_and_its_figures_are_made_once_and_read_after_that() {
    let dir = folder("study");
    let (store, page) = (dir.join("lab.db"), dir.join("study.md"));
    let study = || {
        let mut command = vernier(&root());
        command.args([
            "study",
            "formats",
            "layers-mlp",
            "--program",
            "mlp",
            "--images",
            "100",
        ]);
        let output = command
            .arg("--store")
            .arg(&store)
            .arg("-o")
            .arg(&page)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}");
        let figure = |name: &str| fs::read_to_string(dir.join("study").join(name)).unwrap();
        let figures = [figure("formats-mlp.svg"), figure("layers-mlp.svg")];
        (fs::read_to_string(&page).unwrap(), figures, words)
    };
    let (first, figures, words) = study();
    for figure in &figures {
        assert!(
            figure.starts_with("<?xml") && figure.contains("accuracy, %"),
            "{figure}"
        );
    }
    assert!(first.contains("](study/formats-mlp.svg)"), "{first}");
    // What was learned speaks of whole tests.
    assert!(!first.contains("What we learned"), "{first}");
    // Two points are one trial where nothing is overridden, and where both studies ask for the same.
    assert!(words.contains("32 of 32 trials; 29 run now"), "{words}");
    let rows = first.lines().filter(|l| l.starts_with("| ")).count();
    assert_eq!(rows, 3 + 2 + 9 + 2 + 4 + 3, "{first}");
    assert!(!first.contains("failed") && !first.contains("not run"), "{first}");
    let row = |name: &str| {
        let line = first.lines().find(|l| l.contains(name));
        line.unwrap_or_else(|| panic!("{name}: {first}"))
    };
    // Layers have formats of their own, and the program as compiled is what there is to compare with.
    assert_ne!(
        row("| decreasing |")["| e5m3 | decreasing".len()..],
        row("| wide-middle |")["| e5m3 | wide-middle".len()..]
    );
    assert!(row("| none |").matches("**").count() == 4, "{first}");
    let (second, again, words) = study();
    assert!(words.contains(" 0 run now"), "{words}");
    assert_eq!((first, figures), (second, again));
}
