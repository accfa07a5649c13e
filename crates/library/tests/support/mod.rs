//! The shared library as a program finds it, and C programs that use it. Needs `cc`, as linking the library does.
#![allow(dead_code)] // each test binary uses its part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The C compiler.
pub fn cc() -> Command {
    Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
}

/// An empty folder for a test.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vernier-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The static library that cargo built with this test: the newest beside it.
fn archive() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let all = std::fs::read_dir(test.parent().unwrap())
        .unwrap()
        .map(|e| e.unwrap().path());
    let is_ours = |p: &PathBuf| {
        let name = p.file_name().unwrap().to_string_lossy();
        name.starts_with("libvernier-") && name.ends_with(".a")
    };
    let newest = all
        .filter(is_ours)
        .max_by_key(|p| std::fs::metadata(p).unwrap().modified().unwrap());
    newest.expect("cargo builds libvernier.a with the tests")
}

/// Links libcudart.so in a folder.
pub fn library(folder: &Path) -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/link.sh");
    let library = folder.join("libcudart.so");
    run(Command::new("sh").arg(script).arg(archive()).arg(&library));
    library
}
