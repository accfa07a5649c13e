//! How fast the slice operations are, one core, data in the first-level cache: `cargo bench --bench slices`.
//! Elements per second are numbers per second. The values are spread over the whole range of f32 exponents,
//! so that overflow, gradual underflow and zero occur.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use vfloat::{Format, Lanes, Rounding, slices};

/// Three columns and a result of 4 KiB each.
const ELEMENTS: usize = 1024;

/// Formats that take different ways: exact FP32, P up to 24, P up to 11, narrow exponents.
const FORMATS: [&str; 7] = ["fp32", "e8m20", "tf32", "bf16", "fp16", "e5m2", "e4m3"];

/// Random bits, NaN and infinity made finite.
fn column(seed: u32) -> Vec<f32> {
    let mut state = seed;
    let value = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bits = state.rotate_left(16);
        let x = f32::from_bits(bits);
        if x.is_finite() { x } else { 1.5 }
    };
    (0..ELEMENTS).map(value).collect()
}

fn operations(c: &mut Criterion) {
    let (a, b, d) = (column(1), column(2), column(3));
    let mut out = vec![0.0; ELEMENTS];
    for name in FORMATS {
        let format: Format = name.parse().expect("a format");
        let lanes = Lanes::new(format, Rounding::TowardZero, Rounding::NearestEven);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(ELEMENTS as u64));
        group.bench_function("quantize", |x| {
            x.iter(|| slices::quantize(&lanes, black_box(&mut out), black_box(&a)))
        });
        group.bench_function("mul", |x| {
            x.iter(|| slices::mul(&lanes, black_box(&mut out), black_box(&a), black_box(&b)))
        });
        group.bench_function("fma", |x| {
            x.iter(|| {
                slices::fma(
                    &lanes,
                    black_box(&mut out),
                    black_box(&a),
                    black_box(&b),
                    black_box(&d),
                )
            })
        });
        group.bench_function("fmam", |x| {
            x.iter(|| {
                slices::fmam(
                    &lanes,
                    black_box(&mut out),
                    black_box(&a),
                    black_box(&b),
                    black_box(&d),
                )
            })
        });
        group.finish();
    }
}

/// Short, for 28 benches on a machine that is shared.
fn quick() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(400))
        .without_plots()
}

criterion_group! { name = benches; config = quick(); targets = operations }
criterion_main!(benches);
