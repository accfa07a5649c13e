//! The context of the process: its modules, the device once it is needed, and the fault that waits to be reported.

use crate::code::Code;
use crate::error::Error;
use crate::facts::{Facts, PCI};
use crate::faults::Faults;
use crate::fork;
use crate::launches::LaunchLog;
use crate::libraries::{Libraries, Process};
use crate::module::{Image, Module, Wrapper};
use crate::policy::Active;
use crate::pools::Pools;
use crate::recorder::Recorder;
use crate::say;
use crate::settings::Startup;
use crate::sources::{self, PtxFiles};
use crate::streams::Streams;
use crate::sync::lock;
use crate::warnings;
use backend::{Arena, Backend, MemoryKind};
use device::{Device, Mode};
use exec::{Engine, Functional, Memory, Probes};
use ptx::Checked;
use record::variables::{self, PtxOut};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError, RwLock, TryLockError};
use timing::Performance;

/// What cudaDriverGetVersion answers: new enough for every runtime that is served.
pub const DRIVER_VERSION: i32 = 13030;

/// CUDA in this process.
pub struct Context {
    startup: Startup,
    /// The device, where it is not for the environment to choose one.
    given: Option<Arc<dyn Backend>>,
    modules: RwLock<BTreeMap<usize, Arc<Module>>>,
    modules_made: AtomicUsize,
    ready: OnceLock<Result<Ready, Error>>,
    pub(crate) streams: Streams,
    pools: Pools,
    pub(crate) faults: Faults,
    libraries: Libraries,
    recorder: OnceLock<Recorder>,
    launch_log: OnceLock<Result<Option<LaunchLog>, Error>>,
    launches: Mutex<()>,
    pub(crate) first_launch: Once,
    /// Launches begun so far.
    pub(crate) launched: AtomicU64,
    limits: Mutex<BTreeMap<u32, usize>>,
}

/// The device, once a call needed it.
pub(crate) struct Ready {
    pub(crate) device: Device,
    pub(crate) facts: Facts,
    backend: Arc<dyn Backend>,
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

/// The back end that the environment and the configuration ask for.
fn backend(startup: &Startup, device: &Device, facts: &Facts) -> Result<Arc<dyn Backend>, Error> {
    let mode = startup.mode()?;
    if mode.is_none() && device.mode == Some(Mode::Performance) {
        say::info(
            "the configuration says `-gpgpu_ptx_sim_mode 0` (performance simulation): simulating functionally, because neither \
             PTX_SIM_MODE_FUNC=0 nor --mode performance asks for it, too",
        );
    }
    let probes = Probes {
        profile: startup.is_on(&variables::PROFILE),
        observe: startup.observe()?,
    };
    if mode == Some(Mode::Performance) && startup.config.is_none() {
        return Err(Error::Setting(
            "performance simulation needs the machine that it simulates: --config (SIM_CONFIG_PATH) names a gpgpusim.config, or a \
             folder of configs/, such as SM75_RTX2060"
                .into(),
        ));
    }
    if mode == Some(Mode::Performance) && (probes.profile || probes.observe.any()) {
        return Err(Error::NotSupported(
            "performance simulation neither profiles nor looks at numbers: ask for --mode performance (PTX_SIM_MODE_FUNC=0) or \
             for --profile, --observe, --shadow and --stop-at, not for both"
                .into(),
        ));
    }
    let mut engine = Engine::new(startup.thread_count()?).probing(probes);
    if startup.is_on(&variables::DETERMINISTIC) {
        engine = engine.in_order();
    }
    let memory = Memory::new(facts.global_memory).map_err(|e| Error::Start(e.to_string()))?;
    let backend: Arc<dyn Backend> = match mode {
        Some(Mode::Performance) => {
            let made = Performance::new(device, engine, memory);
            Arc::new(made.map_err(|e| Error::Start(e.to_string()))?)
        }
        _ => Arc::new(Functional::new(engine, memory)),
    };
    say::verbose(&format!("{} back end", backend.name()));
    Ok(backend)
}

impl Ready {
    fn new(startup: &Startup, given: Option<Arc<dyn Backend>>) -> Result<Ready, Error> {
        let device = match &startup.config {
            None => Device::default(),
            Some(path) => Device::from_file(path).map_err(|e| Error::Start(e.to_string()))?,
        };
        let facts = Facts::of(&device);
        let backend = match given {
            Some(backend) => backend,
            None => backend(startup, &device, &facts)?,
        };
        let working = || (!device.generate_ptx).then(|| PathBuf::from("."));
        let ptx_from = startup.path(&variables::PTX_DIR).or_else(working);
        let ptx_out = startup.get(&variables::PTX_OUT)?;
        Ok(Ready {
            facts,
            backend,
            policy: Active::new(startup)?,
            ptx_from,
            ptx_out: ptx_out.unwrap_or(PtxOut::Folder(".".into())),
            has_digests: startup.is_on(&variables::DIGEST),
            files: OnceLock::new(),
            allocations: Mutex::default(),
            device,
        })
    }

    /// What runs kernels.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Device memory.
    pub(crate) fn memory(&self) -> &dyn Arena {
        self.backend.memory()
    }

    /// The PTX files that replace kernels, if files are read.
    pub(crate) fn files(&self, context: &Context) -> Result<Option<&PtxFiles>, Error> {
        let Some(folder) = &self.ptx_from else {
            return Ok(None);
        };
        let files = self.files.get_or_init(|| {
            let files = sources::read(folder)?;
            let registered = context.registered_kernels();
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

impl Context {
    /// A context with the given settings.
    pub fn new(startup: Startup) -> Context {
        say::set_level(
            startup.is_on(&variables::QUIET),
            startup.is_on(&variables::VERBOSE),
        );
        Context {
            startup,
            given: None,
            modules: RwLock::default(),
            modules_made: AtomicUsize::new(0),
            ready: OnceLock::new(),
            streams: Streams::default(),
            pools: Pools::default(),
            faults: Faults::default(),
            libraries: Libraries::default(),
            recorder: OnceLock::new(),
            launch_log: OnceLock::new(),
            launches: Mutex::default(),
            first_launch: Once::new(),
            launched: AtomicU64::new(0),
            limits: Mutex::default(),
        }
    }

    /// This context on a device of the caller's, whatever the settings say of back ends.
    pub fn on(mut self, backend: Arc<dyn Backend>) -> Context {
        self.given = Some(backend);
        self
    }

    /// The context of this process, with the settings of its environment. Whichever C interface enters first makes it, for
    /// all of them; `cuda` is the major version of CUDA that the program was built with.
    pub fn of_process(cuda: impl FnOnce() -> u32) -> &'static Context {
        static CONTEXT: OnceLock<Context> = OnceLock::new();
        CONTEXT.get_or_init(|| {
            let mut startup = Startup::from_environment();
            startup.cuda = cuda();
            let context = Context::new(startup);
            // A record without launches says that the library was loaded, which who started the program wants to know.
            context.recorder();
            context
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
                Ready::new(&self.startup, self.given.clone())
            })
            .as_ref()
            .map_err(Clone::clone)
    }

    /// All modules, in the order in which they were made.
    pub(crate) fn modules(&self) -> Vec<Arc<Module>> {
        let modules = self.modules.read().unwrap_or_else(PoisonError::into_inner);
        modules.values().cloned().collect()
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        self.recorder.get_or_init(|| {
            let program = std::env::current_exe().unwrap_or_default();
            Recorder::new(
                self.startup.path(&variables::RUN_DIR).as_deref(),
                &program,
                self.startup.cuda,
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
        let modules = self.modules();
        modules.iter().flat_map(|m| lock(&m.kernels).clone()).collect()
    }

    fn make(&self, image: Image) -> Arc<Module> {
        let number = self.modules_made.fetch_add(1, Ordering::Relaxed) + 1;
        let module = Arc::new(Module::new(number, image));
        let mut modules = self.modules.write().unwrap_or_else(PoisonError::into_inner);
        modules.insert(number, module.clone());
        module
    }

    /// A module of a fat binary: `wrapper` is what nvcc's code passes to __cudaRegisterFatBinary. Kernels and variables are
    /// those that are named ([`Module::name_kernel`], [`Module::name_variable`]).
    ///
    /// # Safety
    /// The wrapper is valid until [`Context::unload`].
    pub unsafe fn fat_binary(&self, wrapper: *const u8) -> Arc<Module> {
        self.make(Image::FatBinary(Wrapper(wrapper)))
    }

    /// A module of a text, with everything that it has.
    pub fn text(&self, text: Checked) -> Arc<Module> {
        self.make(Image::Ptx(text))
    }

    /// Ends a module. While a kernel runs its variables stay where they are, and
    /// their memory is not used again: the process may be about to end and must not wait for a kernel that never does.
    pub fn unload(&self, module: &Module) {
        let mut modules = self.modules.write().unwrap_or_else(PoisonError::into_inner);
        let removed = modules.remove(&module.number);
        drop(modules);
        let idle = match self.launches.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if let (Some(module), Some(_)) = (removed, &idle)
            && let Some(Ok(loaded)) = lock(&module.loaded).take()
        {
            loaded.unload();
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
    /// As [`Context::synchronize`].
    pub fn device_synchronize(&self) -> Result<(), Error> {
        drop(self.turn());
        self.synchronize()
    }

    /// Waits for a stream: everything in it is done, so what remains is the fault of an earlier kernel.
    ///
    /// # Errors
    /// Not a live stream, or that fault.
    pub fn stream_synchronize(&self, stream: usize) -> Result<(), Error> {
        self.streams.check(stream)?;
        self.synchronize()
    }

    /// Waits for an event. One that was never recorded counts as done.
    ///
    /// # Errors
    /// Not a live event, or the fault of an earlier kernel.
    pub fn event_synchronize(&self, event: usize) -> Result<(), Error> {
        self.streams.recorded(event)?;
        self.synchronize()
    }

    /// Streams and events.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn streams(&self) -> Result<&Streams, Error> {
        self.ready()?;
        Ok(&self.streams)
    }

    /// Memory pools.
    ///
    /// # Errors
    /// Vernier could not start.
    pub fn pools(&self) -> Result<&Pools, Error> {
        self.ready()?;
        Ok(&self.pools)
    }

    /// An entry point gives this error to the program; `waits` if it is one that is called to wait or to ask.
    pub fn gives(&self, error: &Error, waits: bool) {
        self.faults.given(self.recorder(), error, waits);
    }

    /// The program asked for its thread's last error, and there was one.
    pub fn last_error_asked(&self) {
        self.faults.asked(self.recorder());
    }

    /// The program asked for the name or text of an error code.
    pub fn text_asked(&self, code: Code) {
        self.faults.text_asked(self.recorder(), code);
    }

    fn process(&self) -> Process<'_> {
        Process {
            recorder: self.recorder(),
            environment: &self.startup.environment,
        }
    }

    /// The program loads a library, or tries to.
    pub fn library_asked(&self, path: &str) {
        self.libraries.asked(&self.process(), path);
    }

    /// Looks at what libraries are loaded now.
    pub(crate) fn look_at_libraries(&self) {
        self.libraries.look(&self.process());
    }

    /// Takes note of device memory that the program wrote, if launches are logged.
    pub(crate) fn log_write(&self, address: usize, bytes: usize, from: Option<usize>) {
        if let Ok(Some(log)) = self.launch_log() {
            log.written(address, bytes, from);
        }
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
        for module in self.modules() {
            if let Some(Ok(loaded)) = lock(&module.loaded).take() {
                loaded.unload();
            }
        }
        for (address, kind) in std::mem::take(&mut *lock(&ready.allocations)) {
            let gone = match kind {
                MemoryKind::Registered => ready.memory().unregister(address),
                _ => ready.memory().free(address).map(|_| ()),
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
            if let Some(active) = ready.and_then(|r| r.policy.as_ref()) {
                active.finish(recorder, self.startup.path(&variables::RUN_DIR).is_some());
            }
            let is_set = |name| self.startup.environment.text(name).is_some();
            let no_override = !is_set(variables::OVERRIDE.name()) && !is_set(variables::POLICY.name());
            if no_override && recorder.is_without_formats() {
                warnings::warn_without_effect();
            }
            recorder.finish(&ready.map(|r| r.backend.findings()).unwrap_or_default());
        }
    }
}
