//! A kernel: instructions over virtual registers, and what belongs to them.

use crate::{Class, InstructionClass, Kind, Op};
use ptx::ast::{Instruction, Span, SpecialRegister};
use ptx::isa::{Latency, Unit, Work};

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

/// A PTX instruction that computes in one lane.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The first such instruction of the kernel. Opcode, modifiers and the number of operands say what is computed, nothing
    /// else of it.
    pub instruction: Instruction,
    /// Sources that it reads.
    pub sources: usize,
    /// Whether its result is a predicate.
    pub predicate: bool,
}

/// Where a parameter of a kernel lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamInfo {
    /// Byte offset in the parameter block.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
}

/// A place in the source.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The PTX instruction.
    pub span: Span,
    /// Index of a `.loc` in [`Ir::locs`] plus one, or 0.
    pub loc: u32,
    /// What counters call it.
    pub class: InstructionClass,
    /// Which unit does it and which of its latencies it has, from the instruction table.
    pub latency: Latency,
}

impl Origin {
    /// A place that is no instruction.
    pub fn of_span(span: Span, loc: u32) -> Origin {
        let (unit, work) = (Unit::Control, Work::Move);
        Origin {
            span,
            loc,
            class: InstructionClass::Other,
            latency: Latency { unit, work },
        }
    }
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
    /// What [`Op::Scalar`] stands for.
    pub scalars: Vec<Scalar>,
    /// By [`IrInst::origin`].
    pub origins: Vec<Origin>,
    /// What instructions on plain f32 compute, and whether they have `.sat`, by [`IrInst::origin`].
    pub plain: rustc_hash::FxHashMap<u32, (Kind, bool)>,
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
    pub params: Vec<ParamInfo>,
}
