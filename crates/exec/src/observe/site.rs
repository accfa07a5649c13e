//! Which instructions are observed, and what must be known of one to judge its results.

use crate::machine::{Element, Operand};
use crate::probe::asked::Asked;
use ir::{AtomFn, Kind, Origin, ShflFn, Space};
use vfloat::Format;

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

/// How results of `kind` are judged.
pub(crate) fn shape(kind: Kind) -> Shape {
    match kind {
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
    pub asked: Asked,
}

/// A 32-bit register: the virtual one, and where it lies. Constants have no number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub register: Option<u32>,
    pub element: Element,
}

/// What the shadow of an instruction's results is made of.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// The same in binary64; index of a site.
    Arithmetic(usize),
    /// Clamped to [0, 1].
    Saturate,
    /// That of the source with the result's bits.
    Move,
    /// That of the source that a predicate chooses.
    Select(u32),
    /// That of the same register in another lane; lane or distance, and bounds.
    Shuffle(ShflFn, [Operand; 2]),
    /// That of the word.
    Load(Space, i64),
    /// The word gets those of the sources.
    Store(Space, i64),
    /// The word gets the sum of its own and the source's, or what follows from its bits.
    Atomic(AtomFn, bool, Space, i64),
}

/// The shadow of an instruction.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    pub rule: Rule,
    pub dst: Vec<Place>,
    pub src: Vec<Place>,
    /// Address of a memory instruction.
    pub address: Element,
}
