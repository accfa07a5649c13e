//! Fetch and decode: two instructions at a time, one warp after the other; and the place where warps that have ended are
//! noticed. The instruction cache is perfect.

use crate::core::{Context, Core};
use crate::warp::{bits, hungry};

impl Core<'_> {
    /// One cycle of the front: decode and fetch, several times.
    pub(crate) fn fetch_cycle(&mut self, x: &mut Context) {
        for _ in 0..x.spec.fetches {
            self.decode(x);
            self.fetch_one();
        }
    }

    /// Puts what was fetched into the warp's buffer.
    fn decode(&mut self, x: &mut Context) {
        let Some(warp) = self.fetch.fetched.take() else {
            return;
        };
        let w = &mut self.warps[warp as usize];
        let left = (x.program.insts.len() as u32).saturating_sub(w.fetch_at);
        w.buffer = [w.fetch_at, w.fetch_at + 1];
        // Behind the last instruction there is one that is never the right one.
        w.buffered = left.clamp(1, 2) as u8;
        self.sets.empty &= !(1 << warp);
        self.refresh(x, warp);
    }

    /// Goes around from the warp after the last that fetched, to one that may fetch; those on the way that have ended give
    /// up their places.
    fn fetch_one(&mut self) {
        if self.fetch.fetched.is_some() {
            return;
        }
        let hungry = hungry(&self.sets);
        if hungry | self.sets.retirable == 0 {
            return;
        }
        // Warps behind the last one, then those up to it.
        let behind = u64::MAX.checked_shl(u32::from(self.fetch.last) + 1).unwrap_or(0);
        for part in [behind, !behind] {
            let next = hungry & part;
            let before_next = match next {
                0 => u64::MAX,
                _ => next ^ (next - 1),
            };
            for warp in bits(self.sets.retirable & part & before_next) {
                self.retire(warp);
            }
            if next != 0 {
                let warp = next.trailing_zeros() as u8;
                self.fetch.last = warp;
                self.fetch.fetched = Some(warp);
                return;
            }
        }
    }
}
