//! What the library inside a program and the `vernier` command tell each other, declared once: the events of a run
//! record ([`run`]), the log of launches ([`launches`]), observations ([`observation`]), why launches fail ([`fault`]), and the
//! environment variables ([`variables`]). The library writes these types, the command reads them; neither writes JSON by hand.
//!
//! Files are lines of JSON. The first line says which [`VERSION`] it is: a file of another one is refused, not guessed at.

pub mod environment;
pub mod fault;
pub mod launches;
pub mod observation;
pub mod run;
pub mod variables;

pub use environment::{Environment, Invalid, Numerics};
pub use fault::{Blame, Cause};
pub use observation::{Observation, Shadow, Stop, Values};
pub use run::Event;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Of what is written here. One higher with every change that a reader of older files would misunderstand.
pub const VERSION: u32 = 1;

/// Why a record or a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message names each field
pub enum Error {
    #[error("it is of version {found}, and this Vernier reads version {VERSION}: run the program again")]
    Version { found: u32 },
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
}

/// The lines of a file, decoded. What a process that was killed left unfinished is passed over: its last line or, `anywhere`
/// in the file, the last line of a process that made room for another one with the same number.
fn lines<T: DeserializeOwned>(text: &str, anywhere: bool) -> Result<Vec<T>, Error> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        version: u32,
    }
    let head = text.lines().next().map(serde_json::from_str::<Head>);
    if let Some(Ok(Head { version: found })) = head
        && found != VERSION
    {
        return Err(Error::Version { found });
    }
    let mut all = Vec::new();
    let last = text.lines().count();
    for (n, line) in (1..).zip(text.lines()) {
        match serde_json::from_str(line) {
            Ok(value) => all.push(value),
            Err(e) if !e.is_data() && (anywhere || n == last) => {}
            Err(e) => {
                return Err(Error::Line {
                    line: n,
                    reason: e.to_string(),
                });
            }
        }
    }
    Ok(all)
}
