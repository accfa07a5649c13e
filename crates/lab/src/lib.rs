//! Many trials: [`sweep`] says which and runs them, side by side here or on a Slurm cluster; [`store`] keeps what came of
//! each. One run is the business of crate `run`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod store;
pub mod sweep;
