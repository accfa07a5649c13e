//! All C interfaces in one library: whatever names it is loaded under (libcudart.so.12, libcudart.so.13), a process has one
//! device, one memory, one error state. `link.sh` makes the shared library of it.

pub use {cuda, cudart};

mod ir;

pub use ir::{Text, vernier_ptx_ir};
