//! Runs the beginning of a program to see its launches, and keeps what was found in the cache, by the contents of the
//! binary and what it was asked to do.

use record::variables;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use layers::Layers;
use layers::log::Log;
use policy::layers::LayerMap;

use crate::child::{self, Exit, Job};
use crate::folder::Folder;
use crate::output::Output;
use crate::program::Program;
use crate::settings::{Settings, Stage};
use crate::{cache, data, launch, loading, rules, totals};
use tell::Error;

/// How much of a program is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Launches.
    pub launches: u64,
    /// Seconds from the first launch.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            launches: 400,
            seconds: 30,
        }
    }
}

/// How long a program may take until its first launch, beyond the seconds of the limits.
const START: Duration = Duration::from_secs(120);

/// A program to look at, with its arguments.
#[derive(Clone, Debug)]
pub struct Target {
    /// The binary.
    pub binary: PathBuf,
    /// Its arguments; `None` in the place of a file that it writes and nobody wants.
    pub arguments: Vec<Option<OsString>>,
    /// Where it runs.
    pub folder: PathBuf,
    /// Variables for it.
    pub env: Vec<(OsString, OsString)>,
    /// What it is asked to do, for the name in the cache: `train`, `test`, or its arguments.
    pub kind: String,
}

impl Target {
    /// A stage of a program under the contract; it must have been built.
    pub fn stage(program: &Program, settings: &Settings, stage: Stage) -> Result<Target, Error> {
        let binary = program.built(settings)?;
        let mut env = Vec::new();
        let arguments = match stage {
            Stage::Train => {
                if settings.needs.iter().any(|n| n == "mnist") {
                    env.push((variables::MNIST_DIR.name().into(), data::mnist(None)?.into()));
                }
                vec![Some("-train".into()), Some("1".into()), None]
            }
            Stage::Test => {
                let weights = settings.weights_in.as_ref().or(settings.weights.as_ref());
                let weights = weights.ok_or_else(|| {
                    Error::Usage(format!(
                        "which weights shall {} be tested with?\n  = help: --weights FILE, or `weights = \"FILE\"` in its vernier.toml",
                        program.name
                    ))
                })?;
                vec![Some("-test".into()), Some(weights.into())]
            }
            Stage::Build | Stage::Cleanup => {
                return Err(Error::Usage(format!(
                    "the stage {} launches nothing\n  = help: --stage train or --stage test",
                    stage.name()
                )));
            }
        };
        Ok(Target {
            binary,
            arguments,
            folder: program.folder.clone(),
            env,
            kind: stage.name().into(),
        })
    }

    /// What a run is about to do in a stage: `train` and `test` of a program under the contract, or anything else.
    pub fn job(job: &Job, stage: &str) -> Result<Target, Error> {
        let here = || std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e));
        let folder = job.folder.clone().map_or_else(here, Ok)?;
        let mut arguments: Vec<Option<OsString>> = job.args.iter().cloned().map(Some).collect();
        let words: Vec<String> = job
            .args
            .iter()
            .map(|a| a.to_string_lossy().into_owned())
            .collect();
        let contract = stage == Stage::Train.name() || stage == Stage::Test.name();
        if let (true, Some(out)) = (stage == Stage::Train.name(), arguments.last_mut()) {
            *out = None;
        }
        Ok(Target {
            binary: PathBuf::from(&job.program),
            arguments,
            folder,
            env: job.env.clone(),
            kind: if contract { stage.into() } else { words.join(" ") },
        })
    }

    /// Any binary.
    pub fn binary(binary: &str, args: &[OsString]) -> Result<Target, Error> {
        let folder = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
        let words: Vec<String> = args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        Ok(Target {
            binary: loading::find(binary)?,
            arguments: args.iter().cloned().map(Some).collect(),
            folder,
            env: Vec::new(),
            kind: words.join(" "),
        })
    }

    /// Where the map of this target is kept: another one for another binary, and for other PTX files if it reads some.
    pub fn place(&self, settings: &Settings) -> Result<PathBuf, Error> {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(cache::sha256(&self.binary)?);
        hash.update([0]);
        hash.update(&self.kind);
        if let Some(folder) = launch::ptx_folder(settings, &self.folder)? {
            for file in rules::ptx_files(&folder) {
                hash.update([0]);
                hash.update(cache::sha256(&file)?);
            }
        }
        let name: String = hash
            .finalize()
            .iter()
            .take(16)
            .map(|b| format!("{b:02x}"))
            .collect();
        Ok(cache::folder()?.join("layers").join(format!("{name}.json")))
    }

    /// The map in the cache, if there is one that can be read and has layers: where none were found before, a longer or
    /// better look may find some.
    pub fn known(&self, settings: &Settings) -> Result<Option<PathBuf>, Error> {
        let place = self.place(settings)?;
        let text = fs::read_to_string(&place).ok();
        let map = text.and_then(|t| LayerMap::from_json(&t).ok());
        Ok(map.filter(|m| !m.layers().is_empty()).map(|_| place))
    }

    /// Keeps a map in the cache.
    pub fn keep(&self, found: &Layers, settings: &Settings) -> Result<PathBuf, Error> {
        let place = self.place(settings)?;
        if let Some(folder) = place.parent() {
            cache::create(folder)?;
        }
        let _lock = cache::lock("layers")?;
        let text = serde_json::to_string_pretty(&found.map())
            .map_err(|e| Error::failed(format!("the map of layers cannot be written as JSON: {e}"), ""))?;
        fs::write(&place, text + "\n").map_err(|e| Error::file("write", &place, &e))?;
        Ok(place)
    }

    /// Runs the beginning of the program, as compiled, and looks at its launches.
    pub fn layers(&self, settings: &Settings, library: &Path, limits: Limits) -> Result<Layers, Error> {
        let plain = Settings {
            format: None,
            r#override: None,
            policy: None,
            accumulate: None,
            log: None,
            profile: None,
            ..settings.clone()
        };
        let launch = launch::prepare(&plain, &self.folder, library)?;
        loading::check_binary(&self.binary, &launch, library)?;
        let record = Folder::create(None, "layers")?;
        let unwanted = record.path().join("unwanted");
        let mut job = Job {
            program: self.binary.clone().into(),
            args: self
                .arguments
                .iter()
                .map(|a| a.clone().unwrap_or_else(|| unwanted.clone().into()))
                .collect(),
            folder: Some(self.folder.clone()),
            timeout: Some(START + Duration::from_secs(limits.seconds)),
            ..Job::default()
        };
        job.env.extend(launch.env);
        job.env.extend(self.env.iter().cloned());
        let logged = record.stage("log")?;
        let mut set = |name: &str, value: OsString| job.env.push((name.into(), value));
        set(variables::RUN_DIR.name(), logged.clone().into());
        set(variables::LAUNCH_LOG.name(), limits.launches.to_string().into());
        set(variables::LAUNCH_STOP.name(), limits.seconds.to_string().into());
        set(variables::PTX_OUT.name(), "none".into());
        set(variables::QUIET.name(), "1".into());
        // As compiled and whole, because other runs take the map out of the cache: what the environment says about formats
        // and about how much is tested is not for this run.
        for name in [
            variables::TEST_IMAGES.name(),
            variables::TRAIN_IMAGES.name(),
            variables::OVERRIDE.name(),
            variables::POLICY.name(),
            variables::ACCUMULATE.name(),
            variables::LAYERS.name(),
        ] {
            set(name, OsString::new());
        }
        let ended = child::run(&job, &Output::nowhere()?, |_| None)?;
        let log = Log::read(&logged)?;
        if log.launches.is_empty() && ended.exit == Exit::Code(0) && !totals::was_loaded(&logged) {
            let name = self.binary.file_name().unwrap_or_default().to_string_lossy();
            return Err(loading::never(&name, &self.binary, &job.env));
        }
        if log.launches.is_empty() {
            let how = match ended.exit {
                Exit::Code(0) => "it ended without launching a kernel".to_string(),
                exit => format!("it ended ({exit}) before a kernel had run"),
            };
            return Err(Error::failed(
                format!("no layers can be found in {}: {how}", self.binary.display()),
                format!(
                    "run it by itself and see what it says: vernier exec -- {}",
                    job.command_line()
                ),
            ));
        }
        Ok(Layers::of(&log))
    }

    /// The map in the cache; where there is none, the program is looked at first.
    pub fn map(&self, settings: &Settings, output: &Output, library: &Path) -> Result<PathBuf, Error> {
        if let Some(known) = self.known(settings)? {
            return Ok(known);
        }
        output.say("looking at the first launches of the program, to find its layers (kept in the cache)");
        let found = self.layers(settings, library, Limits::default())?;
        self.keep(&found, settings)
    }
}
