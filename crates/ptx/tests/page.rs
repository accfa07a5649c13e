//! `docs/isa.md` is the printed instruction table. `VERNIER_WRITE_DOCS=1 cargo test -p vernier-ptx --test page`
//! writes it again.

use std::path::Path;

#[test]
fn the_page_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/isa.md");
    let page = ptx::isa::reference();
    if std::env::var_os("VERNIER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(
        there == page,
        "docs/isa.md is old: VERNIER_WRITE_DOCS=1 cargo test -p vernier-ptx --test page"
    );
}
