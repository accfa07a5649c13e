//! Looking at values: exponents, significands, how many significand bits are really used, and the distribution of
//! both over many values such as a weights file.

use std::collections::BTreeMap;
use std::fmt;

/// The parts of a finite non-zero value `m * 2^e` with `1/2 <= m < 1`, MPFR's convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Whether the sign bit is set.
    pub negative: bool,
    /// e.
    pub exponent: i32,
    /// The significand as an odd integer: the value is `significand * 2^(exponent - width)`.
    pub significand: u32,
    /// Bits of significand that the value uses, from the leading one to the last one: 1 for powers of two, at most 24.
    pub width: u32,
}

/// Takes a value apart; None for zeros, infinities and NaN.
pub fn parts(x: f32) -> Option<Parts> {
    if x == 0.0 || !x.is_finite() {
        return None;
    }
    let bits = x.to_bits();
    let field = (bits >> 23 & 0xff) as i32;
    let fraction = bits & 0x7f_ffff;
    let integer = if field == 0 {
        fraction
    } else {
        fraction | 0x80_0000
    };
    let length = 32 - integer.leading_zeros();
    let zeros = integer.trailing_zeros();
    Some(Parts {
        negative: bits >> 31 != 0,
        // The value is integer * 2^(max(field, 1) - 150).
        exponent: field.max(1) - 150 + length as i32,
        significand: integer >> zeros,
        width: length - zeros,
    })
}

/// e of a finite non-zero value `m * 2^e` with `1/2 <= m < 1`.
pub fn exponent(x: f32) -> Option<i32> {
    parts(x).map(|parts| parts.exponent)
}

/// How many significand bits a finite non-zero value really uses, 1 to 24.
pub fn significand_width(x: f32) -> Option<u32> {
    parts(x).map(|parts| parts.width)
}

/// How often each exponent and each significand width occurs among some values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    exponents: BTreeMap<i32, u64>,
    widths: [u64; 25],
    zeros: u64,
    infinities: u64,
    nans: u64,
    negatives: u64,
}

impl Distribution {
    /// The distribution over a slice.
    pub fn of(values: &[f32]) -> Distribution {
        let mut distribution = Distribution::default();
        distribution.extend(values.iter().copied());
        distribution
    }

    /// The distribution over raw little-endian binary32 values, and how many bytes (0 to 3) were left over at the end.
    pub fn of_bytes(bytes: &[u8]) -> (Distribution, usize) {
        let (words, rest) = bytes.as_chunks::<4>();
        let mut distribution = Distribution::default();
        distribution.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
        (distribution, rest.len())
    }

    /// Counts one more value.
    pub fn add(&mut self, x: f32) {
        if let Some(parts) = parts(x) {
            *self.exponents.entry(parts.exponent).or_default() += 1;
            self.widths[parts.width as usize] += 1;
            self.negatives += u64::from(parts.negative);
        } else if x.is_nan() {
            self.nans += 1;
        } else if x == 0.0 {
            self.zeros += 1;
        } else {
            self.infinities += 1;
        }
    }

    /// (e, count) of finite non-zero values, ascending, exponents that occur only.
    pub fn exponents(&self) -> impl Iterator<Item = (i32, u64)> {
        self.exponents.iter().map(|(&exponent, &count)| (exponent, count))
    }

    /// (bits, count) of finite non-zero values, ascending, widths that occur only.
    pub fn widths(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..).zip(self.widths).filter(|(_, count)| *count != 0)
    }

    /// Values in all.
    pub fn count(&self) -> u64 {
        self.finite_non_zero() + self.zeros + self.infinities + self.nans
    }

    /// Values that are in the two distributions.
    pub fn finite_non_zero(&self) -> u64 {
        self.widths.iter().sum()
    }

    /// Zeros of either sign.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Infinities of either sign.
    pub fn infinities(&self) -> u64 {
        self.infinities
    }

    /// NaN values.
    pub fn nans(&self) -> u64 {
        self.nans
    }

    /// Finite values below zero.
    pub fn negatives(&self) -> u64 {
        self.negatives
    }

    /// The smallest and the largest e.
    pub fn exponent_range(&self) -> Option<(i32, i32)> {
        Some((
            *self.exponents.keys().next()?,
            *self.exponents.keys().next_back()?,
        ))
    }

    /// The most significand bits that any value uses.
    pub fn widest(&self) -> Option<u32> {
        self.widths().last().map(|(bits, _)| bits)
    }
}

impl Extend<f32> for Distribution {
    fn extend<I: IntoIterator<Item = f32>>(&mut self, values: I) {
        for x in values {
            self.add(x);
        }
    }
}

/// Columns of a bar for a share of 1.
const BAR: f64 = 40.0;

/// One table: a heading, then for each row its label, count, share in percent and a bar.
fn table(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    rows: impl Iterator<Item = (i64, u64)>,
    total: u64,
) -> fmt::Result {
    writeln!(f, "{heading:>10} {:>12} {:>7}", "count", "share")?;
    for (label, count) in rows {
        let share = count as f64 / total as f64;
        let bar = "#".repeat((share * BAR).round() as usize);
        writeln!(
            f,
            "{}",
            format!("{label:>10} {count:>12} {:>6.2}% {bar}", share * 100.0).trim_end()
        )?;
    }
    Ok(())
}

impl fmt::Display for Distribution {
    /// A summary line and two tables: exponents (e of m * 2^e, 1/2 <= m < 1) and significand bits used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} values: {} finite and not zero ({} negative), {} zero, {} infinite, {} NaN",
            self.count(),
            self.finite_non_zero(),
            self.negatives,
            self.zeros,
            self.infinities,
            self.nans
        )?;
        if self.finite_non_zero() == 0 {
            return Ok(());
        }
        let total = self.finite_non_zero();
        writeln!(f)?;
        table(f, "exponent", self.exponents().map(|(e, n)| (e.into(), n)), total)?;
        writeln!(f)?;
        table(
            f,
            "bits used",
            self.widths().map(|(bits, n)| (bits.into(), n)),
            total,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_known_values() {
        assert_eq!(
            parts(1.0),
            Some(Parts {
                negative: false,
                exponent: 1,
                significand: 1,
                width: 1
            })
        );
        assert_eq!(
            parts(-0.75),
            Some(Parts {
                negative: true,
                exponent: 0,
                significand: 3,
                width: 2
            })
        );
        assert_eq!(parts(f32::MAX).map(|p| (p.exponent, p.width)), Some((128, 24)));
        assert_eq!(
            parts(f32::from_bits(1)).map(|p| (p.exponent, p.width)),
            Some((-148, 1))
        );
        assert_eq!(
            parts(f32::from_bits(0b1010)).map(|p| (p.exponent, p.width)),
            Some((-145, 3))
        );
        for x in [0.0, -0.0, f32::INFINITY, f32::NAN] {
            assert_eq!((parts(x), exponent(x), significand_width(x)), (None, None, None));
        }
        for bits in (1..0x7f80_0000).step_by(99_991) {
            let x = f32::from_bits(bits);
            let p = parts(x).unwrap();
            let value = f64::from(p.significand) * 2f64.powi(p.exponent - p.width as i32);
            assert_eq!(value, f64::from(x));
        }
    }

    #[test]
    fn distribution_counts_everything_once() {
        let values = [1.0, 1.5, -1.5, 0.25, 0.0, -0.0, f32::INFINITY, f32::NAN, 0.1];
        let distribution = Distribution::of(&values);
        assert_eq!(distribution.count(), 9);
        assert_eq!(
            distribution.exponents().collect::<Vec<_>>(),
            [(-3, 1), (-1, 1), (1, 3)]
        );
        assert_eq!(
            distribution.widths().collect::<Vec<_>>(),
            [(1, 2), (2, 2), (24, 1)]
        );
        assert_eq!(
            (
                distribution.zeros(),
                distribution.infinities(),
                distribution.nans()
            ),
            (2, 1, 1)
        );
        assert_eq!(
            (distribution.exponent_range(), distribution.widest()),
            (Some((-3, 1)), Some(24))
        );
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .chain([1, 2])
            .collect();
        assert_eq!(Distribution::of_bytes(&bytes), (distribution.clone(), 2));
        let text = distribution.to_string();
        assert!(
            text.starts_with("9 values: 5 finite and not zero (1 negative), 2 zero, 1 infinite, 1 NaN\n"),
            "{text}"
        );
        assert!(
            text.contains("         1            3  60.00% ########################\n"),
            "{text}"
        );
        assert_eq!(Distribution::default().to_string().lines().count(), 1);
    }
}
