//! What the instructions of a block share: the launch, the device's memory table, shared memory, barriers.

use crate::launch::Dim3;
use crate::memory::Snapshot;
use crate::program::Program;
use crate::warp::LANES;

/// A range of addresses an instruction has been allowed before: it hits nearly always again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// One past the last.
    pub end: u64,
}

/// What is known of the addresses in a register (see `survey`): host addresses, offsets not added.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub struct Survey {
    /// Word of each lane in the patch of its half of the warp.
    pub index: [u8; LANES],
    /// Where the patches start: the lowest address of each half.
    pub starts: [u64; 2],
    /// A bit for each word of each patch up to the highest address.
    pub words: [u32; 2],
    /// The lowest address.
    pub low: u64,
    /// The highest one.
    pub high: u64,
    /// Bits in which addresses differ from the lowest one, right up to the lowest such bit.
    pub apart: u64,
    /// The lanes looked at; 0 if nothing is known.
    pub mask: u32,
    /// There are patches.
    pub patches: bool,
    /// The 32 lanes are at neighbouring words (only looked for where there are no patches).
    pub line: bool,
}

/// The state of the block that a worker runs, reused from block to block.
pub struct Env {
    /// The program. It outlives the block (see `runner`), though the type says more.
    pub program: &'static Program,
    /// Parameter block.
    pub params: *const u8,
    /// Its size in bytes.
    pub params_bytes: u32,
    /// Device memory table.
    pub snapshot: Snapshot,
    /// Shared memory of the block.
    pub shared: *mut u8,
    /// Its size in bytes, static and dynamic.
    pub shared_bytes: u32,
    /// Threads of the block.
    pub threads: u32,
    /// Local memory of a thread, bytes.
    pub local_bytes: u32,
    /// Registers of functions that are called and not inlined.
    pub frames: crate::call::Frames,
    /// Index of the block in the grid.
    pub block: Dim3,
    /// By memory instruction: where its last access was.
    pub ranges: Vec<Range>,
    /// What the block printed.
    pub output: Vec<u8>,
    /// By basic block: how often a warp entered it, and with how many active lanes in sum.
    pub counts: Vec<(u64, u64)>,
    /// Reconvergence-free instructions executed so far by the block, in threads, for the budget.
    pub executed: u64,
    /// Budget of thread-instructions, or `u64::MAX`.
    pub budget: u64,
    /// Threads that arrived at barriers without waiting: barrier, thread count, threads.
    pub arrived: Vec<(u32, u32, u32)>,
    /// Identifies the launch (`%gridid`).
    pub grid_id: u64,
    /// Where the barrier of a cooperative launch lies, else 0.
    pub workspace: u64,
    /// A number that grows with every read of a clock, so that time passes the same in every run.
    pub clock: u64,
    /// What an observing program has counted.
    pub watching: Option<Box<crate::observe::Watching>>,
    /// Where a profiled run says which instruction it is at.
    pub marker: Option<crate::profile::Marker>,
}

impl Env {
    /// One that belongs to no launch yet.
    pub fn new(program: &'static Program, snapshot: Snapshot) -> Env {
        Env {
            program,
            params: std::ptr::null(),
            params_bytes: 0,
            snapshot,
            shared: std::ptr::null_mut(),
            shared_bytes: 0,
            threads: 0,
            local_bytes: 0,
            frames: crate::call::Frames::new(program),
            block: Dim3 { x: 0, y: 0, z: 0 },
            ranges: Vec::new(),
            output: Vec::new(),
            counts: Vec::new(),
            executed: 0,
            budget: 0,
            arrived: Vec::new(),
            grid_id: 0,
            workspace: 0,
            clock: 0,
            watching: None,
            marker: None,
        }
    }
}
