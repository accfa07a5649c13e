//! Performance simulation as a back end: what kernels compute is the engine's, when it is done the model's.

use crate::{Error, Launch, Simulator, Statistics};
use backend::{Arena, Backend, Execution, GlobalInfo, KernelInfo, Queue};
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
        &self.0.memory
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

    /// L2 holds what was copied, under `-gpgpu_perf_sim_memcpy`.
    fn copied(&self, address: u64, size: u64) {
        let Parts { memory, .. } = &*self.0;
        self.0.model().simulator.copied(memory, address, size);
    }

    fn findings(&self) -> Vec<Event> {
        let model = self.0.model();
        model.kernels.values().cloned().map(Event::Cycles).collect()
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
