//! PTX text to tree and back, checks, overrides. Of a module it knows everything the text says and nothing
//! of what it computes.
pub mod ast;
mod check;
mod error;
pub mod flow;
pub mod isa;
mod lexer;
pub mod limits;
pub mod overrides;
mod parser;
mod print;
mod same;
pub mod scope;
pub mod suggest;
pub mod visit;

pub use check::{Checked, check, unsupported};
pub use error::{Diagnostic, Error, Errors, render};
pub use isa::Word;
pub use parser::parse;
pub use same::same;
