//! Streams and events: those of the runtime, whose handles mean the same here.

use crate::device::current;
use crate::memory::issue;
use crate::result::frame;
use entry::{entries, give, one_of, room};
use gpu::Work;
use std::ffi::c_uint;

/// The handle of a stream.
pub type CUstream = usize;
/// The handle of an event.
pub type CUevent = usize;

entries! {
    fn cuStreamCreate(stream: *mut CUstream, flags: c_uint) {
        room(stream)?;
        let made = current()?.streams()?.create(flags, 0)?;
        unsafe { give(stream, made) }
    }

    fn cuStreamDestroy_v2(stream: CUstream) {
        current()?.streams()?.destroy(stream)
    }

    fn cuStreamSynchronize(stream: CUstream) {
        current()?.stream_synchronize(stream)
    }

    fn cuStreamWaitEvent(stream: CUstream, event: CUevent, flags: c_uint) {
        one_of("flags of cuStreamWaitEvent", flags, &[0, 1])?;
        unsafe { issue(stream, Work::Wait(event)) }
    }

    fn cuEventCreate(event: *mut CUevent, flags: c_uint) {
        room(event)?;
        let made = current()?.streams()?.event_create(flags)?;
        unsafe { give(event, made) }
    }

    fn cuEventRecord(event: CUevent, stream: CUstream) {
        unsafe { issue(stream, Work::Record(event)) }
    }

    fn cuEventSynchronize(event: CUevent) {
        current()?.event_synchronize(event)
    }

    fn cuEventDestroy_v2(event: CUevent) {
        current()?.streams()?.event_destroy(event)
    }

    fn cuEventElapsedTime(ms: *mut f32, start: CUevent, end: CUevent) {
        room(ms)?;
        let elapsed = current()?.streams()?.elapsed_ms(start, end)?;
        unsafe { give(ms, elapsed) }
    }
}
