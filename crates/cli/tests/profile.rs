//! `--profile` and `vernier bench`, end to end.

mod support;

use std::fs;
use support::{SHARED, compile, folder, root, vernier};

#[test]
fn a_profile_names_kernels_ptx_lines_and_cuda_lines() {
    let dir = folder("profile");
    let options = [SHARED, &["-lineinfo"]].concat();
    let binary = compile("sums.cu", "sums", &options);
    let mut command = vernier(&dir);
    command.env("VERNIER_PTX_OUT", "none");
    command.args(["exec", "--profile", "--json", "result.json", "--"]);
    let output = command.arg(binary).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("profile: kernels by time"), "{text}");
    assert!(text.contains("by PTX line, from "), "{text}");
    assert!(text.contains("sums.cu:"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("result.json")).unwrap()).unwrap();
    let threads = 64 * 128;
    assert_eq!(json["classes"]["store_global"], threads);
    assert_eq!(json["kernels"][0]["classes"]["fp32_fma"], threads * 20_000);
    assert_eq!(json["active_lanes"], 1.0);
    let lines = json["lines"].as_array().unwrap();
    let fma: Vec<_> = lines
        .iter()
        .filter(|l| l["text"].as_str().unwrap().starts_with("fma"))
        .collect();
    let executed: u64 = fma
        .iter()
        .map(|l| l["thread_instructions"].as_u64().unwrap())
        .sum();
    assert_eq!(executed, threads * 20_000);
    assert!(fma.iter().all(|l| l["cuda_line"] == 8), "{fma:?}");
    let seconds: f64 = lines.iter().map(|l| l["seconds"].as_f64().unwrap()).sum();
    let kernels = json["kernel_seconds"].as_f64().unwrap();
    assert!(
        (seconds - kernels).abs() < 1e-6 * kernels,
        "{seconds} of {kernels}"
    );
}

#[test]
fn without_the_option_there_is_no_profile() {
    let dir = folder("no_profile");
    let binary = compile("sums.cu", "sums", &[SHARED, &["-lineinfo"]].concat());
    let mut command = vernier(&dir);
    command.env("VERNIER_PTX_OUT", "none");
    command.args(["exec", "--json", "result.json", "--"]);
    let output = command.arg(binary).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("active lanes         100.0 %"), "{text}");
    assert!(!text.contains("profile:"), "{text}");
    assert!(
        !fs::read_to_string(dir.join("result.json"))
            .unwrap()
            .contains("\"lines\"")
    );
}

#[test]
fn a_bench_prints_and_writes_its_table() {
    let dir = folder("bench");
    let mut command = vernier(&dir);
    command
        .env("VERNIER_TEST_IMAGES", "50")
        .env("VERNIER_PTX_OUT", "none")
        .env("VERNIER_PROGRAMS", root().join("programs"));
    command.args([
        "bench",
        "mlp",
        "--formats",
        "fp32,e5m2",
        "--repeat",
        "2",
        "--json",
        "bench.json",
    ]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("mlp e5m2: share of kernel time"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("bench.json")).unwrap()).unwrap();
    let entries = json["entries"].as_array().unwrap();
    let formats: Vec<_> = entries.iter().map(|e| e["format"].as_str().unwrap()).collect();
    assert_eq!(formats, ["fp32", "e5m2"]);
    for e in entries {
        assert_eq!(e["seconds"].as_array().unwrap().len(), 2);
        assert!(e["thread_instructions"].as_u64().unwrap() > 0);
        assert!(
            e["kernels"]
                .as_array()
                .unwrap()
                .iter()
                .any(|k| k["name"] == "linear_forward")
        );
    }
}
