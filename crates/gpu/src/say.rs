//! Lines for the person who runs the program: on stderr, each beginning with `vernier: `. Never on stdout,
//! which belongs to the program.

use crate::sync::lock;
use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

const QUIET: u8 = 1;
const VERBOSE: u8 = 2;
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The texts of [`once`] that were shown, so that a loop of failing calls does not flood the terminal.
static SHOWN: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Takes VERNIER_QUIET and VERNIER_VERBOSE.
pub(crate) fn set_level(quiet: bool, verbose: bool) {
    LEVEL.store(
        u8::from(quiet) * QUIET + u8::from(verbose) * VERBOSE,
        Ordering::Relaxed,
    );
}

fn write(text: &str) {
    let mut lines = String::with_capacity(text.len() + 16);
    for line in text.lines() {
        lines.push_str("vernier: ");
        lines.push_str(line);
        lines.push('\n');
    }
    // One write, so that lines of several threads stay whole. Nobody can be told when stderr is closed.
    let _ = std::io::stderr().lock().write_all(lines.as_bytes());
}

/// An error: always shown.
pub fn error(text: &str) {
    write(text);
}

/// An error that is shown the first time this text comes.
pub fn once(text: &str) {
    let mut shown = lock(&SHOWN);
    if shown.get_or_insert_default().insert(text.to_owned()) {
        write(text);
    }
}

/// Information, unless VERNIER_QUIET is set.
pub(crate) fn info(text: &str) {
    if LEVEL.load(Ordering::Relaxed) & QUIET == 0 {
        write(text);
    }
}

/// Whether VERNIER_VERBOSE is set.
pub fn is_verbose() -> bool {
    LEVEL.load(Ordering::Relaxed) & VERBOSE != 0
}

/// Information when VERNIER_VERBOSE is set.
pub(crate) fn verbose(text: &str) {
    if is_verbose() {
        write(text);
    }
}
