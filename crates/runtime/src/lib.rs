//! What CUDA means, once: modules, memory, streams, events, launches, errors. The C interfaces (crate
//! `cudart`, later `cuda`) are thin covers over [`Runtime`]; nothing here knows about C calling conventions,
//! and nothing here executes an instruction: that is a back end's work (crate `backend`).
//!
//! Deviations from a real device, on purpose:
//! - A launch runs to its end before the call returns, on whatever stream; streams and events are objects with
//!   CUDA's error behaviour and real host times, and every order that CUDA guarantees holds.
//! - A fault of a kernel is reported once, by the next call that synchronises; after that the process goes on.
//!   CUDA would keep every later call failing.

mod boundary;
mod caller;
mod code;
mod digest;
mod error;
mod faults;
mod fork;
mod function;
mod launch;
mod launches;
mod libraries;
mod link;
mod loss_scale;
mod mapped;
mod memory;
mod module;
mod policy;
mod pools;
mod properties;
mod recorder;
mod registry;
mod runtime;
mod say;
mod settings;
mod sources;
mod streams;
mod warnings;
mod work;

pub use backend::Dim3;
pub use caller::CudaVersion;
pub use code::Code;
pub use error::Error;
pub use fork::is_forked_child;
pub use function::FunctionAttributes;
pub use launch::Geometry;
pub use libraries::library_asked;
pub use memory::{CopyKind, Pitched, PointerInfo, Shape};
pub use pools::DEFAULT_POOL;
pub use properties::{Facts, attribute, properties_bytes};
pub use registry::Handle;
pub use runtime::{DRIVER_VERSION, Runtime};
pub use say::{error as say_error, is_verbose, once as say_once};
pub use settings::Startup;
pub use streams::DEFAULT_STREAM;
pub use work::Work;
