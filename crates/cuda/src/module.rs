//! Modules out of PTX, and what is in them. Handles are numbers that are never used again.

use crate::device::current;
use crate::result::frame;
use entry::{entries, give, room};
use gpu::{Code, Error, Function, Module};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// The handle of a module.
pub type CUmodule = usize;
/// The handle of a kernel.
pub type CUfunction = usize;

#[derive(Default)]
struct Handles {
    made: usize,
    modules: HashMap<CUmodule, Arc<Module>>,
    /// With the module's handle.
    functions: HashMap<CUfunction, (CUmodule, Arc<Function>)>,
}

fn handles() -> MutexGuard<'static, Handles> {
    static HANDLES: LazyLock<Mutex<Handles>> = LazyLock::new(Mutex::default);
    HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handles {
    fn next(&mut self) -> usize {
        self.made += 1;
        self.made << 4
    }
}

fn invalid(what: &str, handle: usize) -> Error {
    Error::argument(
        Code::INVALID_RESOURCE_HANDLE,
        format!("{handle:#x} is not a live {what}"),
    )
}

fn module(handle: CUmodule) -> Result<Arc<Module>, Error> {
    let found = handles().modules.get(&handle).cloned();
    found.ok_or_else(|| invalid("module", handle))
}

/// The kernel of a handle.
pub(crate) fn function(handle: CUfunction) -> Result<Arc<Function>, Error> {
    let found = handles().functions.get(&handle).map(|(_, f)| f.clone());
    found.ok_or_else(|| invalid("function", handle))
}

fn not_ptx(errors: ptx::Errors) -> Error {
    Error::Module {
        code: Code::INVALID_PTX,
        reason: errors.to_string(),
    }
}

/// A module of a text, loaded.
fn load(name: &str, text: &str) -> Result<CUmodule, Error> {
    let context = current()?;
    let checked = ptx::parse(name, text).and_then(ptx::check).map_err(not_ptx)?;
    let module = context.text(checked);
    if let Err(error) = context.load_now(&module) {
        context.unload(&module);
        return Err(error);
    }
    let mut handles = handles();
    let handle = handles.next();
    handles.modules.insert(handle, module);
    Ok(handle)
}

/// A name of the program's.
///
/// # Safety
/// `text` is null or ends in NUL.
unsafe fn name<'a>(text: *const c_char) -> Result<&'a CStr, Error> {
    match text.is_null() {
        true => Err(Error::value("a name is null")),
        // SAFETY: the caller's promise.
        false => Ok(unsafe { CStr::from_ptr(text) }),
    }
}

/// What begins a fat binary (its wrapper, a container) and machine code.
const NOT_TEXTS: [&[u8; 4]; 3] = [&[0xb1, 0x43, 0x62, 0x46], &[0x50, 0xed, 0x55, 0xba], b"\x7fELF"];

entries! {
    fn cuModuleLoad(handle: *mut CUmodule, file: *const c_char) {
        room(handle)?;
        let file = unsafe { name(file)? }.to_string_lossy().into_owned();
        let bytes = std::fs::read(Path::new(&file)).map_err(|e| {
            Error::argument(Code::FILE_NOT_FOUND, format!("cannot read {file}: {e}"))
        })?;
        // Comments and file names may be in any encoding.
        let made = load(&file, &String::from_utf8_lossy(&bytes))?;
        unsafe { give(handle, made) }
    }

    /// PTX, ending in NUL. Fat binaries and machine code are refused.
    fn cuModuleLoadData(handle: *mut CUmodule, image: *const c_void) {
        room(handle)?;
        let image = unsafe { name(image.cast())? };
        if NOT_TEXTS.iter().any(|magic| image.to_bytes().starts_with(&magic[..])) {
            return Err(Error::NotSupported(
                "cuModuleLoadData of a fat binary or of machine code is not supported: give it PTX".into(),
            ));
        }
        let made = load("cuModuleLoadData.ptx", &image.to_string_lossy())?;
        unsafe { give(handle, made) }
    }

    fn cuModuleUnload(handle: CUmodule) {
        let context = current()?;
        let removed = {
            let mut handles = handles();
            handles.functions.retain(|_, (of, _)| *of != handle);
            handles.modules.remove(&handle)
        };
        context.unload(&*removed.ok_or_else(|| invalid("module", handle))?);
        Ok(())
    }

    fn cuModuleGetFunction(handle: *mut CUfunction, of: CUmodule, called: *const c_char) {
        room(handle)?;
        let called = unsafe { name(called)? }.to_string_lossy();
        let function = current()?.function(&module(of)?, &called)?;
        let mut handles = handles();
        let made = handles.next();
        handles.functions.insert(made, (of, function));
        unsafe { give(handle, made) }
    }

    /// Either result may be left away.
    fn cuModuleGetGlobal_v2(address: *mut usize, bytes: *mut usize, of: CUmodule, called: *const c_char) {
        let called = unsafe { name(called)? }.to_string_lossy();
        let (at, size) = current()?.variable(&*module(of)?, &called)?;
        unsafe {
            if !address.is_null() { give(address, at)?; }
            if bytes.is_null() { Ok(()) } else { give(bytes, size) }
        }
    }

    fn cuFuncGetAttribute(value: *mut c_int, attribute: c_uint, handle: CUfunction) {
        let a = current()?.function_attributes(&*function(handle)?)?;
        let all = [
            a.max_threads as u64, a.static_shared, a.constant, a.local, a.registers.into(), a.ptx_version.into(),
            a.binary_version.into(), 0, a.max_dynamic_shared.into(), a.carveout as u64,
        ];
        let found = all.get(attribute as usize).ok_or_else(|| {
            Error::value(format!("function attribute {attribute} is not known"))
        })?;
        unsafe { give(value, *found as c_int) }
    }

    fn cuFuncSetAttribute(handle: CUfunction, attribute: c_uint, value: c_int) {
        current()?.function_set_attribute(&*function(handle)?, attribute, value)
    }

    /// Offset and size in the parameter block, bytes; the size may be left away.
    fn cuFuncGetParamInfo(handle: CUfunction, index: usize, offset: *mut usize, size: *mut usize) {
        let params = current()?.function_params(&*function(handle)?)?;
        let (at, bytes) = *params.get(index).ok_or_else(|| Error::value(format!("no parameter {index}")))?;
        unsafe {
            give(offset, at)?;
            if size.is_null() { Ok(()) } else { give(size, bytes) }
        }
    }
}
