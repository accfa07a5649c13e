//! Allocating, copying and setting memory.

use crate::abi::{
    ChannelFormat, Extent, Memcpy3D, Memcpy3DPeer, Opaque, PitchedPtr, PointerAttributes,
    PointerAttributes13, Pos,
};
use crate::device::check_device;
use crate::last::frame;
use crate::registry;
use entry::CudaVersion;
use entry::{context, entries, give, one_of, room, take};
use gpu::{Code, CopyKind, DEFAULT_STREAM, Error, Pitched, PointerInfo, Shape, Work};
use std::ffi::{c_int, c_uint, c_void};

/// `cudaPitchedPtr`, positions and all, as a place in memory.
fn place(p: PitchedPtr, pos: Pos) -> Pitched {
    Pitched {
        address: p.ptr,
        pitch: p.pitch,
        rows: p.ysize,
        origin: [pos.x, pos.y, pos.z],
    }
}

/// The shape of a copy of rows. Of a single row, an H200 refuses a pitch that is too small with another code than of
/// several.
fn rows_of(width: usize, height: usize, pitches: [usize; 2]) -> Result<Shape, Error> {
    match height == 1 && pitches.iter().any(|p| *p < width) {
        true => Err(Error::value(format!(
            "a row of {width} bytes with pitches of {pitches:?} bytes"
        ))),
        false => Ok(Shape {
            width,
            height,
            depth: 1,
        }),
    }
}

fn rows(address: usize, pitch: usize, height: usize) -> Pitched {
    Pitched {
        address,
        pitch,
        rows: height,
        origin: [0; 3],
    }
}

fn shape(e: Extent) -> Shape {
    Shape {
        width: e.width,
        height: e.height,
        depth: e.depth,
    }
}

fn no_arrays(array: usize) -> Result<(), Error> {
    match array {
        0 => Ok(()),
        _ => Err(Error::NotSupported("CUDA arrays are not supported".into())),
    }
}

/// Gives work to a stream.
///
/// # Safety
/// As for [`gpu::Context::issue`].
unsafe fn issue(stream: Opaque, work: Work<'_>) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    unsafe { context().issue(stream, work) }
}

/// Gives work to the default stream after all others, as copies do that block: the fault of an earlier kernel comes out
/// here.
///
/// # Safety
/// As for [`gpu::Context::issue`].
unsafe fn blocking(work: Work<'_>) -> Result<(), Error> {
    context().synchronize()?;
    // SAFETY: the caller's promise.
    unsafe { issue(DEFAULT_STREAM, work) }
}

fn copy_3d<'a>(p: &Memcpy3D) -> Result<Work<'a>, Error> {
    no_arrays(p.src_array | p.dst_array)?;
    Ok(Work::Copy {
        to: place(p.dst, p.dst_pos),
        from: place(p.src, p.src_pos),
        shape: shape(p.extent),
        kind: CopyKind::from_number(p.kind)?,
    })
}

fn copy_3d_peer<'a>(p: &Memcpy3DPeer) -> Result<Work<'a>, Error> {
    no_arrays(p.src_array | p.dst_array)?;
    check_device(p.src_device)?;
    check_device(p.dst_device)?;
    Ok(Work::Copy {
        to: place(p.dst, p.dst_pos),
        from: place(p.src, p.src_pos),
        shape: shape(p.extent),
        kind: CopyKind::DeviceToDevice,
    })
}

/// A copy of rows, with its directions as cudaMemcpy2D has them.
fn copy_2d<'a>(
    (to, to_pitch): (usize, usize),
    (from, from_pitch): (usize, usize),
    (width, height): (usize, usize),
    kind: c_uint,
) -> Result<Work<'a>, Error> {
    Ok(Work::Copy {
        shape: rows_of(width, height, [to_pitch, from_pitch])?,
        kind: CopyKind::from_number(kind)?,
        to: rows(to, to_pitch, height),
        from: rows(from, from_pitch, height),
    })
}

fn copy<'a>(to: usize, from: usize, count: usize, kind: c_uint) -> Result<Work<'a>, Error> {
    Ok(Work::copy(to, from, count, CopyKind::from_number(kind)?))
}

fn fill_2d<'a>(address: usize, pitch: usize, value: c_int, width: usize, height: usize) -> Work<'a> {
    Work::Fill {
        to: rows(address, pitch, height),
        value: value as u8,
        shape: Shape {
            width,
            height,
            depth: 1,
        },
    }
}

fn fill_3d<'a>(to: PitchedPtr, value: c_int, extent: Extent) -> Work<'a> {
    Work::Fill {
        to: place(to, Pos { x: 0, y: 0, z: 0 }),
        value: value as u8,
        shape: shape(extent),
    }
}

/// Where `count` bytes at `offset` of a symbol lie.
fn in_symbol(symbol: usize, offset: usize, count: usize) -> Result<usize, Error> {
    let (address, size) = registry::symbol(symbol)?;
    match offset.checked_add(count) {
        Some(end) if end <= size => Ok(address + offset),
        _ => Err(Error::value(format!(
            "{count} bytes at offset {offset} of a variable of {size} bytes"
        ))),
    }
}

/// A direction in which one end is a symbol: the device's.
fn symbol_kind(kind: c_uint, impossible: [CopyKind; 2]) -> Result<CopyKind, Error> {
    let kind = CopyKind::from_number(kind)?;
    match impossible.contains(&kind) {
        true => Err(Error::argument(
            Code::INVALID_MEMCPY_DIRECTION,
            format!("a symbol is device memory: no {kind:?} copy"),
        )),
        false => Ok(kind),
    }
}

fn to_symbol<'a>(
    symbol: usize,
    from: usize,
    count: usize,
    offset: usize,
    kind: c_uint,
) -> Result<Work<'a>, Error> {
    let kind = symbol_kind(kind, [CopyKind::HostToHost, CopyKind::DeviceToHost])?;
    let to = in_symbol(symbol, offset, count)?;
    Ok(Work::copy(to, from, count, kind))
}

fn from_symbol<'a>(
    to: usize,
    symbol: usize,
    count: usize,
    offset: usize,
    kind: c_uint,
) -> Result<Work<'a>, Error> {
    let kind = symbol_kind(kind, [CopyKind::HostToHost, CopyKind::HostToDevice])?;
    let from = in_symbol(symbol, offset, count)?;
    Ok(Work::copy(to, from, count, kind))
}

/// cudaMemPoolProps as far as it is looked at: what kind of allocation it makes.
#[repr(C)]
struct PoolProperties {
    kind: c_uint,
}

/// cudaMemAllocationTypePinned, the only kind there is.
const PINNED: u32 = 1;
/// cudaMemAttachGlobal, Host, Single.
const ATTACH: [u32; 3] = [1, 2, 4];
/// cudaMemoryAdvise.
const ADVICE: [u32; 6] = [1, 2, 3, 4, 5, 6];

entries! {
    fn cudaMalloc(to: *mut usize, size: usize) {
        room(to)?;
        let address = context().malloc(size)?;
        unsafe { give(to, address) }
    }

    fn cudaFree(address: usize) {
        context().free(address)
    }

    fn cudaMallocAsync(to: *mut usize, size: usize, stream: Opaque) as cudaMallocAsync_ptsz {
        room(to)?;
        let context = context();
        context.streams()?.check(stream)?;
        let address = context.malloc(size)?;
        unsafe { give(to, address) }
    }

    fn cudaMallocFromPoolAsync(
        to: *mut usize, size: usize, pool: Opaque, stream: Opaque,
    ) as cudaMallocFromPoolAsync_ptsz {
        room(to)?;
        let context = context();
        context.streams()?.check(stream)?;
        context.pools()?.check(pool)?;
        let address = context.malloc(size)?;
        unsafe { give(to, address) }
    }

    fn cudaFreeAsync(address: usize, stream: Opaque) as cudaFreeAsync_ptsz {
        context().streams()?.check(stream)?;
        context().free(address)
    }

    fn cudaMallocManaged(to: *mut usize, size: usize, flags: c_uint) {
        room(to)?;
        let address = context().malloc_managed(size, flags)?;
        unsafe { give(to, address) }
    }

    fn cudaMallocHost(to: *mut usize, size: usize) {
        room(to)?;
        let address = context().malloc_host(size, 0)?;
        unsafe { give(to, address) }
    }

    fn cudaHostAlloc(to: *mut usize, size: usize, flags: c_uint) {
        room(to)?;
        let address = context().malloc_host(size, flags)?;
        unsafe { give(to, address) }
    }

    fn cudaFreeHost(address: usize) {
        context().free_host(address)
    }

    fn cudaHostRegister(address: usize, size: usize, flags: c_uint) {
        context().host_register(address, size, flags)
    }

    fn cudaHostUnregister(address: usize) {
        context().host_unregister(address)
    }

    fn cudaHostGetDevicePointer(to: *mut usize, address: usize, flags: c_uint) {
        one_of("flags of cudaHostGetDevicePointer", flags, &[0])?;
        let device = context().host_device_pointer(address)?;
        unsafe { give(to, device) }
    }

    fn cudaHostGetFlags(flags: *mut c_uint, address: usize) {
        context().host_device_pointer(address)?;
        // cudaHostAllocMapped: all host memory of CUDA's is visible to kernels.
        unsafe { give(flags, 2) }
    }

    fn cudaMallocPitch(to: *mut usize, pitch: *mut usize, width: usize, height: usize) {
        room(to)?;
        room(pitch)?;
        let (address, bytes) = context().malloc_rows(width, height)?;
        unsafe {
            give(pitch, bytes)?;
            give(to, address)
        }
    }

    fn cudaMalloc3D(to: *mut PitchedPtr, extent: Extent) {
        room(to)?;
        let rows = extent.height.checked_mul(extent.depth).ok_or_else(|| Error::value("too many rows"))?;
        let (ptr, pitch) = context().malloc_rows(extent.width, rows)?;
        unsafe { give(to, PitchedPtr { ptr, pitch, xsize: extent.width, ysize: extent.height }) }
    }

    fn cudaMemGetInfo(free: *mut usize, total: *mut usize) {
        let (f, t) = context().memory_info()?;
        unsafe {
            give(free, f as usize)?;
            give(total, t as usize)
        }
    }

    fn cudaMemcpy(to: usize, from: usize, count: usize, kind: c_uint) as cudaMemcpy_ptds {
        unsafe { blocking(copy(to, from, count, kind)?) }
    }

    fn cudaMemcpyAsync(to: usize, from: usize, count: usize, kind: c_uint, stream: Opaque) as cudaMemcpyAsync_ptsz {
        unsafe { issue(stream, copy(to, from, count, kind)?) }
    }

    fn cudaMemcpyPeer(to: usize, to_device: c_int, from: usize, from_device: c_int, count: usize) {
        check_device(to_device)?;
        check_device(from_device)?;
        unsafe { blocking(Work::copy(to, from, count, CopyKind::DeviceToDevice)) }
    }

    fn cudaMemcpyPeerAsync(
        to: usize, to_device: c_int, from: usize, from_device: c_int, count: usize, stream: Opaque,
    ) {
        check_device(to_device)?;
        check_device(from_device)?;
        unsafe { issue(stream, Work::copy(to, from, count, CopyKind::DeviceToDevice)) }
    }

    fn cudaMemcpy2D(
        to: usize, to_pitch: usize, from: usize, from_pitch: usize, width: usize, height: usize, kind: c_uint,
    ) as cudaMemcpy2D_ptds {
        let work = copy_2d((to, to_pitch), (from, from_pitch), (width, height), kind)?;
        unsafe { blocking(work) }
    }

    fn cudaMemcpy2DAsync(
        to: usize, to_pitch: usize, from: usize, from_pitch: usize, width: usize, height: usize, kind: c_uint,
        stream: Opaque,
    ) as cudaMemcpy2DAsync_ptsz {
        let work = copy_2d((to, to_pitch), (from, from_pitch), (width, height), kind)?;
        unsafe { issue(stream, work) }
    }

    fn cudaMemcpy3D(parameters: *const Memcpy3D) as cudaMemcpy3D_ptds {
        unsafe { blocking(copy_3d(&take(parameters)?)?) }
    }

    fn cudaMemcpy3DAsync(parameters: *const Memcpy3D, stream: Opaque) as cudaMemcpy3DAsync_ptsz {
        unsafe { issue(stream, copy_3d(&take(parameters)?)?) }
    }

    fn cudaMemcpy3DPeer(parameters: *const Memcpy3DPeer) as cudaMemcpy3DPeer_ptds {
        unsafe { blocking(copy_3d_peer(&take(parameters)?)?) }
    }

    fn cudaMemcpy3DPeerAsync(parameters: *const Memcpy3DPeer, stream: Opaque) as cudaMemcpy3DPeerAsync_ptsz {
        unsafe { issue(stream, copy_3d_peer(&take(parameters)?)?) }
    }

    fn cudaMemcpyToSymbol(
        symbol: usize, from: usize, count: usize, offset: usize, kind: c_uint,
    ) as cudaMemcpyToSymbol_ptds {
        unsafe { blocking(to_symbol(symbol, from, count, offset, kind)?) }
    }

    fn cudaMemcpyToSymbolAsync(
        symbol: usize, from: usize, count: usize, offset: usize, kind: c_uint, stream: Opaque,
    ) as cudaMemcpyToSymbolAsync_ptsz {
        unsafe { issue(stream, to_symbol(symbol, from, count, offset, kind)?) }
    }

    fn cudaMemcpyFromSymbol(
        to: usize, symbol: usize, count: usize, offset: usize, kind: c_uint,
    ) as cudaMemcpyFromSymbol_ptds {
        unsafe { blocking(from_symbol(to, symbol, count, offset, kind)?) }
    }

    fn cudaMemcpyFromSymbolAsync(
        to: usize, symbol: usize, count: usize, offset: usize, kind: c_uint, stream: Opaque,
    ) as cudaMemcpyFromSymbolAsync_ptsz {
        unsafe { issue(stream, from_symbol(to, symbol, count, offset, kind)?) }
    }

    fn cudaGetSymbolAddress(to: *mut usize, symbol: usize) {
        let (address, _) = registry::symbol(symbol)?;
        unsafe { give(to, address) }
    }

    fn cudaGetSymbolSize(to: *mut usize, symbol: usize) {
        let (_, size) = registry::symbol(symbol)?;
        unsafe { give(to, size) }
    }

    fn cudaMemset(address: usize, value: c_int, count: usize) as cudaMemset_ptds {
        unsafe { issue(DEFAULT_STREAM, Work::fill(address, value as u8, count)) }
    }

    fn cudaMemsetAsync(address: usize, value: c_int, count: usize, stream: Opaque) as cudaMemsetAsync_ptsz {
        unsafe { issue(stream, Work::fill(address, value as u8, count)) }
    }

    fn cudaMemset2D(address: usize, pitch: usize, value: c_int, width: usize, height: usize) as cudaMemset2D_ptds {
        unsafe { issue(DEFAULT_STREAM, fill_2d(address, pitch, value, width, height)) }
    }

    fn cudaMemset2DAsync(
        address: usize, pitch: usize, value: c_int, width: usize, height: usize, stream: Opaque,
    ) as cudaMemset2DAsync_ptsz {
        unsafe { issue(stream, fill_2d(address, pitch, value, width, height)) }
    }

    fn cudaMemset3D(to: PitchedPtr, value: c_int, extent: Extent) as cudaMemset3D_ptds {
        unsafe { issue(DEFAULT_STREAM, fill_3d(to, value, extent)) }
    }

    fn cudaMemset3DAsync(to: PitchedPtr, value: c_int, extent: Extent, stream: Opaque) as cudaMemset3DAsync_ptsz {
        unsafe { issue(stream, fill_3d(to, value, extent)) }
    }

    fn cudaPointerGetAttributes(to: *mut PointerAttributes, address: usize) {
        let (kind, device) = match context().pointer_info(address)? {
            PointerInfo::Unregistered => (0, -2),
            PointerInfo::Host => (1, 0),
            PointerInfo::Device => (2, 0),
            PointerInfo::Managed => (3, 0),
        };
        let base = PointerAttributes {
            kind,
            device,
            device_pointer: if kind == 0 { 0 } else { address },
            host_pointer: if kind == 2 { 0 } else { address },
        };
        unsafe {
            match CudaVersion::of_program() {
                CudaVersion::V13 => give(to.cast(), PointerAttributes13 { base, reserved: [0; 8] }),
                _ => give(to, base),
            }
        }
    }

    /// Memory is where it is used already; what follows the size (a device, or a location with flags) and the
    /// stream differ between versions and change nothing.
    fn cudaMemPrefetchAsync(
        address: usize, count: usize,
    ) as cudaMemPrefetchAsync_ptsz, cudaMemPrefetchAsync_v2, cudaMemPrefetchAsync_v2_ptsz {
        context().check_managed(address, count)
    }

    fn cudaMemAdvise(address: usize, count: usize, advice: c_uint) as cudaMemAdvise_v2 {
        one_of("advice about memory", advice, &ADVICE)?;
        context().check_managed(address, count)
    }

    fn cudaStreamAttachMemAsync(
        stream: Opaque, address: usize, length: usize, flags: c_uint,
    ) as cudaStreamAttachMemAsync_ptsz {
        one_of("flags of cudaStreamAttachMemAsync", flags, &ATTACH)?;
        context().streams()?.check(stream)?;
        context().check_managed(address, length.max(1))
    }

    fn cudaDeviceGetDefaultMemPool(pool: *mut Opaque, device: c_int) {
        check_device(device)?;
        unsafe { give(pool, gpu::DEFAULT_POOL) }
    }

    fn cudaDeviceGetMemPool(pool: *mut Opaque, device: c_int) {
        check_device(device)?;
        let current = context().pools()?.current();
        unsafe { give(pool, current) }
    }

    fn cudaDeviceSetMemPool(device: c_int, pool: Opaque) {
        check_device(device)?;
        context().pools()?.set_current(pool)
    }

    fn cudaMemPoolCreate(pool: *mut Opaque, properties: *const c_void) {
        room(pool)?;
        let kind = unsafe { take(properties.cast::<PoolProperties>())? }.kind;
        one_of("the kind of allocation of a memory pool", kind, &[PINNED])?;
        let made = context().pools()?.create();
        unsafe { give(pool, made) }
    }

    fn cudaMemPoolDestroy(pool: Opaque) {
        context().pools()?.destroy(pool)
    }

    fn cudaMemPoolTrimTo(pool: Opaque, _keep: usize) {
        context().pools()?.check(pool)
    }

    fn cudaMemPoolSetAttribute(pool: Opaque, attribute: c_uint, value: *const c_void) {
        let value = match attribute {
            // The first three are ints, the others 64-bit sizes.
            1..=3 => u64::from(unsafe { take(value.cast::<u32>())? }),
            _ => unsafe { take(value.cast::<u64>())? },
        };
        context().pools()?.set_attribute(pool, attribute, value)
    }

    fn cudaMemPoolGetAttribute(pool: Opaque, attribute: c_uint, value: *mut c_void) {
        let (free, total) = context().memory_info()?;
        let found = context().pools()?.attribute(pool, attribute, total - free)?;
        unsafe {
            match attribute {
                1..=3 => give(value.cast::<u32>(), found as u32),
                _ => give(value.cast::<u64>(), found),
            }
        }
    }

    /// There is one device, which always has access.
    fn cudaMemPoolSetAccess(pool: Opaque, list: *const c_void, count: usize) {
        if list.is_null() && count > 0 {
            return Err(Error::value("the list of access descriptions is null"));
        }
        context().pools()?.check(pool)
    }

    fn cudaMemPoolGetAccess(flags: *mut c_uint, pool: Opaque, location: *const c_void) {
        context().pools()?.check(pool)?;
        if location.is_null() {
            return Err(Error::value("the location is null"));
        }
        // cudaMemAccessFlagsProtReadWrite
        unsafe { give(flags, 3) }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaCreateChannelDesc(
    x: c_int,
    y: c_int,
    z: c_int,
    w: c_int,
    kind: c_uint,
) -> ChannelFormat {
    ChannelFormat { x, y, z, w, kind }
}
