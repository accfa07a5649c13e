//! What a launch asks for and what comes back: geometry, numerics, limits, counters, traps. Plain values,
//! shared by every back end.

use crate::{Classes, Numerics, Queue};
use std::fmt;
use std::sync::atomic::AtomicU64;

/// What a launch of a kernel needs.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// Mangled name.
    pub kernel: &'a str,
    /// Grid, block, shared memory.
    pub config: LaunchConfig,
    /// The parameter block, [`crate::KernelInfo::params_size`] bytes.
    pub params: &'a [u8],
    /// What `.vf32` means.
    pub numerics: Numerics,
    /// What the launch may use up.
    pub limits: Limits,
    /// Where the device says how far it is, if somebody wants to know.
    pub progress: Option<&'a Progress>,
    /// The queue it is given to.
    pub queue: Queue,
}

impl<'a> Launch<'a> {
    /// A launch in the default queue, without limits.
    pub fn new(kernel: &'a str, config: LaunchConfig, params: &'a [u8], numerics: Numerics) -> Launch<'a> {
        Launch {
            kernel,
            config,
            params,
            numerics,
            limits: Limits::default(),
            progress: None,
            queue: Queue::default(),
        }
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

/// Three dimensions of a grid or block, or an index in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // x, y and z say it
pub struct Dim3 {
    pub x: u32,
    pub y: u32,
    pub z: u32,
}

impl Dim3 {
    /// The number of elements; of more than there are numbers, the largest one.
    pub fn count(self) -> u64 {
        (u64::from(self.x) * u64::from(self.y)).saturating_mul(u64::from(self.z))
    }
    /// The rank of an index, x running fastest: what [`Dim3::unrank`] takes back.
    pub fn rank(self, index: Dim3) -> u64 {
        let (x, y) = (u64::from(self.x), u64::from(self.y));
        u64::from(index.x) + x * (u64::from(index.y) + y * u64::from(index.z))
    }
    /// The index with the given rank, x running fastest.
    pub fn unrank(self, rank: u64) -> Dim3 {
        let (x, y) = (u64::from(self.x), u64::from(self.y));
        Dim3 {
            x: (rank % x) as u32,
            y: (rank / x % y) as u32,
            z: (rank / (x * y)) as u32,
        }
    }
}

impl fmt::Display for Dim3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{},{})", self.x, self.y, self.z)
    }
}

/// Geometry of a launch.
#[derive(Clone, Copy, Debug)]
pub struct LaunchConfig {
    /// Blocks.
    pub grid: Dim3,
    /// Threads of a block.
    pub block: Dim3,
    /// Bytes of `extern __shared__` memory.
    pub dynamic_shared: u32,
    /// cudaLaunchCooperativeKernel: all blocks are resident and may wait for each other.
    pub cooperative: bool,
    /// Where the random bits of stochastic rounding come from.
    pub random: RandomSource,
}

/// What the random bits of a launch depend on, besides block, thread and number of the instruction in its thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RandomSource {
    /// The seed of the run.
    pub seed: u64,
    /// The launch's number in the process, from 0.
    pub launch: u64,
}

/// What a launch may use up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// End the launch with a trap after this many thread-instructions, of one block or of all; `None` is no limit. An
    /// endless block ends at the same place in every run, a launch of too many blocks may get further in one than in
    /// another.
    pub instructions: Option<u64>,
}

/// Counters of one launch. The same for any number of CPU threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// PTX instructions executed, each counted once per active thread; a guarded one for all active threads,
    /// whether its guard holds or not, except calls and what waits for other threads (barriers, shuffles, votes).
    pub thread_instructions: u64,
    /// PTX instructions executed, each counted once per warp.
    pub warp_instructions: u64,
    /// Thread-instructions that ran in a variable format (`.vf32`, `fmam`, `addm`).
    pub variable_instructions: u64,
    /// Thread-instructions by what they do.
    pub classes: Classes,
}

impl Stats {
    /// The share of lanes that were active, 0 to 1: thread-instructions over 32 times warp-instructions. 0 when
    /// nothing ran.
    pub fn active_lanes(&self) -> f64 {
        match self.warp_instructions {
            0 => 0.0,
            n => self.thread_instructions as f64 / (32.0 * n as f64),
        }
    }
}

impl Stats {
    /// Those of `n` blocks that do what this one did.
    pub fn times(&mut self, n: u64) {
        self.thread_instructions = self.thread_instructions.saturating_mul(n);
        self.warp_instructions = self.warp_instructions.saturating_mul(n);
        self.variable_instructions = self.variable_instructions.saturating_mul(n);
        self.classes.times(n);
    }
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Stats) {
        self.thread_instructions += other.thread_instructions;
        self.warp_instructions += other.warp_instructions;
        self.variable_instructions += other.variable_instructions;
        self.classes += other.classes;
    }
}

/// What the kernels of a launch may print, bytes: a device's FIFO is bounded too (cudaLimitPrintfFifoSize, 1 MiB unless the
/// program asks for more).
pub const OUTPUT_BYTES: usize = 64 << 20;

/// What to tell a person of a launch that printed more.
pub fn output_was_cut(kernel: &str) -> String {
    format!(
        "kernel `{kernel}` printed more than {} MiB in one launch: what it printed behind that is lost",
        OUTPUT_BYTES >> 20
    )
}

/// What a finished launch leaves behind, beside memory.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// Counters.
    pub stats: Stats,
    /// What the kernel printed, in block order.
    pub output: Vec<u8>,
    /// It printed more than [`OUTPUT_BYTES`]: the rest is lost.
    pub output_cut: bool,
    /// Why the kernel ended early, if it did.
    pub trap: Option<Trap>,
}

impl Execution {
    /// Keeps what a launch may print.
    pub fn cut_output(&mut self) {
        self.output_cut = self.output.len() > OUTPUT_BYTES;
        self.output.truncate(OUTPUT_BYTES);
    }
}

/// Where in the PTX (and CUDA) text something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Name of the PTX source.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// The line's text, trimmed.
    pub text: String,
    /// CUDA source file and line, where the PTX has `.loc`.
    pub cuda: Option<(String, u32)>,
}

/// A fault of the simulated program: the launch ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Mangled kernel name.
    pub kernel: String,
    /// The instruction.
    pub location: Location,
    /// Block index.
    pub block: Dim3,
    /// Thread index of the first thread concerned.
    pub thread: Dim3,
    /// What happened.
    pub kind: TrapKind,
}

/// What a kernel did that it must not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the message names each field
pub enum TrapKind {
    /// An access outside every allocation (or outside shared, local, parameter memory).
    OutOfBounds {
        access: &'static str,
        space: &'static str,
        address: u64,
        size: u32,
        hint: String,
    },
    /// An access at an address that is no multiple of its size.
    Misaligned {
        access: &'static str,
        space: &'static str,
        address: u64,
        size: u32,
    },
    /// A write to kernel parameters or to a `.const` variable.
    ReadOnly {
        access: &'static str,
        what: &'static str,
        address: u64,
    },
    /// Threads of one block wait at different barriers, or some ended without reaching one.
    DivergentBarrier { hint: String },
    /// A barrier, or an instruction of several lanes together, that cannot be.
    IllegalSync { what: String },
    /// [`Limits::instructions`] is used up, by one block or by all of them.
    InstructionBudget { limit: u64, all: bool },
    /// `assert()` failed.
    Assertion { message: String },
    /// The `trap` or `brkpt` instruction.
    TrapInstruction,
    /// An indirect branch went outside its table.
    BadTarget { index: u64 },
    /// An indirect call of something that is no function with the parameters of the call.
    BadCall { address: u64 },
    /// A result at which the launch was to be stopped (see [`record::Stop`]): bits of binary32.
    Number {
        what: &'static str,
        operation: &'static str,
        format: String,
        operands: Vec<u32>,
        result: u32,
    },
    /// Calls nested too deeply for the `limit` bytes of the thread's stack.
    StackOverflow { limit: u32 },
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrapKind::OutOfBounds {
                access,
                space,
                address,
                size,
                hint,
            } => {
                let null = if *address < 4096 && *space == "global" {
                    " (a null pointer?)"
                } else {
                    ""
                };
                write!(
                    f,
                    "{access} of {size} bytes at {space} address {address:#x}{null} is out of bounds{hint}"
                )
            }
            TrapKind::Misaligned {
                access,
                space,
                address,
                size,
            } => {
                write!(
                    f,
                    "{access} of {size} bytes at {space} address {address:#x}, which is no multiple of {size}"
                )
            }
            TrapKind::ReadOnly {
                access,
                what,
                address,
            } => write!(
                f,
                "{access} at address {address:#x}, where {what} lie, which a kernel cannot write"
            ),
            TrapKind::IllegalSync { what } => write!(f, "illegal synchronisation: {what}"),
            TrapKind::DivergentBarrier { hint } => write!(f, "divergent barrier: {hint}"),
            TrapKind::InstructionBudget { limit, all } => write!(
                f,
                "the instruction budget is used up: {} executed more than {limit} thread-instructions ({}raise or unset \
                 VERNIER_MAX_INSTRUCTIONS)",
                if *all {
                    "the blocks of the launch together"
                } else {
                    "a block"
                },
                if *all { "" } else { "an infinite loop? " }
            ),
            TrapKind::Assertion { message } => write!(f, "{message}"),
            TrapKind::TrapInstruction => write!(f, "the kernel executed a trap instruction"),
            TrapKind::BadTarget { index } => write!(f, "branch index {index} is outside its table"),
            TrapKind::BadCall { address: 0 } => write!(f, "call through a null function pointer"),
            TrapKind::BadCall { address } => write!(
                f,
                "indirect call of address {address:#x}, which is no function of this module with the parameters and \
                 results of the call's prototype"
            ),
            TrapKind::Number {
                what,
                operation,
                format,
                operands,
                result,
            } => {
                let show = |bits: &u32| format!("{:?} ({bits:#010x})", f32::from_bits(*bits));
                let list: Vec<String> = operands.iter().map(show).collect();
                write!(
                    f,
                    "stopped at {what}: {operation} in format {format} of {} gives {}",
                    list.join(", "),
                    show(result)
                )
            }
            TrapKind::StackOverflow { limit } => write!(
                f,
                "stack overflow: the frames of nested calls need more than {limit} bytes in a thread (an infinite \
                 recursion?)"
            ),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trap {
            kernel,
            location,
            block,
            thread,
            kind,
        } = self;
        writeln!(f, "{kind}")?;
        writeln!(f, "  --> {}:{}: {}", location.file, location.line, location.text)?;
        if let Some((file, line)) = &location.cuda {
            writeln!(f, "   in {file}:{line}")?;
        }
        write!(f, "   in kernel `{kernel}`, block {block}, thread {thread}")
    }
}
