//! Makes warp code of kernels and executes it: the functional engine. What its unsafe code relies on is said at the head of
//! `warp`, `access` and [`memory`]. No foreign code calls back into this crate, so no panic passes through foreign frames.
//!
//! | module | what |
//! |---|---|
//! | [`memory`] | device memory and what is allocated in it |
//! | [`launch`] | what a launch asks for and what comes back |
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
//! | `classes`, `location` | counters by kind of instruction; where instructions stand |

#![deny(clippy::undocumented_unsafe_blocks)]

mod access;
mod affine;
mod alu;
mod atomics;
mod call;
mod classes;
mod collective;
mod control;
mod cross;
mod emit;
pub mod engine;
mod frames;
mod lanes;
pub mod launch;
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

pub use classes::Classes;
pub use engine::{Engine, Progress};
pub use ir::{InstructionClass, Numerics, ParamInfo, numerics};
pub use lanes::Isa;
pub use launch::{Dim3, Execution, LaunchConfig, Limits, Location, RandomSource, Stats, Trap, TrapKind};
pub use memory::{Allocation, Memory, MemoryError, MemoryKind, Snapshot};
pub use module::{Error, GlobalInfo, KernelInfo, Module, Pass};
pub use observe::{Observation, Observe};
pub use printf::{OUTPUT_BYTES, output_was_cut};
pub use probe::{LineProfile, Probes};
pub use signals::without_signals;
