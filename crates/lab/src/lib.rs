//! Programs, their stages, the toolchain and data they need, and the record of what a run did.
//!
//! Programs run as child processes with Vernier's `libcudart.so` first in the library path; everything the
//! library must know goes through environment variables ([`launch`]), everything it found out comes back in
//! a run-record folder ([`record`]). Nothing here parses arguments or links the engine.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bench;
pub mod cache;
pub mod child;
pub mod compare;
pub mod data;
pub mod error;
pub mod folder;
pub mod launch;
pub mod layers;
pub mod library;
pub mod loading;
pub mod number;
pub mod observe;
pub mod options;
pub mod output;
pub mod print;
pub mod profile;
pub mod program;
pub mod report;
pub mod rules;
pub mod said;
pub mod search;
pub mod settings;
pub mod stages;
pub mod store;
pub mod study;
pub mod suggest;
pub mod summary;
pub mod sweep;
pub mod tensors;
pub mod toolchain;
pub mod totals;
pub mod weights;

pub use error::Error;

/// What every function here returns.
pub type Result<T> = std::result::Result<T, Error>;
