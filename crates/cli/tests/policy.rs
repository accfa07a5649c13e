//! Precision policies through the command: they reproduce PTX edited by hand after every launch, `explain` and
//! `ptx override` say and write what a run does, and bad ones are told with their line. The examples of
//! docs/policy.md are run.

mod support;

use record::Event;
use std::fs;
use std::path::Path;
use support::{SHARED, compile, folder, plain, report, root, run, vernier};

/// The digests of device memory after each launch of a run, stage by stage, with the names of the kernels.
fn digests(dir: &Path, program: &str, env: &[(&str, &str)], args: &[&str]) -> Vec<(String, String)> {
    let runs = dir.join("runs");
    let _ = fs::remove_dir_all(&runs);
    let output = vernier(dir)
        .envs([
            ("VERNIER_TEST_IMAGES", "60"),
            ("VERNIER_TRAIN_IMAGES", "128"),
            ("VERNIER_PTX_OUT", "none"),
            ("VERNIER_DIGEST", "1"),
        ])
        .envs(env.iter().copied())
        .arg("run")
        .arg(root().join("programs").join(program))
        .args(["--runs", "runs"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", report(&output, dir));
    let mut found = Vec::new();
    let record = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    for stage in ["train", "test"].map(|s| record.join(s)) {
        let files = fs::read_dir(stage)
            .into_iter()
            .flatten()
            .flatten()
            .map(|f| f.path());
        for file in files.filter(|f| f.extension().is_some_and(|e| e == "jsonl")) {
            for event in Event::read(&fs::read_to_string(file).unwrap()).unwrap() {
                if let Event::Digest(digest) = event {
                    found.push((digest.kernel, digest.memory));
                }
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn build(dir: &Path, program: &str) {
    let path = root().join("programs").join(program);
    let output = run(
        dir,
        &["run", &path.to_string_lossy(), "--stage", "build", "--no-record"],
    );
    assert!(output.status.success(), "{}", report(&output, dir));
}

/// The PTX of a program, in a folder; the text and its path.
fn dumped(dir: &Path, program: &str) -> (String, std::path::PathBuf) {
    let binary = root().join("programs").join(program).join(program);
    let ptx = dir.join("ptx");
    let output = run(
        dir,
        &[
            "ptx",
            "dump",
            &binary.to_string_lossy(),
            "-o",
            &ptx.to_string_lossy(),
        ],
    );
    assert!(output.status.success(), "{}", report(&output, dir));
    let path = ptx.join(format!("{program}.1.sm_75.ptx"));
    (fs::read_to_string(&path).unwrap(), path)
}

/// Edits the lines of the kernels whose name begins with `kernel`, as sed would.
fn sed(text: &str, kernel: &str, from: &str, to: &str) -> String {
    let mut inside = false;
    let lines = text.lines().map(|line| {
        inside |= line.contains(&format!(".entry {kernel}"));
        let edited = if inside {
            line.replace(from, to)
        } else {
            line.into()
        };
        inside &= !line.starts_with('}');
        edited
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_policy_reproduces_edited_ptx_after_every_launch() {
    for (program, kernel) in [("mlp", "linear_"), ("cnn", "conv")] {
        let dir = folder(&format!("policy_by_hand_{program}"));
        build(&dir, program);
        let (text, path) = dumped(&dir, program);
        fs::write(&path, sed(&text, kernel, "fma.rn.f32", "fmam.rn.vf32")).unwrap();
        let by_hand = digests(
            &dir,
            program,
            &[],
            &["--stage", "test", "--ptx", "ptx", "--format", "e5m2"],
        );

        let policy = format!(
            "[[rule]]\nkernel = \"{kernel}*\"\nclass = \"fma\"\nformat = \"e5m2\"\naccumulate = \"fp32\"\n"
        );
        fs::write(dir.join("p.toml"), policy).unwrap();
        let by_policy = digests(&dir, program, &[], &["--stage", "test", "--policy", "p.toml"]);
        assert_eq!(by_policy, by_hand, "{program}");

        let plain = digests(&dir, program, &[], &["--stage", "test"]);
        assert_ne!(plain, by_policy, "{program}");
    }
}

#[test]
fn text_written_by_override_runs_as_the_policy_does() {
    let dir = folder("policy_as_text");
    build(&dir, "mlp");
    let data = run(&dir, &["data", "mnist"]);
    assert!(data.status.success(), "{}", report(&data, &dir));
    let policy = "[[rule]]\nformat = \"e5m2\"\naccumulate = \"fp32\"\n[[rule]]\nkernel = \"linear_forward\"\nclass = \"accumulate\"\n\
                  format = \"e4m3\"\n[[rule]]\nkernel = \"softmax*\"\nclass = [\"add\", \"div\"]\nformat = \"p12_n60_60\"\nrounding = \"rz\"\n\
                  [[rule]]\nkernel = \"adam*\"\nformat = \"leave\"\n";
    fs::write(dir.join("p.toml"), policy).unwrap();
    let mlp = root().join("programs/mlp");
    let written = run(
        &dir,
        &[
            "ptx",
            "override",
            &mlp.to_string_lossy(),
            "--policy",
            "p.toml",
            "-o",
            "ptx",
        ],
    );
    assert!(written.status.success(), "{}", report(&written, &dir));
    let stages = ["--stage", "train,test", "--epochs", "1", "--weights", "w.bin"];
    let as_text = digests(&dir, "mlp", &[], &[&stages[..], &["--ptx", "ptx"]].concat());
    let as_policy = digests(&dir, "mlp", &[], &[&stages[..], &["--policy", "p.toml"]].concat());
    assert_eq!(as_text, as_policy);
    // Neither the number of threads nor what the environment says changes it.
    let again = digests(
        &dir,
        "mlp",
        &[("VF_SIGNIFICAND", "5")],
        &[&stages[..], &["--policy", "p.toml", "--threads", "1"]].concat(),
    );
    assert_eq!(again, as_policy);
}

#[test]
fn rules_hold_in_the_launches_and_stages_that_they_name() {
    let dir = folder("policy_launches");
    build(&dir, "mlp");
    let data = run(&dir, &["data", "mnist"]);
    assert!(data.status.success(), "{}", report(&data, &dir));
    let stages = [
        "--stage",
        "train,test",
        "--epochs",
        "1",
        "--weights",
        "w.bin",
        "--policy",
        "p.toml",
    ];
    let with = |rule: &str| {
        fs::write(
            dir.join("p.toml"),
            format!("[[rule]]\nformat = \"bf16\"\n{rule}\n"),
        )
        .unwrap();
        digests(&dir, "mlp", &[], &stages)
    };
    let always = with("");
    assert_eq!(with("launch = \"0..\""), always);
    assert_eq!(
        with("launch = [{ every = 2 }, { every = 2, offset = 1 }]"),
        always
    );
    let later = with("launch = \"1..\"\nkernel = \"linear_forward\"");
    assert_ne!(later, always);
    // Training alone: launches of the test are as compiled, but on the weights of that training.
    let train = with("stage = \"train\"");
    let trained = train.iter().zip(&always).take_while(|(a, b)| a == b).count();
    assert!(trained > 10 && trained < always.len(), "{trained}");
}

const SMALL: &str = r#".version 7.5
.target sm_75
.address_size 64
.visible .entry _Z3dotPKfS0_Pf(.param .u64 a, .param .u64 b, .param .u64 c)
{
    .reg .pred %p<2>;
    .reg .f32 %f<9>;
    .reg .b32 %r<4>;
    .reg .b64 %rd<9>;
    ld.param.u64 %rd1, [a];
    ld.param.u64 %rd2, [b];
    ld.param.u64 %rd3, [c];
    mov.f32 %f1, 0f00000000;
    mov.u32 %r1, 0;
LOOP:
    ld.global.f32 %f2, [%rd1];
    ld.global.f32 %f3, [%rd2];
    fma.rn.f32 %f1, %f2, %f3, %f1;
    add.s64 %rd1, %rd1, 4;
    add.s64 %rd2, %rd2, 4;
    add.s32 %r1, %r1, 1;
    setp.lt.s32 %p1, %r1, 64;
    @%p1 bra LOOP;
    mul.f32 %f4, %f1, 0f3F000000;
    sqrt.rn.f32 %f5, %f4;
    st.global.f32 [%rd3], %f5;
    ret;
}
"#;

#[test]
fn explain_shows_rules_and_instructions_and_bad_fits_are_told() {
    let dir = folder("policy_explain");
    fs::write(dir.join("dot.ptx"), SMALL).unwrap();
    let good = "# a dot product\n[[rule]]\nformat = \"e5m2\"\naccumulate = \"e8m13\"\n\n[[rule]]\nkernel = \"dot\"\nclass = \"sqrt\"\nformat = \"leave\"\n\n\
                [[rule]]\nlaunch = 7\nclass = \"mul\"\nrounding = \"rz\"\n";
    let cases = [
        ("explain", good, "explain dot.ptx --policy p.toml"),
        (
            "explain one launch",
            good,
            "explain dot.ptx --policy p.toml --launch 7",
        ),
        (
            "explain short form",
            good,
            "explain dot.ptx --format bf16 --accumulate fp32",
        ),
        (
            "explain tensors",
            "[[rule]]\nclass = \"sqrt\"\nformat = \"bf16\"\n\n[[quantize]]\nargument = 0\nwhen = \"before\"\nformat = \"mxfp8_e4m3\"\n\n\
             [loss_scale]\nfactor = 8\nscale = { kernel = \"dot\", argument = 0, when = \"after\" }\n\
             unscale = { kernel = \"update\", argument = 1, when = \"before\" }\n",
            "explain dot.ptx --policy p.toml",
        ),
        (
            "override of a condition",
            good,
            "ptx override dot.ptx --policy p.toml -o out",
        ),
        (
            "override for a launch",
            good,
            "ptx override dot.ptx --policy p.toml --launch 7 -o out",
        ),
        (
            "matches nothing",
            "[[rule]]\nformat = \"bf16\"\n\n[[rule]] # no such kernel\nkernel = \"softmax\"\nformat = \"leave\"\n",
            "explain dot.ptx --policy p.toml",
        ),
        (
            "line without .loc",
            "[[rule]]\nline = \"dot.cu:3\"\nformat = \"bf16\"\n",
            "explain dot.ptx --policy p.toml",
        ),
        (
            "accumulate on nothing",
            "[[rule]]\nclass = \"mul\"\nformat = \"bf16\"\naccumulate = \"fp32\"\n",
            "explain dot.ptx --policy p.toml",
        ),
        ("bad glob", good, "explain dot.ptx --policy p.toml --kernel a["),
        ("no policy", good, "explain dot.ptx"),
        ("missing policy", good, "explain dot.ptx --policy q.toml"),
        (
            "run with a bad policy",
            "[[rule]]\nclas = \"mul\"\nformat = \"bf16\"\n",
            "exec --no-record --policy p.toml -- true",
        ),
        (
            "accumulate alone",
            good,
            "exec --no-record --accumulate fp32 -- true",
        ),
    ];
    let mut all = String::new();
    for (what, policy, args) in cases {
        fs::write(dir.join("p.toml"), policy).unwrap();
        let words: Vec<&str> = args.split(' ').collect();
        let output = run(&dir, &words);
        all += &format!("== {what}: vernier {args}\n{}\n\n", report(&output, &dir));
    }
    let written = fs::read_to_string(dir.join("out/dot.ptx")).unwrap();
    let changed = written.lines().filter(|l| l.contains("vf32")).map(str::trim);
    all += &format!("== written\n{}\n", changed.collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!(plain(&all, &dir));
}

#[test]
fn the_examples_of_the_manual_fit_their_programs() {
    let dir = folder("policy_manual");
    let manual = fs::read_to_string(root().join("docs/policy.md")).unwrap();
    let blocks: Vec<&str> = manual
        .split("```toml\n")
        .skip(1)
        .filter_map(|b| b.split("```").next())
        .collect();
    assert!(blocks.len() >= 3);
    for block in blocks {
        let program = block
            .strip_prefix("# for ")
            .and_then(|rest| rest.split(':').next())
            .unwrap();
        build(&dir, program);
        fs::write(dir.join("p.toml"), block).unwrap();
        let path = root().join("programs").join(program);
        let explained = run(&dir, &["explain", &path.to_string_lossy(), "--policy", "p.toml"]);
        assert!(
            explained.status.success(),
            "{block}\n{}",
            report(&explained, &dir)
        );
        let run = vernier(&dir)
            .env("VERNIER_TEST_IMAGES", "20")
            .env("VERNIER_PTX_OUT", "none")
            .args(["run", &path.to_string_lossy(), "--stage", "test"])
            .args(["--no-record", "--policy", "p.toml"])
            .output()
            .unwrap();
        let text = report(&run, &dir);
        assert!(run.status.success(), "{block}\n{text}");
        assert!(text.contains("rule "), "{text}");
    }
}

/// Trains mlp on a few images and tests it, under a policy.
fn train(dir: &Path, policy: &Path) -> String {
    let program = root().join("programs/mlp");
    let run = vernier(dir)
        .env("VERNIER_TRAIN_IMAGES", "200")
        .env("VERNIER_TEST_IMAGES", "20")
        .env("VERNIER_PTX_OUT", "none")
        .args(["run", &program.to_string_lossy(), "--stage", "train,test"])
        .args(["--epochs", "1", "--weights", "w.bin", "--no-record", "--policy"])
        .arg(policy)
        .output()
        .unwrap();
    let text = report(&run, dir);
    assert!(run.status.success(), "{}\n{text}", policy.display());
    text
}

#[test]
fn policies_of_training_and_of_tensors_run() {
    let dir = folder("policy_training");
    build(&dir, "mlp");
    for (name, said) in [
        ("fp8-training", "loss scale "),
        ("bf16-weights", "tensor "),
        ("bf16-weights-stochastic", "rounding = \"rs\""),
    ] {
        let text = train(&dir, &root().join(format!("policies/{name}.toml")));
        assert!(text.contains(said), "{name}\n{text}");
    }
    let manual = fs::read_to_string(root().join("docs/policy.md")).unwrap();
    let examples: Vec<String> = manual
        .split("\n    # for mlp")
        .skip(1)
        .map(|rest| {
            rest.lines()
                .take_while(|l| l.is_empty() || l.starts_with("    ") || l.starts_with(':'))
        })
        .map(|lines| {
            lines
                .skip_while(|l| l.starts_with(':'))
                .map(|l| format!("{}\n", l.trim_start()))
                .collect()
        })
        .collect();
    assert_eq!(examples.len(), 2, "{examples:?}");
    for example in examples {
        fs::write(dir.join("example.toml"), &example).unwrap();
        let text = train(&dir, &dir.join("example.toml"));
        assert!(text.contains("tensor "), "{example}\n{text}");
    }
}

/// An index that went through float memory is narrowed: its trap says that the override may be the cause, and names the
/// rule, whether the kernel that reads computed it or another one did.
#[test]
fn a_trap_behind_an_override_names_the_rule() {
    let dir = folder("policy_trap");
    let binary = compile("index.cu", "index", SHARED);
    fs::write(dir.join("p.toml"), "[[rule]]\nformat = \"e5m2\"\n").unwrap();
    for args in [&[][..], &["moved"]] {
        let exec = |options: &[&str]| {
            let mut command = vernier(&dir);
            command
                .env("VERNIER_PTX_OUT", "none")
                .args(["exec", "--no-record"]);
            let output = command
                .args(options)
                .arg("--")
                .arg(&binary)
                .args(args)
                .output()
                .unwrap();
            (output.status.code(), report(&output, &dir))
        };
        let (code, text) = exec(&[]);
        assert_eq!(code, Some(0), "{text}");
        for (options, rule) in [
            (&["--policy", "p.toml"][..], "p.toml:1"),
            (&["--format", "e5m2"], "--format"),
        ] {
            let (code, text) = exec(options);
            assert_eq!(code, Some(1), "{text}");
            for part in [
                "out of bounds",
                "this kernel does not compute as compiled (",
                rule,
                "which may be the cause",
            ] {
                assert!(text.contains(part), "{args:?} {options:?}: {part}: {text}");
            }
        }
    }
}
