//! Makes warp code of kernels and executes it: the functional engine. What its unsafe code relies on is said at the head of
//! `warp`, `access` and [`memory`]. No foreign code calls back into this crate, so no panic passes through foreign frames.
//!
//! | module | what |
//! |---|---|
//! | [`memory`] | device memory and what is allocated in it |
//! | [`functional`](Functional) | the engine as a back end |
//! | `call` | calls that cannot be inlined: recursion, function pointers |
//! | `emit` | flat list to `program`: decoded instructions with their places |
//! | `survey` | what is known of the addresses in a register, from one access to the next |
//! | `affine` | arithmetic on registers of the form base + lane * stride |
//! | `lanes`, `alu`, `vf` | lane functions as SIMD loops |
//! | `scalar` | ordinary PTX arithmetic, one lane at a time: the reference |
//! | `access`, `atomics`, `cross`, `collective`, `printf` | memory; what reaches across lanes; printing |
//! | `warp`, `schedule` | a warp's state and control flow |
//! | `runner`, [`engine`] | blocks, barriers, CPU threads |
//! | [`probe`] | what a launch tells besides results: asked for, woven in and harvested in one way |
//! | [`observe`] | what the numbers do, by PTX line |
//! | [`steps`] | launches that go on one warp instruction at a time, and say what each did |
//! | `location` | where instructions stand in the text |

#![deny(clippy::undocumented_unsafe_blocks)]

mod access;
mod affine;
mod alu;
mod atomics;
mod call;
mod collective;
mod control;
mod cross;
mod emit;
pub mod engine;
mod frames;
mod functional;
mod lanes;
mod location;
mod machine;
pub mod memory;
pub mod module;
pub mod observe;
mod printf;
pub mod probe;
mod program;
mod runner;
pub mod scalar;
mod schedule;
mod signals;
#[cfg(all(test, target_arch = "x86_64", not(debug_assertions)))]
mod simd_tests;
pub mod steps;
mod survey;
mod vf;
mod warp;

pub use backend::{
    Allocation, Arena, Classes, Dim3, Error, Execution, GlobalInfo, InstructionClass, KernelInfo, Launch,
    LaunchConfig, Limits, Location, MemoryError, MemoryKind, Numerics, OUTPUT_BYTES, ParamInfo, Progress,
    RandomSource, Stats, Trap, TrapKind, output_was_cut,
};
pub use engine::Engine;
pub use functional::Functional;
pub use ir::{Pass, numerics};
pub use lanes::Isa;
pub use memory::{Memory, Snapshot};
pub use module::Module;
pub use observe::{Observation, Observe};
pub use probe::{LineProfile, Probes};
pub use signals::without_signals;
