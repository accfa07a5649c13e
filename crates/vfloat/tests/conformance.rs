//! Conversions from binary32 as ml_dtypes does them, rounding modes and MX blocks as gfloat has them: digests that `conformance/record.py` recorded, over every
//! bfloat16, every binary16 with both its binary32 neighbours (so every value, midpoint and limit of the small
//! formats), and 2^20 patterns spread over all of binary32. NaN operands are left out.

use vfloat::stochastic::LaunchStreams;
use vfloat::{Arithmetic, Format, LaneOps, Lanes, Rounding, TensorFormat, reference, slices};

/// The value of a binary16, exactly.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => {
            return f32::from_bits(0x7f80_0000 | u32::from(bits & 1023) << 13 | u32::from(bits >> 15) << 31);
        }
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 != 0 { -magnitude } else { magnitude }
}

fn inputs() -> Vec<f32> {
    let halves: Vec<u32> = (0..=u16::MAX).map(|bits| half(bits).to_bits()).collect();
    let spread = (0..1u32 << 20).map(|i| i.wrapping_mul(0x9e37_79b1));
    let bits = (0..1u32 << 16)
        .map(|i| i << 16)
        .chain(halves.iter().copied())
        .chain(halves.iter().map(|x| x.wrapping_add(1)))
        .chain(halves.iter().map(|x| x.wrapping_sub(1)))
        .chain(spread);
    bits.map(f32::from_bits).filter(|x| !x.is_nan()).collect()
}

fn digest(values: &[f32]) -> u64 {
    values.iter().zip(0u64..).fold(0, |sum, (x, i)| {
        sum.wrapping_add((u64::from(x.to_bits()) ^ i).wrapping_mul(2 * i + 1))
    })
}

/// The digests of a library: format, rounding mode, digest.
fn expected(library: &str) -> impl Iterator<Item = [&'static str; 3]> {
    let lines = include_str!("conformance/expected.txt").lines();
    lines.filter_map(move |line| match line.split(' ').collect::<Vec<_>>()[..] {
        [of, format, mode, digest] if of == library => Some([format, mode, digest]),
        _ => None,
    })
}

/// Compares a digest of values, and the values with those of the fast form.
fn check(values: &[f32], fast: &[f32], [format, mode, expected]: [&str; 3]) {
    assert_eq!(
        format!("{:016x}", digest(values)),
        expected,
        "{format} {mode}, reference"
    );
    let mut pairs = fast.iter().zip(values);
    let differs = pairs.position(|(x, y)| x.to_bits() != y.to_bits());
    assert_eq!(differs, None, "{format} {mode}, lanes");
}

#[test]
fn conversions_are_those_of_ml_dtypes() {
    let inputs = inputs();
    for line in expected("ml_dtypes") {
        let format: Format = line[0].parse().expect("a format");
        let values: Vec<f32> = inputs
            .iter()
            .map(|x| reference::quantize(*x, format, Rounding::NearestEven).value)
            .collect();
        let lanes = Lanes::new(format, Rounding::TowardZero, Rounding::NearestEven);
        let mut fast = vec![0.0; inputs.len()];
        slices::quantize(&lanes, &mut fast, &inputs);
        check(&values, &fast, line);
    }
}

#[test]
fn rounding_modes_are_those_of_gfloat() {
    let inputs = &inputs()[..200_000];
    for line in expected("gfloat").filter(|line| line[1] != "block") {
        let format: Format = line[0].parse().expect("a format");
        let result: Rounding = line[1].parse().expect("a mode");
        let arithmetic = Arithmetic {
            result,
            ..Arithmetic::new(format)
        };
        let lanes = Lanes::new(format, Rounding::TowardZero, result);
        let draw = |i: u64| (i * 151 % 256) << 24;
        let (mut values, mut fast) = (Vec::new(), Vec::new());
        for (x, i) in inputs.iter().zip(0..) {
            values.push(arithmetic.with_random(draw(i)).quantize(*x).value);
            fast.push(lanes.with_random(draw(i)).quantize(*x));
        }
        check(&values, &fast, line);
    }
}

#[test]
fn blocks_are_those_of_gfloat() {
    let inputs = &inputs()[..200_000];
    let finite: Vec<f32> = inputs.iter().copied().filter(|x| x.is_finite()).collect();
    let spread: Vec<f32> = (0..32 * 500).map(|i| finite[i * 97 % finite.len()]).collect();
    for line in expected("gfloat").filter(|line| line[1] == "block") {
        let format: TensorFormat = line[0].parse().expect("a format");
        let mut values = spread.clone();
        format.quantize(&mut values, Rounding::NearestEven, LaunchStreams::new(0, 0));
        check(&values, &values, line);
    }
}
