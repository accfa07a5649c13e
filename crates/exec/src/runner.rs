//! Runs the blocks of a launch: lays out the warps of a block, gives each its turn, lets barriers go, and turns
//! faults into traps.

use crate::call;
use crate::cross;
use crate::env::{Env, Range, Survey};
use crate::launch::{Dim3, LaunchConfig, Location, Stats, Trap, TrapKind};
use crate::memory::Snapshot;
use crate::observe::{ShadowWords, Watching};
use crate::profile::Profiler;
use crate::program::{Element, Program};
use crate::schedule::{Control, Split, Stop};
use crate::warp::{Draws, FULL, Fault, LANES, Registers, Scratch, Warp};
use ptx::ast::SpecialRegister as S;
use vfloat::stochastic::{LaunchStreams, Stream};

/// What all blocks of a launch have in common.
pub struct Launch<'a> {
    /// The kernel.
    pub program: &'a Program,
    /// Its name.
    pub kernel: &'a str,
    /// The module's text.
    pub ptx: &'a ptx::ast::Module,
    /// Geometry.
    pub config: LaunchConfig,
    /// Parameter block, aligned to 64 bytes.
    pub params: &'a [Line],
    /// Its size in bytes.
    pub params_bytes: u32,
    /// Device memory.
    pub snapshot: Snapshot,
    /// Thread-instructions a block may execute.
    pub budget: u64,
    /// `%gridid`.
    pub grid_id: u64,
    /// Where the barrier of a cooperative launch lies, else 0.
    pub workspace: u64,
    /// Who wants to know where time goes.
    pub profiler: Option<&'a Profiler>,
    /// Where this program begins in the profiler's numbers.
    pub profile_base: u32,
    /// The program observes.
    pub observed: bool,
    /// Where the shadows of memory are kept, if it follows in binary64.
    pub words: Option<&'a ShadowWords>,
}

/// 64 bytes that vector code may touch at once.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct Line(pub [u8; 64]);

/// Zeroed memory of at least `bytes` bytes, aligned for vector code.
pub fn lines(bytes: usize) -> Vec<Line> {
    vec![Line([0; 64]); bytes.div_ceil(64)]
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

/// A block being run; reused for one block after the other.
pub struct BlockRunner<'a> {
    launch: &'a Launch<'a>,
    env: Box<Env>,
    warps: Vec<Warp>,
    /// Warps that have ended.
    done: Vec<bool>,
    /// Warps that wait at barriers.
    waiting: Vec<bool>,
    threads: u32,
    /// Barriers where threads are: number, threads it needs, threads there. Empty but while they are released.
    barriers: Vec<(u32, u32, u32)>,
    /// Who goes on behind a barrier: index of the warp, and the split as it waited. As above.
    released: Vec<(usize, Split)>,
    // The memory behind the pointers in `warps` and `env`.
    vectors: Vec<Line>,
    uniforms: Vec<u64>,
    predicates: Vec<u32>,
    wild: Vec<bool>,
    surveys: Vec<Survey>,
    local: call::Zeroed,
    shared: Vec<Line>,
    /// Words of a warp's vector registers, in lines.
    vector_lines: usize,
}

impl<'a> BlockRunner<'a> {
    /// Lays out a block of `launch`.
    pub fn new(launch: &'a Launch<'a>) -> BlockRunner<'a> {
        let p = launch.program;
        let threads = launch.config.block.count() as u32;
        let warps = if p.together {
            threads.div_ceil(LANES as u32)
        } else {
            1
        } as usize;
        let shared_bytes = p.shared_bytes + launch.config.dynamic_shared;
        let vector_lines = (p.vector_words * 4).div_ceil(64);
        let uniforms = p.uniforms + p.constants.len();
        let mut shared = lines(shared_bytes as usize);
        let env = Box::new(Env {
            // SAFETY: the launch, which holds the program, outlives this runner and everything in it.
            program: unsafe { &*std::ptr::from_ref(p) },
            params: launch.params.as_ptr() as *const u8,
            params_bytes: launch.params_bytes,
            snapshot: launch.snapshot.clone(),
            shared: shared.as_mut_ptr() as *mut u8,
            shared_bytes,
            local_bytes: p.local_bytes,
            frames: call::Frames::new(p),
            block: Dim3 { x: 0, y: 0, z: 0 },
            ranges: vec![Range::default(); p.ranges],
            output: Vec::new(),
            counts: vec![(0, 0); p.blocks.len()],
            executed: 0,
            budget: launch.budget,
            arrived: Vec::new(),
            grid_id: launch.grid_id,
            workspace: launch.workspace,
            clock: 0,
            watching: launch.observed.then(|| Box::new(Watching::new(p, launch.words))),
            marker: launch.profiler.map(|p| p.marker(launch.profile_base)),
        });
        let mut runner = BlockRunner {
            launch,
            env,
            warps: Vec::with_capacity(warps),
            done: vec![false; warps],
            waiting: vec![false; warps],
            threads,
            barriers: Vec::new(),
            released: Vec::new(),
            vectors: lines(vector_lines * 64 * warps),
            uniforms: vec![0; uniforms * warps],
            predicates: vec![0; p.predicates * warps],
            wild: vec![false; p.affine_regs.len() * warps],
            surveys: vec![Survey::default(); p.surveys * warps],
            local: call::Zeroed::new(p.local_bytes as usize * LANES * warps),
            shared,
            vector_lines,
        };
        for k in 0..warps {
            let at = k * uniforms + p.uniforms;
            runner.uniforms[at..at + p.constants.len()].copy_from_slice(&p.constants);
        }
        let env: *mut Env = &mut *runner.env;
        for k in 0..warps {
            // SAFETY: the vectors are as large as `warps` of these pieces and are never resized.
            let (vectors, uniform, predicate, wild, surveys, local) = unsafe {
                (
                    runner.vectors.as_mut_ptr().add(k * vector_lines) as *mut u32,
                    runner.uniforms.as_mut_ptr().add(k * uniforms),
                    runner.predicates.as_mut_ptr().add(k * p.predicates),
                    runner.wild.as_mut_ptr().add(k * p.affine_regs.len()),
                    runner.surveys.as_mut_ptr().add(k * p.surveys),
                    runner.local.as_mut_ptr().add(k * p.local_bytes as usize * LANES),
                )
            };
            runner.warps.push(Warp {
                vectors,
                uniforms: uniform,
                predicates: predicate,
                frame: 0,
                home: Registers {
                    vectors,
                    uniforms: uniform,
                    predicates: predicate,
                    wild,
                },
                mask: 0,
                live: 0,
                pc: 0,
                surveys,
                index: 0,
                env,
                local,
                any_wild: false,
                wild,
                draws: Draws {
                    streams: [0; LANES],
                    done: [0; LANES],
                },
                scratch: Scratch([0; 2 * LANES]),
                fault: None,
                control: Control::default(),
            });
        }
        runner
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
        let (counts, p) = (&self.env.counts, self.launch.program);
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

    /// What was observed in all blocks run so far.
    pub fn take_watching(&mut self) -> Option<Watching> {
        self.env.watching.take().map(|w| *w)
    }

    /// Hands the profiler what it wants to know of the blocks run so far.
    pub fn report(&mut self) {
        self.env.marker = None;
        if let Some(profiler) = self.launch.profiler {
            profiler.add(self.launch.profile_base, &self.env.counts);
        }
    }

    /// Lets warp `k` run.
    fn run_warp(&mut self, k: usize) -> Stop {
        let (warp, code) = (&mut self.warps[k], &self.launch.program.code);
        // SAFETY: the warp is laid out for this code.
        let stop = unsafe {
            match self.launch.profiler {
                None => warp.run::<false>(code),
                Some(_) => warp.run::<true>(code),
            }
        };
        if let Some(marker) = &self.env.marker {
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
        self.shared.fill(Line([0; 64]));
        let (at, bytes) = (self.shared.as_ptr() as u64, self.shared.len() as u64 * 64);
        if let Some(shadow) = self.env.watching.as_mut().and_then(|w| w.shadow.as_mut()) {
            shadow.start(at, bytes);
        }
        self.done.fill(false);
        self.waiting.fill(false);
        if self.launch.program.together {
            for k in 0..self.warps.len() {
                self.start_warp(k, k as u32);
            }
        }
    }

    /// Puts warp `index` of the block into place `k`.
    fn start_warp(&mut self, k: usize, index: u32) {
        let p = self.launch.program;
        // What a program reads before it writes it is zero, in every run.
        let lasting = k * self.vector_lines..k * self.vector_lines + p.lasting_words / 16;
        self.vectors[lasting].fill(Line([0; 64]));
        let uniforms = p.uniforms + p.constants.len();
        self.uniforms[k * uniforms..k * uniforms + p.uniforms].fill(0);
        let predicates = &mut self.predicates[k * p.predicates..(k + 1) * p.predicates];
        predicates.fill(0);
        if let Some(yes) = p.always {
            predicates[yes as usize] = FULL;
        }
        let w = &mut self.warps[k];
        w.use_frame(0);
        call::clear(w, FULL, 0, p.frame_bytes);
        let lanes = (self.threads - index * LANES as u32).min(LANES as u32);
        w.index = index;
        w.live = if lanes == 32 { FULL } else { (1 << lanes) - 1 };
        w.mask = w.live;
        w.pc = 0;
        w.fault = None;
        w.any_wild = false;
        self.wild[k * p.affine_regs.len()..][..p.affine_regs.len()].fill(false);
        w.control.reset();
        for s in &mut self.surveys[k * p.surveys..][..p.lasting_surveys] {
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
        for k in 0..self.warps.len() {
            if self.done[k] || self.waiting[k] {
                continue;
            }
            moved = true;
            match self.run_warp(k) {
                Stop::Done => self.done[k] = true,
                Stop::Barrier => self.waiting[k] = true,
                Stop::Yield => {}
                Stop::Trap => return self.trap(k),
            }
        }
        if self.done.iter().all(|d| *d) {
            return BlockStop::Done;
        }
        if self.release_barriers() || moved {
            return BlockStop::Yield;
        }
        // Everybody waits, and nobody will come.
        let Some(k) = self.waiting.iter().position(|w| *w) else {
            return BlockStop::Done;
        };
        let first = self.warps[k].control.at_barrier().next();
        if let Some((_, _, s)) = first {
            let hint =
                "threads of the block wait at different barriers, or at one that not enough threads reach";
            self.warps[k].pc = s.pc;
            self.warps[k].fault = Some(Fault {
                lane: s.mask.trailing_zeros(),
                kind: TrapKind::DivergentBarrier { hint: hint.into() },
            });
        }
        self.trap(k)
    }

    /// Lets go the barriers that enough threads have reached.
    fn release_barriers(&mut self) -> bool {
        let code = &self.launch.program.code;
        let live: u32 = self.warps.iter().map(|w| w.live.count_ones()).sum();
        let mut barriers = std::mem::take(&mut self.barriers);
        barriers.clear();
        let mut add = |id: u32, count: u32, threads: u32| match barriers.iter_mut().find(|b| b.0 == id) {
            Some(b) => {
                b.1 = b.1.min(count);
                b.2 += threads;
            }
            None => barriers.push((id, count, threads)),
        };
        for w in &self.warps {
            for (id, count, s) in w.control.at_barrier() {
                add(id, count, s.mask.count_ones());
            }
        }
        for &(id, count, threads) in &self.env.arrived {
            add(id, count, threads);
        }
        let mut any = false;
        let mut released = std::mem::take(&mut self.released);
        for &(id, count, threads) in &barriers {
            if threads < count.min(live) {
                continue;
            }
            any = true;
            self.env.arrived.retain(|a| a.0 != id);
            released.clear();
            for (k, w) in self.warps.iter_mut().enumerate() {
                w.control.release_barrier(id, |s| released.push((k, s)));
            }
            let (mut yes, mut all, mut reduces) = (0, 0, false);
            for (k, s) in &released {
                self.waiting[*k] = false;
                let w = &mut self.warps[*k];
                w.use_frame(s.frame);
                if let Some((_, votes)) = cross::barrier_votes(w, &code[s.pc as usize], s.mask) {
                    reduces = true;
                    yes += votes;
                    all += s.mask.count_ones();
                }
            }
            for (k, s) in released.iter().filter(|_| reduces) {
                let w = &mut self.warps[*k];
                w.use_frame(s.frame);
                cross::barrier_result(w, &code[s.pc as usize], s.mask, yes, all);
            }
        }
        (self.barriers, self.released) = (barriers, released);
        any
    }

    fn trap(&mut self, k: usize) -> BlockStop {
        let w = &mut self.warps[k];
        let fault = w.fault.take().unwrap_or(Fault {
            lane: 0,
            kind: TrapKind::TrapInstruction,
        });
        let thread = u64::from(w.index) * LANES as u64 + u64::from(fault.lane.min(31));
        BlockStop::Trap(Box::new(Trap {
            kernel: self.launch.kernel.to_string(),
            location: location(self.launch.program, self.launch.ptx, w.pc as usize),
            block: self.env.block,
            thread: self.launch.config.block.unrank(thread),
            kind: fault.kind,
        }))
    }
}

/// Where the instruction at `pc` stands in the source.
fn location(p: &Program, ptx: &ptx::ast::Module, pc: usize) -> Location {
    let origin = p.origins[pc.min(p.origins.len() - 1)];
    let (line, _) = ptx.source.position(origin.span.start);
    Location {
        file: ptx.source.name.clone(),
        line,
        text: ptx.source.line_text(line).trim().to_string(),
        cuda: crate::profile::cuda_line(p, ptx, &origin),
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
