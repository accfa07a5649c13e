//! Several accesses of a block often start from one address register: the taps of a convolution, the fields of
//! a structure. A *survey* looks at the 32 addresses once, and each access then needs only its offset: are
//! they in bounds, are they aligned, and do they fall into a few runs of neighbouring lanes (rows of an image,
//! say) that can be moved as a whole.

use crate::access::{self, lane_bits};
use crate::env::Survey;
use crate::lanes::{begin, blend, finish, per_isa};
use crate::program::{Element, MemoryOp};
use crate::warp::{FULL, Flow, Inst, LANES, OpFn, Warp};

/// Runs that a survey keeps apart; addresses in more are taken one by one.
pub const RUNS: usize = 4;

/// Bytes of a vector of 32 words.
const SPAN: u64 = 4 * LANES as u64;

/// Looks at the addresses of memory instruction `c`; the result goes to survey `x`.
#[inline(always)]
unsafe fn survey(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    unsafe {
        let m = access::op(w, i);
        let mut a: [u64; LANES] = match m.address {
            Element::Wide(v) => *(w.vectors.add(v as usize) as *const [u64; LANES]),
            Element::Narrow(v) => (*(w.vectors.add(v as usize) as *const [u32; LANES])).map(u64::from),
            // Surveys are made of vectors only.
            Element::Uniform(_) | Element::Affine(_) => [u64::MAX; LANES],
        };
        let first = w.mask.trailing_zeros() & 31;
        if w.mask != FULL {
            let there = [a[first as usize]; LANES];
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
        let mut breaks = [0u32; LANES];
        for l in 1..LANES {
            breaks[l] = u32::from(a[l] != a[l - 1].wrapping_add(4)) << l;
        }
        let mut starts = breaks.iter().fold(0, |m, b| m | b) & w.mask | 1 << first;
        let base = access::space_base(w, m.space);
        let highest = high.iter().fold(0, |x, y| x.max(*y));
        let mut s = Survey {
            low: base.wrapping_add(low.iter().fold(u64::MAX, |x, y| x.min(*y))),
            high: base.wrapping_add(highest),
            bits: base | bits.iter().fold(0, |x, y| x | *y),
            runs: 0,
            masks: [0; RUNS],
            bases: [0; RUNS],
        };
        if base != 0 && highest > u64::from(u32::MAX) {
            // Beyond shared memory, and perhaps wrapped around: never allowed.
            (s.low, s.high) = (1, 0);
        } else if starts.count_ones() as usize <= RUNS {
            while starts != 0 {
                let l = starts.trailing_zeros();
                starts &= starts - 1;
                // Up to the next run, or to the end.
                let end = if starts == 0 {
                    0
                } else {
                    1u32 << starts.trailing_zeros()
                };
                s.masks[s.runs] = end.wrapping_sub(1 << l);
                s.bases[s.runs] = base.wrapping_add(a[l as usize]).wrapping_sub(4 * u64::from(l));
                s.runs += 1;
            }
        }
        (&mut *w.env).surveys[i.x as usize] = s;
    }
    Flow::Next
}

/// Whether access `i` is in bounds and aligned at all the surveyed addresses.
#[inline(always)]
fn allowed(w: &Warp, i: &Inst, m: &MemoryOp, s: &Survey) -> bool {
    let offset = i.imm as u64;
    let size = u64::from(m.bytes) * m.elements.len() as u64;
    let r = w.env().ranges[i.x as usize];
    let (low, high) = (s.low.wrapping_add(offset), s.high.wrapping_add(offset));
    let inside = low >= r.start && low <= high && high < r.end && r.end - high >= size;
    inside && (s.bits | offset) & (size - 1) == 0
}

#[inline(always)]
unsafe fn load(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program; addresses are checked before they are read.
    unsafe {
        let m = access::op(w, i);
        let s = &w.env().surveys[i.b as usize];
        let offset = i.imm as u64;
        if !allowed(w, i, m, s) {
            return (m.general)(w, i);
        }
        if let ([Element::Narrow(d)], 4) = (m.elements.as_slice(), m.bytes)
            && s.runs > 0
        {
            let r = w.env().ranges[i.x as usize];
            let whole = |base: u64| base >= r.start && base < r.end && r.end - base >= SPAN;
            if s.bases[..s.runs].iter().all(|b| whole(b.wrapping_add(offset))) {
                let inst = Inst { d: *d, ..*i };
                let runs = s.runs;
                let (masks, bases) = (s.masks, s.bases);
                let out = begin::<u32>(w, &inst);
                *out = (bases[0].wrapping_add(offset) as *const [u32; LANES]).read_unaligned();
                for k in 1..runs {
                    let run = (bases[k].wrapping_add(offset) as *const [u32; LANES]).read_unaligned();
                    blend(out, &run, masks[k]);
                }
                finish::<u32>(w, &inst);
                return Flow::Next;
            }
        }
        if w.mask != FULL {
            return (m.general)(w, i);
        }
        let base = access::space_base(w, m.space).wrapping_add(offset);
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
    // SAFETY: as in `load`; only active lanes are written.
    unsafe {
        let m = access::op(w, i);
        if !allowed(w, i, m, &w.env().surveys[i.b as usize]) {
            return (m.general)(w, i);
        }
        let offset = i.imm as u64;
        let base = access::space_base(w, m.space).wrapping_add(offset);
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

/// Surveys.
pub const SURVEY: [OpFn; 3] = per_isa!(<> survey);
/// Loads at surveyed addresses; `b` is the survey.
pub const LOAD: [OpFn; 3] = per_isa!(<> load);
/// Stores at surveyed addresses; `b` is the survey.
pub const STORE: [OpFn; 3] = per_isa!(<> store);
