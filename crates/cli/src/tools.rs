//! `vernier toolchain` and `vernier data`.

use crate::Result;
use clap::{Args, Subcommand};
use run::toolchain::{self, Origin};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  vernier toolchain
  make NVCC=$(vernier toolchain --path)")]
pub struct ToolchainArguments {
    /// Print nothing but nvcc's path
    #[arg(long)]
    path: bool,
}

#[derive(Subcommand)]
pub enum DataCommand {
    /// MNIST, the training set of mlp and cnn (11 MB to fetch, 55 MB unpacked)
    Mnist(MnistArguments),
}

#[derive(Args)]
pub struct MnistArguments {
    /// Put the files here instead of the cache
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Finds or installs nvcc.
pub fn toolchain(arguments: &ToolchainArguments) -> Result {
    let tools = toolchain::get()?;
    let version = tools.version()?;
    if arguments.path {
        outln!("{}", tools.nvcc.display());
        return Ok(());
    }
    let origin = match tools.origin {
        Origin::CudaHome => "found by CUDA_HOME",
        Origin::Path => "found in PATH",
        Origin::Cache => "installed by Vernier from NVIDIA's Python wheels",
    };
    outln!("nvcc       {}", tools.nvcc.display());
    outln!("version    {version}");
    outln!("CUDA_HOME  {}", tools.home.display());
    outln!("origin     {origin}");
    Ok(())
}

/// Finds or fetches a data set.
pub fn data(command: &DataCommand) -> Result {
    let DataCommand::Mnist(arguments) = command;
    let folder = run::data::mnist(arguments.dir.as_deref())?;
    outln!("{}", folder.display());
    Ok(())
}
