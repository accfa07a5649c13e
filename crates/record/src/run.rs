//! The run record: what happened in a process, an [`Event`] a line in `PID.jsonl`, and how far it is, in `PID.progress`.

use crate::{Cause, Error, Observation};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line.
    Start(Start),
    /// A module was loaded.
    Module(Module),
    /// A kernel's fault ended it.
    Trap(Trap),
    /// A launch could not start.
    LaunchError(LaunchError),
    /// The program loads a CUDA library that is not there, or looks for it.
    Library(Library),
    /// A launch that was left out, as the policy has it.
    Skipped {
        /// Mangled name.
        kernel: String,
    },
    /// What device memory holds after a launch.
    Digest(Digest),
    /// At the end: a function that Vernier does not support.
    Unsupported(Unsupported),
    /// At the end: the totals of a kernel.
    Kernel(Kernel),
    /// At the end: the simulated time of a kernel, of a performance simulation.
    Cycles(Cycles),
    /// At the end: the time of a PTX line.
    Line(Line),
    /// At the end: what the numbers of an instruction did.
    Observation(Box<Observation>),
    /// At the end: what became of a rule of the policy.
    Rule(Rule),
    /// At the end: what was done to a tensor of the policy.
    Tensor(Tensor),
    /// At the end: how the scale of the loss went.
    LossScale(LossScale),
    /// The last line: totals.
    End(End),
}

impl Event {
    /// The events of a record's text.
    ///
    /// # Errors
    /// It is of another version, or is no record.
    pub fn read(text: &str) -> Result<Vec<Event>, Error> {
        crate::lines(text, true)
    }
}

/// A process begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The process.
    pub pid: u32,
    /// Its executable.
    pub program: String,
    /// Seconds since 1970.
    pub time_unix_s: f64,
    /// The library's version.
    pub vernier: String,
    /// The CUDA version (its major number) that the program was compiled for.
    pub cuda: u32,
}

/// A module that was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Name.
    pub name: String,
    /// `embedded` or `file PATH`.
    pub source: String,
    /// How many kernels it has.
    pub kernels: u64,
    /// What was overridden in it.
    pub overridden: Vec<Overridden>,
}

/// How many instructions of a kernel (or device function) an override rewrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// Mangled name.
    pub kernel: String,
    /// Instructions.
    pub instructions: u64,
}

/// A kernel's fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trap {
    /// Mangled name.
    pub kernel: String,
    /// What it was.
    pub cause: Cause,
    /// In words.
    pub message: String,
    /// The program asked CUDA how it went. False when it is written, changed in its place when the program does.
    pub looked_at: bool,
}

/// A launch that could not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchError {
    /// Mangled name, or an address that is no kernel.
    pub kernel: String,
    /// Why.
    pub cause: Cause,
    /// In words.
    pub message: String,
}

/// A CUDA library that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// The name of its file.
    pub name: String,
    /// The user said that the program may have it.
    pub allowed: bool,
}

/// Device memory after a launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Mangled name.
    pub kernel: String,
    /// What memory holds, as 16 hexadecimal digits.
    pub memory: String,
}

/// A function that Vernier does not support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// Its name.
    pub function: String,
    /// How often it was called.
    pub count: u64,
}

/// What was executed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Kernel launches.
    pub launches: u64,
    /// PTX instructions times active threads.
    pub thread_instructions: u64,
    /// PTX instructions, each once per warp.
    pub warp_instructions: u64,
    /// Thread-instructions that ran in a variable format.
    pub variable_instructions: u64,
    /// Thread-instructions by kind.
    pub classes: BTreeMap<String, u64>,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Counts) {
        self.launches += other.launches;
        self.thread_instructions += other.thread_instructions;
        self.warp_instructions += other.warp_instructions;
        self.variable_instructions += other.variable_instructions;
        for (name, n) in &other.classes {
            *self.classes.entry(name.clone()).or_default() += n;
        }
    }
}

/// Totals of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// Mangled name.
    pub name: String,
    /// What it executed.
    #[serde(flatten)]
    pub counts: Counts,
    /// Wall-clock time, seconds.
    pub seconds: f64,
}

/// What performance simulation counted in all launches of a kernel. Names are short; docs/timing.md has GPGPU-Sim's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycles {
    /// Mangled name of the kernel.
    pub kernel: String,
    /// Launches that were simulated.
    pub launches: u64,
    /// Core cycles.
    pub cycles: u64,
    /// Thread-instructions completed.
    pub thread_instructions: u64,
    /// Warp-instructions issued.
    pub warp_instructions: u64,
    /// Accesses to the L1 data caches.
    pub l1_accesses: u64,
    /// Those that found neither the sector nor a request for it.
    pub l1_misses: u64,
    /// Accesses to L2.
    pub l2_accesses: u64,
    /// See `l1_misses`.
    pub l2_misses: u64,
    /// Read commands to memory.
    pub dram_reads: u64,
    /// Write commands to memory.
    pub dram_writes: u64,
}

impl Cycles {
    /// Adds other launches of the kernel.
    pub fn add(&mut self, other: &Cycles) {
        self.launches += other.launches;
        self.cycles += other.cycles;
        self.thread_instructions += other.thread_instructions;
        self.warp_instructions += other.warp_instructions;
        self.l1_accesses += other.l1_accesses;
        self.l1_misses += other.l1_misses;
        self.l2_accesses += other.l2_accesses;
        self.l2_misses += other.l2_misses;
        self.dram_reads += other.dram_reads;
        self.dram_writes += other.dram_writes;
    }
}

/// An executed PTX line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Mangled name of the kernel.
    pub kernel: String,
    /// Name of the PTX file.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// The line's text.
    pub text: String,
    /// CUDA source file, empty where the PTX does not say.
    pub cuda_file: String,
    /// Its line.
    pub cuda_line: u32,
    /// How often a worker thread was seen at it.
    pub samples: u64,
    /// Instructions times active threads.
    pub thread_instructions: u64,
    /// Instructions, each once per warp.
    pub warp_instructions: u64,
}

impl Line {
    /// Adds what another process says of the same line.
    pub fn add(&mut self, other: &Line) {
        self.samples += other.samples;
        self.thread_instructions += other.thread_instructions;
        self.warp_instructions += other.warp_instructions;
    }
}

impl Kernel {
    /// Adds what another process says of the same kernel.
    pub fn add(&mut self, other: &Kernel) {
        self.counts.add(&other.counts);
        self.seconds += other.seconds;
    }
}

/// What became of a rule of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number in the policy, from 0.
    pub number: usize,
    /// Where it stands, `policy.toml:7`.
    pub place: String,
    /// Its keys in a line.
    pub says: String,
    /// Instructions that it selects.
    pub selected: u64,
    /// Sums over loops among these, if it says what they run in.
    pub sums: u64,
    /// Instructions that it had a say in (the others went to later rules).
    pub taken: u64,
    /// The kernels and device functions with such instructions, mangled.
    pub functions: BTreeSet<String>,
    /// Whether it speaks of launches, stages, layers or phases.
    pub of_launch: bool,
    /// If so: launches in which it held.
    pub launches: u64,
    /// It is for a stage that was not run.
    pub other_stage: bool,
}

impl Rule {
    /// Adds what another process says of the same rule.
    pub fn add(&mut self, other: Rule) {
        self.selected = self.selected.max(other.selected);
        self.sums = self.sums.max(other.sums);
        self.taken = self.taken.max(other.taken);
        self.launches += other.launches;
        self.other_stage &= other.other_stage;
        self.functions.extend(other.functions);
    }
}

/// What was done to a tensor of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Its number among the tensors of the policy.
    pub number: usize,
    /// Where it stands, `policy.toml:7`.
    pub place: String,
    /// Its keys in a line.
    pub says: String,
    /// Launches that had it.
    pub launches: u64,
    /// Values that were changed.
    pub values: u64,
    /// It is for a stage that was not run.
    pub other_stage: bool,
}

impl Tensor {
    /// Adds what another process says of the same tensor.
    pub fn add(&mut self, other: Tensor) {
        self.launches += other.launches;
        self.values += other.values;
        self.other_stage &= other.other_stage;
    }
}

/// Loss scaling in a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// Steps of training.
    pub steps: u64,
    /// Steps with a gradient that was not finite.
    pub bad_steps: u64,
    /// Updates that were left out.
    pub skipped: u64,
    /// The scale at the end.
    pub scale: f64,
    /// Step and scale, where it changed; the first is the start.
    pub history: Vec<(u64, f64)>,
}

/// Totals of a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// What it executed.
    #[serde(flatten)]
    pub counts: Counts,
    /// Wall-clock time inside kernels, seconds.
    pub kernel_seconds: f64,
    /// Most device memory that it held, bytes.
    pub peak_device_bytes: u64,
}

/// How far a process is: one JSON value, rewritten in its place while kernels run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Launches that have ended.
    pub launches: u64,
    /// PTX instructions times active threads.
    pub thread_instructions: u64,
    /// The kernel that runs, else the last one; mangled.
    pub kernel: String,
    /// Its blocks that have ended,
    pub blocks_done: u64,
    /// and all of them; 0 if none runs.
    pub blocks_total: u64,
    /// The totals so far, for who reads the record of a process that was killed.
    pub so_far: Vec<Event>,
}

impl Progress {
    /// Reads the text of a progress file; nothing where it is not whole.
    pub fn read(text: &str) -> Option<Progress> {
        serde_json::from_str(text).ok()
    }
}
