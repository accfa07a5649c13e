//! Allocating, copying and setting memory, with CUDA's checking: a range that is said to be device memory must lie inside
//! one allocation.

use crate::code::Code;
use crate::context::Context;
use crate::error::Error;
use crate::facts::PITCH_ALIGNMENT;
use crate::mapped;
use backend::{Backend, MemoryError, MemoryKind};

/// Flags of cudaHostRegister: portable, mapped (both always so), I/O memory, read-only.
const REGISTER_FLAGS: u32 = 0xf;
const REGISTER_IO_MEMORY: u32 = 4;
const REGISTER_READ_ONLY: u32 = 8;

/// cudaMemcpyKind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // CUDA's names
pub enum CopyKind {
    HostToHost,
    HostToDevice,
    DeviceToHost,
    DeviceToDevice,
    /// Each side is what its address says.
    Default,
}

impl CopyKind {
    /// From cudaMemcpyKind.
    ///
    /// # Errors
    /// A number that is none.
    pub fn from_number(number: u32) -> Result<CopyKind, Error> {
        use CopyKind::*;
        [HostToHost, HostToDevice, DeviceToHost, DeviceToDevice, Default]
            .get(number as usize)
            .copied()
            .ok_or_else(|| {
                Error::argument(
                    Code::INVALID_MEMCPY_DIRECTION,
                    format!("copy direction {number} does not exist"),
                )
            })
    }
    fn is_to_device(self) -> bool {
        matches!(self, CopyKind::HostToDevice | CopyKind::DeviceToDevice)
    }
    fn is_from_device(self) -> bool {
        matches!(self, CopyKind::DeviceToHost | CopyKind::DeviceToDevice)
    }
}

/// Memory with rows: where a position (x in bytes, y rows, z slices) lies.
#[derive(Clone, Copy, Debug)]
pub struct Pitched {
    /// First byte.
    pub address: usize,
    /// Bytes from row to row.
    pub pitch: usize,
    /// Rows from slice to slice.
    pub rows: usize,
    /// Where to begin: x in bytes, y, z.
    pub origin: [usize; 3],
}

/// Width in bytes, rows, slices.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // the line above says it
pub struct Shape {
    pub width: usize,
    pub height: usize,
    pub depth: usize,
}

impl Shape {
    /// Bytes in a row.
    pub fn linear(size: usize) -> Shape {
        Shape {
            width: size,
            height: 1,
            depth: 1,
        }
    }

    fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0 || self.depth == 0
    }
}

impl Pitched {
    /// Bytes in a row.
    pub fn linear(address: usize, size: usize) -> Pitched {
        Pitched {
            address,
            pitch: size,
            rows: 1,
            origin: [0; 3],
        }
    }

    /// Offset of the origin from the address, and bytes from there to one past the last byte touched.
    /// `None` when that does not fit into 64 bits.
    fn extent(self, shape: Shape) -> Option<(usize, usize)> {
        let slice = self.pitch.checked_mul(self.rows)?;
        let [x, y, z] = self.origin;
        let offset = z
            .checked_mul(slice)?
            .checked_add(y.checked_mul(self.pitch)?)?
            .checked_add(x)?;
        let last = (shape.depth - 1)
            .checked_mul(slice)?
            .checked_add((shape.height - 1).checked_mul(self.pitch)?)?;
        Some((offset, last.checked_add(shape.width)?))
    }
}

/// What cudaPointerGetAttributes says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // CUDA's names
pub enum PointerInfo {
    Unregistered,
    Host,
    Device,
    Managed,
}

fn invalid_range(side: &str, address: usize, size: usize, kind: CopyKind) -> Error {
    Error::value(format!(
        "{kind:?} copy: the {side}, {size} bytes at {address:#x}, is not inside one device allocation"
    ))
}

/// Copies `size` bytes of the program's between any two places.
///
/// # Safety
/// A side that is not device memory is valid for `size` bytes.
unsafe fn transfer(backend: &dyn Backend, to: usize, from: usize, size: usize) -> Result<(), MemoryError> {
    let memory = backend.memory();
    let of_device = |address: usize| memory.contains(address as u64);
    // SAFETY: the caller's promise.
    unsafe {
        match (of_device(to), of_device(from)) {
            (true, true) => memory.copy(to as u64, from as u64, size as u64)?,
            (true, false) => {
                memory.upload(to as u64, from as *const u8, size as u64)?;
                backend.copied(to as u64, size as u64);
            }
            (false, true) => {
                memory.download(to as *mut u8, from as u64, size as u64)?;
                backend.copied(from as u64, size as u64);
            }
            (false, false) => std::ptr::copy(from as *const u8, to as *mut u8, size),
        }
    }
    Ok(())
}

impl Context {
    fn allocate(&self, size: usize, kind: MemoryKind) -> Result<usize, Error> {
        let ready = self.ready()?;
        if size == 0 {
            return Ok(0);
        }
        let address = ready.memory().allocate(size as u64, kind)?;
        ready.note_allocation(address, kind);
        let (free, total) = ready.memory().info();
        self.recorder().memory(total - free);
        Ok(address as usize)
    }

    /// cudaMalloc. No bytes are the null pointer.
    ///
    /// # Errors
    /// Out of memory.
    pub fn malloc(&self, size: usize) -> Result<usize, Error> {
        self.allocate(size, MemoryKind::Device)
    }

    /// cudaMallocManaged.
    ///
    /// # Errors
    /// Out of memory, no bytes, unknown flags.
    pub fn malloc_managed(&self, size: usize, flags: u32) -> Result<usize, Error> {
        if size == 0 || !matches!(flags, 1 | 2) {
            return Err(Error::value(format!(
                "cudaMallocManaged of {size} bytes with flags {flags:#x}"
            )));
        }
        self.allocate(size, MemoryKind::Managed)
    }

    /// cudaMallocHost, cudaHostAlloc.
    ///
    /// # Errors
    /// Out of memory, unknown flags.
    pub fn malloc_host(&self, size: usize, flags: u32) -> Result<usize, Error> {
        if flags & !7 != 0 {
            return Err(Error::value(format!(
                "cudaHostAlloc flags {flags:#x} are not known"
            )));
        }
        self.allocate(size, MemoryKind::Pinned)
    }

    /// Rows of `width` bytes at a pitch that suits the device: address and pitch.
    ///
    /// # Errors
    /// Out of memory, or more than there are addresses (an H200: cudaErrorInvalidValue).
    pub fn malloc_rows(&self, width: usize, rows: usize) -> Result<(usize, usize), Error> {
        let too_big = || Error::value(format!("{rows} rows of {width} bytes"));
        let pitch = width
            .checked_next_multiple_of(PITCH_ALIGNMENT as usize)
            .ok_or_else(too_big)?;
        let size = pitch.checked_mul(rows).ok_or_else(too_big)?;
        Ok((self.allocate(size, MemoryKind::Device)?, pitch))
    }

    fn release(&self, address: usize, allowed: &[MemoryKind], call: &str) -> Result<(), Error> {
        if address == 0 {
            return Ok(());
        }
        let ready = self.ready()?;
        // A kernel of another thread may use it: the place must not be given out again before that has ended.
        let _turn = self.turn();
        match ready.memory().find(address as u64) {
            Some(a) if a.start == address as u64 && allowed.contains(&a.kind) => {
                ready.forget_allocation(a.start);
                ready.memory().free(a.start)?;
                Ok(())
            }
            Some(a) if a.start == address as u64 => Err(Error::value(format!(
                "{call}: {address:#x} is {:?} memory",
                a.kind
            ))),
            _ => Err(Error::value(format!(
                "{call}: {address:#x} is not the start of an allocation"
            ))),
        }
    }

    /// cudaFree. The null pointer is fine. Waits for a kernel that another thread runs.
    ///
    /// # Errors
    /// Not the start of device or managed memory.
    pub fn free(&self, address: usize) -> Result<(), Error> {
        self.release(address, &[MemoryKind::Device, MemoryKind::Managed], "cudaFree")
    }

    /// cudaFreeHost. The null pointer is fine. Waits for a kernel that another thread runs.
    ///
    /// # Errors
    /// Not the start of pinned memory.
    pub fn free_host(&self, address: usize) -> Result<(), Error> {
        self.release(address, &[MemoryKind::Pinned], "cudaFreeHost")
    }

    /// cudaHostRegister.
    ///
    /// # Errors
    /// Null, nothing, not mapped for reading and writing, already registered in part, flags that are none or ask for
    /// what the device does not have.
    pub fn host_register(&self, address: usize, size: usize, flags: u32) -> Result<(), Error> {
        let ready = self.ready()?;
        if address == 0 || size == 0 || flags & !REGISTER_FLAGS != 0 {
            return Err(Error::value(format!(
                "cudaHostRegister of {size} bytes at {address:#x} with flags {flags:#x}"
            )));
        }
        if flags & (REGISTER_IO_MEMORY | REGISTER_READ_ONLY) != 0 {
            // As the device's attributes say.
            return Err(Error::NotSupported(
                "cudaHostRegister of I/O memory or read-only memory is not supported".into(),
            ));
        }
        let ours = ready.memory().contains(address as u64) && ready.memory().find(address as u64).is_none();
        if ours || !mapped::is_writable(address as u64, size as u64) {
            return Err(Error::value(format!(
                "cudaHostRegister: {size} bytes at {address:#x} are not mapped for reading and writing"
            )));
        }
        // SAFETY: it is mapped, as has been checked; cudaHostRegister asks the program to leave it so.
        unsafe { ready.memory().register(address as u64, size as u64) }.map_err(|_| {
            Error::argument(
                Code::HOST_MEMORY_ALREADY_REGISTERED,
                format!(
                    "{size} bytes at {address:#x} are device memory or registered already, at least in part"
                ),
            )
        })?;
        ready.note_allocation(address as u64, MemoryKind::Registered);
        Ok(())
    }

    /// cudaHostUnregister. Waits for a kernel that another thread runs.
    ///
    /// # Errors
    /// Not registered.
    pub fn host_unregister(&self, address: usize) -> Result<(), Error> {
        let ready = self.ready()?;
        if address == 0 {
            return Err(Error::value("cudaHostUnregister of the null pointer"));
        }
        let _turn = self.turn();
        ready.memory().unregister(address as u64).map_err(|_| {
            Error::argument(
                Code::HOST_MEMORY_NOT_REGISTERED,
                format!("{address:#x} is not the start of registered memory"),
            )
        })?;
        ready.forget_allocation(address as u64);
        Ok(())
    }

    /// The device address of pinned or registered host memory: the same address.
    ///
    /// # Errors
    /// Neither pinned nor registered.
    pub fn host_device_pointer(&self, address: usize) -> Result<usize, Error> {
        match self.ready()?.memory().find(address as u64).map(|a| a.kind) {
            Some(MemoryKind::Pinned | MemoryKind::Registered | MemoryKind::Managed) => Ok(address),
            _ => Err(Error::value(format!(
                "{address:#x} is not pinned or registered host memory"
            ))),
        }
    }

    /// Free and total device memory, bytes.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn memory_info(&self) -> Result<(u64, u64), Error> {
        Ok(self.ready()?.memory().info())
    }

    /// What an address is.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn pointer_info(&self, address: usize) -> Result<PointerInfo, Error> {
        Ok(
            match self.ready()?.memory().find(address as u64).map(|a| a.kind) {
                None => PointerInfo::Unregistered,
                Some(MemoryKind::Pinned | MemoryKind::Registered) => PointerInfo::Host,
                Some(MemoryKind::Managed) => PointerInfo::Managed,
                Some(MemoryKind::Device | MemoryKind::Module | MemoryKind::Constant) => PointerInfo::Device,
            },
        )
    }

    /// Checks one side of a copy.
    fn check_side(
        &self,
        side: &str,
        address: usize,
        size: usize,
        device: bool,
        kind: CopyKind,
    ) -> Result<(), Error> {
        let memory = self.ready()?.memory();
        if device || memory.contains(address as u64) {
            memory
                .check(address as u64, size as u64)
                .map_err(|_| invalid_range(side, address, size, kind))
        } else if address < 4096 {
            Err(Error::value(format!(
                "{kind:?} copy: the {side} is a null pointer"
            )))
        } else {
            Ok(())
        }
    }

    /// Takes note of a copy into device memory, for the launch log.
    fn note_copy(&self, to: usize, from: usize, size: usize) -> Result<(), Error> {
        if self.launch_log()?.is_some() {
            let memory = self.ready()?.memory();
            if memory.contains(to as u64) {
                self.log_write(to, size, memory.contains(from as u64).then_some(from));
            }
        }
        Ok(())
    }

    /// Copies rows (and slices of rows).
    ///
    /// # Errors
    /// A pitch smaller than a row, or a range that is not what `kind` says.
    ///
    /// # Safety
    /// A side that is the program's own memory is valid for all rows.
    pub(crate) unsafe fn copy(
        &self,
        to: Pitched,
        from: Pitched,
        shape: Shape,
        kind: CopyKind,
    ) -> Result<(), Error> {
        if shape.is_empty() {
            return Ok(());
        }
        if shape.height * shape.depth > 1 && (to.pitch < shape.width || from.pitch < shape.width) {
            return Err(Error::argument(
                Code::INVALID_PITCH_VALUE,
                format!(
                    "rows of {} bytes with pitches of {} and {} bytes",
                    shape.width, to.pitch, from.pitch
                ),
            ));
        }
        let too_big = || Error::value("the copy reaches beyond the address space");
        let (to_offset, to_size) = to.extent(shape).ok_or_else(too_big)?;
        let (from_offset, from_size) = from.extent(shape).ok_or_else(too_big)?;
        let to_start = to.address.checked_add(to_offset).ok_or_else(too_big)?;
        let from_start = from.address.checked_add(from_offset).ok_or_else(too_big)?;
        self.check_side("destination", to_start, to_size, kind.is_to_device(), kind)?;
        self.check_side("source", from_start, from_size, kind.is_from_device(), kind)?;
        let backend = self.ready()?.backend();
        for z in 0..shape.depth {
            for y in 0..shape.height {
                let to_row = to_start + (z * to.rows + y) * to.pitch;
                let from_row = from_start + (z * from.rows + y) * from.pitch;
                // SAFETY: the caller's promise; rows lie inside the ranges checked above.
                unsafe { transfer(backend, to_row, from_row, shape.width)? };
            }
        }
        self.note_copy(to_start, from_start, to_size)
    }

    /// Sets rows of device memory.
    ///
    /// # Errors
    /// A pitch smaller than a row, or not inside one allocation.
    pub(crate) fn fill(&self, to: Pitched, value: u8, shape: Shape) -> Result<(), Error> {
        if shape.is_empty() {
            return Ok(());
        }
        if shape.height * shape.depth > 1 && to.pitch < shape.width {
            return Err(Error::value(format!(
                "rows of {} bytes with a pitch of {} bytes",
                shape.width, to.pitch
            )));
        }
        let (offset, size) = to
            .extent(shape)
            .ok_or_else(|| Error::value("the range reaches beyond the address space"))?;
        let start = to.address.wrapping_add(offset);
        let memory = self.ready()?.memory();
        memory.check(start as u64, size as u64).map_err(|_| {
            Error::value(format!(
                "cudaMemset: {size} bytes at {start:#x} are not inside one device allocation"
            ))
        })?;
        self.launch_log()?;
        for z in 0..shape.depth {
            for y in 0..shape.height {
                let row = start + (z * to.rows + y) * to.pitch;
                memory.fill(row as u64, value, shape.width as u64)?;
                self.log_write(row, shape.width, None);
            }
        }
        Ok(())
    }

    /// Checks that a range is managed memory (for hints such as cudaMemPrefetchAsync).
    ///
    /// # Errors
    /// It is not, or has no bytes.
    pub fn check_managed(&self, address: usize, size: usize) -> Result<(), Error> {
        let memory = self.ready()?.memory();
        memory.check(address as u64, size as u64)?;
        let found = memory
            .find(address as u64)
            .filter(|a| a.kind == MemoryKind::Managed);
        match found {
            Some(_) if size > 0 => Ok(()),
            _ => Err(Error::value(format!(
                "{size} bytes at {address:#x} are not inside one allocation of managed memory"
            ))),
        }
    }
}
