//! ex2, lg2, sin, cos, tanh and rsqrt of a binary32, in a form that every rounding afterwards gets right.
//!
//! Each function returns a binary64 *stand-in* y for the exact value f(t): y lies on the same side of every
//! number of at most 25 significant bits as f(t), and equals one only if f(t) does. Formats have at most 24
//! bits, so values and midpoints of every format have at most 25; hence R(y) = R(f(t)) in every format and
//! every rounding mode, y included in the question whether the result is exact.
//!
//! The way: exact cases first (2 to an integer, the logarithm of a power of two); arguments so small or so large
//! that f(t) is a 25-bit number plus or minus less than the way to the next one get that number with its last
//! binary64 bit nudged; otherwise a binary64 evaluation, which is right unless it falls within `MARGIN` units
//! in the last place of a 25-bit number (two in a million do). Those go through double-double arithmetic with a
//! relative error below 2^-70. That this always decides was established by trying all binary32 arguments of every
//! function against `DECISIVE` (`tests/functions_decide.rs` repeats it); for rsqrt it follows from
//! `A * G^2` having at most 74 bits.
//!
//! Only binary64 +, -, *, / and sqrt are used, so the results are the same on every machine.

use crate::double_double::Dd;
use crate::format::power_of_two;

/// Assumed error of the binary64 evaluations, in units in the last place. Their documented error is below 2.
const MARGIN: u64 = 256;

/// Number of low bits of a binary64 beyond 25 significant bits.
const EXTRA_BITS: u32 = 53 - 25;

/// A double-double result closer than this (relative) to a 25-bit number without being equal would be in doubt.
const DECISIVE: f64 = power_of_two(-68);

/// The neighbour of x (finite, not zero) toward zero.
fn toward_zero(x: f64) -> f64 {
    f64::from_bits(x.to_bits() - 1)
}

/// The neighbour of x (finite, not zero) away from zero.
fn away_from_zero(x: f64) -> f64 {
    f64::from_bits(x.to_bits() + 1)
}

/// y if it is clear of all 25-bit numbers, else what the precise way says.
#[inline]
fn settle(y: f64, precise: impl FnOnce() -> Dd) -> f64 {
    let mask = (1u64 << EXTRA_BITS) - 1;
    // Low bits within MARGIN of 0, seen circularly.
    if (y.to_bits().wrapping_add(MARGIN) & mask) > 2 * MARGIN {
        y
    } else {
        stand_in(precise())
    }
}

/// The stand-in for `hi + lo`.
#[cold]
fn stand_in(value: Dd) -> f64 {
    let Dd { hi, lo } = value;
    if hi.to_bits() & ((1u64 << EXTRA_BITS) - 1) != 0 || lo == 0.0 {
        return hi;
    }
    assert!(lo.abs() > hi.abs() * DECISIVE, "{hi:e} + {lo:e} is in doubt");
    if (lo > 0.0) == (hi > 0.0) {
        away_from_zero(hi)
    } else {
        toward_zero(hi)
    }
}

/// Stand-in for `2^t`. Beyond binary32's range it is `2^1000` or `2^-1000`.
pub fn ex2(t: f32) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    if t.is_infinite() {
        return if t > 0.0 { f64::INFINITY } else { 0.0 };
    }
    if t.abs() > 300.0 {
        return power_of_two(if t > 0.0 { 1000 } else { -1000 });
    }
    let n = t as i32;
    if n as f32 == t {
        return power_of_two(n);
    }
    // |2^t - 1| < |t| < 2^-26, and 25-bit numbers around 1 are 2^-25 apart or more.
    if t.abs() < 1.0 / 67_108_864.0 {
        return if t > 0.0 {
            away_from_zero(1.0)
        } else {
            toward_zero(1.0)
        };
    }
    settle(libm::exp2(t.into()), || {
        let n = libm::round(t.into());
        let fraction = f64::from(t) - n;
        (Dd::LN_2 * Dd::new(fraction))
            .exp_small()
            .scaled(power_of_two(n as i32))
    })
}

/// Stand-in for `log2(t)`: -inf at zero of either sign, NaN below.
pub fn lg2(t: f32) -> f64 {
    let x = f64::from(t);
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    // A binary32, its subnormals included, is a normal binary64.
    let exponent = (x.to_bits() >> 52) as i32 - 1023;
    if x.to_bits() << 12 == 0 {
        return f64::from(exponent);
    }
    settle(libm::log2(x), || {
        let significand = x / power_of_two(exponent);
        let halve = significand > std::f64::consts::SQRT_2;
        let (m, e) = if halve {
            (significand / 2.0, exponent + 1)
        } else {
            (significand, exponent)
        };
        // One step of Newton's method for e^y = m from a binary64 y: m e^-y = 1 + d, |d| < 2^-50.
        let y = libm::log(m);
        let d = Dd::new(-y).exp_small() * Dd::new(m) - Dd::ONE;
        let natural = Dd::new(y) + (d - (d * d).scaled(0.5));
        natural * Dd::LOG2_E + Dd::new(e.into())
    })
}

/// Below this, `t^2 / 2 < 2^-27`: sin t and tanh t are t, and cos t is 1, less than a 25-bit step toward zero.
const SMALL_ANGLE: f32 = 1.0 / 8192.0;

/// Stand-in for `sin(t)`, t in radians; NaN at infinity.
pub fn sin(t: f32) -> f64 {
    let x = f64::from(t);
    if t.abs() < SMALL_ANGLE {
        return if t == 0.0 { x } else { toward_zero(x) };
    }
    if !t.is_finite() {
        return f64::NAN;
    }
    settle(libm::sin(x), || {
        let (quadrant, angle) = reduce(t.abs());
        let (s, c) = angle.sin_cos();
        let value = if quadrant & 1 == 0 { s } else { c };
        if (quadrant & 2 != 0) != (t < 0.0) {
            -value
        } else {
            value
        }
    })
}

/// Stand-in for `cos(t)`, t in radians; NaN at infinity.
pub fn cos(t: f32) -> f64 {
    if t.abs() < SMALL_ANGLE {
        return if t == 0.0 { 1.0 } else { toward_zero(1.0) };
    }
    if !t.is_finite() {
        return f64::NAN;
    }
    settle(libm::cos(t.into()), || {
        let (quadrant, angle) = reduce(t.abs());
        let (s, c) = angle.sin_cos();
        let value = if quadrant & 1 == 0 { c } else { s };
        if quadrant == 1 || quadrant == 2 {
            -value
        } else {
            value
        }
    })
}

/// The first 320 bits of 2/pi after the binary point, most significant word last (from a 190-digit pi).
const TWO_OVER_PI: [u64; 5] = [
    0xb724_6e3a_424d_d2e0,
    0xfe51_63ab_debb_c561,
    0xdb62_9599_3c43_9041,
    0xfc27_57d1_f534_ddc0,
    0xa2f9_836e_4e44_1529,
];

/// Splits `t = (quadrant + 4 k) * pi/2 + angle` with |angle| <= pi/4, for a finite t >= 2^-13.
///
/// Payne and Hanek's way: t = m * 2^e, m < 2^24, -36 <= e <= 104. The product m * floor(2/pi * 2^320) has the
/// integer part of t * 2/pi from bit 320 - e on, and an error below 2^(24 + 104 - 320) = 2^-192.
fn reduce(t: f32) -> (u32, Dd) {
    let bits = t.to_bits();
    let m = u64::from(bits & 0x7f_ffff | 0x80_0000);
    let point = 320 - ((bits >> 23) as i32 - 127 - 23);
    let mut product = [0u64; 6];
    let mut carry = 0u128;
    for (word, &factor) in product.iter_mut().zip(&TWO_OVER_PI) {
        carry += u128::from(m) * u128::from(factor);
        *word = carry as u64;
        carry >>= 64;
    }
    product[5] = carry as u64;
    // 64 bits from position p on.
    let window = |p: i32| -> u64 {
        let (index, shift) = ((p / 64) as usize, p % 64);
        let word = |i: usize| u128::from(product.get(i).copied().unwrap_or(0));
        ((word(index) | word(index + 1) << 64) >> shift) as u64
    };
    let fraction = u128::from(window(point - 64)) << 64 | u128::from(window(point - 128));
    let mut quadrant = (window(point) & 3) as u32;
    let negative = fraction >> 127 != 0;
    let magnitude = if negative {
        quadrant = (quadrant + 1) & 3;
        fraction.wrapping_neg()
    } else {
        fraction
    };
    // Two exact binary64 pieces: the top 53 bits and the next 53.
    let top_shift = (128 - magnitude.leading_zeros()).saturating_sub(53);
    let high = (magnitude >> top_shift) << top_shift;
    let turns = Dd::new(high as f64) + Dd::new((magnitude - high) as f64);
    let angle = turns.scaled(power_of_two(-128)) * Dd::FRAC_PI_2;
    (quadrant, if negative { -angle } else { angle })
}

/// Stand-in for `tanh(t)`.
pub fn tanh(t: f32) -> f64 {
    let x = f64::from(t);
    if t.is_nan() {
        return f64::NAN;
    }
    if t.abs() < SMALL_ANGLE {
        return if t == 0.0 { x } else { toward_zero(x) };
    }
    if t.is_infinite() {
        return x.signum();
    }
    // 1 - tanh(10) < 2 e^-20 < 2^-27.
    if t.abs() >= 10.0 {
        return toward_zero(1f64.copysign(x));
    }
    settle(libm::tanh(x), || {
        // e^(-2|t|) = 2^-n e^r with r = n ln 2 - 2|t|.
        let n = libm::round(2.0 * x.abs() * std::f64::consts::LOG2_E);
        let r = Dd::LN_2 * Dd::new(n) - Dd::new(2.0 * x.abs());
        let u = r.exp_small().scaled(power_of_two(-(n as i32)));
        let value = (Dd::ONE - u) / (Dd::ONE + u);
        if t < 0.0 { -value } else { value }
    })
}

/// Stand-in for `1 / sqrt(t)`: the infinity of its sign at a zero, NaN below.
pub fn rsqrt(t: f32) -> f64 {
    let x = f64::from(t);
    if x == 0.0 {
        return f64::INFINITY.copysign(x);
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let y = 1.0 / x.sqrt();
    settle(y, || {
        // One step of Newton's method: y + y (1 - x y^2) / 2, the bracket below 2^-51 and computed to 2^-104.
        let square = Dd::new(y) * Dd::new(y);
        let bracket = Dd::ONE - square * Dd::new(x);
        Dd::new(y) + (Dd::new(y) * bracket).scaled(0.5)
    })
}
