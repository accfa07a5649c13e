//! Runs one program to its end: output passed on while it comes, signals forwarded, a time limit kept.

use crate::output::{Output, Stream};
use crate::said::{Patterns, Said};
use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};
use tell::error::{Error, io_reason};

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Program: a path, or a name in PATH.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Working directory; `None` is ours.
    pub folder: Option<PathBuf>,
    /// Environment variables set on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// Ends the program after this time.
    pub timeout: Option<Duration>,
    /// The program may read our standard input.
    pub input: bool,
    /// How it says its results.
    pub patterns: Patterns,
}

impl Job {
    /// The command as one would type it.
    pub fn command_line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        words
            .map(|w| quoted(&w.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A word with shell quotes where it needs them.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The command line of this process as it can be typed from any folder.
pub fn own_command() -> String {
    let words: Vec<String> = std::env::args_os()
        .enumerate()
        .map(|(i, w)| match i {
            0 => "vernier".into(),
            _ => quoted(&w.to_string_lossy()),
        })
        .collect();
    let folder = std::env::current_dir().unwrap_or_default();
    format!("cd {} && {}", quoted(&folder.to_string_lossy()), words.join(" "))
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// The time limit ended it.
    Timeout,
}

impl Exit {
    /// The exit code for the shell: 128 + N for signal N, 124 for a timeout.
    pub fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
            Exit::Timeout => 124,
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [(i32, &str); 9] = [
            (libc::SIGHUP, "SIGHUP: hung up"),
            (libc::SIGINT, "SIGINT: interrupted"),
            (libc::SIGILL, "SIGILL: illegal instruction"),
            (libc::SIGABRT, "SIGABRT: aborted"),
            (libc::SIGBUS, "SIGBUS: bus error"),
            (libc::SIGFPE, "SIGFPE: arithmetic fault"),
            (libc::SIGKILL, "SIGKILL: killed, perhaps for want of memory"),
            (libc::SIGSEGV, "SIGSEGV: segmentation fault"),
            (libc::SIGTERM, "SIGTERM: terminated"),
        ];
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Timeout => write!(f, "the time limit"),
            Exit::Signal(n) => match NAMES.iter().find(|(number, _)| number == n) {
                Some((_, name)) => write!(f, "signal {n} ({name})"),
                None => write!(f, "signal {n}"),
            },
        }
    }
}

/// What came of a job.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// Wall-clock time, seconds.
    pub seconds: f64,
    /// What it printed about its results.
    pub said: Said,
    /// Most memory that it was seen to hold, bytes.
    pub peak_bytes: Option<u64>,
}

/// How many children may run at a time.
pub const MOST: usize = 256;

/// The processes (or, negative, process groups) that signals go to; 0 where none runs.
static TARGETS: [AtomicI32; MOST] = [const { AtomicI32::new(0) }; MOST];
/// The first signal that came for us while a child ran, or 0.
static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// A signal does not end us when no child runs: who started them asks [`caught`].
static PATIENT: AtomicBool = AtomicBool::new(false);

extern "C" fn forward(signal: libc::c_int) {
    CAUGHT.store(signal, Ordering::SeqCst);
    let mut any = PATIENT.load(Ordering::SeqCst);
    for target in &TARGETS {
        let target = target.load(Ordering::SeqCst);
        if target != 0 {
            any = true;
            // SAFETY: kill is async-signal-safe; the target is a child that has not been waited for, or its group.
            unsafe { libc::kill(target, signal) };
        }
    }
    if !any {
        // SAFETY: _exit is async-signal-safe.
        unsafe { libc::_exit(128 + signal) };
    }
}

/// From now on signals end the children that run but not us: for who has something to put in order before it ends.
pub fn be_patient() {
    PATIENT.store(true, Ordering::SeqCst);
    catch_signals();
}

/// The signal that asked us to end, if one did.
pub fn caught() -> Option<i32> {
    Some(CAUGHT.load(Ordering::SeqCst)).filter(|s| *s != 0)
}

/// A place in [`TARGETS`], freed when dropped.
struct Place(&'static AtomicI32);

impl Place {
    fn take(target: i32) -> Option<Place> {
        let free = |p: &&AtomicI32| {
            p.compare_exchange(0, target, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        };
        TARGETS.iter().find(free).map(Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

/// From now on, Ctrl-C and termination end the running child first and Vernier after it.
fn catch_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler only uses atomics and async-signal-safe calls.
        unsafe { libc::signal(signal, forward as *const () as libc::sighandler_t) };
    }
}

/// How often a child is looked at, and the progress line renewed.
const TICK: Duration = Duration::from_millis(50);

/// Runs a job. `progress` is asked now and then for the line to show.
pub fn run(
    job: &Job,
    output: &Output,
    mut progress: impl FnMut(Duration) -> Option<String>,
) -> Result<Ended, Error> {
    let mut command = Command::new(&job.program);
    command
        .args(&job.args)
        .envs(job.env.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(folder) = &job.folder {
        command.current_dir(folder);
    }
    if !job.input {
        command.stdin(Stdio::null());
    }
    // A group of its own, so that compilers below make end with it. Not when it reads the terminal: a
    // background group may not, and Ctrl-C reaches the whole foreground group anyway.
    let group = !(job.input && std::io::stdin().is_terminal());
    if group {
        command.process_group(0);
    }
    let parent = std::process::id();
    // SAFETY: prctl and getppid are async-signal-safe; the child ends with us even if we are killed.
    unsafe {
        command.pre_exec(move || {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            if libc::getppid() as u32 != parent {
                libc::_exit(128 + libc::SIGTERM);
            }
            Ok(())
        });
    }
    catch_signals();
    let started = Instant::now();
    let mut child = command.spawn().map_err(|e| {
        let advice = match e.kind() {
            std::io::ErrorKind::NotFound => "is it there, and is the interpreter or loader that it names?",
            std::io::ErrorKind::PermissionDenied => "make it executable: chmod +x",
            _ => "",
        };
        Error::failed(
            format!("cannot run {}: {}", job.program.to_string_lossy(), io_reason(&e)),
            advice,
        )
    })?;
    let pid = child.id() as i32;
    let target = if group { -pid } else { pid };
    let Some(place) = Place::take(target) else {
        // SAFETY: a child that has not been waited for, or its group.
        unsafe { libc::kill(target, libc::SIGKILL) };
        let _ = child.wait();
        let message = format!("more than {MOST} programs at a time");
        return Err(Error::failed(message, "ask for fewer jobs: --jobs N"));
    };

    let gone = AtomicBool::new(false);
    let mut seconds = 0.0;
    let waited = std::thread::scope(|scope| {
        let pipes: [(Stream, Option<OwnedFd>); 2] = [
            (Stream::Out, child.stdout.take().map(Into::into)),
            (Stream::Err, child.stderr.take().map(Into::into)),
        ];
        let gone = &gone;
        let readers = pipes.map(|(stream, pipe)| {
            scope.spawn(move || {
                pipe.map_or_else(Said::default, |pipe| {
                    pass_on(File::from(pipe), stream, output, &job.patterns, gone)
                })
            })
        });
        let mut timed_out = false;
        let mut told_to_end: Option<Instant> = None;
        let mut peak_bytes = None;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) => peak_bytes = peak(pid).max(peak_bytes),
                Err(e) => {
                    break Err(Error::failed(
                        format!("cannot wait for the program: {}", io_reason(&e)),
                        "",
                    ));
                }
            }
            if let Some(line) = progress(started.elapsed()) {
                output.progress(&line);
            }
            let late = job.timeout.is_some_and(|t| started.elapsed() >= t);
            if (late || CAUGHT.load(Ordering::SeqCst) != 0) && told_to_end.is_none() {
                timed_out = late;
                told_to_end = Some(Instant::now());
                if late || PATIENT.load(Ordering::SeqCst) {
                    // The signal may have come before the child had its place.
                    // SAFETY: a child that has not been waited for, or its group.
                    unsafe { libc::kill(target, libc::SIGTERM) };
                }
            }
            if told_to_end.is_some_and(|t| t.elapsed() > Duration::from_secs(3)) {
                // SAFETY: as above.
                unsafe { libc::kill(target, libc::SIGKILL) };
            }
            // A short program is not kept waiting by a long tick.
            std::thread::sleep((started.elapsed() / 8).clamp(Duration::from_millis(1), TICK));
        };
        drop(place);
        seconds = started.elapsed().as_secs_f64();
        if group && told_to_end.is_some() {
            // What the program started ends with it.
            // SAFETY: the group was made for this child; a group that is gone only gives an error.
            unsafe { libc::kill(target, libc::SIGTERM) };
        }
        gone.store(true, Ordering::SeqCst);
        let [said, _] = readers.map(|r| r.join().unwrap_or_default());
        if group && told_to_end.is_some() {
            // It had as long as its output was waited for.
            // SAFETY: as above.
            unsafe { libc::kill(target, libc::SIGKILL) };
        }
        output.clear_progress();
        status.map(|s| (s, timed_out, said, peak_bytes))
    });
    let (status, timed_out, said, peak_bytes) = waited?;
    let exit = match (status.code(), status.signal()) {
        _ if timed_out => Exit::Timeout,
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(0)),
    };
    let exit = match CAUGHT.load(Ordering::SeqCst) {
        0 => exit,
        signal => Exit::Signal(signal),
    };
    Ok(Ended {
        exit,
        seconds,
        said,
        peak_bytes,
    })
}

/// The most memory that a process has held so far, bytes; `None` when it is gone or the kernel does not say.
fn peak(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// How long a reader waits for more before it looks whether the program is gone.
const PATIENCE_MS: libc::c_int = 100;

/// How long a reader goes on when the program has ended: what it left running may write for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// Copies a pipe to the output and returns what its lines said. Ends at the pipe's end, or when the program has ended,
/// all that was in the pipe then has been read, and nothing comes any more or [`DRAIN`] is over: what the program left
/// running in the background may hold the pipe open, and write.
fn pass_on(mut pipe: File, stream: Stream, output: &Output, patterns: &Patterns, gone: &AtomicBool) -> Said {
    /// A line longer than this says nothing.
    const LONGEST: usize = 4096;
    let mut buffer = [0; 1 << 14];
    let mut line: Vec<u8> = Vec::new();
    let mut said = Said::default();
    // Since when the program is gone, and how much of what it may have written is still to be read.
    let mut draining: Option<(Instant, usize)> = None;
    loop {
        if draining.is_none() && gone.load(Ordering::SeqCst) {
            draining = Some((Instant::now(), waiting(&pipe)));
        }
        if draining.is_some_and(|(since, left)| left == 0 && since.elapsed() > DRAIN) {
            break;
        }
        let mut poll = libc::pollfd {
            fd: pipe.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one valid structure, as the count says.
        if unsafe { libc::poll(&mut poll, 1, PATIENCE_MS) } == 0 {
            if draining.is_some() {
                break;
            }
            continue;
        }
        let n = match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if let Some((_, left)) = &mut draining {
            *left = left.saturating_sub(n);
        }
        output.write(stream, &buffer[..n]);
        if stream == Stream::Err {
            continue;
        }
        for &byte in &buffer[..n] {
            if byte == b'\n' || byte == b'\r' {
                said.hear(&line, patterns);
                line.clear();
            } else if line.len() < LONGEST {
                line.push(byte);
            }
        }
    }
    said.hear(&line, patterns);
    said
}

/// Bytes that are in a pipe now.
fn waiting(pipe: &File) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD fills the integer that it is given, or fails and leaves it.
    unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &mut bytes) };
    usize::try_from(bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(program: &str, args: &[&str]) -> Job {
        Job {
            program: program.into(),
            args: args.iter().map(|&a| a.into()).collect(),
            ..Job::default()
        }
    }

    #[test]
    fn exit_codes_signals_and_accuracy_come_through() {
        let output = Output::new(None, true).unwrap();
        let none = |_| None;
        let ended = run(
            &job("sh", &["-c", "echo accuracy: 12.34%; exit 7"]),
            &output,
            none,
        )
        .unwrap();
        assert_eq!((ended.exit, ended.said.accuracy), (Exit::Code(7), Some(12.34)));
        let ended = run(&job("sh", &["-c", "kill -SEGV $$"]), &output, none).unwrap();
        assert_eq!(ended.exit.code(), 139);
        assert!(ended.exit.to_string().contains("segmentation fault"));
        let mut slow = job("sh", &["-c", "sleep 100 & sleep 100"]);
        slow.timeout = Some(Duration::from_millis(100));
        assert_eq!(run(&slow, &output, none).unwrap().exit, Exit::Timeout);
        // A background process that keeps the pipe open does not keep us.
        let ended = run(&job("sh", &["-c", "sleep 20 & echo accuracy: 1%"]), &output, none).unwrap();
        assert_eq!(ended.said.accuracy, Some(1.0));
        assert!(ended.seconds < 15.0);
        assert!(run(&job("/nonexistent/x", &[]), &output, none).is_err());
    }

    #[test]
    fn a_child_left_behind_that_writes_for_ever_keeps_nobody() {
        let output = Output::nowhere().unwrap();
        let none = |_| None;
        let started = Instant::now();
        let writes = "(trap '' TERM PIPE; for i in $(seq 400); do echo x; sleep 0.05; done) &";
        let mut leaves = job("sh", &["-c", &format!("{writes} echo accuracy: 3%")]);
        leaves.timeout = Some(Duration::from_secs(10));
        let ended = run(&leaves, &output, none).unwrap();
        assert_eq!((ended.exit, ended.said.accuracy), (Exit::Code(0), Some(3.0)));
        assert!(started.elapsed() < Duration::from_secs(5));
        // With the program still there, the limit holds, and what it started ends too.
        let mut both = job("sh", &["-c", &format!("{writes} sleep 100")]);
        both.timeout = Some(Duration::from_millis(200));
        assert_eq!(run(&both, &output, none).unwrap().exit, Exit::Timeout);
        assert!(started.elapsed() < Duration::from_secs(9));
        // All that the program wrote is read, however much and however slowly.
        let much = job("sh", &["-c", "head -c 60000 /dev/zero; echo; echo accuracy: 4%"]);
        assert_eq!(run(&much, &output, none).unwrap().said.accuracy, Some(4.0));
    }

    #[test]
    fn command_lines_are_quoted_where_needed() {
        assert_eq!(job("a b", &["-x", "it's"]).command_line(), r"'a b' -x 'it'\''s'");
    }
}
