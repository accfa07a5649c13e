//! What a person is told, and how: the crates of the `vernier` command share it.
//!
//! | module | what it has |
//! |---|---|
//! | [`error`] | why something could not be done, where, and what to do |
//! | [`print`] | standard output and standard error, without a panic where they are closed |
//! | [`number`] | numbers as people read them |
//! | [`suggest`] | the known name that was meant |
//! | [`table`] | tables as CSV |

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod error;
pub mod number;
pub mod print;
pub mod suggest;
pub mod table;

pub use error::Error;

/// What most functions of the command's crates return.
pub type Result<T> = std::result::Result<T, Error>;
