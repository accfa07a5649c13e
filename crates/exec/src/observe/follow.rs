//! The shadow execution: beside every f32 value, what the same instructions give in binary64.
//!
//! A shadow belongs to a register lane or a 4-byte word of memory and to the bits that were there when it was made.
//! Where the bits are others now (written by the host, by an integer instruction, by anything that is not followed
//! here), the shadow is gone and the value stands for itself. So nothing needs to be told of what it does not follow.
//!
//! Control flow, addresses and comparisons are those of the real execution. The instructions of a shadowed launch run on one CPU thread, in
//! block order, so that sums of errors do not depend on the number of threads.

use super::shadows::{Shadow, Words, compare, lock};
use super::site::{Follow, Place, Rule};
use crate::access;
use crate::collective::shuffle_source;
use crate::cross::{self, lanes_of};
use crate::machine::LANES;
use crate::probe::instruments::{Instruments, Row};
use crate::program::Program;
use crate::warp::{Flow, Inst, Warp};
use ir::{AtomFn, Kind, Space};

/// # Safety
/// As for every [`crate::warp::OpFn`]: `place` is of the warp's program.
unsafe fn bits_of(w: &Warp, place: &Place, lane: usize) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { access::lane_bits(w, place.element, lane) as u32 }
}

/// # Safety
/// [`host`] found the address: four bytes of memory that the block may touch.
unsafe fn word(address: u64) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { (address as *const u32).read_unaligned() }
}

/// Where word `k` of the access of `lane` lies; `None` where the access itself traps.
fn host(w: &Warp, lane: usize, space: Space, address: u64, k: usize) -> Option<u64> {
    access::resolve_one(
        w,
        lane,
        space,
        address.wrapping_add(4 * k as u64),
        4,
        access::Kind::Load,
    )
    .ok()
    .map(|(p, _)| p)
}

/// Keeps the addresses of the memory instruction that follows, and the shadows that an atomic will need.
///
/// # Safety
/// As for every [`crate::warp::OpFn`].
pub(crate) unsafe fn before(w: &mut Warp, i: &Inst) -> Flow {
    if let Some(mut instruments) = w.env_mut().instruments.take() {
        if let Some(shadow) = &mut instruments.shadow {
            // SAFETY: passed on; the emitter made `i` for this program.
            unsafe { keep(w, &w.program(i).follows[i.a as usize], shadow) };
        }
        w.env_mut().instruments = Some(instruments);
    }
    Flow::Next
}

/// # Safety
/// As for every [`crate::warp::OpFn`]: `f` is of the warp's program.
unsafe fn keep(w: &Warp, f: &Follow, shadow: &mut Shadow) {
    let (Rule::Load(space, offset) | Rule::Store(space, offset) | Rule::Atomic(_, _, space, offset)) = f.rule
    else {
        return;
    };
    for l in lanes_of(w.mask) {
        // SAFETY: the emitter says where the address lies.
        let address = unsafe { access::lane_bits(w, f.address, l) };
        shadow.addresses[l] = address.wrapping_add(offset as u64) & space.address_bits();
        if let (Rule::Atomic(..), Some(at)) = (&f.rule, host(w, l, space, shadow.addresses[l], 0)) {
            // SAFETY: resolved.
            let bits = unsafe { word(at) };
            let mut words = lock(&shadow.words);
            let value = words.get(at, bits);
            words.set(at, bits, value);
        }
    }
}

/// Makes the shadows of the instruction before.
///
/// # Safety
/// As for every [`crate::warp::OpFn`].
pub(crate) unsafe fn after(w: &mut Warp, i: &Inst) -> Flow {
    if let Some(mut instruments) = w.env_mut().instruments.take() {
        let Instruments { shadow, operands, .. } = &mut *instruments;
        if let Some(shadow) = shadow {
            // SAFETY: passed on; the emitter made `i` for this program.
            unsafe {
                follow(
                    w,
                    w.program(i),
                    &w.program(i).follows[i.a as usize],
                    operands,
                    shadow,
                )
            };
        }
        w.env_mut().instruments = Some(instruments);
    }
    Flow::Next
}

/// Makes the shadows that `f` says; `kept` are the operands of observed arithmetic.
///
/// # Safety
/// As for every [`crate::warp::OpFn`]: `f` is of the warp's program, which `program` is.
unsafe fn follow(w: &Warp, program: &Program, f: &Follow, kept: &[Row; 3], shadow: &mut Shadow) {
    let (mask, warp) = (w.mask, w.index);
    // SAFETY: the emitter made these places for this program.
    let bits = |p: &Place, l: usize| unsafe { bits_of(w, p, l) };
    match &f.rule {
        Rule::Arithmetic(site) => {
            let s = &program.sites[*site];
            for l in lanes_of(mask) {
                let mut x = [0.0; 3];
                for (k, p) in f.src.iter().enumerate() {
                    x[k] = shadow.get(warp, p.register, l, kept[k].0[l].to_bits());
                }
                let real = bits(&f.dst[0], l);
                let terms = match s.kind {
                    Kind::Add | Kind::Sub => &kept[..2],
                    Kind::Fma => &kept[2..],
                    _ => &kept[..0],
                };
                let value = match terms.iter().any(|row| rounds(row.0[l].to_bits())) {
                    true => f32::from_bits(real).into(),
                    false => compute(s.kind, s.saturates, x),
                };
                compare(&mut shadow.errors[*site], f32::from_bits(real), value, &s.facts);
                if let Some(d) = f.dst[0].register {
                    shadow.set(warp, d, l, real, value);
                }
            }
        }
        Rule::Saturate | Rule::Move | Rule::Select(_) => {
            for l in lanes_of(mask) {
                let from = match f.rule {
                    // SAFETY: the emitter made the predicate for this program.
                    Rule::Select(p) => usize::from(unsafe { cross::predicate(w, p) } >> l & 1 == 0),
                    _ => 0,
                };
                let real = bits(&f.dst[0], l);
                let source = f.src[from].register;
                let value = match f.rule {
                    Rule::Saturate => match source.and_then(|r| {
                        let r = shadow.registers.get(warp as usize)?.get(&r)?;
                        (r.known >> l & 1 != 0).then_some(r.value[l])
                    }) {
                        Some(x) => clamp(x),
                        None => f32::from_bits(real).into(),
                    },
                    _ => shadow.get(warp, source, l, real),
                };
                if let Some(d) = f.dst[0].register {
                    shadow.set(warp, d, l, real, value);
                }
            }
        }
        Rule::Shuffle(kind, [b, c]) => {
            let mut values = [0.0; LANES];
            for l in lanes_of(mask) {
                // SAFETY: the emitter made the operands for this program.
                let (b, c) = unsafe { (cross::value(w, *b, l), cross::value(w, *c, l)) };
                let (from, _) = shuffle_source(*kind, l as u32, b as u32, c as u32);
                values[l] = shadow.get(warp, f.src[0].register, from as usize, bits(&f.dst[0], l));
            }
            for l in lanes_of(mask) {
                if let Some(d) = f.dst[0].register {
                    shadow.set(warp, d, l, bits(&f.dst[0], l), values[l]);
                }
            }
        }
        Rule::Load(space, _) => {
            for l in lanes_of(mask) {
                for (k, d) in f.dst.iter().enumerate() {
                    let (Some(at), Some(r)) = (host(w, l, *space, shadow.addresses[l], k), d.register) else {
                        continue;
                    };
                    let real = bits(d, l);
                    let value = lock(&shadow.words).get(at, real);
                    shadow.set(warp, r, l, real, value);
                }
            }
        }
        Rule::Store(space, _) => {
            for l in lanes_of(mask) {
                for (k, s) in f.src.iter().enumerate() {
                    let Some(at) = host(w, l, *space, shadow.addresses[l], k) else {
                        continue;
                    };
                    let real = bits(s, l);
                    // Of several lanes that store to one word, one has won.
                    // SAFETY: resolved.
                    if unsafe { word(at) } == real {
                        let value = shadow.get(warp, s.register, l, real);
                        lock(&shadow.words).set(at, real, value);
                    }
                }
            }
        }
        Rule::Atomic(kind, float, space, _) => {
            for l in lanes_of(mask) {
                let Some(at) = host(w, l, *space, shadow.addresses[l], 0) else {
                    continue;
                };
                // SAFETY: resolved.
                let (now, real) = (unsafe { word(at) }, bits(&f.src[0], l));
                let own = shadow.get(warp, f.src[0].register, l, real);
                let mut words = lock(&shadow.words);
                // As `before` or an earlier lane left it.
                let (page, k) = Words::place(at);
                let old = words.0.get(&page).map_or(0.0, |p| p.0[k].1);
                let new = match (kind, float) {
                    (AtomFn::Add, true) => old + own,
                    (AtomFn::Exch, _) if now == real => own,
                    _ => f32::from_bits(now).into(),
                };
                words.set(at, now, new);
                drop(words);
                if let Some((d, r)) = f.dst.first().and_then(|d| Some((d, d.register?))) {
                    let real = bits(d, l);
                    let old = if *float { old } else { f32::from_bits(real).into() };
                    shadow.set(warp, r, l, real, old);
                }
            }
        }
    }
}

/// Whether adding this number is meant to round: 2^23 and 1.5 * 2^23 + n are how expf and the like split off the
/// integer part of their argument, which binary64 would not.
fn rounds(bits: u32) -> bool {
    matches!(bits & 0x7fff_ffff, 0x4b00_0000 | 0x4b40_0000..=0x4b40_00ff)
}

fn clamp(x: f64) -> f64 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

/// The operation in binary64.
fn compute(kind: Kind, saturates: bool, [a, b, c]: [f64; 3]) -> f64 {
    let value = match kind {
        Kind::Add => a + b,
        Kind::Sub => a - b,
        Kind::Mul => a * b,
        Kind::Div => a / b,
        Kind::Fma => a * b + c,
        Kind::Max => a.max(b),
        Kind::Min => a.min(b),
        Kind::Neg => -a,
        Kind::Abs => a.abs(),
        Kind::Sqrt => a.sqrt(),
        Kind::Rcp => 1.0 / a,
        Kind::Rsqrt => 1.0 / a.sqrt(),
        Kind::Ex2 => libm::exp2(a),
        Kind::Lg2 => libm::log2(a),
        Kind::Sin => libm::sin(a),
        Kind::Cos => libm::cos(a),
        Kind::Tanh => libm::tanh(a),
        Kind::Cvt => a,
    };
    if saturates { clamp(value) } else { value }
}
