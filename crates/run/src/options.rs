//! Run options, a row each: what can be said of a run on the command line (`vernier run`, `exec`, `ptx run`), in `vernier.toml` and, of
//! some, as an axis of a sweep. From the table follow the fields of [`Settings`], the flags and their help, the keys of the
//! file, the axis, and the variable by which the library inside the program is told. What it means stands where the setting is used.

use crate::said::Pattern;
use crate::settings::{NamedFormat, Stage, Words, accumulator};
use policy::Globs;
use record::variables::{self, Override};
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use vfloat::Rounding;

/// What the values of an option are, and how one gets into settings.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A text.
    Text(fn(&mut Settings, &str) -> Result<(), String>),
    /// A whole number.
    Number(fn(&mut Settings, &str) -> Result<(), String>),
    /// A file or folder.
    Path(fn(&mut Settings, PathBuf)),
    /// A device configuration: a path, or a name under `configs/`.
    Config(fn(&mut Settings, PathBuf)),
    /// Yes or no.
    Flag(fn(&mut Settings, bool)),
}

/// Commands with run options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `vernier run`, which has all of them.
    Run,
    /// `vernier exec`.
    Exec,
    /// `vernier ptx run`.
    PtxRun,
}

/// An option as an axis of a sweep.
#[derive(Clone, Copy)]
pub struct AsAxis {
    /// Its name; empty: that of the option.
    pub name: &'static str,
    /// Where its column stands among the others.
    pub column: u32,
    /// The head of the column.
    pub head: &'static str,
    /// What its values are.
    pub about: &'static str,
    /// Several values, in a word; empty: the command line takes one only.
    pub values: &'static str,
}

/// A variable, and what it is set to by these settings.
pub type Passes = (&'static str, fn(&Settings) -> Option<OsString>);

/// A run option.
#[derive(Clone, Copy)]
pub struct RunOption {
    /// Its name in `vernier.toml`, and as an axis: `input_rounding`.
    pub name: &'static str,
    /// Its name on the command line: `input-rounding`.
    pub flag: &'static str,
    /// What it does, for `--help`.
    pub help: &'static str,
    /// Heading of `--help` under which it stands; empty: the common one.
    pub group: &'static str,
    /// What stands for its value in `--help`.
    pub value: &'static str,
    /// Its value where the command line names it without one, if that may be.
    pub bare: Option<&'static str>,
    /// The words that it takes and what they mean, if these are all.
    pub words: &'static [(&'static str, &'static str)],
    /// What `vernier.toml` may say; empty: it is no key there.
    pub allowed: &'static str,
    /// Whether `vernier exec` has it.
    pub exec: bool,
    /// Whether `vernier ptx run` has it, and with which help; empty: the same.
    pub ptx_run: Option<&'static str>,
    /// As an axis of a sweep, if it is one.
    pub axis: Option<AsAxis>,
    /// What its values are.
    pub kind: Kind,
    /// The variable that tells the library, if that is all that has to be done.
    pub passes: Option<Passes>,
}

/// What rows leave unsaid.
const PLAIN: RunOption = RunOption {
    name: "",
    flag: "",
    help: "",
    group: "",
    value: "",
    bare: None,
    words: &[],
    allowed: "",
    exec: true,
    ptx_run: None,
    axis: None,
    kind: Kind::Flag(|_, _| {}),
    passes: None,
};

impl RunOption {
    /// Whether a command has it.
    pub fn is_of(&self, command: Command) -> bool {
        match command {
            Command::Run => true,
            Command::Exec => self.exec,
            Command::PtxRun => self.ptx_run.is_some(),
        }
    }

    /// What `--help` of a command says.
    pub fn help_of(&self, command: Command) -> &'static str {
        let own = self
            .ptx_run
            .filter(|text| command == Command::PtxRun && !text.is_empty());
        own.unwrap_or(self.help).trim_start()
    }

    /// Gives it the value that a text means; paths as they are.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        match self.kind {
            Kind::Text(set) | Kind::Number(set) => set(settings, text),
            Kind::Path(set) | Kind::Config(set) => {
                set(settings, text.into());
                Ok(())
            }
            Kind::Flag(set) => {
                set(settings, text != "0");
                Ok(())
            }
        }
    }
}

/// How a value is told to the library.
trait Told {
    fn told(&self) -> OsString;
}

macro_rules! told {
    ($($type:ty: |$value:ident| $text:expr;)+) => {
        $(impl Told for $type {
            fn told(&self) -> OsString {
                let $value = self;
                $text.into()
            }
        })+
    };
}

told! {
    u32: |n| n.to_string();
    u64: |n| n.to_string();
    bool: |on| if *on { "1" } else { "0" };
    String: |text| text;
    PathBuf: |path| path;
    Rounding: |rounding| rounding.name();
}

/// Settings over others: what is said wins over what is not.
trait Over {
    fn over(self, other: Self) -> Self;
}

impl<T> Over for Option<T> {
    fn over(self, other: Self) -> Self {
        self.or(other)
    }
}

impl Over for Vec<String> {
    fn over(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }
}

/// Variables: later ones win.
impl Over for Vec<(String, String)> {
    fn over(self, mut other: Self) -> Self {
        other.extend(self);
        other
    }
}

impl Over for Words {
    fn over(self, _: Self) -> Self {
        self
    }
}

/// The name of a field as it is written elsewhere: without the `r#` that makes an identifier of a keyword.
const fn plain(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

macro_rules! kind {
    ($field:ident, Text, $parse:expr) => {
        Kind::Text(|s, text| {
            s.$field = Some($parse(text)?);
            Ok(())
        })
    };
    ($field:ident, Number, $parse:expr) => {
        Kind::Number(|s, text| {
            s.$field = Some($parse(text)?);
            Ok(())
        })
    };
    ($field:ident, Path) => {
        Kind::Path(|s, path| s.$field = Some(path))
    };
    ($field:ident, Config) => {
        Kind::Config(|s, path| s.$field = Some(path))
    };
    ($field:ident, Flag) => {
        Kind::Flag(|s, on| s.$field = Some(on))
    };
}

macro_rules! passes {
    ($field:ident) => {
        None
    };
    ($field:ident, $variable:ident) => {
        Some((variables::$variable.name(), |s: &Settings| {
            s.$field.as_ref().map(Told::told)
        }))
    };
}

/// A row: documentation, which is its help; flag, field and type; what its values are; the variable, if it is just passed on; and what
/// else differs from [`PLAIN`].
macro_rules! options {
    (
        $($(#[doc = $help:literal])+
        $flag:literal $field:ident: $type:ty = $kind:ident $(($parse:expr))? $(=> $variable:ident)?
            { $($key:ident: $value:expr),* $(,)? };)+

        no options: $($(#[doc = $about:literal])+ $other:ident: $other_type:ty;)+
    ) => {
        /// Everything that can be asked for; `None` and empty mean: not said here. Paths are absolute.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Settings {
            $($(#[doc = $help])+ pub $field: Option<$type>,)+
            $($(#[doc = $about])+ pub $other: $other_type,)+
        }

        impl Settings {
            /// These settings, and `other`'s where these say nothing.
            pub fn over(self, other: Settings) -> Settings {
                Settings {
                    $($field: self.$field.over(other.$field),)+
                    $($other: self.$other.over(other.$other),)+
                }
            }
        }

        /// All of them, in the order of `--help`.
        pub const OPTIONS: &[RunOption] = &[$(RunOption {
            name: plain(stringify!($field)),
            flag: $flag,
            help: concat!($($help),+),
            kind: kind!($field, $kind $(, $parse)?),
            passes: passes!($field $(, $variable)?),
            $($key: $value,)*
            ..PLAIN
        }),+];
    };
}

/// A word of a type that knows its words.
fn word<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: T::Err| e.to_string())
}

fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "a whole number is wanted".into())
}

fn from_one<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, String> {
    let number = text.trim().parse().ok().filter(|n| *n >= T::from(1));
    number.ok_or_else(|| "a whole number from 1 on is wanted".into())
}

/// A rounding mode for operands.
///
/// # Errors
/// The modes that there are.
pub fn rounding(text: &str) -> Result<Rounding, String> {
    Rounding::for_operands(text).map_err(|_| "the modes are rz, rm, rn, rp, ra and ro".into())
}

fn pattern(text: &str) -> Result<String, String> {
    Globs::new(text).map(|_| text.to_string())
}

fn stop_at(text: &str) -> Result<String, String> {
    text.parse::<record::Stop>().map(|_| text.to_string())
}

const ARITHMETIC: &str = "Arithmetic";
const SIMULATION: &str = "Simulation";
const NUMBERS: &str = "Numbers";
const OUTPUT: &str = "Output";

/// An axis whose name is that of its option.
const fn axis(column: u32, head: &'static str, about: &'static str, values: &'static str) -> Option<AsAxis> {
    Some(AsAxis {
        name: "",
        column,
        head,
        about,
        values,
    })
}

options! {
    /// Epochs to train
    "epochs" epochs: u32 = Number(count) {
        value: "N", exec: false, allowed: "a number of epochs", axis: axis(130, "epochs", "epochs to train", "NUMBERS"),
    };
    /// Epochs that the weights have already seen: 0, the default, trains from scratch (PROG -train END OUT), above 0 training
    /// continues from weights (PROG -train-increment START END IN OUT)
    "start-epoch" start_epoch: u32 = Number(count) {
        value: "N", exec: false, allowed: "a number of epochs",
        axis: axis(140, "from", "epochs that the weights have seen", ""),
    };
    /// Epochs that the weights shall have seen when training ends
    "end-epoch" end_epoch: u32 = Number(count) { value: "N", exec: false, allowed: "a number of epochs" };
    /// The weights of the run: trained into, then tested
    "weights" weights: PathBuf = Path { value: "FILE", exec: false, allowed: "a file name" };
    /// Weights to continue training from, or to test without training (default: --weights)
    "weights-in" weights_in: PathBuf = Path {
        value: "FILE", exec: false, allowed: "a file name",
        axis: Some(AsAxis {
            name: "weights", column: 120, head: "weights", about: "weights to test, or to continue training from", values: "FILES",
        }),
    };
    /// Weights that training writes (default: --weights, else trained.bin in the program's folder)
    "weights-out" weights_out: PathBuf = Path { value: "FILE", exec: false, allowed: "a file name" };
    /// The stage cleanup runs `make clean` too; without it only what Vernier made goes: PTX beside the program, this run's record
    "clean-build" clean_build: bool = Flag { exec: false };

    /// Compute in this format: a name (`vernier format` lists them), eXmY, or P,EMIN,EMAX. Overrides every f32
    /// arithmetic instruction, unless edited PTX is read (--ptx, or -gpgpu_generate_ptx 0 in the configuration)
    "format" format: NamedFormat = Text(word) {
        group: ARITHMETIC, value: "FORMAT", allowed: "a format (`vernier format` lists them)",
        ptx_run: Some("What .vf32 means (default: VF_SIGNIFICAND, VF_EXPONENT_MIN, VF_EXPONENT_MAX, else fp32)"),
        axis: axis(50, "format", "a format, or none: as compiled", "FORMATS"),
    };
    /// What sums over a loop run in, with --format: a format (fp32, say), or none for the format of the rest
    "accumulate" accumulate: String = Text(accumulator) => ACCUMULATE {
        group: ARITHMETIC, value: "FORMAT", allowed: "a format or \"none\"",
        axis: axis(60, "sums", "what sums over a loop run in: a format, or none: as the rest", "FORMATS"),
    };
    /// A precision policy: a TOML file of rules that say which instruction of which kernel computes in which format
    "policy" policy: PathBuf = Path => POLICY {
        group: ARITHMETIC, value: "FILE", allowed: "a file name",
        axis: axis(70, "policy", "a file with a precision policy", "FILES"),
    };
    /// How operands are cut to the format: rz (default), rm, rn, rp, ra or ro
    "input-rounding" input_rounding: Rounding = Text(rounding) => INPUT_ROUNDING {
        group: ARITHMETIC, value: "MODE", allowed: "rz, rm, rn, rp, ra or ro", ptx_run: Some(""),
        axis: axis(80, "cut", "how operands are cut: rz, rm, rn, rp, ra or ro", "MODES"),
    };
    /// vf32: rewrite every f32 arithmetic instruction; none: only what the PTX says
    "override" r#override: Override = Text(word) {
        group: ARITHMETIC, value: "WHAT", allowed: "\"vf32\" or \"none\"",
        ptx_run: Some("vf32: rewrite every f32 arithmetic instruction; none (default): only what the file says"),
        axis: axis(90, "override", "what is overridden: vf32 or none", "WHAT"),
    };
    /// Read the kernels from the PTX files in this folder, where they define them
    "ptx" ptx: PathBuf = Path => PTX_DIR {
        group: ARITHMETIC, value: "DIR", allowed: "a folder", axis: axis(100, "ptx", "a folder of edited PTX", "DIRS"),
    };

    /// Device configuration: a gpgpusim.config, a folder that holds one, or the name of a folder under configs/
    "config" config: PathBuf = Config {
        group: SIMULATION, value: "CONFIG", allowed: "a file, a folder or a name under configs/",
        axis: axis(110, "config", "a device configuration", "CONFIGS"),
    };
    /// functional (default) or performance: simulated cycles too, many times slower
    "mode" mode: Mode = Text(word) {
        group: SIMULATION, value: "MODE",
        words: &[("functional", "What the kernels compute"), ("performance", "How many cycles they take, too")],
    };
    /// CPU threads (default: all cores); results do not depend on it, but for kernels whose blocks race for memory
    "threads" threads: u32 = Number(from_one) => THREADS {
        group: SIMULATION, value: "N", allowed: "a number of threads", ptx_run: Some(""),
    };
    /// Run the blocks of every launch one after the other, in order (VERNIER_DETERMINISTIC): kernels whose blocks race for
    /// memory give the same result in every run, too
    "deterministic" deterministic: bool = Flag => DETERMINISTIC {
        group: SIMULATION, allowed: "true or false", ptx_run: Some(""),
    };
    /// End a launch when one of its blocks, or all together, have executed this many thread-instructions
    "max-instructions" max_instructions: u64 = Number(count) => MAX_INSTRUCTIONS {
        group: SIMULATION, value: "N", allowed: "a number of thread-instructions", ptx_run: Some(""),
        axis: axis(200, "limit", "thread-instructions that a block may execute", ""),
    };
    /// End a stage after this many seconds
    "timeout" timeout: u64 = Number(count) {
        group: SIMULATION, value: "SECONDS", allowed: "a number of seconds",
        axis: axis(230, "timeout", "seconds that a stage may take; the trial counts as failed then", ""),
    };

    /// Count what the numbers of these kernels do, by PTX line: exponents, overflow, underflow, cancellation, ... K is
    /// a pattern over kernel names as policies have them (default: all kernels)
    "observe" observe: String = Text(pattern) => OBSERVE { group: NUMBERS, value: "K", bare: Some("*"), ptx_run: Some("") };
    /// Observe the first of every N launches of a kernel
    "observe-every" observe_every: u64 = Number(from_one) => OBSERVE_EVERY { group: NUMBERS, value: "N", ptx_run: Some("") };
    /// Write observe.json and observe.html, with pictures, into this folder
    "observe-out" observe_out: PathBuf = Path { group: NUMBERS, value: "DIR", ptx_run: Some("") };
    /// Follow every f32 value in binary64 and show how far results are from it, by PTX line (much slower, one thread)
    "shadow" shadow: bool = Flag => SHADOW { group: NUMBERS, ptx_run: Some("") };
    /// Stop a launch at the first result of finite operands that is nan, inf or overflow (several with commas)
    "stop-at" stop_at: String = Text(stop_at) => STOP_AT { group: NUMBERS, value: "WHAT", ptx_run: Some("") };

    /// Write all output to this file too
    "log" log: PathBuf = Path { group: OUTPUT, value: "FILE", allowed: "a file name" };
    /// How the program says its accuracy, if not in a common form: a regular expression whose first group is the number
    /// (or two groups: right answers, answers)
    "accuracy-pattern" accuracy_pattern: Pattern = Text(word) {
        group: OUTPUT, value: "REGEX",
        axis: axis(210, "accuracy from", "how the program says its accuracy: a regular expression with the number in parentheses (or two: right answers, answers)", ""),
    };
    /// How the program says its loss
    "loss-pattern" loss_pattern: Pattern = Text(word) {
        group: OUTPUT, value: "REGEX", axis: axis(220, "loss from", "how it says its loss", ""),
    };
    /// Print where the time went: kernels, and their costliest PTX lines (the run takes a few percent longer)
    "profile" profile: bool = Flag => PROFILE { group: OUTPUT };

    no options:
    /// Name of the binary in the program's folder.
    program: Option<String>;
    /// Stages to do, sorted.
    stages: Option<Vec<Stage>>;
    /// Data sets that training needs.
    needs: Vec<String>;
    /// More environment for the program.
    env: Vec<(String, String)>;
    /// How much the library says.
    words: Words;
}

/// Functional or performance simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What the kernels compute.
    Functional,
    /// How many cycles they take, too.
    Performance,
}

impl Mode {
    /// As PTX_SIM_MODE_FUNC has it.
    pub fn number(self) -> &'static str {
        match self {
            Mode::Functional => "1",
            Mode::Performance => "0",
        }
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(text: &str) -> Result<Mode, String> {
        match text {
            "functional" => Ok(Mode::Functional),
            "performance" => Ok(Mode::Performance),
            _ => Err("the modes are functional and performance".into()),
        }
    }
}
