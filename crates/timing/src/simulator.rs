//! The way in: launches are simulated one after the other on one machine, whose L2 keeps what earlier ones left.

use crate::Error;
use crate::clock::{CORE, Clocks, DRAM, L2, NETWORK};
use crate::config::Config;
use crate::core::{Context, Core, Failure, Finished};
use crate::cta::{Needs, occupancy};
use crate::feed::Feed;
use crate::ldst::Ldst;
use crate::memory::Memory;
use crate::program::Program;
use crate::reader::WARP;
use crate::stats::Statistics;
use crate::synthetic::Synthetic;
use device::Device;
use exec::steps::Steps;
use exec::{Engine, Execution, Module};
use std::collections::VecDeque;

/// A launch: what [`Engine::steps`] takes.
#[derive(Clone, Copy)]
pub struct Launch<'a> {
    /// Computes what is stored.
    pub engine: &'a Engine,
    /// Device memory.
    pub memory: &'a exec::Memory,
    /// The module.
    pub module: &'a Module,
    /// Kernel, geometry, parameters, formats, limits.
    pub asked: &'a exec::Launch<'a>,
}

/// What came of a launch.
#[derive(Clone, Debug)]
pub struct Report {
    /// Core cycles.
    pub cycles: u64,
    /// Core cycles of all launches so far.
    pub total_cycles: u64,
    /// Counters.
    pub statistics: Statistics,
    /// What the engine says: counters, output, trap. Memory is as [`Engine::launch`] leaves it.
    pub execution: Execution,
}

/// How often a launch that stands still is looked for, cycles.
const DEADLOCK_CYCLES: u64 = 50_000;

/// A machine.
///
/// ```text
/// let mut simulator = Simulator::new(&device)?;
/// let report = simulator.simulate(&Launch { engine: &engine, ... })?;
/// println!("{}", report.statistics.text());
/// ```
pub struct Simulator {
    config: Config,
    memory: Memory,
    ldst: Vec<Ldst>,
    addresses: Synthetic,
    total: u64,
    every_cycle: bool,
}

impl Simulator {
    /// A machine as `device` describes it.
    ///
    /// # Errors
    /// [`Error::Option`] for what cannot be modelled.
    pub fn new(device: &Device) -> Result<Simulator, Error> {
        let config = Config::new(device)?;
        Ok(Simulator {
            memory: Memory::new(&config),
            ldst: (0..config.cores()).map(|_| Ldst::new(&config.core)).collect(),
            addresses: Synthetic::default(),
            total: 0,
            every_cycle: false,
            config,
        })
    }

    /// From now on nothing is skipped: every component is looked at in every cycle. Slower, with the same result, which is
    /// what a test of the skipping asks for.
    pub fn every_cycle(&mut self) {
        self.every_cycle = true;
    }

    /// What it models.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tells it of a copy between host and device: the sectors are in L2 afterwards (`-gpgpu_perf_sim_memcpy`). No time
    /// passes.
    pub fn copied(&mut self, memory: &exec::Memory, address: u64, bytes: u64) {
        self.addresses.update(&memory.snapshot());
        let at = self.addresses.of(address);
        self.memory.copied(at, bytes);
    }

    /// Executes a launch and counts its cycles.
    ///
    /// # Errors
    /// As for [`Engine::launch`]; what the model does not know; a launch that stands still, or that a limit of the
    /// configuration ends. Memory is then as far as the launch had come. A trap is no error.
    pub fn simulate(&mut self, launch: &Launch) -> Result<Report, Error> {
        let l = launch;
        let steps = l.engine.steps(l.memory, l.module, l.asked)?;
        let (kernel, config) = (l.asked.kernel, &l.asked.config);
        let program = Program::new(kernel, steps.instructions(), &self.config.core)?;
        let info = l.module.kernel(kernel)?;
        let needs = Needs {
            threads: steps.threads() as u32,
            registers: info.registers,
            shared: info.static_shared as u64 + u64::from(config.dynamic_shared),
        };
        let ctas = occupancy(
            kernel,
            &self.config.core,
            needs,
            steps.blocks(),
            self.config.cores(),
        )?;
        let resident = u64::from(ctas) * u64::from(self.config.cores());
        if config.cooperative && steps.blocks() > resident {
            return Err(Error::Kernel {
                kernel: kernel.into(),
                what: format!(
                    "a cooperative launch of {} blocks, of which only {resident} are resident at a time",
                    steps.blocks()
                ),
            });
        }
        let shared = needs.shared * u64::from(ctas);
        let l1_ways = self.config.core.l1.as_ref().map(|l1| l1.cache.ways);
        let ways = match l1_ways.filter(|_| self.config.core.adaptive) {
            Some(ways) => self.config.core.adaptive_ways(kernel, ways, shared)?,
            None => None,
        };
        self.addresses.update(&l.memory.snapshot());
        self.memory.begin();
        let cores = self.ldst.drain(..).enumerate().map(|(id, mut ldst)| {
            ldst.begin(ways);
            Core::new(id as u32, &self.config.core, &program, ldst)
        });
        let run = Run {
            cores: cores.collect(),
            clusters: vec![Cluster::new(self.config.core.per_cluster); self.config.core.clusters as usize],
            ejected: 0,
            next_cluster: 0,
            next_cta: 0,
            steps: &steps,
            program: &program,
            kernel,
            config: &self.config,
            memory: &mut self.memory,
            addresses: &mut self.addresses,
            stats: Statistics {
                lanes: vec![0; WARP as usize + 1],
                ctas_per_core: ctas,
                ..Statistics::default()
            },
            ctas,
            clocks: Clocks::new(self.config.clocks),
            launch_delay: self.config.launch_latency.0 + steps.blocks() * self.config.launch_latency.1,
            before: self.total,
            every_cycle: self.every_cycle,
            finished: Vec::new(),
            failure: None,
        };
        let (ended, cores) = run.go();
        self.ldst = cores;
        if ended.is_err() {
            // Requests of a launch that was given up must not come back in the next one.
            self.memory = Memory::new(&self.config);
            self.ldst = (0..self.config.cores())
                .map(|_| Ldst::new(&self.config.core))
                .collect();
        } else {
            if self.config.core.flush_l1 {
                self.ldst.iter_mut().for_each(Ldst::clear_l1);
            }
            if self.config.memory.flush_l2 {
                self.memory.clear_l2();
            }
        }
        let (statistics, execution, trapped) = ended?;
        if trapped {
            self.memory = Memory::new(&self.config);
            self.ldst = (0..self.config.cores())
                .map(|_| Ldst::new(&self.config.core))
                .collect();
        }
        self.total += statistics.cycles;
        Ok(Report {
            cycles: statistics.cycles,
            total_cycles: self.total,
            statistics,
            execution,
        })
    }
}

/// A cluster: the multiprocessors behind one port of the network.
#[derive(Clone, Debug)]
struct Cluster {
    ejected: VecDeque<u32>,
    /// The multiprocessor that got a block last.
    last: u32,
}

impl Cluster {
    fn new(cores: u32) -> Cluster {
        Cluster {
            ejected: VecDeque::new(),
            last: cores - 1,
        }
    }
}

/// A launch under way.
struct Run<'r, 's> {
    cores: Vec<Core<'s>>,
    clusters: Vec<Cluster>,
    /// Answers that wait at clusters.
    ejected: usize,
    next_cluster: usize,
    next_cta: u64,
    steps: &'s Steps<'s>,
    program: &'r Program,
    kernel: &'r str,
    config: &'r Config,
    memory: &'r mut Memory,
    addresses: &'r mut Synthetic,
    stats: Statistics,
    ctas: u32,
    clocks: Clocks,
    launch_delay: u64,
    before: u64,
    every_cycle: bool,
    finished: Vec<Finished>,
    failure: Option<Failure>,
}

/// What a multiprocessor sees of a run in a cycle. A macro, because the multiprocessor itself is borrowed beside it.
macro_rules! context {
    ($run:ident, $now:expr) => {
        Context {
            program: $run.program,
            spec: &$run.config.core,
            memory: $run.memory,
            addresses: $run.addresses,
            stats: &mut $run.stats,
            now: $now,
            before: $run.before,
            ctas: $run.ctas,
            cta_warps: ($run.steps.threads() as u32).div_ceil(WARP),
        }
    };
}

type Ended = Result<(Statistics, Execution, bool), Error>;

impl Run<'_, '_> {
    fn go(mut self) -> (Ended, Vec<Ldst>) {
        let ended = self.cycles();
        let mut l1 = self.stats.l1;
        for core in &mut self.cores {
            if let Some(cache) = core.ldst.l1() {
                for (to, from) in l1
                    .counts
                    .iter_mut()
                    .flatten()
                    .zip(cache.stats.counts.iter().flatten())
                {
                    *to += from;
                }
            }
        }
        self.stats.l1 = l1;
        self.stats.dram_cycles = self.clocks.ticks[DRAM];
        self.memory.report(&mut self.stats);
        let trap = match self.failure.take() {
            Some(Failure::Trap(trap)) => Some(*trap),
            _ => None,
        };
        let cores: Vec<Ldst> = self.cores.drain(..).map(Core::into_ldst).collect();
        self.finished.sort_by_key(|f| f.number);
        let mut execution = Execution::default();
        for block in self.finished {
            execution.stats += block.stats;
            execution.output.extend(block.output);
        }
        execution.output_cut = execution.output.len() > exec::OUTPUT_BYTES;
        execution.output.truncate(exec::OUTPUT_BYTES);
        let trapped = trap.is_some();
        execution.trap = trap;
        (ended.map(|()| (self.stats, execution, trapped)), cores)
    }

    /// Until nothing is left to do.
    fn cycles(&mut self) -> Result<(), Error> {
        let (mut seen, mut checked) = (0, 0);
        loop {
            let now = self.clocks.ticks[CORE];
            let fire = self.clocks.step();
            if fire[CORE] {
                self.answers(now);
            }
            if fire[NETWORK] {
                self.memory.inject();
            }
            if fire[DRAM] {
                self.memory.dram_cycle(now, self.clocks.ticks[DRAM]);
            }
            if fire[L2] {
                self.memory.l2_cycle(now);
            }
            if fire[NETWORK] {
                self.memory.transfer();
            }
            if !fire[CORE] {
                continue;
            }
            self.core_cycles(now);
            self.stats.cycles = now + 1;
            if let Some(failure) = &self.failure {
                return match failure {
                    Failure::Trap(_) => Ok(()),
                    Failure::Unknown(what) => Err(Error::Kernel {
                        kernel: self.kernel.into(),
                        what: what.clone(),
                    }),
                };
            }
            self.start_blocks(now);
            self.launch_delay = self.launch_delay.saturating_sub(1);
            if self.is_done() {
                return Ok(());
            }
            self.check_limits()?;
            if now >= checked + DEADLOCK_CYCLES {
                let progress = self.stats.instructions + self.stats.ctas;
                if progress == seen && self.config.deadlock_detect && self.launch_delay == 0 {
                    return Err(self.deadlock(now));
                }
                (seen, checked) = (progress, now);
            }
            self.skip(now + 1, checked);
        }
    }

    fn is_done(&self) -> bool {
        self.next_cta == self.steps.blocks()
            && self.cores.iter().all(|c| !c.is_active())
            && self.ejected == 0
            && !self.memory.is_busy()
    }

    fn check_limits(&self) -> Result<(), Error> {
        let over = |option: &str, limit: Option<u64>, is: u64| match limit {
            Some(limit) if is >= limit => Err(Error::Limit {
                kernel: self.kernel.into(),
                what: format!("{option} is {limit}"),
            }),
            _ => Ok(()),
        };
        over(
            "-gpgpu_max_cycle",
            self.config.limits.0,
            self.before + self.stats.cycles,
        )?;
        over("-gpgpu_max_insn", self.config.limits.1, self.stats.instructions)
    }

    /// Clusters take answers from the network, and hand them to multiprocessors.
    fn answers(&mut self, now: u64) {
        if self.memory.nothing_arrived() && self.ejected == 0 {
            return;
        }
        let perfect = self.config.memory.perfect;
        let mut taken = 0;
        for (n, cluster) in self.clusters.iter_mut().enumerate() {
            let mut receive = |cluster: &mut Cluster, memory: &mut Memory| {
                if cluster.ejected.len() < self.config.core.ejection
                    && let Some(id) = memory.receive(n as u32, now)
                {
                    cluster.ejected.push_back(id);
                    self.ejected += 1;
                }
            };
            // Perfect memory answers straight into this queue.
            if perfect {
                receive(cluster, self.memory);
            }
            if let Some(&id) = cluster.ejected.front() {
                let core = &mut self.cores[self.memory.requests[id].core as usize];
                if core.ldst.has_room() {
                    cluster.ejected.pop_front();
                    taken += 1;
                    core.ldst.responses.push_back(id);
                    core.wake = core.wake.min(now);
                }
            }
            if !perfect {
                receive(cluster, self.memory);
            }
        }
        self.ejected -= taken;
    }

    fn core_cycles(&mut self, now: u64) {
        let per = self.config.core.per_cluster as usize;
        let first = if self.config.core.rotate {
            now as usize % per
        } else {
            0
        };
        for cluster in 0..self.clusters.len() {
            for k in 0..per {
                let at = cluster * per + (first + k) % per;
                let sleeps = self.cores[at].wake > now && !self.every_cycle;
                if sleeps || !self.cores[at].is_active() {
                    continue;
                }
                let mut x = context!(self, now);
                let core = &mut self.cores[at];
                core.cycle(&mut x);
                self.finished.append(&mut core.finished);
                // Of several failures in a cycle the first counts.
                if self.failure.is_none() {
                    self.failure = core.failure.take();
                }
            }
        }
    }

    /// Each cluster may start one block in a cycle, on the next of its multiprocessors that has room.
    fn start_blocks(&mut self, now: u64) {
        if self.launch_delay > 0 || self.next_cta == self.steps.blocks() {
            return;
        }
        let (clusters, per) = (self.clusters.len(), self.config.core.per_cluster);
        let from = self.next_cluster;
        for k in 0..clusters {
            let n = (from + k) % clusters;
            let turn = |j: u32| (self.clusters[n].last + 1 + j) % per;
            let room = |c: &u32| self.cores[n * per as usize + *c as usize].resident_ctas() < self.ctas;
            let Some(core) = (0..per).map(turn).find(room) else {
                continue;
            };
            let feed = Feed::new(self.steps, self.next_cta, self.program);
            let mut x = context!(self, now);
            self.cores[n * per as usize + core as usize].begin(self.next_cta, feed, &mut x);
            self.clusters[n].last = core;
            self.next_cluster = (n + 1) % clusters;
            self.next_cta += 1;
            self.stats.ctas += 1;
            if self.next_cta == self.steps.blocks() {
                return;
            }
        }
    }

    /// Goes on to the next cycle, `now` or later, in which anything happens.
    fn skip(&mut self, now: u64, checked: u64) {
        if self.every_cycle {
            return;
        }
        let starts =
            self.next_cta < self.steps.blocks() && self.cores.iter().any(|c| c.resident_ctas() < self.ctas);
        if starts && self.launch_delay == 0 || self.ejected > 0 {
            return;
        }
        let active = self.cores.iter().filter(|c| c.is_active());
        let Some(mut to) = active
            .map(|c| c.wake)
            .min()
            .or(Some(u64::MAX))
            .filter(|w| *w > now)
        else {
            return;
        };
        if let Some(next) = self.memory.next_event(now) {
            to = to.min(next);
        }
        // A launch that stands still must be noticed, and one that has not begun must begin.
        to = to.min(checked + DEADLOCK_CYCLES);
        if self.launch_delay > 0 {
            to = to.min(now + self.launch_delay - 1);
        }
        if to <= now {
            return;
        }
        self.launch_delay = self.launch_delay.saturating_sub(to - now);
        let skipped = self.clocks.skip_to(to);
        self.memory.skip(skipped[NETWORK], skipped[L2]);
        self.stats.cycles += skipped[CORE];
    }

    fn deadlock(&self, now: u64) -> Error {
        let mut who = Vec::new();
        self.cores.iter().for_each(|c| c.waiting(&mut who));
        let more = who.len().saturating_sub(16);
        who.truncate(16);
        if more > 0 {
            who.push(format!("... and {more} more warps"));
        }
        who.push(self.memory.waiting());
        Error::Deadlock {
            kernel: self.kernel.into(),
            cycle: now,
            who: who.join("\n"),
        }
    }
}
