//! What CUDA means, once, as objects: the context of a process with its modules, functions, memory, streams, events and
//! errors, over a device that a back end gives (crate `backend`). The C interfaces (crate `cudart`, later `cuda`) are thin
//! covers over [`Context`]; nothing here knows about C calling conventions, and nothing here executes an instruction.
//!
//! | module | what |
//! |---|---|
//! | [`context`](Context) | the context, and the device once a call needs it |
//! | [`module`](Module), [`function`](Function), `load`, `loaded`, `link`, `sources` | code: where it comes from, what becomes of it |
//! | [`work`](Work), `streams`, `launch`, `memory`, `pools` | what happens in which order |
//! | `policy`, `boundary`, `loss_scale` | precision, as a policy says |
//! | `recorder`, `launches`, `digest`, `faults` | what is told of it |
//! | `settings`, `warnings`, `libraries`, `fork`, `say`, `mapped`, `sync` | the process around |
//!
//! Deviations from a real device, on purpose:
//! - A launch runs to its end before the call returns, on whatever stream; streams and events are objects with
//!   CUDA's error behaviour and the device's times, and every order that CUDA guarantees holds.
//! - A fault of a kernel is reported once, by the next call that synchronises; after that the process goes on.
//!   CUDA would keep every later call failing.

mod boundary;
mod code;
mod context;
mod digest;
mod error;
mod facts;
mod faults;
mod fork;
mod function;
mod geometry;
mod launch;
mod launches;
mod libraries;
mod link;
mod load;
mod loaded;
mod loss_scale;
mod mapped;
mod memory;
mod module;
mod policy;
mod pools;
mod recorder;
mod say;
mod settings;
mod sources;
mod streams;
mod sync;
mod warnings;
mod work;

pub use backend::Dim3;
pub use code::Code;
pub use context::{Context, DRIVER_VERSION};
pub use error::Error;
pub use facts::{Facts, MAX_PITCH, PCI, PITCH_ALIGNMENT, UUID};
pub use fork::is_forked_child;
pub use function::FunctionAttributes;
pub use geometry::Geometry;
pub use launch::Arguments;
pub use memory::{CopyKind, Pitched, PointerInfo, Shape};
pub use module::{Function, HostSlot, Module};
pub use pools::{DEFAULT_POOL, Pools};
pub use say::{error as say_error, is_verbose, once as say_once};
pub use settings::Startup;
pub use streams::{DEFAULT_STREAM, PRIORITIES, Streams};
pub use work::Work;
