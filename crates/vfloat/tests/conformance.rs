//! Conversions from binary32 as ml_dtypes does them: digests that `conformance/record.py` recorded, over every
//! bfloat16, every binary16 with both its binary32 neighbours (so every value, midpoint and limit of the small
//! formats), and 2^20 patterns spread over all of binary32. NaN operands are left out.

use vfloat::{Format, Lanes, Rounding, reference, slices};

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

#[test]
fn conversions_are_those_of_ml_dtypes() {
    let inputs = inputs();
    for line in include_str!("conformance/expected.txt").lines() {
        let (name, expected) = line.split_once(' ').expect("a name and a digest");
        let format: Format = name.parse().expect("a format");
        let values: Vec<f32> = inputs
            .iter()
            .map(|x| reference::quantize(*x, format, Rounding::NearestEven).value)
            .collect();
        assert_eq!(format!("{:016x}", digest(&values)), expected, "{name}, reference");
        let lanes = Lanes::new(format, Rounding::TowardZero, Rounding::NearestEven);
        let mut fast = vec![0.0; inputs.len()];
        slices::quantize(&lanes, &mut fast, &inputs);
        let differs = fast
            .iter()
            .zip(&values)
            .position(|(x, y)| x.to_bits() != y.to_bits());
        assert_eq!(differs, None, "{name}, lanes");
    }
}
