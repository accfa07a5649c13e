//! Emission around observed instructions: one before that keeps the operands, one behind that counts.

use super::{Emitter, blank};
use crate::ir::{IrInst, Op, Val, VfFn, VfSpec};
use crate::lanes::Class;
use crate::observe::{self, Facts, Kind, Site};
use crate::program::Element;
use vfloat::{Format, Lanes, Rounding};

/// What is known of an observed instruction before it is emitted.
pub(super) struct Observed {
    kind: Kind,
    cut: u8,
    src: Vec<Element>,
    /// The operations of its format; none for plain f32.
    lanes: Option<Lanes>,
    f: Option<(VfFn, VfSpec)>,
}

impl Emitter<'_> {
    /// If `i` is to be observed, emits what keeps its operands.
    pub(super) fn before_observed(&mut self, i: &IrInst) -> Option<Observed> {
        self.looking?;
        let (kind, cut, lanes, f) = match i.op {
            Op::Vf { f, spec } => {
                let (kind, cut) = Kind::of_variable(f)?;
                (kind, cut, Some(spec.lanes(self.numerics)), Some((f, spec)))
            }
            Op::Alu(_) | Op::Scalar(_) if i.counts => (*self.ir.plain.get(&i.origin)?, 0, None, None),
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
        let mut inst = blank(observe::keep_operands);
        inst.a = self.p.sites.len() as u32;
        self.push(inst, i.origin);
        Some(Observed {
            kind,
            cut,
            src,
            lanes,
            f,
        })
    }

    /// Emits what counts the result of `i`.
    pub(super) fn after_observed(&mut self, i: &IrInst, o: Observed) {
        let Some(looking) = self.looking else { return };
        let chosen = observe::choose(o.lanes.as_ref(), self.isa);
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
            looking,
        };
        self.p.sites.push(site);
        self.push(inst, i.origin);
    }
}
