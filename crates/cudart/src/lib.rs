//! libcudart: the C ABI of the CUDA runtime over crate `gpu`, and nothing else. Every entry point is a few
//! lines; a macro gives each the same frame: no panic leaves it, its error becomes the thread's last error, and
//! a reason that a person should know goes to stderr. What Vernier does not do refuses by name
//! (`unsupported.rs`).

#![allow(non_snake_case)] // CUDA's names
#![allow(missing_docs)] // the CUDA runtime API documents what each entry point does
#![allow(clippy::missing_safety_doc)] // each is as safe as the C function of the same name

pub mod abi;
mod device;
mod last;
mod launch;
mod loading;
mod memory;
mod properties;
mod registration;
mod registry;
mod stream;
mod unsupported;

pub use device::*;
pub use last::{cudaGetErrorName, cudaGetErrorString, cudaGetLastError, cudaPeekAtLastError};
pub use launch::*;
pub use memory::*;
pub use properties::attribute;
pub use registration::*;
pub use stream::*;
pub use unsupported::*;
