//! The control state of a warp as data: splits and meetings. What becomes of it is `schedule`'s to say.

/// No meeting point before the end of the thread.
pub const NOWHERE: u32 = u32::MAX;

/// Belongs to no PTX instruction, see [`crate::program::Program::steps`].
pub const NO_STEP: u32 = u32::MAX;

/// Index of the outermost meeting, which is never reached.
pub const ROOT: u32 = 0;

/// Why a split does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It may run.
    Ready,
    /// It waits at a barrier (`pc` is the barrier instruction).
    Barrier { id: u32, count: u32, aligned: bool },
    /// It waits at a `.sync` instruction of this kind for the other lanes of its membermask (see `collective`).
    Members { members: u32, kind: u16 },
}

/// Lanes at one position.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// Next instruction.
    pub pc: u32,
    /// Its lanes.
    pub mask: u32,
    /// The meeting it goes to.
    pub meeting: u32,
    /// Whether it may run.
    pub wait: Wait,
    /// Its registers, see [`crate::warp::Warp::frame`].
    pub frame: u32,
}

/// Where splits come together.
#[derive(Clone, Copy, Debug)]
pub struct Meeting {
    /// First instruction of the block.
    pub pc: u32,
    /// The meeting that the joined split goes to.
    pub parent: u32,
    /// Lanes that will come (or have).
    pub expected: u32,
    /// Lanes that have come.
    pub arrived: u32,
    /// The registers of the split that goes on here.
    pub frame: u32,
    /// The registers of the called function, if this is where it returns; else 0. Its lanes come by returning,
    /// not by reaching `pc` (the function may well run the code there, for another call).
    pub callee: u32,
}

impl Meeting {
    /// The block whose entry is the arrival.
    pub fn entered_at(&self) -> u32 {
        if self.callee == 0 { self.pc } else { NOWHERE }
    }
}

/// The control state of a warp.
#[derive(Debug, Default)]
pub struct Control {
    /// Where the running split meets the others: its pc, kept here because every block entry asks.
    pub meeting_pc: u32,
    /// The meeting of the running split: index in `meetings`.
    pub meeting: u32,
    /// Splits that do not run now; the last ready one runs next.
    pub splits: Vec<Split>,
    /// Where splits come together; those in `free` are not in use.
    pub meetings: Vec<Meeting>,
    /// Numbers of meetings that can be used again.
    pub free: Vec<u32>,
    /// Entries of spinning blocks since others had their turn.
    pub spins: u32,
    /// Lanes that were live when splits that wait for members last looked again.
    pub looked: u32,
    /// Asked to let other warps run.
    pub yielded: bool,
}

impl Control {
    /// Starts over: one split with all lanes.
    pub fn reset(&mut self) {
        self.meeting_pc = NOWHERE;
        self.meeting = ROOT;
        self.splits.clear();
        self.free.clear();
        self.meetings.clear();
        self.meetings.push(Meeting {
            pc: NOWHERE,
            parent: ROOT,
            expected: 0,
            arrived: 0,
            frame: 0,
            callee: 0,
        });
        self.spins = 0;
        self.looked = 0;
        self.yielded = false;
    }

    /// Keeps a meeting; its number.
    pub fn add_meeting(&mut self, m: Meeting) -> u32 {
        match self.free.pop() {
            Some(k) => {
                self.meetings[k as usize] = m;
                k
            }
            None => {
                self.meetings.push(m);
                self.meetings.len() as u32 - 1
            }
        }
    }

    /// The splits that wait at a barrier.
    pub fn at_barrier(&self) -> impl Iterator<Item = (u32, u32, Split)> + '_ {
        self.splits.iter().filter_map(|s| match s.wait {
            Wait::Barrier { id, count, .. } => Some((id, count, *s)),
            _ => None,
        })
    }

    /// The splits that wait in this way for other lanes of the warp.
    pub fn waiting_with(&self, wait: Wait) -> impl Iterator<Item = &Split> {
        self.splits.iter().filter(move |s| s.wait == wait)
    }

    /// Lets them go on behind their instructions.
    pub fn release_members(&mut self, wait: Wait) {
        for s in self.splits.iter_mut().filter(|s| s.wait == wait) {
            s.wait = Wait::Ready;
            s.pc += 1;
        }
    }

    /// Lets the splits at barrier `barrier` go on behind it; shows them as they waited.
    pub fn release_barrier(&mut self, barrier: u32, mut show: impl FnMut(Split)) {
        for s in &mut self.splits {
            if matches!(s.wait, Wait::Barrier { id, .. } if id == barrier) {
                show(*s);
                s.wait = Wait::Ready;
                s.pc += 1;
            }
        }
    }
}
