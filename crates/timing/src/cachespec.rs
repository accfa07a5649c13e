//! The description of a cache: `S:SETS:LINE:WAYS,replacement:write:allocation:write-allocation:index,A:MSHRs:merge,queue,port`.

use crate::Error;
use crate::hash::SetIndex;
use crate::reader::Reader;

/// Bytes of a sector, the unit of all traffic.
pub const SECTOR: u32 = 32;
/// Sectors of a line.
pub const SECTORS: usize = 4;
/// The L1 of the adaptive configuration can become this many times as large as configured.
pub const MULTIPLIER: u32 = 4;

/// Which cache a description is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Of a multiprocessor.
    L1,
    /// Of a slice.
    L2,
}

/// What happens to a write that hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteHit {
    /// It stays in the cache.
    Back,
    /// It goes on, too.
    Through,
    /// It goes on, and the sector is dropped.
    Evict,
    /// Local memory: it stays; global memory: it goes on and the sector is dropped.
    LocalBack,
}

/// What happens to a write that misses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMiss {
    /// It goes on.
    Forward,
    /// It goes on, and the sector is read, too.
    Naive,
    /// The sector is read first, unless all of it is written.
    FetchOnWrite,
    /// It stays; the sector is read when somebody reads what was not written.
    LazyFetch,
}

/// A sectored cache.
#[derive(Clone, Debug)]
pub struct CacheSpec {
    /// Whose it is.
    pub level: Level,
    /// Sets.
    pub sets: u32,
    /// Bytes of a line: 128.
    pub line: u32,
    /// Lines of a set.
    pub ways: u32,
    /// The oldest line goes first, rather than the one longest unused.
    pub fifo: bool,
    /// Writes that hit.
    pub hit: WriteHit,
    /// Writes that miss.
    pub miss: WriteMiss,
    /// Lines are taken when the answer comes, not when the request is made.
    pub on_fill: bool,
    /// `on_fill`, and never short of MSHRs.
    pub streaming: bool,
    /// How addresses spread over the sets.
    pub index: SetIndex,
    /// MSHRs.
    pub mshrs: usize,
    /// Accesses of an MSHR.
    pub merge: usize,
    /// Requests that wait to go on.
    pub queue: usize,
    /// Bytes of the data port in a cycle.
    pub port: u32,
}

impl CacheSpec {
    /// Reads the value of `option`.
    ///
    /// # Errors
    /// What is not of this form, contradicts itself, or is not modelled.
    pub(crate) fn read(r: &Reader, option: &'static str, level: Level) -> Result<CacheSpec, Error> {
        let text = r.0.get(option);
        let parts: Vec<Vec<&str>> = text
            .split(',')
            .map(|p| p.split(':').map(str::trim).collect())
            .collect();
        let number = |s: &str| s.parse::<u32>().ok().filter(|n| (1..=1 << 20).contains(n));
        let [geometry, policies, mshr, queue, rest @ ..] = &parts[..] else {
            return r.refuse(option, "S:SETS:LINE:WAYS,L:L:s:N:L,A:256:8,16:0,32 is the form");
        };
        let &["S", sets, line, ways] = &geometry[..] else {
            return r.refuse(
                option,
                "only sectored caches are modelled: S:SETS:LINE:WAYS (normal ones, N:, are not)",
            );
        };
        let (Some(sets), Some(line), Some(ways)) = (number(sets), number(line), number(ways)) else {
            return r.refuse(option, "sets, line and ways are numbers from 1 on");
        };
        if line != SECTOR * SECTORS as u32 {
            return r.refuse(
                option,
                "lines of a sectored cache have 128 bytes, 4 sectors of 32",
            );
        }
        if !sets.is_power_of_two() {
            return r.refuse(option, "the number of sets must be a power of two");
        }
        let &[replacement, write, allocation, write_allocation, index] = &policies[..] else {
            return r.refuse(
                option,
                "five policies are needed: replacement, write, allocation, write allocation, index",
            );
        };
        let unknown = |what: &str, letter: &str, known: &str| {
            r.refuse(option, format!("{what} `{letter}` is not modelled; {known} are"))
        };
        let fifo = match replacement {
            "L" => false,
            "F" => true,
            other => {
                return unknown(
                    "replacement",
                    other,
                    "L (least recently used), F (first in, first out)",
                );
            }
        };
        let hit = match write {
            "B" => WriteHit::Back,
            "T" => WriteHit::Through,
            "E" => WriteHit::Evict,
            "L" => WriteHit::LocalBack,
            other => return unknown("write policy", other, "B, T, E and L"),
        };
        let (on_fill, streaming) = match allocation {
            "m" => (false, false),
            "f" => (true, false),
            "s" => (true, true),
            other => return unknown("allocation", other, "m (on miss), f (on fill), s (streaming)"),
        };
        let miss = match write_allocation {
            "N" => WriteMiss::Forward,
            "W" => WriteMiss::Naive,
            "F" => WriteMiss::FetchOnWrite,
            "L" => WriteMiss::LazyFetch,
            other => return unknown("write allocation", other, "N, W, F and L"),
        };
        let index = match index {
            "L" => SetIndex::Linear,
            "X" => SetIndex::Xor,
            "P" if matches!(sets, 16 | 32 | 64) => SetIndex::Ipoly,
            "P" => return r.refuse(option, "the set index P (IPOLY) needs 16, 32 or 64 sets"),
            other => return unknown("set index", other, "L (linear), X (exclusive or), P (IPOLY)"),
        };
        let forward = matches!(miss, WriteMiss::Forward | WriteMiss::Naive);
        if on_fill && (hit == WriteHit::Back || !forward) {
            return r.refuse(
                option,
                "a cache that takes lines when they are filled can neither be write-back (B) nor allocate for writes (F, L)",
            );
        }
        if level == Level::L2 && miss == WriteMiss::Naive {
            return r.refuse(
                option,
                "write allocation W is not modelled for L2; N, F and L are",
            );
        }
        if level == Level::L1 && !matches!(miss, WriteMiss::Forward | WriteMiss::LazyFetch) {
            return r.refuse(
                option,
                "write allocation F and W are not modelled for L1; N and L are",
            );
        }
        let &["A", entries, merge] = &mshr[..] else {
            return r.refuse(option, "only associative MSHRs are modelled: A:ENTRIES:MERGED");
        };
        let (Some(entries), Some(merge), Some(queue)) = (
            number(entries),
            number(merge),
            queue.first().and_then(|q| number(q)),
        ) else {
            return r.refuse(
                option,
                "MSHRs, merged accesses and places of the miss queue are numbers from 1 on",
            );
        };
        if queue < 2 {
            return r.refuse(
                option,
                "the miss queue needs 2 places at least: one miss may send two requests",
            );
        }
        let port = match rest.first().and_then(|p| p.first()) {
            None => line,
            Some(p) => match p.parse::<u32>() {
                Ok(0) => line,
                Ok(n) if line.is_multiple_of(n) => n,
                _ => {
                    return r.refuse(
                        option,
                        format!("the data port must divide the line of {line} bytes"),
                    );
                }
            },
        };
        let (mshrs, merge) = match streaming {
            // As many as there can be sectors, so that nothing ever waits for one.
            true => (
                sets as usize * ways as usize * MULTIPLIER as usize * SECTORS,
                crate::reader::MAX_WARPS as usize,
            ),
            false => (entries as usize, merge as usize),
        };
        Ok(CacheSpec {
            level,
            sets,
            line,
            ways,
            fifo,
            hit,
            miss,
            on_fill,
            streaming,
            index,
            mshrs,
            merge,
            queue: queue as usize,
            port,
        })
    }
}
