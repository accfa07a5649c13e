//! Runs the trials that are missing, side by side on this machine or on a cluster, and writes each into the store when
//! it has ended.

use super::axes::Point;
use super::slurm::{Cluster, Submitter};
use super::trial::{Hashes, Planned};
use super::watch::{Again, Watch};
use crate::store::{Claim, Store, Trial};
use parking_lot::{Condvar, Mutex, MutexGuard};
use run::child;
use run::output::Output;
use run::program::Program;
use run::said::{self, Patterns};
use run::settings::{Settings, Stage, Words};
use run::stages::{self, Context};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};
use tell::Error;

/// What a sweep may use.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Trials at a time; `None` for as many as there are cores.
    pub jobs: Option<usize>,
    /// Memory of all trials together, bytes; `None` for four fifths of what is free now.
    pub memory: Option<u64>,
    /// Run the trials on a cluster; the two limits above are for this machine.
    pub slurm: Option<Cluster>,
}

/// What became of a sweep.
#[derive(Debug, Default)]
pub struct Done {
    /// The points, and their results as far as they are known.
    pub trials: Vec<(Point, Option<Trial>)>,
    /// How many were run now.
    pub ran: usize,
    /// The signal that ended it early.
    pub signal: Option<i32>,
    /// Wall-clock time of the trials, seconds.
    pub seconds: f64,
}

/// What runs trials: programs that are built, our library, a store.
pub struct Runner<'a> {
    library_folder: &'a Path,
    programs: BTreeMap<String, Program>,
    hashes: Hashes,
    limits: Limits,
    again: Again,
}

impl<'a> Runner<'a> {
    /// Finds the programs of these points and builds each once.
    ///
    /// # Errors
    /// Programs that are not there or do not build.
    pub fn new(
        points: &[Point],
        build: bool,
        limits: Limits,
        again: Again,
        library_folder: &'a Path,
    ) -> Result<Runner<'a>, Error> {
        let mut programs = BTreeMap::new();
        for point in points {
            let name = &point["program"];
            if programs.contains_key(name) {
                continue;
            }
            let program = Program::find(name)?;
            if build {
                let flags = Settings {
                    stages: Some(vec![Stage::Build]),
                    config: point.get("config").map(Into::into),
                    words: Words::Few,
                    ..Settings::default()
                };
                let output = Output::nowhere()?;
                let context = Context {
                    library_folder,
                    output: &output,
                    runs: None,
                    command: Vec::new(),
                };
                let built = stages::run(&program, &flags, &context)?.result;
                built.map_err(|e| Error::Stage {
                    message: output.with_tail(&e),
                    code: e.exit_code(),
                })?;
            }
            programs.insert(name.clone(), program);
        }
        Ok(Runner {
            library_folder,
            programs,
            hashes: Hashes::default(),
            limits,
            again,
        })
    }

    /// The programs of these points whose files hold no text that sounds like a result: their trials may have none.
    pub fn silent(&self, points: &[Point]) -> Vec<String> {
        let mut silent = Vec::new();
        for point in points {
            let Some(program) = self.programs.get(&point["program"]) else {
                continue;
            };
            let Ok(own) = super::axes::settings(point) else {
                continue;
            };
            let all = own.over(program.settings.clone());
            let patterns = Patterns {
                accuracy: all.accuracy_pattern.clone(),
                loss: all.loss_pattern.clone(),
            };
            // A program that cannot be read is told of when it is planned.
            let speaks = std::fs::read(program.binary(&all)).map_or(true, |f| said::may_speak(&f, &patterns));
            if !speaks && !silent.contains(&program.name) {
                silent.push(program.name.clone());
            }
        }
        silent
    }

    /// Plans the trials of these points.
    ///
    /// # Errors
    /// Those of [`Planned::new`], and a point of a program that [`Runner::new`] was not told of.
    pub fn plan(&self, points: &[Point]) -> Result<Vec<Planned>, Error> {
        let plan = |point: &Point| {
            let name = &point["program"];
            let program = self
                .programs
                .get(name)
                .ok_or_else(|| Error::failed(format!("the program {name} was not built"), ""))?;
            Planned::new(point, program, self.library_folder, &self.hashes)
        };
        points.iter().map(plan).collect()
    }

    /// Runs what is missing. The results of other trials with the same key are taken from the store.
    ///
    /// # Errors
    /// Of the store, and of this machine. Trials that fail are no error.
    pub fn run(
        &self,
        store: &mut Store,
        sweep: i64,
        points: &[Point],
        watch: &dyn Watch,
    ) -> Result<Done, Error> {
        child::be_patient();
        // What an earlier process left on the cluster is taken in before the store is asked.
        let slurm = self.limits.slurm.as_ref();
        let cluster = slurm.map(|c| Submitter::open(c, store, watch)).transpose()?;
        let mut planned = self.plan(points)?;
        let mut known = BTreeMap::new();
        for trial in &mut planned {
            trial.row.sweep = sweep;
            let found = store.trial(&trial.row.key)?.filter(|t| self.again.accepts(t));
            known.extend(found.map(|t| (trial.row.key.clone(), t)));
        }
        let mut queue = VecDeque::new();
        let mut keys = std::collections::BTreeSet::new();
        for trial in &planned {
            // Two points may be one trial (bf16 and e8m7).
            if !known.contains_key(&trial.row.key) && keys.insert(&trial.row.key) {
                queue.push_back(trial.clone());
            }
        }
        let started = Instant::now();
        let (results, ran) = match cluster {
            None => self.here(store, queue, known, watch)?,
            Some(cluster) => {
                watch.start(queue.len(), known.len(), cluster.slots());
                let ended = cluster.run(store, queue, self.again)?;
                let ran = ended.len();
                known.extend(ended);
                (known, ran)
            }
        };
        Ok(Done {
            trials: planned
                .into_iter()
                .map(|t| (t.point, results.get(&t.row.key).cloned()))
                .collect(),
            ran,
            signal: child::caught(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// Runs trials on this machine: adds their results to those that are known, and says how many it ran.
    fn here(
        &self,
        store: &mut Store,
        queue: VecDeque<Planned>,
        known: BTreeMap<String, Trial>,
        watch: &dyn Watch,
    ) -> Result<(BTreeMap<String, Trial>, usize), Error> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self
            .limits
            .jobs
            .unwrap_or(cores)
            .min(queue.len())
            .clamp(1, child::MOST);
        watch.start(queue.len(), known.len(), jobs);
        let shared = Shared {
            state: Mutex::new(State {
                queue,
                busy: VecDeque::new(),
                running: 0,
                peak: 0,
                ran: 0,
                results: known,
                error: None,
                store,
                workers: jobs,
            }),
            changed: Condvar::new(),
            memory: self.limits.memory.unwrap_or_else(|| free_memory() / 5 * 4),
            threads: (cores / jobs).max(1),
            again: self.again,
            library_folder: self.library_folder,
            watch,
        };
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| shared.work());
            }
            shared.keep_claims();
        });
        let state = shared.state.into_inner();
        match state.error {
            Some(error) => Err(error),
            None => Ok((state.results, state.ran)),
        }
    }
}

struct State<'s> {
    queue: VecDeque<Planned>,
    /// Trials that other processes are at.
    busy: VecDeque<Planned>,
    running: usize,
    /// Most memory that a trial of this sweep held, bytes; 0 when none has ended.
    peak: u64,
    ran: usize,
    results: BTreeMap<String, Trial>,
    error: Option<Error>,
    store: &'s mut Store,
    /// Workers that have not ended.
    workers: usize,
}

struct Shared<'s> {
    state: Mutex<State<'s>>,
    changed: Condvar,
    memory: u64,
    threads: usize,
    again: Again,
    library_folder: &'s Path,
    watch: &'s dyn Watch,
}

/// How long a worker that has nothing to do waits before it looks again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often claims are renewed.
const BEAT: Duration = Duration::from_secs(20);

impl<'s> Shared<'s> {
    fn state(&self) -> MutexGuard<'_, State<'s>> {
        self.state.lock()
    }

    /// What every worker does until nothing is left.
    fn work(&self) {
        let _worker = Worker(self);
        while let Some(trial) = self.next() {
            let result = trial.run(self.library_folder, self.threads);
            let mut state = self.state();
            state.running -= 1;
            let kept = match &result {
                Ok(Some(row)) => state.store.put(row),
                _ => state.store.release(&trial.row.key),
            };
            match (result, kept) {
                (Err(e), _) | (_, Err(e)) => state.error = state.error.take().or(Some(e)),
                (Ok(None), _) => {}
                (Ok(Some(row)), _) => {
                    state.peak = state.peak.max(row.peak_bytes.map_or(0, |n| n as u64)).max(1);
                    state.ran += 1;
                    self.watch.ended(&trial.point, &row);
                    state.results.insert(row.key.clone(), row);
                }
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Renews the claims until every worker has ended.
    fn keep_claims(&self) {
        let mut last = Instant::now();
        let mut state = self.state();
        while state.workers > 0 {
            self.wait(&mut state);
            if last.elapsed() > BEAT {
                last = Instant::now();
                if let Err(e) = state.store.beat() {
                    state.error = Some(e);
                }
            }
        }
    }

    /// Until something changes, or for a short time.
    fn wait(&self, state: &mut MutexGuard<'_, State<'s>>) {
        self.changed.wait_for(state, PAUSE);
    }

    /// The next trial to run, when there is one and memory for it; `None` when this worker is done.
    fn next(&self) -> Option<Planned> {
        let mut state = self.state();
        loop {
            if child::caught().is_some()
                || state.error.is_some()
                || (state.queue.is_empty() && state.busy.is_empty())
            {
                return None;
            }
            // The first trial says how much memory one takes; what it takes is refused to nobody.
            let room = match state.peak {
                0 => 1,
                peak => (self.memory / peak).max(1) as usize,
            };
            if state.running < room {
                match state.take(self.again) {
                    Ok(Some(trial)) => {
                        state.running += 1;
                        return Some(trial);
                    }
                    Ok(None) => {}
                    Err(e) => state.error = Some(e),
                }
            }
            self.wait(&mut state);
        }
    }
}

/// A worker that has not ended; it counts as ended when it panics, too, so that nobody waits for it for ever.
struct Worker<'a, 's>(&'a Shared<'s>);

impl Drop for Worker<'_, '_> {
    fn drop(&mut self) {
        self.0.state().workers -= 1;
        self.0.changed.notify_all();
    }
}

impl State<'_> {
    /// Claims the next trial that no other process is at.
    fn take(&mut self, again: Again) -> Result<Option<Planned>, Error> {
        self.queue.append(&mut self.busy);
        while let Some(trial) = self.queue.pop_front() {
            match self.store.claim(&trial.row.key, |t| again.accepts(t))? {
                Claim::Ours => return Ok(Some(trial)),
                Claim::Busy => self.busy.push_back(trial),
                Claim::Done(result) => {
                    self.results.insert(trial.row.key.clone(), *result);
                }
            }
        }
        Ok(None)
    }
}

/// Memory that new programs can have, bytes, as the kernel estimates it.
fn free_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kibibytes = line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.map_or(u64::MAX, |n| n.saturating_mul(1024))
}
