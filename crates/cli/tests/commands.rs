//! The commands that need no nvcc: what they print.

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use support::{folder, run, vernier};

fn stdout(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn format_shows_limits_and_variables() {
    let dir = folder("format");
    insta::assert_snapshot!("format_all", stdout(&dir, &["format"]));
    insta::assert_snapshot!("format_bf16", stdout(&dir, &["format", "bf16"]));
    insta::assert_snapshot!("format_triple", stdout(&dir, &["format", "3,-15,16"]));
    assert_eq!(
        stdout(&dir, &["format", "e4m3", "--export"]),
        "export VF_SIGNIFICAND=4\nexport VF_EXPONENT_MIN=-8\nexport VF_EXPONENT_MAX=8\n"
    );
}

#[test]
fn eval_prints_bits_value_and_flags() {
    let dir = folder("eval");
    let cases: [(&[&str], &str); 7] = [
        (
            &["add", "bf16", "1.5", "0.3"],
            "bits   0x3fe60000\nvalue  1.796875\nflags  inexact\n",
        ),
        (
            &["mul", "fp32", "0x40000000", "-3"],
            "bits   0xc0c00000\nvalue  -6\nflags  none\n",
        ),
        (
            &["quantize", "e5m2", "1e9"],
            "bits   0x7f800000\nvalue  inf\nflags  inexact overflow\n",
        ),
        (
            &["quantize.rz", "e5m2", "1e9"],
            "bits   0x47600000\nvalue  57344\nflags  inexact overflow\n",
        ),
        (
            &["trunc", "e5m2", "-1.99"],
            "bits   0xbfe00000\nvalue  -1.75\nflags  inexact\n",
        ),
        (
            &["trunc.rm", "e5m2", "-1.99"],
            "bits   0xc0000000\nvalue  -2\nflags  inexact\n",
        ),
        (
            &["sqrt", "fp16", "-1"],
            "bits   0x7fffffff\nvalue  NaN\nflags  invalid\n",
        ),
    ];
    for (args, expected) in cases {
        assert_eq!(stdout(&dir, &[&["eval"], args].concat()), expected, "{args:?}");
    }
}

fn batch(folder: &Path, lines: &str) -> (bool, String, String) {
    let mut child = vernier(folder)
        .args(["eval", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines.to_string();
    let writer = std::thread::spawn(move || {
        // The command may stop reading at a bad line.
        let _ = input.write_all(lines.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn eval_batch_answers_line_by_line() {
    let dir = folder("batch");
    let lines = "add bf16 0x3fc00000 0x3e99999a\nfma.rz e5m2 0x3fc00000 0xc0000000 0x3dcccccd\nquantize fp16 0x7fc00000\n\
                 fmam bf16 0x3f800000 0x3f800001 0x33800000\naddm bf16 0x3f800001 0x3f800001\n";
    let (good, out, _) = batch(&dir, lines);
    assert!(good);
    assert_eq!(
        out,
        "0x3fe60000\n0xc0200000\n0x7fffffff\n0x3f800000\n0x40000000\n"
    );
    let many = "mul e4m3 0x3fc00000 0x3e99999a\n".repeat(300_000);
    let (good, out, _) = batch(&dir, &many);
    assert!(good);
    assert_eq!(out, "0x3ee00000\n".repeat(300_000));
    let (good, out, err) = batch(&dir, "add bf16 0x3f800000 0x3f800000\nad bf16 0x0\n");
    assert!(!good);
    assert_eq!(out, "0x40000000\n");
    assert_eq!(
        err,
        "error: standard input, line 2: there is no operation `ad`\n  = help: did you mean `add`?\n"
    );
    let (_, _, err) = batch(&dir, "add bf16 0x3f800000\n");
    assert_eq!(
        err,
        "error: standard input, line 1: `add` takes 2 operands, not 1\n"
    );
    let (_, _, err) = batch(&dir, "add bf16 0x3f800000 zebra\n");
    assert!(err.contains("`zebra` is no operand"), "{err}");
}

#[test]
fn ptx_check_counts_and_ptx_run_computes() {
    let dir = folder("ptx");
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/scale.ptx");
    fs::copy(input, dir.join("scale.ptx")).unwrap();
    insta::assert_snapshot!("ptx_check", stdout(&dir, &["ptx", "check", "scale.ptx"]));
    let ir = |rest: &[&'static str]| [&["ptx", "ir", "scale.ptx"], rest].concat();
    insta::assert_snapshot!("ptx_ir", stdout(&dir, &ir(&[])));
    let translated = stdout(&dir, &ir(&["--kernel", "saxpy", "--after", "translate"]));
    assert!(translated.contains("branch L"), "{translated}");
    for (rest, said) in [
        (&["--after", "emit"], "the passes are translate, analyse"),
        (&["--kernel", "daxpy"], "has no kernel `daxpy`"),
    ] {
        let output = run(&dir, &ir(rest));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(said), "{text}");
    }
    let values = |list: &[f32]| list.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    fs::write(dir.join("x"), values(&[1.0, 2.0, 3.3, -4.0])).unwrap();
    fs::write(dir.join("y"), values(&[0.5, 0.25, 100.0, 8.0])).unwrap();
    let mut args = vec![
        "ptx",
        "run",
        "scale.ptx",
        "--kernel",
        "saxpy",
        "--grid",
        "2",
        "--block",
        "3",
    ];
    args.extend([
        "--arg",
        "u32:4",
        "--arg",
        "f32:2",
        "--arg",
        "in:x",
        "--arg",
        "inout:y:out",
    ]);
    let result = |extra: &[&str]| {
        stdout(&dir, &[&args[..], extra].concat());
        let bytes = fs::read(dir.join("out")).unwrap();
        bytes
            .chunks_exact(4)
            .map(|c| f32::from_le_bytes(c.try_into().unwrap()))
            .collect::<Vec<f32>>()
    };
    assert_eq!(result(&[]), [2.5, 4.25, 106.6, 0.0]);
    assert_eq!(
        result(&["--deterministic", "--threads", "2"]),
        [2.5, 4.25, 106.6, 0.0]
    );
    // bf16: 3.3 is cut to 3.296875, twice that is 6.59375, and 106.59375 rounds to 106.5.
    assert_eq!(result(&["--format", "bf16"]), [2.5, 4.25, 106.5, 0.0]);
    let looking = [
        "--format",
        "bf16",
        "--observe",
        "--shadow",
        "--observe-out",
        "seen",
    ];
    let output = run(&dir, &[&args[..], &looking].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("observe: saxpy, 4 executions of 1 instruction"),
        "{said}"
    );
    let seen = fs::read_to_string(dir.join("seen/observe.json")).unwrap();
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        (&seen[0]["operation"], &seen[0]["format"], &seen[0]["facts"]),
        (&"fma".into(), &"bf16".into(), &serde_json::json!({"inexact": 1}))
    );
    assert_eq!(seen[0]["shadow"]["exact"], 3);
    // 2.5, 4.25 and 106.5.
    assert_eq!(
        seen[0]["result"]["widths"],
        serde_json::json!([[3, 1], [5, 1], [8, 1]])
    );
    let page = fs::read_to_string(dir.join("seen/observe.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("scale.ptx"), "{page}");
    fs::write(dir.join("y"), values(&[0.5, f32::MAX, 100.0, 8.0])).unwrap();
    fs::write(dir.join("x"), values(&[1.0, f32::MAX, 3.3, -4.0])).unwrap();
    let output = run(&dir, &[&args[..], &["--stop-at", "inf,nan"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("error: stopped at an infinity: ") && said.contains("thread (1,0,0)"),
        "{said}"
    );
    let failures: [(&str, &[&str]); 6] = [
        (
            "ptx_run_wrong_kernel",
            &["--kernel", "saxpi", "--grid", "1", "--block", "1"],
        ),
        (
            "ptx_run_no_arguments",
            &["--kernel", "saxpy", "--grid", "1", "--block", "1"],
        ),
        (
            "ptx_run_wrong_size",
            &[
                "--grid", "1", "--block", "1", "--arg", "u64:4", "--arg", "f32:2", "--arg", "in:x", "--arg",
                "in:y",
            ],
        ),
        (
            "ptx_run_bad_number",
            &["--grid", "1", "--block", "1", "--arg", "u32:four"],
        ),
        ("ptx_run_bad_grid", &["--grid", "0", "--block", "1"]),
        (
            "ptx_run_missing_file",
            &[
                "--grid", "1", "--block", "1", "--arg", "u32:4", "--arg", "f32:2", "--arg", "in:z", "--arg",
                "in:y",
            ],
        ),
    ];
    for (name, args) in failures {
        let output = run(&dir, &[&["ptx", "run", "scale.ptx"], args].concat());
        assert!(!output.status.success());
        insta::assert_snapshot!(name, String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn inspect_shows_distributions() {
    let dir = folder("inspect");
    let values: Vec<u8> = [1.0f32, 1.5, -0.75, 0.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    fs::write(dir.join("w.f32"), values).unwrap();
    insta::assert_snapshot!("inspect", stdout(&dir, &["inspect", "w.f32"]));
}

#[test]
fn compare_shows_which_answers_differ() {
    let dir = folder("compare");
    // 5 right in the first alone, 15 in the second alone, then 3 in both and 1 in neither.
    let differ = |first: &str, second: &str| first.repeat(5) + &second.repeat(15);
    fs::write(dir.join("a"), differ("1", "0") + "1110").unwrap();
    fs::write(dir.join("b"), differ("0", "1") + "1110\n").unwrap();
    insta::assert_snapshot!(
        "compare",
        stdout(&dir, &["compare", "a", "b", "--json", "c.json"])
    );
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("c.json")).unwrap()).unwrap();
    assert_eq!(json["first"]["correct"], 8);
    let c = &json["comparison"];
    assert_eq!(
        (&c["answers"], &c["both"], &c["neither"]),
        (&24.into(), &3.into(), &1.into())
    );
    assert_eq!(c["only_first"], serde_json::json!([0, 1, 2, 3, 4]));
    assert_eq!(c["only_second"].as_array().map(Vec::len), Some(15));
    assert!((c["p_value"].as_f64().unwrap() - 0.041_389).abs() < 1e-6);

    let same = stdout(&dir, &["compare", "a", "a"]);
    assert!(
        same.contains("p = 1.0000") && !same.contains("differ ("),
        "{same}"
    );

    // 21 that differ: the last is shown only if it is asked for.
    fs::write(dir.join("a21"), "1".repeat(21)).unwrap();
    fs::write(dir.join("b21"), "0".repeat(21)).unwrap();
    let twenty = stdout(&dir, &["compare", "a21", "b21"]);
    assert!(
        twenty.ends_with("        19  right in the first only\nand 1 more: --all shows them\n"),
        "{twenty}"
    );
    let all = stdout(&dir, &["compare", "a21", "b21", "--all"]);
    assert!(all.ends_with("        20  right in the first only\n"), "{all}");

    let refused = run(&dir, &["compare", "a", "a21"]);
    assert_eq!(refused.status.code(), Some(1));
    insta::assert_snapshot!("compare_lengths", String::from_utf8_lossy(&refused.stderr));
}

#[test]
fn help_has_examples() {
    let dir = folder("help");
    let pages: [&[&str]; 12] = [
        &[],
        &["run"],
        &["exec"],
        &["format"],
        &["eval"],
        &["ptx", "dump"],
        &["ptx", "check"],
        &["ptx", "run"],
        &["inspect"],
        &["compare"],
        &["toolchain"],
        &["data", "mnist"],
    ];
    for page in pages {
        let text = stdout(&dir, &[page, &["--help"]].concat());
        assert!(text.contains("Usage:"), "{text}");
        assert!(page == ["data", "mnist"] || text.contains("Example"), "{text}");
    }
    assert!(stdout(&dir, &["--version"]).starts_with("vernier "));
}
