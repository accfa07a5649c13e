//! Arithmetic on affine registers: lane l holds base + l * stride, only the base is stored, and an operation on
//! affine and uniform operands is one scalar operation on the bases.
//!
//! That is exact modulo the register's width. Only widening a 32-bit register can break it, when some lane of it
//! has wrapped around; it is checked each time. A register for which it fails becomes *wild*: its lanes are
//! kept one by one in a vector set aside for it, and the warp takes the slow way through all affine
//! instructions from then on. That hardly ever happens, but then it is right.

use crate::alu;
use crate::ir::Val;
use crate::lanes::{Alu, Class, Op1, Op2, Op3, per_isa, uniform1, uniform2, uniform3};
use crate::program::{AffineOp, AffineReg, Element};
use crate::warp::{FULL, Flow, Inst, LANES, OpFn, Warp};

/// Operations that keep values affine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AffineFn {
    /// a
    Move,
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b, one a constant
    Mul,
    /// a << b, b a constant
    Shl,
    /// a * b + c, a or b a constant
    Mad,
    /// The low word of a.
    Truncate,
    /// a, sign-extended; exact if no lane wraps as a signed number.
    SignExtend,
    /// a, zero-extended; exact if no lane wraps as an unsigned number.
    ZeroExtend,
    /// a * b of sign-extended operands, b a constant.
    MulWideS,
    /// a * b of zero-extended operands, b a constant.
    MulWideU,
    /// a * b + c of sign-extended a and b, b a constant.
    MadWideS,
    /// a * b + c of zero-extended a and b, b a constant.
    MadWideU,
}

impl AffineFn {
    /// The stride of the result, or None if it is not affine.
    pub fn stride(self, s: [i64; 3], src: &[Val], classes: &[Class]) -> Option<i64> {
        let constant = |n: usize| match src.get(n) {
            Some(Val::Const(c)) => Some(*c as i64),
            _ => None,
        };
        // A factor as a signed number of its operand's width, if it is small enough to be a stride.
        let narrow = |n: usize| match (constant(n)?, classes[n]) {
            (c, Class::W64) => i32::try_from(c).ok().map(i64::from),
            (c, _) => Some(i64::from(c as i32)),
        };
        match self {
            AffineFn::Move | AffineFn::Truncate | AffineFn::SignExtend | AffineFn::ZeroExtend => Some(s[0]),
            AffineFn::Add => s[0].checked_add(s[1]),
            AffineFn::Sub => s[0].checked_sub(s[1]),
            AffineFn::Shl => match (s[1], constant(1)) {
                (0, Some(c @ 0..=20)) => Some(s[0] << c),
                _ => None,
            },
            AffineFn::Mul | AffineFn::Mad => {
                let product = match (s[0], s[1]) {
                    (0, 0) => 0,
                    (a, 0) => a.checked_mul(narrow(1)?)?,
                    (0, b) => b.checked_mul(narrow(0)?)?,
                    _ => return None,
                };
                product.checked_add(s[2])
            }
            AffineFn::MulWideS | AffineFn::MulWideU | AffineFn::MadWideS | AffineFn::MadWideU => {
                // The emitter's check looks at operand a alone.
                let product = match (s[0], s[1]) {
                    (0, 0) => 0,
                    (a, 0) => match narrow(1)? {
                        c if c >= 0 => a.checked_mul(c)?,
                        c if matches!(self, AffineFn::MulWideS | AffineFn::MadWideS) => a.checked_mul(c)?,
                        _ => return None,
                    },
                    _ => return None,
                };
                product.checked_add(s[2])
            }
        }
    }
}

/// Operations with an affine form: name, what it does, its code.
const OPERATIONS: &[(&str, AffineFn, OpFn)] = &[
    ("Mov32", AffineFn::Move, plain1::<alu::Mov32>),
    ("Mov64", AffineFn::Move, plain1::<alu::Mov64>),
    ("Add32", AffineFn::Add, plain2::<alu::Add32>),
    ("Add64", AffineFn::Add, plain2::<alu::Add64>),
    ("Sub32", AffineFn::Sub, plain2::<alu::Sub32>),
    ("Sub64", AffineFn::Sub, plain2::<alu::Sub64>),
    ("Mul32", AffineFn::Mul, plain2::<alu::Mul32>),
    ("Mul64", AffineFn::Mul, plain2::<alu::Mul64>),
    ("Shl32", AffineFn::Shl, plain2::<alu::Shl32>),
    ("Shl64", AffineFn::Shl, plain2::<alu::Shl64>),
    ("Mad32", AffineFn::Mad, plain3::<alu::Mad32>),
    ("Mad64", AffineFn::Mad, plain3::<alu::Mad64>),
    ("Truncate64", AffineFn::Truncate, plain1::<alu::Truncate64>),
    (
        "SignExtend32",
        AffineFn::SignExtend,
        widen1::<alu::SignExtend32, true>,
    ),
    (
        "ZeroExtend32",
        AffineFn::ZeroExtend,
        widen1::<alu::ZeroExtend32, false>,
    ),
    ("MulWideS32", AffineFn::MulWideS, widen2::<alu::MulWideS32, true>),
    ("MulWideU32", AffineFn::MulWideU, widen2::<alu::MulWideU32, false>),
    ("MadWideS32", AffineFn::MadWideS, widen3::<alu::MadWideS32, true>),
    ("MadWideU32", AffineFn::MadWideU, widen3::<alu::MadWideU32, false>),
];

/// The affine form of a lane function, if it has one.
pub fn of(alu: &Alu) -> Option<(AffineFn, OpFn)> {
    OPERATIONS
        .iter()
        .find(|(name, ..)| *name == alu.name)
        .map(|(_, f, run)| (*f, *run))
}

#[inline(always)]
fn op(w: &Warp, i: &Inst) -> &'static AffineOp {
    // SAFETY: `imm` is an index the emitter put there.
    unsafe { w.env().program.affine_ops.get_unchecked(i.imm as usize) }
}

unsafe fn plain1<O: Op1>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    if w.any_wild {
        slowly(w, i)
    } else {
        unsafe { uniform1::<O>(w, i) }
    }
}

unsafe fn plain2<O: Op2>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    if w.any_wild {
        slowly(w, i)
    } else {
        unsafe { uniform2::<O>(w, i) }
    }
}

unsafe fn plain3<O: Op3>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    if w.any_wild {
        slowly(w, i)
    } else {
        unsafe { uniform3::<O>(w, i) }
    }
}

/// Whether operand a, widened lane by lane, is what its widened base says.
#[inline(always)]
fn widens<const SIGNED: bool>(w: &Warp, i: &Inst) -> bool {
    // SAFETY: operand a is a uniform register of the program.
    let base = unsafe { *w.uniforms.add(i.a as usize) } as u32;
    let reach = (LANES as i64 - 1) * op(w, i).stride;
    !w.any_wild
        && match SIGNED {
            true => i32::try_from(i64::from(base as i32) + reach).is_ok(),
            false => u32::try_from(i64::from(base) + reach).is_ok(),
        }
}

unsafe fn widen1<O: Op1, const SIGNED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    if widens::<SIGNED>(w, i) {
        unsafe { uniform1::<O>(w, i) }
    } else {
        slowly(w, i)
    }
}

unsafe fn widen2<O: Op2, const SIGNED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    if widens::<SIGNED>(w, i) {
        unsafe { uniform2::<O>(w, i) }
    } else {
        slowly(w, i)
    }
}

unsafe fn widen3<O: Op3, const SIGNED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    if widens::<SIGNED>(w, i) {
        unsafe { uniform3::<O>(w, i) }
    } else {
        slowly(w, i)
    }
}

/// Lane by lane; the destination becomes wild.
#[cold]
#[inline(never)]
fn slowly(w: &mut Warp, i: &Inst) -> Flow {
    let o = op(w, i);
    let regs = &w.env().program.affine_regs;
    let d = regs[o.dst as usize];
    // What inactive lanes hold must stay.
    let mut out: [u64; LANES] = std::array::from_fn(|l| lane(w, &d, l));
    for (l, out) in out.iter_mut().enumerate() {
        if w.mask >> l & 1 == 0 && w.mask != FULL {
            continue;
        }
        let mut s = [0u64; 3];
        for (s, e) in s.iter_mut().zip(&o.src) {
            *s = match *e {
                Element::Affine(k) => lane(w, &regs[k as usize], l),
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

/// The value of an affine register in one lane.
pub fn lane(w: &Warp, r: &AffineReg, lane: usize) -> u64 {
    // SAFETY: there is a flag for each affine register.
    if w.any_wild && unsafe { *w.wild.add(r.id as usize) } {
        // SAFETY: the emitter set a 64-bit vector aside.
        return unsafe { *(w.vectors.add(r.spare as usize) as *const u64).add(lane) };
    }
    // SAFETY: the base is a uniform register of the program.
    let base = unsafe { *w.uniforms.add(r.base as usize) };
    let value = base.wrapping_add((lane as i64 * r.stride) as u64);
    if r.wide { value } else { value & 0xffff_ffff }
}

/// Spreads affine register `a` (an index) into a 32-bit vector register.
#[inline(always)]
unsafe fn spread32(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: `d` is a vector register of the program, the base a uniform one.
    unsafe {
        let r = w.env().program.affine_regs.get_unchecked(i.a as usize);
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
        let r = w.env().program.affine_regs.get_unchecked(i.a as usize);
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
