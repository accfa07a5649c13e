//! Which instructions are observed, and what must be known of one to judge its results.

use crate::ir::{Origin, VfFn};
use crate::program::Element;
use ptx::ast::{Instruction, Opcode, ScalarType};
use vfloat::Format;

/// What an observed instruction computes.
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

/// How results of a kind are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A sum of two terms.
    Sum,
    /// A product plus a term.
    ProductSum,
    /// A product.
    Product,
    /// A quotient; of one operand, its reciprocal.
    Quotient,
    /// A square root.
    Root,
    /// A function whose exact value is not known here.
    Function,
    /// An operand as it is, but for its sign and the cut to the format.
    Choice,
    /// An operand, rounded.
    Rounding,
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

    pub(crate) fn shape(self) -> Shape {
        match self {
            Kind::Add | Kind::Sub => Shape::Sum,
            Kind::Fma => Shape::ProductSum,
            Kind::Mul => Shape::Product,
            Kind::Div | Kind::Rcp => Shape::Quotient,
            Kind::Sqrt => Shape::Root,
            Kind::Max | Kind::Min | Kind::Neg | Kind::Abs => Shape::Choice,
            Kind::Cvt => Shape::Rounding,
            _ => Shape::Function,
        }
    }

    /// The kind of an operation in a variable format; bit n of the number is set when T cuts operand n.
    pub(crate) fn of_variable(f: VfFn) -> Option<(Kind, u8)> {
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

/// The kind of an instruction on plain f32, if it is observed.
pub(crate) fn kind_of(i: &Instruction) -> Option<Kind> {
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

/// What of a format matters for judging results; magnitudes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// Bits of significand.
    pub precision: u32,
    /// Smallest normal value.
    pub min_normal: f64,
    /// Smallest positive value.
    pub min: f64,
    /// Largest finite value.
    pub max: f64,
    /// Exact results from here on overflow.
    pub(crate) limit: f64,
}

impl Facts {
    pub(crate) fn of(f: Format) -> Facts {
        // Half a unit in the last place beyond the largest value, where rounding to nearest leaves the range.
        let unit = 2f64.powi(f.max().log2().floor() as i32 + 1 - f.precision() as i32);
        Facts {
            precision: f.precision(),
            min_normal: f.min_normal(),
            min: f.min_subnormal(),
            max: f.max(),
            limit: f.max() + 0.5 * unit,
        }
    }
}

/// An observed instruction of a program.
pub(crate) struct Site {
    /// What it computes.
    pub kind: Kind,
    /// Where its operands lie.
    pub src: Vec<Element>,
    /// Where its result lies.
    pub dst: Element,
    /// Bit n: operand n enters the format first.
    pub cut: u8,
    /// The operand that is cut to another format, the accumulator's.
    pub accumulator: Option<(usize, vfloat::Lanes)>,
    /// Format of the result.
    pub format: Format,
    /// Its facts.
    pub facts: Facts,
    /// Facts of the format in which the product of a multiply-add is rounded, if it is.
    pub product: Option<Facts>,
    /// Where it comes from.
    pub origin: Origin,
    /// `.sat`: the result is clamped to [0, 1].
    pub saturates: bool,
    /// It stands for a PTX instruction, and is no helper of one.
    pub reported: bool,
    /// What is done.
    pub looking: super::Looking,
}
