//! Everything behind the multiprocessors: network, L2 slices, memory channels.

use crate::config::Config;
use crate::config::MemorySpec;
use crate::crossbar::Crossbar;
use crate::dram::Dram;
use crate::l2::Slice;
use crate::request::{Id, Kind, Request, Requests};
use crate::stats::Statistics;
use std::collections::VecDeque;

/// Which slice of a channel may send to memory: each has a credit of its own, further ones are shared.
#[derive(Clone, Debug)]
struct Credits {
    own: Vec<bool>,
    shared: usize,
    most: usize,
    last: u32,
}

impl Credits {
    fn new(spec: &MemorySpec) -> Credits {
        let d = &spec.dram;
        let most = match d.queue == 0 || d.returns == 0 {
            true => 0,
            false => {
                (d.queue + d.returns + d.writes.map_or(0, |w| w.0)).saturating_sub(spec.slices as usize - 1)
            }
        };
        Credits {
            own: vec![false; spec.slices as usize],
            shared: 0,
            most,
            last: spec.slices - 1,
        }
    }
    fn has(&self, slice: u32) -> bool {
        !self.own[slice as usize] || self.most == 0 || self.shared < self.most
    }
    fn borrow(&mut self, slice: u32) {
        match self.own[slice as usize] {
            false => self.own[slice as usize] = true,
            true => self.shared += 1,
        }
        self.last = slice;
    }
    fn give_back(&mut self, slice: u32) {
        match self.own[slice as usize] {
            true => self.own[slice as usize] = false,
            false => self.shared = self.shared.saturating_sub(1),
        }
    }
}

/// A channel with its credits and the queue before it.
#[derive(Clone, Debug)]
struct Channel {
    dram: Dram,
    credits: Credits,
    /// Requests on their way in, and the core cycle when each has arrived.
    latency: VecDeque<(u64, Id)>,
}

/// The memory side of a GPU.
#[derive(Clone, Debug)]
pub struct Memory {
    spec: MemorySpec,
    per_cluster: u32,
    /// All requests under way.
    pub requests: Requests,
    to_slices: Crossbar,
    to_clusters: Crossbar,
    slices: Vec<Slice>,
    channels: Vec<Channel>,
    /// Answers of perfect memory, by cluster.
    at_once: Vec<VecDeque<Id>>,
    /// Time for the replacement of L2: grows over launches, and for each sector copied.
    time: u64,
    /// Cycles of L2.
    l2_tick: u64,
    stats: (u64, u64, u64, u64),
    latency: (u64, u64),
}

impl Memory {
    /// Empty memory.
    pub fn new(config: &Config) -> Memory {
        let (spec, clusters) = (&config.memory, config.core.clusters);
        let slices = spec.channels * spec.slices;
        let channel = Channel {
            dram: Dram::new(spec.dram.clone()),
            credits: Credits::new(spec),
            latency: VecDeque::new(),
        };
        Memory {
            requests: Requests::default(),
            to_slices: Crossbar::new(clusters, slices, true, spec),
            to_clusters: Crossbar::new(slices, clusters, false, spec),
            slices: vec![Slice::new(spec); slices as usize],
            channels: vec![channel; spec.channels as usize],
            at_once: vec![VecDeque::new(); clusters as usize],
            time: 0,
            l2_tick: 0,
            stats: (0, 0, 0, 0),
            latency: (0, 0),
            per_cluster: config.core.per_cluster,
            spec: spec.clone(),
        }
    }

    /// Before a launch: the clock of L2 begins anew, what lies in L2 stays.
    pub fn begin(&mut self) {
        self.stats = (0, 0, 0, 0);
        self.latency = (0, 0);
        for slice in &mut self.slices {
            slice.cache.stats = Default::default();
        }
        for channel in &mut self.channels {
            // Banks are closed between launches: command clocks begin anew.
            channel.dram = Dram::new(self.spec.dram.clone());
        }
    }

    /// Empties L2.
    pub fn clear_l2(&mut self) {
        self.slices.iter_mut().for_each(|s| s.cache.clear());
    }

    /// Where requests to an address go.
    pub fn place(&self, address: u64) -> crate::address::Place {
        self.spec.map.place(address)
    }

    /// A copy into memory has gone through L2.
    pub fn copied(&mut self, address: u64, bytes: u64) {
        if !self.spec.copies_fill {
            return;
        }
        let sector = u64::from(crate::cachespec::SECTOR);
        let mut at = address / sector * sector;
        while at < address + bytes {
            let slice = self.spec.map.place(at).slice;
            self.time += 1;
            let within = self.spec.map.within(at);
            self.slices[slice as usize].cache.force(at, within, self.time);
            at += sector;
        }
    }

    /// Whether a cluster may send.
    pub fn has_room(&self, cluster: u32) -> bool {
        self.spec.perfect || self.to_slices.has_room(cluster)
    }

    /// A cluster sends a request in core cycle `now`.
    pub fn send(&mut self, cluster: u32, id: Id, now: u64) {
        let request = &mut self.requests[id];
        request.born = now;
        match request.kind.writes() {
            true => self.stats.1 += 1,
            false => self.stats.0 += 1,
        }
        if self.spec.perfect {
            self.at_once[cluster as usize].push_back(id);
            return;
        }
        request.place = self.spec.map.place(request.address);
        let slice = request.place.slice;
        self.to_slices.push(cluster, slice, id);
    }

    /// An answer for a cluster, in core cycle `now`.
    pub fn receive(&mut self, cluster: u32, now: u64) -> Option<Id> {
        let id = match self.spec.perfect {
            true => self.at_once[cluster as usize].pop_front(),
            false => self.to_clusters.pop(cluster),
        }?;
        self.latency.0 += now - self.requests[id].born;
        self.latency.1 += 1;
        Some(id)
    }

    /// Whether no answer is at hand.
    pub fn nothing_arrived(&self) -> bool {
        self.to_clusters.none_arrived() && self.at_once.iter().all(VecDeque::is_empty)
    }

    /// Slices give answers to the network.
    pub fn inject(&mut self) {
        let requests = &self.requests;
        for (i, slice) in self.slices.iter_mut().enumerate() {
            let Some(&id) = slice.output.front() else { continue };
            if self.to_clusters.has_room(i as u32) {
                let cluster = requests[id].core / self.per_cluster;
                slice.pop_output();
                self.to_clusters.push(i as u32, cluster, id);
            } else {
                self.stats.3 += 1;
            }
        }
    }

    /// The network moves.
    pub fn transfer(&mut self) {
        self.to_slices.advance();
        self.to_clusters.advance();
    }

    /// One command clock of memory; `now`: core cycles, `tick`: command clocks.
    pub fn dram_cycle(&mut self, now: u64, tick: u64) {
        let n = self.spec.slices;
        for (c, channel) in self.channels.iter_mut().enumerate() {
            let slices = &mut self.slices[c * n as usize..(c + 1) * n as usize];
            let waiting = slices.iter().any(|s| !s.to_memory.is_empty());
            if !waiting && channel.latency.is_empty() && channel.dram.is_idle() {
                continue;
            }
            if self.spec.simple_dram {
                channel.simple_cycle(slices, &mut self.requests, now, self.spec.dram_latency);
            } else {
                channel.cycle(slices, &mut self.requests, now, tick, self.spec.dram_latency);
            }
        }
    }

    /// One cycle of L2; `now`: core cycles.
    pub fn l2_cycle(&mut self, now: u64) {
        self.l2_tick += 1;
        self.time += 1;
        let map = &self.spec.map;
        for (i, slice) in self.slices.iter_mut().enumerate() {
            if self.to_slices.peek(i as u32).is_some() {
                match slice.has_room() {
                    true => {
                        if let Some(id) = self.to_slices.pop(i as u32) {
                            slice.push(id, now);
                        }
                    }
                    false => self.stats.2 += 1,
                }
            }
            if slice.next_event(now) == Some(now) {
                slice.cycle(&mut self.requests, map, now, self.l2_tick, self.time);
            }
        }
    }

    /// Cycles without events have passed: of the network, of L2.
    pub fn skip(&mut self, network: u64, l2: u64) {
        self.to_slices.skip(network);
        self.to_clusters.skip(network);
        self.l2_tick += l2;
        self.time += l2;
    }

    /// The core cycle, `now` or later, in which something happens next; none if nothing will by itself.
    pub fn next_event(&self, now: u64) -> Option<u64> {
        if !self.to_slices.is_empty() || !self.to_clusters.is_empty() || !self.nothing_arrived() {
            return Some(now);
        }
        let mut next: Option<u64> = None;
        // Clocks of memory that tick between two core cycles see the later one: go on from the earlier.
        let mut earlier = |t: u64| {
            let t = t.saturating_sub(1).max(now);
            next = Some(next.map_or(t, |n: u64| n.min(t)));
        };
        for slice in &self.slices {
            if !slice.to_memory.is_empty() {
                return Some(now);
            }
            match slice.next_event(now) {
                Some(t) if t == now => return Some(now),
                Some(t) => earlier(t),
                None => {}
            }
        }
        for channel in &self.channels {
            if !channel.dram.is_idle() {
                return Some(now);
            }
            if let Some((ready, _)) = channel.latency.front() {
                earlier((*ready).max(now));
            }
        }
        next
    }

    /// Whether somebody waits for an answer.
    pub fn is_busy(&self) -> bool {
        self.slices.iter().any(Slice::is_busy) || !self.to_slices.is_empty() || !self.to_clusters.is_empty()
    }

    /// Who holds what, for the report of a launch that stands still.
    pub fn waiting(&self) -> String {
        let busy: Vec<String> = (self.slices.iter().enumerate())
            .filter(|(_, s)| s.is_busy())
            .map(|(i, _)| i.to_string())
            .collect();
        format!(
            "{} requests are under way; L2 slices that owe an answer: {}",
            self.requests.count(),
            if busy.is_empty() {
                "none".into()
            } else {
                busy.join(", ")
            }
        )
    }

    /// Adds its counters to those of the launch.
    pub fn report(&self, s: &mut Statistics) {
        s.channels = self.spec.channels.into();
        (s.network_reads, s.network_writes) = (self.stats.0, self.stats.1);
        (s.l2_input_stalls, s.network_stalls) = (self.stats.2, self.stats.3);
        s.latency = self.latency;
        for slice in &self.slices {
            for (to, from) in
                s.l2.counts
                    .iter_mut()
                    .flatten()
                    .zip(slice.cache.stats.counts.iter().flatten())
            {
                *to += from;
            }
        }
        for channel in &self.channels {
            let (to, from) = (&mut s.dram, &channel.dram.stats);
            to.commands += from.commands;
            to.active += from.active;
            to.requests += from.requests;
            to.reads += from.reads;
            to.writes += from.writes;
            to.write_backs += from.write_backs;
            to.activates += from.activates;
            to.precharges += from.precharges;
            to.transfer += from.transfer;
            to.accesses += from.accesses;
            to.row_hits += from.row_hits;
        }
    }
}

impl Channel {
    fn cycle(&mut self, slices: &mut [Slice], requests: &mut Requests, now: u64, tick: u64, latency: u64) {
        let n = slices.len() as u32;
        if let Some(id) = self.dram.answer() {
            let local = requests[id].place.slice % n;
            let slice = &mut slices[local as usize];
            if !slice.is_full_from_memory() {
                slice.from_memory.push_back(id);
                self.credits.give_back(local);
                self.dram.answered();
            }
        }
        let mut gone = None;
        self.dram.cycle(requests, tick, |id| gone = Some(id));
        if let Some(id) = gone {
            let local = requests[id].place.slice % n;
            self.credits.give_back(local);
            if requests[id].kind == Kind::L1WriteBack {
                slices[local as usize].forget();
            }
            requests.remove(id);
        }
        self.accept(slices, requests, now, latency);
        if let Some(&(ready, id)) = self.latency.front()
            && now >= ready
            && !self.dram.is_full(requests[id].kind.writes())
        {
            self.latency.pop_front();
            self.dram.push(id);
        }
    }

    /// Fixed latency, one request in and one out in a cycle.
    fn simple_cycle(&mut self, slices: &mut [Slice], requests: &mut Requests, now: u64, latency: u64) {
        let n = slices.len() as u32;
        if let Some(&(ready, id)) = self.latency.front()
            && now >= ready
        {
            let request: Request = requests[id];
            let local = request.place.slice % n;
            let slice = &mut slices[local as usize];
            let write_back = matches!(request.kind, Kind::WriteBack | Kind::L1WriteBack);
            if write_back || !slice.is_full_from_memory() {
                self.latency.pop_front();
                self.credits.give_back(local);
                match request.kind {
                    Kind::L1WriteBack => {
                        slice.forget();
                        requests.remove(id);
                    }
                    Kind::WriteBack => requests.remove(id),
                    _ => slice.from_memory.push_back(id),
                }
                match request.kind.writes() {
                    true => self.dram.stats.writes += 1,
                    false => self.dram.stats.reads += 1,
                }
            }
        }
        self.accept(slices, requests, now, latency);
    }

    /// Slices take turns in sending a request.
    fn accept(&mut self, slices: &mut [Slice], requests: &Requests, now: u64, latency: u64) {
        let n = slices.len() as u32;
        for p in 0..n {
            let local = (p + self.credits.last + 1) % n;
            let slice = &mut slices[local as usize];
            let Some(&id) = slice.to_memory.front() else {
                continue;
            };
            if !self.credits.has(local) || slice.is_full_from_memory() {
                continue;
            }
            if !self.dram.is_full(requests[id].kind.writes()) {
                slice.to_memory.pop_front();
                self.latency.push_back((now + latency, id));
                self.credits.borrow(local);
            }
            break;
        }
    }
}
