//! Every file of `bad/` and what is said about it, as snapshots: messages are for the person who meets them.

use std::path::Path;

fn message(name: &str, text: &str) -> String {
    let module = match ptx::parse(name, text) {
        Ok(module) => module,
        Err(errors) => return errors.to_string(),
    };
    let module = match ptx::check(module) {
        Ok(module) => module,
        Err(errors) => return errors.to_string(),
    };
    let found: Vec<_> = module
        .functions()
        .flat_map(ptx::unsupported)
        .map(|d| d.render(&module.source))
        .collect();
    assert!(!found.is_empty(), "{name} is accepted");
    found.join("\n\n")
}

#[test]
fn bad_inputs_and_their_messages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 30);
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        insta::assert_snapshot!(name.trim_end_matches(".ptx"), message(name, &text));
    }
}

#[test]
fn errors_know_their_place() {
    let text =
        ".version 7.5\n.target sm_75\n.entry k()\n{\n\tnonsense;\n\tret;\n\tbra;;\n\tmore.nonsense;\n}\n";
    let errors = ptx::parse("k.ptx", text).unwrap_err();
    assert_eq!(errors.position(), (5, 2));
    assert_eq!(errors.list.len(), 2, "{errors}");
    assert!(
        matches!(&errors.list[0].error, ptx::Error::UnknownInstruction { mnemonic } if mnemonic == "nonsense")
    );
    assert_eq!(errors.source.position(errors.list[1].span.start), (8, 2));
}
