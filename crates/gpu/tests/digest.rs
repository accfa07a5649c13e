//! VERNIER_DIGEST: two compilers' versions of a program agree, two results do not.

mod common;
mod program;

use common::{HEAD, elementwise, ptx_binary};
use gpu::Startup;
use program::Program;
use record::variables;

/// The digest after a launch of `k` on four floats; the program can name `table`.
fn digest(name: &str, variables: &str, factor: f32) -> String {
    let folder = std::env::temp_dir().join(format!("vernier-digest-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut startup = Startup::from_environment();
    startup.environment = startup
        .environment
        .with(&variables::PTX_OUT, "none")
        .with(&variables::RUN_DIR, folder.to_string_lossy())
        .with(&variables::DIGEST, "1")
        .with(&variables::QUIET, "1");
    let text = format!("{HEAD}{variables}{}", elementwise("k", "mul.f32", factor));
    let program = Program::new(startup, ptx_binary(&text), &["k"], &["table"]);
    let data = program.context.malloc(16).unwrap();
    program.upload(data, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    // SAFETY: the kernel takes one pointer.
    unsafe { program.launch(1, &[data]) }.unwrap();
    // An allocation whose place depends on how many variables there are.
    program.context.malloc(1000).unwrap();
    // SAFETY: as above.
    unsafe { program.launch(1, &[data]) }.unwrap();
    let file = folder.join(format!("{}.jsonl", std::process::id()));
    let record = std::fs::read_to_string(file).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let lines: Vec<&str> = record.lines().filter(|l| l.contains("\"digest\"")).collect();
    assert_eq!(lines.len(), 2, "{record}");
    lines.join("\n")
}

const F: &str = ".visible .func f()\n{\nret;\n}\n";
const G: &str = ".visible .func g()\n{\nret;\n}\n";

#[test]
fn addresses_that_compilers_lay_differently_do_not_count() {
    let vtable = ".visible .global .align 8 .u64 _ZTV1A[4] = {0, 0, f, g};\n";
    let table = ".visible .global .align 8 .u64 table[3] = {g, 7, f};\n";
    let other = ".global .align 1 .b8 $str[3] = {72, 105, 0};\n.visible .global .align 8 .u64 _ZTV1B[3] = {0, 0, g};\n";
    let first = digest("first", &format!("{F}{G}{vtable}{table}"), 2.0);
    assert_eq!(first, digest("again", &format!("{F}{G}{vtable}{table}"), 2.0));
    assert_eq!(
        first,
        digest("other", &format!("{G}{F}{other}{table}{vtable}"), 2.0)
    );
    // What the program computes, and numbers in what it can name, do count.
    assert_ne!(first, digest("result", &format!("{F}{G}{vtable}{table}"), 3.0));
    let number = table.replace('7', "8");
    assert_ne!(first, digest("number", &format!("{F}{G}{vtable}{number}"), 2.0));
    let counter = format!("{F}{G}{vtable}{table}.visible .global .align 4 .u32 counter;\n");
    assert_ne!(first, digest("counter", &counter, 2.0));
}
