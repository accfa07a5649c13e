//! Operands toward zero, results to nearest even, in binary64: right for every format.

use super::LaneOps;
use crate::format::{Format, power_of_two};

/// A format as the numbers that T and R need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    /// Keeps sign, exponent and P - 1 explicit bits of a binary64.
    pub(super) keep: u64,
    /// 2^(EMIN-1), the smallest positive value.
    pub(super) smallest: f64,
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
}

impl Constants {
    pub(super) fn new(format: Format) -> Constants {
        let p = format.precision() as i32;
        Constants {
            keep: !0 << (53 - p),
            smallest: format.min_subnormal(),
            limit: power_of_two(format.emax()),
            max_operand: format.max_operand(),
            max: format.max(),
            min_normal: format.min_normal(),
            magic: power_of_two(53 - p),
            quantum: power_of_two(1 - p),
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

    /// The magnitude rounded to nearest even at its binade's quantum: adding `c` pushes everything below the
    /// quantum out of the 53 bits (c is in [2^52, 2^53) quanta and even), subtracting brings the rest back exactly.
    #[inline(always)]
    pub(super) fn nearest(&self, magnitude: f64, binade: f64) -> f64 {
        let c = binade * self.magic;
        (magnitude + c) - c
    }
}

/// Operands toward zero, results to nearest even, any format.
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
        // Infinities and NaN, which might lose its payload to the mask, pass as they are.
        if magnitude < f64::INFINITY {
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
        let result = if rounded >= k.limit {
            f64::INFINITY
        } else {
            rounded
        };
        result.copysign(x)
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    fn sum_binary32(self, a: f32, b: f32) -> f32 {
        a + b
    }
}
