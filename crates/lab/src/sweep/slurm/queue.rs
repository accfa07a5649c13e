//! Slurm's own commands: how much there is, hand an array in, what became of its tasks, end it.
//!
//! Tasks are known by the *name* of their array, not by its number: a name is chosen before the array is handed in, so
//! that tasks are found again even when the process that handed them in was killed before it read the number.

use super::Cluster;
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use tell::error::{Error, io_reason};

/// A task of an array: the array's name, and the task's number in it.
pub(super) type TaskName = (String, usize);

/// What Slurm says of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// `RUNNING`, `PENDING`, `NODE_FAIL`, ...
    pub state: String,
    /// Why, in Slurm's words; `None` is one of them.
    pub reason: String,
    /// Where it runs or ran; may be empty.
    pub nodes: String,
}

/// States that a job does not leave again (squeue's manual, "JOB STATE CODES").
const ENDED: &[&str] = &[
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
];

/// Reasons for waiting that pass by themselves.
const PASSING: &[&str] = &[
    "None",
    "Resources",
    "Priority",
    "JobArrayTaskLimit",
    "BeginTime",
    "Cleaning",
    "Prolog",
];

impl Status {
    /// Nothing more comes from it.
    pub fn has_ended(&self) -> bool {
        ENDED.contains(&self.state.as_str())
    }

    /// Why it waits, if that is no ordinary reason.
    pub fn odd_reason(&self) -> Option<&str> {
        let waits = self.state == "PENDING" && !PASSING.contains(&self.reason.as_str());
        waits.then_some(&self.reason)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.state)?;
        if self.reason != "None" {
            write!(f, " ({})", self.reason)?;
        }
        if !self.nodes.is_empty() {
            write!(f, " on {}", self.nodes)?;
        }
        Ok(())
    }
}

/// Runs one of Slurm's commands and gives what it printed. It has a process group of its own, so that Ctrl-C does not
/// end it half-way.
///
/// # Errors
/// It is not there, or refused; the message is Slurm's.
fn ask(program: &str, args: &[String]) -> Result<String, Error> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .process_group(0)
        .output();
    let output = output.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::failed(
            format!("there is no `{program}` on this machine: --slurm needs Slurm's commands"),
            "run this on a login node of the cluster, or leave --slurm away to run the trials here",
        ),
        _ => Error::failed(format!("cannot run {program}: {}", io_reason(&e)), ""),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words: Vec<&str> = words.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let words = match words[..] {
        [] => format!("{program} ended with {}", output.status),
        _ => words.join("; "),
    };
    Err(Error::failed(
        format!("Slurm says: {words}"),
        "`sinfo` shows partitions and their limits; `scontrol ping`, whether the controller answers",
    ))
}

/// Processors of the partition, or of all.
///
/// # Errors
/// Slurm is not there, or does not answer.
pub(super) fn processors(cluster: &Cluster) -> Result<usize, Error> {
    let mut args = vec!["-h".to_string(), "-o".into(), "%C".into()];
    if let Some(partition) = &cluster.partition {
        args.extend(["-p".into(), partition.clone()]);
    }
    Ok(total(&ask("sinfo", &args)?))
}

/// The last number of `allocated/idle/other/total`, over all lines.
fn total(text: &str) -> usize {
    text.lines()
        .filter_map(|l| l.trim().rsplit('/').next()?.parse::<usize>().ok())
        .sum()
}

/// Hands in an array of `tasks` tasks that each run `command` (of the shell).
///
/// # Errors
/// Slurm refuses it.
pub(super) fn submit(
    cluster: &Cluster,
    name: &str,
    tasks: usize,
    logs: &Path,
    command: &str,
) -> Result<(), Error> {
    let together = cluster.jobs.map_or(String::new(), |n| format!("%{n}"));
    let mut args = vec![
        "--parsable".to_string(),
        // The key of a trial depends on our variables.
        "--export=ALL".into(),
        // We hand in again what is missing: nothing is counted twice, and nothing waits for Slurm's delay.
        "--no-requeue".into(),
        "--ntasks=1".into(),
        format!("--cpus-per-task={}", cluster.threads),
        format!("--job-name={name}"),
        format!("--output={}/{name}-%a.log", logs.display()),
        format!("--array=0-{}{together}", tasks - 1),
    ];
    args.extend(cluster.partition.iter().map(|p| format!("--partition={p}")));
    args.extend(cluster.time.iter().map(|t| format!("--time={t}")));
    args.extend(cluster.options.iter().cloned());
    args.push(format!("--wrap={command}"));
    ask("sbatch", &args).map(drop)
}

/// What Slurm knows of the tasks of these arrays. It forgets tasks some minutes after their end.
///
/// # Errors
/// Slurm does not answer.
pub(super) fn look(arrays: &[String]) -> Result<BTreeMap<TaskName, Status>, Error> {
    let args = [
        "-h",
        "-r",
        "-t",
        "all",
        "-o",
        "%j|%K|%T|%r|%N",
        "-n",
        &arrays.join(","),
    ];
    ask("squeue", &args.map(str::to_string)).map(|text| tasks(&text))
}

/// The lines of [`look`].
fn tasks(text: &str) -> BTreeMap<TaskName, Status> {
    let task = |line: &str| {
        let mut parts = line.trim().split('|');
        let name = parts.next()?.to_string();
        // Tasks that were cancelled before they began have no number any more.
        let number = parts.next()?.parse().ok()?;
        let mut word = || parts.next().map(str::to_string);
        let status = Status {
            state: word()?,
            reason: word()?,
            nodes: word().unwrap_or_default(),
        };
        Some(((name, number), status))
    };
    text.lines().filter_map(task).collect()
}

/// Ends all tasks of these arrays.
///
/// # Errors
/// Slurm does not answer.
pub(super) fn cancel(arrays: &[String]) -> Result<(), Error> {
    arrays
        .iter()
        .try_for_each(|name| ask("scancel", &[format!("--name={name}")]).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squeue_and_sinfo_print_is_understood() {
        let text = "v-1|0|RUNNING|None|n1\nv-1|N/A|CANCELLED|None|\nv-1|2|NODE_FAIL|NodeDown|n2\n\
                    v-2|0|PENDING|PartitionTimeLimit|\n";
        let tasks = tasks(text);
        let of = |name: &str, n| &tasks[&(name.to_string(), n)];
        assert_eq!(tasks.len(), 3);
        assert!(!of("v-1", 0).has_ended() && of("v-1", 0).odd_reason().is_none());
        assert!(of("v-1", 2).has_ended());
        assert_eq!(of("v-1", 2).to_string(), "NODE_FAIL (NodeDown) on n2");
        assert_eq!(of("v-2", 0).odd_reason(), Some("PartitionTimeLimit"));
        assert_eq!(total("4/0/0/4\n1/2/3/16\n"), 20);
        assert_eq!(total(""), 0);
    }
}
