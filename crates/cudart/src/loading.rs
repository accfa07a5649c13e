//! dlopen and dlmopen of the program pass through here, so that a CUDA library that it asks for is named although it is
//! not there. Nothing else changes: the C library's function is jumped to with the program's own return address, by which
//! it finds the paths of the caller ($ORIGIN, DT_RUNPATH).

#![cfg(target_arch = "x86_64")]

use entry::context;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

// Both keep the arguments (rdi, rsi, rdx), ask which function to go on to, and go there. Three pushes align the stack.
std::arch::global_asm!(
    ".macro vernier_passes name, first, asks",
    ".globl \\name",
    ".type \\name, @function",
    "\\name:",
    "endbr64",
    "push rdi",
    "push rsi",
    "push rdx",
    "mov rdi, \\first",
    "call \\asks",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "jmp rax",
    ".size \\name, . - \\name",
    ".endm",
    ".pushsection .text.vernier_dlopen,\"ax\",@progbits",
    "vernier_passes dlopen, rdi, {dlopen}",
    "vernier_passes dlmopen, rsi, {dlmopen}",
    ".popsection",
    dlopen = sym before_dlopen,
    dlmopen = sym before_dlmopen,
);

/// What is called when the C library has no such function: every load fails.
extern "C" fn nothing() -> *mut c_void {
    std::ptr::null_mut()
}

/// Names a CUDA library; the address of the C library's own function.
fn before(name: *const c_char, flags: c_int, function: &CStr) -> *const c_void {
    let only_asks = flags & libc::RTLD_NOLOAD != 0;
    if !name.is_null() && !only_asks && !gpu::is_forked_child() {
        // SAFETY: the program passes a C string.
        let name = unsafe { CStr::from_ptr(name) };
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if let Ok(name) = name.to_str() {
                context().library_asked(name);
            }
        }));
    }
    // SAFETY: looks for the next function of this name behind this library.
    match unsafe { libc::dlsym(libc::RTLD_NEXT, function.as_ptr()) } {
        p if p.is_null() => nothing as *const c_void,
        p => p,
    }
}

extern "C" fn before_dlopen(name: *const c_char, flags: c_int) -> *const c_void {
    before(name, flags, c"dlopen")
}

extern "C" fn before_dlmopen(name: *const c_char, _: *const c_char, flags: c_int) -> *const c_void {
    before(name, flags, c"dlmopen")
}

// The functions by which programs reach this file, so that the linker keeps it.
unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
}

/// Keeps the functions above when only the static library's used parts are linked.
#[used]
static KEPT: unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void = dlopen;
