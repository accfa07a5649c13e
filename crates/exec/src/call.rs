//! Calls of functions that are not inlined: recursion and function pointers. A called function has registers
//! of its own, laid out like the kernel's, for each call that is under way (a *frame*), and a frame in the
//! local memory of each thread, behind its caller's, where arguments and results lie. What runs when is up to
//! `schedule`: the lanes of a call meet again where it returns.

use crate::cross::{cross, lanes_of, value};
use crate::launch::TrapKind;
use crate::program::{Extent, Program};
use crate::runner::{Line, lines};
use crate::warp::{FULL, Fault, Flow, Inst, LANES, Registers, Warp};
use ir::Slot;

/// Local memory that the frames of called functions may take in each thread, bytes. A device has 1 KiB unless
/// the program asks for more (`cudaLimitStackSize`), but also keeps registers there; memory that is not touched
/// costs nothing.
pub const STACK_BYTES: u32 = 64 << 10;

/// A function that is called.
#[derive(Debug)]
pub struct Function {
    /// Its first instruction.
    pub entry: u32,
    /// What points to it.
    pub address: u64,
    /// Uniform register that holds the local address of its frame.
    pub base: Option<u32>,
    /// Size of its frame in local memory, bytes.
    pub local_bytes: u32,
    /// Where it puts its results, in its frame.
    pub returns: Vec<Slot>,
    /// Where it finds its arguments.
    pub params: Vec<Slot>,
}

/// One call under way.
struct Frame {
    registers: Registers,
    /// The memory behind them.
    _memory: Vec<Line>,
    /// Where its frame in local memory starts, and where its caller's does.
    base: u32,
    caller_base: u32,
    /// One past its end.
    end: u32,
    /// Index in [`Program::functions`].
    function: u32,
    /// Index in [`Program::calls`].
    site: u32,
}

/// The calls under way in a block. Numbers start at 1; 0 is the kernel.
pub struct Frames {
    frames: Vec<Frame>,
    free: Vec<u32>,
    /// Bytes of local memory that the kernel uses.
    kernel_bytes: u32,
}

impl Frames {
    /// For a block that runs `program`.
    pub fn new(program: &Program) -> Frames {
        Frames {
            frames: vec![],
            free: vec![],
            kernel_bytes: program.frame_bytes,
        }
    }

    /// Forgets all calls.
    pub fn reset(&mut self) {
        self.free.clear();
        self.free.extend(1..=self.frames.len() as u32);
    }

    /// The registers of a call.
    pub fn registers(&self, frame: u32) -> Registers {
        self.frames[frame as usize - 1].registers
    }

    /// A call is over.
    pub fn release(&mut self, frame: u32) {
        self.free.push(frame);
    }

    /// Start and end of a frame in local memory.
    fn extent(&self, frame: u32) -> (u32, u32) {
        match frame {
            0 => (0, self.kernel_bytes),
            _ => {
                let f = &self.frames[frame as usize - 1];
                (f.base, f.end)
            }
        }
    }

    /// Registers that nobody uses; constants are in place.
    fn take(&mut self, p: &Program) -> u32 {
        if let Some(k) = self.free.pop() {
            return k;
        }
        let uniforms = p.uniforms + p.constants.len();
        let vector_lines = (p.vector_words * 4).div_ceil(64);
        let uniform_lines = (uniforms * 8).div_ceil(64);
        let mut memory = lines((vector_lines + uniform_lines) * 64 + p.predicates * 4 + p.affine_regs.len());
        let start = memory.as_mut_ptr();
        // SAFETY: the memory was made as large as these four pieces, and the vector that holds it never grows.
        let registers = unsafe {
            let predicates = start.add(vector_lines + uniform_lines) as *mut u32;
            let r = Registers {
                vectors: start as *mut u32,
                uniforms: start.add(vector_lines) as *mut u64,
                predicates,
                wild: predicates.add(p.predicates) as *mut bool,
            };
            let constants = r.uniforms.add(p.uniforms);
            constants.copy_from_nonoverlapping(p.constants.as_ptr(), p.constants.len());
            if let Some(yes) = p.always {
                *r.predicates.add(yes as usize) = FULL;
            }
            r
        };
        self.frames.push(Frame {
            registers,
            _memory: memory,
            base: 0,
            caller_base: 0,
            end: 0,
            function: 0,
            site: 0,
        });
        self.frames.len() as u32
    }
}

/// Memory, aligned like [`Line`] and zero at first, that takes no space before it is touched.
#[derive(Default)]
pub struct Zeroed(Vec<u64>);

impl Zeroed {
    /// Makes it at least `bytes` bytes. What was written in it before may still be there.
    pub fn reserve(&mut self, bytes: usize) {
        let words = bytes.div_ceil(8) + 8;
        if self.0.len() < words {
            self.0 = vec![0; words];
        }
    }
    /// The first byte.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        let start = self.0.as_mut_ptr() as *mut u8;
        start.wrapping_add(start.align_offset(64))
    }
}

/// Zeroes `bytes` bytes at local address `at` of the lanes of `mask`.
pub fn clear(w: &mut Warp, mask: u32, at: u32, bytes: u32) {
    let stride = w.env().local_bytes as usize;
    // SAFETY: every lane has that much local memory, and the bytes lie in it.
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
fn copy(w: &mut Warp, mask: u32, from: (u32, &[Slot]), to: (u32, &[Slot])) {
    let stride = w.env().local_bytes as usize;
    for l in lanes_of(mask) {
        for (f, t) in from.1.iter().zip(to.1) {
            let bytes = f.bytes.min(t.bytes) as usize;
            // SAFETY: slots lie inside their frames, and frames inside the lane's local memory; two frames have
            // no byte in common.
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
    let program = w.env().program;
    let site = &program.calls[i.a as usize];
    // Functions and the lanes that call them.
    let mut groups: Vec<(u32, u32)> = Vec::new();
    if let Some(f) = site.function {
        groups.push((f, w.mask));
    } else {
        let target = cross(w, i).src[0];
        for l in lanes_of(w.mask) {
            let address = value(w, target, l);
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
        match enter(w, i.a, f, mask) {
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

/// Makes the frame for a call of function `f` by the lanes of `mask`.
fn enter(w: &mut Warp, site: u32, f: u32, mask: u32) -> Result<u32, TrapKind> {
    let p = w.env().program;
    let function = &p.functions[f as usize];
    // SAFETY: the worker that runs the warp owns the block's state.
    let frames = unsafe { &mut (*w.env).frames };
    let (caller_base, base) = frames.extent(w.frame);
    let end = base.saturating_add(function.local_bytes);
    if end > p.local_bytes {
        return Err(TrapKind::StackOverflow { limit: STACK_BYTES });
    }
    let k = frames.take(p);
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
    clear(w, mask, base, function.local_bytes);
    let params = &p.calls[site as usize].params;
    copy(w, mask, (caller_base, params), (base, &function.params));
    Ok(k)
}

/// Returns from a function: its results go to the caller's frame.
pub unsafe fn ret(w: &mut Warp, _: &Inst) -> Flow {
    let p = w.env().program;
    let f = &w.env().frames.frames[w.frame as usize - 1];
    let (base, caller_base) = (f.base, f.caller_base);
    let function = &p.functions[f.function as usize];
    let wanted = &p.calls[f.site as usize].returns;
    copy(w, w.mask, (base, &function.returns), (caller_base, wanted));
    w.ret()
}
