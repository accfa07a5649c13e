//! CUresult: mostly the numbers of cudaError_t, under other names.

use entry::{Interface, give};
use gpu::{Code, Error};
use std::ffi::c_char;

/// The driver's error codes.
pub type CUresult = u32;

const CUDA: Interface = Interface {
    not_permitted: "CUDA_ERROR_NOT_PERMITTED (800)",
    not_initialized: "CUDA_ERROR_NOT_INITIALIZED (3)",
    unknown: "CUDA_ERROR_UNKNOWN (999)",
};

const INVALID_VALUE: CUresult = 1;
const INVALID_CONTEXT: CUresult = 201;
const NOT_FOUND: CUresult = 500;

/// Runs the body of an entry point: its reason is said, its code returned.
pub(crate) fn frame(name: &str, body: impl FnOnce() -> Result<(), Error>) -> CUresult {
    match entry::frame(name, &CUDA, body) {
        // The runtime's numbers below 100 are its own, but for these.
        code @ (Code::SUCCESS
        | Code::INVALID_VALUE
        | Code::MEMORY_ALLOCATION
        | Code::INITIALIZATION_ERROR) => code.0,
        Code::INVALID_DEVICE_FUNCTION | Code::INVALID_SYMBOL => NOT_FOUND,
        Code::DEVICE_UNINITIALIZED => INVALID_CONTEXT,
        code if code.0 < 100 => INVALID_VALUE,
        code => code.0,
    }
}

/// No context is current in the thread.
pub(crate) fn no_context() -> Error {
    Error::argument(
        Code::DEVICE_UNINITIALIZED,
        "no context is current in this thread (cuCtxCreate, cuCtxSetCurrent)",
    )
}

/// Names and texts of what [`frame`] gives.
#[rustfmt::skip]
static TABLE: &[(CUresult, &str, &str)] = &[
    (0, "CUDA_SUCCESS\0", "no error\0"),
    (1, "CUDA_ERROR_INVALID_VALUE\0", "invalid argument\0"),
    (2, "CUDA_ERROR_OUT_OF_MEMORY\0", "out of memory\0"),
    (3, "CUDA_ERROR_NOT_INITIALIZED\0", "initialization error\0"),
    (101, "CUDA_ERROR_INVALID_DEVICE\0", "invalid device ordinal\0"),
    (200, "CUDA_ERROR_INVALID_IMAGE\0", "device kernel image is invalid\0"),
    (201, "CUDA_ERROR_INVALID_CONTEXT\0", "invalid device context\0"),
    (209, "CUDA_ERROR_NO_BINARY_FOR_GPU\0", "no kernel image is available for execution on the device\0"),
    (218, "CUDA_ERROR_INVALID_PTX\0", "a PTX JIT compilation failed\0"),
    (301, "CUDA_ERROR_FILE_NOT_FOUND\0", "file not found\0"),
    (400, "CUDA_ERROR_INVALID_HANDLE\0", "invalid resource handle\0"),
    (500, "CUDA_ERROR_NOT_FOUND\0", "named symbol not found\0"),
    (600, "CUDA_ERROR_NOT_READY\0", "device not ready\0"),
    (700, "CUDA_ERROR_ILLEGAL_ADDRESS\0", "an illegal memory access was encountered\0"),
    (701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES\0", "too many resources requested for launch\0"),
    (702, "CUDA_ERROR_LAUNCH_TIMEOUT\0", "the launch timed out and was terminated\0"),
    (710, "CUDA_ERROR_ASSERT\0", "device-side assert triggered\0"),
    (715, "CUDA_ERROR_ILLEGAL_INSTRUCTION\0", "an illegal instruction was encountered\0"),
    (716, "CUDA_ERROR_MISALIGNED_ADDRESS\0", "misaligned address\0"),
    (718, "CUDA_ERROR_INVALID_PC\0", "invalid program counter\0"),
    (719, "CUDA_ERROR_LAUNCH_FAILED\0", "unspecified launch failure\0"),
    (720, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE\0", "too many blocks in cooperative launch\0"),
    (800, "CUDA_ERROR_NOT_PERMITTED\0", "operation not permitted\0"),
    (801, "CUDA_ERROR_NOT_SUPPORTED\0", "operation not supported\0"),
    (999, "CUDA_ERROR_UNKNOWN\0", "unknown error\0"),
];

fn row(result: CUresult) -> Result<&'static (CUresult, &'static str, &'static str), Error> {
    let found = TABLE.iter().find(|row| row.0 == result);
    found.ok_or_else(|| Error::value(format!("{result} is no CUresult that is known")))
}

entry::entries! {
    fn cuGetErrorName(result: CUresult, to: *mut *const c_char) {
        unsafe { give(to, row(result)?.1.as_ptr().cast()) }
    }

    fn cuGetErrorString(result: CUresult, to: *mut *const c_char) {
        entry::context().text_asked(Code(result));
        unsafe { give(to, row(result)?.2.as_ptr().cast()) }
    }
}
