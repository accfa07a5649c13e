//! Cycles of a GPU. A launch is executed by the engine of crate `exec`, one warp instruction at a time; this crate says when.
//! It follows GPGPU-Sim 4 stage by stage (docs/timing.md says where it does not), and never changes a result.
//!
//! | module | what |
//! |---|---|
//! | [`Performance`] | the machine as a back end |
//! | [`simulator`] | a machine, launches on it, reports |
//! | [`config`], [`reader`], [`treatment`] | the machine that a configuration describes; what each option means to it |
//! | [`program`], [`pipe`] | a kernel as neutral records: unit, latency, registers, access |
//! | [`feed`] | what warps do next, from the engine |
//! | [`core`] | a multiprocessor: issue, results; with [`fetch`] and [`access`], its front and its load and store unit |
//! | [`warp`], [`cta`], [`scheduler`], [`scoreboard`], [`collector`], [`pipeline`], [`ldst`] | its parts |
//! | [`flight`] | instructions under way, and where they wait |
//! | [`coalesce`], [`synthetic`] | accesses as sectors; addresses that are the same in every run |
//! | [`memory`] | everything behind multiprocessors |
//! | [`crossbar`], [`l2`], [`dram`] | its parts |
//! | [`cache`], [`cachespec`], [`mshr`], [`request`] | caches of both levels, and what travels between them |
//! | [`address`], [`hash`], [`clock`], [`slab`], [`stats`] | where addresses lie; clocks; counters |
//!
//! Timing sees neutral records alone, never PTX text. A component whose state cannot change says when it next can, so that
//! idle time costs nothing.

pub mod access;
pub mod address;
mod backend;
pub mod cache;
pub mod cachespec;
pub mod clock;
pub mod coalesce;
pub mod collector;
pub mod config;
pub mod core;
pub mod crossbar;
pub mod cta;
pub mod dram;
pub mod error;
pub mod feed;
pub mod fetch;
pub mod flight;
pub mod hash;
pub mod l2;
pub mod ldst;
pub mod memory;
pub mod mshr;
pub mod pipe;
pub mod pipeline;
pub mod program;
pub mod reader;
pub mod request;
pub mod scheduler;
pub mod scoreboard;
pub mod simulator;
pub mod slab;
pub mod stats;
pub mod synthetic;
pub mod treatment;
pub mod warp;

pub use backend::Performance;
pub use config::Config;
pub use error::Error;
pub use simulator::{Launch, Report, Simulator};
pub use stats::Statistics;
