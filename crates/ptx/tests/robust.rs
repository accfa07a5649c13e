//! No text may make the reader, the check, the printer or the override panic or hang.

use proptest::prelude::*;

fn everything(text: &str) {
    match ptx::parse("fuzz", text) {
        Err(errors) => {
            assert!(!errors.list.is_empty());
            assert!(errors.to_string().starts_with("error: "));
        }
        Ok(mut module) => {
            let _ = ptx::check(module.clone()).map_err(|e| e.to_string());
            let printed = module.to_string();
            let again = ptx::parse("printed", &printed).unwrap_or_else(|e| panic!("{e}\n---\n{text}"));
            assert!(ptx::same(&module, &again), "{printed}\n---\n{text}");
            ptx::overrides::to_vf32(&mut module, &mut |_| Some(ptx::overrides::Form::Vf32.into()));
            let _ = ptx::check(module.clone()).map_err(|e| e.to_string());
        }
    }
}

const SEEDS: &[&str] = &[
    include_str!("corpus/isa32_sm20_32bit.ptx"),
    include_str!("corpus/isa42_sm35_calls.ptx"),
    include_str!("corpus/isa50_sm52_vectors.ptx"),
    include_str!("corpus/isa64_sm70_sync.ptx"),
    include_str!("corpus/isa87_sm100_forms.ptx"),
    include_str!("corpus/dialect.ptx"),
];

const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ":",
    ".",
    "@",
    "!",
    "|",
    "-",
    "+",
    "<",
    ">",
    "=",
    "\"",
    "/*",
    "//",
    "_",
    "%",
    "%r1",
    "%tid.x",
    "0f3F800000",
    "0x",
    "1.5e",
    "99999999999999999999999",
    ".reg",
    ".entry",
    ".func",
    ".f32",
    ".vf32",
    ".section",
    ".loc 1 2 3,",
    "é",
    "\0",
    "call",
    "bra",
    "WARP_SZ",
    ".param",
    "-9223372036854775808",
    "\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        everything(&text);
        everything(&format!(".version 7.5\n.target sm_75\n.entry k() {{ {text}"));
    }

    #[test]
    fn arbitrary_tokens(picks in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let body: Vec<&str> = picks.iter().map(|p| PIECES[*p]).collect();
        let body = body.join(" ");
        everything(&format!(".version 7.5\n.target sm_75\n{body}"));
        everything(&format!(".version 7.5\n.target sm_75\n.entry k() {{ .reg .b32 %r<3>; {body} ret; }}"));
    }

    #[test]
    fn damaged_files(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, 0..PIECES.len()), 1..6),
    ) {
        let mut text = SEEDS[seed].to_string();
        for (place, cut, piece) in edits {
            let mut start = place.index(text.len().max(1)).min(text.len());
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + cut).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, PIECES[piece]);
        }
        everything(&text);
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for open in [
        "{",
        "(",
        "[",
        "-",
        "~",
        "!",
        "@",
        "call (",
        ".global .b8 x = {",
        "mov.u32 %r1, ((",
    ] {
        let deep = open.repeat(100_000);
        let text = format!(".version 7.5\n.target sm_75\n.entry k() {{ mov.b32 %r1, {deep}");
        assert!(ptx::parse("deep", &text).is_err());
        let text = format!(".version 7.5\n.target sm_75\n.global .b8 x = {deep}");
        assert!(ptx::parse("deep", &text).is_err());
    }
}
