//! Clock domains. Tick k of a clock comes at time k / frequency; times are compared as whole numbers, so that they are exact
//! however long a launch is.

/// Domains, in the order of [`Clocks`].
pub const CORE: usize = 0;
/// The network.
pub const NETWORK: usize = 1;
/// L2.
pub const L2: usize = 2;
/// Memory.
pub const DRAM: usize = 3;

/// The clocks of a launch, all at time 0 when it begins.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    khz: [u64; 4],
    /// Ticks that have been.
    pub ticks: [u64; 4],
}

impl Clocks {
    /// Of these frequencies.
    pub fn new(khz: [u64; 4]) -> Clocks {
        Clocks { khz, ticks: [0; 4] }
    }

    /// The next point in time: which clocks tick. Their ticks are counted.
    pub fn step(&mut self) -> [bool; 4] {
        // The earliest is the one with the smallest ticks / kHz.
        let earliest = (1..4).fold(0, |best, d| {
            let (a, b) = (self.ticks[d] * self.khz[best], self.ticks[best] * self.khz[d]);
            if a < b { d } else { best }
        });
        let at = (self.ticks[earliest], self.khz[earliest]);
        let mut fire = [false; 4];
        for (d, fire) in fire.iter_mut().enumerate() {
            *fire = self.ticks[d] * at.1 <= at.0 * self.khz[d];
        }
        for (ticks, fire) in self.ticks.iter_mut().zip(fire) {
            *ticks += u64::from(fire);
        }
        fire
    }

    /// Goes on to before core tick `core`; the ticks that each clock has skipped.
    pub fn skip_to(&mut self, core: u64) -> [u64; 4] {
        let mut skipped = [0; 4];
        for (d, skipped) in skipped.iter_mut().enumerate() {
            // The first tick that is not before it.
            let target = (core * self.khz[d]).div_ceil(self.khz[CORE]);
            *skipped = target.saturating_sub(self.ticks[d]);
            self.ticks[d] += *skipped;
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_come_in_the_order_of_time() {
        let mut clocks = Clocks::new([1200, 1200, 1200, 850]);
        assert_eq!(clocks.step(), [true; 4]);
        let mut fired = [1u64; 4];
        for _ in 0..10_000 {
            let f = clocks.step();
            assert_eq!((f[CORE], f[CORE]), (f[NETWORK], f[L2]));
            fired.iter_mut().zip(f).for_each(|(n, f)| *n += u64::from(f));
        }
        // 850 ticks for each 1200.
        let expected = fired[CORE] * 850 / 1200;
        assert!(fired[DRAM].abs_diff(expected) <= 1, "{fired:?}");
    }

    #[test]
    fn skipping_is_stepping() {
        for target in [1, 2, 3, 17, 1000, 12_345] {
            let mut stepped = Clocks::new([1447, 1200, 1700, 850]);
            loop {
                let mut next = stepped;
                let fire = next.step();
                if fire[CORE] && stepped.ticks[CORE] == target {
                    break;
                }
                stepped = next;
            }
            let mut skipped = Clocks::new([1447, 1200, 1700, 850]);
            skipped.skip_to(target);
            assert_eq!(skipped.ticks, stepped.ticks, "{target}");
        }
    }
}
