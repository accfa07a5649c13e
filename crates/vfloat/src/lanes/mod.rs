//! The operations without flags and without branches, one lane at a time, for loops that become SIMD.
//!
//! # How an engine uses this
//!
//! [`Lanes`] holds a format and its modes and is itself a [`LaneOps`]: right in every mode, but not the fastest.
//! Choose the fast form *outside* the loop over lanes with [`Lanes::specialise`]: it calls a [`LaneVisitor`] with a
//! [`LaneOps`] type made for the format and modes, and everything inside is compiled for that type:
//!
//! ```
//! use vfloat::{Format, LaneOps, LaneVisitor, Lanes, Rounding};
//!
//! struct Fma<'a> { d: &'a mut [f32; 32], a: &'a [f32; 32], b: &'a [f32; 32], c: &'a [f32; 32] }
//! impl LaneVisitor for Fma<'_> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn visit<L: LaneOps>(self, ops: L) {
//!         for i in 0..32 {
//!             self.d[i] = ops.fma(self.a[i], self.b[i], self.c[i]);
//!         }
//!     }
//! }
//! let lanes = Lanes::new(Format::BF16, Rounding::TowardZero, Rounding::NearestEven);
//! let mut d = [0.0; 32];
//! lanes.specialise(Fma { d: &mut d, a: &[1.5; 32], b: &[2.0; 32], c: &[0.25; 32] });
//! assert_eq!(d, [3.25; 32]);
//! ```
//!
//! An engine that lowers a kernel picks function pointers the same way: `visit` returns
//! `step::<L> as unsafe fn(..)`, where `step` carries `#[target_feature(enable = "avx2,fma")]` (or avx512). All
//! methods are `#[inline(always)]` without target features of their own, so they take on those of the caller.
//! Comparisons and conversions are the engine's: compare `truncate(a)` with `truncate(b)`; convert
//! `truncate(a)`.
//!
//! # Why binary64 in between is right
//!
//! T and R work on binary64 (sign, 53 bits, far more exponent range), where every binary32 and every product of
//! two is exact. Let P <= 24 be the precision and call a number with at most P + 1 <= 25 bits a *point*: values of the
//! format and midpoints between them are points, subnormal ones too. If y is a binary64 for the exact x
//! such that x and y lie on the same side of every point (and y is a point only if x is), then
//! R(y) = R(x) in every mode. That holds for
//!
//! * products: exact.
//! * quotients `a / b` of 24-bit numbers, rounded to nearest: if x = a/b is not the point g, then a - g b is a non-zero
//!   integer over a common power of two while g b has at most 49 bits, so x differs from g relatively by
//!   more than 2^-50, and rounding (relative error 2^-53) cannot reach or cross g.
//! * square roots, rounded to nearest: in the same way a - g^2 has at most 50 bits, so sqrt(a) and g differ
//!   relatively by more than 2^-52, and rounding cannot reach or cross g.
//! * sums of P-bit numbers, rounded to nearest, for R to nearest: the binary64 sum is inexact only if one
//!   operand is below 2^-28 of the other, a. Then x lies between a and the midpoints next to it (they are at least
//!   2^-26 |a| away), so does y, and both round to a. Results below the normal range are no exception: operands are
//!   multiples of 2^(EMIN-P), so sums below 2^(EMIN+P-2) have at most 2P - 2 bits and are exact.
//! * all sums, rounded to odd (the binary64 toward zero, last bit set if inexact), in every mode: an inexact y is
//!   odd, hence no point, and on the side of x.
//! * functions: [`crate::functions`] promises just this.
//!
//! R32 of a sum of two binary32 to nearest is the hardware's binary32 addition. A sum in another accumulator's format A is
//! rounded to odd first, in every mode: its addend may have more bits than A.
//!
//! Stochastic rounding with N bits looks at P + N <= 52 bits: read *point* as a number of at most 52 bits. Products and
//! sums rounded to odd are right for these too; quotients and roots are rounded to odd as well, by the sign of the exact
//! remainder. For functions the binary64 that [`crate::functions`] gives counts as the exact value.

mod any;
mod double;
mod single;

use crate::CANONICAL_NAN_BITS;
use crate::format::power_of_two;
use crate::functions;
use crate::rounding::Rounding;

pub use any::{LaneVisitor, Lanes, Stochastic};
pub use double::RzRn;
pub use single::{Binary32Rn, Inner, Prefix, Single};

/// The operations of one format and one pair of modes on single lanes. A NaN result is
/// [`CANONICAL_NAN`](crate::CANONICAL_NAN); `T` is [`LaneOps::truncate`], `R` is [`LaneOps::round_f64`].
///
/// Three methods make a type of operations: T, R and the sum that R may round. The others follow.
pub trait LaneOps: Copy + Send + Sync {
    /// T(x) as a binary64.
    fn operand(self, x: f32) -> f64;

    /// R(x) as a binary64, any sign, infinities and NaN passing through.
    fn round(self, x: f64) -> f64;

    /// A binary64 that R rounds as it would the exact `a + b`, a and b being values of at most P bits; a zero sum
    /// has the sign of this mode.
    fn sum(self, a: f64, b: f64) -> f64;

    /// R_A(addend + T_A(accumulator)) in the accumulator's format A; any NaN for NaN.
    fn accumulate(self, addend: f32, accumulator: f32) -> f32;

    /// Whether results depend on random bits.
    const STOCHASTIC: bool = false;

    /// The same operations with these random bits: the low half for the first rounding of an operation, the high
    /// half for the second. Operations that are not stochastic stay as they are.
    #[inline(always)]
    #[must_use]
    fn with_random(self, _random: u64) -> Self {
        self
    }

    /// The same operations for the second rounding of an operation.
    #[inline(always)]
    #[must_use]
    fn second(self) -> Self {
        self
    }

    /// A binary64 that R rounds as it would the exact a / b of operands.
    #[inline(always)]
    fn quotient(self, a: f64, b: f64) -> f64 {
        a / b
    }

    /// A binary64 that R rounds as it would the exact square root of an operand.
    #[inline(always)]
    fn root(self, a: f64) -> f64 {
        a.sqrt()
    }

    /// A value of the format that had its sign changed, as the format has it.
    #[inline(always)]
    fn resigned(self, x: f32) -> f32 {
        x
    }

    /// T(x): the operand enters the format. NaN and infinities pass.
    #[inline(always)]
    fn truncate(self, x: f32) -> f32 {
        let (bits, cut) = (x.to_bits(), canonical(self.operand(x) as f32).to_bits());
        f32::from_bits(if is_nan_bits(bits) { bits } else { cut })
    }

    /// R(x) of any binary64. For an inexact intermediate, give one that is on the right side (see the module).
    #[inline(always)]
    fn round_f64(self, x: f64) -> f32 {
        canonical(self.round(x) as f32)
    }

    /// R(x) of a binary32.
    #[inline(always)]
    fn quantize(self, x: f32) -> f32 {
        self.round_f64(x.into())
    }

    /// R(x) of a signed integer.
    #[inline(always)]
    fn round_i64(self, x: i64) -> f32 {
        let magnitude = integer_to_odd(x.unsigned_abs());
        self.round_f64(if x < 0 { -magnitude } else { magnitude })
    }

    /// R(x) of an unsigned integer.
    #[inline(always)]
    fn round_u64(self, x: u64) -> f32 {
        self.round_f64(integer_to_odd(x))
    }

    /// R(the integer that T(x) rounds to in `mode`).
    #[inline(always)]
    fn integral(self, x: f32, mode: Rounding) -> f32 {
        self.round_f64(to_integral(self.operand(x), mode))
    }

    /// R(T(a) + T(b)).
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        self.round_f64(self.sum(self.operand(a), self.operand(b)))
    }

    /// R(T(a) - T(b)).
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        self.round_f64(self.sum(self.operand(a), -self.operand(b)))
    }

    /// R(T(a) * T(b)).
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        self.round_f64(self.operand(a) * self.operand(b))
    }

    /// R(T(a) / T(b)).
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        self.round_f64(self.quotient(self.operand(a), self.operand(b)))
    }

    /// R(R(T(a) * T(b)) + T(c)): two roundings.
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        let product = self.round(self.operand(a) * self.operand(b));
        self.second().round_f64(self.sum(product, self.operand(c)))
    }

    /// R_A(R(T(a) * T(b)) + T_A(c)): c and the result are of the accumulator's format.
    #[inline(always)]
    fn fmam(self, a: f32, b: f32, c: f32) -> f32 {
        let product = self.round(self.operand(a) * self.operand(b)) as f32;
        canonical(self.second().accumulate(product, c))
    }

    /// R_A(T_A(a) + T(b)): a and the result are of the accumulator's format.
    #[inline(always)]
    fn addm(self, a: f32, b: f32) -> f32 {
        canonical(self.accumulate(self.operand(b) as f32, a))
    }

    /// The larger of T(a) and T(b); NaN loses, +0 is above -0.
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        let (a, b) = (self.truncate(a), self.truncate(b));
        // Equal values have equal bits, except zeros: +0 unless both are negative.
        let equal = f32::from_bits(a.to_bits() & b.to_bits());
        let larger = if a > b { a } else { b };
        number_first(a, b, if a == b { equal } else { larger })
    }

    /// The smaller of T(a) and T(b); NaN loses, -0 is below +0.
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        let (a, b) = (self.truncate(a), self.truncate(b));
        let equal = f32::from_bits(a.to_bits() | b.to_bits());
        let smaller = if a < b { a } else { b };
        number_first(a, b, if a == b { equal } else { smaller })
    }

    /// -T(a).
    #[inline(always)]
    fn neg(self, a: f32) -> f32 {
        canonical(self.resigned(-self.truncate(a)))
    }

    /// |T(a)|.
    #[inline(always)]
    fn abs(self, a: f32) -> f32 {
        canonical(self.truncate(a).abs())
    }

    /// R(sqrt(T(a))).
    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        self.round_f64(self.root(self.operand(a)))
    }

    /// R(1 / T(a)).
    #[inline(always)]
    fn rcp(self, a: f32) -> f32 {
        self.round_f64(self.quotient(1.0, self.operand(a)))
    }

    /// R(1 / sqrt(T(a))).
    #[inline(always)]
    fn rsqrt(self, a: f32) -> f32 {
        self.round_f64(functions::rsqrt(self.truncate(a)))
    }

    /// R(2^T(a)).
    #[inline(always)]
    fn ex2(self, a: f32) -> f32 {
        self.round_f64(functions::ex2(self.truncate(a)))
    }

    /// R(log2(T(a))).
    #[inline(always)]
    fn lg2(self, a: f32) -> f32 {
        self.round_f64(functions::lg2(self.truncate(a)))
    }

    /// R(sin(T(a))).
    #[inline(always)]
    fn sin(self, a: f32) -> f32 {
        self.round_f64(functions::sin(self.truncate(a)))
    }

    /// R(cos(T(a))).
    #[inline(always)]
    fn cos(self, a: f32) -> f32 {
        self.round_f64(functions::cos(self.truncate(a)))
    }

    /// R(tanh(T(a))).
    #[inline(always)]
    fn tanh(self, a: f32) -> f32 {
        self.round_f64(functions::tanh(self.truncate(a)))
    }

    /// `.sat`, to be applied to a result: clamped to [0, 1]; NaN and -0 become +0.
    #[inline(always)]
    fn saturate(self, x: f32) -> f32 {
        let low = if x > 0.0 { x } else { 0.0 };
        if low < 1.0 { low } else { 1.0 }
    }
}

/// x, or the canonical NaN for any NaN.
///
/// On the bits, because the compiler may assume that any NaN is as good as another and drop a choice between two.
#[inline(always)]
fn canonical(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits(if is_nan_bits(bits) {
        CANONICAL_NAN_BITS
    } else {
        bits
    })
}

/// Whether these are the bits of a NaN.
#[inline(always)]
fn is_nan_bits(bits: u32) -> bool {
    bits & 0x7fff_ffff > f32::INFINITY.to_bits()
}

/// `chosen`, but if one of a and b is a NaN the other, and if both are the canonical NaN.
#[inline(always)]
fn number_first(a: f32, b: f32, chosen: f32) -> f32 {
    let without_b = if b.is_nan() { a } else { chosen };
    canonical(if a.is_nan() { b } else { without_b })
}

/// An integer as binary64 rounded to odd: the bits below the 53 that fit collapse into the last kept one.
#[inline(always)]
fn integer_to_odd(x: u64) -> f64 {
    let below = 11u32.saturating_sub(x.leading_zeros());
    let kept = x >> below << below;
    (kept | u64::from(kept != x) << below) as f64
}

/// The integer that x rounds to; the sign of zero is kept. |x| from 2^52 on is an integer already. Stochastic rounding
/// goes toward zero.
#[inline(always)]
fn to_integral(x: f64, mode: Rounding) -> f64 {
    const INTEGERS: f64 = power_of_two(52);
    let magnitude = x.abs();
    let nearest = (magnitude + INTEGERS) - INTEGERS;
    let down = nearest - if nearest > magnitude { 1.0 } else { 0.0 };
    let rest = magnitude - down;
    let up = match mode {
        Rounding::NearestEven => nearest > down,
        Rounding::NearestAway => rest >= 0.5,
        Rounding::ToOdd => (rest > 0.0) & ((down + 0.5 + INTEGERS) - INTEGERS == down),
        Rounding::TowardZero | Rounding::Stochastic(_) => false,
        Rounding::TowardNegative | Rounding::TowardPositive => {
            (rest > 0.0) & mode.is_away(x.is_sign_negative())
        }
    };
    let rounded = if up { down + 1.0 } else { down };
    if magnitude < INTEGERS {
        rounded.copysign(x)
    } else {
        x
    }
}
