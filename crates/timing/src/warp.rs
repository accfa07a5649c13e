//! What is known of the warps of a multiprocessor, and of what they fetch.

/// A warp.
#[derive(Clone, Debug, Default)]
pub struct Warp {
    /// Place of its block.
    pub cta: u8,
    /// Its number in the block.
    pub number: u8,
    /// What it executes next, if that is known.
    pub next: Option<u32>,
    /// Where it fetches next.
    pub fetch_at: u32,
    /// Instructions fetched.
    pub buffer: [u32; 2],
    /// How many.
    pub buffered: u8,
    /// Instructions issued that have not left the pipeline.
    pub in_flight: u32,
    /// Stores that are not acknowledged.
    pub stores: u32,
    /// Atomics that are not answered.
    pub atomics: u32,
}

/// Sets of warps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sets {
    /// They hold a place.
    pub resident: u64,
    /// All their threads have ended.
    pub done: u64,
    /// And nothing of theirs is under way: the fetch stage will free their places.
    pub retirable: u64,
    /// They wait at a barrier.
    pub barrier: u64,
    /// They wait at a fence.
    pub fence: u64,
    /// They wait for an atomic.
    pub atomic: u64,
    /// Their buffer is empty.
    pub empty: u64,
    /// They have an instruction that is the right one.
    pub valid: u64,
    /// And its registers are free.
    pub ready: u64,
    /// They have one that is not the right one.
    pub wrong: u64,
    /// Their instruction waits for a long operation.
    pub long: u64,
    /// The engine has nothing for them until other warps go on.
    pub polling: u64,
}

/// What is fetched, and who is next.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    /// The warp whose instructions are not decoded yet.
    pub fetched: Option<u8>,
    /// The last warp that fetched.
    pub last: u8,
}

/// Warps that may fetch.
pub fn hungry(s: &Sets) -> u64 {
    s.resident & s.empty & !s.done
}

impl Fetch {
    /// Whether there is something to do.
    pub fn is_busy(&self, sets: &Sets) -> bool {
        self.fetched.is_some() || hungry(sets) != 0
    }
}

/// The numbers in a set.
pub fn bits(mut set: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let bit = set.trailing_zeros() as u8;
            set &= set - 1;
            bit
        })
    })
}
