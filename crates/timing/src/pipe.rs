//! Kinds of units.

/// Kinds of units, each with pipeline registers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// Single and variable precision.
    Sp,
    /// Double precision.
    Dp,
    /// Integers, and everything that has no unit of its own.
    Int,
    /// Special functions, and quotients of all types.
    Sfu,
    /// Matrices.
    Tensor,
    /// Loads and stores.
    Mem,
}

/// How many there are.
pub const CLASSES: usize = 6;

impl Pipe {
    /// All, in the order in which units are served.
    pub const ALL: [Pipe; CLASSES] = [Pipe::Sp, Pipe::Dp, Pipe::Int, Pipe::Sfu, Pipe::Tensor, Pipe::Mem];

    /// As options call it.
    pub const fn name(self) -> &'static str {
        ["SP", "DP", "INT", "SFU", "TENSOR", "MEM"][self as usize]
    }
}
