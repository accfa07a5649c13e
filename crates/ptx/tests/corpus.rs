//! PTX of many compilers and versions: it loads, passes the check, and parse - print - parse is the identity.

use std::path::{Path, PathBuf};

use ptx::ast::*;

fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "ptx"));
    files.sort();
    assert!(files.len() >= 15);
    files
        .iter()
        .map(|f| {
            (
                f.file_name().unwrap().to_str().unwrap().to_string(),
                std::fs::read_to_string(f).unwrap(),
            )
        })
        .collect()
}

fn parse(name: &str, text: &str) -> Module {
    ptx::parse(name, text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn parse_print_parse_is_the_identity() {
    for (name, text) in corpus() {
        let module = parse(&name, &text);
        let printed = module.to_string();
        let again = parse(&format!("{name} printed"), &printed);
        assert!(ptx::same(&module, &again), "{name} changes when it is printed");
        assert_eq!(
            printed,
            again.to_string(),
            "{name} prints differently the second time"
        );
    }
}

#[test]
fn what_nvcc_writes_passes_the_check() {
    for (name, text) in corpus() {
        let module = parse(&name, &text);
        let module = ptx::check(module).unwrap_or_else(|e| panic!("{e}"));
        let unsupported: usize = module.functions().map(|f| ptx::unsupported(f).len()).sum();
        let expected = name.starts_with("mma.") || name == "isa87_sm100_forms.ptx";
        assert_eq!(
            unsupported > 0,
            expected,
            "{name}: {unsupported} instructions are not supported"
        );
    }
}

#[test]
fn what_an_override_writes_passes_the_check_and_reads_back() {
    for (name, text) in corpus() {
        let mut module = parse(&name, &text);
        let report = ptx::overrides::to_vf32(&mut module, &mut |_| Some(ptx::overrides::Form::Vf32.into()));
        let printed = module.to_string();
        let again = parse(&format!("{name} overridden"), &printed);
        assert!(ptx::same(&module, &again), "{name}");
        ptx::check(again).unwrap_or_else(|e| panic!("{e}"));
        let mnemonics = printed.matches(".vf32").count();
        assert!(report.total() <= mnemonics, "{name}");
        if name.starts_with("arithmetic") {
            assert!(
                report.function("floats").is_some_and(|f| f.total() > 100),
                "{report}"
            );
            assert!(
                report.function("ints").is_some_and(|f| f.total() == 0),
                "{report}"
            );
        }
    }
}

#[test]
fn one_unsupported_kernel_does_not_take_the_others_with_it() {
    let (name, text) = corpus().into_iter().find(|(n, _)| n == "mma.sm_80.ptx").unwrap();
    let module = parse(&name, &text);
    let names: Vec<&str> = module.kernels().map(|k| k.name.name.as_str()).collect();
    assert_eq!(names.len(), 3);
    assert!(ptx::unsupported(module.function("plain").unwrap()).is_empty());
    let found = ptx::unsupported(module.function("matrix").unwrap());
    assert!(
        found[0]
            .render(&module.source)
            .contains("is not supported by Vernier\n")
    );
}

#[test]
fn every_instruction_has_its_own_text_under_its_span() {
    fn visit(module: &Module, body: &[Statement], count: &mut usize) {
        for statement in body {
            match statement {
                Statement::Instruction(i) => {
                    let text = module.source.slice(i.span);
                    assert!(text.ends_with(';') && text.contains(i.opcode.text()), "{text}");
                    *count += 1;
                }
                Statement::Block { body, .. } => visit(module, body, count),
                _ => {}
            }
        }
    }
    for (name, text) in corpus() {
        let module = parse(&name, &text);
        let mut count = 0;
        for f in module.functions() {
            visit(&module, f.body.as_deref().unwrap_or_default(), &mut count);
        }
        assert!(count > 0, "{name}");
    }
}
