//! Bad policies and the messages they get, reviewed as a snapshot; and what good ones do to a module.

use policy::{Policy, Report};
use std::sync::Arc;

#[test]
fn bad_policies_are_told_with_their_line() {
    let cases = [
        ("not toml", "[[rule]\nformat = \"bf16\"\n"),
        ("nothing in it", "# later\n"),
        ("unknown table", "[[rules]]\nformat = \"bf16\"\n"),
        (
            "unknown key",
            "[[rule]]\nkernal = \"linear_*\"\nformat = \"bf16\"\n",
        ),
        ("rule is no table", "rule = 3\n"),
        ("bad format", "[[rule]]\nformat = \"bf17\"\n"),
        ("format is no text", "[[rule]]\nformat = 16\n"),
        (
            "bad accumulator",
            "[[rule]]\nformat = \"bf16\"\naccumulate = \"fp99\"\n",
        ),
        ("bad rounding", "[[rule]]\nformat = \"bf16\"\nrounding = \"up\"\n"),
        ("bad input rounding", "input_rounding = \"nearest\"\n"),
        (
            "bad glob",
            "[[rule]]\nkernel = [\"linear_*\", \"conv[\"]\nformat = \"bf16\"\n",
        ),
        (
            "unknown class",
            "[[rule]]\nclass = [\"add\", \"mull\"]\nformat = \"bf16\"\n",
        ),
        (
            "unknown stage",
            "[[rule]]\nstage = \"training\"\nformat = \"bf16\"\n",
        ),
        (
            "unknown phase",
            "[[rule]]\nphase = \"forwards\"\nformat = \"bf16\"\n",
        ),
        ("bad launch", "[[rule]]\nlaunch = \"first\"\nformat = \"bf16\"\n"),
        (
            "empty launches",
            "[[rule]]\nlaunch = \"5..5\"\nformat = \"bf16\"\n",
        ),
        (
            "launch every none",
            "[[rule]]\nlaunch = { every = 0 }\nformat = \"bf16\"\n",
        ),
        ("bad line", "[[rule]]\nline = \"mlp.cu\"\nformat = \"bf16\"\n"),
        (
            "lines backwards",
            "[[rule]]\nline = \"mlp.cu:52-40\"\nformat = \"bf16\"\n",
        ),
        ("says nothing", "seed = 1\n\n[[rule]]\nkernel = \"linear_*\"\n"),
        ("empty list", "[[rule]]\nkernel = []\nformat = \"bf16\"\n"),
        (
            "boundary without argument",
            "[[quantize]]\nwhen = \"before\"\nformat = \"bf16\"\n",
        ),
        (
            "bad tensor format",
            "[[quantize]]\nargument = 0\nwhen = \"before\"\nformat = \"mxfp5\"\n",
        ),
        (
            "bad argument",
            "[[scale]]\nargument = \"weigths\"\nwhen = \"before\"\nfactor = 2\n",
        ),
        (
            "scale by nothing",
            "[[scale]]\nargument = 0\nwhen = \"before\"\nfactor = 0\n",
        ),
        ("loss scale without places", "[loss_scale]\nfactor = 1024.0\n"),
    ];
    let mut all = String::new();
    for (what, text) in cases {
        let error = match Policy::parse("policy.toml", text) {
            Err(e) => e.to_string(),
            Ok(_) => panic!("{what}: passes"),
        };
        assert!(error.contains("policy.toml:"), "{what}: {error}");
        all += &format!("== {what}\n{error}\n\n");
    }
    insta::assert_snapshot!(all);
    let missing = Policy::read(std::path::Path::new("nowhere.toml")).map_err(|e| e.to_string());
    assert!(missing.is_err_and(|e| e.contains("nowhere.toml")));
}

const MODULE: &str = r#".version 7.5
.target sm_75
.address_size 64
.file 1 "/src/net.cu"
.func (.reg .f32 %out) helper (.reg .f32 %in)
{
    mul.f32 %out, %in, %in;
    ret;
}
.visible .entry _Z6linearPf(.param .u64 p)
{
    .reg .f32 %f<9>;
    .reg .pred %p<2>;
    .loc 1 10 5
    fma.rn.f32 %f1, %f2, %f3, %f1;
    .loc 1 11 5
    add.f32 %f2, %f1, %f3;
    div.rn.f32 %f3, %f2, %f1;
    call (%f4), helper, (%f3);
    ret;
}
.visible .entry softmax(.param .u64 p)
{
    .reg .f32 %f<9>;
    .reg .pred %p<2>;
    .loc 1 20 5
    ex2.approx.f32 %f1, %f2;
    setp.lt.f32 %p1, %f1, %f2;
    rsqrt.approx.f32 %f3, %f1;
    ret;
}
"#;

fn module() -> ptx::ast::Module {
    ptx::parse("net.ptx", MODULE).unwrap_or_else(|e| panic!("{e}"))
}

fn apply(policy: &str, kernel: Option<&str>) -> (ptx::ast::Module, Report) {
    let policy = Arc::new(Policy::parse("p.toml", policy).unwrap_or_else(|e| panic!("{e}")));
    let mut module = module();
    let report = policy.rewrite(&mut module, &policy.all(), kernel);
    ptx::check(module.clone()).unwrap_or_else(|e| panic!("{e}"));
    (module, report)
}

/// Every instruction that may be overridden, as it is afterwards.
fn result(report: &Report) -> String {
    let sites = report.functions.iter().flat_map(|f| &f.sites);
    let all: Vec<&str> = sites.map(|s| s.to.as_deref().unwrap_or(&s.from)).collect();
    all.join(" ")
}

#[test]
fn rules_select_by_kernel_class_and_line() {
    let cases = [
        (
            "[[rule]]\nformat = \"launch\"",
            "mul.vf32 fma.rn.vf32 add.vf32 div.rn.vf32 ex2.approx.vf32 setp.lt.vf32 rsqrt.approx.vf32",
        ),
        (
            "[[rule]]\nkernel = \"linear\"\nformat = \"e5m2\"\n[[rule]]\nclass = \"div\"\nformat = \"leave\"",
            "mul.f32 fma.rn.vf32::e5m2 add.vf32::e5m2 div.rn.f32 ex2.approx.f32 setp.lt.f32 rsqrt.approx.f32",
        ),
        (
            "[[rule]]\nclass = [\"transcendental\", \"sqrt\"]\nformat = \"8,-132,128\"\n[[rule]]\nclass = \"sqrt\"\nformat = \"e3m4\"",
            "mul.f32 fma.rn.f32 add.f32 div.rn.f32 ex2.approx.vf32::bf16 setp.lt.f32 rsqrt.approx.vf32::e3m4",
        ),
        (
            "[[rule]]\nline = [\"net.cu:10\", \"other.cu:11\"]\nformat = \"7,-20,20\"",
            "mul.f32 fma.rn.vf32::p7_n20_20 add.f32 div.rn.f32 ex2.approx.f32 setp.lt.f32 rsqrt.approx.f32",
        ),
        (
            "[[rule]]\nptx = \"net.ptx:16-18\"\nformat = \"fp16\"\n[[rule]]\nrounding = \"rz\"",
            "mul.f32 fma.rn.f32 add.rz.vf32::fp16 div.rz.vf32::fp16 ex2.approx.f32 setp.lt.f32 rsqrt.approx.f32",
        ),
    ];
    for (policy, expected) in cases {
        let (_, report) = apply(policy, None);
        assert_eq!(result(&report), expected, "{policy}");
        assert!(report.has_source_lines);
    }
}

#[test]
fn rules_for_a_kernel_hold_in_what_it_calls() {
    let policy = "[[rule]]\nkernel = \"linear(float*)\"\nclass = \"mul\"\nformat = \"bf16\"";
    let (_, report) = apply(policy, Some("_Z6linearPf"));
    assert_eq!(report.functions[0].sites[0].to.as_deref(), Some("mul.vf32::bf16"));
    let (_, report) = apply(policy, Some("softmax"));
    assert_eq!(report.functions[0].taken(), 0);
}

#[test]
fn decisions_name_their_rules() {
    let (_, report) = apply(
        "[[rule]]\nformat = \"bf16\"\n[[rule]]\nclass = \"fma\"\nformat = \"e5m2\"\n[[rule]]\nclass = \"fma\"\nrounding = \"rz\"",
        None,
    );
    let fma = &report.functions[1].sites[0];
    assert_eq!(fma.decision.selected, [0, 1, 2]);
    assert_eq!((fma.decision.format, fma.decision.rounding), (Some(1), Some(2)));
    assert_eq!((fma.line, fma.cuda.as_ref().map(|c| c.1)), (15, Some(10)));
}
