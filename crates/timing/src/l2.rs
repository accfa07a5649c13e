//! A slice of L2: the queues around it and its cache.

use crate::address::AddressMap;
use crate::cache::{Cache, Status};
use crate::cachespec::WriteMiss;
use crate::config::MemorySpec;
use crate::request::{Id, Kind, Requests};
use std::collections::VecDeque;

/// A slice.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Its cache.
    pub cache: Cache,
    /// Requests on their way in, and the core cycle when each has arrived.
    rop: VecDeque<(u64, Id)>,
    input: VecDeque<Id>,
    /// Requests to memory.
    pub to_memory: VecDeque<Id>,
    /// Answers from memory.
    pub from_memory: VecDeque<Id>,
    /// Answers to the network.
    pub output: VecDeque<Id>,
    room: [usize; 4],
    /// Reads and acknowledged writes that have not left.
    tracked: usize,
    rop_latency: u64,
    answers_writes: bool,
}

impl Slice {
    /// An empty slice.
    pub fn new(spec: &MemorySpec) -> Slice {
        Slice {
            cache: Cache::new(spec.l2.clone()),
            rop: VecDeque::new(),
            input: VecDeque::new(),
            to_memory: VecDeque::new(),
            from_memory: VecDeque::new(),
            output: VecDeque::new(),
            room: spec.queues,
            tracked: 0,
            rop_latency: spec.rop,
            answers_writes: matches!(spec.l2.miss, WriteMiss::FetchOnWrite | WriteMiss::LazyFetch),
        }
    }

    /// Whether it takes a request: there is room for all sectors of a line.
    pub fn has_room(&self) -> bool {
        self.input.len() + 3 < self.room[0]
    }

    /// Takes a request from the network in core cycle `now`.
    pub fn push(&mut self, id: Id, now: u64) {
        self.tracked += 1;
        self.rop.push_back((now + self.rop_latency, id));
    }

    /// Whether a request waits for an answer of this slice.
    pub fn is_busy(&self) -> bool {
        self.tracked > 0
    }

    /// Whether answers from memory find no place.
    pub fn is_full_from_memory(&self) -> bool {
        self.from_memory.len() >= self.room[2]
    }

    /// Takes the next answer for the network.
    pub fn pop_output(&mut self) -> Option<Id> {
        let id = self.output.pop_front()?;
        self.tracked -= 1;
        Some(id)
    }

    /// The core cycle in which something happens next; none if nothing will by itself.
    pub fn next_event(&self, now: u64) -> Option<u64> {
        let waits = !self.input.is_empty()
            || !self.from_memory.is_empty()
            || !self.output.is_empty()
            || self.cache.is_ready()
            || self.cache.outgoing().is_some();
        match self.rop.front() {
            _ if waits => Some(now),
            Some((ready, _)) => Some((*ready).max(now)),
            None => None,
        }
    }

    /// One cycle; `now`: core cycles; `tick`: cycles of L2; `time`: for the replacement.
    pub fn cycle(&mut self, requests: &mut Requests, map: &AddressMap, now: u64, tick: u64, time: u64) {
        // Answer somebody who waited for a sector.
        if self.cache.is_ready()
            && self.output.len() < self.room[3]
            && let Some(id) = self.cache.next_ready()
        {
            match requests[id].kind {
                // Nobody above waits for these.
                Kind::WriteAllocate => {
                    if let Some(write) = requests[id].original {
                        self.answer(requests, write);
                    }
                    requests.remove(id);
                }
                _ => self.output.push_back(id),
            }
        }
        if let Some(&id) = self.from_memory.front() {
            if self.cache.awaits(id) {
                if self.cache.fill_port_free(tick) {
                    let within = map.within(requests[id].address);
                    self.cache.fill(requests, id, within, time, tick);
                    self.from_memory.pop_front();
                }
            } else if self.output.len() < self.room[3] {
                self.output.push_back(id);
                self.from_memory.pop_front();
            }
        }
        if let Some(id) = self.cache.outgoing()
            && self.to_memory.len() < self.room[1]
        {
            self.cache.sent();
            self.to_memory.push_back(id);
        }
        self.access(requests, map, tick, time);
        if let Some(&(ready, id)) = self.rop.front()
            && now >= ready
            && self.input.len() < self.room[0]
        {
            self.rop.pop_front();
            self.input.push_back(id);
        }
    }

    fn access(&mut self, requests: &mut Requests, map: &AddressMap, tick: u64, time: u64) {
        let Some(&id) = self.input.front() else { return };
        if self.to_memory.len() >= self.room[1]
            || self.output.len() >= self.room[3]
            || !self.cache.data_port_free(tick)
        {
            return;
        }
        let within = map.within(requests[id].address);
        let kind = requests[id].kind;
        let outcome = self.cache.access(requests, id, within, time, tick);
        let answered = match outcome.status {
            Status::Fail => return,
            // What goes on to memory is answered from there.
            _ if outcome.forwarded => false,
            Status::Hit => true,
            _ => kind.writes() && self.answers_writes && !outcome.fetches,
        };
        self.input.pop_front();
        if answered {
            self.answer(requests, id);
        }
    }

    /// Acknowledges what was taken; nobody waits for the acknowledgement of a write-back of L1.
    fn answer(&mut self, requests: &mut Requests, id: Id) {
        if requests[id].kind == Kind::L1WriteBack {
            self.forget();
            requests.remove(id);
        } else {
            self.output.push_back(id);
        }
    }

    /// A request has gone that needs no answer.
    pub fn forget(&mut self) {
        self.tracked -= 1;
    }
}
