//! Warp schedulers: in which order the warps of a scheduler are looked at.

use crate::Error;
use crate::reader::{MAX_WARPS, Reader};

/// The order in which a scheduler looks at its warps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// In turn, from the one after the last that issued.
    Lrr,
    /// The last that issued, then the oldest.
    Gto,
    /// The oldest.
    Old,
    /// In turn among a few active warps; those that wait for long operations make room for others.
    TwoLevel {
        /// Active warps.
        active: u32,
    },
    /// As [`Policy::Gto`], among the oldest only.
    Limiting {
        /// So many.
        warps: u32,
    },
}

impl Policy {
    /// `-gpgpu_scheduler`.
    pub(crate) fn read(r: &Reader) -> Result<Policy, Error> {
        const NAME: &str = "-gpgpu_scheduler";
        let text = r.0.get(NAME);
        let parts: Vec<&str> = text.split(':').collect();
        let warps = |s: &str| s.parse::<u32>().ok().filter(|n| (1..=MAX_WARPS).contains(n));
        match parts[..] {
            ["lrr"] => Ok(Policy::Lrr),
            ["gto"] => Ok(Policy::Gto),
            ["old"] => Ok(Policy::Old),
            // GPGPU-Sim knows one inner and one outer order, too: in turn (0), and first in first out (1).
            ["two_level_active", active, "0", "1"] => match warps(active) {
                Some(active) => Ok(Policy::TwoLevel { active }),
                None => r.refuse(NAME, format!("1 to {MAX_WARPS} active warps")),
            },
            ["two_level_active", ..] => r.refuse(
                NAME,
                "two_level_active:WARPS:0:1 is modelled (inner order in turn, outer order strict)",
            ),
            ["warp_limiting", "2", n] => match warps(n) {
                Some(warps) => Ok(Policy::Limiting { warps }),
                None => r.refuse(NAME, format!("1 to {MAX_WARPS} warps")),
            },
            ["warp_limiting", ..] => r.refuse(
                NAME,
                "warp_limiting:2:WARPS is modelled (2: greedy, then the oldest)",
            ),
            _ => r.refuse(
                NAME,
                "lrr, gto, old, two_level_active:WARPS:0:1, warp_limiting:2:WARPS",
            ),
        }
    }
}

/// What a scheduler knows of warps, each set as bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// Warps that could issue, or have fetched the wrong instruction.
    pub candidates: u64,
    /// Warps that wait: ended, at a barrier, at a fence, for an atomic.
    pub waiting: u64,
    /// Warps whose next instruction waits for a long operation.
    pub long: u64,
}

/// A scheduler.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// Its warps, as bits.
    pub warps: u64,
    policy: Policy,
    /// The last that issued.
    last: Option<u8>,
    /// Its resident warps, the oldest first.
    age: Vec<u8>,
    /// Two levels: active warps in the order in which they are looked at, and those that wait.
    active: Vec<u8>,
    pending: std::collections::VecDeque<u8>,
}

impl Scheduler {
    /// Scheduler `number` of `of`, on a multiprocessor with `warps` warps.
    pub fn new(policy: Policy, number: u32, of: u32, warps: u32) -> Scheduler {
        let mine = (0..warps).filter(|w| w % of == number).map(|w| w as u8);
        let mut scheduler = Scheduler {
            warps: mine.clone().fold(0, |set, w| set | 1 << w),
            policy,
            last: None,
            age: Vec::new(),
            active: Vec::new(),
            pending: Default::default(),
        };
        if let Policy::TwoLevel { active } = policy {
            let all: Vec<u8> = mine.collect();
            let n = all.len().min(active as usize);
            scheduler.active = all[..n].to_vec();
            scheduler.pending = all[n..].iter().copied().collect();
        }
        scheduler
    }

    /// Whether its order changes although nothing happens.
    pub fn is_restless(&self) -> bool {
        matches!(self.policy, Policy::TwoLevel { .. })
    }

    /// A warp begins: it is the youngest now.
    pub fn begin(&mut self, warp: u8) {
        self.age.retain(|w| *w != warp);
        self.age.push(warp);
    }

    /// Puts the warps to look at in this cycle into `order`, those that can do nothing left out.
    pub fn order(&mut self, view: View, order: &mut Vec<u8>) {
        order.clear();
        let can = view.candidates & self.warps;
        if let Policy::TwoLevel { active } = self.policy {
            return self.two_levels(view, active as usize, order);
        }
        if can == 0 {
            return;
        }
        let is = |w: u8| can >> w & 1 == 1;
        match self.policy {
            Policy::Lrr => {
                let from = self.last.map_or(0, |l| u32::from(l) + 1);
                let behind = if from > 63 { 0 } else { can & (u64::MAX << from) };
                for mut part in [behind, can & !behind] {
                    while part != 0 {
                        order.push(part.trailing_zeros() as u8);
                        part &= part - 1;
                    }
                }
            }
            Policy::Old => order.extend(self.age.iter().copied().filter(|w| is(*w))),
            Policy::Gto => {
                // The first warp is the greedy one before any has issued.
                let greedy = self.last.unwrap_or(self.warps.trailing_zeros() as u8);
                if is(greedy) {
                    order.push(greedy);
                }
                order.extend(self.age.iter().copied().filter(|w| *w != greedy && is(*w)));
            }
            Policy::Limiting { warps } => {
                let greedy = self.last.unwrap_or(self.warps.trailing_zeros() as u8);
                if is(greedy) {
                    order.push(greedy);
                }
                let awake = self.age.iter().copied().filter(|w| view.waiting >> w & 1 == 0);
                order.extend(awake.take(warps as usize).filter(|w| *w != greedy && is(*w)));
            }
            Policy::TwoLevel { .. } => {}
        }
    }

    fn two_levels(&mut self, view: View, most: usize, order: &mut Vec<u8>) {
        let pending = &mut self.pending;
        self.active.retain(|w| {
            let waits = (view.waiting | view.long) >> w & 1 == 1;
            if waits {
                pending.push_back(*w);
            }
            !waits
        });
        while self.active.len() < most
            && let Some(w) = self.pending.pop_front()
        {
            self.active.push(w);
        }
        order.extend(
            self.active
                .iter()
                .copied()
                .filter(|w| view.candidates >> w & 1 == 1),
        );
    }

    /// A warp has issued.
    pub fn issued(&mut self, warp: u8) {
        self.last = Some(warp);
        if let Some(at) = self.active.iter().position(|w| *w == warp) {
            self.active.rotate_left(at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(s: &mut Scheduler, candidates: u64, waiting: u64, long: u64) -> Vec<u8> {
        let mut out = Vec::new();
        s.order(
            View {
                candidates,
                waiting,
                long,
            },
            &mut out,
        );
        out
    }

    /// Scheduler 1 of 2 with warps 1, 3, 5, 7, which begin in this order but for 7, which is oldest.
    fn scheduler(policy: Policy) -> Scheduler {
        let mut s = Scheduler::new(policy, 1, 2, 8);
        [7, 1, 3, 5].into_iter().for_each(|w| s.begin(w));
        s
    }

    #[test]
    fn each_policy_has_its_order() {
        let all = 0b1010_1010;
        let mut s = scheduler(Policy::Lrr);
        assert_eq!(order(&mut s, all, 0, 0), [1, 3, 5, 7]);
        s.issued(3);
        assert_eq!(order(&mut s, all, 0, 0), [5, 7, 1, 3]);
        let mut s = scheduler(Policy::Gto);
        s.issued(5);
        assert_eq!(order(&mut s, all, 0, 0), [5, 7, 1, 3]);
        assert_eq!(order(&mut s, 0b1000_1010, 0, 0), [7, 1, 3]);
        let mut s = scheduler(Policy::Old);
        s.issued(5);
        assert_eq!(order(&mut s, all, 0, 0), [7, 1, 3, 5]);
        // The two oldest that do not wait, and the last that issued.
        let mut s = scheduler(Policy::Limiting { warps: 2 });
        s.issued(5);
        assert_eq!(order(&mut s, all, 0, 0), [5, 7, 1]);
        assert_eq!(order(&mut s, 0b0010_1010, 0b1000_0000, 0), [5, 1, 3]);
    }

    #[test]
    fn waiting_warps_leave_the_first_of_two_levels() {
        let all = 0b1010_1010;
        let mut s = scheduler(Policy::TwoLevel { active: 2 });
        assert_eq!(order(&mut s, all, 0, 0), [1, 3]);
        s.issued(1);
        assert_eq!(order(&mut s, all, 0, 0), [3, 1]);
        // 3 waits for memory: 5 takes its place, and 3 comes back when there is room.
        assert_eq!(order(&mut s, all, 0, 0b1000), [1, 5]);
        assert_eq!(order(&mut s, all, 0b10, 0), [5, 7]);
        assert_eq!(order(&mut s, all, 0b1010_0000, 0), [3, 1]);
    }
}
