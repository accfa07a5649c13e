//! A kernel as data.
//!
//! [`Ir`] is a kernel as a flat list of typed instructions over virtual registers, after names are resolved and calls
//! inlined. It says what is computed, not how: opcodes are numbers ([`Op`], [`AluOp`]), never code. Whoever executes it
//! (`exec`), times it or lowers it further finds its own code for an opcode. Lowering lies here and not in a back end: what a PTX
//! kernel means as warp instructions is the same for all of them, and this crate knows the syntax tree anyway (an
//! instruction remembers where it comes from). What a back end cannot compute it says when it is asked
//! ([`translate::Computes`]).
//!
//! # Meaning
//! Every thread has its own registers, all zero when it starts, but for those that stand for a special register. Its
//! instructions run in the order of the list, from the first; a guarded one does nothing where its predicate says so. A
//! register of class `W32` or `W64` holds that many bits, `Pred` one. A constant has the width that its place asks for.
//! Threads of a warp run one instruction together as long as they agree on where they are; which threads wait for which
//! others is said by [`Op::may_wait`] and by [`cfg::Block::meet`], and changes no result of a program without races.
//!
//! | module | what |
//! |---|---|
//! | `op`, `alu`, `kernel` | instructions, opcodes, kernels |
//! | [`translate`] | from the syntax tree of a checked module: names resolved, calls inlined, variables placed |
//! | [`numerics`] | format, accumulator and rounding that an instruction names |
//! | [`window`] | where the state spaces lie in generic addresses |
//! | [`verify`] | what holds of every kernel that a back end may be given |
//! | [`print`](mod@print) | kernels as text |
//! | [`cfg`](mod@cfg), [`registers`] | analyses: blocks and meeting points; uniform and affine registers |
//! | `affine` | arithmetic that keeps registers affine |
//! | `class`, `kind` | what kind of work an instruction is, for counters and observers |

mod affine;
mod alu;
pub mod cfg;
mod class;
mod kernel;
mod kind;
pub mod numerics;
mod op;
mod pass;
pub mod print;
pub mod registers;
pub mod translate;
pub mod verify;
pub mod window;

pub use affine::AffineFn;
pub use alu::AluOp;
pub use cfg::Cfg;
pub use class::InstructionClass;
pub use kernel::{CallSite, Ir, IrInst, Origin, OutOfLine, ParamInfo, RegInfo, Scalar, Slot, VReg, Val};
pub use kind::{Kind, kind_of};
pub use op::{
    Access, AtomFn, AtomTy, BARRIERS, BarrierFn, Class, FormatSource, NO_COUNT, Numerics, Op, PredFn,
    ReduceFn, ShflFn, Space, VfFn, VfSpec, VoteFn,
};
pub use pass::Pass;
pub use registers::{BlockShape, Pattern, Registers};
