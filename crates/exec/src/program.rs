//! A kernel ready to run: decoded instructions, how its registers are laid out, and the tables beside them.

use crate::machine::{Element, Extent, Operand};
use crate::observe::site::{Follow, Site};
use crate::probe::asked::Asked;
use crate::warp::Inst;
use ir::{AtomFn, AtomTy, Origin, Slot, Space};
use ptx::ast::SpecialRegister;
use std::any::Any;
use std::sync::Arc;

/// A register whose lanes are base + lane * stride.
#[derive(Clone, Copy, Debug)]
pub struct AffineReg {
    /// The uniform register that holds the base.
    pub base: u32,
    /// Added per lane.
    pub stride: i64,
    /// A 64-bit vector register for when it is wild (see `affine`), by word offset.
    pub spare: u32,
    /// Its number.
    pub id: u32,
    /// 64 bits.
    pub wide: bool,
}

/// An instruction on affine registers, for the slow way.
#[derive(Clone, Copy, Debug)]
pub struct AffineOp {
    /// What it does.
    pub f: ir::AffineFn,
    /// Destination, an affine register.
    pub dst: u32,
    /// Sources, affine or uniform.
    pub src: [Element; 3],
    /// Stride of the first source.
    pub stride: i64,
}

/// A load, store or atomic, besides what fits into [`Inst`].
#[derive(Debug)]
pub struct MemoryOp {
    /// Where.
    pub space: Space,
    /// Address.
    pub address: Element,
    /// The bits that the address register has.
    pub register_bits: u64,
    /// The bits that addresses of the space have.
    pub space_bits: u64,
    /// Bytes of one element.
    pub bytes: u8,
    /// Loads extend the sign.
    pub signed: bool,
    /// The bits that a uniform destination has.
    pub bits: u64,
    /// Destinations of a load or atomic, sources of a store.
    pub elements: Vec<Element>,
    /// Operation of an atomic.
    pub atom: Option<(AtomFn, AtomTy)>,
    /// Further sources of an atomic.
    pub operands: Vec<Element>,
    /// The code for any addresses, which special code falls back on.
    pub general: crate::warp::OpFn,
    /// The format of an atomic in variable precision.
    pub vf: Option<vfloat::Lanes>,
}

impl MemoryOp {
    /// The address that an access with `register` in its address register and this offset goes to.
    #[inline(always)]
    pub fn effective(&self, register: u64, offset: u64) -> u64 {
        (register & self.register_bits).wrapping_add(offset) & self.space_bits
    }
}

/// Operands of an instruction that works across lanes or on predicates and values together.
#[derive(Debug, Default)]
pub struct CrossOp {
    /// Destinations.
    pub dst: Vec<Operand>,
    /// Sources.
    pub src: Vec<Operand>,
}

/// What has to be known of a PTX instruction to say what it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepSite {
    /// Its guard: index of the predicate, and whether it is negated.
    pub guard: Option<(u32, bool)>,
    /// Its memory access: index in [`Program::memory_ops`], and the offset added to the address.
    pub memory: Option<(u32, i64)>,
}

/// A basic block, as far as counting goes.
#[derive(Clone, Copy, Debug)]
pub struct BlockInfo {
    /// PTX instructions in it.
    pub instructions: u32,
    /// Of these, in a variable format.
    pub variable: u32,
}

/// How many instructions of a class a block has.
#[derive(Clone, Copy, Debug)]
pub struct ClassCount {
    /// Index of the block.
    pub block: u32,
    /// PTX instructions.
    pub count: u32,
    /// Their class.
    pub class: ir::InstructionClass,
}

/// A function that is called.
#[derive(Debug)]
pub struct Function {
    /// Its first instruction.
    pub entry: u32,
    /// What points to it.
    pub address: u64,
    /// Uniform register that holds the local address of its frame.
    pub base: Option<u32>,
    /// Size of its frame in local memory, bytes.
    pub local_bytes: u32,
    /// Where it puts its results, in its frame.
    pub returns: Vec<Slot>,
    /// Where it finds its arguments.
    pub params: Vec<Slot>,
}

/// A kernel ready to run.
pub struct Program {
    /// Instructions; every block begins with one that counts it.
    pub code: Vec<Inst>,
    /// Blocks.
    pub blocks: Vec<BlockInfo>,
    /// What kinds of instructions they have.
    pub classes: Vec<ClassCount>,
    /// The PTX instructions that count, block after block.
    pub counted: Vec<Origin>,
    /// Side table of memory instructions.
    pub memory_ops: Vec<MemoryOp>,
    /// Affine registers.
    pub affine_regs: Vec<AffineReg>,
    /// Side table of instructions on affine registers.
    pub affine_ops: Vec<AffineOp>,
    /// Side table of instructions across lanes.
    pub cross_ops: Vec<CrossOp>,
    /// Jump tables: positions in `code`.
    pub tables: Vec<Vec<u32>>,
    /// Words of vector registers a warp needs.
    pub vector_words: usize,
    /// Of these, the first ones live longer than a block and begin as zero.
    pub lasting_words: usize,
    /// Uniform registers a warp needs, constants not counted.
    pub uniforms: usize,
    /// Constants, which follow the uniform registers.
    pub constants: Vec<u64>,
    /// Predicates a warp needs.
    pub predicates: usize,
    /// The predicate that is always true, if the program needs one; the one before it is always false.
    pub always: Option<u32>,
    /// Special registers that the kernel reads.
    pub specials: Vec<(SpecialRegister, Element)>,
    /// Where each instruction comes from.
    pub origins: Vec<Origin>,
    /// CUDA file and line of each `.loc`.
    pub locs: Vec<(u32, u32)>,
    /// Surveys that a warp may need.
    pub surveys: usize,
    /// Of these, the first ones belong to registers that live longer than a block.
    pub lasting_surveys: usize,
    /// Static shared memory, bytes.
    pub shared_bytes: u32,
    /// Local memory of a thread that the kernel itself needs, bytes.
    pub frame_bytes: u32,
    /// Local memory of a thread, bytes: of the kernel, and the frames of functions that are not inlined.
    pub local_bytes: u32,
    /// Calls that are not inlined.
    pub calls: Vec<ir::CallSite>,
    /// What they call.
    pub functions: Vec<Function>,
    /// The first registers of each file: the special registers, which every function has in the same places.
    pub carried: Extent,
    /// The warps of a block meet at barriers or wait for each other, so their registers must exist together.
    pub together: bool,
    /// Blocks must run one after the other, in order: they can see each other's atomics.
    pub ordered: bool,
    /// A block leaves no trace outside and does not know which one it is: all blocks of a launch do the same.
    pub alike: bool,
    /// Some instruction rounds stochastically.
    pub draws: bool,
    /// Lane operations that instructions point to. (In boxes they could not be moved while somebody points to them.)
    pub kept: Vec<Arc<dyn Any + Send + Sync>>,
    /// What the program was made to tell.
    pub asked: Asked,
    /// Observed instructions.
    pub sites: Vec<Site>,
    /// Instructions followed in binary64.
    pub follows: Vec<Follow>,
    /// By instruction of `code`: the number of the PTX instruction that it belongs to (its index in the kernel's
    /// [`ir::Ir::insts`]), or [`crate::control::NO_STEP`]. Empty unless the program was made to be stepped through.
    pub steps: Vec<u32>,
    /// What has to be known of PTX instructions to say what they do, by that number; empty as above.
    pub step_sites: Vec<StepSite>,
    /// Source operations of the lane-by-lane instructions.
    pub scalars: Vec<crate::scalar::ScalarOp>,
}

impl Program {
    /// Takes note of the instructions of a block that count.
    pub fn count_block(&mut self, block: u32, origins: impl Iterator<Item = Origin>) {
        let first = self.classes.len();
        for origin in origins {
            self.counted.push(origin);
            let class = origin.class;
            match self.classes[first..].iter_mut().find(|c| c.class == class) {
                Some(c) => c.count += 1,
                None => self.classes.push(ClassCount {
                    block,
                    count: 1,
                    class,
                }),
            }
        }
    }
}
