//! Why a call failed, and which CUDA error code says so.

use crate::code::Code;
use backend::MemoryError;
use record::Cause;

/// Why a call failed. `Display` is the reason in words; [`Error::code`] is what the program gets.
#[derive(Clone, Debug, thiserror::Error)]
#[allow(missing_docs)] // the message names each field
pub enum Error {
    /// The call was given something it cannot take.
    #[error("{reason}")]
    Argument { code: Code, reason: String },
    /// An environment variable that has no meaning.
    #[error("{0}")]
    Setting(String),
    /// Vernier could not start: the device configuration is wrong, or the host refuses memory.
    #[error("{0}")]
    Start(String),
    /// Something Vernier does not do.
    #[error("{0}")]
    NotSupported(String),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A module's code cannot be had or is wrong.
    #[error("{reason}")]
    Module { code: Code, reason: String },
    #[error("{0:#x} is not a kernel that the program registered")]
    UnknownFunction(usize),
    #[error("{0:#x} is not a device variable that the program registered")]
    UnknownSymbol(usize),
    /// A launch that could not start.
    #[error("kernel `{kernel}` cannot be launched: {reason}")]
    Launch {
        kernel: String,
        code: Code,
        reason: String,
    },
    /// The fault of an earlier kernel, whose message was already shown.
    #[error("an earlier kernel failed: {}", .0.text())]
    Pending(Code),
}

impl Error {
    /// An argument fault.
    pub fn argument(code: Code, reason: impl Into<String>) -> Error {
        Error::Argument {
            code,
            reason: reason.into(),
        }
    }
    /// `cudaErrorInvalidValue` with a reason.
    pub fn value(reason: impl Into<String>) -> Error {
        Error::argument(Code::INVALID_VALUE, reason)
    }
    /// What the program gets.
    pub fn code(&self) -> Code {
        match self {
            Error::Argument { code, .. } | Error::Module { code, .. } | Error::Launch { code, .. } => *code,
            Error::Pending(code) => *code,
            Error::Setting(_) => Code::INVALID_VALUE,
            Error::Start(_) => Code::INITIALIZATION_ERROR,
            Error::NotSupported(_) => Code::NOT_SUPPORTED,
            Error::Memory(MemoryError::OutOfMemory { .. } | MemoryError::NoAddressSpace { .. }) => {
                Code::MEMORY_ALLOCATION
            }
            Error::Memory(_) => Code::INVALID_VALUE,
            Error::UnknownFunction(_) => Code::INVALID_DEVICE_FUNCTION,
            Error::UnknownSymbol(_) => Code::INVALID_SYMBOL,
        }
    }
    /// Why, as the run record says it of a launch; nothing for what programs provoke on purpose (probing a pointer,
    /// running out of memory) or were told already.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Error::Argument { .. } | Error::Memory(_) | Error::Pending(_) => None,
            Error::Setting(_) => Some(Cause::Setting),
            Error::Start(_) => Some(Cause::Start),
            Error::NotSupported(_) => Some(Cause::NotSupported),
            Error::Module { code, .. } if *code == Code::INVALID_PTX => Some(Cause::RefusedCode),
            Error::Module { .. } | Error::UnknownSymbol(_) => Some(Cause::MissingCode),
            Error::UnknownFunction(_) => Some(Cause::UnknownFunction),
            Error::Launch { .. } => Some(Cause::Configuration),
        }
    }
    /// Whether the reason is worth a line on stderr even when nobody asked.
    pub fn is_loud(&self) -> bool {
        self.cause().is_some()
    }
}

impl From<backend::Error> for Error {
    fn from(error: backend::Error) -> Error {
        match error {
            backend::Error::Memory(e) => Error::Memory(e),
            e @ backend::Error::NoKernel { .. } => Error::Module {
                code: Code::INVALID_DEVICE_FUNCTION,
                reason: e.to_string(),
            },
            backend::Error::Launch { kernel, reason } => Error::Launch {
                kernel,
                code: Code::INVALID_VALUE,
                reason,
            },
            e => Error::Module {
                code: Code::INVALID_PTX,
                reason: e.to_string(),
            },
        }
    }
}

/// What a fault of a kernel was.
pub(crate) fn cause_of(kind: &backend::TrapKind) -> Cause {
    use backend::TrapKind::*;
    match kind {
        OutOfBounds { .. } => Cause::OutOfBounds,
        Misaligned { .. } => Cause::Misaligned,
        ReadOnly { .. } => Cause::ReadOnly,
        DivergentBarrier { .. } => Cause::DivergentBarrier,
        IllegalSync { .. } => Cause::IllegalSync,
        InstructionBudget { .. } => Cause::InstructionBudget,
        Assertion { .. } => Cause::Assertion,
        TrapInstruction => Cause::TrapInstruction,
        BadTarget { .. } => Cause::BadTarget,
        BadCall { .. } => Cause::BadCall,
        Number { .. } => Cause::StoppedAtNumber,
        StackOverflow { .. } => Cause::StackOverflow,
    }
}

/// The code for a fault of a kernel.
pub(crate) fn trap_code(cause: Cause) -> Code {
    match cause {
        Cause::OutOfBounds => Code::ILLEGAL_ADDRESS,
        Cause::Misaligned => Code::MISALIGNED_ADDRESS,
        Cause::InstructionBudget => Code::LAUNCH_TIMEOUT,
        Cause::Assertion => Code::ASSERT,
        Cause::BadTarget | Cause::BadCall => Code::INVALID_PC,
        Cause::DivergentBarrier | Cause::IllegalSync => Code::ILLEGAL_INSTRUCTION,
        _ => Code::LAUNCH_FAILURE,
    }
}
