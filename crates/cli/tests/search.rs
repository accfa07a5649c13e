//! `vernier search` as a user runs it: against exhaustive search, interrupted and continued, for training, and what the
//! user reads when something is wrong.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{folder, report, root, run, scripted, vernier};

/// A folder in which `mlp` is the program of the repository.
fn place(name: &str) -> PathBuf {
    let dir = folder(name);
    std::os::unix::fs::symlink(root().join("programs"), dir.join("programs")).unwrap();
    dir
}

/// What a search found, and what it printed.
fn search(dir: &Path, args: &[&str]) -> (serde_json::Value, String) {
    let output = run(dir, &[&["search", "mlp", "--json", "found.json"], args].concat());
    assert!(output.status.success(), "{output:?}");
    let found = fs::read_to_string(dir.join("found.json")).unwrap();
    (
        serde_json::from_str(&found).unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

/// Trials in a store.
fn trials(dir: &Path, store: &str) -> usize {
    let output = run(dir, &["store", "export", store]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .matches("/programs/mlp --stage")
        .count()
}

#[test]
fn a_tenth_of_the_candidates_finds_the_optimum_of_all() {
    let dir = place("search_optimum");
    let images = ["--loss", "0.4", "--images", "500", "--quiet"];
    // No look at a part of the images: each candidate is one trial.
    let all = ["--method", "exhaustive", "--risk", "0", "--store", "all/lab.db"];
    let (all, _) = search(&dir, &[&images[..], &all].concat());
    let (few, text) = search(&dir, &[&images[..], &["-o", "best.toml"]].concat());
    assert_eq!(all["candidates"].as_array().unwrap().len(), 512);
    let run_by_few = few["candidates"].as_array().unwrap().len();
    assert!(run_by_few <= 51, "{run_by_few}");
    assert_eq!(few["best"]["cost"], all["best"]["cost"], "{text}");
    assert_eq!(few["best"]["kept"], true);
    // Every trial that it ran is in the store: candidates by the images they were shown, and what a layer's work is.
    assert!(trials(&dir, "runs/lab.db") >= run_by_few);
    // The policy gives what the search says.
    let images = ("VERNIER_TEST_IMAGES", "500");
    let test = [
        "run",
        "mlp",
        "--stage",
        "test",
        "--no-record",
        "--policy",
        "best.toml",
        "--json",
        "run.json",
    ];
    let output = vernier(&dir).env(images.0, images.1).args(test).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let ran: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("run.json")).unwrap()).unwrap();
    assert_eq!(ran["correct"][0], few["best"]["correct"]);
    // All of it is known now: nothing is run again.
    let again = run(&dir, &["search", "mlp", "--loss", "0.4", "--images", "500"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("search 1: 0 trials run now"), "{said}");
    assert_eq!(
        String::from_utf8_lossy(&again.stdout).lines().count(),
        text.lines().count()
    );
    insta::assert_snapshot!(report(&again, &dir).split("--- stderr").next().unwrap());
}

#[test]
fn an_interrupted_search_goes_on() {
    let dir = place("search_interrupted");
    let args = [
        "search",
        "mlp",
        "--loss",
        "2",
        "--images",
        "400",
        "--formats",
        "bf16,e5m4,e4m3,e5m2",
        "--jobs",
        "1",
    ];
    let mut child = vernier(&dir)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let known = || match dir.join("runs/lab.db").is_file() {
        true => trials(&dir, "runs/lab.db"),
        false => 0,
    };
    while known() < 8 && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(20));
    }
    // SAFETY: signals a child of ours that was not waited for.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    let code = child.wait().unwrap().code();
    let before = trials(&dir, "runs/lab.db");
    // On a fast machine it may have ended.
    assert!(
        code == Some(130) && before >= 8 || code == Some(0),
        "{code:?} {before}"
    );
    let first = run(&dir, &args);
    assert!(first.status.success(), "{first:?}");
    let straight = place("search_straight");
    let second = run(&straight, &args);
    // The same commands of the best but for the folder of policies, the same numbers.
    let plain = |output, dir: &Path| {
        report(output, dir)
            .split("--- stderr")
            .next()
            .unwrap()
            .to_string()
    };
    assert_eq!(plain(&first, &dir), plain(&second, &straight));
    assert_eq!(trials(&dir, "runs/lab.db"), trials(&straight, "runs/lab.db"));
}

#[test]
fn formats_to_train_in() {
    let dir = place("search_training");
    let args = [
        "search",
        "mlp",
        "--train",
        "--train-images",
        "640",
        "--images",
        "200",
        "--formats",
        "bf16+fp32,e5m4+fp32,e4m3,e3m2,e2m1fn",
        "--quiet",
    ];
    let (found, text) = search(&dir, &args[2..]);
    let rounds = found["rounds"].as_array().unwrap();
    let sizes: Vec<usize> = rounds.iter().map(|r| r[1].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [6, 1], "{text}");
    assert_eq!(rounds[1][0], 640);
    let command = format!(
        "Run it: VERNIER_TEST_IMAGES=200 VERNIER_TRAIN_IMAGES=640 vernier run {}/programs/mlp --stage train,test",
        root().display()
    );
    assert!(text.contains(&command), "{text}");
}

#[test]
fn bad_requests() {
    let dir = place("search_bad");
    let cases: &[(&str, &[&str])] = &[
        ("objective", &["mlp", "--loss", "1", "--objective", "beauty"]),
        ("loss", &["mlp", "--loss", "-1"]),
        ("no_loss", &["mlp"]),
        ("formats", &["mlp", "--loss", "1", "--formats", "bf16,e9q4"]),
        ("accumulate", &["mlp", "--loss", "1", "--accumulate", "wide"]),
        ("only_one", &["mlp", "--loss", "1", "--formats", "none"]),
        ("program", &["mlb", "--loss", "1"]),
        ("layers", &["mlp", "--loss", "1", "--layers", "layer7"]),
        (
            "budget",
            &["mlp", "--loss", "1", "--budget", "5", "--images", "20"],
        ),
        ("train_images", &["mlp", "--train"]),
        (
            "train_layers",
            &["mlp", "--train", "--train-images", "64", "--layers", "layer1"],
        ),
    ];
    for (name, args) in cases {
        let output = run(&dir, &[&["search", "--quiet"], *args].concat());
        assert!(!output.status.success(), "{name}");
        insta::assert_snapshot!(format!("bad_{name}"), report(&output, &dir));
    }
}

#[test]
fn a_program_without_layers() {
    let dir = scripted("search_no_layers", "#!/bin/sh\necho 'accuracy: 50.00%'\n");
    let output = run(&dir, &["search", "toy", "--loss", "1", "--quiet"]);
    assert!(!output.status.success());
    insta::assert_snapshot!(report(&output, &dir));
    assert!(!dir.join("runs").exists());
}
