//! Where a child's output goes: the terminal, live, and the log file; and the one progress line that must
//! never mix with either.

use parking_lot::{Mutex, MutexGuard};
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use tell::error::{Error, io_reason};
use tell::{errln, print};

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: the program's own words.
    Out,
    /// Standard error.
    Err,
}

struct Log {
    path: PathBuf,
    file: File,
    /// Why writing stopped; the run goes on without the log.
    failed: Option<String>,
}

struct State {
    log: Option<Log>,
    /// The terminal's cursor stands at the start of a line.
    at_line_start: bool,
    /// A progress line is on the terminal now.
    progress: bool,
    /// The last that came.
    tail: Vec<u8>,
}

/// How much of a program's output is kept for messages, bytes.
const TAIL: usize = 4096;

/// Shared by the threads that read a child's pipes and the one that waits for it.
pub struct Output {
    state: Mutex<State>,
    terminal: bool,
    quiet: bool,
    silent: bool,
}

impl Output {
    /// An output to the terminal and, if given, to a log file, which is created or emptied. `quiet` keeps
    /// Vernier's own lines away, errors excepted.
    pub fn new(log: Option<&Path>, quiet: bool) -> Result<Output, Error> {
        let log = match log {
            None => None,
            Some(path) => {
                let file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(path);
                let file = file.map_err(|e| Error::file("write the log", path, &e))?;
                Some(Log {
                    path: path.into(),
                    file,
                    failed: None,
                })
            }
        };
        let terminal = std::io::stderr().is_terminal();
        Ok(Output {
            state: Mutex::new(State {
                log,
                at_line_start: true,
                progress: false,
                tail: Vec::new(),
            }),
            terminal,
            quiet,
            silent: false,
        })
    }

    /// An output that goes nowhere but into [`Output::tail`].
    pub fn nowhere() -> Result<Output, Error> {
        let output = Output::new(None, true)?;
        Ok(Output {
            silent: true,
            ..output
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Passes bytes of the child on.
    pub fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.state();
        state.tail.extend_from_slice(bytes);
        let surplus = state.tail.len().saturating_sub(TAIL);
        state.tail.drain(..surplus);
        if self.silent {
            return;
        }
        self.clear(&mut state);
        // A closed terminal or pipe (`| head`) must not end the program under way: its log goes on.
        match stream {
            Stream::Out => print::bytes(bytes),
            Stream::Err => drop(write_flush(&mut std::io::stderr(), bytes)),
        }
        if let Some(last) = bytes.last() {
            state.at_line_start = *last == b'\n';
        }
        if let Some(log) = &mut state.log
            && log.failed.is_none()
            && let Err(e) = write_flush(&mut log.file, bytes)
        {
            let reason = io_reason(&e);
            errln!(
                "vernier: cannot write the log {}: {reason}; the run goes on without it",
                log.path.display()
            );
            log.failed = Some(reason);
        }
    }

    /// One of Vernier's own lines, to standard error and the log.
    pub fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        let start = if self.state().at_line_start { "" } else { "\n" };
        self.write(Stream::Err, format!("{start}vernier: {line}\n").as_bytes());
    }

    /// Shows a progress line, if standard error is a terminal and no unfinished line of the child is on it.
    pub fn progress(&self, line: &str) {
        // Who waits for the program waits for nobody who reads slowly: its time limit holds.
        let Some(mut state) = self.state.try_lock() else {
            return;
        };
        if !self.terminal || self.quiet || !state.at_line_start {
            return;
        }
        let line: String = line.chars().take(columns().saturating_sub(1)).collect();
        let _ = write_flush(&mut std::io::stderr(), format!("\r\x1b[2K{line}").as_bytes());
        state.progress = true;
    }

    /// Takes the progress line away.
    pub fn clear_progress(&self) {
        let mut state = self.state();
        self.clear(&mut state);
    }

    /// The last lines that came.
    pub fn tail(&self) -> String {
        String::from_utf8_lossy(&self.state().tail).trim().to_string()
    }

    /// An error's message, and below it the last lines that came.
    pub fn with_tail(&self, error: &Error) -> String {
        match self.tail() {
            tail if tail.is_empty() => error.to_string(),
            tail => format!("{error}\n{tail}"),
        }
    }

    fn clear(&self, state: &mut State) {
        if state.progress {
            let _ = write_flush(&mut std::io::stderr(), b"\r\x1b[2K");
            state.progress = false;
        }
    }

    /// An error if the log could not be written to its end.
    pub fn finish(&self) -> Result<(), Error> {
        match &self.state().log {
            Some(Log {
                path,
                failed: Some(reason),
                ..
            }) => Err(Error::File {
                action: "write the log",
                path: path.clone(),
                reason: reason.clone(),
                advice: "the program's own result is complete above; free some space or name another place"
                    .into(),
            }),
            _ => Ok(()),
        }
    }
}

fn write_flush(to: &mut dyn Write, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Width of the terminal on standard error, characters.
fn columns() -> usize {
    // SAFETY: TIOCGWINSZ fills the structure that it is given, or fails and leaves the zeros.
    let size = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &mut size);
        size
    };
    if size.ws_col == 0 {
        80
    } else {
        usize::from(size.ws_col)
    }
}
