//! The environment variables by which the `vernier` command, or a person, talks to the library inside a
//! program. What may change between launches is read at each launch; the rest once, at the first CUDA call.

use crate::error::Error;
use exec::observe::Kernels;
use exec::{Limits, Numerics, Observe};
use policy::Globs;
use std::path::PathBuf;

/// Where PTX is written (VERNIER_PTX_OUT).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PtxOut {
    /// Into a folder.
    Folder(PathBuf),
    /// Nowhere: `none`.
    Nowhere,
}

/// What to look at while kernels run, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserveSettings {
    /// VERNIER_OBSERVE: a pattern of kernel names.
    pub kernels: Option<String>,
    /// VERNIER_OBSERVE_EVERY.
    pub every: Option<String>,
    /// VERNIER_SHADOW is 1.
    pub shadow: bool,
    /// VERNIER_STOP_AT.
    pub stop_at: Option<String>,
}

/// What is read once.
#[derive(Clone, Debug)]
pub struct Startup {
    /// Name of the program, for names of modules and files.
    pub program: String,
    /// SIM_CONFIG_PATH, else `gpgpusim.config` of the working directory, if it exists.
    pub config: Option<PathBuf>,
    /// VERNIER_PTX_DIR: the folder whose PTX files replace kernels.
    pub ptx_dir: Option<PathBuf>,
    /// VERNIER_PTX_OUT.
    pub ptx_out: PtxOut,
    /// VERNIER_OVERRIDE, as written; judged when a module is loaded.
    pub rewrite: Option<String>,
    /// VERNIER_POLICY: the file of rules that say which instruction computes in which format.
    pub policy: Option<PathBuf>,
    /// VERNIER_LAYERS: the map of the program's layers.
    pub layers: Option<PathBuf>,
    /// VERNIER_ACCUMULATE: what sums run in, as written.
    pub accumulate: Option<String>,
    /// VERNIER_STAGE: the stage of the run that this process is, as written.
    pub stage: Option<String>,
    /// PTX_SIM_MODE_FUNC, as written.
    pub mode: Option<String>,
    /// VERNIER_THREADS, as written.
    pub threads: Option<String>,
    /// VERNIER_RUN_DIR: the folder of run records.
    pub run_dir: Option<PathBuf>,
    /// VERNIER_PROFILE is 1: find out where the time of kernels goes, for the run record.
    pub profile: bool,
    /// VERNIER_OBSERVE, VERNIER_OBSERVE_EVERY, VERNIER_STOP_AT, as written.
    pub observe: ObserveSettings,
    /// VERNIER_DIGEST is 1: the run record holds a digest of device memory after each launch.
    pub digest: bool,
    /// VERNIER_DETERMINISTIC is 1: blocks run one after the other, in order.
    pub deterministic: bool,
    /// VERNIER_ALLOW_LIBRARIES: CUDA libraries that the program may load although they are not there, as written.
    pub allow_libraries: Option<String>,
    /// VERNIER_QUIET is 1.
    pub quiet: bool,
    /// VERNIER_VERBOSE is 1.
    pub verbose: bool,
}

/// A variable of the process environment as it is now; unset and empty are the same.
pub(crate) fn variable(name: &str) -> Option<String> {
    // The standard library reads the C environment, so a setenv(3) by the program is seen.
    std::env::var_os(name)
        .map(|v| v.to_string_lossy().into_owned())
        .filter(|v| !v.is_empty())
}

impl Startup {
    /// Reads the environment of this process.
    pub fn from_environment() -> Startup {
        let executable = std::env::current_exe().unwrap_or_default();
        let program = executable
            .file_name()
            .map_or("program".into(), |n| n.to_string_lossy().into_owned());
        let flag = |name| variable(name).is_some_and(|v| v != "0");
        let beside = PathBuf::from("gpgpusim.config");
        Startup {
            program,
            config: variable("SIM_CONFIG_PATH")
                .map(PathBuf::from)
                .or(beside.is_file().then_some(beside)),
            ptx_dir: variable("VERNIER_PTX_DIR").map(PathBuf::from),
            ptx_out: match variable("VERNIER_PTX_OUT") {
                None => PtxOut::Folder(PathBuf::from(".")),
                Some(v) if v == "none" => PtxOut::Nowhere,
                Some(v) => PtxOut::Folder(PathBuf::from(v)),
            },
            rewrite: variable("VERNIER_OVERRIDE"),
            policy: variable("VERNIER_POLICY").map(PathBuf::from),
            layers: variable("VERNIER_LAYERS").map(PathBuf::from),
            accumulate: variable("VERNIER_ACCUMULATE"),
            stage: variable("VERNIER_STAGE"),
            mode: variable("PTX_SIM_MODE_FUNC"),
            threads: variable("VERNIER_THREADS"),
            run_dir: variable("VERNIER_RUN_DIR").map(PathBuf::from),
            profile: flag("VERNIER_PROFILE"),
            observe: ObserveSettings {
                kernels: variable("VERNIER_OBSERVE"),
                every: variable("VERNIER_OBSERVE_EVERY"),
                shadow: flag("VERNIER_SHADOW"),
                stop_at: variable("VERNIER_STOP_AT"),
            },
            digest: flag("VERNIER_DIGEST"),
            deterministic: flag("VERNIER_DETERMINISTIC"),
            allow_libraries: variable("VERNIER_ALLOW_LIBRARIES"),
            quiet: flag("VERNIER_QUIET"),
            verbose: flag("VERNIER_VERBOSE"),
        }
    }

    /// CPU threads of the engine, at least one.
    pub(crate) fn thread_count(&self) -> Result<usize, Error> {
        match &self.threads {
            None => Ok(std::thread::available_parallelism().map_or(1, |n| n.get())),
            Some(text) => match text.trim().parse::<usize>() {
                Ok(n) if (1..=4096).contains(&n) => Ok(n),
                _ => Err(Error::Setting(format!(
                    "VERNIER_THREADS is `{text}`: give a number of CPU threads from 1 to 4096, or unset it"
                ))),
            },
        }
    }

    /// Whether every f32 instruction is to be rewritten to `.vf32`.
    pub(crate) fn rewrites_every_f32(&self) -> Result<bool, Error> {
        match self.rewrite.as_deref() {
            None | Some("none") => Ok(false),
            Some("vf32") => Ok(true),
            Some(text) => Err(Error::Setting(format!(
                "VERNIER_OVERRIDE is `{text}`: `vf32` rewrites every f32 arithmetic instruction, `none` (or unset) rewrites nothing"
            ))),
        }
    }

    /// What the engine looks at.
    pub(crate) fn observe(&self) -> Result<Observe, Error> {
        let settings = &self.observe;
        let every = match settings.every.as_deref() {
            None => 1,
            Some(text) => match text.trim().parse::<u64>() {
                Ok(n) if n > 0 => n,
                _ => {
                    return Err(Error::Setting(format!(
                        "VERNIER_OBSERVE_EVERY is `{text}`: give a number n, to observe every n-th launch of a kernel, or unset it"
                    )));
                }
            },
        };
        let stop = match settings.stop_at.as_deref() {
            None => exec::observe::Stop::default(),
            Some(text) => text.parse().map_err(|e| {
                Error::Setting(format!("VERNIER_STOP_AT is `{text}`: {e} (several with commas)"))
            })?,
        };
        let kernels = match &settings.kernels {
            None => settings.shadow.then(Kernels::all),
            Some(pattern) => {
                let globs = Globs::new(pattern)
                    .map_err(|e| Error::Setting(format!("VERNIER_OBSERVE is `{pattern}`: {e}")))?;
                Some(Kernels::new(move |k| globs.matches_mangled(k)))
            }
        };
        Ok(Observe {
            kernels,
            every,
            shadow: settings.shadow,
            stop,
        })
    }

    /// Refuses a mode of simulation that is not there.
    pub(crate) fn check_mode(&self) -> Result<(), Error> {
        match self.mode.as_deref() {
            None | Some("1") => Ok(()),
            Some("0") => Err(Error::NotSupported(
                "PTX_SIM_MODE_FUNC=0 asks for performance (cycle) simulation, which Vernier does not have yet: \
                 set it to 1 (functional) or unset it"
                    .into(),
            )),
            Some(text) => Err(Error::Setting(format!(
                "PTX_SIM_MODE_FUNC is `{text}`: 1 is functional simulation, 0 performance simulation (not there yet)"
            ))),
        }
    }
}

/// What `.vf32` means in the launch that starts now: VERNIER_FORMAT, or VF_SIGNIFICAND, VF_EXPONENT_MIN, VF_EXPONENT_MAX,
/// VERNIER_INPUT_ROUNDING.
///
/// # Errors
/// [`Error::Setting`] naming the variable, its text and what is allowed.
pub fn numerics_from(read: &dyn Fn(&str) -> Option<String>) -> Result<Numerics, Error> {
    let format = vfloat::Format::from_environment(read).map_err(|e| Error::Setting(e.to_string()))?;
    let input = match read("VERNIER_INPUT_ROUNDING") {
        None => vfloat::Rounding::TowardZero,
        Some(text) => vfloat::Rounding::for_operands(&text).map_err(|_| {
            Error::Setting(format!(
                "VERNIER_INPUT_ROUNDING is `{text}`: allowed are rz (the default), rm, rn, rp, ra and ro"
            ))
        })?,
    };
    Ok(Numerics { format, input })
}

/// What the random bits of stochastic rounding start from, if VERNIER_SEED says so.
///
/// # Errors
/// [`Error::Setting`] for what is no number.
pub(crate) fn seed_from(read: &dyn Fn(&str) -> Option<String>) -> Result<Option<u64>, Error> {
    let number = |text: String| {
        text.trim().parse().map_err(|_| {
            Error::Setting(format!(
                "VERNIER_SEED is `{text}`: give a whole number from 0 to {}, or unset it",
                u64::MAX
            ))
        })
    };
    read("VERNIER_SEED").map(number).transpose()
}

/// What the launch that starts now may use up: VERNIER_MAX_INSTRUCTIONS.
pub(crate) fn limits_from(read: &dyn Fn(&str) -> Option<String>) -> Result<Limits, Error> {
    let instructions = match read("VERNIER_MAX_INSTRUCTIONS") {
        None => None,
        Some(text) => match text.trim().parse::<u64>() {
            Ok(n) if n > 0 => Some(n),
            _ => {
                return Err(Error::Setting(format!(
                    "VERNIER_MAX_INSTRUCTIONS is `{text}`: give a number of thread-instructions a block may execute (1 or more), or unset it"
                )));
            }
        },
    };
    Ok(Limits { instructions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn with(pairs: &[(&str, &str)]) -> Result<Numerics, Error> {
        let map: HashMap<String, String> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        numerics_from(&|name| map.get(name).cloned())
    }

    #[test]
    fn formats_come_from_the_variables() {
        assert_eq!(with(&[]).unwrap().format, vfloat::Format::FP32);
        let bf16 = [
            ("VF_SIGNIFICAND", "8"),
            ("VF_EXPONENT_MIN", "-132"),
            ("VF_EXPONENT_MAX", "128"),
        ];
        assert_eq!(with(&bf16).unwrap().format, vfloat::Format::BF16);
        assert_eq!(
            with(&[("VERNIER_INPUT_ROUNDING", "rm")]).unwrap().input,
            vfloat::Rounding::TowardNegative
        );
    }

    #[test]
    fn bad_values_are_named() {
        let message = with(&[("VF_SIGNIFICAND", "60")]).unwrap_err();
        assert_eq!(message.code(), crate::Code::INVALID_VALUE);
        assert!(message.to_string().contains("VF_SIGNIFICAND"), "{message}");
        assert!(message.to_string().contains("60"), "{message}");
        assert!(
            with(&[("VERNIER_INPUT_ROUNDING", "up")])
                .unwrap_err()
                .to_string()
                .contains("`up`")
        );
        let budget = limits_from(&|_| Some("many".into())).unwrap_err().to_string();
        assert!(
            budget.contains("VERNIER_MAX_INSTRUCTIONS") && budget.contains("many"),
            "{budget}"
        );
    }
}
