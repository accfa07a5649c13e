//! Atomic operations: lanes in order, at addresses that `access` has checked.

use crate::access::{self, Kind, lane_bits, set_lane};
use crate::warp::{Flow, Inst, OpFn, Warp};
use ir::{AtomFn, AtomTy};

/// What an atomic operation makes of the old value `o` and operands `b`, `c`.
fn combine(f: AtomFn, ty: AtomTy, vf: Option<&vfloat::Lanes>, o: u64, b: u64, c: u64) -> u64 {
    use AtomFn as F;
    use vfloat::LaneOps;
    let halves = |g: &dyn Fn(u64, u64) -> u64| g(o & 0xffff, b & 0xffff) | g(o >> 16, b >> 16) << 16;
    match (f, ty) {
        (F::Exch, _) => b,
        (F::Cas, _) => {
            if o == b {
                c
            } else {
                o
            }
        }
        (F::And, _) => o & b,
        (F::Or, _) => o | b,
        (F::Xor, _) => o ^ b,
        (F::Inc, _) => {
            if o >= b {
                0
            } else {
                o + 1
            }
        }
        (F::Dec, _) => {
            if o == 0 || o > b {
                b
            } else {
                o - 1
            }
        }
        (F::Add, AtomTy::F32) => {
            let s = f32::from_bits(o as u32) + f32::from_bits(b as u32);
            u64::from(if s.is_nan() { 0x7fff_ffff } else { s.to_bits() })
        }
        (F::Add, AtomTy::Vf32) => match vf {
            Some(v) => u64::from(
                v.add(f32::from_bits(o as u32), f32::from_bits(b as u32))
                    .to_bits(),
            ),
            None => o,
        },
        (F::Add, AtomTy::F64) => (f64::from_bits(o) + f64::from_bits(b)).to_bits(),
        (F::Add | F::Min | F::Max, AtomTy::F16) => half(f, false)(o, b),
        (F::Add | F::Min | F::Max, AtomTy::Bf16) => half(f, true)(o, b),
        (F::Add | F::Min | F::Max, AtomTy::F16x2) => halves(&half(f, false)),
        (F::Add | F::Min | F::Max, AtomTy::Bf16x2) => halves(&half(f, true)),
        (F::Add, _) => o.wrapping_add(b),
        (F::Min, AtomTy::S32) => (o as i32).min(b as i32) as u64,
        (F::Max, AtomTy::S32) => (o as i32).max(b as i32) as u64,
        (F::Min, AtomTy::S64) => (o as i64).min(b as i64) as u64,
        (F::Max, AtomTy::S64) => (o as i64).max(b as i64) as u64,
        (F::Min, _) => o.min(b),
        (F::Max, _) => o.max(b),
    }
}

fn half(f: AtomFn, bfloat: bool) -> fn(u64, u64) -> u64 {
    use ptx::ast::{Instruction, Modifier, Opcode, ScalarType};
    let opcode = match f {
        AtomFn::Add => Opcode::Add,
        AtomFn::Min => Opcode::Min,
        _ => Opcode::Max,
    };
    let ty = if bfloat { ScalarType::Bf16 } else { ScalarType::F16 };
    let inst = Instruction {
        span: Default::default(),
        guard: None,
        opcode,
        modifiers: vec![Modifier::Type(ty)],
        numerics: Default::default(),
        operands: vec![],
    };
    match crate::scalar::scalar_op(&inst) {
        Ok(crate::scalar::ScalarOp::F2(f)) => f,
        _ => |o, _| o,
    }
}

/// Lanes in order, one after the other. Blocks that run at the same time only meet here when the operation
/// commutes and nobody sees the old value (the engine runs the blocks of other kernels in order).
unsafe fn atom(w: &mut Warp, i: &Inst) -> Flow {
    use crate::scalar::ieee::{canonical_f32, flush_f32};
    use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
    // SAFETY: as in `load`; the pointer is aligned, as checked.
    unsafe {
        let m = access::op(w, i);
        let lanes = match access::resolve(w, i, m, u32::from(m.bytes), Kind::Atomic) {
            Ok(l) => l,
            Err(flow) => return flow,
        };
        let Some((f, ty)) = m.atom else { return Flow::Next };
        let vf = m.vf.as_ref();
        // `add.f32` flushes subnormal numbers in global memory, never in shared memory (PTX ISA, `atom`).
        let first = w.env().shared as u64;
        let shared = first..first + u64::from(w.env().shared_bytes);
        let mut mask = w.mask;
        while mask != 0 {
            let l = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if ty == AtomTy::B128 {
                let words = |n: usize| [n, n + 1].map(|n| lane_bits(w, m.operands[n], l));
                let p = lanes.pointers[l] as *mut [u64; 2];
                // Not in one step: blocks that could see the difference run one after the other.
                let old = p.read();
                match f {
                    AtomFn::Exch => p.write(words(0)),
                    _ if old == words(0) => p.write(words(2)),
                    _ => {}
                }
                for (d, old) in m.elements.iter().zip(old) {
                    set_lane(w, *d, l, old);
                }
                continue;
            }
            let b = lane_bits(w, m.operands[0], l);
            let c = m.operands.get(1).map_or(0, |e| lane_bits(w, *e, l));
            let p = lanes.pointers[l];
            let old = match m.bytes {
                _ if ty == AtomTy::F32 && f == AtomFn::Add && !shared.contains(&p) => {
                    let b = flush_f32(f32::from_bits(b as u32));
                    let add = |o: u32| canonical_f32(flush_f32(flush_f32(f32::from_bits(o)) + b)).to_bits();
                    let a = AtomicU32::from_ptr(p as *mut u32);
                    u64::from(
                        a.fetch_update(Relaxed, Relaxed, |o| Some(add(o)))
                            .unwrap_or_default(),
                    )
                }
                2 => {
                    let a = AtomicU16::from_ptr(p as *mut u16);
                    let new = |o: u16| Some(combine(f, ty, vf, o.into(), b & 0xffff, c & 0xffff) as u16);
                    u64::from(a.fetch_update(Relaxed, Relaxed, new).unwrap_or_default())
                }
                4 => {
                    let a = AtomicU32::from_ptr(p as *mut u32);
                    let new =
                        |o: u32| Some(combine(f, ty, vf, o.into(), b & 0xffff_ffff, c & 0xffff_ffff) as u32);
                    u64::from(a.fetch_update(Relaxed, Relaxed, new).unwrap_or_default())
                }
                _ => {
                    let a = AtomicU64::from_ptr(p as *mut u64);
                    a.fetch_update(Relaxed, Relaxed, |o| Some(combine(f, ty, vf, o, b, c)))
                        .unwrap_or_default()
                }
            };
            if let Some(d) = m.elements.first() {
                set_lane(w, *d, l, old);
            }
        }
    }
    Flow::Next
}

/// Atomics.
pub const ATOM: OpFn = atom;
