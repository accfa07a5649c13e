//! `.sync` instructions: shuffles, votes, match, redux, elect and the barrier of a warp.
//!
//! A lane names the lanes it works with, its *membermask*, and waits until all of them that have not ended name the
//! same mask in an instruction of the same kind: the same place in the code is not needed (PTX ISA, "shfl.sync",
//! "vote.sync"; independent thread scheduling). Lanes of one instruction that name different masks are different
//! groups. What a group computes it computes at once, each lane with the operands of its own instruction. A shuffle
//! reads any lane that acts at the same moment, and 0 from a lane that does not: what an H200 does. A lane that is not
//! in its own mask is a trap, as there. `tests/collectives.rs` has the results of an H200 and an independent model.
//!
//! Such an instruction is a basic block of its own, so that no block-local register is in use while lanes wait.

use crate::access::lane_bits;
use crate::control::Wait;
use crate::cross::{cross, lanes_of, predicate, set, set_predicate, value};
use crate::lanes::{Isa, blend, per_isa};
use crate::machine::{Element, FULL, LANES, Operand};
use crate::program::CrossOp;
use crate::warp::{Flow, Inst, OpFn, Warp};
use backend::TrapKind;
use ir::{Op, ReduceFn, ShflFn, VoteFn};

/// What lanes do together. Its operands are its own, then the membermask; old forms without `.sync` have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// bar.warp.sync
    Sync,
    /// Operands: value, lane or distance, bounds.
    Shfl(ShflFn),
    /// Operand: a predicate.
    Vote(VoteFn),
    /// match.any; operand: a value.
    MatchAny,
    /// match.all; operand: a value.
    MatchAll,
    /// Operand: a value.
    Redux(ReduceFn),
    Elect,
}

/// Every [`Kind`], by the number that instructions carry in `x`.
const KINDS: &[Kind] = &[
    Kind::Sync,
    Kind::Elect,
    Kind::MatchAny,
    Kind::MatchAll,
    Kind::Shfl(ShflFn::Up),
    Kind::Shfl(ShflFn::Down),
    Kind::Shfl(ShflFn::Bfly),
    Kind::Shfl(ShflFn::Idx),
    Kind::Vote(VoteFn::Ballot),
    Kind::Vote(VoteFn::All),
    Kind::Vote(VoteFn::Any),
    Kind::Vote(VoteFn::Uni),
    Kind::Redux(ReduceFn::Add),
    Kind::Redux(ReduceFn::MinU),
    Kind::Redux(ReduceFn::MaxU),
    Kind::Redux(ReduceFn::MinS),
    Kind::Redux(ReduceFn::MaxS),
    Kind::Redux(ReduceFn::And),
    Kind::Redux(ReduceFn::Or),
    Kind::Redux(ReduceFn::Xor),
];

impl Kind {
    /// Operands before the membermask.
    fn operands(self) -> usize {
        match self {
            Kind::Sync | Kind::Elect => 0,
            Kind::Vote(_) | Kind::MatchAny | Kind::MatchAll | Kind::Redux(_) => 1,
            Kind::Shfl(_) => 3,
        }
    }
}

/// The code of a `.sync` instruction and its number in [`KINDS`]; None for other instructions.
pub fn code(op: &Op, isa: Isa) -> Option<(OpFn, u16)> {
    let kind = match *op {
        Op::WarpSync => Kind::Sync,
        Op::Shfl(f) => Kind::Shfl(f),
        Op::Vote(f) => Kind::Vote(f),
        Op::Match { all: true } => Kind::MatchAll,
        Op::Match { all: false } => Kind::MatchAny,
        Op::Redux(f) => Kind::Redux(f),
        Op::Elect => Kind::Elect,
        _ => return None,
    };
    let x = KINDS.iter().position(|k| *k == kind)? as u16;
    const SHFL: [OpFn; 3] = per_isa!(<> shfl);
    let run = match kind {
        Kind::Shfl(_) => SHFL[isa as usize],
        _ => together,
    };
    Some((run, x))
}

/// What lanes bring and what they get, by lane.
struct Values {
    /// Operands before the membermask.
    src: [[u64; LANES]; 3],
    /// First destination.
    d: [u64; LANES],
    /// Second destination, a predicate.
    p: u32,
}

/// Lanes that act at one place of the code.
struct Part {
    pc: u32,
    frame: u32,
    mask: u32,
}

/// PTX ISA, "shfl.sync": source lane and predicate from the clamp and segment mask in c.
#[inline(always)]
pub fn shuffle_source(f: ShflFn, lane: u32, b: u32, c: u32) -> (u32, bool) {
    let (b, clamp, segment) = (b & 31, c & 31, c >> 8 & 31);
    let max = (lane & segment) | (clamp & !segment);
    let min = lane & segment;
    let j = match f {
        ShflFn::Up => lane.wrapping_sub(b),
        ShflFn::Down => lane + b,
        ShflFn::Bfly => lane ^ b,
        ShflFn::Idx => min | (b & !segment),
    };
    // Going up the bound is below: a signed comparison, since lane - b may be negative.
    let p = if f == ShflFn::Up {
        j as i32 >= max as i32
    } else {
        j <= max
    };
    if p { (j & 31, true) } else { (lane, false) }
}

fn reduce(f: ReduceFn, a: u32, b: u32) -> u32 {
    match f {
        ReduceFn::Add => a.wrapping_add(b),
        ReduceFn::MinU => a.min(b),
        ReduceFn::MaxU => a.max(b),
        ReduceFn::MinS => (a as i32).min(b as i32) as u32,
        ReduceFn::MaxS => (a as i32).max(b as i32) as u32,
        ReduceFn::And => a & b,
        ReduceFn::Or => a | b,
        ReduceFn::Xor => a ^ b,
    }
}

/// What the lanes of `group` get; `acting` are all that act at this moment.
fn compute(kind: Kind, group: u32, acting: u32, v: &mut Values) {
    let all = |r: u32, v: &mut Values| lanes_of(group).for_each(|l| v.d[l] = u64::from(r));
    let which = |f: &dyn Fn(usize) -> bool| lanes_of(group).filter(|l| f(*l)).fold(0u32, |m, l| m | 1 << l);
    match kind {
        Kind::Sync => {}
        Kind::Shfl(f) => {
            for l in lanes_of(group) {
                let (from, inside) = shuffle_source(f, l as u32, v.src[1][l] as u32, v.src[2][l] as u32);
                v.d[l] = if acting >> from & 1 != 0 {
                    v.src[0][from as usize]
                } else {
                    0
                };
                v.p = v.p & !(1 << l) | u32::from(inside) << l;
            }
        }
        Kind::Vote(f) => {
            let yes = which(&|l| v.src[0][l] & 1 != 0);
            let r = match f {
                VoteFn::Ballot => yes,
                VoteFn::All => u32::from(yes == group),
                VoteFn::Any => u32::from(yes != 0),
                VoteFn::Uni => u32::from(yes == 0 || yes == group),
            };
            all(r, v);
        }
        Kind::MatchAny => {
            for l in lanes_of(group) {
                v.d[l] = u64::from(which(&|k| v.src[0][k] == v.src[0][l]));
            }
        }
        Kind::MatchAll => {
            let first = v.src[0][group.trailing_zeros() as usize & 31];
            let same = which(&|l| v.src[0][l] == first) == group;
            all(if same { group } else { 0 }, v);
            v.p = v.p & !group | if same { group } else { 0 };
        }
        Kind::Redux(f) => {
            let values = lanes_of(group).map(|l| v.src[0][l] as u32);
            let r = values.reduce(|a, b| reduce(f, a, b)).unwrap_or(0);
            all(r, v);
        }
        Kind::Elect => {
            let leader = group & group.wrapping_neg();
            all(group.trailing_zeros(), v);
            v.p = v.p & !group | leader;
        }
    }
}

/// Does what `groups` do together; the lanes stand at `parts`, the running ones, at `i`, at the first.
///
/// # Safety
/// As for every [`OpFn`]; each part stands at an instruction of this kind.
unsafe fn act(w: &mut Warp, i: &Inst, kind: Kind, groups: &[u32], parts: &[Part]) {
    if kind == Kind::Sync {
        return;
    }
    // SAFETY: the emitter made `i` for this program.
    let program = unsafe { w.program(i) };
    let mut v = Values {
        src: [[0; LANES]; 3],
        d: [0; LANES],
        p: 0,
    };
    for part in parts {
        w.use_frame(part.frame);
        // SAFETY: an instruction of this program with operands of its own.
        unsafe {
            let c = cross(w, &program.code[part.pc as usize]);
            for (n, of) in v.src.iter_mut().enumerate().take(kind.operands()) {
                for l in lanes_of(part.mask) {
                    of[l] = value(w, c.src[n], l);
                }
            }
        }
    }
    let acting = groups.iter().fold(0, |m, g| m | g);
    for group in groups {
        compute(kind, *group, acting, &mut v);
    }
    for part in parts {
        w.use_frame(part.frame);
        // SAFETY: as above.
        unsafe {
            let c = cross(w, &program.code[part.pc as usize]);
            for l in lanes_of(part.mask) {
                if let Some(d) = c.dst.first() {
                    set(w, *d, l, v.d[l]);
                }
                if let Some(p) = c.dst.get(1) {
                    set(w, *p, l, u64::from(v.p >> l & 1));
                }
            }
        }
    }
    w.use_frame(parts[0].frame);
}

/// The membermask, if it is the same in all lanes.
///
/// # Safety
/// As for [`value`].
#[inline(always)]
unsafe fn uniform_mask(w: &Warp, members: Operand) -> Option<u32> {
    match members {
        // SAFETY: as the caller promises.
        Operand::Value(e @ Element::Uniform(_)) => Some(unsafe { lane_bits(w, e, 0) } as u32),
        _ => None,
    }
}

/// Whether the running lanes are all of one group.
#[inline(always)]
fn is_whole(w: &Warp, members: u32) -> bool {
    members & w.live == w.mask
}

unsafe fn together(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let c = unsafe { cross(w, i) };
    let kind = KINDS[i.x as usize];
    let running = |mask| Part {
        pc: w.pc,
        frame: w.frame,
        mask,
    };
    let Some(members) = c.src.get(kind.operands()).copied() else {
        // An old form: the lanes that happen to be active.
        let part = running(w.mask);
        // SAFETY: the part stands at `i`.
        unsafe { act(w, i, kind, &[w.mask], &[part]) };
        return Flow::Next;
    };
    // SAFETY: an operand of `i`.
    if let Some(members) = unsafe { uniform_mask(w, members) }
        && is_whole(w, members)
    {
        let part = running(w.mask);
        // SAFETY: the part stands at `i`.
        unsafe { act(w, i, kind, &[w.mask], &[part]) };
        return Flow::Next;
    }
    // Lanes by the mask they name.
    let mut groups: Vec<(u32, u32)> = Vec::new();
    for l in lanes_of(w.mask) {
        // SAFETY: an operand of `i`.
        let mask = unsafe { value(w, members, l) } as u32;
        if mask >> l & 1 == 0 {
            let what =
                format!("a lane names membermask {mask:#010x}, in which it is not itself (it is lane {l})");
            return w.trap(l as u32, TrapKind::IllegalSync { what });
        }
        match groups.iter_mut().find(|(m, _)| *m == mask) {
            Some((_, lanes)) => *lanes |= 1 << l,
            None => groups.push((mask, 1 << l)),
        }
    }
    let mut parts = vec![running(0)];
    let (mut complete, mut waiting) = (Vec::new(), Vec::new());
    for &(members, lanes) in &groups {
        let wait = Wait::Members { members, kind: i.x };
        let others = w.control.waiting_with(wait).fold(0, |m, s| m | s.mask);
        if members & w.live & !(lanes | others) != 0 {
            waiting.push((wait, lanes));
            continue;
        }
        complete.push(lanes | others);
        parts[0].mask |= lanes;
        parts.extend(w.control.waiting_with(wait).map(|s| Part {
            pc: s.pc,
            frame: s.frame,
            mask: s.mask,
        }));
        w.control.release_members(wait);
    }
    if !complete.is_empty() {
        // SAFETY: the first part stands at `i`, the others wait at instructions of this kind.
        unsafe { act(w, i, kind, &complete, &parts) };
    }
    for (wait, lanes) in waiting {
        w.park(lanes, wait);
    }
    w.go_on()
}

#[inline(always)]
unsafe fn shfl(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let c = cross(w, i);
        let whole = match c.src.get(3) {
            Some(members) => uniform_mask(w, *members).is_some_and(|m| is_whole(w, m)),
            None => true,
        };
        match KINDS[i.x as usize] {
            Kind::Shfl(f) if whole && shfl_plainly(w, c, f, w.mask) => Flow::Next,
            _ => together(w, i),
        }
    }
}

/// The usual shuffle: a vector register, by the same distance in all lanes. False if it is another.
///
/// # Safety
/// As for every [`OpFn`]: `c` is of the warp's program.
#[inline(always)]
unsafe fn shfl_plainly(w: &mut Warp, c: &CrossOp, f: ShflFn, mask: u32) -> bool {
    let [
        Operand::Value(Element::Narrow(from)),
        Operand::Value(Element::Uniform(b)),
        Operand::Value(Element::Uniform(bounds)),
        ..,
    ] = c.src[..]
    else {
        return false;
    };
    let Operand::Value(Element::Narrow(to)) = c.dst[0] else {
        return false;
    };
    // SAFETY: the emitter says where the operands lie.
    unsafe {
        let b = *w.uniforms.add(b as usize) as u32;
        let bounds = *w.uniforms.add(bounds as usize) as u32;
        let mut old = *(w.vectors.add(from as usize) as *const [u32; LANES]);
        if mask != FULL {
            blend(&mut old, &[0; LANES], !mask);
        }
        let mut new = [0; LANES];
        let mut inside = 0;
        // One loop for each kind, so that each becomes vector code.
        macro_rules! pick {
            ($f:expr) => {
                for (l, new) in new.iter_mut().enumerate() {
                    let (from, yes) = shuffle_source($f, l as u32, b, bounds);
                    *new = old[from as usize & 31];
                    inside |= u32::from(yes) << l;
                }
            };
        }
        match f {
            ShflFn::Up => pick!(ShflFn::Up),
            ShflFn::Down => pick!(ShflFn::Down),
            ShflFn::Bfly => pick!(ShflFn::Bfly),
            ShflFn::Idx => pick!(ShflFn::Idx),
        }
        blend(
            &mut *(w.vectors.add(to as usize) as *mut [u32; LANES]),
            &new,
            mask,
        );
        if let Some(Operand::Predicate(p)) = c.dst.get(1) {
            let others = predicate(w, *p) & !mask;
            set_predicate(w, *p, others | inside & mask);
        }
    }
    true
}

/// activemask.
pub unsafe fn activemask(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` and its operands for this program.
    unsafe {
        let c = cross(w, i);
        for l in lanes_of(w.mask) {
            set(w, c.dst[0], l, u64::from(w.mask));
        }
    }
    Flow::Next
}
