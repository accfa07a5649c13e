//! The promise of `vfloat::functions`: the precise way always decides on which side of a 25-bit number a function
//! value lies (otherwise it panics). The values themselves are held to MPFR in the crate vfloat-mpfr.
//!
//! With VERNIER_EXHAUSTIVE=1 every one of the 2^32 arguments is tried (minutes in release mode), otherwise a
//! sample spread over all of them.

use vfloat::functions;

fn try_all(function: fn(f32) -> f64) {
    // A prime step, so that all low bits occur.
    let exhaustive = std::env::var_os("VERNIER_EXHAUSTIVE").is_some_and(|value| value == "1");
    let step = if exhaustive { 1 } else { 2411 };
    for bits in (0..=u64::from(u32::MAX)).step_by(step) {
        let t = f32::from_bits(bits as u32);
        let y = function(t);
        assert!(!t.is_nan() || y.is_nan(), "{t:e}");
    }
}

macro_rules! all_arguments_of {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                try_all(functions::$name);
            }
        )+
    };
}

all_arguments_of!(ex2, lg2, sin, cos, tanh, rsqrt);

#[test]
fn special_arguments() {
    let inf = f32::INFINITY;
    let bits = |x: f64| x.to_bits();
    assert_eq!(functions::ex2(inf), f64::INFINITY);
    assert_eq!(bits(functions::ex2(-inf)), bits(0.0));
    assert_eq!(functions::ex2(-149.0) as f32, f32::from_bits(1));
    assert_eq!(functions::ex2(0.0), 1.0);
    assert_eq!(functions::lg2(0.0), f64::NEG_INFINITY);
    assert_eq!(functions::lg2(-0.0), f64::NEG_INFINITY);
    assert_eq!(functions::lg2(f32::from_bits(1)), -149.0);
    assert_eq!(bits(functions::lg2(1.0)), bits(0.0));
    assert!(functions::lg2(-1.0).is_nan());
    assert_eq!(bits(functions::sin(-0.0)), bits(-0.0));
    assert!(functions::sin(inf).is_nan() && functions::cos(-inf).is_nan());
    assert_eq!(functions::cos(0.0), 1.0);
    assert_eq!((functions::tanh(inf), functions::tanh(-inf)), (1.0, -1.0));
    assert_eq!(bits(functions::tanh(-0.0)), bits(-0.0));
    assert_eq!(functions::rsqrt(-0.0), f64::NEG_INFINITY);
    assert_eq!(functions::rsqrt(0.0), f64::INFINITY);
    assert_eq!(bits(functions::rsqrt(inf)), bits(0.0));
    assert_eq!(functions::rsqrt(0.0625), 4.0);
}
