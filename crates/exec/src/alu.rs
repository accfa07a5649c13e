//! The computing instructions that have SIMD code: a lane function each, from which `lanes` makes loops. What
//! is not here runs one lane at a time through `scalar`; a test holds the two to each other.

use crate::lanes::{Alu, Coded, Lane, Op1, Op2, Op3, Table, Test};
use crate::warp::{Inst, Warp};
use ir::{AluOp, Class};

/// The code of an opcode.
pub fn code(op: AluOp) -> &'static Alu {
    TABLE[op as usize]
}

/// By opcode. Made when this is compiled, which fails if one is missing or its classes are others than `ir` says.
static TABLE: [&Alu; AluOp::ALL.len()] = {
    let mut table = [Mov32::ALU; AluOp::ALL.len()];
    let mut known = [false; AluOp::ALL.len()];
    let lists = [LIST1, LIST2, LIST3, LIST4, LIST5];
    let mut l = 0;
    while l < lists.len() {
        let mut k = 0;
        while k < lists[l].len() {
            let (op, alu) = lists[l][k];
            assert!(op.dst() as u8 == alu.dst as u8 && op.src().len() == alu.src.len());
            let mut n = 0;
            while n < alu.src.len() {
                assert!(op.src()[n] as u8 == alu.src[n] as u8);
                n += 1;
            }
            table[op as usize] = alu;
            known[op as usize] = true;
            k += 1;
        }
        l += 1;
    }
    let mut k = 0;
    while k < known.len() {
        assert!(known[k]);
        k += 1;
    }
    table
};

/// The quiet NaN that f32 arithmetic returns (PTX ISA, "Floating Point Instructions": 0x7fffffff).
const CANONICAL_NAN: u32 = 0x7fff_ffff;

/// Makes NaN results canonical. On the bits: the compiler may take any NaN for as good as another.
#[inline(always)]
fn nan(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 {
        CANONICAL_NAN
    } else {
        bits
    })
}

macro_rules! op1 {
    ($list:ident: $($name:ident: $a:ty => $r:ty, |$x:ident| $e:expr;)*) => {
        $(
        #[doc = stringify!($name)]
        pub struct $name;
        impl Op1 for $name {
            type A = $a;
            type R = $r;
            type Context = ();
            #[inline(always)]
            unsafe fn context(_: &Warp, _: &Inst) {}
            #[inline(always)]
            fn f(_: &(), $x: $a) -> $r { $e }
        }
        impl Coded for $name {
            const ALU: &'static Alu = &Alu {
                dst: <$r as Lane>::CLASS,
                src: &[<$a as Lane>::CLASS],
                code: Table::<$name>::ONE,
            };
        }
        )*
        const $list: &[(AluOp, &Alu)] = &[$((AluOp::$name, $name::ALU)),*];
    };
}

macro_rules! op2 {
    ($list:ident: $($name:ident: $a:ty, $b:ty => $r:ty, |$x:ident, $y:ident| $e:expr;)*) => {
        $(
        #[doc = stringify!($name)]
        pub struct $name;
        impl Op2 for $name {
            type A = $a;
            type B = $b;
            type R = $r;
            type Context = ();
            #[inline(always)]
            unsafe fn context(_: &Warp, _: &Inst) {}
            #[inline(always)]
            fn f(_: &(), $x: $a, $y: $b) -> $r { $e }
        }
        impl Coded for $name {
            const ALU: &'static Alu = &Alu {
                dst: <$r as Lane>::CLASS,
                src: &[<$a as Lane>::CLASS, <$b as Lane>::CLASS],
                code: Table::<$name>::TWO,
            };
        }
        )*
        const $list: &[(AluOp, &Alu)] = &[$((AluOp::$name, $name::ALU)),*];
    };
}

macro_rules! op3 {
    ($list:ident: $($name:ident: $a:ty, $b:ty, $c:ty => $r:ty, |$x:ident, $y:ident, $z:ident| $e:expr;)*) => {
        $(
        #[doc = stringify!($name)]
        pub struct $name;
        impl Op3 for $name {
            type A = $a;
            type B = $b;
            type C = $c;
            type R = $r;
            type Context = ();
            #[inline(always)]
            unsafe fn context(_: &Warp, _: &Inst) {}
            #[inline(always)]
            fn f(_: &(), $x: $a, $y: $b, $z: $c) -> $r { $e }
        }
        impl Coded for $name {
            const ALU: &'static Alu = &Alu {
                dst: <$r as Lane>::CLASS,
                src: &[<$a as Lane>::CLASS, <$b as Lane>::CLASS, <$c as Lane>::CLASS],
                code: Table::<$name>::THREE,
            };
        }
        )*
        const $list: &[(AluOp, &Alu)] = &[$((AluOp::$name, $name::ALU)),*];
    };
}

macro_rules! tests {
    ($list:ident: $($name:ident: $a:ty, |$x:ident, $y:ident| $e:expr;)*) => {
        $(
        #[doc = stringify!($name)]
        pub struct $name;
        impl Test for $name {
            type A = $a;
            type Context = ();
            #[inline(always)]
            unsafe fn context(_: &Warp, _: &Inst) {}
            #[inline(always)]
            fn f(_: &(), $x: $a, $y: $a) -> bool { $e }
        }
        impl Coded for $name {
            const ALU: &'static Alu = &Alu {
                dst: Class::Pred,
                src: &[<$a as Lane>::CLASS, <$a as Lane>::CLASS],
                code: Table::<$name>::TEST,
            };
        }
        )*
        const $list: &[(AluOp, &Alu)] = &[$((AluOp::$name, $name::ALU)),*];
    };
}

op1! {
    LIST1:
    Mov32: u32 => u32, |a| a;
    Mov64: u64 => u64, |a| a;
    Not32: u32 => u32, |a| !a;
    Not64: u64 => u64, |a| !a;
    Neg32: u32 => u32, |a| a.wrapping_neg();
    Neg64: u64 => u64, |a| a.wrapping_neg();
    Abs32: i32 => i32, |a| a.wrapping_abs();
    NegF32: f32 => f32, |a| nan(-a);
    AbsF32: f32 => f32, |a| nan(a.abs());
    ZeroExtend8: u32 => u32, |a| a & 0xff;
    ZeroExtend16: u32 => u32, |a| a & 0xffff;
    SignExtend8: u32 => u32, |a| a as i8 as u32;
    SignExtend16: u32 => u32, |a| a as i16 as u32;
    ZeroExtend32: u32 => u64, |a| u64::from(a);
    SignExtend32: i32 => i64, |a| i64::from(a);
    Truncate64: u64 => u32, |a| a as u32;
    High64: u64 => u32, |a| (a >> 32) as u32;
    F32OfS32: i32 => f32, |a| a as f32;
    F32OfU32: u32 => f32, |a| a as f32;
    F64OfS32: i32 => f64, |a| f64::from(a);
    F64OfF32: f32 => f64, |a| canonical_f64(f64::from(a));
    RcpF32: f32 => f32, |a| nan(1.0 / a);
    SqrtF32: f32 => f32, |a| nan(a.sqrt());
    RsqrtF32: f32 => f32, |a| nan((1.0 / f64::from(a).sqrt()) as f32);
}

op2! {
    LIST2:
    Add32: u32, u32 => u32, |a, b| a.wrapping_add(b);
    Sub32: u32, u32 => u32, |a, b| a.wrapping_sub(b);
    Mul32: u32, u32 => u32, |a, b| a.wrapping_mul(b);
    Add64: u64, u64 => u64, |a, b| a.wrapping_add(b);
    Sub64: u64, u64 => u64, |a, b| a.wrapping_sub(b);
    Mul64: u64, u64 => u64, |a, b| a.wrapping_mul(b);
    MulWideU32: u32, u32 => u64, |a, b| u64::from(a) * u64::from(b);
    MulWideS32: i32, i32 => i64, |a, b| i64::from(a) * i64::from(b);
    MulHighU32: u32, u32 => u32, |a, b| ((u64::from(a) * u64::from(b)) >> 32) as u32;
    MulHighS32: i32, i32 => i32, |a, b| ((i64::from(a) * i64::from(b)) >> 32) as i32;
    And32: u32, u32 => u32, |a, b| a & b;
    Or32: u32, u32 => u32, |a, b| a | b;
    Xor32: u32, u32 => u32, |a, b| a ^ b;
    And64: u64, u64 => u64, |a, b| a & b;
    Or64: u64, u64 => u64, |a, b| a | b;
    Xor64: u64, u64 => u64, |a, b| a ^ b;
    Shl32: u32, u32 => u32, |a, b| if b > 31 { 0 } else { a << (b & 31) };
    ShrU32: u32, u32 => u32, |a, b| if b > 31 { 0 } else { a >> (b & 31) };
    ShrS32: i32, u32 => i32, |a, b| a >> b.min(31);
    Shl64: u64, u32 => u64, |a, b| if b > 63 { 0 } else { a << (b & 63) };
    ShrU64: u64, u32 => u64, |a, b| if b > 63 { 0 } else { a >> (b & 63) };
    ShrS64: i64, u32 => i64, |a, b| a >> b.min(63);
    MinU32: u32, u32 => u32, |a, b| a.min(b);
    MaxU32: u32, u32 => u32, |a, b| a.max(b);
    MinS32: i32, i32 => i32, |a, b| a.min(b);
    MaxS32: i32, i32 => i32, |a, b| a.max(b);
    DivU32: u32, u32 => u32, |a, b| quotient(f64::from(a), f64::from(b.max(1))) as u32 | all_ones_if(b == 0);
    DivS32: i32, i32 => i32, |a, b| (quotient(f64::from(a), f64::from(if b == 0 { 1 } else { b })) as u32 | all_ones_if(b == 0)) as i32;
    RemU32: u32, u32 => u32, |a, b| {
        let q = quotient(f64::from(a), f64::from(b.max(1))) as u32;
        a.wrapping_sub(q.wrapping_mul(b)) | all_ones_if(b == 0)
    };
    RemS32: i32, i32 => i32, |a, b| {
        let q = quotient(f64::from(a), f64::from(if b == 0 { 1 } else { b })) as i32;
        a.wrapping_sub(q.wrapping_mul(b)) | all_ones_if(b == 0) as i32
    };
    Pack64: u32, u32 => u64, |a, b| u64::from(a) | u64::from(b) << 32;
    AddF32: f32, f32 => f32, |a, b| nan(a + b);
    SubF32: f32, f32 => f32, |a, b| nan(a - b);
    MulF32: f32, f32 => f32, |a, b| nan(a * b);
    DivF32: f32, f32 => f32, |a, b| nan(a / b);
    DivApproxF32: f32, f32 => f32, |a, b| nan(if b.abs() > DIV_LIMIT { a * 0f32.copysign(b) } else { a / b });
    MinF32: f32, f32 => f32, |a, b| nan(min_f32(a, b));
    MaxF32: f32, f32 => f32, |a, b| nan(-min_f32(-a, -b));
}

/// Divisors of `div.approx.f32` beyond 2^126 act like infinity (PTX ISA: a * (1/b)).
const DIV_LIMIT: f32 = f32::from_bits((126 + 127) << 23);

/// The quotient of two 32-bit integers, b not 0, toward zero. The binary64 quotient is never rounded up to an
/// integer: a / b is at least 1 / b away from the next one, relatively 1 / a > 2^-33, far more than 2^-53.
#[inline(always)]
fn quotient(a: f64, b: f64) -> i64 {
    // SAFETY: the quotient of 32-bit integers is finite and fits into 64 bits.
    unsafe { (a / b).to_int_unchecked() }
}

/// What NVIDIA GPUs give for division by zero (PTX leaves it open): see `scalar`.
#[inline(always)]
fn all_ones_if(zero: bool) -> u32 {
    0u32.wrapping_sub(u32::from(zero))
}

/// Whether one of them is NaN.
#[inline(always)]
fn unordered(a: f32, b: f32) -> bool {
    a.is_nan() | b.is_nan()
}

/// PTX min.f32: a NaN loses against a number, -0 is less than +0.
#[inline(always)]
fn min_f32(a: f32, b: f32) -> f32 {
    // Of two equal values the one with the sign bit set, if any: or-ing the bits of +-0 gives -0.
    let tie = f32::from_bits(a.to_bits() | b.to_bits());
    let m = if a < b {
        a
    } else if b < a {
        b
    } else {
        tie
    };
    let m = if a.is_nan() { b } else { m };
    if b.is_nan() { a } else { m }
}

op3! {
    LIST3:
    Mad32: u32, u32, u32 => u32, |a, b, c| a.wrapping_mul(b).wrapping_add(c);
    Mad64: u64, u64, u64 => u64, |a, b, c| a.wrapping_mul(b).wrapping_add(c);
    MadWideU32: u32, u32, u64 => u64, |a, b, c| (u64::from(a) * u64::from(b)).wrapping_add(c);
    MadWideS32: i32, i32, i64 => i64, |a, b, c| (i64::from(a) * i64::from(b)).wrapping_add(c);
    FmaF32: f32, f32, f32 => f32, |a, b, c| nan(a.mul_add(b, c));
    FmaF64: f64, f64, f64 => f64, |a, b, c| canonical_f64(a.mul_add(b, c));
}

/// The NaN that f64 arithmetic returns on NVIDIA GPUs.
#[inline(always)]
fn canonical_f64(x: f64) -> f64 {
    let bits = x.to_bits();
    let is_nan = bits & (u64::MAX >> 1) > 0x7ff0_0000_0000_0000;
    f64::from_bits(if is_nan { 0xfff8_0000_0000_0000 } else { bits })
}

op2! {
    LIST4:
    AddF64: f64, f64 => f64, |a, b| canonical_f64(a + b);
    SubF64: f64, f64 => f64, |a, b| canonical_f64(a - b);
    MulF64: f64, f64 => f64, |a, b| canonical_f64(a * b);
}

tests! {
    LIST5:
    Eq32: u32, |a, b| a == b;
    Ne32: u32, |a, b| a != b;
    LtU32: u32, |a, b| a < b;
    LeU32: u32, |a, b| a <= b;
    GtU32: u32, |a, b| a > b;
    GeU32: u32, |a, b| a >= b;
    LtS32: i32, |a, b| a < b;
    LeS32: i32, |a, b| a <= b;
    GtS32: i32, |a, b| a > b;
    GeS32: i32, |a, b| a >= b;
    Eq64: u64, |a, b| a == b;
    Ne64: u64, |a, b| a != b;
    LtU64: u64, |a, b| a < b;
    LeU64: u64, |a, b| a <= b;
    GtU64: u64, |a, b| a > b;
    GeU64: u64, |a, b| a >= b;
    LtS64: i64, |a, b| a < b;
    LeS64: i64, |a, b| a <= b;
    GtS64: i64, |a, b| a > b;
    GeS64: i64, |a, b| a >= b;
    EqF32: f32, |a, b| a == b;
    NeF32: f32, |a, b| (a < b) | (a > b);
    LtF32: f32, |a, b| a < b;
    LeF32: f32, |a, b| a <= b;
    GtF32: f32, |a, b| a > b;
    GeF32: f32, |a, b| a >= b;
    EquF32: f32, |a, b| !((a < b) | (a > b));
    NeuF32: f32, |a, b| a != b;
    LtuF32: f32, |a, b| (a < b) | unordered(a, b);
    LeuF32: f32, |a, b| (a <= b) | unordered(a, b);
    GtuF32: f32, |a, b| (a > b) | unordered(a, b);
    GeuF32: f32, |a, b| (a >= b) | unordered(a, b);
    NumF32: f32, |a, b| !unordered(a, b);
    NanF32: f32, |a, b| unordered(a, b);
}
