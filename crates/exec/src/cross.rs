//! Instructions that are no plain lane function: predicates, selection, carries, barriers, control flow, printing, and
//! the lane-by-lane fallback. Those of several lanes together are in `collective`.

use crate::access::{lane_bits, set_lane};
use crate::control::Wait;
use crate::lanes::{Lane, Src, begin, finish, per_isa};
use crate::machine::{Element, FULL, LANES, Operand};
use crate::program::CrossOp;
use crate::scalar::ScalarOp;
use crate::warp::{Flow, Inst, OpFn, Warp};
use backend::TrapKind;
use ir::{BARRIERS, BarrierFn, NO_COUNT, PredFn};

/// The operands of an instruction that lists them.
///
/// # Safety
/// As for every [`OpFn`]; `i` is one of those that the emitter gave a list.
#[inline(always)]
pub unsafe fn cross<'p>(w: &Warp, i: &'p Inst) -> &'p CrossOp {
    // SAFETY: `c` is an index that the emitter put there.
    unsafe { w.program(i).cross_ops.get_unchecked(i.c as usize) }
}

/// An operand in one lane, below 32.
///
/// # Safety
/// As for every [`OpFn`]: `o` is of the warp's program.
pub unsafe fn value(w: &Warp, o: Operand, lane: usize) -> u64 {
    // SAFETY: as the caller promises.
    unsafe {
        match o {
            Operand::Value(e) => lane_bits(w, e, lane),
            Operand::Predicate(p) => u64::from(predicate(w, p) >> lane & 1),
        }
    }
}

/// Sets an operand in one lane, below 32.
///
/// # Safety
/// As for [`value`].
pub(crate) unsafe fn set(w: &mut Warp, o: Operand, lane: usize, bits: u64) {
    // SAFETY: as the caller promises.
    unsafe {
        match o {
            Operand::Value(e) => set_lane(w, e, lane, bits),
            Operand::Predicate(p) => {
                let old = predicate(w, p) & !(1 << lane);
                set_predicate(w, p, old | (bits as u32 & 1) << lane);
            }
        }
    }
}

/// A predicate: a bit per lane.
///
/// # Safety
/// As for every [`OpFn`]: `p` is a predicate of the warp's program.
#[inline(always)]
pub(crate) unsafe fn predicate(w: &Warp, p: u32) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { *w.predicates.add(p as usize) }
}

/// Sets a predicate in all lanes.
///
/// # Safety
/// As for [`predicate`].
#[inline(always)]
pub(crate) unsafe fn set_predicate(w: &mut Warp, p: u32, bits: u32) {
    // SAFETY: as the caller promises.
    unsafe { *w.predicates.add(p as usize) = bits }
}

/// The lanes in which a guard holds: a predicate plus one, 0 for none; `negated` for `@!p`.
///
/// # Safety
/// As for [`predicate`].
#[inline(always)]
pub(crate) unsafe fn guard(w: &Warp, guard: u32, negated: bool) -> u32 {
    if guard == 0 {
        return FULL;
    }
    // SAFETY: as the caller promises.
    let p = unsafe { predicate(w, guard - 1) };
    if negated { !p } else { p }
}

/// Lanes of a mask, lowest first.
pub fn lanes_of(mask: u32) -> impl Iterator<Item = usize> {
    (0..LANES).filter(move |l| mask >> l & 1 != 0)
}

/// First instruction of every block: counts, meets, takes turns.
pub unsafe fn enter(w: &mut Warp, i: &Inst) -> Flow {
    if w.pc == w.control.meeting_pc {
        return w.arrive();
    }
    if i.x != 0 && w.spin(w.pc) {
        return Flow::Switch;
    }
    let lanes = u64::from(w.mask.count_ones());
    let env = w.env_mut();
    // SAFETY: `d` is a block of the program.
    let count = unsafe { env.counts.get_unchecked_mut(i.d as usize) };
    count.0 += 1;
    count.1 += lanes;
    env.executed += lanes * u64::from(i.a);
    if env.executed > env.budget {
        let limit = env.budget;
        return w.trap(
            w.mask.trailing_zeros(),
            TrapKind::InstructionBudget { limit, all: false },
        );
    }
    Flow::Next
}

/// Jump; `c` is the guard plus one, `x` its negation, `b` where both ways meet.
pub unsafe fn branch(w: &mut Warp, i: &Inst) -> Flow {
    let target = i.imm as u32;
    // SAFETY: the emitter put the guard there.
    let taken = w.mask & unsafe { guard(w, i.c, i.x != 0) };
    if taken == 0 {
        return Flow::Next;
    }
    if taken == w.mask {
        w.pc = target;
        return Flow::Switch;
    }
    let (fall, rest) = (w.pc + 1, w.mask & !taken);
    // The way that comes first in the code runs first; the last one pushed is the next to run.
    if target < fall {
        w.diverge(&[(fall, rest), (target, taken)], i.b)
    } else {
        w.diverge(&[(target, taken), (fall, rest)], i.b)
    }
}

/// Jump through a table; like `branch`, the index is source 0 of the [`CrossOp`] `c`, the table is `a`.
pub unsafe fn branch_table(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let (c, program) = unsafe { (cross(w, i), w.program(i)) };
    let table = &program.tables[i.a as usize];
    let guard = match c.src.get(1) {
        // SAFETY: as above.
        Some(Operand::Predicate(p)) => unsafe { guard(w, p + 1, i.x != 0) },
        _ => FULL,
    };
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for l in lanes_of(w.mask) {
        let pc = if guard >> l & 1 == 0 {
            w.pc + 1
        } else {
            // SAFETY: as above.
            let index = unsafe { value(w, c.src[0], l) } & 0xffff_ffff;
            match table.get(index as usize) {
                Some(pc) => *pc,
                None => return w.trap(l as u32, TrapKind::BadTarget { index }),
            }
        };
        match parts.iter_mut().find(|(p, _)| *p == pc) {
            Some((_, mask)) => *mask |= 1 << l,
            None => parts.push((pc, 1 << l)),
        }
    }
    if let [(pc, _)] = parts[..] {
        w.pc = pc;
        return Flow::Switch;
    }
    parts.reverse();
    w.diverge(&parts, i.b)
}

/// The active lanes for which the guard holds (as in `branch`) end.
pub unsafe fn exit(w: &mut Warp, i: &Inst) -> Flow {
    let base = w.mask;
    // SAFETY: the emitter put the guard there.
    w.mask &= unsafe { guard(w, i.c, i.x != 0) };
    if w.mask == 0 {
        w.mask = base;
        return Flow::Next;
    }
    w.exit(base)
}

/// The trap instruction.
pub unsafe fn trap(w: &mut Warp, _: &Inst) -> Flow {
    w.trap(w.mask.trailing_zeros(), TrapKind::TrapInstruction)
}

/// Nothing.
pub unsafe fn nop(_: &mut Warp, _: &Inst) -> Flow {
    Flow::Next
}

/// Predicate logic.
pub fn pred(f: PredFn) -> OpFn {
    unsafe fn logic(w: &mut Warp, i: &Inst, f: impl Fn(u32, u32) -> u32) -> Flow {
        // SAFETY: the emitter put the predicates there.
        unsafe {
            let r = f(predicate(w, i.a), predicate(w, i.b));
            let m = w.mask;
            let d = predicate(w, i.d);
            set_predicate(w, i.d, d & !m | r & m);
        }
        Flow::Next
    }
    unsafe fn mov(w: &mut Warp, i: &Inst) -> Flow {
        // SAFETY: passed on.
        unsafe { logic(w, i, |a, _| a) }
    }
    unsafe fn not(w: &mut Warp, i: &Inst) -> Flow {
        // SAFETY: passed on.
        unsafe { logic(w, i, |a, _| !a) }
    }
    unsafe fn and(w: &mut Warp, i: &Inst) -> Flow {
        // SAFETY: passed on.
        unsafe { logic(w, i, |a, b| a & b) }
    }
    unsafe fn or(w: &mut Warp, i: &Inst) -> Flow {
        // SAFETY: passed on.
        unsafe { logic(w, i, |a, b| a | b) }
    }
    unsafe fn xor(w: &mut Warp, i: &Inst) -> Flow {
        // SAFETY: passed on.
        unsafe { logic(w, i, |a, b| a ^ b) }
    }
    match f {
        PredFn::Mov => mov,
        PredFn::Not => not,
        PredFn::And => and,
        PredFn::Or => or,
        PredFn::Xor => xor,
    }
}

#[inline(always)]
unsafe fn select<T: Lane, A: Src<T>, B: Src<T>>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter chose this function for the way the operands are stored.
    unsafe {
        let p = predicate(w, i.c);
        let a = A::fetch(w, i.a);
        let b = B::fetch(w, i.b);
        let d = begin::<T>(w, i);
        for (l, d) in d.iter_mut().enumerate() {
            // As in `blend`.
            let m = 0u64.wrapping_sub(u64::from(p >> l & 1));
            *d = T::from_bits(A::lane(a, l).bits() & m | B::lane(b, l).bits() & !m);
        }
        finish::<T>(w, i);
    }
    Flow::Next
}

/// Everything uniform: the predicate is the same in all active lanes.
pub unsafe fn select_uniform(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `select`.
    unsafe {
        let from = if predicate(w, i.c) & w.mask != 0 { i.a } else { i.b };
        *w.uniforms.add(i.d as usize) = *w.uniforms.add(from as usize);
    }
    Flow::Next
}

/// Selection by [`crate::lanes::Isa`]; first index: bit 0 if the first operand is uniform, bit 1 the second.
pub const SELECT32: [[OpFn; 3]; 4] = [
    per_isa!(<> select::<u32, crate::lanes::V, crate::lanes::V>),
    per_isa!(<> select::<u32, crate::lanes::S, crate::lanes::V>),
    per_isa!(<> select::<u32, crate::lanes::V, crate::lanes::S>),
    per_isa!(<> select::<u32, crate::lanes::S, crate::lanes::S>),
];
/// The same for 64-bit registers.
pub const SELECT64: [[OpFn; 3]; 4] = [
    per_isa!(<> select::<u64, crate::lanes::V, crate::lanes::V>),
    per_isa!(<> select::<u64, crate::lanes::S, crate::lanes::V>),
    per_isa!(<> select::<u64, crate::lanes::V, crate::lanes::S>),
    per_isa!(<> select::<u64, crate::lanes::S, crate::lanes::S>),
];

/// d = bit of a predicate.
pub unsafe fn bit_of_pred(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let c = cross(w, i);
        for l in lanes_of(w.mask) {
            let bit = value(w, c.src[0], l);
            set(w, c.dst[0], l, bit & 1);
        }
    }
    Flow::Next
}

/// Carry out of a + b + c, or borrow of a - b - c; `x` bit 0: subtract, bit 1: 64 bits.
pub unsafe fn carry_out(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let c = cross(w, i);
        for l in lanes_of(w.mask) {
            // A uniform 32-bit register may hold a sign above its width.
            let used = if i.x & 2 != 0 { u64::MAX } else { 0xffff_ffff };
            let (a, b) = (
                u128::from(value(w, c.src[0], l) & used),
                u128::from(value(w, c.src[1], l) & used),
            );
            let carry = u128::from(value(w, c.src[2], l) & 1);
            let out = match i.x {
                0 => (a + b + carry) >> 32 & 1,
                2 => (a + b + carry) >> 64 & 1,
                _ => u128::from(a < b + carry),
            };
            set(w, c.dst[0], l, out as u64);
        }
    }
    Flow::Next
}

/// One call per lane of the scalar function with index `a`.
pub unsafe fn scalar(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let (c, program) = unsafe { (cross(w, i), w.program(i)) };
    let op = program.scalars[i.a as usize];
    // A uniform result is computed once.
    let uniform = matches!(c.dst[0], Operand::Value(Element::Uniform(_)));
    let mask = if uniform {
        w.mask & w.mask.wrapping_neg()
    } else {
        w.mask
    };
    for l in lanes_of(mask) {
        // SAFETY: the emitter made the operands for this program.
        let s = |n: usize| unsafe { value(w, c.src[n], l) };
        let r = match op {
            ScalarOp::F1(f) => f(s(0)),
            ScalarOp::F2(f) => f(s(0), s(1)),
            ScalarOp::F3(f) => f(s(0), s(1), s(2)),
            ScalarOp::F4(f) => f(s(0), s(1), s(2), s(3)),
            ScalarOp::P1(f) => u64::from(f(s(0))),
            ScalarOp::P2(f) => u64::from(f(s(0), s(1))),
        };
        // SAFETY: as above.
        unsafe { set(w, c.dst[0], l, r) };
    }
    Flow::Next
}

/// Clocks count their own reads: time passes, and the same in every run.
pub unsafe fn clock(w: &mut Warp, i: &Inst) -> Flow {
    let env = w.env_mut();
    env.clock += 1;
    let now = env.executed + env.clock * 32;
    let bits = if i.x != 0 { now >> 32 } else { now };
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let c = cross(w, i);
        for l in lanes_of(w.mask) {
            set(w, c.dst[0], l, bits);
        }
    }
    Flow::Next
}

/// Barriers: `x` is the [`BarrierFn`], `b` is 1 if aligned.
pub unsafe fn barrier(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let c = unsafe { cross(w, i) };
    // SAFETY: and its operands.
    let key = |w: &Warp, l: usize| unsafe { (value(w, c.src[0], l) & 0xffff_ffff, value(w, c.src[1], l)) };
    let uniform = |o: &Operand| matches!(o, Operand::Value(Element::Uniform(_)));
    let uniform = c.src[..2].iter().all(uniform);
    // Lanes may name different barriers.
    let mut left = w.mask;
    while left != 0 {
        let first = left.trailing_zeros() as usize;
        let (id, count) = key(w, first);
        if let Some(what) = bad_barrier(w, id, count) {
            return w.trap(first as u32, TrapKind::IllegalSync { what });
        }
        let lanes = match uniform {
            true => left,
            false => lanes_of(left)
                .filter(|l| key(w, *l) == (id, count))
                .fold(0, |m, l| m | 1 << l),
        };
        left &= !lanes;
        let (id, count) = (id as u32, count as u32);
        if i.x == BarrierFn::Arrive as u16 {
            // Arrives without waiting.
            let threads = w.threads_at_barrier(lanes, lanes);
            w.env_mut().arrived.push((id, count, threads));
        } else {
            let aligned = i.b != 0;
            w.park(lanes, Wait::Barrier { id, count, aligned });
        }
    }
    w.go_on()
}

/// What is wrong with a barrier's number or its thread count, which is [`NO_COUNT`] where none is given.
fn bad_barrier(w: &Warp, id: u64, count: u64) -> Option<String> {
    let threads = u64::from(w.env().threads);
    match count & 0xffff_ffff {
        _ if id >= BARRIERS => Some(format!(
            "there is no barrier {id}: a block has {BARRIERS}, from 0 on"
        )),
        _ if count == NO_COUNT => None,
        n if n == 0 || n % LANES as u64 != 0 => Some(format!(
            "a barrier for {n} threads: the number must be a multiple of {LANES}"
        )),
        n if n > threads.next_multiple_of(LANES as u64) => {
            Some(format!("a barrier for {n} threads, but the block has {threads}"))
        }
        _ => None,
    }
}

/// What the lanes of `mask` contribute to the reduction of the barrier at `i`: lanes with a true predicate.
///
/// # Safety
/// As for [`barrier`].
pub unsafe fn barrier_votes(w: &Warp, i: &Inst, mask: u32) -> Option<(u16, u32)> {
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let p = *cross(w, i).src.get(2)?;
        let yes = lanes_of(mask).filter(|l| value(w, p, *l) & 1 != 0);
        Some((i.x, yes.count() as u32))
    }
}

/// Gives the lanes of `mask` the result of the reduction of the barrier at `i`: `yes` of `all` were true.
///
/// # Safety
/// As for [`barrier`].
pub unsafe fn barrier_result(w: &mut Warp, i: &Inst, mask: u32, yes: u32, all: u32) {
    let r = match i.x {
        x if x == BarrierFn::Popc as u16 => yes,
        x if x == BarrierFn::And as u16 => u32::from(yes == all),
        x if x == BarrierFn::Or as u16 => u32::from(yes != 0),
        _ => return,
    };
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let c = cross(w, i);
        for l in lanes_of(mask) {
            set(w, c.dst[0], l, u64::from(r));
        }
    }
}

/// vprintf: sources are where format, arguments and result lie in local memory.
pub unsafe fn printf(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let c = unsafe { cross(w, i) };
    for l in lanes_of(w.mask) {
        // SAFETY: and its operands.
        let at = |n: usize| unsafe { value(w, c.src[n], l) } as u32;
        let (format, arguments) = (at(0), at(1));
        match crate::printf::print(w, l, format, arguments) {
            Ok(written) => {
                if let Some(result) = c.src.get(2) {
                    // SAFETY: the result lies in the thread's frame.
                    unsafe {
                        let at = value(w, *result, l) as usize;
                        let base = w.local.add(l * w.env().local_bytes as usize + at);
                        (base as *mut i32).write_unaligned(written);
                    }
                }
            }
            Err(kind) => return w.trap(l as u32, kind),
        }
    }
    Flow::Next
}

/// __assertfail: sources are where message, file, line, function lie in local memory.
pub unsafe fn assert_fail(w: &mut Warp, i: &Inst) -> Flow {
    let lane = w.mask.trailing_zeros();
    // SAFETY: the emitter made `i` and its operands for this program.
    let at = unsafe {
        let c = cross(w, i);
        [0, 1, 2, 3].map(|n| value(w, c.src[n], lane as usize) as u32)
    };
    let message = crate::printf::assertion(w, lane as usize, at);
    w.trap(lane, TrapKind::Assertion { message })
}
