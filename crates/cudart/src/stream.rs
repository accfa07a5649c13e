//! Streams and events.

use crate::abi::{HostFunction, Opaque, StreamCallback};
use crate::last::frame;
use entry::{call_program, context, entries, give, one_of, room, take};
use gpu::{Error, Work};
use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_ulonglong, c_void};

/// The bit of a launch-attribute value structure that streams have here: none is kept.
const STREAM_ATTRIBUTE_VALUE_BYTES: usize = 64;
/// cudaStreamAttrID: access policy, synchronisation policy, priority, memory synchronisation domains.
const STREAM_ATTRIBUTES: [u32; 5] = [1, 3, 8, 9, 10];
/// cudaEventRecordExternal, cudaEventWaitExternal: of graphs.
const EXTERNAL: u32 = 1;

thread_local! {
    /// cudaStreamCaptureMode: every thread begins with the global one.
    static CAPTURE_MODE: Cell<u32> = const { Cell::new(0) };
}

/// Gives a function of the program to a stream.
fn host(stream: Opaque, name: &str, function: impl Fn()) -> Result<(), Error> {
    let mut function = || call_program(name, &function);
    // SAFETY: nothing that needs a promise.
    unsafe { context().issue(stream, Work::Host(&mut function)) }
}

fn call(stream: Opaque, function: HostFunction, data: *mut c_void) -> Result<(), Error> {
    let function = function.ok_or_else(|| Error::value("the host function is null"))?;
    // SAFETY: the program asks for its own function to be called with its own data; everything before it in the
    // stream has run, and no lock is held.
    host(stream, "cudaLaunchHostFunc", || unsafe { function(data) })
}

entries! {
    fn cudaStreamCreate(stream: *mut Opaque) {
        room(stream)?;
        let made = context().streams()?.create(0, 0)?;
        unsafe { give(stream, made) }
    }

    fn cudaStreamCreateWithFlags(stream: *mut Opaque, flags: c_uint) {
        room(stream)?;
        let made = context().streams()?.create(flags, 0)?;
        unsafe { give(stream, made) }
    }

    fn cudaStreamCreateWithPriority(stream: *mut Opaque, flags: c_uint, priority: c_int) {
        room(stream)?;
        let made = context().streams()?.create(flags, priority)?;
        unsafe { give(stream, made) }
    }

    fn cudaStreamDestroy(stream: Opaque) {
        context().streams()?.destroy(stream)
    }

    fn cudaStreamSynchronize(stream: Opaque) as cudaStreamSynchronize_ptsz {
        context().stream_synchronize(stream)
    }

    fn cudaStreamQuery(stream: Opaque) as cudaStreamQuery_ptsz {
        context().stream_synchronize(stream)
    }

    fn cudaStreamWaitEvent(stream: Opaque, event: Opaque, flags: c_uint) as cudaStreamWaitEvent_ptsz {
        one_of("flags of cudaStreamWaitEvent", flags, &[0, EXTERNAL])?;
        unsafe { context().issue(stream, Work::Wait(event)) }
    }

    fn cudaStreamGetFlags(stream: Opaque, flags: *mut c_uint) as cudaStreamGetFlags_ptsz {
        let (found, _) = context().streams()?.info(stream)?;
        unsafe { give(flags, found) }
    }

    fn cudaStreamGetPriority(stream: Opaque, priority: *mut c_int) as cudaStreamGetPriority_ptsz {
        let (_, found) = context().streams()?.info(stream)?;
        unsafe { give(priority, found) }
    }

    fn cudaStreamGetId(stream: Opaque, id: *mut c_ulonglong) as cudaStreamGetId_ptsz {
        context().streams()?.check(stream)?;
        unsafe { give(id, stream as c_ulonglong) }
    }

    fn cudaStreamGetDevice(stream: Opaque, device: *mut c_int) as cudaStreamGetDevice_ptsz {
        context().streams()?.check(stream)?;
        unsafe { give(device, 0) }
    }

    fn cudaStreamIsCapturing(stream: Opaque, status: *mut c_uint) as cudaStreamIsCapturing_ptsz {
        context().streams()?.check(stream)?;
        unsafe { give(status, 0) }
    }

    /// Nothing is ever captured, so the other results, which differ between versions, stay untouched as CUDA says.
    fn cudaStreamGetCaptureInfo(
        stream: Opaque, status: *mut c_uint,
    ) as cudaStreamGetCaptureInfo_ptsz, cudaStreamGetCaptureInfo_v2, cudaStreamGetCaptureInfo_v2_ptsz, cudaStreamGetCaptureInfo_v3, cudaStreamGetCaptureInfo_v3_ptsz {
        context().streams()?.check(stream)?;
        unsafe { give(status, 0) }
    }

    fn cudaThreadExchangeStreamCaptureMode(mode: *mut c_uint) {
        let wanted = unsafe { take(mode)? };
        one_of("a capture mode", wanted, &[0, 1, 2])?;
        unsafe { give(mode, CAPTURE_MODE.replace(wanted)) }
    }

    fn cudaStreamCopyAttributes(to: Opaque, from: Opaque) as cudaStreamCopyAttributes_ptsz {
        context().streams()?.check(to)?;
        context().streams()?.check(from)
    }

    fn cudaStreamGetAttribute(stream: Opaque, attribute: c_uint, value: *mut c_void) as cudaStreamGetAttribute_ptsz {
        context().streams()?.check(stream)?;
        one_of("a stream attribute", attribute, &STREAM_ATTRIBUTES)?;
        unsafe { give(value.cast(), [0u8; STREAM_ATTRIBUTE_VALUE_BYTES]) }
    }

    /// Attributes of streams are hints about caches and scheduling.
    fn cudaStreamSetAttribute(stream: Opaque, attribute: c_uint, value: *const c_void) as cudaStreamSetAttribute_ptsz {
        context().streams()?.check(stream)?;
        if value.is_null() {
            return Err(Error::value("the value of the attribute is null"));
        }
        one_of("a stream attribute", attribute, &STREAM_ATTRIBUTES)
    }

    fn cudaStreamAddCallback(
        stream: Opaque, callback: StreamCallback, data: *mut c_void, flags: c_uint,
    ) as cudaStreamAddCallback_ptsz {
        if flags != 0 {
            return Err(Error::value(format!("callback flags must be 0, not {flags:#x}")));
        }
        let callback = callback.ok_or_else(|| Error::value("the callback is null"))?;
        // SAFETY: as for host functions; the status is success, as everything before it has run.
        host(stream, "cudaStreamAddCallback", || unsafe { callback(stream, 0, data) })
    }

    fn cudaLaunchHostFunc(stream: Opaque, function: HostFunction, data: *mut c_void) as cudaLaunchHostFunc_ptsz {
        call(stream, function, data)
    }

    fn cudaLaunchHostFunc_v2(
        stream: Opaque, function: HostFunction, data: *mut c_void, _mode: c_uint,
    ) as cudaLaunchHostFunc_v2_ptsz {
        call(stream, function, data)
    }

    fn cudaEventCreate(event: *mut Opaque) {
        room(event)?;
        let made = context().streams()?.event_create(0)?;
        unsafe { give(event, made) }
    }

    fn cudaEventCreateWithFlags(event: *mut Opaque, flags: c_uint) {
        room(event)?;
        let made = context().streams()?.event_create(flags)?;
        unsafe { give(event, made) }
    }

    fn cudaEventRecord(event: Opaque, stream: Opaque) as cudaEventRecord_ptsz {
        unsafe { context().issue(stream, Work::Record(event)) }
    }

    fn cudaEventRecordWithFlags(event: Opaque, stream: Opaque, flags: c_uint) as cudaEventRecordWithFlags_ptsz {
        one_of("flags of cudaEventRecordWithFlags", flags, &[0, EXTERNAL])?;
        unsafe { context().issue(stream, Work::Record(event)) }
    }

    fn cudaEventSynchronize(event: Opaque) {
        context().event_synchronize(event)
    }

    fn cudaEventQuery(event: Opaque) {
        context().event_synchronize(event)
    }

    fn cudaEventDestroy(event: Opaque) {
        context().streams()?.event_destroy(event)
    }

    fn cudaEventElapsedTime(ms: *mut f32, start: Opaque, end: Opaque) as cudaEventElapsedTime_v2 {
        room(ms)?;
        let elapsed = context().streams()?.elapsed_ms(start, end)?;
        unsafe { give(ms, elapsed) }
    }
}
