//! The meaning of every ordinary PTX computing instruction, one lane at a time: the readable reference that
//! the engine calls for rare instructions and holds its vector loops to. What moves data between lanes,
//! memory or predicate registers, the boolean part of `set`/`setp`, the carry flag, `selp` and `.vf32` are
//! not here. Nothing here may panic, whatever the operands, and nothing may depend on the machine.
//!
//! | file | what |
//! |---|---|
//! | `exact` | numbers in integers, and the one rounding function |
//! | `ieee` | `f32` and `f64` arithmetic in every rounding mode |
//! | `half` | `f16`, `bf16` and FP8 |
//! | `int`, `logic` | integer arithmetic; bits and bytes |
//! | `float` | floating-point instructions over the types above |
//! | `compare` | `set`, `setp`, `slct`, `testp`, `min`, `max` |
//! | `convert` | `cvt` |

// The tables below name a type or a constant for each case and use it in one expression.
macro_rules! with_type {
    ($ty:expr, [$($variant:ident $rust:ty),*], $T:ident => $result:expr) => {
        match $ty {
            $(ScalarType::$variant => { type $T = $rust; Some($result) })*
            _ => None,
        }
    };
}
macro_rules! with_int {
    ($ty:expr, $T:ident => $result:expr) => {
        with_type!($ty, [U16 u16, S16 i16, U32 u32, S32 i32, U64 u64, S64 i64], $T => $result)
    };
}
macro_rules! with_bits {
    ($ty:expr, $T:ident => $result:expr) => {
        with_type!($ty, [B16 u16, B32 u32, B64 u64], $T => $result)
    };
}
macro_rules! with_const {
    ($value:expr, [$($case:expr),*], $N:ident: $t:ty => $result:expr) => {{
        let value: $t = $value;
        $(if value == $case { const $N: $t = $case; Some($result) } else)* { None }
    }};
}
macro_rules! with_bool {
    ($value:expr, $N:ident => $result:expr) => {
        if $value {
            const $N: bool = true;
            $result
        } else {
            const $N: bool = false;
            $result
        }
    };
}
macro_rules! with_mode {
    ($value:expr, $N:ident => $result:expr) => {
        with_const!($value, [exact::RN, exact::RZ, exact::RM, exact::RP], $N: u8 => $result)
    };
}

mod compare;
mod convert;
pub mod exact;
mod float;
pub mod half;
pub mod ieee;
mod int;
mod logic;
#[cfg(test)]
mod tests;

use ir::translate::Signature;
use ptx::ast::{Instruction, Modifier, Opcode, ScalarType};

use half::{Bfloat16, Binary16, Fp8E4m3, Fp8E5m2};

/// What an instruction computes in one lane.
///
/// Operands and results are raw register bits, zero-extended to 64 bits: a 16-bit register in the low 16
/// bits, an `f32` in the low 32, an `s32` as its two's complement in the low 32. Operand bits above the
/// instruction's type are ignored. One exception for results: `cvt` to a signed type narrower than 64 bits
/// gives the number in 64 bits, so that a destination register wider than the type is sign-extended as PTX
/// says; the caller keeps as many low bits as its register has.
#[derive(Clone, Copy, Debug)]
pub enum ScalarOp {
    /// One operand.
    F1(fn(u64) -> u64),
    /// Two operands.
    F2(fn(u64, u64) -> u64),
    /// Three operands.
    F3(fn(u64, u64, u64) -> u64),
    /// Four operands: `bfi`, `lop3`.
    F4(fn(u64, u64, u64, u64) -> u64),
    /// A predicate of one operand: `testp`.
    P1(fn(u64) -> bool),
    /// A predicate of two operands: `setp`.
    P2(fn(u64, u64) -> bool),
}

/// How many sources `inst` reads, and whether its result is a predicate.
///
/// # Errors
/// As for [`scalar_op`].
pub fn signature(inst: &Instruction) -> Result<Signature, String> {
    let (sources, predicate) = match scalar_op(inst)? {
        ScalarOp::F1(_) => (1, false),
        ScalarOp::F2(_) => (2, false),
        ScalarOp::F3(_) => (3, false),
        ScalarOp::F4(_) => (4, false),
        ScalarOp::P1(_) => (1, true),
        ScalarOp::P2(_) => (2, true),
    };
    Ok(Signature { sources, predicate })
}

/// What `inst` computes, or a short reason why there is nothing here for it, "`.rz` with `add.rz.f16`" say.
///
/// * `set` gives the number that the comparison alone gives; with a boolean operation its truth is `!= 0`.
/// * `setp` gives the comparison alone; on a packed type that of the low halves (shift both operands right
///   by 16 for the high ones).
/// * `lop3.and` and the like give the number; the predicate is the caller's.
pub fn scalar_op(inst: &Instruction) -> Result<ScalarOp, String> {
    let form = Form::new(inst)?;
    for rule in [
        int::scalar_op,
        logic::scalar_op,
        float::scalar_op,
        compare::scalar_op,
        convert::scalar_op,
    ] {
        if let Some(op) = rule(&form)? {
            return Ok(op);
        }
    }
    Err(match inst.modifiers.last() {
        Some(last) => format!("no meaning for `{}` with `.{last}`", inst.mnemonic()),
        None => format!("no meaning for `{}` without a type", inst.mnemonic()),
    })
}

/// What a rule answers: the operation; `None` if it does not know this opcode with this type; or a modifier
/// that it does not allow.
type Found = Result<Option<ScalarOp>, String>;

/// No change to the result.
const AS_IS: u8 = 0;
/// `.sat`
const SAT: u8 = 1;
/// `.relu`
const RELU: u8 = 2;
/// `.satfinite`
const FINITE: u8 = 3;
/// `.relu.satfinite`
const RELU_FINITE: u8 = 4;

/// An instruction, taken apart.
struct Form<'a> {
    inst: &'a Instruction,
    opcode: Opcode,
    /// The first type.
    ty: ScalarType,
    /// The second type, or the first again.
    source: ScalarType,
    /// Rounding mode, to nearest if none is written.
    mode: u8,
    ftz: bool,
    /// `AS_IS`, `SAT`, ...
    post: u8,
}

impl<'a> Form<'a> {
    fn new(inst: &'a Instruction) -> Result<Form<'a>, String> {
        let mut types = inst.types();
        let ty = types
            .next()
            .ok_or_else(|| format!("no type in `{}`", inst.mnemonic()))?;
        let modes = [
            (Modifier::Rz, exact::RZ),
            (Modifier::Rzi, exact::RZ),
            (Modifier::Rm, exact::RM),
            (Modifier::Rmi, exact::RM),
            (Modifier::Rp, exact::RP),
            (Modifier::Rpi, exact::RP),
            (Modifier::Rna, exact::RNA),
        ];
        let post = match (
            inst.has(Modifier::Sat),
            inst.has(Modifier::Relu),
            inst.has(Modifier::Satfinite),
        ) {
            (false, false, false) => AS_IS,
            (true, false, false) => SAT,
            (false, true, false) => RELU,
            (false, false, true) => FINITE,
            (false, true, true) => RELU_FINITE,
            _ => return Err(format!("`.sat` with another bound in `{}`", inst.mnemonic())),
        };
        Ok(Form {
            inst,
            opcode: inst.opcode,
            ty,
            source: types.next().unwrap_or(ty),
            mode: modes
                .iter()
                .find(|(m, _)| inst.has(*m))
                .map_or(exact::RN, |(_, mode)| *mode),
            ftz: inst.has(Modifier::Ftz),
            post,
        })
    }

    fn has(&self, modifier: Modifier) -> bool {
        self.inst.has(modifier)
    }

    /// Refuses every modifier that is neither a type nor among the `allowed` words.
    fn only(&self, allowed: &str) -> Result<(), String> {
        let known = |m: &Modifier| allowed.split(' ').any(|word| word.eq_ignore_ascii_case(m.text()));
        let mut words = self
            .inst
            .modifiers
            .iter()
            .filter(|m| !matches!(m, Modifier::Type(_)));
        let stranger = words.find(|m| !known(m));
        match stranger {
            Some(m) => Err(format!("`.{m}` with `{}.{}`", self.opcode, self.ty)),
            None => Ok(()),
        }
    }
}

/// A type that lies in the low bits of a register.
trait Bits: Copy {
    fn of(bits: u64) -> Self;
    fn bits(self) -> u64;
}
macro_rules! bits {
    ($($t:ty: $unsigned:ty),*) => { $(impl Bits for $t {
        #[inline(always)]
        fn of(bits: u64) -> Self { bits as $t }
        #[inline(always)]
        fn bits(self) -> u64 { self as $unsigned as u64 }
    })* };
}
bits!(u8: u8, u16: u16, u32: u32, u64: u64, i8: u8, i16: u16, i32: u32, i64: u64);
macro_rules! float_bits {
    ($($t:ty: $unsigned:ty),*) => { $(impl Bits for $t {
        #[inline(always)]
        fn of(bits: u64) -> Self { <$t>::from_bits(bits as $unsigned) }
        #[inline(always)]
        fn bits(self) -> u64 { self.to_bits() as u64 }
    })* };
}
float_bits!(f32: u32, f64: u64);
macro_rules! code_bits {
    ($($t:ident: $unsigned:ty),*) => { $(impl Bits for $t {
        #[inline(always)]
        fn of(bits: u64) -> Self { $t(bits as $unsigned) }
        #[inline(always)]
        fn bits(self) -> u64 { self.0 as u64 }
    })* };
}
code_bits!(Binary16: u16, Bfloat16: u16, Fp8E4m3: u8, Fp8E5m2: u8);

/// `F1` of a function of one type.
macro_rules! f1 {
    ($t:ty, $f:expr) => {
        ScalarOp::F1(|a| {
            let f: fn($t) -> _ = $f;
            Bits::bits(f(Bits::of(a)))
        })
    };
}
/// `F2` of a function of one type.
macro_rules! f2 {
    ($t:ty, $f:expr) => {
        ScalarOp::F2(|a, b| {
            let f: fn($t, $t) -> _ = $f;
            Bits::bits(f(Bits::of(a), Bits::of(b)))
        })
    };
}
/// `F3` of a function of one type.
macro_rules! f3 {
    ($t:ty, $f:expr) => {
        ScalarOp::F3(|a, b, c| {
            let f: fn($t, $t, $t) -> _ = $f;
            Bits::bits(f(Bits::of(a), Bits::of(b), Bits::of(c)))
        })
    };
}
use {code_bits, f1, f2, f3};

/// A function on both 16-bit halves of 32-bit registers: of the shift that brings a half down.
#[inline(always)]
fn halves(f: impl Fn(u32) -> u64) -> u64 {
    f(0) | f(16) << 16
}
