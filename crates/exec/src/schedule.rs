//! Control flow within a warp. Lanes that went different ways at a branch are *splits*, each with its own
//! position and mask; a *meeting* is the point where the splits of one branch come together again (the
//! branch's immediate post-dominator). One split runs at a time, until it reaches its meeting, ends, or waits.
//!
//! This is a reconvergence stack spread out into a tree, so that a warp can also let lanes run ahead of their
//! meeting: a split that keeps running atomics or volatile loads may be waiting for lanes that wait for it
//! (a spin lock inside a warp), so after a while everything that can move is let go in turn, as independent
//! thread scheduling demands.

use crate::control::{Meeting, NO_STEP, NOWHERE, ROOT, Split, Wait};
use crate::cross::guard;
use crate::machine::LANES;
use crate::warp::{Flow, Inst, Warp};
use backend::TrapKind;

/// Entries of spinning blocks after which others get their turn.
const SPIN_LIMIT: u32 = 1024;

/// How a warp stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All its threads have ended.
    Done,
    /// All its threads that have not ended wait at barriers.
    Barrier,
    /// It let others have a turn.
    Yield,
    /// A trap.
    Trap,
}

impl Warp {
    /// Makes split `s` the running one.
    fn resume(&mut self, s: Split) {
        self.pc = s.pc;
        self.mask = s.mask;
        self.control.meeting = s.meeting;
        self.control.meeting_pc = self.control.meetings[s.meeting as usize].entered_at();
        self.use_frame(s.frame);
    }

    /// Takes the next ready split, if there is one; else the mask becomes empty.
    fn next_split(&mut self) -> Flow {
        match self.control.splits.iter().rposition(|s| s.wait == Wait::Ready) {
            Some(k) => {
                let s = self.control.splits.remove(k);
                self.resume(s);
            }
            None => self.mask = 0,
        }
        Flow::Switch
    }

    /// The running split branches: the lanes of `taken` to `target`, the others to `other`; both not empty.
    /// They meet at `meet`.
    pub fn diverge(&mut self, parts: &[(u32, u32)], meet: u32) -> Flow {
        let meeting = self.meet_at(meet);
        let frame = self.frame;
        for &(pc, mask) in parts {
            if pc == meet {
                self.control.meetings[meeting as usize].arrived |= mask;
            } else {
                self.control.splits.push(Split {
                    pc,
                    mask,
                    meeting,
                    wait: Wait::Ready,
                    frame,
                });
            }
        }
        // All ways may lead straight to the meeting.
        if self.join(meeting) {
            Flow::Switch
        } else {
            self.next_split()
        }
    }

    /// The meeting at `pc` of parts of the running split.
    fn meet_at(&mut self, pc: u32) -> u32 {
        let c = &mut self.control;
        if pc == c.meeting_pc || pc == NOWHERE {
            return c.meeting;
        }
        c.add_meeting(Meeting {
            pc,
            parent: c.meeting,
            expected: self.mask,
            arrived: 0,
            frame: self.frame,
            callee: 0,
        })
    }

    /// The running split calls functions: `parts` are their entries, lanes and registers. It goes on at `back`.
    pub fn call(&mut self, parts: &[(u32, u32, u32)], back: u32) -> Flow {
        let parent = match parts.len() {
            1 => self.control.meeting,
            _ => self.meet_at(back),
        };
        for &(pc, mask, callee) in parts {
            let meeting = self.control.add_meeting(Meeting {
                pc: back,
                parent,
                expected: mask,
                arrived: 0,
                frame: self.frame,
                callee,
            });
            self.control.splits.push(Split {
                pc,
                mask,
                meeting,
                wait: Wait::Ready,
                frame: callee,
            });
        }
        self.next_split()
    }

    /// The running split returns from its function.
    pub fn ret(&mut self) -> Flow {
        let lanes = self.mask;
        let c = &mut self.control;
        // Nobody need wait for these lanes inside the function any more.
        let mut k = c.meeting;
        while c.meetings[k as usize].callee == 0 && k != ROOT {
            c.meetings[k as usize].expected &= !lanes;
            k = c.meetings[k as usize].parent;
        }
        c.meetings[k as usize].arrived |= lanes;
        if self.join(self.control.meeting) {
            Flow::Switch
        } else {
            self.next_split()
        }
    }

    /// The running split has reached its meeting.
    pub fn arrive(&mut self) -> Flow {
        let c = &mut self.control;
        let k = c.meeting;
        c.meetings[k as usize].arrived |= self.mask;
        if self.join(k) {
            Flow::Switch
        } else {
            self.next_split()
        }
    }

    /// Goes on behind meeting `k` if everybody is there.
    fn join(&mut self, k: u32) -> bool {
        let c = &mut self.control;
        let m = c.meetings[k as usize];
        if m.arrived != m.expected || k == ROOT {
            return false;
        }
        c.free.push(k);
        if m.callee != 0 {
            self.env_mut().frames.release(m.callee);
        }
        let c = &mut self.control;
        c.meetings[k as usize].expected = 0;
        c.meetings[k as usize].arrived = 0;
        if m.expected == 0 {
            return self.join(m.parent);
        }
        self.resume(Split {
            pc: m.pc,
            mask: m.expected,
            meeting: m.parent,
            wait: Wait::Ready,
            frame: m.frame,
        });
        true
    }

    /// The active lanes end.
    pub fn exit(&mut self, base: u32) -> Flow {
        let ended = self.mask;
        self.live &= !ended;
        let mut k = self.control.meeting;
        while k != ROOT {
            let m = &mut self.control.meetings[k as usize];
            m.expected &= !ended;
            k = m.parent;
        }
        self.mask = base & !ended;
        if self.mask != 0 {
            return Flow::Next;
        }
        // Nobody of this split is left; the others may have been waiting for it.
        if self.join(self.control.meeting) {
            Flow::Switch
        } else {
            self.next_split()
        }
    }

    /// Lets all lanes that wait at a meeting run ahead of it.
    fn let_go(&mut self) {
        for k in 1..self.control.meetings.len() {
            let m = self.control.meetings[k];
            if m.arrived != 0 {
                self.control.meetings[k].expected &= !m.arrived;
                self.control.meetings[k].arrived = 0;
                self.control.splits.insert(
                    0,
                    Split {
                        pc: m.pc,
                        mask: m.arrived,
                        meeting: m.parent,
                        wait: Wait::Ready,
                        frame: m.frame,
                    },
                );
            }
        }
    }

    /// A block that may spin is entered at `pc`; true when others should have a turn.
    pub fn spin(&mut self, pc: u32) -> bool {
        self.control.spins += 1;
        if self.control.spins < SPIN_LIMIT {
            return false;
        }
        self.control.spins = 0;
        self.let_go();
        let meeting = self.control.meeting;
        self.control.splits.insert(
            0,
            Split {
                pc,
                mask: self.mask,
                meeting,
                wait: Wait::Ready,
                frame: self.frame,
            },
        );
        self.control.yielded = true;
        self.next_split();
        true
    }

    /// `lanes` of the running split wait; the others may go on (see [`Warp::go_on`]).
    pub fn park(&mut self, lanes: u32, wait: Wait) {
        self.mask &= !lanes;
        self.control.splits.push(Split {
            pc: self.pc,
            mask: lanes,
            meeting: self.control.meeting,
            wait,
            frame: self.frame,
        });
    }

    /// Goes on behind an instruction at which lanes were parked, if any are left.
    pub fn go_on(&mut self) -> Flow {
        match self.mask {
            0 => self.next_split(),
            _ => Flow::Next,
        }
    }

    /// As how many threads `lanes` count at a barrier of the block, of those lanes of the warp that are `there`: a warp
    /// that is there as a whole counts as 32, once, even if some of its threads have ended or were never there.
    pub fn threads_at_barrier(&self, there: u32, lanes: u32) -> u32 {
        let first = there & there.wrapping_neg();
        let missing = match there == self.live && first & lanes != 0 {
            true => LANES as u32 - there.count_ones(),
            false => 0,
        };
        lanes.count_ones() + missing
    }

    /// No split is ready: finds out what the warp waits for.
    fn settle(&mut self) -> Option<Stop> {
        if self.live == 0 {
            return Some(Stop::Done);
        }
        let splits = &self.control.splits;
        let waiting = splits.iter().fold(0, |m, s| m | s.mask);
        let aligned = splits
            .iter()
            .any(|s| matches!(s.wait, Wait::Barrier { aligned: true, .. }));
        let for_members = |s: &Split| matches!(s.wait, Wait::Members { .. });
        let members = splits.iter().any(for_members);
        if members && self.control.looked != self.live {
            // The lanes that they wait for may have ended meanwhile.
            self.control.looked = self.live;
            for s in self.control.splits.iter_mut().filter(|s| for_members(s)) {
                s.wait = Wait::Ready;
            }
            self.next_split();
            return None;
        }
        if waiting == self.live && !members {
            let first = splits.first().map(|s| s.pc);
            if !aligned || splits.iter().all(|s| Some(s.pc) == first) {
                return Some(Stop::Barrier);
            }
        } else if waiting != self.live && !aligned {
            // Lanes that wait at a meeting may be what the others wait for.
            self.let_go();
            self.next_split();
            if self.mask != 0 {
                return None;
            }
        }
        let Some(&s) = self.control.splits.iter().find(|s| s.wait != Wait::Ready) else {
            return Some(Stop::Done);
        };
        self.pc = s.pc;
        let missing = self.live & !s.mask;
        let hint = if let Wait::Members { members, .. } = s.wait {
            let here = self.control.waiting_with(s.wait).fold(0, |m, s| m | s.mask);
            format!(
                "lanes {here:#010x} of the warp wait here for lanes {:#010x} of their membermask {members:#010x}, which \
                 wait elsewhere, at an instruction of another kind or with another mask",
                members & self.live & !here
            )
        } else {
            format!(
                "lanes {:#010x} of the warp wait here, but lanes {missing:#010x} have not ended and went another \
                 way (a barrier must be reached by all threads of the block or none)",
                s.mask
            )
        };
        self.trap(s.mask.trailing_zeros(), TrapKind::DivergentBarrier { hint });
        Some(Stop::Trap)
    }

    /// Executes instruction `i`, which stands at `pc`, in the lanes where its guard holds.
    ///
    /// # Safety
    /// As for every [`crate::warp::OpFn`].
    #[inline(always)]
    unsafe fn execute(&mut self, i: &Inst, pc: u32) -> Flow {
        self.pc = pc;
        // SAFETY: guards are predicates of the program; else as the caller promises.
        unsafe {
            if i.guard == 0 {
                return (i.run)(self, i);
            }
            let base = self.mask;
            let mask = base & guard(self, i.guard, i.guard_negated);
            if mask == 0 {
                return Flow::Next;
            }
            self.mask = mask;
            let flow = (i.run)(self, i);
            if flow == Flow::Next {
                self.mask = base;
            }
            flow
        }
    }

    /// Executes one PTX instruction: what comes before the next one that `steps` numbers (block entries, helpers), and all
    /// that belongs to it. `look` sees the warp before it, and its number. None if one was executed, else why not.
    ///
    /// # Safety
    /// `code` must be the code the warp's registers are laid out for; `steps` must be as long.
    pub unsafe fn step(
        &mut self,
        code: &[Inst],
        steps: &[u32],
        look: impl FnOnce(&Warp, u32),
    ) -> Option<Stop> {
        let (mut look, mut begun) = (Some(look), NO_STEP);
        if self.mask == 0 {
            self.next_split();
        }
        loop {
            while self.mask == 0 {
                if let Some(stop) = self.settle() {
                    return Some(stop);
                }
            }
            if std::mem::take(&mut self.control.yielded) {
                return Some(Stop::Yield);
            }
            let pc = self.pc as usize;
            if steps[pc] != begun && begun != NO_STEP {
                return None;
            }
            if steps[pc] != NO_STEP {
                begun = steps[pc];
                if let Some(look) = look.take() {
                    look(self, begun);
                }
            }
            // SAFETY: as in `run`.
            match unsafe { self.execute(&code[pc], pc as u32) } {
                Flow::Next => self.pc = pc as u32 + 1,
                Flow::Switch if begun != NO_STEP => return None,
                Flow::Switch => {}
                Flow::Trap => return Some(Stop::Trap),
            }
        }
    }

    /// Runs until all threads have ended or wait. `PROFILED` says at each instruction which it is.
    ///
    /// # Safety
    /// `code` must be the code the warp's registers are laid out for.
    pub unsafe fn run<const PROFILED: bool>(&mut self, code: &[Inst]) -> Stop {
        if self.mask == 0 {
            self.next_split();
        }
        loop {
            while self.mask == 0 {
                if let Some(stop) = self.settle() {
                    return stop;
                }
            }
            if std::mem::take(&mut self.control.yielded) {
                return Stop::Yield;
            }
            let mut pc = self.pc;
            loop {
                if PROFILED
                    && let Some(i) = &self.env().instruments
                    && let Some(marker) = &i.marker
                {
                    marker.set(pc);
                }
                // SAFETY: every path of a program ends in an exit or a branch to an existing instruction, so pc
                // stays inside; instructions only touch registers of this program.
                let flow = unsafe { self.execute(code.get_unchecked(pc as usize), pc) };
                match flow {
                    Flow::Next => pc += 1,
                    Flow::Switch => break,
                    Flow::Trap => return Stop::Trap,
                }
            }
        }
    }
}
