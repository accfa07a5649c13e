//! What an instruction on f32 computes, for those who look at the numbers.

use crate::VfFn;
use ptx::ast::{Instruction, Opcode, ScalarType};

/// What an instruction on f32 or `.vf32` computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // PTX names
pub enum Kind {
    Add,
    Sub,
    Mul,
    Div,
    Fma,
    Max,
    Min,
    Neg,
    Abs,
    Sqrt,
    Rcp,
    Rsqrt,
    Ex2,
    Lg2,
    Sin,
    Cos,
    Tanh,
    Cvt,
}

impl Kind {
    /// As PTX calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Add => "add",
            Kind::Sub => "sub",
            Kind::Mul => "mul",
            Kind::Div => "div",
            Kind::Fma => "fma",
            Kind::Max => "max",
            Kind::Min => "min",
            Kind::Neg => "neg",
            Kind::Abs => "abs",
            Kind::Sqrt => "sqrt",
            Kind::Rcp => "rcp",
            Kind::Rsqrt => "rsqrt",
            Kind::Ex2 => "ex2",
            Kind::Lg2 => "lg2",
            Kind::Sin => "sin",
            Kind::Cos => "cos",
            Kind::Tanh => "tanh",
            Kind::Cvt => "cvt",
        }
    }

    /// Operands.
    pub fn arity(self) -> usize {
        match self {
            Kind::Fma => 3,
            Kind::Add | Kind::Sub | Kind::Mul | Kind::Div | Kind::Max | Kind::Min => 2,
            _ => 1,
        }
    }

    /// The kind of an operation in a variable format; bit n of the number is set when T cuts operand n.
    pub fn of_variable(f: VfFn) -> Option<(Kind, u8)> {
        Some(match f {
            VfFn::Add => (Kind::Add, 3),
            VfFn::Sub => (Kind::Sub, 3),
            VfFn::Mul => (Kind::Mul, 3),
            VfFn::Div => (Kind::Div, 3),
            VfFn::Fma => (Kind::Fma, 7),
            VfFn::Fmam => (Kind::Fma, 3),
            VfFn::Addm => (Kind::Add, 2),
            VfFn::Max => (Kind::Max, 3),
            VfFn::Min => (Kind::Min, 3),
            VfFn::Neg => (Kind::Neg, 1),
            VfFn::Abs => (Kind::Abs, 1),
            VfFn::Sqrt => (Kind::Sqrt, 1),
            VfFn::Rsqrt => (Kind::Rsqrt, 1),
            VfFn::Rcp => (Kind::Rcp, 1),
            VfFn::Ex2 => (Kind::Ex2, 1),
            VfFn::Lg2 => (Kind::Lg2, 1),
            VfFn::Sin => (Kind::Sin, 1),
            VfFn::Cos => (Kind::Cos, 1),
            VfFn::Tanh => (Kind::Tanh, 1),
            VfFn::QuantizeF32 => (Kind::Cvt, 0),
            VfFn::Truncate | VfFn::QuantizeF64 | VfFn::QuantizeS64 | VfFn::QuantizeU64 | VfFn::Saturate => {
                return None;
            }
        })
    }
}

/// The kind of an instruction on plain f32, if it has one.
pub fn kind_of(i: &Instruction) -> Option<Kind> {
    let kind = match i.opcode {
        Opcode::Add => Kind::Add,
        Opcode::Sub => Kind::Sub,
        Opcode::Mul => Kind::Mul,
        Opcode::Div => Kind::Div,
        Opcode::Fma | Opcode::Mad => Kind::Fma,
        Opcode::Max => Kind::Max,
        Opcode::Min => Kind::Min,
        Opcode::Neg => Kind::Neg,
        Opcode::Abs => Kind::Abs,
        Opcode::Sqrt => Kind::Sqrt,
        Opcode::Rcp => Kind::Rcp,
        Opcode::Rsqrt => Kind::Rsqrt,
        Opcode::Ex2 => Kind::Ex2,
        Opcode::Lg2 => Kind::Lg2,
        Opcode::Sin => Kind::Sin,
        Opcode::Cos => Kind::Cos,
        Opcode::Tanh => Kind::Tanh,
        _ => return None,
    };
    i.types().all(|t| t == ScalarType::F32).then_some(kind)
}
