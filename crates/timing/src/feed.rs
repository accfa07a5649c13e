//! What the warps of a block do, from the engine: which instruction each executes next, with lanes and addresses. The engine
//! may run ahead of the model; results never depend on how far.

use crate::program::Program;
use exec::steps::{Block, Progressed, Step, Steps};
use std::collections::VecDeque;

/// How far a warp may run ahead, in instructions, where the order of warps does not matter.
const AHEAD: usize = 8;

/// What a warp does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This instruction.
    Inst(u32),
    /// Nothing, until other warps have gone on.
    Waits,
    /// It has ended.
    Done,
}

/// The order in which the engine executes a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each warp as the model asks: kernels without atomics.
    Warp,
    /// All warps of a block in turn, from barrier to barrier: kernels with atomics, whose warps see each other's order.
    Segment,
    /// A block as a whole when it starts, so that blocks run in order: kernels whose blocks see each other's order.
    Block,
}

/// A block that the engine executes.
pub struct Feed<'s> {
    block: Block<'s>,
    pace: Pace,
    ahead: Vec<VecDeque<Step>>,
    done: Vec<bool>,
    trap: Option<Box<exec::Trap>>,
}

impl<'s> Feed<'s> {
    /// Block `number` of a launch.
    pub fn new(steps: &'s Steps<'_>, number: u64, program: &Program) -> Feed<'s> {
        let block = steps.block(number);
        let warps = block.warps();
        let mut feed = Feed {
            block,
            pace: match () {
                () if steps.ordered() => Pace::Block,
                () if program.atomics => Pace::Segment,
                () => Pace::Warp,
            },
            ahead: vec![VecDeque::new(); warps],
            done: vec![false; warps],
            trap: None,
        };
        if feed.pace == Pace::Block {
            while feed.segment() {}
        }
        feed
    }

    /// Its warps.
    pub fn warps(&self) -> usize {
        self.ahead.len()
    }

    /// Lets a warp execute up to `most` instructions; whether it executed any.
    fn run(&mut self, warp: usize, most: usize) -> bool {
        if self.done[warp] || self.trap.is_some() {
            return false;
        }
        for n in 0..most {
            match self.block.step(warp) {
                Progressed::Step(step) => self.ahead[warp].push_back(step),
                Progressed::Waits => return n > 0,
                Progressed::Done => {
                    self.done[warp] = true;
                    return n > 0;
                }
                Progressed::Trap(trap) => {
                    self.trap = Some(trap);
                    return n > 0;
                }
            }
        }
        most > 0
    }

    /// Every warp in turn until it waits or ends; whether any executed something.
    fn segment(&mut self) -> bool {
        let ran = (0..self.warps()).filter(|w| self.run(*w, usize::MAX)).count();
        ran > 0
    }

    /// What a warp does next.
    pub fn next(&mut self, warp: usize) -> Next {
        if self.ahead[warp].is_empty() && !self.done[warp] {
            match self.pace {
                // The last warp to come to a barrier waits once before it goes on.
                Pace::Warp => {
                    let _ = self.run(warp, AHEAD) || self.run(warp, AHEAD);
                }
                Pace::Segment | Pace::Block => {
                    let _ = self.segment();
                }
            }
        }
        match self.ahead[warp].front() {
            Some(step) => Next::Inst(step.instruction),
            None if self.done[warp] => Next::Done,
            None => Next::Waits,
        }
    }

    /// Takes what [`Feed::next`] told.
    pub fn take(&mut self, warp: usize) -> Option<Step> {
        self.ahead[warp].pop_front()
    }

    /// The trap that ended it.
    pub fn trap(&mut self) -> Option<Box<exec::Trap>> {
        self.trap.take()
    }

    /// Whether it has trapped.
    pub fn has_trapped(&self) -> bool {
        self.trap.is_some()
    }

    /// The block's output and counters, when it is done.
    pub fn finish(mut self) -> (Vec<u8>, exec::Stats) {
        (self.block.take_output(), self.block.stats())
    }
}
