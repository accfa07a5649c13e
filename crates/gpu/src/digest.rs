//! VERNIER_DIGEST: what device memory holds after each launch, as one number, to compare two runs launch by launch. The
//! same in every process of a program that stores no addresses in device memory, also when another compiler made it:
//! addresses that the PTX itself puts into variables, and what the compiler adds of its own, are left out.

use crate::context::Context;
use crate::loaded::Loaded;
use crate::sync::lock;
use backend::{Arena, MemoryKind};
use rustc_hash::FxHasher;
use std::collections::BTreeSet;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// Takes in the bytes of a range but for those in `without` (relative to its start, in order).
fn contents(hasher: &mut FxHasher, memory: &dyn Arena, start: u64, size: u64, without: &[Range<usize>]) {
    let mut piece = vec![0u8; PIECE.min(size as usize)];
    let mut at = 0;
    while at < size {
        let bytes = (size - at).min(PIECE as u64) as usize;
        let piece = &mut piece[..bytes];
        // An allocation that another thread frees meanwhile is no part of the digest.
        if memory.read(start + at, piece).is_ok() {
            for range in without {
                let clip = |n: usize| (n as u64).saturating_sub(at).min(bytes as u64) as usize;
                piece[clip(range.start)..clip(range.end)].fill(0);
            }
            hasher.write(piece);
        }
        at += bytes as u64;
    }
}

impl Context {
    /// A digest of every allocation of the program in the order of their places, then of the variables of its modules.
    pub(crate) fn digest(&self, memory: &dyn Arena) -> u64 {
        let modules = self.modules();
        let loaded: Vec<(BTreeSet<String>, Arc<Loaded>)> = modules
            .iter()
            .filter_map(|module| {
                let variables = lock(&module.variables);
                Some((variables.iter().map(|v| v.name.clone()).collect(), module.code()?))
            })
            .collect();
        let mut hasher = FxHasher::default();
        for a in memory.live().iter().filter(|a| memory.contains(a.start)) {
            let is_variable = match a.kind {
                MemoryKind::Module => true,
                MemoryKind::Managed => loaded.iter().any(|(_, l)| l.holds(a.start)),
                _ => false,
            };
            if !is_variable {
                hasher.write_u64(a.size);
                contents(&mut hasher, memory, a.start, a.size, &[]);
            }
        }
        for (named, loaded) in &loaded {
            for (info, addresses) in loaded.for_digest(named) {
                hasher.write_u64(info.size);
                contents(&mut hasher, memory, info.address, info.size, &addresses);
            }
        }
        hasher.finish()
    }
}
