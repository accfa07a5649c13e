//! Lanes and slices against the reference, bit for bit: every mode, named and random formats, bit patterns that
//! cluster where formats have their edges.

mod support;

use support::{ALL_MODES, MODES, Random};
use vfloat::{Arithmetic, Format, LaneOps, LaneVisitor, Lanes, Rounding, reference, slices};

/// One case through every operation of `ops` and of the reference.
struct Compare {
    arithmetic: Arithmetic,
    operands: [f32; 3],
}

impl LaneVisitor for Compare {
    type Output = ();
    fn visit<L: LaneOps + 'static>(self, ops: L) {
        let ops = ops.with_random(self.arithmetic.random);
        let Compare {
            arithmetic: r,
            operands: [a, b, c],
        } = self;
        let cases = [
            ("truncate", ops.truncate(a), r.truncate(a)),
            ("quantize", ops.quantize(a), r.quantize(a)),
            ("add", ops.add(a, b), r.add(a, b)),
            ("sub", ops.sub(a, b), r.sub(a, b)),
            ("mul", ops.mul(a, b), r.mul(a, b)),
            ("div", ops.div(a, b), r.div(a, b)),
            ("fma", ops.fma(a, b, c), r.fma(a, b, c)),
            ("fmam", ops.fmam(a, b, c), r.fmam(a, b, c)),
            ("addm", ops.addm(a, b), r.addm(a, b)),
            ("max", ops.max(a, b), r.max(a, b)),
            ("min", ops.min(a, b), r.min(a, b)),
            ("neg", ops.neg(a), r.neg(a)),
            ("abs", ops.abs(a), r.abs(a)),
            ("sqrt", ops.sqrt(a), r.sqrt(a)),
            ("rcp", ops.rcp(a), r.rcp(a)),
            ("rsqrt", ops.rsqrt(a), r.rsqrt(a)),
            ("ex2", ops.ex2(a), r.ex2(a)),
            ("lg2", ops.lg2(a), r.lg2(a)),
            ("sin", ops.sin(a), r.sin(a)),
            ("cos", ops.cos(a), r.cos(a)),
            ("tanh", ops.tanh(a), r.tanh(a)),
        ];
        for (name, lane, outcome) in cases {
            assert_eq!(
                lane.to_bits(),
                outcome.value.to_bits(),
                "{name} {} {:?} a={a:e} ({:#x}) b={b:e} ({:#x}) c={c:e} ({:#x}): lane {lane:e}, reference {:e}",
                std::any::type_name::<L>(),
                r,
                a.to_bits(),
                b.to_bits(),
                c.to_bits(),
                outcome.value
            );
        }
        for mode in ALL_MODES {
            assert_eq!(
                ops.integral(a, mode).to_bits(),
                r.integral(a, mode).value.to_bits(),
                "integral {mode} {a:e} {r:?}"
            );
        }
    }
}

fn compare(format: Format, input: Rounding, result: Rounding, operands: [f32; 3]) {
    let arithmetic = Arithmetic {
        input,
        result,
        ..Arithmetic::new(format)
    };
    compare_all(arithmetic, operands);
}

fn compare_all(arithmetic: Arithmetic, operands: [f32; 3]) {
    let lanes = Lanes::new(arithmetic.format, arithmetic.input, arithmetic.result)
        .with_accumulator(arithmetic.accumulator);
    lanes.specialise(Compare { arithmetic, operands });
    Compare { arithmetic, operands }.visit(lanes);
}

/// Any two formats, modes and random bits.
fn anything(random: &mut Random, format: Format) -> Arithmetic {
    let accumulator = match random.below(3) {
        0 => Format::FP32,
        1 => random.format(),
        _ => random.variant(),
    };
    // Random bits at their ends decide close calls.
    let bits = match random.below(4) {
        0 => 0,
        1 => u64::MAX,
        _ => random.next(),
    };
    Arithmetic {
        accumulator,
        input: ALL_MODES[random.below(6) as usize],
        result: ALL_MODES[random.below(9) as usize],
        random: bits,
        ..Arithmetic::new(format)
    }
}

#[test]
fn formats_beyond_ieee() {
    let mut random = Random(6);
    for round in 0..30_000 {
        let format = match Format::BEYOND_IEEE.get(round % 14) {
            Some((_, format)) => *format,
            None => random.variant(),
        };
        for (input, result) in [
            (Rounding::TowardZero, Rounding::NearestEven),
            (
                ALL_MODES[random.below(6) as usize],
                ALL_MODES[random.below(6) as usize],
            ),
        ] {
            let operands = [random.value(format), random.value(format), random.value(format)];
            compare(format, input, result, operands);
        }
    }
}

#[test]
fn all_modes_and_accumulators() {
    let mut random = Random(7);
    for _ in 0..60_000 {
        let format = random.variant();
        let mut arithmetic = anything(&mut random, format);
        for input in [Rounding::TowardZero, arithmetic.input] {
            arithmetic.input = input;
            let operands = [
                random.value(format),
                random.value(format),
                random.value(arithmetic.accumulator),
            ];
            compare_all(arithmetic, operands);
        }
    }
}

#[test]
fn named_formats_in_every_mode() {
    let mut random = Random(1);
    for (_, format) in Format::NAMED {
        for input in MODES {
            for result in MODES {
                for _ in 0..1500 {
                    let operands = [
                        random.value(*format),
                        random.value(*format),
                        random.value(*format),
                    ];
                    compare(*format, input, result, operands);
                }
            }
        }
    }
}

#[test]
fn random_formats_in_every_mode() {
    let mut random = Random(2);
    for _ in 0..4000 {
        let format = random.format();
        for input in MODES {
            for result in MODES {
                let operands = [random.value(format), random.value(format), random.value(format)];
                compare(format, input, result, operands);
            }
        }
    }
}

#[test]
fn conversions_round_once() {
    let mut random = Random(3);
    for round in 0..60_000u64 {
        let format = random.format();
        let result = ALL_MODES[(round % 9) as usize];
        let draw = random.next();
        let lanes = Lanes::new(format, Rounding::TowardZero, result).with_random(draw);
        let r = Arithmetic {
            result,
            ..Arithmetic::new(format).with_random(draw)
        };
        let bits = random.next() >> random.below(64);
        let ties = 1u64 << random.below(64) | 1 << random.below(64) | random.below(2);
        for u in [bits, ties] {
            let (unsigned, signed) = (lanes.round_u64(u), lanes.round_i64(u as i64));
            let expect = r.round_integer(u.into()).value;
            assert_eq!(unsigned.to_bits(), expect.to_bits(), "{u} {format} {result}");
            let expect = r.round_integer((u as i64).into()).value;
            assert_eq!(
                signed.to_bits(),
                expect.to_bits(),
                "{} {format} {result}",
                u as i64
            );
        }
        for x in [
            f64::from_bits(random.next()),
            f64::from(random.value(format)).next_up(),
        ] {
            let expect = r.round(x).value;
            assert_eq!(
                lanes.round_f64(x).to_bits(),
                expect.to_bits(),
                "{x:e} {format} {result}"
            );
        }
    }
}

#[test]
fn binary32_is_the_hardware() {
    let mut random = Random(4);
    let r = Arithmetic::new(Format::FP32);
    let same = |x: f32, y: f32| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    for _ in 0..200_000 {
        let (a, b) = (random.value(Format::FP32), random.value(Format::FP32));
        assert!(same(r.add(a, b).value, a + b), "{a:e} + {b:e}");
        assert!(same(r.sub(a, b).value, a - b), "{a:e} - {b:e}");
        assert!(same(r.mul(a, b).value, a * b), "{a:e} * {b:e}");
        assert!(same(r.div(a, b).value, a / b), "{a:e} / {b:e}");
        assert!(same(r.sqrt(a).value, a.sqrt()), "sqrt {a:e}");
        let wide = f64::from_bits(random.next());
        assert!(same(
            reference::round(wide, Format::FP32, Rounding::NearestEven).value,
            wide as f32
        ));
    }
}

#[test]
fn slices_are_the_lanes() {
    let mut random = Random(5);
    for length in [0, 1, 7, 32, 1000] {
        for format in [Format::FP32, Format::BF16, Format::E5M2, random.format()] {
            for (input, result) in [
                (Rounding::TowardZero, Rounding::NearestEven),
                (Rounding::NearestEven, Rounding::TowardPositive),
            ] {
                let lanes = Lanes::new(format, input, result);
                let mut column = || (0..length).map(|_| random.value(format)).collect::<Vec<f32>>();
                let (a, b, c) = (column(), column(), column());
                let mut d = vec![0.0; length];
                let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let each = |f: &dyn Fn(usize) -> f32| (0..length).map(|i| f(i).to_bits()).collect::<Vec<_>>();
                slices::quantize(&lanes, &mut d, &a);
                assert_eq!(bits(&d), each(&|i| lanes.quantize(a[i])));
                slices::truncate(&lanes, &mut d, &a);
                assert_eq!(bits(&d), each(&|i| lanes.truncate(a[i])));
                slices::add(&lanes, &mut d, &a, &b);
                assert_eq!(bits(&d), each(&|i| lanes.add(a[i], b[i])));
                slices::max(&lanes, &mut d, &a, &b);
                assert_eq!(bits(&d), each(&|i| lanes.max(a[i], b[i])));
                slices::div(&lanes, &mut d, &a, &b);
                assert_eq!(bits(&d), each(&|i| lanes.div(a[i], b[i])));
                slices::fma(&lanes, &mut d, &a, &b, &c);
                assert_eq!(bits(&d), each(&|i| lanes.fma(a[i], b[i], c[i])));
                slices::fmam(&lanes, &mut d, &a, &b, &c);
                assert_eq!(bits(&d), each(&|i| lanes.fmam(a[i], b[i], c[i])));
                slices::tanh(&lanes, &mut d, &a);
                assert_eq!(bits(&d), each(&|i| lanes.tanh(a[i])));
            }
        }
    }
}
