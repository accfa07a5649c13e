//! What the program registered before `main`: fat binaries and the host addresses that stand for their kernels
//! and variables. Registering only takes notes; code is unpacked when it is first needed.

use crate::error::Error;
use crate::module::Loaded;
use crate::policy::KernelSlot;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// A registered fat binary: a number the C interface hands out as an opaque pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(pub usize);

/// Where a fat binary lies: the address of the wrapper that nvcc put into the program, which lives as long as
/// the program (or shared object) does.
#[derive(Clone, Copy)]
pub(crate) struct Wrapper(pub *const u8);

// SAFETY: the wrapper is constant data of the program; it is only read.
unsafe impl Send for Wrapper {}
// SAFETY: as above.
unsafe impl Sync for Wrapper {}

/// A `__managed__` variable: where the program keeps its address, and its size in bytes.
#[derive(Clone, Copy)]
pub(crate) struct HostSlot {
    pub(crate) address: *mut usize,
    pub(crate) size: usize,
}

// SAFETY: written once, when the module is loaded, under the module's lock; nvcc's code reads it afterwards.
unsafe impl Send for HostSlot {}

/// A variable that the host can name.
pub(crate) struct RegisteredVariable {
    pub(crate) name: String,
    pub(crate) slot: Option<HostSlot>,
}

/// What the program said about one fat binary.
pub(crate) struct FatBinary {
    pub(crate) wrapper: Wrapper,
    /// Counted from 1 in the order of registration, for file names.
    pub(crate) number: usize,
    pub(crate) kernels: Mutex<Vec<String>>,
    pub(crate) variables: Mutex<Vec<RegisteredVariable>>,
    /// The code, once somebody needed it.
    pub(crate) loaded: Mutex<Option<Result<Arc<Loaded>, Error>>>,
    /// Whether its PTX was written out, or was tried to.
    pub(crate) written: Mutex<bool>,
}

/// A kernel by its host address.
#[derive(Clone)]
pub(crate) struct FunctionEntry {
    pub(crate) module: Arc<FatBinary>,
    pub(crate) handle: Handle,
    pub(crate) name: Arc<str>,
    /// Its facts, once asked for.
    pub(crate) settings: Arc<Mutex<FunctionSettings>>,
    /// What the policy means for it, once it is launched.
    pub(crate) policy: KernelSlot,
}

/// What the program set for a kernel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FunctionSettings {
    /// cudaFuncAttributeMaxDynamicSharedMemorySize, bytes.
    pub(crate) max_dynamic_shared: Option<u32>,
    /// cudaFuncAttributePreferredSharedMemoryCarveout, percent, -1 when not set.
    pub(crate) carveout: Option<i32>,
}

/// A variable by its host address.
#[derive(Clone)]
pub(crate) struct VariableEntry {
    pub(crate) module: Arc<FatBinary>,
    pub(crate) handle: Handle,
    pub(crate) name: Arc<str>,
}

/// In the names of kernels, and so in the text, of the device runtime that nvcc links into separately compiled
/// programs. No program launches them from the host, and nobody wants to edit them.
pub(crate) const DEVICE_RUNTIME: &str = "_cuda_device_runtime_cu_";

/// Everything registered.
#[derive(Default)]
pub(crate) struct Registry {
    next: usize,
    pub(crate) modules: BTreeMap<Handle, Arc<FatBinary>>,
    pub(crate) functions: HashMap<usize, FunctionEntry>,
    pub(crate) variables: HashMap<usize, VariableEntry>,
}

impl Registry {
    /// Notes a fat binary.
    pub(crate) fn add_module(&mut self, wrapper: *const u8) -> Handle {
        self.next += 1;
        let handle = Handle(self.next);
        let module = FatBinary {
            wrapper: Wrapper(wrapper),
            number: self.next,
            kernels: Mutex::default(),
            variables: Mutex::default(),
            loaded: Mutex::default(),
            written: Mutex::default(),
        };
        self.modules.insert(handle, Arc::new(module));
        handle
    }

    /// Notes a kernel. The first registration of a host address stands: inline kernels of several source files
    /// share one.
    pub(crate) fn add_function(&mut self, handle: Handle, host: usize, name: &str) {
        if name.contains(DEVICE_RUNTIME) {
            return;
        }
        let Some(module) = self.modules.get(&handle).cloned() else {
            return;
        };
        module
            .kernels
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(name.to_owned());
        let settings = Arc::default();
        let entry = FunctionEntry {
            module,
            handle,
            name: name.into(),
            settings,
            policy: KernelSlot::default(),
        };
        self.functions.entry(host).or_insert(entry);
    }

    /// Notes a variable; a managed one has a slot for its address.
    pub(crate) fn add_variable(&mut self, handle: Handle, host: usize, name: &str, slot: Option<HostSlot>) {
        let Some(module) = self.modules.get(&handle).cloned() else {
            return;
        };
        let registered = RegisteredVariable {
            name: name.to_owned(),
            slot,
        };
        module
            .variables
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(registered);
        self.variables.entry(host).or_insert(VariableEntry {
            module,
            handle,
            name: name.into(),
        });
    }

    /// Forgets a fat binary and everything that came with it.
    pub(crate) fn remove_module(&mut self, handle: Handle) -> Option<Arc<FatBinary>> {
        let module = self.modules.remove(&handle)?;
        self.functions.retain(|_, f| f.handle != handle);
        self.variables.retain(|_, v| v.handle != handle);
        Some(module)
    }
}
