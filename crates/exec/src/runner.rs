//! Runs the blocks of a launch: lays out the warps of a block, gives each its turn, lets barriers go, and turns
//! faults into traps.

use crate::call;
use crate::control::Split;
use crate::cross;
use crate::frames::{Frames, Line, Registers, Zeroed};
use crate::location::Locations;
use crate::machine::{Element, FULL, LANES};
use crate::memory::Snapshot;
use crate::probe::collector::Probed;
use crate::probe::instruments::Readings;
use crate::program::Program;
use crate::schedule::Stop;
use crate::warp::{Env, Fault, Home, Range, Survey, Warp};
use backend::{Dim3, Execution, LaunchConfig, Location, Stats, Trap, TrapKind};
use ptx::ast::SpecialRegister as S;
use std::sync::Arc;
use vfloat::stochastic::{LaunchStreams, Stream};

/// What all blocks of a launch have in common.
pub struct Launch<'a> {
    /// The kernel.
    pub program: Arc<Program>,
    /// Its name.
    pub kernel: &'a str,
    /// The module's text.
    pub ptx: ptx::Checked,
    /// Geometry.
    pub config: LaunchConfig,
    /// Parameter block.
    pub params: &'a [u8],
    /// Device memory.
    pub snapshot: Snapshot,
    /// Thread-instructions a block may execute.
    pub budget: u64,
    /// `%gridid`.
    pub grid_id: u64,
    /// Where the barrier of a cooperative launch lies, else 0.
    pub workspace: u64,
    /// Whom the program's probes tell, if it has any that work by themselves.
    pub probed: Option<Probed<'a>>,
}

impl Launch<'_> {
    /// Where the kernel's first instruction stands.
    pub fn beginning(&self) -> Location {
        Locations::new(&self.program, &self.ptx).at(0)
    }

    /// Hands on what probes have read.
    pub fn told(&self, readings: Option<Readings>, execution: &Execution) {
        if let (Some(to), Some(readings)) = (&self.probed, readings) {
            to.add(readings, execution.trap.is_some());
        }
    }
}

/// What a worker brings home of a launch, and all of them together.
#[derive(Default)]
pub struct Harvest {
    /// Counters.
    pub stats: Stats,
    /// What blocks printed, with their numbers.
    pub output: Vec<(u64, Vec<u8>)>,
    /// What probes read.
    pub readings: Option<Readings>,
}

impl Harvest {
    /// Adds what another worker brings.
    pub fn add(&mut self, more: Harvest) {
        self.stats += more.stats;
        self.output.extend(more.output);
        if let Some(readings) = more.readings {
            self.readings.get_or_insert_default().add(readings);
        }
    }
}

/// How a block stopped.
pub enum BlockStop {
    /// It has ended.
    Done,
    /// Others may go first.
    Yield,
    /// A trap.
    Trap(Box<Trap>),
}

/// What became of a step.
pub enum Advance {
    /// An instruction was executed.
    Stepped,
    /// The warp waits for others: nothing was executed.
    Waits,
    /// All its threads have ended.
    Done,
    /// The block has trapped.
    Trap(Box<Trap>),
}

impl Advance {
    fn of(stop: BlockStop) -> Advance {
        match stop {
            BlockStop::Trap(trap) => Advance::Trap(trap),
            BlockStop::Yield => Advance::Waits,
            BlockStop::Done => Advance::Done,
        }
    }
}

/// The memory that a block needs. It goes from launch to launch, so that a launch like an earlier one allocates
/// nothing.
#[derive(Default)]
pub struct Room {
    env: Option<Home>,
    warps: Vec<Warp>,
    /// Warps that this launch does not need.
    idle: Vec<Warp>,
    /// Warps that have ended.
    done: Vec<bool>,
    /// Warps that wait at barriers.
    waiting: Vec<bool>,
    /// Barriers where threads are: number, threads it needs, threads there. Empty but while they are released.
    barriers: Vec<(u32, u32, u32)>,
    /// Who goes on behind a barrier: index of the warp, and the split as it waited. As above.
    released: Vec<(usize, Split)>,
    // The memory behind the pointers in `warps` and `env`.
    params: Vec<Line>,
    vectors: Vec<Line>,
    uniforms: Vec<u64>,
    predicates: Vec<u32>,
    wild: Vec<bool>,
    surveys: Vec<Survey>,
    local: Zeroed,
    shared: Vec<Line>,
}

// SAFETY: what keeps it from being `Send` are pointers to memory that it owns itself (and to parameters and shared memory,
// which it owns too); nobody else has copies of them once a launch is over.
unsafe impl Send for Room {}

/// Makes `v` hold `n` times `value`.
fn refill<T: Clone>(v: &mut Vec<T>, n: usize, value: T) {
    v.clear();
    v.resize(n, value);
}

/// A block being run; reused for one block after the other.
pub struct BlockRunner<'a> {
    launch: &'a Launch<'a>,
    env: Home,
    room: Room,
    threads: u32,
    /// Words of a warp's vector registers, in lines.
    vector_lines: usize,
}

impl<'a> BlockRunner<'a> {
    /// Lays out a block of `launch` in `room`.
    pub fn new(launch: &'a Launch<'a>, mut room: Room) -> BlockRunner<'a> {
        let p = &launch.program;
        let threads = launch.config.block.count() as u32;
        let warps = if p.together {
            threads.div_ceil(LANES as u32)
        } else {
            1
        } as usize;
        let shared_bytes = p.shared_bytes + launch.config.dynamic_shared;
        let vector_lines = (p.vector_words * 4).div_ceil(64);
        let uniforms = p.uniforms + p.constants.len();
        let none = Line([0; 64]);
        refill(&mut room.shared, (shared_bytes as usize).div_ceil(64), none);
        refill(&mut room.params, launch.params.len().div_ceil(64), none);
        for (line, bytes) in room.params.iter_mut().zip(launch.params.chunks(64)) {
            line.0[..bytes.len()].copy_from_slice(bytes);
        }
        refill(&mut room.done, warps, false);
        refill(&mut room.waiting, warps, false);
        refill(&mut room.vectors, vector_lines * warps, none);
        refill(&mut room.uniforms, uniforms * warps, 0);
        refill(&mut room.predicates, p.predicates * warps, 0);
        refill(&mut room.wild, p.affine_regs.len() * warps, false);
        refill(&mut room.surveys, p.surveys * warps, Survey::default());
        room.local.reserve(p.local_bytes as usize * LANES * warps);
        let mut env = match room.env.take() {
            Some(mut env) => {
                if !Arc::ptr_eq(&env.program, p) {
                    env.frames = Frames::new(p.frame_bytes);
                    env.program = p.clone();
                }
                env.snapshot = launch.snapshot.clone();
                env
            }
            None => Home::new(Env::new(p.clone(), launch.snapshot.clone())),
        };
        env.params = room.params.as_ptr() as *const u8;
        env.params_bytes = launch.params.len() as u32;
        env.shared = room.shared.as_mut_ptr() as *mut u8;
        env.shared_bytes = shared_bytes;
        env.local_bytes = p.local_bytes;
        refill(&mut env.ranges, p.memory_ops.len(), Range::default());
        env.output.clear();
        refill(&mut env.counts, p.blocks.len(), (0, 0));
        env.budget = launch.budget;
        env.threads = threads;
        env.grid_id = launch.grid_id;
        env.workspace = launch.workspace;
        let probed = launch.probed.as_ref();
        env.instruments = probed.map(|to| Box::new(to.instruments(p)));
        for k in 0..warps {
            let at = k * uniforms + p.uniforms;
            room.uniforms[at..at + p.constants.len()].copy_from_slice(&p.constants);
        }
        while room.warps.len() > warps {
            room.idle.extend(room.warps.pop());
        }
        let at = env.address();
        while room.warps.len() < warps {
            // SAFETY: as for `attach` below.
            let warp = room.idle.pop().unwrap_or_else(|| unsafe { Warp::new(at) });
            room.warps.push(warp);
        }
        for (k, w) in room.warps.iter_mut().enumerate() {
            // SAFETY: the vectors are as large as `warps` of these pieces and are not resized before the next launch. The
            // runner has both the block's state and its warps, and uses one or the other.
            unsafe {
                w.attach(at);
                w.home = Registers {
                    vectors: room.vectors.as_mut_ptr().add(k * vector_lines) as *mut u32,
                    uniforms: room.uniforms.as_mut_ptr().add(k * uniforms),
                    predicates: room.predicates.as_mut_ptr().add(k * p.predicates),
                    wild: room.wild.as_mut_ptr().add(k * p.affine_regs.len()),
                };
                w.surveys = room.surveys.as_mut_ptr().add(k * p.surveys);
                w.local = room.local.as_mut_ptr().add(k * p.local_bytes as usize * LANES);
            }
            // Not those of another launch: `use_frame` would take them for the same.
            w.frame = u32::MAX;
            w.use_frame(0);
            w.fault = None;
        }
        BlockRunner {
            launch,
            env,
            room,
            threads,
            vector_lines,
        }
    }

    /// What the blocks run so far bring home, but for their output; and the memory, for another launch.
    pub fn finish(mut self) -> (Harvest, Room) {
        let instruments = self.env.instruments.take();
        let harvest = Harvest {
            stats: self.stats(),
            output: Vec::new(),
            readings: instruments.map(|i| i.read(&self.env.counts)),
        };
        self.room.env = Some(self.env);
        (harvest, self.room)
    }

    /// What the blocks have printed since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.env.output)
    }

    /// Thread-instructions of all blocks run so far.
    pub fn thread_instructions(&self) -> u64 {
        let counts = self.env.counts.iter().zip(&self.launch.program.blocks);
        counts
            .map(|((_, lanes), b)| lanes * u64::from(b.instructions))
            .sum()
    }

    /// Counters of all blocks run so far.
    pub fn stats(&self) -> Stats {
        let mut s = Stats::default();
        let (counts, p) = (&self.env.counts, &self.launch.program);
        for ((visits, lanes), b) in counts.iter().zip(&p.blocks) {
            s.thread_instructions += lanes * u64::from(b.instructions);
            s.warp_instructions += visits * u64::from(b.instructions);
            s.variable_instructions += lanes * u64::from(b.variable);
        }
        for c in &p.classes {
            s.classes
                .add(c.class, counts[c.block as usize].1 * u64::from(c.count));
        }
        s
    }

    /// Lets warp `k` run.
    fn run_warp(&mut self, k: usize) -> Stop {
        let (warp, code) = (&mut self.room.warps[k], &self.launch.program.code);
        // SAFETY: the warp is laid out for this code.
        let stop = unsafe {
            match self.launch.program.asked.profile {
                false => warp.run::<false>(code),
                true => warp.run::<true>(code),
            }
        };
        if let Some(marker) = self.env.instruments.as_ref().and_then(|i| i.marker.as_ref()) {
            marker.clear();
        }
        stop
    }

    /// Begins the block with the given index.
    pub fn start(&mut self, block: Dim3) {
        self.env.block = block;
        self.env.executed = 0;
        self.env.clock = 0;
        self.env.arrived.clear();
        self.env.frames.reset();
        self.room.shared.fill(Line([0; 64]));
        let (at, bytes) = (
            self.room.shared.as_ptr() as u64,
            self.room.shared.len() as u64 * 64,
        );
        if let Some(shadow) = self.env.instruments.as_mut().and_then(|i| i.shadow.as_mut()) {
            shadow.start(at, bytes);
        }
        self.room.done.fill(false);
        self.room.waiting.fill(false);
        if self.launch.program.together {
            for k in 0..self.room.warps.len() {
                self.start_warp(k, k as u32);
            }
        }
    }

    /// Puts warp `index` of the block into place `k`.
    fn start_warp(&mut self, k: usize, index: u32) {
        let p = &self.launch.program;
        // What a program reads before it writes it is zero, in every run.
        let lasting = k * self.vector_lines..k * self.vector_lines + p.lasting_words / 16;
        self.room.vectors[lasting].fill(Line([0; 64]));
        let uniforms = p.uniforms + p.constants.len();
        self.room.uniforms[k * uniforms..k * uniforms + p.uniforms].fill(0);
        let predicates = &mut self.room.predicates[k * p.predicates..(k + 1) * p.predicates];
        predicates.fill(0);
        if let Some(yes) = p.always {
            predicates[yes as usize] = FULL;
        }
        let w = &mut self.room.warps[k];
        w.use_frame(0);
        // SAFETY: the kernel's own frame is at the beginning of local memory.
        unsafe { call::clear(w, FULL, 0, p.frame_bytes) };
        let lanes = (self.threads - index * LANES as u32).min(LANES as u32);
        w.index = index;
        w.live = if lanes == 32 { FULL } else { (1 << lanes) - 1 };
        w.mask = w.live;
        w.pc = 0;
        w.fault = None;
        w.any_wild = false;
        self.room.wild[k * p.affine_regs.len()..][..p.affine_regs.len()].fill(false);
        w.control.reset();
        for s in &mut self.room.surveys[k * p.surveys..][..p.lasting_surveys] {
            s.mask = 0;
        }
        if p.draws {
            let config = &self.launch.config;
            let streams = LaunchStreams::new(config.random.seed, config.random.launch);
            let block = config.grid.rank(self.env.block);
            for (lane, stream) in w.draws.streams.iter_mut().enumerate() {
                *stream = Stream::thread(streams, block, index * LANES as u32 + lane as u32).bits();
            }
            w.draws.done = [0; LANES];
        }
        let (env, config) = (&self.env, &self.launch.config);
        for (register, element) in &p.specials {
            // Uniform and affine registers hold what lane 0 has.
            let lanes = if matches!(element, Element::Uniform(_)) {
                1
            } else {
                LANES
            };
            for lane in 0..lanes {
                let linear = index * LANES as u32 + lane as u32;
                let value = special(*register, env, config, linear, lane as u32, index, self.threads);
                // SAFETY: the element is a register of this program.
                unsafe { crate::access::set_lane(w, *element, lane, value) };
            }
        }
    }

    /// Runs the block until it ends or lets others go first.
    pub fn run(&mut self) -> BlockStop {
        if !self.launch.program.together {
            for index in 0..self.threads.div_ceil(LANES as u32) {
                self.start_warp(0, index);
                match self.run_warp(0) {
                    Stop::Done => {}
                    _ => return self.trap(0),
                }
            }
            return BlockStop::Done;
        }
        let mut moved = false;
        for k in 0..self.room.warps.len() {
            if self.room.done[k] || self.room.waiting[k] {
                continue;
            }
            moved = true;
            match self.run_warp(k) {
                Stop::Done => self.room.done[k] = true,
                Stop::Barrier => self.room.waiting[k] = true,
                Stop::Yield => {}
                Stop::Trap => return self.trap(k),
            }
        }
        if self.is_done() {
            return BlockStop::Done;
        }
        if self.release_barriers() || moved {
            return BlockStop::Yield;
        }
        self.stuck()
    }

    /// Lets warp `k` execute one PTX instruction. `look` sees the warp before it, and the number of the instruction in
    /// [`Program::steps`].
    pub fn step(&mut self, k: usize, look: impl FnOnce(&Warp, u32)) -> Advance {
        if self.room.done[k] {
            return Advance::Done;
        }
        if self.room.waiting[k] {
            return Advance::Waits;
        }
        let p = &self.launch.program;
        // SAFETY: the warp is laid out for this code, and `steps` has an entry for each instruction.
        let stop = match unsafe { self.room.warps[k].step(&p.code, &p.steps, look) } {
            None => return Advance::Stepped,
            Some(stop) => stop,
        };
        match stop {
            Stop::Done => self.room.done[k] = true,
            Stop::Barrier => self.room.waiting[k] = true,
            Stop::Yield => return Advance::Waits,
            Stop::Trap => return Advance::of(self.trap(k)),
        }
        // Whoever waits may have waited for this warp alone.
        let released = self.release_barriers();
        let mut warps = self.room.done.iter().zip(&self.room.waiting);
        if !released && warps.all(|(done, waits)| *done || *waits) && !self.is_done() {
            return Advance::of(self.stuck());
        }
        match self.room.done[k] {
            true => Advance::Done,
            false => Advance::Waits,
        }
    }

    /// Whether all threads of the block have ended.
    pub fn is_done(&self) -> bool {
        self.room.done.iter().all(|d| *d)
    }

    /// Warps of the block.
    pub fn warps(&self) -> usize {
        self.room.warps.len()
    }

    /// Everybody waits, and nobody will come.
    fn stuck(&mut self) -> BlockStop {
        let Some(k) = self.room.waiting.iter().position(|w| *w) else {
            return BlockStop::Done;
        };
        let first = self.room.warps[k].control.at_barrier().next();
        if let Some((_, _, s)) = first {
            let hint =
                "threads of the block wait at different barriers, or at one that not enough threads reach";
            self.room.warps[k].pc = s.pc;
            self.room.warps[k].fault = Some(Fault {
                lane: s.mask.trailing_zeros(),
                kind: TrapKind::DivergentBarrier { hint: hint.into() },
            });
        }
        self.trap(k)
    }

    /// Lets go the barriers that enough threads have reached.
    fn release_barriers(&mut self) -> bool {
        let code = &self.launch.program.code;
        let live = LANES as u32 * self.room.warps.iter().filter(|w| w.live != 0).count() as u32;
        let mut barriers = std::mem::take(&mut self.room.barriers);
        barriers.clear();
        let mut add = |id: u32, count: u32, threads: u32| match barriers.iter_mut().find(|b| b.0 == id) {
            Some(b) => {
                b.1 = b.1.min(count);
                b.2 += threads;
            }
            None => barriers.push((id, count, threads)),
        };
        for w in &self.room.warps {
            let all = w.control.at_barrier().fold(0, |m, (_, _, s)| m | s.mask);
            for (id, count, s) in w.control.at_barrier() {
                add(id, count, w.threads_at_barrier(all, s.mask));
            }
        }
        for &(id, count, threads) in &self.env.arrived {
            add(id, count, threads);
        }
        let mut any = false;
        let mut released = std::mem::take(&mut self.room.released);
        for &(id, count, threads) in &barriers {
            if threads < count.min(live) {
                continue;
            }
            any = true;
            self.env.arrived.retain(|a| a.0 != id);
            released.clear();
            for (k, w) in self.room.warps.iter_mut().enumerate() {
                w.control.release_barrier(id, |s| released.push((k, s)));
            }
            let (mut yes, mut all, mut reduces) = (0, 0, false);
            for (k, s) in &released {
                self.room.waiting[*k] = false;
                let w = &mut self.room.warps[*k];
                w.use_frame(s.frame);
                // SAFETY: the split waits at a barrier of this program.
                if let Some((_, votes)) = unsafe { cross::barrier_votes(w, &code[s.pc as usize], s.mask) } {
                    reduces = true;
                    yes += votes;
                    all += s.mask.count_ones();
                }
            }
            for (k, s) in released.iter().filter(|_| reduces) {
                let w = &mut self.room.warps[*k];
                w.use_frame(s.frame);
                // SAFETY: as above.
                unsafe { cross::barrier_result(w, &code[s.pc as usize], s.mask, yes, all) };
            }
        }
        (self.room.barriers, self.room.released) = (barriers, released);
        any
    }

    fn trap(&mut self, k: usize) -> BlockStop {
        let w = &mut self.room.warps[k];
        let fault = w.fault.take().unwrap_or(Fault {
            lane: 0,
            kind: TrapKind::TrapInstruction,
        });
        let thread = u64::from(w.index) * LANES as u64 + u64::from(fault.lane.min(31));
        BlockStop::Trap(Box::new(Trap {
            kernel: self.launch.kernel.to_string(),
            location: Locations::new(&self.launch.program, &self.launch.ptx).at(w.pc as usize),
            block: self.env.block,
            thread: self.launch.config.block.unrank(thread),
            kind: fault.kind,
        }))
    }
}

/// The value of a special register in a thread.
fn special(s: S, env: &Env, config: &LaunchConfig, linear: u32, lane: u32, warp: u32, threads: u32) -> u64 {
    let (b, g) = (config.block, config.grid);
    let bit = 1u32 << lane;
    let value = match s {
        S::TidX => linear % b.x,
        S::TidY => linear / b.x % b.y,
        S::TidZ => linear / b.x / b.y,
        S::NtidX => b.x,
        S::NtidY => b.y,
        S::NtidZ => b.z,
        S::CtaidX => env.block.x,
        S::CtaidY => env.block.y,
        S::CtaidZ => env.block.z,
        S::NctaidX => g.x,
        S::NctaidY => g.y,
        S::NctaidZ => g.z,
        S::Laneid => lane,
        S::Warpid => warp,
        S::Nwarpid => threads.div_ceil(LANES as u32),
        S::LanemaskEq => bit,
        S::LanemaskLt => bit - 1,
        S::LanemaskLe => bit | (bit - 1),
        S::LanemaskGt => !(bit | (bit - 1)),
        S::LanemaskGe => !(bit - 1),
        S::DynamicSmemSize => config.dynamic_shared,
        S::TotalSmemSize => env.shared_bytes,
        S::Nsmid => 1,
        S::Gridid => return env.grid_id,
        S::Envreg1 => (env.workspace >> 32) as u32,
        S::Envreg2 => env.workspace as u32,
        // One multiprocessor, as far as a functional simulation can tell.
        _ => 0,
    };
    u64::from(value)
}
