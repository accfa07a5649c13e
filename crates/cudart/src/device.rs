//! Devices: there is one.

use crate::entry::{entries, give, take};
use runtime::{Code, CudaVersion, DRIVER_VERSION, Error, Runtime};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

/// cudaSetDeviceFlags; cudaDeviceMapHost (8) is always on.
static FLAGS: AtomicU32 = AtomicU32::new(0);
const MAP_HOST: u32 = 8;
/// cudaDeviceMask: every flag there is.
const ALL_FLAGS: u32 = 0xff;

pub(crate) fn check_device(device: c_int) -> Result<(), Error> {
    match device {
        0 => Ok(()),
        n => Err(Error::argument(
            Code::INVALID_DEVICE,
            format!("device {n} does not exist: there is one, number 0"),
        )),
    }
}

fn write_properties(to: *mut c_void, device: c_int, version: CudaVersion) -> Result<(), Error> {
    check_device(device)?;
    let bytes = runtime::properties_bytes(Runtime::global().facts()?, version);
    if to.is_null() {
        return Err(Error::value("the pointer for the properties is null"));
    }
    // SAFETY: the program passes a structure of its CUDA version's size.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast(), bytes.len()) };
    Ok(())
}

entries! {
    fn cudaGetDeviceCount(count: *mut c_int) {
        unsafe { give(count, 1) }
    }

    fn cudaGetDevice(device: *mut c_int) {
        unsafe { give(device, 0) }
    }

    fn cudaSetDevice(device: c_int) {
        check_device(device)?;
        Runtime::global().facts().map(|_| ())
    }

    fn cudaInitDevice(device: c_int, _device_flags: c_uint, _flags: c_uint) {
        check_device(device)?;
        Runtime::global().facts().map(|_| ())
    }

    fn cudaSetValidDevices(devices: *const c_int, count: c_int) {
        for i in 0..usize::try_from(count).unwrap_or(0) {
            // SAFETY: the program passes as many devices as it says; null is refused by `take`.
            check_device(unsafe { take(devices.wrapping_add(i))? })?;
        }
        Ok(())
    }

    fn cudaChooseDevice(device: *mut c_int, _wanted: *const c_void) {
        unsafe { give(device, 0) }
    }

    /// The name as CUDA 11 and 13 use it; a program of CUDA 12 that calls it was compiled for the older layout.
    fn cudaGetDeviceProperties(to: *mut c_void, device: c_int) {
        let version = match CudaVersion::of_program() {
            CudaVersion::V13 => CudaVersion::V13,
            _ => CudaVersion::V11,
        };
        write_properties(to, device, version)
    }

    /// CUDA 12's name.
    fn cudaGetDeviceProperties_v2(to: *mut c_void, device: c_int) {
        write_properties(to, device, CudaVersion::V12)
    }

    fn cudaDeviceGetAttribute(value: *mut c_int, attribute: c_uint, device: c_int) {
        check_device(device)?;
        let found = runtime::attribute(Runtime::global().facts()?, attribute);
        let found = found.ok_or_else(|| Error::value(format!("device attribute {attribute} is not known")))?;
        unsafe { give(value, found) }
    }

    fn cudaDriverGetVersion(version: *mut c_int) {
        unsafe { give(version, DRIVER_VERSION) }
    }

    fn cudaRuntimeGetVersion(version: *mut c_int) {
        unsafe { give(version, CudaVersion::of_program().runtime_version()) }
    }

    fn cudaDeviceSynchronize() as cudaThreadSynchronize {
        Runtime::global().device_synchronize()
    }

    fn cudaDeviceReset() as cudaThreadExit {
        Runtime::global().reset()
    }

    fn cudaDeviceSetLimit(limit: c_uint, value: usize) as cudaThreadSetLimit {
        Runtime::global().set_limit(limit, value)
    }

    fn cudaDeviceGetLimit(value: *mut usize, limit: c_uint) as cudaThreadGetLimit {
        let found = Runtime::global().limit(limit)?;
        unsafe { give(value, found) }
    }

    fn cudaDeviceGetCacheConfig(config: *mut c_uint) as cudaThreadGetCacheConfig {
        unsafe { give(config, 0) }
    }

    fn cudaDeviceSetCacheConfig(_config: c_uint) as cudaThreadSetCacheConfig {
        Ok(())
    }

    fn cudaDeviceGetSharedMemConfig(config: *mut c_uint) {
        // cudaSharedMemBankSizeFourByte
        unsafe { give(config, 1) }
    }

    fn cudaDeviceSetSharedMemConfig(_config: c_uint) {
        Ok(())
    }

    fn cudaCtxResetPersistingL2Cache() {
        Ok(())
    }

    fn cudaDeviceFlushGPUDirectRDMAWrites(_target: c_uint, _scope: c_uint) {
        Ok(())
    }

    fn cudaDeviceGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        let (low, high) = Runtime::global().stream_priority_range();
        if !least.is_null() {
            unsafe { give(least, low)? };
        }
        if !greatest.is_null() {
            unsafe { give(greatest, high)? };
        }
        Ok(())
    }

    fn cudaSetDeviceFlags(flags: c_uint) {
        if flags & !ALL_FLAGS != 0 {
            return Err(Error::value(format!("device flags {flags:#x} are not known")));
        }
        FLAGS.store(flags, Ordering::Relaxed);
        Ok(())
    }

    fn cudaGetDeviceFlags(flags: *mut c_uint) {
        unsafe { give(flags, FLAGS.load(Ordering::Relaxed) | MAP_HOST) }
    }

    fn cudaDeviceCanAccessPeer(can: *mut c_int, device: c_int, peer: c_int) {
        check_device(device)?;
        check_device(peer)?;
        unsafe { give(can, 0) }
    }

    fn cudaDeviceEnablePeerAccess(peer: c_int, _flags: c_uint) {
        // With one device the peer can only be the device itself.
        Err(Error::argument(Code::INVALID_DEVICE, format!("device {peer} is no peer: there is one device")))
    }

    fn cudaDeviceDisablePeerAccess(peer: c_int) {
        check_device(peer)?;
        Err(Error::argument(Code::PEER_ACCESS_NOT_ENABLED, "peer access was never enabled: there is one device"))
    }

    fn cudaDeviceGetP2PAttribute(_value: *mut c_int, _attribute: c_uint, from: c_int, to: c_int) {
        check_device(from)?;
        check_device(to)?;
        Err(Error::argument(Code::INVALID_DEVICE, "source and destination are the same device"))
    }

    fn cudaDeviceGetPCIBusId(text: *mut c_char, length: c_int, device: c_int) {
        check_device(device)?;
        let id = Runtime::global().pci_bus_id();
        if text.is_null() || usize::try_from(length).unwrap_or(0) <= id.len() {
            return Err(Error::value(format!("the PCI bus id needs {} characters", id.len() + 1)));
        }
        // SAFETY: the program says that the text has room for `length` characters.
        unsafe {
            std::ptr::copy_nonoverlapping(id.as_ptr(), text.cast(), id.len());
            text.add(id.len()).write(0);
        }
        Ok(())
    }

    fn cudaDeviceGetByPCIBusId(device: *mut c_int, text: *const c_char) {
        if text.is_null() {
            return Err(Error::value("the PCI bus id is null"));
        }
        // SAFETY: not null; the program passes a C string.
        let id = unsafe { CStr::from_ptr(text) }.to_string_lossy().to_lowercase();
        let ours = Runtime::global().pci_bus_id();
        // DOMAIN:BUS:SLOT.FUNCTION, where domain and function may be left out.
        let short = ours.trim_start_matches("0000:");
        if id != ours && id != short && format!("{id}.0") != ours && format!("{id}.0") != short {
            return Err(Error::value(format!("no device at {id}: the only one is at {ours}")));
        }
        unsafe { give(device, 0) }
    }

    fn cudaProfilerStart() {
        Ok(())
    }

    fn cudaProfilerStop() {
        Ok(())
    }
}
