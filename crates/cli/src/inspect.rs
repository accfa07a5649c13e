//! `vernier inspect`: which exponents and significand widths weights use.

use crate::Result;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  vernier inspect programs/mlp/weights.bin
  vernier inspect values.f32 --tensors")]
pub struct Arguments {
    /// A weights file of a program, or a file of raw little-endian f32 values
    weights: PathBuf,
    /// Show each tensor by itself too
    #[arg(long)]
    tensors: bool,
}

/// Prints the distributions.
pub fn run(arguments: &Arguments) -> Result {
    let weights = lab::weights::read(&arguments.weights)?;
    let all: Vec<f32> = weights
        .tensors
        .iter()
        .flat_map(|t| t.values.iter().copied())
        .collect();
    println!(
        "{}: {} values in {}",
        arguments.weights.display(),
        all.len(),
        weights.encoding
    );
    if let Some(epochs) = weights.epochs {
        println!("epochs seen: {epochs}");
    }
    for tensor in &weights.tensors {
        let dims: Vec<String> = tensor.dims.iter().map(u32::to_string).collect();
        println!("  {:<16} {}", tensor.name, dims.join(" x "));
        if arguments.tensors {
            println!("{}", vfloat::inspect::Distribution::of(&tensor.values));
        }
    }
    println!("{}", vfloat::inspect::Distribution::of(&all));
    Ok(())
}
