//! A multiprocessor: its warps, and the stages that move them. A cycle goes from the back to the front: results are written,
//! units and the load and store unit work, schedulers issue, warps fetch.

use crate::coalesce;
use crate::collector::Collectors;
use crate::config::CoreSpec;
use crate::cta::Cta;
use crate::feed::{Feed, Next};
use crate::flight::{Flights, Latches, NONE};
use crate::ldst::Ldst;
use crate::memory::Memory;
use crate::pipe::Pipe;
use crate::pipeline::Units;
use crate::program::{AccessKind, Place, Program, Wait};
use crate::reader::WARP;
use crate::scheduler::{Scheduler, View};
use crate::scoreboard::Scoreboard;
use crate::stats::Statistics;
use crate::synthetic::Synthetic;
use crate::warp::{Fetch, Sets, Warp, bits};
use exec::steps::{Addresses, generic};
use ir::Space;

/// What a multiprocessor works with, and others too.
pub struct Context<'c> {
    /// The kernel.
    pub program: &'c Program,
    /// Its description.
    pub spec: &'c CoreSpec,
    /// Everything behind.
    pub memory: &'c mut Memory,
    /// Addresses of the model for those of the engine.
    pub addresses: &'c mut Synthetic,
    /// Counters.
    pub stats: &'c mut Statistics,
    /// The cycle.
    pub now: u64,
    /// Cycles of earlier launches.
    pub before: u64,
    /// Blocks that a multiprocessor holds, and warps of each: local memory is laid out by them.
    pub ctas: u32,
    /// See `ctas`.
    pub cta_warps: u32,
}

/// A block that is done: its number, what it printed, what it counted.
pub struct Finished {
    /// Number in the launch.
    pub number: u64,
    /// What it printed.
    pub output: Vec<u8>,
    /// Its counters.
    pub stats: exec::Stats,
}

/// A multiprocessor.
pub struct Core<'s> {
    /// Its number.
    pub id: u32,
    /// Its cluster.
    pub cluster: u32,
    /// Warps, by place.
    pub warps: Vec<Warp>,
    /// Sets of them.
    pub sets: Sets,
    /// Blocks, by place.
    pub ctas: Vec<Option<Cta<'s>>>,
    /// How many there are.
    blocks: u32,
    /// Blocks that have ended.
    pub finished: Vec<Finished>,
    pub(crate) scoreboard: Scoreboard,
    pub(crate) flights: Flights,
    pub(crate) latches: Latches,
    pub(crate) collectors: Collectors,
    pub(crate) units: Units,
    pub(crate) ldst: Ldst,
    pub(crate) fetch: Fetch,
    schedulers: Vec<Scheduler>,
    first_scheduler: usize,
    uid: u64,
    order: Vec<u8>,
    lanes: Vec<(u32, u64)>,
    /// The next cycle in which it has something to do.
    pub wake: u64,
    /// The last cycle that its counters know of.
    last: u64,
    /// What stops the launch.
    pub failure: Option<Failure>,
}

/// What a multiprocessor cannot go on with.
#[derive(Debug)]
pub enum Failure {
    /// The simulated program has trapped.
    Trap(Box<exec::Trap>),
    /// The model does not know what it does.
    Unknown(String),
}

impl<'s> Core<'s> {
    /// An empty one; `ldst` as an earlier launch has left it.
    pub fn new(id: u32, spec: &CoreSpec, program: &Program, ldst: Ldst) -> Core<'s> {
        Core {
            id,
            cluster: id / spec.per_cluster,
            warps: vec![Warp::default(); spec.warps as usize],
            sets: Sets::default(),
            ctas: (0..spec.ctas).map(|_| None).collect(),
            blocks: 0,
            finished: Vec::new(),
            scoreboard: Scoreboard::new(spec.warps as usize, program.words),
            flights: Flights::default(),
            latches: Latches::new(spec.id_oc, spec.oc_ex),
            collectors: Collectors::new(spec),
            units: Units::new(spec),
            ldst,
            fetch: Fetch::default(),
            schedulers: (0..spec.schedulers)
                .map(|n| Scheduler::new(spec.policy, n, spec.schedulers, spec.warps))
                .collect(),
            first_scheduler: 0,
            uid: 0,
            order: Vec::new(),
            lanes: Vec::new(),
            wake: u64::MAX,
            last: 0,
            failure: None,
        }
    }

    /// Its load and store unit, when the launch is over.
    pub fn into_ldst(self) -> Ldst {
        self.ldst
    }

    /// Whether it holds a block.
    pub fn is_active(&self) -> bool {
        self.sets.resident != 0
    }

    /// Blocks that it holds.
    pub fn resident_ctas(&self) -> u32 {
        self.blocks
    }

    /// A block begins, at the end of cycle `now`.
    pub fn begin(&mut self, number: u64, feed: Feed<'s>, x: &mut Context) {
        self.catch_up(x, x.now);
        let Some(place) = (0..x.ctas as usize).find(|p| self.ctas[*p].is_none()) else {
            return;
        };
        let first = place as u32 * x.cta_warps;
        let cta = Cta::new(number, feed, first as u8);
        for n in 0..x.cta_warps {
            let w = (first + n) as usize;
            self.warps[w] = Warp {
                cta: place as u8,
                number: n as u8,
                ..Warp::default()
            };
            let scheduler = w % self.schedulers.len();
            self.schedulers[scheduler].begin(w as u8);
        }
        self.sets.resident |= cta.warps;
        self.sets.done &= !cta.warps;
        self.sets.empty |= cta.warps;
        self.ctas[place] = Some(cta);
        self.blocks += 1;
        self.last = x.now;
        self.wake = x.now + 1;
    }

    /// Counts the cycles before `now` in which nothing happened.
    fn catch_up(&mut self, x: &mut Context, now: u64) {
        let slept = now.saturating_sub(self.last + 1);
        self.last = now;
        if slept == 0 || !self.is_active() {
            return;
        }
        for s in &self.schedulers {
            match self.sets.valid & s.warps {
                0 => x.stats.idle += slept,
                _ => x.stats.scoreboard += slept,
            }
        }
        self.count_slots(x, slept);
        self.first_scheduler = (self.first_scheduler + slept as usize) % self.schedulers.len();
    }

    fn count_slots(&self, x: &mut Context, cycles: u64) {
        x.stats.warp_slots.0 += cycles * u64::from(self.sets.resident.count_ones());
        x.stats.warp_slots.1 += cycles * u64::from(x.spec.warps);
    }

    /// One cycle.
    pub fn cycle(&mut self, x: &mut Context) {
        self.catch_up(x, x.now);
        self.write_results(x);
        self.execute(x);
        self.ldst_cycle(x);
        self.issue(x);
        self.fetch_cycle(x);
        self.count_slots(x, 1);
        self.sleep(x);
    }

    /// Results whose time has come are written; their number is that of the result buses, and banks that are busy are
    /// ignored.
    fn write_results(&mut self, x: &mut Context) {
        let mut id = self.units.take(x.now);
        while id != NONE {
            let f = &self.flights[id];
            let (warp, scheduler, next, inst) = (f.warp, f.scheduler, f.next, f.inst);
            for register in &x.program.insts[inst as usize].writes {
                if !self.collectors.write(*register, warp, scheduler) {
                    break;
                }
            }
            self.complete(x, id);
            self.warps[warp as usize].in_flight -= 1;
            self.settle(warp);
            self.flights.remove(id);
            id = next;
        }
    }

    /// The registers of an instruction are there, and it counts as executed.
    pub(crate) fn complete(&mut self, x: &mut Context, id: u32) {
        let f = &self.flights[id];
        let (warp, threads, inst) = (f.warp, f.threads, &x.program.insts[f.inst as usize]);
        x.stats.instructions += u64::from(threads.count_ones());
        if !inst.writes.is_empty() {
            self.scoreboard.release(warp, inst);
            self.refresh(x, warp);
            self.settle(warp);
        }
    }

    /// Units take instructions that have their operands, the oldest first.
    fn execute(&mut self, x: &mut Context) {
        for class in 0..Pipe::Mem as usize {
            if self.latches.oc_ex[class].is_empty() {
                continue;
            }
            for n in 0..self.units.of(class) {
                let Some(at) = self.latches.oldest_ready(class, &self.flights) else {
                    break;
                };
                let id = self.latches.oc_ex[class][at];
                let inst = &x.program.insts[self.flights[id].inst as usize];
                if self.units.issue(class, n, &mut self.flights, id, inst, x.now) {
                    self.latches.oc_ex[class].remove(at);
                }
            }
        }
    }

    /// Finds out anew what a warp can do.
    pub(crate) fn refresh(&mut self, x: &mut Context, warp: u8) {
        let bit = 1u64 << warp;
        let s = &mut self.sets;
        let clear = !bit;
        s.valid &= clear;
        s.ready &= clear;
        s.wrong &= clear;
        s.long &= clear;
        s.polling &= clear;
        let w = &self.warps[warp as usize];
        if s.resident & bit == 0 || (s.done | s.barrier | s.fence | s.atomic) & bit != 0 {
            return;
        }
        let inst = match w.next {
            Some(i) => i,
            None => {
                let Some(cta) = &mut self.ctas[w.cta as usize] else {
                    return;
                };
                let next = cta.feed.next(w.number as usize);
                if cta.feed.has_trapped() {
                    if let Some(trap) = cta.feed.trap() {
                        self.failure = Some(Failure::Trap(trap));
                    }
                    return;
                }
                match next {
                    Next::Done => return self.end_warp(x, warp),
                    Next::Waits => {
                        s.polling |= bit;
                        return;
                    }
                    Next::Inst(i) => i,
                }
            }
        };
        let w = &mut self.warps[warp as usize];
        w.next = Some(inst);
        if w.buffered == 0 {
            return;
        }
        if w.buffer[0] != inst {
            s.wrong |= bit;
            return;
        }
        s.valid |= bit;
        let i = &x.program.insts[inst as usize];
        if !self.scoreboard.blocks(warp, i) {
            s.ready |= bit;
        } else if self.scoreboard.waits_long(warp, i) {
            s.long |= bit;
        }
    }

    /// All threads of a warp have ended.
    fn end_warp(&mut self, x: &mut Context, warp: u8) {
        let bit = 1u64 << warp;
        self.sets.done |= bit;
        let w = &mut self.warps[warp as usize];
        w.buffered = 0;
        self.sets.empty |= bit;
        let place = w.cta as usize;
        self.settle(warp);
        if let Some(cta) = &mut self.ctas[place] {
            let released = cta.end(warp);
            self.release(x, released);
        }
    }

    /// Warps go on behind a barrier.
    fn release(&mut self, x: &mut Context, warps: u64) {
        let mut left = warps & self.sets.barrier;
        self.sets.barrier &= !warps;
        while left != 0 {
            self.refresh(x, left.trailing_zeros() as u8);
            left &= left - 1;
        }
    }

    /// Fences whose accesses are done let go; the engine is asked again where it had nothing.
    fn wake_warps(&mut self, x: &mut Context) {
        let mut left = self.sets.fence;
        while left != 0 {
            let warp = left.trailing_zeros() as u8;
            left &= left - 1;
            if !self.scoreboard.pending(warp) {
                self.sets.fence &= !(1 << warp);
                if x.spec.flush_l1 {
                    self.ldst.clear_l1();
                }
                self.refresh(x, warp);
            }
        }
        let mut left = self.sets.polling;
        while left != 0 {
            self.refresh(x, left.trailing_zeros() as u8);
            left &= left - 1;
        }
    }

    fn issue(&mut self, x: &mut Context) {
        if self.sets.fence | self.sets.polling != 0 {
            self.wake_warps(x);
        }
        let n = self.schedulers.len();
        let mut order = std::mem::take(&mut self.order);
        for k in 0..n {
            let s = (self.first_scheduler + k) % n;
            let sets = &self.sets;
            let view = View {
                candidates: sets.ready | sets.wrong,
                waiting: sets.done | sets.barrier | sets.fence | sets.atomic | !sets.resident,
                long: sets.long,
            };
            let (valid, ready) = (
                sets.valid & self.schedulers[s].warps,
                sets.ready & self.schedulers[s].warps,
            );
            self.schedulers[s].order(view, &mut order);
            let mut issued = false;
            for warp in &order {
                if self.issue_warp(x, s, *warp) {
                    self.schedulers[s].issued(*warp);
                    issued = true;
                    break;
                }
            }
            match () {
                () if issued => {}
                () if valid == 0 => x.stats.idle += 1,
                () if ready == 0 => x.stats.scoreboard += 1,
                () => x.stats.stalled += 1,
            }
        }
        self.order = order;
        self.first_scheduler = (self.first_scheduler + 1) % n;
    }

    /// Issues as many instructions of a warp as may go at once; whether there were any.
    fn issue_warp(&mut self, x: &mut Context, scheduler: usize, warp: u8) -> bool {
        let bit = 1u64 << warp;
        let mut before: Option<Pipe> = None;
        for n in 0..x.spec.issue {
            if self.sets.wrong & bit != 0 {
                self.flush(x, warp);
                return n > 0;
            }
            if self.sets.ready & bit == 0 {
                return n > 0;
            }
            let inst = self.warps[warp as usize].buffer[0];
            let pipe = x.program.insts[inst as usize].pipe;
            if x.spec.different_units && before == Some(pipe) {
                return n > 0;
            }
            let Some(place) = self.latches.place(pipe as usize, x.spec.sub_cores, scheduler) else {
                return n > 0;
            };
            self.issue_one(x, scheduler, warp, inst, place);
            before = Some(pipe);
            if self.failure.is_some() {
                return true;
            }
        }
        true
    }

    /// The buffered instructions are not those that come next.
    fn flush(&mut self, x: &mut Context, warp: u8) {
        let w = &mut self.warps[warp as usize];
        w.buffered = 0;
        self.sets.empty |= 1 << warp;
        if let Some(next) = w.next {
            w.fetch_at = next;
        }
        self.refresh(x, warp);
    }

    fn issue_one(&mut self, x: &mut Context, scheduler: usize, warp: u8, inst: u32, place: usize) {
        let i = &x.program.insts[inst as usize];
        let w = &mut self.warps[warp as usize];
        w.buffer[0] = w.buffer[1];
        w.buffered -= 1;
        w.fetch_at = inst + 1;
        w.next = None;
        w.in_flight += 1;
        if w.buffered == 0 {
            self.sets.empty |= 1 << warp;
        }
        let Some(step) = self.ctas[w.cta as usize]
            .as_mut()
            .and_then(|cta| cta.feed.take(w.number as usize))
        else {
            return;
        };
        x.stats.warp_instructions += 1;
        x.stats.lanes[step.active.count_ones() as usize] += 1;
        self.uid += 1;
        let id = self.flights.reuse(Default::default);
        let f = &mut self.flights[id];
        f.uid = self.uid;
        f.inst = inst;
        f.warp = warp;
        f.scheduler = scheduler as u8;
        f.threads = step.executed;
        f.pending = 0;
        f.cycles = 0;
        f.shared = false;
        f.local = false;
        f.left = false;
        f.sectors.clear();
        let mut long = false;
        if let Some(access) = i.access {
            long = access.kind != AccessKind::Store && access.place != Place::Shared;
            if let Some(addresses) = &step.addresses {
                self.access(x, id, addresses, step.executed);
                long &= !self.flights[id].shared;
            } else {
                self.flights[id].shared = access.place == Place::Shared;
            }
            if access.kind == AccessKind::Atomic && step.executed != 0 {
                let f = &self.flights[id];
                let n = if f.shared { 1 } else { f.sectors.len() as u32 };
                self.warps[warp as usize].atomics += n;
                self.sets.atomic |= 1 << warp;
            }
        }
        self.latches.id_oc[i.pipe as usize][place] = id;
        self.latches.issued[i.pipe as usize] += 1;
        if !i.writes.is_empty() {
            self.scoreboard.take(warp, i, long);
        }
        match i.wait {
            Wait::Barrier {
                number,
                threads,
                waits,
            } => {
                if waits {
                    self.sets.barrier |= 1 << warp;
                }
                let cta = self.warps[warp as usize].cta as usize;
                let released = self.ctas[cta]
                    .as_mut()
                    .map_or(0, |c| c.arrive(number, warp, threads));
                self.release(x, released);
            }
            Wait::Fence => self.sets.fence |= 1 << warp,
            Wait::Free | Wait::End => {}
        }
        self.refresh(x, warp);
    }

    /// What an access does to memory: sectors, or cycles of shared memory.
    fn access(&mut self, x: &mut Context, id: u32, addresses: &Addresses, executed: u32) {
        let f = &self.flights[id];
        let (warp, Some(access)) = (f.warp, x.program.insts[f.inst as usize].access) else {
            return;
        };
        let mut place = access.place;
        self.lanes.clear();
        for lane in (0..WARP).filter(|l| executed >> l & 1 == 1) {
            let mut address = addresses.of(lane);
            if access.place == Place::Generic {
                let (space, at) = generic(address);
                address = at;
                let here = match space {
                    Space::Shared => Place::Shared,
                    Space::Local => Place::Local,
                    Space::Param => Place::Constant,
                    Space::Global | Space::Generic => Place::Global,
                };
                if place != Place::Generic && place != here {
                    let what = "lanes of one access that names no space go to different ones; name the space, or run it functionally";
                    self.failure = Some(Failure::Unknown(what.into()));
                    return;
                }
                place = here;
            }
            self.lanes.push((lane, address));
        }
        let f = &mut self.flights[id];
        let atomic = access.kind == AccessKind::Atomic;
        match place {
            Place::Shared => {
                f.shared = true;
                f.cycles = match addresses {
                    Addresses::Uniform(_) => x.spec.warp_parts,
                    Addresses::Line { stride: 4, .. } if x.spec.shared_banks >= WARP => x.spec.warp_parts,
                    _ => coalesce::shared_cycles(
                        x.spec.shared_banks,
                        x.spec.warp_parts,
                        x.spec.limited_broadcast,
                        &self.lanes,
                    ),
                };
                x.stats.shared_accesses += u64::from(f.cycles);
                x.stats.shared_conflicts += u64::from(f.cycles.saturating_sub(x.spec.warp_parts));
            }
            // Their caches are perfect: no access is made.
            Place::Constant | Place::Generic => {}
            Place::Local => {
                f.local = true;
                let layout = crate::synthetic::LocalLayout {
                    core: self.id,
                    cores: x.spec.clusters * x.spec.per_cluster,
                    cta_threads: x.cta_warps * WARP,
                    ctas: x.ctas,
                    threads: x.spec.warps * WARP,
                    by_cta: x.spec.local_map,
                };
                let mut words = Vec::with_capacity(self.lanes.len());
                for n in 0..access.bytes.div_ceil(4) {
                    words.clear();
                    let thread = |lane: u32| u32::from(warp) * WARP + lane;
                    let at = |l: &(u32, u64)| (l.0, layout.address(thread(l.0), l.1 + 4 * u64::from(n)));
                    words.extend(self.lanes.iter().map(at));
                    coalesce::sectors(&mut f.sectors, x.spec.warp_parts, access.bytes.min(4), &words);
                }
                f.sectors.sort_by_key(|s| s.address);
                f.sectors.dedup_by(|b, a| {
                    let same = a.address == b.address;
                    if same {
                        a.bytes |= b.bytes;
                    }
                    same
                });
            }
            Place::Global => {
                for (_, address) in &mut self.lanes {
                    *address = x.addresses.of(*address);
                }
                let parts = x.spec.warp_parts;
                match atomic {
                    true => coalesce::atomic_sectors(&mut f.sectors, parts, access.bytes, &self.lanes),
                    false => coalesce::sectors(&mut f.sectors, parts, access.bytes, &self.lanes),
                }
            }
        }
    }

    /// Frees the places of warps that have ended in every respect.
    pub(crate) fn retire(&mut self, warp: u8) {
        let bit = 1u64 << warp;
        self.sets.resident &= !bit;
        self.sets.retirable &= !bit;
        let place = self.warps[warp as usize].cta as usize;
        let slot = &mut self.ctas[place];
        let Some(cta) = slot else { return };
        cta.resident &= !bit;
        if cta.resident == 0
            && let Some(cta) = slot.take()
        {
            self.blocks -= 1;
            let (output, stats) = cta.feed.finish();
            self.finished.push(Finished {
                number: cta.number,
                output,
                stats,
            });
        }
    }

    /// Finds out whether a warp that has ended can give up its place: to be asked whenever something of its is done.
    pub(crate) fn settle(&mut self, warp: u8) {
        let (bit, w) = (1u64 << warp, &self.warps[warp as usize]);
        if self.sets.done & self.sets.resident & bit != 0
            && w.in_flight == 0
            && w.stores == 0
            && !self.scoreboard.pending(warp)
        {
            self.sets.retirable |= bit;
        }
    }

    /// Finds out when there is something to do next.
    fn sleep(&mut self, x: &Context) {
        let s = &self.sets;
        let busy = (s.ready | s.wrong | s.polling) != 0
            || self.fetch.is_busy(s)
            || !self.latches.is_empty()
            || !self.collectors.is_empty()
            || self.schedulers[0].is_restless()
            || !self.finished.is_empty()
            || s.retirable != 0
            || bits(s.fence).any(|w| !self.scoreboard.pending(w));
        self.wake = match busy {
            true => x.now + 1,
            false => {
                let units = self.units.next_result(x.now).unwrap_or(u64::MAX);
                units.min(self.ldst.next_event(x.now))
            }
        };
    }

    /// Who waits for what, a line for each warp.
    pub fn waiting(&self, out: &mut Vec<String>) {
        for w in bits(self.sets.resident) {
            let (s, warp) = (&self.sets, &self.warps[w as usize]);
            let is = |set: u64| set >> w & 1 == 1;
            let why = match () {
                () if is(s.done) => format!("has ended; {} stores are not acknowledged", warp.stores),
                () if is(s.barrier) => "waits at a barrier".into(),
                () if is(s.fence) => "waits at a fence for its accesses".into(),
                () if is(s.atomic) => format!("waits for {} atomics", warp.atomics),
                () if is(s.polling) => "waits for what another warp has to do".into(),
                () if is(s.valid) && !is(s.ready) => "waits for registers".into(),
                () if is(s.ready) => "is ready, but finds no place".into(),
                () => "has nothing fetched".into(),
            };
            let block = self.ctas[warp.cta as usize].as_ref().map_or(0, |c| c.number);
            out.push(format!(
                "multiprocessor {}, block {block}, warp {}: {why}",
                self.id, warp.number
            ));
        }
    }
}
