//! Why a launch did not do its work, and whose fault that is.

use serde::{Deserialize, Serialize};

/// Why a launch did not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The kernel accessed what is outside every allocation.
    OutOfBounds,
    /// It accessed an address that is no multiple of the access's size.
    Misaligned,
    /// It wrote to what is read only.
    ReadOnly,
    /// Its threads wait at different barriers.
    DivergentBarrier,
    /// A barrier, or an instruction of several lanes together, that cannot be.
    IllegalSync,
    /// It executed as many instructions as it was allowed to.
    InstructionBudget,
    /// `assert()` failed.
    Assertion,
    /// The `trap` or `brkpt` instruction.
    TrapInstruction,
    /// An indirect branch went outside its table.
    BadTarget,
    /// An indirect call of what is no such function.
    BadCall,
    /// A number came up at which it was to be stopped.
    StoppedAtNumber,
    /// Calls nested too deeply.
    StackOverflow,
    /// The launch asks for what no device does: a block of 2000 threads.
    Configuration,
    /// Its function is none that the program registered.
    UnknownFunction,
    /// The PTX is wrong, or has an instruction that Vernier refuses.
    RefusedCode,
    /// No PTX has the kernel.
    MissingCode,
    /// Something of CUDA that Vernier does not do.
    NotSupported,
    /// A setting (an environment variable, a policy) that has no meaning.
    Setting,
    /// Vernier could not start: the device configuration is wrong, or the host refuses memory.
    Start,
}

/// Who made a launch fail, and so what excuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// What the kernel did. A program may be made to see that: it is excused when it looks at CUDA's error.
    Kernel,
    /// The program asked for what no device does, and may be ready for the answer: excused.
    Request,
    /// Vernier cannot do it or was told wrongly: no program is made for that, and nothing excuses it.
    Vernier,
}

impl Cause {
    /// Who is to blame.
    pub fn blame(self) -> Blame {
        use Cause::*;
        match self {
            OutOfBounds | Misaligned | ReadOnly | DivergentBarrier | IllegalSync | InstructionBudget
            | Assertion | TrapInstruction | BadTarget | BadCall | StoppedAtNumber | StackOverflow => {
                Blame::Kernel
            }
            Configuration => Blame::Request,
            UnknownFunction | RefusedCode | MissingCode | NotSupported | Setting | Start => Blame::Vernier,
        }
    }
}
