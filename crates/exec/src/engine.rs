//! The functional engine: CPU threads that take the blocks of a launch one after the other. Results, counters
//! and output are the same for any number of threads.

use crate::memory::Memory;
use crate::module::Module;
use crate::observe::Observation;
use crate::probe::collector::Collector;
use crate::probe::{LineProfile, Probes};
use crate::program::Program;
use crate::runner::{BlockRunner, BlockStop, Harvest, Launch, Room};
use crate::signals::without_signals;
use backend::{
    Arena, Dim3, Error, Execution, LaunchConfig, MemoryKind, OUTPUT_BYTES, Progress, Trap, TrapKind,
};
use ir::BlockShape;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};

/// Threads of a block that CUDA allows at most.
const MAX_BLOCK: u64 = 1024;
/// The largest grid (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
const MAX_GRID: Dim3 = Dim3 {
    x: i32::MAX as u32,
    y: 65535,
    z: 65535,
};
/// Blocks of a cooperative launch that may be resident together, a guard on memory.
const MAX_COOPERATIVE: u64 = 4096;

/// The functional engine: worker threads that execute blocks.
pub struct Engine {
    threads: usize,
    pool: OnceLock<Option<rayon::ThreadPool>>,
    launches: AtomicU64,
    collector: Option<Collector>,
    /// Every launch runs its blocks one after the other, in order.
    in_order: bool,
    /// Memory of earlier launches, for later ones: no more than there are threads.
    rooms: Mutex<Vec<Room>>,
}

impl Engine {
    /// An engine with `threads` CPU threads, at least one. They start with the first launch that can use them.
    pub fn new(threads: usize) -> Engine {
        Engine {
            threads: threads.max(1),
            pool: OnceLock::new(),
            launches: AtomicU64::new(0),
            collector: None,
            in_order: false,
            rooms: Mutex::default(),
        }
    }

    /// This engine, running the blocks of every launch one after the other, in order: a kernel whose blocks race for
    /// memory gives the same result in every run, too.
    pub fn in_order(mut self) -> Engine {
        self.in_order = true;
        self
    }

    /// This engine, with launches that tell more. One that is asked nothing pays nothing.
    pub fn probing(mut self, probes: Probes) -> Engine {
        self.collector = Collector::new(probes);
        self
    }

    /// What [`Probes::observe`] told so far, by kernel and PTX line. Launches that a trap ended are not in it.
    pub fn observations(&self) -> Vec<Observation> {
        let collector = self.collector.as_ref();
        collector.map(Collector::observations).unwrap_or_default()
    }

    /// What [`Probes::profile`] told so far: executed PTX lines, by kernel and line.
    pub fn profile(&self) -> Vec<LineProfile> {
        let collector = self.collector.as_ref();
        collector.map(Collector::lines).unwrap_or_default()
    }

    /// Runs a kernel of a module, whose variables lie in `memory`, to its end.
    ///
    /// # Errors
    /// An unknown kernel, one that Vernier cannot run, or a geometry that CUDA does not allow. What the kernel
    /// itself does wrong is no error but [`Execution::trap`].
    pub fn launch(
        &self,
        memory: &Memory,
        module: &Module,
        asked: &backend::Launch<'_>,
    ) -> Result<Execution, Error> {
        let backend::Launch {
            kernel,
            config,
            params,
            numerics,
            limits,
            progress,
            ..
        } = *asked;
        let blocks = check(module, kernel, &config, params)?;
        // Cooperative groups keep the grid's barrier in a workspace that the driver provides: its size, then
        // the barrier (a CUDA header, cooperative_groups/details/driver_abi.h, says where it is looked for).
        let workspace = Workspace::new(memory, config.cooperative)?;
        let unasked = Progress::default();
        let progress = progress.unwrap_or(&unasked);
        let budget = limits.instructions.unwrap_or(u64::MAX);
        let collector = self.collector.as_ref();
        let asked = collector.map(|c| c.ask(kernel)).unwrap_or_default();
        let program = module.program(
            kernel,
            BlockShape::of([config.block.x, config.block.y, config.block.z]),
            &numerics,
            asked,
        )?;
        let launch = Launch {
            program: program.clone(),
            kernel,
            ptx: module.ptx().clone(),
            config,
            params,
            snapshot: memory.snapshot(),
            budget,
            grid_id: self.next_grid_id(),
            workspace: workspace.address,
            probed: collector
                .filter(|_| asked.any())
                .map(|c| c.launch(kernel, &program, module.ptx(), memory)),
        };
        progress.blocks_done.store(0, Relaxed);
        progress.blocks_total.store(blocks, Relaxed);
        if config.cooperative {
            return Ok(self.together(&launch, blocks));
        }
        // What one block does, all do.
        let to_run = if program.alike { 1 } else { blocks };
        let next = AtomicU64::new(0);
        let executed = AtomicU64::new(0);
        // The first block (in block order) that trapped: later ones need not run.
        let trapped: Mutex<Option<(u64, Trap)>> = Mutex::new(None);
        let first_trap = AtomicU64::new(u64::MAX);
        let work = || {
            let mut outputs = Vec::new();
            let mut runner = BlockRunner::new(&launch, self.room());
            let (mut reported, mut printed) = (0, 0);
            loop {
                let block = next.fetch_add(1, Relaxed);
                if block >= to_run || block > first_trap.load(Relaxed) {
                    break;
                }
                runner.start(config.grid.unrank(block));
                loop {
                    match runner.run() {
                        BlockStop::Done => break,
                        BlockStop::Yield => {}
                        BlockStop::Trap(trap) => {
                            first_trap.fetch_min(block, Relaxed);
                            let mut slot = trapped.lock().unwrap_or_else(|e| e.into_inner());
                            if slot.as_ref().is_none_or(|(b, _)| block < *b) {
                                *slot = Some((block, *trap));
                            }
                            break;
                        }
                    }
                }
                let output = runner.take_output();
                // What comes behind so much is cut off anyway: this worker's blocks come in order.
                if !output.is_empty() && printed <= OUTPUT_BYTES {
                    printed += output.len();
                    outputs.push((block, output));
                }
                progress.blocks_done.fetch_add(1, Relaxed);
                let done = runner.thread_instructions();
                progress.thread_instructions.fetch_add(done - reported, Relaxed);
                if budget != u64::MAX && executed.fetch_add(done - reported, Relaxed) > budget {
                    break;
                }
                reported = done;
            }
            let (mut harvest, room) = runner.finish();
            harvest.output = outputs;
            self.keep(room);
            harvest
        };
        let mut harvest = Harvest::default();
        match self.pool(&program, to_run) {
            Some(pool) => pool
                .broadcast(|_| work())
                .into_iter()
                .for_each(|h| harvest.add(h)),
            None => harvest.add(work()),
        }
        let trap = trapped.into_inner().unwrap_or_else(|e| e.into_inner());
        let mut execution = Execution {
            stats: harvest.stats,
            ..Execution::default()
        };
        harvest.output.sort_by_key(|(block, _)| *block);
        let last = trap.as_ref().map_or(u64::MAX, |(b, _)| *b);
        for (_, bytes) in harvest.output.into_iter().filter(|(b, _)| *b <= last) {
            execution.output.extend(bytes);
        }
        execution.cut_output();
        execution.trap = trap.map(|(_, t)| t);
        if program.alike && execution.trap.is_none() {
            execution.stats.times(blocks);
            progress.blocks_done.store(blocks, Relaxed);
            progress
                .thread_instructions
                .store(execution.stats.thread_instructions, Relaxed);
        }
        if execution.trap.is_none() && execution.stats.thread_instructions > budget {
            execution.trap = Some(Trap {
                kernel: kernel.into(),
                location: launch.beginning(),
                block: config.grid.unrank(0),
                thread: config.block.unrank(0),
                kind: TrapKind::InstructionBudget {
                    limit: budget,
                    all: true,
                },
            });
        }
        launch.told(harvest.readings, &execution);
        Ok(execution)
    }

    /// The threads to use, or none to stay on this one: when there is one block, or blocks must run in order.
    fn pool(&self, program: &Program, blocks: u64) -> Option<&rayon::ThreadPool> {
        // Shadows of memory are shared, and sums of errors depend on the order.
        let ordered = program.ordered || program.asked.shadow || self.in_order;
        if self.threads == 1 || blocks == 1 || ordered {
            return None;
        }
        self.pool
            .get_or_init(|| {
                let builder = rayon::ThreadPoolBuilder::new()
                    .num_threads(self.threads)
                    .thread_name(|k| format!("vernier-{k}"));
                without_signals(|| builder.build()).ok()
            })
            .as_ref()
    }

    /// `%gridid` of the next launch.
    pub(crate) fn next_grid_id(&self) -> u64 {
        self.launches.fetch_add(1, Relaxed) + 1
    }

    /// Memory for a block.
    fn room(&self) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(|e| e.into_inner());
        rooms.pop().unwrap_or_default()
    }

    /// Keeps a block's memory for later launches.
    fn keep(&self, room: Room) {
        let mut rooms = self.rooms.lock().unwrap_or_else(|e| e.into_inner());
        if rooms.len() < self.threads {
            rooms.push(room);
        }
    }

    /// A cooperative launch: all blocks are resident and take turns, on one thread, always in the same order.
    fn together(&self, launch: &Launch, blocks: u64) -> Execution {
        let mut runners: Vec<Option<BlockRunner>> = (0..blocks)
            .map(|b| {
                let mut r = BlockRunner::new(launch, self.room());
                r.start(launch.config.grid.unrank(b));
                Some(r)
            })
            .collect();
        let mut execution = Execution::default();
        let mut outputs = vec![Vec::new(); blocks as usize];
        let mut harvest = Harvest::default();
        let mut left = blocks;
        while left > 0 && execution.trap.is_none() {
            for (b, slot) in runners.iter_mut().enumerate() {
                let Some(r) = slot else { continue };
                let stop = r.run();
                if matches!(stop, BlockStop::Yield) {
                    continue;
                }
                outputs[b] = r.take_output();
                if let Some(r) = slot.take() {
                    let (brought, room) = r.finish();
                    harvest.add(brought);
                    self.keep(room);
                }
                left -= 1;
                if let BlockStop::Trap(t) = stop {
                    execution.trap = Some(*t);
                    break;
                }
            }
        }
        runners
            .into_iter()
            .flatten()
            .for_each(|r| self.keep(r.finish().1));
        execution.stats = harvest.stats;
        execution.output = outputs.concat();
        execution.cut_output();
        launch.told(harvest.readings, &execution);
        execution
    }
}

/// Whether CUDA allows a launch; the number of its blocks.
pub(crate) fn check(
    module: &Module,
    kernel: &str,
    config: &LaunchConfig,
    params: &[u8],
) -> Result<u64, Error> {
    let info = module.kernel(kernel)?;
    let refuse = |reason: String| {
        Err(Error::Launch {
            kernel: kernel.into(),
            reason,
        })
    };
    let (blocks, threads) = (config.grid.count(), config.block.count());
    if threads == 0 || threads > MAX_BLOCK {
        return refuse(format!(
            "a block of {} threads; 1 to {MAX_BLOCK} are allowed",
            config.block
        ));
    }
    let (g, most) = (config.grid, MAX_GRID);
    if blocks == 0 || g.x > most.x || g.y > most.y || g.z > most.z {
        return refuse(format!("a grid of {g} blocks; (1,1,1) to {most} are allowed"));
    }
    if params.len() < info.params_size {
        return refuse(format!(
            "{} bytes of parameters, but {} are needed",
            params.len(),
            info.params_size
        ));
    }
    if config.cooperative && blocks > MAX_COOPERATIVE {
        return refuse(format!(
            "a cooperative launch of {blocks} blocks; {MAX_COOPERATIVE} are allowed"
        ));
    }
    Ok(blocks)
}

/// Device memory of a cooperative launch, for its duration.
pub(crate) struct Workspace<'a> {
    memory: &'a Memory,
    pub address: u64,
}

impl Workspace<'_> {
    /// Bytes.
    const SIZE: u32 = 64;

    /// None if the launch is not cooperative.
    pub fn new(memory: &Memory, cooperative: bool) -> Result<Workspace<'_>, Error> {
        if !cooperative {
            return Ok(Workspace { memory, address: 0 });
        }
        let address = memory.allocate(u64::from(Self::SIZE), MemoryKind::Module)?;
        memory.write(address, &Self::SIZE.to_le_bytes())?;
        Ok(Workspace { memory, address })
    }
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        if self.address != 0 {
            // It is ours and still there.
            let _ = self.memory.free(self.address);
        }
    }
}
