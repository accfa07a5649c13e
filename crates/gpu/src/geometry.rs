//! Grid, block and shared memory of a launch, as the program asks for them.

use backend::Dim3;

/// What the program asks for.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Blocks.
    pub grid: Dim3,
    /// Threads of a block.
    pub block: Dim3,
    /// Bytes of `extern __shared__` memory.
    pub dynamic_shared: usize,
    /// All blocks must be resident at once.
    pub cooperative: bool,
}
