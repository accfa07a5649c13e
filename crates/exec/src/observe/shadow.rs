//! The shadow execution: beside every f32 value, what the same instructions give in binary64.
//!
//! A shadow belongs to a register lane or a 4-byte word of memory and to the bits that were there when it was made.
//! Where the bits are others now (written by the host, by an integer instruction, by anything that is not followed
//! here), the shadow is gone and the value stands for itself. So nothing needs to be told of what it does not follow.
//!
//! Control flow, addresses and comparisons are those of the real execution. The instructions of a shadowed launch run on one CPU thread, in
//! block order, so that sums of errors do not depend on the number of threads.

use super::Facts;
use crate::access;
use crate::collective::shuffle_source;
use crate::cross::{self, lanes_of};
use crate::memory::Memory;
use crate::program::{Element, Operand};
use crate::warp::{Flow, Inst, LANES, Warp};
use ir::{AtomFn, Kind, ShflFn, Space};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// log2 of the relative errors that [`Errors::histogram`] counts: bin 0 is 2^LOWEST and below.
pub const LOWEST: i32 = -60;
/// Bins of [`Errors::histogram`]: the last one is 2^8 and above.
pub const BINS: usize = 69;

/// How far the results of an instruction are from their shadows.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors {
    /// Results that were compared.
    pub count: u64,
    /// Results equal to their shadow.
    pub exact: u64,
    /// Results of which one of the two is not finite, or the shadow is zero and the result is not.
    pub apart: u64,
    /// Largest relative error of the others.
    pub max_relative: f64,
    /// Sum of relative errors of the others.
    pub sum_relative: f64,
    /// Largest error in units in the last place of the instruction's format.
    pub max_ulps: f64,
    /// By floor(log2(relative error)), from [`LOWEST`] on.
    pub histogram: [u64; BINS],
}

impl Default for Errors {
    fn default() -> Errors {
        Errors {
            count: 0,
            exact: 0,
            apart: 0,
            max_relative: 0.0,
            sum_relative: 0.0,
            max_ulps: 0.0,
            histogram: [0; BINS],
        }
    }
}

impl Errors {
    /// Mean relative error of the results that can be compared.
    pub fn mean_relative(&self) -> f64 {
        self.sum_relative / (self.count - self.apart).max(1) as f64
    }

    fn note(&mut self, real: f32, shadow: f64, facts: &Facts) {
        let real = f64::from(real);
        self.count += 1;
        if real == shadow || real.is_nan() && shadow.is_nan() {
            self.exact += 1;
            return;
        }
        if !real.is_finite() || !shadow.is_finite() || shadow == 0.0 {
            self.apart += 1;
            return;
        }
        let error = (real - shadow).abs();
        let relative = error / shadow.abs();
        self.max_relative = self.max_relative.max(relative);
        self.sum_relative += relative;
        let binade = |x: f64| (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
        let unit = binade(shadow).max(binade(facts.min_normal)) + 1 - facts.precision as i32;
        self.max_ulps = self.max_ulps.max(error / power_of_two(unit));
        let bin = (binade(relative) - LOWEST).clamp(0, BINS as i32 - 1);
        self.histogram[bin as usize] += 1;
    }

    /// Adds those of a later launch.
    pub(crate) fn add(&mut self, other: &Errors) {
        self.count += other.count;
        self.exact += other.exact;
        self.apart += other.apart;
        self.max_relative = self.max_relative.max(other.max_relative);
        self.sum_relative += other.sum_relative;
        self.max_ulps = self.max_ulps.max(other.max_ulps);
        let bins = self.histogram.iter_mut().zip(&other.histogram);
        bins.for_each(|(a, b)| *a += b);
    }
}

/// 2^e for exponents of normal binary64 numbers.
fn power_of_two(e: i32) -> f64 {
    f64::from_bits(((e + 1023).clamp(1, 2046) as u64) << 52)
}

/// Words of a page of [`Words`].
const PAGE: usize = 1024;

/// Shadows of one page of memory: the bits they belong to, and the values. NaN bits that no arithmetic makes stand
/// for none.
struct Page([(u32, f64); PAGE]);

/// Shadows of memory, by host address.
#[derive(Default)]
pub(crate) struct Words(FxHashMap<u64, Box<Page>>);

impl Words {
    fn place(address: u64) -> (u64, usize) {
        (address >> 12, (address >> 2) as usize % PAGE)
    }
    /// The shadow of the word at `address`, which holds `bits` now.
    fn get(&self, address: u64, bits: u32) -> f64 {
        let (page, word) = Words::place(address);
        match self.0.get(&page).map(|p| p.0[word]) {
            Some((b, value)) if b == bits => value,
            _ => f32::from_bits(bits).into(),
        }
    }
    fn set(&mut self, address: u64, bits: u32, value: f64) {
        let (page, word) = Words::place(address);
        // A word of zeros is its own shadow.
        let fresh = || Box::new(Page([(0, 0.0); PAGE]));
        self.0.entry(page).or_insert_with(fresh).0[word] = (bits, value);
    }
    /// Forgets what lies in a range.
    fn forget(&mut self, start: u64, bytes: u64) {
        if bytes > 0 {
            (start >> 12..=(start + bytes - 1) >> 12).for_each(|page| drop(self.0.remove(&page)));
        }
    }
    /// Keeps what lies in device memory that is allocated.
    pub(crate) fn keep_allocated(&mut self, memory: &Memory) {
        self.0.retain(|page, _| {
            let (start, end) = (page << 12, (page + 1) << 12);
            memory.find(start).is_some() || memory.find(end - 4).is_some()
        });
    }
}

/// A register's shadows, by lane.
#[derive(Clone)]
struct Register {
    bits: [u32; LANES],
    value: [f64; LANES],
    known: u32,
}

/// The shadows that a worker sees.
pub(crate) struct Shadow {
    words: Arc<Mutex<Words>>,
    /// By warp of the block, by virtual register.
    registers: Vec<FxHashMap<u32, Box<Register>>>,
    /// Addresses of the memory instruction that follows, by lane.
    addresses: [u64; LANES],
    /// By site.
    pub(crate) errors: Vec<Errors>,
}

fn lock(words: &Mutex<Words>) -> MutexGuard<'_, Words> {
    words.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shadow {
    pub(crate) fn new(words: Arc<Mutex<Words>>, sites: usize) -> Shadow {
        Shadow {
            words,
            registers: Vec::new(),
            addresses: [0; LANES],
            errors: vec![Errors::default(); sites],
        }
    }

    /// A block begins, with `bytes` of shared memory at `shared`.
    pub(crate) fn start(&mut self, shared: u64, bytes: u64) {
        self.registers.clear();
        lock(&self.words).forget(shared, bytes);
    }

    fn register(&mut self, warp: u32, register: u32) -> &mut Register {
        let warp = warp as usize;
        if self.registers.len() <= warp {
            self.registers.resize(warp + 1, FxHashMap::default());
        }
        self.registers[warp].entry(register).or_insert_with(|| {
            Box::new(Register {
                bits: [0; LANES],
                value: [0.0; LANES],
                known: 0,
            })
        })
    }

    /// The shadow of a register's lane that holds (or held) `bits`.
    fn get(&self, warp: u32, register: Option<u32>, lane: usize, bits: u32) -> f64 {
        let found = register.and_then(|r| self.registers.get(warp as usize)?.get(&r));
        match found {
            Some(r) if r.known >> lane & 1 != 0 && r.bits[lane] == bits => r.value[lane],
            _ => f32::from_bits(bits).into(),
        }
    }

    fn set(&mut self, warp: u32, register: u32, lane: usize, bits: u32, value: f64) {
        let r = self.register(warp, register);
        r.bits[lane] = bits;
        r.value[lane] = value;
        r.known |= 1 << lane;
    }
}

/// A 32-bit register: the virtual one, and where it lies. Constants have no number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub register: Option<u32>,
    pub element: Element,
}

/// What the shadow of an instruction's results is made of.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// The same in binary64; index of a site.
    Arithmetic(usize),
    /// Clamped to [0, 1].
    Saturate,
    /// That of the source with the result's bits.
    Move,
    /// That of the source that a predicate chooses.
    Select(u32),
    /// That of the same register in another lane; lane or distance, and bounds.
    Shuffle(ShflFn, [Operand; 2]),
    /// That of the word.
    Load(Space, i64),
    /// The word gets those of the sources.
    Store(Space, i64),
    /// The word gets the sum of its own and the source's, or what follows from its bits.
    Atomic(AtomFn, bool, Space, i64),
}

/// The shadow of an instruction.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    pub rule: Rule,
    pub dst: Vec<Place>,
    pub src: Vec<Place>,
    /// Address of a memory instruction.
    pub address: Element,
}

/// # Safety
/// The emitter made `place` for this program.
unsafe fn bits_of(w: &Warp, place: &Place, lane: usize) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { access::lane_bits(w, place.element, lane) as u32 }
}

fn word(address: u64) -> u32 {
    // SAFETY: callers resolved the address: four bytes of memory that the block may touch.
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

fn parts(w: &mut Warp, i: &Inst) -> Option<(&'static Follow, &'static mut Shadow)> {
    // SAFETY: the worker that runs the warp owns the block's state; the program outlives the run.
    let env = unsafe { &mut *w.env };
    let shadow = env.watching.as_mut()?.shadow.as_mut()?;
    Some((&env.program.follows[i.a as usize], shadow))
}

/// Keeps the addresses of the memory instruction that follows, and the shadows that an atomic will need.
///
/// # Safety
/// As for every [`crate::warp::OpFn`].
pub(crate) unsafe fn before(w: &mut Warp, i: &Inst) -> Flow {
    let Some((f, shadow)) = parts(w, i) else {
        return Flow::Next;
    };
    let (Rule::Load(space, offset) | Rule::Store(space, offset) | Rule::Atomic(_, _, space, offset)) = f.rule
    else {
        return Flow::Next;
    };
    for l in lanes_of(w.mask) {
        // SAFETY: the emitter says where the address lies.
        let address = unsafe { access::lane_bits(w, f.address, l) };
        shadow.addresses[l] = address.wrapping_add(offset as u64) & space.address_bits();
        if let (Rule::Atomic(..), Some(at)) = (&f.rule, host(w, l, space, shadow.addresses[l], 0)) {
            let bits = word(at);
            let mut words = lock(&shadow.words);
            let value = words.get(at, bits);
            words.set(at, bits, value);
        }
    }
    Flow::Next
}

/// Makes the shadows of the instruction before.
///
/// # Safety
/// As for every [`crate::warp::OpFn`].
pub(crate) unsafe fn after(w: &mut Warp, i: &Inst) -> Flow {
    let Some((f, shadow)) = parts(w, i) else {
        return Flow::Next;
    };
    let (mask, warp) = (w.mask, w.index);
    // SAFETY: the emitter made these places for this program.
    let bits = |p: &Place, l: usize| unsafe { bits_of(w, p, l) };
    match &f.rule {
        Rule::Arithmetic(site) => {
            let program = w.env().program;
            let s = &program.sites[*site];
            // SAFETY: as in `parts`; operands and shadows are different fields, and only read here.
            let kept = unsafe { (*w.env).watching.as_ref().map(|x| x.operands) };
            let Some(kept) = kept else { return Flow::Next };
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
                shadow.errors[*site].note(f32::from_bits(real), value, &s.facts);
                if let Some(d) = f.dst[0].register {
                    shadow.set(warp, d, l, real, value);
                }
            }
        }
        Rule::Saturate | Rule::Move | Rule::Select(_) => {
            for l in lanes_of(mask) {
                let from = match f.rule {
                    // SAFETY: the emitter made the predicate for this program.
                    Rule::Select(p) => usize::from(unsafe { *w.predicates.add(p as usize) } >> l & 1 == 0),
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
                let (b, c) = (cross::value(w, *b, l), cross::value(w, *c, l));
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
                    if word(at) == real {
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
                let (now, real) = (word(at), bits(&f.src[0], l));
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
    Flow::Next
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
