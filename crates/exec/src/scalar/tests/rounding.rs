//! Rounding: the short ways in `ieee` and `half` against exact integers, and the exact integers against the
//! IEEE operations of the host and against the defining property of each mode.

use super::super::exact::{Exact, Layout, RM, RN, RP, RZ, round_f64};
use super::super::half::*;
use super::super::ieee::*;
use super::Random;

/// Cases per test: numbers of all magnitudes, with many near-ties and cancellations.
const CASES: usize = 60_000;

/// An `f32`: any bits, few significant bits, or near another.
fn f32_like(random: &mut Random, other: f32) -> f32 {
    let bits = random.bits();
    match bits >> 60 {
        0..5 => f32::from_bits(bits as u32),
        5..8 => f32::from_bits(bits as u32 & 0xffff_8000),
        8..11 => f32::from_bits(bits as u32 & 0x81ff_ffff | 0x3f00_0000),
        11..13 => f32::from_bits((-other).to_bits() ^ (bits as u32 & 3)),
        13 => f32::from_bits(bits as u32 & 0x8000_000f),
        14 => f32::from_bits(bits as u32 & 0x80ff_ffff),
        _ => f32::from_bits(bits as u32 & 0x8000_000f | 0x7f7f_fff0),
    }
}

/// An `f64` made in the same way.
fn f64_like(random: &mut Random, other: f64) -> f64 {
    let (bits, kind) = (random.bits(), random.bits() >> 60);
    match kind {
        0..5 => f64::from_bits(bits),
        5..8 => f64::from_bits(bits & 0xffff_ffff_f000_0000),
        8..11 => f64::from_bits(bits & 0x803f_ffff_ffff_ffff | 0x3fc0_0000_0000_0000),
        11..13 => f64::from_bits((-other).to_bits() ^ (bits & 3)),
        13 => f64::from_bits(bits & 0x8000_0000_0000_000f),
        14 => f64::from_bits(bits & 0x801f_ffff_ffff_ffff),
        _ => f64::from_bits(bits & 0x8000_0000_0000_000f | 0x7fef_ffff_ffff_fff0),
    }
}

fn finite(values: &[f64]) -> bool {
    values.iter().all(|x| x.is_finite())
}

/// An exact result in `f32`; `zero` if it is zero.
fn exactly_f32(x: Exact, mode: u8, zero: f32) -> u32 {
    if x.is_zero() {
        zero.to_bits()
    } else {
        x.round(mode, Layout::F32) as u32
    }
}

/// Runs a check for all four modes, the mode being a constant in it.
macro_rules! every_mode {
    ($M:ident => $check:expr) => {{
        {
            const $M: u8 = RN;
            $check
        }
        {
            const $M: u8 = RZ;
            $check
        }
        {
            const $M: u8 = RM;
            $check
        }
        {
            const $M: u8 = RP;
            $check
        }
    }};
}

#[test]
fn f32_in_every_mode_is_the_exact_result_rounded_once() {
    let mut random = Random(2);
    let exact = |x: f32| Exact::of_f64(x.into());
    for _ in 0..CASES {
        let a = f32_like(&mut random, 1.0);
        let b = f32_like(&mut random, a);
        let c = f32_like(&mut random, a * b);
        if !finite(&[a.into(), b.into(), c.into()]) {
            continue;
        }
        every_mode!(M => {
            // The host decides the sign of a zero, except where the mode does.
            let sum_zero = |near: f32, x: f32, y: f32| {
                if M == RM && (x.is_sign_negative() || y.is_sign_negative()) { -0.0 } else { near }
            };
            let sum = exactly_f32(exact(a) + exact(b), M, sum_zero(a + b, a, b));
            assert_eq!(add_f32::<M>(a, b).to_bits(), sum, "{a:e} + {b:e} in mode {M}");
            let product = exactly_f32(exact(a) * exact(b), M, a * b);
            assert_eq!(mul_f32::<M>(a, b).to_bits(), product, "{a:e} * {b:e} in mode {M}");
            let sign = 1f32.copysign(a) * 1f32.copysign(b);
            let fused_zero = if a == 0.0 || b == 0.0 { a * b + c } else { 0.0 };
            let fused = exactly_f32(exact(a) * exact(b) + exact(c), M, sum_zero(fused_zero, sign, c));
            assert_eq!(fma_f32::<M>(a, b, c).to_bits(), fused, "{a:e} * {b:e} + {c:e} in mode {M}");
            if a != 0.0 && b != 0.0 {
                let quotient = exactly_f32(exact(a) / exact(b), M, 0.0);
                assert_eq!(div_f32::<M>(a, b).to_bits(), quotient, "{a:e} / {b:e} in mode {M}");
                let root = exactly_f32(exact(a.abs()).sqrt(), M, 0.0);
                assert_eq!(sqrt_f32::<M>(a.abs()).to_bits(), root, "sqrt {a:e} in mode {M}");
            }
        });
    }
}

#[test]
fn exact_f64_to_nearest_is_what_the_host_computes() {
    let mut random = Random(3);
    let exact = Exact::of_f64;
    for _ in 0..CASES {
        let a = f64_like(&mut random, 1.0);
        let b = f64_like(&mut random, a);
        let c = f64_like(&mut random, a * b);
        if !finite(&[a, b, c]) || a == 0.0 || b == 0.0 {
            continue;
        }
        let check = |name: &str, x: Exact, host: f64| {
            let code = if x.is_zero() {
                0f64.copysign(host).to_bits()
            } else {
                x.round(RN, Layout::F64)
            };
            assert_eq!(code, host.to_bits(), "{name} {a:e} {b:e} {c:e}");
        };
        check("add", exact(a) + exact(b), a + b);
        check("mul", exact(a) * exact(b), a * b);
        check("fma", exact(a) * exact(b) + exact(c), a.mul_add(b, c));
        check("div", exact(a) / exact(b), a / b);
        check("sqrt", exact(a.abs()).sqrt(), a.abs().sqrt());
    }
}

/// Down and up enclose the exact result tightly, to nearest is one of them, toward zero is the smaller one;
/// and they coincide just when the host's error term is zero.
#[test]
fn f64_directed_modes_enclose_the_result() {
    fn enclose(what: &str, [near, zero, down, up]: [f64; 4], inexact: Option<bool>) {
        assert!(
            down <= up && (near == down || near == up),
            "{what}: {down:e} {near:e} {up:e}"
        );
        let inward = if down.abs() < up.abs() { down } else { up };
        assert!(zero == inward, "{what}: {zero:e} is not {inward:e}");
        if let Some(inexact) = inexact {
            assert_eq!(down != up, inexact, "{what}");
        }
        if down != up {
            assert!(down.next_up() == up, "{what}: {down:e} {up:e} are no neighbours");
        }
    }
    macro_rules! modes {
        ($f:ident($($x:expr),*)) => { [$f::<RN>($($x),*), $f::<RZ>($($x),*), $f::<RM>($($x),*), $f::<RP>($($x),*)] };
    }
    let mut random = Random(4);
    for _ in 0..CASES {
        let a = f64_like(&mut random, 1.0);
        let b = f64_like(&mut random, a);
        let c = f64_like(&mut random, a * b);
        if !finite(&[a, b, c]) {
            continue;
        }
        // Error terms are exact in the middle of the range only.
        let plain = [a, b, c].iter().all(|x| (1e-60..1e60).contains(&x.abs()));
        let sum = a + b;
        let rest = (a - (sum - (sum - a))) + (b - (sum - a));
        enclose("add", modes!(add_f64(a, b)), plain.then_some(rest != 0.0));
        enclose(
            "mul",
            modes!(mul_f64(a, b)),
            plain.then(|| a.mul_add(b, -(a * b)) != 0.0),
        );
        enclose("fma", modes!(fma_f64(a, b, c)), None);
        if b != 0.0 {
            enclose(
                "div",
                modes!(div_f64(a, b)),
                plain.then(|| (a / b).mul_add(-b, a) != 0.0),
            );
        }
        let x = a.abs();
        enclose(
            "sqrt",
            modes!(sqrt_f64(x)),
            plain.then(|| x.sqrt().mul_add(-x.sqrt(), x) != 0.0),
        );
    }
}

/// Where results are exact or no numbers, all modes give what the host does, but with one NaN.
#[test]
fn special_values_agree_in_every_mode() {
    const VALUES: [f32; 7] = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let narrow = |host: f32, ours: f32| {
        let expected = if host.to_bits() & 0x7fff_ffff > 0x7f80_0000 {
            0x7fff_ffff
        } else {
            host.to_bits()
        };
        assert_eq!(ours.to_bits(), expected, "{ours:e} instead of {host:e}");
    };
    let wide = |host: f32, ours: f64| {
        let expected = if host.is_nan() {
            0xfff8_0000_0000_0000
        } else {
            f64::from(host).to_bits()
        };
        assert_eq!(ours.to_bits(), expected, "{ours:e} instead of {host:e}");
    };
    for a in VALUES {
        for b in VALUES {
            let (x, y) = (f64::from(a), f64::from(b));
            every_mode!(M => {
                if a + b != 0.0 {
                    narrow(a + b, add_f32::<M>(a, b));
                    wide(a + b, add_f64::<M>(x, y));
                    narrow(a + b, fma_f32::<M>(a, 1.0, b));
                    wide(a + b, fma_f64::<M>(x, 1.0, y));
                }
                narrow(a * b, mul_f32::<M>(a, b));
                wide(a * b, mul_f64::<M>(x, y));
                narrow(a / b, div_f32::<M>(a, b));
                wide(a / b, div_f64::<M>(x, y));
                narrow(a.sqrt(), sqrt_f32::<M>(a));
                wide(a.sqrt(), sqrt_f64::<M>(x));
            });
        }
    }
}

#[test]
fn f16_conversions_are_exhaustively_right() {
    for code in 0..=u16::MAX {
        let value = f16_to_f32(code);
        let nan = code & 0x7fff > 0x7c00;
        assert_eq!(value.is_nan(), nan, "{code:#06x}");
        assert_eq!(
            f16_from_f32(value),
            if nan { 0x7fff } else { code },
            "{code:#06x}"
        );
        let brain = bf16_to_f32(code);
        assert_eq!(
            bf16_from_f32(brain),
            if brain.is_nan() { 0x7fff } else { code },
            "{code:#06x}"
        );
        // From the definition: fraction and exponent.
        if code & 0x7c00 != 0x7c00 {
            let field = i32::from(code >> 10 & 31);
            let lead = if field == 0 { 0.0 } else { 1024.0 };
            let magnitude = (f64::from(code & 1023) + lead) * 2f64.powi(field.max(1) - 25);
            assert_eq!(f64::from(value).abs(), magnitude, "{code:#06x}");
            assert_eq!(value.is_sign_negative(), code >= 0x8000);
        }
        if nan || code & 0x7fff == 0x7c00 {
            continue;
        }
        // Around the midpoint to the next value, where rounding turns.
        let next = f16_to_f32(code + 1);
        let next = if next.is_infinite() {
            65536f32.copysign(next)
        } else {
            next
        };
        let middle = (value + next) / 2.0;
        for x in [middle.next_down(), middle, middle.next_up()] {
            assert_eq!(
                u64::from(f16_from_f32(x)),
                round_f64(x.into(), RN, Layout::F16),
                "{x:e}"
            );
        }
    }
}

#[test]
fn bf16_from_f32_is_right_around_every_turn() {
    for high in 0..=u16::MAX {
        for low in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
            let x = f32::from_bits(u32::from(high) << 16 | low);
            assert_eq!(
                u64::from(bf16_from_f32(x)),
                round_f64(x.into(), RN, Layout::BF16),
                "{x:e}"
            );
        }
    }
}

#[test]
fn fp8_round_trips() {
    for code in 0..=u8::MAX {
        let narrow = Fp8E5m2(code).to_f64();
        let expected = if narrow.is_nan() { 0x7f } else { code };
        assert_eq!(Fp8E5m2::round::<RN>(narrow).0, expected, "{code:#x}");
        // e5m2 is the high byte of a binary16.
        let half = f16_to_f32(u16::from(code) << 8);
        assert!(
            half.is_nan() && narrow.is_nan() || f64::from(half) == narrow,
            "{code:#x}"
        );
        let wide = Fp8E4m3(code).to_f64();
        let expected = if wide.is_nan() { 0x7f } else { code };
        assert_eq!(Fp8E4m3::round::<RN>(wide).0, expected, "{code:#x}");
    }
    assert_eq!(Fp8E4m3(0x7e).to_f64(), 448.0);
    assert_eq!(Fp8E4m3(0x01).to_f64(), 2f64.powi(-9));
}

#[test]
fn half_arithmetic_is_rounded_once() {
    let mut random = Random(5);
    macro_rules! check {
        ($t:ident, $layout:ident) => {
            for _ in 0..CASES {
                let bits = random.bits();
                // A third of the cases in a narrow range, where sums cancel and tie.
                let narrow = if bits >> 62 == 0 { 0x83ff } else { 0xffff };
                let one = $t::round::<RN>(1.0).0;
                let pick = |shift: u32| {
                    let code = (bits >> shift) as u16 & narrow;
                    $t(if narrow == 0x83ff { code | one } else { code })
                };
                let (a, b, c) = (pick(0), pick(16), pick(32));
                let value = |x: $t| f64::from(x.to_f32());
                if !finite(&[value(a), value(b), value(c)]) {
                    continue;
                }
                let exact = |x: $t| Exact::of_f64(value(x));
                let code = |x: Exact, zero: f64| {
                    if x.is_zero() {
                        round_f64(zero, RN, Layout::$layout)
                    } else {
                        x.round(RN, Layout::$layout)
                    }
                };
                let (sum, product) = (exact(a) + exact(b), exact(a) * exact(b));
                let same_sign = |x: f64, y: f64| {
                    if x.is_sign_negative() && y.is_sign_negative() {
                        -0.0
                    } else {
                        0.0
                    }
                };
                let product_sign = value(a).signum() * value(b).signum();
                assert_eq!(
                    u64::from(a.plus(b).0),
                    code(sum, same_sign(value(a), value(b))),
                    "{a:?} + {b:?}"
                );
                assert_eq!(
                    u64::from(a.times(b).0),
                    code(product, 0f64.copysign(product_sign)),
                    "{a:?} * {b:?}"
                );
                let fused = code(product + exact(c), same_sign(product_sign, value(c)));
                assert_eq!(u64::from(a.fma(b, c).0), fused, "{a:?} * {b:?} + {c:?}");
            }
        };
    }
    check!(Binary16, F16);
    check!(Bfloat16, BF16);
}

#[test]
fn min_and_max_of_f32_agree_with_the_instructions() {
    let mut random = Random(6);
    for _ in 0..CASES {
        let a = f32_like(&mut random, 1.0);
        let b = f32_like(&mut random, -a);
        let (x, y) = (u64::from(a.to_bits()), u64::from(b.to_bits()));
        assert_eq!(
            super::run("min.f32", &[x, y]),
            u64::from(min_f32(a, b).to_bits()),
            "{a:e} {b:e}"
        );
        assert_eq!(
            super::run("max.f32", &[x, y]),
            u64::from(max_f32(a, b).to_bits()),
            "{a:e} {b:e}"
        );
    }
}
