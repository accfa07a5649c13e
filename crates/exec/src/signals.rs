//! Signals are the program's: its handlers run on its own threads, never on those of the engine.

/// Signals that a fault of the thread itself raises, which must reach it.
const FAULTS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
];

/// Starts threads: those that `start` makes never run a signal handler of the program. A handler that calls CUDA there
/// would wait for the kernel whose blocks this thread has to run.
pub fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    /// What the thread blocked before; it does so again when this goes, by a panic too.
    struct Before(libc::sigset_t);
    impl Drop for Before {
        fn drop(&mut self) {
            // SAFETY: a set that pthread_sigmask wrote.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }
    // SAFETY: the sets are initialised by sigfillset and pthread_sigmask before they are read.
    let _before = unsafe {
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        let mut before = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&mut all);
        for signal in FAULTS {
            libc::sigdelset(&mut all, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut before);
        Before(before)
    };
    start()
}
