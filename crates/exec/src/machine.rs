//! What programs, warps and those who look at them agree on: how many lanes there are, and where operands lie.

/// Lanes of a warp.
pub const LANES: usize = 32;
/// The mask with every lane active.
pub const FULL: u32 = u32::MAX;

/// Where an operand lies in the warp's register files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Uniform register or constant, by index.
    Uniform(u32),
    /// 32-bit vector register, by word offset.
    Narrow(u32),
    /// 64-bit vector register, by word offset.
    Wide(u32),
    /// Affine register, by index in [`crate::program::Program::affine_regs`].
    Affine(u32),
}

/// An operand of a [`crate::program::CrossOp`].
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// A value.
    Value(Element),
    /// A predicate, by index.
    Predicate(u32),
}

/// How much of each register file is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Words of vector registers.
    pub words: usize,
    /// Uniform registers.
    pub uniforms: usize,
    /// Predicates.
    pub predicates: usize,
}

impl Extent {
    /// What both need at most.
    pub fn max(self, other: Extent) -> Extent {
        Extent {
            words: self.words.max(other.words),
            uniforms: self.uniforms.max(other.uniforms),
            predicates: self.predicates.max(other.predicates),
        }
    }
}
