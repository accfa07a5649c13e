//! Calls of functions that are not inlined: recursion and function pointers. A called function has registers
//! of its own, laid out like the kernel's, for each call that is under way (a *frame*), and a frame in the
//! local memory of each thread, behind its caller's, where arguments and results lie. What runs when is up to
//! `schedule`: the lanes of a call meet again where it returns.

use crate::cross::{cross, lanes_of, value};
use crate::frames::Layout;
use crate::machine::{Extent, FULL, LANES};
use crate::warp::{Fault, Flow, Inst, Warp};
use backend::TrapKind;
use ir::Slot;

/// Local memory that the frames of called functions may take in each thread, bytes. A device has 1 KiB unless
/// the program asks for more (`cudaLimitStackSize`), but also keeps registers there; memory that is not touched
/// costs nothing.
pub const STACK_BYTES: u32 = 64 << 10;

/// Zeroes `bytes` bytes at local address `at` of the lanes of `mask`.
///
/// # Safety
/// The warp is laid out, and they lie in the local memory of its program.
pub unsafe fn clear(w: &mut Warp, mask: u32, at: u32, bytes: u32) {
    let stride = w.env().local_bytes as usize;
    // SAFETY: every lane has `stride` bytes of local memory, and the bytes lie in it.
    unsafe {
        if mask == FULL && bytes as usize == stride {
            return w.local.write_bytes(0, stride * LANES);
        }
        for l in lanes_of(mask) {
            w.local
                .add(l * stride + at as usize)
                .write_bytes(0, bytes as usize);
        }
    }
}

/// Copies slots of one frame to another's in the lanes of `mask`; `from` and `to` are where the frames start.
///
/// # Safety
/// The warp is laid out, the frames lie in the local memory of its program, apart from each other, and the slots in them.
unsafe fn copy(w: &mut Warp, mask: u32, from: (u32, &[Slot]), to: (u32, &[Slot])) {
    let stride = w.env().local_bytes as usize;
    for l in lanes_of(mask) {
        for (f, t) in from.1.iter().zip(to.1) {
            let bytes = f.bytes.min(t.bytes) as usize;
            // SAFETY: as the caller promises.
            unsafe {
                let lane = w.local.add(l * stride);
                let from = lane.add((from.0 + f.at) as usize);
                lane.add((to.0 + t.at) as usize)
                    .copy_from_nonoverlapping(from, bytes);
            }
        }
    }
}

fn same_bytes(a: &[Slot], b: &[Slot]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.bytes == b.bytes)
}

/// Calls; `a` is the [`ir::CallSite`].
pub unsafe fn call(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let program = unsafe { w.program(i) };
    let site = &program.calls[i.a as usize];
    // Functions and the lanes that call them.
    let mut groups: Vec<(u32, u32)> = Vec::new();
    if let Some(f) = site.function {
        groups.push((f, w.mask));
    } else {
        // SAFETY: as above.
        let target = unsafe { cross(w, i) }.src[0];
        for l in lanes_of(w.mask) {
            // SAFETY: an operand of `i`.
            let address = unsafe { value(w, target, l) };
            let found = program.functions.iter().position(|f| {
                f.address == address
                    && same_bytes(&f.params, &site.params)
                    && same_bytes(&f.returns, &site.returns)
            });
            let Some(f) = found else {
                return w.trap(l as u32, TrapKind::BadCall { address });
            };
            match groups.iter_mut().find(|(g, _)| *g == f as u32) {
                Some((_, mask)) => *mask |= 1 << l,
                None => groups.push((f as u32, 1 << l)),
            }
        }
    }
    let mut parts = Vec::with_capacity(groups.len());
    // The last one pushed is the next to run.
    for &(f, mask) in groups.iter().rev() {
        // SAFETY: `i` is a call of this program, and so is the function.
        match unsafe { enter(w, i, f, mask) } {
            Ok(frame) => parts.push((program.functions[f as usize].entry, mask, frame)),
            Err(kind) => {
                w.fault = Some(Fault {
                    lane: mask.trailing_zeros(),
                    kind,
                });
                return Flow::Trap;
            }
        }
    }
    let back = w.pc + 1;
    w.call(&parts, back)
}

/// Makes the frame for a call of function `f` by the lanes of `mask` at `i`.
///
/// # Safety
/// As for every [`crate::warp::OpFn`]; `i` is a call.
unsafe fn enter(w: &mut Warp, i: &Inst, f: u32, mask: u32) -> Result<u32, TrapKind> {
    // SAFETY: the emitter made `i` for this program.
    let p = unsafe { w.program(i) };
    let site = i.a;
    let function = &p.functions[f as usize];
    let caller = w.frame;
    let frames = &mut w.env_mut().frames;
    let (caller_base, base) = frames.extent(caller);
    let end = base.saturating_add(function.local_bytes);
    if end > p.local_bytes {
        return Err(TrapKind::StackOverflow { limit: STACK_BYTES });
    }
    let k = frames.take(&Layout {
        vector_words: p.vector_words,
        uniforms: p.uniforms,
        constants: &p.constants,
        predicates: p.predicates,
        affine_regs: p.affine_regs.len(),
        always: p.always,
    });
    let frame = &mut frames.frames[k as usize - 1];
    (frame.base, frame.caller_base, frame.end) = (base, caller_base, end);
    (frame.function, frame.site) = (f, site);
    let r = frame.registers;
    let Extent { words, uniforms, .. } = p.carried;
    // SAFETY: both frames are laid out for this program. What a function reads before it writes it is zero, in
    // every run; special registers are those of the caller.
    unsafe {
        r.vectors.copy_from_nonoverlapping(w.vectors, words);
        r.vectors.add(words).write_bytes(0, p.lasting_words - words);
        r.uniforms.copy_from_nonoverlapping(w.uniforms, uniforms);
        r.uniforms.add(uniforms).write_bytes(0, p.uniforms - uniforms);
        let constant = if p.always.is_some() { 2 } else { 0 };
        r.predicates.write_bytes(0, p.predicates - constant);
        r.wild.write_bytes(0, p.affine_regs.len());
        if let Some(u) = function.base {
            *r.uniforms.add(u as usize) = u64::from(base);
        }
    }
    let params = &p.calls[site as usize].params;
    // SAFETY: the frame ends inside the program's local memory, as has been checked, and begins where its caller's, which
    // has these slots, ends.
    unsafe {
        clear(w, mask, base, function.local_bytes);
        copy(w, mask, (caller_base, params), (base, &function.params));
    }
    Ok(k)
}

/// Returns from a function: its results go to the caller's frame.
pub unsafe fn ret(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter made `i` for this program.
    let p = unsafe { w.program(i) };
    let f = &w.env().frames.frames[w.frame as usize - 1];
    let (base, caller_base) = (f.base, f.caller_base);
    let function = &p.functions[f.function as usize];
    let wanted = &p.calls[f.site as usize].returns;
    // SAFETY: the frames of a call under way, as `enter` made them.
    unsafe { copy(w, w.mask, (base, &function.returns), (caller_base, wanted)) };
    w.ret()
}
