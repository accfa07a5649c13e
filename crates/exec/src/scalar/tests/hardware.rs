//! What an H200 computes: `h200.txt` holds, for each instruction, a digest of its results on 4096 sets of
//! operands (recorded once by a kernel per instruction; CUDA 13, sm_90).
//!
//! NaN results count as one canonical NaN where PTX leaves their bits open (`f64`, and `neg` and `abs`). Not in
//! the file, because PTX leaves the result open: `.approx` functions, NaN through `cvt` from `f64` or to `f64`
//! and `tf32`, `neg` and `abs` of packed types, `fns` and 64-bit bit fields with operands out of range.

use super::super::scalar_op;
use super::{Random, apply, instruction};

/// Sets of operands.
const SETS: usize = 4096;

/// Edge values of 16, 32 and 64 bits: zeros, subnormals, ties, overflow, infinities, NaN of every format.
const HALVES: [u64; 24] = [
    0, 1, 2, 0x3ff, 0x400, 0x7bff, 0x7c00, 0x7c01, 0x7e00, 0x7fff, 0x8000, 0x8001, 0xbc00, 0x3c00, 0x3c01,
    0x3800, 0xfc00, 0xffff, 0x7f80, 0x7f81, 0x3f80, 0xbf80, 0x4248, 0x007f,
];
const WORDS: [u64; 28] = [
    0,
    1,
    2,
    0x7f_ffff,
    0x80_0000,
    0x80_0001,
    0x7f7f_ffff,
    0x7f80_0000,
    0x7f80_0001,
    0x7fc0_0000,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xff80_0000,
    0xffc0_0001,
    0xffff_ffff,
    0x3f80_0000,
    0xbf80_0000,
    0x3f00_0000,
    0x4b00_0001,
    0x4f00_0000,
    0xcf00_0000,
    0x4eff_ffff,
    0x5f00_0000,
    0x3eff_ffff,
    0x4020_0000,
    0x477f_f000,
    0x7e80_0001,
];
const DOUBLES: [u64; 24] = [
    0,
    1,
    0xf_ffff_ffff_ffff,
    0x10_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x7ff8_0000_0000_0000,
    0x7fff_ffff_ffff_ffff,
    1 << 63,
    (1 << 63) | 1,
    0xfff0_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x41e0_0000_0000_0000,
    0xc1e0_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x47ef_ffff_e000_0000,
    0x47ef_ffff_f000_0000,
    0x36a0_0000_0000_0000,
    0x3810_0000_0000_0000,
];

/// An operand; now and then close to `previous`.
fn operand(random: &mut Random, previous: u64) -> u64 {
    let (kind, x) = (random.bits() % 12, random.bits());
    let half = |at: u32| HALVES[(x >> at) as usize % 24] << at;
    match kind {
        0 => x,
        1 => x % 80,
        2 => (x % 80).wrapping_neg(),
        3 | 4 => DOUBLES[x as usize % 24],
        5 | 6 => WORDS[x as usize % 28] | WORDS[(x >> 32) as usize % 28] << 32,
        7 => half(0) | half(16) | half(32),
        8 => x & 0x83ff_ffff_83ff_ffff | 0x3c00_0000_3c00_0000,
        9 => x & 0x803f_ffff_ffff_ffff | 0x3fc0_0000_0000_0000,
        10 => previous ^ (x & 0x8000_8000_8000_8003),
        _ => x & 0x83ff_83ff_83ff_83ff | 0x3c00_3c00_3c00_3c00,
    }
}

/// The bits of a register: `h` 16, `r` 32, `d` 64, `p` a predicate.
fn register(kind: char, bits: u64) -> u64 {
    match kind {
        'h' => bits & 0xffff,
        'r' => bits & 0xffff_ffff,
        _ => bits,
    }
}

/// NaN made canonical where PTX leaves its bits open.
fn settled(mnemonic: &str, bits: u64) -> u64 {
    let sign_only = mnemonic.starts_with("neg.") || mnemonic.starts_with("abs.");
    match mnemonic.rsplit('.').next() {
        Some("f64") if !mnemonic.starts_with("cvt.") && f64::from_bits(bits).is_nan() => u64::MAX,
        Some("f32") if sign_only && f32::from_bits(bits as u32).is_nan() => u64::MAX,
        Some("f16") if sign_only && bits & 0x7fff > 0x7c00 => u64::MAX,
        Some("bf16") if sign_only && bits & 0x7fff > 0x7f80 => u64::MAX,
        _ => bits,
    }
}

/// FNV-1a over 64-bit words.
fn digest(results: impl Iterator<Item = u64>) -> u64 {
    results.fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        (hash ^ word).wrapping_mul(0x100_0000_01b3)
    })
}

#[test]
fn results_are_those_of_an_h200() {
    let mut random = Random(7);
    let mut sets = Vec::new();
    for _ in 0..SETS {
        let mut previous = 0x3f80_0000_3f80_0000;
        sets.push([(); 4].map(|()| {
            previous = operand(&mut random, previous);
            previous
        }));
    }
    let lines = include_str!("h200.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let mut instructions = 0;
    for line in lines {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (mnemonic, result, operands, expected) = (word(), word(), word(), word());
        let result = result.chars().next().expect("a register");
        let op = scalar_op(&instruction(mnemonic, operands.len() + 1)).expect(mnemonic);
        let got = digest(sets.iter().map(|set| {
            let given: Vec<u64> = operands
                .chars()
                .zip(set)
                .map(|(kind, x)| register(kind, *x))
                .collect();
            settled(mnemonic, register(result, apply(op, &given).expect(mnemonic)))
        }));
        assert_eq!(format!("{got:016x}"), expected, "{mnemonic}");
        instructions += 1;
    }
    assert!(instructions > 400, "{instructions} instructions in the file");
}
