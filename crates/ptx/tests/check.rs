//! What the check accepts and refuses, one instruction at a time, and which latency it has.

use ptx::isa::{Unit, Work};

fn checked(text: &str) -> Result<ptx::Checked, ptx::Errors> {
    let text = format!(
        ".version 8.7\n.target sm_100\n.address_size 64\n.global .align 16 .b8 sym[64];\n\
         .func (.param .b32 r) f(.param .b32 a)\n{{\n\tret;\n}}\n\
         .func (.reg .b32 r) g(.reg .b32 a)\n{{\n\tret;\n}}\n.entry k(.param .u64 p)\n{{\n.reg .pred %p<9>;\n\
         .reg .b8 %b<3>;\n.reg .b16 %h<9>;\n.reg .u16 %u<9>;\n.reg .b32 %r<9>;\n.reg .s32 %s<9>;\n.reg .b64 %rd<9>;\n.reg .f32 %f<9>;\n\
         .reg .f64 %d<9>;\n.reg .f16x2 %hh<9>;\n.reg .v4 .f32 %v;\n.shared .align 4 .b8 tile[32];\n.param .b32 arg;\n.param .b32 ret0;\nhere:\n\
         list: .branchtargets here, here;\nproto: .callprototype (.param .b32 _) _ (.param .b32 _);\n{text}\n}}\n"
    );
    ptx::check(ptx::parse("t.ptx", &text)?)
}

#[test]
fn accepted() {
    for text in [
        // Types of the same size: bits suit all, signs do not matter.
        "add.s32 %r1, %s1, -1;",
        "add.f32 %r1, %f1, %r2;",
        "mov.b32 %f1, %r1;",
        "mul.wide.u16 %r1, %h1, 3;",
        "mad.wide.s32 %rd1, %r1, %s2, %rd2;",
        "mad.lo.cc.u32 %r1, %r2, %r3, 0;",
        // Registers may be wider in loads, stores and conversions.
        "ld.global.u8 %r1, [%rd1];",
        "ld.global.u8 %h1, [%rd1+1];",
        "st.shared.u8 [tile+3], %r1;",
        "st.global.u16 [sym], %rd1;",
        "cvt.u8.u32 %r1, %r2;",
        "cvt.s64.s8 %rd1, %r2;",
        "cvt.rn.f16.f32 %h1, %f1;",
        "cvt.sat.f32.f32 %f1, %f2;",
        "cvt.rni.ftz.f32.f32 %f1, %f2;",
        "cvt.f64.f32 %d1, %f1;",
        // Vectors.
        "ld.global.v4.f32 %v, [%rd1];",
        "ld.global.v4.b32 {%r1, _, %r3, %f4}, [%rd1];",
        // In braces size alone counts.
        "ld.global.v2.s32 {%r1, %f2}, [%rd1];",
        "st.global.v2.f32 [%rd1], {%s1, %f1};",
        "ld.global.v2.u8 {%f1, %rd2}, [%rd1];",
        // Packed halves are bits.
        "div.s32 %hh1, %hh2, 5;",
        "ld.global.u16 %hh1, [%rd1];",
        "cvt.rn.f16x2.f32 %rd1, %f1, %f2;",
        "mov.f32 %f1, %v.x;",
        "mov.b64 {%r1, %r2}, %rd1;",
        "mov.b64 {_, %r2}, %rd1;",
        "mov.b32 %r1, {%h1, %h2};",
        "mov.b64 %rd1, {%h1, %h2, %h3, %h4};",
        // Addresses and names as values.
        "mov.u64 %rd1, sym+4;",
        "mov.u64 %rd1, f;",
        "mov.u32 %r1, tile;",
        "cvta.global.u64 %rd1, sym;",
        "ld.const.u32 %r1, [%r2];",
        "ld.u32 %r1, [0];",
        // Predicates.
        "@!%p1 bra here;",
        "setp.lt.and.f64 %p1|%p2, %d1, 0d0000000000000000, !%p3;",
        "mov.pred %p1, 1;",
        "xor.pred %p1, %p2, %p3;",
        "not.pred %p1, %p2;",
        "selp.u16 %u1, 1, 0, %p1;",
        "brx.idx %r1, list;",
        // Optional operands and destinations.
        "bar.sync 0;",
        "bar.sync 0, 64;",
        "bar.red.popc.u32 %r1, 0, %p1;",
        "bar.red.or.pred %p1, 0, 64, !%p2;",
        "shfl.sync.bfly.b32 %r1|%p1, %r2, 1, 31, -1;",
        "shfl.sync.bfly.b32 %f1, %f2, %r1, 31, -1;",
        "shfl.sync.bfly.b32 %f1|%p1, %f2, %f1, %s2, %s3;",
        "atom.global.add.f32 _, [%rd1], 0f3F800000;",
        "atom.global.cas.b64 %rd1, [%rd2], %rd3, 5;",
        "red.shared.inc.u32 [tile], 7;",
        "call.uni (ret0), f, (arg);",
        "call (ret0), %rd1, (arg), proto;",
        "call (ret0), %r1, (arg), proto;",
        // Registers and numbers for `.param`, and the other way round.
        "call (%r1), f, (%f2);",
        "call (ret0), f, (5);",
        "call (_), f, (arg);",
        "call (ret0), g, (arg);",
        "call (%f1), g, (%r2);",
        // Special registers.
        "mov.u16 %h1, %tid.x;",
        "mov.u64 %rd1, %gridid;",
        "mov.u32 %r1, %gridid;",
        "cvt.u32.u16 %r1, %tid.x;",
        "cvt.u32.u64 %r1, %clock64;",
        "mov.b64 %rd1, {%tid.x, %ntid.x};",
        "mov.v4.u32 {%r1, %r2, %r3, %r4}, %tid;",
        "mov.pred %p1, %is_explicit_cluster;",
        "mov.u32 %r1, %reserved_smem_offset_1;",
        "mov.u64 %rd1, %pm0_64;",
        "add.u64 %rd1, %rd2, WARP_SZ;",
        // An inner range hides what the outer one means.
        "{ .reg .b64 %r<3>; add.u64 %r1, %r2, 1; add.u32 %r3, %r4, 1; }",
        // The dialect.
        "add.vf32 %f1, %r2, 1.0;",
        "fmam.rz.vf32 %f1, %f2, %f3, %f1;",
        "addm.vf32 %f1, %f1, %f2;",
        "add.bf16 %f1, %f2, 0f3F800000;",
        "add.bf16 %h1, %h2, %h3;",
        "ex2.vf32 %f1, %f2;",
        "cvt.rn.vf32.u64 %f1, %rd1;",
        "ld.global.vf32 %f1, [%rd1];",
        "mov.vf32 %f1, %f2;",
        "selp.bf16 %f1, %f2, %f3, %p1;",
        "slct.vf32.s32 %f1, %f2, %f3, %r1;",
        "cvt.rzi.bf16.bf16 %f1, %f2;",
        "cvt.rzi.bf16.bf16 %h1, %h2;",
        // Not executed, but PTX.
        "min.f32 %f1, %f2, %f3, %f4;",
        "membar.proxy.alias;",
        "vadd.s32.u32.s32.sat.min %r1, %r2.b0, %r3.h1, %r4;",
        "mma.sync.aligned.m8n8k4.whatever {%zz}, [%zz, {{}}];",
    ] {
        if let Err(e) = checked(text) {
            panic!("{text}\n{e}");
        }
    }
}

#[test]
fn refused() {
    for text in [
        "add.s32 %rd1, %r2, %r3;",
        "add.s32 %r1, %f2, %r3;",
        "add.f32 %f1, %s2, %f3;",
        "add.f64 %d1, %d2, %f3;",
        "add.f32 %f1, %v, %f3;",
        "add.vf32 %f1, %rd2, %f3;",
        "add.vf32 %f1, %s2, %f3;",
        "fmam.rn.f32 %f1, %f2, %f3, %f4;",
        "addm.f32 %f1, %f2, %f3;",
        "add.bf16 %d1, %d2, %d3;",
        "mad.wide.s32 %r1, %r1, %r2, %rd2;",
        "shl.b64 %rd1, %rd2, %rd3;",
        "ld.global.u32 %h1, [%rd1];",
        "ld.global.v2.u32 {%r1, %r2, %r3}, [%rd1];",
        "ld.global.f32 %f1, %rd1;",
        "ld.global.f32 %f1, [%h1];",
        "st.global.f32 [%rd1], %p1;",
        "and.b32 %p1, %r1, %r2;",
        "and.pred %p1, %r1, %p2;",
        "setp.lt.s32 %r1, %r2, %r3;",
        "selp.b32 %r1, %r2, %r3, %r4;",
        "@%r1 bra here;",
        "bra sym;",
        "bra list;",
        "brx.idx %r1, here;",
        "mov.b64 {%r1, %h2}, %rd1;",
        "mov.u32 5, %r1;",
        "mov.f32 %f1, %s1.x;",
        "mov.f32 %f1, %v.b0;",
        "cvt.f32.s32 %f1, %r1;",
        "cvt.s32.f32 %r1, %f1;",
        "cvt.rn.s32.f32 %r1, %f1;",
        "mul.s32 %r1, %r2, %r3;",
        "mul.wide.u64 %rd1, %rd2, %rd3;",
        "setp.s32 %p1, %r1, %r2;",
        "atom.global.add.u32 %r1, [%rd1];",
        "atom.global.cas.b32 %r1, [%rd1], 1;",
        "call f, (arg);",
        "call (ret0), f, (arg, arg);",
        "call (ret0), %rd1, (arg);",
        "call sym;",
        "exit 1;",
        "ld.vf32 %h1, [%rd1];",
        "mov.vf32 %s1, %f2;",
        "mov.bf16 %rd1, %rd2;",
        "fmam.bf16 %f1, %f2, 1, %f4;",
        "max.NaN.vf32 %f1, %f2, %f3;",
    ] {
        assert!(checked(text).is_err(), "{text} is accepted");
    }
}

#[test]
fn latency_classes() {
    for (text, unit, work) in [
        ("add.s32 %r1, %r2, %r3;", Unit::Int, Work::Add),
        ("fma.rn.f32 %f1, %f2, %f3, %f4;", Unit::Fp32, Work::Mad),
        ("fma.rn.f16x2 %r1, %r2, %r3, %r4;", Unit::Fp32, Work::Mad),
        ("div.rn.f64 %d1, %d2, %d3;", Unit::Fp64, Work::Div),
        ("fma.rn.vf32 %f1, %f2, %f3, %f4;", Unit::Variable, Work::Mad),
        ("fmam.rn.bf16 %f1, %f2, %f3, %f4;", Unit::Variable, Work::Mad),
        ("setp.lt.f32 %p1, %f1, %f2;", Unit::Fp32, Work::Max),
        ("set.lt.u32.f32 %r1, %f1, %f2;", Unit::Fp32, Work::Max),
        ("ex2.approx.f32 %f1, %f2;", Unit::Sfu, Work::Sfu),
        ("ld.global.f32 %f1, [%rd1];", Unit::Memory, Work::Memory),
        ("bra here;", Unit::Control, Work::Branch),
        ("bar.sync 0;", Unit::Control, Work::Barrier),
    ] {
        let module = checked(text).unwrap_or_else(|e| panic!("{e}"));
        let body = module
            .function("k")
            .and_then(|k| k.body.as_deref())
            .unwrap_or_default();
        let Some(ptx::ast::Statement::Instruction(i)) = body.last() else {
            panic!("{text}")
        };
        assert_eq!(ptx::isa::latency(i), ptx::isa::Latency { unit, work }, "{text}");
    }
}
