//! Emission around observed instructions: one before that keeps the operands, one behind that counts.

use super::{Emitter, blank};
use crate::machine::Element;
use crate::observe::site::{Facts, Follow, Place, Rule, Site};
use crate::observe::{lanes, shadow};
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

impl Emitter<'_> {
    /// If `i` is to be observed, emits what keeps its operands.
    pub(super) fn before_observed(&mut self, i: &IrInst) -> Option<Observed> {
        let looking = self.looking?;
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
        if !reported && !looking.shadow {
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
    pub(super) fn after_observed(&mut self, i: &IrInst, o: Observed) {
        let Some(looking) = self.looking else { return };
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
            looking,
        };
        self.p.sites.push(site);
        if o.reported && (looking.tally || looking.stop.any()) {
            self.push(inst, i.origin);
        }
        if looking.shadow {
            self.follow(i, Rule::Arithmetic(self.p.sites.len() - 1));
        }
    }

    /// If `i` goes to memory and is followed in binary64, emits what keeps its addresses.
    pub(super) fn before_followed(&mut self, i: &IrInst) {
        let Some(rule) = self.memory_rule(i) else { return };
        let mut inst = blank(shadow::before);
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
    pub(super) fn after_followed(&mut self, i: &IrInst) {
        if !self.looking.is_some_and(|l| l.shadow) {
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
        self.looking.filter(|l| l.shadow)?;
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
        let mut inst = blank(shadow::after);
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
