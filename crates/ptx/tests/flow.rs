//! What the data flow finds in kernels: a table of small ones, and everything in real ones.

use std::fmt::Write;
use std::path::Path;

use ptx::ast::*;
use ptx::flow::{self, Part, Role};

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
                None if expansions.contains_key(&at) => format!("expansion: {:?}", expansions[&at]),
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

/// A kernel around a body.
fn module(body: &str) -> Module {
    let text = format!(
        ".version 7.5\n.target sm_75\n.address_size 64\n.entry k(.param .u64 p, .param .u32 n) {{\n.reg .f32 %f<40>;\n\
         .reg .b32 %r<20>;\n.reg .b64 %rd<9>;\n.reg .pred %p<5>;\n.shared .f32 s[64];\n.shared .f32 t[64];\n\
         ld.param.u64 %rd1, [p];\nmov.u32 %r1, s;\nmov.u32 %r2, t;\n{body}\nret;\n}}\n"
    );
    let module = ptx::parse("k.ptx", &text).unwrap_or_else(|e| panic!("{e}"));
    let checked = ptx::check(module).unwrap_or_else(|e| panic!("{e}"));
    checked.into_tree()
}

/// The roles, in order, and how many instructions belong to expansions.
fn found(body: &str) -> (Vec<Role>, usize) {
    let module = module(body);
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
            format!("{chain} fma.rn.f32 %f7, %f2, %f2, %f6;"),
            &[Fmam, Fmam, Fmam],
        ),
        // What is added behind products, and is none, is no part of their sum, however short it makes it.
        (format!("{chain} add.f32 %f7, %f6, 0f3F800000;"), &[]),
        (
            format!("{chain} fma.rn.f32 %f7, %f2, %f2, %f6; add.f32 %f8, %f7, %f3; add.f32 %f9, %f2, %f8;"),
            &[Fmam, Fmam, Fmam],
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
                    .all(|at| !expansions.contains_key(at))
            );
            flow::arguments(function);
        }
    }
}

/// Functions that are one operation however nvcc writes them: all of their f32 instructions belong to them. Behind the
/// name: instructions that need not, because they only change the sign of the result or look for what is infinite.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("f_expf", &[]),
    ("f_exp10f", &[]),
    ("f_expm1f", &["add.f32"]),
    ("f_logf", &[]),
    ("f_log2f", &[]),
    ("f_log10f", &[]),
    ("f_log1pf", &[]),
    ("f_powf", &["neg.f32", "abs.f32", "add.f32", "setp.num.f32"]),
    ("f_sinf", &["fma.rn.f32", "sub.f32"]),
    ("f_cosf", &["fma.rn.f32", "sub.f32"]),
    ("f_sincosf", &["neg.f32"]),
    ("f_tanf", &[]),
    ("f_sinpif", &["fma.rn.f32"]),
    ("f_cospif", &["fma.rn.f32"]),
    ("f_sinhf", &[]),
    ("f_coshf", &[]),
    ("f_tanhf", &[]),
    ("f_asinf", &[]),
    ("f_acosf", &[]),
    ("f_atanf", &[]),
    ("f_erff", &[]),
    ("f_erfcf", &[]),
    ("f_normcdff", &[]),
    ("f_roundf", &[]),
];

/// Functions that are a single instruction, or a formula of instructions, in PTX: nothing is an expansion.
const INSTRUCTIONS: &[&str] = &[
    "f_exp2f", "f_rsqrtf", "f_sqrtf", "f_div", "f_rcp", "f_fmodf", "f_hypotf", "f_rintf", "f_floorf",
    "f_cbrtf", "f_i_expf", "f_i_logf", "f_i_powf", "f_i_sinf", "f_i_tanf",
];

#[test]
fn a_function_is_one_operation_in_every_spelling() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flow");
    let mut missed = Vec::new();
    for name in ["cuda11.sm_75", "cuda12.sm_75", "cuda13.sm_75", "cuda13.sm_100"] {
        let text = std::fs::read_to_string(folder.join(format!("expansions.{name}.ptx"))).unwrap();
        let module = ptx::parse(name, &text).unwrap_or_else(|e| panic!("{e}"));
        let parts = |kernel: &str| flow::expansions(module.function(kernel).unwrap());
        for (kernel, exact) in FUNCTIONS {
            let mut all = Vec::new();
            instructions(
                module.function(kernel).unwrap().body.as_deref().unwrap(),
                &mut all,
            );
            let parts = parts(kernel);
            for (at, i) in all.iter().enumerate() {
                let outside = ptx::overrides::class(i).is_some() && !parts.contains_key(&at);
                let text = module.source.slice(i.span);
                if outside && !exact.contains(&i.mnemonic().as_str()) {
                    missed.push(format!("{name} {kernel}: {text} is left out"));
                }
            }
            if !parts.values().any(|p| *p == Part::Result) {
                missed.push(format!("{name} {kernel} has no result"));
            }
        }
        for kernel in INSTRUCTIONS {
            assert_eq!(parts(kernel).len(), 0, "{name} {kernel}");
        }
        // A sum that nvcc fused with an exponential, and an exponential of an exponential.
        let count = |kernel: &str, part: Part| parts(kernel).values().filter(|p| **p == part).count();
        for kernel in ["f_sigmoid", "f_softplus"] {
            assert_eq!(count(kernel, Part::Fused), 1, "{name} {kernel}");
        }
        assert_eq!(count("f_expexp", Part::Result), 2, "{name}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// expf as CUDA 5 to 8 write it, with two powers of two and bounds.
#[test]
fn the_exponential_of_old_toolkits() {
    let body = "sub.f32 %f4, %f2, %f3; mul.f32 %f5, %f4, 0f3FB8AA3B; cvt.rzi.f32.f32 %f6, %f5; mov.f32 %f7, 0fBF317200;\
                fma.rn.f32 %f8, %f6, %f7, %f4; mov.f32 %f9, 0fB5BFBE8E; fma.rn.f32 %f10, %f6, %f9, %f8;\
                mul.f32 %f11, %f10, 0f3FB8AA3B; ex2.approx.ftz.f32 %f12, %f11; add.f32 %f13, %f6, 0f00000000;\
                ex2.approx.f32 %f14, %f13; mul.f32 %f15, %f12, %f14; setp.lt.f32 %p1, %f4, 0fC2D20000;\
                selp.f32 %f16, 0f00000000, %f15, %p1; setp.gt.f32 %p2, %f4, 0f42D20000;\
                selp.f32 %f17, 0f7F800000, %f16, %p2; add.f32 %f18, %f17, %f2; st.global.f32 [%rd1], %f18;";
    let module = module(&format!("{LOAD}\n{body}"));
    let kernel = module.function("k").unwrap();
    let mut all = Vec::new();
    instructions(kernel.body.as_deref().unwrap(), &mut all);
    let parts = flow::expansions(kernel);
    let of = |part: Part| -> Vec<String> {
        let ours = parts.iter().filter(|(_, p)| **p == part);
        ours.map(|(at, _)| module.source.slice(all[*at].span).to_string())
            .collect()
    };
    assert_eq!(of(Part::Result), ["mul.f32 %f15, %f12, %f14;"]);
    assert_eq!(of(Part::Inside).len(), 10);
    assert!(
        of(Part::Inside)
            .iter()
            .all(|text| !text.starts_with("sub") && !text.contains("%f18"))
    );
}

/// The accumulator ends where the reduction ends.
#[test]
fn what_follows_a_sum_is_no_part_of_it() {
    use Role::*;
    let dot = looped("fma.rn.f32 %f1, %f2, %f3, %f1;");
    let sum = looped("add.f32 %f1, %f1, %f2;");
    let cases: &[(String, &[Role])] = &[
        // A bias, before or behind; an activation; a residual; a decay.
        (format!("{dot}\nadd.f32 %f4, %f1, %f2;"), &[Fmam]),
        (format!("{dot}\nadd.f32 %f4, %f2, %f1; max.f32 %f5, %f4, 0f00000000;"), &[Fmam]),
        (format!("{dot}\nfma.rn.f32 %f4, %f2, 0f3C23D70A, %f1;"), &[Fmam]),
        (format!("{sum}\nadd.f32 %f4, %f1, 0f3727C5AC;"), &[Addm]),
        (format!("{sum}\nsub.f32 %f4, %f1, %f2;"), &[Addm]),
        // A rest of the loop, under a condition.
        (
            format!("{dot}\nsetp.gt.f32 %p2, %f2, %f3; @%p2 fma.rn.f32 %f1, %f3, %f3, %f1; add.f32 %f4, %f1, %f2; st.global.f32 [%rd1], %f4;"),
            &[Fmam, Fmam],
        ),
        (
            format!("{sum}\nsetp.gt.f32 %p2, %f2, %f3; @%p2 bra M; add.f32 %f1, %f1, %f3; M:\nst.global.f32 [%rd1], %f1;"),
            &[Addm, Addm],
        ),
        // Two accumulators and a bias.
        (
            "mov.f32 %f1, 0f00000000; mov.f32 %f9, 0f00000000;\nL:\nld.global.f32 %f2, [%rd1]; fma.rn.f32 %f1, %f2, %f2, %f1;\
             add.f32 %f9, %f9, %f2; setp.lt.f32 %p1, %f2, 0f3F800000; @%p1 bra L; add.f32 %f4, %f1, %f9; add.f32 %f5, %f4, %f2;"
                .to_string(),
            &[Fmam, Addm, Sum],
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(found(body).0, *expected, "{body}");
    }
}

/// Text that is in the dialect already has the sums that plain text has.
#[test]
fn sums_in_the_dialect() {
    use Role::*;
    let cases: &[(&str, &[Role])] = &[
        ("fma.rn.vf32 %f1, %f2, %f3, %f1;", &[Fmam]),
        ("fmam.rn.vf32 %f1, %f2, %f3, %f1;", &[Fmam]),
        ("add.vf32 %f1, %f2, %f1;", &[AddmSecond]),
        ("addm.vf32::e5m2 %f1, %f1, %f2;", &[Addm]),
        ("mul.vf32 %f4, %f2, %f3; add.vf32 %f1, %f1, %f4;", &[Addm]),
    ];
    for (body, expected) in cases {
        assert_eq!(found(&looped(body)).0, *expected, "{body}");
    }
}

#[test]
fn numbers_that_only_count() {
    let counted = |body: &str| {
        let module = module(&format!("{LOAD}\n{body}"));
        let kernel = module.function("k").unwrap();
        let mut all = Vec::new();
        instructions(kernel.body.as_deref().unwrap(), &mut all);
        let found = flow::counters(kernel);
        found.iter().map(|at| all[*at].mnemonic()).collect::<Vec<_>>()
    };
    // An index there and back.
    let there = "cvt.rn.f32.s32 %f4, %r1; mul.f32 %f5, %f4, 0f3E000000;";
    let back = "cvt.rzi.s32.f32 %r3, %f5; add.s32 %r4, %r1, %r3; ld.shared.f32 %f6, [%r4];";
    assert_eq!(
        counted(&format!("{there} {back}")),
        ["cvt.rn.f32.s32", "mul.f32", "cvt.rzi.s32.f32"]
    );
    // An index that is compared and counted in a loop.
    let looped = "cvt.rn.f32.u32 %f4, %r1; mov.f32 %f5, 0f00000000;\nL:\nadd.f32 %f5, %f5, 0f3F800000; setp.lt.f32 %p1, %f5, %f4;\
                  @%p1 bra L;";
    assert_eq!(counted(looped), ["cvt.rn.f32.u32", "add.f32", "setp.lt.f32"]);
    // Not: it meets a number of the computation, or is stored, or comes from one, or is compared with one.
    for body in [
        "cvt.rn.f32.s32 %f4, %r1; mul.f32 %f5, %f4, %f2; cvt.rzi.s32.f32 %r3, %f5;".to_string(),
        format!("{there} {back} st.global.f32 [%rd1], %f5;"),
        "mul.f32 %f5, %f2, 0f43800000; cvt.rni.s32.f32 %r3, %f5;".to_string(),
        "cvt.rn.f32.s32 %f4, %r1; setp.lt.f32 %p1, %f4, %f2;".to_string(),
        "cvt.rn.f32.s32 %f4, %r1; mov.b32 %r3, %f4;".to_string(),
        "mov.f32 %f4, 0f3F800000; cvt.rzi.s32.f32 %r3, %f4;".to_string(),
    ] {
        assert_eq!(counted(&body), [""; 0], "{body}");
    }
}
