//! The error that each thread keeps for cudaGetLastError.

use crate::abi;
use entry::Interface;
use gpu::{Code, Context, Error};
use std::cell::Cell;
use std::ffi::c_char;

thread_local! {
    // Without destructor, so that it still works in the last moments of a thread.
    static LAST: Cell<u32> = const { Cell::new(0) };
}

const CUDART: Interface = Interface {
    not_permitted: "cudaErrorNotPermitted (800)",
    not_initialized: "cudaErrorInitializationError (3)",
    unknown: "cudaErrorUnknown (999)",
};

/// Runs the body of an entry point: its error is kept for cudaGetLastError and returned, its reason said.
pub(crate) fn frame(name: &str, body: impl FnOnce() -> Result<(), Error>) -> abi::Error {
    let code = entry::frame(name, &CUDART, body);
    if code != Code::SUCCESS {
        LAST.set(code.0);
    }
    code.0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaGetLastError() -> abi::Error {
    asked(LAST.replace(0))
}

#[unsafe(no_mangle)]
pub extern "C" fn cudaPeekAtLastError() -> abi::Error {
    asked(LAST.get())
}

/// Takes note that the program looks at an error, unless there is none.
fn note_look(code: u32, note: impl FnOnce(&Context)) {
    if code != Code::SUCCESS.0 {
        entry::look(note);
    }
}

/// Gives a thread's last error to the program.
fn asked(code: u32) -> abi::Error {
    note_look(code, Context::last_error_asked);
    code
}

/// Notes that the program wants to know what a code means.
fn named(error: abi::Error) -> Code {
    note_look(error, |context| context.text_asked(Code(error)));
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
