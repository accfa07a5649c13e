//! What the data flow finds in kernels: a table of small ones, and everything in real ones.

use std::fmt::Write;
use std::path::Path;

use ptx::ast::*;
use ptx::flow::{self, Role};

fn instructions<'f>(body: &'f [Statement], all: &mut Vec<&'f Instruction>) {
    for statement in body {
        match statement {
            Statement::Instruction(i) => all.push(i),
            Statement::Block { body, .. } => instructions(body, all),
            _ => {}
        }
    }
}

/// Every f32 instruction of the kernels with what was found about it, and the parameters.
fn annotate(name: &str, text: &str) -> String {
    let module = ptx::parse(name, text).unwrap_or_else(|e| panic!("{e}"));
    let mut out = String::new();
    for function in module.functions().filter(|f| f.body.is_some()) {
        let _ = writeln!(out, "{}", function.name.name);
        for u in flow::arguments(function) {
            let mut what = Vec::new();
            for (holds, word) in [
                (u.loads, "load"),
                (u.stores, "store"),
                (u.atomics, "atomic"),
                (u.escapes, "escapes"),
            ] {
                what.extend(holds.then_some(word));
            }
            if u.pointer {
                let element = u.element.map_or(String::new(), |e| format!(" of {e}"));
                let _ = writeln!(
                    out,
                    "  parameter {}+{}: {}{element}",
                    u.index,
                    u.offset,
                    what.join(" ")
                );
            }
        }
        let mut all = Vec::new();
        instructions(function.body.as_deref().unwrap_or_default(), &mut all);
        let (sums, expansions) = (flow::accumulations(function), flow::expansions(function));
        for (at, i) in all.iter().enumerate() {
            let note = match sums.get(&at) {
                Some(a) => format!("{:?} {}{}", a.role, if a.looped { "loop " } else { "" }, a.chain),
                None if expansions.contains(&at) => "expansion".to_string(),
                None if ptx::overrides::class(i).is_some() => String::new(),
                None => continue,
            };
            let text = module.source.slice(i.span).replace('\t', "");
            let _ = writeln!(out, "  {at:4} {text:52} {note}");
        }
    }
    out.lines().map(|l| format!("{}\n", l.trim_end())).collect()
}

#[test]
fn what_is_found_in_what_nvcc_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flow");
    for name in [
        "cnn.sm_75",
        "reductions.sm_75",
        "functions.sm_75",
        "functions.sm_100",
    ] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.ptx"))).unwrap();
        insta::assert_snapshot!(name, annotate(name, &text));
    }
}

/// The roles, in order, and how many instructions belong to expansions.
fn found(body: &str) -> (Vec<Role>, usize) {
    let text = format!(
        ".version 7.5\n.target sm_75\n.address_size 64\n.entry k(.param .u64 p, .param .u32 n) {{\n.reg .f32 %f<40>;\n\
         .reg .b32 %r<20>;\n.reg .b64 %rd<9>;\n.reg .pred %p<5>;\n.shared .f32 s[64];\n.shared .f32 t[64];\n\
         ld.param.u64 %rd1, [p];\nmov.u32 %r1, s;\nmov.u32 %r2, t;\n{body}\nret;\n}}\n"
    );
    let module = ptx::parse("k.ptx", &text).unwrap_or_else(|e| panic!("{e}"));
    ptx::check(&module).unwrap_or_else(|e| panic!("{e}"));
    let kernel = module.function("k").unwrap();
    let sums = flow::accumulations(kernel);
    (
        sums.values().map(|a| a.role).collect(),
        flow::expansions(kernel).len(),
    )
}

const LOAD: &str = "ld.global.f32 %f2, [%rd1]; ld.global.f32 %f3, [%rd1+4];";

/// A loop around instructions.
fn looped(body: &str) -> String {
    format!(
        "mov.f32 %f1, 0f00000000;\nL:\n{LOAD}\n{body}\nsetp.lt.f32 %p1, %f2, %f3;\n@%p1 bra L;\nst.global.f32 [%rd1], %f1;"
    )
}

#[test]
fn roles_in_loops() {
    use Role::*;
    let cases: &[(&str, &[Role])] = &[
        ("fma.rn.f32 %f1, %f2, %f3, %f1;", &[Fmam]),
        ("mad.f32 %f1, %f2, %f3, %f1;", &[Fmam]),
        ("add.f32 %f1, %f1, %f2;", &[Addm]),
        ("add.f32 %f1, %f2, %f1;", &[AddmSecond]),
        ("sub.f32 %f1, %f1, %f2;", &[Sum]),
        // Predicated, selected, copied, with its sign turned twice.
        ("setp.gt.f32 %p2, %f2, %f3; @%p2 add.f32 %f1, %f1, %f2;", &[Addm]),
        (
            "setp.gt.f32 %p2, %f2, %f3; add.f32 %f4, %f1, %f2; selp.f32 %f1, %f4, %f1, %p2;",
            &[Addm],
        ),
        (
            "mov.f32 %f4, %f1; fma.rn.f32 %f5, %f2, %f3, %f4; mov.f32 %f1, %f5;",
            &[Fmam],
        ),
        (
            "neg.f32 %f4, %f1; add.f32 %f5, %f4, %f2; neg.f32 %f1, %f5;",
            &[Addm],
        ),
        // A step of constant size is a sum.
        ("add.f32 %f1, %f1, 0f3F800000;", &[Addm]),
        // Not: the accumulator is multiplied, compared, converted, doubled.
        ("fma.rn.f32 %f1, %f1, %f2, %f3;", &[]),
        ("fma.rn.f32 %f1, %f1, %f2, %f1;", &[]),
        ("mul.f32 %f4, %f1, %f2; add.f32 %f1, %f1, %f4;", &[]),
        ("sub.f32 %f4, %f2, %f1; fma.rn.f32 %f1, %f4, %f3, %f1;", &[]),
        ("add.f32 %f1, %f1, %f1;", &[]),
        ("max.f32 %f1, %f1, %f2;", &[]),
        ("add.f32 %f4, %f1, %f2; cvt.rzi.f32.f32 %f1, %f4;", &[]),
        ("mul.f32 %f4, %f1, %f3; add.f32 %f1, %f4, %f2;", &[]),
        // Not f32, not a sum.
        ("red.global.add.f32 [%rd1], %f2;", &[Atomic]),
        ("red.global.max.u32 [%rd1], %r1;", &[]),
    ];
    for (body, expected) in cases {
        assert_eq!(found(&looped(body)).0, *expected, "{body}");
    }
}

#[test]
fn roles_without_loops() {
    use Role::*;
    let chain = "mul.f32 %f4, %f2, %f2;\nfma.rn.f32 %f5, %f3, %f3, %f4;\nfma.rn.f32 %f6, %f2, %f3, %f5;\n";
    let shuffled = "mov.b32 %r3, %f2; shfl.sync.bfly.b32 %r4|%p1, %r3, 1, 31, -1; mov.b32 %f4, %r4; add.f32 %f5, %f2, %f4;";
    let stepped = "ld.shared.f32 %f4, [%r1]; ld.shared.f32 %f5, [%r1+4]; add.f32 %f6, %f4, %f5; st.shared.f32 [%r1], %f6;";
    let tails = "ld.shared.f32 %f4, [%r1]; ld.shared.f32 %f5, [%r1+4]; add.f32 %f6, %f4, %f5; st.shared.f32 [%r2], %f6;";
    let cases: &[(String, &[Role])] = &[
        (chain.to_string(), &[]),
        (
            format!("{chain} add.f32 %f7, %f6, 0f3F800000;"),
            &[Fmam, Fmam, Addm],
        ),
        (
            "add.f32 %f4, %f2, %f3; add.f32 %f5, %f4, %f2; add.f32 %f6, %f3, %f5;".into(),
            &[Addm, Addm, AddmSecond],
        ),
        (
            "mul.f32 %f4, %f3, %f3; add.f32 %f5, %f4, %f2; add.f32 %f6, %f5, %f2; add.f32 %f7, %f6, %f2;"
                .into(),
            &[AddmSecond, Addm, Addm],
        ),
        (shuffled.into(), &[Sum]),
        (stepped.into(), &[Sum]),
        // Into another variable: a filter over a tile.
        (tails.into(), &[]),
        // A block that is a scope of its own has registers of its own.
        (
            "{ .reg .f32 %f2; mov.f32 %f2, 0f00000000; add.f32 %f3, %f2, %f3; } add.f32 %f4, %f2, %f3;"
                .into(),
            &[],
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(found(&format!("{LOAD}\n{body}")).0, *expected, "{body}");
    }
}

#[test]
fn constants_alone_are_no_expansion() {
    // exp2 of a multiple, an epsilon, ln(2): single instructions of programs.
    let alone = "mul.f32 %f4, %f2, 0f3FB8AA3B; ex2.approx.f32 %f5, %f4; add.f32 %f6, %f5, 0f34000000;\
                 mul.f32 %f7, %f6, 0f3F317218; fma.rn.f32 %f8, %f7, 0f3EAAAAAB, %f2;";
    assert_eq!(found(&format!("{LOAD}\n{alone}")).1, 0);
}

#[test]
fn nothing_is_found_in_nothing() {
    let module = ptx::parse(
        "k.ptx",
        ".version 7.5\n.target sm_75\n.address_size 64\n.extern .func f(.param .b64 p);\n.entry k() { }",
    )
    .unwrap();
    for function in module.functions() {
        assert!(flow::accumulations(function).is_empty() && flow::expansions(function).is_empty());
    }
    let declared = flow::arguments(module.function("f").unwrap());
    assert_eq!(
        declared.iter().map(|u| (u.bytes, u.pointer)).collect::<Vec<_>>(),
        [(8, false)]
    );
}

/// Every text of the corpus: no panic, and no instruction is two things.
#[test]
fn every_text_of_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "ptx") {
            continue;
        }
        let module = ptx::parse("corpus", &std::fs::read_to_string(path).unwrap()).unwrap();
        for function in module.functions() {
            let expansions = flow::expansions(function);
            assert!(
                flow::accumulations(function)
                    .keys()
                    .all(|at| !expansions.contains(at))
            );
            flow::arguments(function);
        }
    }
}
