//! Memory and copies: directions are in the names of the functions.

use crate::device::current;
use crate::result::frame;
use crate::stream::CUstream;
use entry::{entries, give};
use gpu::{CopyKind, DEFAULT_STREAM, Error, Work};
use std::ffi::{c_uchar, c_void};

/// A device address.
pub type CUdeviceptr = usize;

/// Gives work to a stream.
///
/// # Safety
/// As for [`gpu::Context::issue`].
pub(crate) unsafe fn issue(stream: CUstream, work: Work<'_>) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    unsafe { current()?.issue(stream, work) }
}

/// Gives a copy to the default stream after all work: the fault of an earlier kernel comes out here.
///
/// # Safety
/// As for [`gpu::Context::issue`].
unsafe fn blocking(to: usize, from: usize, bytes: usize, kind: CopyKind) -> Result<(), Error> {
    current()?.synchronize()?;
    // SAFETY: the caller's promise.
    unsafe { issue(DEFAULT_STREAM, Work::copy(to, from, bytes, kind)) }
}

entries! {
    fn cuMemAlloc_v2(address: *mut CUdeviceptr, bytes: usize) {
        if bytes == 0 {
            return Err(Error::value("cuMemAlloc of no bytes"));
        }
        let made = current()?.malloc(bytes)?;
        unsafe { give(address, made) }
    }

    fn cuMemFree_v2(address: CUdeviceptr) {
        current()?.free(address)
    }

    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) {
        let (f, t) = current()?.memory_info()?;
        unsafe {
            give(free, f as usize)?;
            give(total, t as usize)
        }
    }

    fn cuMemcpyHtoD_v2(to: CUdeviceptr, from: *const c_void, bytes: usize) {
        unsafe { blocking(to, from as usize, bytes, CopyKind::HostToDevice) }
    }

    fn cuMemcpyDtoH_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize) {
        unsafe { blocking(to as usize, from, bytes, CopyKind::DeviceToHost) }
    }

    fn cuMemcpyDtoD_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize) {
        unsafe { blocking(to, from, bytes, CopyKind::DeviceToDevice) }
    }

    fn cuMemcpyHtoDAsync_v2(to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream) {
        unsafe { issue(stream, Work::copy(to, from as usize, bytes, CopyKind::HostToDevice)) }
    }

    fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream) {
        unsafe { issue(stream, Work::copy(to as usize, from, bytes, CopyKind::DeviceToHost)) }
    }

    fn cuMemcpyDtoDAsync_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream) {
        unsafe { issue(stream, Work::copy(to, from, bytes, CopyKind::DeviceToDevice)) }
    }

    fn cuMemsetD8_v2(address: CUdeviceptr, value: c_uchar, bytes: usize) {
        unsafe { issue(DEFAULT_STREAM, Work::fill(address, value, bytes)) }
    }

    fn cuMemsetD8Async(address: CUdeviceptr, value: c_uchar, bytes: usize, stream: CUstream) {
        unsafe { issue(stream, Work::fill(address, value, bytes)) }
    }
}
