//! The random bits of stochastic rounding: a counter-based generator, so that a draw depends on nothing but its
//! place: (seed, launch, block, thread, n-th draw of the thread).
//!
//! A thread's stream is a hash of (seed, launch, block, thread); its draws are Philox2x32 with 7 rounds (Salmon,
//! Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) on the counter (n, upper half of the
//! stream) under the key (lower half of the stream). Seven multiplications of 32 by 32 bits: cheap on vectors of a CPU
//! and on a GPU.

/// Philox2x32's multiplier.
const MULTIPLIER: u64 = 0xd256_d193;
/// What is added to the key after each round (the golden ratio).
const WEYL: u32 = 0x9e37_79b9;
/// Rounds: the fewest that pass all of TestU01's BigCrush.
const ROUNDS: u32 = 7;

/// The stream of random bits of one thread in one launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream(u64);

/// All streams of one launch: what [`Stream::thread`] starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LaunchStreams(u64);

/// The finaliser of splitmix64: every bit of x reaches every bit of the result; one to one.
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl LaunchStreams {
    /// The streams of the `launch`-th launch of the process (from 0) under this seed.
    pub const fn new(seed: u64, launch: u64) -> LaunchStreams {
        LaunchStreams(mix(mix(seed ^ 0x243f_6a88_85a3_08d3).wrapping_add(launch)))
    }
}

impl Stream {
    /// The stream of a thread: linear index of the block in the grid, linear index of the thread in the block.
    #[inline]
    pub const fn thread(launch: LaunchStreams, block: u64, thread: u32) -> Stream {
        Stream(mix(mix(launch.0.wrapping_add(block)).wrapping_add(thread as u64)))
    }

    /// A stream from its 64 bits, see [`Stream::bits`].
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Stream {
        Stream(bits)
    }

    /// The 64 bits that make the stream.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The 64 random bits of draw `n` (from 0).
    #[inline(always)]
    pub const fn draw(self, n: u32) -> u64 {
        let (mut left, mut right) = (n as u64, self.0 >> 32);
        let mut key = self.0 as u32;
        let mut round = 0;
        // All values but the product stay below 2^32: on vectors each lives in a 64-bit lane.
        while round < ROUNDS {
            let product = left * MULTIPLIER;
            left = (product >> 32) ^ key as u64 ^ right;
            right = product & 0xffff_ffff;
            key = key.wrapping_add(WEYL);
            round += 1;
        }
        right << 32 | left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_philox() {
        // From the authors' test vectors (philox2x32, 7 rounds): counter low, high; key; result low, high.
        let cases = [
            (0, 0, 0, [0x257a_3673, 0xcd26_be2a]),
            (u32::MAX, u32::MAX, u32::MAX, [0xab30_2c4d, 0x3dc9_d239]),
            (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, [0xbedb_be6b, 0xe4c7_70b3]),
        ];
        for (low, high, key, [left, right]) in cases {
            let draw = Stream::from_bits(u64::from(high) << 32 | u64::from(key)).draw(low);
            assert_eq!(draw, right << 32 | left, "{draw:x}");
        }
    }

    #[test]
    fn every_part_of_the_place_counts() {
        let draw = |seed, launch, block, thread, n| {
            Stream::thread(LaunchStreams::new(seed, launch), block, thread).draw(n)
        };
        let mut draws = vec![draw(0, 0, 0, 0, 0)];
        for i in 1..50u32 {
            let wide = u64::from(i);
            draws.extend([
                draw(wide, 0, 0, 0, 0),
                draw(0, wide, 0, 0, 0),
                draw(0, 0, wide, 0, 0),
                draw(0, 0, 0, i, 0),
                draw(0, 0, 0, 0, i),
            ]);
        }
        let all = draws.len();
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), all);
        assert_eq!(draw(1, 2, 3, 4, 5), draw(1, 2, 3, 4, 5));
    }

    #[test]
    fn bits_are_balanced() {
        let stream = Stream::thread(LaunchStreams::new(1, 0), 0, 0);
        let n = 1 << 16;
        for bit in 0..64 {
            let ones = (0..n).filter(|&i| stream.draw(i) >> bit & 1 != 0).count() as i64;
            // Six standard deviations (of 128).
            assert!((ones - i64::from(n / 2)).abs() < 6 * 128, "bit {bit}: {ones}");
        }
    }
}
