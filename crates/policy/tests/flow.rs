//! What policies make of expansions, of numbers that only count, of what follows a sum, and of text in the dialect.

use policy::{Policy, Report};
use ptx::flow::Part;

fn apply(body: &str, policy: &str) -> (String, Report) {
    let text = format!(
        ".version 7.5\n.target sm_75\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n.reg .f32 %f<20>;\n.reg .b32 %r<9>;\n\
         .reg .b16 %h<4>;\n.reg .b64 %rd<3>;\n.reg .pred %p<3>;\nld.param.u64 %rd1, [p];\nld.global.f32 %f1, [%rd1];\n{body}\nret;\n}}\n"
    );
    let mut module = ptx::parse("k.ptx", &text).unwrap_or_else(|e| panic!("{e}"));
    ptx::check(module.clone()).unwrap_or_else(|e| panic!("{e}"));
    let policy = Policy::parse("p.toml", policy).unwrap_or_else(|e| panic!("{e}"));
    let report = policy.rewrite(&mut module, &policy.all(), None);
    ptx::check(module.clone()).unwrap_or_else(|e| panic!("{e}"));
    let printed = module.to_string();
    let again = ptx::parse("k.ptx", &printed).unwrap_or_else(|e| panic!("{e}"));
    assert!(ptx::same(&module, &again), "{printed}");
    let sites = report.functions.iter().flat_map(|f| &f.sites);
    let all: Vec<&str> = sites.map(|s| s.to.as_deref().unwrap_or(&s.from)).collect();
    (all.join(" "), report)
}

const EXPONENTIAL: &str = "fma.rn.f32 %f2, %f1, 0f3BBB989D, 0f3F000000; cvt.sat.f32.f32 %f3, %f2;\
    fma.rm.f32 %f4, %f3, 0f437C0000, 0f4B400001; add.f32 %f5, %f4, 0fCB40007F; neg.f32 %f6, %f5;\
    fma.rn.f32 %f7, %f1, 0f3FB8AA3B, %f6; fma.rn.f32 %f8, %f1, 0f32A57060, %f7; mov.b32 %r1, %f4; shl.b32 %r2, %r1, 23;\
    mov.b32 %f9, %r2; ex2.approx.ftz.f32 %f10, %f8;";
const INSIDE: &str =
    "fma.rn.f32 cvt.sat.f32.f32 fma.rm.f32 add.f32 neg.f32 fma.rn.f32 fma.rn.f32 ex2.approx.ftz.f32";

#[test]
fn an_expansion_is_taken_as_one_operation() {
    let whole = format!(
        "{EXPONENTIAL} mul.f32 %f11, %f10, %f9; add.f32 %f12, %f11, %f1; st.global.f32 [%rd1], %f12;"
    );
    let fused = format!("{EXPONENTIAL} fma.rn.f32 %f11, %f10, %f9, 0f3F800000; st.global.f32 [%rd1], %f11;");
    let cases = [
        (
            &whole,
            "format = \"e4m3fn\"",
            format!("{INSIDE} mul.f32.into::e4m3fn add.vf32::e4m3fn"),
        ),
        (
            &whole,
            "format = \"e4m3fn\"\nrounding = \"rz\"",
            format!("{INSIDE} mul.f32.into::e4m3fn::rz add.rz.vf32::e4m3fn"),
        ),
        (
            &whole,
            "format = \"launch\"\nrounding = \"rs8\"",
            format!("{INSIDE} mul.f32.into::launch::rs8 add.rs::8.vf32"),
        ),
        (
            &whole,
            "format = \"e4m3fn\"\nclass = \"transcendental\"",
            format!("{INSIDE} mul.f32.into::e4m3fn add.f32"),
        ),
        (
            &whole,
            "format = \"e4m3fn\"\nclass = \"mul\"",
            format!("{INSIDE} mul.f32 add.f32"),
        ),
        (
            &fused,
            "format = \"e4m3fn\"",
            format!("{INSIDE} fma.wide.rn.vf32::e4m3fn"),
        ),
        (
            &whole,
            "format = \"e5m2\"\nexpansions = true\nclass = [\"mul\", \"transcendental\"]",
            INSIDE.replace("ex2.approx.ftz.f32", "ex2.approx.ftz.vf32::e5m2") + " mul.vf32::e5m2 add.f32",
        ),
    ];
    for (body, rule, expected) in cases {
        assert_eq!(apply(body, &format!("[[rule]]\n{rule}\n")).0, expected, "{rule}");
    }
    let (_, report) = apply(&whole, "[[rule]]\nformat = \"bf16\"\n");
    let parts: Vec<Option<Part>> = report.functions[0].sites.iter().map(|s| s.expansion).collect();
    assert_eq!(parts.iter().filter(|p| **p == Some(Part::Inside)).count(), 8);
}

#[test]
fn a_sum_of_exponentials_keeps_its_accumulator() {
    let body = format!(
        "mov.f32 %f11, 0f00000000;\nL:\n{EXPONENTIAL} fma.rn.f32 %f11, %f10, %f9, %f11; setp.lt.f32 %p1, %f1, 0f40000000;\n@%p1 bra L;\n\
         add.f32 %f12, %f11, %f1; st.global.f32 [%rd1], %f12;"
    );
    let (text, _) = apply(&body, "[[rule]]\nformat = \"e4m3fn\"\naccumulate = \"fp32\"\n");
    assert_eq!(
        text,
        format!("{INSIDE} fmam.wide.rn.vf32::e4m3fn setp.lt.vf32::e4m3fn add.vf32::e4m3fn")
    );
}

#[test]
fn what_only_counts_is_left_and_can_be_taken() {
    let body = "cvt.rn.f32.s32 %f2, %r1; mul.f32 %f3, %f2, 0f3E000000; cvt.rzi.s32.f32 %r2, %f3; mul.f32 %f4, %f1, %f1;\
                st.global.f32 [%rd1], %f4;";
    let (text, report) = apply(body, "[[rule]]\nformat = \"e5m2\"\n");
    assert_eq!(text, "cvt.rn.f32.s32 mul.f32 cvt.rzi.s32.f32 mul.vf32::e5m2");
    let counts: Vec<bool> = report.functions[0].sites.iter().map(|s| s.counts).collect();
    assert_eq!(counts, [true, true, true, false]);
    let (text, _) = apply(body, "[[rule]]\nformat = \"e5m2\"\nindices = true\n");
    assert_eq!(
        text,
        "cvt.rn.vf32::e5m2.s32 mul.vf32::e5m2 cvt.rzi.s32.vf32::e5m2 mul.vf32::e5m2"
    );
}

#[test]
fn rules_hold_in_text_that_is_in_the_dialect() {
    let looped = |inner: &str| {
        format!(
            "mov.f32 %f2, 0f00000000;\nL:\nld.global.f32 %f3, [%rd1];\n{inner}\nsetp.lt.vf32 %p1, %f3, 0f40000000;\n@%p1 bra L;\n\
             add.vf32 %f4, %f2, %f1;\nst.global.f32 [%rd1], %f4;"
        )
    };
    let rule = |says: &str| format!("[[rule]]\nclass = [\"fma\", \"add\"]\n{says}\n");
    let cases = [
        (
            "fma.rn.vf32 %f2, %f3, %f3, %f2;",
            "format = \"e5m2\"",
            "fma.rn.vf32::e5m2",
        ),
        (
            "fma.rn.vf32 %f2, %f3, %f3, %f2;",
            "format = \"e5m2\"\naccumulate = \"fp32\"",
            "fmam.rn.vf32::e5m2",
        ),
        (
            "fmam.rn.vf32 %f2, %f3, %f3, %f2;",
            "format = \"e5m2\"",
            "fmam.rn.vf32::e5m2",
        ),
        (
            "fmam.rn.vf32 %f2, %f3, %f3, %f2;",
            "format = \"e5m2\"\naccumulate = \"e8m13\"",
            "fmam.rn.vf32::e5m2::e8m13",
        ),
        (
            "fmam.rn.vf32 %f2, %f3, %f3, %f2;",
            "format = \"e5m2\"\naccumulate = \"none\"",
            "fma.rn.vf32::e5m2",
        ),
        (
            "fmam.rn.vf32::e4m3::fp16 %f2, %f3, %f3, %f2;",
            "format = \"leave\"",
            "fmam.rn.vf32::e4m3::fp16",
        ),
        (
            "addm.vf32 %f2, %f2, %f3;",
            "format = \"e5m2\"\naccumulate = \"bf16\"",
            "addm.vf32::e5m2::bf16",
        ),
        (
            "add.bf16 %f2, %f2, %f3;",
            "format = \"e5m2\"\naccumulate = \"fp32\"",
            "addm.vf32::e5m2",
        ),
        (
            "fmam.bf16 %f2, %f3, %f3, %f2;",
            "format = \"e5m2\"",
            "fmam.vf32::e5m2",
        ),
        ("fma.rn.bf16 %h1, %h2, %h3, %h1;", "format = \"e5m2\"", ""),
    ];
    for (inner, says, expected) in cases {
        let (text, _) = apply(&looped(inner), &rule(says));
        let bias = if says.contains("leave") {
            "add.vf32"
        } else {
            "add.vf32::e5m2"
        };
        let expected = format!("{expected} setp.lt.vf32 {bias}");
        assert_eq!(text, expected.trim_start(), "{inner} {says}");
    }
}
