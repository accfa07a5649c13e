//! Where a worker of a profiled launch says which instruction it is at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The worker runs nothing.
pub(crate) const IDLE: u32 = 0;

/// Where a worker says which instruction it is at.
pub(crate) struct Marker {
    pub(crate) slot: Arc<AtomicU32>,
    /// Number of its program's first instruction.
    pub(crate) base: u32,
}

impl Marker {
    /// The worker is at instruction `pc` of its program.
    #[inline(always)]
    pub(crate) fn set(&self, pc: u32) {
        self.slot.store(self.base + pc, Relaxed);
    }
    /// The worker runs nothing.
    pub(crate) fn clear(&self) {
        self.slot.store(IDLE, Relaxed);
    }
}
