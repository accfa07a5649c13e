//! Builds `libcudart.so` (crate `cudart`, release profile, in a target folder of its own), puts it beside the
//! `vernier` binary and gives its path to the source, which embeds it.
//!
//! `VERNIER_LIBCUDART=FILE` in the environment takes a library that is already there instead.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The crates that make up the library; a change in one of them builds it again.
const CRATES: [&str; 11] = [
    "cudart", "gpu", "exec", "backend", "ir", "policy", "ptx", "fatbin", "device", "record", "vfloat",
];

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
        None => {
            for name in CRATES {
                let folder = root.join("crates").join(name);
                for part in ["src", "Cargo.toml", "libcudart.map", "link.sh", "build.rs"] {
                    let path = folder.join(part);
                    if path.exists() {
                        println!("cargo:rerun-if-changed={}", path.display());
                    }
                }
            }
            println!("cargo:rerun-if-changed={}", root.join("Cargo.lock").display());
            build(&root, &out)
        }
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
        "cudart",
        "--lib",
        "--target-dir",
    ]);
    run(cargo.arg(&target));

    let library = target.join("libcudart.so");
    let mut link = Command::new("sh");
    link.arg(root.join("crates/cudart/link.sh"))
        .arg(target.join("release/libcudart.a"));
    run(link.arg(&library));
    library
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
