//! The observing instructions: loops over the lanes of a warp that become SIMD, then one walk over the active lanes
//! that counts exponents and significand bits.

use super::site::{Shape, Site};
use super::tally::{Fact, LOST_BITS, Values};
use crate::lanes::{ISAS, Isa, per_isa};
use crate::machine::{Element, FULL, LANES};
use crate::probe::instruments::Instruments;
use crate::warp::{Flow, Inst, OpFn, Warp};
use backend::TrapKind;
use ir::Kind;
use record::Stop;
use std::any::Any;
use std::sync::Arc;
use vfloat::{LaneOps, LaneVisitor, Lanes};

/// How operands enter and products are rounded.
trait Cut: Copy + Send + Sync + 'static {
    /// T(x).
    fn operand(self, x: f32) -> f64;
    /// R(x) of an exact product.
    fn product(self, x: f64) -> f64;
}

/// Plain f32: nothing is cut.
#[derive(Clone, Copy)]
struct Plain;
impl Cut for Plain {
    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        x.into()
    }
    #[inline(always)]
    fn product(self, x: f64) -> f64 {
        x
    }
}

/// A variable format.
#[derive(Clone, Copy)]
struct Narrow<L>(L);
impl<L: LaneOps + 'static> Cut for Narrow<L> {
    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        self.0.operand(x)
    }
    #[inline(always)]
    fn product(self, x: f64) -> f64 {
        // The draw of a stochastic rounding is not known here: its product counts as exact.
        if L::STOCHASTIC { x } else { self.0.round(x) }
    }
}

/// The counting code for a format, and the object that it reads.
pub(crate) struct Chosen {
    /// Code.
    pub run: OpFn,
    /// Must live as long as the program.
    pub ops: Arc<dyn Any + Send + Sync>,
    /// Its address, for [`Inst::imm`].
    pub address: i64,
}

struct Choose(Isa);
impl LaneVisitor for Choose {
    type Output = Chosen;
    fn visit<L: LaneOps + 'static>(self, ops: L) -> Chosen {
        code(Narrow(ops), self.0)
    }
}

fn code<C: Cut>(cut: C, isa: Isa) -> Chosen {
    let ops = Arc::new(cut);
    let address = Arc::as_ptr(&ops) as i64;
    Chosen {
        run: Code::<C>::RUN[isa as usize],
        ops,
        address,
    }
}

struct Code<C>(std::marker::PhantomData<C>);
impl<C: Cut> Code<C> {
    const RUN: [OpFn; ISAS] = per_isa!(<C: Cut> count::<C>);
}

/// Chooses the counting code; `None` for plain f32.
pub(crate) fn choose(lanes: Option<&Lanes>, isa: Isa) -> Chosen {
    match lanes {
        Some(lanes) => lanes.specialise(Choose(isa)),
        None => code(Plain, isa),
    }
}

/// # Safety
/// As for every [`OpFn`].
unsafe fn site<'p>(w: &Warp, i: &'p Inst) -> &'p Site {
    // SAFETY: as the caller promises.
    &unsafe { w.program(i) }.sites[i.a as usize]
}

/// # Safety
/// `e` is a 32-bit register of the running program.
#[inline(always)]
unsafe fn read(w: &Warp, e: Element, row: &mut [f32; LANES]) {
    // SAFETY: as the caller promises.
    unsafe {
        match e {
            Element::Uniform(u) => *row = [f32::from_bits(*w.uniforms.add(u as usize) as u32); LANES],
            Element::Narrow(v) => *row = *(w.vectors.add(v as usize) as *const [f32; LANES]),
            Element::Wide(_) | Element::Affine(_) => {
                for (l, x) in row.iter_mut().enumerate() {
                    *x = f32::from_bits(crate::access::lane_bits(w, e, l) as u32);
                }
            }
        }
    }
}

/// Keeps the operands of the instruction that follows.
///
/// # Safety
/// As for every [`OpFn`].
pub(crate) unsafe fn keep_operands(w: &mut Warp, i: &Inst) -> Flow {
    let Some(mut instruments) = w.env_mut().instruments.take() else {
        return Flow::Next;
    };
    // SAFETY: the emitter listed registers of this program.
    unsafe {
        for (e, row) in site(w, i).src.iter().zip(&mut instruments.operands) {
            read(w, *e, &mut row.0);
        }
    }
    w.env_mut().instruments = Some(instruments);
    Flow::Next
}

/// A yes or no per lane: 1 or 0, as wide as the numbers it is made of so that loops become SIMD.
type Flags = [u64; LANES];

#[inline(always)]
fn sum(flags: &Flags) -> u64 {
    flags.iter().sum()
}

/// Counts each active lane by its exponent and by its significand bits.
#[inline(always)]
fn count_values(row: &[f32; LANES], mask: u32, to: &mut Values) {
    let mut bins = [0u32; LANES];
    let mut widths = [0u32; LANES];
    for l in 0..LANES {
        let bits = row[l].to_bits();
        let twice = bits << 1;
        let field = twice >> 24;
        let bin = if twice == 0 { Values::ZERO as u32 } else { field };
        bins[l] = if twice > 0xff00_0000 {
            Values::NAN as u32
        } else {
            bin
        };
        // The significand as an integer, at most 24 bits, so that its first and its last one are exact in binary32.
        let implicit = if field == 0 { 0 } else { 0x80_0000 };
        let whole = ((bits & 0x7f_ffff) | implicit) as i32;
        let place = |n: i32| (n as f32).to_bits() >> 23;
        let width = place(whole) + 1 - place(whole & -whole);
        widths[l] = if twice == 0 || field == 255 { 0 } else { width };
    }
    each(&bins, mask, &mut to.exponents);
    each(&widths, mask, &mut to.widths);
}

/// Adds one to the counter that each active lane names.
#[inline(always)]
fn each<const N: usize>(bins: &[u32; LANES], mask: u32, to: &mut [u64; N]) {
    if mask == FULL {
        for b in bins {
            to[(*b as usize).min(N - 1)] += 1;
        }
    } else {
        for l in crate::cross::lanes_of(mask) {
            to[(bins[l] as usize).min(N - 1)] += 1;
        }
    }
}

const MAGNITUDE: u64 = !(1 << 63);

#[inline(always)]
fn exponent(x: f64) -> i64 {
    ((x.to_bits() & MAGNITUDE) >> 52) as i64
}

/// Judges the results of the instruction before and counts them.
#[inline(always)]
unsafe fn count<C: Cut>(w: &mut Warp, i: &Inst) -> Flow {
    let Some(mut instruments) = w.env_mut().instruments.take() else {
        return Flow::Next;
    };
    let mut result = [0.0; LANES];
    // SAFETY: the emitter put registers of this program into the site, and the address of a `C` that the program keeps into
    // the instruction.
    let (site, cut) = unsafe {
        let site = site(w, i);
        read(w, site.dst, &mut result);
        (site, *(i.imm as *const C))
    };
    let flow = judge(w, site, i.a, cut, &result, &mut instruments);
    w.env_mut().instruments = Some(instruments);
    flow
}

/// [`count`] of the results of `site`, whose number is `n`.
#[inline(always)]
fn judge<C: Cut>(
    w: &mut Warp,
    site: &Site,
    n: u32,
    cut: C,
    result: &[f32; LANES],
    instruments: &mut Instruments,
) -> Flow {
    let mask = w.mask;
    // Nothing to stop at: every result is finite and below the largest value.
    if !site.asked.tally {
        let largest = site.facts.max as f32;
        let mut calm = true;
        for (l, r) in result.iter().enumerate() {
            calm &= (r.abs() < largest) | (mask >> l & 1 == 0);
        }
        if calm {
            return Flow::Next;
        }
    }
    let Instruments {
        operands, tallies, ..
    } = instruments;
    let tally = &mut tallies[n as usize];
    let mut live = [0u64; LANES];
    for (l, live) in live.iter_mut().enumerate() {
        *live = u64::from(mask >> l & 1);
    }
    let arity = site.src.len();
    // T, and what can be said of operands alone.
    let mut terms = [[0f64; LANES]; 3];
    let mut finite = live;
    let mut nan = [0u64; LANES];
    for k in 0..arity {
        // A copy, so that the compiler sees that nothing overlaps.
        let x = operands[k].0;
        let mut t = [0f64; LANES];
        for (t, x) in t.iter_mut().zip(&x) {
            *t = f64::from(*x);
        }
        let before = t;
        match &site.accumulator {
            _ if site.cut >> k & 1 != 0 => {
                for (t, x) in t.iter_mut().zip(&x) {
                    *t = cut.operand(*x);
                }
            }
            Some((n, lanes)) if *n == k => {
                for (t, x) in t.iter_mut().zip(&x) {
                    *t = lanes.operand(*x);
                }
            }
            _ => {}
        }
        let mut changed = 0;
        for l in 0..LANES {
            changed += u64::from((t[l] < before[l]) | (t[l] > before[l])) & live[l];
        }
        tally.cut[k] += changed;
        terms[k] = t;
        for l in 0..LANES {
            finite[l] &= u64::from(x[l].abs() < f32::INFINITY);
            nan[l] |= u64::from(x[l].is_nan()) & live[l];
        }
    }
    let asked = site.asked;
    let mut made = [0u64; LANES];
    let mut infinite = [0u64; LANES];
    for l in 0..LANES {
        made[l] = u64::from(result[l].is_nan()) & live[l] & !nan[l];
        infinite[l] = u64::from(result[l].abs() == f32::INFINITY) & finite[l];
    }
    // The exact result as far as binary64 goes, and whether anything is beyond that.
    let mut exact = [0f64; LANES];
    let mut beyond = [0u64; LANES];
    let mut pole = [0u64; LANES];
    let shape = super::site::shape(site.kind);
    match shape {
        Shape::Sum | Shape::ProductSum => {
            let (mut u, mut v) = (terms[0], terms[1]);
            if site.kind == Kind::Sub {
                v.iter_mut().for_each(|x| *x = -*x);
            }
            if shape == Shape::ProductSum {
                for l in 0..LANES {
                    u[l] *= v[l];
                }
                v = terms[2];
                if let Some(facts) = &site.product {
                    let (mut over, mut under) = (0, 0);
                    for l in 0..LANES {
                        let p = cut.product(u[l]);
                        let inside = p.abs() < f64::INFINITY;
                        let saturated = (u[l].abs() >= facts.limit) & (p.abs() >= facts.max);
                        over += u64::from(!inside | saturated) & finite[l];
                        under += u64::from((p == 0.0) & (u[l] != 0.0)) & finite[l];
                        beyond[l] = u64::from((p < u[l]) | (p > u[l]));
                        u[l] = p;
                    }
                    tally.facts[Fact::ProductOverflow as usize] += over;
                    tally.facts[Fact::ProductUnderflow as usize] += under;
                }
            }
            let mut swamped = 0;
            let mut lost = [0u32; LANES];
            for l in 0..LANES {
                let (u, v, r) = (u[l], v[l], f64::from(result[l]));
                let s = u + v;
                let b = s - u;
                let error = (u - (s - b)) + (v - b);
                exact[l] = s;
                beyond[l] |= u64::from((error > 0.0) | (error < 0.0));
                let gone =
                    |small: f64, large: f64| (small != 0.0) & (r == large) & (small.abs() < large.abs());
                swamped += u64::from(gone(u, v) | gone(v, u)) & finite[l];
                let bits = exponent(u).max(exponent(v)) - exponent(s);
                let bits = bits.clamp(0, LOST_BITS as i64 - 2);
                let all = (s == 0.0) & (u != 0.0) & (v != 0.0);
                lost[l] = if all { LOST_BITS as u32 - 1 } else { bits as u32 };
            }
            tally.facts[Fact::Swamped as usize] += swamped;
            if asked.tally {
                each(&lost, mask, &mut tally.lost);
            }
        }
        Shape::Product => {
            for l in 0..LANES {
                exact[l] = terms[0][l] * terms[1][l];
            }
        }
        Shape::Quotient => {
            let (x, y) = match arity {
                1 => ([1.0; LANES], terms[0]),
                _ => (terms[0], terms[1]),
            };
            for l in 0..LANES {
                let r = f64::from(result[l]);
                let q = x[l] / y[l];
                exact[l] = q;
                // Both have 48 bits at most: the product is exact.
                let back = r * y[l];
                beyond[l] = u64::from((back < x[l]) | (back > x[l])) & u64::from(q != 0.0);
                pole[l] = u64::from(y[l] == 0.0) & infinite[l];
            }
        }
        Shape::Root => {
            for l in 0..LANES {
                let r = f64::from(result[l]);
                exact[l] = terms[0][l].sqrt();
                let back = r * r;
                beyond[l] = u64::from((back < terms[0][l]) | (back > terms[0][l]));
            }
        }
        Shape::Function => {
            let zero_is_pole = matches!(site.kind, Kind::Lg2 | Kind::Rsqrt);
            for l in 0..LANES {
                let r = f64::from(result[l]);
                // 2^x is never zero.
                let under = (site.kind == Kind::Ex2) & (r == 0.0);
                exact[l] = if under { f64::MIN_POSITIVE } else { r };
                pole[l] = u64::from(zero_is_pole & (terms[0][l] == 0.0)) & infinite[l];
            }
        }
        Shape::Choice => {
            for l in 0..LANES {
                exact[l] = result[l].into();
            }
        }
        Shape::Rounding => exact = terms[0],
    }
    let facts = &site.facts;
    let judged = shape != Shape::Function;
    let mut overflow = [0u64; LANES];
    let mut underflow = [0u64; LANES];
    let mut subnormal = [0u64; LANES];
    let mut inexact = [0u64; LANES];
    for l in 0..LANES {
        let (s, r) = (exact[l], f64::from(result[l]));
        let saturated = (s.abs() >= facts.limit) & ((r.abs() >= facts.max) | r.is_nan());
        overflow[l] = (infinite[l] | u64::from(saturated) & finite[l]) & !pole[l];
        underflow[l] = u64::from((r == 0.0) & ((s > 0.0) | (s < 0.0))) & finite[l];
        subnormal[l] = u64::from((r.abs() > 0.0) & (r.abs() < facts.min_normal)) & live[l];
        inexact[l] = (u64::from((r < s) | (r > s)) | beyond[l]) & finite[l] & !pole[l] & u64::from(judged);
    }
    if asked.tally {
        tally.executions += u64::from(mask.count_ones());
        let by_fact = [
            (Fact::Overflow, &overflow),
            (Fact::Underflow, &underflow),
            (Fact::Subnormal, &subnormal),
            (Fact::NanMade, &made),
            (Fact::NanIn, &nan),
            (Fact::Pole, &pole),
            (Fact::Inexact, &inexact),
        ];
        for (fact, flags) in by_fact {
            tally.facts[fact as usize] += sum(flags);
        }
        for (row, values) in operands[..arity].iter().zip(&mut tally.operands) {
            count_values(&row.0, mask, values);
        }
        count_values(result, mask, &mut tally.result);
    }
    let Stop {
        nan,
        inf,
        overflow: over,
    } = asked.stop;
    let alarms = [
        (nan, &made, "a NaN"),
        (inf, &infinite, "an infinity"),
        (over, &overflow, "an overflow"),
    ];
    for (wanted, flags, what) in alarms {
        if wanted && sum(flags) != 0 {
            let rows = operands[..arity].iter().map(|r| r.0).collect();
            return alarm(w, site, what, flags, rows, *result);
        }
    }
    Flow::Next
}

/// Stops at the first lane with a flag.
#[cold]
#[inline(never)]
fn alarm(
    w: &mut Warp,
    site: &Site,
    what: &'static str,
    flags: &Flags,
    operands: Vec<[f32; LANES]>,
    result: [f32; LANES],
) -> Flow {
    let lane = flags.iter().position(|f| *f != 0).unwrap_or(0);
    w.trap(
        lane as u32,
        TrapKind::Number {
            what,
            operation: site.kind.name(),
            format: site.format.name(),
            operands: operands.iter().map(|row| row[lane].to_bits()).collect(),
            result: result[lane].to_bits(),
        },
    )
}
