//! Modules and their functions as objects: where the code comes from, what the program called by name, and, once
//! somebody needed it, the code. Making one only takes notes; code is unpacked when it is first needed (`load.rs`).

use crate::error::Error;
use crate::loaded::Loaded;
use crate::policy::KernelState;
use crate::sync::lock;
use ptx::Checked;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Where a fat binary lies: the address of the wrapper that nvcc put into the program, which lives as long as
/// the program (or shared object) does.
#[derive(Clone, Copy)]
pub(crate) struct Wrapper(pub *const u8);

// SAFETY: the wrapper is constant data of the program; it is only read.
unsafe impl Send for Wrapper {}
// SAFETY: as above.
unsafe impl Sync for Wrapper {}

/// Where a module's code comes from.
pub(crate) enum Image {
    /// A fat binary in the program's memory.
    FatBinary(Wrapper),
    /// A text that was read and checked.
    Ptx(Checked),
}

/// A `__managed__` variable: where the program keeps its address, and its size in bytes.
#[derive(Clone, Copy)]
pub struct HostSlot {
    address: *mut usize,
    pub(crate) size: usize,
}

// SAFETY: written when the module is loaded, under the module's lock; nvcc's code reads it afterwards.
unsafe impl Send for HostSlot {}

impl HostSlot {
    /// A pointer variable of the program, for a variable of `size` bytes.
    ///
    /// # Safety
    /// `address` is valid for writing as long as the module is.
    pub unsafe fn new(address: *mut usize, size: usize) -> HostSlot {
        HostSlot { address, size }
    }

    /// Tells the program where its variable lies.
    pub(crate) fn fill(self, with: usize) {
        // SAFETY: the promise of `new`.
        unsafe { self.address.write_unaligned(with) };
    }
}

/// A variable that the host can name.
pub(crate) struct NamedVariable {
    pub(crate) name: String,
    pub(crate) slot: Option<HostSlot>,
}

/// A module of the program.
pub struct Module {
    /// Counted from 1 in the order in which they were made, for names of files.
    pub(crate) number: usize,
    pub(crate) image: Image,
    /// What the program calls by name: the kernels and variables that it registered, or all that the text has.
    pub(crate) kernels: Mutex<Vec<String>>,
    pub(crate) variables: Mutex<Vec<NamedVariable>>,
    /// The code, once somebody needed it.
    pub(crate) loaded: Mutex<Option<Result<Arc<Loaded>, Error>>>,
    /// Whether its PTX was written out, or was tried to.
    pub(crate) written: Mutex<bool>,
}

/// In the names of kernels, and so in the text, of the device runtime that nvcc links into separately compiled
/// programs. No program launches them from the host, and nobody wants to edit them.
pub(crate) const DEVICE_RUNTIME: &str = "_cuda_device_runtime_cu_";

impl Module {
    pub(crate) fn new(number: usize, image: Image) -> Module {
        let (mut kernels, mut variables) = (Vec::new(), Vec::new());
        if let Image::Ptx(text) = &image {
            kernels.extend(text.kernels().map(|f| f.name.name.clone()));
            variables.extend(text.variables().map(|v| NamedVariable {
                name: v.name.name.clone(),
                slot: None,
            }));
        }
        Module {
            number,
            image,
            kernels: Mutex::new(kernels),
            variables: Mutex::new(variables),
            loaded: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Its number, from 1 in the order in which modules were made. No other has or had it.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Names a kernel of a fat binary. Whether it is there, its launch says. Nothing for those of the device runtime that
    /// nvcc links in, which no program launches.
    pub fn name_kernel(self: &Arc<Module>, name: &str) -> Option<Arc<Function>> {
        if name.contains(DEVICE_RUNTIME) {
            return None;
        }
        lock(&self.kernels).push(name.to_owned());
        Some(Arc::new(Function::new(self.clone(), name)))
    }

    /// Names a variable of a fat binary; a managed one has a slot for its address.
    pub fn name_variable(&self, name: &str, slot: Option<HostSlot>) {
        lock(&self.variables).push(NamedVariable {
            name: name.to_owned(),
            slot,
        });
    }

    /// The code, if it was needed and could be had.
    pub(crate) fn code(&self) -> Option<Arc<Loaded>> {
        lock(&self.loaded).clone()?.ok()
    }
}

/// A kernel of a module.
pub struct Function {
    pub(crate) module: Arc<Module>,
    pub(crate) name: Arc<str>,
    pub(crate) settings: Mutex<FunctionSettings>,
    /// What the policy means for it, once it is launched.
    pub(crate) policy: OnceLock<KernelState>,
}

/// What the program set for a kernel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FunctionSettings {
    /// cudaFuncAttributeMaxDynamicSharedMemorySize, bytes.
    pub(crate) max_dynamic_shared: Option<u32>,
    /// cudaFuncAttributePreferredSharedMemoryCarveout, percent, -1 when not set.
    pub(crate) carveout: Option<i32>,
}

impl Function {
    pub(crate) fn new(module: Arc<Module>, name: &str) -> Function {
        Function {
            module,
            name: name.into(),
            settings: Mutex::default(),
            policy: OnceLock::new(),
        }
    }

    /// The module that it is in.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// The mangled name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, FunctionSettings> {
        lock(&self.settings)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of module {}", self.name, self.module.number)
    }
}
