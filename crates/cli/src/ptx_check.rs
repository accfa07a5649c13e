//! `vernier ptx check`: is a PTX file right, and what is in it.

use crate::Result;
use clap::Args;
use ptx::Checked;
use ptx::ast::Module;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

#[derive(Args)]
#[command(
    after_help = "Exit code 1 when a file does not parse or breaks a rule. Instructions that Vernier does not execute are
listed, but are no error: other kernels of the file run.

Examples:
  vernier ptx check kernels.ptx
  vernier ptx check ptx/*.ptx --quiet"
)]
pub struct Arguments {
    /// PTX files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Say nothing about files that are right
    #[arg(short, long)]
    quiet: bool,
}

/// Checks every file, and fails if one is wrong.
pub fn run(arguments: &Arguments) -> Result {
    let mut wrong = 0;
    for path in &arguments.files {
        match parse(path) {
            Ok(module) => {
                if !arguments.quiet {
                    report(path, &module);
                }
            }
            Err(error) => {
                errln!("error: {error}");
                wrong += 1;
            }
        }
    }
    match (wrong, arguments.files.len()) {
        (0, _) => Ok(()),
        (n, all) => Err(Error::failed(
            format!("{n} of {all} PTX file{} wrong", if all == 1 { "" } else { "s" }),
            "",
        )),
    }
}

/// Reads, parses and checks a PTX file.
pub fn parse(path: &Path) -> Result<Checked> {
    let bytes = fs::read(path).map_err(|e| Error::file("read", path, &e))?;
    if bytes.contains(&0) {
        let what = format!("{} is no text: it has zero bytes", path.display());
        let help = "give a PTX file; `vernier ptx dump BINARY` takes PTX out of a binary";
        return Err(Error::failed(what, help));
    }
    // Comments and file names may be in any encoding.
    let text = String::from_utf8_lossy(&bytes);
    let failed = |e: ptx::Errors| Error::failed(run::launch::strip(&e.to_string()), "");
    let module = ptx::parse(&path.to_string_lossy(), &text).map_err(failed)?;
    let module = ptx::check(module).map_err(failed)?;
    ir::numerics::check(&module).map_err(failed)?;
    Ok(module)
}

/// Functions, and instructions by type and opcode.
fn report(path: &Path, module: &Module) {
    let (major, minor) = module.version;
    outln!(
        "{}: PTX {major}.{minor}, target {}",
        path.display(),
        module.targets.join(", ")
    );
    let mut by_type: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    for function in module.functions() {
        let mut list = Vec::new();
        function.each_instruction(&mut |i| list.push(i));
        if function.body.is_some() {
            let kind = if function.kind == ptx::ast::FunctionKind::Kernel {
                "kernel  "
            } else {
                "function"
            };
            outln!("  {kind} {} ({} instructions)", function.name.name, list.len());
        }
        for i in list {
            let types: Vec<&str> = i.types().map(|t| t.text()).collect();
            let key = if types.is_empty() {
                "(no type)".to_string()
            } else {
                types.join(".")
            };
            *by_type
                .entry(key)
                .or_default()
                .entry(i.opcode.text())
                .or_default() += 1;
        }
        for diagnostic in ptx::unsupported(function) {
            let (line, _) = module.source.position(diagnostic.span.start);
            outln!(
                "           not executed by Vernier, line {line}: {}",
                diagnostic.error
            );
        }
    }
    outln!("  instructions by type:");
    for (ty, opcodes) in &by_type {
        let all: usize = opcodes.values().sum();
        let list: Vec<String> = opcodes.iter().map(|(o, n)| format!("{o} {n}")).collect();
        outln!("    {ty:<12} {all:>6}  {}", list.join(", "));
    }
}
