//! What entry points answer to arguments that they cannot take: the codes that CUDA's documentation names, or an H200
//! gives (marked). One table; the calls share what `Things` makes.

#[path = "../../gpu/tests/common/mod.rs"]
mod common;

use common::{HEAD, ptx_binary};
use cudart::abi::{Dim3, Extent, PitchedPtr};
use cudart::*;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

const OK: u32 = 0;
const VALUE: u32 = 1;
const MEMORY: u32 = 2;
const PITCH: u32 = 12;
const SYMBOL: u32 = 13;
const DIRECTION: u32 = 21;
const FUNCTION: u32 = 98;
const DEVICE: u32 = 101;
const PEER: u32 = 217;
const HANDLE: u32 = 400;
const NO_PEER: u32 = 705;
const REGISTERED: u32 = 712;
const NOT_REGISTERED: u32 = 713;

/// A kernel with 1,024 bytes of shared memory, and a variable of 16 bytes.
const PTX: &str = ".visible .global .align 4 .b8 v[16];\n\
    .visible .entry k(.param .u32 a, .param .u64 b)\n{\n.shared .align 4 .b8 s[1024];\nret;\n}\n";

static STUB: u8 = 0;
static SHADOW: u8 = 0;

/// What the calls are made with.
struct Things {
    kernel: usize,
    symbol: usize,
    device: usize,
    pinned: usize,
    managed: usize,
    stream: usize,
    event: usize,
    silent: usize,
    pool: usize,
    host: [u8; 64],
}

impl Things {
    fn new() -> Things {
        // SAFETY: tests of this process touch the environment before the library reads it, and nowhere else.
        unsafe { std::env::set_var("VERNIER_PTX_OUT", "none") };
        let mut t = Things {
            kernel: &raw const STUB as usize,
            symbol: &raw const SHADOW as usize,
            device: 0,
            pinned: 0,
            managed: 0,
            stream: 0,
            event: 0,
            silent: 0,
            pool: 0,
            host: [0; 64],
        };
        // SAFETY: what nvcc's code passes, and places for results.
        unsafe {
            let module = __cudaRegisterFatBinary(ptx_binary(&format!("{HEAD}{PTX}")) as *mut c_void);
            let nothing: *mut Dim3 = null_mut();
            let (k, v) = (c"k".as_ptr(), c"v".as_ptr());
            let stub = t.kernel as *const c_char;
            __cudaRegisterFunction(
                module,
                stub,
                k.cast_mut(),
                k,
                -1,
                nothing,
                nothing,
                nothing,
                nothing,
                null_mut(),
            );
            __cudaRegisterVar(module, t.symbol as *mut c_char, v.cast_mut(), v, 0, 16, 0, 0);
            assert_eq!(cudaMalloc(&mut t.device, 64), 0);
            assert_eq!(cudaMallocHost(&mut t.pinned, 64), 0);
            assert_eq!(cudaMallocManaged(&mut t.managed, 64, 1), 0);
            assert_eq!(cudaStreamCreate(&mut t.stream), 0);
            assert_eq!(cudaEventCreate(&mut t.event), 0);
            assert_eq!(cudaEventCreateWithFlags(&mut t.silent, 2), 0);
            assert_eq!(cudaDeviceGetDefaultMemPool(&mut t.pool, 0), 0);
        }
        t
    }

    fn host(&self) -> usize {
        self.host.as_ptr() as usize
    }
}

/// A call, what it must give, and its text for the message.
macro_rules! table {
    ($things:ident, $n:ident, $i:ident, $z:ident: $($call:expr => $code:expr;)*) => {
        &[$((stringify!($call), $code, &|$things: &Things| {
            // Places for results: an int, a number of any kind, an address.
            let (mut int, mut number, mut address) = (0 as c_int, 0u32, 0usize);
            let ($i, $n, $z): (*mut c_int, *mut u32, *mut usize) = (&mut int, &mut number, &mut address);
            let _ = ($things, $i, $n, $z);
            // SAFETY: every pointer is null, a place, or refused.
            #[allow(unused_unsafe)]
            unsafe { $call }
        })),*]
    };
}

type Row<'a> = (&'a str, u32, &'a dyn Fn(&Things) -> u32);

fn check(things: &Things, rows: &[Row<'_>]) {
    for (call, expected, run) in rows {
        let free = || {
            let (mut free, mut total) = (0, 0);
            // SAFETY: places for results.
            unsafe { assert_eq!(cudaMemGetInfo(&mut free, &mut total), 0) };
            free
        };
        let before = free();
        let code = run(things);
        assert_eq!(code, *expected, "{call}");
        if code != OK {
            assert_eq!(cudaGetLastError(), code, "{call}");
            assert_eq!(free(), before, "{call} failed, but took memory");
        }
    }
}

#[test]
fn bad_arguments_get_the_codes_of_the_documentation() {
    let things = Things::new();
    let flat = |ptr, pitch| PitchedPtr {
        ptr,
        pitch,
        xsize: 8,
        ysize: 2,
    };
    let extent = |width, height, depth| Extent { width, height, depth };
    let memory: &[Row<'_>] = table! { t, _n, _i, z:
        cudaMalloc(null_mut(), 16) => VALUE;
        cudaMalloc(z, 0) => OK;
        cudaMalloc(z, usize::MAX) => MEMORY;
        cudaMallocAsync(null_mut(), 16, 0) => VALUE;
        cudaMallocAsync(z, 16, 0xdead) => HANDLE;
        cudaMallocFromPoolAsync(null_mut(), 16, t.pool, 0) => VALUE;
        cudaMallocFromPoolAsync(z, 16, 0xdead, 0) => VALUE;
        cudaMallocManaged(null_mut(), 16, 1) => VALUE;
        cudaMallocManaged(z, 0, 1) => VALUE;
        cudaMallocManaged(z, 16, 0) => VALUE;
        cudaMallocManaged(z, 16, 4) => VALUE;
        cudaMallocHost(null_mut(), 16) => VALUE;
        cudaHostAlloc(null_mut(), 16, 0) => VALUE;
        cudaHostAlloc(z, 16, 8) => VALUE;
        // An H200: the width is judged first.
        cudaMallocPitch(z, z, usize::MAX, 4) => VALUE;
        cudaMallocPitch(z, z, 1 << 40, 1) => MEMORY;
        cudaMallocPitch(z, z, 1 << 30, usize::MAX / 2) => VALUE;
        cudaMallocPitch(null_mut(), z, 16, 4) => VALUE;
        cudaMallocPitch(z, null_mut(), 16, 4) => VALUE;
        cudaMalloc3D(null_mut(), extent(16, 2, 2)) => VALUE;
        cudaFree(t.device + 4) => VALUE;
        cudaFree(t.pinned) => VALUE;
        cudaFree(t.host()) => VALUE;
        cudaFree(0) => OK;
        cudaFreeAsync(t.device, 0xdead) => HANDLE;
        cudaFreeHost(t.device) => VALUE;
        cudaFreeHost(t.host()) => VALUE;
        cudaFreeHost(0) => OK;
        cudaHostRegister(0, 16, 0) => VALUE;
        cudaHostRegister(t.host(), 0, 0) => VALUE;
        cudaHostRegister(t.host(), 16, 0x10) => VALUE;
        cudaHostRegister(t.pinned, 16, 0) => REGISTERED;
        cudaHostUnregister(0) => VALUE;
        cudaHostUnregister(t.host()) => NOT_REGISTERED;
        cudaHostGetDevicePointer(z, t.pinned, 1) => VALUE;
        cudaHostGetDevicePointer(z, t.host(), 0) => VALUE;
        cudaHostGetDevicePointer(null_mut(), t.pinned, 0) => VALUE;
        cudaHostGetFlags(null_mut(), t.pinned) => VALUE;
        cudaHostGetFlags(_n, t.host()) => VALUE;
        cudaMemGetInfo(null_mut(), z) => VALUE;
        cudaPointerGetAttributes(null_mut(), t.device) => VALUE;
        cudaMemPrefetchAsync(t.managed, 0) => VALUE;
        cudaMemPrefetchAsync(t.device, 16) => VALUE;
        cudaMemPrefetchAsync(t.managed, 65) => VALUE;
        cudaMemPrefetchAsync(t.managed, 64) => OK;
        cudaMemAdvise(t.managed, 64, 0) => VALUE;
        cudaMemAdvise(t.managed, 64, 7) => VALUE;
        cudaMemAdvise(t.device, 64, 1) => VALUE;
        cudaMemAdvise(t.managed, 0, 1) => VALUE;
        cudaMemAdvise(t.managed, 64, 1) => OK;
        cudaStreamAttachMemAsync(t.stream, t.managed, 0, 4) => OK;
        cudaStreamAttachMemAsync(t.stream, t.managed, 0, 3) => VALUE;
        cudaStreamAttachMemAsync(t.stream, t.device, 0, 4) => VALUE;
        cudaStreamAttachMemAsync(0xdead, t.managed, 0, 4) => HANDLE;
    };
    check(&things, memory);
    let copies: &[Row<'_>] = table! { t, _n, _i, z:
        cudaMemcpy(t.device, t.host(), 16, 5) => DIRECTION;
        cudaMemcpy(t.device, t.host(), 0, 5) => DIRECTION;
        cudaMemcpy(t.device, t.host(), 65, 1) => VALUE;
        cudaMemcpy(t.device, 0, 16, 1) => VALUE;
        cudaMemcpy(0, 0, 0, 1) => OK;
        cudaMemcpyAsync(t.device, t.host(), 16, 5, 0) => DIRECTION;
        cudaMemcpyAsync(t.device, t.host(), 16, 1, 0xdead) => HANDLE;
        cudaMemcpyPeer(t.device, 1, t.device, 0, 16) => DEVICE;
        cudaMemcpyPeer(t.device, 0, t.device, -1, 16) => DEVICE;
        cudaMemcpyPeerAsync(t.device, 0, t.device, 1, 16, 0) => DEVICE;
        cudaMemcpy2D(t.device, 8, t.host(), 4, 8, 2, 1) => PITCH;
        cudaMemcpy2D(t.device, 8, t.host(), 4, 8, 1, 1) => VALUE;
        cudaMemcpy2D(t.device, 4, t.host(), 8, 8, 2, 1) => PITCH;
        cudaMemcpy2D(t.device, 8, t.host(), 8, 8, 2, 7) => DIRECTION;
        cudaMemcpy2D(t.device, 8, t.host(), 8, 8, 9, 1) => VALUE;
        cudaMemcpy3D(null()) => VALUE;
        cudaMemcpy3DPeer(null()) => VALUE;
        cudaMemset(t.device, 0, 65) => VALUE;
        cudaMemset(t.host(), 0, 16) => VALUE;
        cudaMemset(0, 0, 0) => OK;
        cudaMemsetAsync(t.device, 0, 16, 0xdead) => HANDLE;
        cudaMemset2D(t.device, 4, 0, 8, 2) => VALUE;
        cudaMemset2D(t.device, 8, 0, 8, 9) => VALUE;
        cudaMemset2DAsync(t.device, 8, 0, 8, 2, 0xdead) => HANDLE;
        cudaMemset3DAsync(flat(t.device, 8), 0, extent(8, 2, 1), 0xdead) => HANDLE;
        cudaMemcpy2DAsync(t.device, 4, t.host(), 8, 8, 2, 1, 0) => PITCH;
        cudaMemcpy2DAsync(t.device, 8, t.host(), 8, 8, 2, 1, 0xdead) => HANDLE;
        cudaMemcpy3DAsync(null(), 0) => VALUE;
        cudaMemcpy3DPeerAsync(null(), 0) => VALUE;
        cudaMemset3D(flat(t.device, 4), 0, extent(8, 2, 1)) => VALUE;
        // An H200: these directions have no symbol at their end.
        cudaMemcpyToSymbol(t.symbol, t.host(), 4, 0, 0) => DIRECTION;
        cudaMemcpyToSymbol(t.symbol, t.host(), 4, 0, 2) => DIRECTION;
        cudaMemcpyToSymbol(t.symbol, t.host(), 4, 0, 9) => DIRECTION;
        cudaMemcpyToSymbol(t.symbol, t.host(), 4, 0, 1) => OK;
        cudaMemcpyToSymbol(t.symbol, t.device, 4, 0, 3) => OK;
        cudaMemcpyToSymbol(t.symbol, t.host(), 4, 0, 4) => OK;
        cudaMemcpyToSymbol(t.symbol, t.host(), 16, 1, 1) => VALUE;
        cudaMemcpyToSymbol(t.symbol, t.host(), 1, usize::MAX, 1) => VALUE;
        cudaMemcpyToSymbol(t.symbol, 0, 4, 0, 1) => VALUE;
        cudaMemcpyToSymbol(t.host(), t.host(), 4, 0, 1) => SYMBOL;
        cudaMemcpyToSymbolAsync(t.symbol, t.host(), 4, 0, 2, 0) => DIRECTION;
        cudaMemcpyToSymbolAsync(t.symbol, t.host(), 4, 0, 1, 0xdead) => HANDLE;
        cudaMemcpyFromSymbol(t.host(), t.symbol, 4, 0, 0) => DIRECTION;
        cudaMemcpyFromSymbol(t.host(), t.symbol, 4, 0, 1) => DIRECTION;
        cudaMemcpyFromSymbol(t.host(), t.symbol, 4, 0, 2) => OK;
        cudaMemcpyFromSymbol(t.device, t.symbol, 4, 0, 3) => OK;
        cudaMemcpyFromSymbol(t.host(), t.symbol, 17, 0, 2) => VALUE;
        cudaMemcpyFromSymbolAsync(t.host(), t.symbol, 4, 0, 1, 0) => DIRECTION;
        cudaGetSymbolAddress(z, t.host()) => SYMBOL;
        cudaGetSymbolAddress(null_mut(), t.symbol) => VALUE;
        cudaGetSymbolSize(null_mut(), t.symbol) => VALUE;
    };
    check(&things, copies);
    let pools: &[Row<'_>] = table! { t, _n, _i, z:
        cudaMemPoolCreate(z, null()) => VALUE;
        cudaMemPoolCreate(z, [0u32; 22].as_ptr().cast()) => VALUE;
        cudaMemPoolCreate(null_mut(), [1u32; 22].as_ptr().cast()) => VALUE;
        cudaMemPoolDestroy(t.pool) => VALUE;
        cudaMemPoolDestroy(0xdead) => VALUE;
        cudaMemPoolTrimTo(0xdead, 0) => VALUE;
        cudaMemPoolSetAttribute(t.pool, 4, null()) => VALUE;
        cudaMemPoolSetAttribute(t.pool, 9, [0u64; 1].as_ptr().cast()) => VALUE;
        cudaMemPoolSetAttribute(t.pool, 5, [0u64; 1].as_ptr().cast()) => VALUE;
        cudaMemPoolSetAttribute(t.pool, 6, [0u64; 1].as_ptr().cast()) => OK;
        cudaMemPoolSetAttribute(t.pool, 8, [1u64; 1].as_ptr().cast()) => VALUE;
        cudaMemPoolGetAttribute(t.pool, 0, z.cast()) => VALUE;
        cudaMemPoolGetAttribute(t.pool, 4, null_mut()) => VALUE;
        cudaMemPoolSetAccess(t.pool, null(), 1) => VALUE;
        cudaMemPoolGetAccess(_n, t.pool, null()) => VALUE;
        cudaDeviceGetDefaultMemPool(z, 1) => DEVICE;
        cudaDeviceGetDefaultMemPool(null_mut(), 0) => VALUE;
        cudaDeviceGetMemPool(z, -1) => DEVICE;
        cudaDeviceSetMemPool(0, 0xdead) => VALUE;
        cudaDeviceSetMemPool(1, t.pool) => DEVICE;
    };
    check(&things, pools);
    let streams: &[Row<'_>] = table! { t, n, i, z:
        cudaStreamCreate(null_mut()) => VALUE;
        cudaStreamCreateWithFlags(z, 2) => VALUE;
        cudaStreamCreateWithPriority(z, 2, 0) => VALUE;
        cudaStreamDestroy(0) => HANDLE;
        cudaStreamDestroy(0xdead) => HANDLE;
        cudaStreamSynchronize(0xdead) => HANDLE;
        cudaStreamQuery(0xdead) => HANDLE;
        cudaStreamWaitEvent(0xdead, t.event, 0) => HANDLE;
        cudaStreamWaitEvent(t.stream, 0xdead, 0) => HANDLE;
        cudaStreamWaitEvent(t.stream, t.event, 2) => VALUE;
        cudaStreamGetFlags(t.stream, null_mut()) => VALUE;
        cudaStreamGetPriority(0xdead, i) => HANDLE;
        cudaStreamGetId(t.stream, null_mut()) => VALUE;
        cudaStreamGetDevice(0xdead, i) => HANDLE;
        cudaStreamIsCapturing(t.stream, null_mut()) => VALUE;
        cudaStreamCopyAttributes(t.stream, 0xdead) => HANDLE;
        cudaStreamGetAttribute(t.stream, 2, [0u64; 8].as_mut_ptr().cast()) => VALUE;
        cudaStreamGetAttribute(t.stream, 1, null_mut()) => VALUE;
        cudaStreamSetAttribute(t.stream, 2, [0u64; 8].as_ptr().cast()) => VALUE;
        cudaStreamSetAttribute(t.stream, 1, null()) => VALUE;
        cudaStreamSetAttribute(0xdead, 1, [0u64; 8].as_ptr().cast()) => HANDLE;
        cudaStreamAddCallback(t.stream, None, null_mut(), 0) => VALUE;
        cudaLaunchHostFunc(t.stream, None, null_mut()) => VALUE;
        cudaLaunchHostFunc_v2(t.stream, None, null_mut(), 0) => VALUE;
        cudaStreamGetCaptureInfo(0xdead, n) => HANDLE;
        cudaStreamGetCaptureInfo(t.stream, null_mut()) => VALUE;
        cudaThreadExchangeStreamCaptureMode({ n.write(3); n }) => VALUE;
        cudaThreadExchangeStreamCaptureMode(null_mut()) => VALUE;
        cudaEventCreate(null_mut()) => VALUE;
        cudaEventCreateWithFlags(z, 8) => VALUE;
        // An event between processes has no time.
        cudaEventCreateWithFlags(z, 4) => VALUE;
        cudaEventCreateWithFlags(z, 6) => OK;
        cudaEventRecord(0xdead, 0) => HANDLE;
        cudaEventRecord(t.event, 0xdead) => HANDLE;
        cudaEventRecordWithFlags(t.event, 0, 2) => VALUE;
        cudaEventSynchronize(0) => HANDLE;
        cudaEventQuery(0xdead) => HANDLE;
        cudaEventDestroy(0xdead) => HANDLE;
        cudaEventElapsedTime(null_mut(), t.event, t.event) => VALUE;
        cudaEventElapsedTime(n.cast(), t.event, t.event) => HANDLE;
        cudaEventElapsedTime(n.cast(), t.silent, t.silent) => HANDLE;
    };
    check(&things, streams);
    let devices: &[Row<'_>] = table! { t, n, i, z:
        cudaGetDeviceCount(null_mut()) => VALUE;
        cudaGetDevice(null_mut()) => VALUE;
        cudaSetDevice(-1) => DEVICE;
        cudaSetDevice(1) => DEVICE;
        cudaInitDevice(1, 0, 0) => DEVICE;
        cudaInitDevice(0, 0, 2) => VALUE;
        cudaInitDevice(0, 3, 1) => VALUE;
        cudaSetValidDevices(null(), 1) => VALUE;
        cudaSetValidDevices([0].as_ptr(), -1) => VALUE;
        cudaSetValidDevices([1].as_ptr(), 1) => DEVICE;
        cudaChooseDevice(i, null()) => VALUE;
        cudaChooseDevice(null_mut(), [0u8; 2048].as_ptr().cast()) => VALUE;
        cudaGetDeviceProperties(null_mut(), 0) => VALUE;
        cudaDeviceGetAttribute(i, 0, 0) => VALUE;
        cudaDeviceGetAttribute(i, 100_000, 0) => VALUE;
        cudaDeviceGetAttribute(i, 1, 1) => DEVICE;
        cudaDeviceGetAttribute(null_mut(), 1, 0) => VALUE;
        cudaDriverGetVersion(null_mut()) => VALUE;
        cudaRuntimeGetVersion(null_mut()) => VALUE;
        cudaDeviceSetLimit(77, 1) => VALUE;
        cudaDeviceGetLimit(z, 77) => VALUE;
        cudaDeviceGetLimit(null_mut(), 0) => VALUE;
        cudaDeviceSetCacheConfig(4) => VALUE;
        cudaDeviceSetSharedMemConfig(3) => VALUE;
        cudaDeviceGetCacheConfig(null_mut()) => VALUE;
        cudaDeviceGetSharedMemConfig(null_mut()) => VALUE;
        cudaDeviceGetStreamPriorityRange(null_mut(), null_mut()) => OK;
        cudaDeviceFlushGPUDirectRDMAWrites(1, 100) => VALUE;
        cudaDeviceFlushGPUDirectRDMAWrites(0, 1) => VALUE;
        cudaDeviceFlushGPUDirectRDMAWrites(0, 200) => OK;
        cudaSetDeviceFlags(0x100) => VALUE;
        cudaSetDeviceFlags(3) => VALUE;
        cudaSetDeviceFlags(4) => OK;
        cudaGetDeviceFlags(null_mut()) => VALUE;
        cudaDeviceCanAccessPeer(i, 0, 1) => DEVICE;
        // An H200.
        cudaDeviceEnablePeerAccess(0, 0) => PEER;
        cudaDeviceEnablePeerAccess(0, 1) => VALUE;
        cudaDeviceEnablePeerAccess(1, 0) => DEVICE;
        cudaDeviceDisablePeerAccess(0) => NO_PEER;
        cudaDeviceDisablePeerAccess(1) => DEVICE;
        cudaDeviceGetP2PAttribute(i, 1, 0, 0) => DEVICE;
        cudaDeviceGetP2PAttribute(i, 0, 0, 1) => VALUE;
        cudaDeviceGetP2PAttribute(null_mut(), 1, 0, 1) => VALUE;
        cudaDeviceGetPCIBusId(null_mut(), 16, 0) => VALUE;
        cudaDeviceGetPCIBusId(n.cast(), 4, 0) => VALUE;
        cudaDeviceGetPCIBusId(n.cast(), 16, 1) => DEVICE;
        cudaDeviceGetByPCIBusId(i, null()) => VALUE;
        cudaDeviceGetByPCIBusId(i, c"nonsense".as_ptr()) => VALUE;
        cudaDeviceGetByPCIBusId(i, c"0000:ff:1f.0".as_ptr()) => DEVICE;
    };
    check(&things, devices);
    let one = Dim3 { x: 1, y: 1, z: 1 };
    let kernels: &[Row<'_>] = table! { t, n, i, z:
        cudaLaunchKernel(0, one, one, null_mut(), 0, 0) => FUNCTION;
        cudaLaunchKernel(t.kernel, one, one, null_mut(), 0, 0) => VALUE;
        cudaLaunchKernel(t.kernel, one, one, [n.cast::<c_void>(), z.cast()].as_mut_ptr(), 0, 0xdead) => HANDLE;
        cudaLaunchKernel(t.kernel, one, one, [n.cast::<c_void>(), z.cast()].as_mut_ptr(), 0, 0) => OK;
        cudaLaunchKernelExC(null(), t.kernel, null_mut()) => VALUE;
        cudaLaunchCooperativeKernel(t.kernel, one, one, null_mut(), 0, 0) => VALUE;
        cudaLaunchCooperativeKernel(t.kernel, one, one, [n.cast::<c_void>(), z.cast()].as_mut_ptr(), 0, 0xdead) => HANDLE;
        cudaGetKernel(z, t.host()) => FUNCTION;
        cudaGetKernel(null_mut(), t.kernel) => VALUE;
        cudaGetFuncBySymbol(z, 0) => FUNCTION;
        cudaGetFuncBySymbol(null_mut(), t.kernel) => VALUE;
        cudaFuncGetAttributes(null_mut(), t.kernel) => VALUE;
        cudaFuncGetAttributes([0u64; 32].as_mut_ptr().cast(), t.host()) => FUNCTION;
        cudaFuncSetAttribute(t.host(), 8, 0) => FUNCTION;
        cudaFuncSetAttribute(t.kernel, 8, -1) => VALUE;
        // Static and dynamic shared memory together have a limit.
        cudaFuncSetAttribute(t.kernel, 8, 65536) => VALUE;
        cudaFuncSetAttribute(t.kernel, 8, 65536 - 1024) => OK;
        cudaFuncSetAttribute(t.kernel, 9, 101) => VALUE;
        cudaFuncSetAttribute(t.kernel, 7, 0) => VALUE;
        cudaKernelSetAttributeForDevice(t.kernel, 8, 0, 1) => DEVICE;
        cudaFuncSetCacheConfig(t.kernel, 4) => VALUE;
        cudaFuncSetCacheConfig(t.host(), 0) => FUNCTION;
        cudaFuncSetSharedMemConfig(t.kernel, 3) => VALUE;
        cudaFuncGetName(null_mut(), t.kernel) => VALUE;
        cudaFuncGetParamCount(t.kernel, null_mut()) => VALUE;
        cudaFuncGetParamInfo(t.kernel, 2, z, z) => VALUE;
        cudaFuncGetParamInfo(t.kernel, 1, null_mut(), z) => VALUE;
        cudaFuncGetParamInfo(t.kernel, 1, z, null_mut()) => OK;
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(i, t.kernel, 0, 0) => VALUE;
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(null_mut(), t.kernel, 32, 0) => VALUE;
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(i, t.host(), 32, 0) => FUNCTION;
        cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(i, t.kernel, 32, 0, 2) => VALUE;
        cudaOccupancyAvailableDynamicSMemPerBlock(z, t.kernel, 0, 32) => VALUE;
        cudaOccupancyAvailableDynamicSMemPerBlock(z, t.kernel, 1, 0) => VALUE;
    };
    check(&things, kernels);
}

#[test]
fn capture_modes_are_exchanged() {
    let mut mode = 2u32;
    // SAFETY: a place for the result.
    unsafe {
        assert_eq!(cudaThreadExchangeStreamCaptureMode(&mut mode), 0);
        assert_eq!(mode, 0);
        assert_eq!(cudaThreadExchangeStreamCaptureMode(&mut mode), 0);
        assert_eq!(mode, 2);
    }
}

/// Entry points that take nothing that could be wrong.
const WITHOUT_ARGUMENTS: [&str; 9] = [
    "cudaCreateChannelDesc",
    "cudaCtxResetPersistingL2Cache",
    "cudaDeviceReset",
    "cudaDeviceSynchronize",
    "cudaGetErrorName",
    "cudaGetErrorString",
    "cudaPeekAtLastError",
    "cudaProfilerStart",
    "cudaProfilerStop",
];

#[test]
fn every_entry_point_is_in_the_table() {
    let table = include_str!("arguments.rs");
    let is_there = |name: &str| {
        table.contains(&format!("{name}("))
            || WITHOUT_ARGUMENTS.contains(&name)
            || UNSUPPORTED.contains(&name)
    };
    let missing: Vec<&str> = include_str!("exports.txt")
        .lines()
        // What nvcc's code calls.
        .filter(|name| !name.starts_with("__cuda"))
        // The same function under another name.
        .filter(|name| !is_there(name) && !name.starts_with("cudaThread"))
        .filter(|name| {
            let name = name.trim_end_matches("_ptsz").trim_end_matches("_ptds");
            !is_there(name)
                && !is_there(
                    name.trim_end_matches(|c: char| c.is_ascii_digit())
                        .trim_end_matches("_v"),
                )
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
