//! Operands toward zero, results to nearest even, in binary64: right for every format.

use super::LaneOps;
use crate::format::{Format, Overflow, power_of_two};

/// A format as the numbers that T and R need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    /// Keeps sign, exponent and P - 1 explicit bits of a binary64.
    pub(super) keep: u64,
    /// Operands below this are nothing: 2^(EMIN-1), or 2^(EMIN+P-2) in a format that flushes.
    pub(super) smallest: f64,
    /// 2^(EMIN-1), the quantum below the normal range.
    pub(super) least: f64,
    /// 2^EMAX, above every finite value.
    pub(super) limit: f64,
    /// The largest operand.
    pub(super) max_operand: f64,
    /// The largest result.
    pub(super) max: f64,
    /// 2^(EMIN+P-2), where the quantum stops shrinking.
    pub(super) min_normal: f64,
    /// 2^(53-P): a binade's power of two times this has the binade's quantum as its last bit.
    pub(super) magic: f64,
    /// 2^(1-P): a binade's power of two times this is its quantum.
    pub(super) quantum: f64,
    /// What overflow becomes: infinity, NaN or the largest result.
    pub(super) beyond: f64,
    /// The largest magnitude of an operand that is cut; larger ones (infinity and NaN, or NaN only) pass.
    pub(super) last_cut: f32,
    /// Set in operands that pass: nothing, or what makes a NaN of an infinity.
    pub(super) poison: u64,
    /// Whether overflow becomes the largest value.
    pub(super) saturates: bool,
    /// Results below this are zero: 0, or 2^(EMIN+P-2) in a format that flushes.
    pub(super) flush: f64,
    /// Cleared in a zero: nothing, or the sign.
    pub(super) zero_sign: u64,
}

impl Constants {
    pub(super) fn new(format: Format) -> Constants {
        let p = format.precision() as i32;
        Constants {
            keep: !0 << (53 - p),
            smallest: format.min_positive(),
            least: format.min_subnormal(),
            limit: power_of_two(format.emax()),
            max_operand: format.max_operand(),
            max: format.max(),
            min_normal: format.min_normal(),
            magic: power_of_two(53 - p),
            quantum: power_of_two(1 - p),
            beyond: format.beyond(),
            last_cut: match format.overflow() {
                Overflow::Infinity | Overflow::Nan => f32::MAX,
                Overflow::Saturate => f32::INFINITY,
            },
            poison: match format.overflow() {
                Overflow::Infinity | Overflow::Saturate => 0,
                Overflow::Nan => f64::NAN.to_bits(),
            },
            saturates: format.overflow() == Overflow::Saturate,
            flush: if format.flushes() {
                format.min_normal()
            } else {
                0.0
            },
            zero_sign: if format.has_negative_zero() { 0 } else { 1 << 63 },
        }
    }

    /// The binade of a magnitude for R: its power of two, at least the smallest normal number. NaN gives infinity.
    #[inline(always)]
    pub(super) fn binade(&self, magnitude: f64) -> f64 {
        let power = f64::from_bits(magnitude.to_bits() & f64::INFINITY.to_bits());
        if power > self.min_normal {
            power
        } else {
            self.min_normal
        }
    }

    /// The magnitude brought down to at most 2^EMAX, so that no intermediate overflows; NaN passes.
    #[inline(always)]
    pub(super) fn clamped(&self, x: f64) -> f64 {
        let magnitude = x.abs();
        if magnitude > self.limit {
            self.limit
        } else {
            magnitude
        }
    }

    /// A rounded result as the format has it: subnormal ones flushed, no negative zero, if the format says so.
    #[inline(always)]
    pub(super) fn settled(&self, x: f64) -> f64 {
        let bits = if x.abs() < self.flush {
            x.to_bits() & (1 << 63)
        } else {
            x.to_bits()
        };
        let zero = bits << 1 == 0;
        f64::from_bits(if zero { bits & !self.zero_sign } else { bits })
    }

    /// The magnitude rounded to nearest even at its binade's quantum: adding `c` pushes everything below the
    /// quantum out of the 53 bits (c is in [2^52, 2^53) quanta and even), subtracting brings the rest back exactly.
    #[inline(always)]
    pub(super) fn nearest(&self, magnitude: f64, binade: f64) -> f64 {
        let c = binade * self.magic;
        (magnitude + c) - c
    }
}

/// Operands toward zero, results to nearest even, accumulation in binary32, any format with a negative zero that does
/// not flush and has infinities or saturates.
#[derive(Clone, Copy, Debug)]
pub struct RzRn(pub(super) Constants);

impl LaneOps for RzRn {
    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        let k = &self.0;
        let wide = f64::from(x);
        let magnitude = wide.abs();
        let cut = f64::from_bits(magnitude.to_bits() & k.keep);
        let cut = if cut < k.max_operand { cut } else { k.max_operand };
        let cut = if magnitude < k.smallest { 0.0 } else { cut };
        // Infinities of formats that have them and NaN, which might lose its payload to the mask, pass as they are.
        if x.abs() <= k.last_cut {
            cut.copysign(wide)
        } else {
            wide
        }
    }

    #[inline(always)]
    fn round(self, x: f64) -> f64 {
        let k = &self.0;
        let magnitude = k.clamped(x);
        let rounded = k.nearest(magnitude, k.binade(magnitude));
        let result = if rounded > k.max { k.beyond } else { rounded };
        result.copysign(x)
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    fn accumulate(self, addend: f32, accumulator: f32) -> f32 {
        addend + accumulator
    }
}
