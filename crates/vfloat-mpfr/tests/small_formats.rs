//! Formats of up to 8 bits completely: every pair of values in add, sub, mul, div (and addm, max, min), in all four
//! rounding modes. For fma and fmam: every triple in formats of up to 6 bits; in those of 7 and 8 bits every
//! pair of factors with three random addends each (24 with VERNIER_EXHAUSTIVE=1; all would be 16 million cases per
//! format and mode).

use vfloat::Rounding;
use vfloat_mpfr::check::{Checker, formats_up_to, values_and_nan, width};
use vfloat_mpfr::exhaustive;
use vfloat_mpfr::oracle::Op;
use vfloat_mpfr::support::{MODES, Random};

/// Every pair of values of every small format.
fn pairs(op: Op) {
    for format in formats_up_to(8) {
        let values = values_and_nan(format);
        for mode in MODES {
            let mut checker = Checker::new(format, Rounding::TowardZero, mode);
            for &a in &values {
                for &b in &values {
                    checker.case(op, [a, b, 0.0]);
                }
            }
        }
    }
}

#[test]
fn add() {
    pairs(Op::Add);
}

#[test]
fn sub() {
    pairs(Op::Sub);
}

#[test]
fn mul() {
    pairs(Op::Mul);
}

#[test]
fn div() {
    pairs(Op::Div);
}

#[test]
fn addm() {
    pairs(Op::Addm);
}

#[test]
fn max() {
    pairs(Op::Max);
}

#[test]
fn min() {
    pairs(Op::Min);
}

fn triples(op: Op) {
    let mut random = Random(op as u64);
    let addends = if exhaustive() { 24 } else { 3 };
    for format in formats_up_to(8) {
        let values = values_and_nan(format);
        let all = width(format) <= 6;
        for mode in MODES {
            let mut checker = Checker::new(format, Rounding::TowardZero, mode);
            for &a in &values {
                for &b in &values {
                    if all {
                        for &c in &values {
                            checker.case(op, [a, b, c]);
                        }
                    } else {
                        for _ in 0..addends {
                            let c = values[random.below(values.len() as u64) as usize];
                            checker.case(op, [a, b, c]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn fma() {
    triples(Op::Fma);
}

#[test]
fn fmam() {
    triples(Op::Fmam);
}
