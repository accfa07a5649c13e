//! A format with its modes: the operations in every mode, in binary64, and the way to the faster forms.

use super::LaneOps;
use super::double::{Constants, RzRn};
use super::single::{Binary32Rn, Single};
use crate::double_double::two_sum;
use crate::format::{Format, Overflow, power_of_two};
use crate::rounding::Rounding;

/// A format with its modes and the accumulator's format: right in every mode, but not the fastest.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    format: Format,
    accumulator: Format,
    input: Rounding,
    result: Rounding,
    narrow: Constants,
    wide: Constants,
    narrow_cut: Cut,
    wide_cut: Cut,
    turn: Turn,
    random: u64,
}

/// A result mode as numbers, so that every mode is the same code without a branch: a loop over lanes then becomes SIMD.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// To nearest even.
    even: bool,
    /// To odd.
    odd: bool,
    /// Positive, negative inexact values go away from zero.
    away: [bool; 2],
    /// Fractions from here on go away from zero; above 1 for modes that do not look at the fraction.
    from: f64,
    /// 2^-N of stochastic rounding: the random integer times this lowers `from`. Else 0.
    unit: f64,
    /// 32 - N of stochastic rounding.
    shift: u32,
    /// Overflow of positive, negative values gives what the format has for it.
    overflows: [bool; 2],
    /// A sum that is zero is -0.
    minus: bool,
}

impl Turn {
    fn new(mode: Rounding) -> Turn {
        let bits = match mode {
            Rounding::Stochastic(bits) => Some(bits),
            _ => None,
        };
        Turn {
            even: mode == Rounding::NearestEven,
            odd: mode == Rounding::ToOdd,
            away: [mode.is_away(false), mode.is_away(true)],
            from: match mode {
                Rounding::NearestAway => 0.5,
                Rounding::Stochastic(_) => 1.0,
                _ => 2.0,
            },
            unit: bits.map_or(0.0, |n| power_of_two(-i32::from(n))),
            shift: bits.map_or(8, |n| 32 - u32::from(n)),
            overflows: [mode.overflows(false), mode.overflows(true)],
            minus: mode == Rounding::TowardNegative,
        }
    }
}

/// How operands enter a format in a mode, as numbers.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Added to the bits of positive, negative magnitudes before they are cut.
    carry: [u64; 2],
    /// The last kept bit, if one more is to be added when it is set: ties to even.
    even: u64,
    /// The last kept bit, if it is to be set when something is lost: to odd.
    odd: u64,
    /// Of magnitudes below the smallest one, those above this become it, by sign.
    above: [f64; 2],
    /// What is too large becomes this, by sign.
    beyond: [f64; 2],
}

impl Cut {
    fn new(k: &Constants, mode: Rounding) -> Cut {
        let last = !k.keep + 1;
        let half = 0.5 * k.least;
        let of_sign = |negative| {
            let (carry, above) = match mode {
                Rounding::NearestEven => ((last >> 1) - 1, half),
                // Magnitudes are binary32: the next binary64 below is as good as "from here on".
                Rounding::NearestAway => (last >> 1, half.next_down()),
                Rounding::ToOdd => (0, 0.0),
                _ if mode.is_away(negative) => (last - 1, 0.0),
                _ => (0, f64::MAX),
            };
            let beyond = if mode.overflows(negative) && !k.saturates {
                k.beyond
            } else {
                k.max_operand
            };
            (carry, above, beyond)
        };
        let (positive, negative) = (of_sign(false), of_sign(true));
        Cut {
            carry: [positive.0, negative.0],
            even: if mode == Rounding::NearestEven { last } else { 0 },
            odd: if mode == Rounding::ToOdd { last } else { 0 },
            above: [positive.1, negative.1],
            beyond: [positive.2, negative.2],
        }
    }
}

/// The one of two for a sign; no lookup, which would not become SIMD.
#[inline(always)]
fn by_sign<T: Copy>(both: [T; 2], negative: bool) -> T {
    if negative { both[1] } else { both[0] }
}

/// Code that wants to be compiled for each type of operations, see [`Lanes::specialise`].
pub trait LaneVisitor {
    /// What it returns.
    type Output;
    /// The code; mark it `#[inline(always)]` if it holds the loop over lanes itself.
    fn visit<L: LaneOps + 'static>(self, ops: L) -> Self::Output;
}

impl Lanes {
    /// The operations of `format` with operands entering in mode `input` (stochastic: toward zero) and results
    /// rounded in mode `result`; accumulation is in binary32.
    pub fn new(format: Format, input: Rounding, result: Rounding) -> Lanes {
        let input = match input {
            Rounding::Stochastic(_) => Rounding::TowardZero,
            mode => mode,
        };
        let (narrow, wide) = (Constants::new(format), Constants::new(Format::FP32));
        Lanes {
            format,
            accumulator: Format::FP32,
            input,
            result,
            narrow,
            wide,
            narrow_cut: Cut::new(&narrow, input),
            wide_cut: Cut::new(&wide, input),
            turn: Turn::new(result),
            random: 0,
        }
    }

    /// The same with this format of accumulators and results of fmam and addm.
    #[must_use]
    pub fn with_accumulator(self, accumulator: Format) -> Lanes {
        let wide = Constants::new(accumulator);
        Lanes {
            accumulator,
            wide,
            wide_cut: Cut::new(&wide, self.input),
            ..self
        }
    }

    /// The format.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The accumulator's format.
    pub const fn accumulator(&self) -> Format {
        self.accumulator
    }

    /// T's mode.
    pub const fn input(&self) -> Rounding {
        self.input
    }

    /// R's mode.
    pub const fn result(&self) -> Rounding {
        self.result
    }

    /// Calls the visitor with the fastest operations for this format and these modes.
    #[inline(always)]
    pub fn specialise<V: LaneVisitor>(&self, visitor: V) -> V::Output {
        let settles = self.format.flushes() || !self.format.has_negative_zero();
        let nearest = self.result == Rounding::NearestEven && self.accumulator == Format::FP32 && !settles;
        match (self.input, self.result) {
            (_, Rounding::NearestEven) if nearest && self.format == Format::FP32 => visitor.visit(Binary32Rn),
            (Rounding::TowardZero, Rounding::NearestEven) if nearest => {
                let double = RzRn(self.narrow);
                if let Some(single) = Single::new_inner(self.format, double) {
                    visitor.visit(single)
                } else if let Some(single) =
                    Single::new_prefix(self.format, double).filter(|_| fused_in_hardware())
                {
                    visitor.visit(single)
                } else if self.format.overflow() == Overflow::Nan {
                    visitor.visit(*self)
                } else {
                    visitor.visit(double)
                }
            }
            (Rounding::TowardZero, Rounding::Stochastic(bits)) => visitor.visit(Stochastic {
                narrow: self.narrow,
                wide: self.wide,
                shift: 32 - u32::from(bits),
                unit: power_of_two(-i32::from(bits)),
                random: self.random,
            }),
            _ => visitor.visit(*self),
        }
    }

    /// R in any mode for the format of `k`.
    #[inline(always)]
    fn round_with(&self, k: &Constants, x: f64) -> f64 {
        let magnitude = k.clamped(x);
        let binade = k.binade(magnitude);
        let nearest = k.nearest(magnitude, binade);
        let negative = x.is_sign_negative();
        // Toward zero: take back a step up. A step down from the bottom of a binade is one of the binade below, whose
        // quantum `binade` still has: it is that of the value before rounding.
        let step = binade * k.quantum;
        let down = if nearest > magnitude {
            nearest - step
        } else {
            nearest
        };
        let rest = magnitude - down;
        let inexact = rest > 0.0;
        let turn = &self.turn;
        let drawn = (self.random as u32 >> turn.shift) as i32;
        let threshold = turn.from - f64::from(drawn) * turn.unit;
        let down_is_even = k.nearest(down + 0.5 * step, binade) == down;
        let up = (turn.even & (nearest > down))
            | (turn.odd & inexact & down_is_even)
            | (by_sign(turn.away, negative) & inexact)
            | (rest >= threshold * step);
        let rounded = if up { down + step } else { down };
        let overflows = by_sign(turn.overflows, negative) | (x.abs() == f64::INFINITY);
        let beyond = if overflows { k.beyond } else { k.max };
        let result = if rounded > k.max { beyond } else { rounded };
        k.settled(result.copysign(x))
    }

    /// T in any mode for the format of `k`.
    #[inline(always)]
    fn operand_with(k: &Constants, cut: &Cut, x: f32) -> f64 {
        let wide = f64::from(x);
        let magnitude = wide.abs();
        let bits = magnitude.to_bits();
        let negative = wide.is_sign_negative();
        // P-bit rounding on the bits: add just enough to carry into the last kept bit, then cut. A carry out of
        // the significand moves to the next binade as it should.
        let carry = by_sign(cut.carry, negative) + u64::from(bits & cut.even != 0);
        let odd = if bits & !k.keep != 0 { cut.odd } else { 0 };
        let rounded = f64::from_bits((bits + carry) & k.keep | odd);
        // Below 2^(EMIN-1): to it or to zero.
        let rises = magnitude > by_sign(cut.above, negative);
        let tiny = if rises { k.least } else { 0.0 };
        let beyond = by_sign(cut.beyond, negative);
        let finite = if rounded > k.max_operand { beyond } else { rounded };
        let result = if magnitude < k.least { tiny } else { finite };
        let passed = f64::from_bits(wide.to_bits() | k.poison);
        let infinite = if k.saturates { k.max_operand } else { passed };
        let special = if magnitude.is_nan() { wide } else { infinite };
        let result = if magnitude < f64::INFINITY {
            result
        } else {
            special
        };
        k.settled(result.copysign(wide))
    }

    /// The sum of two binary64 rounded to odd, a zero with the sign of the result mode.
    #[inline(always)]
    fn sum_to_odd(&self, a: f64, b: f64) -> f64 {
        let sum = sum_to_odd(a, b);
        let minus = self.turn.minus & ((a.to_bits() | b.to_bits()) >> 63 != 0);
        if (sum == 0.0) & minus { -0.0 } else { sum }
    }
}

/// Whether `mul_add` is one instruction in code compiled for this machine's features.
fn fused_in_hardware() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        crate::isa::Isa::current() != crate::isa::Isa::Baseline
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        cfg!(target_arch = "aarch64")
    }
}

/// `y` for an exact value whose difference from `y` has the sign of `error`: moved to the odd neighbour if inexact.
#[inline(always)]
fn to_odd(y: f64, error: f64) -> f64 {
    let bits = y.to_bits();
    let same_sign = (error > 0.0) == (y > 0.0);
    let odd = if same_sign {
        bits.wrapping_add(1)
    } else {
        bits.wrapping_sub(1)
    };
    // With infinities the error is NaN: y stands.
    let inexact = (error > 0.0) | (error < 0.0);
    f64::from_bits(if inexact & (bits & 1 == 0) { odd } else { bits })
}

/// The sum of two binary64 rounded to odd, a zero as in the nearest modes.
#[inline(always)]
fn sum_to_odd(a: f64, b: f64) -> f64 {
    let (sum, error) = two_sum(a, b);
    to_odd(sum, error)
}

/// The quotient of two binary32 rounded to odd.
#[inline(always)]
fn quotient_to_odd(a: f64, b: f64) -> f64 {
    let quotient = a / b;
    // 29 and 24 bits: both products with b are exact, and so are the differences, the first because a is near.
    let high = f64::from_bits(quotient.to_bits() & !0xff_ffff);
    let remainder = (a - high * b) - (quotient - high) * b;
    to_odd(quotient, if b < 0.0 { -remainder } else { remainder })
}

/// The square root of a binary32 rounded to odd.
#[inline(always)]
fn root_to_odd(a: f64) -> f64 {
    const SPLIT: f64 = 134_217_729.0; // 2^27 + 1
    let root = a.sqrt();
    // Two parts of 26 bits (Veltkamp): their products are exact.
    let scaled = root * SPLIT;
    let high = scaled - (scaled - root);
    let low = root - high;
    let remainder = ((a - high * high) - 2.0 * high * low) - low * low;
    to_odd(root, if a > 0.0 { remainder } else { 0.0 })
}

/// The smallest fraction of a step that goes away from zero when `drawn` is the random integer and `unit` is 2^-N:
/// floor(fraction * 2^N) + drawn >= 2^N.
#[inline(always)]
fn stochastic_threshold(drawn: u32, unit: f64) -> f64 {
    1.0 - f64::from(drawn as i32) * unit
}

impl LaneOps for Lanes {
    const STOCHASTIC: bool = true;

    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        Lanes::operand_with(&self.narrow, &self.narrow_cut, x)
    }

    #[inline(always)]
    fn round(self, x: f64) -> f64 {
        self.round_with(&self.narrow, x)
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        self.sum_to_odd(a, b)
    }

    #[inline(always)]
    fn accumulate(self, addend: f32, accumulator: f32) -> f32 {
        let accumulator = Lanes::operand_with(&self.wide, &self.wide_cut, accumulator);
        self.round_with(&self.wide, self.sum_to_odd(addend.into(), accumulator)) as f32
    }

    #[inline(always)]
    fn with_random(self, random: u64) -> Lanes {
        Lanes { random, ..self }
    }

    #[inline(always)]
    fn second(self) -> Lanes {
        self.with_random(self.random >> 32)
    }

    #[inline(always)]
    fn quotient(self, a: f64, b: f64) -> f64 {
        if self.result.is_stochastic() {
            quotient_to_odd(a, b)
        } else {
            a / b
        }
    }

    #[inline(always)]
    fn root(self, a: f64) -> f64 {
        if self.result.is_stochastic() {
            root_to_odd(a)
        } else {
            a.sqrt()
        }
    }

    #[inline(always)]
    fn resigned(self, x: f32) -> f32 {
        self.narrow.settled(x.into()) as f32
    }
}

/// Operands toward zero, results stochastic, any format and accumulator.
#[derive(Clone, Copy, Debug)]
pub struct Stochastic {
    narrow: Constants,
    wide: Constants,
    /// 32 - N.
    shift: u32,
    /// 2^-N.
    unit: f64,
    random: u64,
}

impl Stochastic {
    /// R for the format of `k`.
    #[inline(always)]
    fn round_with(&self, k: &Constants, x: f64) -> f64 {
        // As in `Lanes::round_with`.
        let magnitude = k.clamped(x);
        let binade = k.binade(magnitude);
        let nearest = k.nearest(magnitude, binade);
        let step = binade * k.quantum;
        let down = if nearest > magnitude {
            nearest - step
        } else {
            nearest
        };
        // The threshold is above zero, so an exact value stays.
        let threshold = stochastic_threshold(self.random as u32 >> self.shift, self.unit) * step;
        let rounded = if magnitude - down >= threshold {
            down + step
        } else {
            down
        };
        let result = if rounded > k.max { k.beyond } else { rounded };
        k.settled(result.copysign(x))
    }

    /// T toward zero for the format of `k`.
    #[inline(always)]
    fn operand_with(k: &Constants, x: f32) -> f64 {
        let cut = RzRn(*k).operand(x);
        // An infinity that the format does not have.
        let poison = if cut.abs() == f64::INFINITY { k.poison } else { 0 };
        k.settled(f64::from_bits(cut.to_bits() | poison))
    }
}

impl LaneOps for Stochastic {
    const STOCHASTIC: bool = true;

    #[inline(always)]
    fn operand(self, x: f32) -> f64 {
        Stochastic::operand_with(&self.narrow, x)
    }

    #[inline(always)]
    fn round(self, x: f64) -> f64 {
        self.round_with(&self.narrow, x)
    }

    #[inline(always)]
    fn sum(self, a: f64, b: f64) -> f64 {
        sum_to_odd(a, b)
    }

    #[inline(always)]
    fn accumulate(self, addend: f32, accumulator: f32) -> f32 {
        let accumulator = Stochastic::operand_with(&self.wide, accumulator);
        self.round_with(&self.wide, sum_to_odd(addend.into(), accumulator)) as f32
    }

    #[inline(always)]
    fn with_random(self, random: u64) -> Stochastic {
        Stochastic { random, ..self }
    }

    #[inline(always)]
    fn second(self) -> Stochastic {
        self.with_random(self.random >> 32)
    }

    #[inline(always)]
    fn quotient(self, a: f64, b: f64) -> f64 {
        quotient_to_odd(a, b)
    }

    #[inline(always)]
    fn root(self, a: f64) -> f64 {
        root_to_odd(a)
    }

    #[inline(always)]
    fn resigned(self, x: f32) -> f32 {
        self.narrow.settled(x.into()) as f32
    }
}
