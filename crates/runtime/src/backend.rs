//! What runs kernels. The functional engine now; a timing model and a real GPU come as further
//! implementations of the same trait, and a launch means the same on each.

use exec::{
    Engine, Execution, LaunchConfig, Limits, LineProfile, Memory, Module, Numerics, Observation, Progress,
};

/// Everything a launch needs.
pub struct Launch<'a> {
    /// Device memory.
    pub memory: &'a Memory,
    /// The module that holds the kernel.
    pub module: &'a Module,
    /// Mangled name.
    pub kernel: &'a str,
    /// Grid, block, shared memory.
    pub config: &'a LaunchConfig,
    /// The parameter block.
    pub params: &'a [u8],
    /// What `.vf32` means.
    pub numerics: &'a Numerics,
    /// What the launch may use up.
    pub limits: &'a Limits,
    /// Where the back end says how far it is.
    pub progress: &'a Progress,
}

/// A way to run kernels.
pub trait Backend: Send + Sync {
    /// For messages and run records.
    fn name(&self) -> &'static str;
    /// Runs a kernel to its end. A fault of the kernel is in [`Execution::trap`].
    ///
    /// # Errors
    /// When the kernel could not be started.
    fn launch(&self, launch: &Launch<'_>) -> Result<Execution, exec::Error>;
    /// Where the time of kernels went, by PTX line, if this back end was asked to find out.
    fn profile(&self) -> Vec<LineProfile> {
        Vec::new()
    }
    /// What numbers did, by PTX line, if this back end was asked to look.
    fn observations(&self) -> Vec<Observation> {
        Vec::new()
    }
}

/// The functional engine.
pub struct Functional(Engine);

impl Functional {
    /// With this engine.
    pub fn new(engine: Engine) -> Functional {
        Functional(engine)
    }
}

impl Backend for Functional {
    fn name(&self) -> &'static str {
        "functional"
    }
    fn launch(&self, l: &Launch<'_>) -> Result<Execution, exec::Error> {
        self.0.launch(
            l.memory, l.module, l.kernel, l.config, l.params, l.numerics, l.limits, l.progress,
        )
    }
    fn profile(&self) -> Vec<LineProfile> {
        self.0.profile()
    }
    fn observations(&self) -> Vec<Observation> {
        self.0.observations()
    }
}
