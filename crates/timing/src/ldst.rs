//! What the load and store unit of a multiprocessor holds; what it does with it is in `access`.

use crate::cache::Cache;
use crate::config::{CoreSpec, L1Spec};
use crate::flight::NONE;
use crate::request::Id;
use std::collections::VecDeque;

/// Accesses on their way to the tags of L1, by bank.
#[derive(Clone, Debug, Default)]
pub struct Bank {
    /// Each with the cycle in which it reaches them.
    pub queue: VecDeque<(u64, Id)>,
    /// The last cycle in which one came in.
    pub last: Option<u64>,
}

/// A result that is being written.
#[derive(Clone, Copy, Debug)]
pub struct Write {
    /// The instruction.
    pub flight: u32,
    /// Registers that have been written.
    pub done: usize,
}

/// The load and store unit of a multiprocessor.
#[derive(Clone, Debug)]
pub struct Ldst {
    /// The instruction that makes its accesses.
    pub dispatch: u32,
    /// The result at hand.
    pub writing: Option<Write>,
    /// Who wrote last, of: shared memory, textures, constants, uncached, L1.
    pub turn: usize,
    /// Accesses to shared memory, and when each is done.
    pub shared: VecDeque<(u64, u32)>,
    /// Latency of shared memory.
    pub shared_latency: u64,
    /// Answers from memory.
    pub responses: VecDeque<Id>,
    room: usize,
    /// An answer that does not go through L1.
    pub uncached: Option<Id>,
    /// Accesses on their way to L1.
    pub banks: Vec<Bank>,
    /// L1.
    pub l1: Option<(L1Spec, Cache)>,
}

/// Those who write results.
pub const CLIENTS: usize = 5;

impl Ldst {
    /// An idle one.
    pub fn new(spec: &CoreSpec) -> Ldst {
        Ldst {
            dispatch: NONE,
            writing: None,
            turn: 0,
            shared: VecDeque::new(),
            shared_latency: spec.shared_latency.into(),
            responses: VecDeque::new(),
            room: spec.responses,
            uncached: None,
            banks: vec![Bank::default(); spec.l1.as_ref().map_or(0, |l| l.banks as usize)],
            l1: spec.l1.clone().map(|l| {
                let cache = Cache::new(l.cache.clone());
                (l, cache)
            }),
        }
    }

    /// Whether it takes an answer.
    pub fn has_room(&self) -> bool {
        self.responses.len() < self.room
    }

    /// Empties L1.
    pub fn clear_l1(&mut self) {
        if let Some((_, cache)) = &mut self.l1 {
            cache.clear();
        }
    }

    /// Before a launch: nothing is under way, L1 has `ways` ways (its own, if none).
    pub fn begin(&mut self, ways: Option<u32>) {
        self.turn = 0;
        for bank in &mut self.banks {
            bank.last = None;
        }
        if let Some((spec, cache)) = &mut self.l1 {
            cache.stats = Default::default();
            cache.resize(ways.unwrap_or(spec.cache.ways));
        }
    }

    /// Its L1.
    pub fn l1(&mut self) -> Option<&mut Cache> {
        self.l1.as_mut().map(|l| &mut l.1)
    }

    /// The cycle after `now` with something to do; `u64::MAX` if there is none.
    pub fn next_event(&self, now: u64) -> u64 {
        let cache = self.l1.as_ref().map(|l| &l.1);
        if self.dispatch != NONE
            || self.writing.is_some()
            || self.uncached.is_some()
            || !self.responses.is_empty()
            || cache.is_some_and(|c| c.is_ready() || c.outgoing().is_some())
        {
            return now + 1;
        }
        let fronts = self.banks.iter().filter_map(|b| b.queue.front());
        let shared = self.shared.front().map(|s| s.0);
        fronts
            .map(|f| f.0)
            .chain(shared)
            .min()
            .map_or(u64::MAX, |t| t.max(now + 1))
    }
}
