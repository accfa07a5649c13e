//! Generic addresses: global memory is addressed as the host addresses it; shared, local and parameter memory
//! appear in windows far above any host address, and so do the functions that pointers point to.

/// Bits that say which window.
pub const MASK: u64 = 0xffff_ffff_0000_0000;
/// Kernel parameters.
pub const PARAM: u64 = 0x7ff0_0000_0000_0000;
/// The block's shared memory.
pub const SHARED: u64 = 0x7ff1_0000_0000_0000;
/// The thread's local memory.
pub const LOCAL: u64 = 0x7ff2_0000_0000_0000;
/// Functions whose address is taken. Nothing can be read or written there.
pub const FUNCTION: u64 = 0x7ff3_0000_0000_0000;
