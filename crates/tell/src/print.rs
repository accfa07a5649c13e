//! Prints on standard output and standard error without ever panicking. Nobody is told that standard error is gone; of
//! standard output it is kept why, so that the command ends with the right code ([`broken`]) when its work is done.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::atomic::{AtomicI32, Ordering};

/// The system's number of the first error of standard output; 0 while there was none.
static BROKEN: AtomicI32 = AtomicI32::new(0);

/// Keeps an error of standard output, the first of several.
pub fn failed(error: &std::io::Error) {
    let number = error.raw_os_error().unwrap_or(libc::EIO);
    let _ = BROKEN.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
}

fn keep(result: std::io::Result<()>) {
    if let Err(e) = result {
        failed(&e);
    }
}

/// Why standard output could not be written, if it could not.
pub fn broken() -> Option<std::io::Error> {
    keep(std::io::stdout().flush());
    match BROKEN.load(Ordering::SeqCst) {
        0 => None,
        number => Some(std::io::Error::from_raw_os_error(number)),
    }
}

/// Bytes to standard output, at once.
pub fn bytes(bytes: &[u8]) {
    if BROKEN.load(Ordering::SeqCst) == 0 {
        let mut out = std::io::stdout().lock();
        keep(out.write_all(bytes).and_then(|()| out.flush()));
    }
}

/// A text to standard output.
pub fn out(text: Arguments<'_>) {
    if BROKEN.load(Ordering::SeqCst) == 0 {
        keep(std::io::stdout().lock().write_fmt(text));
    }
}

/// A text to standard error, in one write.
pub fn err(text: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_all(text.to_string().as_bytes());
}

/// `println!` that does not panic.
#[macro_export]
macro_rules! outln {
    ($($text:tt)*) => { $crate::print::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// `eprintln!` that does not panic.
#[macro_export]
macro_rules! errln {
    ($($text:tt)*) => { $crate::print::err(format_args!("{}\n", format_args!($($text)*))) };
}
