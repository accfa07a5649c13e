//! Launching kernels, and asking about them.

use crate::abi::{self, Dim3, FuncAttributes, FuncAttributes12, LaunchConfig, Opaque, Pointer};
use crate::device::{CACHE_CONFIGS, SHARED_CONFIGS};
use crate::last::frame;
use crate::registry;
use entry::CudaVersion;
use entry::{context, entries, give, one_of, room, take};
use gpu::{Arguments, Code, Error, Geometry, Work};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_int, c_uint};
use std::sync::{Mutex, PoisonError};

/// What stands between `<<<` and `>>>` of a launch in progress.
type Configuration = (Dim3, Dim3, usize, Opaque);

/// Launches within the arguments of launches, to a depth that no program reaches. Without destructor, so that
/// it still works when the program launches kernels in the last moments of a thread.
struct Pending {
    depth: usize,
    stack: [Configuration; MAX_DEPTH],
}

const MAX_DEPTH: usize = 32;
const NONE: Dim3 = Dim3 { x: 0, y: 0, z: 0 };

thread_local! {
    static PENDING: RefCell<Pending> = const {
        RefCell::new(Pending { depth: 0, stack: [(NONE, NONE, 0, 0); MAX_DEPTH] })
    };
}

/// Launch attributes (cudaLaunchAttributeID) that change what a launch means here: cooperative, and clusters,
/// which are refused unless they are of one block. The others are hints.
const COOPERATIVE: u32 = 2;
const CLUSTER: [u32; 2] = [4, 11];

fn dim(d: Dim3) -> gpu::Dim3 {
    gpu::Dim3 {
        x: d.x,
        y: d.y,
        z: d.z,
    }
}

/// # Safety
/// As for cudaLaunchKernel.
unsafe fn start(
    host: usize,
    (grid, block, dynamic_shared, stream): Configuration,
    args: *mut Pointer,
    cooperative: bool,
) -> Result<(), Error> {
    let geometry = Geometry {
        grid: dim(grid),
        block: dim(block),
        dynamic_shared,
        cooperative,
    };
    let function = registry::function(host).inspect_err(|e| context().refused(&format!("{host:#x}"), e))?;
    let work = Work::Launch {
        function: &function,
        geometry,
        arguments: Arguments::Pointers(args.cast_const().cast()),
    };
    // SAFETY: the caller's promise.
    unsafe { context().issue(stream, work) }
}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaPushCallConfiguration(
    grid: Dim3,
    block: Dim3,
    shared: usize,
    stream: Opaque,
) -> c_uint {
    PENDING.with_borrow_mut(|p| match p.stack.get_mut(p.depth) {
        Some(place) => {
            *place = (grid, block, shared, stream);
            p.depth += 1;
            0
        }
        // Not zero: the compiled code skips the launch.
        None => Code::INVALID_CONFIGURATION.0,
    })
}

entries! {
    fn __cudaPopCallConfiguration(grid: *mut Dim3, block: *mut Dim3, shared: *mut usize, stream: *mut Opaque) {
        let top = PENDING.with_borrow_mut(|p| {
            p.depth = p.depth.checked_sub(1)?;
            Some(p.stack[p.depth])
        });
        let top = top.ok_or_else(|| {
            Error::argument(Code::MISSING_CONFIGURATION, "a kernel was called without <<<grid, block>>>")
        })?;
        unsafe {
            give(grid, top.0)?;
            give(block, top.1)?;
            give(shared, top.2)?;
            give(stream, top.3)
        }
    }

    /// A kernel's handle is the host address that stands for it. An unknown one is told at the launch.
    fn __cudaGetKernel(kernel: *mut usize, host: usize) {
        unsafe { give(kernel, host) }
    }

    fn cudaGetKernel(kernel: *mut usize, host: usize) {
        registry::function(host)?;
        unsafe { give(kernel, host) }
    }

    fn cudaGetFuncBySymbol(function: *mut usize, host: usize) {
        registry::function(host)?;
        unsafe { give(function, host) }
    }

    fn __cudaLaunchKernel(
        kernel: usize, grid: Dim3, block: Dim3, args: *mut Pointer, shared: usize, stream: Opaque,
    ) as __cudaLaunchKernel_ptsz {
        unsafe { start(kernel, (grid, block, shared, stream), args, false) }
    }

    fn cudaLaunchKernel(
        host: usize, grid: Dim3, block: Dim3, args: *mut Pointer, shared: usize, stream: Opaque,
    ) as cudaLaunchKernel_ptsz {
        unsafe { start(host, (grid, block, shared, stream), args, false) }
    }

    fn cudaLaunchCooperativeKernel(
        host: usize, grid: Dim3, block: Dim3, args: *mut Pointer, shared: usize, stream: Opaque,
    ) as cudaLaunchCooperativeKernel_ptsz {
        unsafe { start(host, (grid, block, shared, stream), args, true) }
    }

    fn cudaLaunchKernelExC(config: *const LaunchConfig, host: usize, args: *mut Pointer) as cudaLaunchKernelExC_ptsz {
        let config = unsafe { take(config)? };
        let attributes = match config.count {
            0 => &[][..],
            _ if config.attributes.is_null() => return Err(Error::value("launch attributes are missing")),
            // SAFETY: as many attributes as the program says.
            n => unsafe { std::slice::from_raw_parts(config.attributes, n as usize) },
        };
        let mut cooperative = false;
        for attribute in attributes {
            if attribute.id == COOPERATIVE {
                cooperative = attribute.value[0] != 0;
            } else if CLUSTER.contains(&attribute.id) && attribute.value[..3].iter().any(|n| *n > 1) {
                return Err(Error::NotSupported("thread block clusters are not supported".into()));
            }
        }
        let configuration = (config.grid, config.block, config.dynamic_shared, config.stream);
        unsafe { start(host, configuration, args, cooperative) }
    }

    fn cudaFuncGetAttributes(to: *mut FuncAttributes, host: usize) {
        room(to)?;
        let a = context().function_attributes(&*registry::function(host)?)?;
        let base = FuncAttributes {
            shared: a.static_shared as usize,
            constant: a.constant as usize,
            local: a.local as usize,
            max_threads: a.max_threads as c_int,
            registers: a.registers as c_int,
            ptx_version: a.ptx_version as c_int,
            binary_version: a.binary_version as c_int,
            cache_mode_ca: 0,
            max_dynamic_shared: a.max_dynamic_shared as c_int,
            carveout: a.carveout,
        };
        unsafe {
            match CudaVersion::of_program() {
                CudaVersion::V11 => give(to, base),
                _ => give(to.cast(), FuncAttributes12 { base, ..Default::default() }),
            }
        }
    }

    fn cudaFuncSetAttribute(host: usize, attribute: c_uint, value: c_int) {
        context().function_set_attribute(&*registry::function(host)?, attribute, value)
    }

    fn cudaKernelSetAttributeForDevice(kernel: usize, attribute: c_uint, value: c_int, device: c_int) {
        crate::device::check_device(device)?;
        context().function_set_attribute(&*registry::function(kernel)?, attribute, value)
    }

    fn cudaFuncSetCacheConfig(host: usize, config: c_uint) {
        one_of("a cache configuration", config, &CACHE_CONFIGS)?;
        registry::function(host).map(|_| ())
    }

    fn cudaFuncSetSharedMemConfig(host: usize, config: c_uint) {
        one_of("a shared memory configuration", config, &SHARED_CONFIGS)?;
        registry::function(host).map(|_| ())
    }

    fn cudaFuncGetName(name: *mut *const c_char, host: usize) {
        let function = registry::function(host)?;
        unsafe { give(name, lasting(host, function.name())) }
    }

    fn cudaFuncGetParamCount(host: usize, count: *mut usize) {
        let params = context().function_params(&*registry::function(host)?)?;
        unsafe { give(count, params.len()) }
    }

    fn cudaFuncGetParamInfo(host: usize, index: usize, offset: *mut usize, size: *mut usize) {
        let params = context().function_params(&*registry::function(host)?)?;
        let (at, bytes) = *params.get(index).ok_or_else(|| Error::value(format!("no parameter {index}")))?;
        unsafe {
            give(offset, at)?;
            if size.is_null() { Ok(()) } else { give(size, bytes) }
        }
    }

    fn cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks: *mut c_int, host: usize, threads: c_int, shared: usize) {
        let n = context().occupancy(&*registry::function(host)?, threads, shared)?;
        unsafe { give(blocks, n as c_int) }
    }

    fn cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: *mut c_int, host: usize, threads: c_int, shared: usize, flags: c_uint,
    ) {
        // cudaOccupancyDisableCachingOverride
        one_of("flags of the occupancy", flags, &[0, 1])?;
        let n = context().occupancy(&*registry::function(host)?, threads, shared)?;
        unsafe { give(blocks, n as c_int) }
    }

    fn cudaOccupancyAvailableDynamicSMemPerBlock(bytes: *mut usize, host: usize, blocks: c_int, threads: c_int) {
        if threads <= 0 {
            return Err(Error::value(format!("a block of {threads} threads")));
        }
        let n = context().available_dynamic_shared(&*registry::function(host)?, blocks)?;
        unsafe { give(bytes, n as usize) }
    }
}

/// A C string for a kernel's name that lives as long as the process.
fn lasting(host: usize, name: &str) -> *const c_char {
    static NAMES: Mutex<Option<HashMap<usize, CString>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = names
        .get_or_insert_default()
        .entry(host)
        .or_insert_with(|| CString::new(name).unwrap_or_default());
    known.as_ptr()
}

/// Compile-time check that entry points have the type C expects.
const _: unsafe extern "C" fn(usize, Dim3, Dim3, *mut Pointer, usize, Opaque) -> abi::Error =
    cudaLaunchKernel;
