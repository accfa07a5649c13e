//! What names mean while a function body is translated; which name means what is `ptx::scope`'s to say.

use crate::VReg;

/// Where a variable lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Absolute address (global and constant variables).
    Global(u64),
    /// Offset in shared memory.
    Shared(u32),
    /// Offset in the thread's local memory.
    Local(u32),
    /// Offset in the frame of a function that is not inlined.
    Frame(u32),
    /// Offset in the kernel's parameter block.
    Param(u32),
}

impl Place {
    /// The address within its state space, counted from the frame for [`Place::Frame`].
    pub fn offset(self) -> u64 {
        match self {
            Place::Global(a) => a,
            Place::Shared(a) | Place::Local(a) | Place::Frame(a) | Place::Param(a) => u64::from(a),
        }
    }
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub enum Binding {
    /// A register.
    Reg(VReg),
    /// Registers that are numbered from 0: the first, and how many of ours each has.
    Range(VReg, u32),
    /// A variable.
    Place(Place),
    /// A label's number.
    Label(u32),
    /// A `.branchtargets` list: index in the translator's list.
    Targets(usize),
    /// A `.callprototype` or `.calltargets`: index in the translator's list.
    Prototype(usize),
}
