//! Shadows of registers and memory, and how far results are from them.

use super::site::Facts;
use crate::machine::LANES;
use crate::memory::Memory;
use backend::Arena;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shadows of memory, shared by all launches of an engine.
pub(crate) type ShadowWords = Arc<Mutex<Words>>;

/// log2 of the relative errors that are told apart: what is smaller or larger counts as these.
const BINADES: std::ops::RangeInclusive<i32> = -60..=8;

/// Compares a result with its shadow.
pub(crate) fn compare(errors: &mut record::Shadow, real: f32, shadow: f64, facts: &Facts) {
    let real = f64::from(real);
    errors.count += 1;
    if real == shadow || real.is_nan() && shadow.is_nan() {
        errors.exact += 1;
        return;
    }
    if !real.is_finite() || !shadow.is_finite() || shadow == 0.0 {
        errors.apart += 1;
        return;
    }
    let error = (real - shadow).abs();
    let relative = error / shadow.abs();
    errors.max_relative = errors.max_relative.max(relative);
    errors.sum_relative += relative;
    let binade = |x: f64| (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let unit = binade(shadow).max(binade(facts.min_normal)) + 1 - facts.precision as i32;
    errors.max_ulps = errors.max_ulps.max(error / power_of_two(unit));
    let bin = binade(relative).clamp(*BINADES.start(), *BINADES.end());
    match errors.histogram.binary_search_by_key(&bin, |(b, _)| *b) {
        Ok(at) => errors.histogram[at].1 += 1,
        Err(at) => errors.histogram.insert(at, (bin, 1)),
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
pub(crate) struct Page(pub(crate) [(u32, f64); PAGE]);

/// Shadows of memory, by host address.
#[derive(Default)]
pub(crate) struct Words(pub(crate) FxHashMap<u64, Box<Page>>);

impl Words {
    pub(crate) fn place(address: u64) -> (u64, usize) {
        (address >> 12, (address >> 2) as usize % PAGE)
    }
    /// The shadow of the word at `address`, which holds `bits` now.
    pub(crate) fn get(&self, address: u64, bits: u32) -> f64 {
        let (page, word) = Words::place(address);
        match self.0.get(&page).map(|p| p.0[word]) {
            Some((b, value)) if b == bits => value,
            _ => f32::from_bits(bits).into(),
        }
    }
    pub(crate) fn set(&mut self, address: u64, bits: u32, value: f64) {
        let (page, word) = Words::place(address);
        // A word of zeros is its own shadow.
        let fresh = || Box::new(Page([(0, 0.0); PAGE]));
        self.0.entry(page).or_insert_with(fresh).0[word] = (bits, value);
    }
    /// Forgets what lies in a range.
    pub(crate) fn forget(&mut self, start: u64, bytes: u64) {
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
pub(crate) struct Register {
    pub(crate) bits: [u32; LANES],
    pub(crate) value: [f64; LANES],
    pub(crate) known: u32,
}

/// The shadows that a worker sees.
pub(crate) struct Shadow {
    pub(crate) words: Arc<Mutex<Words>>,
    /// By warp of the block, by virtual register.
    pub(crate) registers: Vec<FxHashMap<u32, Box<Register>>>,
    /// Addresses of the memory instruction that follows, by lane.
    pub(crate) addresses: [u64; LANES],
    /// By site.
    pub(crate) errors: Vec<record::Shadow>,
}

pub(crate) fn lock(words: &Mutex<Words>) -> MutexGuard<'_, Words> {
    words.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shadow {
    pub(crate) fn new(words: Arc<Mutex<Words>>, sites: usize) -> Shadow {
        Shadow {
            words,
            registers: Vec::new(),
            addresses: [0; LANES],
            errors: vec![record::Shadow::default(); sites],
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
    pub(crate) fn get(&self, warp: u32, register: Option<u32>, lane: usize, bits: u32) -> f64 {
        let found = register.and_then(|r| self.registers.get(warp as usize)?.get(&r));
        match found {
            Some(r) if r.known >> lane & 1 != 0 && r.bits[lane] == bits => r.value[lane],
            _ => f32::from_bits(bits).into(),
        }
    }

    pub(crate) fn set(&mut self, warp: u32, register: u32, lane: usize, bits: u32, value: f64) {
        let r = self.register(warp, register);
        r.bits[lane] = bits;
        r.value[lane] = value;
        r.known |= 1 << lane;
    }
}
