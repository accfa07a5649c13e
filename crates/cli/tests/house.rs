//! The structure of the house: no import circle of more than two modules in any crate, and the table of crates in
//! ARCHITECTURE.md says what their manifests say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folders of all crates, in order.
fn crates() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("crates")).expect("crates");
    let mut all: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    all.retain(|p| p.join("Cargo.toml").is_file());
    all.sort();
    all
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// `emit::sites` of `src/emit/sites.rs`; "" for the root.
fn module_name(src: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(src).expect("inside").with_extension("");
    let mut parts: Vec<String> = relative
        .iter()
        .map(|p| p.to_string_lossy().into_owned())
        .collect();
    if matches!(parts.last().map(String::as_str), Some("lib" | "main" | "mod")) {
        parts.pop();
    }
    parts.join("::")
}

/// A text without comments, and without the unit tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|l| l.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether `text` goes on with a character of a name.
fn in_name(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The paths that `tree` names, `a::{b, c::d}` as `a::b` and `a::c::d`; and how many bytes it takes.
fn paths(tree: &str, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let mut at = 0;
    loop {
        let rest = &tree[at..];
        let skipped = rest.len() - rest.trim_start().len();
        at += skipped;
        let rest = &tree[at..];
        if rest.starts_with('{') {
            at += 1;
            loop {
                at += paths(&tree[at..], &path, found);
                let rest = tree[at..].trim_start();
                at = tree.len() - rest.len();
                match rest.chars().next() {
                    Some(',') => at += 1,
                    Some('}') => return at + 1,
                    // Something that is no list of names, `crate::$macro { ... }` say.
                    _ => return at,
                }
            }
        }
        let name: String = rest.chars().take_while(|c| in_name(Some(*c))).collect();
        at += name.len();
        if !name.is_empty() {
            path.push(name);
        }
        match tree[at..].strip_prefix("::") {
            Some(_) => at += 2,
            None => {
                found.push(path);
                return at;
            }
        }
    }
}

/// By module: the modules of the same crate that it names.
fn imports(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(src, &mut files);
    let texts: BTreeMap<String, String> = files
        .iter()
        .map(|f| (module_name(src, f), code(&fs::read_to_string(f).expect("a file"))))
        .collect();
    let mut all = BTreeMap::new();
    for (module, text) in &texts {
        let own: Vec<String> = module
            .split("::")
            .filter(|p| !p.is_empty())
            .map(String::from)
            .collect();
        let mut found = Vec::new();
        for (word, base) in [
            ("crate::", vec![]),
            ("self::", own.clone()),
            ("super::", own[..own.len().saturating_sub(1)].to_vec()),
        ] {
            for (at, _) in text.match_indices(word) {
                if !in_name(text[..at].chars().next_back()) {
                    paths(&text[at + word.len()..], &base, &mut found);
                }
            }
        }
        // A path means the longest module that it begins with.
        let meant = found.iter().filter_map(|path| {
            let known = (1..=path.len()).rev().map(|n| path[..n].join("::"));
            known.into_iter().find(|name| texts.contains_key(name))
        });
        all.insert(module.clone(), meant.filter(|m| m != module).collect());
    }
    all
}

/// The circles of a graph: sets of modules of which each can be reached from each other.
fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach = |from: &String| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(m) = todo.pop() {
            for next in &graph[&m] {
                if seen.insert(next.clone()) {
                    todo.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = graph.keys().map(|m| (m, reach(m))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for m in graph.keys().filter(|m| reached[m].contains(*m)) {
        let with = |other: &&String| reached[m].contains(*other) && reached[other].contains(m);
        let circle: BTreeSet<String> = graph.keys().filter(with).cloned().collect();
        if !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

#[test]
fn no_circle_of_more_than_two_modules() {
    for folder in crates() {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let graph = imports(&folder.join("src"));
        let mut large: Vec<BTreeSet<String>> = circles(&graph);
        large.retain(|c| c.len() > 2);
        assert!(large.is_empty(), "{name}: {large:#?}");
    }
}

#[test]
fn circles_are_found() {
    let set = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<BTreeSet<_>>();
    let graph = BTreeMap::from([
        ("a".to_string(), set(&["b"])),
        ("b".to_string(), set(&["c", "d"])),
        ("c".to_string(), set(&["a"])),
        ("d".to_string(), set(&["d"])),
        ("e".to_string(), set(&["a"])),
    ]);
    assert_eq!(circles(&graph), [set(&["a", "b", "c"]), set(&["d"])]);
    let mut found = Vec::new();
    paths("a::{self, b::C, d::{e, f}}; rest", &[], &mut found);
    let found: Vec<String> = found.iter().map(|p| p.join("::")).collect();
    assert_eq!(found, ["a::self", "a::b::C", "a::d::e", "a::d::f"]);
    assert_eq!(
        code("use a; // crate::b\n#[cfg(test)]\nmod tests {\nuse crate::c;"),
        "use a; "
    );
}

/// What a manifest says: the crate's name, its description, and the crates of ours that it depends on (not for its tests).
fn manifest(folder: &Path) -> (String, String, Vec<String>) {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let description = manifest
        .lines()
        .find_map(|l| l.strip_prefix("description = \"")?.strip_suffix('"'))
        .expect("a description");
    let ours: BTreeSet<String> = crates()
        .iter()
        .map(|c| c.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|l| !l.starts_with('['));
    let names = lines.filter_map(|l| l.split(['=', '.']).next().map(|n| n.trim().to_string()));
    let uses = names.filter(|n| ours.contains(n)).collect();
    (name, description.to_string(), uses)
}

/// The rows of the table: every crate below those that it uses.
fn rows() -> Vec<String> {
    let mut left: Vec<_> = crates().iter().map(|c| manifest(c)).collect();
    let (mut done, mut rows) = (BTreeSet::new(), Vec::new());
    while !left.is_empty() {
        let ready = |(_, _, uses): &(String, String, Vec<String>)| uses.iter().all(|u| done.contains(u));
        let at = left.iter().position(ready).expect("no circle of crates");
        let (name, description, uses) = left.remove(at);
        rows.push(format!("| {name} | {description} | {} |", uses.join(", ")));
        done.insert(name);
    }
    rows
}

/// `VERNIER_WRITE_DOCS=1` writes it.
#[test]
fn the_table_of_crates_is_what_the_manifests_say() {
    let table = format!(
        "| crate | purpose | uses |\n|---|---|---|\n{}\n",
        rows().join("\n")
    );
    let file = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&file).expect("ARCHITECTURE.md");
    let start = text.find("| crate | purpose | uses |").expect("the table");
    let end = start + text[start..].find("\n\n").expect("its end") + 1;
    if std::env::var("VERNIER_WRITE_DOCS").is_ok_and(|v| v == "1") {
        fs::write(&file, format!("{}{table}{}", &text[..start], &text[end..])).expect("to write it");
        return;
    }
    assert_eq!(&text[start..end], table, "VERNIER_WRITE_DOCS=1 writes the table");
}
