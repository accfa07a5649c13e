//! `vernier ptx run`: one kernel of a bare PTX file on files of raw values, without a program around it.

use crate::Result;
use crate::library::Library;
use crate::options::{self, Options};
use crate::ptx_check;
use crate::run::LIBRARY;
use backend::Dim3;
use clap::Args;
use ptx::ast::{Function, Module};
use record::variables::{self, Override};
use run::child::{self, Exit, Job};
use run::folder::Folder;
use run::output::Output;
use run::settings::Settings;
use run::totals::{self, Totals};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tell::Error;
use vfloat::Format;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    kernel: Kernel,
    #[command(flatten)]
    options: Options<options::PtxRun>,
}

/// A launch of a kernel of a file.
#[derive(Args)]
pub struct Kernel {
    /// The PTX file
    file: PathBuf,
    /// The kernel, by its (mangled) name; needed when the file has several
    #[arg(long, value_name = "K")]
    kernel: Option<String>,
    /// Blocks: X, X,Y or X,Y,Z
    #[arg(long, value_name = "X[,Y[,Z]]", value_parser = dim3)]
    grid: Dim3,
    /// Threads of a block: X, X,Y or X,Y,Z
    #[arg(long, value_name = "X[,Y[,Z]]", value_parser = dim3)]
    block: Dim3,
    /// Dynamic shared memory, bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    shared: u32,
    /// A parameter of the kernel, in order; see below
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    args: Vec<Argument>,
}

const HELP: &str = "Parameters:
  u8: u16: u32: u64: s8: s16: s32: s64: b8: b16: b32: b64: f32: f64:   a number, as in u32:5 or f32:1.5
                      (b types and 0x: bits; integers also hexadecimal)
  in:FILE             a device buffer with the file's bytes
  out:BYTES:FILE      a device buffer of zeros, written to the file afterwards
  inout:FILE:FILE     a device buffer with the first file's bytes, written to the second afterwards

Example:
  vernier ptx run saxpy.ptx --kernel saxpy --grid 4 --block 256 --arg u32:1000 --arg f32:2.5 \\
      --arg in:x.f32 --arg inout:y.f32:result.f32 --format bf16 --override vf32";

/// Blocks or threads: X, X,Y or X,Y,Z.
pub fn dim3(text: &str) -> std::result::Result<Dim3, String> {
    let parts: Vec<Option<u32>> = text
        .split(',')
        .map(|p| p.trim().parse().ok().filter(|n| *n > 0))
        .collect();
    match parts[..] {
        [Some(x)] => Ok(Dim3 { x, y: 1, z: 1 }),
        [Some(x), Some(y)] => Ok(Dim3 { x, y, z: 1 }),
        [Some(x), Some(y), Some(z)] => Ok(Dim3 { x, y, z }),
        _ => Err("expected one, two or three numbers above 0: X, X,Y or X,Y,Z".into()),
    }
}

/// What a parameter is given.
#[derive(Clone, Debug)]
enum Argument {
    /// The bytes of a number.
    Scalar(String, Vec<u8>),
    /// A buffer: initial content from a file, size if there is none, where to write it.
    Buffer {
        text: String,
        from: Option<PathBuf>,
        bytes: u64,
        to: Option<PathBuf>,
    },
}

/// The little-endian bytes of a number of a type.
type ToBytes = fn(&str) -> Option<Vec<u8>>;

/// Number types of arguments.
const SCALARS: [(&str, ToBytes); 14] = [
    ("u8", |t| integer(t, 0, u8::MAX.into(), 1)),
    ("u16", |t| integer(t, 0, u16::MAX.into(), 2)),
    ("u32", |t| integer(t, 0, u32::MAX.into(), 4)),
    ("u64", |t| integer(t, 0, u64::MAX.into(), 8)),
    ("s8", |t| integer(t, i8::MIN.into(), i8::MAX.into(), 1)),
    ("s16", |t| integer(t, i16::MIN.into(), i16::MAX.into(), 2)),
    ("s32", |t| integer(t, i32::MIN.into(), i32::MAX.into(), 4)),
    ("s64", |t| integer(t, i64::MIN.into(), i64::MAX.into(), 8)),
    ("b8", |t| integer(t, i8::MIN.into(), u8::MAX.into(), 1)),
    ("b16", |t| integer(t, i16::MIN.into(), u16::MAX.into(), 2)),
    ("b32", |t| integer(t, i32::MIN.into(), u32::MAX.into(), 4)),
    ("b64", |t| integer(t, i64::MIN.into(), u64::MAX.into(), 8)),
    ("f32", |t| {
        bits(t, 4).or_else(|| Some(t.parse::<f32>().ok()?.to_le_bytes().into()))
    }),
    ("f64", |t| {
        bits(t, 8).or_else(|| Some(t.parse::<f64>().ok()?.to_le_bytes().into()))
    }),
];

fn integer(text: &str, low: i128, high: i128, size: usize) -> Option<Vec<u8>> {
    let value = match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok()?,
        None => text.parse().ok()?,
    };
    (low..=high)
        .contains(&value)
        .then(|| value.to_le_bytes()[..size].to_vec())
}

fn bits(text: &str, size: usize) -> Option<Vec<u8>> {
    integer(
        text.strip_prefix("0x").map(|_| text)?,
        0,
        (1 << (8 * size)) - 1,
        size,
    )
}

impl FromStr for Argument {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Argument, String> {
        let (kind, rest) = text
            .split_once(':')
            .ok_or("expected TYPE:VALUE, in:FILE, out:BYTES:FILE or inout:FILE:FILE")?;
        let buffer = |from: Option<&str>, bytes: u64, to: Option<&str>| Argument::Buffer {
            text: text.into(),
            from: from.map(PathBuf::from),
            bytes,
            to: to.map(PathBuf::from),
        };
        if let Some((_, to_bytes)) = SCALARS.iter().find(|(name, _)| *name == kind) {
            let bytes = to_bytes(rest).ok_or_else(|| format!("`{rest}` is no value of type {kind}"))?;
            return Ok(Argument::Scalar(text.into(), bytes));
        }
        match (kind, rest.split_once(':')) {
            ("in", _) => Ok(buffer(Some(rest), 0, None)),
            ("out", Some((bytes, to))) => {
                let bytes = bytes
                    .parse()
                    .map_err(|_| format!("`{bytes}` is no number of bytes"))?;
                Ok(buffer(None, bytes, Some(to)))
            }
            ("out", None) => Err("expected out:BYTES:FILE".into()),
            ("inout", Some((from, to))) => Ok(buffer(Some(from), 0, Some(to))),
            ("inout", None) => Err("expected inout:FILE:FILE".into()),
            _ => {
                let types: Vec<&str> = SCALARS.iter().map(|(name, _)| *name).collect();
                Err(format!(
                    "`{kind}` is none of {}, in, out and inout",
                    types.join(", ")
                ))
            }
        }
    }
}

impl Argument {
    fn text(&self) -> &str {
        match self {
            Argument::Scalar(text, _) | Argument::Buffer { text, .. } => text,
        }
    }
}

/// Runs the kernel in a process of its own, as any program runs, and says what its record says.
pub fn run(arguments: &Arguments) -> Result {
    let mut settings = arguments.options.settings()?;
    let wanted = &arguments.kernel;
    let module = ptx_check::parse(&wanted.file)?;
    let name = pick(&module, &wanted.file, wanted.kernel.as_deref())?;
    let buffers = check(&wanted.args, &module, &name)?;
    check_outputs(&buffers)?;
    // What the file says, unless something else is asked for.
    settings.r#override.get_or_insert(Override::None);
    let here = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
    let library = run::library::folder(&run::library::place(LIBRARY)?)?;
    let launch = run::launch::prepare(&settings, &here, &library)?;
    let folder = Folder::create(None, "ptx-run")?;
    let record = folder.stage("launch")?;
    let mut env = launch.env;
    env.push((variables::RUN_DIR.name().into(), record.clone().into()));
    env.push((variables::PTX_OUT.name().into(), "none".into()));
    let job = Job {
        program: std::env::current_exe()
            .map_err(|e| Error::file("find", "the vernier command", &e))?
            .into(),
        args: words(wanted, &name),
        env,
        input: true,
        ..Job::default()
    };
    let output = Output::new(None, false)?;
    let ended = child::run(&job, &output, |elapsed: Duration| {
        totals::progress_line(&record, "launch", elapsed.as_secs_f64())
    })?;
    let mut totals = Totals::default();
    totals.read(&record)?;
    output.finish()?;
    if ended.exit != Exit::Code(0) {
        return Err(Error::Stage {
            message: format!("kernel `{name}` did not end well: {}", ended.exit),
            code: ended.exit.code(),
        });
    }
    tell(&settings, &name, &mut totals)
}

/// The arguments by which this command becomes the program that launches the kernel.
fn words(wanted: &Kernel, name: &str) -> Vec<OsString> {
    let dims = |d: Dim3| OsString::from(format!("{},{},{}", d.x, d.y, d.z));
    let mut words: Vec<OsString> = ["ptx", "launch", "--kernel", name, "--grid"]
        .map(Into::into)
        .into();
    words.push(dims(wanted.grid));
    words.push("--block".into());
    words.push(dims(wanted.block));
    words.extend(["--shared".into(), wanted.shared.to_string().into()]);
    for argument in &wanted.args {
        words.extend(["--arg".into(), argument.text().into()]);
    }
    words.extend(["--".into(), wanted.file.clone().into()]);
    words
}

/// Shows and writes what the record says of the launch.
fn tell(settings: &Settings, kernel: &str, totals: &mut Totals) -> Result {
    if options::counts(settings) {
        totals.complete_observations();
        for line in report::observe::tables(totals) {
            errln!("vernier: {line}");
        }
        if let Some(folder) = &settings.observe_out {
            report::observe::write(folder, kernel, totals)?;
        }
    }
    let said = record::Numerics::read(&record::environment::of_process);
    let said = said.map_err(|e| Error::failed(e.to_string(), ""))?;
    let named = settings.format.as_ref().map(|named| named.format);
    errln!(
        "vernier: kernel {kernel}, format {}: {} thread-instructions ({} in variable format) in {:.3} s",
        named.or(said.format).unwrap_or(Format::FP32),
        tell::number::grouped(totals.counts.thread_instructions),
        tell::number::grouped(totals.counts.variable_instructions),
        totals.kernel_seconds
    );
    Ok(())
}

/// `vernier ptx launch`: the program that `ptx run` starts. It uses the CUDA driver's interface, as others do.
pub fn launch(wanted: &Kernel) -> Result {
    let library = Library::of_command()?;
    library.start()?;
    let name = wanted.kernel.as_deref().unwrap_or_default();
    let function = told(library.function(&wanted.file, name));
    let (mut values, mut written) = (Vec::new(), Vec::new());
    for argument in &wanted.args {
        match argument {
            Argument::Scalar(_, bytes) => values.push(bytes.clone()),
            Argument::Buffer { from, bytes, to, .. } => {
                let content = match from {
                    Some(path) => fs::read(path).map_err(|e| Error::file("read", path, &e))?,
                    None => vec![0; *bytes as usize],
                };
                let address = library.buffer(&content)?;
                written.extend(to.clone().map(|path| (address, content.len(), path)));
                values.push(address.to_le_bytes().to_vec());
            }
        }
    }
    told(library.launch(function, wanted.grid, wanted.block, wanted.shared, &values));
    for (address, bytes, path) in written {
        let content = library.content(address, bytes)?;
        fs::write(&path, content).map_err(|e| Error::file("write", &path, &e))?;
    }
    Ok(())
}

/// Of what is refused or faults the library has said why already: then this process ends without another word.
fn told<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|_| std::process::exit(1))
}

/// The kernel asked for, or the only one there is.
pub fn pick(module: &Module, file: &Path, kernel: Option<&str>) -> Result<String> {
    let kernels: Vec<&str> = module.kernels().map(|f| f.name.name.as_str()).collect();
    let file = file.display();
    match (kernel, &kernels[..]) {
        (Some(name), all) if all.contains(&name) => Ok(name.to_string()),
        (_, []) => Err(Error::failed(format!("{file} has no kernel (.entry)"), "")),
        (Some(name), all) => {
            let advice = tell::suggest::advice(name, all.iter().copied());
            Err(Error::failed(format!("{file} has no kernel `{name}`"), advice))
        }
        (None, [only]) => Ok((*only).to_string()),
        (None, all) => Err(Error::Usage(format!(
            "{file} has {} kernels\n  = help: choose with --kernel: {}",
            all.len(),
            all.join(", ")
        ))),
    }
}

/// Checks that the arguments fit the kernel and that their files can be read; those to write afterwards.
fn check(args: &[Argument], module: &Module, kernel: &str) -> Result<Vec<PathBuf>> {
    let params = module.function(kernel).map_or(&[][..], |f: &Function| &f.params);
    let sizes: Vec<u64> = params.iter().map(|p| p.bytes().unwrap_or(0)).collect();
    if args.len() != sizes.len() {
        let shown: Vec<String> = sizes.iter().map(|size| format!("{size} bytes")).collect();
        let shown = match shown.is_empty() {
            true => String::new(),
            false => format!(" ({})", shown.join(", ")),
        };
        return Err(Error::Usage(format!(
            "kernel `{kernel}` has {} parameters{shown}, but --arg was given {} times",
            sizes.len(),
            args.len()
        )));
    }
    let mut written = Vec::new();
    for (n, (arg, size)) in args.iter().zip(sizes).enumerate() {
        let bytes = match arg {
            Argument::Scalar(_, bytes) => bytes.len() as u64,
            Argument::Buffer { from, to, .. } => {
                if let Some(path) = from {
                    fs::File::open(path).map_err(|e| Error::file("read", path, &e))?;
                }
                written.extend(to.clone());
                8
            }
        };
        if bytes != size {
            return Err(Error::Usage(format!(
                "--arg {} is {bytes} bytes, but parameter {n} of kernel `{kernel}` has {size}",
                arg.text()
            )));
        }
    }
    Ok(written)
}

/// A kernel may run for an hour: files that cannot be written are found out before.
fn check_outputs(written: &[PathBuf]) -> Result {
    for path in written {
        let parent = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        if !parent.is_dir() {
            return Err(Error::failed(
                format!("cannot write {}: its folder is not there", path.display()),
                "create it",
            ));
        }
    }
    Ok(())
}
