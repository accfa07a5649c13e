//! How addresses spread over sets, banks and slices.

/// A function from higher address bits and a plain index to an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetIndex {
    /// The plain index.
    Linear,
    /// Exclusive or with the next higher bits.
    Xor,
    /// Polynomials over GF(2): Rau, "Pseudo-randomly interleaved memory", ISCA 1991.
    Ipoly,
}

impl SetIndex {
    /// The index among `n` (a power of two; 16, 32 or 64 for IPOLY) of what is `index` by its plain bits.
    pub fn of(self, higher: u64, index: u32, n: u32) -> u32 {
        match self {
            SetIndex::Linear => index,
            SetIndex::Xor => index ^ (higher & u64::from(n - 1)) as u32,
            SetIndex::Ipoly => ipoly(higher, index, n),
        }
    }
}

/// Which of the higher bits are added to each bit of the index, by number of places.
fn masks(n: u32) -> &'static [u64] {
    const fn bits(list: &[u32]) -> u64 {
        let (mut word, mut i) = (0, 0);
        while i < list.len() {
            word |= 1 << list[i];
            i += 1;
        }
        word
    }
    const OF_16: [u64; 4] = [
        bits(&[0, 3, 4, 6, 8, 9, 10, 11]),
        bits(&[0, 1, 3, 5, 6, 7, 8, 12]),
        bits(&[1, 2, 4, 6, 7, 8, 9]),
        bits(&[2, 3, 5, 7, 8, 9, 10]),
    ];
    const OF_32: [u64; 5] = [
        bits(&[0, 3, 5, 6, 9, 10, 11, 12, 13]),
        bits(&[1, 4, 6, 7, 10, 11, 12, 13, 14]),
        bits(&[0, 2, 3, 6, 7, 8, 9, 10, 14]),
        bits(&[1, 3, 4, 7, 8, 9, 10, 11]),
        bits(&[2, 4, 5, 8, 9, 10, 11, 12]),
    ];
    const OF_64: [u64; 6] = [
        bits(&[0, 5, 6, 10, 12, 15, 16, 17, 18]),
        bits(&[0, 1, 5, 7, 10, 11, 12, 13, 15]),
        bits(&[1, 2, 6, 8, 11, 12, 13, 14, 16]),
        bits(&[2, 3, 7, 9, 12, 13, 14, 15, 17]),
        bits(&[3, 4, 8, 10, 13, 14, 15, 16, 18]),
        bits(&[4, 5, 9, 11, 14, 15, 16, 17]),
    ];
    match n {
        16 => &OF_16,
        32 => &OF_32,
        _ => &OF_64,
    }
}

fn ipoly(higher: u64, index: u32, n: u32) -> u32 {
    let bit = |(i, mask): (usize, &u64)| ((higher & mask).count_ones() & 1) << i;
    index ^ masks(n).iter().enumerate().map(bit).sum::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses a power of two apart reach all places: the property that IPOLY is chosen for.
    #[test]
    fn every_stride_of_a_power_of_two_reaches_all_places() {
        for n in [16u32, 32, 64] {
            for shift in 0..6 {
                let mut seen = 0u64;
                for k in 0..u64::from(n) {
                    let address = k << shift;
                    let (index, higher) = ((address % u64::from(n)) as u32, address / u64::from(n));
                    seen |= 1 << SetIndex::Ipoly.of(higher, index, n);
                }
                assert_eq!(seen.count_ones(), n, "{n} places, stride {}", 1 << shift);
            }
        }
    }

    #[test]
    fn each_index_stays_a_permutation() {
        for n in [16u32, 32, 64] {
            for higher in 0..500 {
                let all = (0..n).fold(0u64, |seen, i| seen | 1 << SetIndex::Ipoly.of(higher, i, n));
                assert_eq!(all.count_ones(), n);
                let all = (0..n).fold(0u64, |seen, i| seen | 1 << SetIndex::Xor.of(higher, i, n));
                assert_eq!(all.count_ones(), n);
            }
        }
    }
}
