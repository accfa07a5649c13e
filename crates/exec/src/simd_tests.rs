//! Lane loops must stay SIMD: one call or bounds check in the body, and the compiler makes a loop over 32 scalars
//! of it, five times slower. This test looks at the machine code of what inner loops are made of.

use crate::alu;
use crate::lanes::{Alu, Isa};
use crate::vf;
use crate::warp::OpFn;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use ir::{AluOp, VfFn};
use std::collections::BTreeSet;
use vfloat::{Format, Lanes, Rounding};

/// Bytes that no lane function is longer than.
const LONGEST: u64 = 16 << 10;

/// The instructions of the function at `start`, without what it calls.
fn instructions(start: OpFn) -> Vec<Instruction> {
    let start = start as usize as u64;
    let (mut todo, mut seen, mut found) = (vec![start], BTreeSet::new(), Vec::new());
    while let Some(at) = todo.pop() {
        if at.abs_diff(start) > LONGEST || !seen.insert(at) {
            continue;
        }
        // SAFETY: there is an instruction, and none is longer than 15 bytes; code goes on behind it, or the page does.
        let bytes = unsafe { std::slice::from_raw_parts(at as *const u8, 15) };
        let i = Decoder::with_ip(64, bytes, at, DecoderOptions::NONE).decode();
        match i.flow_control() {
            FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => todo.push(i.next_ip()),
            FlowControl::ConditionalBranch => todo.extend([i.next_ip(), i.near_branch_target()]),
            FlowControl::UnconditionalBranch => todo.push(i.near_branch_target()),
            _ => {}
        }
        found.push(i);
    }
    found
}

/// Reads or writes a register of 256 or 512 bits.
fn is_wide(i: &Instruction) -> bool {
    (0..i.op_count())
        .filter(|n| i.op_kind(*n) == OpKind::Register)
        .any(|n| i.op_register(n).is_ymm() || i.op_register(n).is_zmm())
}

/// Each way to store the operands must have code without calls that computes with one of `wanted` on wide
/// registers; what has not goes to `lost`. (There may be scalar code too, for operands that overlap; it does not run.)
fn check(name: &str, alu: &Alu, wanted: &[&str], lost: &mut Vec<String>) {
    let all_uniform = (1 << alu.src.len()) - 1;
    for isa in [Isa::V3, Isa::V4] {
        // Of uniform operands alone one result is computed and copied to all lanes.
        let shapes = alu
            .code
            .iter()
            .filter(|(s, _)| *s != crate::lanes::UNIFORM && *s != all_uniform);
        for (shape, code) in shapes {
            let all = instructions(code[isa as usize]);
            let computes = |i: &&Instruction| {
                let mnemonic = format!("{:?}", i.mnemonic()).to_lowercase();
                is_wide(i) && wanted.iter().any(|w| mnemonic.contains(w))
            };
            let calls =
                |i: &&Instruction| matches!(i.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
            let (wide, calls) = (
                all.iter().filter(computes).count(),
                all.iter().filter(calls).count(),
            );
            if wide == 0 || calls > 0 {
                lost.push(format!(
                    "{name} ({isa:?}, shape {shape}): {wide} of {wanted:?} on wide registers and {calls} calls in {} \
                     instructions",
                    all.len(),
                ));
            }
        }
    }
}

#[test]
fn lane_loops_are_simd() {
    let mut lost = Vec::new();
    for (op, wanted) in [
        (AluOp::AddF32, "vaddps"),
        (AluOp::SubF32, "vsubps"),
        (AluOp::MulF32, "vmulps"),
        (AluOp::DivF32, "vdivps"),
        (AluOp::FmaF32, "vfmadd"),
        (AluOp::LtF32, "vcmpps"),
        (AluOp::Add32, "vpaddd"),
        (AluOp::Sub32, "vpsubd"),
        (AluOp::Mul32, "vpmulld"),
        (AluOp::Mad32, "vpmulld"),
        (AluOp::Add64, "vpaddq"),
        (AluOp::Sub64, "vpsubq"),
        (AluOp::And32, "vpand"),
        (AluOp::Or32, "vpor"),
        (AluOp::Xor32, "vpxor"),
        (AluOp::Shl32, "vpsll"),
        (AluOp::ShrU32, "vpsrl"),
        (AluOp::MinS32, "vpminsd"),
        (AluOp::MaxU32, "vpmaxud"),
        (AluOp::MulWideU32, "vpmuludq"),
        (AluOp::F32OfS32, "vcvtdq2ps"),
        (AluOp::Eq32, "vpcmpeqd"),
        (AluOp::LtS32, "vpcmp"),
    ] {
        check(op.name(), alu::code(op), &[wanted], &mut lost);
    }
    for (name, format) in Format::NAMED {
        let lanes = Lanes::new(*format, Rounding::TowardZero, Rounding::NearestEven);
        for f in [VfFn::Add, VfFn::Mul, VfFn::Fma, VfFn::Fmam, VfFn::Addm] {
            let wanted = ["vaddps", "vmulps", "vaddpd", "vmulpd"];
            check(
                &format!("{f:?} {name}"),
                vf::choose(f, &lanes).alu,
                &wanted,
                &mut lost,
            );
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
