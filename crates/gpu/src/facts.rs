//! The device as a program sees it, whatever structure it asks with.

/// The device as the program sees it. Sizes in bytes, clocks in kHz.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // names say it
pub struct Facts {
    pub name: String,
    pub compute_capability: (u32, u32),
    pub global_memory: u64,
    pub constant_memory: u64,
    pub multiprocessors: u32,
    pub warp_size: u32,
    pub max_threads_per_block: u32,
    pub max_block: [u32; 3],
    pub max_grid: [u32; 3],
    pub max_threads_per_multiprocessor: u32,
    pub max_blocks_per_multiprocessor: u32,
    pub registers_per_block: u32,
    pub registers_per_multiprocessor: u32,
    pub shared_per_block: u32,
    pub shared_per_block_optin: u32,
    pub shared_per_multiprocessor: u32,
    pub clock_khz: u32,
    pub memory_clock_khz: u32,
    pub memory_bus_bits: u32,
    pub l2_bytes: u32,
}

impl Facts {
    /// What a program is told of a configured device.
    pub fn of(d: &device::Device) -> Facts {
        let bytes = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let khz = |mhz: f64| (mhz * 1e3) as u32;
        Facts {
            name: d.name.clone(),
            compute_capability: d.compute_capability,
            global_memory: d.memory_size,
            constant_memory: d.constant_memory,
            multiprocessors: d.multiprocessors,
            warp_size: d.warp_size,
            max_threads_per_block: d.max_threads_per_block,
            max_block: d.max_block,
            max_grid: d.max_grid,
            max_threads_per_multiprocessor: d.max_threads_per_multiprocessor,
            max_blocks_per_multiprocessor: d.max_blocks_per_multiprocessor,
            registers_per_block: d.registers_per_block,
            registers_per_multiprocessor: d.registers_per_multiprocessor,
            shared_per_block: bytes(d.shared_per_block),
            shared_per_block_optin: bytes(d.shared_per_block_optin),
            shared_per_multiprocessor: bytes(d.shared_per_multiprocessor),
            clock_khz: khz(d.clocks.core),
            memory_clock_khz: khz(d.memory_clock()),
            memory_bus_bits: d.memory_bus_bits,
            l2_bytes: bytes(d.l2_size),
        }
    }
}

impl Default for Facts {
    /// A plain device of compute capability 7.5 with limits that every CUDA program expects.
    fn default() -> Facts {
        Facts {
            name: "Vernier virtual GPU".into(),
            compute_capability: (7, 5),
            global_memory: 16 << 30,
            constant_memory: 64 << 10,
            multiprocessors: 30,
            warp_size: 32,
            max_threads_per_block: 1024,
            max_block: [1024, 1024, 64],
            max_grid: [i32::MAX as u32, 65535, 65535],
            max_threads_per_multiprocessor: 1024,
            max_blocks_per_multiprocessor: 16,
            registers_per_block: 65536,
            registers_per_multiprocessor: 65536,
            shared_per_block: 48 << 10,
            shared_per_block_optin: 64 << 10,
            shared_per_multiprocessor: 64 << 10,
            clock_khz: 1_680_000,
            memory_clock_khz: 7_000_000,
            memory_bus_bits: 192,
            l2_bytes: 3 << 20,
        }
    }
}

/// A 16-byte identity that never changes, so that programs that compare devices by it agree between runs.
pub const UUID: [u8; 16] = *b"vernier-device-0";

/// The virtual device's place on the bus: domain 0, bus 1, device 0.
pub const PCI: (u32, u32, u32) = (0, 1, 0);

/// Free pitch for 2D copies, bytes (what all devices report).
pub const MAX_PITCH: i64 = i32::MAX as i64;

/// Alignment of rows and textures, bytes.
pub const PITCH_ALIGNMENT: u64 = 512;
