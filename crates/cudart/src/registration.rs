//! What nvcc's code calls before `main`: registering fat binaries, kernels and variables.

use crate::abi::{Dim3, Pointer};
use crate::registry;
use entry::context;
use gpu::{HostSlot, say_once};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Registration has no way to report an error; a panic must still not leave it.
fn guarded<T>(name: &str, default: T, body: impl FnOnce() -> T) -> T {
    if gpu::is_forked_child() {
        return default;
    }
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        say_once(&format!(
            "internal error in {name} (a fault of Vernier, not of the program)"
        ));
        default
    })
}

/// A C string of the program.
///
/// # Safety
/// `text` is null or ends in NUL.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Handles are numbers from 1; the program sees them as pointers and never looks behind them.
fn handle(pointer: *mut Pointer) -> usize {
    pointer as usize
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __cudaRegisterFatBinary(wrapper: *mut c_void) -> *mut Pointer {
    guarded("__cudaRegisterFatBinary", std::ptr::null_mut(), || {
        // SAFETY: nvcc's code passes its wrapper, which lives until it is unregistered.
        let handle = unsafe { registry::add(wrapper.cast_const().cast()) };
        handle as *mut Pointer
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterFatBinaryEnd(_handle: *mut Pointer) {}

#[unsafe(no_mangle)]
pub extern "C" fn __cudaUnregisterFatBinary(module: *mut Pointer) {
    guarded("__cudaUnregisterFatBinary", (), || {
        registry::remove(handle(module))
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __cudaRegisterFunction(
    module: *mut Pointer,
    host: *const c_char,
    _device_function: *mut c_char,
    name: *const c_char,
    _thread_limit: c_int,
    _thread: *mut Dim3,
    _block: *mut Dim3,
    _block_size: *mut Dim3,
    _grid_size: *mut Dim3,
    _warp_size: *mut c_int,
) {
    guarded("__cudaRegisterFunction", (), || {
        // SAFETY: nvcc's code passes a string literal.
        let name = unsafe { text(name) };
        registry::add_function(handle(module), host as usize, &name);
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __cudaRegisterVar(
    module: *mut Pointer,
    host: *mut c_char,
    _device_address: *mut c_char,
    name: *const c_char,
    _ext: c_int,
    _size: usize,
    _constant: c_int,
    _global: c_int,
) {
    guarded("__cudaRegisterVar", (), || {
        // SAFETY: nvcc's code passes a string literal.
        let name = unsafe { text(name) };
        registry::add_variable(handle(module), host as usize, &name, None);
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __cudaRegisterManagedVar(
    module: *mut Pointer,
    slot: *mut Pointer,
    _device_address: *mut c_char,
    name: *const c_char,
    _ext: c_int,
    size: usize,
    _constant: c_int,
    _global: c_int,
) {
    guarded("__cudaRegisterManagedVar", (), || {
        // SAFETY: nvcc's code passes a string literal, and a pointer variable that lives as long as the module.
        unsafe {
            let name = text(name);
            let of_program = HostSlot::new(slot.cast(), size);
            registry::add_variable(handle(module), slot as usize, &name, Some(of_program));
        }
    });
}

/// Called before the program touches a managed variable.
#[unsafe(no_mangle)]
pub extern "C" fn __cudaInitModule(module: *mut Pointer) -> c_char {
    guarded("__cudaInitModule", 0, || {
        match registry::module(handle(module)).and_then(|m| context().load_now(&m)) {
            Ok(()) => 1,
            Err(error) => {
                say_once(&format!("error: {error}"));
                0
            }
        }
    })
}

/// Host variables that device code reads directly need shared page tables, which the device does not claim to
/// have; nothing refers to them here.
#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterHostVar(
    _module: *mut Pointer,
    _name: *const c_char,
    _address: *mut c_char,
    _size: usize,
) {
}

/// As above, for unified function pointers.
#[unsafe(no_mangle)]
pub extern "C" fn __cudaRegisterUnifiedTable(_module: *mut Pointer, _table: *mut c_void) {}

macro_rules! references {
    ($($name:ident $what:literal;)*) => {$(
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(_module: *mut Pointer) {
            say_once(concat!($what, " references are not supported: kernels that use them cannot run"));
        }
    )*};
}

references! {
    __cudaRegisterTexture "texture";
    __cudaRegisterSurface "surface";
}

/// Writes the run record when the process (or the library) ends, after everything that the program registered
/// with atexit.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = {
    extern "C" fn at_end() {
        guarded("the end of the process", (), || context().finish());
    }
    at_end
};
