//! The frame of every entry point, and the error each thread keeps for cudaGetLastError.
//!
//! A thread is inside one entry point at most. A signal handler that calls CUDA while its thread is inside one would
//! wait for locks that this very thread holds: it is refused, whatever the call. Functions of the program that an entry
//! point calls ([`call_program`]) are outside again, and no exception of theirs comes back in.
//!
//! In entry points, an `unsafe` block without a comment reads or writes through a pointer that the program passed
//! for just this: CUDA's documentation is its contract, and null is refused.

use crate::abi;
use crate::caller::CudaVersion;
use gpu::{Code, Context, Error, say_error, say_once};
use std::cell::Cell;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    // Without destructor, so that it still works in the last moments of a thread.
    static LAST: Cell<u32> = const { Cell::new(0) };
    /// Whether this thread is inside an entry point. It stays so when a signal handler jumps out of one
    /// (siglongjmp): the locks that were held then are never released.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The context of this process, with the version of CUDA that the program was built with.
pub(crate) fn context() -> &'static Context {
    Context::of_process(|| CudaVersion::of_program().major())
}

/// Runs the body of an entry point: its error is kept for cudaGetLastError and returned, its reason said.
pub(crate) fn frame(name: &str, body: impl FnOnce() -> Result<(), Error>) -> abi::Error {
    if gpu::is_forked_child() {
        return forked(name);
    }
    if INSIDE.replace(true) {
        return interrupted(name);
    }
    let result = catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(false);
    let code = match result {
        Ok(Ok(())) => return Code::SUCCESS.0,
        Ok(Err(error)) => {
            let code = error.code();
            context().gives(&error, is_to_wait(name));
            if error.is_loud() || (gpu::is_verbose() && !matches!(error, Error::Pending(_))) {
                say(name, &error);
            }
            code
        }
        Err(_) => {
            say_error(&format!(
                "internal error in {name} (a fault of Vernier, not of the program): the program gets {}",
                Code::UNKNOWN
            ));
            Code::UNKNOWN
        }
    };
    LAST.set(code.0);
    code.0
}

/// Whether an entry point is called to wait, or to ask, for what runs: the program calls it for its result.
fn is_to_wait(name: &str) -> bool {
    name.ends_with("Synchronize") || name.ends_with("Query")
}

/// Writes to stderr with nothing but write(2), which is all that may be done in a signal handler or a forked child.
fn write_plain(parts: &[&str]) {
    for part in parts {
        // SAFETY: the text is valid for its length. Nobody can be told when stderr is closed.
        unsafe { libc::write(libc::STDERR_FILENO, part.as_ptr().cast(), part.len()) };
    }
}

/// A call by a signal handler that interrupted another call of its thread.
fn interrupted(name: &str) -> abi::Error {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        write_plain(&[
            "vernier: error: ",
            name,
            ": this thread is inside another CUDA call, which a signal handler interrupted: the program gets \
             cudaErrorNotPermitted (800)\nvernier:    = set a flag in the handler and call CUDA outside of it\n",
        ]);
    }
    LAST.set(Code::NOT_PERMITTED.0);
    Code::NOT_PERMITTED.0
}

/// A call in a child of a process that had started CUDA.
fn forked(name: &str) -> abi::Error {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        write_plain(&[
            "vernier: error: ",
            name,
            ": the process forked after its first CUDA call, and CUDA does not work in such a child: the program gets \
             cudaErrorInitializationError (3)\nvernier:    = fork before the first CUDA call, or start a program (exec)\n",
        ]);
    }
    LAST.set(Code::INITIALIZATION_ERROR.0);
    Code::INITIALIZATION_ERROR.0
}

/// Ends the process when an exception leaves a function of the program.
struct NoException<'a>(&'a str);

impl Drop for NoException<'_> {
    fn drop(&mut self) {
        write_plain(&[
            "vernier: error: ",
            self.0,
            ": an exception left the function that the program gave to CUDA, where nothing can catch it: the program \
             ends (abort), as it would with CUDA\n",
        ]);
        std::process::abort();
    }
}

/// Calls a function of the program from inside an entry point. It may call CUDA again.
pub(crate) fn call_program(name: &str, function: impl FnOnce()) {
    let guard = NoException(name);
    INSIDE.set(false);
    function();
    INSIDE.set(true);
    std::mem::forget(guard);
}

fn say(name: &str, error: &Error) {
    let text = error.to_string();
    // Diagnostics of the PTX parser and refusals by name already stand by themselves.
    if text.starts_with("error") || text.starts_with(name) {
        say_once(&text);
    } else {
        say_once(&format!("error: {name}: {text}"));
    }
}

/// Defines entry points: `fn NAME(arguments) as ALIAS, ... { body }`, where the body is a `Result<(), Error>`.
/// Aliases are the names for per-thread default streams (`_ptsz`, `_ptds`), which mean the same here.
macro_rules! entries {
    ($($(#[$doc:meta])* fn $name:ident $args:tt $(as $($alias:ident),+)? $body:block)*) => {
        $(
            $crate::entry::entries!(@define $(#[$doc])* $name $args { $crate::entry::frame(stringify!($name), move || $body) });
            $($($crate::entry::entries!(@alias $alias $name $args);)+)?
        )*
    };
    (@define $(#[$doc:meta])* $name:ident ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> $crate::abi::Error $body
    };
    (@alias $alias:ident $name:ident ($($arg:ident: $ty:ty),* $(,)?)) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $alias($($arg: $ty),*) -> $crate::abi::Error {
            // SAFETY: the same function under another name.
            unsafe { $name($($arg),*) }
        }
    };
}
pub(crate) use entries;

/// Writes a result through a pointer of the program, which must not be null.
///
/// # Safety
/// `to` is null or valid for a `T`.
pub(crate) unsafe fn give<T>(to: *mut T, value: T) -> Result<(), Error> {
    room(to)?;
    // SAFETY: the caller's promise.
    unsafe { to.write_unaligned(value) };
    Ok(())
}

/// Refuses a null pointer for a result, in calls that must not begin when it has no place.
pub(crate) fn room<T>(to: *mut T) -> Result<(), Error> {
    match to.is_null() {
        true => Err(Error::value("the pointer for the result is null")),
        false => Ok(()),
    }
}

/// Refuses flags (or a number of an enumeration) that are none of these.
pub(crate) fn one_of(what: &str, value: u32, allowed: &[u32]) -> Result<(), Error> {
    match allowed.contains(&value) {
        true => Ok(()),
        false => Err(Error::value(format!("{what} cannot be {value:#x}"))),
    }
}

/// Reads a structure through a pointer of the program, which must not be null.
///
/// # Safety
/// `from` is null or valid for a `T`.
pub(crate) unsafe fn take<T>(from: *const T) -> Result<T, Error> {
    if from.is_null() {
        return Err(Error::value("a pointer to a structure is null"));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { from.read_unaligned() })
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetLastError() -> abi::Error {
    asked(LAST.replace(0))
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaPeekAtLastError() -> abi::Error {
    asked(LAST.get())
}

/// Takes note that the program looks at an error, unless there is none, or a signal handler asks while its thread is
/// inside an entry point.
fn note_look(code: u32, note: impl FnOnce(&Context)) {
    if code != Code::SUCCESS.0 && !gpu::is_forked_child() && !INSIDE.replace(true) {
        note(context());
        INSIDE.set(false);
    }
}

/// Gives a thread's last error to the program.
fn asked(code: u32) -> abi::Error {
    note_look(code, Context::last_error_asked);
    code
}

/// Notes that the program wants to know what a code means.
fn named(error: abi::Error) -> Code {
    note_look(error, |runtime| runtime.text_asked(Code(error)));
    Code(error)
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorName(error: abi::Error) -> *const c_char {
    named(error).name_nul().as_ptr().cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorString(error: abi::Error) -> *const c_char {
    named(error).text_nul().as_ptr().cast()
}
