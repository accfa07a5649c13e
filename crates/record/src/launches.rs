//! The log of launches from which layers are found: every launch with what it was given, and what the program writes into
//! device memory in between, a [`Line`] a line in `PID.launches`.

use crate::Error;
use serde::{Deserialize, Serialize};

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Start {
        /// [`crate::VERSION`].
        version: u32,
    },
    /// Before its first launch: what a kernel's PTX says.
    Kernel {
        /// Mangled name.
        kernel: String,
        /// What it does with memory.
        #[serde(flatten)]
        facts: Kernel,
    },
    /// The program wrote device memory.
    Write(Write),
    /// A launch has ended.
    Launch(Launch),
}

impl Line {
    /// The lines of a log's text.
    ///
    /// # Errors
    /// It is of another version, or is no log.
    pub fn read(text: &str) -> Result<Vec<Line>, Error> {
        crate::lines(text, false)
    }
}

/// What a kernel does with memory, as its PTX says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Instructions that accumulate.
    pub accumulations: u64,
    /// Its pointers.
    pub arguments: Vec<Argument>,
}

/// A pointer among the parameters of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// and where the allocation begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
}

impl Word {
    /// The size of the allocation that it points into, bytes.
    pub fn allocation(&self) -> Option<u64> {
        Some(self.left? + self.value - self.start?)
    }
}

/// A launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// First byte.
    pub address: u64,
    /// How many.
    pub bytes: u64,
    /// From which other device memory, if from there.
    pub from: Option<u64>,
}
