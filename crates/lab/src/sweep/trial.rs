//! One trial: the run that a point means, everything that decides its result, and the row that it becomes.

use super::axes::{self, AS_COMPILED, Point};
use crate::store::{self, DONE, FAILED, Trial};
use parking_lot::Mutex;
use record::variables::{self, Effect, is_ours};
use run::cache;
use run::child;
use run::folder::Folder;
use run::launch;
use run::library;
use run::output::Output;
use run::program::Program;
use run::settings::{Settings, Stage, Words};
use run::stages::{self, Context};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

/// SHA-256 of files and folders, each computed once.
#[derive(Default)]
pub struct Hashes(Mutex<HashMap<PathBuf, String>>);

impl Hashes {
    /// Of a file's bytes; of a folder the names and bytes of the `*.ptx` in it.
    fn of(&self, path: &Path) -> Result<String, Error> {
        let mut known = self.0.lock();
        if let Some(hash) = known.get(path) {
            return Ok(hash.clone());
        }
        let hash = if path.is_dir() {
            let entries = fs::read_dir(path).map_err(|e| Error::file("read", path, &e))?;
            let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
            files.retain(|p| p.extension().is_some_and(|e| e == "ptx"));
            files.sort();
            let mut all = String::new();
            for file in files {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                all += &format!("{name} {}\n", cache::sha256(&file)?);
            }
            cache::sha256_of_text(&all)
        } else {
            cache::sha256(path)?
        };
        known.insert(path.into(), hash.clone());
        Ok(hash)
    }
}

/// A trial that can be run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it was asked to be.
    pub point: Point,
    /// Its program.
    pub program: Program,
    /// Its settings, without those that do not change results.
    pub settings: Settings,
    /// What is known before it is run; `key` and `identity` among it.
    pub row: Trial,
}

impl Planned {
    /// Plans a point of a program that is built.
    ///
    /// # Errors
    /// Settings that cannot be: a missing configuration, a missing file of weights.
    pub fn new(
        point: &Point,
        program: &Program,
        library_folder: &Path,
        hashes: &Hashes,
    ) -> Result<Planned, Error> {
        let mut settings = axes::settings(point)?;
        settings.words = Words::Few;
        let stages = settings.stages.clone().unwrap_or_default();
        let all = settings.clone().over(program.settings.clone());
        let launch = launch::prepare(&all, &program.folder, library_folder)?;

        // Everything that the library and the program can see of our environment, by what it means.
        let inherited = std::env::vars().filter(|(name, value)| is_ours(name) && !value.is_empty());
        let set = launch.env.iter().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        });
        let mut facts: BTreeMap<String, String> = inherited.chain(set).collect();
        facts.remove("LD_LIBRARY_PATH");
        let effect = |name: &str| variables::row(name).map_or(Effect::Changes, |row| row.effect);
        facts.retain(|name, _| effect(name) != Effect::Nothing);
        for (name, value) in &mut facts {
            let path = program.folder.join(&*value);
            if effect(name) != Effect::Data && value.contains('/') && path.exists() {
                *value = format!("sha256:{}", hashes.of(&path)?);
            }
        }

        let binary = program.binary(&all);
        let binary_hash = hashes.of(&binary)?;
        let trains = stages.contains(&Stage::Train);
        let start = all.start_epoch.unwrap_or(0);
        let weights = all.weights_in.clone().or(all.weights.clone());
        let weights = weights.filter(|_| !trains || start > 0);
        let weights_hash = weights.map(|w| hashes.of(&w)).transpose()?;
        let ptx = all
            .ptx
            .clone()
            .or_else(|| launch.reads_ptx.then(|| program.folder.clone()));
        let ptx_hash = ptx.map(|p| hashes.of(&p)).transpose()?;
        let stage_names: Vec<&str> = stages.iter().map(|s| s.name()).collect();
        let stage_names = stage_names.join(",");
        let epochs = trains.then_some(all.epochs).flatten();

        let mut fact = |name: &str, value: Option<String>| {
            facts.extend(value.map(|v| (name.to_string(), v)));
        };
        // Not the version: what computes is the library.
        fact(
            "engine",
            Some(hashes.of(&library_folder.join(library::NAMES[0]))?),
        );
        fact("binary", Some(binary_hash.clone()));
        fact("stages", Some(stage_names.clone()));
        fact("weights", weights_hash.clone());
        fact("ptx", ptx_hash.clone());
        for (name, pattern) in [
            ("accuracy_pattern", &all.accuracy_pattern),
            ("loss_pattern", &all.loss_pattern),
        ] {
            fact(name, pattern.as_ref().map(|p| p.as_str().into()));
        }
        fact("epochs", epochs.map(|n| n.to_string()));
        fact(
            "end_epoch",
            all.end_epoch.filter(|_| trains).map(|n| n.to_string()),
        );
        fact("start_epoch", trains.then(|| start.to_string()));
        // A trial that ran into the limit may end otherwise under another.
        fact("timeout", all.timeout.map(|n| n.to_string()));
        let identity: String = facts.iter().map(|(n, v)| format!("{n}={v}\n")).collect();

        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|e| Error::file("read", path, &e));
        let policy = all.policy.as_ref().map(read);
        let number = |name: &str| point.get(name).and_then(|v| v.parse().ok());
        let row = Trial {
            key: cache::sha256_of_text(&identity),
            program: program.name.clone(),
            point: serde_json::to_string(point)
                .map_err(|e| Error::failed(format!("a point cannot be written as JSON: {e}"), ""))?,
            format: Some(all.format.as_ref().map_or(AS_COMPILED.into(), |f| f.text.clone())),
            accumulate: all.accumulate.clone(),
            policy: policy.transpose()?,
            config: point.get("config").cloned(),
            stages: stage_names,
            epochs: epochs.map(i64::from),
            images: number("images"),
            seed: number("seed"),
            identity,
            binary_hash,
            weights_hash,
            ptx_hash,
            vernier: env!("CARGO_PKG_VERSION").into(),
            command: axes::command(point),
            host: store::host(),
            ..Trial::default()
        };
        Ok(Planned {
            point: point.clone(),
            program: program.clone(),
            settings,
            row,
        })
    }

    /// Runs it with so many engine threads. `None`: a signal came, and nothing is known.
    ///
    /// # Errors
    /// What is wrong with this machine and would stop every trial; what is wrong with this trial is in its row.
    pub fn run(&self, library_folder: &Path, threads: usize) -> Result<Option<Trial>, Error> {
        let output = Output::nowhere()?;
        let scratch = Folder::create(None, "trial")?;
        let mut settings = Settings {
            threads: Some(u32::try_from(threads).unwrap_or(u32::MAX)),
            ..self.settings.clone()
        };
        settings
            .env
            .push((variables::PTX_OUT.name().into(), "none".into()));
        // Test images, decoded once for all trials.
        let unpacked = cache::folder()?.join("unpacked");
        cache::create(&unpacked)?;
        let unpacked = unpacked.to_string_lossy().into_owned();
        settings.env.push((variables::UNPACKED.name().into(), unpacked));
        if self.row.stages.contains("train") {
            settings.weights_out = Some(scratch.path().join("trained.bin"));
        }
        let context = Context {
            library_folder,
            output: &output,
            runs: None,
            command: Vec::new(),
        };
        let run = stages::run(&self.program, &settings, &context);
        if child::caught().is_some() {
            return Ok(None);
        }
        let mut row = Trial {
            finished: store::now(),
            ..self.row.clone()
        };
        let result = match run {
            Err(e) => Err(e),
            Ok(run) => {
                let summary = &run.summary;
                let t = &summary.totals;
                let known = t.processes > 0;
                let whole = |n: u64| known.then(|| i64::try_from(n).unwrap_or(i64::MAX));
                row.accuracy = summary.accuracy_percent;
                row.correct = summary.correct.map(|c| c.0.into());
                row.answers = summary.correct.map(|c| c.1.into());
                row.loss = summary.loss.filter(|x| x.is_finite());
                row.launches = whole(t.counts.launches);
                row.instructions = whole(t.counts.thread_instructions);
                row.variable_instructions = whole(t.counts.variable_instructions);
                let cycles = t.cycles.iter().map(|c| c.cycles).sum();
                row.cycles = whole(cycles).filter(|_| !t.cycles.is_empty());
                row.seconds = summary.seconds;
                row.kernel_seconds = known.then_some(t.kernel_seconds);
                row.peak_bytes = summary.peak_bytes.and_then(|n| i64::try_from(n).ok());
                run.result
            }
        };
        row.status = if result.is_ok() { DONE } else { FAILED }.into();
        row.message = result.err().map(|e| output.with_tail(&e));
        Ok(Some(row))
    }
}
