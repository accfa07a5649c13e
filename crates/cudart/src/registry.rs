//! What nvcc's code registered before `main`: the host addresses that stand for kernels and variables of fat binaries.

use entry::context;
use gpu::{Code, Error, Function, HostSlot, Module};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A variable by its host address.
#[derive(Clone)]
struct Variable {
    module: Arc<Module>,
    name: Arc<str>,
}

/// Everything registered. Fat binaries by the number that the program holds as an opaque pointer.
#[derive(Default)]
struct Registry {
    modules: BTreeMap<usize, Arc<Module>>,
    functions: HashMap<usize, Arc<Function>>,
    variables: HashMap<usize, Variable>,
}

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(RwLock::default);

fn read() -> RwLockReadGuard<'static, Registry> {
    REGISTRY.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Registry> {
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a fat binary; its handle.
///
/// # Safety
/// The wrapper is valid until [`remove`].
pub(crate) unsafe fn add(wrapper: *const u8) -> usize {
    // SAFETY: the caller's promise.
    let module = unsafe { context().fat_binary(wrapper) };
    let handle = module.number();
    write().modules.insert(handle, module);
    handle
}

/// Notes a kernel. The first registration of a host address stands: inline kernels of several source files
/// share one.
pub(crate) fn add_function(handle: usize, host: usize, name: &str) {
    let mut registry = write();
    let Some(module) = registry.modules.get(&handle) else {
        return;
    };
    if let Some(function) = module.name_kernel(name) {
        registry.functions.entry(host).or_insert(function);
    }
}

/// Notes a variable; a managed one has a slot for its address.
pub(crate) fn add_variable(handle: usize, host: usize, name: &str, slot: Option<HostSlot>) {
    let mut registry = write();
    let Some(module) = registry.modules.get(&handle).cloned() else {
        return;
    };
    module.name_variable(name, slot);
    let name = name.into();
    registry
        .variables
        .entry(host)
        .or_insert(Variable { module, name });
}

/// A registered fat binary.
///
/// # Errors
/// There is none of this handle.
pub(crate) fn module(handle: usize) -> Result<Arc<Module>, Error> {
    read()
        .modules
        .get(&handle)
        .cloned()
        .ok_or_else(|| Error::argument(Code::INVALID_RESOURCE_HANDLE, "the fat binary is not registered"))
}

/// Forgets a fat binary and everything that came with it.
pub(crate) fn remove(handle: usize) {
    let mut registry = write();
    let Some(module) = registry.modules.remove(&handle) else {
        return;
    };
    registry
        .functions
        .retain(|_, f| !Arc::ptr_eq(f.module(), &module));
    registry.variables.retain(|_, v| !Arc::ptr_eq(&v.module, &module));
    drop(registry);
    context().unload(&module);
}

/// The kernel that a host address stands for.
///
/// # Errors
/// It stands for none.
pub(crate) fn function(host: usize) -> Result<Arc<Function>, Error> {
    read()
        .functions
        .get(&host)
        .cloned()
        .ok_or(Error::UnknownFunction(host))
}

/// Address and size of the device variable that a host variable stands for. For a managed variable nvcc's code passes its
/// address in managed memory.
///
/// # Errors
/// Not registered, or not in the module's PTX.
pub(crate) fn symbol(host: usize) -> Result<(usize, usize), Error> {
    let found = read().variables.get(&host).cloned();
    match found {
        Some(v) => context().variable(&v.module, &v.name),
        None => context().managed_variable(host).ok_or(Error::UnknownSymbol(host)),
    }
}
