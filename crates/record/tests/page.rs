//! The tables of `docs/environment.md` are the table of variables. `VERNIER_WRITE_DOCS=1 cargo test -p vernier-record --test page`
//! writes them again. Names of variables stand in the table and, as text that is looked up, nowhere else.

use record::variables::{self, ALL, WRITE_DOCS};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_page_has_the_tables() {
    let path = root().join("docs/environment.md");
    let there = fs::read_to_string(&path).unwrap();
    let mut page = there.clone();
    let kinds = ["library", "command", "programs", "builds"];
    let tables = kinds.map(|kind| (kind, variables::markdown(kind).unwrap()));
    for (name, table) in tables
        .into_iter()
        .chain([("effects", variables::without_effect())])
    {
        let begin = format!("<!-- generated: {name} -->\n");
        let from = page.find(&begin).expect(name) + begin.len();
        let end = from + page[from..].find("<!-- end -->").expect(name);
        page.replace_range(from..end, &table);
    }
    if std::env::var_os(WRITE_DOCS.name()).is_some() {
        fs::write(&path, &page).unwrap();
        return;
    }
    assert!(
        there == page,
        "docs/environment.md is old: VERNIER_WRITE_DOCS=1 cargo test -p vernier-record --test page"
    );
}

/// Words that look like a variable of Vernier's.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
    let ours = |w: &&str| {
        ["VERNIER_", "VF_", "PTX_SIM_"]
            .iter()
            .any(|p| w.starts_with(p) && w.len() > p.len())
    };
    words.filter(ours).collect()
}

#[test]
fn the_page_speaks_of_every_variable_and_of_no_other() {
    let page = fs::read_to_string(root().join("docs/environment.md")).unwrap();
    let mut listed = names(&page);
    listed.insert("SIM_CONFIG_PATH");
    assert_eq!(listed, ALL.iter().map(|r| r.name).collect());
}

/// Every file of sources below a folder.
fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            all.push(path);
        }
    }
}

#[test]
fn no_other_crate_spells_out_a_name_to_look_it_up() {
    // What lies below this crate, or is set by a build, has its own constants; the table has them too.
    let below = ["record", "vfloat", "vfloat-mpfr", "fatbin"];
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !below.contains(&name.as_str()) && folder.join("src").is_dir() {
            sources(&folder.join("src"), &mut files);
        }
    }
    assert!(files.len() > 100, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // What follows are tests.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for row in ALL {
            let literal = format!("\"{}\"", row.name);
            let is_embedded = row.name == variables::EMBEDDED_LIBRARY.name();
            assert!(
                is_embedded || !text.contains(&literal),
                "{}: {literal}",
                file.display()
            );
        }
    }
}

#[test]
fn names_are_told_apart_from_those_of_others() {
    assert!(variables::is_ours("VERNIER_FROMAT") && variables::is_ours("SIM_CONFIG_PATH"));
    assert!(!variables::is_ours("PATH") && !variables::is_ours("VFAT"));
    let names: BTreeSet<&str> = ALL.iter().map(|r| r.name).collect();
    assert_eq!(names.len(), ALL.len());
    // vfloat knows these by itself.
    for format in ["bf16", "e4m3fn_sat"] {
        let format: vfloat::Format = format.parse().unwrap();
        assert!(
            format
                .settings()
                .iter()
                .all(|(name, _)| variables::OF_FORMAT.contains(name))
        );
    }
}
