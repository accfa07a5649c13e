//! A memory channel: scheduler, banks and timing constraints. Constraints are kept as the cycle from which a command is
//! allowed, so that an idle channel costs nothing.

use crate::Error;
use crate::hash::SetIndex;
use crate::reader::Reader;
use crate::request::{Id, Kind, Requests};
use crate::stats::DramStats;
use std::collections::VecDeque;

/// Names and places of `-gpgpu_dram_timing_opt`.
const NAMES: [&str; 14] = [
    "nbk", "CCD", "RRD", "RCD", "RAS", "RP", "RC", "CL", "WL", "CDLR", "WR", "nbkgrp", "CCDL", "RTPL",
];

/// Timing in command clocks.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // JEDEC's names
pub struct Timings {
    pub banks: u32,
    pub groups: u32,
    pub ccd: u64,
    pub rrd: u64,
    pub rcd: u64,
    pub ras: u64,
    pub rp: u64,
    pub rc: u64,
    pub cl: u64,
    pub wl: u64,
    pub ccdl: u64,
    pub rtpl: u64,
    /// ACT to WR.
    pub rcdwr: u64,
    /// RD to WR.
    pub rtw: u64,
    /// WR to RD.
    pub wtr: u64,
    /// WR to PRE.
    pub wtp: u64,
    /// RD to PRE.
    pub rtp: u64,
}

impl Timings {
    /// What the option says; `transfer`: command clocks of a burst.
    pub(crate) fn read(r: &Reader, transfer: u32, turnaround: bool) -> Result<Timings, Error> {
        const NAME: &str = "-gpgpu_dram_timing_opt";
        let mut given = [None; 14];
        for (i, part) in r.0.get(NAME).split(':').enumerate() {
            let (at, number) = match part.split_once('=') {
                Some((name, number)) => (NAMES.iter().position(|n| *n == name.trim()), number),
                None => (Some(i), part),
            };
            let (Some(at), Ok(number)) = (at.filter(|a| *a < NAMES.len()), number.trim().parse::<u64>())
            else {
                return r.refuse(NAME, format!("`{part}` is none of {}", NAMES.join(", ")));
            };
            if number > 10_000 {
                return r.refuse(NAME, format!("`{part}`: 10000 is the largest"));
            }
            given[at] = Some(number);
        }
        let mut n = [0; 14];
        for (at, name) in NAMES.into_iter().enumerate() {
            n[at] = match given[at] {
                Some(n) => n,
                // What early files do not know: one group, no constraint.
                None if at >= 11 => u64::from(at == 11),
                None => return r.refuse(NAME, format!("{name} is missing")),
            };
        }
        let [
            banks,
            ccd,
            rrd,
            rcd,
            ras,
            rp,
            rc,
            cl,
            wl,
            cdlr,
            wr,
            groups,
            ccdl,
            rtpl,
        ] = n;
        if !(1..=64).contains(&banks) || !banks.is_power_of_two() {
            return r.refuse(NAME, "nbk must be a power of two, 64 at most");
        }
        if groups == 0 || !banks.is_multiple_of(groups) {
            return r.refuse(NAME, "nbkgrp must divide nbk");
        }
        if cl == 0 || wl > cl {
            return r.refuse(NAME, "CL must be 1 at least, and WL no larger");
        }
        if rcd < wl + 1 {
            return r.refuse(
                NAME,
                "RCD must be larger than WL: RCD - (WL + 1) comes before a write",
            );
        }
        let transfer = u64::from(transfer);
        let around = |n: u64| if turnaround { n } else { 0 };
        Ok(Timings {
            banks: banks as u32,
            groups: groups as u32,
            ccd,
            rrd,
            rcd,
            ras,
            rp,
            rc,
            cl,
            wl,
            ccdl,
            rtpl,
            rcdwr: rcd - (wl + 1),
            rtw: around(cl + transfer + 2 - wl),
            wtr: around(wl + transfer + cdlr),
            wtp: wl + transfer + wr,
            rtp: transfer,
        })
    }
}

/// A channel.
#[derive(Clone, Debug)]
pub struct DramSpec {
    /// Constraints.
    pub timings: Timings,
    /// First come, first served, rather than row hits first.
    pub fifo: bool,
    /// Requests that the scheduler sees; 0: all.
    pub queue: usize,
    /// Answers that wait; 0: 1024.
    pub returns: usize,
    /// Bytes of a column command.
    pub atom: u32,
    /// A row and a column command fit in one cycle.
    pub dual_bus: bool,
    /// How banks are numbered.
    pub bank_indexing: SetIndex,
    /// The low bits of a bank say its group.
    pub groups_low: bool,
    /// A queue for writes: places, where writing starts, where it stops.
    pub writes: Option<(usize, usize, usize)>,
}

/// A request that has a bank.
#[derive(Clone, Copy, Debug)]
struct Job {
    id: Id,
    row: u32,
    write: bool,
    /// Bytes that are still to move.
    left: u32,
}

#[derive(Clone, Debug, Default)]
struct Bank {
    job: Option<Job>,
    open: Option<u32>,
    /// Row that was last open, which FR-FCFS looks for.
    last: u32,
    /// Earliest cycles of RD, WR, PRE (after ACT, after WR, after RD), ACT (after PRE, after ACT).
    read: u64,
    write: u64,
    pre: u64,
    act: u64,
    /// Pending reads (or all), oldest first, and the row that is being served.
    reads: (VecDeque<Job>, Option<u32>),
    writes: (VecDeque<Job>, Option<u32>),
}

/// A memory channel.
#[derive(Clone, Debug)]
pub struct Dram {
    spec: DramSpec,
    banks: Vec<Bank>,
    /// By group: earliest RD or WR, earliest PRE.
    groups: Vec<(u64, u64)>,
    ccd: u64,
    rrd: u64,
    rtw: u64,
    wtr: u64,
    first: u32,
    writing_bus: bool,
    writing: bool,
    /// Column commands under way: when the data has moved, and whether the request is done then.
    moving: VecDeque<(u64, Id, bool)>,
    input: VecDeque<Id>,
    returns: VecDeque<Id>,
    pending: usize,
    pending_writes: usize,
    /// Banks that have a job.
    busy: u64,
    /// Counters.
    pub stats: DramStats,
}

impl Dram {
    /// An idle channel.
    pub fn new(spec: DramSpec) -> Dram {
        let t = &spec.timings;
        Dram {
            banks: vec![Bank::default(); t.banks as usize],
            groups: vec![(0, 0); t.groups as usize],
            ccd: 0,
            rrd: 0,
            rtw: 0,
            wtr: 0,
            first: 0,
            writing_bus: false,
            writing: false,
            moving: VecDeque::new(),
            input: VecDeque::new(),
            returns: VecDeque::new(),
            pending: 0,
            pending_writes: 0,
            busy: 0,
            stats: DramStats::default(),
            spec,
        }
    }

    /// Whether there is nothing to do.
    pub fn is_idle(&self) -> bool {
        self.moving.is_empty()
            && self.input.is_empty()
            && self.returns.is_empty()
            && self.pending + self.pending_writes == 0
            && self.busy == 0
    }

    /// Whether it takes no further request.
    pub fn is_full(&self, write: bool) -> bool {
        match self.spec.writes {
            _ if self.spec.fifo => self.input.len() >= 2,
            _ if self.spec.queue == 0 => false,
            Some((size, _, _)) if write => self.pending_writes >= size,
            _ => self.pending >= self.spec.queue,
        }
    }

    /// Takes a request.
    pub fn push(&mut self, id: Id) {
        self.stats.requests += 1;
        self.input.push_back(id);
    }

    /// The answer that goes back next.
    pub fn answer(&self) -> Option<Id> {
        self.returns.front().copied()
    }

    /// It has gone back.
    pub fn answered(&mut self) {
        self.returns.pop_front();
    }

    fn group(&self, bank: u32) -> usize {
        let t = &self.spec.timings;
        match self.spec.groups_low {
            true => (bank % t.groups) as usize,
            false => (bank / (t.banks / t.groups)) as usize,
        }
    }

    /// One command clock; `now` is its number. Write-backs that are done are given to `done`.
    pub fn cycle(&mut self, requests: &Requests, now: u64, mut done: impl FnMut(Id)) {
        let room = if self.spec.returns == 0 {
            1024
        } else {
            self.spec.returns
        };
        if self.returns.len() < room
            && let Some(&(ready, id, last)) = self.moving.front()
            && ready <= now
        {
            self.moving.pop_front();
            if last {
                match requests[id].kind {
                    Kind::WriteBack | Kind::L1WriteBack => done(id),
                    _ => self.returns.push_back(id),
                }
            }
        }
        self.schedule(requests);
        self.stats.commands += 1;
        if self.busy == 0 {
            return;
        }
        self.stats.active += 1;
        let column = (0..self.spec.timings.banks).any(|k| self.column(k, requests, now));
        if self.spec.dual_bus || !column {
            let _ = (0..self.spec.timings.banks).any(|k| self.row(k, now));
        }
    }

    /// Bank number `k` from the first one on.
    fn turn(&self, k: u32) -> u32 {
        (k + self.first) % self.spec.timings.banks
    }

    /// Gives one idle bank its next request.
    fn schedule(&mut self, requests: &Requests) {
        if self.spec.fifo {
            let Some(&id) = self.input.front() else { return };
            let (bank, job) = self.job(requests, id);
            let b = &mut self.banks[bank as usize];
            if b.job.is_none() {
                b.job = Some(job);
                self.busy |= 1 << bank;
                self.input.pop_front();
            }
            return;
        }
        while let Some(id) = self.input.pop_front() {
            let (bank, job) = self.job(requests, id);
            let b = &mut self.banks[bank as usize];
            if job.write && self.spec.writes.is_some() {
                self.pending_writes += 1;
                b.writes.0.push_back(job);
            } else {
                self.pending += 1;
                b.reads.0.push_back(job);
            }
        }
        if self.pending + self.pending_writes == 0 {
            return;
        }
        for k in 0..self.spec.timings.banks {
            let bank = self.turn(k);
            if self.busy >> bank & 1 == 0
                && let Some(job) = self.next_job(bank)
            {
                self.first = (self.first + 1) % self.spec.timings.banks;
                self.banks[bank as usize].job = Some(job);
                self.busy |= 1 << bank;
                return;
            }
        }
    }

    fn job(&self, requests: &Requests, id: Id) -> (u32, Job) {
        let r = &requests[id];
        let banks = self.spec.timings.banks;
        let bank = self
            .spec
            .bank_indexing
            .of(r.place.row.into(), r.place.bank % banks, banks);
        let job = Job {
            id,
            row: r.place.row,
            write: r.kind.writes(),
            left: r.size,
        };
        (bank, job)
    }

    /// Row hits first, then the row of the oldest; a row that is being served is served until nobody wants it.
    fn next_job(&mut self, bank: u32) -> Option<Job> {
        if let Some((_, high, low)) = self.spec.writes {
            if !self.writing && self.pending_writes >= high {
                self.writing = true;
            } else if self.writing && self.pending_writes < low {
                self.writing = false;
            }
        }
        let b = &mut self.banks[bank as usize];
        let (list, serving) = match self.writing {
            true => &mut b.writes,
            false => &mut b.reads,
        };
        let mut hit = true;
        let row = match serving {
            Some(row) => *row,
            None => {
                let oldest = list.front()?.row;
                hit = list.iter().any(|j| j.row == b.last);
                if hit { b.last } else { oldest }
            }
        };
        let at = list.iter().position(|j| j.row == row)?;
        let job = list.remove(at)?;
        *serving = list.iter().any(|j| j.row == row).then_some(row);
        self.stats.accesses += 1;
        self.stats.row_hits += u64::from(hit);
        match job.write && self.spec.writes.is_some() {
            true => self.pending_writes -= 1,
            false => self.pending -= 1,
        }
        Some(job)
    }

    /// RD or WR, if bank `k` may.
    fn column(&mut self, k: u32, requests: &Requests, now: u64) -> bool {
        let bank = self.turn(k);
        let (group, t) = (self.group(bank), self.spec.timings);
        let b = &mut self.banks[bank as usize];
        let Some(job) = &mut b.job else { return false };
        if b.open != Some(job.row) || now < self.ccd || now < self.groups[group].0 {
            return false;
        }
        let allowed = match job.write {
            true => now >= b.write && now >= self.rtw,
            false => now >= b.read && now >= self.wtr,
        };
        if !allowed {
            return false;
        }
        self.ccd = now + t.ccd;
        self.groups[group].0 = now + t.ccdl;
        let delay = if job.write { t.wl } else { t.cl };
        let last = self.moving.back().map_or(0, |m| m.0 + 1);
        let write_back = requests[job.id].kind == Kind::WriteBack;
        if job.write {
            self.wtr = now + t.wtr;
            b.pre = b.pre.max(now + t.wtp);
            self.stats.writes += u64::from(!write_back);
            self.stats.write_backs += u64::from(write_back);
        } else {
            self.rtw = now + t.rtw;
            b.pre = b.pre.max(now + t.rtp);
            self.groups[group].1 = now + t.rtpl;
            self.stats.reads += 1;
        }
        self.writing_bus = job.write;
        job.left = job.left.saturating_sub(self.spec.atom);
        self.stats.transfer += t.rtp;
        let complete = job.left == 0;
        self.moving.push_back(((now + delay).max(last), job.id, complete));
        if complete {
            b.job = None;
            self.busy &= !(1 << bank);
        }
        true
    }

    /// ACT or PRE, if bank `k` may.
    fn row(&mut self, k: u32, now: u64) -> bool {
        let bank = self.turn(k);
        let (group, t) = (self.group(bank), self.spec.timings);
        let b = &mut self.banks[bank as usize];
        let Some(job) = b.job else { return false };
        match b.open {
            None if now >= self.rrd && now >= b.act => {
                b.open = Some(job.row);
                b.last = job.row;
                self.rrd = now + t.rrd;
                b.read = now + t.rcd;
                b.write = now + t.rcdwr;
                b.pre = b.pre.max(now + t.ras);
                b.act = now + t.rc;
                self.stats.activates += 1;
            }
            Some(open) if open != job.row && now >= b.pre && now >= self.groups[group].1 => {
                b.open = None;
                b.act = b.act.max(now + t.rp);
                self.stats.precharges += 1;
            }
            _ => return false,
        }
        self.first = (bank + 1) % t.banks;
        true
    }
}
