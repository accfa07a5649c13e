//! The shared library in front of programs of CUDA 11, 12 and 13: it loads under each name, satisfies the symbol
//! versions that such programs ask for without a warning, and answers in their layout. Needs `cc`, as linking the
//! library does.

mod support;

use std::path::Path;
use std::process::Command;
use support::{cc, library, run};

/// A program that prints the runtime's version, the size of the device properties and their name.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
int cudaRuntimeGetVersion(int *);
int PROPERTIES(void *, int);
int cudaMalloc(void **, unsigned long);
int cudaMemset(void *, int, unsigned long);
int cudaMemcpy(void *, const void *, unsigned long, int);
int main(void) {
    int version = 0;
    unsigned char properties[2048], back[8];
    void *memory = 0;
    memset(properties, 0xaa, sizeof properties);
    int bad = cudaRuntimeGetVersion(&version) | PROPERTIES(properties, 0) | cudaMalloc(&memory, 8)
              | cudaMemset(memory, 7, 8) | cudaMemcpy(back, memory, 8, 2);
    int size = sizeof properties;
    while (size > 0 && properties[size - 1] == 0xaa) size--;
    printf("%d %d %d %d %s\n", bad, version / 1000, size, back[7], properties);
    return bad;
}
"#;

/// What NVIDIA's library looks like to the linker: functions with a version.
const STUB: &str = "int cudaRuntimeGetVersion(int *p) { return 1; }\nint PROPERTIES(void *p, int d) { return 1; }\n\
                    int cudaMalloc(void **p, unsigned long n) { return 1; }\n\
                    int cudaMemset(void *p, int v, unsigned long n) { return 1; }\n\
                    int cudaMemcpy(void *a, const void *b, unsigned long n, int k) { return 1; }\n";

fn check(folder: &Path, soname: &str, properties: &str, expected: &str) {
    let define = format!("-DPROPERTIES={properties}");
    let stub = folder.join(format!("stub-{soname}"));
    std::fs::create_dir_all(&stub).unwrap();
    std::fs::write(stub.join("stub.c"), STUB).unwrap();
    std::fs::write(stub.join("program.c"), PROGRAM).unwrap();
    std::fs::write(
        stub.join("map"),
        format!("{soname} {{ global: cuda*; local: *; }};\n"),
    )
    .unwrap();
    let (library, program) = (stub.join("libstub.so"), stub.join("program"));
    run(cc()
        .args(["-shared", "-fPIC", "-w", &define, "-Wl,--version-script"])
        .arg(stub.join("map"))
        .arg(format!("-Wl,-soname,{soname}"))
        .arg(stub.join("stub.c"))
        .arg("-o")
        .arg(&library));
    run(cc()
        .args(["-w", &define])
        .arg(stub.join("program.c"))
        .arg(&library)
        .arg("-o")
        .arg(&program));
    let ours = folder.join(soname);
    std::fs::copy(folder.join("libcudart.so"), &ours).unwrap();
    let output = run(Command::new(&program)
        .env("LD_LIBRARY_PATH", folder)
        .env("VERNIER_PTX_OUT", "none"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(out.trim_end(), expected, "{soname}");
    assert_eq!(err, "", "{soname}");
}

#[test]
fn programs_of_three_cuda_versions_load_one_library() {
    let folder = support::folder("linking");
    library(&folder);
    check(
        &folder,
        "libcudart.so.11.0",
        "cudaGetDeviceProperties",
        "0 11 728 7 Vernier virtual GPU",
    );
    check(
        &folder,
        "libcudart.so.12",
        "cudaGetDeviceProperties_v2",
        "0 12 1032 7 Vernier virtual GPU",
    );
    check(
        &folder,
        "libcudart.so.13",
        "cudaGetDeviceProperties",
        "0 13 1008 7 Vernier virtual GPU",
    );
    let names = run(Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(folder.join("libcudart.so")));
    let names = String::from_utf8_lossy(&names.stdout);
    let names: Vec<&str> = names
        .lines()
        .filter_map(|l| l.split_whitespace().nth(2))
        .collect();
    for name in include_str!("../../cudart/tests/exports.txt").lines() {
        assert!(names.contains(&name), "{name} is not exported");
    }
    let foreign: Vec<&&str> = names
        .iter()
        .filter(|n| !n.trim_start_matches('_').starts_with("cu") && !n.starts_with("libcudart"))
        .filter(|n| !matches!(**n, "dlopen" | "dlmopen" | "vernier_ptx_ir"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}
