//! Arithmetic on affine registers: lane l holds base + l * stride, only the base is stored, and an operation on
//! affine and uniform operands is one scalar operation on the bases.
//!
//! That is exact modulo the register's width. Only widening a 32-bit register can break it, when some lane of it
//! has wrapped around; it is checked each time. A register for which it fails becomes *wild*: its lanes are
//! kept one by one in a vector set aside for it, and the warp takes the slow way through all affine
//! instructions from then on. That hardly ever happens, but then it is right.

use crate::alu;
use crate::lanes::{Op1, Op2, Op3, per_isa, uniform1, uniform2, uniform3};
use crate::machine::{Element, FULL, LANES};
use crate::program::{AffineOp, AffineReg};
use crate::warp::{Flow, Inst, OpFn, Warp};
use ir::{AffineFn, AluOp};

/// The code of an operation that has an affine form.
pub fn code(op: AluOp) -> Option<OpFn> {
    Some(match op {
        AluOp::Mov32 => plain1::<alu::Mov32>,
        AluOp::Mov64 => plain1::<alu::Mov64>,
        AluOp::Add32 => plain2::<alu::Add32>,
        AluOp::Add64 => plain2::<alu::Add64>,
        AluOp::Sub32 => plain2::<alu::Sub32>,
        AluOp::Sub64 => plain2::<alu::Sub64>,
        AluOp::Mul32 => plain2::<alu::Mul32>,
        AluOp::Mul64 => plain2::<alu::Mul64>,
        AluOp::Shl32 => plain2::<alu::Shl32>,
        AluOp::Shl64 => plain2::<alu::Shl64>,
        AluOp::Mad32 => plain3::<alu::Mad32>,
        AluOp::Mad64 => plain3::<alu::Mad64>,
        AluOp::Truncate64 => plain1::<alu::Truncate64>,
        AluOp::SignExtend32 => widen1::<alu::SignExtend32, true>,
        AluOp::ZeroExtend32 => widen1::<alu::ZeroExtend32, false>,
        AluOp::MulWideS32 => widen2::<alu::MulWideS32, true>,
        AluOp::MulWideU32 => widen2::<alu::MulWideU32, false>,
        AluOp::MadWideS32 => widen3::<alu::MadWideS32, true>,
        AluOp::MadWideU32 => widen3::<alu::MadWideU32, false>,
        _ => return None,
    })
}

/// # Safety
/// As for every [`OpFn`]; `i` is one that `emit` gave an [`AffineOp`].
#[inline(always)]
unsafe fn op<'p>(w: &Warp, i: &'p Inst) -> &'p AffineOp {
    // SAFETY: `imm` is an index that the emitter put there.
    unsafe { w.program(i).affine_ops.get_unchecked(i.imm as usize) }
}

unsafe fn plain1<O: Op1>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe {
        match w.any_wild {
            true => slowly(w, i),
            false => uniform1::<O>(w, i),
        }
    }
}

unsafe fn plain2<O: Op2>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe {
        match w.any_wild {
            true => slowly(w, i),
            false => uniform2::<O>(w, i),
        }
    }
}

unsafe fn plain3<O: Op3>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe {
        match w.any_wild {
            true => slowly(w, i),
            false => uniform3::<O>(w, i),
        }
    }
}

/// Whether operand a, widened lane by lane, is what its widened base says.
///
/// # Safety
/// As for [`op`].
#[inline(always)]
unsafe fn widens<const SIGNED: bool>(w: &Warp, i: &Inst) -> bool {
    // SAFETY: operand a is a uniform register of the program.
    let (base, op) = unsafe { (*w.uniforms.add(i.a as usize) as u32, op(w, i)) };
    let reach = (LANES as i64 - 1) * op.stride;
    !w.any_wild
        && match SIGNED {
            true => i32::try_from(i64::from(base as i32) + reach).is_ok(),
            false => u32::try_from(i64::from(base) + reach).is_ok(),
        }
}

unsafe fn widen1<O: Op1, const SIGNED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe {
        match widens::<SIGNED>(w, i) {
            true => uniform1::<O>(w, i),
            false => slowly(w, i),
        }
    }
}

unsafe fn widen2<O: Op2, const SIGNED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe {
        match widens::<SIGNED>(w, i) {
            true => uniform2::<O>(w, i),
            false => slowly(w, i),
        }
    }
}

unsafe fn widen3<O: Op3, const SIGNED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe {
        match widens::<SIGNED>(w, i) {
            true => uniform3::<O>(w, i),
            false => slowly(w, i),
        }
    }
}

/// Lane by lane; the destination becomes wild.
///
/// # Safety
/// As for [`op`].
#[cold]
#[inline(never)]
unsafe fn slowly(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let (o, regs) = unsafe { (op(w, i), &w.program(i).affine_regs) };
    let d = regs[o.dst as usize];
    // SAFETY: registers of this program.
    let lane = |r: &AffineReg, l: usize| unsafe { lane(w, r, l) };
    // What inactive lanes hold must stay.
    let mut out: [u64; LANES] = std::array::from_fn(|l| lane(&d, l));
    for (l, out) in out.iter_mut().enumerate() {
        if w.mask >> l & 1 == 0 && w.mask != FULL {
            continue;
        }
        let mut s = [0u64; 3];
        for (s, e) in s.iter_mut().zip(&o.src) {
            *s = match *e {
                Element::Affine(k) => lane(&regs[k as usize], l),
                // SAFETY: a uniform register or constant of the program.
                Element::Uniform(u) => unsafe { *w.uniforms.add(u as usize) },
                Element::Narrow(_) | Element::Wide(_) => 0,
            };
        }
        let [a, b, c] = s;
        let (sa, sb) = (i64::from(a as i32) as u64, i64::from(b as i32) as u64);
        let (ua, ub) = (a & 0xffff_ffff, b & 0xffff_ffff);
        let r = match o.f {
            AffineFn::Move | AffineFn::Truncate => a,
            AffineFn::Add => a.wrapping_add(b),
            AffineFn::Sub => a.wrapping_sub(b),
            AffineFn::Mul => a.wrapping_mul(b),
            AffineFn::Shl => a << (b & 63),
            AffineFn::Mad => a.wrapping_mul(b).wrapping_add(c),
            AffineFn::SignExtend => sa,
            AffineFn::ZeroExtend => ua,
            AffineFn::MulWideS => sa.wrapping_mul(sb),
            AffineFn::MulWideU => ua.wrapping_mul(ub),
            AffineFn::MadWideS => sa.wrapping_mul(sb).wrapping_add(c),
            AffineFn::MadWideU => ua.wrapping_mul(ub).wrapping_add(c),
        };
        *out = if d.wide { r } else { r & 0xffff_ffff };
    }
    // SAFETY: the emitter set a 64-bit vector aside for each affine register.
    unsafe { *(w.vectors.add(d.spare as usize) as *mut [u64; LANES]) = out };
    // SAFETY: there is a flag for each affine register.
    unsafe { *w.wild.add(d.id as usize) = true };
    w.any_wild = true;
    Flow::Next
}

/// The value of an affine register in one lane, below 32.
///
/// # Safety
/// As for every [`OpFn`]: `r` is of the warp's program.
pub unsafe fn lane(w: &Warp, r: &AffineReg, lane: usize) -> u64 {
    // SAFETY: there is a flag for each affine register, a 64-bit vector that the emitter set aside, and a base, which is a
    // uniform register.
    let base = unsafe {
        if w.any_wild && *w.wild.add(r.id as usize) {
            return *(w.vectors.add(r.spare as usize) as *const u64).add(lane);
        }
        *w.uniforms.add(r.base as usize)
    };
    let value = base.wrapping_add((lane as i64 * r.stride) as u64);
    if r.wide { value } else { value & 0xffff_ffff }
}

/// Spreads affine register `a` (an index) into a 32-bit vector register.
#[inline(always)]
unsafe fn spread32(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: `d` is a vector register of the program, the base a uniform one.
    unsafe {
        let r = w.program(i).affine_regs.get_unchecked(i.a as usize);
        let d = &mut *(w.vectors.add(i.d as usize) as *mut [u32; LANES]);
        if w.any_wild {
            *d = std::array::from_fn(|l| lane(w, r, l) as u32);
        } else {
            let base = *w.uniforms.add(r.base as usize) as u32;
            let stride = r.stride as u32;
            for (l, d) in d.iter_mut().enumerate() {
                *d = base.wrapping_add(stride.wrapping_mul(l as u32));
            }
        }
    }
    Flow::Next
}

/// Spreads affine register `a` (an index) into a 64-bit vector register.
#[inline(always)]
unsafe fn spread64(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `spread32`.
    unsafe {
        let r = w.program(i).affine_regs.get_unchecked(i.a as usize);
        let d = &mut *(w.vectors.add(i.d as usize) as *mut [u64; LANES]);
        if w.any_wild {
            *d = std::array::from_fn(|l| lane(w, r, l));
        } else {
            let base = *w.uniforms.add(r.base as usize);
            let stride = r.stride as u64;
            for (l, d) in d.iter_mut().enumerate() {
                *d = base.wrapping_add(stride.wrapping_mul(l as u64));
            }
        }
    }
    Flow::Next
}

/// [`spread32`] for each instruction set.
pub const SPREAD32: [OpFn; 3] = per_isa!(<> spread32);
/// [`spread64`] for each instruction set.
pub const SPREAD64: [OpFn; 3] = per_isa!(<> spread64);
