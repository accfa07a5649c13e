//! The launch log: every launch with what it was given, and what the program writes into device memory in between,
//! as JSON lines in VERNIER_RUN_DIR/PID.launches. From it `lab` finds the layers of a network. Written only when
//! VERNIER_LAUNCH_LOG asks for it; the first N launches of the process are logged, and with VERNIER_LAUNCH_STOP
//! the process ends behind the last of them.

use crate::error::Error;
use crate::geometry::Geometry;
use crate::recorder;
use crate::settings::Startup;
use crate::sync::lock;
use backend::{Arena, Dim3, KernelInfo, Stats};
use ptx::ast::Module;
use record::environment::of_process;
use record::launches::{Argument, Kernel, Launch, Line, Word, Write as Written};
use record::variables;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The log of this process.
pub(crate) struct LaunchLog {
    /// Launches that are logged.
    limit: u64,
    /// End the process behind the last of them, or so long after the first.
    stop: Option<Duration>,
    state: Mutex<State>,
}

struct State {
    file: BufWriter<File>,
    launches: u64,
    /// Kernels whose description was written.
    described: BTreeSet<String>,
    first: Option<Instant>,
}

/// A launch that has ended.
pub(crate) struct Logged<'a> {
    pub kernel: &'a str,
    /// The module as the program brought it.
    pub module: &'a Module,
    pub info: &'a KernelInfo,
    pub geometry: &'a Geometry,
    /// The parameter block.
    pub params: &'a [u8],
    pub stats: &'a Stats,
    pub seconds: f64,
}

impl LaunchLog {
    /// The log that the environment asks for, if it does.
    pub(crate) fn new(startup: &Startup) -> Result<Option<LaunchLog>, Error> {
        let stop = variables::LAUNCH_STOP.read(&of_process)?;
        let Some(limit) = variables::LAUNCH_LOG.read(&of_process)? else {
            return Ok(None);
        };
        let Some(folder) = startup.path(&variables::RUN_DIR) else {
            return Err(Error::Setting(
                "VERNIER_LAUNCH_LOG asks for a log of launches, but VERNIER_RUN_DIR names no folder for it"
                    .into(),
            ));
        };
        let path = folder.join(format!("{}.launches", std::process::id()));
        let file = recorder::private_folder(&folder)
            .and_then(|()| recorder::private_file().write(true).truncate(true).open(&path));
        let file =
            file.map_err(|e| Error::Setting(format!("cannot write the launch log {}: {e}", path.display())))?;
        let mut state = State {
            file: BufWriter::new(file),
            launches: 0,
            described: BTreeSet::new(),
            first: None,
        };
        state.write(&Line::Start {
            version: record::VERSION,
        });
        Ok(Some(LaunchLog {
            limit,
            stop: stop.map(Duration::from_secs),
            state: Mutex::new(state),
        }))
    }

    /// The program (not a kernel) wrote device memory: from the host, from other device memory, or set it.
    pub(crate) fn written(&self, address: usize, bytes: usize, from: Option<usize>) {
        let mut state = lock(&self.state);
        if state.launches < self.limit {
            state.write(&Line::Write(Written {
                address: address as u64,
                bytes: bytes as u64,
                from: from.map(|a| a as u64),
            }));
        }
    }

    /// A launch has ended; whether the process shall end too.
    pub(crate) fn launched(&self, memory: &dyn Arena, l: &Logged<'_>) -> bool {
        let mut state = lock(&self.state);
        if state.launches >= self.limit {
            return false;
        }
        if state.described.insert(l.kernel.to_owned()) {
            state.write(&description(l));
        }
        let dims = |d: Dim3| [d.x, d.y, d.z];
        state.write(&Line::Launch(Launch {
            kernel: l.kernel.into(),
            grid: dims(l.geometry.grid),
            block: dims(l.geometry.block),
            shared: l.geometry.dynamic_shared as u64,
            words: words(memory, l.info, l.params),
            thread_instructions: l.stats.thread_instructions,
            seconds: l.seconds,
        }));
        state.launches += 1;
        let first = *state.first.get_or_insert_with(Instant::now);
        let late = self.stop.is_some_and(|s| first.elapsed() > s);
        let ends = self.stop.is_some() && (state.launches >= self.limit || late);
        if ends || state.launches >= self.limit {
            let _ = state.file.flush();
        }
        ends
    }

    /// At the end of the process.
    pub(crate) fn finish(&self) {
        let mut state = lock(&self.state);
        let _ = state.file.flush();
    }
}

impl State {
    fn write(&mut self, line: &Line) {
        // A full disk must not end the program; the log is then short.
        let _ = serde_json::to_writer(&mut self.file, line);
        let _ = self.file.write_all(b"\n");
    }
}

/// What the PTX says about a kernel.
fn description(l: &Logged<'_>) -> Line {
    let function = l.module.function(l.kernel);
    let sums = function.map(ptx::flow::accumulations).unwrap_or_default();
    let uses = function.map(ptx::flow::arguments).unwrap_or_default();
    let pointers = uses.iter().filter(|u| u.pointer).map(|u| Argument {
        index: u.index,
        offset: u.offset,
        loads: u.loads,
        stores: u.stores,
        atomics: u.atomics,
        element: u.element,
        escapes: u.escapes,
    });
    Line::Kernel {
        kernel: l.kernel.into(),
        facts: Kernel {
            accumulations: sums.len() as u64,
            arguments: pointers.collect(),
        },
    }
}

/// The sizes of the allocations that the arguments point into, bytes, in order.
pub(crate) fn buffers(memory: &dyn Arena, info: &KernelInfo, params: &[u8]) -> Vec<u64> {
    let words = info.params.iter().flat_map(|p| {
        let bytes = params.get(p.offset..p.offset + p.size).unwrap_or_default();
        bytes.as_chunks::<8>().0
    });
    let found = words.filter_map(|w| memory.find(u64::from_le_bytes(*w)));
    found.map(|a| a.end() - a.start).collect()
}

/// The arguments, word by word: addresses with their allocation, everything else as a number.
fn words(memory: &dyn Arena, info: &KernelInfo, params: &[u8]) -> Vec<Word> {
    let mut all = Vec::new();
    for (index, p) in info.params.iter().enumerate() {
        let bytes = params.get(p.offset..p.offset + p.size).unwrap_or_default();
        for (n, word) in bytes.chunks(8).enumerate() {
            let mut padded = [0u8; 8];
            padded[..word.len()].copy_from_slice(word);
            let value = u64::from_le_bytes(padded);
            let found = (word.len() == 8).then(|| memory.find(value)).flatten();
            all.push(Word {
                index,
                offset: 8 * n as u32,
                value,
                bytes: word.len() as u32,
                left: found.as_ref().map(|a| a.end() - value),
                start: found.as_ref().map(|a| a.start),
            });
        }
    }
    all
}
