//! Our library inside this process, for what needs the engine: this command has none of its own. It is reached as any program
//! reaches it, through the CUDA driver's C interface.

use crate::Result;
use crate::run::LIBRARY;
use backend::Dim3;
use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tell::Error;

/// A text for the library.
#[repr(C)]
struct Text {
    first: *const u8,
    bytes: usize,
}

impl Text {
    fn of(text: &str) -> Text {
        Text {
            first: text.as_ptr(),
            bytes: text.len(),
        }
    }
}

/// Keeps a text that the library says.
unsafe extern "C" fn keep(data: *mut c_void, text: Text) {
    // SAFETY: the library passes what `Library::ir` gave it, and a text of its own.
    unsafe {
        let bytes = std::slice::from_raw_parts(text.first, text.bytes);
        *data.cast::<String>() = String::from_utf8_lossy(bytes).into_owned();
    }
}

type Ir = unsafe extern "C" fn(
    Text,
    Text,
    Text,
    Text,
    *const [u32; 3],
    unsafe extern "C" fn(*mut c_void, Text),
    *mut c_void,
) -> c_int;

/// A handle of the driver, or a device address.
pub type Handle = usize;

/// The library, loaded.
pub struct Library(libloading::Library);

/// Calls a function of the driver by its name and the types of its arguments; an error names it.
macro_rules! call {
    ($library:ident, $name:ident($($argument:expr => $type:ty),* $(,)?)) => {{
        const NAME: &str = stringify!($name);
        // SAFETY: the types are those of the CUDA driver API, and pointers are to what lies here.
        let code = unsafe {
            let function = $library.0.get::<unsafe extern "C" fn($($type),*) -> c_int>(NAME.as_bytes());
            function.map(|f| f($($argument),*)).map_err(|e| Error::failed(e.to_string(), ""))?
        };
        match code {
            0 => Ok(()),
            code => Err($library.failed(NAME, code)),
        }
    }};
}

impl Library {
    /// The one that this command was built with.
    ///
    /// # Errors
    /// It cannot be written or loaded.
    pub fn of_command() -> Result<Library> {
        Library::load(&run::library::place(LIBRARY)?)
    }

    fn load(path: &Path) -> Result<Library> {
        // SAFETY: our own library does nothing when it is loaded.
        let library = unsafe { libloading::Library::new(path) };
        let library =
            library.map_err(|e| Error::failed(format!("cannot load {}: {e}", path.display()), ""))?;
        Ok(Library(library))
    }

    fn failed(&self, name: &str, code: c_int) -> Error {
        let mut text: *const c_char = std::ptr::null();
        // SAFETY: as in `call`; texts end in NUL and are never freed.
        let text = unsafe {
            type Named = unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int;
            match self.0.get::<Named>(b"cuGetErrorName") {
                Ok(named) if named(code, &mut text) == 0 && !text.is_null() => {
                    std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()
                }
                _ => code.to_string(),
            }
        };
        Error::failed(format!("{name} gives {text}"), "")
    }

    /// A kernel of a text after a pass, or why it cannot be had.
    pub fn ir(
        &self,
        name: &str,
        ptx: &str,
        kernel: &str,
        pass: &str,
        block: Dim3,
    ) -> std::result::Result<String, String> {
        let mut said = String::new();
        // SAFETY: the type is that of the library's function (`library/src/ir.rs`), which was built with this command;
        // everything lies here until it returns.
        let code = unsafe {
            let function = self.0.get::<Ir>(b"vernier_ptx_ir").map_err(|e| e.to_string())?;
            let block = [block.x, block.y, block.z];
            let texts = [name, ptx, kernel, pass].map(Text::of);
            let [name, ptx, kernel, pass] = texts;
            function(name, ptx, kernel, pass, &block, keep, (&raw mut said).cast())
        };
        match code {
            0 => Ok(said),
            _ => Err(said),
        }
    }

    /// Starts CUDA in this thread.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn start(&self) -> Result {
        let mut context: Handle = 0;
        call!(self, cuInit(0 => u32))?;
        call!(self, cuCtxCreate_v2(&mut context => *mut Handle, 0 => u32, 0 => c_int))
    }

    /// A kernel of a file.
    ///
    /// # Errors
    /// The library says why it cannot be had.
    pub fn function(&self, file: &Path, kernel: &str) -> Result<Handle> {
        let word =
            |bytes: &[u8]| CString::new(bytes).map_err(|_| Error::Usage("a name with a NUL in it".into()));
        let (file, kernel) = (word(file.as_os_str().as_bytes())?, word(kernel.as_bytes())?);
        let (mut module, mut function): (Handle, Handle) = (0, 0);
        call!(self, cuModuleLoad(&mut module => *mut Handle, file.as_ptr() => *const c_char))?;
        call!(self, cuModuleGetFunction(
            &mut function => *mut Handle, module => Handle, kernel.as_ptr() => *const c_char,
        ))?;
        Ok(function)
    }

    /// A buffer with this content. None of no bytes: null.
    ///
    /// # Errors
    /// Out of memory.
    pub fn buffer(&self, content: &[u8]) -> Result<Handle> {
        let mut address: Handle = 0;
        if !content.is_empty() {
            call!(self, cuMemAlloc_v2(&mut address => *mut Handle, content.len() => usize))?;
            call!(self, cuMemcpyHtoD_v2(
                address => Handle, content.as_ptr().cast() => *const c_void, content.len() => usize,
            ))?;
        }
        Ok(address)
    }

    /// What a buffer holds, after all work.
    ///
    /// # Errors
    /// The fault of a kernel.
    pub fn content(&self, address: Handle, bytes: usize) -> Result<Vec<u8>> {
        let mut content = vec![0u8; bytes];
        if bytes > 0 {
            call!(self, cuMemcpyDtoH_v2(
                content.as_mut_ptr().cast() => *mut c_void, address => Handle, bytes => usize,
            ))?;
        }
        Ok(content)
    }

    /// Launches a kernel on arguments of the sizes that it has, and waits for it.
    ///
    /// # Errors
    /// It cannot be launched, or faults; the library has said why.
    pub fn launch(
        &self,
        function: Handle,
        grid: Dim3,
        block: Dim3,
        shared: u32,
        arguments: &[Vec<u8>],
    ) -> Result {
        let mut pointers: Vec<*const c_void> = arguments.iter().map(|a| a.as_ptr().cast()).collect();
        let none: *mut *mut c_void = std::ptr::null_mut();
        call!(self, cuLaunchKernel(
            function => Handle, grid.x => u32, grid.y => u32, grid.z => u32, block.x => u32, block.y => u32,
            block.z => u32, shared => u32, 0 => Handle, pointers.as_mut_ptr() => *mut *const c_void,
            none => *mut *mut c_void,
        ))?;
        call!(self, cuCtxSynchronize())
    }
}
