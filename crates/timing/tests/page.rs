//! The tables of docs/timing.md are those of the code. `VERNIER_WRITE_DOCS=1 cargo test -p vernier-timing --test page`
//! writes them again.

use device::{OPTIONS, Settings, Use};
use std::path::Path;
use timing::treatment::{SHARED, TREATMENTS, Treatment, options_markdown, without_effect};

const MARK: &str = "<!-- options -->\n";

#[test]
fn the_page_has_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/timing.md");
    let text = std::fs::read_to_string(&path).expect("docs/timing.md");
    let start = text.find(MARK).expect("the mark") + MARK.len();
    let page = format!("{}{}", &text[..start], options_markdown());
    if std::env::var_os("VERNIER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs/timing.md");
    }
    let written = std::fs::read_to_string(&path).expect("docs/timing.md");
    assert!(
        written == page,
        "docs/timing.md is older than the table: VERNIER_WRITE_DOCS=1 writes it"
    );
}

#[test]
fn every_option_has_one_treatment() {
    let kept: Vec<&str> = OPTIONS
        .iter()
        .filter(|o| o.used == Use::Later)
        .map(|o| o.name)
        .collect();
    let treated: Vec<&str> = TREATMENTS.iter().map(|t| t.0).collect();
    assert_eq!(kept, treated);
    for option in SHARED {
        assert!(
            OPTIONS.iter().any(|o| o.name == *option && o.used == Use::Now),
            "{option}"
        );
    }
    // What is read anywhere in the model is not said to be without effect.
    let sources = ["config", "scheduler", "address", "cachespec", "dram", "simulator"].map(|m| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{m}.rs"));
        std::fs::read_to_string(path).expect("a source")
    });
    let named = |option: &str| sources.iter().any(|s| s.contains(&format!("\"{option}\"")));
    for (option, treatment) in TREATMENTS {
        if matches!(treatment, Treatment::Without(_)) {
            assert!(!named(option), "{option} is read");
        }
    }
}

#[test]
fn options_without_effect_are_told_with_their_place() {
    let settings =
        Settings::parse("g.config", "-gpgpu_scheduler gto\n\n-icnt_flit_size 40\n").expect("settings");
    let found = without_effect(&settings);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].0, found[0].1.to_string()),
        ("-icnt_flit_size", "g.config:3".to_owned())
    );
}
