//! VERNIER_DIGEST: what device memory holds after each launch, as one number, to compare two runs launch by launch.

use exec::Memory;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// A digest of every allocation: place (from the first), size and contents. The same in every process of a program
/// that stores no addresses in device memory.
pub(crate) fn of(memory: &Memory) -> u64 {
    let snapshot = memory.snapshot();
    let first = snapshot.all().first().map_or(0, |a| a.start);
    let mut hasher = FxHasher::default();
    let mut piece = vec![0u8; PIECE];
    for a in snapshot.all().iter().filter(|a| memory.in_arena(a.start)) {
        hasher.write_u64(a.start - first);
        hasher.write_u64(a.size);
        let mut at = a.start;
        while at < a.end() {
            let size = (a.end() - at).min(PIECE as u64);
            let bytes = &mut piece[..size as usize];
            // An allocation that another thread frees meanwhile is no part of the digest.
            if memory.read(at, bytes).is_ok() {
                hasher.write(bytes);
            }
            at += size;
        }
    }
    hasher.finish()
}
