//! Random bit patterns in wide and odd formats, all modes of operands and results: subnormals, huge numbers,
//! infinities, NaN, zeros, ties and their neighbours. Ten million cases per operation with VERNIER_EXHAUSTIVE=1.

use vfloat::Format;
use vfloat_mpfr::check::Checker;
use vfloat_mpfr::exhaustive;
use vfloat_mpfr::oracle::Op;
use vfloat_mpfr::support::{MODES, Random};

/// Cases of one format and pair of modes before others are drawn.
const GROUP: u64 = 250;

fn random(op: Op) {
    let groups = if exhaustive() { 10_000_000 } else { 2_000_000 } / GROUP;
    let mut random = Random(0x1000 + op as u64);
    for group in 0..groups {
        // Named formats take turns with any others.
        let format = match Format::NAMED.get(group as usize % 12) {
            Some((_, format)) => *format,
            None => random.format(),
        };
        let (input, result) = (MODES[random.below(4) as usize], MODES[random.below(4) as usize]);
        let mut checker = Checker::new(format, input, result);
        for _ in 0..GROUP {
            checker.case(
                op,
                [random.value(format), random.value(format), random.value(format)],
            );
        }
    }
}

macro_rules! random_cases_of {
    ($($name:ident $op:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                random(Op::$op);
            }
        )+
    };
}

random_cases_of!(
    truncate Truncate,
    quantize Quantize,
    add Add,
    sub Sub,
    mul Mul,
    div Div,
    fma Fma,
    fmam Fmam,
    addm Addm,
    max Max,
    min Min,
    integral Integral,
    sqrt Sqrt,
    rcp Rcp,
    rsqrt Rsqrt,
    ex2 Ex2,
    lg2 Lg2,
    sin Sin,
    cos Cos,
    tanh Tanh,
);
