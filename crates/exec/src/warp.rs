//! The state of one warp and of its block, and the decoded instruction that works on it. A warp is 32 lanes in lock step under
//! a mask; registers are arrays over the lanes ("vector"), one value for all lanes ("uniform"), or a bit per
//! lane (predicates). Nothing here decides what runs next: that is `schedule`.
//!
//! # What lane code relies on
//! A warp is a bundle of pointers into memory that somebody else owns, so that an instruction is a few loads and stores and
//! no check. Whoever sees to the memory (`runner`) promises, when it lays a warp out for a launch and until the launch is over:
//! - *registers*: `vectors`, `uniforms`, `predicates`, `wild` and `surveys` lead to as much memory as the program says, aligned as
//!   their fields say, that nothing else refers to; so do those of each frame (`frames`);
//! - *block*: [`Env`] lives, its `shared` and `params` lead to as many bytes as it says, `local` to 32 times
//!   `local_bytes`, and every range in its snapshot is mapped (`memory`);
//! - *one at a time*: the warps of a block and who runs it are on one thread, and reach the block's state by one pointer
//!   ([`Warp::attach`]), each only while no other does.
//!
//! What is left to promise is that an instruction belongs to the warp. Every `unsafe` function here and in the lane code asks
//! for that, and says "as for every [`OpFn`]":
//! - the instruction lies in the code of the program that the warp is laid out for (or is a copy of such with another
//!   register of that program), and so does each operand, place or number that is passed by itself: `emit` made both;
//! - the processor has the features that the function was compiled for ([`crate::lanes::Isa`]).

use crate::control::Control;
use crate::frames::{Frames, Registers};
use crate::machine::{FULL, LANES};
use crate::memory::Snapshot;
use crate::probe::instruments::Instruments;
use crate::program::Program;
use backend::Dim3;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// What an instruction asks of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Flow {
    /// Go on with the next instruction.
    Next,
    /// The warp's control state changed: look it up again.
    Switch,
    /// A trap is recorded in [`Warp::fault`].
    Trap,
}

/// Executes one instruction for the active lanes.
///
/// # Safety
/// The instruction must belong to the program that the warp is laid out for, and the processor must have the features that
/// the function was compiled for: see the head of `warp`.
pub type OpFn = unsafe fn(&mut Warp, &Inst) -> Flow;

/// The destination may be written in all lanes whatever the mask says.
pub const DIRECT: u8 = 1;
/// The destination is one of the sources, so it must not be written while they are read.
pub const ALIAS: u8 = 2;

/// A decoded instruction. Operand fields are offsets into the warp's register files: vector registers in
/// 32-bit words, uniform registers and predicates by index.
#[derive(Clone, Copy)]
pub struct Inst {
    /// What it does.
    pub run: OpFn,
    /// Destination.
    pub d: u32,
    /// First source.
    pub a: u32,
    /// Second source.
    pub b: u32,
    /// Third source, or a predicate, or an index of a side table.
    pub c: u32,
    /// Guard predicate plus one; 0 for none.
    pub guard: u32,
    /// The guard is written `@!p`.
    pub guard_negated: bool,
    /// [`DIRECT`], [`ALIAS`].
    pub flags: u8,
    /// Small constant whose meaning depends on `run`.
    pub x: u16,
    /// Immediate: an address offset, a jump target.
    pub imm: i64,
}

/// Why the running instruction could not go on; turned into a [`crate::Trap`] at the edge.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Lane of the first thread concerned.
    pub lane: u32,
    /// What happened.
    pub kind: crate::TrapKind,
}

/// 64 words of scratch, aligned like a vector register.
#[repr(align(64))]
pub struct Scratch(pub [u32; 2 * LANES]);

/// Where the threads of a warp stand in their streams of random bits.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Draws {
    /// By lane: [`vfloat::stochastic::Stream::bits`].
    pub streams: [u64; LANES],
    /// By lane: instructions rounded stochastically so far.
    pub done: [u32; LANES],
}

/// The part of a warp that instructions see.
pub struct Warp {
    /// Vector registers: 32 words for a 32-bit register, 64 for a 64-bit one, each aligned to 64 bytes.
    pub vectors: *mut u32,
    /// Uniform registers, then constants.
    pub uniforms: *mut u64,
    /// Predicates: a bit per lane.
    pub predicates: *mut u32,
    /// Whose registers these are: a number of [`Frames`], or 0 for the kernel.
    pub frame: u32,
    /// The kernel's registers.
    pub home: Registers,
    /// Active lanes of the running instruction.
    pub mask: u32,
    /// Lanes that have not ended.
    pub live: u32,
    /// Index of the running instruction, kept by those that may trap or switch.
    pub pc: u32,
    /// Surveys (see `survey`).
    pub surveys: *mut Survey,
    /// Index of the warp in its block.
    pub index: u32,
    /// Block, launch and device. Nothing here or elsewhere reads it but [`Warp::env`] and [`Warp::env_mut`].
    env: NonNull<Env>,
    /// First byte of lane 0's local memory; lane `i`'s is `i * env.local_bytes` further.
    pub local: *mut u8,
    /// Some affine register is wild (see `affine`).
    pub any_wild: bool,
    /// Which ones are, by [`crate::program::AffineReg::id`].
    pub wild: *mut bool,
    /// Random bits, if the program needs any.
    pub draws: Draws,
    /// Where masked results wait before they are blended in.
    pub scratch: Scratch,
    /// Set before [`Flow::Trap`] is returned.
    pub fault: Option<Fault>,
    /// Control flow.
    pub control: Control,
}

impl Warp {
    /// A warp without registers.
    ///
    /// # Safety
    /// As for [`Warp::attach`].
    pub unsafe fn new(env: NonNull<Env>) -> Warp {
        let nowhere = std::ptr::null_mut();
        let (uniforms, predicates, wild) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        Warp {
            vectors: nowhere,
            uniforms,
            predicates,
            frame: 0,
            home: Registers {
                vectors: nowhere,
                uniforms,
                predicates,
                wild,
            },
            mask: 0,
            live: 0,
            pc: 0,
            surveys: std::ptr::null_mut(),
            index: 0,
            env,
            local: std::ptr::null_mut(),
            any_wild: false,
            wild,
            draws: Draws {
                streams: [0; LANES],
                done: [0; LANES],
            },
            scratch: Scratch([0; 2 * LANES]),
            fault: None,
            control: Control::default(),
        }
    }
    /// Records a fault.
    #[cold]
    pub fn trap(&mut self, lane: u32, kind: crate::TrapKind) -> Flow {
        self.fault = Some(Fault { lane, kind });
        Flow::Trap
    }
    /// Makes the registers of `frame` the current ones.
    #[inline(always)]
    pub fn use_frame(&mut self, frame: u32) {
        if frame != self.frame {
            self.frame = frame;
            let r = match frame {
                0 => self.home,
                _ => self.env().frames.registers(frame),
            };
            (self.vectors, self.uniforms) = (r.vectors, r.uniforms);
            (self.predicates, self.wild) = (r.predicates, r.wild);
        }
    }
    /// Whether the destination of `i` may be written directly.
    #[inline(always)]
    pub fn direct(&self, i: &Inst) -> bool {
        (i.flags & ALIAS == 0) & ((self.mask == FULL) | (i.flags & DIRECT != 0))
    }
    /// Makes `env` the warp's block.
    ///
    /// # Safety
    /// It must live as long as the warp is used. While the warp is borrowed, nobody else may hold a reference to it: not
    /// through another warp, nor through its [`Home`].
    pub unsafe fn attach(&mut self, env: NonNull<Env>) {
        self.env = env;
    }
    /// The block's and launch's state.
    #[inline(always)]
    pub fn env(&self) -> &Env {
        // SAFETY: promised to `attach`.
        unsafe { self.env.as_ref() }
    }
    /// The block's and launch's state.
    #[inline(always)]
    pub fn env_mut(&mut self) -> &mut Env {
        // SAFETY: promised to `attach`.
        unsafe { self.env.as_mut() }
    }
    /// The program that instruction `i` is part of, which lives as long as the instruction.
    ///
    /// # Safety
    /// As for every [`OpFn`]; `i` itself lies in the code.
    #[inline(always)]
    pub unsafe fn program<'p>(&self, _i: &'p Inst) -> &'p Program {
        // SAFETY: it is borrowed for `'p`, since its code is.
        unsafe { &*Arc::as_ptr(&self.env().program) }
    }
}

/// A range of addresses an instruction has been allowed before: it hits nearly always again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// One past the last.
    pub end: u64,
}

/// What is known of the addresses in a register (see `survey`): host addresses, offsets not added.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub struct Survey {
    /// Word of each lane in the patch of its half of the warp.
    pub index: [u8; LANES],
    /// Where the patches start: the lowest address of each half.
    pub starts: [u64; 2],
    /// A bit for each word of each patch up to the highest address.
    pub words: [u32; 2],
    /// The lowest address.
    pub low: u64,
    /// The highest one.
    pub high: u64,
    /// Bits in which addresses differ from the lowest one, right up to the lowest such bit.
    pub apart: u64,
    /// The lanes looked at; 0 if nothing is known.
    pub mask: u32,
    /// There are patches.
    pub patches: bool,
    /// The 32 lanes are at neighbouring words (only looked for where there are no patches).
    pub line: bool,
}

/// The state of the block that a worker runs, reused from block to block.
pub struct Env {
    /// The program.
    pub program: Arc<Program>,
    /// Parameter block.
    pub params: *const u8,
    /// Its size in bytes.
    pub params_bytes: u32,
    /// Device memory table.
    pub snapshot: Snapshot,
    /// Shared memory of the block.
    pub shared: *mut u8,
    /// Its size in bytes, static and dynamic.
    pub shared_bytes: u32,
    /// Threads of the block.
    pub threads: u32,
    /// Local memory of a thread, bytes.
    pub local_bytes: u32,
    /// Registers of functions that are called and not inlined.
    pub frames: Frames,
    /// Index of the block in the grid.
    pub block: Dim3,
    /// By memory instruction: where its last access was.
    pub ranges: Vec<Range>,
    /// What the block printed.
    pub output: Vec<u8>,
    /// By basic block: how often a warp entered it, and with how many active lanes in sum.
    pub counts: Vec<(u64, u64)>,
    /// Reconvergence-free instructions executed so far by the block, in threads, for the budget.
    pub executed: u64,
    /// Budget of thread-instructions, or `u64::MAX`.
    pub budget: u64,
    /// Threads that arrived at barriers without waiting: barrier, thread count, threads.
    pub arrived: Vec<(u32, u32, u32)>,
    /// Identifies the launch (`%gridid`).
    pub grid_id: u64,
    /// Where the barrier of a cooperative launch lies, else 0.
    pub workspace: u64,
    /// A number that grows with every read of a clock, so that time passes the same in every run.
    pub clock: u64,
    /// What the worker's probes work with, if the program has any.
    pub instruments: Option<Box<Instruments>>,
}

impl Env {
    /// One that belongs to no launch yet.
    pub fn new(program: Arc<Program>, snapshot: Snapshot) -> Env {
        Env {
            frames: Frames::new(program.frame_bytes),
            program,
            params: std::ptr::null(),
            params_bytes: 0,
            snapshot,
            shared: std::ptr::null_mut(),
            shared_bytes: 0,
            threads: 0,
            local_bytes: 0,
            block: Dim3 { x: 0, y: 0, z: 0 },
            ranges: Vec::new(),
            output: Vec::new(),
            counts: Vec::new(),
            executed: 0,
            budget: 0,
            arrived: Vec::new(),
            grid_id: 0,
            workspace: 0,
            clock: 0,
            instruments: None,
        }
    }
}

/// Owns an [`Env`], at an address that stays the same wherever this goes. (A `Box` that is moved claims what it points to for
/// itself, which would forbid the warps' pointers.)
pub struct Home(NonNull<Env>);

impl Home {
    /// A home for `env`.
    pub fn new(env: Env) -> Home {
        Home(NonNull::from(Box::leak(Box::new(env))))
    }
    /// The pointer by which it is reached, from here too.
    pub fn address(&self) -> NonNull<Env> {
        self.0
    }
}

impl Deref for Home {
    type Target = Env;
    fn deref(&self) -> &Env {
        // SAFETY: it is there until this is dropped; who runs warps does not use this meanwhile (`Warp::attach`).
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Home {
    fn deref_mut(&mut self) -> &mut Env {
        // SAFETY: as in `deref`.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // SAFETY: `new` leaked it, and this is its only owner.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
