//! `vernier sweep --slurm` and `vernier search --slurm` on a real Slurm of two nodes, which the tests start on this machine.

#[path = "support/cluster.rs"]
mod cluster;
mod support;

use cluster::{Cluster, NODES};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{folder, log, run, toy, vernier, wait_until};

/// Twelve trials, of which that with five bits fails.
const TWELVE: [&str; 6] = ["sweep", "toy", "--exponent", "8", "--significand", "1..12"];

/// `vernier` as a user of this cluster.
fn on(cluster: &Cluster, dir: &Path, args: &[&str]) -> Command {
    let mut command = vernier(dir);
    command.env("SLURM_CONF", cluster.conf()).args(args);
    command
}

/// Standard error of a command that must end with this code.
fn ends(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

fn start(cluster: &Cluster, dir: &Path, more: &[&str]) -> Child {
    let mut command = on(cluster, dir, &[&TWELVE[..], &["--slurm"], more].concat());
    let output = fs::File::create(dir.join("output")).unwrap();
    command.stdout(Stdio::null()).stderr(output).spawn().unwrap()
}

/// All trials of the store by their keys.
fn trials(dir: &Path) -> BTreeMap<String, Value> {
    assert!(run(dir, &["store", "export", "-o", "all.json"]).status.success());
    let text = fs::read_to_string(dir.join("all.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let all = rows.len();
    let trials: BTreeMap<String, Value> = rows
        .into_iter()
        .map(|t| (t["key"].as_str().unwrap().to_string(), t))
        .collect();
    assert_eq!(trials.len(), all);
    trials
}

/// What must not depend on where a trial runs.
fn steady(trials: &BTreeMap<String, Value>) -> Vec<String> {
    let columns = [
        "key", "identity", "format", "status", "message", "accuracy", "command",
    ];
    let row = |t: &Value| columns.map(|c| t[c].to_string()).join(" ");
    trials.values().map(row).collect()
}

fn hosts(trials: &BTreeMap<String, Value>) -> Vec<&str> {
    let mut hosts: Vec<&str> = trials.values().filter_map(|t| t["host"].as_str()).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// What is in the folder of spools.
fn spools(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir.join("runs/slurm")).unwrap();
    entries.map(|e| e.unwrap().path()).collect()
}

#[test]
fn trials_run_on_nodes_and_nothing_is_lost_with_the_submitter() {
    let cluster = Cluster::start("slurm");

    // The results are those of this machine.
    let dir = toy("slurm_results", "0.1");
    let words = ends(&mut on(&cluster, &dir, &[&TWELVE[..], &["--slurm"]].concat()), 0);
    assert!(
        words.contains("12 trials to run, 0 known; 4 at a time"),
        "{words}"
    );
    let theirs = trials(&dir);
    assert_eq!((theirs.len(), log(&dir).len()), (12, 12));
    assert_eq!(hosts(&theirs), NODES);
    assert_eq!(spools(&dir), [] as [std::path::PathBuf; 0]);
    assert!(steady(&theirs).iter().any(|t| t.contains("five is right out")));
    fs::remove_dir_all(dir.join("runs")).unwrap();
    run(&dir, &TWELVE);
    assert_eq!(steady(&theirs), steady(&trials(&dir)));
    let words = ends(&mut on(&cluster, &dir, &[&TWELVE[..], &["--slurm"]].concat()), 0);
    assert!(words.contains("0 trials to run, 12 known"), "{words}");

    refusals(&cluster);
    submitter_killed(&cluster);
    interrupted(&cluster);
    task_killed(&cluster);
}

/// What Slurm refuses is told in its words.
fn refusals(cluster: &Cluster) {
    let dir = toy("slurm_refusals", "0");
    let with = |more: &[&str]| on(cluster, &dir, &[&TWELVE[..], more].concat());
    let words = ends(&mut with(&["--slurm", "--partition", "nowhere"]), 1);
    assert!(words.contains("Invalid partition name specified"), "{words}");
    let words = ends(&mut with(&["--slurm", "--time", "soon"]), 1);
    assert!(words.contains("Invalid --time specification"), "{words}");
    let words = ends(&mut with(&["--slurm", "--sbatch=--nonsense"]), 1);
    assert!(words.contains("--nonsense"), "{words}");
    let words = ends(&mut with(&["--partition", "all"]), 2);
    assert!(words.contains("--slurm"), "{words}");
    let words = ends(&mut with(&["--slurm", "--memory", "1G"]), 2);
    assert!(words.contains("--memory"), "{words}");
    assert_eq!(spools(&dir), [] as [std::path::PathBuf; 0]);
    // Without Slurm, but with what builds the program.
    let tools = dir.join("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["make", "sh", "cp", "chmod"] {
        let path = ["/usr/bin", "/bin"].map(|d| Path::new(d).join(tool));
        let path = path.iter().find(|p| p.exists()).unwrap();
        std::os::unix::fs::symlink(path, tools.join(tool)).unwrap();
    }
    let words = ends(with(&["--slurm"]).env("PATH", &tools), 1);
    assert!(words.contains("there is no `sinfo` on this machine"), "{words}");
    // Nodes that see something else than we do refuse the trial.
    let other = "--sbatch=--export=ALL,VERNIER_SEED=7";
    let one = [
        "sweep",
        "toy",
        "--format",
        "e5m2",
        "--slurm",
        "--retries",
        "0",
        other,
    ];
    let words = ends(&mut on(cluster, &dir, &one), 1);
    assert!(
        words.contains("1 failed") && words.contains("all trials failed"),
        "{words}"
    );
    let all = trials(&dir);
    let message = all.values().next().unwrap()["message"].as_str().unwrap();
    assert!(message.contains("VERNIER_SEED differ"), "{message}");
    assert!(log(&dir).is_empty());
}

/// The submitter is killed: tasks go on, and none of their trials is run a second time.
fn submitter_killed(cluster: &Cluster) {
    let dir = toy("slurm_submitter", "1");
    let mut child = start(cluster, &dir, &[]);
    wait_until("five runs", || log(&dir).len() >= 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let known = trials(&dir).len();
    assert!(known < 12);
    // Some results come while nobody is there.
    let results = spools(&dir)[0].join("results");
    wait_until("results", || fs::read_dir(&results).unwrap().count() > 0);
    ends(&mut on(cluster, &dir, &["sweep", "--resume", "--slurm"]), 0);
    assert_eq!((trials(&dir).len(), log(&dir).len()), (12, 12));
    assert_eq!(spools(&dir), [] as [std::path::PathBuf; 0]);
}

/// Ctrl-C ends the tasks too, and what has ended is kept.
fn interrupted(cluster: &Cluster) {
    let dir = toy("slurm_interrupt", "1");
    let mut child = start(cluster, &dir, &["--jobs", "2"]);
    let words = || fs::read_to_string(dir.join("output")).unwrap();
    wait_until("two results", || words().contains("2/12"));
    // SAFETY: kill has no memory to get wrong; the child has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(
        words().contains("vernier sweep --resume=1 --slurm"),
        "{}",
        words()
    );
    assert_eq!(cluster.ask("squeue", &["-h", "-t", "PENDING,RUNNING"]), "");
    assert_eq!(spools(&dir), [] as [std::path::PathBuf; 0]);
    let (known, ran) = (trials(&dir).len(), log(&dir).len());
    assert!(known < 12 && ran <= known + 2, "{known} of {ran}");
    ends(&mut on(cluster, &dir, &["sweep", "--resume", "--slurm"]), 0);
    assert_eq!((trials(&dir).len(), log(&dir).len()), (12, ran + 12 - known));
}

/// A trial that kills its task is tried again, then kept as failed; the others are not harmed.
fn task_killed(cluster: &Cluster) {
    let dir = toy("slurm_task", "0");
    let script = dir.join("programs/toy/toy.sh");
    let text = fs::read_to_string(&script).unwrap();
    let killer = "[ \"$VF_SIGNIFICAND\" = 8 ] && [ -n \"$SLURM_JOB_ID\" ] && kill -9 $PPID\nsleep 0";
    fs::write(&script, support::edit(&text, "sleep 0", killer)).unwrap();
    // One task at a time, so that tasks have several trials.
    let args = [
        "--slurm",
        "--jobs",
        "1",
        "--retries",
        "1",
        "--sbatch=--comment=toy",
    ];
    let words = ends(&mut on(cluster, &dir, &[&TWELVE[..], &args].concat()), 0);
    let all = trials(&dir);
    assert_eq!(all.len(), 12);
    let failed: Vec<&Value> = all.values().filter(|t| t["status"] == "failed").collect();
    let lost = failed.iter().find(|t| t["format"] == "e8m7").unwrap();
    let message = lost["message"].as_str().unwrap();
    assert!(message.starts_with("its task was lost 2 times"), "{message}");
    assert!(message.contains("Slurm says FAILED"), "{message}");
    assert_eq!(failed.len(), 2, "{words}");
    assert!(words.contains("is lost"), "{words}");
    // Its log is kept, and named.
    let log = message.split("; log ").nth(1).unwrap().lines().next().unwrap();
    assert!(Path::new(log).is_file(), "{message}");
    // Nothing of it is taken for work of the next submitter.
    let words = ends(&mut on(cluster, &dir, &["sweep", "--resume", "--slurm"]), 0);
    assert!(words.contains("0 trials to run"), "{words}");
}

#[test]
fn a_lost_node_and_a_silent_controller_cost_only_time() {
    let mut cluster = Cluster::start("slurm-lost");
    let dir = toy("slurm_lost", "2");
    let mut child = start(&cluster, &dir, &[]);
    wait_until("trials on both nodes", || {
        log(&dir).len() >= 4 && NODES.iter().all(|n| !cluster.processes(n).is_empty())
    });
    cluster.kill_node("n2");
    assert!(child.wait().unwrap().success(), "{}", cluster.logs());
    let words = fs::read_to_string(dir.join("output")).unwrap();
    assert!(words.contains("NODE_FAIL"), "{words}");
    let all = trials(&dir);
    assert_eq!(all.len(), 12, "{words}");
    assert!(log(&dir).len() > 12);
    let failed = all.values().filter(|t| t["status"] == "failed").count();
    assert_eq!(failed, 1, "{words}");
    assert!(hosts(&all).contains(&"n1"));
    assert_eq!(spools(&dir), [] as [std::path::PathBuf; 0]);

    // The controller is away while tasks run.
    let dir = toy("slurm_silent", "1");
    let mut child = start(&cluster, &dir, &[]);
    wait_until("two runs", || log(&dir).len() >= 2);
    cluster.restart_controller(Duration::from_secs(4));
    assert!(child.wait().unwrap().success(), "{}", cluster.logs());
    assert_eq!((trials(&dir).len(), log(&dir).len()), (12, 12));

    // A limit of the partition that tasks can never meet is shown.
    let dir = toy("slurm_limit", "0");
    let mut child = start(&cluster, &dir, &["--partition", "short", "--time", "10"]);
    let words = || fs::read_to_string(dir.join("output")).unwrap();
    wait_until("the reason", || words().contains("PartitionTimeLimit"));
    // SAFETY: as above.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(log(&dir).is_empty());
}

/// Whole batches of a search go to the cluster; what it finds and prints is what it finds here.
#[test]
fn a_search_runs_its_candidates_on_nodes() {
    let cluster = Cluster::start("slurm-search");
    let dir = folder("slurm_search");
    let programs = support::root().join("programs");
    let search = |store: &str, more: &[&str]| {
        let args = [
            "search",
            "mlp",
            "--loss",
            "1",
            "--images",
            "64",
            "--formats",
            "bf16,e4m3",
            "--store",
            store,
        ];
        let mut command = on(&cluster, &dir, &[&args[..], more].concat());
        let output = command.env("VERNIER_PROGRAMS", &programs).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}");
        let text = String::from_utf8(output.stdout).unwrap();
        // The best policy lies beside the store.
        let lines: Vec<String> = text
            .lines()
            .map(|l| l.replace(store.trim_end_matches("/lab.db"), ""))
            .collect();
        (lines.join("\n"), words)
    };
    let (theirs, words) = search("there/lab.db", &["--slurm"]);
    assert!(words.contains("at a time"), "{words}");
    let rows = run(&dir, &["store", "export", "there/lab.db"]);
    let rows = String::from_utf8(rows.stdout).unwrap();
    assert!(NODES.iter().all(|n| rows.contains(&format!(",{n},"))), "{rows}");
    assert_eq!(theirs, search("here/lab.db", &[]).0);
}
