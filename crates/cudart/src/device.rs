//! Devices: there is one.

use crate::last::frame;
use crate::properties::{self, properties_bytes};
use entry::CudaVersion;
use entry::{context, entries, give, one_of, room, take};
use gpu::{Code, DRIVER_VERSION, Error};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

/// cudaSetDeviceFlags; cudaDeviceMapHost (8) is always on.
static FLAGS: AtomicU32 = AtomicU32::new(0);
const MAP_HOST: u32 = 8;
/// cudaDeviceMask: every flag there is.
const ALL_FLAGS: u32 = 0xff;

/// At most one of these (spin, yield, block) says how a thread waits.
const SCHEDULE: u32 = 7;
/// cudaFuncCache and cudaSharedMemConfig.
pub(crate) const CACHE_CONFIGS: [u32; 4] = [0, 1, 2, 3];
pub(crate) const SHARED_CONFIGS: [u32; 3] = [0, 1, 2];

fn check_flags(flags: c_uint) -> Result<(), Error> {
    match flags & !ALL_FLAGS == 0 && (flags & SCHEDULE).count_ones() <= 1 {
        true => Ok(()),
        false => Err(Error::value(format!("device flags {flags:#x} cannot be had"))),
    }
}

/// Whether a text has the form `[domain]:[bus]:[slot].[function]`, domain and function optional.
fn is_pci_bus_id(text: &str) -> bool {
    let (front, function) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = front.split(':').collect();
    let is_hex = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
    matches!(parts.len(), 2 | 3) && parts.iter().all(is_hex) && is_hex(&function)
}

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
    let bytes = properties_bytes(context().facts()?, version);
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
        context().facts().map(|_| ())
    }

    fn cudaInitDevice(device: c_int, device_flags: c_uint, flags: c_uint) {
        check_device(device)?;
        // cudaInitDeviceFlagsAreValid
        one_of("flags of cudaInitDevice", flags, &[0, 1])?;
        if flags == 1 {
            check_flags(device_flags)?;
            FLAGS.store(device_flags, Ordering::Relaxed);
        }
        context().facts().map(|_| ())
    }

    fn cudaSetValidDevices(devices: *const c_int, count: c_int) {
        let count = usize::try_from(count).map_err(|_| Error::value(format!("{count} devices")))?;
        for i in 0..count {
            // SAFETY: the program passes as many devices as it says; null is refused by `take`.
            check_device(unsafe { take(devices.wrapping_add(i))? })?;
        }
        Ok(())
    }

    fn cudaChooseDevice(device: *mut c_int, wanted: *const c_void) {
        if wanted.is_null() {
            return Err(Error::value("the wanted properties are null"));
        }
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
        let found = properties::attribute(context().facts()?, attribute);
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
        context().device_synchronize()
    }

    fn cudaDeviceReset() as cudaThreadExit {
        context().reset()
    }

    fn cudaDeviceSetLimit(limit: c_uint, value: usize) as cudaThreadSetLimit {
        context().set_limit(limit, value)
    }

    fn cudaDeviceGetLimit(value: *mut usize, limit: c_uint) as cudaThreadGetLimit {
        let found = context().limit(limit)?;
        unsafe { give(value, found) }
    }

    fn cudaDeviceGetCacheConfig(config: *mut c_uint) as cudaThreadGetCacheConfig {
        unsafe { give(config, 0) }
    }

    fn cudaDeviceSetCacheConfig(config: c_uint) as cudaThreadSetCacheConfig {
        one_of("a cache configuration", config, &CACHE_CONFIGS)
    }

    fn cudaDeviceGetSharedMemConfig(config: *mut c_uint) {
        // cudaSharedMemBankSizeFourByte
        unsafe { give(config, 1) }
    }

    fn cudaDeviceSetSharedMemConfig(config: c_uint) {
        one_of("a shared memory configuration", config, &SHARED_CONFIGS)
    }

    fn cudaCtxResetPersistingL2Cache() {
        Ok(())
    }

    fn cudaDeviceFlushGPUDirectRDMAWrites(target: c_uint, scope: c_uint) {
        one_of("whose writes are flushed", target, &[0])?;
        // To the owner, or to all devices.
        one_of("the scope of a flush", scope, &[100, 200])
    }

    fn cudaDeviceGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        let (low, high) = gpu::PRIORITIES;
        if !least.is_null() {
            unsafe { give(least, low)? };
        }
        if !greatest.is_null() {
            unsafe { give(greatest, high)? };
        }
        Ok(())
    }

    fn cudaSetDeviceFlags(flags: c_uint) {
        check_flags(flags)?;
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

    fn cudaDeviceEnablePeerAccess(peer: c_int, flags: c_uint) {
        one_of("flags of cudaDeviceEnablePeerAccess", flags, &[0])?;
        check_device(peer)?;
        // With one device the peer can only be the device itself.
        Err(Error::argument(Code::PEER_ACCESS_UNSUPPORTED, "a device is no peer of its own, and there is one device"))
    }

    fn cudaDeviceDisablePeerAccess(peer: c_int) {
        check_device(peer)?;
        Err(Error::argument(Code::PEER_ACCESS_NOT_ENABLED, "peer access was never enabled: there is one device"))
    }

    fn cudaDeviceGetP2PAttribute(value: *mut c_int, attribute: c_uint, from: c_int, to: c_int) {
        room(value)?;
        one_of("an attribute of peers", attribute, &[1, 2, 3, 4, 5])?;
        check_device(from)?;
        check_device(to)?;
        Err(Error::argument(Code::INVALID_DEVICE, "source and destination are the same device"))
    }

    fn cudaDeviceGetPCIBusId(text: *mut c_char, length: c_int, device: c_int) {
        check_device(device)?;
        let id = context().pci_bus_id();
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
        let ours = context().pci_bus_id();
        // DOMAIN:BUS:SLOT.FUNCTION, where domain and function may be left out.
        let short = ours.trim_start_matches("0000:");
        if id != ours && id != short && format!("{id}.0") != ours && format!("{id}.0") != short {
            let code = if is_pci_bus_id(&id) { Code::INVALID_DEVICE } else { Code::INVALID_VALUE };
            return Err(Error::argument(code, format!("no device at {id}: the only one is at {ours}")));
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
