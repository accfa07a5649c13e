//! `vernier eval`: single operations, by the reference arithmetic.

use crate::Result;
use clap::Args;
use run::settings::NamedFormat;
use std::io::{BufRead, BufWriter, Write};
use tell::{Error, print, suggest};
use vfloat::{Arithmetic, Outcome, Rounding};

#[derive(Args)]
#[command(override_usage = "vernier eval [OPTIONS] OP FORMAT A [B [C]]\n       vernier eval [OPTIONS] --batch < LINES", after_help = HELP, allow_negative_numbers = true)]
pub struct Arguments {
    /// Operation, with an optional suffix .rn (default), .rz, .rm, .rp, .ra, .ro, .rs or .rsN, and .sat
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    op: Option<String>,
    /// Format: a name, eXmY, or P,EMIN,EMAX
    #[arg(required_unless_present = "batch")]
    format: Option<NamedFormat>,
    /// Operands: decimal, or 0x and the bits of an f32
    #[arg(allow_hyphen_values = true)]
    operands: Vec<String>,
    /// Read lines `OP FORMAT HEX [HEX [HEX]]` and print one 0x%08x per line
    #[arg(long)]
    batch: bool,
    /// How operands are cut to the format: rz, rm, rn, rp, ra or ro
    #[arg(long, value_name = "MODE", default_value = "rz", value_parser = run::options::rounding)]
    input_rounding: Rounding,
    /// The format of accumulators and results of fmam and addm
    #[arg(long, value_name = "FORMAT", default_value = "fp32")]
    accumulate: NamedFormat,
    /// Random bits of stochastic rounding: the low half for the first rounding, the high half for the second
    #[arg(long, value_name = "HEX", default_value = "0", value_parser = random)]
    random: u64,
}

const HELP: &str = "Operations:
  quantize A   R(A): rounded into the format      trunc A      T(A): cut to the format, as operands are
  add sub mul div max min A B                     fma A B C    R(R(T(A)*T(B)) + T(C))
  addm A B     A is an FP32 accumulator            fmam A B C   C is an FP32 accumulator
  neg abs ex2 lg2 sin cos tanh sqrt rsqrt rcp A

Examples:
  vernier eval add bf16 1.5 0.3
  vernier eval fma.rz e5m2 0x3fc00000 -2 0.1
  printf 'mul e4m3 0x3fc00000 0x3e99999a\\n' | vernier eval --batch";

/// An operation: name, number of operands, meaning.
struct Operation {
    name: &'static str,
    operands: usize,
    evaluate: fn(&Arithmetic, [f32; 3]) -> Outcome,
}

const fn operation(
    name: &'static str,
    operands: usize,
    evaluate: fn(&Arithmetic, [f32; 3]) -> Outcome,
) -> Operation {
    Operation {
        name,
        operands,
        evaluate,
    }
}

/// All operations. `trunc`'s suffix is the mode of T; everywhere else a suffix is the mode of R.
const OPERATIONS: [Operation; 21] = [
    operation("quantize", 1, |m, [a, ..]| m.quantize(a)),
    operation("trunc", 1, |m, [a, ..]| m.truncate(a)),
    operation("add", 2, |m, [a, b, _]| m.add(a, b)),
    operation("sub", 2, |m, [a, b, _]| m.sub(a, b)),
    operation("mul", 2, |m, [a, b, _]| m.mul(a, b)),
    operation("div", 2, |m, [a, b, _]| m.div(a, b)),
    operation("fma", 3, |m, [a, b, c]| m.fma(a, b, c)),
    operation("fmam", 3, |m, [a, b, c]| m.fmam(a, b, c)),
    operation("addm", 2, |m, [a, b, _]| m.addm(a, b)),
    operation("max", 2, |m, [a, b, _]| m.max(a, b)),
    operation("min", 2, |m, [a, b, _]| m.min(a, b)),
    operation("neg", 1, |m, [a, ..]| m.neg(a)),
    operation("abs", 1, |m, [a, ..]| m.abs(a)),
    operation("ex2", 1, |m, [a, ..]| m.ex2(a)),
    operation("lg2", 1, |m, [a, ..]| m.lg2(a)),
    operation("sin", 1, |m, [a, ..]| m.sin(a)),
    operation("cos", 1, |m, [a, ..]| m.cos(a)),
    operation("tanh", 1, |m, [a, ..]| m.tanh(a)),
    operation("sqrt", 1, |m, [a, ..]| m.sqrt(a)),
    operation("rsqrt", 1, |m, [a, ..]| m.rsqrt(a)),
    operation("rcp", 1, |m, [a, ..]| m.rcp(a)),
];

/// An operation with its format and modes.
#[derive(Clone, Copy)]
struct Prepared {
    operation: &'static Operation,
    arithmetic: Arithmetic,
}

/// Up to 16 hexadecimal digits, 0x in front or not.
fn random(text: &str) -> std::result::Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|_| "give up to 16 hexadecimal digits".to_string())
}

fn prepare(op: &str, format: vfloat::Format, with: Arithmetic) -> std::result::Result<Prepared, String> {
    let mut words = op.split('.');
    let name = words.next().unwrap_or_default();
    let Some(operation) = OPERATIONS.iter().find(|o| o.name == name) else {
        let advice = suggest::advice(name, OPERATIONS.iter().map(|o| o.name));
        return Err(format!("there is no operation `{name}`\n  = help: {advice}"));
    };
    let mut arithmetic = Arithmetic { format, ..with };
    for suffix in words {
        match suffix.parse::<Rounding>() {
            Ok(mode) if name == "trunc" && !mode.is_stochastic() => arithmetic.input = mode,
            Ok(_) if name == "trunc" => return Err(vfloat::FormatError::StochasticOperands.to_string()),
            Ok(mode) => arithmetic.result = mode,
            Err(_) if suffix == "sat" => arithmetic.saturate = true,
            Err(_) => {
                return Err(format!(
                    "`.{suffix}` of `{op}` is no suffix\n  = help: .rn, .rz, .rm, .rp, .ra, .ro, .rs, .rsN (N random bits) and .sat are"
                ));
            }
        }
    }
    Ok(Prepared {
        operation,
        arithmetic,
    })
}

fn count_error(operation: &Operation, got: usize) -> String {
    let (name, n) = (operation.name, operation.operands);
    format!(
        "`{name}` takes {n} operand{}, not {got}",
        if n == 1 { "" } else { "s" }
    )
}

/// An operand: bits after 0x, or a decimal number rounded to the nearest f32.
fn operand(text: &str) -> std::result::Result<f32, String> {
    let bits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let value = match bits {
        Some(bits) => u32::from_str_radix(bits, 16).ok().map(f32::from_bits),
        None => text.parse().ok(),
    };
    value.ok_or_else(|| {
        format!(
            "`{text}` is no operand\n  = help: give a decimal number, or 0x and up to 8 hexadecimal digits"
        )
    })
}

/// Evaluates one operation, or a stream of them.
pub fn run(arguments: &Arguments) -> Result {
    // All but the format and the result's mode.
    let with = Arithmetic {
        accumulator: arguments.accumulate.format,
        input: arguments.input_rounding,
        random: arguments.random,
        ..Arithmetic::new(vfloat::Format::FP32)
    };
    if arguments.batch {
        return batch(with);
    }
    let (Some(op), Some(format)) = (&arguments.op, &arguments.format) else {
        return Err(Error::Usage(
            "give an operation, a format and operands, or --batch".into(),
        ));
    };
    let prepared = prepare(op, format.format, with).map_err(Error::Usage)?;
    if arguments.operands.len() != prepared.operation.operands {
        return Err(Error::Usage(count_error(
            prepared.operation,
            arguments.operands.len(),
        )));
    }
    let mut values = [0.0; 3];
    for (value, text) in values.iter_mut().zip(&arguments.operands) {
        *value = operand(text).map_err(Error::Usage)?;
    }
    let outcome = (prepared.operation.evaluate)(&prepared.arithmetic, values);
    let flags: Vec<&str> = outcome.status.names().collect();
    outln!("bits   0x{:08x}", outcome.value.to_bits());
    outln!("value  {}", outcome.value);
    outln!(
        "flags  {}",
        if flags.is_empty() {
            "none".to_string()
        } else {
            flags.join(" ")
        }
    );
    Ok(())
}

/// One result per line of standard input; the first line that is wrong ends it.
fn batch(with: Arithmetic) -> Result {
    let stdin = std::io::stdin().lock();
    let mut reader = std::io::BufReader::with_capacity(1 << 16, stdin);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut line = String::new();
    // Most streams use one operation and format for many lines.
    let mut last: Option<(String, Prepared)> = None;
    for number in 1usize.. {
        line.clear();
        let read = reader
            .read_line(&mut line)
            .map_err(|e| Error::file("read", "standard input", &e))?;
        if read == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let value = evaluate_line(&line, with, &mut last);
        let value = value.map_err(|message| {
            // What was computed so far is the user's.
            let _ = out.flush();
            Error::failed(format!("standard input, line {number}: {message}"), "")
        })?;
        if let Err(e) = writeln!(out, "0x{:08x}", value.to_bits()) {
            print::failed(&e);
            return Ok(());
        }
    }
    if let Err(e) = out.flush() {
        print::failed(&e);
    }
    Ok(())
}

fn evaluate_line(
    line: &str,
    with: Arithmetic,
    last: &mut Option<(String, Prepared)>,
) -> std::result::Result<f32, String> {
    let mut words = line.split_ascii_whitespace();
    let (Some(op), Some(format)) = (words.next(), words.next()) else {
        return Err("expected OP FORMAT HEX [HEX [HEX]]".into());
    };
    let same = |key: &str| key.split_once(' ') == Some((op, format));
    let prepared = match last {
        Some((key, prepared)) if same(key) => *prepared,
        _ => {
            let parsed = format.parse::<NamedFormat>()?;
            let prepared = prepare(op, parsed.format, with)?;
            *last = Some((format!("{op} {format}"), prepared));
            prepared
        }
    };
    let (mut values, mut count) = ([0.0; 3], 0);
    for word in words {
        if count < 3 {
            values[count] = operand(word)?;
        }
        count += 1;
    }
    if count != prepared.operation.operands {
        return Err(count_error(prepared.operation, count));
    }
    Ok((prepared.operation.evaluate)(&prepared.arithmetic, values).value)
}
