//! What runs kernels, seen from above: traits, and the plain values they speak in. The functional engine (`exec`) is
//! one; a timing model and a real GPU are others. What CUDA means (streams, handles, error codes, policies) lies above,
//! in crate `gpu`, and reaches a device through nothing but this.
//!
//! | trait | what |
//! |---|---|
//! | [`Backend`] | a device: its memory, its clock; makes code of checked modules |
//! | [`Arena`] | device memory: what is allocated, and every way to read and write it from the host |
//! | [`Module`] | code in place, with its variables; launches its kernels |
//!
//! What holds of every implementation:
//! - Function does not depend on which one it is: the same launches leave the same bytes in memory.
//! - Device addresses are numbers. Nothing above may take them for host addresses, except those of memory that the host
//!   shares ([`MemoryKind::is_shared_with_host`]).
//! - What a kernel does wrong is a value ([`Execution::trap`]); an [`Error`] says that it did not start.
//! - Work of one [`Queue`] happens in the order in which it is given; what is given by different threads at the same time
//!   does not interfere.

mod arena;
mod classes;
mod launch;

pub use arena::{Allocation, Arena, MemoryError, MemoryKind};
pub use classes::Classes;
pub use ir::{InstructionClass, Numerics, ParamInfo};
pub use launch::{
    Dim3, Execution, Launch, LaunchConfig, Limits, Location, OUTPUT_BYTES, Progress, RandomSource, Stats,
    Trap, TrapKind, output_was_cut,
};

use ptx::Checked;
use record::Event;
use std::sync::Arc;
use std::time::Duration;

/// A queue of work in order: a stream of CUDA, by a number of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Queue(pub usize);

/// A device that runs kernels.
pub trait Backend: Send + Sync {
    /// For messages and run records.
    fn name(&self) -> &'static str;

    /// Its memory.
    fn memory(&self) -> &dyn Arena;

    /// Makes a module of a checked text: places its variables in memory. An instruction that this device cannot run
    /// keeps its kernel from running, not the others.
    ///
    /// # Errors
    /// No memory for the variables; initial values that make no sense.
    fn load(&self, ptx: Checked) -> Result<Arc<dyn Module>, Error>;

    /// The time at which all work given to a queue so far is done, counted from the start of the device: of the host,
    /// or, where a device is simulated with its time, of the simulation.
    fn now(&self, queue: Queue) -> Duration;

    /// Work given to `queue` from here on begins at `time` ([`Backend::now`] of another queue) at the earliest. Nothing to
    /// do where work is done when the call that gave it returns.
    fn wait(&self, queue: Queue, time: Duration) {
        let _ = (queue, time);
    }

    /// The program copied `size` bytes between its own memory and the device's at `address`. What Vernier itself reads and
    /// writes there (digests, tensors of a policy) is not told: it must not change a device's time.
    fn copied(&self, address: u64, size: u64) {
        let _ = (address, size);
    }

    /// What was found out about all launches so far (time by PTX line, what numbers did), as the run record has it, if this
    /// device was asked to look.
    fn findings(&self) -> Vec<Event> {
        Vec::new()
    }
}

/// A module on a device.
pub trait Module: Send + Sync {
    /// The text it was made of.
    fn ptx(&self) -> &Checked;

    /// A `.global` or `.const` variable, by its mangled name.
    fn global(&self, name: &str) -> Option<GlobalInfo>;

    /// Facts about a kernel, by its mangled name.
    ///
    /// # Errors
    /// No such kernel, or one that this device cannot run.
    fn kernel(&self, name: &str) -> Result<Arc<KernelInfo>, Error>;

    /// The same module with other instructions: `ptx` differs from the tree of this one by overrides only, and the two
    /// share their variables. They belong to this one: it alone is to be unloaded.
    ///
    /// # Errors
    /// A device that cannot take the text.
    fn variant(&self, ptx: Checked) -> Result<Arc<dyn Module>, Error>;

    /// Runs a kernel to its end. A fault of the kernel is in [`Execution::trap`].
    ///
    /// # Errors
    /// The kernel could not be started.
    fn launch(&self, launch: &Launch<'_>) -> Result<Execution, Error>;

    /// Gives the variables' memory back. No kernel of it runs then, nor later.
    fn unload(&self);
}

/// Why a module could not be loaded or a kernel not be started: a fault of the request or a limit of
/// Vernier, never of the running kernel (that is a [`Trap`]).
#[derive(Clone, Debug, thiserror::Error)]
#[allow(missing_docs)] // the message names each field
pub enum Error {
    /// Something Vernier does not support, or a fault in the PTX; the text has file, line and snippet.
    #[error("{0}")]
    Ptx(String),
    #[error("no kernel `{name}` in {module}")]
    NoKernel { name: String, module: String },
    #[error("kernel `{kernel}`: {reason}")]
    Launch { kernel: String, reason: String },
    #[error(
        "kernel `{kernel}` cannot run: a fault of Vernier, not of the program; please report it with the PTX:\n{what}"
    )]
    Fault { kernel: String, what: String },
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// What the host may ask about a kernel.
#[derive(Clone, Debug)]
pub struct KernelInfo {
    /// Mangled name.
    pub name: String,
    /// Parameters in order.
    pub params: Vec<ParamInfo>,
    /// Size of the parameter block, bytes.
    pub params_size: usize,
    /// Static shared memory, bytes.
    pub static_shared: usize,
    /// Local memory of a thread, bytes.
    pub local: usize,
    /// 32-bit registers of a thread (an estimate: PTX registers are virtual).
    pub registers: u32,
    /// Product of `.maxntid` or `.reqntid`, or 1024.
    pub max_threads: u32,
}

/// A variable of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalInfo {
    /// Device address.
    pub address: u64,
    /// Bytes.
    pub size: u64,
    /// Declared with `.attribute(.managed)`.
    pub managed: bool,
    /// In the `.const` space.
    pub constant: bool,
}
