//! A child that fork makes after CUDA has started: the threads that ran kernels are not there, and locks of other
//! threads stay closed for ever. Every call fails there with cudaErrorInitializationError, as with CUDA; a child that
//! was made before the first CUDA call starts on its own.

use std::sync::atomic::{AtomicBool, Ordering};

static STARTED: AtomicBool = AtomicBool::new(false);
static CHILD: AtomicBool = AtomicBool::new(false);

extern "C" fn in_child() {
    CHILD.store(true, Ordering::Relaxed);
}

/// Takes note that CUDA starts in this process.
pub(crate) fn started() {
    if !STARTED.swap(true, Ordering::Relaxed) {
        // SAFETY: the handler does what is allowed in a child of a process with several threads.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }
}

/// Whether this process is a child whose parent had started CUDA before it forked.
pub fn is_forked_child() -> bool {
    CHILD.load(Ordering::Relaxed)
}
