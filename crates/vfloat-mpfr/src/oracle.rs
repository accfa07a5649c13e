//! What MPFR says: every operation at the format's precision and exponent range, then `mpfr_subnormalize`.
//!
//! MPFR's exponent range is a setting of the thread (the bundled build keeps it thread-local; [`Oracle::new`]
//! checks), so each evaluation sets what it needs.

use gmp_mpfr_sys::mpfr::{self, mpfr_t, rnd_t};
use rug::Float;
use vfloat::{Arithmetic, CANONICAL_NAN, Format, Rounding, Status};

/// An operation of vfloat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// T(a).
    Truncate,
    /// R(a).
    Quantize,
    /// R(T(a) + T(b)).
    Add,
    /// R(T(a) - T(b)).
    Sub,
    /// R(T(a) * T(b)).
    Mul,
    /// R(T(a) / T(b)).
    Div,
    /// R(R(T(a) * T(b)) + T(c)).
    Fma,
    /// R32(R(T(a) * T(b)) + c).
    Fmam,
    /// R32(a + T(b)).
    Addm,
    /// The larger of T(a) and T(b).
    Max,
    /// The smaller of T(a) and T(b).
    Min,
    /// R(the integer nearest T(a)).
    Integral,
    /// R(sqrt(T(a))).
    Sqrt,
    /// R(1 / T(a)).
    Rcp,
    /// R(1 / sqrt(T(a))).
    Rsqrt,
    /// R(2^T(a)).
    Ex2,
    /// R(log2(T(a))).
    Lg2,
    /// R(sin(T(a))).
    Sin,
    /// R(cos(T(a))).
    Cos,
    /// R(tanh(T(a))).
    Tanh,
}

impl Op {
    /// The operations of one operand.
    pub const UNARY: [Op; 11] = [
        Op::Truncate,
        Op::Quantize,
        Op::Integral,
        Op::Sqrt,
        Op::Rcp,
        Op::Rsqrt,
        Op::Ex2,
        Op::Lg2,
        Op::Sin,
        Op::Cos,
        Op::Tanh,
    ];

    /// The operations of two operands.
    pub const BINARY: [Op; 7] = [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Addm, Op::Max, Op::Min];

    /// The number of operands.
    pub fn arity(self) -> usize {
        match self {
            _ if Op::UNARY.contains(&self) => 1,
            _ if Op::BINARY.contains(&self) => 2,
            _ => 3,
        }
    }
}

/// MPFR's rounding mode.
pub fn mode(rounding: Rounding) -> rnd_t {
    match rounding {
        Rounding::NearestEven => rnd_t::RNDN,
        Rounding::TowardZero => rnd_t::RNDZ,
        Rounding::TowardNegative => rnd_t::RNDD,
        Rounding::TowardPositive => rnd_t::RNDU,
        Rounding::NearestAway | Rounding::ToOdd | Rounding::Stochastic(_) => panic!("MPFR has no {rounding}"),
    }
}

/// MPFR set up for one format and its modes.
pub struct Oracle {
    arithmetic: Arithmetic,
    /// Operands after T: P bits.
    operands: [Float; 3],
    /// Result: P bits.
    narrow: Float,
    /// Accumulators and results of fmam and addm: 24 bits.
    wide: [Float; 2],
    /// Whether a rounding was inexact, MPFR's ternary values taken together.
    inexact: bool,
    /// Whether the product inside fma or fmam was a NaN that the factors were not.
    product_invalid: bool,
}

/// Sets the thread's exponent range.
fn set_range(format: Format) {
    // SAFETY: plain setters; the values are inside MPFR's own limits.
    unsafe {
        mpfr::set_emin(format.emin().into());
        mpfr::set_emax(format.emax().into());
    }
}

type Unary = unsafe extern "C" fn(*mut mpfr_t, *const mpfr_t, rnd_t) -> i32;
type Binary = unsafe extern "C" fn(*mut mpfr_t, *const mpfr_t, *const mpfr_t, rnd_t) -> i32;

impl Oracle {
    /// MPFR for this arithmetic (`.sat` is not looked at).
    pub fn new(arithmetic: Arithmetic) -> Oracle {
        // SAFETY: a query without arguments.
        assert!(
            unsafe { mpfr::buildopt_tls_p() } != 0,
            "MPFR must be built thread-safe"
        );
        let p = arithmetic.format.precision();
        Oracle {
            arithmetic,
            operands: [Float::new(p), Float::new(p), Float::new(p)],
            narrow: Float::new(p),
            wide: [Float::new(24), Float::new(24)],
            inexact: false,
            product_invalid: false,
        }
    }

    /// T(x) into operand `index`; also as f32.
    fn truncate(&mut self, index: usize, x: f32) -> f32 {
        set_range(self.arithmetic.format);
        // SAFETY: an initialised number; the setting is that of this thread.
        let (ternary, mut value) = unsafe {
            let raw = self.operands[index].as_raw_mut();
            let ternary = mpfr::set_flt(raw, x, mode(self.arithmetic.input));
            (ternary, mpfr::get_flt(raw, rnd_t::RNDZ))
        };
        self.inexact |= ternary != 0;
        if x.is_nan() {
            value = x;
        }
        // In formats narrower than P bits at the bottom of binary32 the largest number of P bits is no binary32.
        // SAFETY: as above; the value just read is set back.
        if value.is_finite() {
            unsafe { mpfr::set_flt(self.operands[index].as_raw_mut(), value, rnd_t::RNDZ) };
        }
        value
    }

    /// Finishes R in `narrow`.
    fn subnormalize(&mut self, ternary: i32) -> f32 {
        // SAFETY: an initialised number, the ternary value of the operation that set it, the format's range set.
        unsafe {
            let raw = self.narrow.as_raw_mut();
            let mode = mode(self.arithmetic.result);
            let ternary = mpfr::subnormalize(raw, ternary, mode);
            // In a format narrower than P bits even 2^EMAX may come out, which subnormalize does not look for.
            let ternary = mpfr::check_range(raw, ternary, mode);
            self.inexact |= ternary != 0;
            mpfr::get_flt(raw, rnd_t::RNDN)
        }
    }

    /// R of a binary64.
    fn round(&mut self, x: f64) -> f32 {
        set_range(self.arithmetic.format);
        // SAFETY: an initialised number.
        let ternary = unsafe { mpfr::set_d(self.narrow.as_raw_mut(), x, mode(self.arithmetic.result)) };
        self.subnormalize(ternary)
    }

    fn unary(&mut self, function: Unary, a: f32) -> f32 {
        self.truncate(0, a);
        // SAFETY: initialised numbers, the operand inside the range that is set.
        let ternary = unsafe {
            function(
                self.narrow.as_raw_mut(),
                self.operands[0].as_raw(),
                mode(self.arithmetic.result),
            )
        };
        self.subnormalize(ternary)
    }

    fn binary(&mut self, function: Binary, a: f32, b: f32) -> f32 {
        self.truncate(0, a);
        self.truncate(1, b);
        // SAFETY: initialised numbers, the operands inside the range that is set.
        let ternary = unsafe {
            let (x, y) = (self.operands[0].as_raw(), self.operands[1].as_raw());
            function(self.narrow.as_raw_mut(), x, y, mode(self.arithmetic.result))
        };
        self.subnormalize(ternary)
    }

    /// The product of fma and fmam.
    fn product(&mut self, a: f32, b: f32) -> f32 {
        let product = self.binary(mpfr::mul, a, b);
        self.product_invalid = product.is_nan() && !a.is_nan() && !b.is_nan();
        product
    }

    /// R32 of the sum of two binary32.
    fn sum_binary32(&mut self, x: f32, y: f32) -> f32 {
        set_range(Format::FP32);
        let mode = mode(self.arithmetic.result);
        // SAFETY: initialised numbers of 24 bits, which hold any binary32; binary32's range is set.
        unsafe {
            let [left, right] = &mut self.wide;
            mpfr::set_flt(left.as_raw_mut(), x, rnd_t::RNDN);
            mpfr::set_flt(right.as_raw_mut(), y, rnd_t::RNDN);
            let ternary = mpfr::add(left.as_raw_mut(), left.as_raw(), right.as_raw(), mode);
            let ternary = mpfr::subnormalize(left.as_raw_mut(), ternary, mode);
            self.inexact |= ternary != 0;
            mpfr::get_flt(left.as_raw(), rnd_t::RNDN)
        }
    }

    /// The result of `op`, NaN canonical, and MPFR's view of the flags (all but underflow).
    pub fn evaluate(&mut self, op: Op, [a, b, c]: [f32; 3]) -> (f32, Status) {
        (self.inexact, self.product_invalid) = (false, false);
        // SAFETY: a plain setter.
        unsafe { mpfr::clear_flags() };
        let result = match op {
            Op::Truncate => self.truncate(0, a),
            Op::Quantize => self.round(a.into()),
            Op::Add => self.binary(mpfr::add, a, b),
            Op::Sub => self.binary(mpfr::sub, a, b),
            Op::Mul => self.binary(mpfr::mul, a, b),
            Op::Div => self.binary(mpfr::div, a, b),
            Op::Fma => {
                self.product(a, b);
                self.truncate(2, c);
                // SAFETY: initialised numbers inside the range that is set.
                let ternary = unsafe {
                    let raw = self.narrow.as_raw_mut();
                    mpfr::add(raw, raw, self.operands[2].as_raw(), mode(self.arithmetic.result))
                };
                self.subnormalize(ternary)
            }
            Op::Fmam => {
                let product = self.product(a, b);
                self.sum_binary32(product, c)
            }
            Op::Addm => {
                let b = self.truncate(1, b);
                self.sum_binary32(a, b)
            }
            // Of numbers already in the format: nothing is rounded, but what subnormalize would do must not be.
            Op::Max | Op::Min => {
                self.truncate(0, a);
                self.truncate(1, b);
                let function = if op == Op::Max { mpfr::max } else { mpfr::min };
                // SAFETY: initialised numbers inside the range that is set.
                unsafe {
                    let (x, y) = (self.operands[0].as_raw(), self.operands[1].as_raw());
                    function(self.narrow.as_raw_mut(), x, y, rnd_t::RNDN);
                    mpfr::get_flt(self.narrow.as_raw(), rnd_t::RNDN)
                }
            }
            // To nearest even, as cvt.rni: other modes are in vfloat's own tests.
            Op::Integral => {
                let t = self.truncate(0, a);
                set_range(Format::FP32);
                // SAFETY: initialised numbers of 24 bits; binary32's range is set.
                let integer = unsafe {
                    let raw = self.wide[0].as_raw_mut();
                    mpfr::set_flt(raw, t, rnd_t::RNDN);
                    let ternary = mpfr::rint(raw, raw, rnd_t::RNDN);
                    self.inexact |= ternary != 0;
                    mpfr::get_flt(raw, rnd_t::RNDN)
                };
                self.round(integer.into())
            }
            Op::Sqrt => self.unary(mpfr::sqrt, a),
            Op::Rcp => {
                self.truncate(0, a);
                // SAFETY: initialised numbers, the operand inside the range that is set.
                let ternary = unsafe {
                    let mode = mode(self.arithmetic.result);
                    mpfr::ui_div(self.narrow.as_raw_mut(), 1, self.operands[0].as_raw(), mode)
                };
                self.subnormalize(ternary)
            }
            // MPFR has +inf for -0 (and says so); IEEE 754 and PTX have -inf.
            Op::Rsqrt => {
                let result = self.unary(mpfr::rec_sqrt, a);
                if self.operands[0].is_zero() && self.operands[0].is_sign_negative() {
                    -result
                } else {
                    result
                }
            }
            Op::Ex2 => self.unary(mpfr::exp2, a),
            Op::Lg2 => self.unary(mpfr::log2, a),
            Op::Sin => self.unary(mpfr::sin, a),
            Op::Cos => self.unary(mpfr::cos, a),
            Op::Tanh => self.unary(mpfr::tanh, a),
        };
        let result = if result.is_nan() && op != Op::Truncate {
            CANONICAL_NAN
        } else {
            result
        };
        (result, self.status(result, &[a, b, c][..op.arity()]))
    }

    fn status(&self, result: f32, operands: &[f32]) -> Status {
        let mut status = Status::NONE;
        if self.inexact {
            status |= Status::INEXACT;
        }
        // SAFETY: queries of this thread's flags.
        unsafe {
            if mpfr::overflow_p() != 0 {
                status |= Status::OVERFLOW;
            }
            if mpfr::divby0_p() != 0 {
                status |= Status::DIV_BY_ZERO;
            }
        }
        if self.product_invalid || result.is_nan() && !operands.iter().any(|x| x.is_nan()) {
            status |= Status::INVALID;
        }
        status
    }
}
