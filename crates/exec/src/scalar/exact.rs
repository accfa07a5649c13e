//! Numbers held exactly in integers, and the one place where such a number is rounded into a binary format.
//! Everything that no shorter way reaches goes through here: `f64` in the directed modes, conversions, and
//! the tests of the shorter ways. Infinities and NaN never get in.

use std::ops::{Add, Div, Mul};

/// To nearest, ties to even.
pub const RN: u8 = 0;
/// Toward zero.
pub const RZ: u8 = 1;
/// Toward minus infinity.
pub const RM: u8 = 2;
/// Toward plus infinity.
pub const RP: u8 = 3;
/// To nearest, ties away from zero.
pub const RNA: u8 = 4;

/// How a format lays out its codes: sign, exponent, fraction, from high to low.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Explicit significand bits.
    pub fraction_bits: u32,
    /// Exponent of the smallest normal number: 2 to this power.
    pub min_exponent: i32,
    /// Position of the sign bit.
    pub sign_bit: u32,
    /// Code of the largest finite number.
    pub max_finite: u64,
    /// Code that an overflow gives: infinity, or the largest finite number in a format without infinity.
    pub overflow: u64,
    /// Code of the canonical NaN.
    pub nan: u64,
}

impl Layout {
    /// The layout of IEEE 754 with these many exponent and fraction bits. PTX's canonical NaN has every bit
    /// set but the sign.
    pub const fn ieee(exponent_bits: u32, fraction_bits: u32) -> Layout {
        let infinity = ((1u64 << exponent_bits) - 1) << fraction_bits;
        Layout {
            fraction_bits,
            min_exponent: 2 - (1 << (exponent_bits - 1)),
            sign_bit: exponent_bits + fraction_bits,
            max_finite: infinity - 1,
            overflow: infinity,
            nan: (1u64 << (exponent_bits + fraction_bits)) - 1,
        }
    }
    /// binary64.
    pub const F64: Layout = Layout {
        nan: 0xfff8_0000_0000_0000,
        ..Layout::ieee(11, 52)
    };
    /// binary32.
    pub const F32: Layout = Layout::ieee(8, 23);
    /// binary16.
    pub const F16: Layout = Layout::ieee(5, 10);
    /// bfloat16.
    pub const BF16: Layout = Layout::ieee(8, 7);
    /// TensorFloat-32, as a 19-bit code: the register holds it shifted left by 13.
    pub const TF32: Layout = Layout::ieee(8, 10);
    /// FP8 with 5 exponent bits.
    pub const E5M2: Layout = Layout::ieee(5, 2);
    /// FP8 with 4 exponent bits: no infinity, 448 the largest, one NaN (OCP 8-bit specification). PTX always
    /// converts to it with `.satfinite`.
    pub const E4M3: Layout = Layout {
        max_finite: 0x7e,
        overflow: 0x7e,
        nan: 0x7f,
        ..Layout::ieee(4, 3)
    };
}

/// `(-1)^negative * sig * 2^exp`, and a little more in magnitude (less than one unit of `sig`) if `sticky`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    /// Sign.
    pub negative: bool,
    /// Magnitude, in units of 2^exp.
    pub sig: u128,
    /// Exponent of the unit.
    pub exp: i32,
    /// Whether non-zero digits below the unit were cut off. Only with a `sig` of 60 bits or more.
    pub sticky: bool,
}

impl Exact {
    /// A finite `f64`.
    pub fn of_f64(x: f64) -> Exact {
        let bits = x.to_bits();
        let field = (bits >> 52 & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (sig, exp) = if field == 0 {
            (fraction, -1074)
        } else {
            (fraction | 1 << 52, field - 1075)
        };
        Exact {
            negative: x.is_sign_negative(),
            sig: sig.into(),
            exp,
            sticky: false,
        }
    }

    /// An integer of at most 64 bits, given by sign and magnitude.
    pub fn of_int(negative: bool, magnitude: u64) -> Exact {
        Exact {
            negative,
            sig: magnitude.into(),
            exp: 0,
            sticky: false,
        }
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.sig == 0 && !self.sticky
    }

    /// The same number with the highest digit in bit 125; zero stays as it is.
    fn normalised(self) -> Exact {
        if self.sig == 0 {
            return self;
        }
        let zeros = self.sig.leading_zeros() as i32;
        let up = zeros - 2;
        debug_assert!(up >= 0, "operands have at most 126 bits");
        Exact {
            sig: self.sig << up,
            exp: self.exp - up,
            ..self
        }
    }

    /// Square root of a positive number of at most 64 bits, to 62 or more digits.
    pub fn sqrt(self) -> Exact {
        let mut x = self.normalised();
        if x.exp % 2 != 0 {
            x.sig >>= 1; // its low digits are zeros
            x.exp += 1;
        }
        let root = x.sig.isqrt();
        Exact {
            negative: false,
            sig: root,
            exp: x.exp / 2,
            sticky: root * root != x.sig,
        }
    }

    /// The code of this number rounded once into a format, with gradual underflow.
    #[inline(never)]
    pub fn round(self, mode: u8, layout: Layout) -> u64 {
        let sign = u64::from(self.negative) << layout.sign_bit;
        if self.sig == 0 {
            return sign;
        }
        let leading = self.exp + 127 - self.sig.leading_zeros() as i32;
        let unit = leading.max(layout.min_exponent) - layout.fraction_bits as i32;
        let shift = unit - self.exp;
        let (kept, half, rest) = if shift <= 0 {
            (self.sig << -shift, false, self.sticky)
        } else if shift > 127 {
            (0, false, true)
        } else {
            let below = self.sig & ((1 << (shift - 1)) - 1);
            (
                self.sig >> shift,
                self.sig >> (shift - 1) & 1 == 1,
                below != 0 || self.sticky,
            )
        };
        let up = match mode {
            RN => half && (rest || kept & 1 == 1),
            RNA => half,
            RM => self.negative && (half || rest),
            RP => !self.negative && (half || rest),
            _ => false,
        };
        // The implicit bit in `kept` adds the last one to the exponent field, and so does a carry.
        let above = (leading - layout.min_exponent).max(0) as u64;
        let code = (above << layout.fraction_bits) + kept as u64 + u64::from(up);
        if code <= layout.max_finite {
            return sign | code;
        }
        let outward = match mode {
            RZ => false,
            RM => self.negative,
            RP => !self.negative,
            _ => true,
        };
        sign | if outward {
            layout.overflow
        } else {
            layout.max_finite
        }
    }
}

/// Product of two numbers of at most 63 bits.
impl Mul for Exact {
    type Output = Exact;
    fn mul(self, other: Exact) -> Exact {
        Exact {
            negative: self.negative != other.negative,
            sig: self.sig * other.sig,
            exp: self.exp + other.exp,
            sticky: false,
        }
    }
}

/// Sum of two numbers of at most 106 bits. The sign of a zero sum means nothing.
impl Add for Exact {
    type Output = Exact;
    fn add(self, other: Exact) -> Exact {
        if other.sig == 0 {
            return self;
        }
        if self.sig == 0 {
            return other;
        }
        let (mut big, mut small) = (self.normalised(), other.normalised());
        if (small.exp, small.sig) > (big.exp, big.sig) {
            std::mem::swap(&mut big, &mut small);
        }
        let distance = (big.exp - small.exp) as u32;
        let (aligned, lost) = if distance > 126 {
            (0, true)
        } else {
            (small.sig >> distance, small.sig & ((1 << distance) - 1) != 0)
        };
        // What was cut off a subtrahend leaves the difference that much smaller: one unit less, and the rest
        // of that unit as sticky. Digits are cut only if the operands lie 20 or more digits apart, and then
        // at most one leading digit cancels.
        let sig = if big.negative == small.negative {
            big.sig + aligned
        } else {
            big.sig - aligned - u128::from(lost)
        };
        Exact {
            sig,
            sticky: lost,
            ..big
        }
    }
}

/// Quotient of two non-zero numbers of at most 53 bits, to 73 or more digits.
impl Div for Exact {
    type Output = Exact;
    fn div(self, other: Exact) -> Exact {
        let dividend = self.normalised();
        Exact {
            negative: self.negative != other.negative,
            sig: dividend.sig / other.sig,
            exp: dividend.exp - other.exp,
            sticky: !dividend.sig.is_multiple_of(other.sig),
        }
    }
}

/// The code of any `f64` rounded into a format.
pub fn round_f64(x: f64, mode: u8, layout: Layout) -> u64 {
    if x.is_nan() {
        layout.nan
    } else if x.is_infinite() {
        u64::from(x.is_sign_negative()) << layout.sign_bit | layout.overflow
    } else {
        Exact::of_f64(x).round(mode, layout)
    }
}
