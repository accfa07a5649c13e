//! The environment variables by which the `vernier` command, or a person, talks to the library inside a program (all of them:
//! `record::variables`). What may change between launches is read at each launch; the rest once, at the first CUDA call.

use crate::error::Error;
use backend::Limits;
use device::Mode;
use exec::Observe;
use exec::observe::Kernels;
use policy::Globs;
use record::variables::{self, Override, Variable};
use record::{Environment, Invalid};
use std::path::PathBuf;

/// What is read once.
#[derive(Clone, Debug)]
pub struct Startup {
    /// Name of the program, for names of modules and files.
    pub program: String,
    /// SIM_CONFIG_PATH, else `gpgpusim.config` of the working directory, if it exists.
    pub config: Option<PathBuf>,
    /// The variables.
    pub environment: Environment,
    /// The major version of CUDA that the program was built with; 0: not known.
    pub cuda: u32,
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Error {
        Error::Setting(invalid.to_string())
    }
}

impl Startup {
    /// Reads the environment of this process.
    pub fn from_environment() -> Startup {
        let executable = std::env::current_exe().unwrap_or_default();
        let program = executable
            .file_name()
            .map_or("program".into(), |n| n.to_string_lossy().into_owned());
        let environment = Environment::of_process();
        let beside = PathBuf::from("gpgpusim.config");
        let config = environment.path(&variables::CONFIG);
        Startup {
            program,
            config: config.or(beside.is_file().then_some(beside)),
            environment,
            cuda: 0,
        }
    }

    /// The value of a variable.
    pub(crate) fn get<T>(&self, variable: &Variable<T>) -> Result<Option<T>, Error> {
        Ok(self.environment.get(variable)?)
    }

    /// Whether a variable is set to anything but 0.
    pub(crate) fn is_on(&self, flag: &Variable<bool>) -> bool {
        self.environment.is_on(flag)
    }

    /// The path that a variable is set to.
    pub(crate) fn path(&self, variable: &Variable<PathBuf>) -> Option<PathBuf> {
        self.environment.path(variable)
    }

    /// CPU threads of the engine, at least one.
    pub(crate) fn thread_count(&self) -> Result<usize, Error> {
        let all = || std::thread::available_parallelism().map_or(1, |n| n.get());
        Ok(self.get(&variables::THREADS)?.unwrap_or_else(all))
    }

    /// Whether every f32 instruction is to be rewritten to `.vf32`.
    pub(crate) fn rewrites_every_f32(&self) -> Result<bool, Error> {
        Ok(self.get(&variables::OVERRIDE)? == Some(Override::Vf32))
    }

    /// What the engine looks at.
    pub(crate) fn observe(&self) -> Result<Observe, Error> {
        let shadow = self.is_on(&variables::SHADOW);
        let kernels = match self.get(&variables::OBSERVE)? {
            None => shadow.then(Kernels::all),
            Some(pattern) => {
                let globs = Globs::new(&pattern).map_err(|e| variables::OBSERVE.invalid(&pattern, &e))?;
                Some(Kernels::new(move |k| globs.matches_mangled(k)))
            }
        };
        Ok(Observe {
            kernels,
            every: self.get(&variables::OBSERVE_EVERY)?.unwrap_or(1),
            shadow,
            stop: self.get(&variables::STOP_AT)?.unwrap_or_default(),
        })
    }

    /// The mode of simulation that is asked for, if one is.
    pub(crate) fn mode(&self) -> Result<Option<Mode>, Error> {
        match self.get(&variables::MODE)?.as_deref() {
            None => Ok(None),
            Some("1") => Ok(Some(Mode::Functional)),
            Some("0") => Ok(Some(Mode::Performance)),
            Some(text) => Err(variables::MODE
                .invalid(text, "1 is functional simulation, 0 performance simulation")
                .into()),
        }
    }
}

/// What the launch that starts now may use up.
pub(crate) fn limits() -> Result<Limits, Error> {
    let instructions = variables::MAX_INSTRUCTIONS.read(&record::environment::of_process)?;
    Ok(Limits { instructions })
}
