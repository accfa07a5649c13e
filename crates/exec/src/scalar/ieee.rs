//! `f32` and `f64` arithmetic as PTX means it: rounded once, in any of the four modes, NaN results
//! canonical. Nothing here depends on the machine: only IEEE 754 operations of the host are used.
//!
//! `f32` in a directed mode is computed in `f64`, rounded *to odd* (an inexact result gets an odd last
//! digit), then rounded to `f32`. 53 digits are at least 24 + 2, so the second rounding sees on which side
//! of every boundary the exact result lies, also below the normal range.

use super::exact::{Exact, Layout, RM, RN, RP, RZ};

/// The NaN that every `f32` operation of PTX returns.
pub const NAN_F32: f32 = f32::from_bits(0x7fff_ffff);
/// The NaN that every `f64` operation returns here (PTX leaves the payload open; GPUs give this one).
pub const NAN_F64: f64 = f64::from_bits(0xfff8_0000_0000_0000);

/// Any NaN becomes the canonical one.
#[inline(always)]
pub fn canonical_f32(x: f32) -> f32 {
    if x.is_nan() { NAN_F32 } else { x }
}

/// Any NaN becomes the canonical one.
#[inline(always)]
pub fn canonical_f64(x: f64) -> f64 {
    if x.is_nan() { NAN_F64 } else { x }
}

/// `.ftz`: a subnormal number becomes zero of the same sign.
#[inline(always)]
pub fn flush_f32(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits(if bits & 0x7f80_0000 == 0 {
        bits & 0x8000_0000
    } else {
        bits
    })
}

/// `.sat`: into [0, 1]; NaN and -0 become +0.
#[inline(always)]
pub fn saturate_f32(x: f32) -> f32 {
    if x > 0.0 {
        if x < 1.0 { x } else { 1.0 }
    } else {
        0.0
    }
}

/// `exact = value + error` rounded to odd, `error` being less than a unit in the last place of `value`.
/// A NaN error (of infinities) leaves the value alone.
#[inline(always)]
fn to_odd(value: f64, error: f64) -> f64 {
    let bits = value.to_bits();
    if error.abs() > 0.0 && bits & 1 == 0 {
        let away = (error > 0.0) == (value > 0.0);
        f64::from_bits(if away { bits + 1 } else { bits - 1 })
    } else {
        value
    }
}

/// The sum rounded to odd, for operands whose sum is far from overflow. (Two-sum of Knuth gives the error.)
#[inline(always)]
pub fn sum_to_odd(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let part = sum - a;
    to_odd(sum, (a - (sum - part)) + (b - part))
}

/// A `f64` rounded to `f32`; NaN stays some NaN.
#[inline(always)]
pub fn round_f32<const M: u8>(x: f64) -> f32 {
    let near = x as f32;
    let back = f64::from(near);
    match M {
        RZ if back.abs() > x.abs() => f32::from_bits(near.to_bits() - 1),
        RM if back > x => near.next_down(),
        RP if back < x => near.next_up(),
        _ => near,
    }
}

/// A `f64` rounded to `f32` to odd.
#[inline(always)]
pub fn round_f32_to_odd(x: f64) -> f32 {
    let cut = round_f32::<RZ>(x);
    let inexact = f64::from(cut) != x && !x.is_nan();
    f32::from_bits(cut.to_bits() | u32::from(inexact))
}

/// The sign of a sum that is zero: `.rm` gives -0 unless both operands are positive.
#[inline(always)]
fn zero_sum<const M: u8>(sum: f64, a: f64, b: f64) -> f64 {
    if M == RM && sum == 0.0 && (a.is_sign_negative() || b.is_sign_negative()) {
        -0.0
    } else {
        sum
    }
}

/// a + b.
#[inline(always)]
pub fn add_f32<const M: u8>(a: f32, b: f32) -> f32 {
    if M == RN {
        return canonical_f32(a + b);
    }
    let (a, b) = (f64::from(a), f64::from(b));
    canonical_f32(round_f32::<M>(zero_sum::<M>(sum_to_odd(a, b), a, b)))
}

/// a * b.
#[inline(always)]
pub fn mul_f32<const M: u8>(a: f32, b: f32) -> f32 {
    if M == RN {
        return canonical_f32(a * b);
    }
    canonical_f32(round_f32::<M>(f64::from(a) * f64::from(b)))
}

/// a * b + c, fused.
#[inline(always)]
pub fn fma_f32<const M: u8>(a: f32, b: f32, c: f32) -> f32 {
    if M == RN {
        return canonical_f32(a.mul_add(b, c));
    }
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c)); // the product is exact
    canonical_f32(round_f32::<M>(zero_sum::<M>(sum_to_odd(product, c), product, c)))
}

/// a / b.
#[inline(always)]
pub fn div_f32<const M: u8>(a: f32, b: f32) -> f32 {
    if M == RN {
        return canonical_f32(a / b);
    }
    let (a, b) = (f64::from(a), f64::from(b));
    let quotient = a / b;
    let remainder = (-quotient).mul_add(b, a); // exact
    canonical_f32(round_f32::<M>(to_odd(
        quotient,
        if b < 0.0 { -remainder } else { remainder },
    )))
}

/// Square root.
///
/// (The compiler takes "NaN if a < 0, else the root of a" for the root of a alone and so loses the canonical
/// NaN; of the root of |a| it cannot think so.)
#[inline(always)]
pub fn sqrt_f32<const M: u8>(a: f32) -> f32 {
    let root = if M == RN {
        a.abs().sqrt()
    } else {
        let x = f64::from(a.abs());
        let root = x.sqrt();
        round_f32::<M>(to_odd(root, (-root).mul_add(root, x))) // the remainder is exact
    };
    if a >= 0.0 { root.copysign(a) } else { NAN_F32 }
}

/// a + b.
#[inline(always)]
pub fn add_f64<const M: u8>(a: f64, b: f64) -> f64 {
    let near = a + b;
    if M == RN || !a.is_finite() || !b.is_finite() {
        canonical_f64(near)
    } else if near == 0.0 {
        zero_sum::<M>(near, a, b)
    } else {
        f64::from_bits((Exact::of_f64(a) + Exact::of_f64(b)).round(M, Layout::F64))
    }
}

/// a * b.
#[inline(always)]
pub fn mul_f64<const M: u8>(a: f64, b: f64) -> f64 {
    if M == RN || !a.is_finite() || !b.is_finite() || a == 0.0 || b == 0.0 {
        return canonical_f64(a * b);
    }
    f64::from_bits((Exact::of_f64(a) * Exact::of_f64(b)).round(M, Layout::F64))
}

/// a * b + c, fused.
#[inline(always)]
pub fn fma_f64<const M: u8>(a: f64, b: f64, c: f64) -> f64 {
    if M == RN || !a.is_finite() || !b.is_finite() || !c.is_finite() {
        return canonical_f64(a.mul_add(b, c));
    }
    if a == 0.0 || b == 0.0 {
        return add_f64::<M>(a * b, c);
    }
    let sum = Exact::of_f64(a) * Exact::of_f64(b) + Exact::of_f64(c);
    if sum.is_zero() {
        return if M == RM { -0.0 } else { 0.0 };
    }
    f64::from_bits(sum.round(M, Layout::F64))
}

/// a / b.
#[inline(always)]
pub fn div_f64<const M: u8>(a: f64, b: f64) -> f64 {
    if M == RN || !a.is_finite() || !b.is_finite() || a == 0.0 || b == 0.0 {
        return canonical_f64(a / b);
    }
    f64::from_bits((Exact::of_f64(a) / Exact::of_f64(b)).round(M, Layout::F64))
}

/// Square root; see [`sqrt_f32`].
#[inline(always)]
pub fn sqrt_f64<const M: u8>(a: f64) -> f64 {
    let x = a.abs();
    let root = if M == RN || x == 0.0 || !x.is_finite() {
        x.sqrt()
    } else {
        f64::from_bits(Exact::of_f64(x).sqrt().round(M, Layout::F64))
    };
    if a >= 0.0 { root.copysign(a) } else { NAN_F64 }
}

/// The smaller operand; -0 is below +0, a NaN loses against a number, two give the canonical one.
#[inline(always)]
pub fn min_f32(a: f32, b: f32) -> f32 {
    let smaller = if a < b || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    };
    let number = if a.is_nan() { b } else { a };
    if a.is_nan() || b.is_nan() {
        canonical_f32(number)
    } else {
        smaller
    }
}

/// The larger operand; -0 is below +0, a NaN loses against a number, two give the canonical one.
#[inline(always)]
pub fn max_f32(a: f32, b: f32) -> f32 {
    let larger = if a > b || (a == b && a.is_sign_positive()) {
        a
    } else {
        b
    };
    let number = if a.is_nan() { b } else { a };
    if a.is_nan() || b.is_nan() {
        canonical_f32(number)
    } else {
        larger
    }
}
