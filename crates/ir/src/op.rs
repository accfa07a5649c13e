//! What instructions do, as data.

use crate::AluOp;
use ptx::ast::SpecialRegister;

/// How a register is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A bit.
    Pred,
    /// Up to 32 bits.
    W32,
    /// 64 bits.
    W64,
}

/// The arithmetic of a launch: what `.vf32` instructions without a format of their own compute in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numerics {
    /// The format.
    pub format: vfloat::Format,
    /// How operands are cut to it.
    pub input: vfloat::Rounding,
}

/// What an instruction does to predicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredFn {
    /// d = a
    Mov,
    /// d = !a
    Not,
    /// d = a & b
    And,
    /// d = a | b
    Or,
    /// d = a ^ b
    Xor,
}

/// Memory that an access goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Global and constant memory: absolute addresses.
    Global,
    /// The block's shared memory: offsets.
    Shared,
    /// The thread's local memory: offsets.
    Local,
    /// The kernel's parameters: offsets.
    Param,
    /// Whichever the address says.
    Generic,
}

impl Space {
    /// The bits that addresses have: those of the small spaces wrap around at 2^32 (PTX ISA, "Addresses as Operands").
    pub fn address_bits(self) -> u64 {
        match self {
            Space::Global | Space::Generic => u64::MAX,
            Space::Shared | Space::Local | Space::Param => u64::from(u32::MAX),
        }
    }
}

/// A load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where.
    pub space: Space,
    /// Bytes of an element: 1, 2, 4 or 8.
    pub bytes: u8,
    /// Loads narrower than the register extend the sign.
    pub signed: bool,
    /// Elements.
    pub count: u8,
    /// Added to the address.
    pub offset: i64,
    /// May wait for other threads: volatile, relaxed, acquire.
    pub volatile: bool,
}

/// Read-modify-write operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum AtomFn {
    Add,
    Inc,
    Dec,
    Min,
    Max,
    And,
    Or,
    Xor,
    Exch,
    Cas,
}

/// Element type of an atomic operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum AtomTy {
    B16,
    B32,
    B64,
    /// Two registers for each operand.
    B128,
    S32,
    S64,
    F32,
    F64,
    F16x2,
    F16,
    Bf16,
    Bf16x2,
    Vf32,
}

impl AtomTy {
    /// Bytes of an element.
    pub fn bytes(self) -> u32 {
        match self {
            AtomTy::B16 | AtomTy::F16 | AtomTy::Bf16 => 2,
            AtomTy::B32 | AtomTy::S32 | AtomTy::F32 | AtomTy::F16x2 | AtomTy::Bf16x2 | AtomTy::Vf32 => 4,
            AtomTy::B64 | AtomTy::S64 | AtomTy::F64 => 8,
            AtomTy::B128 => 16,
        }
    }
}

/// Shuffle modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum ShflFn {
    Up,
    Down,
    Bfly,
    Idx,
}

/// Vote modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum VoteFn {
    All,
    Any,
    Uni,
    Ballot,
}

/// Reductions over a barrier or over the lanes of a warp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum ReduceFn {
    Add,
    MinU,
    MaxU,
    MinS,
    MaxS,
    And,
    Or,
    Xor,
}

/// Barriers of a block (PTX ISA, "bar").
pub const BARRIERS: u64 = 16;

/// Stands for the thread count of a barrier for the whole block.
pub const NO_COUNT: u64 = u64::MAX;

/// What a barrier does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum BarrierFn {
    Sync,
    Arrive,
    Popc,
    And,
    Or,
}

/// The arithmetic of `.vf32` (SEMANTICS section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // PTX names
pub enum VfFn {
    Add,
    Sub,
    Mul,
    Div,
    Fma,
    Fmam,
    Addm,
    Max,
    Min,
    Neg,
    Abs,
    Sqrt,
    Rsqrt,
    Rcp,
    Ex2,
    Lg2,
    Sin,
    Cos,
    Tanh,
    /// T(x): what comparisons and conversions read.
    Truncate,
    /// R(x) of an f32.
    QuantizeF32,
    /// R(x) of an f64.
    QuantizeF64,
    /// R(x) of an integer.
    QuantizeS64,
    QuantizeU64,
    /// Clamp to [0, 1], NaN to 0.
    Saturate,
}

impl VfFn {
    /// Whether the result is rounded (once or twice): the others only cut operands.
    pub fn rounds(self) -> bool {
        !matches!(
            self,
            VfFn::Max | VfFn::Min | VfFn::Neg | VfFn::Abs | VfFn::Truncate | VfFn::Saturate
        )
    }
}

/// Which format a [`VfFn`] works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatSource {
    /// The launch's.
    Launch,
    /// Named in the instruction.
    Fixed(vfloat::Format),
}

/// The arithmetic of one `.vf32` instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VfSpec {
    /// Its format.
    pub format: FormatSource,
    /// The format of the accumulator of fmam and addm.
    pub accumulator: vfloat::Format,
    /// How results are rounded.
    pub rounding: vfloat::Rounding,
}

impl VfSpec {
    /// The operations in a launch with these numerics.
    pub fn lanes(&self, numerics: &Numerics) -> vfloat::Lanes {
        let format = match self.format {
            FormatSource::Launch => numerics.format,
            FormatSource::Fixed(format) => format,
        };
        vfloat::Lanes::new(format, numerics.input, self.rounding).with_accumulator(self.accumulator)
    }

    /// Whether `f` with this arithmetic takes random bits.
    pub fn draws(&self, f: VfFn) -> bool {
        self.rounding.is_stochastic() && f.rounds()
    }
}

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Arithmetic or a comparison of a type that fills a register.
    Alu(AluOp),
    /// Any other PTX instruction that computes in one lane; index in [`crate::Ir::scalars`].
    Scalar(u32),
    /// Variable-precision arithmetic.
    Vf {
        /// What is computed.
        f: VfFn,
        /// Formats and rounding.
        spec: VfSpec,
    },
    /// Predicate logic.
    Pred(PredFn),
    /// d = p ? a : b; sources a, b, p.
    Select(Class),
    /// d = the bit of predicate a, as 0 or 1 in a 32-bit register.
    BitOfPred,
    /// Carry or borrow out of a + b + c, a - b - c (c a predicate): a predicate. 32 or 64 bits.
    CarryOut {
        /// Of a - b - c.
        subtract: bool,
        /// 64 bits.
        wide: bool,
    },
    /// d = a value that changes with time: `%clock` and the like.
    Clock(SpecialRegister),
    /// Sources: address. Destinations: elements.
    Load(Access),
    /// Sources: address, elements.
    Store(Access),
    /// Sources: address, b [, c]. Destination if the old value is used.
    Atom {
        /// What is computed.
        f: AtomFn,
        /// On which type.
        ty: AtomTy,
        /// Where.
        space: Space,
        /// Added to the address.
        offset: i64,
        /// The arithmetic of [`AtomTy::Vf32`].
        vf: Option<VfSpec>,
    },
    /// Sources: value, lane or delta, clamp, membermask. Destinations: value [, in-range predicate].
    Shfl(ShflFn),
    /// Sources: predicate, membermask.
    Vote(VoteFn),
    /// `match.any` (sources value, membermask; destination mask) or `match.all` (also a predicate).
    Match {
        /// `match.all`.
        all: bool,
    },
    /// Sources: value, membermask.
    Redux(ReduceFn),
    /// d = the active mask.
    Activemask,
    /// Destinations: leader lane, predicate. Source: membermask.
    Elect,
    /// Waits for the lanes of a membermask.
    WarpSync,
    /// Sources: barrier, thread count or `Const(u64::MAX)` for the block [, predicate].
    Barrier {
        /// What it does.
        f: BarrierFn,
        /// All threads of a warp are there together.
        aligned: bool,
    },
    /// Jump to a label, guarded or not.
    Branch(u32),
    /// Jump to the label that source 0 chooses; the table's index.
    BranchTable(u32),
    /// The thread ends.
    Exit,
    /// The trap instruction.
    Trap,
    /// Runs a function of [`crate::Ir::functions`] that was not inlined, and goes on behind it; index in
    /// [`crate::Ir::calls`]. Reads the arguments from the caller's local memory and leaves the results there. Source of
    /// an indirect call: the address.
    Call(u32),
    /// The end of a function that was not inlined.
    Return,
    /// `vprintf`: sources: local addresses of format and argument pointers, and of the result if wanted.
    Printf,
    /// `__assertfail`: sources: local addresses of message, file, line, function.
    AssertFail,
    /// Counts as an instruction and does nothing (fences, hints).
    Nop,
}

impl Op {
    /// Whether lanes may wait here for other lanes or warps.
    pub fn may_wait(&self) -> bool {
        matches!(
            self,
            Op::Barrier { .. }
                | Op::Shfl(_)
                | Op::Vote(_)
                | Op::Match { .. }
                | Op::Redux(_)
                | Op::Elect
                | Op::WarpSync
                | Op::Call(_)
        )
    }

    /// Whether lanes wait here for the lanes of a membermask.
    pub fn has_members(&self) -> bool {
        self.may_wait() && !matches!(self, Op::Barrier { .. } | Op::Call(_))
    }
}
