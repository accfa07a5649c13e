//! Performance simulation as a back end: what kernels compute is the engine's, when it is done the model's.

use crate::{Error, Launch, Simulator, Statistics};
use backend::{
    Allocation, Arena, Backend, Execution, GlobalInfo, KernelInfo, MemoryError, MemoryKind, Queue,
};
use device::Device;
use exec::Engine;
use ptx::Checked;
use record::Event;
use record::run::Cycles;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A device with its time. Launches are simulated one after the other, whatever their streams.
pub struct Performance(Arc<Parts>);

struct Parts {
    engine: Engine,
    memory: exec::Memory,
    model: Mutex<Model>,
    /// Core cycles in a second.
    hertz: f64,
}

struct Model {
    simulator: Simulator,
    cycles: u64,
    /// By kernel.
    kernels: BTreeMap<String, Cycles>,
}

struct Module {
    code: exec::Module,
    parts: Arc<Parts>,
}

impl Performance {
    /// The machine that `device` describes, whose kernels `engine` computes in `memory`.
    ///
    /// # Errors
    /// [`Error::Option`] for what cannot be modelled.
    pub fn new(device: &Device, engine: Engine, memory: exec::Memory) -> Result<Performance, Error> {
        let model = Model {
            simulator: Simulator::new(device)?,
            cycles: 0,
            kernels: BTreeMap::new(),
        };
        Ok(Performance(Arc::new(Parts {
            engine,
            memory,
            model: Mutex::new(model),
            hertz: device.clocks.core * 1e6,
        })))
    }
}

impl Parts {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the model of a copy between host and device.
    fn copied(&self, address: u64, bytes: u64) {
        self.model().simulator.copied(&self.memory, address, bytes);
    }
}

impl Model {
    fn add(&mut self, kernel: &str, s: &Statistics) {
        self.cycles += s.cycles;
        let sum = self.kernels.entry(kernel.into()).or_insert_with(|| Cycles {
            kernel: kernel.into(),
            ..Cycles::default()
        });
        sum.add(&Cycles {
            kernel: String::new(),
            launches: 1,
            cycles: s.cycles,
            thread_instructions: s.instructions,
            warp_instructions: s.warp_instructions,
            l1_accesses: s.l1.accesses(),
            l1_misses: s.l1.misses(),
            l2_accesses: s.l2.accesses(),
            l2_misses: s.l2.misses(),
            dram_reads: s.dram.reads,
            dram_writes: s.dram.writes + s.dram.write_backs,
        });
    }
}

impl Backend for Performance {
    fn name(&self) -> &'static str {
        "performance"
    }

    fn memory(&self) -> &dyn Arena {
        &*self.0
    }

    fn load(&self, ptx: Checked) -> Result<Arc<dyn backend::Module>, backend::Error> {
        Ok(Arc::new(Module {
            code: exec::Module::load(ptx, &self.0.memory)?,
            parts: self.0.clone(),
        }))
    }

    /// Simulated: the cycles of all launches so far.
    fn now(&self, _: Queue) -> Duration {
        Duration::from_secs_f64(self.0.model().cycles as f64 / self.0.hertz)
    }

    fn findings(&self) -> Vec<Event> {
        let model = self.0.model();
        model.kernels.values().cloned().map(Event::Cycles).collect()
    }
}

/// The engine's memory; the model is told of copies (`-gpgpu_perf_sim_memcpy`).
impl Arena for Parts {
    fn info(&self) -> (u64, u64) {
        self.memory.info()
    }
    fn allocate(&self, size: u64, kind: MemoryKind) -> Result<u64, MemoryError> {
        self.memory.allocate(size, kind)
    }
    fn free(&self, address: u64) -> Result<Allocation, MemoryError> {
        self.memory.free(address)
    }
    unsafe fn register(&self, address: u64, size: u64) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise.
        unsafe { self.memory.register(address, size) }
    }
    fn unregister(&self, address: u64) -> Result<(), MemoryError> {
        self.memory.unregister(address)
    }
    fn find(&self, address: u64) -> Option<Allocation> {
        self.memory.find(address)
    }
    fn live(&self) -> Vec<Allocation> {
        self.memory.live()
    }
    fn contains(&self, address: u64) -> bool {
        self.memory.contains(address)
    }
    unsafe fn download(&self, to: *mut u8, from: u64, size: u64) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise.
        unsafe { self.memory.download(to, from, size)? };
        self.copied(from, size);
        Ok(())
    }
    unsafe fn upload(&self, to: u64, from: *const u8, size: u64) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise.
        unsafe { self.memory.upload(to, from, size)? };
        self.copied(to, size);
        Ok(())
    }
    fn copy(&self, to: u64, from: u64, size: u64) -> Result<(), MemoryError> {
        self.memory.copy(to, from, size)
    }
    fn fill(&self, address: u64, value: u8, size: u64) -> Result<(), MemoryError> {
        self.memory.fill(address, value, size)
    }
}

impl backend::Module for Module {
    fn ptx(&self) -> &Checked {
        self.code.ptx()
    }

    fn global(&self, name: &str) -> Option<GlobalInfo> {
        self.code.global(name)
    }

    fn kernel(&self, name: &str) -> Result<Arc<KernelInfo>, backend::Error> {
        self.code.kernel(name)
    }

    fn variant(&self, ptx: Checked) -> Result<Arc<dyn backend::Module>, backend::Error> {
        Ok(Arc::new(Module {
            code: self.code.variant(ptx),
            parts: self.parts.clone(),
        }))
    }

    fn launch(&self, launch: &backend::Launch<'_>) -> Result<Execution, backend::Error> {
        let Parts { engine, memory, .. } = &*self.parts;
        let mut model = self.parts.model();
        let report = model.simulator.simulate(&Launch {
            engine,
            memory,
            module: &self.code,
            asked: launch,
        });
        let report = report.map_err(|error| match error {
            Error::Launch(error) => error,
            error => backend::Error::Launch {
                kernel: launch.kernel.into(),
                reason: error.to_string(),
            },
        })?;
        model.add(launch.kernel, &report.statistics);
        Ok(report.execution)
    }

    fn unload(&self) {
        self.code.unload(&self.parts.memory);
    }
}
