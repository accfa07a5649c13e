//! Every name that libcudart of CUDA 11.8, 12.9 or 13.3 exports has an entry point here.

use std::collections::HashSet;

/// Names of functions that the sources of this crate define.
fn defined() -> HashSet<String> {
    let sources = [
        include_str!("../src/device.rs"),
        include_str!("../src/entry.rs"),
        include_str!("../src/launch.rs"),
        include_str!("../src/memory.rs"),
        include_str!("../src/registration.rs"),
        include_str!("../src/stream.rs"),
        include_str!("../src/unsupported.rs"),
    ];
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    sources
        .iter()
        .flat_map(|s| s.split(|c| !is_name(c)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_exported_name_is_there() {
    let defined = defined();
    let missing: Vec<&str> = include_str!("exports.txt")
        .lines()
        .filter(|n| !n.is_empty() && !defined.contains(*n))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
