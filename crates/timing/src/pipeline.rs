//! Arithmetic units. An instruction keeps the front of its unit for its initiation interval, and has its result after its
//! latency; neither moves stage by stage here: cycles are kept.

use crate::config::CoreSpec;
use crate::flight::{Flights, NONE};
use crate::program::Inst;

#[derive(Clone, Debug, Default)]
struct Unit {
    /// From when on it takes the next instruction.
    free: u64,
    /// When its instructions come out at the end.
    exits: Vec<u64>,
}

/// The arithmetic units of a multiprocessor, and the results that they will have.
#[derive(Clone, Debug)]
pub struct Units {
    units: [Vec<Unit>; 5],
    /// Results by the cycle in which they are written, modulo their number: the first, and how many.
    results: Vec<(u32, u32)>,
    /// Cycles with results, as bits.
    some: Vec<u64>,
    width: u32,
    /// Results under way.
    pub count: usize,
}

impl Units {
    /// Idle ones.
    pub fn new(spec: &CoreSpec) -> Units {
        let (l, mut most) = (&spec.latency, 0);
        for c in [&l.int, &l.fp, &l.dp, &l.vp] {
            most = most.max(c.add).max(c.max).max(c.mul).max(c.mad).max(c.div);
        }
        let slots = (most.max(l.sfu).max(l.tensor).max(l.shuffle) + 3)
            .next_power_of_two()
            .max(64) as usize;
        let units = |class: usize| vec![Unit::default(); spec.units[class] as usize];
        Units {
            units: [0, 1, 2, 3, 4].map(units),
            results: vec![(NONE, 0); slots],
            some: vec![0; slots / 64],
            width: spec.results,
            count: 0,
        }
    }

    /// Units of a kind.
    pub fn of(&self, class: usize) -> usize {
        self.units[class].len()
    }

    /// Gives an instruction to unit `n` of a kind in cycle `now`, if it can take it and the result finds a bus.
    pub fn issue(
        &mut self,
        class: usize,
        n: usize,
        flights: &mut Flights,
        id: u32,
        inst: &Inst,
        now: u64,
    ) -> bool {
        let (latency, initiation) = (inst.latency, inst.initiation);
        let unit = &mut self.units[class][n];
        let exit = now + u64::from(latency);
        if now < unit.free || unit.exits.contains(&exit) {
            return false;
        }
        let slot = (exit + 2) as usize & (self.results.len() - 1);
        if self.results[slot].1 >= self.width {
            return false;
        }
        unit.free = now + u64::from(initiation);
        if unit.exits.len() >= 16 {
            unit.exits.retain(|e| *e > now);
        }
        unit.exits.push(exit);
        flights[id].next = self.results[slot].0;
        self.results[slot].0 = id;
        self.results[slot].1 += 1;
        self.some[slot / 64] |= 1 << (slot % 64);
        self.count += 1;
        true
    }

    /// The first result of cycle `now`, which leads to the others; they are the caller's.
    pub fn take(&mut self, now: u64) -> u32 {
        let slot = now as usize & (self.results.len() - 1);
        let (first, n) = std::mem::replace(&mut self.results[slot], (NONE, 0));
        if n > 0 {
            self.some[slot / 64] &= !(1 << (slot % 64));
            self.count -= n as usize;
        }
        first
    }

    /// The cycle after `now` with the next result.
    pub fn next_result(&self, now: u64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let slots = self.results.len() as u64;
        let mut at = now + 1;
        let end = at + slots;
        while at < end {
            let slot = at & (slots - 1);
            let bits = self.some[(slot / 64) as usize] >> (slot % 64);
            if bits != 0 {
                return Some(at + u64::from(bits.trailing_zeros()));
            }
            at += 64 - slot % 64;
        }
        None
    }
}
