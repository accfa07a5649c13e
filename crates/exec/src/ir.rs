//! The kernel as a flat list of typed instructions over virtual registers: calls are inlined (but for recursive
//! and indirect ones, whose functions follow the kernel's instructions), names resolved, every PTX instruction one or a few [`IrInst`]. Made by `translate`, analysed by `analysis`, turned into
//! executable instructions by `emit`.

use crate::lanes::{Alu, Class};
use crate::scalar::ScalarOp;
use ptx::ast::{Span, SpecialRegister};

/// A virtual register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VReg(pub u32);

/// What is known of a virtual register.
#[derive(Clone, Copy, Debug)]
pub struct RegInfo {
    /// Its storage class.
    pub class: Class,
    /// Declared width in bits: 1, 8, 16, 32 or 64.
    pub bits: u32,
    /// Set at the start of each warp, by the engine, to this special register.
    pub special: Option<SpecialRegister>,
}

/// A source operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Val {
    /// A register.
    Reg(VReg),
    /// Bits known when the kernel is lowered.
    Const(u64),
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
    pub fn lanes(&self, numerics: &crate::Numerics) -> vfloat::Lanes {
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
#[derive(Clone, Copy)]
pub enum Op {
    /// A lane function with SIMD code.
    Alu(&'static Alu),
    /// A lane function called lane by lane.
    Scalar(ScalarOp),
    /// Variable-precision arithmetic.
    Vf { f: VfFn, spec: VfSpec },
    /// Predicate logic.
    Pred(PredFn),
    /// d = p ? a : b; sources a, b, p.
    Select(Class),
    /// d = the bit of predicate a, as 0 or 1 in a 32-bit register.
    BitOfPred,
    /// Carry or borrow out of a + b + c, a - b - c (c a predicate): a predicate. 32 or 64 bits.
    CarryOut { subtract: bool, wide: bool },
    /// d = a value that changes with time: `%clock` and the like.
    Clock(SpecialRegister),
    /// Sources: address. Destinations: elements.
    Load(Access),
    /// Sources: address, elements.
    Store(Access),
    /// Sources: address, b [, c]. Destination if the old value is used.
    Atom {
        f: AtomFn,
        ty: AtomTy,
        space: Space,
        offset: i64,
        /// The arithmetic of [`AtomTy::Vf32`].
        vf: Option<VfSpec>,
    },
    /// Sources: value, lane or delta, clamp, membermask. Destinations: value [, in-range predicate].
    Shfl(ShflFn),
    /// Sources: predicate, membermask.
    Vote(VoteFn),
    /// `match.any` (sources value, membermask; destination mask) or `match.all` (also a predicate).
    Match { all: bool },
    /// Sources: value, membermask.
    Redux(ReduceFn),
    /// d = the active mask.
    Activemask,
    /// Destinations: leader lane, predicate. Source: membermask.
    Elect,
    /// Waits for the lanes of a membermask.
    WarpSync,
    /// Sources: barrier, thread count or `Const(u64::MAX)` for the block [, predicate].
    Barrier { f: BarrierFn, aligned: bool },
    /// Jump to a label, guarded or not.
    Branch(u32),
    /// Jump to the label that source 0 chooses; the table's index.
    BranchTable(u32),
    /// The thread ends.
    Exit,
    /// The trap instruction.
    Trap,
    /// Runs a function of [`Ir::functions`] that was not inlined, and goes on behind it; index in
    /// [`Ir::calls`]. Reads the arguments from the caller's local memory and leaves the results there. Source of
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

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Op::Alu(a) => f.write_str(a.name),
            Op::Scalar(_) => f.write_str("Scalar"),
            Op::Vf { f: op, .. } => write!(f, "Vf{op:?}"),
            Op::Pred(p) => write!(f, "Pred{p:?}"),
            Op::Load(a) => write!(f, "Load{a:?}"),
            Op::Store(a) => write!(f, "Store{a:?}"),
            Op::Branch(l) => write!(f, "Branch L{l}"),
            Op::Exit => f.write_str("Exit"),
            _ => f.write_str("Op"),
        }
    }
}

/// A place in the source.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The PTX instruction.
    pub span: Span,
    /// Index of a `.loc` in [`Ir::locs`] plus one, or 0.
    pub loc: u32,
    /// What counters call it.
    pub class: crate::InstructionClass,
}

/// An instruction over virtual registers.
#[derive(Clone, Debug)]
pub struct IrInst {
    /// What it does.
    pub op: Op,
    /// Destinations.
    pub dst: Vec<VReg>,
    /// Sources.
    pub src: Vec<Val>,
    /// Predicate that guards it; true when negated.
    pub guard: Option<(VReg, bool)>,
    /// Index in [`Ir::origins`].
    pub origin: u32,
    /// Whether it stands for a PTX instruction (helpers made along the way do not count).
    pub counts: bool,
    /// Whether that PTX instruction computes in a variable format.
    pub variable: bool,
}

/// Bytes in the frame of a function (or kernel): an argument or result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Offset from the start of the frame.
    pub at: u32,
    /// Bytes.
    pub bytes: u32,
}

/// A call that is not inlined.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// Index in [`Ir::functions`]; none if source 0 is the function's address.
    pub function: Option<u32>,
    /// Where the caller wants the results.
    pub returns: Vec<Slot>,
    /// Where the caller has put the arguments.
    pub params: Vec<Slot>,
}

/// A function that is called where it is not inlined.
#[derive(Clone, Debug)]
pub struct OutOfLine {
    /// Its address.
    pub address: u64,
    /// Label of its first instruction.
    pub entry: u32,
    /// Index of that instruction. Everything up to the next function's belongs to this one.
    pub first: usize,
    /// Set when it is called: where its frame starts in the thread's local memory.
    pub base: VReg,
    /// Size of its frame.
    pub local_bytes: u32,
    /// Where it puts its results.
    pub returns: Vec<Slot>,
    /// Where it finds its arguments.
    pub params: Vec<Slot>,
}

/// A kernel as a flat list.
#[derive(Debug, Default)]
pub struct Ir {
    /// The instructions.
    pub insts: Vec<IrInst>,
    /// By virtual register.
    pub regs: Vec<RegInfo>,
    /// Label number to index in `insts`.
    pub labels: Vec<u32>,
    /// Tables of [`Op::BranchTable`]: label numbers.
    pub tables: Vec<Vec<u32>>,
    /// By [`IrInst::origin`].
    pub origins: Vec<Origin>,
    /// What instructions on plain f32 compute, and whether they have `.sat`, by [`IrInst::origin`].
    pub plain: rustc_hash::FxHashMap<u32, (crate::observe::Kind, bool)>,
    /// CUDA file index and line of each `.loc`.
    pub locs: Vec<(u32, u32)>,
    /// Calls that are not inlined.
    pub calls: Vec<CallSite>,
    /// What they call, in the order of the instructions.
    pub functions: Vec<OutOfLine>,
    /// Threads may wait for each other inside these functions.
    pub callees_wait: bool,
    /// Local memory of a thread, bytes; frames of [`Ir::functions`] not counted.
    pub local_bytes: u32,
    /// Static shared memory, bytes; dynamic shared memory starts here.
    pub shared_bytes: u32,
    /// Parameter block, bytes.
    pub params_bytes: u32,
    /// Sizes and offsets of the parameters.
    pub params: Vec<crate::ParamInfo>,
}
