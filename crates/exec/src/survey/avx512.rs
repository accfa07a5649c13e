//! Surveys with patches, and the loads and stores that use them, for processors with AVX-512.

use super::{extremes, load_lanes, size, store_lanes};
use crate::access;
use crate::machine::{Element, FULL, LANES};
use crate::program::MemoryOp;
use crate::warp::Survey;
use crate::warp::{Flow, Inst, Warp};
use std::arch::x86_64::*;

/// Lanes of half a warp: 32-bit lanes of a vector register of the processor.
const HALF: usize = LANES / 2;
/// Bytes of a patch: what a permutation of two registers reaches.
const PATCH: u64 = 128;

/// What the lanes of half a warp add to the address of its first active lane, plus [`PATCH`], 128 for inactive
/// lanes; and that address. None if one does not fit into 8 bits.
///
/// # Safety
/// As for every [`crate::warp::OpFn`]: `m` is of the warp's program.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn half(w: &Warp, m: &MemoryOp, at: usize) -> Option<(u64, __m128i)> {
    let active = (w.mask >> at) as u16;
    let lead = if active == 0 {
        w.mask
    } else {
        u32::from(active) << at
    }
    .trailing_zeros() as usize;
    // SAFETY: the emitter says where the address lies.
    unsafe {
        match m.address {
            Element::Wide(v) => {
                let a = w.vectors.add(v as usize) as *const u64;
                let origin = *a.add(lead);
                let o = _mm512_set1_epi64(origin.wrapping_sub(PATCH) as i64);
                let middle = _mm512_set1_epi64(PATCH as i64);
                let quarter = |k: usize, active: u8| {
                    _mm512_mask_sub_epi64(middle, active, _mm512_loadu_epi64(a.add(at + k).cast()), o)
                };
                let (first, second) = (quarter(0, active as u8), quarter(HALF / 2, (active >> 8) as u8));
                let far = _mm512_test_epi64_mask(_mm512_or_si512(first, second), _mm512_set1_epi64(!0xff));
                let both = _mm_unpacklo_epi64(_mm512_cvtepi64_epi8(first), _mm512_cvtepi64_epi8(second));
                (far == 0).then_some((origin, both))
            }
            Element::Narrow(v) => {
                let a = w.vectors.add(v as usize);
                let origin = *a.add(lead);
                let o = _mm512_set1_epi32(origin.wrapping_sub(PATCH as u32) as i32);
                let middle = _mm512_set1_epi32(PATCH as i32);
                let d = _mm512_mask_sub_epi32(middle, active, _mm512_loadu_epi32(a.add(at).cast()), o);
                let far = _mm512_test_epi32_mask(d, _mm512_set1_epi32(!0xff));
                (far == 0).then_some((u64::from(origin), _mm512_cvtepi32_epi8(d)))
            }
            Element::Uniform(_) | Element::Affine(_) => None,
        }
    }
}

/// Looks at the addresses of an access.
///
/// # Safety
/// As for [`half`].
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn look(w: &Warp, m: &MemoryOp, s: &mut Survey) {
    // SAFETY: passed on.
    unsafe {
        if let (Some(a), Some(b)) = (half(w, m, 0), half(w, m, HALF))
            && let (Some(a), Some(b)) = (patch(s, 0, a), patch(s, 1, b))
        {
            s.patches = true;
            s.mask = w.mask;
            let base = access::space_base(w, m.space);
            let ends = [
                s.starts[0].wrapping_add(a.reach),
                s.starts[1].wrapping_add(b.reach),
            ];
            // Neither half may wrap around, at 2^64 or where a 32-bit address ends. (A lane below 0 makes the start of
            // its half a huge number, whatever the other half does.)
            let limit = match m.address {
                Element::Wide(_) if base == 0 => u64::MAX,
                _ => u64::from(u32::MAX),
            };
            if (0..2).all(|h| s.starts[h] <= ends[h] && ends[h] <= limit) {
                let (low, high) = (s.starts[0].min(s.starts[1]), ends[0].max(ends[1]));
                s.apart = a.apart | b.apart | (s.starts[0] ^ s.starts[1]);
                s.starts = s.starts.map(|p| base.wrapping_add(p));
                (s.low, s.high) = (base.wrapping_add(low), base.wrapping_add(high));
                return;
            }
        }
        *s = extremes(w, m);
    }
}

/// How the addresses of half a warp lie in their patch.
struct Spread {
    /// From the lowest to the highest one, bytes.
    reach: u64,
    /// Bits that differ, as in [`Survey::apart`].
    apart: u64,
}

/// Notes the patch of half `h`, if there is one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn patch(s: &mut Survey, h: usize, (origin, d): (u64, __m128i)) -> Option<Spread> {
    // The lowest of 16 bytes: of neighbours, then of these, which are zero-extended.
    let lowest = |x: __m128i| {
        let pairs = _mm_min_epu8(x, _mm_srli_epi16::<8>(x));
        _mm_cvtsi128_si32(_mm_minpos_epu16(_mm_and_si128(pairs, _mm_set1_epi16(0xff)))) & 0xff
    };
    let (low, high) = (lowest(d), 255 - lowest(_mm_xor_si128(d, _mm_set1_epi8(-1))));
    let reach = (high - low) as u64;
    let bytes = _mm_sub_epi8(d, _mm_set1_epi8(low as i8));
    let any = |bits: i8| _mm_test_epi8_mask(bytes, _mm_set1_epi8(bits)) != 0;
    if reach >= PATCH || any(3) {
        return None;
    }
    // No bit comes down from the byte above: multiples of 4 are shifted.
    let index = _mm_srli_epi16::<2>(bytes);
    // SAFETY: half of the indices.
    unsafe { _mm_storeu_si128(s.index.as_mut_ptr().add(h * HALF).cast(), index) };
    s.starts[h] = origin.wrapping_add(low as u64).wrapping_sub(PATCH);
    // As many bits as there are words up to the highest address.
    s.words[h] = u32::MAX >> (31 - reach / 4);
    // No access is wider than 32 bytes.
    let apart = u64::from(any(4)) << 2 | u64::from(any(8)) << 3 | u64::from(any(16)) << 4;
    Some(Spread { reach, apart })
}

/// Where the lanes of half `h` are in their patch, in words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn index(s: &Survey, h: usize) -> __m512i {
    // SAFETY: half of the indices.
    unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(s.index.as_ptr().add(h * HALF).cast())) }
}

/// The words at `offset` from the surveyed addresses, in half `h`.
///
/// # Safety
/// The survey has patches and allows an access of one word at this offset.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn words(s: &Survey, h: usize, offset: u64) -> __m512i {
    let p = s.starts[h].wrapping_add(offset);
    // SAFETY: no word lies outside what was allowed, and where the mask has no bit nothing is read.
    unsafe {
        let a = _mm512_maskz_loadu_epi32(s.words[h] as u16, p as *const i32);
        let b = _mm512_maskz_loadu_epi32((s.words[h] >> HALF) as u16, p.wrapping_add(64) as *const i32);
        _mm512_permutex2var_epi32(a, index(s, h), b)
    }
}

/// Puts words into the register at `d`, in the active lanes.
///
/// # Safety
/// As for every [`crate::warp::OpFn`]: `d` is a 32-bit vector register of the warp's program.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn put(w: &mut Warp, i: &Inst, d: u32, low: __m512i, high: __m512i) {
    // SAFETY: the emitter says where the destination lies. Nothing is read from here on, so it does not matter
    // whether it is the address register too.
    unsafe {
        let d = w.vectors.add(d as usize) as *mut i32;
        if w.direct(i) {
            _mm512_storeu_epi32(d, low);
            _mm512_storeu_epi32(d.add(HALF), high);
        } else {
            _mm512_mask_storeu_epi32(d, w.mask as u16, low);
            _mm512_mask_storeu_epi32(d.add(HALF), (w.mask >> HALF) as u16, high);
        }
    }
}

/// The survey of the addresses of access `i` under the present mask: the one at hand, or a new one.
///
/// # Safety
/// As for [`super::current`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn current<'a, const FRESH: bool>(w: &Warp, i: &Inst) -> &'a Survey {
    // SAFETY: the emitter made `i` for this program, and `b` is one of its surveys.
    unsafe {
        let s = &mut *w.surveys.add(i.b as usize);
        if FRESH || s.mask != w.mask {
            look(w, access::op(w, i), s);
        }
        s
    }
}

/// Loads a word to `d`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub unsafe fn load_word<const FRESH: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program; addresses are checked before they are read.
    unsafe {
        let s = current::<FRESH>(w, i);
        if s.patches && s.allows(w, i, 4) {
            let offset = i.imm as u64;
            let (low, high) = (words(s, 0, offset), words(s, 1, offset));
            put(w, i, i.d, low, high);
            return Flow::Next;
        }
        load_by(w, i, s)
    }
}

/// Loads.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub unsafe fn load<const FRESH: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load_word`.
    unsafe { load_by(w, i, current::<FRESH>(w, i)) }
}

/// Loads by a survey of the addresses.
///
/// # Safety
/// As for every [`crate::warp::OpFn`]; `s` is the survey of `i`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn load_by(w: &mut Warp, i: &Inst, s: &Survey) -> Flow {
    // SAFETY: as in `load_word`.
    unsafe {
        let m = access::op(w, i);
        if !s.allows(w, i, size(m)) {
            return (m.general)(w, i);
        }
        let narrow = m.bytes == 4 && m.elements.iter().all(|e| matches!(e, Element::Narrow(_)));
        if s.patches && narrow {
            for (k, e) in m.elements.iter().enumerate() {
                let offset = (i.imm as u64).wrapping_add(4 * k as u64);
                let (low, high) = (words(s, 0, offset), words(s, 1, offset));
                if let Element::Narrow(d) = *e {
                    put(w, i, d, low, high);
                }
            }
            return Flow::Next;
        }
        match w.mask == FULL {
            true => load_lanes(w, i, m),
            false => (m.general)(w, i),
        }
    }
}

/// Stores.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub unsafe fn store<const FRESH: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load_word`; only active lanes are written.
    unsafe {
        let s = current::<FRESH>(w, i);
        let m = access::op(w, i);
        if !s.allows(w, i, size(m)) {
            return (m.general)(w, i);
        }
        if let (true, 4, [Element::Narrow(v)]) = (s.patches, m.bytes, m.elements.as_slice()) {
            let line = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let v = w.vectors.add(*v as usize) as *const i32;
            for h in 0..2 {
                let active = (w.mask >> (h * HALF)) as u16;
                let p = s.starts[h].wrapping_add(i.imm as u64);
                let v = v.add(h * HALF);
                let apart = _mm512_mask_cmpneq_epi32_mask(active, index(s, h), line);
                if apart == 0 {
                    _mm512_mask_storeu_epi32(p as *mut i32, active, _mm512_loadu_epi32(v));
                    continue;
                }
                let mut mask = active;
                while mask != 0 {
                    let l = mask.trailing_zeros() as usize;
                    mask &= mask - 1;
                    let at = p.wrapping_add(4 * u64::from(s.index[h * HALF + l]));
                    (at as *mut i32).write_unaligned(*v.add(l));
                }
            }
            return Flow::Next;
        }
        store_lanes(w, i, m)
    }
}
