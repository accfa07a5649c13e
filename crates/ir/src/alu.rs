//! Computing instructions that every back end has a short form of: what they read and write. Their meaning in one lane
//! is that of the PTX instruction of the same name; `exec::scalar` defines it.

use crate::Class;

macro_rules! alu_ops {
    ($($name:ident($($src:ident),*) -> $dst:ident;)*) => {
        /// An arithmetic instruction or comparison, with the types of its operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)] // PTX names
        pub enum AluOp { $($name),* }
        impl AluOp {
            /// Every one, in the order of the numbers that `as usize` gives.
            pub const ALL: &'static [AluOp] = &[$(AluOp::$name),*];
            /// Its name: `MulWideU32`.
            pub const fn name(self) -> &'static str {
                match self { $(AluOp::$name => stringify!($name)),* }
            }
            /// Class of the destination.
            pub const fn dst(self) -> Class {
                match self { $(AluOp::$name => Class::$dst),* }
            }
            /// Classes of the sources.
            pub const fn src(self) -> &'static [Class] {
                match self { $(AluOp::$name => &[$(Class::$src),*]),* }
            }
        }
    };
}

alu_ops! {
    Mov32(W32) -> W32;
    Mov64(W64) -> W64;
    Not32(W32) -> W32;
    Not64(W64) -> W64;
    Neg32(W32) -> W32;
    Neg64(W64) -> W64;
    Abs32(W32) -> W32;
    NegF32(W32) -> W32;
    AbsF32(W32) -> W32;
    ZeroExtend8(W32) -> W32;
    ZeroExtend16(W32) -> W32;
    SignExtend8(W32) -> W32;
    SignExtend16(W32) -> W32;
    ZeroExtend32(W32) -> W64;
    SignExtend32(W32) -> W64;
    Truncate64(W64) -> W32;
    High64(W64) -> W32;
    F32OfS32(W32) -> W32;
    F32OfU32(W32) -> W32;
    F64OfS32(W32) -> W64;
    F64OfF32(W32) -> W64;
    RcpF32(W32) -> W32;
    SqrtF32(W32) -> W32;
    RsqrtF32(W32) -> W32;
    Add32(W32, W32) -> W32;
    Sub32(W32, W32) -> W32;
    Mul32(W32, W32) -> W32;
    Add64(W64, W64) -> W64;
    Sub64(W64, W64) -> W64;
    Mul64(W64, W64) -> W64;
    MulWideU32(W32, W32) -> W64;
    MulWideS32(W32, W32) -> W64;
    MulHighU32(W32, W32) -> W32;
    MulHighS32(W32, W32) -> W32;
    And32(W32, W32) -> W32;
    Or32(W32, W32) -> W32;
    Xor32(W32, W32) -> W32;
    And64(W64, W64) -> W64;
    Or64(W64, W64) -> W64;
    Xor64(W64, W64) -> W64;
    Shl32(W32, W32) -> W32;
    ShrU32(W32, W32) -> W32;
    ShrS32(W32, W32) -> W32;
    Shl64(W64, W32) -> W64;
    ShrU64(W64, W32) -> W64;
    ShrS64(W64, W32) -> W64;
    MinU32(W32, W32) -> W32;
    MaxU32(W32, W32) -> W32;
    MinS32(W32, W32) -> W32;
    MaxS32(W32, W32) -> W32;
    DivU32(W32, W32) -> W32;
    DivS32(W32, W32) -> W32;
    RemU32(W32, W32) -> W32;
    RemS32(W32, W32) -> W32;
    Pack64(W32, W32) -> W64;
    AddF32(W32, W32) -> W32;
    SubF32(W32, W32) -> W32;
    MulF32(W32, W32) -> W32;
    DivF32(W32, W32) -> W32;
    DivApproxF32(W32, W32) -> W32;
    MinF32(W32, W32) -> W32;
    MaxF32(W32, W32) -> W32;
    Mad32(W32, W32, W32) -> W32;
    Mad64(W64, W64, W64) -> W64;
    MadWideU32(W32, W32, W64) -> W64;
    MadWideS32(W32, W32, W64) -> W64;
    FmaF32(W32, W32, W32) -> W32;
    FmaF64(W64, W64, W64) -> W64;
    AddF64(W64, W64) -> W64;
    SubF64(W64, W64) -> W64;
    MulF64(W64, W64) -> W64;
    Eq32(W32, W32) -> Pred;
    Ne32(W32, W32) -> Pred;
    LtU32(W32, W32) -> Pred;
    LeU32(W32, W32) -> Pred;
    GtU32(W32, W32) -> Pred;
    GeU32(W32, W32) -> Pred;
    LtS32(W32, W32) -> Pred;
    LeS32(W32, W32) -> Pred;
    GtS32(W32, W32) -> Pred;
    GeS32(W32, W32) -> Pred;
    Eq64(W64, W64) -> Pred;
    Ne64(W64, W64) -> Pred;
    LtU64(W64, W64) -> Pred;
    LeU64(W64, W64) -> Pred;
    GtU64(W64, W64) -> Pred;
    GeU64(W64, W64) -> Pred;
    LtS64(W64, W64) -> Pred;
    LeS64(W64, W64) -> Pred;
    GtS64(W64, W64) -> Pred;
    GeS64(W64, W64) -> Pred;
    EqF32(W32, W32) -> Pred;
    NeF32(W32, W32) -> Pred;
    LtF32(W32, W32) -> Pred;
    LeF32(W32, W32) -> Pred;
    GtF32(W32, W32) -> Pred;
    GeF32(W32, W32) -> Pred;
    EquF32(W32, W32) -> Pred;
    NeuF32(W32, W32) -> Pred;
    LtuF32(W32, W32) -> Pred;
    LeuF32(W32, W32) -> Pred;
    GtuF32(W32, W32) -> Pred;
    GeuF32(W32, W32) -> Pred;
    NumF32(W32, W32) -> Pred;
    NanF32(W32, W32) -> Pred;
}
