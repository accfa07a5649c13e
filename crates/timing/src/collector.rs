//! Operand collectors: instructions wait here until the banks of the register file have given their operands.

use crate::config::CoreSpec;
use crate::flight::{Flights, Latches, NONE};
use crate::pipe::{CLASSES, Pipe};
use crate::program::Program;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
struct Collector {
    flight: u32,
    class: u8,
    /// Operands that are missing.
    missing: u8,
}

/// A way in: kinds of units in the order in which they are served, and the collectors that may take them, set by set.
#[derive(Clone, Debug)]
struct Port {
    classes: Vec<u8>,
    sets: Vec<u64>,
}

/// The operand collectors of a multiprocessor with the banks' queues.
#[derive(Clone, Debug)]
pub struct Collectors {
    all: Vec<Collector>,
    free: u64,
    /// Those that have all operands.
    ready: u64,
    /// Ways out: a set of collectors, and the one that went last.
    exits: Vec<(u64, u32)>,
    ports: Vec<Port>,
    /// By bank: collectors that wait for a read.
    queues: Vec<VecDeque<u8>>,
    /// Banks somebody waits for.
    queued: u64,
    /// Banks that are written in this step.
    written: u64,
    banks: u32,
    /// With sub-cores: banks of a scheduler.
    of_scheduler: Option<u32>,
}

/// The bits from `at` on, `n` of them.
fn range(at: u32, n: u32) -> u64 {
    let ones = if n >= 64 { u64::MAX } else { (1 << n) - 1 };
    ones << at
}

/// The order in which a way in for all looks at the kinds of units.
const ORDER: [Pipe; CLASSES] = [Pipe::Sp, Pipe::Sfu, Pipe::Mem, Pipe::Tensor, Pipe::Dp, Pipe::Int];

impl Collectors {
    /// Empty ones.
    pub fn new(spec: &CoreSpec) -> Collectors {
        let (mut at, mut exits, mut ports, mut general) = (0, Vec::new(), Vec::new(), 0);
        for set in &spec.collectors {
            let mask = range(at, set.units);
            at += set.units;
            exits.extend((0..set.out_ports).map(|_| (mask, mask.trailing_zeros())));
            let port = match set.pipe {
                None => {
                    general = mask;
                    Port {
                        classes: ORDER.iter().map(|p| *p as u8).collect(),
                        sets: vec![mask],
                    }
                }
                Some(pipe) => Port {
                    classes: vec![pipe as u8],
                    sets: vec![mask, general],
                },
            };
            ports.extend((0..set.in_ports).map(|_| port.clone()));
        }
        let empty = Collector {
            flight: NONE,
            class: 0,
            missing: 0,
        };
        Collectors {
            all: vec![empty; at as usize],
            free: range(0, at),
            ready: 0,
            exits,
            ports,
            queues: vec![VecDeque::new(); spec.banks as usize],
            queued: 0,
            written: 0,
            banks: spec.banks,
            of_scheduler: spec.sub_cores.then_some(spec.banks / spec.schedulers),
        }
    }

    /// Whether nobody waits here.
    pub fn is_empty(&self) -> bool {
        self.free.count_ones() as usize == self.all.len()
    }

    fn bank(&self, register: u32, warp: u8, scheduler: u8) -> u32 {
        let n = register + u32::from(warp);
        match self.of_scheduler {
            Some(own) => n % own + u32::from(scheduler) * own,
            None => n % self.banks,
        }
    }

    /// Takes the bank of a result for this step; false if it is being written already.
    pub fn write(&mut self, register: u32, warp: u8, scheduler: u8) -> bool {
        let bit = 1 << self.bank(register, warp, scheduler);
        let free = self.written & bit == 0;
        self.written |= bit;
        free
    }

    /// One step: ready instructions leave, banks are read, issued instructions enter.
    pub fn step(&mut self, latches: &mut Latches, flights: &Flights, program: &Program) {
        self.dispatch(latches);
        self.read();
        self.enter(latches, flights, program);
        self.written = 0;
    }

    fn dispatch(&mut self, latches: &mut Latches) {
        // Those that cannot leave, because there is no place behind.
        let mut stuck = 0;
        for e in 0..self.exits.len() {
            let (set, last) = self.exits[e];
            if self.ready & set & !stuck == 0 {
                if self.ready & !stuck == 0 {
                    return;
                }
                continue;
            }
            let mut candidates = self.ready & set;
            // From the one after the last, going around.
            let behind = if last == 63 {
                0
            } else {
                candidates & (u64::MAX << (last + 1))
            };
            let mut part = behind;
            candidates &= !behind;
            let found = loop {
                if part == 0 {
                    if candidates == 0 {
                        break None;
                    }
                    part = std::mem::take(&mut candidates);
                }
                let c = part.trailing_zeros();
                part &= part - 1;
                let class = self.all[c as usize].class as usize;
                if latches.oc_ex[class].len() < latches.width[class] as usize {
                    break Some(c);
                }
            };
            let Some(c) = found else {
                stuck |= set;
                continue;
            };
            self.exits[e].1 = c;
            let collector = &mut self.all[c as usize];
            latches.oc_ex[collector.class as usize].push(collector.flight);
            collector.flight = NONE;
            self.ready &= !(1 << c);
            self.free |= 1 << c;
        }
    }

    fn read(&mut self) {
        let mut banks = self.queued & !self.written;
        while banks != 0 {
            let bank = banks.trailing_zeros();
            banks &= banks - 1;
            let queue = &mut self.queues[bank as usize];
            if let Some(c) = queue.pop_front() {
                let collector = &mut self.all[c as usize];
                collector.missing -= 1;
                if collector.missing == 0 {
                    self.ready |= 1 << c;
                }
            }
            if queue.is_empty() {
                self.queued &= !(1 << bank);
            }
        }
    }

    fn enter(&mut self, latches: &mut Latches, flights: &Flights, program: &Program) {
        let mut waiting: u32 = latches.issued.iter().sum();
        for p in 0..self.ports.len() {
            if waiting == 0 || self.free == 0 {
                return;
            }
            let port = &self.ports[p];
            // Only the first kind that has something is served.
            let Some(class) = port
                .classes
                .iter()
                .map(|c| *c as usize)
                .find(|c| latches.issued[*c] > 0)
            else {
                continue;
            };
            let Some(free) = port.sets.iter().map(|s| s & self.free).find(|f| *f != 0) else {
                continue;
            };
            let Some(flight) = latches.take_issued(class, flights) else {
                continue;
            };
            waiting -= 1;
            let c = free.trailing_zeros();
            self.free &= !(1 << c);
            let f = &flights[flight];
            let reads = &program.insts[f.inst as usize].reads;
            self.all[c as usize] = Collector {
                flight,
                class: class as u8,
                missing: reads.len() as u8,
            };
            if reads.is_empty() {
                self.ready |= 1 << c;
            }
            for register in reads {
                let bank = self.bank(*register, f.warp, f.scheduler);
                self.queues[bank as usize].push_back(c as u8);
                self.queued |= 1 << bank;
            }
        }
    }
}
