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
//! R32 of a sum of two binary32 to nearest is the hardware's binary32 addition.

mod double;
mod single;

use crate::CANONICAL_NAN_BITS;
use crate::double_double::two_sum;
use crate::format::{Format, Rounding, power_of_two};
use crate::functions;
use double::Constants;

pub use double::RzRn;
pub use single::{Binary32Rn, Inner, Prefix, Single};

/// The operations of one format and one pair of modes on single lanes. A NaN result is
/// [`CANONICAL_NAN`](crate::CANONICAL_NAN); `T` is [`LaneOps::truncate`], `R` is [`LaneOps::round_f64`].
///
/// Three methods make a type of operations: T, R and the sum that R may round. The others follow.
pub trait LaneOps: Copy {
    /// T(x) as a binary64.
    fn operand(self, x: f32) -> f64;

    /// R(x) as a binary64, any sign, infinities and NaN passing through.
    fn round(self, x: f64) -> f64;

    /// A binary64 that R rounds as it would the exact `a + b`, a and b being values of at most P bits; a zero sum
    /// has the sign of this mode.
    fn sum(self, a: f64, b: f64) -> f64;

    /// R32(a + b): the exact sum rounded to binary32 in the result mode.
    fn sum_binary32(self, a: f32, b: f32) -> f32;

    /// T(x): the operand enters the format. NaN and infinities pass.
    #[inline(always)]
    fn truncate(self, x: f32) -> f32 {
        let (bits, cut) = (x.to_bits(), (self.operand(x) as f32).to_bits());
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
        self.round_f64(self.operand(a) / self.operand(b))
    }

    /// R(R(T(a) * T(b)) + T(c)): two roundings.
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        let product = self.round(self.operand(a) * self.operand(b));
        self.round_f64(self.sum(product, self.operand(c)))
    }

    /// R32(R(T(a) * T(b)) + c): c and the result are full binary32.
    #[inline(always)]
    fn fmam(self, a: f32, b: f32, c: f32) -> f32 {
        let product = self.round(self.operand(a) * self.operand(b)) as f32;
        canonical(self.sum_binary32(product, c))
    }

    /// R32(a + T(b)): a and the result are full binary32.
    #[inline(always)]
    fn addm(self, a: f32, b: f32) -> f32 {
        canonical(self.sum_binary32(a, self.operand(b) as f32))
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
        canonical(-self.truncate(a))
    }

    /// |T(a)|.
    #[inline(always)]
    fn abs(self, a: f32) -> f32 {
        canonical(self.truncate(a).abs())
    }

    /// R(sqrt(T(a))).
    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        self.round_f64(self.operand(a).sqrt())
    }

    /// R(1 / T(a)).
    #[inline(always)]
    fn rcp(self, a: f32) -> f32 {
        self.round_f64(1.0 / self.operand(a))
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

/// An integer as binary64 rounded to odd: the low 11 bits that may not fit collapse into the last kept one.
#[inline(always)]
fn integer_to_odd(x: u64) -> f64 {
    let low = x & 0x7ff;
    let odd = x & !0x7ff | u64::from(low != 0) << 11;
    if x >> 53 == 0 { x as f64 } else { odd as f64 }
}

/// The integer that x rounds to; the sign of zero is kept. |x| from 2^52 on is an integer already.
#[inline(always)]
fn to_integral(x: f64, mode: Rounding) -> f64 {
    const INTEGERS: f64 = power_of_two(52);
    let magnitude = x.abs();
    let nearest = (magnitude + INTEGERS) - INTEGERS;
    let rounded = match mode {
        Rounding::NearestEven => nearest,
        _ if mode.is_away(x.is_sign_negative()) => nearest + if nearest < magnitude { 1.0 } else { 0.0 },
        _ => nearest - if nearest > magnitude { 1.0 } else { 0.0 },
    };
    if magnitude < INTEGERS {
        rounded.copysign(x)
    } else {
        x
    }
}

/// A format with its modes: the operations in every mode, and the way to faster ones.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    format: Format,
    input: Rounding,
    result: Rounding,
    narrow: Constants,
    wide: Constants,
}

/// Code that wants to be compiled for each type of operations, see [`Lanes::specialise`].
pub trait LaneVisitor {
    /// What it returns.
    type Output;
    /// The code; mark it `#[inline(always)]` if it holds the loop over lanes itself.
    fn visit<L: LaneOps + 'static>(self, ops: L) -> Self::Output;
}

impl Lanes {
    /// The operations of `format` with operands entering in mode `input` and results rounded in mode `result`.
    pub fn new(format: Format, input: Rounding, result: Rounding) -> Lanes {
        let (narrow, wide) = (Constants::new(format), Constants::new(Format::FP32));
        Lanes {
            format,
            input,
            result,
            narrow,
            wide,
        }
    }

    /// The format.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// T's mode.
    pub const fn input(&self) -> Rounding {
        self.input
    }

    /// R's mode.
    pub const fn result(&self) -> Rounding {
        self.result
    }

    /// Calls the visitor with the fastest operations for this format and these modes.
    #[inline(always)]
    pub fn specialise<V: LaneVisitor>(&self, visitor: V) -> V::Output {
        match (self.input, self.result) {
            (_, Rounding::NearestEven) if self.format == Format::FP32 => visitor.visit(Binary32Rn),
            (Rounding::TowardZero, Rounding::NearestEven) => {
                let double = RzRn(self.narrow);
                if let Some(single) = Single::new_inner(self.format, double) {
                    visitor.visit(single)
                } else if let Some(single) =
                    Single::new_prefix(self.format, double).filter(|_| fused_in_hardware())
                {
                    visitor.visit(single)
                } else {
                    visitor.visit(double)
                }
            }
            _ => visitor.visit(*self),
        }
    }

    /// R in any mode for the format of `k`.
    #[inline(always)]
    fn round_with(&self, k: &Constants, x: f64) -> f64 {
        let magnitude = k.clamped(x);
        let binade = k.binade(magnitude);
        let nearest = k.nearest(magnitude, binade);
        let (to_nearest, away) = direction(self.result, x);
        // In a directed mode, take back a step in the wrong direction. A step down from the bottom of a binade is
        // one of the binade below, whose quantum `binade` still has: it is that of the value before rounding.
        let step = binade * k.quantum;
        let up = if away & (nearest < magnitude) {
            nearest + step
        } else {
            nearest
        };
        let directed = if !away & (nearest > magnitude) {
            nearest - step
        } else {
            up
        };
        let rounded = if to_nearest { nearest } else { directed };
        let infinite = to_nearest | away | (x.abs() == f64::INFINITY);
        let beyond = if infinite { f64::INFINITY } else { k.max };
        let result = if rounded >= k.limit { beyond } else { rounded };
        result.copysign(x)
    }

    /// The sum of two binary64 rounded to odd, a zero with the sign of the result mode.
    #[inline(always)]
    fn sum_to_odd(&self, a: f64, b: f64) -> f64 {
        let (sum, error) = two_sum(a, b);
        let bits = sum.to_bits();
        let same_sign = (error > 0.0) == (sum > 0.0);
        let odd = if same_sign {
            bits.wrapping_add(1)
        } else {
            bits.wrapping_sub(1)
        };
        // With infinities the error is NaN: the sum stands.
        let inexact = (error > 0.0) | (error < 0.0);
        let adjusted = f64::from_bits(if inexact & (bits & 1 == 0) { odd } else { bits });
        let minus = (self.result == Rounding::TowardNegative) & ((a.to_bits() | b.to_bits()) >> 63 != 0);
        if (sum == 0.0) & minus { -0.0 } else { adjusted }
    }
}

/// Whether `mul_add` is one instruction in code compiled for this machine's features.
fn fused_in_hardware() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        cfg!(target_arch = "aarch64")
    }
}

/// (to nearest, away from zero) for a value of x's sign.
#[inline(always)]
fn direction(mode: Rounding, x: f64) -> (bool, bool) {
    let negative = x.is_sign_negative();
    let away =
        ((mode == Rounding::TowardNegative) & negative) | ((mode == Rounding::TowardPositive) & !negative);
    (mode == Rounding::NearestEven, away)
}

impl LaneOps for Lanes {
    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        let k = &self.narrow;
        let wide = f64::from(x);
        let magnitude = wide.abs();
        let bits = magnitude.to_bits();
        let (to_nearest, away) = direction(self.input, wide);
        // P-bit rounding on the bits: add just enough to carry into the last kept bit, then cut. A carry out of
        // the significand moves to the next binade as it should.
        let last = !k.keep + 1;
        let to_even = (last >> 1) - 1 + u64::from(bits & last != 0);
        let directed = if away { last - 1 } else { 0 };
        let rounded = f64::from_bits((bits + if to_nearest { to_even } else { directed }) & k.keep);
        // Below 2^(EMIN-1): to it or to zero.
        let rises = (to_nearest & (magnitude > 0.5 * k.smallest)) | (away & (magnitude > 0.0));
        let tiny = if rises { k.smallest } else { 0.0 };
        let beyond = if to_nearest | away {
            f64::INFINITY
        } else {
            k.max_operand
        };
        let finite = if rounded >= k.limit { beyond } else { rounded };
        let result = if magnitude < k.smallest { tiny } else { finite };
        let result = if magnitude < f64::INFINITY { result } else { wide };
        result.copysign(wide)
    }

    #[inline(always)]
    fn round(self, x: f64) -> f64 {
        self.round_with(&self.narrow, x)
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        self.sum_to_odd(a, b)
    }

    #[inline(always)]
    fn sum_binary32(self, a: f32, b: f32) -> f32 {
        self.round_with(&self.wide, self.sum_to_odd(a.into(), b.into())) as f32
    }
}
