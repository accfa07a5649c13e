//! Launching kernels.

use crate::memory::issue;
use crate::module::{CUfunction, function};
use crate::result::frame;
use crate::stream::CUstream;
use entry::entries;
use gpu::{Arguments, Dim3, Error, Geometry, Work};
use std::ffi::{c_uint, c_void};

/// The words of `extra` (CU_LAUNCH_PARAM_*): what follows is the parameter block, its size; nothing follows.
const BLOCK: usize = 1;
const BYTES: usize = 2;
const END: usize = 0;

/// The parameter block that `extra` holds.
///
/// # Safety
/// Pairs of a word and what it says, ending with [`END`]; the block has as many bytes as is said.
unsafe fn parameter_block<'a>(mut extra: *const usize) -> Result<&'a [u8], Error> {
    let (mut block, mut bytes) = (0, None);
    // SAFETY: the caller's promise.
    unsafe {
        loop {
            match *extra {
                END => break,
                BLOCK => block = *extra.add(1),
                BYTES => bytes = Some(*(*extra.add(1) as *const usize)),
                word => return Err(Error::value(format!("{word:#x} is no word of `extra`"))),
            }
            extra = extra.add(2);
        }
        match bytes {
            Some(0) => Ok(&[]),
            Some(bytes) if block != 0 => Ok(std::slice::from_raw_parts(block as *const u8, bytes)),
            _ => Err(Error::value(
                "`extra` has no parameter block or does not say its size",
            )),
        }
    }
}

/// # Safety
/// As for cuLaunchKernel.
unsafe fn start(
    handle: CUfunction,
    geometry: Geometry,
    stream: CUstream,
    params: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Result<(), Error> {
    let arguments = match extra.is_null() {
        true => Arguments::Pointers(params.cast_const().cast()),
        false if params.is_null() => Arguments::Block(unsafe { parameter_block(extra.cast_const().cast())? }),
        false => {
            return Err(Error::value(
                "arguments are given twice, by pointers and in `extra`",
            ));
        }
    };
    let function = &*function(handle)?;
    // SAFETY: the caller's promise.
    unsafe {
        issue(
            stream,
            Work::Launch {
                function,
                geometry,
                arguments,
            },
        )
    }
}

entries! {
    fn cuLaunchKernel(
        function: CUfunction, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint, block_y: c_uint,
        block_z: c_uint, shared: c_uint, stream: CUstream, params: *mut *mut c_void, extra: *mut *mut c_void,
    ) {
        let geometry = Geometry {
            grid: Dim3 { x: grid_x, y: grid_y, z: grid_z },
            block: Dim3 { x: block_x, y: block_y, z: block_z },
            dynamic_shared: shared as usize,
            cooperative: false,
        };
        unsafe { start(function, geometry, stream, params, extra) }
    }

    fn cuLaunchCooperativeKernel(
        function: CUfunction, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint, block_y: c_uint,
        block_z: c_uint, shared: c_uint, stream: CUstream, params: *mut *mut c_void,
    ) {
        let geometry = Geometry {
            grid: Dim3 { x: grid_x, y: grid_y, z: grid_z },
            block: Dim3 { x: block_x, y: block_y, z: block_z },
            dynamic_shared: shared as usize,
            cooperative: true,
        };
        unsafe { start(function, geometry, stream, params, std::ptr::null_mut()) }
    }
}
