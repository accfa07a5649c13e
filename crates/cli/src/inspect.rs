//! `vernier inspect`: which exponents and significand widths weights use.

use crate::Result;
use clap::Args;
use std::path::PathBuf;
use vfloat::inspect::Distribution;

#[derive(Args)]
#[command(after_help = "Examples:
  vernier inspect programs/mlp/weights.bin
  vernier inspect values.f32 --tensors")]
pub struct Arguments {
    /// A weights file of a program, numbers as text, or a file of raw little-endian f32 values
    weights: PathBuf,
    /// Show each tensor by itself too
    #[arg(long)]
    tensors: bool,
}

/// Prints the distributions.
pub fn run(arguments: &Arguments) -> Result {
    let weights = run::weights::read(&arguments.weights)?;
    let all: Vec<f32> = weights
        .tensors
        .iter()
        .flat_map(|t| t.values.iter().copied())
        .collect();
    outln!(
        "{}: {} values in {}",
        arguments.weights.display(),
        all.len(),
        weights.encoding
    );
    if let Some(epochs) = weights.epochs {
        outln!("epochs seen: {epochs}");
    }
    for tensor in &weights.tensors {
        let dims: Vec<String> = tensor.dims.iter().map(u32::to_string).collect();
        outln!("  {:<16} {}", tensor.name, dims.join(" x "));
        if arguments.tensors {
            outln!("{}", Distribution::of(&tensor.values));
        }
    }
    let all = Distribution::of(&all);
    outln!("{all}");
    for line in exponent_bits(&all) {
        outln!("{line}");
    }
    Ok(())
}

/// How many exponent bits the values would need: for each number of them the normal exponents of an IEEE format, and which
/// share of the finite values other than zero lies below, in and above.
fn exponent_bits(values: &Distribution) -> Vec<String> {
    let total = values.finite_non_zero();
    let Some((least, most)) = values.exponent_range() else {
        return Vec::new();
    };
    let mut lines = vec![format!(
        "{:>10} {:>14} {:>9} {:>9} {:>9}",
        "exp. bits", "exponents", "below", "normal", "above"
    )];
    let mut enough = None;
    for bits in 2..=8u32 {
        // As the tables above, m * 2^e with 1/2 <= m < 1: 3 - 2^(E-1) to 2^(E-1).
        let (low, high) = (3 - (1 << (bits - 1)), 1 << (bits - 1));
        let share = |within: &dyn Fn(i32) -> bool| {
            let count: u64 = values
                .exponents()
                .filter(|(e, _)| within(*e))
                .map(|(_, n)| n)
                .sum();
            format!("{:.2}%", 100.0 * count as f64 / total as f64)
        };
        lines.push(format!(
            "{bits:>10} {:>14} {:>9} {:>9} {:>9}",
            format!("{low} to {high}"),
            share(&|e| e < low),
            share(&|e| (low..=high).contains(&e)),
            share(&|e| e > high)
        ));
        if least >= low && most <= high {
            enough = enough.or(Some(bits));
        }
    }
    lines.push(match enough {
        Some(bits) => {
            format!("exponents {least} to {most}: with {bits} exponent bits all are normal numbers")
        }
        None => format!("exponents {least} to {most}: with 8 exponent bits some are subnormal"),
    });
    lines
}
