//! Addresses of the model. The engine's are those of the host; slices, sets and rows would differ from run to run. Each
//! allocation gets an address here when a launch first sees it, in the order of addresses, as a bump allocator gives them.

use exec::Snapshot;
use rustc_hash::FxHashMap;

/// Where the model's global memory begins (GPGPU-Sim's GLOBAL_HEAP_START).
const HEAP: u64 = 0xc000_0000;
/// Where its local memory begins: below, apart from everything else.
const LOCAL: u64 = 0x4000_0000;
/// Allocations begin at multiples of this.
const GRANULE: u64 = 256;

/// The model's addresses of the engine's allocations.
#[derive(Clone, Debug)]
pub struct Synthetic {
    next: u64,
    known: FxHashMap<(u64, u64), u64>,
    /// Allocations of the launch: start, end, the model's start.
    live: Vec<(u64, u64, u64)>,
    /// The one that was asked for last.
    last: usize,
}

impl Default for Synthetic {
    fn default() -> Synthetic {
        Synthetic {
            next: HEAP,
            known: FxHashMap::default(),
            live: Vec::new(),
            last: 0,
        }
    }
}

impl Synthetic {
    /// Takes in what is allocated.
    pub fn update(&mut self, snapshot: &Snapshot) {
        self.live.clear();
        self.last = 0;
        for a in snapshot.all() {
            let next = &mut self.next;
            let at = *self.known.entry((a.start, a.size)).or_insert_with(|| {
                let at = *next;
                *next += a.size.next_multiple_of(GRANULE).max(GRANULE);
                at
            });
            self.live.push((a.start, a.end(), at));
        }
    }

    /// The model's address. What no allocation holds keeps its own: the engine traps there.
    pub fn of(&mut self, address: u64) -> u64 {
        let hit = |a: &(u64, u64, u64)| (a.0..a.1).contains(&address).then(|| address - a.0 + a.2);
        if let Some(found) = self.live.get(self.last).and_then(hit) {
            return found;
        }
        let after = self.live.partition_point(|a| a.0 <= address);
        let Some(i) = after.checked_sub(1) else {
            return address;
        };
        self.last = i;
        hit(&self.live[i]).unwrap_or(address)
    }
}

/// How the local memory of threads is laid out: words of neighbouring threads lie beside each other.
#[derive(Clone, Copy, Debug)]
pub struct LocalLayout {
    /// The multiprocessor, and how many there are.
    pub core: u32,
    /// See `core`.
    pub cores: u32,
    /// Threads of a block, whole warps.
    pub cta_threads: u32,
    /// Blocks of a multiprocessor.
    pub ctas: u32,
    /// Threads of a multiprocessor.
    pub threads: u32,
    /// Interleaved by block, over all multiprocessors; else by multiprocessor.
    pub by_cta: bool,
}

impl LocalLayout {
    /// The model's address of byte `offset` of thread `thread` of the multiprocessor.
    pub fn address(&self, thread: u32, offset: u64) -> u64 {
        let [core, cores, cta, ctas, threads, thread] = [
            self.core,
            self.cores,
            self.cta_threads,
            self.ctas,
            self.threads,
            thread,
        ]
        .map(u64::from);
        let (base, all) = match self.by_cta {
            true => (
                cta * (core + cores * (thread / cta)) + thread % cta,
                cta * ctas * cores,
            ),
            false => (threads * core + thread, cores * threads),
        };
        LOCAL + 4 * (offset / 4 * all + base) + offset % 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_threads_share_a_word_of_local_memory() {
        for by_cta in [false, true] {
            let mut seen = std::collections::HashSet::new();
            for core in 0..3 {
                let layout = LocalLayout {
                    core,
                    cores: 3,
                    cta_threads: 64,
                    ctas: 2,
                    threads: 128,
                    by_cta,
                };
                for thread in 0..128 {
                    for word in 0..4 {
                        assert!(seen.insert(layout.address(thread, 4 * word)));
                    }
                    // Bytes of a word stay together.
                    assert_eq!(layout.address(thread, 7), layout.address(thread, 4) + 3);
                }
                // Neighbours lie beside each other.
                assert_eq!(layout.address(1, 0), layout.address(0, 0) + 4);
            }
        }
    }
}
