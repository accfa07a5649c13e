//! The environment in which a program runs under Vernier: our library first, and what the library shall do.

use crate::options::{Mode, OPTIONS};
use crate::rules;
use crate::settings::{Settings, Words};
use policy::Policy;
use record::environment::of_process;
use record::variables::{self, Override};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tell::Error;
use vfloat::Format;

/// Everything that a stage's process gets on top of our own environment, and the words about it.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Variables.
    pub env: Vec<(OsString, OsString)>,
    /// For the summary.
    pub format: FormatSummary,
    /// What to say before the run, a line each.
    pub notes: Vec<String>,
    /// The precision policy: the short form, and the file over it.
    pub policy: Option<Policy>,
    /// PTX files are read instead of the embedded PTX.
    pub reads_ptx: bool,
}

/// The format of a run, as the record has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FormatSummary {
    /// As the user named it; empty when none was asked for.
    pub name: String,
    /// P; `None` when no format was asked for.
    pub significand: Option<u32>,
    /// EMIN.
    pub exponent_min: Option<i32>,
    /// EMAX.
    pub exponent_max: Option<i32>,
    /// rz, rm, rn or rp.
    pub input_rounding: String,
    /// `vf32`, `none`, or empty for what the PTX files say.
    pub r#override: String,
    /// What sums run in, as the user named it; empty when that was not said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub accumulate: String,
    /// The file of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
}

/// The name that the configuration has in a folder, GPGPU-Sim's.
pub const CONFIG_FILE: &str = "gpgpusim.config";

/// Makes the environment. `folder` is where the program will run, `library_folder` has our library under all
/// its names.
pub fn prepare(settings: &Settings, folder: &Path, library_folder: &Path) -> Result<Launch, Error> {
    let mut launch = Launch::default();
    for (name, value) in &settings.env {
        launch.set(name, value);
    }
    for (name, value) in OPTIONS.iter().filter_map(|option| option.passes) {
        if let Some(value) = value(settings) {
            launch.set(name, value);
        }
    }
    if settings.observe.is_none() && settings.observe_out.is_some() {
        launch.set(variables::OBSERVE.name(), "*");
    }
    if let Some(mode) = settings.mode {
        launch.set(variables::MODE.name(), mode.number());
    }
    if launch.seen(variables::MODE.name()).as_deref() == Some(Mode::Performance.number()) {
        launch
            .notes
            .push("performance simulation: cycles of the configured machine (docs/timing.md)".into());
    }
    let mut libraries = OsString::from(library_folder);
    if let Some(more) = std::env::var_os("LD_LIBRARY_PATH").filter(|v| !v.is_empty()) {
        libraries.push(":");
        libraries.push(more);
    }
    launch.set("LD_LIBRARY_PATH", libraries);

    let mut generates_ptx = true;
    if let Some(config) = config_file(settings, folder)? {
        let device =
            device::Device::from_file(&config).map_err(|e| Error::failed(strip(&e.to_string()), ""))?;
        generates_ptx = device.generate_ptx;
        launch.set(variables::CONFIG.name(), &config);
        launch
            .notes
            .push(format!("device configuration {}", config.display()));
    }
    if let Some(dir) = settings.ptx.as_ref().filter(|dir| !dir.is_dir()) {
        return Err(Error::failed(
            format!("the PTX folder {} is not there", dir.display()),
            "run once without --ptx: the PTX is written into the program's folder, to be copied and edited",
        ));
    }
    let ptx_variable = of_process(variables::PTX_DIR.name()).is_some();
    launch.reads_ptx = settings.ptx.is_some() || ptx_variable || !generates_ptx;
    launch.numbers(settings)?;
    launch.rules(settings)?;
    match settings.words {
        Words::Few => launch.set(variables::QUIET.name(), "1"),
        Words::Usual => {}
        Words::Many => launch.set(variables::VERBOSE.name(), "1"),
    }
    Ok(launch)
}

/// The folder that PTX files are read from, if a program that runs in `folder` reads some.
pub fn ptx_folder(settings: &Settings, folder: &Path) -> Result<Option<PathBuf>, Error> {
    if settings.ptx.is_some() {
        return Ok(settings.ptx.clone());
    }
    if let Some(dir) = of_process(variables::PTX_DIR.name()) {
        return Ok(Some(dir.into()));
    }
    let Some(config) = config_file(settings, folder)? else {
        return Ok(None);
    };
    let device = device::Device::from_file(&config).map_err(|e| Error::failed(strip(&e.to_string()), ""))?;
    Ok((!device.generate_ptx).then(|| folder.to_path_buf()))
}

impl Launch {
    fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.env.push((name.into(), value.into()));
    }

    /// The policy. What the library reads is read here first: a bad one is told before anything runs.
    fn rules(&mut self, settings: &Settings) -> Result<(), Error> {
        let short = self.format.r#override == "vf32";
        if let Some(text) = &settings.accumulate {
            if !short && settings.policy.is_none() {
                let message = "--accumulate says what sums run in, but nothing is overridden";
                let advice = match self.reads_ptx {
                    true => {
                        "edited PTX says itself which sums are wide (fmam, addm); --override vf32 overrides what is left as .f32"
                    }
                    false => "add --format FORMAT, which every other instruction computes in",
                };
                return Err(Error::failed(message, advice));
            }
            if !short {
                return Err(Error::failed(
                    "--accumulate belongs to --format, and only --policy is given",
                    "write `accumulate` into the rules of the policy, or add --format FORMAT",
                ));
            }
            self.format.accumulate = text.clone();
        }
        if let Some(path) = &settings.policy {
            self.format.policy = Some(path.clone());
            self.notes.push(format!("policy {}", path.display()));
        }
        self.policy = rules::read(settings, short)?;
        Ok(())
    }

    /// A variable as the program will see it.
    fn seen(&self, name: &str) -> Option<String> {
        let set = self.env.iter().rev().find(|(n, _)| n == name);
        match set {
            Some((_, value)) => Some(value.to_string_lossy().into_owned()).filter(|v| !v.is_empty()),
            None => of_process(name),
        }
    }

    /// Format, input rounding and override.
    fn numbers(&mut self, settings: &Settings) -> Result<(), Error> {
        // A format alone means every f32 instruction, unless the user edited the PTX: then the files say which.
        let implied = (settings.format.is_some() && !self.reads_ptx).then_some(Override::Vf32);
        if let Some(chosen) = settings.r#override.or(implied) {
            self.set(variables::OVERRIDE.name(), chosen.name());
        }
        self.format.r#override = self.seen(variables::OVERRIDE.name()).unwrap_or_default();
        if let Some(named) = &settings.format {
            // It would win over the other three.
            if self.seen(variables::FORMAT.name()).is_some() {
                self.set(variables::FORMAT.name(), "");
            }
            for (name, value) in named.format.settings() {
                self.set(name, value);
            }
        }
        // The library reads them again at every launch; here they are looked at to refuse early.
        let said =
            record::Numerics::read(&|name| self.seen(name)).map_err(|e| Error::failed(e.to_string(), ""))?;
        let input = said.input_rounding.unwrap_or(record::Numerics::INPUT_ROUNDING);
        self.format.input_rounding = input.name().into();
        let rewrites = self.format.r#override == Override::Vf32.name();
        let format = said.format.or(rewrites.then_some(Format::FP32));
        if let Some(format) = format {
            let named = settings.format.as_ref().map(|named| named.text.clone());
            self.format.name = named.unwrap_or_else(|| format.name());
        }
        if let Some(f) = format {
            self.format.significand = Some(f.precision());
            self.format.exponent_min = Some(f.emin());
            self.format.exponent_max = Some(f.emax());
            let rewritten = match self.format.r#override.as_str() {
                "vf32" => "overriding every f32 arithmetic instruction",
                _ if self.reads_ptx => "for what the PTX files say (.vf32, fmam, addm)",
                _ => "for .vf32, fmam and addm only",
            };
            let rounding = &self.format.input_rounding;
            self.notes.push(format!(
                "format {}: P {}, exponents {} to {}, input rounding {rounding}; {rewritten}",
                self.format.name,
                f.precision(),
                f.emin(),
                f.emax()
            ));
        }
        Ok(())
    }
}

/// The configuration that the library will read: `--config`, else what it would find by itself.
fn config_file(settings: &Settings, folder: &Path) -> Result<Option<PathBuf>, Error> {
    let variable = of_process(variables::CONFIG.name()).map(PathBuf::from);
    let asked = settings.config.clone().or(variable);
    let Some(asked) = asked else {
        let beside = folder.join(CONFIG_FILE);
        return Ok(beside.is_file().then_some(beside));
    };
    let file = if asked.is_dir() {
        asked.join(CONFIG_FILE)
    } else {
        asked
    };
    let file = std::path::absolute(&file).map_err(|e| Error::file("find", &file, &e))?;
    if file.is_file() {
        return Ok(Some(file));
    }
    Err(Error::failed(
        format!("the device configuration {} is not there", file.display()),
        "give a file, a folder that holds a gpgpusim.config, or the name of a folder under configs/",
    ))
}

/// A message without the `error: ` that it may begin with: `vernier` puts its own there.
pub fn strip(message: &str) -> String {
    message
        .strip_prefix("error: ")
        .unwrap_or(message)
        .trim_end()
        .to_string()
}
