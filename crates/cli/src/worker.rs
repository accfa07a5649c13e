//! `vernier worker`: what a Slurm task of `vernier sweep --slurm` runs on its node. Nobody types it.

use crate::Result;
use crate::run::LIBRARY;
use clap::Args;
use lab::sweep::slurm;
use run::library;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The spool's folder
    spool: PathBuf,
    /// The array's number in it
    array: usize,
    /// The task's number
    task: usize,
}

/// `vernier worker`.
pub fn run(a: &Arguments) -> Result {
    let library_folder = library::folder(&library::place(LIBRARY)?)?;
    slurm::work(&a.spool, a.array, a.task, &library_folder, |line| {
        errln!("error: {line}");
    })
}
