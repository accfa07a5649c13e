//! The promise of `vfloat::functions`, argument by argument: the binary64 lies on the same side of all numbers of 25
//! bits as the exact value, and is one only if the exact value is. That settles every format and every rounding mode at
//! once. Arguments: all bit patterns at random, and those around one; ten million each with
//! VERNIER_EXHAUSTIVE=1.

use gmp_mpfr_sys::mpfr::{self, mpfr_t, rnd_t};
use rug::Float;
use vfloat::functions;
use vfloat_mpfr::exhaustive;
use vfloat_mpfr::support::Random;

type Mpfr = unsafe extern "C" fn(*mut mpfr_t, *const mpfr_t, rnd_t) -> i32;

fn arguments(function: fn(f32) -> f64, oracle: Mpfr) {
    let count = if exhaustive() { 10_000_000 } else { 700_000 };
    let mut random = Random(oracle as usize as u64 & 0xf0);
    let (mut argument, mut exact) = (Float::new(24), Float::new(25));
    for i in 0..count {
        let bits = random.next() as u32;
        // Every other argument within 2^-20 and 2^6 in magnitude, where the functions are neither flat nor constant.
        let t = if i % 2 == 0 {
            bits
        } else {
            bits & 0x807f_ffff | (107 + (bits >> 23) % 26) << 23
        };
        let t = f32::from_bits(t);
        let y = function(t);
        // SAFETY: initialised numbers; MPFR's default exponent range holds everything that occurs here.
        let (inexact, expect) = unsafe {
            mpfr::set_flt(argument.as_raw_mut(), t, rnd_t::RNDN);
            let ternary = oracle(exact.as_raw_mut(), argument.as_raw(), rnd_t::RNDZ);
            (ternary != 0, mpfr::get_d(exact.as_raw(), rnd_t::RNDZ))
        };
        let cut = f64::from_bits(y.to_bits() & !0 << 28);
        // ex2 far outside binary32: only a stand-in that is also far outside is promised.
        let huge = t.is_finite() && expect > 1e90;
        let tiny = (inexact || !exact.is_zero()) && expect.abs() < 1e-90;
        let same = if expect.is_nan() {
            y.is_nan()
        } else if huge || tiny {
            (huge && y > 1e90 && y.is_finite()) || (tiny && y < 1e-90 && y > 0.0)
        } else {
            cut.to_bits() == expect.to_bits() && (y != cut) == inexact
        };
        assert!(
            same,
            "f({t:e} = {:#x}) = {y:e} ({:#x}), MPFR {expect:e}, inexact {inexact}",
            t.to_bits(),
            y.to_bits()
        );
    }
}

macro_rules! stand_ins_of {
    ($($name:ident $oracle:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                arguments(functions::$name, mpfr::$oracle);
            }
        )+
    };
}

stand_ins_of!(ex2 exp2, lg2 log2, sin sin, cos cos, tanh tanh);

/// MPFR's reciprocal root of -0 is +inf, ours -inf; the rest is the same.
fn rsqrt_as_mpfr(t: f32) -> f64 {
    if t == 0.0 {
        f64::INFINITY
    } else {
        functions::rsqrt(t)
    }
}

#[test]
fn rsqrt() {
    arguments(rsqrt_as_mpfr, mpfr::rec_sqrt);
}
