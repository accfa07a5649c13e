//! `vernier ptx run`: one kernel of a bare PTX file on files of raw values, without a program around it.

use crate::Result;
use crate::options::{self, Options};
use crate::ptx_check;
use clap::Args;
use exec::{
    Arena, Dim3, Engine, Launch, LaunchConfig, Limits, Memory, MemoryKind, Module, Numerics, ParamInfo,
    Probes,
};
use policy::Policy;
use record::variables::Override;
use run::settings::Settings;
use run::totals::Totals;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tell::Error;
use vfloat::Format;

/// Device memory that the kernel's buffers may take, bytes.
pub const MEMORY_BYTES: u64 = 16 << 30;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
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
    #[command(flatten)]
    options: Options<options::PtxRun>,
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

fn failed(message: impl std::fmt::Display) -> Error {
    Error::failed(run::launch::strip(&message.to_string()), "")
}

/// Runs the kernel and writes its buffers.
pub fn run(arguments: &Arguments) -> Result {
    let settings = arguments.options.settings()?;
    let said = record::Numerics::read(&record::environment::of_process).map_err(failed)?;
    let named = settings.format.as_ref().map(|named| named.format);
    let input = settings.input_rounding.or(said.input_rounding);
    let numerics = Numerics {
        format: named.or(said.format).unwrap_or(Format::FP32),
        input: input.unwrap_or(record::Numerics::INPUT_ROUNDING),
    };
    let mut tree = ptx_check::parse(&arguments.file)?;
    if settings.r#override == Some(Override::Vf32) {
        let policy = Policy::short("launch", None).map_err(failed)?;
        let mut rewritten = tree.into_tree();
        let report = policy
            .rewrite_whole(&mut rewritten, &policy.all())
            .map_err(failed)?;
        tree = ptx::check(rewritten).map_err(failed)?;
        let changed = report.functions.iter().filter(|f| f.taken() > 0);
        let list: Vec<String> = changed.map(|f| format!("{} {}", f.name, f.taken())).collect();
        let total: usize = report.functions.iter().map(|f| f.taken()).sum();
        errln!("vernier: overridden: {total} instructions: {}", list.join(", "));
    }
    let memory = Memory::new(MEMORY_BYTES).map_err(failed)?;
    let module = Module::load(tree, &memory).map_err(failed)?;
    let kernel = pick(&module, &arguments.file, arguments.kernel.as_deref())?;
    let info = module.kernel(&kernel).map_err(failed)?;
    let (params, buffers) = parameters(&arguments.args, &kernel, &info.params, info.params_size, &memory)?;
    let config = LaunchConfig {
        grid: arguments.grid,
        block: arguments.block,
        dynamic_shared: arguments.shared,
        cooperative: false,
        random: exec::RandomSource {
            seed: said.seed.unwrap_or(0),
            launch: 0,
        },
    };
    if config.block.count() > u64::from(info.max_threads) {
        let (n, most) = (config.block.count(), info.max_threads);
        return Err(Error::failed(
            format!("a block of {n} threads is too large for kernel `{kernel}`: it takes {most}"),
            "make --block smaller",
        ));
    }
    let threads = settings
        .threads
        .map(|n| n as usize)
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    let limits = Limits {
        instructions: settings.max_instructions,
    };
    let mut engine = Engine::new(threads.unwrap_or(1)).probing(Probes {
        observe: options::observe(&settings),
        ..Probes::default()
    });
    if settings.deterministic == Some(true) {
        engine = engine.in_order();
    }
    let started = std::time::Instant::now();
    let execution = engine
        .launch(
            &memory,
            &module,
            &Launch {
                limits,
                ..Launch::new(&kernel, config, &params, numerics)
            },
        )
        .map_err(failed)?;
    let seconds = started.elapsed().as_secs_f64();
    tell::print::bytes(&execution.output);
    if execution.output_cut {
        tell::errln!("vernier: {}", exec::output_was_cut(&kernel));
    }
    if let Some(trap) = execution.trap {
        return Err(failed(trap));
    }
    for (address, bytes, path) in buffers {
        let mut content = vec![0; bytes as usize];
        memory.read(address, &mut content).map_err(failed)?;
        fs::write(&path, content).map_err(|e| Error::file("write", &path, &e))?;
    }
    report(&settings, &kernel, engine.observations())?;
    let stats = execution.stats;
    errln!(
        "vernier: kernel {kernel}, format {}: {} thread-instructions ({} in variable format) in {seconds:.3} s",
        numerics.format,
        tell::number::grouped(stats.thread_instructions),
        tell::number::grouped(stats.variable_instructions)
    );
    Ok(())
}

/// Shows and writes what was observed.
fn report(settings: &Settings, kernel: &str, observations: Vec<exec::Observation>) -> Result {
    if !options::counts(settings) {
        return Ok(());
    }
    let mut totals = Totals {
        observations: observations.iter().map(record::Observation::from).collect(),
        ..Totals::default()
    };
    totals.complete_observations();
    for line in report::observe::tables(&totals) {
        errln!("vernier: {line}");
    }
    match &settings.observe_out {
        Some(folder) => report::observe::write(folder, kernel, &totals),
        None => Ok(()),
    }
}

/// The kernel asked for, or the only one there is.
pub fn pick(module: &Module, file: &Path, kernel: Option<&str>) -> Result<String> {
    let kernels = module.kernels();
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

/// A buffer to write: address, bytes, file.
type Written = (u64, u64, PathBuf);

/// The parameter block, and the buffers to write afterwards.
fn parameters(
    args: &[Argument],
    kernel: &str,
    params: &[ParamInfo],
    size: usize,
    memory: &Memory,
) -> Result<(Vec<u8>, Vec<Written>)> {
    if args.len() != params.len() {
        let sizes: Vec<String> = params.iter().map(|p| format!("{} bytes", p.size)).collect();
        let sizes = if sizes.is_empty() {
            String::new()
        } else {
            format!(" ({})", sizes.join(", "))
        };
        let message = format!(
            "kernel `{kernel}` has {} parameters{sizes}, but --arg was given {} times",
            params.len(),
            args.len()
        );
        return Err(Error::Usage(message));
    }
    let mut block = vec![0; size];
    let mut written = Vec::new();
    for (n, (arg, param)) in args.iter().zip(params).enumerate() {
        let (text, bytes) = match arg {
            Argument::Scalar(text, bytes) => (text, bytes.clone()),
            Argument::Buffer {
                text,
                from,
                bytes,
                to,
            } => {
                let content = match from {
                    Some(path) => fs::read(path).map_err(|e| Error::file("read", path, &e))?,
                    None => Vec::new(),
                };
                let length = if from.is_some() {
                    content.len() as u64
                } else {
                    *bytes
                };
                let address = memory.allocate(length, MemoryKind::Device).map_err(failed)?;
                memory.write(address, &content).map_err(failed)?;
                written.extend(to.clone().map(|path| (address, length, path)));
                (text, address.to_le_bytes().to_vec())
            }
        };
        if bytes.len() != param.size {
            return Err(Error::Usage(format!(
                "--arg {text} is {} bytes, but parameter {n} of kernel `{kernel}` has {}",
                bytes.len(),
                param.size
            )));
        }
        block[param.offset..param.offset + param.size].copy_from_slice(&bytes);
    }
    check_outputs(&written)?;
    Ok((block, written))
}

/// A kernel may run for an hour: files that cannot be written are found out before.
fn check_outputs(written: &[Written]) -> Result {
    for (_, _, path) in written {
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
