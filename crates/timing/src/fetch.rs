//! Fetch and decode: two instructions at a time, one warp after the other; and the place where warps that have ended are
//! noticed. The instruction cache is perfect.

use crate::core::{Context, Core};
use crate::warp::hungry;

impl Core<'_> {
    /// One cycle of the front: decode and fetch, several times.
    pub(crate) fn fetch_cycle(&mut self, x: &mut Context) {
        for _ in 0..x.spec.fetches {
            self.decode(x);
            self.fetch_one(x);
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
    fn fetch_one(&mut self, x: &Context) {
        if self.fetch.fetched.is_some() {
            return;
        }
        let hungry = hungry(&self.sets);
        let ended = self.sets.done & self.sets.resident;
        if hungry | ended == 0 {
            return;
        }
        let n = x.spec.warps;
        for k in 1..=n {
            let warp = ((u32::from(self.fetch.last) + k) % n) as u8;
            if ended >> warp & 1 == 1 && self.is_retirable(warp) {
                self.retire(warp);
            }
            if hungry >> warp & 1 == 1 {
                self.fetch.last = warp;
                self.fetch.fetched = Some(warp);
                return;
            }
        }
    }
}
