//! The keys of `vernier.toml` in `docs/environment.md` are those that are read, and the manual of a variable names the option that
//! sets it. `VERNIER_WRITE_DOCS=1 cargo test -p vernier-run --test page` writes the table again.

use record::variables;
use run::options::OPTIONS;

#[test]
fn the_page_has_the_keys() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/environment.md");
    let there = std::fs::read_to_string(&path).unwrap();
    let begin = "<!-- generated: keys -->\n";
    let from = there.find(begin).unwrap() + begin.len();
    let end = from + there[from..].find("<!-- end -->").unwrap();
    let mut page = there.clone();
    page.replace_range(from..end, &run::settings::keys_markdown());
    if std::env::var_os(variables::WRITE_DOCS.name()).is_some() {
        std::fs::write(&path, &page).unwrap();
        return;
    }
    assert!(
        there == page,
        "docs/environment.md is old: VERNIER_WRITE_DOCS=1 cargo test -p vernier-run --test page"
    );
}

#[test]
fn a_variable_says_which_option_sets_it() {
    let passed = OPTIONS.iter().filter_map(|o| Some((o.flag, o.passes?.0)));
    let passed: Vec<(&str, &str)> = passed.collect();
    assert!(passed.len() > 8, "{passed:?}");
    for (flag, variable) in passed {
        let row = variables::row(variable).unwrap();
        assert!(
            row.set_by.contains(&format!("`--{flag}`")),
            "{variable}: {}",
            row.set_by
        );
    }
}
