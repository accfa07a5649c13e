//! The engine as a back end: functional simulation, in which no time passes but the host's.

use crate::engine::Engine;
use crate::memory::Memory;
use backend::{Arena, Backend, Error, Execution, GlobalInfo, KernelInfo, Launch, Queue};
use ptx::Checked;
use record::Event;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Functional simulation on the CPU. Device addresses are host addresses.
pub struct Functional {
    parts: Arc<Parts>,
    started: Instant,
}

struct Parts {
    engine: Engine,
    memory: Memory,
}

struct Module {
    code: crate::Module,
    parts: Arc<Parts>,
}

impl Functional {
    /// A device with this memory, whose kernels `engine` runs.
    pub fn new(engine: Engine, memory: Memory) -> Functional {
        Functional {
            parts: Arc::new(Parts { engine, memory }),
            started: Instant::now(),
        }
    }
}

impl Backend for Functional {
    fn name(&self) -> &'static str {
        "functional"
    }

    fn memory(&self) -> &dyn Arena {
        &self.parts.memory
    }

    fn load(&self, ptx: Checked) -> Result<Arc<dyn backend::Module>, Error> {
        Ok(Arc::new(Module {
            code: crate::Module::load(ptx, &self.parts.memory)?,
            parts: self.parts.clone(),
        }))
    }

    fn now(&self, _: Queue) -> Duration {
        self.started.elapsed()
    }

    fn findings(&self) -> Vec<Event> {
        let engine = &self.parts.engine;
        let lines = engine.profile().into_iter().map(|l| Event::Line((&l).into()));
        let observed = engine.observations();
        let observed = observed.iter().map(|o| Event::Observation(Box::new(o.into())));
        lines.chain(observed).collect()
    }
}

impl backend::Module for Module {
    fn ptx(&self) -> &Checked {
        self.code.ptx()
    }

    fn global(&self, name: &str) -> Option<GlobalInfo> {
        self.code.global(name)
    }

    fn kernel(&self, name: &str) -> Result<Arc<KernelInfo>, Error> {
        self.code.kernel(name)
    }

    fn variant(&self, ptx: Checked) -> Result<Arc<dyn backend::Module>, Error> {
        Ok(Arc::new(Module {
            code: self.code.variant(ptx),
            parts: self.parts.clone(),
        }))
    }

    fn launch(&self, launch: &Launch<'_>) -> Result<Execution, Error> {
        let Parts { engine, memory } = &*self.parts;
        engine.launch(memory, &self.code, launch)
    }

    fn unload(&self) {
        self.code.unload(&self.parts.memory);
    }
}
