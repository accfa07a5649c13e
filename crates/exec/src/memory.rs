//! Device memory: an arena of the host's address space in which device addresses *are* host addresses, and
//! the table of what is allocated there. A kernel may touch a byte only if the table says so; the engine
//! checks every access against a [`Snapshot`] of it. Nothing here knows about kernels.
//!
//! # Threads and races
//! Device memory is reached through pointers, never through references: by the threads of the engine, by
//! [`Arena::read`] and its like, by the program itself where the memory is its own. What that means:
//! - *A program whose kernels have no data race has none here.* Blocks that run at the same time then touch no byte that one of
//!   them writes, but by atomic operations, and those are the host's (relaxed, of the same width); launches and copies that the
//!   program orders are ordered by locks and by the start and end of the threads. One thing the program does not know of: a load
//!   may read between its lanes, inside the allocation, for inactive lanes, and forget what it read.
//! - *A race is a data race of the host, too*, between plain loads and stores, and there the memory model that Rust
//!   shares with C++ promises nothing. What is relied on instead is what compilers and processors do with a load or store whose
//!   other users they cannot see: it happens once, inside the bytes that it names, and an aligned element of up to 8
//!   bytes is not torn. So each word holds what one of the racing threads stored; which one, may differ from run to run.
//!   (Relaxed atomics would be defined, but no compiler makes vector code of them: kernels would be several times slower.)
//! - *No race makes an access leave its allocation.* Addresses, guards and jump targets come out of registers, which
//!   belong to one thread; what is loaded from device memory is data, copied once, and checked after the copy like any other.

use backend::{Allocation, Arena, MemoryError, MemoryKind};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// Every allocation starts at a multiple of this many bytes (CUDA guarantees 256), and at least as many
/// bytes lie between two of them, so that an overrun never reaches a neighbour unseen.
const GRANULE: u64 = 256;

/// Allocations of at least this many bytes give their pages back to the system when freed.
const RELEASE_BYTES: u64 = 1 << 16;

struct Table {
    /// By start address.
    live: BTreeMap<u64, Allocation>,
    /// Free ranges of the arena by start, sizes in multiples of [`GRANULE`].
    free: BTreeMap<u64, u64>,
    /// Arena bytes that live allocations occupy (registered host memory does not count).
    used: u64,
    snapshot: Option<Snapshot>,
}

/// The allocations at one moment, sorted by address; cheap to share between threads.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<[Allocation]>);

impl Snapshot {
    /// Every allocation, by address.
    pub fn all(&self) -> &[Allocation] {
        &self.0
    }
    /// The allocation that contains `address`.
    pub fn find(&self, address: u64) -> Option<&Allocation> {
        let after = self.0.partition_point(|a| a.start <= address);
        let candidate = self.0.get(after.checked_sub(1)?)?;
        (address < candidate.end()).then_some(candidate)
    }
    /// The allocation that ends last before `address` or starts first after it, for messages.
    pub fn nearest(&self, address: u64) -> Option<&Allocation> {
        let after = self.0.partition_point(|a| a.start <= address);
        let before = after.checked_sub(1).and_then(|i| self.0.get(i));
        let next = self.0.get(after);
        match (before, next) {
            (Some(b), Some(n)) if n.start - address < address.saturating_sub(b.end()) => Some(n),
            (Some(b), _) => Some(b),
            (None, n) => n,
        }
    }
}

/// The device memory of one context.
pub struct Memory {
    base: u64,
    reserved: u64,
    /// What the device pretends to have, in bytes.
    total: AtomicU64,
    table: RwLock<Table>,
}

impl Memory {
    /// Reserves address space for a device with `total` bytes of memory. Pages cost nothing until used.
    pub fn new(total: u64) -> Result<Memory, MemoryError> {
        // Twice the size, so that fragmentation does not refuse what the device could hold.
        let mut reserved = (total.max(1 << 30) * 2).next_multiple_of(1 << 20);
        let base = loop {
            // SAFETY: an anonymous mapping at a place the kernel chooses touches nothing that exists.
            let p = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    reserved as usize,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if p != libc::MAP_FAILED {
                break p as u64;
            }
            // A limit on address space (ulimit -v, strict overcommit): take what there is, 64 MiB at least.
            reserved /= 2;
            if reserved < 64 << 20 {
                return Err(MemoryError::NoAddressSpace {
                    reason: std::io::Error::last_os_error().to_string(),
                });
            }
        };
        let free = BTreeMap::from([(base.next_multiple_of(GRANULE), reserved)]);
        let table = Table {
            live: BTreeMap::new(),
            free,
            used: 0,
            snapshot: None,
        };
        Ok(Memory {
            base,
            reserved,
            total: AtomicU64::new(total),
            table: RwLock::new(table),
        })
    }

    fn write_table(&self) -> std::sync::RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(|e| e.into_inner())
    }

    fn read_table(&self) -> std::sync::RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(|e| e.into_inner())
    }

    /// Allocates `size` bytes at a multiple of `align`, a power of two.
    pub fn allocate_aligned(&self, size: u64, align: u64, kind: MemoryKind) -> Result<u64, MemoryError> {
        let align = align.max(GRANULE);
        let total = self.total.load(Ordering::Relaxed);
        let mut table = self.write_table();
        let refused = MemoryError::OutOfMemory {
            requested: size,
            free: total.saturating_sub(table.used),
            total,
        };
        if size > total.saturating_sub(table.used) {
            return Err(refused);
        }
        let span = size.next_multiple_of(GRANULE) + GRANULE;
        let fit = table.free.iter().find_map(|(&start, &len)| {
            let at = start.next_multiple_of(align);
            (at - start + span <= len).then_some((start, len, at))
        });
        let Some((start, len, at)) = fit else {
            return Err(refused);
        };
        table.free.remove(&start);
        if at > start {
            table.free.insert(start, at - start);
        }
        if len > at - start + span {
            table.free.insert(at + span, len - (at - start + span));
        }
        table.used += size;
        table.live.insert(
            at,
            Allocation {
                start: at,
                size,
                kind,
            },
        );
        table.snapshot = None;
        Ok(at)
    }

    /// What is allocated now.
    pub fn snapshot(&self) -> Snapshot {
        if let Some(s) = &self.read_table().snapshot {
            return s.clone();
        }
        let mut table = self.write_table();
        let snapshot = Snapshot(table.live.values().copied().collect());
        table.snapshot = Some(snapshot.clone());
        snapshot
    }
}

impl Arena for Memory {
    fn info(&self) -> (u64, u64) {
        let total = self.total.load(Ordering::Relaxed);
        (total.saturating_sub(self.read_table().used), total)
    }

    /// At least one granule of address space.
    fn allocate(&self, size: u64, kind: MemoryKind) -> Result<u64, MemoryError> {
        self.allocate_aligned(size, GRANULE, kind)
    }

    fn free(&self, address: u64) -> Result<Allocation, MemoryError> {
        let mut table = self.write_table();
        let allocation = match table.live.get(&address) {
            Some(a) if a.kind != MemoryKind::Registered => *a,
            _ => return Err(MemoryError::NotAllocated { address }),
        };
        table.live.remove(&address);
        table.used -= allocation.size;
        table.snapshot = None;
        let mut start = address;
        let mut span = allocation.size.next_multiple_of(GRANULE) + GRANULE;
        // A later allocation of the same place must not depend on what this one left behind.
        // SAFETY: the range was ours and nobody may use it any more.
        unsafe {
            if span >= RELEASE_BYTES {
                let from = start.next_multiple_of(4096);
                let to = (start + span) & !4095;
                std::ptr::write_bytes(start as *mut u8, 0, (from - start) as usize);
                std::ptr::write_bytes(to as *mut u8, 0, (start + span - to) as usize);
                libc::madvise(
                    from as *mut libc::c_void,
                    (to - from) as usize,
                    libc::MADV_DONTNEED,
                );
            } else {
                std::ptr::write_bytes(start as *mut u8, 0, span as usize);
            }
        }
        if let Some((&before, &len)) = table.free.range(..start).next_back()
            && before + len == start
        {
            table.free.remove(&before);
            start = before;
            span += len;
        }
        if let Some(&len) = table.free.get(&(start + span)) {
            table.free.remove(&(start + span));
            span += len;
        }
        table.free.insert(start, span);
        Ok(allocation)
    }

    unsafe fn register(&self, address: u64, size: u64) -> Result<(), MemoryError> {
        let mut table = self.write_table();
        let end = address.checked_add(size);
        let overlap = end.is_none_or(|end| {
            let before = table.live.range(..end).next_back();
            before.is_some_and(|(_, a)| a.end() > address)
        });
        if overlap || size == 0 {
            return Err(MemoryError::OutOfBounds { address, size });
        }
        table.live.insert(
            address,
            Allocation {
                start: address,
                size,
                kind: MemoryKind::Registered,
            },
        );
        table.snapshot = None;
        Ok(())
    }

    fn unregister(&self, address: u64) -> Result<(), MemoryError> {
        let mut table = self.write_table();
        match table.live.get(&address) {
            Some(a) if a.kind == MemoryKind::Registered => {
                table.live.remove(&address);
                table.snapshot = None;
                Ok(())
            }
            _ => Err(MemoryError::NotAllocated { address }),
        }
    }

    fn find(&self, address: u64) -> Option<Allocation> {
        let table = self.read_table();
        let (_, a) = table.live.range(..=address).next_back()?;
        (address < a.end()).then_some(*a)
    }

    fn live(&self) -> Vec<Allocation> {
        self.snapshot().all().to_vec()
    }

    fn contains(&self, address: u64) -> bool {
        (self.base..self.base + self.reserved).contains(&address)
    }

    unsafe fn download(&self, to: *mut u8, from: u64, size: u64) -> Result<(), MemoryError> {
        self.check(from, size)?;
        // SAFETY: checked to be inside a live allocation, and the caller's promise; of races the head of this file speaks.
        // `copy` allows overlap.
        unsafe { std::ptr::copy(from as *const u8, to, size as usize) };
        Ok(())
    }

    unsafe fn upload(&self, to: u64, from: *const u8, size: u64) -> Result<(), MemoryError> {
        self.check(to, size)?;
        // SAFETY: as in `download`.
        unsafe { std::ptr::copy(from, to as *mut u8, size as usize) };
        Ok(())
    }

    fn copy(&self, to: u64, from: u64, size: u64) -> Result<(), MemoryError> {
        self.check(to, size)?;
        self.check(from, size)?;
        // SAFETY: as in `download`.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, size as usize) };
        Ok(())
    }

    fn fill(&self, address: u64, value: u8, size: u64) -> Result<(), MemoryError> {
        self.check(address, size)?;
        // SAFETY: as in `download`.
        unsafe { std::ptr::write_bytes(address as *mut u8, value, size as usize) };
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the arena was mapped by `new` with this size; nothing outlives the context.
        unsafe { libc::munmap(self.base as *mut libc::c_void, self.reserved as usize) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_apart_zeroed_and_merge_when_freed() {
        let memory = Memory::new(1 << 20).unwrap();
        let a = memory.allocate(100, MemoryKind::Device).unwrap();
        let b = memory.allocate(70_000, MemoryKind::Device).unwrap();
        assert!(b >= a + 100 + GRANULE - 100 % GRANULE);
        assert_eq!(a % GRANULE, 0);
        memory.fill(a, 7, 100).unwrap();
        memory.fill(b, 9, 70_000).unwrap();
        assert_eq!(memory.info(), ((1 << 20) - 70_100, 1 << 20));
        assert!(memory.check(a, 101).is_err());
        assert_eq!(
            memory.free(a + 1),
            Err(MemoryError::NotAllocated { address: a + 1 })
        );
        memory.free(a).unwrap();
        memory.free(b).unwrap();
        assert_eq!(memory.free(b), Err(MemoryError::NotAllocated { address: b }));
        let c = memory.allocate(80_000, MemoryKind::Device).unwrap();
        assert_eq!(c, a);
        let mut bytes = vec![1; 80_000];
        memory.read(c, &mut bytes).unwrap();
        assert!(bytes.iter().all(|&b| b == 0));
    }

    #[test]
    fn the_device_limit_is_kept() {
        let memory = Memory::new(1 << 20).unwrap();
        let refused = memory.allocate((1 << 20) + 1, MemoryKind::Device);
        assert_eq!(
            refused,
            Err(MemoryError::OutOfMemory {
                requested: (1 << 20) + 1,
                free: 1 << 20,
                total: 1 << 20
            })
        );
        memory.allocate(1 << 20, MemoryKind::Device).unwrap();
        assert!(memory.allocate(1, MemoryKind::Device).is_err());
    }

    #[test]
    fn snapshot_finds_and_names_the_nearest() {
        let memory = Memory::new(1 << 20).unwrap();
        let a = memory.allocate(64, MemoryKind::Device).unwrap();
        let s = memory.snapshot();
        assert_eq!(s.find(a + 63).unwrap().start, a);
        assert!(s.find(a + 64).is_none());
        assert_eq!(s.nearest(a + 64).unwrap().start, a);
        assert!(s.find(0).is_none());
        let mut host = [0u8; 16];
        let at = host.as_mut_ptr() as u64;
        // SAFETY: it is there until the end, and used by nobody.
        unsafe { memory.register(at, 16).unwrap() };
        assert!(memory.snapshot().find(at + 15).is_some());
        memory.unregister(at).unwrap();
        // SAFETY: it is refused.
        let around = unsafe { memory.register(u64::MAX - 1, 4) };
        assert!(matches!(around, Err(MemoryError::OutOfBounds { .. })));
    }
}
