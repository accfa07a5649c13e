//! Builds `libcudart.so` (crate `library`, release profile, in a target folder of its own), puts it beside the
//! `vernier` binary and gives its path to the source, which embeds it.
//!
//! `VERNIER_LIBCUDART=FILE` in the environment takes a library that is already there instead.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What a nested cargo must keep of the variables that the outer one set or was given.
const KEPT: [&str; 7] = [
    "CARGO_HOME",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_INCREMENTAL",
    "CARGO_TERM_",
];

/// What else the outer cargo (or clippy) sets for a build script and the nested one must not see.
const DROPPED: [&str; 9] = [
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WORKSPACE_WRAPPER",
    "TARGET",
    "HOST",
    "OPT_LEVEL",
    "PROFILE",
    "DEBUG",
    "OUT_DIR",
];

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../..");
    println!("cargo:rerun-if-env-changed=VERNIER_LIBCUDART");
    println!("cargo:rerun-if-changed=build.rs");
    let library = match env::var_os("VERNIER_LIBCUDART").filter(|v| !v.is_empty()) {
        Some(given) => {
            println!("cargo:rerun-if-changed={}", Path::new(&given).display());
            PathBuf::from(given)
        }
        None => build(&root, &out),
    };
    // OUT_DIR is PROFILE/build/vernier-HASH/out.
    let profile = out.ancestors().nth(3).unwrap_or(&out);
    let embedded = out.join("libcudart.so");
    let bytes =
        fs::read(&library).unwrap_or_else(|e| fail(&format!("cannot read {}: {e}", library.display())));
    put(&embedded, &bytes);
    put(&profile.join("libcudart.so"), &bytes);
    println!("cargo:rustc-env=VERNIER_EMBEDDED_LIBRARY={}", embedded.display());
}

/// Builds the static library and links it into a shared one; returns its path.
fn build(root: &Path, out: &Path) -> PathBuf {
    // Beside the profile folders, so that all profiles share it.
    let target = out.ancestors().nth(4).unwrap_or(out).join("libcudart");
    let mut cargo = Command::new(variable("CARGO"));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let of_cargo = text.starts_with("CARGO") && !KEPT.iter().any(|k| text.starts_with(k));
        if of_cargo || DROPPED.contains(&text.as_ref()) {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(root).args([
        "build",
        "--release",
        "--locked",
        "--package",
        "vernier-library",
        "--lib",
        "--target-dir",
    ]);
    run(cargo.arg(&target));
    look_again(root, &target.join("release/libvernier.d"));

    let library = target.join("libcudart.so");
    let mut link = Command::new("sh");
    link.arg(root.join("crates/library/link.sh"))
        .arg(target.join("release/libvernier.a"));
    run(link.arg(&library));
    library
}

/// Lets cargo build the library again when something changes that it was made of: the files that cargo's dep-info names
/// (`OUTPUT: FILE FILE ...`, blanks in names behind a backslash), the manifests beside them, and how it is linked.
fn look_again(root: &Path, dep_info: &Path) {
    let text = fs::read_to_string(dep_info)
        .unwrap_or_else(|e| fail(&format!("cannot read {}: {e}", dep_info.display())));
    let (_, files) = text.split_once(": ").unwrap_or_default();
    let files = files.trim_end().replace("\\ ", "\0");
    let files = files.split(' ').map(|f| PathBuf::from(f.replace('\0', " ")));
    let mut inputs: BTreeSet<PathBuf> = files.collect();
    let manifests = inputs.iter().filter_map(|file| {
        let mut above = file.ancestors().skip(1).map(|folder| folder.join("Cargo.toml"));
        above.find(|manifest| manifest.is_file())
    });
    inputs.extend(manifests.collect::<Vec<_>>());
    let others = [
        "Cargo.lock",
        "crates/library/link.sh",
        "crates/library/libcudart.map",
    ];
    inputs.extend(others.map(|file| root.join(file)));
    for input in inputs {
        println!("cargo:rerun-if-changed={}", input.display());
    }
}

fn run(command: &mut Command) {
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("building libcudart.so: {command:?} ended with {status}")),
        Err(e) => fail(&format!(
            "building libcudart.so: cannot run {:?}: {e}",
            command.get_program()
        )),
    }
}

/// Writes a file whole, by renaming: a process may be running with the old one.
fn put(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|b| b == bytes) {
        return;
    }
    let part = path.with_extension(format!("part{}", std::process::id()));
    let done = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    done.unwrap_or_else(|e| fail(&format!("cannot write {}: {e}", path.display())));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("{name} is not set: run by cargo only")))
}

fn fail(message: &str) -> ! {
    println!("cargo:error={message}");
    std::process::exit(1)
}
