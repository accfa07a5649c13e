//! Running cases through the reference, both forms of the lanes and MPFR, and comparing the bits.

use vfloat::{Arithmetic, Format, LaneOps, LaneVisitor, Lanes, Outcome, Rounding, Status};

use crate::oracle::{Op, Oracle};

/// The reference's result of `op`.
pub fn reference(r: &Arithmetic, op: Op, [a, b, c]: [f32; 3]) -> Outcome {
    match op {
        Op::Truncate => r.truncate(a),
        Op::Quantize => r.quantize(a),
        Op::Add => r.add(a, b),
        Op::Sub => r.sub(a, b),
        Op::Mul => r.mul(a, b),
        Op::Div => r.div(a, b),
        Op::Fma => r.fma(a, b, c),
        Op::Fmam => r.fmam(a, b, c),
        Op::Addm => r.addm(a, b),
        Op::Max => r.max(a, b),
        Op::Min => r.min(a, b),
        Op::Integral => r.integral(a, Rounding::NearestEven),
        Op::Sqrt => r.sqrt(a),
        Op::Rcp => r.rcp(a),
        Op::Rsqrt => r.rsqrt(a),
        Op::Ex2 => r.ex2(a),
        Op::Lg2 => r.lg2(a),
        Op::Sin => r.sin(a),
        Op::Cos => r.cos(a),
        Op::Tanh => r.tanh(a),
    }
}

/// The lanes' result of `op`.
struct Lane(Op, [f32; 3]);

impl LaneVisitor for Lane {
    type Output = f32;
    #[inline(always)]
    fn visit<L: LaneOps + 'static>(self, ops: L) -> f32 {
        let Lane(op, [a, b, c]) = self;
        match op {
            Op::Truncate => ops.truncate(a),
            Op::Quantize => ops.quantize(a),
            Op::Add => ops.add(a, b),
            Op::Sub => ops.sub(a, b),
            Op::Mul => ops.mul(a, b),
            Op::Div => ops.div(a, b),
            Op::Fma => ops.fma(a, b, c),
            Op::Fmam => ops.fmam(a, b, c),
            Op::Addm => ops.addm(a, b),
            Op::Max => ops.max(a, b),
            Op::Min => ops.min(a, b),
            Op::Integral => ops.integral(a, Rounding::NearestEven),
            Op::Sqrt => ops.sqrt(a),
            Op::Rcp => ops.rcp(a),
            Op::Rsqrt => ops.rsqrt(a),
            Op::Ex2 => ops.ex2(a),
            Op::Lg2 => ops.lg2(a),
            Op::Sin => ops.sin(a),
            Op::Cos => ops.cos(a),
            Op::Tanh => ops.tanh(a),
        }
    }
}

/// All four ways to compute in one arithmetic.
pub struct Checker {
    arithmetic: Arithmetic,
    lanes: Lanes,
    oracle: Oracle,
}

impl Checker {
    /// The checker of a format with modes for operands and results.
    pub fn new(format: Format, input: Rounding, result: Rounding) -> Checker {
        let arithmetic = Arithmetic {
            input,
            result,
            ..Arithmetic::new(format)
        };
        Checker {
            arithmetic,
            lanes: Lanes::new(format, input, result),
            oracle: Oracle::new(arithmetic),
        }
    }

    /// One case; panics with all that is needed to repeat it.
    pub fn case(&mut self, op: Op, operands: [f32; 3]) {
        let (expect, flags) = self.oracle.evaluate(op, operands);
        let outcome = reference(&self.arithmetic, op, operands);
        let fast = self.lanes.specialise(Lane(op, operands));
        let general = Lane(op, operands).visit(self.lanes);
        let bits = [expect, outcome.value, fast, general].map(f32::to_bits);
        let known = [
            Status::INEXACT,
            Status::OVERFLOW,
            Status::DIV_BY_ZERO,
            Status::INVALID,
        ];
        let flags_agree = known
            .iter()
            .all(|&flag| flags.contains(flag) == outcome.status.contains(flag));
        if bits[1..] != [bits[0]; 3] || !flags_agree {
            panic!(
                "{op:?} {:?} of {operands:?} {:x?}: MPFR {expect:e} ({flags}), reference {:e} ({}), \
                 fast lanes {fast:e}, general lanes {general:e}",
                self.arithmetic,
                operands.map(f32::to_bits),
                outcome.value,
                outcome.status,
            );
        }
    }
}

/// The IEEE-style formats of at most `bits` bits in all, sign included.
pub fn formats_up_to(bits: u32) -> Vec<Format> {
    let pairs = (1..=8).flat_map(|e| (1..=23).map(move |m| (e, m)));
    pairs
        .filter(|(e, m)| 1 + e + m <= bits)
        .filter_map(|(e, m)| Format::ieee(e, m).ok())
        .collect()
}

/// The number of bits of an IEEE-style format.
pub fn width(format: Format) -> u32 {
    format.ieee_bits().map_or(32, |(e, m)| 1 + e + m)
}

/// Every value of a format, and a NaN.
pub fn values_and_nan(format: Format) -> Vec<f32> {
    format.values().chain([f32::NAN]).collect()
}
