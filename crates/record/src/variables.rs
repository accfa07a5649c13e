//! Every environment variable that Vernier reads, one row each: name, values, default, when it is read, whether results depend on
//! it, what sets it, and a line of documentation. Parsing, [docs/environment.md](../../../docs/environment.md), what a misspelt
//! variable was meant to be, and the identity of a trial follow from the table.

use crate::environment::{Invalid, Read};
use crate::observation::Stop;
use std::path::PathBuf;
use vfloat::Rounding;

/// Who reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The library inside a program.
    Library(When),
    /// The command.
    Command,
    /// The programs in `programs/`.
    Programs,
    /// Builds and tests.
    Builds,
}

/// When the library reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Every launch.
    Launch,
    /// The first CUDA call.
    FirstCall,
    /// The first copy or launch.
    FirstWork,
    /// A module is loaded.
    Module,
}

impl When {
    fn words(self) -> &'static str {
        match self {
            When::Launch => "at every launch",
            When::FirstCall => "at the first CUDA call",
            When::FirstWork => "at the first copy or launch",
            When::Module => "when a module is loaded",
        }
    }
}

/// Whether the results of a program depend on a variable, and so whether a trial with another value is another trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They do.
    Changes,
    /// They do not.
    Nothing,
    /// It names a folder of data: the name counts, what is in it is the program's concern.
    Data,
}

/// What is known of a variable, whatever its type.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it can be set to.
    pub values: &'static str,
    /// What holds where it is unset or empty.
    pub default: &'static str,
    /// Who reads it.
    pub reader: Reader,
    /// Whether results depend on it.
    pub effect: Effect,
    /// What of `vernier` passes it on to a program; empty: it is inherited only.
    pub set_by: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// A variable with the type of its values.
#[derive(Clone, Copy, Debug)]
pub struct Variable<T> {
    /// What is known of it.
    pub row: Row,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Variable<T> {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.row.name
    }

    /// The value that a text means.
    ///
    /// # Errors
    /// None, with the variable's name and what is allowed.
    pub fn parse(&self, text: &str) -> Result<T, Invalid> {
        (self.parse)(text).map_err(|reason| self.invalid(text, &reason))
    }

    /// Its value; unset and empty are the same.
    ///
    /// # Errors
    /// It is set to what is no value of it.
    pub fn read(&self, read: Read<'_>) -> Result<Option<T>, Invalid> {
        let text = read(self.name()).filter(|text| !text.is_empty());
        text.map(|text| self.parse(&text)).transpose()
    }

    /// What is said of a text that is no value of it.
    pub fn invalid(&self, text: &str, reason: &str) -> Invalid {
        Invalid(format!("{} is `{text}`: {reason}", self.name()))
    }
}

/// What the library rewrites in PTX that the user did not edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// Every f32 arithmetic instruction becomes `.vf32`.
    Vf32,
    /// Nothing.
    None,
}

impl Override {
    /// As [`OVERRIDE`] takes it.
    pub fn name(self) -> &'static str {
        match self {
            Override::Vf32 => "vf32",
            Override::None => "none",
        }
    }
}

impl std::str::FromStr for Override {
    type Err = String;
    fn from_str(text: &str) -> Result<Override, String> {
        match text {
            "vf32" => Ok(Override::Vf32),
            "none" => Ok(Override::None),
            _ => Err("the overrides are vf32 and none".into()),
        }
    }
}

/// Where PTX is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PtxOut {
    /// Into a folder.
    Folder(PathBuf),
    /// Nowhere: `none`.
    Nowhere,
}

fn text(text: &str) -> Result<String, String> {
    Ok(text.into())
}

fn path(text: &str) -> Result<PathBuf, String> {
    Ok(text.into())
}

fn flag(text: &str) -> Result<bool, String> {
    Ok(text != "0")
}

/// A number from 1 on.
fn count(text: &str, wanted: &str) -> Result<u64, String> {
    let number = text.trim().parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| format!("give {wanted}, or unset it"))
}

/// The rows: `NAME: type = parse, "values", "default", reader, effect, "set by";` with the documentation above.
macro_rules! variables {
    ($($(#[doc = $about:literal])+ $ident:ident: $type:ty = $name:literal, $parse:expr, $values:literal, $default:literal,
       $reader:expr, $effect:ident, $set_by:literal;)+) => {
        $($(#[doc = $about])+
        pub const $ident: Variable<$type> = Variable {
            row: Row {
                name: $name,
                values: $values,
                default: $default,
                reader: $reader,
                effect: Effect::$effect,
                set_by: $set_by,
                about: concat!($($about),+),
            },
            parse: $parse,
        };)+

        /// All variables, in the order of the manual.
        pub const ALL: &[Row] = &[$($ident.row),+];
    };
}

const LAUNCH: Reader = Reader::Library(When::Launch);
const CALL: Reader = Reader::Library(When::FirstCall);
const WORK: Reader = Reader::Library(When::FirstWork);
const MODULE: Reader = Reader::Library(When::Module);

variables! {
    /// Bits of significand of what `.vf32` means, the leading one counted. A bad value fails the launch with cudaErrorInvalidValue and a
    /// message. `vernier format F --export` prints this and the next two.
    VF_SIGNIFICAND: String = "VF_SIGNIFICAND", text, "2 to 24", "24", LAUNCH, Changes, "`--format`";

    /// The smallest exponent of what `.vf32` means.
    VF_EXPONENT_MIN: String = "VF_EXPONENT_MIN", text, "-148 to 128", "-148", LAUNCH, Changes, "`--format`";

    /// The largest exponent of what `.vf32` means.
    VF_EXPONENT_MAX: String = "VF_EXPONENT_MAX", text, "-148 to 128", "128", LAUNCH, Changes, "`--format`";

    /// The same as the three above, as the text of any [format](formats.md) (`e4m3fn_sat`); wins over them.
    FORMAT: String = "VERNIER_FORMAT", text, "a format", "", LAUNCH, Changes, "`--format`";

    /// How operands are cut to the format.
    INPUT_ROUNDING: Rounding = "VERNIER_INPUT_ROUNDING",
        |t| Rounding::for_operands(t).map_err(|_| "allowed are rz (the default), rm, rn, rp, ra and ro".into()),
        "`rz`, `rm`, `rn`, `rp`, `ra`, `ro`", "what the policy says, else `rz`", LAUNCH, Changes, "`--input-rounding`";

    /// What the random bits of stochastic rounding start from; the same seed gives the same results.
    SEED: u64 = "VERNIER_SEED",
        |t| t.trim().parse().map_err(|_| format!("give a whole number from 0 to {}, or unset it", u64::MAX)),
        "a whole number", "the policy's `seed`, else 0", LAUNCH, Changes, "`vernier sweep --seed`";

    /// A launch ends when one of its blocks, or all together, have executed so many thread-instructions.
    MAX_INSTRUCTIONS: u64 = "VERNIER_MAX_INSTRUCTIONS",
        |t| count(t, "a number of thread-instructions a block may execute (1 or more)"),
        "a number", "no limit", LAUNCH, Changes, "`--max-instructions`";

    /// `vf32`: every f32 arithmetic instruction is rewritten, but for the expansions of expf and the like.
    OVERRIDE: Override = "VERNIER_OVERRIDE",
        |t| t.parse().map_err(|_| {
            "`vf32` rewrites every f32 arithmetic instruction, `none` (or unset) rewrites nothing".into()
        }),
        "`vf32`, `none`", "`none`", CALL, Changes, "`--format`, `--override`";

    /// A [precision policy](policy.md): rules that say which instruction of which kernel computes in which format.
    POLICY: PathBuf = "VERNIER_POLICY", path, "a file", "none", CALL, Changes, "`--policy`";

    /// With `VERNIER_OVERRIDE=vf32`: what sums over a loop run in.
    ACCUMULATE: String = "VERNIER_ACCUMULATE", text, "a format, `none`", "`none`", CALL, Changes, "`--accumulate`";

    /// For rules that speak of stages: which one this is.
    STAGE: String = "VERNIER_STAGE", text, "`train`, `test`", "not known", CALL, Changes, "`vernier run`";

    /// Folder whose `*.ptx` take the place of the program's kernels.
    PTX_DIR: PathBuf = "VERNIER_PTX_DIR", path, "a folder", "none", MODULE, Changes, "`--ptx`";

    /// Where the program's PTX is written.
    PTX_OUT: PtxOut = "VERNIER_PTX_OUT",
        |t| Ok(if t == "none" { PtxOut::Nowhere } else { PtxOut::Folder(t.into()) }),
        "a folder, `none`", "the working directory", MODULE, Nothing, "";

    /// Device configuration.
    CONFIG: PathBuf = "SIM_CONFIG_PATH", path, "a file",
        "`gpgpusim.config` of the working directory, if there is one, else the built-in device", CALL, Changes, "`--config`";

    /// `1` is functional simulation, `0` performance simulation: cycles of the configured machine, too. A configuration that says
    /// `-gpgpu_ptx_sim_mode 0` alone does not ask for it.
    MODE: String = "PTX_SIM_MODE_FUNC", text, "`1`, `0`", "`1`", CALL, Changes, "`--mode`";

    /// CPU threads. Results do not depend on it, but for kernels whose blocks race for memory.
    THREADS: usize = "VERNIER_THREADS",
        |t| t.trim().parse().ok().filter(|n| (1..=4096).contains(n))
            .ok_or_else(|| "give a number of CPU threads from 1 to 4096, or unset it".into()),
        "1 to 4096", "all cores", CALL, Nothing, "`--threads`";

    /// The blocks of every launch run one after the other, in order: kernels whose blocks race for memory give the same result in
    /// every run, too.
    DETERMINISTIC: bool = "VERNIER_DETERMINISTIC", flag, "`1`", "off", CALL, Changes, "`--deterministic`";

    /// No wider vector instructions than these (`v3`: AVX2), to compare. Results do not depend on it.
    ISA: String = "VERNIER_ISA", text, "`baseline`, `v3`", "what the processor has", MODULE, Nothing, "";

    /// Folder for the run record.
    RUN_DIR: PathBuf = "VERNIER_RUN_DIR", path, "a folder", "no record", CALL, Nothing, "`vernier run`, `vernier exec`";

    /// The map of the program's layers, for policies that say `layer` or `phase`; `vernier layers` writes it.
    LAYERS: PathBuf = "VERNIER_LAYERS", path, "a file", "not known", CALL, Changes, "`vernier run`, `vernier exec`";

    /// The first so many launches are written, with their arguments and what the program copies in between, to `PID.launches` in the
    /// folder of the run record.
    LAUNCH_LOG: u64 = "VERNIER_LAUNCH_LOG", |t| count(t, "a number of launches"), "a number of launches", "no log", WORK,
        Changes, "`vernier layers`";

    /// The process ends, with exit code 0, when the launches of the log are done or so much time has passed since the first.
    LAUNCH_STOP: u64 = "VERNIER_LAUNCH_STOP", |t| count(t, "a number of seconds"), "a number of seconds", "never", WORK, Changes,
        "`vernier layers`";

    /// The record also says which PTX lines took the time.
    PROFILE: bool = "VERNIER_PROFILE", flag, "`1`", "off", CALL, Nothing, "`--profile`";

    /// Look at what the numbers of these kernels do: [observe.md](observe.md).
    OBSERVE: String = "VERNIER_OBSERVE", text, "a pattern of kernel names", "none", CALL, Nothing, "`--observe`";

    /// Of the launches of an observed kernel the first of every so many.
    OBSERVE_EVERY: u64 = "VERNIER_OBSERVE_EVERY", |t| count(t, "a number n, to observe every n-th launch of a kernel"),
        "a number", "1", CALL, Nothing, "`--observe-every`";

    /// Every f32 value is followed in binary64, to say how far results are from it.
    SHADOW: bool = "VERNIER_SHADOW", flag, "`1`", "off", CALL, Changes, "`--shadow`";

    /// A launch ends at the first such result of finite operands.
    STOP_AT: Stop = "VERNIER_STOP_AT",
        |t| t.parse().map_err(|e| format!("{e} (several with commas)")), "`nan`, `inf`, `overflow`, several with commas", "never", CALL, Changes,
        "`--stop-at`";

    /// The record also holds a digest of device memory after each launch, to compare two runs, also of programs that two compilers made
    /// (addresses that the PTX puts into variables are left out).
    DIGEST: bool = "VERNIER_DIGEST", flag, "`1`", "off", CALL, Nothing, "";

    /// CUDA libraries that are not there (cuBLAS, cuDNN, libcuda ...) and that the program may load or look for nevertheless
    /// (`libcublas,libcuda`). Any other is named once, and `vernier` lets the run fail.
    ALLOW_LIBRARIES: String = "VERNIER_ALLOW_LIBRARIES", text, "names with commas, `all`", "none", CALL, Changes, "";

    /// Bytes to which a compressed entry of a fat binary may unpack.
    MAX_UNPACKED: String = "VERNIER_MAX_UNPACKED", text, "a number of bytes", "268435456", MODULE, Changes, "";

    /// Errors only.
    QUIET: bool = "VERNIER_QUIET", flag, "`1`", "off", CALL, Nothing, "`--quiet`";

    /// More lines.
    VERBOSE: bool = "VERNIER_VERBOSE", flag, "`1`", "off", CALL, Nothing, "`--verbose`";

    /// Cache folder: nvcc, MNIST, links to the library.
    CACHE: PathBuf = "VERNIER_CACHE", path, "a folder", "`$XDG_CACHE_HOME/vernier`, else `~/.cache/vernier`", Reader::Command,
        Nothing, "";

    /// A folder in which program names are looked up before `programs/`.
    PROGRAMS: PathBuf = "VERNIER_PROGRAMS", path, "a folder", "none", Reader::Command, Nothing, "";

    /// Folder of run records.
    RUNS: PathBuf = "VERNIER_RUNS", path, "a folder", "`runs`", Reader::Command, Nothing, "`--runs`";

    /// Use the first N images of a test only (charlm: sequences of 128 characters).
    TEST_IMAGES: String = "VERNIER_TEST_IMAGES", text, "a number", "all", Reader::Programs, Changes, "`vernier sweep --images`";

    /// Train with the first N images only.
    TRAIN_IMAGES: String = "VERNIER_TRAIN_IMAGES", text, "a number", "all", Reader::Programs, Changes,
        "`vernier sweep --train-images`";

    /// A file into which a test writes a character for each of its answers, `1` right, `0` wrong: `test/answers` in the run's record.
    ANSWERS: PathBuf = "VERNIER_ANSWERS", path, "a file", "none", Reader::Programs, Nothing, "`vernier run`";

    /// A folder in which mlp and cnn keep the decoded test images for the next run; trials of sweeps share one in the cache.
    UNPACKED: PathBuf = "VERNIER_UNPACKED", path, "a folder", "none", Reader::Programs, Nothing, "`vernier sweep`";

    /// Folder of the packed test images.
    DATA_DIR: PathBuf = "VERNIER_DATA_DIR", path, "a folder", "`programs/data`", Reader::Programs, Data, "";

    /// Folder with the four MNIST files, from which programs train; the command looks there too.
    MNIST_DIR: PathBuf = "VERNIER_MNIST_DIR", path, "a folder", "in the cache", Reader::Programs, Data, "`vernier run`";

    /// A `libcudart.so` for the command to embed, instead of building one.
    LIBCUDART: PathBuf = "VERNIER_LIBCUDART", path, "a file", "built", Reader::Builds, Nothing, "";

    /// The `libcudart.so` that the command embeds.
    EMBEDDED_LIBRARY: PathBuf = "VERNIER_EMBEDDED_LIBRARY", path, "a file", "", Reader::Builds, Nothing, "the build of the command";

    /// Tests against MPFR take at least ten million cases per operation, and the engine's random kernels are more.
    EXHAUSTIVE: bool = "VERNIER_EXHAUSTIVE", flag, "`1`", "off", Reader::Builds, Nothing, "";

    /// The browser in which the report's page is tested (`--features test-browser`).
    CHROMIUM: PathBuf = "VERNIER_CHROMIUM", path, "a program", "what is installed", Reader::Builds, Nothing, "";

    /// The tests named `page` write `docs/isa.md`, `docs/config.md` and the tables of `docs/environment.md`.
    WRITE_DOCS: bool = "VERNIER_WRITE_DOCS", flag, "`1`", "off", Reader::Builds, Nothing, "";
}

/// GPGPU-Sim's variables that Vernier does not read, and what does their work.
pub const GPGPU_SIM: &[(&str, &str)] = &[
    (
        "PTX_SIM_USE_PTX_FILE",
        "VERNIER_PTX_DIR=FOLDER takes the kernels of the PTX files in a folder",
    ),
    (
        "PTX_SIM_KERNELFILE",
        "VERNIER_PTX_DIR=FOLDER takes the kernels of the PTX files in a folder",
    ),
    (
        "PTX_SIM_DEBUG",
        "VERNIER_VERBOSE=1 says more, VERNIER_OBSERVE shows what the numbers do",
    ),
    (
        "PTX_SIM_SAVE",
        "VERNIER_PTX_OUT=FOLDER is where the program's PTX is written (without it, the working directory)",
    ),
];

/// What of other programs the command reads; told in the manual only.
const FOREIGN: &[(&str, &str)] = &[
    ("`CUDA_HOME`, `PATH`", "where nvcc is looked for before the cache"),
    (
        "`NVCC`",
        "which compiler Makefiles use, if it is not the one that was found",
    ),
];

/// Those that say what `.vf32` means.
pub const OF_FORMAT: [&str; 4] = [
    FORMAT.name(),
    VF_SIGNIFICAND.name(),
    VF_EXPONENT_MIN.name(),
    VF_EXPONENT_MAX.name(),
];

/// The row of a name.
pub fn row(name: &str) -> Option<&'static Row> {
    ALL.iter().find(|r| r.name == name)
}

/// Whether a name is meant for Vernier: a variable of the table, or one misspelt.
pub fn is_ours(name: &str) -> bool {
    let starts = ["VERNIER_", "VF_", "VF32_", "PTX_SIM_"];
    row(name).is_some() || starts.iter().any(|start| name.starts_with(start))
}

/// The table of the manual for those that a reader reads: `library`, `command`, `programs` or `builds`.
pub fn markdown(reader: &str) -> Option<String> {
    let of = |r: &&Row| {
        let name = match r.reader {
            Reader::Library(_) => "library",
            Reader::Command => "command",
            Reader::Programs => "programs",
            Reader::Builds => "builds",
        };
        name == reader
    };
    let rows: Vec<&Row> = ALL.iter().filter(of).collect();
    let mut table = match reader {
        "library" => {
            "| variable | values (default) | read | set by | meaning |\n|---|---|---|---|---|\n".to_string()
        }
        _ => "| variable | values (default) | set by | meaning |\n|---|---|---|---|\n".to_string(),
    };
    for r in &rows {
        let default = match r.default {
            "" => String::new(),
            default => format!(" ({default})"),
        };
        let read = match r.reader {
            Reader::Library(when) => format!("{} | ", when.words()),
            _ => String::new(),
        };
        let about = r.about.trim_start();
        table += &format!(
            "| `{}` | {}{default} | {read}{} | {about} |\n",
            r.name, r.values, r.set_by
        );
    }
    if reader == "command" {
        for (name, about) in FOREIGN {
            table += &format!("| {name} | | | {about} |\n");
        }
    }
    (!rows.is_empty()).then_some(table)
}

/// The sentence of the manual on what results do not depend on.
pub fn without_effect() -> String {
    let names = ALL.iter().filter(|r| r.effect == Effect::Nothing);
    let names: Vec<String> = names.map(|r| format!("`{}`", r.name)).collect();
    format!(
        "Results do not depend on {}: trials of sweeps that differ in these alone are one trial.\n",
        names.join(", ")
    )
}
