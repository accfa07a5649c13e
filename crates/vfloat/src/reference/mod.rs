//! The definition of every operation: scalar, on integers, each result with its status flags.
//!
//! This file is meant to be read and to be right; [`crate::lanes`] is meant to be fast and is tested against it.
//! A finite number is taken apart into an exact integer form, the operation is done on integers (with one
//! "sticky" bit for anything smaller than what is kept), and the exact result is rounded once. The only part
//! that is shared with the fast form are the transcendental functions, see [`crate::functions`].

use std::cmp::Ordering;
use std::fmt;

use crate::CANONICAL_NAN;
use crate::format::{Format, Overflow, power_of_two};
use crate::rounding::Rounding;

mod arithmetic;

pub use arithmetic::Arithmetic;

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
    fn integer(x: i128) -> Real {
        Real {
            negative: x < 0,
            significand: x.unsigned_abs(),
            exponent: 0,
            sticky: false,
        }
    }

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

/// Whether stochastic rounding with `bits` random bits goes away from zero: the fraction of a quantum (`rest` of
/// `2^shift`) is cut to `bits` bits, the random integer (the leading `bits` of `random`) is added, and a carry goes
/// away. Sticky bits are below all that counts.
fn carries(rest: u128, shift: i32, bits: u8, random: u32) -> bool {
    let bits = i32::from(bits);
    let fraction = if shift >= bits {
        rest.checked_shr((shift - bits) as u32).unwrap_or(0)
    } else {
        rest << (bits - shift)
    };
    fraction + u128::from(random >> (32 - bits)) >= 1 << bits
}

/// Rounds a magnitude to a multiple of `2^quantum` and returns (multiple, inexact). `quantum` must not be so
/// small that sticky bits would count. `random` is for stochastic rounding.
fn round_to_quantum(x: Real, quantum: i32, mode: Rounding, random: u32) -> (u128, bool) {
    let shift = quantum - x.exponent;
    if shift <= 0 {
        debug_assert!(!x.sticky, "a sticky bit below a kept bit");
        return (x.significand << -shift, false);
    }
    // How the part that falls away compares with half a quantum.
    let (kept, rest, rest_to_half, inexact) = if shift > 127 {
        (0, x.significand, Ordering::Less, !x.is_zero())
    } else {
        let rest = x.significand & ((1 << shift) - 1);
        let half = 1u128 << (shift - 1);
        let order = if x.sticky && rest == half {
            Ordering::Greater
        } else {
            rest.cmp(&half)
        };
        (x.significand >> shift, rest, order, rest != 0 || x.sticky)
    };
    let up = match mode {
        Rounding::NearestEven => match rest_to_half {
            Ordering::Less => false,
            Ordering::Equal => kept & 1 == 1,
            Ordering::Greater => true,
        },
        Rounding::NearestAway => rest_to_half != Ordering::Less,
        Rounding::ToOdd => inexact && kept & 1 == 0,
        Rounding::Stochastic(bits) => carries(rest, shift, bits, random),
        Rounding::TowardZero | Rounding::TowardNegative | Rounding::TowardPositive => {
            inexact && mode.is_away(x.negative)
        }
    };
    (kept + u128::from(up), inexact)
}

/// What the format has in place of an infinity.
fn infinity(format: Format, negative: bool) -> f32 {
    match format.overflow() {
        Overflow::Infinity => signed(f32::INFINITY, negative),
        Overflow::Nan => CANONICAL_NAN,
        Overflow::Saturate => signed(format.max() as f32, negative),
    }
}

/// An exact infinity as a result: formats without infinities overflow.
fn infinite(format: Format, negative: bool) -> Outcome {
    let status = match format.overflow() {
        Overflow::Infinity => Status::NONE,
        Overflow::Nan | Overflow::Saturate => Status::OVERFLOW | Status::INEXACT,
    };
    Outcome {
        value: infinity(format, negative),
        status,
    }
}

/// What is returned for a value beyond the largest finite one, `largest`.
fn overflow(format: Format, negative: bool, largest: f64, mode: Rounding) -> Outcome {
    let value = if mode.overflows(negative) && format.overflow() != Overflow::Saturate {
        infinity(format, negative)
    } else {
        signed(largest as f32, negative)
    };
    Outcome {
        value,
        status: Status::OVERFLOW | Status::INEXACT,
    }
}

/// A rounded value as the format has it: subnormal ones flushed, no negative zero, if the format says so.
fn settled(format: Format, outcome: Outcome) -> Outcome {
    let Outcome { value, status } = outcome;
    let flushed = format.flushes() && value != 0.0 && f64::from(value.abs()) < format.min_normal();
    let status = if flushed {
        status | Status::UNDERFLOW | Status::INEXACT
    } else {
        status
    };
    let value = if flushed {
        signed(0.0, value.is_sign_negative())
    } else {
        value
    };
    let value = if value == 0.0 && !format.has_negative_zero() {
        0.0
    } else {
        value
    };
    Outcome { value, status }
}

/// Whether `multiple * 2^quantum` is above `largest`.
fn exceeds(multiple: u128, quantum: i32, largest: f64) -> bool {
    // At most 24 bits, or 2^24 by a carry: exact in binary64.
    multiple as f64 * power_of_two(quantum) > largest
}

/// R(x) for a real x: rounded once into the format, with gradual underflow.
fn round_real(x: Real, format: Format, mode: Rounding, random: u32) -> Outcome {
    if x.is_zero() {
        return settled(format, Outcome::exact(signed(0.0, x.negative)));
    }
    let smallest = format.emin() - 1;
    let normal_quantum = x.magnitude_exponent() - format.precision() as i32;
    if x.magnitude_exponent() > format.emax() + 1 {
        return overflow(format, x.negative, format.max(), mode);
    }
    let quantum = normal_quantum.max(smallest);
    let (multiple, inexact) = round_to_quantum(x, quantum, mode, random);
    if exceeds(multiple, quantum, format.max()) {
        return overflow(format, x.negative, format.max(), mode);
    }
    let mut status = Status::NONE;
    if inexact {
        status |= Status::INEXACT;
        if normal_quantum < smallest {
            status |= Status::UNDERFLOW;
        }
    }
    let value = exact_f32(x.negative, multiple, quantum);
    settled(format, Outcome { value, status })
}

fn round_number(x: Number, format: Format, mode: Rounding, random: u32) -> Outcome {
    match x {
        Number::Nan => Outcome::exact(CANONICAL_NAN),
        Number::Infinite { negative } => infinite(format, negative),
        Number::Finite(real) => round_real(real, format, mode, random),
    }
}

/// T(x): a source operand enters the format, cut to P bits in `input_rounding` (MPFR's `mpfr_set_flt`).
///
/// P bits are kept even below the normal range. A magnitude below `2^(EMIN-1)` underflows: to zero, or in a mode
/// that points away from zero to `2^(EMIN-1)`, or in the nearest modes to whichever is nearer (half way: zero, in
/// ties-away `2^(EMIN-1)`). A format that flushes makes all below the normal range zero. NaN (with its bits) passes,
/// infinities too where the format has them; otherwise they become NaN or the largest operand, as overflow does.
/// Stochastic rounding is not for operands and cuts toward zero. The flags: inexact; overflow if no value of P bits
/// below `2^EMAX` is large enough; underflow as just described.
pub fn truncate(x: f32, format: Format, input_rounding: Rounding) -> Outcome {
    let real = match Number::from_f32(x) {
        Number::Nan => return Outcome::exact(x),
        Number::Infinite { negative } if format.overflow() == Overflow::Saturate => {
            return overflow(format, negative, format.max_operand(), Rounding::TowardZero);
        }
        Number::Infinite { negative } => return infinite(format, negative),
        Number::Finite(real) => real,
    };
    if real.is_zero() {
        return settled(format, Outcome::exact(x));
    }
    let precision = format.precision() as i32;
    let exponent = real.magnitude_exponent();
    if exponent < format.emin() {
        // Between zero and 2^(EMIN-1): one quantum, the two are its multiples. Half way goes to zero (even).
        let (multiple, _) = round_to_quantum(real, format.emin() - 1, input_rounding, 0);
        let value = exact_f32(real.negative, multiple, format.emin() - 1);
        let status = Status::INEXACT | Status::UNDERFLOW;
        return settled(format, Outcome { value, status });
    }
    let quantum = exponent - precision;
    let (multiple, inexact) = round_to_quantum(real, quantum, input_rounding, 0);
    if exceeds(multiple, quantum, format.max_operand()) {
        let mode = match input_rounding {
            Rounding::Stochastic(_) => Rounding::TowardZero,
            mode => mode,
        };
        return overflow(format, real.negative, format.max_operand(), mode);
    }
    let status = if inexact { Status::INEXACT } else { Status::NONE };
    let value = exact_f32(real.negative, multiple, quantum);
    settled(format, Outcome { value, status })
}

/// R(x): x rounded once into the format. NaN gives the canonical NaN. Stochastic rounding goes toward zero here, see
/// [`Arithmetic::quantize`].
pub fn quantize(x: f32, format: Format, rounding: Rounding) -> Outcome {
    round_number(Number::from_f32(x), format, rounding, 0)
}

/// R(x) of a binary64; stochastic rounding goes toward zero here, see [`Arithmetic::round`].
pub fn round(x: f64, format: Format, rounding: Rounding) -> Outcome {
    round_number(Number::from_f64(x), format, rounding, 0)
}

/// R(x) of an integer (any of the 64-bit types fits); zero gives +0. Stochastic rounding goes toward zero here, see
/// [`Arithmetic::round_integer`].
pub fn round_integer(x: i128, format: Format, rounding: Rounding) -> Outcome {
    round_real(Real::integer(x), format, rounding, 0)
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

/// How a result is rounded: the format, the mode, the random bits.
#[derive(Clone, Copy)]
struct Target {
    format: Format,
    mode: Rounding,
    random: u32,
}

impl Target {
    fn real(self, x: Real) -> Outcome {
        round_real(x, self.format, self.mode, self.random)
    }

    fn infinite(self, negative: bool) -> Outcome {
        infinite(self.format, negative)
    }

    fn zero(self, negative: bool) -> Outcome {
        settled(self.format, Outcome::exact(signed(0.0, negative)))
    }
}

fn add_numbers(a: Number, b: Number, to: Target) -> Outcome {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => nan(),
        (Number::Infinite { negative: x }, Number::Infinite { negative: y }) if x != y => invalid(),
        (Number::Infinite { negative }, _) | (_, Number::Infinite { negative }) => to.infinite(negative),
        (Number::Finite(x), Number::Finite(y)) => to.real(add_reals(x, y, to.mode)),
    }
}

fn multiply_numbers(a: Number, b: Number, to: Target) -> Outcome {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => nan(),
        (Number::Infinite { negative: x }, Number::Infinite { negative: y }) => to.infinite(x != y),
        (Number::Infinite { negative }, Number::Finite(x))
        | (Number::Finite(x), Number::Infinite { negative }) => {
            if x.is_zero() {
                invalid()
            } else {
                to.infinite(x.negative != negative)
            }
        }
        (Number::Finite(x), Number::Finite(y)) => {
            let product = Real {
                negative: x.negative != y.negative,
                significand: x.significand * y.significand,
                exponent: x.exponent + y.exponent,
                sticky: false,
            };
            to.real(product)
        }
    }
}

fn divide_numbers(a: Number, b: Number, to: Target) -> Outcome {
    match (a, b) {
        (Number::Nan, _) | (_, Number::Nan) => nan(),
        (Number::Infinite { .. }, Number::Infinite { .. }) => invalid(),
        (Number::Infinite { negative }, Number::Finite(x)) => to.infinite(x.negative != negative),
        (Number::Finite(x), Number::Infinite { negative }) => to.zero(x.negative != negative),
        (Number::Finite(x), Number::Finite(y)) => {
            let negative = x.negative != y.negative;
            match (x.is_zero(), y.is_zero()) {
                (true, true) => return invalid(),
                (false, true) => return to.infinite(negative).with(Status::DIV_BY_ZERO),
                _ => {}
            }
            // Both have at most 24 bits: the quotient keeps at least 100 - 24 bits, the remainder is sticky.
            let dividend = x.significand << 100;
            let quotient = Real {
                negative,
                significand: dividend / y.significand,
                exponent: x.exponent - 100 - y.exponent,
                sticky: dividend % y.significand != 0,
            };
            to.real(quotient)
        }
    }
}

fn square_root(a: Number, to: Target) -> Outcome {
    match a {
        Number::Nan => nan(),
        Number::Finite(x) if x.is_zero() => to.zero(x.negative),
        Number::Infinite { negative: true } | Number::Finite(Real { negative: true, .. }) => invalid(),
        Number::Infinite { negative: false } => to.infinite(false),
        Number::Finite(x) => {
            // An even exponent and at least 125 bits, so that the integer root has at least 63.
            let room = 126 - bit_length(x.significand);
            let shift = room + ((room + x.exponent) & 1);
            let radicand = x.significand << shift;
            let root = radicand.isqrt();
            let real = Real {
                negative: false,
                significand: root,
                exponent: (x.exponent - shift) / 2,
                sticky: root * root != radicand,
            };
            to.real(real)
        }
    }
}

/// `.sat`: the value clamped to [0, 1]; NaN and -0 become +0.
pub fn saturate(x: f32) -> f32 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}
