//! A number format (significand bits, exponent range, what lies beyond): values and limits.
//!
//! A format follows MPFR's convention: a finite non-zero value is `m * 2^e` with `1/2 <= m < 1`, at most
//! `P` significant bits and `EMIN <= e <= EMAX`; results below the normal range are multiples of
//! `2^(EMIN-1)`. Everything a format can hold is exactly a binary32, so values travel in `f32`.

use crate::error::FormatError;

/// Fewest and most bits of significand, the leading bit counted.
pub const PRECISION_RANGE: std::ops::RangeInclusive<u32> = 2..=24;
/// Smallest EMIN: `2^(EMIN-1)` is then the smallest subnormal binary32.
pub const EMIN_LOWEST: i32 = -148;
/// Largest EMAX: `2^EMAX` is then just above the largest binary32.
pub const EMAX_HIGHEST: i32 = 128;

/// What a result beyond the largest finite value becomes (in the modes that do not stop at the largest finite
/// value by themselves), and an infinity from anywhere: only formats with [`Overflow::Infinity`] have infinities.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Overflow {
    /// An infinity, as in IEEE 754.
    #[default]
    Infinity,
    /// NaN: OCP's e4m3 without saturation, the fnuz formats.
    Nan,
    /// The largest finite value of the same sign.
    Saturate,
}

/// A binary floating-point format of `P` bits (leading bit counted) and exponents `EMIN..=EMAX`.
///
/// Every triple inside the bounds is a format. If `EMAX < EMIN + P - 1`, no value has all P bits: the format
/// is a fixed-point grid, the multiples of `2^(EMIN-1)` below `2^EMAX`. Beyond the triple a format says what
/// overflow becomes ([`Overflow`]), whether the largest magnitude below `2^EMAX` is missing (its encoding is a NaN in
/// OCP's e4m3), whether subnormal values are flushed to zero and whether there is a negative zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Format {
    precision: u8,
    /// How many of the largest magnitudes below 2^EMAX are no values.
    reserved: u8,
    emin: i16,
    emax: i16,
    overflow: Overflow,
    flush: bool,
    unsigned_zero: bool,
}

/// The IEEE-style format of bits that are known to be inside the bounds.
const fn ieee_unchecked(exponent_bits: u32, significand_bits: u32) -> Format {
    let emax = 1i32 << (exponent_bits - 1);
    Format {
        precision: significand_bits as u8 + 1,
        reserved: 0,
        emin: (3 - emax - significand_bits as i32) as i16,
        emax: emax as i16,
        overflow: Overflow::Infinity,
        flush: false,
        unsigned_zero: false,
    }
}

/// The format without infinities of bits that are known to be inside the bounds, see [`Format::finite`].
const fn finite_unchecked(exponent_bits: u32, significand_bits: u32) -> Format {
    let has_nan = 1 + exponent_bits + significand_bits >= 8;
    let ieee = ieee_unchecked(exponent_bits, significand_bits);
    Format {
        reserved: has_nan as u8,
        emax: ieee.emax + 1,
        overflow: if has_nan {
            Overflow::Nan
        } else {
            Overflow::Saturate
        },
        ..ieee
    }
}

/// The fnuz format of bits that are known to be inside the bounds, see [`Format::fnuz`].
const fn fnuz_unchecked(exponent_bits: u32, significand_bits: u32) -> Format {
    let ieee = ieee_unchecked(exponent_bits, significand_bits);
    Format {
        emin: ieee.emin - 1,
        overflow: Overflow::Nan,
        unsigned_zero: true,
        ..ieee
    }
}

impl Format {
    /// IEEE binary32: P 24, exponents -148..=128.
    pub const FP32: Format = ieee_unchecked(8, 23);
    /// TensorFloat-32: P 11, exponents -135..=128.
    pub const TF32: Format = ieee_unchecked(8, 10);
    /// bfloat16: P 8, exponents -132..=128.
    pub const BF16: Format = ieee_unchecked(8, 7);
    /// IEEE binary16: P 11, exponents -23..=16.
    pub const FP16: Format = ieee_unchecked(5, 10);
    /// FP8 E5M2: P 3, exponents -15..=16.
    pub const E5M2: Format = ieee_unchecked(5, 2);
    /// FP8 E4M3, IEEE-style with infinities: P 4, exponents -8..=8.
    pub const E4M3: Format = ieee_unchecked(4, 3);
    /// OCP FP8 E4M3: no infinities, largest value 448, overflow gives NaN.
    pub const E4M3FN: Format = finite_unchecked(4, 3);
    /// OCP FP6 E3M2: no infinities and no NaN, largest value 28, overflow saturates.
    pub const E3M2FN: Format = finite_unchecked(3, 2);
    /// OCP FP6 E2M3: no infinities and no NaN, largest value 7.5, overflow saturates.
    pub const E2M3FN: Format = finite_unchecked(2, 3);
    /// OCP FP4 E2M1: no infinities and no NaN, largest value 6, overflow saturates.
    pub const E2M1FN: Format = finite_unchecked(2, 1);
    /// E4M3 without infinities and negative zero, exponent bias 8: largest value 240.
    pub const E4M3FNUZ: Format = fnuz_unchecked(4, 3);
    /// E5M2 without infinities and negative zero, exponent bias 16: largest value 57344.
    pub const E5M2FNUZ: Format = fnuz_unchecked(5, 2);
    /// E4M3 without infinities and negative zero, exponent bias 11: largest value 30.
    pub const E4M3B11FNUZ: Format = Format {
        emin: Format::E4M3FNUZ.emin - 3,
        emax: Format::E4M3FNUZ.emax - 3,
        ..Format::E4M3FNUZ
    };

    /// The formats that have a name of their own, widest first.
    pub const NAMED: &'static [(&'static str, Format)] = &[
        ("fp32", Format::FP32),
        ("tf32", Format::TF32),
        ("bf16", Format::BF16),
        ("fp16", Format::FP16),
        ("e5m2", Format::E5M2),
        ("e4m3", Format::E4M3),
    ];

    /// The named formats beyond IEEE 754: no infinities, largest value first among those of one size.
    pub const BEYOND_IEEE: &'static [(&'static str, Format)] = &[
        ("e4m3fn", Format::E4M3FN),
        ("e5m2fnuz", Format::E5M2FNUZ),
        ("e4m3fnuz", Format::E4M3FNUZ),
        ("e4m3b11fnuz", Format::E4M3B11FNUZ),
        ("e3m2fn", Format::E3M2FN),
        ("e2m3fn", Format::E2M3FN),
        ("e2m1fn", Format::E2M1FN),
    ];

    /// A format of `precision` bits (leading bit counted, 2..=24) and exponents `emin..=emax` in MPFR's
    /// convention (inside -148..=128). Errors say which number is out of bounds, or that the two exponents are
    /// swapped.
    pub const fn new(precision: u32, emin: i32, emax: i32) -> Result<Format, FormatError> {
        if precision < *PRECISION_RANGE.start() || precision > *PRECISION_RANGE.end() {
            return Err(FormatError::Precision {
                precision: precision as i64,
            });
        }
        if emin > emax {
            return Err(FormatError::Swapped {
                emin: emin as i64,
                emax: emax as i64,
            });
        }
        if emin < EMIN_LOWEST {
            return Err(FormatError::ExponentMin { emin: emin as i64 });
        }
        if emax > EMAX_HIGHEST {
            return Err(FormatError::ExponentMax { emax: emax as i64 });
        }
        Ok(Format {
            precision: precision as u8,
            emin: emin as i16,
            emax: emax as i16,
            ..Format::FP32
        })
    }

    /// The IEEE-style format of E `exponent_bits` (1..=8) and M explicit `significand_bits` (1..=23):
    /// `P = M + 1`, `EMAX = 2^(E-1)`, `EMIN = 3 - 2^(E-1) - M`.
    pub const fn ieee(exponent_bits: u32, significand_bits: u32) -> Result<Format, FormatError> {
        if exponent_bits < 1 || exponent_bits > 8 || significand_bits < 1 || significand_bits > 23 {
            return Err(FormatError::Ieee {
                exponent_bits: exponent_bits as i64,
                significand_bits: significand_bits as i64,
            });
        }
        Ok(ieee_unchecked(exponent_bits, significand_bits))
    }

    /// The format `eXmYfn` of OCP's kind: the exponents that IEEE 754 gives to infinities and NaN hold finite values.
    /// In formats of 8 bits and more the largest magnitude is a NaN and overflow gives NaN; narrower ones have no NaN
    /// and overflow saturates. EMAX is one more than in [`Format::ieee`].
    pub fn finite(exponent_bits: u32, significand_bits: u32) -> Result<Format, FormatError> {
        Format::ieee(exponent_bits, significand_bits)?;
        finite_unchecked(exponent_bits, significand_bits).checked()
    }

    /// The format `eXmYfnuz`: finite values only, no negative zero (its encoding is the NaN), an exponent bias one
    /// larger than IEEE's; overflow gives NaN. EMIN is one less than in [`Format::ieee`].
    pub fn fnuz(exponent_bits: u32, significand_bits: u32) -> Result<Format, FormatError> {
        Format::ieee(exponent_bits, significand_bits)?;
        fnuz_unchecked(exponent_bits, significand_bits).checked()
    }

    /// This format, if its exponents are inside binary32's.
    fn checked(self) -> Result<Format, FormatError> {
        Format::new(self.precision(), self.emin(), self.emax()).map(|_| self)
    }

    /// The same format with overflow to the largest finite value and no infinities (`_sat`).
    #[must_use]
    pub const fn saturating(self) -> Format {
        Format {
            overflow: Overflow::Saturate,
            ..self
        }
    }

    /// The same format without subnormal values (`_ftz`): results and operands that come out below
    /// [`Format::min_normal`] are zeros of their sign. None if every value is subnormal.
    pub fn flushing(self) -> Option<Format> {
        (self.min_normal() <= self.max()).then_some(Format { flush: true, ..self })
    }

    /// This format with subnormals and another overflow: what it may have been before `_sat` and `_ftz`.
    pub(crate) const fn before_suffixes(self, overflow: Overflow) -> Format {
        Format {
            overflow,
            flush: false,
            ..self
        }
    }

    /// What results beyond the largest finite value become.
    pub const fn overflow(self) -> Overflow {
        self.overflow
    }

    /// Whether subnormal values are flushed to zero.
    pub const fn flushes(self) -> bool {
        self.flush
    }

    /// Whether there is a negative zero.
    pub const fn has_negative_zero(self) -> bool {
        !self.unsigned_zero
    }

    /// Whether P, EMIN and EMAX say all: overflow to infinity, subnormals, a negative zero.
    pub fn is_plain(self) -> bool {
        Format::new(self.precision(), self.emin(), self.emax()) == Ok(self)
    }

    /// P: bits of significand, the leading bit counted.
    pub const fn precision(self) -> u32 {
        self.precision as u32
    }

    /// EMIN: the smallest positive value is `2^(EMIN-1)`.
    pub const fn emin(self) -> i32 {
        self.emin as i32
    }

    /// EMAX: every finite value is below `2^EMAX` in magnitude.
    pub const fn emax(self) -> i32 {
        self.emax as i32
    }

    /// (E, M) if this is the IEEE-style format of E exponent bits and M explicit significand bits.
    pub fn ieee_bits(self) -> Option<(u32, u32)> {
        let significand_bits = self.precision() - 1;
        (1..=8)
            .map(|e| (e, significand_bits))
            .find(|&(e, m)| Format::ieee(e, m) == Ok(self))
    }

    /// The exponent of the distance between neighbours just below `2^EMAX`.
    const fn top_quantum(self) -> i32 {
        let normal = self.emax() - self.precision() as i32;
        if normal > self.emin() - 1 {
            normal
        } else {
            self.emin() - 1
        }
    }

    /// The largest finite result: `2^EMAX` less one unit in its last place, or the value below if that is reserved.
    pub fn max(self) -> f64 {
        power_of_two(self.emax()) - f64::from(1 + self.reserved) * power_of_two(self.top_quantum())
    }

    /// The largest finite operand that the cut `T` leaves: the largest binary32 of at most P bits below
    /// `2^EMAX`. It equals [`Format::max`] unless the exponent range is narrower than P bits.
    pub fn max_operand(self) -> f64 {
        let quantum = (self.emax() - self.precision() as i32).max(EMIN_LOWEST - 1);
        power_of_two(self.emax()) - f64::from(1 + self.reserved) * power_of_two(quantum)
    }

    /// What overflow of a positive value becomes: [`f64::INFINITY`], NaN or [`Format::max`].
    pub fn beyond(self) -> f64 {
        match self.overflow {
            Overflow::Infinity => f64::INFINITY,
            Overflow::Nan => f64::NAN,
            Overflow::Saturate => self.max(),
        }
    }

    /// Where the full precision of results begins: `2^(EMIN+P-2)`. In a format narrower than P bits this is above
    /// [`Format::max`].
    pub fn min_normal(self) -> f64 {
        power_of_two(self.emin() + self.precision() as i32 - 2)
    }

    /// The quantum below the normal range and, unless subnormals are flushed, the smallest positive value: `2^(EMIN-1)`.
    pub fn min_subnormal(self) -> f64 {
        power_of_two(self.emin() - 1)
    }

    /// The smallest positive value.
    pub fn min_positive(self) -> f64 {
        if self.flush {
            self.min_normal()
        } else {
            self.min_subnormal()
        }
    }

    /// The distance from 1 to the next larger number of P bits: `2^(1-P)`.
    pub fn epsilon(self) -> f64 {
        power_of_two(1 - self.precision() as i32)
    }

    /// How many multiples of the smallest quantum and steps of the binades there are below `2^EMAX`, zero counted.
    fn steps(self) -> u64 {
        let (p, span) = (self.precision(), (self.emax() - self.emin() + 1) as u32);
        if span <= p {
            1 << span
        } else {
            u64::from(span - p + 2) << (p - 1)
        }
    }

    /// The magnitude after `index` steps from zero.
    fn magnitude(self, index: u64) -> f64 {
        let p = self.precision();
        let binade = (index >> (p - 1)).saturating_sub(1);
        let significand = index - (binade << (p - 1));
        significand as f64 * power_of_two(self.emin() - 1 + binade as i32)
    }

    /// The steps that are finite positive values.
    fn positive_steps(self) -> std::ops::Range<u64> {
        let lowest = if self.flush {
            1 << (self.precision() - 1)
        } else {
            1
        };
        lowest..self.steps() - u64::from(self.reserved)
    }

    /// How many finite magnitudes there are, zero counted.
    pub fn magnitudes(self) -> u64 {
        let positive = self.positive_steps();
        1 + positive.end.saturating_sub(positive.start)
    }

    /// Every value in ascending order: -inf, the negative values, -0, +0, the positive values, +inf; without what the
    /// format does not have. No NaN. Meant for small formats; it is lazy, so a large one only takes long.
    pub fn values(self) -> impl Iterator<Item = f32> {
        let infinity = (self.overflow == Overflow::Infinity).then_some(f32::INFINITY);
        let zero = self.has_negative_zero().then_some(-0.0);
        let negative = self
            .positive_steps()
            .rev()
            .map(move |i| -self.magnitude(i) as f32);
        let positive = self.positive_steps().map(move |i| self.magnitude(i) as f32);
        infinity
            .map(|x| -x)
            .into_iter()
            .chain(negative)
            .chain(zero)
            .chain(std::iter::once(0.0))
            .chain(positive)
            .chain(infinity)
    }
}

/// `2^exponent` as f64, for exponents of normal f64 numbers (-1022..=1023).
pub(crate) const fn power_of_two(exponent: i32) -> f64 {
    debug_assert!(exponent >= -1022 && exponent <= 1023);
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_known_formats() {
        assert_eq!(Format::FP32.max(), f32::MAX as f64);
        assert_eq!(Format::FP32.min_normal(), f32::MIN_POSITIVE as f64);
        assert_eq!(Format::FP32.min_subnormal(), f32::from_bits(1) as f64);
        assert_eq!(Format::FP32.epsilon(), f32::EPSILON as f64);
        assert_eq!(Format::FP16.max(), 65504.0);
        assert_eq!(Format::FP16.min_subnormal(), 2f64.powi(-24));
        assert_eq!(Format::E5M2.max(), 57344.0);
        assert_eq!(Format::E4M3.max(), 240.0);
        let fixed = Format::new(8, 1, 3).unwrap();
        assert_eq!(
            (fixed.max(), fixed.max_operand(), fixed.min_subnormal()),
            (7.0, 8.0 - 1.0 / 32.0, 1.0)
        );
    }

    #[test]
    fn values_are_ascending_and_complete() {
        let e4m3: Vec<f32> = Format::E4M3.values().collect();
        assert_eq!(e4m3.len(), 256 - 14);
        for pair in e4m3.windows(2) {
            assert!(pair[0] < pair[1] || (pair[0].to_bits() == (-0f32).to_bits() && pair[1].to_bits() == 0));
        }
        assert_eq!(e4m3[e4m3.len() - 2] as f64, Format::E4M3.max());
        let tiny: Vec<f32> = Format::ieee(1, 1).unwrap().values().collect();
        assert_eq!(tiny, [f32::NEG_INFINITY, -1.0, -0.0, 0.0, 1.0, f32::INFINITY]);
        assert_eq!(Format::FP16.values().count(), 65536 - 2 * 1023);
        let one = Format::new(2, 3, 3).unwrap();
        assert_eq!(
            one.values().collect::<Vec<_>>(),
            [f32::NEG_INFINITY, -4.0, -0.0, 0.0, 4.0, f32::INFINITY]
        );
    }

    #[test]
    fn limits_beyond_ieee() {
        let table: Vec<_> = Format::BEYOND_IEEE
            .iter()
            .map(|(name, f)| {
                (
                    *name,
                    f.max(),
                    f.min_normal(),
                    f.min_subnormal(),
                    f.values().count(),
                )
            })
            .collect();
        assert_eq!(
            table,
            [
                ("e4m3fn", 448.0, 2f64.powi(-6), 2f64.powi(-9), 254),
                ("e5m2fnuz", 57344.0, 2f64.powi(-15), 2f64.powi(-17), 255),
                ("e4m3fnuz", 240.0, 2f64.powi(-7), 2f64.powi(-10), 255),
                ("e4m3b11fnuz", 30.0, 2f64.powi(-10), 2f64.powi(-13), 255),
                ("e3m2fn", 28.0, 0.25, 0.0625, 64),
                ("e2m3fn", 7.5, 1.0, 0.125, 64),
                ("e2m1fn", 6.0, 1.0, 0.5, 16),
            ]
        );
        let flushing = Format::E4M3.flushing().unwrap();
        assert_eq!(flushing.magnitudes(), Format::E4M3.magnitudes() - 7);
        assert_eq!(flushing.min_positive(), Format::E4M3.min_normal());
        assert_eq!(Format::new(8, 1, 3).unwrap().flushing(), None);
        assert_eq!(Format::E5M2.saturating().beyond(), 57344.0);
        assert!(Format::E4M3FN.beyond().is_nan());
        assert!(Format::E4M3.is_plain() && !Format::E4M3.saturating().is_plain());
    }

    #[test]
    fn a_range_too_short_for_the_bits_is_a_fixed_point_grid() {
        // Multiples of 2^-1 below 2^3, 8 bits of significand of which at most 4 are used.
        let grid = Format::new(8, 0, 3).expect("inside the bounds");
        let lanes = crate::Lanes::new(grid, crate::Rounding::TowardZero, crate::Rounding::NearestEven);
        for (x, rounded) in [(1.3, 1.5), (0.2, 0.0), (0.25, 0.0), (7.5, 7.5), (-6.76, -7.0)] {
            let mut out = [0.0];
            crate::slices::quantize(&lanes, &mut out, &[x]);
            assert_eq!(out[0], rounded, "{x}");
        }
        assert_eq!(grid.max(), 7.5);
    }
}
