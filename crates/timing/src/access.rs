//! The load and store unit: one instruction at a time makes its accesses; answers come back in between.

use crate::cache::{Cache, Status};
use crate::cachespec::SECTOR;
use crate::core::{Context, Core};
use crate::flight::NONE;
use crate::ldst::{CLIENTS, Write};
use crate::pipe::Pipe;
use crate::program::AccessKind;
use crate::request::{Id, Kind, Request};

impl Core<'_> {
    /// One cycle.
    pub(crate) fn ldst_cycle(&mut self, x: &mut Context) {
        self.ldst_write(x);
        for _ in 0..x.spec.bank_reads {
            self.collectors.step(&mut self.latches, &self.flights, x.program);
        }
        self.take_response(x);
        self.send_misses(x);
        self.access_l1(x);
        self.dispatch(x);
        // The next instruction, the oldest first.
        if self.ldst.dispatch == NONE
            && let Some(at) = self.latches.oldest_ready(Pipe::Mem as usize, &self.flights)
        {
            let id = self.latches.oc_ex[Pipe::Mem as usize].remove(at);
            let f = &mut self.flights[id];
            if !f.shared {
                f.pending = f.sectors.len() as u32;
            }
            self.ldst.dispatch = id;
        }
    }

    /// Writes one result, and chooses the next.
    fn ldst_write(&mut self, x: &mut Context) {
        if let Some(mut write) = self.ldst.writing.take() {
            let f = &self.flights[write.flight];
            let (warp, scheduler) = (f.warp, f.scheduler);
            let registers = &x.program.insts[f.inst as usize].writes;
            while write.done < registers.len()
                && self.collectors.write(registers[write.done], warp, scheduler)
            {
                write.done += 1;
            }
            match write.done < registers.len() {
                true => self.ldst.writing = Some(write),
                false => self.answered(x, write.flight),
            }
        }
        if self.ldst.writing.is_some() {
            return;
        }
        for c in 0..CLIENTS {
            let client = (c + self.ldst.turn) % CLIENTS;
            let flight = match client {
                0 => self.take_shared(x),
                3 => self.ldst.uncached.take().map(|id| self.take_request(x, id)),
                4 => {
                    let next = self
                        .ldst
                        .l1()
                        .filter(|l| l.is_ready())
                        .and_then(Cache::next_ready);
                    next.map(|id| self.take_request(x, id))
                }
                // Constants and textures have no cache of their own here.
                _ => None,
            };
            if let Some(flight) = flight {
                self.ldst.writing = Some(Write { flight, done: 0 });
                self.ldst.turn = (client + 1) % CLIENTS;
                return;
            }
        }
    }

    fn take_shared(&mut self, x: &mut Context) -> Option<u32> {
        let &(ready, id) = self.ldst.shared.front()?;
        if ready > x.now {
            return None;
        }
        self.ldst.shared.pop_front();
        let f = &self.flights[id];
        let warp = f.warp;
        let atomic = x.program.insts[f.inst as usize]
            .access
            .is_some_and(|a| a.kind == AccessKind::Atomic);
        if atomic && f.threads != 0 {
            self.atomic_done(x, warp);
        }
        self.warps[warp as usize].in_flight -= 1;
        self.settle(warp);
        self.flights[id].pending = 1;
        Some(id)
    }

    /// The instruction for which an answer has come.
    fn take_request(&mut self, x: &mut Context, id: Id) -> u32 {
        let request = x.memory.requests[id];
        x.memory.requests.remove(id);
        if request.kind == Kind::Atomic {
            self.atomic_done(x, request.warp);
        }
        u32::from(request.flight)
    }

    fn atomic_done(&mut self, x: &mut Context, warp: u8) {
        let w = &mut self.warps[warp as usize];
        w.atomics -= 1;
        if w.atomics == 0 {
            self.sets.atomic &= !(1 << warp);
            self.refresh(x, warp);
        }
    }

    /// One access of an instruction is done.
    fn answered(&mut self, x: &mut Context, id: u32) {
        let f = &mut self.flights[id];
        f.pending = f.pending.saturating_sub(1);
        if f.pending == 0 {
            let left = f.left;
            self.complete(x, id);
            if left {
                self.flights.remove(id);
            }
        }
    }

    /// Takes the first answer from memory, if whom it is for can take it.
    fn take_response(&mut self, x: &mut Context) {
        let Some(&id) = self.ldst.responses.front() else {
            return;
        };
        let request = x.memory.requests[id];
        match request.kind {
            Kind::Write | Kind::WriteBack | Kind::L1WriteBack | Kind::WriteAllocate => {
                self.acknowledge(request.warp);
                x.memory.requests.remove(id);
            }
            Kind::Read | Kind::Atomic if request.bypass => {
                if self.ldst.uncached.is_some() {
                    return;
                }
                self.ldst.uncached = Some(id);
            }
            Kind::Read | Kind::Atomic => {
                let Some((_, cache)) = &mut self.ldst.l1 else {
                    return;
                };
                if !cache.fill_port_free(x.before + x.now) {
                    return;
                }
                let time = x.before + x.now;
                cache.fill(&x.memory.requests, id, request.address, time, time);
            }
        }
        self.ldst.responses.pop_front();
    }

    /// A store has reached memory.
    fn acknowledge(&mut self, warp: u8) {
        let w = &mut self.warps[warp as usize];
        w.stores = w.stores.saturating_sub(1);
        self.settle(warp);
    }

    /// L1 sends one request.
    fn send_misses(&mut self, x: &mut Context) {
        let cluster = self.cluster;
        if let Some((_, cache)) = &mut self.ldst.l1
            && let Some(id) = cache.outgoing()
            && x.memory.has_room(cluster)
        {
            cache.sent();
            x.memory.send(cluster, id, x.now);
        }
    }

    /// Accesses that have reached the tags of L1, one in each bank.
    fn access_l1(&mut self, x: &mut Context) {
        for b in 0..self.ldst.banks.len() {
            let Some(&(ready, id)) = self.ldst.banks[b].queue.front() else {
                continue;
            };
            if ready > x.now {
                continue;
            }
            let Some((_, cache)) = &mut self.ldst.l1 else {
                return;
            };
            let request = x.memory.requests[id];
            let time = x.before + x.now;
            let outcome = cache.access(&mut x.memory.requests, id, request.address, time, time);
            if outcome.status == Status::Fail {
                continue;
            }
            self.ldst.banks[b].queue.pop_front();
            match (request.kind, outcome.status) {
                (Kind::Read, Status::Hit) => {
                    x.memory.requests.remove(id);
                    self.answered(x, request.flight.into());
                }
                (Kind::Write, _) if !outcome.forwarded => {
                    x.memory.requests.remove(id);
                    self.acknowledge(request.warp);
                }
                _ => {}
            }
        }
    }

    /// The instruction at hand makes accesses, and leaves when it has made all.
    fn dispatch(&mut self, x: &mut Context) {
        let id = self.ldst.dispatch;
        if id == NONE {
            return;
        }
        let f = &mut self.flights[id];
        let inst = &x.program.insts[f.inst as usize];
        let access = inst.access;
        let load = access.is_some_and(|a| a.kind != AccessKind::Store);
        if f.shared && f.threads != 0 {
            f.cycles = f.cycles.saturating_sub(1);
            if f.cycles > 0 {
                x.stats.memory_stalls += 1;
                return;
            }
        }
        let skip = !f.local && x.spec.skip_l1;
        let bypass = self.ldst.l1.is_none() || skip || access.is_some_and(|a| a.kind == AccessKind::Atomic);
        if !self.flights[id].sectors.is_empty() {
            match bypass {
                true => self.send_directly(x, id),
                false => self.send_to_l1(x, id),
            }
            if !self.flights[id].sectors.is_empty() {
                x.stats.memory_stalls += 1;
                return;
            }
        }
        let f = &mut self.flights[id];
        let warp = f.warp;
        if load && f.shared {
            if self.ldst.shared.len() as u64 >= self.ldst.shared_latency {
                return;
            }
            let ready = x.now + self.ldst.shared_latency;
            f.left = true;
            self.ldst.shared.push_back((ready, id));
        } else {
            f.left = true;
            self.warps[warp as usize].in_flight -= 1;
            self.settle(warp);
            // Stores leave at once; so do loads that need no answer.
            if !load || self.flights[id].pending == 0 {
                self.complete(x, id);
                self.flights.remove(id);
            }
        }
        self.ldst.dispatch = NONE;
    }

    /// The next access of an instruction as a request.
    fn request(&self, x: &Context, id: u32, bypass: bool) -> Option<Request> {
        let f = &self.flights[id];
        let sector = f.sectors.last()?;
        let kind = match x.program.insts[f.inst as usize].access?.kind {
            AccessKind::Load => Kind::Read,
            AccessKind::Store => Kind::Write,
            AccessKind::Atomic => Kind::Atomic,
        };
        Some(Request {
            address: sector.address,
            kind,
            local: f.local,
            bypass,
            bytes: sector.bytes,
            size: SECTOR,
            core: self.id,
            warp: f.warp,
            flight: if kind == Kind::Write { u16::MAX } else { id as u16 },
            uid: f.uid,
            ..Request::default()
        })
    }

    fn send_directly(&mut self, x: &mut Context, id: u32) {
        if !x.memory.has_room(self.cluster) {
            return;
        }
        let Some(request) = self.request(x, id, true) else {
            return;
        };
        if request.kind == Kind::Write {
            self.warps[request.warp as usize].stores += 1;
        }
        let number = x.memory.requests.add(request);
        x.memory.send(self.cluster, number, x.now);
        self.flights[id].sectors.pop();
    }

    fn send_to_l1(&mut self, x: &mut Context, id: u32) {
        for _ in 0..self.ldst.banks.len() {
            let Some(request) = self.request(x, id, false) else {
                return;
            };
            let Some((spec, _)) = &self.ldst.l1 else { return };
            let plain = request.address / u64::from(spec.interleave);
            let index = (plain % u64::from(spec.banks)) as u32;
            let bank = spec.indexing.of(plain / u64::from(spec.banks), index, spec.banks);
            let latency = spec.latency;
            let bank = &mut self.ldst.banks[bank as usize];
            if bank.last == Some(x.now) || bank.queue.len() >= latency as usize {
                return;
            }
            bank.last = Some(x.now);
            let number = x.memory.requests.add(request);
            bank.queue.push_back((x.now + u64::from(latency), number));
            if request.kind == Kind::Write {
                self.warps[request.warp as usize].stores += 1;
            }
            self.flights[id].sectors.pop();
        }
    }
}
