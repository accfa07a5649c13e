//! The device and its one context, which any number of handles stand for.

use crate::result::{frame, no_context};
use entry::{context, entries, give};
use gpu::{Code, Error, UUID};
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint};

/// The handle of the context.
type CUcontext = usize;

/// Every handle: there is one context.
const CONTEXT: CUcontext = 0x1;

thread_local! {
    static CURRENT: Cell<CUcontext> = const { Cell::new(0) };
}

/// Refuses calls in a thread without a current context.
pub(crate) fn current() -> Result<&'static gpu::Context, Error> {
    match CURRENT.get() {
        0 => Err(no_context()),
        _ => Ok(context()),
    }
}

fn check_device(device: c_int) -> Result<(), Error> {
    match device {
        0 => Ok(()),
        n => Err(Error::argument(
            Code::INVALID_DEVICE,
            format!("there is no device {n}: there is one, 0"),
        )),
    }
}

fn check_context(handle: CUcontext) -> Result<(), Error> {
    match handle {
        CONTEXT => Ok(()),
        _ => Err(no_context()),
    }
}

entries! {
    fn cuInit(flags: c_uint) {
        match flags {
            0 => context().facts().map(|_| ()),
            _ => Err(Error::value(format!("the flags of cuInit must be 0, not {flags:#x}"))),
        }
    }

    fn cuDriverGetVersion(version: *mut c_int) {
        unsafe { give(version, gpu::DRIVER_VERSION) }
    }

    fn cuDeviceGetCount(count: *mut c_int) {
        context().facts()?;
        unsafe { give(count, 1) }
    }

    fn cuDeviceGet(device: *mut c_int, ordinal: c_int) {
        context().facts()?;
        check_device(ordinal)?;
        unsafe { give(device, ordinal) }
    }

    /// `length` bytes at `name`, NUL included.
    fn cuDeviceGetName(name: *mut c_char, length: c_int, device: c_int) {
        check_device(device)?;
        let room = usize::try_from(length).ok().filter(|n| *n > 0 && !name.is_null());
        let room = room.ok_or_else(|| Error::value("there is no place for the name"))?;
        let text = context().facts()?.name.as_bytes();
        let bytes = text.len().min(room - 1);
        unsafe {
            name.cast::<u8>().copy_from(text.as_ptr(), bytes);
            give(name.add(bytes), 0)
        }
    }

    fn cuDeviceGetUuid(uuid: *mut [u8; 16], device: c_int) as cuDeviceGetUuid_v2 {
        check_device(device)?;
        unsafe { give(uuid, UUID) }
    }

    fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) {
        check_device(device)?;
        let total = context().facts()?.global_memory;
        unsafe { give(bytes, total as usize) }
    }

    /// The numbers are those of cudaDeviceAttr.
    fn cuDeviceGetAttribute(value: *mut c_int, attribute: c_uint, device: c_int) {
        check_device(device)?;
        let found = cudart::attribute(context().facts()?, attribute);
        let found = found.ok_or_else(|| Error::value(format!("device attribute {attribute} is not known")))?;
        unsafe { give(value, found) }
    }

    fn cuDevicePrimaryCtxRetain(handle: *mut CUcontext, device: c_int) {
        check_device(device)?;
        context().facts()?;
        unsafe { give(handle, CONTEXT) }
    }

    fn cuDevicePrimaryCtxRelease_v2(device: c_int) {
        check_device(device)
    }

    /// Makes the handle current.
    fn cuCtxCreate_v2(handle: *mut CUcontext, _flags: c_uint, device: c_int) {
        check_device(device)?;
        context().facts()?;
        CURRENT.set(CONTEXT);
        unsafe { give(handle, CONTEXT) }
    }

    /// What it holds stays until the process ends: other handles stand for it, too.
    fn cuCtxDestroy_v2(handle: CUcontext) {
        check_context(handle)?;
        CURRENT.set(0);
        Ok(())
    }

    fn cuCtxGetCurrent(handle: *mut CUcontext) {
        unsafe { give(handle, CURRENT.get()) }
    }

    fn cuCtxSetCurrent(handle: CUcontext) {
        if handle != 0 {
            check_context(handle)?;
        }
        CURRENT.set(handle);
        Ok(())
    }

    fn cuCtxGetDevice(device: *mut c_int) {
        current()?;
        unsafe { give(device, 0) }
    }

    fn cuCtxSynchronize() {
        current()?.device_synchronize()
    }
}
