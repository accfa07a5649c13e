//! `vernier ptx ir`: what a kernel becomes before code is made for it.

use crate::library::Library;
use crate::{Result, ptx_check, ptx_run};
use backend::Dim3;
use clap::Args;
use ir::Pass;
use std::path::PathBuf;
use tell::Error;

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The PTX file
    file: PathBuf,
    /// The kernel, by its (mangled) name; needed when the file has several
    #[arg(long, value_name = "K")]
    kernel: Option<String>,
    /// The last pass before it is shown: translate, or analyse
    #[arg(long, value_name = "PASS", default_value = "analyse", value_parser = pass)]
    after: Pass,
    /// Threads of a block, X, X,Y or X,Y,Z: what is the same in all lanes depends on it
    #[arg(long, value_name = "X[,Y[,Z]]", default_value = "256", value_parser = ptx_run::dim3)]
    block: Dim3,
}

const HELP: &str = "One instruction a line, with the line of the PTX text behind it where it begins. Those marked + were made along the
way and do not count. Registers show their class where they are written (pred, b32, b64) and, after the pass analyse, whether
they are uniform (one value for all lanes) or affine (lane*4: the value of lane 0 plus 4 for each lane).

Example:
  vernier ptx ir saxpy.ptx --kernel saxpy --after translate";

fn pass(text: &str) -> std::result::Result<Pass, String> {
    let known = Pass::ALL.iter().find(|(name, _)| *name == text);
    let names: Vec<&str> = Pass::ALL.iter().map(|(name, _)| *name).collect();
    known
        .map(|(_, pass)| *pass)
        .ok_or_else(|| format!("the passes are {}", names.join(", ")))
}

/// Prints the kernel.
pub fn run(arguments: &Arguments) -> Result {
    let ptx = ptx_check::parse(&arguments.file)?;
    let kernel = ptx_run::pick(&ptx, &arguments.file, arguments.kernel.as_deref())?;
    let pass = Pass::ALL.iter().find(|(_, pass)| *pass == arguments.after);
    let pass = pass.map_or("", |(name, _)| name);
    let library = Library::of_command()?;
    let text = library
        .ir(&ptx.source.name, &ptx.source.text, &kernel, pass, arguments.block)
        .map_err(|reason| Error::failed(run::launch::strip(&reason), ""))?;
    outln!("kernel {kernel}\n{}", text.trim_end());
    Ok(())
}
