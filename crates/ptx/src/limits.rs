//! How large things may be: what no device has room for, and what no compiler meets. The check refuses a single variable
//! by these, lowering what many of them come to together.

use crate::ast::StateSpace;

/// Registers of a function; of a kernel with all functions that are inlined in it. No compiler needs more.
pub const REGISTERS: u64 = 1 << 22;
/// Elements of a vector register together, bytes (PTX ISA, "Vectors").
pub const VECTOR_BYTES: u32 = 16;
/// Local memory of a thread, bytes (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
pub const LOCAL_BYTES: u64 = 512 << 10;
/// Shared memory of a block, bytes: the most that any device has (the same table).
pub const SHARED_BYTES: u64 = 227 << 10;
/// Parameters of a kernel, bytes (PTX ISA, "Kernel Function Parameter Attributes", since 8.1).
pub const PARAMETER_BYTES: u64 = 32_764;
/// Constant memory, bytes: what a kernel sees at once is less, but a module may have several banks.
const CONSTANT_BYTES: u64 = 1 << 26;
/// Device memory, bytes: how much there is, is known when the module is loaded.
const GLOBAL_BYTES: u64 = 1 << 40;

/// The most bytes that a variable in a state space may have, and that in words.
pub(crate) fn of_variable(space: StateSpace) -> (u64, &'static str) {
    match space.base() {
        StateSpace::Global => (GLOBAL_BYTES, "at most 2^40 bytes"),
        StateSpace::Const => (CONSTANT_BYTES, "at most 2^26 bytes"),
        StateSpace::Local => (LOCAL_BYTES, "at most 512 KiB, the local memory of a thread"),
        StateSpace::Shared | StateSpace::SharedCluster => (
            SHARED_BYTES,
            "at most 227 KiB, the shared memory of a block on any device",
        ),
        // Parameters of calls lie in local memory.
        _ => (LOCAL_BYTES, "at most 512 KiB"),
    }
}
