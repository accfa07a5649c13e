//! Accesses through a register whose lanes hold addresses that nothing is known about when the kernel is lowered.
//! A *survey* looks at the 32 addresses once: are they in bounds, are they aligned, and do those of each half of
//! the warp lie in a *patch* of 32 words (rows of an image, tiles, broadcasts)? Then a load is a few vector
//! loads and a permutation. Accesses of a basic block that start from the same register (the taps of a
//! convolution, the fields of a structure) share a survey, and each of them needs only its offset.
//!
//! Patches need permutations of 32 words, which AVX-512 has ([`avx512`]); other processors move lane by lane.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::access::{self, lane_bits};
use crate::env::Survey;
use crate::lanes::{ISAS, Isa, begin, blend, finish, per_isa};
use crate::program::{Element, MemoryOp};
use crate::warp::{FULL, Flow, Inst, LANES, OpFn, Warp};

/// Looks at the addresses of memory instruction `c`; the result goes to survey `x`.
#[inline(always)]
unsafe fn survey(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program, and `x` is one of its surveys.
    unsafe {
        let m = access::op(w, i);
        let s = extremes(w, m);
        *(&mut *w.env).surveys.get_unchecked_mut(i.x as usize) = s;
    }
    Flow::Next
}

/// A survey without patches.
#[inline(always)]
unsafe fn extremes(w: &Warp, m: &MemoryOp) -> Survey {
    // SAFETY: the emitter says where the address lies.
    let mut a: [u64; LANES] = unsafe {
        match m.address {
            Element::Wide(v) => *(w.vectors.add(v as usize) as *const [u64; LANES]),
            Element::Narrow(v) => (*(w.vectors.add(v as usize) as *const [u32; LANES])).map(u64::from),
            // Surveys are made of vectors only.
            Element::Uniform(_) | Element::Affine(_) => [u64::MAX; LANES],
        }
    };
    if w.mask != FULL {
        let there = [a[w.mask.trailing_zeros() as usize & 31]; LANES];
        blend(&mut a, &there, !w.mask);
    }
    // Eight at a time: as wide as the widest registers.
    let (mut low, mut high, mut bits) = ([u64::MAX; 8], [0u64; 8], [0u64; 8]);
    for c in 0..LANES / 8 {
        for j in 0..8 {
            let x = a[8 * c + j];
            low[j] = low[j].min(x);
            high[j] = high[j].max(x);
            bits[j] |= x;
        }
    }
    let low = low.iter().fold(u64::MAX, |x, y| x.min(*y));
    let high = high.iter().fold(0, |x, y| x.max(*y));
    let bits = bits.iter().fold(0, |x, y| x | *y);
    Survey {
        patches: false,
        ..Survey::default()
    }
    .between(access::space_base(w, m.space), low, high, bits)
}

impl Survey {
    /// The same with bounds: addresses from `low` to `high`, `bits` all of them or-ed together, in a space that
    /// starts at `base`.
    #[inline(always)]
    fn between(mut self, base: u64, low: u64, high: u64, bits: u64) -> Survey {
        // Beyond shared memory, and perhaps wrapped around: never allowed.
        let beyond = base != 0 && high > u64::from(u32::MAX);
        (self.low, self.high) = match beyond {
            true => (1, 0),
            false => (base.wrapping_add(low), base.wrapping_add(high)),
        };
        self.bits = base | bits;
        self
    }

    /// Whether access `i` of `size` bytes is in bounds and aligned at all the surveyed addresses.
    #[inline(always)]
    fn allows(&self, w: &Warp, i: &Inst, size: u64) -> bool {
        let offset = i.imm as u64;
        // SAFETY: the emitter gave the access a range of the program.
        let r = unsafe { *w.env().ranges.get_unchecked(i.x as usize) };
        let (low, high) = (self.low.wrapping_add(offset), self.high.wrapping_add(offset));
        let inside = low >= r.start && low <= high && high < r.end && r.end - high >= size;
        inside && (self.bits | offset) & (size - 1) == 0
    }
}

/// The survey that access `i` uses.
#[inline(always)]
fn of<'a>(w: &Warp, i: &Inst) -> &'a Survey {
    // SAFETY: `b` is a survey of the program, and nobody changes it while an access runs.
    unsafe { (&*w.env).surveys.get_unchecked(i.b as usize) }
}

/// Bytes that a lane moves.
#[inline(always)]
fn size(m: &MemoryOp) -> u64 {
    u64::from(m.bytes) * m.elements.len() as u64
}

#[inline(always)]
unsafe fn load(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program; addresses are checked before they are read.
    unsafe {
        let m = access::op(w, i);
        match of(w, i).allows(w, i, size(m)) && w.mask == FULL {
            true => load_lanes(w, i, m),
            false => (m.general)(w, i),
        }
    }
}

/// Loads lane by lane, all lanes being active and allowed.
#[inline(always)]
unsafe fn load_lanes(w: &mut Warp, i: &Inst, m: &MemoryOp) -> Flow {
    // SAFETY: as the caller promises.
    unsafe {
        let base = access::space_base(w, m.space).wrapping_add(i.imm as u64);
        for (k, e) in m.elements.iter().enumerate() {
            let base = base.wrapping_add(u64::from(m.bytes) * k as u64);
            match (*e, m.bytes, m.address) {
                (Element::Narrow(d), 4, Element::Wide(a)) => {
                    let inst = Inst { d, ..*i };
                    // The destination of the last element may be the address register itself.
                    let a = *(w.vectors.add(a as usize) as *const [u64; LANES]);
                    for (out, a) in begin::<u32>(w, &inst).iter_mut().zip(&a) {
                        *out = (base.wrapping_add(*a) as *const u32).read_unaligned();
                    }
                    finish::<u32>(w, &inst);
                }
                (Element::Narrow(d), 4, Element::Narrow(a)) if m.elements.len() == 1 => {
                    let inst = Inst { d, ..*i };
                    let a = *(w.vectors.add(a as usize) as *const [u32; LANES]);
                    for (out, a) in begin::<u32>(w, &inst).iter_mut().zip(&a) {
                        *out = (base.wrapping_add(u64::from(*a)) as *const u32).read_unaligned();
                    }
                    finish::<u32>(w, &inst);
                }
                _ => return (m.general)(w, i),
            }
        }
    }
    Flow::Next
}

#[inline(always)]
unsafe fn store(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load`.
    unsafe {
        let m = access::op(w, i);
        match of(w, i).allows(w, i, size(m)) {
            true => store_lanes(w, i, m),
            false => (m.general)(w, i),
        }
    }
}

/// Stores lane by lane, all addresses being allowed; only active lanes are written.
#[inline(always)]
unsafe fn store_lanes(w: &mut Warp, i: &Inst, m: &MemoryOp) -> Flow {
    // SAFETY: as the caller promises.
    unsafe {
        let base = access::space_base(w, m.space).wrapping_add(i.imm as u64);
        for (k, e) in m.elements.iter().enumerate() {
            let base = base.wrapping_add(u64::from(m.bytes) * k as u64);
            let mut mask = w.mask;
            while mask != 0 {
                let l = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let p = base.wrapping_add(lane_bits(w, m.address, l));
                access::write(p, m.bytes, lane_bits(w, *e, l));
            }
        }
    }
    Flow::Next
}

/// Code of an access at vector addresses.
pub struct Code {
    /// The access shares a survey, which is `b`.
    pub shared: OpFn,
    /// It is alone.
    pub alone: OpFn,
}

const SURVEY: [OpFn; ISAS] = per_isa!(<> survey);
const LOAD: [OpFn; ISAS] = per_isa!(<> load);
const STORE: [OpFn; ISAS] = per_isa!(<> store);

/// The code that makes a survey.
pub fn look(isa: Isa) -> OpFn {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::V4 => avx512::survey,
        _ => SURVEY[isa as usize],
    }
}

/// The code of a load in global or shared memory into one 32-bit register (`word`: `d` is the destination) or more.
pub fn load_code(isa: Isa, word: bool) -> Code {
    match (isa, word) {
        #[cfg(target_arch = "x86_64")]
        (Isa::V4, true) => Code {
            shared: avx512::load_word,
            alone: avx512::load_word_alone,
        },
        #[cfg(target_arch = "x86_64")]
        (Isa::V4, false) => Code {
            shared: avx512::load,
            alone: avx512::load_alone,
        },
        _ => Code {
            shared: LOAD[isa as usize],
            alone: access::LOAD[isa as usize],
        },
    }
}

/// The code of a store in global or shared memory.
pub fn store_code(isa: Isa) -> Code {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::V4 => Code {
            shared: avx512::store,
            alone: avx512::store_alone,
        },
        _ => Code {
            shared: STORE[isa as usize],
            alone: access::STORE[isa as usize],
        },
    }
}
