//! Which ordinary computing instructions are opcodes of their own: tables by opcode, modifiers and types. What is in none
//! of them goes through `scalar`.

use crate::AluOp;
use ptx::ast::{Instruction, Modifier, Opcode, ScalarType};

use Modifier as M;
use Opcode as O;
use ScalarType as T;

/// Types grouped by what an integer instruction does with them.
const INT32: &[T] = &[T::U32, T::S32, T::B32];
const INT64: &[T] = &[T::U64, T::S64, T::B64];
const U32: &[T] = &[T::U32, T::B32];
const U64: &[T] = &[T::U64, T::B64];

/// Opcode, modifiers that must all be there besides the types, types allowed, opcode. An instruction matches
/// when it has exactly these modifiers, up to [`NEUTRAL`] ones.
type Row = (Opcode, &'static [Modifier], &'static [ScalarType], AluOp);

/// Instructions with one type.
const FAST: &[Row] = &[
    (O::Add, &[], INT32, AluOp::Add32),
    (O::Sub, &[], INT32, AluOp::Sub32),
    (O::Mul, &[M::Lo], INT32, AluOp::Mul32),
    (O::Mul, &[M::Hi], &[T::U32], AluOp::MulHighU32),
    (O::Mul, &[M::Hi], &[T::S32], AluOp::MulHighS32),
    (O::Mul, &[M::Wide], &[T::U32], AluOp::MulWideU32),
    (O::Mul, &[M::Wide], &[T::S32], AluOp::MulWideS32),
    (O::Mad, &[M::Lo], INT32, AluOp::Mad32),
    (O::Mad, &[M::Wide], &[T::U32], AluOp::MadWideU32),
    (O::Mad, &[M::Wide], &[T::S32], AluOp::MadWideS32),
    (O::Add, &[], INT64, AluOp::Add64),
    (O::Sub, &[], INT64, AluOp::Sub64),
    (O::Mul, &[M::Lo], INT64, AluOp::Mul64),
    (O::Mad, &[M::Lo], INT64, AluOp::Mad64),
    (O::And, &[], INT32, AluOp::And32),
    (O::Or, &[], INT32, AluOp::Or32),
    (O::Xor, &[], INT32, AluOp::Xor32),
    (O::Not, &[], INT32, AluOp::Not32),
    (O::And, &[], INT64, AluOp::And64),
    (O::Or, &[], INT64, AluOp::Or64),
    (O::Xor, &[], INT64, AluOp::Xor64),
    (O::Not, &[], INT64, AluOp::Not64),
    (O::Shl, &[], INT32, AluOp::Shl32),
    (O::Shr, &[], U32, AluOp::ShrU32),
    (O::Shr, &[], &[T::S32], AluOp::ShrS32),
    (O::Shl, &[], INT64, AluOp::Shl64),
    (O::Shr, &[], U64, AluOp::ShrU64),
    (O::Shr, &[], &[T::S64], AluOp::ShrS64),
    (O::Div, &[], &[T::U32], AluOp::DivU32),
    (O::Div, &[], &[T::S32], AluOp::DivS32),
    (O::Rem, &[], &[T::U32], AluOp::RemU32),
    (O::Rem, &[], &[T::S32], AluOp::RemS32),
    (O::Min, &[], &[T::U32], AluOp::MinU32),
    (O::Max, &[], &[T::U32], AluOp::MaxU32),
    (O::Min, &[], &[T::S32], AluOp::MinS32),
    (O::Max, &[], &[T::S32], AluOp::MaxS32),
    (O::Neg, &[], &[T::S32], AluOp::Neg32),
    (O::Neg, &[], &[T::S64], AluOp::Neg64),
    (O::Abs, &[], &[T::S32], AluOp::Abs32),
    (O::Add, &[], &[T::F32], AluOp::AddF32),
    (O::Sub, &[], &[T::F32], AluOp::SubF32),
    (O::Mul, &[], &[T::F32], AluOp::MulF32),
    (O::Fma, &[], &[T::F32], AluOp::FmaF32),
    (O::Mad, &[], &[T::F32], AluOp::FmaF32),
    (O::Div, &[], &[T::F32], AluOp::DivF32),
    (O::Div, &[M::Full], &[T::F32], AluOp::DivF32),
    (O::Div, &[M::Approx], &[T::F32], AluOp::DivApproxF32),
    (O::Rcp, &[], &[T::F32], AluOp::RcpF32),
    (O::Rcp, &[M::Approx], &[T::F32], AluOp::RcpF32),
    (O::Sqrt, &[], &[T::F32], AluOp::SqrtF32),
    (O::Sqrt, &[M::Approx], &[T::F32], AluOp::SqrtF32),
    (O::Rsqrt, &[M::Approx], &[T::F32], AluOp::RsqrtF32),
    (O::Min, &[], &[T::F32], AluOp::MinF32),
    (O::Max, &[], &[T::F32], AluOp::MaxF32),
    (O::Neg, &[], &[T::F32], AluOp::NegF32),
    (O::Abs, &[], &[T::F32], AluOp::AbsF32),
    (O::Add, &[], &[T::F64], AluOp::AddF64),
    (O::Sub, &[], &[T::F64], AluOp::SubF64),
    (O::Mul, &[], &[T::F64], AluOp::MulF64),
    (O::Fma, &[], &[T::F64], AluOp::FmaF64),
];

/// Comparisons of setp.
const COMPARE: &[Row] = &[
    (O::Setp, &[M::Eq], &[T::U32, T::S32, T::B32], AluOp::Eq32),
    (O::Setp, &[M::Ne], &[T::U32, T::S32, T::B32], AluOp::Ne32),
    (O::Setp, &[M::Lt], &[T::U32], AluOp::LtU32),
    (O::Setp, &[M::Lo], &[T::U32], AluOp::LtU32),
    (O::Setp, &[M::Le], &[T::U32], AluOp::LeU32),
    (O::Setp, &[M::Ls], &[T::U32], AluOp::LeU32),
    (O::Setp, &[M::Gt], &[T::U32], AluOp::GtU32),
    (O::Setp, &[M::Hi], &[T::U32], AluOp::GtU32),
    (O::Setp, &[M::Ge], &[T::U32], AluOp::GeU32),
    (O::Setp, &[M::Hs], &[T::U32], AluOp::GeU32),
    (O::Setp, &[M::Lt], &[T::S32], AluOp::LtS32),
    (O::Setp, &[M::Le], &[T::S32], AluOp::LeS32),
    (O::Setp, &[M::Gt], &[T::S32], AluOp::GtS32),
    (O::Setp, &[M::Ge], &[T::S32], AluOp::GeS32),
    (O::Setp, &[M::Eq], &[T::U64, T::S64, T::B64], AluOp::Eq64),
    (O::Setp, &[M::Ne], &[T::U64, T::S64, T::B64], AluOp::Ne64),
    (O::Setp, &[M::Lt], &[T::U64], AluOp::LtU64),
    (O::Setp, &[M::Le], &[T::U64], AluOp::LeU64),
    (O::Setp, &[M::Gt], &[T::U64], AluOp::GtU64),
    (O::Setp, &[M::Ge], &[T::U64], AluOp::GeU64),
    (O::Setp, &[M::Lt], &[T::S64], AluOp::LtS64),
    (O::Setp, &[M::Le], &[T::S64], AluOp::LeS64),
    (O::Setp, &[M::Gt], &[T::S64], AluOp::GtS64),
    (O::Setp, &[M::Ge], &[T::S64], AluOp::GeS64),
    (O::Setp, &[M::Eq], &[T::F32], AluOp::EqF32),
    (O::Setp, &[M::Ne], &[T::F32], AluOp::NeF32),
    (O::Setp, &[M::Lt], &[T::F32], AluOp::LtF32),
    (O::Setp, &[M::Le], &[T::F32], AluOp::LeF32),
    (O::Setp, &[M::Gt], &[T::F32], AluOp::GtF32),
    (O::Setp, &[M::Ge], &[T::F32], AluOp::GeF32),
    (O::Setp, &[M::Equ], &[T::F32], AluOp::EquF32),
    (O::Setp, &[M::Neu], &[T::F32], AluOp::NeuF32),
    (O::Setp, &[M::Ltu], &[T::F32], AluOp::LtuF32),
    (O::Setp, &[M::Leu], &[T::F32], AluOp::LeuF32),
    (O::Setp, &[M::Gtu], &[T::F32], AluOp::GtuF32),
    (O::Setp, &[M::Geu], &[T::F32], AluOp::GeuF32),
    (O::Setp, &[M::Num], &[T::F32], AluOp::NumF32),
    (O::Setp, &[M::Nan], &[T::F32], AluOp::NanF32),
];

/// A conversion: destination types, source types, modifiers, code.
type Conversion = (
    &'static [ScalarType],
    &'static [ScalarType],
    &'static [Modifier],
    AluOp,
);

/// Conversions.
const CONVERT: &[Conversion] = &[
    (INT64, &[T::U32], &[], AluOp::ZeroExtend32),
    (INT64, &[T::S32], &[], AluOp::SignExtend32),
    (INT32, INT64, &[], AluOp::Truncate64),
    (INT32, INT32, &[], AluOp::Mov32),
    (INT64, INT64, &[], AluOp::Mov64),
    (INT32, &[T::U16], &[], AluOp::ZeroExtend16),
    (INT32, &[T::S16], &[], AluOp::SignExtend16),
    (INT32, &[T::U8], &[], AluOp::ZeroExtend8),
    (INT32, &[T::S8], &[], AluOp::SignExtend8),
    (&[T::U16], INT32, &[], AluOp::ZeroExtend16),
    (&[T::F32], &[T::S32], &[M::Rn], AluOp::F32OfS32),
    (&[T::F32], &[T::U32], &[M::Rn], AluOp::F32OfU32),
    (&[T::F64], &[T::S32], &[M::Rn], AluOp::F64OfS32),
    (&[T::F64], &[T::F32], &[], AluOp::F64OfF32),
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

/// The opcode of a plain computing instruction on `ty`.
pub fn fast(i: &Instruction, ty: ScalarType) -> Option<AluOp> {
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

/// The opcode of the comparison `c` on `ty`.
pub fn comparison(c: Modifier, ty: ScalarType) -> Option<AluOp> {
    COMPARE
        .iter()
        .find(|(_, m, types, _)| m[0] == c && types.contains(&ty))
        .map(|(.., alu)| *alu)
}

/// The opcode of the conversion `i`.
pub fn conversion(i: &Instruction, to: ScalarType, from: ScalarType) -> Option<AluOp> {
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
