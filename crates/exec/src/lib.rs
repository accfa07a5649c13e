//! Lowers a PTX kernel to warp code and executes it.

pub mod launch;
pub mod memory;
pub mod module;

pub use launch::{Dim3, Execution, LaunchConfig, Limits, Location, Numerics, Stats, Trap, TrapKind};
pub use memory::{Allocation, Memory, MemoryError, MemoryKind, Snapshot};
pub use module::{Engine, Error, GlobalInfo, KernelInfo, Module, ParamInfo, Progress};
