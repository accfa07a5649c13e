//! Loads and stores, and the addresses of atomics (`atomics`): addresses of the active lanes are checked together against the range that the
//! instruction used last, and moved together when they are contiguous; only what fails is looked at lane by
//! lane, to find the first lane at fault.
//!
//! # Why no lane's address leaves its allocation
//! *Definition.* Lane l accesses `size` bytes (all elements of a vector together) at the effective address
//! `((r_l & register_bits) + imm) & space_bits` ([`MemoryOp`]): global and generic addresses have 64 bits, those of
//! shared, parameter and local memory 32 bits and wrap around (PTX ISA, "Addresses as Operands": narrower registers
//! are zero-extended, wider ones truncated). With the base of the space it is the *pointer* `p_l`.
//!
//! *Slow way.* [`resolve_one`] asks for one lane whether `[p, p + size)` lies in one allocation of the launch's
//! snapshot, or in the block's shared or parameter memory or the thread's local memory, and whether it is aligned.
//! It is the definition; whatever any other path doubts goes there ([`slowly`]).
//!
//! *Fast ways.* Each instruction keeps a [`Range`] of its own that [`resolve_one`] has found for it: the whole of one
//! allocation, or of a space. Snapshot and spaces stay as they are while the launch runs, so a range once found holds.
//! All fast ways move bytes only after `start <= low <= high` and `high + size <= end` (written without overflow),
//! where every `p_l` that is read or written lies in `[low, high]`. That is so, for
//! - *any addresses* ([`resolve`]): low and high are the minimum and maximum of the pointers themselves; inactive lanes
//!   repeat an active one.
//! - *neighbouring ones* ([`resolve`], `line`): the pointers are `low + l * size` modulo 2^64, the last one is high.
//!   31 * size is far below 2^64, so `low <= high` means that nothing has wrapped around in between.
//! - *affine ones* ([`resolve_affine`]): the pointers of the active lanes are `first + k * stride`, from the effective
//!   address of the first active lane to that of the last one, and strides are small (`ir::registers::MAX_STRIDE`); as above. In a 32-bit space the
//!   pointers then lie in the space, that is, offsets are below 2^32, and so equal what the definition wraps.
//!   Affine registers some lane of which is not what base and stride say (`any_wild`) take the general way.
//! - *one word*, and *neighbouring words* at a uniform or affine base ([`word_address`]): low = high, and all 128 bytes
//!   count as one access.
//! - *surveys* (`survey`): low and high are bounds of the register's lanes as pointers, without `imm`. They are noted
//!   only if they were computed without wrapping around, in each half of the warp by itself. Adding `imm` (or, to move
//!   a survey, a uniform number) turns the circle of 2^64 addresses by one angle: an interval stays an interval unless
//!   it now contains the end, and exactly then `low <= high` fails. Inside a 32-bit space as for affine addresses.
//!
//! Masks: a survey holds for the lanes it was made for, and counts only under the same mask; the other ways look at
//! `w.mask` each time. `tests/addresses.rs` holds every path to [`resolve_one`]'s meaning, at random addresses around
//! all ends, on every instruction set.

use crate::lanes::{begin, blend, finish, per_isa};
use crate::machine::{Element, FULL, LANES};
use crate::program::MemoryOp;
use crate::warp::{Env, Range};
use crate::warp::{Flow, Inst, OpFn, Warp};
use backend::{MemoryKind, TrapKind};
use ir::Space;
use ir::window;

/// Addresses of all lanes as host pointers, inactive lanes repeating an active one.
pub(crate) struct Lanes {
    /// By lane.
    pub pointers: [u64; LANES],
    /// Lane n is at `pointers[0] + n * stride` for all 32, all active.
    contiguous: bool,
}

fn space_name(space: Space) -> &'static str {
    match space {
        Space::Global => "global",
        Space::Shared => "shared",
        Space::Local => "local",
        Space::Param => "parameter",
        Space::Generic => "generic",
    }
}

/// What an access does with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Load,
    Store,
    Atomic,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Load => "load",
            Kind::Store => "store",
            Kind::Atomic => "atomic operation",
        }
    }
}

/// Where the offsets of a state space start, as a host address; 0 where addresses are host addresses already.
#[inline(always)]
pub fn space_base(w: &Warp, space: Space) -> u64 {
    match space {
        Space::Shared => w.env().shared as u64,
        Space::Param => w.env().params as u64,
        Space::Global | Space::Local | Space::Generic => 0,
    }
}

/// The side table entry of a memory instruction.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub unsafe fn op<'p>(w: &Warp, i: &'p Inst) -> &'p MemoryOp {
    // SAFETY: `c` is an index that the emitter put there.
    unsafe { w.program(i).memory_ops.get_unchecked(i.c as usize) }
}

/// Where memory instruction `i` was allowed last.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub(crate) unsafe fn range_of<'a>(w: &'a Warp, i: &Inst) -> &'a Range {
    // SAFETY: there is a range for each entry of the side table, and `c` is one.
    unsafe { w.env().ranges.get_unchecked(i.c as usize) }
}

/// # Safety
/// As for [`range_of`].
#[inline(always)]
unsafe fn range<'a>(w: &'a mut Warp, i: &Inst) -> &'a mut Range {
    // SAFETY: as in `range_of`.
    unsafe { w.env_mut().ranges.get_unchecked_mut(i.c as usize) }
}

/// Where the bytes at `address` of `space` lie for `lane`, or what is wrong.
pub(crate) fn resolve_one(
    w: &Warp,
    lane: usize,
    space: Space,
    address: u64,
    bytes: u32,
    access: Kind,
) -> Result<(u64, Range), TrapKind> {
    let env = w.env();
    let (space, address) = match (space, address & window::MASK) {
        (Space::Generic, window::SHARED) => (Space::Shared, address & !window::MASK),
        (Space::Generic, window::LOCAL) => (Space::Local, address & !window::MASK),
        (Space::Generic, window::PARAM) => (Space::Param, address & !window::MASK),
        (Space::Generic, _) => (Space::Global, address),
        (space, _) => (space, address),
    };
    let fault = |hint: String| TrapKind::OutOfBounds {
        access: access.name(),
        space: space_name(space),
        address,
        size: bytes,
        hint,
    };
    let read_only = |what| TrapKind::ReadOnly {
        access: access.name(),
        what,
        address,
    };
    let window = |base: *const u8, size: u32| {
        if address
            .checked_add(u64::from(bytes))
            .is_none_or(|end| end > u64::from(size))
        {
            return Err(fault(format!(
                ": {} memory here has {size} bytes",
                space_name(space)
            )));
        }
        let start = base as u64;
        Ok((
            start + address,
            Range {
                start,
                end: start + u64::from(size),
            },
        ))
    };
    let (pointer, range) = match space {
        Space::Shared => window(env.shared, env.shared_bytes)?,
        Space::Param => {
            let found = window(env.params, env.params_bytes)?;
            if access != Kind::Load {
                return Err(read_only("kernel parameters"));
            }
            found
        }
        Space::Local => window(
            w.local.wrapping_add(lane * env.local_bytes as usize),
            env.local_bytes,
        )?,
        Space::Global | Space::Generic => match env.snapshot.find(address) {
            Some(a) if u64::from(bytes) <= a.end() - address => {
                if a.kind == MemoryKind::Constant && access != Kind::Load {
                    return Err(read_only("constants"));
                }
                let (start, end) = (a.start, a.end());
                (address, Range { start, end })
            }
            _ => return Err(fault(nearest(env, address))),
        },
    };
    if !address.is_multiple_of(u64::from(bytes)) {
        return Err(TrapKind::Misaligned {
            access: access.name(),
            space: space_name(space),
            address,
            size: bytes,
        });
    }
    Ok((pointer, range))
}

fn nearest(env: &Env, address: u64) -> String {
    // Further away is no neighbour: a null pointer, or no pointer at all.
    const NEAR: u64 = 1 << 32;
    match env.snapshot.nearest(address) {
        Some(a) if address.abs_diff(a.start) > NEAR.max(2 * a.size) => {
            ": nothing is allocated near it".into()
        }
        Some(a) if address >= a.end() => format!(
            ": {} bytes behind the end of the {} bytes allocated at {:#x}",
            address - a.end(),
            a.size,
            a.start
        ),
        Some(a) if address < a.start => {
            format!(
                ": {} bytes before the {} bytes allocated at {:#x}",
                a.start - address,
                a.size,
                a.start
            )
        }
        Some(a) => format!(
            ": it crosses the end of the {} bytes allocated at {:#x}",
            a.size, a.start
        ),
        None => ": nothing is allocated".into(),
    }
}

/// The effective addresses, inactive lanes repeating the first active one.
///
/// # Safety
/// As for every [`OpFn`]: `m` is of the warp's program.
#[inline(always)]
unsafe fn addresses(w: &Warp, offset: u64, m: &MemoryOp) -> [u64; LANES] {
    let mut a = [0u64; LANES];
    // SAFETY: the emitter says where the address lies.
    unsafe {
        match m.address {
            Element::Uniform(u) => a = [m.effective(*w.uniforms.add(u as usize), offset); LANES],
            Element::Wide(v) => {
                let s = *(w.vectors.add(v as usize) as *const [u64; LANES]);
                a = s.map(|s| s.wrapping_add(offset) & m.space_bits);
            }
            Element::Affine(k) => {
                let r = w.env().program.affine_regs.get_unchecked(k as usize);
                for (l, a) in a.iter_mut().enumerate() {
                    *a = crate::affine::lane(w, r, l).wrapping_add(offset) & m.space_bits;
                }
            }
            Element::Narrow(v) => {
                let s = *(w.vectors.add(v as usize) as *const [u32; LANES]);
                a = s.map(|s| u64::from(s).wrapping_add(offset) & m.space_bits);
            }
        }
    }
    if w.mask != FULL {
        let first = a[w.mask.trailing_zeros() as usize & 31];
        blend(&mut a, &[first; LANES], !w.mask);
    }
    a
}

/// Whether accesses of `size` bytes at pointers from `low` to `high` stay inside a range.
#[inline(always)]
pub(crate) fn inside(r: &Range, low: u64, high: u64, size: u64) -> bool {
    low >= r.start && low <= high && high < r.end && r.end - high >= size
}

/// Host pointers of all lanes, checked: each may be read, and, but for a load, written.
///
/// # Safety
/// As for every [`OpFn`]; `m` is the side table entry of `i`.
#[inline(always)]
pub(crate) unsafe fn resolve(
    w: &mut Warp,
    i: &Inst,
    m: &MemoryOp,
    bytes: u32,
    access: Kind,
) -> Result<Lanes, Flow> {
    // SAFETY: as for `addresses`.
    let mut a = unsafe { addresses(w, i.imm as u64, m) };
    match m.space {
        Space::Global => {}
        Space::Shared | Space::Param => {
            let base = space_base(w, m.space);
            a.iter_mut().for_each(|a| *a = base.wrapping_add(*a));
        }
        Space::Local | Space::Generic => return slowly(w, m, a, bytes, access),
    }
    let size = u64::from(bytes);
    let first = a[0];
    let mut line = true;
    for (l, a) in a.iter().enumerate() {
        line &= *a == first.wrapping_add(l as u64 * size);
    }
    let contiguous = line && w.mask == FULL;
    let (mut low, mut high, mut bits) = (first, a[LANES - 1], first);
    if !line {
        for a in &a {
            low = low.min(*a);
            high = high.max(*a);
            bits |= *a;
        }
    }
    let aligned = bits & (size - 1) == 0;
    // SAFETY: as the caller promises.
    if aligned && inside(unsafe { range(w, i) }, low, high, size) {
        return Ok(Lanes {
            pointers: a,
            contiguous,
        });
    }
    // SAFETY: as for `addresses`.
    let effective = unsafe { addresses(w, i.imm as u64, m) };
    let mut lanes = slowly(w, m, effective, bytes, access)?;
    if let Ok((_, found)) = resolve_one(w, 0, m.space, effective[0], bytes, access) {
        // SAFETY: as the caller promises.
        unsafe { *range(w, i) = found };
    }
    lanes.contiguous = contiguous;
    Ok(lanes)
}

/// Lane by lane: right for every space, and finds who is at fault.
#[cold]
#[inline(never)]
fn slowly(w: &mut Warp, m: &MemoryOp, mut a: [u64; LANES], bytes: u32, access: Kind) -> Result<Lanes, Flow> {
    for (lane, a) in a.iter_mut().enumerate() {
        if w.mask >> lane & 1 != 0 {
            match resolve_one(w, lane, m.space, *a, bytes, access) {
                Ok((p, _)) => *a = p,
                Err(kind) => return Err(w.trap(lane as u32, kind)),
            }
        }
    }
    let first = a[w.mask.trailing_zeros() as usize & 31];
    for (l, a) in a.iter_mut().enumerate() {
        if w.mask >> l & 1 == 0 {
            *a = first;
        }
    }
    Ok(Lanes {
        pointers: a,
        contiguous: false,
    })
}

/// Reads `bytes` at `p`, extended to 64 bits.
///
/// # Safety
/// They must be readable.
#[inline(always)]
unsafe fn read(p: u64, bytes: u8, signed: bool) -> u64 {
    // SAFETY: the caller has checked the range; unaligned reads are never needed but do no harm.
    unsafe {
        match (bytes, signed) {
            (1, false) => u64::from((p as *const u8).read()),
            (1, true) => (p as *const i8).read() as u64,
            (2, false) => u64::from((p as *const u16).read_unaligned()),
            (2, true) => (p as *const i16).read_unaligned() as u64,
            (4, false) => u64::from((p as *const u32).read_unaligned()),
            (4, true) => (p as *const i32).read_unaligned() as u64,
            _ => (p as *const u64).read_unaligned(),
        }
    }
}

/// Loads, whatever the addresses.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub unsafe fn load(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program; addresses are checked before they are read.
    unsafe {
        let m = op(w, i);
        let total = u32::from(m.bytes) * m.elements.len() as u32;
        let lanes = match resolve(w, i, m, total, Kind::Load) {
            Ok(l) => l,
            Err(flow) => return flow,
        };
        for (k, e) in m.elements.iter().enumerate() {
            let at = u64::from(m.bytes) * k as u64;
            match *e {
                Element::Uniform(u) => {
                    *w.uniforms.add(u as usize) = read(lanes.pointers[0] + at, m.bytes, m.signed) & m.bits;
                }
                Element::Narrow(d) => {
                    let inst = Inst { d, ..*i };
                    let d = begin::<u32>(w, &inst);
                    match m.bytes {
                        4 if lanes.contiguous && m.elements.len() == 1 => {
                            *d = (lanes.pointers[0] as *const [u32; LANES]).read_unaligned();
                        }
                        4 => {
                            for (d, p) in d.iter_mut().zip(&lanes.pointers) {
                                *d = ((p + at) as *const u32).read_unaligned();
                            }
                        }
                        _ => {
                            for (d, p) in d.iter_mut().zip(&lanes.pointers) {
                                *d = read(p + at, m.bytes, m.signed) as u32;
                            }
                        }
                    }
                    finish::<u32>(w, &inst);
                }
                Element::Affine(_) => {}
                Element::Wide(d) => {
                    let inst = Inst { d, ..*i };
                    let d = begin::<u64>(w, &inst);
                    for (d, p) in d.iter_mut().zip(&lanes.pointers) {
                        *d = read(p + at, m.bytes, m.signed);
                    }
                    finish::<u64>(w, &inst);
                }
            }
        }
    }
    Flow::Next
}

/// A load whose address and destinations are the same in all lanes.
#[inline(always)]
unsafe fn load_uniform(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load`.
    unsafe {
        let m = op(w, i);
        let total = u32::from(m.bytes) * m.elements.len() as u32;
        let Element::Uniform(u) = m.address else {
            return (m.general)(w, i);
        };
        let address = m.effective(*w.uniforms.add(u as usize), i.imm as u64);
        let mut p = space_base(w, m.space).wrapping_add(address);
        let size = u64::from(total);
        if !inside(range(w, i), p, p, size) || p & (size - 1) != 0 {
            let lane = w.mask.trailing_zeros();
            match resolve_one(w, lane as usize, m.space, address, total, Kind::Load) {
                Ok((pointer, found)) => {
                    p = pointer;
                    *range(w, i) = found;
                }
                Err(kind) => return w.trap(lane, kind),
            }
        }
        for (k, e) in m.elements.iter().enumerate() {
            if let Element::Uniform(u) = *e {
                let value = read(p + u64::from(m.bytes) * k as u64, m.bytes, m.signed);
                *w.uniforms.add(u as usize) = value & m.bits;
            }
        }
    }
    Flow::Next
}

/// Stores, whatever the addresses.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub unsafe fn store(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load`; only active lanes are written.
    unsafe {
        let m = op(w, i);
        let total = u32::from(m.bytes) * m.elements.len() as u32;
        let lanes = match resolve(w, i, m, total, Kind::Store) {
            Ok(l) => l,
            Err(flow) => return flow,
        };
        for (k, e) in m.elements.iter().enumerate() {
            let at = u64::from(m.bytes) * k as u64;
            match *e {
                Element::Narrow(s) if m.bytes == 4 && lanes.contiguous && m.elements.len() == 1 => {
                    let s = *(w.vectors.add(s as usize) as *const [u32; LANES]);
                    (lanes.pointers[0] as *mut [u32; LANES]).write_unaligned(s);
                }
                _ => {
                    let mut mask = w.mask;
                    while mask != 0 {
                        let l = mask.trailing_zeros() as usize;
                        mask &= mask - 1;
                        let value = lane_bits(w, *e, l);
                        write(lanes.pointers[l] + at, m.bytes, value);
                    }
                }
            }
        }
    }
    Flow::Next
}

/// The lanes of an affine address, checked with a few scalar operations: the pointer of lane 0 (which need not
/// be active) and the stride. None sends the access the general way.
///
/// # Safety
/// As for [`resolve`].
#[inline(always)]
unsafe fn resolve_affine(w: &mut Warp, i: &Inst, m: &MemoryOp, bytes: u32) -> Option<(u64, i64)> {
    let Element::Affine(k) = m.address else {
        return None;
    };
    // SAFETY: the emitter made `i` for this program.
    let r = unsafe { w.env().program.affine_regs.get_unchecked(k as usize) };
    // A 32-bit register wraps around lane by lane before a 64-bit offset is added: nobody has memory there.
    if w.any_wild || !r.wide && m.space == Space::Global {
        return None;
    }
    let (first, last) = (
        i64::from(w.mask.trailing_zeros()),
        31 - i64::from(w.mask.leading_zeros()),
    );
    // SAFETY: the base is a uniform register of the program.
    let base = unsafe { *w.uniforms.add(r.base as usize) };
    let effective = base
        .wrapping_add(i.imm as u64)
        .wrapping_add((first * r.stride) as u64)
        & m.space_bits;
    let a = space_base(w, m.space).wrapping_add(effective);
    let b = a.wrapping_add(((last - first) * r.stride) as u64);
    let (low, high) = if r.stride < 0 { (b, a) } else { (a, b) };
    let size = u64::from(bytes);
    let aligned = (a | r.stride as u64) & (size - 1) == 0;
    // SAFETY: as the caller promises.
    (aligned && inside(unsafe { range_of(w, i) }, low, high, size))
        .then(|| (a.wrapping_sub((first * r.stride) as u64), r.stride))
}

#[inline(always)]
unsafe fn load_affine(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load`.
    unsafe {
        let m = op(w, i);
        let total = u32::from(m.bytes) * m.elements.len() as u32;
        let Some((at, stride)) = resolve_affine(w, i, m, total) else {
            return (m.general)(w, i);
        };
        if let ([Element::Narrow(d)], 4, 4) = (m.elements.as_slice(), m.bytes, stride) {
            let inst = Inst { d: *d, ..*i };
            if w.mask == FULL {
                let lanes = (at as *const [u32; LANES]).read_unaligned();
                *begin::<u32>(w, &inst) = lanes;
                finish::<u32>(w, &inst);
                return Flow::Next;
            }
        }
        let mask = w.mask;
        for (k, e) in m.elements.iter().enumerate() {
            let first = at.wrapping_add(u64::from(m.bytes) * k as u64);
            let pointer = |l: usize| first.wrapping_add((l as i64 * stride) as u64);
            match *e {
                Element::Narrow(d) if m.bytes == 4 && mask == FULL => {
                    let inst = Inst { d, ..*i };
                    for (l, d) in begin::<u32>(w, &inst).iter_mut().enumerate() {
                        *d = (pointer(l) as *const u32).read_unaligned();
                    }
                    finish::<u32>(w, &inst);
                }
                e => {
                    for l in 0..LANES {
                        if mask >> l & 1 != 0 {
                            set_lane(w, e, l, read(pointer(l), m.bytes, m.signed));
                        }
                    }
                }
            }
        }
    }
    Flow::Next
}

#[inline(always)]
unsafe fn store_affine(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load_affine`; only active lanes are written.
    unsafe {
        let m = op(w, i);
        let total = u32::from(m.bytes) * m.elements.len() as u32;
        let Some((at, stride)) = resolve_affine(w, i, m, total) else {
            return (m.general)(w, i);
        };
        if let ([Element::Narrow(s)], 4, 4, FULL) = (m.elements.as_slice(), m.bytes, stride, w.mask) {
            let s = *(w.vectors.add(*s as usize) as *const [u32; LANES]);
            (at as *mut [u32; LANES]).write_unaligned(s);
            return Flow::Next;
        }
        for (k, e) in m.elements.iter().enumerate() {
            let first = at.wrapping_add(u64::from(m.bytes) * k as u64);
            let mut mask = w.mask;
            while mask != 0 {
                let l = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                write(
                    first.wrapping_add((l as i64 * stride) as u64),
                    m.bytes,
                    lane_bits(w, *e, l),
                );
            }
        }
    }
    Flow::Next
}

/// [`load_affine`] out of line, so that the special code stays small.
#[cold]
#[inline(never)]
unsafe fn load_affine_aside(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe { load_affine(w, i) }
}

/// [`load_uniform`] out of line.
#[cold]
#[inline(never)]
unsafe fn load_uniform_aside(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe { load_uniform(w, i) }
}

/// The address of a single word: `a` (a uniform register, or the base of an affine one) plus the offset, in shared
/// memory or not; None if `size` bytes there are not known to be allowed.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
unsafe fn word_address<const SHARED: bool>(w: &Warp, i: &Inst, size: u64) -> Option<u64> {
    // SAFETY: the emitter made `i` for this program.
    unsafe {
        let address = (*w.uniforms.add(i.a as usize)).wrapping_add(i.imm as u64);
        let p = match SHARED {
            true => (w.env().shared as u64).wrapping_add(address & u64::from(u32::MAX)),
            false => address,
        };
        (inside(range_of(w, i), p, p, size) && p & 3 == 0).then_some(p)
    }
}

/// A 32-bit load by neighbouring lanes from neighbouring words: the commonest access of all.
#[inline(always)]
unsafe fn load_words<const SHARED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load_affine`. All 128 bytes are allowed, so inactive lanes may be read too.
    unsafe {
        match word_address::<SHARED>(w, i, 4 * LANES as u64) {
            Some(p) if !w.any_wild => {
                *begin::<u32>(w, i) = (p as *const [u32; LANES]).read_unaligned();
                finish::<u32>(w, i);
                Flow::Next
            }
            _ => load_affine_aside(w, i),
        }
    }
}

/// A 32-bit load from the same word by all lanes.
#[inline(always)]
unsafe fn load_word<const SHARED: bool>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `load_uniform`.
    unsafe {
        match word_address::<SHARED>(w, i, 4) {
            Some(p) => {
                *w.uniforms.add(i.d as usize) = u64::from((p as *const u32).read());
                Flow::Next
            }
            None => load_uniform_aside(w, i),
        }
    }
}

/// Writes the low `bytes` bytes of `value` at `p`.
///
/// # Safety
/// They must be writable.
#[inline(always)]
pub unsafe fn write(p: u64, bytes: u8, value: u64) {
    // SAFETY: the caller has checked the range.
    unsafe {
        match bytes {
            1 => (p as *mut u8).write(value as u8),
            2 => (p as *mut u16).write_unaligned(value as u16),
            4 => (p as *mut u32).write_unaligned(value as u32),
            _ => (p as *mut u64).write_unaligned(value),
        }
    }
}

/// The bits of one lane, below 32, of an operand.
///
/// # Safety
/// As for every [`OpFn`]: `e` is of the warp's program.
#[inline(always)]
pub unsafe fn lane_bits(w: &Warp, e: Element, lane: usize) -> u64 {
    // SAFETY: the emitter says where the operand lies.
    unsafe {
        match e {
            Element::Uniform(u) => *w.uniforms.add(u as usize),
            Element::Narrow(v) => u64::from(*w.vectors.add(v as usize + lane)),
            Element::Wide(v) => *(w.vectors.add(v as usize) as *const u64).add(lane),
            Element::Affine(k) => crate::affine::lane(w, &w.env().program.affine_regs[k as usize], lane),
        }
    }
}

/// Sets one lane, below 32, of a register.
///
/// # Safety
/// As for [`lane_bits`].
#[inline(always)]
pub unsafe fn set_lane(w: &mut Warp, e: Element, lane: usize, bits: u64) {
    // SAFETY: the emitter says where the register lies.
    unsafe {
        match e {
            Element::Uniform(u) => *w.uniforms.add(u as usize) = bits,
            Element::Narrow(v) => *w.vectors.add(v as usize + lane) = bits as u32,
            Element::Wide(v) => *(w.vectors.add(v as usize) as *mut u64).add(lane) = bits,
            // Only affine instructions write affine registers.
            Element::Affine(_) => {}
        }
    }
}

/// Loads.
pub const LOAD: [OpFn; 3] = per_isa!(<> load);
/// Loads that happen once for the warp.
pub const LOAD_UNIFORM: [OpFn; 3] = per_isa!(<> load_uniform);
/// 32-bit loads of neighbouring words, global and shared; `a` is the base, `d` the destination.
pub const LOAD_WORDS: [[OpFn; 3]; 2] = [per_isa!(<> load_words::<false>), per_isa!(<> load_words::<true>)];
/// 32-bit loads of one word for all lanes, global and shared; `a` is the address, `d` the destination.
pub const LOAD_WORD: [[OpFn; 3]; 2] = [per_isa!(<> load_word::<false>), per_isa!(<> load_word::<true>)];
/// Loads at affine addresses of global or shared memory.
pub const LOAD_AFFINE: [OpFn; 3] = per_isa!(<> load_affine);
/// Stores at affine addresses of global or shared memory.
pub const STORE_AFFINE: [OpFn; 3] = per_isa!(<> store_affine);
/// Stores.
pub const STORE: [OpFn; 3] = per_isa!(<> store);
