//! Device memory as the host sees it: what is allocated there, and every way to read and write it. Nothing here knows
//! about kernels, nor where the bytes are.

/// Where a piece of memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// cudaMalloc and relatives.
    Device,
    /// cudaMallocManaged, `__managed__` variables.
    Managed,
    /// cudaMallocHost, cudaHostAlloc.
    Pinned,
    /// Host memory that the program registered (cudaHostRegister): not ours to free.
    Registered,
    /// A variable of a loaded module.
    Module,
    /// A `.const` variable of a loaded module: kernels only read it.
    Constant,
}

impl MemoryKind {
    /// Whether the program may use the address itself: it is one of the host, too.
    pub fn is_shared_with_host(self) -> bool {
        use MemoryKind::*;
        matches!(self, Managed | Pinned | Registered)
    }
}

/// One allocated range of device-visible memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// First address, in bytes.
    pub start: u64,
    /// Size in bytes, as asked for.
    pub size: u64,
    /// Where it comes from.
    pub kind: MemoryKind,
}

impl Allocation {
    /// One past the last address.
    pub fn end(&self) -> u64 {
        self.start + self.size
    }
}

/// Why memory could not be allocated, freed or accessed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message names each field
pub enum MemoryError {
    #[error("out of device memory: {requested} bytes asked for, {free} of {total} bytes free")]
    OutOfMemory { requested: u64, free: u64, total: u64 },
    #[error("{address:#x} is not the start of an allocation")]
    NotAllocated { address: u64 },
    #[error("{size} bytes at {address:#x} are not inside one allocation")]
    OutOfBounds { address: u64, size: u64 },
    #[error("the host refused to reserve address space for device memory: {reason}")]
    NoAddressSpace { reason: String },
}

/// The memory of a device.
pub trait Arena: Send + Sync {
    /// Free and total memory, bytes.
    fn info(&self) -> (u64, u64);

    /// Allocates `size` bytes at a multiple of 256, zero when first used. The address of a kind that is shared with the
    /// host is one of the host, too.
    ///
    /// # Errors
    /// Not enough memory.
    fn allocate(&self, size: u64, kind: MemoryKind) -> Result<u64, MemoryError>;

    /// Frees the allocation that starts at `address`.
    ///
    /// # Errors
    /// None starts there, or it is registered memory.
    fn free(&self, address: u64) -> Result<Allocation, MemoryError>;

    /// Makes `size` bytes of the program's own memory visible to kernels, at the same address.
    ///
    /// # Errors
    /// No bytes, or some are device memory or registered already.
    ///
    /// # Safety
    /// They are mapped for reading and writing until [`Arena::unregister`], or until this is dropped, and no reference of
    /// Rust's leads there while a kernel runs or [`Arena::read`] and its like reach them.
    unsafe fn register(&self, address: u64, size: u64) -> Result<(), MemoryError>;

    /// Takes back [`Arena::register`].
    ///
    /// # Errors
    /// No registered memory starts at `address`.
    fn unregister(&self, address: u64) -> Result<(), MemoryError>;

    /// The allocation that contains `address`.
    fn find(&self, address: u64) -> Option<Allocation>;

    /// Every allocation, by address.
    fn live(&self) -> Vec<Allocation>;

    /// Whether `address` is one that this memory gives out or gave out, allocated or not.
    fn contains(&self, address: u64) -> bool;

    /// Copies device memory to the program's.
    ///
    /// # Errors
    /// Not inside one allocation.
    ///
    /// # Safety
    /// `to` is valid for writing `size` bytes. They may be (part of) the range itself, where it is shared with the host.
    unsafe fn download(&self, to: *mut u8, from: u64, size: u64) -> Result<(), MemoryError>;

    /// Copies the program's memory to device memory.
    ///
    /// # Errors
    /// Not inside one allocation.
    ///
    /// # Safety
    /// `from` is valid for reading `size` bytes. They may be (part of) the range itself, where it is shared with the host.
    unsafe fn upload(&self, to: u64, from: *const u8, size: u64) -> Result<(), MemoryError>;

    /// Copies `size` bytes of device memory to another place there; the two may overlap.
    ///
    /// # Errors
    /// Not inside one allocation each.
    fn copy(&self, to: u64, from: u64, size: u64) -> Result<(), MemoryError>;

    /// Sets `size` bytes to `value`.
    ///
    /// # Errors
    /// Not inside one allocation.
    fn fill(&self, address: u64, value: u8, size: u64) -> Result<(), MemoryError>;

    /// Checks that `size` bytes at `address` lie inside one allocation.
    ///
    /// # Errors
    /// They do not.
    fn check(&self, address: u64, size: u64) -> Result<(), MemoryError> {
        match self.find(address) {
            _ if size == 0 => Ok(()),
            Some(a) if size <= a.end() - address => Ok(()),
            _ => Err(MemoryError::OutOfBounds { address, size }),
        }
    }

    /// Copies device memory at `address` into `bytes`.
    ///
    /// # Errors
    /// Not inside one allocation.
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), MemoryError> {
        // SAFETY: a slice is valid for its length.
        unsafe { self.download(bytes.as_mut_ptr(), address, bytes.len() as u64) }
    }

    /// Copies `bytes` to device memory at `address`.
    ///
    /// # Errors
    /// Not inside one allocation.
    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        // SAFETY: as above.
        unsafe { self.upload(address, bytes.as_ptr(), bytes.len() as u64) }
    }
}
