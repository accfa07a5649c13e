//! The run record: what happened in this process, as JSON lines in VERNIER_RUN_DIR, and a progress file for
//! whoever watches. Without that variable nothing is written and launches cost two additions.

use crate::sync::lock;
use backend::{Progress, Stats};
use record::Event;
use record::run::{self, Counts, End, Kernel, Start, Unsupported};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The progress file is rewritten at most this often.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);

/// The watching thread goes away when nothing was launched for so long.
const WATCH_IDLE: Duration = Duration::from_secs(1);

/// Makes a folder that only its owner looks into: records tell what the program computed. One that is there already
/// keeps its rights.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// How to make a file that only its owner reads, and no link to somebody else's is followed.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options
}

/// Totals of one kernel, or of all.
#[derive(Clone, Copy, Default)]
struct Totals {
    launches: u64,
    stats: Stats,
    seconds: f64,
}

impl Totals {
    fn add(&mut self, stats: Stats, seconds: f64) {
        self.launches += 1;
        self.stats += stats;
        self.seconds += seconds;
    }

    /// As the record has them. Of classes those that occurred.
    fn counts(&self) -> Counts {
        let classes = self.stats.classes.iter();
        Counts {
            launches: self.launches,
            thread_instructions: self.stats.thread_instructions,
            warp_instructions: self.stats.warp_instructions,
            variable_instructions: self.stats.variable_instructions,
            classes: classes.map(|(c, n)| (c.name().to_owned(), n)).collect(),
        }
    }
}

#[derive(Default)]
struct State {
    kernels: BTreeMap<String, Totals>,
    unsupported: BTreeMap<String, u64>,
    all: Totals,
    ended: bool,
}

/// What was counted so far: the watching thread reads it too.
#[derive(Default)]
struct Sums {
    state: Mutex<State>,
    peak_bytes: AtomicU64,
}

impl Sums {
    /// The events of a process that ends now.
    fn events(&self) -> Vec<Event> {
        let state = lock(&self.state);
        let unsupported = state.unsupported.iter().map(|(function, count)| {
            Event::Unsupported(Unsupported {
                function: function.clone(),
                count: *count,
            })
        });
        let kernels = state.kernels.iter().map(|(name, totals)| {
            Event::Kernel(Kernel {
                name: name.clone(),
                counts: totals.counts(),
                seconds: totals.seconds,
            })
        });
        let end = Event::End(End {
            counts: state.all.counts(),
            kernel_seconds: state.all.seconds,
            peak_device_bytes: self.peak_bytes.load(Ordering::Relaxed),
        });
        unsupported.chain(kernels).chain([end]).collect()
    }
}

/// What runs now, for the watching thread.
#[derive(Default)]
struct Watch {
    running: Option<(String, Arc<Progress>)>,
    launches: u64,
    thread_instructions: u64,
    last_kernel: String,
    last_launch: Option<Instant>,
    last_write: Option<Instant>,
    /// Bytes of the progress file, so that a shorter text covers a longer one.
    width: usize,
    thread: bool,
}

/// The place of a word `false` in the record that may have to become `true`, if there is a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Option<u64>);

const NOT_LOOKED_AT: &str = "\"looked_at\":false";

struct Files {
    events: Mutex<File>,
    /// The same file, to change words in it: what is written to a file that appends goes to its end.
    marks: File,
    progress: File,
    watch: Mutex<Watch>,
    wake: Condvar,
    sums: Arc<Sums>,
}

/// The record of this process.
pub(crate) struct Recorder {
    files: Option<Arc<Files>>,
    sums: Arc<Sums>,
    /// The process whose record this is: a forked child must not end it.
    pid: u32,
}

impl Recorder {
    /// Opens the record in `folder`, or none at all. A folder that cannot be written is said once and then
    /// does without: the program's work is worth more than its record.
    pub(crate) fn new(folder: Option<&Path>, program: &Path, cuda: u32) -> Recorder {
        let sums = Arc::new(Sums::default());
        let files = folder.and_then(|folder| {
            let pid = std::process::id();
            let open = || -> std::io::Result<Files> {
                private_folder(folder)?;
                let path = folder.join(format!("{pid}.jsonl"));
                let events = private_file().append(true).open(&path)?;
                let marks = File::options().write(true).open(&path)?;
                let progress = private_file()
                    .write(true)
                    .truncate(true)
                    .open(folder.join(format!("{pid}.progress")))?;
                Ok(Files {
                    events: Mutex::new(events),
                    marks,
                    progress,
                    watch: Mutex::default(),
                    wake: Condvar::new(),
                    sums: sums.clone(),
                })
            };
            open()
                .map_err(|e| {
                    crate::say::error(&format!(
                        "no run record: cannot write in {} (VERNIER_RUN_DIR): {e}",
                        folder.display()
                    ));
                })
                .ok()
        });
        let recorder = Recorder {
            files: files.map(Arc::new),
            sums,
            pid: std::process::id(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        recorder.event(&Event::Start(Start {
            version: record::VERSION,
            pid: std::process::id(),
            program: program.to_string_lossy().into_owned(),
            time_unix_s: now.as_secs_f64(),
            vernier: env!("CARGO_PKG_VERSION").into(),
            cuda,
        }));
        recorder
    }

    /// Appends one event; the line is in the file when this returns.
    pub(crate) fn event(&self, event: &Event) {
        if let (Some(files), Some(line)) = (&self.files, line(event)) {
            // A full disk must not end the program; the record is then short.
            let _ = lock(&files.events).write_all(line.as_bytes());
        }
    }

    /// Appends a fault of which it is not known yet whether the program looks at it.
    pub(crate) fn trap(&self, trap: run::Trap) -> Mark {
        let (Some(files), Some(line)) = (&self.files, line(&Event::Trap(trap))) else {
            return Mark(None);
        };
        let mut events = lock(&files.events);
        let end = events
            .write_all(line.as_bytes())
            .and_then(|()| events.stream_position());
        // The text cannot occur within a string, where quotes are escaped.
        let offset = line.find(NOT_LOOKED_AT).map(|at| at + NOT_LOOKED_AT.len());
        Mark(match (end, offset) {
            (Ok(end), Some(offset)) => (end + offset as u64).checked_sub((line.len() + "false".len()) as u64),
            _ => None,
        })
    }

    /// The program looked at the fault of which [`Recorder::trap`] told.
    pub(crate) fn looked_at(&self, mark: Mark) {
        if let (Some(files), Mark(Some(at))) = (&self.files, mark) {
            let _ = files.marks.write_all_at(b"true ", at);
        }
    }

    /// Takes note of `bytes` of device memory in use.
    pub(crate) fn memory(&self, bytes: u64) {
        self.sums.peak_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Counts a call to a function that is not supported.
    pub(crate) fn unsupported(&self, function: &str) {
        *lock(&self.sums.state)
            .unsupported
            .entry(function.to_owned())
            .or_default() += 1;
    }

    /// A launch begins.
    pub(crate) fn begin(&self, kernel: &str, progress: &Arc<Progress>) {
        let Some(files) = &self.files else { return };
        let mut watch = lock(&files.watch);
        watch.running = Some((kernel.to_owned(), progress.clone()));
        watch.last_launch = Some(Instant::now());
        if !watch.thread {
            let theirs = files.clone();
            let builder = std::thread::Builder::new().name("vernier-progress".into());
            let spawned = exec::without_signals(|| builder.spawn(move || watch_over(&theirs)));
            watch.thread = spawned.is_ok();
        }
    }

    /// A launch has ended.
    pub(crate) fn end(&self, kernel: &str, stats: Stats, seconds: f64) {
        {
            let mut state = lock(&self.sums.state);
            state.all.add(stats, seconds);
            match state.kernels.get_mut(kernel) {
                Some(totals) => totals.add(stats, seconds),
                None => state
                    .kernels
                    .entry(kernel.to_owned())
                    .or_default()
                    .add(stats, seconds),
            }
        }
        let Some(files) = &self.files else { return };
        let mut watch = lock(&files.watch);
        watch.running = None;
        watch.launches += 1;
        watch.thread_instructions += stats.thread_instructions;
        if watch.last_kernel != kernel {
            kernel.clone_into(&mut watch.last_kernel);
        }
    }

    /// Whether kernels ran, but none executed an instruction in a variable format.
    pub(crate) fn is_without_formats(&self) -> bool {
        let all = lock(&self.sums.state).all;
        all.launches > 0 && all.stats.variable_instructions == 0
    }

    /// Writes the totals, and what the back end found out by line. Called at the end of the process; a second call does
    /// nothing.
    pub(crate) fn finish(&self, findings: &[Event]) {
        let ended = std::mem::replace(&mut lock(&self.sums.state).ended, true);
        if ended || self.files.is_none() || self.pid != std::process::id() {
            return;
        }
        let mut events = self.sums.events();
        let end = events.pop();
        events.iter().for_each(|e| self.event(e));
        findings.iter().for_each(|e| self.event(e));
        end.iter().for_each(|e| self.event(e));
        if let Some(files) = &self.files {
            files.write_progress(&mut lock(&files.watch));
        }
    }
}

/// The line of an event. None of them holds what JSON does not take.
fn line(event: &Event) -> Option<String> {
    Some(serde_json::to_string(event).ok()? + "\n")
}

/// A launch that runs now; dropped without [`Running::done`] when it could not start.
pub(crate) struct Running<'a> {
    recorder: &'a Recorder,
    kernel: &'a str,
}

impl<'a> Running<'a> {
    pub(crate) fn new(recorder: &'a Recorder, kernel: &'a str, progress: &Arc<Progress>) -> Running<'a> {
        recorder.begin(kernel, progress);
        Running { recorder, kernel }
    }
    pub(crate) fn done(self, stats: Stats, seconds: f64) {
        self.recorder.end(self.kernel, stats, seconds);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(files) = &self.recorder.files {
            lock(&files.watch).running = None;
        }
    }
}

impl Files {
    fn write_progress(&self, watch: &mut Watch) {
        let (mut instructions, mut done, mut total) = (watch.thread_instructions, 0, 0);
        let kernel = match &watch.running {
            Some((kernel, progress)) => {
                instructions += progress.thread_instructions.load(Ordering::Relaxed);
                done = progress.blocks_done.load(Ordering::Relaxed);
                total = progress.blocks_total.load(Ordering::Relaxed);
                kernel
            }
            None => &watch.last_kernel,
        };
        let progress = run::Progress {
            launches: watch.launches,
            thread_instructions: instructions,
            kernel: kernel.clone(),
            blocks_done: done,
            blocks_total: total,
            so_far: self.sums.events(),
        };
        let mut text = serde_json::to_string(&progress).unwrap_or_default();
        // Spaces over the rest of an earlier, longer text: the file is one JSON value at every moment.
        let width = text.len().max(watch.width);
        watch.width = width;
        text.extend(std::iter::repeat_n(' ', width - text.len()));
        text.push('\n');
        let _ = self.progress.write_all_at(text.as_bytes(), 0);
        watch.last_write = Some(Instant::now());
    }
}

/// The watching thread: lives while kernels run or launches keep coming.
fn watch_over(files: &Files) {
    let mut watch = lock(&files.watch);
    loop {
        watch = files
            .wake
            .wait_timeout(watch, PROGRESS_PERIOD)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        let idle = watch.last_launch.is_none_or(|t| t.elapsed() > WATCH_IDLE);
        files.write_progress(&mut watch);
        if idle && watch.running.is_none() {
            watch.thread = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_their_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("vernier-private-{}", std::process::id()));
        let inner = folder.join("runs/exec");
        let _recorder = Recorder::new(Some(&inner), Path::new("/bin/prog"), 13);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&inner)), (0o700, 0o700));
        let files: Vec<_> = std::fs::read_dir(&inner)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        assert_eq!(files.len(), 2);
        assert!(files.iter().all(|f| mode(f) == 0o600));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_record_is_json_lines_with_totals() {
        let folder = std::env::temp_dir().join(format!("vernier-record-{}", std::process::id()));
        let recorder = Recorder::new(Some(&folder), Path::new("/bin/prog"), 13);
        let progress = Arc::new(Progress::default());
        for _ in 0..3 {
            recorder.begin("k", &progress);
            let mut stats = Stats {
                thread_instructions: 10,
                warp_instructions: 1,
                variable_instructions: 4,
                ..Stats::default()
            };
            stats.classes.add(backend::InstructionClass::Fp32Fma, 6);
            recorder.end("k", stats, 0.5);
        }
        let trap = run::Trap {
            kernel: "k".into(),
            cause: record::Cause::Assertion,
            message: "\"looked_at\":false".into(),
            looked_at: false,
        };
        let (first, second) = (recorder.trap(trap.clone()), recorder.trap(trap));
        recorder.looked_at(second);
        recorder.unsupported("cudaFoo");
        recorder.memory(77);
        let line = Event::Line(run::Line {
            kernel: "k".into(),
            file: "m.ptx".into(),
            line: 7,
            text: "ret;".into(),
            cuda_file: "m.cu".into(),
            cuda_line: 3,
            samples: 5,
            thread_instructions: 64,
            warp_instructions: 2,
        });
        recorder.finish(std::slice::from_ref(&line));
        recorder.finish(&[line]);
        let pid = std::process::id();
        let text = std::fs::read_to_string(folder.join(format!("{pid}.jsonl"))).unwrap();
        let events = Event::read(&text).unwrap();
        assert!(first.0 < second.0);
        let [
            Event::Start(start),
            Event::Trap(first),
            Event::Trap(second),
            Event::Unsupported(unsupported),
            Event::Kernel(kernel),
            Event::Line(line),
            Event::End(end),
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((start.pid, start.program.as_str()), (pid, "/bin/prog"));
        assert_eq!((first.looked_at, second.looked_at), (false, true));
        assert_eq!((unsupported.function.as_str(), unsupported.count), ("cudaFoo", 1));
        assert_eq!(kernel.counts.thread_instructions, 30);
        assert_eq!(kernel.counts.classes, [("fp32_fma".to_string(), 18)].into());
        assert_eq!((line.line, line.cuda_line, line.samples), (7, 3, 5));
        assert_eq!(end.peak_device_bytes, 77);
        let progress = std::fs::read_to_string(folder.join(format!("{pid}.progress"))).unwrap();
        let progress = run::Progress::read(&progress).unwrap();
        assert_eq!(progress.launches, 3);
        // A process that is killed writes no totals: here they are.
        assert_eq!(progress.so_far, [&events[3..5], &events[6..]].concat());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
