//! Sweeps and their store, on a program of the contract that is a shell script: what is kept, what is not run twice,
//! what a kill leaves, and what the user reads.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use support::{folder, log, report, root, run, toy, vernier, wait_until};

/// The report without times, which stand in the table's last column and in the last line.
fn steady(report: &str) -> String {
    let mut lines = Vec::new();
    for line in report.lines() {
        let line = match line.find(" run now in ") {
            Some(at) => format!("{} run now in [TIME] s; kept in runs/lab.db", &line[..at]),
            None => line.into(),
        };
        let words = line.split(' ').map(|w| match w.parse::<f64>() {
            Ok(_) if w.len() == 4 && w.contains('.') => "T.TT",
            _ => w,
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

const TEN: [&str; 6] = ["sweep", "toy", "--exponent", "8", "--significand", "9..18"];

fn start(dir: &Path, more: &[&str]) -> Child {
    let mut command = vernier(dir);
    command
        .args(TEN)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn trials_are_kept_and_not_run_twice() {
    let dir = toy("sweep_kept", "0");
    let args = [
        "sweep",
        "toy",
        "--jobs",
        "1",
        "--format",
        "none,e5m2,e5m4,tf32,e8m10",
    ];
    insta::assert_snapshot!(steady(&report(&run(&dir, &args), &dir)));
    // tf32 and e8m10 are one format.
    assert_eq!(log(&dir).len(), 4);
    insta::assert_snapshot!("all_known", steady(&report(&run(&dir, &args), &dir)));
    assert_eq!(log(&dir).len(), 4);
    run(&dir, &[&args[..], &["--again=failed"]].concat());
    assert_eq!(log(&dir)[4..], ["5 -test"]);
    run(&dir, &["sweep", "toy", "--format", "e5m2", "--again"]);
    run(&dir, &["sweep", "toy", "--format", "e5m2", "--images", "7"]);
    assert_eq!(log(&dir)[5..], ["3 -test", "3 -test 7"]);
    // Other weights, another program: other trials.
    fs::write(dir.join("programs/toy/weights"), "other").unwrap();
    run(&dir, &["sweep", "toy", "--format", "e5m2"]);
    assert_eq!(log(&dir).len(), 8);

    let csv = String::from_utf8(run(&dir, &["store", "export", "--sweep", "1"]).stdout).unwrap();
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .starts_with("key,sweep,program,point,format")
    );
    let exported = run(&dir, &["store", "export", "-o", "all.json"]);
    assert!(exported.status.success());
    let trials: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("all.json")).unwrap()).unwrap();
    let failed: Vec<_> = trials
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["status"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1);
    let message = failed[0]["message"].as_str().unwrap();
    assert!(
        message.contains("exit code 3") && message.ends_with("five is right out"),
        "{message}"
    );
    let program = dir.join("programs/toy").display().to_string();
    let command = format!("vernier run {program} --stage test --format e5m4");
    assert_eq!(failed[0]["command"], command.as_str());
    assert!(
        run(&dir, &["store", "export", "-o", "all.parquet"])
            .status
            .success()
    );
    assert_eq!(fs::read(dir.join("all.parquet")).unwrap()[..4], *b"PAR1");
}

#[test]
fn training_trials_keep_their_loss_and_leave_no_weights() {
    let dir = toy("sweep_train", "0");
    let args = [
        "sweep",
        "toy",
        "--stage",
        "train,test",
        "--epochs",
        "1,2",
        "--format",
        "bf16",
    ];
    let output = run(&dir, &[&args[..], &["--json", "out.json"]].concat());
    assert!(output.status.success());
    let trials: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("out.json")).unwrap()).unwrap();
    assert_eq!(
        (&trials[0]["loss"], &trials[1]["epochs"]),
        (&0.8.into(), &2.into())
    );
    assert_eq!(log(&dir).len(), 4);
    assert!(!dir.join("programs/toy/trained.bin").exists());
}

#[test]
fn kill_loses_at_most_the_trials_in_flight() {
    let dir = toy("sweep_kill", "0.1");
    let mut child = start(&dir, &["--jobs", "2"]);
    wait_until("five runs", || log(&dir).len() >= 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = log(&dir).len();
    let kept = String::from_utf8(run(&dir, &["store", "export"]).stdout).unwrap();
    let kept = kept.lines().filter(|l| l.contains(",done,")).count();
    assert!(kept + 2 >= ran && kept < 10, "{kept} kept of {ran} begun");
    let resumed = run(&dir, &["sweep", "--resume"]);
    assert!(resumed.status.success());
    let table = String::from_utf8(resumed.stdout).unwrap();
    assert_eq!(table.lines().filter(|l| l.contains(" %")).count(), 10);
    assert_eq!(log(&dir).len(), ran + 10 - kept);
}

#[test]
fn an_interrupt_ends_a_sweep_that_can_be_resumed() {
    let dir = toy("sweep_interrupt", "0.1");
    let mut command = vernier(&dir);
    let child = command
        .args(TEN)
        .args(["--jobs", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    wait_until("three runs", || log(&dir).len() >= 3);
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("interrupted; ") && words.contains("vernier sweep --resume=1"),
        "{words}"
    );
    let failed = String::from_utf8(run(&dir, &["store", "export"]).stdout).unwrap();
    assert!(!failed.contains(",failed,"), "{failed}");
    assert!(run(&dir, &["sweep", "--resume=1"]).status.success());
    assert_eq!(log(&dir).len(), 11);
}

/// A trial of real programs is run from the repository, where they are.
fn in_root(dir: &Path, args: &[&str]) -> (String, String) {
    let mut command = vernier(&root());
    command.args(args).arg("--store").arg(dir.join("lab.db"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_file_of_programs_templates_policies_seeds_and_devices_is_swept() {
    let dir = folder("sweep_everything");
    let configs = root().join("configs").display().to_string();
    let file = format!(
        r#"
        program = ["mlp", "cnn"]
        images = 20
        seed = [1, 2]
        config = ["{configs}/default", "{configs}/SM75_RTX2060"]
        [template]
        file = "per-layer.toml"
        first = ["e8m7", "e5m2"]
        rest = "e4m3"
        [[trial]]
        program = "mlp"
        policy = "plain.toml"
        [[trial]]
        program = "mlp"
        layer = "layer2"
        format = "e3m2"
        "#
    );
    let template = r#"
        [[rule]]
        format = "{{rest}}"
        rounding = "rs"
        [[rule]]
        layer = "layer1"
        format = "{{first}}"
    "#;
    fs::write(dir.join("per-layer.toml"), template).unwrap();
    fs::write(dir.join("plain.toml"), "[[rule]]\nformat = \"bf16\"\n").unwrap();
    let path = dir.join("sweep.toml");
    fs::write(&path, file).unwrap();
    let (table, words) = in_root(&dir, &["sweep", &path.to_string_lossy()]);
    assert!(words.contains("18 of 18 trials; 18 run now"), "{table}{words}");
    let rows: Vec<&str> = table.lines().skip(1).collect();
    for words in ["mlp", "first e8m7, rest e4m3", "default", " %"] {
        assert!(rows[0].contains(words), "{table}");
    }
    assert!(
        rows[16].contains("plain.toml") && rows[17].contains("layer2  e3m2"),
        "{table}"
    );
    // What a policy was made of stands in the table instead of its file.
    assert!(
        !table.contains("per-layer") && !table.contains("failed"),
        "{table}"
    );
}

#[test]
fn layers_are_swept_one_at_a_time() {
    let dir = folder("sweep_layers");
    let layers = [
        "sweep",
        "mlp",
        "--images",
        "20",
        "--layer",
        "layer1,layer2,layer9",
    ];
    let csv = dir.join("all.csv");
    let more = ["--format", "none,e3m2", "--csv", &csv.to_string_lossy()];
    let (table, words) = in_root(&dir, &[&layers[..], &more[..]].concat());
    // As compiled there is one trial, whichever layer is meant; what is no layer of the program fails.
    assert!(words.contains("4 of 4 trials, 1 failed"), "{table}{words}");
    let failed = table.lines().find(|l| l.contains("failed: "));
    assert!(failed.is_some_and(|l| l.contains("layer9")), "{table}");
    let csv = fs::read_to_string(csv).unwrap();
    let command = format!(
        "vernier run {}/programs/mlp --stage test --policy {}/policies/layer1-e3m2-",
        root().display(),
        dir.display()
    );
    assert!(csv.contains(&command), "{csv}");
}

#[test]
fn two_sweeps_at_once_share_the_work() {
    let dir = toy("sweep_two", "0.05");
    // Built before, so that both begin at once.
    assert!(
        run(&dir, &["run", "toy", "--stage", "build", "--no-record"])
            .status
            .success()
    );
    let mut both = [start(&dir, &["--jobs", "1"]), start(&dir, &["--jobs", "2"])];
    assert!(both.iter_mut().all(|c| c.wait().unwrap().success()));
    assert_eq!(log(&dir).len(), 10);
}

#[test]
fn what_cannot_be_swept_is_refused() {
    let dir = toy("sweep_bad", "0");
    let cases: [&[&str]; 11] = [
        &["sweep"],
        &["sweep", "toy", "--format", "bf17"],
        &["sweep", "tou", "--format", "bf16"],
        &["sweep", "toy", "--exponent", "5"],
        &[
            "sweep",
            "toy",
            "--exponent",
            "5",
            "--significand",
            "2",
            "--format",
            "bf16",
        ],
        &["sweep", "toy", "--exponent", "9..x", "--significand", "2"],
        &["sweep", "toy", "--stage", "build,test"],
        &["sweep", "missing.toml"],
        &["sweep", "--resume"],
        &["sweep", "toy", "--format", "bf16", "--weights", "nowhere"],
        &["store", "export", "-o", "trials.txt"],
    ];
    let texts = cases.map(|args| format!("$ vernier {}\n{}", args.join(" "), report(&run(&dir, args), &dir)));
    insta::assert_snapshot!(texts.join("\n\n"));
    fs::write(dir.join("sweep.toml"), "program = \"toy\"\nfromat = \"bf16\"\n").unwrap();
    insta::assert_snapshot!("bad_file", report(&run(&dir, &["sweep", "sweep.toml"]), &dir));
    fs::write(
        dir.join("programs/toy/Makefile"),
        "toy:\n\t@echo no compiler >&2; exit 4\n",
    )
    .unwrap();
    fs::remove_file(dir.join("programs/toy/toy")).unwrap_or_default();
    let output = run(&dir, &["sweep", "toy", "--format", "bf16"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no compiler"));
}
