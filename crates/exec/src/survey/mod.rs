//! Accesses through a register whose lanes hold addresses that nothing is known about when the kernel is lowered.
//! A *survey* looks at the 32 addresses once: are they in bounds, are they aligned, and do those of each half of
//! the warp lie in a *patch* of 32 words (rows of an image, tiles, broadcasts)? Then a load is a few vector
//! loads and a permutation. Accesses that start from the same register (the taps of a convolution, the fields of a
//! structure) share a survey, and each of them needs only its offset; it is kept until the register is written, and
//! moved when that is an addition of the same number in all lanes.
//!
//! Patches need permutations of 32 words, which AVX-512 has ([`avx512`]); other processors move lane by lane.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::access::{self, lane_bits};
use crate::lanes::{ISAS, Isa, begin, blend, finish, per_isa};
use crate::machine::{Element, FULL, LANES};
use crate::program::MemoryOp;
use crate::warp::Survey;
use crate::warp::{Flow, Inst, OpFn, Warp};

/// The survey of the addresses of access `i` under the present mask: the one at hand, or a new one.
///
/// # Safety
/// As for every [`OpFn`]; `i` is an access with a survey, which is not written while the result is used.
#[inline(always)]
unsafe fn current<'a, const FRESH: bool>(w: &Warp, i: &Inst) -> &'a Survey {
    // SAFETY: the emitter made `i` for this program, and `b` is one of its surveys.
    unsafe {
        let s = &mut *w.surveys.add(i.b as usize);
        if FRESH || s.mask != w.mask {
            *s = extremes(w, access::op(w, i));
        }
        s
    }
}

/// A survey without patches.
///
/// # Safety
/// As for every [`OpFn`]: `m` is of the warp's program.
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
    let first = a[w.mask.trailing_zeros() as usize & 31];
    if w.mask != FULL {
        blend(&mut a, &[first; LANES], !w.mask);
    }
    // Eight at a time: as wide as the widest registers.
    let (mut low, mut high, mut apart, mut bent) = ([u64::MAX; 8], [0u64; 8], [0u64; 8], [0u64; 8]);
    for c in 0..LANES / 8 {
        for j in 0..8 {
            let x = a[8 * c + j];
            low[j] = low[j].min(x);
            high[j] = high[j].max(x);
            apart[j] |= x ^ first;
            bent[j] |= x ^ first.wrapping_add(4 * (8 * c + j) as u64);
        }
    }
    let low = low.iter().fold(u64::MAX, |x, y| x.min(*y));
    let high = high.iter().fold(0, |x, y| x.max(*y));
    let base = access::space_base(w, m.space);
    // Beyond shared memory, where the register is truncated: never allowed, since low > high unless both turn
    // to the ends of the 64 bits, where no range is.
    let (low, high) = match base != 0 && high > u64::from(u32::MAX) {
        true => (1, 0),
        false => (base.wrapping_add(low), base.wrapping_add(high)),
    };
    Survey {
        low,
        high,
        apart: apart.iter().fold(0, |x, y| x | *y),
        line: bent.iter().fold(0, |x, y| x | *y) == 0,
        mask: w.mask,
        ..Survey::default()
    }
}

/// Forgets survey `d`.
pub unsafe fn forget(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: `d` is a survey of the program.
    unsafe { (*w.surveys.add(i.d as usize)).mask = 0 };
    Flow::Next
}

/// Survey `d` becomes survey `a` moved by uniform register `b`. Bit 0 of `x`: the addresses have 32 bits; bit 1:
/// they are in shared memory.
pub unsafe fn shift(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: `d` and `a` are surveys of the program, `b` a uniform register.
    unsafe {
        let mut s = *w.surveys.add(i.a as usize);
        let by = *w.uniforms.add(i.b as usize);
        let narrow = i.x & 1 != 0;
        let by = if narrow { by as i32 as u64 } else { by };
        let base = if i.x & 2 != 0 { w.env().shared as u64 } else { 0 };
        let limit = if narrow || base != 0 {
            u64::from(u32::MAX)
        } else {
            u64::MAX
        };
        let old = (s.low, s.high);
        (s.low, s.high) = (old.0.wrapping_add(by), old.1.wrapping_add(by));
        s.starts = s.starts.map(|p| p.wrapping_add(by));
        // Nothing may have wrapped around.
        let within =
            s.low.wrapping_sub(base) <= s.high.wrapping_sub(base) && s.high.wrapping_sub(base) <= limit;
        if s.mask != w.mask || old.0 > old.1 || !within {
            s.mask = 0;
        }
        *w.surveys.add(i.d as usize) = s;
    }
    Flow::Next
}

impl Survey {
    /// Whether access `i` of `size` bytes is in bounds and aligned at all the surveyed addresses.
    ///
    /// # Safety
    /// As for every [`OpFn`]; `i` is an access.
    #[inline(always)]
    unsafe fn allows(&self, w: &Warp, i: &Inst, size: u64) -> bool {
        let offset = i.imm as u64;
        let (low, high) = (self.low.wrapping_add(offset), self.high.wrapping_add(offset));
        // SAFETY: as the caller promises.
        let range = unsafe { access::range_of(w, i) };
        access::inside(range, low, high, size) && (low | self.apart) & (size - 1) == 0
    }
}

/// Bytes that a lane moves.
#[inline(always)]
fn size(m: &MemoryOp) -> u64 {
    u64::from(m.bytes) * m.elements.len() as u64
}

#[inline(always)]
unsafe fn load<const FRESH: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program; addresses are checked before they are read.
    unsafe {
        let m = access::op(w, i);
        let s = current::<FRESH>(w, i);
        if !s.allows(w, i, size(m)) || w.mask != FULL {
            return (m.general)(w, i);
        }
        if let ([Element::Narrow(d)], 4, true) = (m.elements.as_slice(), m.bytes, s.line) {
            let inst = Inst { d: *d, ..*i };
            let p = s.low.wrapping_add(i.imm as u64);
            *begin::<u32>(w, &inst) = (p as *const [u32; LANES]).read_unaligned();
            finish::<u32>(w, &inst);
            return Flow::Next;
        }
        load_lanes(w, i, m)
    }
}

/// Loads lane by lane.
///
/// # Safety
/// As for every [`OpFn`]; all lanes are active and may read where they go; `m` is the side table entry of `i`.
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
unsafe fn store<const FRESH: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load`.
    unsafe {
        let m = access::op(w, i);
        let s = current::<FRESH>(w, i);
        if !s.allows(w, i, size(m)) {
            return (m.general)(w, i);
        }
        if let ([Element::Narrow(v)], 4, true, FULL) = (m.elements.as_slice(), m.bytes, s.line, w.mask) {
            let v = *(w.vectors.add(*v as usize) as *const [u32; LANES]);
            (s.low.wrapping_add(i.imm as u64) as *mut [u32; LANES]).write_unaligned(v);
            return Flow::Next;
        }
        store_lanes(w, i, m)
    }
}

/// Stores lane by lane; only active lanes are written.
///
/// # Safety
/// As for every [`OpFn`]; the active lanes may write where they go; `m` is the side table entry of `i`.
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

/// Code of an access at vector addresses; `b` is the survey.
pub struct Code {
    /// The survey is to be made.
    pub fresh: OpFn,
    /// There may be one.
    pub kept: OpFn,
}

const LOAD: [[OpFn; ISAS]; 2] = [per_isa!(<> load::<true>), per_isa!(<> load::<false>)];
const STORE: [[OpFn; ISAS]; 2] = [per_isa!(<> store::<true>), per_isa!(<> store::<false>)];

/// The code of a load in global or shared memory into one 32-bit register (`word`: `d` is the destination) or more.
pub fn load_code(isa: Isa, word: bool) -> Code {
    match (isa, word) {
        #[cfg(target_arch = "x86_64")]
        (Isa::V4, true) => Code {
            fresh: avx512::load_word::<true>,
            kept: avx512::load_word::<false>,
        },
        #[cfg(target_arch = "x86_64")]
        (Isa::V4, false) => Code {
            fresh: avx512::load::<true>,
            kept: avx512::load::<false>,
        },
        _ => Code {
            fresh: LOAD[0][isa as usize],
            kept: LOAD[1][isa as usize],
        },
    }
}

/// The code of a store in global or shared memory.
pub fn store_code(isa: Isa) -> Code {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::V4 => Code {
            fresh: avx512::store::<true>,
            kept: avx512::store::<false>,
        },
        _ => Code {
            fresh: STORE[0][isa as usize],
            kept: STORE[1][isa as usize],
        },
    }
}
