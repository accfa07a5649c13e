//! Numbers of about 106 bits as unevaluated sums of two binary64: the slow, certain way of [`crate::functions`].
//!
//! Error-free sums and products are those of Knuth and Dekker; only +, -, * and / of binary64 are used (no fused
//! operation), so results are the same on every machine. Operands stay far from overflow and underflow.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `hi + lo` with `|lo| <= ulp(hi) / 2`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dd {
    pub hi: f64,
    pub lo: f64,
}

/// `a + b` as rounded sum and exact error (Knuth's two-sum); exact for any finite a, b without overflow.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// `a * b` as rounded product and exact error (Dekker's product over Veltkamp's splitting).
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let split = |x: f64| {
        let c = 134_217_729.0 * x; // 2^27 + 1
        let high = c - (c - x);
        (high, x - high)
    };
    let product = a * b;
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    (product, ((ah * bh - product) + ah * bl + al * bh) + al * bl)
}

impl Dd {
    pub const ONE: Dd = Dd { hi: 1.0, lo: 0.0 };
    pub const LN_2: Dd = Dd {
        hi: std::f64::consts::LN_2,
        lo: 2.319_046_813_846_299_6e-17,
    };
    pub const LOG2_E: Dd = Dd {
        hi: std::f64::consts::LOG2_E,
        lo: 2.035_527_374_093_103_3e-17,
    };
    pub const FRAC_PI_2: Dd = Dd {
        hi: std::f64::consts::FRAC_PI_2,
        lo: 6.123_233_995_736_766e-17,
    };

    pub fn new(x: f64) -> Dd {
        Dd { hi: x, lo: 0.0 }
    }

    fn normalised(hi: f64, lo: f64) -> Dd {
        let (hi, lo) = two_sum(hi, lo);
        Dd { hi, lo }
    }

    /// Times a power of two.
    pub fn scaled(self, factor: f64) -> Dd {
        Dd {
            hi: self.hi * factor,
            lo: self.lo * factor,
        }
    }

    /// `e^x` for |x| <= 0.4, relative error below 2^-95: Taylor's series at x/256, squared eight times.
    pub fn exp_small(self) -> Dd {
        let x = self.scaled(1.0 / 256.0);
        // |x| < 2^-9.3: the first term left out, x^13 / 13!, is below 2^-150.
        let mut sum = Dd::ONE;
        for n in (1..=12).rev() {
            sum = Dd::ONE + x * sum / Dd::new(n.into());
        }
        for _ in 0..8 {
            sum = sum * sum;
        }
        sum
    }

    /// `sin x` and `cos x` for |x| <= 0.8 by Taylor's series; relative error below 2^-95.
    pub fn sin_cos(self) -> (Dd, Dd) {
        let square = -(self * self);
        // The first terms left out: x^31 / 31! and x^30 / 30!, below 2^-115.
        let (mut sin, mut cos) = (Dd::ONE, Dd::ONE);
        for n in (1..=14).rev() {
            let k = f64::from(2 * n);
            sin = Dd::ONE + square * sin / Dd::new(k * (k + 1.0));
            cos = Dd::ONE + square * cos / Dd::new(k * (k - 1.0));
        }
        (self * sin, cos)
    }
}

impl Add for Dd {
    type Output = Dd;
    fn add(self, other: Dd) -> Dd {
        let (high, high_error) = two_sum(self.hi, other.hi);
        let (low, low_error) = two_sum(self.lo, other.lo);
        let first = Dd::normalised(high, high_error + low);
        Dd::normalised(first.hi, first.lo + low_error)
    }
}

impl Neg for Dd {
    type Output = Dd;
    fn neg(self) -> Dd {
        Dd {
            hi: -self.hi,
            lo: -self.lo,
        }
    }
}

impl Sub for Dd {
    type Output = Dd;
    fn sub(self, other: Dd) -> Dd {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Dd;
    fn mul(self, other: Dd) -> Dd {
        let (product, error) = two_product(self.hi, other.hi);
        Dd::normalised(product, error + (self.hi * other.lo + self.lo * other.hi))
    }
}

impl Div for Dd {
    type Output = Dd;
    fn div(self, other: Dd) -> Dd {
        // Long division with three binary64 digits.
        let first = self.hi / other.hi;
        let rest = self - other * Dd::new(first);
        let second = rest.hi / other.hi;
        let rest = rest - other * Dd::new(second);
        let third = rest.hi / other.hi;
        Dd::normalised(first, second) + Dd::new(third)
    }
}
