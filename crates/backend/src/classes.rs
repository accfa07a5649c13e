//! Counters by class of instruction. The class is known when an instruction is translated; counting costs nothing while
//! a kernel runs.

use ir::InstructionClass;

/// Thread-instructions by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes([u64; InstructionClass::ALL.len()]);

impl Default for Classes {
    fn default() -> Classes {
        Classes([0; InstructionClass::ALL.len()])
    }
}

impl Classes {
    /// Thread-instructions of a class.
    pub fn get(&self, class: InstructionClass) -> u64 {
        self.0[class as usize]
    }
    /// Adds thread-instructions to a class.
    pub fn add(&mut self, class: InstructionClass, thread_instructions: u64) {
        self.0[class as usize] += thread_instructions;
    }
    /// The classes that occurred.
    pub fn iter(&self) -> impl Iterator<Item = (InstructionClass, u64)> + '_ {
        InstructionClass::ALL
            .iter()
            .map(|c| (*c, self.get(*c)))
            .filter(|(_, n)| *n > 0)
    }
    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Classes {
    /// Those of `n` blocks that do what this one did.
    pub fn times(&mut self, n: u64) {
        self.0.iter_mut().for_each(|c| *c = c.saturating_mul(n));
    }
}

impl std::ops::AddAssign for Classes {
    fn add_assign(&mut self, other: Classes) {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a += b;
        }
    }
}
