//! The definition of every operation: scalar, on integers, each result with its status flags.
//!
//! This file is meant to be read and to be right; [`crate::lanes`] is meant to be fast and is tested against it.
//! A finite number is taken apart into an exact integer form, the operation is done on integers (with one
//! "sticky" bit for anything smaller than what is kept), and the exact result is rounded once. The only part
//! that is shared with the fast form are the transcendental functions, see [`crate::functions`].

use std::cmp::Ordering;
use std::fmt;

use crate::CANONICAL_NAN;
use crate::format::{Format, Rounding};
use crate::functions;

/// What happened on the way to a result: a set of flags as in IEEE 754.
///
/// The flags of an operation cover all its roundings, those of its operands included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Status(u8);

impl Status {
    /// Nothing happened: exact.
    pub const NONE: Status = Status(0);
    /// A value was rounded.
    pub const INEXACT: Status = Status(1);
    /// A value was too large for the format (its rounding with unbounded exponent is `2^EMAX` or more).
    pub const OVERFLOW: Status = Status(2);
    /// An exact value below the smallest normal number was rounded (tininess is judged before rounding); for an
    /// operand: a value below the smallest positive number.
    pub const UNDERFLOW: Status = Status(4);
    /// No meaningful result: a NaN that was not in the operands.
    pub const INVALID: Status = Status(8);
    /// An exact infinity from finite operands.
    pub const DIV_BY_ZERO: Status = Status(16);

    const NAMES: [(&'static str, Status); 5] = [
        ("inexact", Status::INEXACT),
        ("overflow", Status::OVERFLOW),
        ("underflow", Status::UNDERFLOW),
        ("invalid", Status::INVALID),
        ("div-by-zero", Status::DIV_BY_ZERO),
    ];

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Status) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn union(self, other: Status) -> Status {
        Status(self.0 | other.0)
    }

    /// Whether no flag is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Status::NAMES
            .iter()
            .filter(move |(_, flag)| self.contains(*flag))
            .map(|(name, _)| *name)
    }
}

impl std::ops::BitOr for Status {
    type Output = Status;
    fn bitor(self, other: Status) -> Status {
        self.union(other)
    }
}

impl std::ops::BitOrAssign for Status {
    fn bitor_assign(&mut self, other: Status) {
        *self = self.union(other);
    }
}

impl fmt::Display for Status {
    /// The names with commas between, or `exact`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.pad("exact");
        }
        f.pad(&self.names().collect::<Vec<_>>().join(","))
    }
}

/// A result and what happened on the way to it.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The result; a NaN of an arithmetic operation is [`CANONICAL_NAN`].
    pub value: f32,
    /// The flags raised.
    pub status: Status,
}

impl Outcome {
    fn exact(value: f32) -> Outcome {
        Outcome {
            value,
            status: Status::NONE,
        }
    }

    fn with(mut self, status: Status) -> Outcome {
        self.status |= status;
        self
    }
}

/// A real number: `significand * 2^exponent`, and if `sticky` a bit more in magnitude, by less than
/// `2^exponent`. A zero keeps its sign.
#[derive(Clone, Copy, Debug)]
struct Real {
    negative: bool,
    significand: u128,
    exponent: i32,
    sticky: bool,
}

/// What an operand can be.
#[derive(Clone, Copy, Debug)]
enum Number {
    Nan,
    Infinite { negative: bool },
    Finite(Real),
}

impl Real {
    fn is_zero(self) -> bool {
        self.significand == 0 && !self.sticky
    }

    /// MPFR's exponent: `2^(e-1) <= |x| < 2^e`. Not for zero.
    fn magnitude_exponent(self) -> i32 {
        self.exponent + bit_length(self.significand)
    }

    fn negated(self) -> Real {
        Real {
            negative: !self.negative,
            ..self
        }
    }
}

fn bit_length(x: u128) -> i32 {
    128 - x.leading_zeros() as i32
}

impl Number {
    fn from_f32(x: f32) -> Number {
        let bits = x.to_bits();
        let (negative, exponent, fraction) = (bits >> 31 != 0, (bits >> 23 & 0xff) as i32, bits & 0x7f_ffff);
        Number::from_parts(negative, exponent, fraction.into(), 0xff, 23)
    }

    fn from_f64(x: f64) -> Number {
        let bits = x.to_bits();
        let (negative, exponent) = (bits >> 63 != 0, (bits >> 52 & 0x7ff) as i32);
        Number::from_parts(negative, exponent, (bits & ((1 << 52) - 1)).into(), 0x7ff, 52)
    }

    /// The fields of an IEEE number whose largest exponent field is `special`, with `width` fraction bits.
    fn from_parts(negative: bool, field: i32, fraction: u128, special: i32, width: i32) -> Number {
        if field == special {
            return if fraction == 0 {
                Number::Infinite { negative }
            } else {
                Number::Nan
            };
        }
        let significand = if field == 0 {
            fraction
        } else {
            fraction | 1 << width
        };
        let exponent = field.max(1) - special / 2 - width;
        Number::Finite(Real {
            negative,
            significand,
            exponent,
            sticky: false,
        })
    }

    fn negated(self) -> Number {
        match self {
            Number::Nan => Number::Nan,
            Number::Infinite { negative } => Number::Infinite { negative: !negative },
            Number::Finite(real) => Number::Finite(real.negated()),
        }
    }
}

fn signed(magnitude: f32, negative: bool) -> f32 {
    if negative { -magnitude } else { magnitude }
}

/// The f32 of value `significand * 2^exponent`, which must be exactly representable.
fn exact_f32(negative: bool, significand: u128, exponent: i32) -> f32 {
    if significand == 0 {
        return signed(0.0, negative);
    }
    let zeros = significand.trailing_zeros() as i32;
    let (significand, exponent) = ((significand >> zeros) as u32, exponent + zeros);
    let length = bit_length(significand.into());
    debug_assert!(
        length <= 24 && exponent >= -149 && exponent + length <= 128,
        "not a binary32"
    );
    // The leading bit's weight is 2^top; below 2^-126 binary32 keeps multiples of 2^-149.
    let top = exponent + length - 1;
    let bits = if top < -126 {
        significand << (exponent + 149)
    } else {
        ((top + 127) as u32) << 23 | (significand << (24 - length) & 0x7f_ffff)
    };
    signed(f32::from_bits(bits), negative)
}

/// Rounds a magnitude to a multiple of `2^quantum` and returns (multiple, inexact). `quantum` must not be so
/// small that sticky bits would count.
fn round_to_quantum(x: Real, quantum: i32, mode: Rounding) -> (u128, bool) {
    let shift = quantum - x.exponent;
    if shift <= 0 {
        debug_assert!(!x.sticky, "a sticky bit below a kept bit");
        return (x.significand << -shift, false);
    }
    // How the part that falls away compares with half a quantum.
    let (kept, rest_to_half, inexact) = if shift > 127 {
        (0, Ordering::Less, !x.is_zero())
    } else {
        let rest = x.significand & ((1 << shift) - 1);
        let half = 1u128 << (shift - 1);
        let order = if x.sticky && rest == half {
            Ordering::Greater
        } else {
            rest.cmp(&half)
        };
        (x.significand >> shift, order, rest != 0 || x.sticky)
    };
    let up = match mode {
        Rounding::NearestEven => match rest_to_half {
            Ordering::Less => false,
            Ordering::Equal => kept & 1 == 1,
            Ordering::Greater => true,
        },
        _ => inexact && mode.is_away(x.negative),
    };
    (kept + u128::from(up), inexact)
}

/// What is returned for a value beyond the largest finite one.
fn overflow(negative: bool, largest: f64, mode: Rounding) -> Outcome {
    let infinite = mode == Rounding::NearestEven || mode.is_away(negative);
    let magnitude = if infinite { f32::INFINITY } else { largest as f32 };
    Outcome {
        value: signed(magnitude, negative),
        status: Status::OVERFLOW | Status::INEXACT,
    }
}

/// R(x) for a real x: rounded once into the format, with gradual underflow.
fn round_real(x: Real, format: Format, mode: Rounding) -> Outcome {
    if x.is_zero() {
        return Outcome::exact(signed(0.0, x.negative));
    }
    let smallest = format.emin() - 1;
    let normal_quantum = x.magnitude_exponent() - format.precision() as i32;
    let quantum = normal_quantum.max(smallest);
    let (multiple, inexact) = round_to_quantum(x, quantum, mode);
    if multiple != 0 && bit_length(multiple) + quantum > format.emax() {
        return overflow(x.negative, format.max(), mode);
    }
    let mut status = Status::NONE;
    if inexact {
        status |= Status::INEXACT;
        if normal_quantum < smallest {
            status |= Status::UNDERFLOW;
        }
    }
    Outcome {
        value: exact_f32(x.negative, multiple, quantum),
        status,
    }
}

fn round_number(x: Number, format: Format, mode: Rounding) -> Outcome {
    match x {
        Number::Nan => Outcome::exact(CANONICAL_NAN),
        Number::Infinite { negative } => Outcome::exact(signed(f32::INFINITY, negative)),
        Number::Finite(real) => round_real(real, format, mode),
    }
}

/// T(x): a source operand enters the format, cut to P bits in `input_rounding` (MPFR's `mpfr_set_flt`).
///
/// P bits are kept even below the normal range. A magnitude below `2^(EMIN-1)` underflows: to zero, or in a mode
/// that points away from zero to `2^(EMIN-1)`, or in nearest-even to whichever is nearer (half way: zero).
/// Infinities and NaN (with its bits) pass. The flags: inexact; overflow if no value of P bits below `2^EMAX`
/// is large enough; underflow as just described.
pub fn truncate(x: f32, format: Format, input_rounding: Rounding) -> Outcome {
    let Number::Finite(real) = Number::from_f32(x) else {
        return Outcome::exact(x);
    };
    if real.is_zero() {
        return Outcome::exact(x);
    }
    let precision = format.precision() as i32;
    let exponent = real.magnitude_exponent();
    if exponent < format.emin() {
        // Between zero and 2^(EMIN-1): one quantum, the two are its multiples. Half way goes to zero (even).
        let (multiple, _) = round_to_quantum(real, format.emin() - 1, input_rounding);
        let value = exact_f32(real.negative, multiple, format.emin() - 1);
        return Outcome {
            value,
            status: Status::INEXACT | Status::UNDERFLOW,
        };
    }
    let (multiple, inexact) = round_to_quantum(real, exponent - precision, input_rounding);
    if bit_length(multiple) + exponent - precision > format.emax() {
        return overflow(real.negative, format.max_operand(), input_rounding);
    }
    let status = if inexact { Status::INEXACT } else { Status::NONE };
    Outcome {
        value: exact_f32(real.negative, multiple, exponent - precision),
        status,
    }
}

/// R(x): x rounded once into the format. NaN gives the canonical NaN.
pub fn quantize(x: f32, format: Format, rounding: Rounding) -> Outcome {
    round_number(Number::from_f32(x), format, rounding)
}

/// R(x) of a binary64.
pub fn round(x: f64, format: Format, rounding: Rounding) -> Outcome {
    round_number(Number::from_f64(x), format, rounding)
}

/// R(x) of an integer (any of the 64-bit types fits); zero gives +0.
pub fn round_integer(x: i128, format: Format, rounding: Rounding) -> Outcome {
    let real = Real {
        negative: x < 0,
        significand: x.unsigned_abs(),
        exponent: 0,
        sticky: false,
    };
    round_real(real, format, rounding)
}

/// The exact sum of two reals; the sign of a zero sum follows IEEE 754 for `mode`.
fn add_reals(a: Real, b: Real, mode: Rounding) -> Real {
    match (a.is_zero(), b.is_zero()) {
        (true, true) => {
            let negative = if a.negative == b.negative {
                a.negative
            } else {
                mode == Rounding::TowardNegative
            };
            return Real { negative, ..a };
        }
        (true, false) => return b,
        (false, true) => return a,
        (false, false) => {}
    }
    let (large, small) = if a.magnitude_exponent() >= b.magnitude_exponent() {
        (a, b)
    } else {
        (b, a)
    };
    // Operands have at most 53 bits. 64 more below the larger one: what then falls below is sticky.
    let exponent = large.exponent - 64;
    let left = large.significand << 64;
    let distance = small.exponent - exponent;
    let (right, sticky) = if distance >= 0 {
        (small.significand << distance, false)
    } else if distance < -127 {
        (0, true)
    } else {
        let rest = small.significand & ((1 << -distance) - 1);
        (small.significand >> -distance, rest != 0)
    };
    if large.negative == small.negative {
        return Real {
            negative: large.negative,
            significand: left + right,
            exponent,
            sticky,
        };
    }
    match left.cmp(&right) {
        Ordering::Equal => Real {
            negative: mode == Rounding::TowardNegative,
            significand: 0,
            exponent,
            sticky: false,
        },
        Ordering::Less => Real {
            negative: small.negative,
            significand: right - left,
            exponent,
            sticky: false,
        },
        // left - (right + rest) = (left - right - 1) + (1 - rest)
        Ordering::Greater => Real {
            negative: large.negative,
            significand: left - right - u128::from(sticky),
            exponent,
            sticky,
        },
    }
}

/// A NaN that was not in the operands.
fn invalid() -> Outcome {
    Outcome {
        value: CANONICAL_NAN,
        status: Status::INVALID,
    }
}

fn nan() -> Outcome {
    Outcome::exact(CANONICAL_NAN)
}

fn infinite(negative: bool) -> Outcome {
    Outcome::exact(signed(f32::INFINITY, negative))
}

fn add_numbers(a: Number, b: Number, format: Format, mode: Rounding) -> Outcome {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => nan(),
        (Number::Infinite { negative: x }, Number::Infinite { negative: y }) if x != y => invalid(),
        (Number::Infinite { negative }, _) | (_, Number::Infinite { negative }) => infinite(negative),
        (Number::Finite(x), Number::Finite(y)) => round_real(add_reals(x, y, mode), format, mode),
    }
}

fn multiply_numbers(a: Number, b: Number, format: Format, mode: Rounding) -> Outcome {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => nan(),
        (Number::Infinite { negative: x }, Number::Infinite { negative: y }) => infinite(x != y),
        (Number::Infinite { negative }, Number::Finite(x))
        | (Number::Finite(x), Number::Infinite { negative }) => {
            if x.is_zero() {
                invalid()
            } else {
                infinite(x.negative != negative)
            }
        }
        (Number::Finite(x), Number::Finite(y)) => {
            let product = Real {
                negative: x.negative != y.negative,
                significand: x.significand * y.significand,
                exponent: x.exponent + y.exponent,
                sticky: false,
            };
            round_real(product, format, mode)
        }
    }
}

fn divide_numbers(a: Number, b: Number, format: Format, mode: Rounding) -> Outcome {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => nan(),
        (Number::Infinite { .. }, Number::Infinite { .. }) => invalid(),
        (Number::Infinite { negative }, Number::Finite(x)) => infinite(x.negative != negative),
        (Number::Finite(x), Number::Infinite { negative }) => {
            Outcome::exact(signed(0.0, x.negative != negative))
        }
        (Number::Finite(x), Number::Finite(y)) => {
            let negative = x.negative != y.negative;
            match (x.is_zero(), y.is_zero()) {
                (true, true) => return invalid(),
                (false, true) => return infinite(negative).with(Status::DIV_BY_ZERO),
                _ => {}
            }
            // Both have at most 24 bits: the quotient keeps at least 64 - 24 bits, the remainder is sticky.
            let dividend = x.significand << 64;
            let quotient = Real {
                negative,
                significand: dividend / y.significand,
                exponent: x.exponent - 64 - y.exponent,
                sticky: dividend % y.significand != 0,
            };
            round_real(quotient, format, mode)
        }
    }
}

fn square_root(a: Number, format: Format, mode: Rounding) -> Outcome {
    match a {
        Number::Nan => nan(),
        Number::Finite(x) if x.is_zero() => Outcome::exact(signed(0.0, x.negative)),
        Number::Infinite { negative: true } | Number::Finite(Real { negative: true, .. }) => invalid(),
        Number::Infinite { negative: false } => infinite(false),
        Number::Finite(x) => {
            // An even exponent and at least 81 bits, so that the integer root has at least 40.
            let shift = 80 + (x.exponent & 1);
            let radicand = x.significand << shift;
            let root = radicand.isqrt();
            let real = Real {
                negative: false,
                significand: root,
                exponent: (x.exponent - shift) / 2,
                sticky: root * root != radicand,
            };
            round_real(real, format, mode)
        }
    }
}

/// `.sat`: the value clamped to [0, 1]; NaN and -0 become +0.
pub fn saturate(x: f32) -> f32 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

/// The arithmetic of one instruction: a format, how operands enter it and how results are rounded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Arithmetic {
    /// The format of operands and results.
    pub format: Format,
    /// T's mode.
    pub input: Rounding,
    /// R's mode.
    pub result: Rounding,
    /// `.sat`: clamp the results of add, sub, mul, fma, fmam and addm to [0, 1].
    pub saturate: bool,
}

impl Arithmetic {
    /// The default arithmetic of a format: operands cut toward zero, results to nearest even.
    pub const fn new(format: Format) -> Arithmetic {
        Arithmetic {
            format,
            input: Rounding::TowardZero,
            result: Rounding::NearestEven,
            saturate: false,
        }
    }

    /// T(x).
    pub fn truncate(&self, x: f32) -> Outcome {
        truncate(x, self.format, self.input)
    }

    /// R(x).
    pub fn quantize(&self, x: f32) -> Outcome {
        quantize(x, self.format, self.result)
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
        self.finish(add_numbers(a, b, self.format, self.result), flags_a | flags_b)
    }

    /// R(T(a) - T(b)).
    pub fn sub(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        self.finish(
            add_numbers(a, b.negated(), self.format, self.result),
            flags_a | flags_b,
        )
    }

    /// R(T(a) * T(b)) without `.sat`.
    fn product(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        multiply_numbers(a, b, self.format, self.result).with(flags_a | flags_b)
    }

    /// R(T(a) * T(b)).
    pub fn mul(&self, a: f32, b: f32) -> Outcome {
        self.finish(self.product(a, b), Status::NONE)
    }

    /// R(T(a) / T(b)).
    pub fn div(&self, a: f32, b: f32) -> Outcome {
        let ((a, flags_a), (b, flags_b)) = (self.operand(a), self.operand(b));
        divide_numbers(a, b, self.format, self.result).with(flags_a | flags_b)
    }

    /// R(R(T(a) * T(b)) + T(c)): two roundings, on purpose.
    pub fn fma(&self, a: f32, b: f32, c: f32) -> Outcome {
        let product = self.product(a, b);
        let (c, flags) = self.operand(c);
        let sum = add_numbers(Number::from_f32(product.value), c, self.format, self.result);
        self.finish(sum, product.status | flags)
    }

    /// R32(R(T(a) * T(b)) + c): narrow product, full binary32 accumulator and result.
    pub fn fmam(&self, a: f32, b: f32, c: f32) -> Outcome {
        let product = self.product(a, b);
        let (p, c) = (Number::from_f32(product.value), Number::from_f32(c));
        self.finish(add_numbers(p, c, Format::FP32, self.result), product.status)
    }

    /// R32(a + T(b)): a is a full binary32 accumulator.
    pub fn addm(&self, a: f32, b: f32) -> Outcome {
        let (b, flags) = self.operand(b);
        self.finish(
            add_numbers(Number::from_f32(a), b, Format::FP32, self.result),
            flags,
        )
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
        Outcome {
            value: if value.is_nan() {
                CANONICAL_NAN
            } else {
                change(value)
            },
            status,
        }
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
            return round_number(number, self.format, self.result).with(flags);
        };
        if real.exponent >= 0 {
            return round_real(real, self.format, self.result).with(flags);
        }
        let (significand, inexact) = round_to_quantum(real, 0, mode);
        let flags = if inexact { flags | Status::INEXACT } else { flags };
        let integer = Real {
            negative: real.negative,
            significand,
            exponent: 0,
            sticky: false,
        };
        round_real(integer, self.format, self.result).with(flags)
    }

    /// R(sqrt(T(a))); sqrt(-0) = -0.
    pub fn sqrt(&self, a: f32) -> Outcome {
        let (a, flags) = self.operand(a);
        square_root(a, self.format, self.result).with(flags)
    }

    /// R(1 / T(a)).
    pub fn rcp(&self, a: f32) -> Outcome {
        let (a, flags) = self.operand(a);
        divide_numbers(Number::from_f32(1.0), a, self.format, self.result).with(flags)
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
        round(y, self.format, self.result).with(flags | status)
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
