//! The 16-bit and 8-bit floating-point formats: conversions, and `f16` and `bf16` arithmetic to nearest.
//!
//! Sums and products are computed in `f64`, rounded to odd to `f32`, then to the format: 24 digits are at
//! least 11 + 2, so the result is the exact one rounded once.

use super::exact::{Layout, RN, round_f64};
use super::ieee::{NAN_F32, round_f32_to_odd, sum_to_odd};

/// binary16, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binary16(pub u16);
/// bfloat16, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bfloat16(pub u16);
/// FP8 with 4 exponent bits, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fp8E4m3(pub u8);
/// FP8 with 5 exponent bits, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fp8E5m2(pub u8);

/// The value of a binary16 code; NaN becomes the canonical one.
#[inline(always)]
pub fn f16_to_f32(code: u16) -> f32 {
    let sign = u32::from(code & 0x8000) << 16;
    let magnitude = u32::from(code & 0x7fff) << 13;
    // The exponent field is 112 too small; a product moves it up and gives subnormals their leading digit.
    let scaled = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    let finite = f32::from_bits(scaled.to_bits() | sign);
    if code & 0x7fff > 0x7c00 {
        NAN_F32
    } else if code & 0x7fff == 0x7c00 {
        f32::from_bits(0x7f80_0000 | sign)
    } else {
        finite
    }
}

/// The nearest binary16 code, ties to even; NaN becomes 0x7fff.
#[inline(always)]
pub fn f16_from_f32(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    // Normal results: add half a unit less one, or half if odd, take 112 off the exponent, cut.
    let normal = magnitude
        .wrapping_add(0xfff + (magnitude >> 13 & 1))
        .wrapping_sub(112 << 23)
        .wrapping_shr(13) as u16;
    // Subnormal results: the sum with 1/2 has its unit at 2^-24, so the addition rounds.
    let subnormal = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(0x3f00_0000) as u16;
    let finite = if magnitude < 113 << 23 { subnormal } else { normal };
    let code = if magnitude >= 0x477f_f000 { 0x7c00 } else { finite };
    if magnitude > 0x7f80_0000 {
        0x7fff
    } else {
        sign | code
    }
}

/// The value of a bfloat16 code; the bits of a NaN are kept.
#[inline(always)]
pub fn bf16_to_f32(code: u16) -> f32 {
    f32::from_bits(u32::from(code) << 16)
}

/// The nearest bfloat16 code, ties to even; NaN becomes 0x7fff.
#[inline(always)]
pub fn bf16_from_f32(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if x.is_nan() { 0x7fff } else { rounded as u16 }
}

/// The value of an FP8 code of either kind; NaN becomes some NaN.
fn f8_to_f64(code: u8, layout: Layout) -> f64 {
    let magnitude = u64::from(code & 0x7f);
    let fraction = magnitude & ((1 << layout.fraction_bits) - 1);
    let field = (magnitude >> layout.fraction_bits) as i32;
    let lead = if field == 0 { 0 } else { 1 << layout.fraction_bits };
    let exponent = field.max(1) - 1 + layout.min_exponent - layout.fraction_bits as i32;
    let value = if magnitude <= layout.max_finite {
        (fraction + lead) as f64 * f64::from_bits(((1023 + exponent) as u64) << 52)
    } else if magnitude == layout.overflow {
        f64::INFINITY
    } else {
        f64::NAN
    };
    if code & 0x80 != 0 { -value } else { value }
}

macro_rules! half {
    ($name:ident, $to:ident, $from:ident, $layout:ident, $exponent_mask:literal) => {
        impl $name {
            /// Its value.
            #[inline(always)]
            pub fn to_f32(self) -> f32 {
                $to(self.0)
            }
            /// Rounded once in a mode; NaN becomes 0x7fff.
            #[inline(always)]
            pub fn round<const M: u8>(x: f64) -> $name {
                if M == RN {
                    $name($from(round_f32_to_odd(x)))
                } else {
                    $name(round_f64(x, M, Layout::$layout) as u16)
                }
            }
            /// a + b, to nearest.
            #[inline(always)]
            pub fn plus(self, b: $name) -> $name {
                Self::round::<RN>(sum_to_odd(self.to_f32().into(), b.to_f32().into()))
            }
            /// a * b, to nearest.
            #[inline(always)]
            pub fn times(self, b: $name) -> $name {
                Self::round::<RN>(f64::from(self.to_f32()) * f64::from(b.to_f32()))
            }
            /// a * b + c, fused, to nearest.
            #[inline(always)]
            pub fn fma(self, b: $name, c: $name) -> $name {
                let product = f64::from(self.to_f32()) * f64::from(b.to_f32()); // exact
                Self::round::<RN>(sum_to_odd(product, c.to_f32().into()))
            }
            /// `.ftz`: a subnormal number becomes zero of the same sign.
            #[inline(always)]
            pub fn flush(self) -> $name {
                $name(if self.0 & $exponent_mask == 0 {
                    self.0 & 0x8000
                } else {
                    self.0
                })
            }
        }
    };
}
half!(Binary16, f16_to_f32, f16_from_f32, F16, 0x7c00);
half!(Bfloat16, bf16_to_f32, bf16_from_f32, BF16, 0x7f80);

macro_rules! eight {
    ($name:ident, $layout:ident) => {
        impl $name {
            /// Its value.
            pub fn to_f64(self) -> f64 {
                f8_to_f64(self.0, Layout::$layout)
            }
            /// Rounded once in a mode.
            pub fn round<const M: u8>(x: f64) -> $name {
                $name(round_f64(x, M, Layout::$layout) as u8)
            }
        }
    };
}
eight!(Fp8E4m3, E4M3);
eight!(Fp8E5m2, E5M2);
