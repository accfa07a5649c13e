//! Why a run could not be done: one enum, messages for the person who meets them.

use std::io;
use std::path::{Path, PathBuf};

/// Each message says what is wrong, where, and what to do. Shown after `error: `.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the message names each field
pub enum Error {
    /// A wrong argument: exit code 2.
    #[error("{0}")]
    Usage(String),
    #[error("cannot {action} {}: {reason}{}", path.display(), help(advice))]
    File {
        action: &'static str,
        path: PathBuf,
        reason: String,
        advice: String,
    },
    #[error("{message}\n  --> {}:{line}{}", file.display(), help(advice))]
    At {
        file: PathBuf,
        line: usize,
        message: String,
        advice: String,
    },
    #[error("{message}{}", help(advice))]
    Failed { message: String, advice: String },
    /// A stage or program ended with this code: passed on.
    #[error("{message}")]
    Stage { message: String, code: i32 },
}

/// The advice as a line of its own, or nothing.
fn help(advice: &str) -> String {
    if advice.is_empty() {
        String::new()
    } else {
        format!("\n  = help: {advice}")
    }
}

impl Error {
    /// The exit code of a `vernier` that ends with this error: 2 for wrong usage, a stage's own code, else 1.
    pub fn exit_code(&self) -> i32 {
        match self {
            Error::Usage(_) => 2,
            Error::Stage { code, .. } => *code,
            _ => 1,
        }
    }

    /// Something that did not work, with advice (may be empty).
    pub fn failed(message: impl Into<String>, advice: impl Into<String>) -> Error {
        Error::Failed {
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// An operation on a file that the system refused.
    pub fn file(action: &'static str, path: impl AsRef<Path>, error: &io::Error) -> Error {
        Error::File {
            action,
            path: path.as_ref().into(),
            reason: io_reason(error),
            advice: io_advice(error).into(),
        }
    }
}

/// The system's words without Rust's "(os error N)".
pub fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_string(),
        None => text,
    }
}

/// What helps against the commonest refusals.
fn io_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "free some space, or name a place on another disk",
        io::ErrorKind::PermissionDenied => "check the permissions, or name another place",
        _ => "",
    }
}
