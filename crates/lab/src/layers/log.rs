//! The launch log that the library in a program has written, read back.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;

/// What a kernel does with memory, as its PTX says.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Kernel {
    /// Instructions that accumulate.
    pub accumulations: u64,
    /// Its pointers.
    #[serde(default)]
    pub arguments: Vec<Argument>,
}

/// A pointer among the parameters of a kernel.
#[derive(Clone, Debug, Deserialize)]
pub struct Argument {
    /// Which parameter, from 0.
    pub index: usize,
    /// Where in it, bytes.
    pub offset: u32,
    /// Something is loaded through it.
    pub loads: bool,
    /// Something is stored through it.
    pub stores: bool,
    /// Atomics go through it.
    pub atomics: bool,
    /// Size of an element, bytes.
    pub element: Option<u32>,
    /// It goes where it is not followed.
    pub escapes: bool,
}

/// Eight bytes (or fewer) of the arguments of a launch.
#[derive(Clone, Debug, Deserialize)]
pub struct Word {
    /// Which parameter, from 0.
    pub index: usize,
    /// Where in it, bytes.
    pub offset: u32,
    /// Its bits.
    pub value: u64,
    /// Its size.
    pub bytes: u32,
    /// If it points into an allocation: the bytes from there to its end,
    pub left: Option<u64>,
    /// and where the allocation begins.
    pub start: Option<u64>,
}

impl Word {
    /// The size of the allocation that it points into, bytes.
    pub fn allocation(&self) -> Option<u64> {
        Some(self.left? + self.value - self.start?)
    }
}

/// A launch.
#[derive(Clone, Debug, Deserialize)]
pub struct Launch {
    /// Mangled name.
    pub kernel: String,
    /// Blocks.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u64,
    /// The arguments.
    pub words: Vec<Word>,
    /// What it executed.
    pub thread_instructions: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Device memory that the program wrote, other than by launches.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Write {
    /// First byte.
    pub address: u64,
    /// How many.
    pub bytes: u64,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    Kernel {
        kernel: String,
        #[serde(flatten)]
        facts: Kernel,
    },
    Write(Write),
    Launch(Launch),
}

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
    pub fn parse(text: &str) -> Result<Log, String> {
        let mut log = Log::default();
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            match serde_json::from_str(line) {
                Ok(Line::Kernel { kernel, facts }) => drop(log.kernels.insert(kernel, facts)),
                Ok(Line::Write(w)) => log.writes.push((log.launches.len(), w)),
                Ok(Line::Launch(l)) => log.launches.push(l),
                Err(_) if n + 1 == lines.len() => {}
                Err(e) => return Err(format!("line {}: {e}", n + 1)),
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
