//! The frame of every entry point, and the error each thread keeps for cudaGetLastError.
//!
//! In entry points, an `unsafe` block without a comment reads or writes through a pointer that the program passed
//! for just this: CUDA's documentation is its contract, and null is refused.

use crate::abi;
use runtime::{Code, Error, say_error, say_once};
use std::cell::Cell;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    // Without destructor, so that it still works in the last moments of a thread.
    static LAST: Cell<u32> = const { Cell::new(0) };
}

/// Runs the body of an entry point: its error is kept for cudaGetLastError and returned, its reason said.
pub(crate) fn frame(name: &str, body: impl FnOnce() -> Result<(), Error>) -> abi::Error {
    let code = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return Code::SUCCESS.0,
        Ok(Err(error)) => {
            let code = error.code();
            if error.is_loud() || (runtime::is_verbose() && !matches!(error, Error::Pending(_))) {
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
    if to.is_null() {
        return Err(Error::value("the pointer for the result is null"));
    }
    // SAFETY: the caller's promise.
    unsafe { to.write_unaligned(value) };
    Ok(())
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
    LAST.replace(0)
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaPeekAtLastError() -> abi::Error {
    LAST.get()
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorName(error: abi::Error) -> *const c_char {
    Code(error).name_nul().as_ptr().cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetErrorString(error: abi::Error) -> *const c_char {
    Code(error).text_nul().as_ptr().cast()
}
