//! `vernier layers`: the layers of the programs here and of programs that are no networks.

mod support;

use std::fmt::Write;
use std::fs;
use support::{SHARED, compile, folder, root, vernier};

/// The rows of the first cycle that `vernier layers` finds: layer, phase, kernel, blocks, threads.
fn table(test: &str, args: &[&str]) -> String {
    let dir = folder(test);
    let json = dir.join("found.json");
    let mut command = vernier(&root());
    command.arg("layers").args(args).arg("--json").arg(&json);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let found: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let cycle = &found["cycles"][0];
    assert!(cycle["repeats"].as_u64().unwrap() > 1, "{found}");
    let mut table = String::new();
    for row in cycle["rows"].as_array().unwrap() {
        let word = |key: &str| row[key].as_str().unwrap_or("-").to_string();
        let _ = writeln!(
            table,
            "{:7} {:9} {:25} {:12} {}",
            word("layer"),
            word("phase"),
            word("kernel"),
            row["grid"].to_string(),
            row["block"]
        );
    }
    table
}

#[test]
fn a_perceptron() {
    insta::assert_snapshot!("mlp_test", table("layers_mlp_test", &["mlp"]));
    let train = table(
        "layers_mlp_train",
        &["mlp", "--stage", "train", "--launches", "100"],
    );
    insta::assert_snapshot!("mlp_train", train);
}

#[test]
fn a_convolutional_network() {
    insta::assert_snapshot!("cnn_test", table("layers_cnn_test", &["cnn", "--launches", "40"]));
    let train = table(
        "layers_cnn_train",
        &["cnn", "--stage", "train", "--launches", "160"],
    );
    insta::assert_snapshot!("cnn_train", train);
}

#[test]
fn a_transformer() {
    let train = table(
        "layers_charlm_train",
        &["charlm", "--stage", "train", "--launches", "240"],
    );
    insta::assert_snapshot!("charlm_train", train);
}

/// What `vernier run` says of mlp on 1000 images under a policy.
fn under(test: &str, policy: &str) -> String {
    let dir = folder(test);
    fs::write(dir.join("policy.toml"), policy).unwrap();
    let mut command = vernier(&root());
    command
        .env("VERNIER_TEST_IMAGES", "1000")
        .args(["run", "mlp", "--no-record", "--policy"]);
    let output = command.arg(dir.join("policy.toml")).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    format!("{}{words}", String::from_utf8_lossy(&output.stdout))
}

#[test]
fn rules_of_layers_hold_in_the_launches_of_the_layers() {
    let rule = |selector: &str, format: &str| {
        format!("[[rule]]\n{selector}\nclass = \"fma\"\nformat = \"{format}\"\n")
    };
    let layers =
        rule("layer = \"layer1\"", "e5m2") + &rule("layer = \"layer3\"\nphase = \"forward\"", "e4m3");
    let every =
        |offset: u32| format!("kernel = \"linear_forward\"\nlaunch = {{ every = 3, offset = {offset} }}");
    let launches = rule(&every(0), "e5m2") + &rule(&every(2), "e4m3");
    let correct = |text: &str| {
        let line = text.lines().find(|l| l.starts_with("correct: "));
        line.unwrap_or_else(|| panic!("{text}")).to_string()
    };
    let by_layer = correct(&under("layers_by_layer", &layers));
    assert_eq!(by_layer, correct(&under("layers_by_launch", &launches)));
    assert_ne!(
        by_layer,
        correct(&under("layers_one", &rule("layer = \"layer2\"", "e5m2")))
    );
    let none = under("layers_unknown", &rule("layer = \"layer7\"", "e5m2"));
    for part in [
        "the program has no such layer: it has layer1, layer2, layer3",
        "policy.toml:1",
    ] {
        assert!(none.contains(part), "{part}: {none}");
    }
    // It is said before the program runs.
    assert!(!none.contains("correct: "), "{none}");
}

#[test]
fn a_program_without_layers_says_what_was_seen() {
    let dir = folder("layers_none");
    let binary = compile("sums.cu", "sums", &[SHARED, &["-lineinfo"]].concat());
    let mut command = vernier(&dir);
    command.env("VERNIER_CACHE", dir.join("cache"));
    let output = command
        .args(["layers", "--no-times", "--"])
        .arg(&binary)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("launches, no repetition seen") || text.contains("repeated"),
        "{text}"
    );
    assert_eq!(fs::read_dir(dir.join("cache/layers")).unwrap().count(), 1);
}

#[test]
fn a_program_that_launches_nothing_is_an_error() {
    let dir = folder("layers_nothing");
    let output = vernier(&dir).args(["profile", "--", "true"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("no process of true loaded Vernier's libcudart.so"),
        "{text}"
    );
    // The old name works, and says the new one.
    assert!(
        text.starts_with("vernier: `vernier profile` is called `vernier layers` now"),
        "{text}"
    );
    let output = vernier(&root())
        .args(["layers", "mlp", "--stage", "build"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
