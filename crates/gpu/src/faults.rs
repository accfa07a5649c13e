//! Faults of kernels: what the program has yet to be told, and whether it ever looked. (What Vernier refuses to launch is
//! excused by nothing.) A program that provokes a fault and asks for it has done nothing wrong; one that never looked has
//! a wrong result.
//!
//! Looking is: asking for the error (cudaGetLastError, cudaPeekAtLastError), calling what waits and gets it
//! (cudaDeviceSynchronize, cudaStreamQuery and their like), or asking for the name or the text of a code that another
//! call gave. A copy that fails with the fault of an earlier kernel is not enough by itself: most programs pass over
//! what copies give, as they do over what `<<<...>>>` gives.

use crate::code::Code;
use crate::error::Error;
use crate::recorder::{Mark, Recorder};
use crate::sync::lock;
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard};

/// A fault of which it is not known yet whether the program looks at it.
struct Unseen {
    code: Code,
    /// The thread that a call gave the code to, if one did.
    thread: Option<usize>,
    mark: Mark,
}

#[derive(Default)]
struct State {
    /// The fault of a kernel that no call has reported yet.
    pending: Option<Code>,
    unseen: Vec<Unseen>,
}

/// All faults of the process.
#[derive(Default)]
pub(crate) struct Faults(Mutex<State>);

/// A number that no other living thread has.
fn this_thread() -> usize {
    thread_local! {
        static HERE: Cell<u8> = const { Cell::new(0) };
    }
    HERE.with(|here| std::ptr::from_ref(here) as usize)
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// A kernel faulted: the next call that waits reports it.
    pub(crate) fn trapped(&self, code: Code, mark: Mark) {
        let mut state = self.state();
        state.pending.get_or_insert(code);
        state.unseen.push(Unseen {
            code,
            thread: None,
            mark,
        });
    }

    /// The fault that waits to be reported, which it does once.
    pub(crate) fn take(&self) -> Option<Code> {
        self.state().pending.take()
    }

    /// Notes in the run record that the program saw those of which `seen` is true.
    fn saw(&self, recorder: &Recorder, seen: impl Fn(&Unseen) -> bool) {
        self.state().unseen.retain(|u| {
            let is_seen = seen(u);
            if is_seen {
                recorder.looked_at(u.mark);
            }
            !is_seen
        });
    }

    /// The program gets an error; `waits` if from a call that is made to wait or to ask.
    pub(crate) fn given(&self, recorder: &Recorder, error: &Error, waits: bool) {
        let Error::Pending(_) = error else { return };
        if waits {
            self.saw(recorder, |u| u.thread.is_none());
        }
        let thread = Some(this_thread());
        for u in &mut self.state().unseen {
            u.thread = u.thread.or(thread);
        }
    }

    /// The program asked for its thread's last error, and there was one.
    pub(crate) fn asked(&self, recorder: &Recorder) {
        let thread = Some(this_thread());
        self.saw(recorder, |u| u.thread == thread);
    }

    /// The program asked for the name or text of an error code.
    pub(crate) fn text_asked(&self, recorder: &Recorder, code: Code) {
        self.saw(recorder, |u| u.code == code && u.thread.is_some());
    }
}
