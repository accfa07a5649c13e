//! A loaded module (variables placed in device memory, kernels lowered on demand) and the engine that runs
//! its kernels.

use crate::launch::{Execution, LaunchConfig, Limits, Numerics};
use crate::memory::{Memory, MemoryError};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Why a module could not be loaded or a kernel not be started: a fault of the request or a limit of
/// Vernier, never of the running kernel (that is a [`crate::Trap`]).
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
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// A parameter of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamInfo {
    /// Byte offset in the parameter block.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
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

/// A module whose variables live in device memory.
pub struct Module {}

impl Module {
    /// Places the variables of `ptx` in `memory`. Kernels are lowered when first launched or asked about, so
    /// an unsupported instruction in one kernel does not keep others from running.
    pub fn load(_ptx: Arc<ptx::ast::Module>, _memory: &Memory) -> Result<Module, Error> {
        Err(Error::Ptx("not there yet".into()))
    }
    /// Gives the variables' memory back.
    pub fn unload(&self, _memory: &Memory) {}
    /// Mangled names of all kernels.
    pub fn kernels(&self) -> Vec<&str> {
        Vec::new()
    }
    /// A `.global` or `.const` variable.
    pub fn global(&self, _name: &str) -> Option<GlobalInfo> {
        None
    }
    /// Facts about a kernel.
    pub fn kernel(&self, name: &str) -> Result<Arc<KernelInfo>, Error> {
        Err(Error::NoKernel { name: name.into(), module: String::new() })
    }
}

/// How far the running launch is; read from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Blocks finished.
    pub blocks_done: AtomicU64,
    /// Blocks of the launch.
    pub blocks_total: AtomicU64,
    /// Thread-instructions of the finished blocks.
    pub thread_instructions: AtomicU64,
}

/// The functional engine: worker threads that execute blocks.
pub struct Engine {}

impl Engine {
    /// An engine with `threads` CPU threads, at least one.
    pub fn new(_threads: usize) -> Engine {
        Engine {}
    }
    /// Runs a kernel to its end. `params` is the parameter block ([`KernelInfo::params_size`] bytes).
    #[allow(clippy::too_many_arguments)] // each is one thing a launch needs
    pub fn launch(
        &self,
        _memory: &Memory,
        _module: &Module,
        _kernel: &str,
        _config: &LaunchConfig,
        _params: &[u8],
        _numerics: &Numerics,
        _limits: &Limits,
        _progress: &Progress,
    ) -> Result<Execution, Error> {
        Err(Error::Ptx("not there yet".into()))
    }
}
