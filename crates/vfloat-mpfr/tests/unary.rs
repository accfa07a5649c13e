//! Every value of every IEEE-style format of up to 16 bits through the operations of one operand, in all four
//! rounding modes.

use vfloat::Rounding;
use vfloat_mpfr::check::{Checker, formats_up_to, values_and_nan};
use vfloat_mpfr::oracle::Op;
use vfloat_mpfr::support::MODES;

fn every_value(op: Op) {
    for format in formats_up_to(16) {
        let values = values_and_nan(format);
        for mode in MODES {
            let mut checker = Checker::new(format, Rounding::TowardZero, mode);
            for &a in &values {
                checker.case(op, [a, 0.0, 0.0]);
            }
        }
    }
}

macro_rules! every_value_of {
    ($($name:ident $op:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                every_value(Op::$op);
            }
        )+
    };
}

every_value_of!(
    truncate Truncate,
    quantize Quantize,
    integral Integral,
    sqrt Sqrt,
    rcp Rcp,
    rsqrt Rsqrt,
    ex2 Ex2,
    lg2 Lg2,
    sin Sin,
    cos Cos,
    tanh Tanh,
);
