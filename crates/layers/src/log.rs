//! The launch log that the library in a program has written, read back.

use std::collections::BTreeMap;
use std::path::Path;

use record::launches::{Kernel, Launch, Line, Write};

use tell::Error;

/// A log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// By mangled name.
    pub kernels: BTreeMap<String, Kernel>,
    /// In order.
    pub launches: Vec<Launch>,
    /// What was written, and before which launch (its number).
    pub writes: Vec<(usize, Write)>,
}

impl Log {
    /// Reads the text of a log. A last line that was cut off is left out.
    ///
    /// # Errors
    /// It is of another version, or is no log.
    pub fn parse(text: &str) -> Result<Log, record::Error> {
        let mut log = Log::default();
        for line in Line::read(text)? {
            match line {
                Line::Start { .. } => {}
                Line::Kernel { kernel, facts } => drop(log.kernels.insert(kernel, facts)),
                Line::Write(w) => log.writes.push((log.launches.len(), w)),
                Line::Launch(l) => log.launches.push(l),
            }
        }
        Ok(log)
    }

    /// The log of a record's folder: that of the process that launched most, empty if none did.
    pub fn read(folder: &Path) -> Result<Log, Error> {
        let mut best = Log::default();
        let entries = std::fs::read_dir(folder).map_err(|e| Error::file("read", folder, &e))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "launches") {
                let text = std::fs::read_to_string(&path).map_err(|e| Error::file("read", &path, &e))?;
                let log = Log::parse(&text)
                    .map_err(|e| Error::failed(format!("the launch log {}: {e}", path.display()), ""))?;
                if log.launches.len() > best.launches.len() {
                    best = log;
                }
            }
        }
        Ok(best)
    }
}
