//! What kind of work an instruction is, for counters: computed on which type, or reading which memory.

use ptx::ast::{Instruction, Modifier, Opcode, ScalarType, StateSpace};
use ptx::isa::{Latency, Unit, Work, is_variable};

/// Declares [`InstructionClass`]: variant, name in records, meaning.
macro_rules! classes {
    ($($variant:ident = $name:literal, $meaning:literal;)*) => {
        /// A class of instructions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum InstructionClass { $(#[doc = $meaning] $variant),* }
        impl InstructionClass {
            /// Every class, in the order of reports.
            pub const ALL: &'static [InstructionClass] = &[$(InstructionClass::$variant),*];
            /// Its name in run records.
            pub const fn name(self) -> &'static str {
                match self { $(InstructionClass::$variant => $name),* }
            }
            /// What belongs to it.
            pub const fn meaning(self) -> &'static str {
                match self { $(InstructionClass::$variant => $meaning),* }
            }
        }
    };
}

classes! {
    Fp32Add = "fp32_add", "sums and differences of f32";
    Fp32Mul = "fp32_mul", "products of f32";
    Fp32Fma = "fp32_fma", "multiply-adds of f32";
    Fp32Div = "fp32_div", "quotients of f32";
    Fp32Function = "fp32_function", "square roots, reciprocals, exponentials, ... of f32";
    Fp32Other = "fp32_other", "minimum, maximum, sign of f32";
    Variable = "variable", "arithmetic in a variable format: .vf32, fmam, addm";
    Fp64 = "fp64", "arithmetic on f64";
    Half = "half", "arithmetic on f16, bf16 and pairs of them";
    Tensor = "tensor", "matrix instructions";
    Integer = "int", "integer arithmetic, bits, shifts, logic";
    Convert = "convert", "conversions between types";
    Compare = "compare", "comparisons and selections";
    Move = "move", "copies between registers, addresses between spaces too";
    LoadGlobal = "load_global", "loads from global memory";
    StoreGlobal = "store_global", "stores to global memory";
    LoadShared = "load_shared", "loads from shared memory";
    StoreShared = "store_shared", "stores to shared memory";
    LoadLocal = "load_local", "loads from local memory";
    StoreLocal = "store_local", "stores to local memory";
    LoadParam = "load_param", "loads of kernel and call parameters";
    StoreParam = "store_param", "stores of call parameters";
    LoadConst = "load_const", "loads from constant memory";
    LoadGeneric = "load_generic", "loads that name no memory";
    StoreGeneric = "store_generic", "stores that name no memory";
    AtomicGlobal = "atomic_global", "atomics in global memory, or that name none";
    AtomicShared = "atomic_shared", "atomics in shared memory";
    Shuffle = "shuffle", "shuffles, votes and other exchange between the lanes of a warp";
    Barrier = "barrier", "barriers and fences";
    Control = "control", "branches, calls and ends";
    Other = "other", "prefetches and what else moves no data";
}

impl InstructionClass {
    /// The class of an instruction with this latency.
    pub fn of(i: &Instruction, l: Latency) -> InstructionClass {
        use InstructionClass as C;
        if is_variable(i) && l.unit != Unit::Memory {
            return C::Variable;
        }
        match (i.opcode, l.work) {
            (Opcode::Setp | Opcode::Set | Opcode::Selp | Opcode::Slct | Opcode::Testp, _) => C::Compare,
            (_, Work::Convert) => C::Convert,
            (_, Work::Move) => C::Move,
            (_, Work::Shuffle) => C::Shuffle,
            (_, Work::Barrier) => C::Barrier,
            (_, Work::Branch) => C::Control,
            (_, Work::Tensor) => C::Tensor,
            (_, Work::Memory | Work::Atomic) => memory(i, l.work),
            (_, work) => match i.types().last() {
                Some(ScalarType::F64) => C::Fp64,
                Some(ScalarType::F16 | ScalarType::F16x2 | ScalarType::Bf16 | ScalarType::Bf16x2) => C::Half,
                Some(ScalarType::F32 | ScalarType::F32x2) => match work {
                    Work::Add => C::Fp32Add,
                    Work::Mul => C::Fp32Mul,
                    Work::Mad => C::Fp32Fma,
                    Work::Div => C::Fp32Div,
                    Work::Sfu => C::Fp32Function,
                    _ => C::Fp32Other,
                },
                _ => C::Integer,
            },
        }
    }
}

/// The class of a load, store or atomic.
fn memory(i: &Instruction, work: Work) -> InstructionClass {
    use InstructionClass as C;
    let space = i.modifiers.iter().find_map(|m| match m {
        Modifier::Space(s) => Some(s.base()),
        _ => None,
    });
    if work == Work::Atomic {
        return match space {
            Some(StateSpace::Shared) => C::AtomicShared,
            _ => C::AtomicGlobal,
        };
    }
    let (load, store) = match space {
        Some(StateSpace::Global) => (C::LoadGlobal, C::StoreGlobal),
        Some(StateSpace::Shared | StateSpace::SharedCluster) => (C::LoadShared, C::StoreShared),
        Some(StateSpace::Local) => (C::LoadLocal, C::StoreLocal),
        Some(StateSpace::Param) => (C::LoadParam, C::StoreParam),
        Some(StateSpace::Const) => (C::LoadConst, C::Other),
        _ => (C::LoadGeneric, C::StoreGeneric),
    };
    match i.opcode {
        Opcode::Ld | Opcode::Ldu => load,
        Opcode::St => store,
        _ => C::Other,
    }
}
