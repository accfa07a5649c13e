//! Which accesses share a survey (see `survey`), and what becomes of a survey when its register is written.
//!
//! A register that lives longer than a block keeps its survey from block to block: the engine notes the lanes it
//! was made for, and whoever finds another mask there looks again. Writing the register ends it, unless what is
//! written is a surveyed register plus the same number in all lanes (the next row of an image, the next step of a
//! loop): then the survey is moved.

use super::{Emitter, blank, offset};
use crate::survey;
use crate::warp::Inst;
use ir::{AluOp, Class, IrInst, Op, Pattern, Space, VReg, Val};

/// An address register, and whether in shared memory (else global).
pub(super) type Key = (VReg, bool);

/// The survey of a register.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Its number. 0 is for accesses whose register has none.
    survey: u32,
    /// If it was made for the present mask, it holds: always so for a register that lives longer than a block.
    known: bool,
}

/// Registers that live longer than a block that may have surveys, and as many that do not.
const MOST: u32 = 64;

impl Emitter<'_> {
    /// The register that an access finds its addresses in, if nothing is known about them.
    fn address_register(&self, i: &IrInst) -> Option<Key> {
        match (i.op, i.src.first()) {
            (Op::Load(a) | Op::Store(a), Some(Val::Reg(r)))
                if matches!(a.space, Space::Global | Space::Shared)
                    && self.registers.pattern[r.0 as usize] == Pattern::Vector =>
            {
                Some((*r, a.space == Space::Shared))
            }
            _ => None,
        }
    }

    /// Gives surveys to the registers that live longer than a block.
    pub(super) fn plan_surveys(&mut self) {
        let mut next = 1;
        // Each call of a function that is not inlined has registers of its own.
        if self.ir.functions.is_empty() {
            for i in &self.ir.insts {
                if let Some(key) = self.address_register(i)
                    && self.registers.local_to[key.0.0 as usize].is_none()
                    && !self.surveys.contains_key(&key)
                    && next <= MOST
                {
                    let (survey, known) = (next, true);
                    self.surveys.insert(key, Slot { survey, known });
                    next += 1;
                }
            }
        }
        self.p.lasting_surveys = next as usize;
        self.p.surveys = next as usize;
    }

    /// Gives surveys to the registers of block `b`.
    pub(super) fn begin_surveys(&mut self, b: usize) {
        let local = &self.registers.local_to;
        self.surveys.retain(|(r, _), _| local[r.0 as usize].is_none());
        let first = self.p.lasting_surveys as u32;
        let mut next = first;
        let block = &self.cfg.blocks[b];
        for i in &self.ir.insts[block.start..block.end] {
            if let Some(key) = self.address_register(i)
                && self.registers.local_to[key.0.0 as usize].is_some()
                && !self.surveys.contains_key(&key)
                && next < first + MOST
            {
                let (survey, known) = (next, false);
                self.surveys.insert(key, Slot { survey, known });
                next += 1;
            }
        }
        self.p.surveys = self.p.surveys.max(next as usize);
    }

    /// Gives access `i` its code and its survey.
    pub(super) fn survey(&mut self, inst: &mut Inst, i: &IrInst, code: survey::Code) {
        inst.run = code.fresh;
        let key = self.address_register(i);
        if let Some(slot) = key.and_then(|key| self.surveys.get_mut(&key)) {
            inst.b = slot.survey;
            if slot.known {
                inst.run = code.kept;
            }
            // Under a guard it may not have run.
            slot.known |= i.guard.is_none();
        }
    }

    /// Brings the surveys of what instruction `i` has written up to date.
    pub(super) fn redefine(&mut self, i: &IrInst) {
        for (d, shared) in i.dst.iter().flat_map(|d| [(*d, false), (*d, true)]) {
            let Some(slot) = self.surveys.get(&(d, shared)).copied() else {
                continue;
            };
            let mut inst = blank(survey::forget);
            inst.d = slot.survey;
            let moved = self.moved(i, shared);
            if let Some((from, by)) = moved {
                inst.run = survey::shift;
                let narrow = self.class(d) == Class::W32;
                (inst.a, inst.b) = (from, offset(self.source(by)));
                inst.x = u16::from(narrow) | u16::from(shared) << 1;
            }
            let lasting = slot.survey < self.p.lasting_surveys as u32;
            let known = lasting || moved.is_some();
            self.surveys.insert((d, shared), Slot { known, ..slot });
            if known {
                self.push(inst, i.origin);
            }
        }
    }

    /// The survey whose register `i` adds a number to, the same in all lanes, and the number.
    fn moved(&self, i: &IrInst, shared: bool) -> Option<(u32, Val)> {
        let (from, by) = match (i.op, i.src.as_slice()) {
            (Op::Alu(AluOp::Add32 | AluOp::Add64), [a, b]) => match self.surveyed(a, shared) {
                Some(s) => (s, *b),
                None => (self.surveyed(b, shared)?, *a),
            },
            (Op::Alu(AluOp::Mov32 | AluOp::Mov64), [a]) => (self.surveyed(a, shared)?, Val::Const(0)),
            _ => return None,
        };
        let uniform = match by {
            Val::Const(_) => true,
            Val::Reg(r) => self.registers.pattern[r.0 as usize].is_uniform(),
        };
        (uniform && i.guard.is_none()).then_some((from, by))
    }

    /// The survey of a register that may hold now.
    fn surveyed(&self, v: &Val, shared: bool) -> Option<u32> {
        let Val::Reg(r) = v else { return None };
        self.surveys
            .get(&(*r, shared))
            .filter(|s| s.known)
            .map(|s| s.survey)
    }
}
