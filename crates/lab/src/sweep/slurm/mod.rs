//! Trials on the nodes of a cluster, as job arrays of Slurm. We have no scheduler: which task runs where and when is
//! Slurm's to say.
//!
//! The process that was asked for the trials (the *submitter*) plans them, writes them into a [`spool`] beside the
//! store, hands them in ([`queue`]) and waits. A task runs its trials one after the other and writes each result into
//! the spool ([`worker`]); the submitter takes it into the store. What holds:
//!
//! * only the submitter touches the store: SQLite is not to be trusted on a network file system;
//! * a trial whose task is gone without a result is handed in again, in a new array, so often as [`Cluster::retries`]
//!   says; of the trials of a lost task only the one that ran counts as tried;
//! * a submitter that is killed loses nothing: tasks go on, and the next submitter of this store takes in their
//!   results and waits for those that still run.

mod queue;
mod spool;
mod worker;

use super::trial::Planned;
use super::watch::{Again, Watch};
use crate::store::{self, Claim, FAILED, Store, Trial};
use queue::TaskName;
use run::child;
use spool::{Array, Keeper, Sent};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tell::Error;
pub use worker::work;

/// What Slurm is asked for.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The partition; `None` for Slurm's default.
    pub partition: Option<String>,
    /// Time limit of a task, as sbatch takes it.
    pub time: Option<String>,
    /// Processors of a task, and engine threads of a trial.
    pub threads: usize,
    /// More options of sbatch, passed on as they are.
    pub options: Vec<String>,
    /// Most tasks that run at a time.
    pub jobs: Option<usize>,
    /// How often a trial is sent again when its task was lost.
    pub retries: u32,
    /// The shell's words for the `vernier worker` of this build, to which spool, array and task are added.
    pub worker: String,
}

/// Most tasks of an array: Slurm's default limit (MaxArraySize, 1001, is one more than the last number).
const MOST_TASKS: usize = 1000;

/// Tasks for each processor that Slurm has. To start a task takes Slurm about a second, so a task runs several short
/// trials; a few tasks for each processor even out that some are longer.
const TASKS_A_PROCESSOR: usize = 4;

/// How often the spool is looked at: at first, and when nothing has come for a while.
const GLANCES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// How often Slurm is asked: at first, and later. Each question costs the controller of the whole cluster time.
const LOOKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// How often claims are renewed, and those of others looked at.
const BEAT: Duration = Duration::from_secs(20);

/// How long Slurm may be silent (controllers are restarted) before we give up; its tasks go on.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How long cancelled tasks may take to end.
const ENDING: Duration = Duration::from_secs(10);

/// A task that has not given all its results.
struct Task {
    name: TaskName,
    /// Those without a result.
    trials: Vec<Sent>,
    /// None of its trials has a result.
    untouched: bool,
}

/// A spool and its tasks.
struct Spooled {
    keeper: Keeper,
    tasks: Vec<Task>,
    /// Its logs are named in messages.
    logs_wanted: bool,
    /// This process made it.
    ours: bool,
}

/// Hands trials in and waits for them.
pub(super) struct Submitter<'a> {
    cluster: &'a Cluster,
    parent: PathBuf,
    processors: usize,
    spools: Vec<Spooled>,
    /// Trials without a result, by their keys.
    waiting: BTreeMap<String, Planned>,
    /// Of these: not known whether another process is at it.
    unclaimed: Vec<String>,
    /// Of these: to be handed in.
    queue: BTreeSet<String>,
    /// How often a trial was lost.
    losses: BTreeMap<String, u32>,
    results: BTreeMap<String, Trial>,
    watch: &'a dyn Watch,
    /// What was said last about tasks that wait.
    said: String,
    /// What was said last about Slurm not answering, if it does not.
    silence: Option<String>,
}

impl<'a> Submitter<'a> {
    /// Takes in what earlier submitters of this store left.
    ///
    /// # Errors
    /// There is no Slurm, or it does not answer; those of files.
    pub fn open(
        cluster: &'a Cluster,
        store: &mut Store,
        watch: &'a dyn Watch,
    ) -> Result<Submitter<'a>, Error> {
        let parent = store.path().parent().unwrap_or(Path::new("")).join("slurm");
        let mut submitter = Submitter {
            cluster,
            parent: std::path::absolute(&parent).map_err(|e| Error::file("find", &parent, &e))?,
            processors: queue::processors(cluster)?,
            spools: Vec::new(),
            waiting: BTreeMap::new(),
            unclaimed: Vec::new(),
            queue: BTreeSet::new(),
            losses: BTreeMap::new(),
            results: BTreeMap::new(),
            watch,
            said: String::new(),
            silence: None,
        };
        submitter.adopt()?;
        submitter.collect(store)?;
        // Tasks that are gone are none.
        submitter.look(store)??;
        Ok(submitter)
    }

    /// How many tasks may run at a time.
    pub fn slots(&self) -> usize {
        let there = (self.processors / self.cluster.threads).max(1);
        self.cluster.jobs.map_or(there, |jobs| jobs.min(there))
    }

    /// Runs trials, each of another key, and gives their results. When a signal comes, those that there are.
    ///
    /// # Errors
    /// Slurm refuses the trials, or is silent for too long; those of the store and of files.
    pub fn run(
        mut self,
        store: &mut Store,
        trials: impl IntoIterator<Item = Planned>,
        again: Again,
    ) -> Result<BTreeMap<String, Trial>, Error> {
        self.waiting = trials.into_iter().map(|t| (t.row.key.clone(), t)).collect();
        self.unclaimed = self.waiting.keys().cloned().collect();
        let outcome = self.wait(store, again);
        for key in self.waiting.keys() {
            store.release(key)?;
        }
        for spool in self.spools.into_iter().filter(|s| s.tasks.is_empty()) {
            spool.keeper.remove(spool.logs_wanted)?;
        }
        outcome.map(|()| self.results)
    }

    /// Until all have a result, or a signal comes.
    fn wait(&mut self, store: &mut Store, again: Again) -> Result<(), Error> {
        let (mut glance, mut look) = (GLANCES[0], LOOKS[0]);
        let (mut beaten, mut looked, mut answered) = (None, Instant::now(), Instant::now());
        let (mut submitted, mut refused) = (false, None);
        let passed = |since: Option<Instant>, time| since.is_none_or(|t| t.elapsed() > time);
        while child::caught().is_none() {
            if passed(beaten, BEAT) {
                beaten = Some(Instant::now());
                store.beat()?;
                self.claim(store, again)?;
            }
            let came = self.collect(store)?;
            if self.waiting.is_empty() {
                return Ok(());
            }
            if came > 0 {
                answered = Instant::now();
            }
            if !self.queue.is_empty() && passed(refused, LOOKS[1]) {
                match self.submit() {
                    Ok(()) => {
                        (look, looked, answered) = (LOOKS[0], Instant::now(), Instant::now());
                        (submitted, refused) = (true, None);
                    }
                    // What Slurm refuses at first is wrong; later its controller may be about to be restarted.
                    Err(e) if !submitted || answered.elapsed() > PATIENCE => return Err(e),
                    Err(e) => {
                        refused = Some(Instant::now());
                        self.silent(&e);
                    }
                }
            }
            if looked.elapsed() > look {
                match self.look(store)? {
                    Ok(()) => (answered, self.silence) = (Instant::now(), None),
                    Err(e) if answered.elapsed() > PATIENCE => return Err(e),
                    Err(e) => self.silent(&e),
                }
                (look, looked) = ((look * 3 / 2).min(LOOKS[1]), Instant::now());
            }
            glance = match came {
                0 => (glance * 3 / 2).min(GLANCES[1]),
                _ => GLANCES[0],
            };
            pause(glance);
        }
        self.cancel(store)
    }

    /// Tasks of spools that nobody looks after become ours.
    fn adopt(&mut self) -> Result<(), Error> {
        for keeper in Keeper::orphans(&self.parent)? {
            let taken = keeper.taken()?;
            let mut tasks = Vec::new();
            for number in 1..=keeper.arrays {
                let name = keeper.spool.name(number);
                for (n, mut trials) in keeper.spool.read(number)?.tasks.into_iter().enumerate() {
                    let all = trials.len();
                    trials.retain(|t| !taken.contains(&t.row.key));
                    tasks.push(Task {
                        name: (name.clone(), n),
                        untouched: trials.len() == all,
                        trials,
                    });
                }
            }
            tasks.retain(|t| !t.trials.is_empty());
            self.spools.push(Spooled {
                keeper,
                tasks,
                logs_wanted: false,
                ours: false,
            });
        }
        Ok(())
    }

    /// Takes results into the store; says how many came.
    fn collect(&mut self, store: &mut Store) -> Result<usize, Error> {
        let mut rows = Vec::new();
        for spool in &mut self.spools {
            for row in spool.keeper.results()? {
                // A submitter may have been killed between the two steps.
                let there = store.trial(&row.key)?;
                if there.is_none_or(|t| (t.finished, t.host) != (row.finished.clone(), row.host.clone())) {
                    store.put(&row)?;
                }
                spool.keeper.take(&row.key)?;
                for task in &mut spool.tasks {
                    let before = task.trials.len();
                    task.trials.retain(|t| t.row.key != row.key);
                    task.untouched &= task.trials.len() == before;
                }
                rows.push(row);
            }
            spool.tasks.retain(|t| !t.trials.is_empty());
        }
        let came = rows.len();
        rows.into_iter().for_each(|row| self.ended(row));
        Ok(came)
    }

    /// A trial has its result.
    fn ended(&mut self, row: Trial) {
        let Some(planned) = self.waiting.remove(&row.key) else {
            return;
        };
        self.queue.remove(&row.key);
        self.unclaimed.retain(|k| *k != row.key);
        self.watch.ended(&planned.point, &row);
        self.results.insert(row.key.clone(), row);
    }

    /// Claims what no other process is at; what no task is at either is to be handed in.
    fn claim(&mut self, store: &mut Store, again: Again) -> Result<(), Error> {
        if self.unclaimed.is_empty() {
            return Ok(());
        }
        let mut claimed = Vec::new();
        for key in std::mem::take(&mut self.unclaimed) {
            match store.claim(&key, |t| again.accepts(t))? {
                Claim::Ours => claimed.push(key),
                Claim::Busy => self.unclaimed.push(key),
                Claim::Done(row) => {
                    self.waiting.remove(&key);
                    self.results.insert(key, *row);
                }
            }
        }
        if !claimed.is_empty() {
            // Who was at it may have been killed, and its tasks go on.
            self.adopt()?;
            let under_way = self.under_way();
            claimed.retain(|k| !under_way.contains(k));
            self.queue.extend(claimed);
        }
        Ok(())
    }

    /// Hands in what is in the queue as one array.
    fn submit(&mut self) -> Result<(), Error> {
        let trials: Vec<Sent> = self
            .queue
            .iter()
            .filter_map(|key| self.waiting.get(key))
            .map(|t| Sent {
                point: t.point.clone(),
                program: t.program.folder.clone(),
                row: t.row.clone(),
            })
            .collect();
        let count = (self.slots() * TASKS_A_PROCESSOR)
            .min(MOST_TASKS)
            .min(trials.len());
        let array = Array {
            threads: self.cluster.threads,
            tasks: (0..count)
                .map(|i| trials.iter().skip(i).step_by(count).cloned().collect())
                .collect(),
        };
        let at = match self.spools.iter().position(|s| s.ours) {
            Some(at) => at,
            None => {
                self.spools.push(Spooled {
                    keeper: Keeper::create(&self.parent)?,
                    tasks: Vec::new(),
                    logs_wanted: false,
                    ours: true,
                });
                self.spools.len() - 1
            }
        };
        let Spooled { keeper, tasks, .. } = &mut self.spools[at];
        let number = keeper.add(&array)?;
        let name = keeper.spool.name(number);
        let folder = child::quoted(&keeper.spool.folder().to_string_lossy());
        let command = format!(
            "exec {} {folder} {number} \"$SLURM_ARRAY_TASK_ID\"",
            self.cluster.worker
        );
        queue::submit(self.cluster, &name, count, &keeper.spool.logs(), &command)?;
        tasks.extend(array.tasks.into_iter().enumerate().map(|(n, trials)| Task {
            name: (name.clone(), n),
            trials,
            untouched: true,
        }));
        self.queue.clear();
        Ok(())
    }

    /// Asks Slurm about the tasks. Trials of tasks that are gone are handed in again, or have failed. The inner error
    /// is Slurm's.
    fn look(&mut self, store: &mut Store) -> Result<Result<(), Error>, Error> {
        let arrays = arrays(self.spools.iter().flat_map(|s| &s.tasks));
        if arrays.is_empty() {
            return Ok(Ok(()));
        }
        let statuses = match queue::look(&arrays) {
            Ok(statuses) => statuses,
            Err(e) => return Ok(Err(e)),
        };
        self.tell_waits(&statuses);
        let gone = |task: &Task| statuses.get(&task.name).is_none_or(queue::Status::has_ended);
        if !self.spools.iter().flat_map(|s| &s.tasks).any(gone) {
            return Ok(Ok(()));
        }
        for spool in &self.spools {
            spool.keeper.look_afresh()?;
        }
        self.collect(store)?;
        let mut tasks = Vec::new();
        for (at, spool) in self.spools.iter_mut().enumerate() {
            tasks.extend(spool.tasks.extract_if(.., |t| gone(t)).map(|t| (at, t)));
        }
        for (at, task) in tasks {
            let why = match statuses.get(&task.name) {
                Some(status) => format!("Slurm says {status}"),
                None => "Slurm does not know it any more".into(),
            };
            self.lost(store, at, &task, &why)?;
        }
        Ok(Ok(()))
    }

    /// A task of spool `at` is gone without all its results.
    fn lost(&mut self, store: &mut Store, at: usize, task: &Task, why: &str) -> Result<(), Error> {
        let keeper = &self.spools[at].keeper;
        let (name, n) = &task.name;
        let log = keeper.spool.logs().join(format!("{name}-{n}.log"));
        let mut tried = Vec::new();
        for trial in &task.trials {
            tried.push(keeper.lost(&trial.row.key)?);
        }
        // A task that did not come to its first trial is lost for all of them.
        let never_began = task.untouched && tried.iter().all(Option::is_none);
        let under_way = self.under_way();
        let (mut again, mut failed) = (0, 0);
        for (trial, tried) in task.trials.iter().zip(tried) {
            let key = &trial.row.key;
            if !self.waiting.contains_key(key) || under_way.contains(key) {
                continue;
            }
            let losses = self.losses.entry(key.clone()).or_default();
            if tried.is_some() || never_began {
                *losses += 1;
            }
            if *losses <= self.cluster.retries {
                again += 1;
                self.queue.insert(key.clone());
                continue;
            }
            failed += 1;
            let said = tried.filter(|t| !t.is_empty()).unwrap_or_else(|| tail(&log));
            let row = Trial {
                status: FAILED.into(),
                message: Some(format!(
                    "its task was lost {losses} times; the last one was {name}, task {n}: {why}; log {}\n{said}",
                    log.display()
                )),
                finished: store::now(),
                ..trial.row.clone()
            };
            store.put(&row)?;
            self.ended(row);
        }
        self.spools[at].logs_wanted |= failed > 0;
        if again + failed > 0 {
            let line = format!(
                "task {n} of {name} is lost ({why}); of its trials {again} are sent again, {failed} have failed"
            );
            self.watch.say(&line);
        }
        Ok(())
    }

    /// The keys of trials that tasks have.
    fn under_way(&self) -> BTreeSet<String> {
        let tasks = self.spools.iter().flat_map(|s| &s.tasks);
        tasks.flat_map(|t| &t.trials).map(|t| t.row.key.clone()).collect()
    }

    /// Says why tasks wait that may wait for ever, when that has changed.
    fn tell_waits(&mut self, statuses: &BTreeMap<TaskName, queue::Status>) {
        let mut reasons = BTreeMap::new();
        for reason in statuses.values().filter_map(queue::Status::odd_reason) {
            *reasons.entry(reason).or_insert(0) += 1;
        }
        let words: Vec<String> = reasons
            .iter()
            .map(|(r, n)| format!("{n} tasks wait for {r}"))
            .collect();
        let line = words.join(", ");
        if line != self.said && !line.is_empty() {
            let help = "some reasons do not pass: see \"job reason codes\" in the manual of squeue";
            self.watch.say(&format!("{line} ({help})"));
        }
        self.said = line;
    }

    /// Says once that Slurm does not answer, and how.
    fn silent(&mut self, e: &Error) {
        let words = e.to_string();
        let words = words.lines().next().unwrap_or_default().to_string();
        if self.silence.as_ref() != Some(&words) {
            let line = format!("{words}; tasks go on without it, and it is asked again");
            self.watch.say(&line);
            self.silence = Some(words);
        }
    }

    /// Ends the arrays that trials of ours wait for, and takes in what they have.
    fn cancel(&mut self, store: &mut Store) -> Result<(), Error> {
        let waiting = &self.waiting;
        let wanted = |t: &&Task| t.trials.iter().any(|t| waiting.contains_key(&t.row.key));
        let arrays = arrays(self.spools.iter().flat_map(|s| &s.tasks).filter(wanted));
        if arrays.is_empty() {
            return Ok(());
        }
        if let Err(e) = queue::cancel(&arrays) {
            self.watch.say(&format!(
                "{e}\ntasks may still run: scancel --name={}",
                arrays.join(",")
            ));
            return Ok(());
        }
        let started = Instant::now();
        while started.elapsed() < ENDING {
            let statuses = queue::look(&arrays).unwrap_or_default();
            let running = statuses.values().any(|s| !s.has_ended());
            self.collect(store)?;
            if !running {
                break;
            }
            std::thread::sleep(GLANCES[0] * 2);
        }
        for spool in &mut self.spools {
            spool.tasks.retain(|t| !arrays.contains(&t.name.0));
        }
        Ok(())
    }
}

/// The names of the arrays of these tasks.
fn arrays<'t>(tasks: impl Iterator<Item = &'t Task>) -> Vec<String> {
    let names: BTreeSet<&String> = tasks.map(|t| &t.name.0).collect();
    names.into_iter().cloned().collect()
}

/// Sleeps, but not when a signal comes.
fn pause(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time && child::caught().is_none() {
        std::thread::sleep(GLANCES[0].min(time));
    }
}

/// The last that a task printed.
fn tail(log: &Path) -> String {
    /// Bytes.
    const LONGEST: usize = 2048;
    let text = fs::read(log).unwrap_or_default();
    let text = &text[text.len().saturating_sub(LONGEST)..];
    String::from_utf8_lossy(text).trim().to_string()
}
