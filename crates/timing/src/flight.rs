//! Warp instructions between issue and completion, and the registers in which they wait between stages.

use crate::coalesce::Sector;
use crate::pipe::CLASSES;
use crate::slab::Slab;

/// No instruction.
pub const NONE: u32 = u32::MAX;

/// All under way in a multiprocessor.
pub type Flights = Slab<Flight>;

/// An instruction of a warp that has been issued.
#[derive(Clone, Debug, Default)]
pub struct Flight {
    /// Grows from issue to issue: age.
    pub uid: u64,
    /// Which instruction.
    pub inst: u32,
    /// The warp.
    pub warp: u8,
    /// Its scheduler.
    pub scheduler: u8,
    /// Threads that execute it.
    pub threads: u32,
    /// Accesses that are not answered.
    pub pending: u32,
    /// Cycles that it still keeps the load and store unit (shared memory).
    pub cycles: u32,
    /// It goes to shared memory.
    pub shared: bool,
    /// It goes to local memory.
    pub local: bool,
    /// Accesses that have not been made, by address; the last is the next.
    pub sectors: Vec<Sector>,
    /// It has left the load and store unit.
    pub left: bool,
    /// The next with a result in the same cycle.
    pub next: u32,
}

/// Places between issue and operand collectors, and between these and units, for each kind of unit.
#[derive(Clone, Debug)]
pub struct Latches {
    /// By place; with sub-cores the place is the scheduler's.
    pub id_oc: [Vec<u32>; CLASSES],
    /// In the order of arrival.
    pub oc_ex: [Vec<u32>; CLASSES],
    /// How many `oc_ex` holds.
    pub width: [u32; CLASSES],
    /// Instructions in `id_oc`, by kind.
    pub issued: [u32; CLASSES],
}

impl Latches {
    /// Empty ones.
    pub fn new(id_oc: [u32; CLASSES], oc_ex: [u32; CLASSES]) -> Latches {
        Latches {
            id_oc: id_oc.map(|n| vec![NONE; n as usize]),
            oc_ex: oc_ex.map(|n| Vec::with_capacity(n as usize)),
            width: oc_ex,
            issued: [0; CLASSES],
        }
    }

    /// Whether all are empty.
    pub fn is_empty(&self) -> bool {
        self.issued.iter().all(|n| *n == 0) && self.oc_ex.iter().all(Vec::is_empty)
    }

    /// The place for an instruction that `scheduler` issues; none if there is none.
    pub fn place(&self, class: usize, sub_cores: bool, scheduler: usize) -> Option<usize> {
        let places = &self.id_oc[class];
        match sub_cores {
            true => (*places.get(scheduler)? == NONE).then_some(scheduler),
            false => places.iter().position(|p| *p == NONE),
        }
    }

    /// Takes the oldest instruction that was issued to a kind of unit.
    pub fn take_issued(&mut self, class: usize, flights: &Flights) -> Option<u32> {
        if self.issued[class] == 0 {
            return None;
        }
        let places = &mut self.id_oc[class];
        let oldest = (0..places.len())
            .filter(|i| places[*i] != NONE)
            .min_by_key(|i| flights[places[*i]].uid)?;
        self.issued[class] -= 1;
        Some(std::mem::replace(&mut places[oldest], NONE))
    }

    /// Where the oldest instruction that waits for a kind of unit stands.
    pub fn oldest_ready(&self, class: usize, flights: &Flights) -> Option<usize> {
        let list = &self.oc_ex[class];
        (0..list.len()).min_by_key(|i| flights[list[*i]].uid)
    }
}
