//! What the `vernier` command asks of the library besides CUDA: the command has no engine of its own.

use exec::{Dim3, Memory, Module, Pass};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Device memory for the variables of a module that is looked at, bytes.
const MEMORY_BYTES: u64 = 16 << 30;

/// A text, not ending in NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    first: *const u8,
    bytes: usize,
}

impl Text {
    /// # Safety
    /// It lies there as long as it is used.
    unsafe fn get(self) -> String {
        // SAFETY: the caller's promise.
        String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(self.first, self.bytes) }).into_owned()
    }
}

fn text(name: &str, ptx: &str, kernel: &str, pass: &str, block: Dim3) -> Result<String, String> {
    let checked = ptx::parse(name, ptx)
        .and_then(ptx::check)
        .map_err(|e| e.to_string())?;
    let (_, after) = Pass::ALL
        .iter()
        .find(|(known, _)| *known == pass)
        .ok_or_else(|| format!("no pass `{pass}`"))?;
    let memory = Memory::new(MEMORY_BYTES).map_err(|e| e.to_string())?;
    let module = Module::load(checked, &memory).map_err(|e| e.to_string())?;
    module.text(kernel, *after, block).map_err(|e| e.to_string())
}

/// Gives `say` a kernel of a PTX text as it is after a pass, or why it cannot; 0 if it can.
///
/// # Safety
/// The texts are there, `block` has three numbers, and `say` may be called with `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vernier_ptx_ir(
    name: Text,
    ptx: Text,
    kernel: Text,
    pass: Text,
    block: *const [u32; 3],
    say: unsafe extern "C" fn(*mut c_void, Text),
    data: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    let (name, ptx, kernel, pass, [x, y, z]) =
        unsafe { (name.get(), ptx.get(), kernel.get(), pass.get(), *block) };
    let made = catch_unwind(AssertUnwindSafe(|| {
        text(&name, &ptx, &kernel, &pass, Dim3 { x, y, z })
    }));
    let made = made.unwrap_or_else(|_| Err("a fault of Vernier, not of the PTX; please report it".into()));
    let (code, said) = match &made {
        Ok(text) => (0, text),
        Err(reason) => (1, reason),
    };
    let said = Text {
        first: said.as_ptr(),
        bytes: said.len(),
    };
    // SAFETY: the caller's promise.
    unsafe { say(data, said) };
    code
}
