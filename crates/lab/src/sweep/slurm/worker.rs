//! What a task does on its node: its trials, one after the other, each result into the spool.

use super::spool::{Sent, Spool};
use crate::store::Trial;
use crate::sweep::trial::{Hashes, Planned};
use run::child;
use run::program::Program;
use std::path::Path;
use tell::Error;

/// Runs the trials of task `task` of array `number`. `say` gets what is wrong with single trials.
///
/// # Errors
/// The spool cannot be read or written; a signal came (its trial is lost, and no other); some trial could not be run
/// on this node. The trials that have a result are no part of that.
pub fn work(
    spool: &Path,
    number: usize,
    task: usize,
    library_folder: &Path,
    say: impl Fn(&str),
) -> Result<(), Error> {
    child::be_patient();
    let spool = Spool::at(spool);
    let array = spool.read(number)?;
    let trials = array.tasks.get(task).ok_or_else(|| {
        Error::failed(
            format!(
                "array {number} of {} has no task {task}",
                spool.folder().display()
            ),
            "",
        )
    })?;
    let hashes = Hashes::default();
    let mut faults = 0;
    for sent in trials {
        if child::caught().is_none() {
            spool.begin(&sent.row.key, "")?;
            match trial(sent, library_folder, array.threads, &hashes) {
                Ok(Some(row)) => spool.put(&row)?,
                Ok(None) => {}
                Err(e) => {
                    faults += 1;
                    say(&e.to_string());
                    spool.begin(&sent.row.key, &e.to_string())?;
                }
            }
        }
        if let Some(signal) = child::caught() {
            return Err(Error::Stage {
                message: format!("ended by signal {signal}"),
                code: 128 + signal,
            });
        }
    }
    match faults {
        0 => Ok(()),
        n => Err(Error::failed(
            format!("{n} of {} trials could not be run on this node", trials.len()),
            "",
        )),
    }
}

/// The node's name in Slurm.
fn node() -> String {
    let name = std::env::var("SLURMD_NODENAME").ok().filter(|n| !n.is_empty());
    name.unwrap_or_else(crate::store::host)
}

/// Runs one. `None`: a signal came.
fn trial(
    sent: &Sent,
    library_folder: &Path,
    threads: usize,
    hashes: &Hashes,
) -> Result<Option<Trial>, Error> {
    let program = Program::find(&sent.program.to_string_lossy())?;
    let mut planned = Planned::new(&sent.point, &program, library_folder, hashes)?;
    if planned.row.key != sent.row.key {
        let differences = differences(&sent.row.identity, &planned.row.identity);
        return Err(Error::failed(
            format!(
                "the node {} sees another trial than the machine that sent it: {differences}",
                node()
            ),
            "programs, weights, the vernier command and the cache folder must lie on a disk that all nodes share",
        ));
    }
    planned.row.sweep = sent.row.sweep;
    planned.row.host = node();
    planned.run(library_folder, threads)
}

/// The names of what differs between two identities.
fn differences(ours: &str, theirs: &str) -> String {
    let only = |a: &str, b: &str| -> Vec<String> {
        let name = |l: &str| l.split('=').next().unwrap_or_default().to_string();
        a.lines()
            .filter(|l| !b.lines().any(|m| m == *l))
            .map(name)
            .collect()
    };
    let mut names = only(ours, theirs);
    names.extend(only(theirs, ours));
    names.sort();
    names.dedup();
    format!("{} differ", names.join(", "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn differences_are_named_once() {
        assert_eq!(super::differences("a=1\nb=2\n", "a=1\nb=3\nc=4\n"), "b, c differ");
    }
}
