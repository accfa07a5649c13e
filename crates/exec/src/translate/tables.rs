//! Which ordinary computing instructions have SIMD code: tables by opcode, modifiers and types. What is in none
//! of them goes through `scalar`.

use crate::alu;
use crate::lanes::{Alu, Coded};
use ptx::ast::{Instruction, Modifier, Opcode, ScalarType};

use Modifier as M;
use Opcode as O;
use ScalarType as T;

/// Types grouped by what an integer instruction does with them.
const INT32: &[T] = &[T::U32, T::S32, T::B32];
const INT64: &[T] = &[T::U64, T::S64, T::B64];
const U32: &[T] = &[T::U32, T::B32];
const U64: &[T] = &[T::U64, T::B64];

/// Opcode, modifiers that must all be there besides the types, types allowed, code. An instruction matches
/// when it has exactly these modifiers, up to [`NEUTRAL`] ones.
type Row = (Opcode, &'static [Modifier], &'static [ScalarType], &'static Alu);

/// Instructions with one type.
const FAST: &[Row] = &[
    (O::Add, &[], INT32, alu::Add32::ALU),
    (O::Sub, &[], INT32, alu::Sub32::ALU),
    (O::Mul, &[M::Lo], INT32, alu::Mul32::ALU),
    (O::Mul, &[M::Hi], &[T::U32], alu::MulHighU32::ALU),
    (O::Mul, &[M::Hi], &[T::S32], alu::MulHighS32::ALU),
    (O::Mul, &[M::Wide], &[T::U32], alu::MulWideU32::ALU),
    (O::Mul, &[M::Wide], &[T::S32], alu::MulWideS32::ALU),
    (O::Mad, &[M::Lo], INT32, alu::Mad32::ALU),
    (O::Mad, &[M::Wide], &[T::U32], alu::MadWideU32::ALU),
    (O::Mad, &[M::Wide], &[T::S32], alu::MadWideS32::ALU),
    (O::Add, &[], INT64, alu::Add64::ALU),
    (O::Sub, &[], INT64, alu::Sub64::ALU),
    (O::Mul, &[M::Lo], INT64, alu::Mul64::ALU),
    (O::Mad, &[M::Lo], INT64, alu::Mad64::ALU),
    (O::And, &[], INT32, alu::And32::ALU),
    (O::Or, &[], INT32, alu::Or32::ALU),
    (O::Xor, &[], INT32, alu::Xor32::ALU),
    (O::Not, &[], INT32, alu::Not32::ALU),
    (O::And, &[], INT64, alu::And64::ALU),
    (O::Or, &[], INT64, alu::Or64::ALU),
    (O::Xor, &[], INT64, alu::Xor64::ALU),
    (O::Not, &[], INT64, alu::Not64::ALU),
    (O::Shl, &[], INT32, alu::Shl32::ALU),
    (O::Shr, &[], U32, alu::ShrU32::ALU),
    (O::Shr, &[], &[T::S32], alu::ShrS32::ALU),
    (O::Shl, &[], INT64, alu::Shl64::ALU),
    (O::Shr, &[], U64, alu::ShrU64::ALU),
    (O::Shr, &[], &[T::S64], alu::ShrS64::ALU),
    (O::Div, &[], &[T::U32], alu::DivU32::ALU),
    (O::Div, &[], &[T::S32], alu::DivS32::ALU),
    (O::Rem, &[], &[T::U32], alu::RemU32::ALU),
    (O::Rem, &[], &[T::S32], alu::RemS32::ALU),
    (O::Min, &[], &[T::U32], alu::MinU32::ALU),
    (O::Max, &[], &[T::U32], alu::MaxU32::ALU),
    (O::Min, &[], &[T::S32], alu::MinS32::ALU),
    (O::Max, &[], &[T::S32], alu::MaxS32::ALU),
    (O::Neg, &[], &[T::S32], alu::Neg32::ALU),
    (O::Neg, &[], &[T::S64], alu::Neg64::ALU),
    (O::Abs, &[], &[T::S32], alu::Abs32::ALU),
    (O::Add, &[], &[T::F32], alu::AddF32::ALU),
    (O::Sub, &[], &[T::F32], alu::SubF32::ALU),
    (O::Mul, &[], &[T::F32], alu::MulF32::ALU),
    (O::Fma, &[], &[T::F32], alu::FmaF32::ALU),
    (O::Mad, &[], &[T::F32], alu::FmaF32::ALU),
    (O::Div, &[], &[T::F32], alu::DivF32::ALU),
    (O::Div, &[M::Full], &[T::F32], alu::DivF32::ALU),
    (O::Div, &[M::Approx], &[T::F32], alu::DivApproxF32::ALU),
    (O::Rcp, &[], &[T::F32], alu::RcpF32::ALU),
    (O::Rcp, &[M::Approx], &[T::F32], alu::RcpF32::ALU),
    (O::Sqrt, &[], &[T::F32], alu::SqrtF32::ALU),
    (O::Sqrt, &[M::Approx], &[T::F32], alu::SqrtF32::ALU),
    (O::Rsqrt, &[M::Approx], &[T::F32], alu::RsqrtF32::ALU),
    (O::Min, &[], &[T::F32], alu::MinF32::ALU),
    (O::Max, &[], &[T::F32], alu::MaxF32::ALU),
    (O::Neg, &[], &[T::F32], alu::NegF32::ALU),
    (O::Abs, &[], &[T::F32], alu::AbsF32::ALU),
    (O::Add, &[], &[T::F64], alu::AddF64::ALU),
    (O::Sub, &[], &[T::F64], alu::SubF64::ALU),
    (O::Mul, &[], &[T::F64], alu::MulF64::ALU),
    (O::Fma, &[], &[T::F64], alu::FmaF64::ALU),
];

/// Comparisons of setp.
const COMPARE: &[Row] = &[
    (O::Setp, &[M::Eq], &[T::U32, T::S32, T::B32], alu::Eq32::ALU),
    (O::Setp, &[M::Ne], &[T::U32, T::S32, T::B32], alu::Ne32::ALU),
    (O::Setp, &[M::Lt], &[T::U32], alu::LtU32::ALU),
    (O::Setp, &[M::Lo], &[T::U32], alu::LtU32::ALU),
    (O::Setp, &[M::Le], &[T::U32], alu::LeU32::ALU),
    (O::Setp, &[M::Ls], &[T::U32], alu::LeU32::ALU),
    (O::Setp, &[M::Gt], &[T::U32], alu::GtU32::ALU),
    (O::Setp, &[M::Hi], &[T::U32], alu::GtU32::ALU),
    (O::Setp, &[M::Ge], &[T::U32], alu::GeU32::ALU),
    (O::Setp, &[M::Hs], &[T::U32], alu::GeU32::ALU),
    (O::Setp, &[M::Lt], &[T::S32], alu::LtS32::ALU),
    (O::Setp, &[M::Le], &[T::S32], alu::LeS32::ALU),
    (O::Setp, &[M::Gt], &[T::S32], alu::GtS32::ALU),
    (O::Setp, &[M::Ge], &[T::S32], alu::GeS32::ALU),
    (O::Setp, &[M::Eq], &[T::U64, T::S64, T::B64], alu::Eq64::ALU),
    (O::Setp, &[M::Ne], &[T::U64, T::S64, T::B64], alu::Ne64::ALU),
    (O::Setp, &[M::Lt], &[T::U64], alu::LtU64::ALU),
    (O::Setp, &[M::Le], &[T::U64], alu::LeU64::ALU),
    (O::Setp, &[M::Gt], &[T::U64], alu::GtU64::ALU),
    (O::Setp, &[M::Ge], &[T::U64], alu::GeU64::ALU),
    (O::Setp, &[M::Lt], &[T::S64], alu::LtS64::ALU),
    (O::Setp, &[M::Le], &[T::S64], alu::LeS64::ALU),
    (O::Setp, &[M::Gt], &[T::S64], alu::GtS64::ALU),
    (O::Setp, &[M::Ge], &[T::S64], alu::GeS64::ALU),
    (O::Setp, &[M::Eq], &[T::F32], alu::EqF32::ALU),
    (O::Setp, &[M::Ne], &[T::F32], alu::NeF32::ALU),
    (O::Setp, &[M::Lt], &[T::F32], alu::LtF32::ALU),
    (O::Setp, &[M::Le], &[T::F32], alu::LeF32::ALU),
    (O::Setp, &[M::Gt], &[T::F32], alu::GtF32::ALU),
    (O::Setp, &[M::Ge], &[T::F32], alu::GeF32::ALU),
    (O::Setp, &[M::Equ], &[T::F32], alu::EquF32::ALU),
    (O::Setp, &[M::Neu], &[T::F32], alu::NeuF32::ALU),
    (O::Setp, &[M::Ltu], &[T::F32], alu::LtuF32::ALU),
    (O::Setp, &[M::Leu], &[T::F32], alu::LeuF32::ALU),
    (O::Setp, &[M::Gtu], &[T::F32], alu::GtuF32::ALU),
    (O::Setp, &[M::Geu], &[T::F32], alu::GeuF32::ALU),
    (O::Setp, &[M::Num], &[T::F32], alu::NumF32::ALU),
    (O::Setp, &[M::Nan], &[T::F32], alu::NanF32::ALU),
];

/// A conversion: destination types, source types, modifiers, code.
type Conversion = (
    &'static [ScalarType],
    &'static [ScalarType],
    &'static [Modifier],
    &'static Alu,
);

/// Conversions.
const CONVERT: &[Conversion] = &[
    (INT64, &[T::U32], &[], alu::ZeroExtend32::ALU),
    (INT64, &[T::S32], &[], alu::SignExtend32::ALU),
    (INT32, INT64, &[], alu::Truncate64::ALU),
    (INT32, INT32, &[], alu::Mov32::ALU),
    (INT64, INT64, &[], alu::Mov64::ALU),
    (INT32, &[T::U16], &[], alu::ZeroExtend16::ALU),
    (INT32, &[T::S16], &[], alu::SignExtend16::ALU),
    (INT32, &[T::U8], &[], alu::ZeroExtend8::ALU),
    (INT32, &[T::S8], &[], alu::SignExtend8::ALU),
    (&[T::U16], INT32, &[], alu::ZeroExtend16::ALU),
    (&[T::F32], &[T::S32], &[M::Rn], alu::F32OfS32::ALU),
    (&[T::F32], &[T::U32], &[M::Rn], alu::F32OfU32::ALU),
    (&[T::F64], &[T::S32], &[M::Rn], alu::F64OfS32::ALU),
    (&[T::F64], &[T::F32], &[], alu::F64OfF32::ALU),
];

/// Modifiers that change nothing (`.rn` is how IEEE arithmetic rounds by default).
fn neutral(i: &Instruction, m: Modifier) -> bool {
    match m {
        M::Type(_) | M::Uni => true,
        M::Rn => matches!(
            i.opcode,
            O::Add | O::Sub | O::Mul | O::Mad | O::Fma | O::Div | O::Rcp | O::Sqrt
        ),
        _ => false,
    }
}

/// The SIMD code of a plain computing instruction on `ty`.
pub fn fast(i: &Instruction, ty: ScalarType) -> Option<&'static Alu> {
    FAST.iter()
        .find(|(opcode, modifiers, types, _)| {
            *opcode == i.opcode
                && types.contains(&ty)
                && modifiers.iter().all(|m| i.has(*m))
                && i.modifiers
                    .iter()
                    .all(|m| neutral(i, *m) || modifiers.contains(m))
        })
        .map(|(.., alu)| *alu)
}

/// The comparison modifiers of set and setp.
pub const COMPARISONS: &[Modifier] = &[
    M::Eq,
    M::Ne,
    M::Lt,
    M::Le,
    M::Gt,
    M::Ge,
    M::Lo,
    M::Ls,
    M::Hi,
    M::Hs,
    M::Equ,
    M::Neu,
    M::Ltu,
    M::Leu,
    M::Gtu,
    M::Geu,
    M::Num,
    M::Nan,
];

/// The SIMD code of the comparison `c` on `ty`.
pub fn comparison(c: Modifier, ty: ScalarType) -> Option<&'static Alu> {
    COMPARE
        .iter()
        .find(|(_, m, types, _)| m[0] == c && types.contains(&ty))
        .map(|(.., alu)| *alu)
}

/// The SIMD code of the conversion `i`.
pub fn conversion(i: &Instruction, to: ScalarType, from: ScalarType) -> Option<&'static Alu> {
    CONVERT
        .iter()
        .find(|(d, s, modifiers, _)| {
            d.contains(&to)
                && s.contains(&from)
                && modifiers.iter().all(|m| i.has(*m))
                && i.modifiers
                    .iter()
                    .all(|m| matches!(m, M::Type(_)) || modifiers.contains(m))
        })
        .map(|(.., alu)| *alu)
}
