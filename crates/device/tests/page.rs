//! `docs/config.md` is the printed table of options. `VERNIER_WRITE_DOCS=1 cargo test -p vernier-device --test page`
//! writes it again.

use std::path::Path;

#[test]
fn the_page_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    let page = device::options_markdown();
    if std::env::var_os("VERNIER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(
        there == page,
        "docs/config.md is old: VERNIER_WRITE_DOCS=1 cargo test -p vernier-device --test page"
    );
}
