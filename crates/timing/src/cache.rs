//! A sectored cache: tags, MSHRs and the queue of requests that go on. It holds no data: function is the engine's.

use crate::cachespec::{CacheSpec, Level, SECTOR, SECTORS, WriteHit, WriteMiss};
use crate::mshr::{Mshrs, Room};
use crate::request::{Id, Kind, Request, Requests};
use crate::stats::CacheStats;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// What an access finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The sector.
    Hit,
    /// A sector that is on its way.
    HitReserved,
    /// No such line.
    Miss,
    /// The line without the sector.
    SectorMiss,
    /// Nothing, and no room to wait: the access must come again.
    Fail,
}

/// What an access did.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// What it found: `Miss` for all that was accepted and is no hit.
    pub status: Status,
    /// The write itself goes on to the next level.
    pub forwarded: bool,
    /// The rest of the sector is read because of a write.
    pub fetches: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Invalid,
    Reserved,
    Valid,
    Modified,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    tag: u64,
    used: u64,
    allocated: u64,
    sectors: [State; SECTORS],
    /// By sector: all of it can be read.
    readable: u8,
    /// By sector: what comes from memory is older than what is there.
    ignore_fill: u8,
    /// By sector: it was written while on its way.
    modified_fill: u8,
}

const NO_TAG: u64 = u64::MAX;

impl Line {
    fn is_invalid(&self) -> bool {
        self.sectors == [State::Invalid; SECTORS]
    }
    fn is_reserved(&self) -> bool {
        self.sectors.contains(&State::Reserved)
    }
    /// Bytes in modified sectors.
    fn modified(&self) -> u32 {
        SECTOR * self.sectors.iter().filter(|s| **s == State::Modified).count() as u32
    }
}

/// Where a cache looks for lines faster than way by way.
const MAP_FROM_WAYS: u32 = 33;

/// A cache.
#[derive(Clone, Debug)]
pub struct Cache {
    spec: CacheSpec,
    /// Ways in use: the adaptive L1 changes them.
    ways: u32,
    lines: Vec<Line>,
    /// By set: ways from here on hold lines.
    top: Vec<u32>,
    /// Line by tag, in caches with many ways.
    map: Option<FxHashMap<u64, u32>>,
    mshrs: Mshrs,
    /// Line that waits for a request, by request: caches that allocate on miss.
    reserved: FxHashMap<Id, u32>,
    /// Lines that a streaming cache has asked for, and which instruction did so first.
    pending: FxHashMap<u64, u64>,
    queue: VecDeque<Id>,
    data_free: u64,
    fill_free: u64,
    /// Counters.
    pub stats: CacheStats,
}

fn sector_of(address: u64) -> usize {
    (address / u64::from(SECTOR)) as usize % SECTORS
}

impl Cache {
    /// An empty cache.
    pub fn new(spec: CacheSpec) -> Cache {
        let mut cache = Cache {
            ways: 0,
            lines: Vec::new(),
            top: Vec::new(),
            map: None,
            mshrs: Mshrs::new(spec.mshrs, spec.merge),
            reserved: FxHashMap::default(),
            pending: FxHashMap::default(),
            queue: VecDeque::new(),
            data_free: 0,
            fill_free: 0,
            stats: CacheStats::default(),
            spec,
        };
        cache.resize(cache.spec.ways);
        cache
    }

    /// What it was made after.
    pub fn spec(&self) -> &CacheSpec {
        &self.spec
    }

    /// Gives it so many ways, and empties it if that changes anything.
    pub fn resize(&mut self, ways: u32) {
        if ways != self.ways {
            self.ways = ways;
            self.clear();
        }
    }

    /// Forgets all lines. What was modified is not written back, as in GPGPU-Sim.
    pub fn clear(&mut self) {
        let line = Line {
            tag: NO_TAG,
            ..Line::default()
        };
        self.lines.clear();
        self.lines.resize((self.spec.sets * self.ways) as usize, line);
        self.top = vec![self.ways; self.spec.sets as usize];
        self.map = (self.ways >= MAP_FROM_WAYS).then(FxHashMap::default);
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.mshrs.is_empty()
    }

    /// Whether somebody can be answered.
    pub fn is_ready(&self) -> bool {
        self.mshrs.is_ready()
    }

    /// The next one who is answered.
    pub fn next_ready(&mut self) -> Option<Id> {
        self.mshrs.next_ready()
    }

    /// The request that goes on next.
    pub fn outgoing(&self) -> Option<Id> {
        self.queue.front().copied()
    }

    /// It has gone on.
    pub fn sent(&mut self) {
        self.queue.pop_front();
    }

    /// Whether the data port is free in cache cycle `now`.
    pub fn data_port_free(&self, now: u64) -> bool {
        now >= self.data_free
    }

    /// Whether the fill port is free in cache cycle `now`.
    pub fn fill_port_free(&self, now: u64) -> bool {
        now >= self.fill_free
    }

    fn line_of(&self, address: u64) -> u64 {
        address & !u64::from(self.spec.line - 1)
    }

    /// First line of the set of an address; `within`: the address by which sets are chosen.
    fn set(&self, within: u64) -> u32 {
        let plain = within / u64::from(self.spec.line);
        let sets = self.spec.sets;
        let index = (plain % u64::from(sets)) as u32;
        self.spec.index.of(plain / u64::from(sets), index, sets) * self.ways
    }

    fn find(&self, set: u32, tag: u64) -> Option<u32> {
        if let Some(map) = &self.map {
            return map.get(&tag).copied();
        }
        (set..set + self.ways).find(|i| {
            let line = &self.lines[*i as usize];
            line.tag == tag && !line.is_invalid()
        })
    }

    /// Which line would make room: the last invalid one, else the one longest unused (or oldest), the first of equals. None
    /// if all have sectors on their way.
    fn victim(&mut self, set: u32) -> Option<u32> {
        // Above `top` none is invalid: sets fill from the last way down.
        let top = self.top[(set / self.ways) as usize];
        let invalid = (set..set + top)
            .rev()
            .find(|i| self.lines[*i as usize].is_invalid());
        self.top[(set / self.ways) as usize] = invalid.map_or(0, |i| i + 1 - set);
        if invalid.is_some() {
            return invalid;
        }
        let (mut best, mut least) = (None, u64::MAX);
        for i in set..set + self.ways {
            let line = &self.lines[i as usize];
            if line.is_reserved() {
                continue;
            }
            let time = if self.spec.fifo { line.allocated } else { line.used };
            if time < least {
                (least, best) = (time, Some(i));
            }
        }
        best
    }

    /// What there is of an address, and which line has it or would make room.
    fn probe(&mut self, within: u64, address: u64) -> (Status, Option<u32>) {
        let set = self.set(within);
        match self.lookup(set, address) {
            (status, None) => match self.victim(set) {
                Some(i) => (status, Some(i)),
                None => (Status::Fail, None),
            },
            found => found,
        }
    }

    /// What there is of an address in a set, and which line has it.
    fn lookup(&self, set: u32, address: u64) -> (Status, Option<u32>) {
        let (tag, sector) = (self.line_of(address), sector_of(address));
        if let Some(i) = self.find(set, tag) {
            let line = &self.lines[i as usize];
            let status = match line.sectors[sector] {
                State::Reserved => Status::HitReserved,
                State::Valid => Status::Hit,
                State::Modified if line.readable >> sector & 1 == 1 => Status::Hit,
                State::Modified => Status::SectorMiss,
                State::Invalid => Status::SectorMiss,
            };
            if !line.is_invalid() {
                return (status, Some(i));
            }
        }
        (Status::Miss, None)
    }

    /// Gives line `i` to `tag`, with one sector in `state`.
    fn allocate(&mut self, i: u32, tag: u64, sector: usize, now: u64, state: State) {
        let line = &mut self.lines[i as usize];
        let old = line.tag;
        *line = Line {
            tag,
            used: now,
            allocated: now,
            sectors: [State::Invalid; SECTORS],
            readable: 0b1111,
            ignore_fill: 0,
            modified_fill: 0,
        };
        line.sectors[sector] = state;
        if let Some(map) = &mut self.map {
            // Another line may have taken the tag since this one was dropped.
            if map.get(&old) == Some(&i) {
                map.remove(&old);
            }
            map.insert(tag, i);
        }
    }

    /// Marks the use of what was probed and, in a cache that allocates on miss, takes the sector. The bytes of a modified
    /// line that had to go.
    fn touch(&mut self, status: Status, i: u32, address: u64, now: u64) -> Option<(u64, u32)> {
        let (tag, sector) = (self.line_of(address), sector_of(address));
        match status {
            Status::Hit | Status::HitReserved => self.lines[i as usize].used = now,
            Status::Miss if !self.spec.on_fill => {
                let old = self.lines[i as usize];
                self.allocate(i, tag, sector, now, State::Reserved);
                return (old.modified() > 0).then(|| (old.tag, old.modified()));
            }
            Status::SectorMiss if !self.spec.on_fill => {
                let line = &mut self.lines[i as usize];
                let was_modified = line.sectors[sector] == State::Modified;
                line.used = now;
                line.sectors[sector] = State::Reserved;
                line.readable |= 1 << sector;
                line.ignore_fill &= !(1 << sector);
                // What was written stays written when the rest comes.
                line.modified_fill = line.modified_fill & !(1 << sector) | u8::from(was_modified) << sector;
            }
            _ => {}
        }
        None
    }

    fn room(&self, more: usize) -> bool {
        self.queue.len() + more < self.spec.queue
    }

    /// An access to the sector of request `id`; `within`: the address by which sets are chosen. `now`: time for the
    /// replacement, growing; `tick`: cache cycles, for the ports.
    pub fn access(&mut self, requests: &mut Requests, id: Id, within: u64, now: u64, tick: u64) -> Outcome {
        let request = requests[id];
        let (probed, i) = match self.spec.on_fill {
            // Which line will make room is found out when the answer comes; there is always one.
            true => match self.lookup(self.set(within), request.address) {
                (status, None) => (status, Some(0)),
                found => found,
            },
            false => self.probe(within, request.address),
        };
        let mut outcome = match request.kind.writes() {
            true => self.write(requests, id, &request, probed, i, now, tick),
            false => self.read(requests, id, &request, probed, i, now, tick),
        };
        if outcome.status == Status::Hit {
            self.use_port(request.size, tick);
        }
        // A streaming cache tells apart a line that another instruction has asked for.
        let shown = match (probed, self.spec.streaming) {
            (Status::Miss, true) if !request.kind.writes() => {
                match self.pending.get(&self.line_of(request.address)) {
                    Some(uid) if *uid != request.uid => Status::SectorMiss,
                    _ => Status::Miss,
                }
            }
            (probed, _) => probed,
        };
        let counted = match (shown, outcome.status) {
            (_, Status::Fail) => Status::Fail,
            (shown, _) => shown,
        };
        self.stats.count(request.kind, counted);
        if !matches!(outcome.status, Status::Hit | Status::Fail) {
            outcome.status = Status::Miss;
        }
        outcome
    }

    fn use_port(&mut self, bytes: u32, tick: u64) {
        let cycles = bytes.div_ceil(self.spec.port);
        self.data_free = self.data_free.max(tick) + u64::from(cycles);
    }

    /// Sends what a line that had to go had modified.
    fn write_back(
        &mut self,
        requests: &mut Requests,
        evicted: Option<(u64, u32)>,
        cause: &Request,
        tick: u64,
    ) {
        let Some((address, size)) = evicted else { return };
        if self.spec.hit == WriteHit::Through {
            return;
        }
        let kind = match self.spec.level {
            Level::L1 => Kind::L1WriteBack,
            Level::L2 => Kind::WriteBack,
        };
        let id = requests.add(Request {
            address,
            kind,
            bytes: u32::MAX,
            size,
            ..*cause
        });
        self.queue.push_back(id);
        self.data_free = self.data_free.max(tick) + u64::from(size / self.spec.port);
    }

    #[allow(clippy::too_many_arguments)] // what is known of one access
    fn read(
        &mut self,
        requests: &mut Requests,
        id: Id,
        request: &Request,
        probed: Status,
        i: Option<u32>,
        now: u64,
        tick: u64,
    ) -> Outcome {
        let mut outcome = Outcome {
            status: Status::Fail,
            forwarded: false,
            fetches: false,
        };
        let Some(i) = i else { return outcome };
        if probed == Status::Hit {
            self.touch(probed, i, request.address, now);
            if request.kind == Kind::Atomic {
                self.lines[i as usize].sectors[sector_of(request.address)] = State::Modified;
            }
            outcome.status = Status::Hit;
            return outcome;
        }
        // A miss may send two requests.
        if !self.room(1) {
            return outcome;
        }
        let (sent, evicted) = self.ask(id, request, probed, i, now);
        if sent {
            self.write_back(requests, evicted, request, tick);
            outcome.status = probed;
        }
        outcome
    }

    /// Waits for a sector, and asks for it if nobody has. What had to go for it.
    fn ask(
        &mut self,
        id: Id,
        request: &Request,
        probed: Status,
        i: u32,
        now: u64,
    ) -> (bool, Option<(u64, u32)>) {
        let sector = request.address;
        let room = self.mshrs.room(sector);
        match room {
            Room::NoMerge | Room::Full => return (false, None),
            Room::New if self.queue.len() >= self.spec.queue => return (false, None),
            Room::New | Room::Merge => {}
        }
        let evicted = self.touch(probed, i, sector, now);
        self.mshrs.add(sector, id, request.kind == Kind::Atomic);
        if room == Room::New {
            if self.spec.streaming {
                let line = self.line_of(sector);
                self.pending.entry(line).or_insert(request.uid);
            }
            self.reserved.insert(id, i);
            self.queue.push_back(id);
        }
        (true, evicted)
    }

    #[allow(clippy::too_many_arguments)] // what is known of one access
    fn write(
        &mut self,
        requests: &mut Requests,
        id: Id,
        request: &Request,
        probed: Status,
        i: Option<u32>,
        now: u64,
        tick: u64,
    ) -> Outcome {
        let fail = Outcome {
            status: Status::Fail,
            forwarded: false,
            fetches: false,
        };
        let sector = sector_of(request.address);
        if let (Status::Hit, Some(i)) = (probed, i) {
            let evict = match self.spec.hit {
                WriteHit::LocalBack => !request.local,
                other => other == WriteHit::Evict,
            };
            let forward = evict || self.spec.hit == WriteHit::Through;
            if forward && !self.room(0) {
                return fail;
            }
            if evict {
                self.lines[i as usize].sectors[sector] = State::Invalid;
                let set = i / self.ways;
                self.top[set as usize] = self.top[set as usize].max(i + 1 - set * self.ways);
            } else {
                self.touch(probed, i, request.address, now);
                self.lines[i as usize].sectors[sector] = State::Modified;
            }
            if forward {
                self.queue.push_back(id);
            }
            return Outcome {
                status: Status::Hit,
                forwarded: forward,
                fetches: false,
            };
        }
        let whole = request.bytes == u32::MAX;
        match (self.spec.miss, i) {
            (WriteMiss::Forward, _) => {
                if !self.room(0) {
                    return fail;
                }
                self.queue.push_back(id);
                Outcome {
                    status: Status::Miss,
                    forwarded: true,
                    fetches: false,
                }
            }
            (_, None) => fail,
            (WriteMiss::LazyFetch, Some(i)) => {
                if !self.room(0) {
                    return fail;
                }
                self.store(requests, request, probed, i, now, tick, true);
                let line = &mut self.lines[i as usize];
                let bit = 1 << sector;
                line.readable = if whole {
                    line.readable | bit
                } else {
                    line.readable & !bit
                };
                let through = self.spec.hit == WriteHit::Through;
                if through {
                    self.queue.push_back(id);
                }
                Outcome {
                    status: Status::Miss,
                    forwarded: through,
                    fetches: false,
                }
            }
            (WriteMiss::FetchOnWrite, Some(i)) if whole => {
                if !self.room(0) {
                    return fail;
                }
                self.store(requests, request, probed, i, now, tick, false);
                Outcome {
                    status: Status::Miss,
                    forwarded: false,
                    fetches: false,
                }
            }
            (WriteMiss::FetchOnWrite, Some(i)) => {
                let room = self.mshrs.room(request.address);
                if !self.room(1) || matches!(room, Room::NoMerge | Room::Full) {
                    return fail;
                }
                // A further write must not overtake a read that waits behind a write.
                let mut written = false;
                for waiting in self.mshrs.waiting(request.address) {
                    match requests[waiting].original.is_some() {
                        true => written = true,
                        false if written => return fail,
                        false => {}
                    }
                }
                let fetch = Request {
                    kind: Kind::WriteAllocate,
                    original: Some(id),
                    size: SECTOR,
                    ..*request
                };
                let fetch_id = requests.add(fetch);
                let (_, evicted) = self.ask(fetch_id, &fetch, probed, i, now);
                self.lines[i as usize].modified_fill |= 1 << sector;
                self.write_back(requests, evicted, request, tick);
                Outcome {
                    status: Status::Miss,
                    forwarded: false,
                    fetches: true,
                }
            }
            (WriteMiss::Naive, Some(_)) => unreachable!("refused when the configuration was read"),
        }
    }

    /// Takes a sector for what is written, without reading it.
    #[allow(clippy::too_many_arguments)] // what is known of one access
    fn store(
        &mut self,
        requests: &mut Requests,
        request: &Request,
        probed: Status,
        i: u32,
        now: u64,
        tick: u64,
        lazy: bool,
    ) {
        let evicted = self.touch(probed, i, request.address, now);
        let line = &mut self.lines[i as usize];
        let bit = 1 << sector_of(request.address);
        line.sectors[sector_of(request.address)] = State::Modified;
        if probed == Status::HitReserved {
            line.ignore_fill |= bit;
            if lazy {
                line.modified_fill |= bit;
            }
        }
        self.write_back(requests, evicted, request, tick);
    }

    /// Whether the answer to `id` is for this cache.
    pub fn awaits(&self, id: Id) -> bool {
        self.reserved.contains_key(&id)
    }

    /// The answer to `id` has come; `now`, `tick`: as for [`Cache::access`].
    pub fn fill(&mut self, requests: &Requests, id: Id, within: u64, now: u64, tick: u64) {
        let address = requests[id].address;
        let (tag, sector) = (self.line_of(address), sector_of(address));
        let waited = self.reserved.remove(&id);
        let at = if self.spec.on_fill {
            let (status, i) = self.probe(within, address);
            self.pending.remove(&tag);
            if let (Status::Miss, Some(i)) = (status, i) {
                self.allocate(i, tag, sector, now, State::Reserved);
            }
            i
        } else {
            waited
        };
        if let Some(i) = at {
            let line = &mut self.lines[i as usize];
            let bit = 1u8 << sector;
            if line.modified_fill & bit != 0 {
                line.sectors[sector] = State::Modified;
            } else if line.ignore_fill & bit == 0 {
                line.sectors[sector] = State::Valid;
            }
            line.ignore_fill &= !bit;
            line.modified_fill &= !bit;
            if self.spec.on_fill {
                line.used = now;
            }
        }
        if self.mshrs.fill(address)
            && let Some(i) = at
        {
            self.lines[i as usize].sectors[sector] = State::Modified;
        }
        self.fill_free = self.fill_free.max(tick) + u64::from(SECTOR / self.spec.port);
    }

    /// Makes a sector valid, as a copy into memory does.
    pub fn force(&mut self, address: u64, within: u64, now: u64) {
        let sector = sector_of(address);
        if let (status, Some(i)) = self.probe(within, address) {
            match status {
                Status::Miss => self.allocate(i, self.line_of(address), sector, now, State::Valid),
                Status::SectorMiss => {
                    let line = &mut self.lines[i as usize];
                    line.used = now;
                    line.sectors[sector] = State::Valid;
                    line.readable |= 1 << sector;
                }
                _ => {}
            }
        }
    }
}
