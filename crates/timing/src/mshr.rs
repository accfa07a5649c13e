//! Miss status holding registers: which sectors are on their way, and who waits for them.

use crate::request::Id;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

#[derive(Clone, Debug, Default)]
struct Entry {
    waiting: VecDeque<Id>,
    atomic: bool,
}

/// The MSHRs of a cache.
#[derive(Clone, Debug)]
pub struct Mshrs {
    entries: FxHashMap<u64, Entry>,
    /// Sectors that have come, in order.
    ready: VecDeque<u64>,
    most: usize,
    merge: usize,
    /// Entries to be used again.
    idle: Vec<Entry>,
}

/// Whether an access finds a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The sector is on its way, and one more may wait for it.
    Merge,
    /// There is a free register.
    New,
    /// Too many wait for the sector.
    NoMerge,
    /// No register is free.
    Full,
}

impl Mshrs {
    /// `most` registers, for which `merge` accesses each may wait.
    pub fn new(most: usize, merge: usize) -> Mshrs {
        Mshrs {
            entries: FxHashMap::default(),
            ready: VecDeque::new(),
            most,
            merge,
            idle: Vec::new(),
        }
    }

    /// What an access to `sector` would find.
    pub fn room(&self, sector: u64) -> Room {
        match self.entries.get(&sector) {
            Some(e) if e.waiting.len() >= self.merge => Room::NoMerge,
            Some(_) => Room::Merge,
            None if self.entries.len() >= self.most => Room::Full,
            None => Room::New,
        }
    }

    /// `id` waits for `sector`.
    pub fn add(&mut self, sector: u64, id: Id, atomic: bool) {
        let idle = &mut self.idle;
        let entry = self
            .entries
            .entry(sector)
            .or_insert_with(|| idle.pop().unwrap_or_default());
        entry.waiting.push_back(id);
        entry.atomic |= atomic;
    }

    /// Who waits for `sector`, in order.
    pub fn waiting(&self, sector: u64) -> impl Iterator<Item = Id> {
        let entry = self.entries.get(&sector);
        entry.into_iter().flat_map(|e| e.waiting.iter().copied())
    }

    /// The sector has come. Whether an atomic waits for it.
    pub fn fill(&mut self, sector: u64) -> bool {
        self.ready.push_back(sector);
        self.entries.get(&sector).is_some_and(|e| e.atomic)
    }

    /// Whether somebody can be answered.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next one who is answered.
    pub fn next_ready(&mut self) -> Option<Id> {
        let sector = *self.ready.front()?;
        let entry = self.entries.get_mut(&sector)?;
        let id = entry.waiting.pop_front();
        if entry.waiting.is_empty() {
            if let Some(mut entry) = self.entries.remove(&sector) {
                entry.atomic = false;
                self.idle.push(entry);
            }
            self.ready.pop_front();
        }
        id
    }

    /// Nobody waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
