//! The scoreboard: which registers of which warp wait for a result. Reading and writing them again must wait; writing what
//! somebody still reads need not.

use crate::program::Inst;

/// The scoreboard of a multiprocessor.
#[derive(Clone, Debug)]
pub struct Scoreboard {
    words: usize,
    taken: Vec<u64>,
    /// Of those, results of long operations: loads from memory.
    long: Vec<u64>,
    /// Registers taken, by warp.
    count: Vec<u32>,
}

impl Scoreboard {
    /// For `warps` warps of a kernel whose registers fill so many words.
    pub fn new(warps: usize, words: usize) -> Scoreboard {
        Scoreboard {
            words,
            taken: vec![0; warps * words],
            long: vec![0; warps * words],
            count: vec![0; warps],
        }
    }

    fn any(&self, bits: &[u64], warp: u8, set: &[(u32, u64)]) -> bool {
        let base = warp as usize * self.words;
        set.iter()
            .any(|(word, mask)| bits[base + *word as usize] & mask != 0)
    }

    /// Whether an instruction must wait.
    pub fn blocks(&self, warp: u8, inst: &Inst) -> bool {
        self.any(&self.taken, warp, &inst.needs)
    }

    /// Whether an instruction waits for a long operation.
    pub fn waits_long(&self, warp: u8, inst: &Inst) -> bool {
        self.any(&self.long, warp, &inst.needs)
    }

    /// The registers that an instruction writes are taken.
    pub fn take(&mut self, warp: u8, inst: &Inst, long: bool) {
        let base = warp as usize * self.words;
        for (word, mask) in &inst.takes {
            self.taken[base + *word as usize] |= mask;
            if long {
                self.long[base + *word as usize] |= mask;
            }
        }
        self.count[warp as usize] += inst.writes.len() as u32;
    }

    /// They are there.
    pub fn release(&mut self, warp: u8, inst: &Inst) {
        let base = warp as usize * self.words;
        for (word, mask) in &inst.takes {
            self.taken[base + *word as usize] &= !mask;
            self.long[base + *word as usize] &= !mask;
        }
        self.count[warp as usize] -= inst.writes.len() as u32;
    }

    /// Whether a warp waits for any.
    pub fn pending(&self, warp: u8) -> bool {
        self.count[warp as usize] > 0
    }
}
