//! The reference by hand-worked examples: values, flags, signs of zero, NaN, `.sat`. Its agreement with MPFR over
//! millions of cases is tested in the crate vfloat-mpfr.

use std::cmp::Ordering;

use vfloat::reference::{quantize, round, round_integer, saturate, truncate};
use vfloat::{Arithmetic, CANONICAL_NAN_BITS, Format, Outcome, Rounding, Status};

const RN: Rounding = Rounding::NearestEven;
const RZ: Rounding = Rounding::TowardZero;
const RM: Rounding = Rounding::TowardNegative;
const RP: Rounding = Rounding::TowardPositive;
const INF: f32 = f32::INFINITY;
const LOST: Status = Status::INEXACT;

#[track_caller]
fn is(outcome: Outcome, value: f32, status: Status) {
    let same = outcome.value.to_bits() == value.to_bits();
    assert!(
        same && outcome.status == status,
        "{outcome:?} ({}) is not {value:e} ({status})",
        outcome.status
    );
}

#[track_caller]
fn is_nan(outcome: Outcome, status: Status) {
    assert_eq!(
        (outcome.value.to_bits(), outcome.status),
        (CANONICAL_NAN_BITS, status)
    );
}

#[test]
fn operands_are_cut_to_p_bits() {
    // e5m2: three bits, values 2^-16 ..= 57344.
    let t = |x, mode| truncate(x, Format::E5M2, mode);
    is(t(1.2, RZ), 1.0, LOST);
    is(t(-1.9, RZ), -1.75, LOST);
    is(t(-1.9, RM), -2.0, LOST);
    is(t(1.875, RN), 2.0, LOST);
    is(t(1.5, RN), 1.5, Status::NONE);
    is(t(1e9, RZ), 57344.0, LOST | Status::OVERFLOW);
    is(t(1e9, RP), INF, LOST | Status::OVERFLOW);
    is(t(-INF, RZ), -INF, Status::NONE);
    // Below the normal range (2^-14) T keeps three bits, R does not.
    let x = 1.75 * 2f32.powi(-16);
    is(t(x, RZ), x, Status::NONE);
    is(
        quantize(x, Format::E5M2, RN),
        2f32.powi(-15),
        LOST | Status::UNDERFLOW,
    );
    // Below the smallest number.
    let tiny = 1.5 * 2f32.powi(-17);
    is(t(-tiny, RZ), -0.0, LOST | Status::UNDERFLOW);
    is(t(-tiny, RM), -(2f32.powi(-16)), LOST | Status::UNDERFLOW);
    is(t(tiny, RN), 2f32.powi(-16), LOST | Status::UNDERFLOW);
    is(t(2f32.powi(-17), RN), 0.0, LOST | Status::UNDERFLOW);
    let payload = f32::from_bits(0xffc0_1234);
    assert_eq!(t(payload, RZ).value.to_bits(), payload.to_bits());
    // Binary32's own subnormals in a format that reaches there.
    is(
        truncate(f32::from_bits(0b1111), Format::new(2, -148, 128).unwrap(), RZ),
        f32::from_bits(0b1100),
        LOST,
    );
}

#[test]
fn results_are_rounded_once() {
    let r = |x, mode| quantize(x, Format::E5M2, mode);
    is(r(1.125, RN), 1.0, LOST);
    is(r(1.375, RN), 1.5, LOST);
    is(r(61439.0, RN), 57344.0, LOST);
    is(r(61440.0, RN), INF, LOST | Status::OVERFLOW);
    is(r(1e9, RZ), 57344.0, LOST | Status::OVERFLOW);
    is(r(-1e9, RP), -57344.0, LOST | Status::OVERFLOW);
    is(r(1e9, RP), INF, LOST | Status::OVERFLOW);
    is(r(2f32.powi(-17), RN), 0.0, LOST | Status::UNDERFLOW);
    is(r(2f32.powi(-15), RN), 2f32.powi(-15), Status::NONE);
    is(r(1e-30, RP), 2f32.powi(-16), LOST | Status::UNDERFLOW);
    is(r(-0.0, RN), -0.0, Status::NONE);
    is_nan(r(f32::from_bits(0xffc0_1234), RN), Status::NONE);
    // A binary64 just above a tie goes up; through binary32 it would have become the tie and gone down.
    is(round(1.125f64.next_up(), Format::E5M2, RN), 1.25, LOST);
    is(
        round_integer((1 << 60) + 1, Format::FP32, RP),
        ((1u64 << 60) as f32).next_up(),
        LOST,
    );
    is(round_integer(-7, Format::E5M2, RN), -7.0, Status::NONE);
    is(round_integer(0, Format::E5M2, RM), 0.0, Status::NONE);
}

#[test]
fn arithmetic_in_e4m3() {
    let r = Arithmetic::new(Format::E4M3);
    is(r.add(1.0, 0.0625), 1.0, LOST);
    is(r.add(1.125, 0.0625), 1.25, LOST);
    is(r.sub(1.0, 1.0), 0.0, Status::NONE);
    is(r.mul(240.0, 2.0), INF, LOST | Status::OVERFLOW);
    is(r.mul(-0.015625, 0.03125), -0.0, LOST | Status::UNDERFLOW);
    is(r.div(1.0, 3.0), 0.34375, LOST);
    is(r.div(-1.0, 0.0), -INF, Status::DIV_BY_ZERO);
    is_nan(r.div(0.0, 0.0), Status::INVALID);
    is_nan(r.add(INF, -INF), Status::INVALID);
    is_nan(r.mul(INF, 0.0), Status::INVALID);
    is_nan(r.mul(f32::NAN, 0.0), Status::NONE);
    is(r.div(5.0, -INF), -0.0, Status::NONE);
    is(r.sqrt(2.0), 1.375, LOST);
    is(r.sqrt(-0.0), -0.0, Status::NONE);
    is_nan(r.sqrt(-1.0), Status::INVALID);
    is(r.rcp(-0.0), -INF, Status::DIV_BY_ZERO);
    // 1.0625 has five bits: the operand is cut before it is used, and that is said.
    is(r.add(1.0625, 0.0), 1.0, LOST);
}

#[test]
fn fused_operations_round_where_they_should() {
    // e4m3 products have four bits: 1.125 * 1.125 = 1.265625 -> 1.25.
    let r = Arithmetic::new(Format::E4M3);
    is(r.fma(1.125, 1.125, 0.0), 1.25, LOST);
    is(r.fma(1.125, 1.125, -1.25), 0.0, LOST);
    is(r.fmam(1.125, 1.125, 1e-3), 1.251, LOST);
    is(r.addm(1e-3, 1.0625), 1.001, LOST);
    is(
        r.fmam(16.0, 16.0, -INF),
        f32::from_bits(CANONICAL_NAN_BITS),
        LOST | Status::OVERFLOW | Status::INVALID,
    );
    is(r.fmam(1.0, 1.0, 1e30), 1e30, LOST);
    // In binary32 fma still rounds twice.
    let (a, c) = (1.0 + f32::EPSILON, -1.0 - 2.0 * f32::EPSILON);
    assert_eq!(a.mul_add(a, c), f32::EPSILON * f32::EPSILON);
    is(Arithmetic::new(Format::FP32).fma(a, a, c), 0.0, LOST);
}

#[test]
fn zeros_keep_their_signs() {
    for (_, format) in Format::NAMED {
        for (_, mode) in Rounding::ALL {
            let r = Arithmetic {
                result: mode,
                ..Arithmetic::new(*format)
            };
            let zero = if mode == RM { -0.0 } else { 0.0 };
            is(r.sub(1.5, 1.5), zero, Status::NONE);
            is(r.add(0.0, -0.0), zero, Status::NONE);
            is(r.add(-0.0, -0.0), -0.0, Status::NONE);
            is(r.sub(0.0, 0.0), zero, Status::NONE);
            is(r.mul(-1.5, 0.0), -0.0, Status::NONE);
            is(r.fmam(1.0, 1.0, -1.0), zero, Status::NONE);
            is(r.addm(-1.0, 1.0), zero, Status::NONE);
        }
    }
}

#[test]
fn selection_and_signs() {
    let r = Arithmetic::new(Format::E5M2);
    is(r.max(-0.0, 0.0), 0.0, Status::NONE);
    is(r.max(0.0, -0.0), 0.0, Status::NONE);
    is(r.min(0.0, -0.0), -0.0, Status::NONE);
    is(r.max(f32::NAN, -1.2), -1.0, LOST);
    is(r.min(3.0, f32::NAN), 3.0, Status::NONE);
    is_nan(r.max(f32::NAN, f32::NAN), Status::NONE);
    is(r.neg(1.2), -1.0, LOST);
    is(r.abs(-0.0), 0.0, Status::NONE);
    is_nan(r.neg(f32::NAN), Status::NONE);
    // 1.1 and 1.2 are the same operand.
    assert_eq!(r.compare(1.1, 1.2), Some(Ordering::Equal));
    assert_eq!(r.compare(-INF, 1.2), Some(Ordering::Less));
    assert_eq!(r.compare(f32::NAN, 1.2), None);
}

#[test]
fn saturation_clamps_results() {
    let r = Arithmetic {
        saturate: true,
        ..Arithmetic::new(Format::BF16)
    };
    is(r.add(1.0, 0.5), 1.0, Status::NONE);
    is(r.mul(-2.0, 0.5), 0.0, Status::NONE);
    is(r.mul(-0.0, 0.5), 0.0, Status::NONE);
    is(r.fma(0.5, 0.5, 0.25), 0.5, Status::NONE);
    // Only the end result: the product 4 is not clamped.
    is(r.fma(2.0, 2.0, -3.5), 0.5, Status::NONE);
    is(r.fmam(2.0, 2.0, -3.5), 0.5, Status::NONE);
    is(r.add(INF, -INF), 0.0, Status::INVALID);
    assert_eq!(
        [saturate(f32::NAN), saturate(INF), saturate(0.25)],
        [0.0, 1.0, 0.25]
    );
}

#[test]
fn integers_of_operands() {
    let r = Arithmetic::new(Format::FP16);
    for (mode, up, down) in [(RN, 2.0, -2.0), (RZ, 1.0, -1.0), (RM, 1.0, -2.0), (RP, 2.0, -1.0)] {
        is(r.integral(1.5, mode), up, LOST);
        is(r.integral(-1.5, mode), down, LOST);
        is(r.integral(-0.0, mode), -0.0, Status::NONE);
        is(r.integral(1024.0, mode), 1024.0, Status::NONE);
    }
    is(r.integral(-0.25, RP), -0.0, LOST);
}

#[test]
fn functions_of_special_and_plain_operands() {
    let r = Arithmetic::new(Format::BF16);
    is(r.ex2(3.0), 8.0, Status::NONE);
    is(r.ex2(1000.0), INF, LOST | Status::OVERFLOW);
    is(r.ex2(-1000.0), 0.0, LOST | Status::UNDERFLOW);
    is(r.ex2(-INF), 0.0, Status::NONE);
    is(r.ex2(0.5), 1.4140625, LOST);
    is(r.lg2(8.0), 3.0, Status::NONE);
    is(r.lg2(-0.0), -INF, Status::DIV_BY_ZERO);
    is_nan(r.lg2(-1.0), Status::INVALID);
    is_nan(r.sin(INF), Status::INVALID);
    is(r.sin(-0.0), -0.0, Status::NONE);
    is(r.cos(0.0), 1.0, Status::NONE);
    is(r.cos(1e-6), 1.0, LOST);
    is(r.tanh(-INF), -1.0, Status::NONE);
    is(r.tanh(100.0), 1.0, LOST);
    is(r.rsqrt(0.25), 2.0, Status::NONE);
    is(r.rsqrt(-0.0), -INF, Status::DIV_BY_ZERO);
    is_nan(r.rsqrt(-4.0), Status::INVALID);
    let down = Arithmetic { result: RZ, ..r };
    is(down.cos(1e-6), 1.0 - 1.0 / 256.0, LOST);
    is(down.tanh(100.0), 1.0 - 1.0 / 256.0, LOST);
    is(
        down.ex2(1000.0),
        Format::BF16.max() as f32,
        LOST | Status::OVERFLOW,
    );
}

#[test]
fn a_status_reads_as_its_names() {
    assert_eq!((LOST | Status::OVERFLOW).to_string(), "inexact,overflow");
    assert_eq!(Status::NONE.to_string(), "exact");
    assert!((LOST | Status::INVALID).contains(Status::INVALID) && !LOST.contains(Status::INVALID));
    assert_eq!(Status::DIV_BY_ZERO.names().collect::<Vec<_>>(), ["div-by-zero"]);
}

#[test]
fn stochastic_rounding_has_the_right_expectation() {
    // Over all 256 draws of 8 bits, a fraction f is rounded away floor(256 f) times: normal, subnormal, either sign.
    for (x, format, low, high) in [
        (1.1f32, Format::E4M3FN, 1.0f32, 1.125f32),
        (-1.1, Format::E4M3FN, -1.0, -1.125),
        (0.001, Format::E4M3FN, 0.0, 0.001_953_125),
        (447.0, Format::E4M3FN, 416.0, 448.0),
        (3.0, Format::E5M2, 3.0, 3.5),
    ] {
        let r = Arithmetic {
            result: Rounding::Stochastic(8),
            ..Arithmetic::new(format)
        };
        let draws = |i: u64| r.with_random(i << 24).quantize(x).value;
        let away = (0..256).filter(|&i| draws(i) != low).count();
        let fraction = f64::from(x - low) / f64::from(high - low);
        assert_eq!(away, (fraction * 256.0) as usize, "{x} {format}");
        assert!((0..256).all(|i| [low, high].contains(&draws(i))));
    }
    // Beyond the largest value, rounding up overflows: to NaN in e4m3fn, back to the largest with saturation.
    let results = |format: Format| {
        let r = Arithmetic {
            result: Rounding::Stochastic(8),
            ..Arithmetic::new(format)
        };
        (0..256u64).map(move |i| r.with_random(i << 24).quantize(470.0).value)
    };
    let nans = results(Format::E4M3FN).filter(|x| x.is_nan());
    assert_eq!(nans.count(), 22 * 256 / 32);
    assert!(results(Format::E4M3FN.saturating()).all(|x| x == 448.0));
}
