//! The CUDA driver's C ABI over crate `gpu`: the same context, modules, memory and faults as crate `cudart`'s, under the
//! driver's names. It is complete enough for a program that loads PTX, launches kernels of it and moves memory, which
//! is what `vernier ptx run` does with it; it is not offered to programs as `libcuda.so.1` before it has all names.

#![allow(non_snake_case)] // CUDA's names
#![allow(missing_docs)] // the CUDA driver API documents what each entry point does
#![allow(clippy::missing_safety_doc)] // each is as safe as the C function of the same name

mod device;
mod launch;
mod memory;
mod module;
mod result;
mod stream;

pub use device::*;
pub use launch::*;
pub use memory::*;
pub use module::*;
pub use result::{CUresult, cuGetErrorName, cuGetErrorString};
pub use stream::*;
