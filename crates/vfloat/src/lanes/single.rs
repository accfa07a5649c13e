//! Operands toward zero, results to nearest even, in binary32: twice as many lanes per vector, for the formats that
//! allow it.
//!
//! A sum of P-bit numbers with P <= 11 may be rounded to binary32 first: it is inexact there only if one operand is below
//! `2^-12` of the other, a, and then neither the exact sum nor the binary32 reaches a midpoint next to a (below
//! binary32's normal range sums are exact). Products have 2P <= 22 bits and are exact unless they underflow. For quotients
//! (24 >= 2P) and square roots (24 >= 2P + 2) of P-bit numbers no midpoint lies between the exact result and the
//! nearest binary32, unless they underflow (Figueroa, "When is double rounding innocuous?", SIGNUM Newsletter
//! 30(3), 1995).

use super::double::RzRn;
use super::{LaneOps, canonical, is_nan_bits};
use crate::CANONICAL_NAN_BITS;
use crate::format::{Format, Overflow};

/// Format binary32, results to nearest even: T is the identity in every mode and R the hardware's rounding.
#[derive(Clone, Copy, Debug)]
pub struct Binary32Rn;

impl LaneOps for Binary32Rn {
    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        x.into()
    }

    #[inline(always)]
    fn round(self, x: f64) -> f64 {
        (x as f32).into()
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    fn accumulate(self, addend: f32, accumulator: f32) -> f32 {
        addend + accumulator
    }

    #[inline(always)]
    fn truncate(self, x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn quantize(self, x: f32) -> f32 {
        canonical(x)
    }

    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        canonical(a + b)
    }

    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        canonical(a - b)
    }

    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        canonical(a * b)
    }

    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        canonical(a / b)
    }

    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        canonical(a * b + c)
    }

    #[inline(always)]
    fn fmam(self, a: f32, b: f32, c: f32) -> f32 {
        canonical(a * b + c)
    }

    #[inline(always)]
    fn addm(self, a: f32, b: f32) -> f32 {
        canonical(a + b)
    }

    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        canonical(a.sqrt())
    }

    #[inline(always)]
    fn rcp(self, a: f32) -> f32 {
        canonical(1.0 / a)
    }
}

/// How one family of formats is brought into binary32 arithmetic.
pub trait Rule: Copy + Send + Sync {
    /// T(x); NaN stays NaN.
    fn cut(self, x: f32) -> f32;

    /// R(x) of a binary32; NaN gives NaN.
    fn nearest(self, x: f32) -> f32;

    /// R(a * b) of operands after T.
    fn product(self, a: f32, b: f32) -> f32;

    /// Whether a quotient may be rounded to binary32 first.
    const QUOTIENT: bool;
}

/// Operations in binary32 by a rule ([`Inner`] or [`Prefix`]); what they cannot do is done in binary64.
#[derive(Clone, Copy, Debug)]
pub struct Single<R> {
    rule: R,
    double: RzRn,
}

impl<R: Rule> Single<R> {
    /// R(a / b) of operands after T.
    #[inline(always)]
    fn quotient(self, a: f32, b: f32) -> f32 {
        if R::QUOTIENT {
            self.quantize(a / b)
        } else {
            self.round_f64(f64::from(a) / f64::from(b))
        }
    }
}

impl<R: Rule> LaneOps for Single<R> {
    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        self.rule.cut(x).into()
    }

    #[inline(always)]
    fn round(self, x: f64) -> f64 {
        self.double.round(x)
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    fn accumulate(self, addend: f32, accumulator: f32) -> f32 {
        addend + accumulator
    }

    #[inline(always)]
    fn truncate(self, x: f32) -> f32 {
        let (bits, cut) = (x.to_bits(), self.rule.cut(x).to_bits());
        f32::from_bits(if is_nan_bits(bits) { bits } else { cut })
    }

    #[inline(always)]
    fn quantize(self, x: f32) -> f32 {
        canonical(self.rule.nearest(x))
    }

    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        self.quantize(self.rule.cut(a) + self.rule.cut(b))
    }

    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        self.quantize(self.rule.cut(a) - self.rule.cut(b))
    }

    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        canonical(self.rule.product(self.rule.cut(a), self.rule.cut(b)))
    }

    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        let (a, b) = (self.rule.cut(a), self.rule.cut(b));
        if R::QUOTIENT {
            self.quantize(a / b)
        } else {
            self.round_f64(f64::from(a) / f64::from(b))
        }
    }

    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        self.quantize(self.rule.product(self.rule.cut(a), self.rule.cut(b)) + self.rule.cut(c))
    }

    #[inline(always)]
    fn fmam(self, a: f32, b: f32, c: f32) -> f32 {
        canonical(self.rule.product(self.rule.cut(a), self.rule.cut(b)) + c)
    }

    #[inline(always)]
    fn addm(self, a: f32, b: f32) -> f32 {
        canonical(a + self.rule.cut(b))
    }

    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        self.quantize(self.rule.cut(a).sqrt())
    }

    #[inline(always)]
    fn rcp(self, a: f32) -> f32 {
        self.quotient(1.0, self.rule.cut(a))
    }
}

/// Formats whose products and quotients stay inside binary32's normal range: fp16, e5m2, e4m3 and the like, whatever
/// overflow becomes.
#[derive(Clone, Copy, Debug)]
pub struct Inner {
    /// Keeps sign, exponent and P - 1 explicit bits.
    keep: u32,
    /// 2^(EMIN-1), the smallest positive value.
    smallest: f32,
    /// 2^EMAX, above every finite value.
    limit: f32,
    /// The largest result.
    max: f32,
    /// What overflow becomes: infinity, NaN or the largest result.
    beyond: f32,
    /// The largest magnitude of an operand that is cut; larger ones (infinity and NaN, or NaN only) pass.
    last_cut: f32,
    /// Set in operands that pass: nothing, or what makes the canonical NaN of an infinity.
    poison: u32,
    /// Kept of operands that pass: all, or all but the sign.
    passed: u32,
    /// The largest operand.
    max_operand: f32,
    /// 2^(EMIN+P-2), where the quantum stops shrinking.
    min_normal: f32,
    /// 2^(24-P): a binade's power of two times this has the binade's quantum as its last bit.
    magic: f32,
}

impl Single<Inner> {
    /// The operations, if the format is of this family.
    pub(super) fn new_inner(format: Format, double: RzRn) -> Option<Single<Inner>> {
        let (p, emin, emax) = (format.precision() as i32, format.emin(), format.emax());
        // Products are multiples of 2^(2 (EMIN - P)) below 2^(2 EMAX), quotients lie between 2^(EMIN-1-EMAX)
        // and 2^(EMAX-EMIN+1); the value 1 (for rcp) counts as an operand too.
        let fits = p <= 11 && emin - p >= -74 && emax <= 64 && emax.max(1) - emin.min(1) <= 120;
        let makes_nan = format.overflow() == Overflow::Nan;
        fits.then(|| {
            let rule = Inner {
                keep: !0 << (24 - p),
                smallest: format.min_subnormal() as f32,
                limit: crate::format::power_of_two(emax) as f32,
                max: format.max() as f32,
                beyond: format.beyond() as f32,
                last_cut: match format.overflow() {
                    Overflow::Infinity | Overflow::Nan => f32::MAX,
                    Overflow::Saturate => f32::INFINITY,
                },
                poison: if makes_nan { CANONICAL_NAN_BITS } else { 0 },
                passed: if makes_nan { CANONICAL_NAN_BITS } else { !0 },
                max_operand: format.max_operand() as f32,
                min_normal: format.min_normal() as f32,
                magic: crate::format::power_of_two(24 - p) as f32,
            };
            Single { rule, double }
        })
    }
}

impl Rule for Inner {
    const QUOTIENT: bool = true;

    #[inline(always)]
    fn cut(self, x: f32) -> f32 {
        let magnitude = x.abs();
        let cut = f32::from_bits(magnitude.to_bits() & self.keep);
        let cut = if cut < self.max_operand {
            cut
        } else {
            self.max_operand
        };
        let cut = if magnitude < self.smallest { 0.0 } else { cut };
        // Infinities of formats that have them and NaN, which might lose its payload to the mask, pass as they are.
        if magnitude <= self.last_cut {
            cut.copysign(x)
        } else {
            f32::from_bits((x.to_bits() | self.poison) & self.passed)
        }
    }

    #[inline(always)]
    fn nearest(self, x: f32) -> f32 {
        // As in binary64, see `Constants`.
        let magnitude = x.abs();
        let magnitude = if magnitude > self.limit {
            self.limit
        } else {
            magnitude
        };
        let power = f32::from_bits(magnitude.to_bits() & f32::INFINITY.to_bits());
        let c = (if power > self.min_normal {
            power
        } else {
            self.min_normal
        }) * self.magic;
        let rounded = (magnitude + c) - c;
        let result = if rounded > self.max { self.beyond } else { rounded };
        result.copysign(x)
    }

    #[inline(always)]
    fn product(self, a: f32, b: f32) -> f32 {
        self.nearest(a * b)
    }
}

/// IEEE-style formats with the 8 exponent bits of binary32 (bf16, tf32, e8mY with Y <= 10): R drops low bits of a
/// binary32, subnormal ones too. Wants a fused multiply-add in hardware.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// Keeps sign, exponent and P - 1 explicit bits.
    keep: u32,
    /// The last kept bit.
    last: u32,
    /// 2^(EMIN-1), the smallest positive value and the quantum below the normal range.
    smallest: f32,
    /// 2^(EMIN+22): its last bit weighs 2^(EMIN-1).
    magic: f32,
}

impl Single<Prefix> {
    /// The operations, if the format is of this family.
    pub(super) fn new_prefix(format: Format, double: RzRn) -> Option<Single<Prefix>> {
        let significand_bits = format.precision() - 1;
        (significand_bits <= 10 && Format::ieee(8, significand_bits) == Ok(format)).then(|| {
            let keep = !0 << (23 - significand_bits);
            let rule = Prefix {
                keep,
                last: !keep + 1,
                smallest: format.min_subnormal() as f32,
                magic: crate::format::power_of_two(format.emin() + 22) as f32,
            };
            Single { rule, double }
        })
    }
}

impl Rule for Prefix {
    const QUOTIENT: bool = false;

    #[inline(always)]
    fn cut(self, x: f32) -> f32 {
        // Brings a subnormal into the normal range, where the mask counts P bits from the leading one, and back.
        const SCALE: f32 = 18_446_744_073_709_551_616.0; // 2^64
        let scaled = f32::from_bits((x * SCALE).to_bits() & self.keep) * (1.0 / SCALE);
        let scaled = if x.abs() < self.smallest {
            0f32.copysign(x)
        } else {
            scaled
        };
        let bits = if is_nan_bits(x.to_bits()) {
            x.to_bits()
        } else {
            x.to_bits() & self.keep
        };
        if x.abs() < f32::MIN_POSITIVE {
            scaled
        } else {
            f32::from_bits(bits)
        }
    }

    #[inline(always)]
    fn nearest(self, x: f32) -> f32 {
        // Adding just under half of the last kept bit, and one if that bit is odd, carries into it when x lies above
        // the middle, or on it and odd; a carry out of the significand moves to the next binade or to infinity.
        let bits = x.to_bits();
        let odd = if bits & self.last != 0 { 1 } else { 0 };
        let rounded = bits.wrapping_add((self.last >> 1) - 1 + odd) & self.keep;
        f32::from_bits(if is_nan_bits(bits) { bits } else { rounded })
    }

    #[inline(always)]
    fn product(self, a: f32, b: f32) -> f32 {
        // Exact if normal. Below, one fused operation rounds the exact product to a multiple of the quantum.
        let product = a * b;
        let magic = self.magic.copysign(product);
        let tiny = (a.mul_add(b, magic) - magic).copysign(product);
        if product.abs() < f32::MIN_POSITIVE {
            tiny
        } else {
            self.nearest(product)
        }
    }
}
