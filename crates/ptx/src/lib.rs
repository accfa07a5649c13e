//! PTX text to tree and back, checks, overrides.
#![allow(missing_docs)]
pub mod ast;
pub mod isa;
