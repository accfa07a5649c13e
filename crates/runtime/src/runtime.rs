//! The runtime of the process: what was registered, the device once it is needed, and the fault that waits to
//! be reported.

use crate::backend::{Backend, Functional};
use crate::caller::CudaVersion;
use crate::code::Code;
use crate::error::Error;
use crate::faults::Faults;
use crate::fork;
use crate::launches::LaunchLog;
use crate::libraries::Libraries;
use crate::policy::Active;
use crate::pools::Pools;
use crate::properties::{Facts, PCI};
use crate::recorder::Recorder;
use crate::registry::{Handle, HostSlot, Registry};
use crate::say;
use crate::settings::Startup;
use crate::sources::{self, PtxFiles};
use crate::streams::Streams;
use crate::warnings;
use device::{Device, Mode};
use exec::{Engine, Memory, MemoryKind, Probes};
use record::variables::{self, PtxOut};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, TryLockError};

/// What cudaDriverGetVersion answers: new enough for every runtime that is served.
pub const DRIVER_VERSION: i32 = 13030;

/// CUDA in this process.
pub struct Runtime {
    startup: Startup,
    registry: RwLock<Registry>,
    ready: OnceLock<Result<Ready, Error>>,
    pub(crate) streams: Streams,
    pub(crate) pools: Pools,
    pub(crate) faults: Faults,
    pub(crate) libraries: Libraries,
    recorder: OnceLock<Recorder>,
    launch_log: OnceLock<Result<Option<LaunchLog>, Error>>,
    launches: Mutex<()>,
    /// Launches begun so far.
    pub(crate) launched: AtomicU64,
    limits: Mutex<BTreeMap<u32, usize>>,
}

/// The device, once a call needed it.
pub(crate) struct Ready {
    pub(crate) device: Device,
    pub(crate) facts: Facts,
    pub(crate) memory: Memory,
    backend: OnceLock<Result<Arc<dyn Backend>, Error>>,
    /// The precision policy, if there is one.
    pub(crate) policy: Option<Active>,
    /// The folder whose PTX files replace kernels.
    ptx_from: Option<PathBuf>,
    /// Where the program's PTX is written.
    ptx_out: PtxOut,
    /// Whether the record holds a digest of memory after each launch.
    pub(crate) has_digests: bool,
    files: OnceLock<Result<PtxFiles, Error>>,
    allocations: Mutex<BTreeMap<u64, MemoryKind>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ready {
    fn new(startup: &Startup) -> Result<Ready, Error> {
        let device = match &startup.config {
            None => Device::default(),
            Some(path) => Device::from_file(path).map_err(|e| Error::Start(e.to_string()))?,
        };
        let facts = Facts::of(&device);
        let memory = Memory::new(facts.global_memory).map_err(|e| Error::Start(e.to_string()))?;
        let working = || (!device.generate_ptx).then(|| PathBuf::from("."));
        let ptx_from = startup.path(&variables::PTX_DIR).or_else(working);
        let ptx_out = startup.get(&variables::PTX_OUT)?;
        Ok(Ready {
            facts,
            memory,
            backend: OnceLock::new(),
            policy: Active::new(startup)?,
            ptx_from,
            ptx_out: ptx_out.unwrap_or(PtxOut::Folder(".".into())),
            has_digests: startup.is_on(&variables::DIGEST),
            files: OnceLock::new(),
            allocations: Mutex::default(),
            device,
        })
    }

    /// The back end, made at the first launch.
    pub(crate) fn backend(&self, runtime: &Runtime) -> Result<Arc<dyn Backend>, Error> {
        let made = self.backend.get_or_init(|| {
            runtime.startup.check_mode()?;
            if runtime.startup.get(&variables::MODE)?.is_none() && self.device.mode == Some(Mode::Performance) {
                say::info(
                    "the configuration says `-gpgpu_ptx_sim_mode 0` (performance simulation), which is not there yet: \
                     simulating functionally",
                );
            }
            runtime.look_at_libraries();
            let threads = runtime.startup.thread_count()?;
            let mut engine = Engine::new(threads).probing(Probes {
                profile: runtime.startup.is_on(&variables::PROFILE),
                observe: runtime.startup.observe()?,
            });
            if runtime.startup.is_on(&variables::DETERMINISTIC) {
                engine = engine.in_order();
            }
            let backend: Arc<dyn Backend> = Arc::new(Functional::new(engine));
            say::verbose(&format!("{} back end", backend.name()));
            Ok(backend)
        });
        made.clone()
    }

    /// The PTX files that replace kernels, if files are read.
    pub(crate) fn files(&self, runtime: &Runtime) -> Result<Option<&PtxFiles>, Error> {
        let Some(folder) = &self.ptx_from else {
            return Ok(None);
        };
        let files = self.files.get_or_init(|| {
            let files = sources::read(folder)?;
            let registered = runtime.registered_kernels();
            for file in &files.files {
                if !file.tree.kernels().any(|k| registered.contains(&k.name.name)) {
                    say::info(&format!(
                        "{} defines no kernel of this program: not used",
                        file.path.display()
                    ));
                }
            }
            if files.files.is_empty() {
                say::info(&format!(
                    "no PTX file in {}: the embedded PTX is used",
                    folder.display()
                ));
            }
            Ok(files)
        });
        files.as_ref().map(Some).map_err(Clone::clone)
    }

    /// Where PTX is written, if it is.
    pub(crate) fn writes_to(&self) -> Option<&Path> {
        match &self.ptx_out {
            PtxOut::Folder(folder) if self.ptx_from.is_none() => Some(folder),
            _ => None,
        }
    }

    pub(crate) fn note_allocation(&self, address: u64, kind: MemoryKind) {
        lock(&self.allocations).insert(address, kind);
    }

    pub(crate) fn forget_allocation(&self, address: u64) {
        lock(&self.allocations).remove(&address);
    }
}

impl Runtime {
    /// A runtime with the given settings.
    pub fn new(startup: Startup) -> Runtime {
        say::set_level(
            startup.is_on(&variables::QUIET),
            startup.is_on(&variables::VERBOSE),
        );
        Runtime {
            startup,
            registry: RwLock::default(),
            ready: OnceLock::new(),
            streams: Streams::default(),
            pools: Pools::default(),
            faults: Faults::default(),
            libraries: Libraries::default(),
            recorder: OnceLock::new(),
            launch_log: OnceLock::new(),
            launches: Mutex::default(),
            launched: AtomicU64::new(0),
            limits: Mutex::default(),
        }
    }

    /// The runtime of this process, with the settings of its environment.
    pub fn global() -> &'static Runtime {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        RUNTIME.get_or_init(|| {
            let runtime = Runtime::new(Startup::from_environment());
            // A record without launches says that the library was loaded, which who started the program wants to know.
            runtime.recorder();
            runtime
        })
    }

    pub(crate) fn startup(&self) -> &Startup {
        &self.startup
    }

    /// The device, made at the first call that needs it.
    pub(crate) fn ready(&self) -> Result<&Ready, Error> {
        self.ready
            .get_or_init(|| {
                fork::started();
                warnings::warn();
                Ready::new(&self.startup)
            })
            .as_ref()
            .map_err(Clone::clone)
    }

    pub(crate) fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        self.recorder.get_or_init(|| {
            let program = std::env::current_exe().unwrap_or_default();
            Recorder::new(
                self.startup.path(&variables::RUN_DIR).as_deref(),
                &program,
                CudaVersion::of_program().major(),
            )
        })
    }

    /// The log of launches, if the environment asks for one.
    pub(crate) fn launch_log(&self) -> Result<Option<&LaunchLog>, Error> {
        let log = self.launch_log.get_or_init(|| LaunchLog::new(&self.startup));
        log.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// Waits for the turn to run a kernel.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.launches)
    }

    fn registered_kernels(&self) -> std::collections::HashSet<String> {
        let modules: Vec<_> = self.registry().modules.values().cloned().collect();
        modules.iter().flat_map(|m| lock(&m.kernels).clone()).collect()
    }

    /// Notes a fat binary: `wrapper` is what nvcc's code passes to __cudaRegisterFatBinary.
    ///
    /// # Safety
    /// The wrapper is valid until [`Runtime::unregister`].
    pub unsafe fn register(&self, wrapper: *const u8) -> Handle {
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add_module(wrapper)
    }

    /// Notes that a host address stands for a kernel of a fat binary.
    pub fn register_function(&self, module: Handle, host: usize, name: &str) {
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add_function(module, host, name);
    }

    /// Notes that a host address stands for a variable of a fat binary.
    pub fn register_variable(&self, module: Handle, host: usize, name: &str) {
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add_variable(module, host, name, None);
    }

    /// Notes a managed variable: its address goes to `*slot` when the module is loaded.
    ///
    /// # Safety
    /// `slot` is valid as long as the fat binary is registered.
    pub unsafe fn register_managed(&self, module: Handle, slot: *mut usize, name: &str, size: usize) {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        registry.add_variable(
            module,
            slot as usize,
            name,
            Some(HostSlot { address: slot, size }),
        );
    }

    /// Forgets a fat binary, its kernels and variables. While a kernel runs its variables stay where they are, and
    /// their memory is not used again: the process may be about to end and must not wait for a kernel that never does.
    pub fn unregister(&self, module: Handle) {
        let removed = self
            .registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove_module(module);
        let idle = match self.launches.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if let (Some(binary), Some(Ok(ready)), Some(_)) = (removed, self.ready.get(), &idle)
            && let Some(Ok(loaded)) = lock(&binary.loaded).take()
        {
            loaded.unload(&ready.memory);
        }
    }

    /// The device as the program sees it.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn facts(&self) -> Result<&Facts, Error> {
        Ok(&self.ready()?.facts)
    }

    /// `0000:01:00.0`.
    pub fn pci_bus_id(&self) -> String {
        let (domain, bus, slot) = PCI;
        format!("{domain:04x}:{bus:02x}:{slot:02x}.0")
    }

    /// Waits for everything: it has run already, so what remains is the fault of an earlier kernel, which is
    /// reported here and then forgotten.
    ///
    /// # Errors
    /// That fault.
    pub fn synchronize(&self) -> Result<(), Error> {
        self.ready()?;
        match self.faults.take() {
            Some(code) => Err(Error::Pending(code)),
            None => Ok(()),
        }
    }

    /// cudaDeviceSynchronize: also waits for a kernel that another thread runs.
    ///
    /// # Errors
    /// As [`Runtime::synchronize`].
    pub fn device_synchronize(&self) -> Result<(), Error> {
        drop(self.turn());
        self.synchronize()
    }

    /// Notes a call to something that is not there, and says so the first time.
    pub fn unsupported(&self, function: &str) -> Error {
        self.recorder().unsupported(function);
        Error::NotSupported(format!(
            "{function} is not supported: the program gets {}",
            Code::NOT_SUPPORTED
        ))
    }

    /// cudaDeviceSetLimit. Limits are kept and answered; none is ever reached.
    ///
    /// # Errors
    /// A number that is no limit.
    pub fn set_limit(&self, limit: u32, value: usize) -> Result<(), Error> {
        self.limit(limit)?;
        lock(&self.limits).insert(limit, value);
        Ok(())
    }

    /// cudaDeviceGetLimit.
    ///
    /// # Errors
    /// A number that is no limit.
    pub fn limit(&self, limit: u32) -> Result<usize, Error> {
        // Stack, printf buffer, heap (bytes), nesting depth, pending launches, L2 granularity, persisting L2; what
        // no configuration says is CUDA's documented default.
        let d = &self.ready()?.device;
        let defaults = [
            d.stack_limit,
            1 << 20,
            d.heap_limit,
            d.sync_depth_limit,
            d.pending_launch_limit,
            64,
            0,
        ];
        let default = defaults.get(limit as usize).map(|n| *n as usize);
        let default = default.ok_or_else(|| Error::value(format!("limit {limit} is not known")))?;
        Ok(lock(&self.limits).get(&limit).copied().unwrap_or(default))
    }

    /// cudaDeviceReset: memory is freed, streams and events end, modules return to their first state.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn reset(&self) -> Result<(), Error> {
        let ready = self.ready()?;
        let _turn = self.turn();
        self.faults.take();
        lock(&self.limits).clear();
        self.streams.clear();
        let modules: Vec<_> = self.registry().modules.values().cloned().collect();
        for binary in modules {
            if let Some(Ok(loaded)) = lock(&binary.loaded).take() {
                loaded.unload(&ready.memory);
            }
        }
        for (address, kind) in std::mem::take(&mut *lock(&ready.allocations)) {
            let gone = match kind {
                MemoryKind::Registered => ready.memory.unregister(address),
                _ => ready.memory.free(address).map(|_| ()),
            };
            debug_assert!(gone.is_ok(), "{address:#x} was noted but is not allocated");
        }
        Ok(())
    }

    /// Writes the totals of the run record. Called at the end of the process.
    pub fn finish(&self) {
        if fork::is_forked_child() {
            return;
        }
        if let Some(Ok(Some(log))) = self.launch_log.get() {
            log.finish();
        }
        self.look_at_libraries();
        if let Some(recorder) = self.recorder.get() {
            let ready = self.ready.get().and_then(|r| r.as_ref().ok());
            let backend = ready.and_then(|r| r.backend.get()).and_then(|b| b.as_ref().ok());
            if let Some(active) = ready.and_then(|r| r.policy.as_ref()) {
                active.finish(recorder, self.startup.path(&variables::RUN_DIR).is_some());
            }
            let is_set = |name| self.startup.environment.text(name).is_some();
            let no_override = !is_set(variables::OVERRIDE.name()) && !is_set(variables::POLICY.name());
            if no_override && recorder.is_without_formats() {
                warnings::warn_without_effect();
            }
            let profile = backend.map(|b| b.profile()).unwrap_or_default();
            recorder.finish(&profile, &backend.map(|b| b.observations()).unwrap_or_default());
        }
    }
}
