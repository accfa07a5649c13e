//! Why a configuration or a launch cannot be simulated. A fault of the simulated program is no error: it is the trap of the
//! launch's `Execution`.

use device::Place;

/// What stops a simulation, or keeps it from beginning.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option has a value that performance simulation cannot use.
    #[error("`{option}` is `{value}`: {what}\n  --> {place}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, and what would be right.
        what: String,
        /// Where it stands; line 1 if the file does not set it.
        place: Place,
    },
    /// A kernel has something that the model does not know.
    #[error("kernel `{kernel}` cannot be simulated: {what}")]
    Kernel {
        /// Its name.
        kernel: String,
        /// What it has, and what to do.
        what: String,
    },
    /// The launch cannot run at all.
    #[error(transparent)]
    Launch(#[from] exec::Error),
    /// Nothing moves any more.
    #[error("kernel `{kernel}` stands still since cycle {cycle}:\n{who}")]
    Deadlock {
        /// Its name.
        kernel: String,
        /// The last cycle in which an instruction was completed.
        cycle: u64,
        /// Who waits for what, a line each.
        who: String,
    },
    /// A limit that the configuration sets.
    #[error("kernel `{kernel}` was stopped: {what}")]
    Limit {
        /// Its name.
        kernel: String,
        /// Which limit.
        what: String,
    },
}
