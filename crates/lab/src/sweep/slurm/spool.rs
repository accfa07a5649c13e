//! The spool: the folder beside the store through which the process that hands trials in and the tasks on the nodes
//! talk. Only the former touches the store.
//!
//! | file | written by | what |
//! |---|---|---|
//! | `lock` | submitter | locked while a process looks after the spool |
//! | `arrays/N.json` | submitter | an array: its tasks, each a list of trials |
//! | `begun/KEY` | task | the trial is being run; what is wrong, if the task could not run it |
//! | `results/KEY.json` | task | the trial's row of the store, not taken in yet |
//! | `taken/KEY.json` | submitter | the same, when it is in the store |
//! | `logs/NAME-TASK.log` | Slurm | what the task printed |
//!
//! Every file appears whole (written beside, then renamed) and is on the disk when it appears.

use crate::store::Trial;
use crate::sweep::axes::Point;
use jiff::Timestamp;
use run::cache;
use run::folder::stamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use tell::Error;

/// A trial on its way to a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    /// What it was asked to be.
    pub point: Point,
    /// Folder of its program.
    pub program: PathBuf,
    /// Its row as it was planned: what a node plans must have the same key.
    pub row: Trial,
}

/// An array of tasks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Array {
    /// Engine threads of each trial.
    pub threads: usize,
    /// The trials of each task.
    pub tasks: Vec<Vec<Sent>>,
}

/// A spool that is there.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// One that [`Keeper::create`] made.
    pub fn at(folder: &Path) -> Spool {
        Spool {
            folder: folder.into(),
        }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Folder of what tasks printed.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    fn array(&self, number: usize) -> PathBuf {
        self.folder.join("arrays").join(format!("{number}.json"))
    }

    fn begun(&self, key: &str) -> PathBuf {
        self.folder.join("begun").join(key)
    }

    /// Name of an array in Slurm's queue.
    pub fn name(&self, number: usize) -> String {
        let id = self.folder.file_name().unwrap_or_default().to_string_lossy();
        format!("vernier-{id}-{number}")
    }

    /// Reads an array.
    ///
    /// # Errors
    /// It is not there or not whole: this machine does not see the submitter's folder.
    pub fn read(&self, number: usize) -> Result<Array, Error> {
        let path = self.array(number);
        let bytes = fs::read(&path).map_err(|e| {
            let advice = "every node must see the store's folder under the same path: name a store on a shared disk with --store";
            Error::failed(
                format!("cannot read {}: {}", path.display(), tell::error::io_reason(&e)),
                advice,
            )
        })?;
        serde_json::from_slice(&bytes)
            .map_err(|e| Error::failed(format!("{} is no array of trials: {e}", path.display()), ""))
    }

    /// A task begins with a trial, or (with `fault`) could not run it.
    ///
    /// # Errors
    /// Those of the file.
    pub fn begin(&self, key: &str, fault: &str) -> Result<(), Error> {
        write_whole(&self.begun(key), fault.as_bytes())
    }

    /// A task has a result.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put(&self, row: &Trial) -> Result<(), Error> {
        let text = serde_json::to_vec(row)
            .map_err(|e| Error::failed(format!("a trial cannot be written as JSON: {e}"), ""))?;
        write_whole(
            &self.folder.join("results").join(format!("{}.json", row.key)),
            &text,
        )
    }
}

/// A spool that this process looks after; no other does at the same time.
#[derive(Debug)]
pub(super) struct Keeper {
    pub spool: Spool,
    /// How many arrays it has.
    pub arrays: usize,
    _lock: File,
}

impl Keeper {
    /// A new spool under `parent`.
    ///
    /// # Errors
    /// Those of the files.
    pub fn create(parent: &Path) -> Result<Keeper, Error> {
        cache::create(parent)?;
        let stem = format!("{}-{}", stamp(Timestamp::now()), std::process::id());
        let mut n = 0;
        let folder = loop {
            let folder = parent.join(format!("{stem}-{n}"));
            match cache::create_private(&folder) {
                Ok(()) => break folder,
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => n += 1,
                Err(e) => return Err(Error::file("create the folder", &folder, &e)),
            }
        };
        let path = folder.join("lock");
        let lock = cache::create_private_file(&path).map_err(|e| Error::file("create", &path, &e))?;
        lock.lock().map_err(|e| Error::file("lock", &path, &e))?;
        for name in ["arrays", "begun", "results", "taken", "logs"] {
            let folder = folder.join(name);
            cache::create_private(&folder).map_err(|e| Error::file("create the folder", &folder, &e))?;
        }
        Ok(Keeper {
            spool: Spool { folder },
            arrays: 0,
            _lock: lock,
        })
    }

    /// The spools under `parent` that no living process looks after.
    ///
    /// # Errors
    /// Those of the files.
    pub fn orphans(parent: &Path) -> Result<Vec<Keeper>, Error> {
        let mut keepers = Vec::new();
        for folder in names(parent)? {
            let folder = parent.join(folder);
            let path = folder.join("lock");
            let lock = match OpenOptions::new().read(true).write(true).open(&path) {
                Ok(file) => file,
                // Kept for its logs, or being made or removed at this moment.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Error::file("open", &path, &e)),
            };
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(e)) => return Err(Error::file("lock", &path, &e)),
            }
            let arrays = names(&folder.join("arrays"))?;
            let number = |name: &String| name.strip_suffix(".json")?.parse::<usize>().ok();
            keepers.push(Keeper {
                arrays: arrays.iter().filter_map(number).max().unwrap_or(0),
                spool: Spool { folder },
                _lock: lock,
            });
        }
        Ok(keepers)
    }

    /// Writes one more array and gives its number.
    ///
    /// # Errors
    /// Those of the file.
    pub fn add(&mut self, array: &Array) -> Result<usize, Error> {
        let text = serde_json::to_vec(array)
            .map_err(|e| Error::failed(format!("trials cannot be written as JSON: {e}"), ""))?;
        write_whole(&self.spool.array(self.arrays + 1), &text)?;
        self.arrays += 1;
        Ok(self.arrays)
    }

    /// The results that have come and were not [taken](Keeper::take).
    ///
    /// # Errors
    /// Those of the files.
    pub fn results(&self) -> Result<Vec<Trial>, Error> {
        let folder = self.spool.folder.join("results");
        let mut rows = Vec::new();
        for name in names(&folder)?.iter().filter(|n| n.ends_with(".json")) {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(|e| Error::file("read", &path, &e))?;
            let row = serde_json::from_slice(&bytes).map_err(|e| {
                Error::failed(
                    format!("{} is no result of a trial: {e}", path.display()),
                    "remove it; its trial is run again",
                )
            })?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// A result is in the store.
    ///
    /// # Errors
    /// Those of the files.
    pub fn take(&self, key: &str) -> Result<(), Error> {
        let [from, to] = ["results", "taken"].map(|f| self.spool.folder.join(f).join(format!("{key}.json")));
        fs::rename(&from, &to).map_err(|e| Error::file("rename", &from, &e))?;
        remove(&self.spool.begun(key))
    }

    /// The keys of the results that were taken.
    ///
    /// # Errors
    /// Those of the files.
    pub fn taken(&self) -> Result<BTreeSet<String>, Error> {
        let names = names(&self.spool.folder.join("taken"))?;
        Ok(names
            .iter()
            .filter_map(|n| n.strip_suffix(".json"))
            .map(Into::into)
            .collect())
    }

    /// Network file systems show what another machine wrote late, but not after a change of one's own to the folder.
    ///
    /// # Errors
    /// Those of the files.
    pub fn look_afresh(&self) -> Result<(), Error> {
        for name in ["results", "begun"] {
            let path = self.spool.folder.join(name).join("look");
            write_whole(&path, b"")?;
            remove(&path)?;
        }
        Ok(())
    }

    /// A trial whose task is gone: what the task wrote about it, if it had begun; that is forgotten here.
    ///
    /// # Errors
    /// Those of the files.
    pub fn lost(&self, key: &str) -> Result<Option<String>, Error> {
        let path = self.spool.begun(key);
        match fs::read_to_string(&path) {
            Ok(text) => remove(&path).map(|()| Some(text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::file("read", &path, &e)),
        }
    }

    /// Removes the spool; with `logs`, all of it but those.
    ///
    /// # Errors
    /// Those of the files.
    pub fn remove(self, logs: bool) -> Result<(), Error> {
        let folder = &self.spool.folder;
        let gone = |path: &Path| match fs::remove_dir_all(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path, &e)),
            _ => Ok(()),
        };
        if !logs {
            return gone(folder);
        }
        for name in ["arrays", "begun", "results", "taken"] {
            gone(&folder.join(name))?;
        }
        remove(&folder.join("lock"))
    }
}

/// Names in a folder, sorted; none when it is not there.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::file("read", folder, &e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::file("read", folder, &e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path, &e)),
        _ => Ok(()),
    }
}

/// Writes a file so that it appears whole, and after a crash too.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // Two tasks may be at one trial, on two machines.
    let part = path.with_extension(format!("{}-{}.part", crate::store::host(), std::process::id()));
    let written = cache::create_private_file(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&part, path))
        .map_err(|e| Error::file("write", path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_spool_is_kept_by_one_and_then_by_another() {
        let parent = std::env::temp_dir().join(format!("vernier-spool-{}", std::process::id()));
        let mut keeper = Keeper::create(&parent).unwrap();
        let row = Trial {
            key: "k".into(),
            ..Trial::default()
        };
        let sent = Sent {
            point: Point::new(),
            program: "/p".into(),
            row: row.clone(),
        };
        let array = Array {
            threads: 1,
            tasks: vec![vec![sent]],
        };
        assert_eq!(keeper.add(&array).unwrap(), 1);
        assert!(Keeper::orphans(&parent).unwrap().is_empty());

        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        let folder = keeper.spool.folder();
        assert_eq!((mode(folder), mode(&folder.join("logs"))), (0o700, 0o700));
        assert_eq!(mode(&keeper.spool.array(1)), 0o600);

        let task = Spool::at(keeper.spool.folder());
        assert_eq!(task.read(1).unwrap().tasks[0][0].row, row);
        assert!(task.read(2).unwrap_err().to_string().contains("--store"));
        task.begin("k", "").unwrap();
        task.begin("l", "no weights").unwrap();
        task.put(&row).unwrap();
        drop(keeper);

        let mut orphans = Keeper::orphans(&parent).unwrap();
        let keeper = orphans.pop().unwrap();
        assert_eq!((keeper.arrays, orphans.len()), (1, 0));
        keeper.look_afresh().unwrap();
        assert_eq!(keeper.results().unwrap(), [row]);
        keeper.take("k").unwrap();
        assert_eq!(keeper.results().unwrap(), []);
        assert!(keeper.taken().unwrap().contains("k"));
        assert_eq!(keeper.lost("k").unwrap(), None);
        assert_eq!(keeper.lost("l").unwrap().as_deref(), Some("no weights"));
        keeper.remove(true).unwrap();
        assert!(task.logs().is_dir() && Keeper::orphans(&parent).unwrap().is_empty());
        fs::remove_dir_all(&parent).unwrap();
    }
}
