//! Probes are woven in here and nowhere else (see `probe`): what stands before an instruction that is looked at, what
//! stands behind it, and the numbers of PTX instructions beside the code. A program that is asked nothing gets nothing.

use super::{Emitter, blank};
use crate::control::NO_STEP;
use crate::machine::Element;
use crate::observe::site::{Facts, Follow, Place, Rule, Site};
use crate::observe::{follow, lanes};
use crate::program::StepSite;
use ir::{AluOp, AtomTy, Class, IrInst, Kind, Op, Val, VfFn, VfSpec};
use vfloat::{Format, Lanes, Rounding};

/// What is known of an observed instruction before it is emitted.
pub(super) struct Observed {
    kind: Kind,
    cut: u8,
    src: Vec<Element>,
    /// The operations of its format; none for plain f32.
    lanes: Option<Lanes>,
    f: Option<(VfFn, VfSpec)>,
    sat: bool,
    /// No helper of another instruction.
    reported: bool,
}

/// The PTX instruction that is being emitted, for a program that can be stepped through.
#[derive(Clone, Copy)]
pub(super) struct Stepped {
    /// Index in [`ir::Ir::insts`].
    k: usize,
    /// Memory instructions before it.
    accesses: usize,
}

impl Emitter<'_> {
    /// What is emitted from here on belongs to instruction `k`.
    pub(super) fn begin_step(&mut self, i: &IrInst, k: usize) -> Stepped {
        self.step = if i.counts { k as u32 } else { NO_STEP };
        Stepped {
            k,
            accesses: self.p.memory_ops.len(),
        }
    }

    /// What has been emitted since `at` was all of instruction `i` with this guard.
    pub(super) fn end_step(&mut self, i: &IrInst, at: Stepped, guard: Option<(u32, bool)>) {
        self.step = NO_STEP;
        if let Some(site) = self.p.step_sites.get_mut(at.k) {
            let offset = match i.op {
                Op::Load(a) | Op::Store(a) => a.offset,
                Op::Atom { offset, .. } => offset,
                _ => 0,
            };
            let accesses = self.p.memory_ops.len() > at.accesses;
            *site = StepSite {
                guard,
                memory: accesses.then_some((at.accesses as u32, offset)),
            };
        }
    }

    /// Emits what stands before `i`.
    pub(super) fn before(&mut self, i: &IrInst) -> Option<Observed> {
        let observed = self.before_observed(i);
        self.before_followed(i);
        observed
    }

    /// Emits what stands behind `i`.
    pub(super) fn after(&mut self, i: &IrInst, observed: Option<Observed>) {
        if let Some(observed) = observed {
            self.after_observed(i, observed);
        }
        self.after_followed(i);
    }

    /// If `i` is to be observed, emits what keeps its operands.
    fn before_observed(&mut self, i: &IrInst) -> Option<Observed> {
        if !self.p.asked.observes() {
            return None;
        }
        let mut sat = false;
        let (kind, cut, lanes, f) = match i.op {
            Op::Vf { f, spec } => {
                let (kind, cut) = Kind::of_variable(f)?;
                (kind, cut, Some(spec.lanes(self.numerics)), Some((f, spec)))
            }
            Op::Alu(_) | Op::Scalar(_) if i.counts => {
                let (kind, saturates) = *self.ir.plain.get(&i.origin)?;
                sat = saturates;
                (kind, 0, None, None)
            }
            // The sign of an operand.
            Op::Alu(AluOp::NegF32) => (Kind::Neg, 0, None, None),
            _ => return None,
        };
        let narrow = |v: &Val| !matches!(v, Val::Reg(r) if self.class(*r) != Class::W32);
        if i.src.len() != kind.arity()
            || i.dst.len() != 1
            || self.class(i.dst[0]) != Class::W32
            || !i.src.iter().all(narrow)
        {
            return None;
        }
        let src: Vec<Element> = i
            .src
            .iter()
            .map(|v| match v {
                Val::Const(bits) => self.source(Val::Const(bits & 0xffff_ffff)),
                v => self.source(*v),
            })
            .collect();
        let reported = i.counts || kind != Kind::Neg;
        if !reported && !self.p.asked.shadow {
            return None;
        }
        let mut inst = blank(lanes::keep_operands);
        inst.a = self.p.sites.len() as u32;
        self.push(inst, i.origin);
        Some(Observed {
            kind,
            cut,
            src,
            lanes,
            f,
            sat,
            reported,
        })
    }

    /// Emits what counts the result of `i`.
    fn after_observed(&mut self, i: &IrInst, o: Observed) {
        let asked = self.p.asked;
        let chosen = lanes::choose(o.lanes.as_ref(), self.isa);
        let narrow = o.lanes.map(|l| l.format());
        let format = match o.f {
            Some((VfFn::Fmam | VfFn::Addm, spec)) => spec.accumulator,
            _ => narrow.unwrap_or(Format::FP32),
        };
        // The accumulator is cut to its own format.
        let accumulator = match o.f {
            Some((VfFn::Fmam, _)) => 2,
            _ => 0,
        };
        let apart = matches!(o.f, Some((VfFn::Fmam | VfFn::Addm, _))) && format != Format::FP32;
        let rounding = o.lanes.map_or(Rounding::NearestEven, |l| l.result());
        let accumulator = apart.then(|| (accumulator, Lanes::new(format, self.numerics.input, rounding)));
        let rounds = matches!(o.f, Some((VfFn::Fma | VfFn::Fmam, _)));
        let mut inst = blank(chosen.run);
        inst.a = self.p.sites.len() as u32;
        inst.imm = chosen.address;
        self.p.kept.push(chosen.ops);
        let site = Site {
            kind: o.kind,
            src: o.src,
            dst: self.source(Val::Reg(i.dst[0])),
            cut: o.cut,
            accumulator,
            format,
            facts: Facts::of(format),
            product: narrow.filter(|_| rounds).map(Facts::of),
            origin: self.ir.origins[i.origin as usize],
            saturates: o.sat,
            reported: o.reported,
            asked,
        };
        self.p.sites.push(site);
        if o.reported && (asked.tally || asked.stop.any()) {
            self.push(inst, i.origin);
        }
        if asked.shadow {
            self.follow(i, Rule::Arithmetic(self.p.sites.len() - 1));
        }
    }

    /// If `i` goes to memory and is followed in binary64, emits what keeps its addresses.
    fn before_followed(&mut self, i: &IrInst) {
        let Some(rule) = self.memory_rule(i) else { return };
        let mut inst = blank(follow::before);
        inst.a = self.p.follows.len() as u32;
        let address = self.address(i.src[0]);
        self.p.follows.push(Follow {
            rule,
            dst: vec![],
            src: vec![],
            address,
        });
        self.push(inst, i.origin);
    }

    /// Emits what makes the shadows of an instruction that computes nothing.
    fn after_followed(&mut self, i: &IrInst) {
        if !self.p.asked.shadow {
            return;
        }
        let rule = match i.op {
            Op::Alu(AluOp::Mov32) => Rule::Move,
            Op::Vf {
                f: VfFn::Saturate, ..
            } => Rule::Saturate,
            Op::Select(Class::W32) => Rule::Select(self.predicate(i.src[2])),
            Op::Shfl(f) => {
                let [b, c] = [1, 2].map(|n| self.operand(i.src[n], None));
                Rule::Shuffle(f, [b, c])
            }
            _ => match self.memory_rule(i) {
                Some(rule) => rule,
                None => return,
            },
        };
        self.follow(i, rule);
    }

    /// The rule of loads, stores and atomics of 4-byte elements.
    fn memory_rule(&self, i: &IrInst) -> Option<Rule> {
        if !self.p.asked.shadow {
            return None;
        }
        let narrow = i.dst.iter().all(|d| self.class(*d) == Class::W32)
            && !i.src[1..]
                .iter()
                .any(|v| matches!(v, Val::Reg(r) if self.class(*r) != Class::W32));
        match i.op {
            Op::Load(a) if a.bytes == 4 && narrow => Some(Rule::Load(a.space, a.offset)),
            Op::Store(a) if a.bytes == 4 && narrow => Some(Rule::Store(a.space, a.offset)),
            Op::Atom {
                f, ty, space, offset, ..
            } if narrow && matches!(ty, AtomTy::F32 | AtomTy::Vf32 | AtomTy::B32 | AtomTy::S32) => {
                let float = matches!(ty, AtomTy::F32 | AtomTy::Vf32);
                Some(Rule::Atomic(f, float, space, offset))
            }
            _ => None,
        }
    }

    /// Emits what makes the shadows of `i`.
    fn follow(&mut self, i: &IrInst, rule: Rule) {
        let sources = match rule {
            Rule::Store(..) | Rule::Atomic(..) => 1..i.src.len(),
            Rule::Load(..) => 0..0,
            Rule::Select(_) => 0..2,
            Rule::Shuffle(..) => 0..1,
            _ => 0..i.src.len(),
        };
        let mut place = |v: Val| Place {
            register: match v {
                Val::Reg(r) => Some(r.0),
                Val::Const(_) => None,
            },
            element: self.source(match v {
                Val::Const(bits) => Val::Const(bits & 0xffff_ffff),
                v => v,
            }),
        };
        // A second destination is a predicate; an old value that nobody reads has no place.
        let dst = match rule {
            Rule::Shuffle(..) => &i.dst[..1],
            _ => &i.dst[..],
        };
        let dst: Vec<Place> = dst.iter().map(|d| place(Val::Reg(*d))).collect();
        let src = i.src[sources].iter().map(|v| place(*v)).collect();
        let mut inst = blank(follow::after);
        inst.a = self.p.follows.len() as u32;
        self.p.follows.push(Follow {
            rule,
            dst,
            src,
            address: Element::Uniform(0),
        });
        self.push(inst, i.origin);
    }
}
