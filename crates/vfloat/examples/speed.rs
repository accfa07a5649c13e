//! How fast the slice operations are here: `cargo run --release -p vernier-vfloat --example speed`.
//!
//! One thread, 4096 elements at a time (inside the first-level caches), best of several repetitions.

use std::hint::black_box;
use std::time::Instant;

use vfloat::stochastic::LaunchStreams;
use vfloat::{Format, Lanes, Rounding, TensorFormat, slices};

const ELEMENTS: usize = 4096;

/// Elements per nanosecond, that is 10^9 per second.
fn rate(mut run: impl FnMut()) -> f64 {
    let mut best = 0f64;
    for _ in 0..7 {
        let repetitions = 40;
        let start = Instant::now();
        for _ in 0..repetitions {
            run();
        }
        best = best.max((ELEMENTS * repetitions) as f64 / start.elapsed().as_nanos() as f64);
    }
    best
}

fn main() {
    let column = |seed: u32| -> Vec<f32> {
        let value = |i: u32| ((i.wrapping_mul(seed) >> 8) as f32 / 16_777_216.0 - 0.5) * 8.0;
        (0..ELEMENTS as u32).map(value).collect()
    };
    let (a, b, c) = (
        column(2_654_435_761),
        column(2_246_822_519),
        column(3_266_489_917),
    );
    let positive: Vec<f32> = a.iter().map(|x| x.abs() + 0.1).collect();
    let mut d = vec![0f32; ELEMENTS];
    let modes = [
        (Rounding::TowardZero, Rounding::NearestEven),
        (Rounding::NearestEven, Rounding::TowardPositive),
        (Rounding::TowardZero, Rounding::Stochastic(Rounding::RANDOM_BITS)),
    ];
    println!("10^9 elements per second");
    println!(
        "{:10} {:5} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "format",
        "modes",
        "quantize",
        "truncate",
        "add",
        "mul",
        "div",
        "fma",
        "fmam",
        "max",
        "sqrt",
        "ex2",
        "lg2",
        "tanh"
    );
    for (input, result) in modes {
        for format in [
            "fp32",
            "tf32",
            "bf16",
            "fp16",
            "e5m2",
            "e4m3",
            "e8m20",
            "e6m9",
            "9,-100,100",
            "e4m3fn",
            "e4m3fn_sat",
            "e4m3fnuz",
            "bf16_sat",
        ] {
            let format: Format = format.parse().expect("a format");
            let lanes = &Lanes::new(format, input, result);
            let (a, b, c, positive) = (
                &black_box(&a)[..],
                &black_box(&b)[..],
                &black_box(&c)[..],
                &positive[..],
            );
            let rates = [
                rate(|| slices::quantize(lanes, black_box(&mut d), a)),
                rate(|| slices::truncate(lanes, black_box(&mut d), a)),
                rate(|| slices::add(lanes, black_box(&mut d), a, b)),
                rate(|| slices::mul(lanes, black_box(&mut d), a, b)),
                rate(|| slices::div(lanes, black_box(&mut d), a, b)),
                rate(|| slices::fma(lanes, black_box(&mut d), a, b, c)),
                rate(|| slices::fmam(lanes, black_box(&mut d), a, b, c)),
                rate(|| slices::max(lanes, black_box(&mut d), a, b)),
                rate(|| slices::sqrt(lanes, black_box(&mut d), positive)),
                rate(|| slices::ex2(lanes, black_box(&mut d), a)),
                rate(|| slices::lg2(lanes, black_box(&mut d), positive)),
                rate(|| slices::tanh(lanes, black_box(&mut d), a)),
            ];
            print!("{:10} {}/{}", format.to_string(), input, result);
            for rate in rates {
                print!(" {rate:8.3}");
            }
            println!();
        }
    }
    println!("tensors, to nearest and stochastic");
    let streams = LaunchStreams::new(1, 0);
    for name in ["mxfp8_e4m3", "mxfp4", "nvfp4", "int8", "int4_b32", "e4m3fn_sat"] {
        let format: TensorFormat = name.parse().expect("a tensor format");
        let mut tensor = a.clone();
        let nearest = rate(|| format.quantize(black_box(&mut tensor), Rounding::NearestEven, streams));
        let stochastic = rate(|| format.quantize(black_box(&mut tensor), Rounding::Stochastic(24), streams));
        println!("{name:12} {nearest:8.3} {stochastic:8.3}");
    }
}
