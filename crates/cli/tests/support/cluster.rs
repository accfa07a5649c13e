//! A Slurm of our own on this machine: a controller and two nodes of two processors, without munge, as the user who
//! runs the test (root or not), on ports that are free, with its files in a temporary folder. It ends with the value.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running Slurm.
pub struct Cluster {
    folder: PathBuf,
    controller: Option<Child>,
    nodes: Vec<(&'static str, Child)>,
}

/// What the nodes are called.
pub const NODES: [&str; 2] = ["n1", "n2"];

/// Finds one of Slurm's programs; daemons lie in sbin, which is not in every PATH.
fn program(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
    let found = path
        .split(':')
        .map(|d| Path::new(d).join(name))
        .find(|p| p.is_file());
    found.unwrap_or_else(|| {
        panic!("this test needs Slurm: there is no {name} (Debian, Ubuntu: apt-get install slurmctld slurmd slurm-client)")
    })
}

fn word(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

impl Cluster {
    /// Starts it and waits until both nodes are idle.
    pub fn start(name: &str) -> Cluster {
        let folder = std::env::temp_dir().join(format!("vernier-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("state")).unwrap();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let host = host.trim().split('.').next().unwrap();
        let user = word("id", &["-un"]);
        // All three are held at once, so that they differ.
        let free = [0; 3].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [controller, one, two] = free.map(|l| l.local_addr().unwrap().port());
        let at = folder.display();
        let conf = format!(
            "ClusterName=vernier\n\
             SlurmctldHost={host}(127.0.0.1)\n\
             AuthType=auth/none\n\
             CredType=cred/none\n\
             SlurmUser={user}\n\
             SlurmdUser={user}\n\
             SlurmctldPort={controller}\n\
             StateSaveLocation={at}/state\n\
             SlurmdSpoolDir={at}/spool.%n\n\
             SlurmctldPidFile={at}/controller.pid\n\
             SlurmdPidFile={at}/%n.pid\n\
             ProctrackType=proctrack/pgid\n\
             SelectType=select/cons_tres\n\
             SelectTypeParameters=CR_Core\n\
             ReturnToService=2\n\
             SlurmdTimeout=3\n\
             MessageTimeout=2\n\
             TCPTimeout=1\n\
             KillWait=2\n\
             SchedulerParameters=sched_interval=1,batch_sched_delay=1\n\
             NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={one} CPUs=2\n\
             NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={two} CPUs=2\n\
             PartitionName=all Nodes=n1,n2 Default=YES\n\
             PartitionName=short Nodes=n1,n2 MaxTime=1\n"
        );
        fs::write(folder.join("slurm.conf"), conf).unwrap();
        let mut cluster = Cluster {
            folder,
            controller: None,
            nodes: Vec::new(),
        };
        cluster.controller = Some(cluster.daemon("controller", "slurmctld", &[]));
        for node in NODES {
            let child = cluster.daemon(node, "slurmd", &["-N", node]);
            cluster.nodes.push((node, child));
        }
        let start = Instant::now();
        while cluster
            .ask("sinfo", &["-h", "-N", "-p", "all", "-t", "idle", "-o", "%N"])
            .lines()
            .count()
            < 2
        {
            assert!(start.elapsed() < Duration::from_secs(60), "{}", cluster.logs());
            std::thread::sleep(Duration::from_millis(100));
        }
        cluster
    }

    fn daemon(&self, name: &str, daemon: &str, args: &[&str]) -> Child {
        let log = fs::File::create(self.folder.join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(program(daemon));
        command
            .args(["-D", "-f"])
            .arg(self.conf())
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.spawn().unwrap()
    }

    /// What the daemons printed, for messages of failed tests.
    pub fn logs(&self) -> String {
        let log =
            |name: &&str| fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        ["controller", "n1", "n2"]
            .iter()
            .map(log)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Its configuration; commands find it by the variable `SLURM_CONF`.
    pub fn conf(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    /// What one of Slurm's commands prints.
    pub fn ask(&self, command: &str, args: &[&str]) -> String {
        let output = Command::new(program(command))
            .args(args)
            .env("SLURM_CONF", self.conf())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    }

    /// The processes of jobs on a node.
    pub fn processes(&self, node: &str) -> Vec<i32> {
        let wanted = [
            format!("SLURMD_NODENAME={node}"),
            format!("SLURM_CONF={}", self.conf().display()),
        ];
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|e| e.file_name().to_string_lossy().parse().ok());
        pids.filter(|pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let environment = String::from_utf8_lossy(&environment).into_owned();
            wanted.iter().all(|w| environment.split('\0').any(|v| v == w))
        })
        .collect()
    }

    /// A node goes out like a light: its daemon, the job steps and all that they run.
    pub fn kill_node(&mut self, node: &str) {
        let at = self.nodes.iter().position(|(n, _)| *n == node).unwrap();
        let (_, mut daemon) = self.nodes.remove(at);
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        let jobs = self.processes(node);
        let step = |pid: &i32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let parent = status
                .lines()
                .find_map(|l| l.strip_prefix("PPid:"))?
                .trim()
                .to_string();
            let name = fs::read_to_string(format!("/proc/{parent}/comm")).ok()?;
            name.starts_with("slurmstepd").then(|| parent.parse().ok())?
        };
        let steps: Vec<i32> = jobs.iter().filter_map(step).collect();
        for pid in steps.into_iter().chain(jobs) {
            // SAFETY: kill has no memory to get wrong; the processes belong to this test's cluster.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }

    /// The controller ends, and is started again after this time.
    pub fn restart_controller(&mut self, after: Duration) {
        if let Some(mut old) = self.controller.take() {
            end(&mut old);
        }
        std::thread::sleep(after);
        self.controller = Some(self.daemon("controller", "slurmctld", &[]));
    }
}

/// Asks a daemon to end, and makes it.
fn end(daemon: &mut Child) {
    // SAFETY: kill has no memory to get wrong; the child has not been waited for.
    unsafe { libc::kill(daemon.id() as i32, libc::SIGTERM) };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        if !matches!(daemon.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = daemon.kill();
    let _ = daemon.wait();
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let user = word("id", &["-un"]);
        self.ask("scancel", &["--user", &user]);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) && !self.ask("squeue", &["-h"]).is_empty() {
            std::thread::sleep(Duration::from_millis(100));
        }
        self.nodes.iter_mut().for_each(|(_, daemon)| end(daemon));
        self.controller.iter_mut().for_each(end);
        let _ = fs::remove_dir_all(&self.folder);
    }
}
