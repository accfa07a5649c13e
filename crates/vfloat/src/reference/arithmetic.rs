//! The operations of one instruction's arithmetic: how operands enter, what is computed, how results are rounded.

use std::cmp::Ordering;

use super::{
    Number, Outcome, Real, Status, Target, add_numbers, divide_numbers, multiply_numbers, round_number,
    round_to_quantum, saturate, settled, square_root, truncate,
};
use crate::CANONICAL_NAN;
use crate::format::Format;
use crate::functions;
use crate::rounding::Rounding;

/// The arithmetic of one instruction: a format, how operands enter it and how results are rounded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Arithmetic {
    /// The format of operands and results.
    pub format: Format,
    /// The format of the accumulator and the result in fmam and addm.
    pub accumulator: Format,
    /// T's mode.
    pub input: Rounding,
    /// R's mode.
    pub result: Rounding,
    /// `.sat`: clamp the results of add, sub, mul, fma, fmam and addm to [0, 1].
    pub saturate: bool,
    /// The random bits of stochastic rounding: the low half for the first rounding of an operation, the high half
    /// for the second; of each the leading ones are used.
    pub random: u64,
}

impl Arithmetic {
    /// The default arithmetic of a format: operands cut toward zero, results to nearest even, accumulation in
    /// binary32.
    pub const fn new(format: Format) -> Arithmetic {
        Arithmetic {
            format,
            accumulator: Format::FP32,
            input: Rounding::TowardZero,
            result: Rounding::NearestEven,
            saturate: false,
            random: 0,
        }
    }

    /// The same with these random bits.
    #[must_use]
    pub const fn with_random(self, random: u64) -> Arithmetic {
        Arithmetic { random, ..self }
    }

    /// R of a first rounding.
    fn first(&self) -> Target {
        Target {
            format: self.format,
            mode: self.result,
            random: self.random as u32,
        }
    }

    /// R of a second rounding.
    fn second(&self) -> Target {
        Target {
            random: (self.random >> 32) as u32,
            ..self.first()
        }
    }

    /// T_A(x) taken apart: an accumulator enters its format.
    fn accumulator(&self, x: f32) -> (Number, Status) {
        let Outcome { value, status } = truncate(x, self.accumulator, self.input);
        (Number::from_f32(value), status)
    }

    /// T(x).
    pub fn truncate(&self, x: f32) -> Outcome {
        truncate(x, self.format, self.input)
    }

    /// R(x).
    pub fn quantize(&self, x: f32) -> Outcome {
        self.round_number(Number::from_f32(x))
    }

    fn round_number(&self, x: Number) -> Outcome {
        let Target { format, mode, random } = self.first();
        round_number(x, format, mode, random)
    }

    /// R(x) of a binary64.
    pub fn round(&self, x: f64) -> Outcome {
        self.round_number(Number::from_f64(x))
    }

    /// R(x) of an integer.
    pub fn round_integer(&self, x: i128) -> Outcome {
        self.first().real(Real::integer(x))
    }

    /// T(x) taken apart, with T's flags.
    fn operand(&self, x: f32) -> (Number, Status) {
        let Outcome { value, status } = self.truncate(x);
        (Number::from_f32(value), status)
    }

    fn finish(&self, outcome: Outcome, operands: Status) -> Outcome {
        let value = if self.saturate {
            saturate(outcome.value)
        } else {
            outcome.value
        };
        Outcome {
            value,
            status: outcome.status | operands,
        }
    }

    /// R(T(a) + T(b)).
    pub fn add(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        self.finish(add_numbers(a, b, self.first()), flags_a | flags_b)
    }

    /// R(T(a) - T(b)).
    pub fn sub(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        self.finish(add_numbers(a, b.negated(), self.first()), flags_a | flags_b)
    }

    /// R(T(a) * T(b)) without `.sat`.
    fn product(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        multiply_numbers(a, b, self.first()).with(flags_a | flags_b)
    }

    /// R(T(a) * T(b)).
    pub fn mul(&self, a: f32, b: f32) -> Outcome {
        self.finish(self.product(a, b), Status::NONE)
    }

    /// R(T(a) / T(b)).
    pub fn div(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        divide_numbers(a, b, self.first()).with(flags_a | flags_b)
    }

    /// R(R(T(a) * T(b)) + T(c)): two roundings, on purpose.
    pub fn fma(&self, a: f32, b: f32, c: f32) -> Outcome {
        let product = self.product(a, b);
        let (c, flags) = self.operand(c);
        let sum = add_numbers(Number::from_f32(product.value), c, self.second());
        self.finish(sum, product.status | flags)
    }

    /// R_A(R(T(a) * T(b)) + T_A(c)): narrow product; accumulator and result in the accumulator's format A.
    pub fn fmam(&self, a: f32, b: f32, c: f32) -> Outcome {
        let product = self.product(a, b);
        let (c, flags) = self.accumulator(c);
        let to = Target {
            format: self.accumulator,
            ..self.second()
        };
        let sum = add_numbers(Number::from_f32(product.value), c, to);
        self.finish(sum, product.status | flags)
    }

    /// R_A(T_A(a) + T(b)): a is the accumulator.
    pub fn addm(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.accumulator(a), self.operand(b));
        let to = Target {
            format: self.accumulator,
            ..self.first()
        };
        self.finish(add_numbers(a, b, to), flags_a | flags_b)
    }

    /// The larger (or smaller) of two operands: a NaN loses, -0 is below +0.
    fn select(&self, a: f32, b: f32, want: Ordering) -> Outcome {
        let (a, b) = (self.truncate(a), self.truncate(b));
        let value = match (a.value.is_nan(), b.value.is_nan()) {
            (true, true) => CANONICAL_NAN,
            (true, false) => b.value,
            (false, true) => a.value,
            // total_cmp orders numbers as < does, and -0 before +0.
            (false, false) if a.value.total_cmp(&b.value) == want => a.value,
            (false, false) => b.value,
        };
        Outcome {
            value,
            status: a.status | b.status,
        }
    }

    /// The larger of T(a) and T(b).
    pub fn max(&self, a: f32, b: f32) -> Outcome {
        self.select(a, b, Ordering::Greater)
    }

    /// The smaller of T(a) and T(b).
    pub fn min(&self, a: f32, b: f32) -> Outcome {
        self.select(a, b, Ordering::Less)
    }

    /// T(a) with the sign changed by `change`, NaN canonical.
    fn with_sign(&self, a: f32, change: fn(f32) -> f32) -> Outcome {
        let Outcome { value, status } = self.truncate(a);
        let value = if value.is_nan() {
            CANONICAL_NAN
        } else {
            change(value)
        };
        settled(self.format, Outcome { value, status })
    }

    /// -T(a).
    pub fn neg(&self, a: f32) -> Outcome {
        self.with_sign(a, |x| -x)
    }

    /// |T(a)|.
    pub fn abs(&self, a: f32) -> Outcome {
        self.with_sign(a, f32::abs)
    }

    /// How T(a) and T(b) compare; None if one is a NaN.
    pub fn compare(&self, a: f32, b: f32) -> Option<Ordering> {
        self.truncate(a).value.partial_cmp(&self.truncate(b).value)
    }

    /// R(the integer that T(a) rounds to in `mode`): cvt.rni, .rzi, .rmi, .rpi.
    pub fn integral(&self, a: f32, mode: Rounding) -> Outcome {
        let (number, flags) = self.operand(a);
        let Number::Finite(real) = number else {
            return self.round_number(number).with(flags);
        };
        if real.exponent >= 0 {
            return self.first().real(real).with(flags);
        }
        let (significand, inexact) = round_to_quantum(real, 0, mode, 0);
        let flags = if inexact { flags | Status::INEXACT } else { flags };
        let integer = Real {
            negative: real.negative,
            significand,
            exponent: 0,
            sticky: false,
        };
        self.first().real(integer).with(flags)
    }

    /// R(sqrt(T(a))); sqrt(-0) = -0.
    pub fn sqrt(&self, a: f32) -> Outcome {
        let (a, flags) = self.operand(a);
        square_root(a, self.first()).with(flags)
    }

    /// R(1 / T(a)).
    pub fn rcp(&self, a: f32) -> Outcome {
        let (a, flags) = self.operand(a);
        divide_numbers(Number::from_f32(1.0), a, self.first()).with(flags)
    }

    /// R(f(T(a))) for a function that [`functions`] gives as a binary64 to be rounded once.
    fn function(&self, a: f32, function: fn(f32) -> f64) -> Outcome {
        let Outcome {
            value: t,
            status: flags,
        } = self.truncate(a);
        let y = function(t);
        let status = match (t.is_nan(), y.is_nan(), y.is_infinite() && t.is_finite()) {
            (false, true, _) => Status::INVALID,
            (_, _, true) => Status::DIV_BY_ZERO,
            _ => Status::NONE,
        };
        self.round(y).with(flags | status)
    }

    /// R(1 / sqrt(T(a))); the reciprocal root of a zero is the infinity of its sign.
    pub fn rsqrt(&self, a: f32) -> Outcome {
        self.function(a, functions::rsqrt)
    }

    /// R(2^T(a)).
    pub fn ex2(&self, a: f32) -> Outcome {
        self.function(a, functions::ex2)
    }

    /// R(log2(T(a))).
    pub fn lg2(&self, a: f32) -> Outcome {
        self.function(a, functions::lg2)
    }

    /// R(sin(T(a))), a in radians.
    pub fn sin(&self, a: f32) -> Outcome {
        self.function(a, functions::sin)
    }

    /// R(cos(T(a))), a in radians.
    pub fn cos(&self, a: f32) -> Outcome {
        self.function(a, functions::cos)
    }

    /// R(tanh(T(a))).
    pub fn tanh(&self, a: f32) -> Outcome {
        self.function(a, functions::tanh)
    }
}
