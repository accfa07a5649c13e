//! What the C interfaces share: the frame around every entry point, and how results go through a program's pointers.
//!
//! A thread is inside one entry point at most, of whichever interface. A signal handler that calls CUDA while its thread is
//! inside one would wait for locks that this very thread holds: it is refused, whatever the call. Functions of the program
//! that an entry point calls ([`call_program`]) are outside again, and no exception of theirs comes back in. No panic
//! leaves an entry point.
//!
//! In entry points, an `unsafe` block without a comment reads or writes through a pointer that the program passed
//! for just this: CUDA's documentation is its contract, and null is refused.

mod caller;

pub use caller::CudaVersion;

use gpu::{Code, Context, Error, say_error, say_once};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Whether this thread is inside an entry point. It stays so when a signal handler jumps out of one
    /// (siglongjmp): the locks that were held then are never released. Without destructor, so that it still works in the
    /// last moments of a thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// How an interface calls codes that the frame itself gives, with their numbers.
pub struct Interface {
    /// [`Code::NOT_PERMITTED`].
    pub not_permitted: &'static str,
    /// [`Code::INITIALIZATION_ERROR`].
    pub not_initialized: &'static str,
    /// [`Code::UNKNOWN`].
    pub unknown: &'static str,
}

/// The context of this process, with the version of CUDA that the program was built with.
pub fn context() -> &'static Context {
    Context::of_process(|| CudaVersion::of_program().major())
}

/// Runs the body of an entry point, says its reason if it fails, and gives its code; `interface` says what the program knows
/// codes as.
pub fn frame(name: &str, interface: &Interface, body: impl FnOnce() -> Result<(), Error>) -> Code {
    if gpu::is_forked_child() {
        return forked(name, interface);
    }
    if INSIDE.replace(true) {
        return interrupted(name, interface);
    }
    let result = catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(false);
    match result {
        Ok(Ok(())) => Code::SUCCESS,
        Ok(Err(error)) => {
            context().gives(&error, is_to_wait(name));
            if error.is_loud() || (gpu::is_verbose() && !matches!(error, Error::Pending(_))) {
                say(name, &error);
            }
            error.code()
        }
        Err(_) => {
            say_error(&format!(
                "internal error in {name} (a fault of Vernier, not of the program): the program gets {}",
                interface.unknown
            ));
            Code::UNKNOWN
        }
    }
}

/// Asks the context something outside of an entry point's frame, unless a signal handler asks while its thread is inside
/// one.
pub fn look(ask: impl FnOnce(&Context)) {
    if !gpu::is_forked_child() && !INSIDE.replace(true) {
        ask(context());
        INSIDE.set(false);
    }
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
fn interrupted(name: &str, interface: &Interface) -> Code {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        write_plain(&[
            "vernier: error: ",
            name,
            ": this thread is inside another CUDA call, which a signal handler interrupted: the program gets ",
            interface.not_permitted,
            "\nvernier:    = set a flag in the handler and call CUDA outside of it\n",
        ]);
    }
    Code::NOT_PERMITTED
}

/// A call in a child of a process that had started CUDA.
fn forked(name: &str, interface: &Interface) -> Code {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        write_plain(&[
            "vernier: error: ",
            name,
            ": the process forked after its first CUDA call, and CUDA does not work in such a child: the program gets ",
            interface.not_initialized,
            "\nvernier:    = fork before the first CUDA call, or start a program (exec)\n",
        ]);
    }
    Code::INITIALIZATION_ERROR
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
pub fn call_program(name: &str, function: impl FnOnce()) {
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

/// Defines entry points of an interface, in a module that has a function `frame(name, body)` which gives what they return:
/// `fn NAME(arguments) as ALIAS, ... { body }`, where the body is a `Result<(), Error>`.
/// Aliases are the names for per-thread default streams (`_ptsz`, `_ptds`), which mean the same here.
#[macro_export]
macro_rules! entries {
    ($($(#[$doc:meta])* fn $name:ident $args:tt $(as $($alias:ident),+)? $body:block)*) => {
        $(
            $crate::entries!(@define $(#[$doc])* $name $args { frame(stringify!($name), move || $body) });
            $($($crate::entries!(@alias $alias $name $args);)+)?
        )*
    };
    (@define $(#[$doc:meta])* $name:ident ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> u32 $body
    };
    (@alias $alias:ident $name:ident ($($arg:ident: $ty:ty),* $(,)?)) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $alias($($arg: $ty),*) -> u32 {
            // SAFETY: the same function under another name.
            unsafe { $name($($arg),*) }
        }
    };
}

/// Writes a result through a pointer of the program, which must not be null.
///
/// # Safety
/// `to` is null or valid for a `T`.
pub unsafe fn give<T>(to: *mut T, value: T) -> Result<(), Error> {
    room(to)?;
    // SAFETY: the caller's promise.
    unsafe { to.write_unaligned(value) };
    Ok(())
}

/// Refuses a null pointer for a result, in calls that must not begin when it has no place.
pub fn room<T>(to: *mut T) -> Result<(), Error> {
    match to.is_null() {
        true => Err(Error::value("the pointer for the result is null")),
        false => Ok(()),
    }
}

/// Refuses flags (or a number of an enumeration) that are none of these.
pub fn one_of(what: &str, value: u32, allowed: &[u32]) -> Result<(), Error> {
    match allowed.contains(&value) {
        true => Ok(()),
        false => Err(Error::value(format!("{what} cannot be {value:#x}"))),
    }
}

/// Reads a structure through a pointer of the program, which must not be null.
///
/// # Safety
/// `from` is null or valid for a `T`.
pub unsafe fn take<T>(from: *const T) -> Result<T, Error> {
    if from.is_null() {
        return Err(Error::value("a pointer to a structure is null"));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { from.read_unaligned() })
}
