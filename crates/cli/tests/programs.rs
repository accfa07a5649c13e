//! End to end: programs built by nvcc, run through our library, as a user does it.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use support::{folder, nvcc, root, vernier};

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Every test program checks its own results and prints PASS.
#[test]
fn all_test_programs_pass() {
    let dir = folder("test_programs");
    // Kept between runs: make builds only what changed.
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    let nvcc = format!("NVCC={}", nvcc().display());
    let made = Command::new("make")
        .args(["-s", "-j2", "-C"])
        .arg(root().join("programs/tests"))
        .arg(format!("OUT={}", out.display()))
        .arg(nvcc)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made));
    let mut failed = Vec::new();
    let mut names: Vec<_> = fs::read_dir(out.join("bin"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.sort();
    assert!(names.len() >= 20);
    for binary in names {
        let mut command = vernier(&dir);
        command.env("VERNIER_PTX_OUT", "none").args([
            "exec",
            "--no-record",
            "--quiet",
            "--timeout",
            "120",
            "--",
        ]);
        let output = command.arg(&binary).output().unwrap();
        if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains("PASS") {
            failed.push(format!("{}: {}", binary.display(), text(&output)));
        }
    }
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Runs a program on a few images, with more arguments; returns the JSON summary and all output.
fn run_program(dir: &Path, program: &str, images: &str, args: &[&str]) -> (serde_json::Value, String) {
    let mut command = vernier(dir);
    command
        .env("VERNIER_TEST_IMAGES", images)
        .env("VERNIER_TRAIN_IMAGES", images)
        .env("VERNIER_PTX_OUT", "none");
    command
        .arg("run")
        .arg(root().join("programs").join(program))
        .args(["--json", "result.json"])
        .args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let json = serde_json::from_str(&fs::read_to_string(dir.join("result.json")).unwrap()).unwrap();
    (json, text(&output))
}

#[test]
fn mlp_in_every_named_format() {
    let dir = folder("mlp_formats");
    let accuracy = |args: &[&str]| {
        let (json, output) = run_program(&dir, "mlp", "500", args);
        (json["accuracy_percent"].as_f64().unwrap(), json, output)
    };
    let (plain, json, _) = accuracy(&[]);
    assert!(plain > 94.0, "{plain}");
    assert_eq!(json["variable_instructions"], 0);
    for (format, least) in [
        ("fp32", 94.0),
        ("tf32", 94.0),
        ("bf16", 93.0),
        ("fp16", 94.0),
        ("e5m2", 40.0),
        ("e4m3", 20.0),
    ] {
        let (accuracy, json, output) = accuracy(&["--format", format]);
        assert!(accuracy >= least, "{format}: {accuracy}");
        assert!(json["variable_instructions"].as_u64().unwrap() > 1_000_000);
        let overridden = json["overridden"].as_array().unwrap();
        assert!(!overridden.is_empty());
        assert!(
            output.contains(&format!("overridden with format {format}: ")),
            "{output}"
        );
    }
}

/// What a run keeps of each answer is what its program said in all, and two runs are compared by it.
#[test]
fn answers_of_two_runs_are_compared() {
    let dir = folder("answers");
    for (program, images) in [("mlp", "500"), ("charlm", "2")] {
        let runs = [&[][..], &["--format", "e5m2"]].map(|args| {
            let (json, _) = run_program(&dir, program, images, args);
            (
                json["record"].as_str().unwrap().to_string(),
                json["correct"][0].clone(),
            )
        });
        let mut command = vernier(&dir);
        command.args(["compare", &runs[0].0, &runs[1].0, "--json", "c.json"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let said = text(&output);
        for what in ["as compiled", "e5m2"] {
            assert!(said.contains(&format!("({program}, {what})")), "{said}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(dir.join("c.json")).unwrap()).unwrap();
        assert_eq!(
            (&json["first"]["correct"], &json["second"]["correct"]),
            (&runs[0].1, &runs[1].1)
        );
        assert!(
            json["comparison"]["only_first"]
                .as_array()
                .is_some_and(|a| !a.is_empty()),
            "{said}"
        );
    }
    // A place where nothing can be written ends the program.
    let weights = root().join("programs/mlp/weights.bin");
    let mut command = vernier(&dir);
    command
        .env("VERNIER_TEST_IMAGES", "10")
        .env("VERNIER_PTX_OUT", "none")
        .env("VERNIER_ANSWERS", "/dev/full")
        .args(["exec", "--no-record", "--"])
        .arg(root().join("programs/mlp/mlp"))
        .args(["-test".as_ref(), weights.as_os_str()]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains("error: /dev/full: cannot write the answers (VERNIER_ANSWERS): No space left"),
        "{said}"
    );
}

#[test]
fn training_then_more_training_then_a_test() {
    let dir = folder("training");
    let data = vernier(&dir).args(["data", "mnist"]).output().unwrap();
    assert!(data.status.success(), "{}", text(&data));
    let loss = |output: &str| {
        let losses = output
            .lines()
            .filter_map(|l| l.split_once("loss ")?.1.split(' ').next()?.parse::<f64>().ok());
        losses.collect::<Vec<f64>>()
    };
    let (_, first) = run_program(
        &dir,
        "mlp",
        "2000",
        &["--stage", "build,train", "--epochs", "1", "--weights", "out"],
    );
    let more = [
        "--stage",
        "train,test",
        "--start-epoch",
        "1",
        "--end-epoch",
        "2",
        "--weights-in",
        "out",
        "--weights-out",
        "two",
    ];
    let (json, second) = run_program(&dir, "mlp", "2000", &more);
    let (first, second) = (loss(&first), loss(&second));
    assert!(second.last() < first.first(), "{first:?} {second:?}");
    assert!(json["accuracy_percent"].as_f64().unwrap() > 60.0);
    assert!(dir.join("out").is_file() && dir.join("two").is_file());
}

#[test]
fn performance_simulation_gives_the_same_answers_and_cycles() {
    let dir = folder("cycles");
    run_program(&dir, "mlp", "10", &["--stage", "build"]);
    let config = root().join("configs/SM75_RTX2060");
    let config = config.to_string_lossy();
    let test = ["--stage", "test", "--config", &config, "--runs", "records"];
    let (functional, _) = run_program(&dir, "mlp", "10", &test);
    let (json, output) = run_program(
        &dir,
        "mlp",
        "10",
        &[&test[..], &["--mode", "performance"]].concat(),
    );
    for same in [
        "accuracy_percent",
        "launches",
        "thread_instructions",
        "variable_instructions",
    ] {
        assert_eq!(json[same], functional[same], "{same}");
    }
    assert!(functional["cycles"].is_null());
    let cycles = json["cycles"].as_array().expect("a list");
    assert!(!cycles.is_empty());
    for kernel in cycles {
        let number = |name: &str| kernel[name].as_u64().expect("a number");
        assert!(number("cycles") > 100 * number("launches"), "{kernel}");
        assert!(
            number("warp_instructions") > 0 && number("l2_accesses") > 0,
            "{kernel}"
        );
    }
    assert!(output.contains("simulated cycles"), "{output}");
}

#[test]
fn ptx_edited_by_hand_is_read_from_a_folder() {
    let dir = folder("edited");
    run_program(&dir, "mlp", "100", &["--stage", "build"]);
    let binary = root().join("programs/mlp/mlp");
    let dump = vernier(&dir)
        .args(["ptx", "dump", "-o", "ptx"])
        .arg(&binary)
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", text(&dump));
    for entry in fs::read_dir(dir.join("ptx")).unwrap() {
        let path = entry.unwrap().path();
        let ptx = fs::read_to_string(&path).unwrap();
        assert!(ptx.contains("fma.rn.f32"));
        fs::write(&path, ptx.replace("fma.rn.f32", "fmam.rn.vf32")).unwrap();
    }
    let args = [
        "--stage", "test", "--ptx", "ptx", "--format", "bf16", "--runs", "records",
    ];
    let (json, output) = run_program(&dir, "mlp", "500", &args);
    assert!(json["accuracy_percent"].as_f64().unwrap() > 93.0);
    assert!(json["variable_instructions"].as_u64().unwrap() > 1_000_000);
    assert_eq!(
        json["format"]["override"], "",
        "edited files say what is variable: {output}"
    );
    // The same by the configuration, with the edited file beside the program.
    let work = dir.join("program");
    fs::create_dir(&work).unwrap();
    for entry in fs::read_dir(dir.join("ptx")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, work.join(path.file_name().unwrap())).unwrap();
    }
    fs::write(work.join("gpgpusim.config"), "-gpgpu_generate_ptx 0\n").unwrap();
    let mut command = vernier(&work);
    command.env("VERNIER_TEST_IMAGES", "500").args([
        "exec",
        "--format",
        "bf16",
        "--json",
        "result.json",
        "--",
    ]);
    let output = command
        .arg(&binary)
        .arg("-test")
        .arg(root().join("programs/mlp/weights.bin"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let again: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(work.join("result.json")).unwrap()).unwrap();
    for key in ["accuracy_percent", "thread_instructions", "variable_instructions"] {
        assert_eq!(json[key], again[key], "{key}");
    }
}

#[test]
fn formats_change_between_launches() {
    let dir = folder("setenv");
    let binary = support::compile("setenv.cu", "setenv", support::SHARED);
    let mut command = vernier(&dir);
    command.env("VERNIER_PTX_OUT", "none").args([
        "exec",
        "--no-record",
        "--quiet",
        "--override",
        "vf32",
        "--",
    ]);
    let output = command.arg(binary).output().unwrap();
    let formats = ["fp32", "bf16", "e5m2", "fp16"];
    let products = formats.map(|format| {
        let output = support::run(&dir, &["eval", "mul", format, "1.1", "1.3"]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .next()
            .unwrap()
            .split_whitespace()
            .last()
            .unwrap()
            .to_string()
    });
    let [fp32, bf16, e5m2, fp16] = products;
    // A format that is none fails that launch only, and leaves memory as it was.
    let expected = format!(
        "cudaSuccess {fp32}\ncudaSuccess {bf16}\ncudaSuccess {e5m2}\ncudaErrorInvalidValue {e5m2}\ncudaSuccess {fp16}\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a launch failed: {}",
        text(&output)
    );
}

/// A language model learns, and goes on learning: fewer nats per character in each run.
#[test]
fn a_language_model_trains_and_reads() {
    let dir = folder("charlm");
    let loss = |args: &[&str]| {
        let (_, output) = run_program(&dir, "charlm", "64", args);
        let line = output.lines().find_map(|l| l.strip_prefix("loss: ")).unwrap();
        line.split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let first = loss(&["--stage", "build,train,test", "--epochs", "1", "--weights", "w"]);
    let more = [
        "--stage",
        "train,test",
        "--start-epoch",
        "1",
        "--end-epoch",
        "3",
        "--weights",
        "w",
    ];
    let second = loss(&more);
    let trained = loss(&["--stage", "test"]);
    let untrained = 64f64.ln(); // of 64 characters, each as likely
    assert!(
        first < untrained && second < first && trained < 0.7,
        "{first} {second} {trained}"
    );
}

/// What the same binaries with the same weights got on an NVIDIA H200 (programs/README.md), to within 3 answers.
#[test]
fn accuracy_is_that_of_a_real_gpu() {
    let dir = folder("real_gpu");
    let on_gpu = [
        ("mlp", "10000", 9782.0, 10000.0),
        ("cnn", "10000", 9891.0, 10000.0),
        ("charlm", "128", 12699.0, 16384.0),
    ];
    for (program, images, correct, all) in on_gpu {
        let (json, output) = run_program(&dir, program, images, &["--no-record"]);
        let ours = json["accuracy_percent"].as_f64().unwrap() * all / 100.0;
        assert!(
            (ours - correct).abs() < 3.5,
            "{program}: {ours} of {correct}\n{output}"
        );
    }
}
