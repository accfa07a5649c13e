//! What counts as a result and what does not: programs that never got the library, accuracies in other words, time limits,
//! outputs that nobody reads, stores that are none.

mod support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::{SHARED, compile, folder, log, nvcc, run, scripted, toy, vernier};

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn looped() -> PathBuf {
    compile("looped.cu", "looped", SHARED)
}

/// Runs `vernier` without a record and without writing PTX.
fn exec(dir: &Path, options: &[&str], binary: &Path, args: &[&str]) -> Output {
    let mut command = vernier(dir);
    command.env("VERNIER_PTX_OUT", "none");
    command.arg("exec").arg("--no-record").args(options).arg("--");
    command.arg(binary).args(args).output().unwrap()
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_run_without_the_library_is_no_result() {
    let dir = folder("without_library");
    // A program that uses no CUDA.
    let plain = dir.join("plain");
    script(&plain, "#!/bin/sh\necho 'accuracy: 97.00%'\n");
    let output = exec(&dir, &["--format", "bf16"], &plain, &[]);
    let said = words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "no process of plain loaded Vernier's libcudart.so",
        "is a script or another wrapper",
        "= help: what it starts must keep LD_LIBRARY_PATH and VERNIER_RUN_DIR",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("accuracy  "), "{said}");

    // A real library that comes first.
    let real = nvcc().parent().unwrap().join("../lib").canonicalize().unwrap();
    let rpath = format!("-rpath={}", real.display());
    let linker = ["-Xlinker", &rpath, "-Xlinker", "--disable-new-dtags"];
    let binary = compile("looped.cu", "looped_rpath", &[SHARED, &linker[..]].concat());
    let binary_text = binary.display().to_string();
    let all: [&[&str]; 3] = [
        &["exec", "--no-record", "--format", "bf16", "--", &binary_text],
        &["explain", &binary_text, "--format", "bf16"],
        &["layers", "--", &binary_text],
    ];
    for args in all {
        let output = run(&dir, args);
        let said = words(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for part in [
            "would load ",
            "/libcudart.so.13 instead of Vernier's",
            "its DT_RPATH (",
            "--enable-new-dtags",
        ] {
            assert!(said.contains(part), "{args:?}: {part}: {said}");
        }
        assert_eq!(printed(&output), "", "{args:?}");
    }

    // A wrapper that passes its environment on is none of these.
    let wrapper = dir.join("wrapper");
    script(&wrapper, &format!("#!/bin/sh\n{}\n", looped().display()));
    let output = exec(&dir, &["--format", "bf16"], &wrapper, &[]);
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("98.71 %"), "{}", words(&output));
}

#[test]
fn a_sweep_and_a_search_of_what_never_loads_the_library_keep_no_result() {
    let dir = toy("sweep_without_library", "0");
    let home = dir.join("programs/toy");
    let script = fs::read_to_string(home.join("toy.sh")).unwrap();
    let without = script
        .lines()
        .filter(|l| !l.contains("RUN_DIR"))
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(home.join("toy.sh"), without).unwrap();
    let output = run(
        &dir,
        &["sweep", "toy", "--format", "bf16,e5m2", "--csv", "all.csv"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(
        said.contains("all trials failed; the first: no process of toy loaded"),
        "{said}"
    );
    assert!(!printed(&output).contains(" %"), "{}", printed(&output));
    let csv = fs::read_to_string(dir.join("all.csv")).unwrap();
    assert!(csv.contains(",failed,") && !csv.contains(",done,"));
    let output = run(&dir, &["search", "toy", "--loss", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words(&output).contains("no process of toy loaded"),
        "{}",
        words(&output)
    );
}

#[test]
fn a_program_without_kernels_is_not_statically_linked() {
    let dir = folder("host_only");
    let binary = compile("looped.cu", "host_only", &[SHARED, &["-DHOST_ONLY"]].concat());
    let output = exec(&dir, &[], &binary, &[]);
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(printed(&output), "devices: 1\naccuracy: 50%\n");
    // It loads the library, but none of its results can be of a format.
    let output = exec(&dir, &["--format", "bf16"], &binary, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words(&output).contains("host_only printed results but launched no kernel"),
        "{}",
        words(&output)
    );
}

#[test]
fn a_time_limit_keeps_what_was_counted() {
    let dir = folder("time_limit_counts");
    let output = exec(
        &dir,
        &["--timeout", "2", "--json", "out.json"],
        &looped(),
        &["for", "ever"],
    );
    assert_eq!(output.status.code(), Some(124), "{}", words(&output));
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("out.json")).unwrap()).unwrap();
    let launches = json["launches"].as_u64().unwrap();
    assert!(launches > 3, "{launches}");
    assert_eq!(json["kernels"][0]["launches"], launches);
    assert_eq!(json["thread_instructions"].as_u64().unwrap() % launches, 0);
    assert_eq!(json["accuracy_percent"], 98.71);
}

#[test]
fn an_output_that_nobody_takes_is_no_panic() {
    let dir = toy("closed_output", "0");
    let looped = looped().display().to_string();
    let commands: [&[&str]; 10] = [
        &["--help"],
        &["format"],
        &["format", "bf16", "--export"],
        &["eval", "add", "bf16", "1", "2"],
        &["explain", &looped, "--format", "bf16"],
        &["ptx", "dump", &looped],
        &["layers", "--no-times", "--json", "profile.json", "--", &looped],
        &["sweep", "toy", "--format", "bf16", "--csv", "sweep.csv"],
        &["store", "export"],
        &["exec", "--no-record", "--json", "exec.json", "--", &looped],
    ];
    for args in commands {
        let full = || Stdio::from(File::create("/dev/full").unwrap());
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        for (stdout, code) in [(full(), 1), (closed.into(), 141)] {
            let mut command = vernier(&dir);
            command.env("VERNIER_PTX_OUT", "none").args(args);
            let output = command.stdout(stdout).stderr(Stdio::piped()).output().unwrap();
            let said = words(&output);
            assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
            assert!(!said.contains("panicked"), "{args:?}: {said}");
            assert_eq!(
                code == 1,
                said.contains("cannot write to standard output"),
                "{args:?}: {said}"
            );
        }
        // The work is done; nobody can be told that standard error is full.
        let mut command = vernier(&dir);
        command.env("VERNIER_PTX_OUT", "none").args(args).stderr(full());
        assert_eq!(
            command.stdout(Stdio::null()).status().unwrap().code(),
            Some(0),
            "{args:?}"
        );
    }
    for name in ["profile.json", "sweep.csv", "exec.json"] {
        assert!(fs::metadata(dir.join(name)).is_ok_and(|m| m.len() > 0), "{name}");
    }
    // A stream without an end ends with its reader.
    let line = "yes 'add bf16 1 2' | \"$0\" eval --batch | head -1";
    let output = Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_vernier")])
        .output()
        .unwrap();
    assert_eq!(printed(&output), "0x40400000\n");
}

#[test]
fn accuracies_in_other_words_are_results() {
    let script = "#!/bin/sh\nif [ \"$1\" = -test ]; then echo 'score 3 from 4'; echo 'E=0.125'; fi\n";
    let dir = scripted("other_words", script);
    // Nothing in the program sounds like a result: that is said before the first trial.
    let output = run(&dir, &["sweep", "toy", "--format", "bf16"]);
    let said = words(&output);
    let (warned, ran) = (
        said.find("toy holds no text about accuracy"),
        said.find("1 trials to run"),
    );
    assert!(warned.is_some() && warned < ran, "{said}");
    let flags = [
        "--accuracy-pattern",
        r"score (\d+) from (\d+)",
        "--loss-pattern",
        "E=([0-9.]+)",
    ];
    let output = run(
        &dir,
        &[&["run", "toy", "--json", "out.json"], &flags[..]].concat(),
    );
    assert!(output.status.success(), "{}", words(&output));
    let text = fs::read_to_string(dir.join("out.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&json["accuracy_percent"], &json["loss"]),
        (&75.0.into(), &0.125.into())
    );
    let output = run(
        &dir,
        &[&["sweep", "toy", "--format", "bf16"], &flags[..]].concat(),
    );
    assert!(printed(&output).contains("75.00 %"), "{}", printed(&output));
    assert!(!words(&output).contains("holds no text"), "{}", words(&output));
    // The same in the program's own file, which makes it another trial than the one that was not heard.
    let toml = "weights = \"weights\"\n[output]\naccuracy = 'score (\\d+) from (\\d+)'\n";
    fs::write(dir.join("programs/toy/vernier.toml"), toml).unwrap();
    let output = run(&dir, &["sweep", "toy", "--format", "bf16"]);
    assert!(printed(&output).contains("75.00 %"), "{}", printed(&output));
}

#[test]
fn reading_commands_leave_files_as_they_are() {
    let dir = toy("read_only_store", "0");
    assert!(run(&dir, &["sweep", "toy", "--format", "bf16"]).status.success());
    let names = || {
        let mut names: Vec<_> = fs::read_dir(dir.join("runs"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let (before, bytes) = (names(), fs::read(dir.join("runs/lab.db")).unwrap());
    for args in [
        &["store", "sweeps"][..],
        &["store", "export"],
        &["report", "-o", "page.html"],
    ] {
        let output = run(&dir, args);
        assert!(output.status.success(), "{args:?}: {}", words(&output));
        assert_eq!(names(), before, "{args:?}");
    }
    assert_eq!(fs::read(dir.join("runs/lab.db")).unwrap(), bytes);
    // The command of a sweep can be typed anywhere.
    let sweeps = printed(&run(&dir, &["store", "sweeps"]));
    assert!(
        sweeps.contains(&format!(
            "cd {} && vernier sweep toy --format bf16",
            dir.display()
        )),
        "{sweeps}"
    );
}

#[test]
fn a_sweep_file_names_its_program_from_where_it_lies_and_commands_run_from_anywhere() {
    let dir = toy("sweep_paths", "0");
    let elsewhere = folder("sweep_paths_elsewhere");
    for (name, program) in [("path.toml", "programs/toy"), ("name.toml", "toy")] {
        fs::write(
            dir.join(name),
            format!("program = \"{program}\"\nformat = \"bf16\"\n"),
        )
        .unwrap();
        let file = dir.join(name).display().to_string();
        let output = run(&elsewhere, &["sweep", &file, "--json", "out.json"]);
        assert!(output.status.success(), "{name}: {}", words(&output));
        assert!(printed(&output).contains("toy      bf16"), "{}", printed(&output));
    }
    // Both are one trial.
    assert_eq!(log(&dir).len(), 1);
    let text = fs::read_to_string(elsewhere.join("out.json")).unwrap();
    let trials: serde_json::Value = serde_json::from_str(&text).unwrap();
    let command = trials[0]["command"].as_str().unwrap();
    let command = command.replacen("vernier", env!("CARGO_BIN_EXE_vernier"), 1) + " --no-record";
    let output = Command::new("sh")
        .args(["-c", &command])
        .current_dir("/")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {}", words(&output));
    assert_eq!(log(&dir).len(), 2);
}

#[test]
fn cleanup_removes_what_vernier_made_and_nothing_else() {
    let dir = scripted("cleanup", "#!/bin/sh\necho 'accuracy: 50%'\n");
    let home = dir.join("programs/toy");
    let makefile = fs::read_to_string(home.join("Makefile")).unwrap() + "clean:\n\trm -rf ./*\n";
    fs::write(home.join("Makefile"), makefile).unwrap();
    fs::copy(looped(), home.join("kernel")).unwrap();
    let stages = ["--stage", "build,test,cleanup", "--program", "kernel"];
    let output = run(&dir, &[&["run", "toy"], &stages[..]].concat());
    assert!(output.status.success(), "{}", words(&output));
    let said = words(&output);
    assert!(
        said.contains("removed ") && said.contains("kernel.1.sm_75.ptx"),
        "{said}"
    );
    let mut left: Vec<_> = fs::read_dir(&home)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["Makefile", "kernel", "toy", "toy.sh", "vernier.toml", "weights"]
    );
    assert!(!dir.join("runs").exists());
    // Who asks for the program's own `make clean` gets it.
    let output = run(&dir, &["run", "toy", "--stage", "cleanup", "--clean-build"]);
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
}

#[test]
fn a_missing_binary_names_those_that_are_there() {
    let dir = scripted("named_binary", "#!/bin/sh\n");
    let home = dir.join("programs/toy");
    fs::create_dir(home.join("bin")).unwrap();
    fs::copy(looped(), home.join("bin/classify")).unwrap();
    let output = run(&dir, &["run", "toy", "--stage", "test"]);
    let said = words(&output);
    assert!(
        said.contains("there are bin/classify: name the one that is meant with --program"),
        "{said}"
    );
    let output = run(
        &dir,
        &[
            "run",
            "toy",
            "--stage",
            "test",
            "--program",
            "bin/classify",
            "--no-record",
        ],
    );
    assert!(words(&output).contains("98.71 %"), "{}", words(&output));
}

#[test]
fn records_are_for_their_user_alone() {
    let dir = scripted("private_records", "#!/bin/sh\necho 'accuracy: 50%'\n");
    assert!(run(&dir, &["run", "toy"]).status.success());
    let record = fs::read_dir(dir.join("runs")).unwrap().next().unwrap().unwrap();
    assert_eq!(record.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_wheel_that_is_not_what_it_was_is_refused() {
    let dir = folder("spoilt_wheel");
    // An index of our own, on which the first wheel has other contents.
    fs::create_dir(dir.join("wheels")).unwrap();
    fs::write(
        dir.join("wheels/nvidia_cuda_nvcc-13.5.37-py3-none-any.whl"),
        "spoilt",
    )
    .unwrap();
    let mut command = vernier(&dir);
    command
        .env("VERNIER_CACHE", dir.join("cache"))
        .env_remove("CUDA_HOME")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", dir.join("wheels"))
        .arg("toolchain");
    let path = std::env::var("PATH").unwrap_or_default();
    let without_nvcc = path.split(':').filter(|d| !Path::new(d).join("nvcc").exists());
    let output = command
        .env("PATH", without_nvcc.collect::<Vec<_>>().join(":"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = words(&output);
    assert!(said.contains("DO NOT MATCH THE HASHES"), "{said}");
}
