//! `vernier ptx dump`: the PTX that a binary carries.

use crate::Result;
use clap::Args;
use std::fs;
use std::path::PathBuf;
use tell::Error;

#[derive(Args)]
#[command(after_help = "Examples:
  vernier ptx dump programs/mlp/mlp
  vernier ptx dump programs/mlp/mlp -o ptx/")]
pub struct Arguments {
    /// An executable or shared object that nvcc linked
    binary: PathBuf,
    /// Write one file per module here, named as cuobjdump names them; without it everything goes to standard output
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Writes the PTX of every module, the highest architecture of each.
pub fn run(arguments: &Arguments) -> Result {
    let containers = fatbin::executable(&arguments.binary).map_err(failed)?;
    let images = fatbin::best_ptx(&containers).map_err(failed)?;
    let program = arguments.binary.file_name().unwrap_or_default().to_string_lossy();
    let named = images
        .iter()
        .enumerate()
        .map(|(i, image)| (image.file_name(&program, i + 1), &image.text));
    let Some(folder) = &arguments.output else {
        for (name, text) in named {
            outln!("// {name}\n{}", text.trim_end());
        }
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|e| Error::file("create the folder", folder, &e))?;
    for (name, text) in named {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| Error::file("write", &path, &e))?;
        outln!("{}", path.display());
    }
    Ok(())
}

fn failed(error: fatbin::Error) -> Error {
    Error::failed(run::launch::strip(&error.to_string()), "")
}
