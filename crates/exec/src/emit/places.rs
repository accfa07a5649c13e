//! Where registers lie: those that live longer than a block have places of their own, the others share.

use super::{CONSTANT, Emitter, Place, blank, offset, vector_element, words};
use crate::affine;
use crate::machine::Element;
use crate::program::AffineReg;
use crate::warp::DIRECT;
use ir::{Class, IrInst, Pattern, VReg, Val};

impl Emitter<'_> {
    /// Places everything but block-local vector registers.
    pub(super) fn place_lasting(&mut self) {
        // Special registers lie in the same places in the kernel and the functions that are not inlined, which
        // else have a register file of their own for each call.
        for k in (0..self.ir.regs.len()).filter(|k| self.ir.regs[*k].special.is_some()) {
            self.places[k] = self.lasting_place(VReg(k as u32));
        }
        self.p.carried = self.extent();
        let mut largest = self.p.carried;
        let mut functions = self.ir.functions.iter().peekable();
        for (k, i) in self.ir.insts.iter().enumerate() {
            if functions.next_if(|f| f.first == k).is_some() {
                largest = largest.max(self.extent());
                self.set_extent(self.p.carried);
            }
            let reads = i
                .src
                .iter()
                .filter_map(|v| if let Val::Reg(r) = v { Some(*r) } else { None });
            for r in reads.chain(i.guard.map(|(p, _)| p)).chain(i.dst.iter().copied()) {
                self.last_use[r.0 as usize] = k;
                if self.places[r.0 as usize].is_none() {
                    self.places[r.0 as usize] = self.lasting_place(r);
                }
            }
        }
        self.set_extent(largest.max(self.extent()));
        for (k, info) in self.ir.regs.iter().enumerate() {
            if let (Some(s), Some(place)) = (info.special, self.places[k]) {
                let element = match (place, info.class) {
                    (Place::Uniform(u), _) => Element::Uniform(u),
                    (Place::Affine(k), _) => Element::Uniform(self.p.affine_regs[k as usize].base),
                    (Place::Vector { at, .. }, Class::W64) => Element::Wide(at),
                    (Place::Vector { at, .. }, _) => Element::Narrow(at),
                    (Place::Predicate(_), _) => continue,
                };
                self.p.specials.push((s, element));
            }
        }
    }

    pub(super) fn lasting_place(&mut self, r: VReg) -> Option<Place> {
        let k = r.0 as usize;
        Some(match self.class(r) {
            Class::Pred => {
                self.p.predicates += 1;
                Place::Predicate(self.p.predicates as u32 - 1)
            }
            class if matches!(self.registers.pattern[k], Pattern::Affine(s) if s != 0) => {
                let Pattern::Affine(stride) = self.registers.pattern[k] else {
                    return None;
                };
                self.uniforms += 1;
                let id = self.p.affine_regs.len() as u32;
                let base = self.uniforms - 1;
                self.p.affine_regs.push(AffineReg {
                    base,
                    stride,
                    spare: 0,
                    id,
                    wide: class == Class::W64,
                });
                Place::Affine(id)
            }
            _ if self.registers.pattern[k].is_uniform() => {
                self.uniforms += 1;
                Place::Uniform(self.uniforms - 1)
            }
            _ if self.registers.local_to[k].is_some() => return None,
            class => {
                let at = self.global_words;
                self.global_words += words(class);
                Place::Vector { at, local: false }
            }
        })
    }

    pub(super) fn constant(&mut self, bits: u64) -> u32 {
        let n = self.constants.len() as u32;
        *self.constants.entry(bits).or_insert(n) | CONSTANT
    }

    /// Where a source lies; `bits` of a constant are those of the operand's class.
    pub(super) fn source(&mut self, v: Val) -> Element {
        match v {
            Val::Const(bits) => Element::Uniform(self.constant(bits)),
            Val::Reg(r) => match (self.places[r.0 as usize], self.class(r)) {
                (Some(Place::Uniform(u)), _) => Element::Uniform(u),
                (Some(Place::Vector { at, local }), class) => vector_element(at, local, class),
                (Some(Place::Affine(k)), class) => self.spread(r, k, class),
                // Read but never written: any value will do.
                _ => Element::Uniform(self.constant(0)),
            },
        }
    }

    /// A vector with the lanes of affine register `k`.
    pub(super) fn spread(&mut self, r: VReg, k: u32, class: Class) -> Element {
        if let Some(e) = self.spread.get(&r) {
            return *e;
        }
        let at = self.take_local(class);
        let e = vector_element(at, true, class);
        let code = if class == Class::W64 {
            affine::SPREAD64
        } else {
            affine::SPREAD32
        };
        let mut inst = blank(code[self.isa as usize]);
        (inst.d, inst.a) = (offset(e), k);
        self.push(inst, self.origin);
        // Under a guard it may not have run.
        if !self.guarded {
            self.spread.insert(r, e);
        }
        e
    }

    /// Where a source lies that may stay affine: an address.
    pub(super) fn address(&mut self, v: Val) -> Element {
        match v {
            Val::Reg(r) => match self.places[r.0 as usize] {
                Some(Place::Affine(k)) => Element::Affine(k),
                _ => self.source(v),
            },
            Val::Const(_) => self.source(v),
        }
    }

    pub(super) fn predicate(&mut self, v: Val) -> u32 {
        match v {
            Val::Reg(r) => match self.places[r.0 as usize] {
                Some(Place::Predicate(p)) => p,
                _ => self.constant_predicate(false),
            },
            Val::Const(bits) => self.constant_predicate(bits != 0),
        }
    }

    /// Two predicates that the engine sets when a warp starts: they are the last ones.
    pub(super) fn constant_predicate(&mut self, value: bool) -> u32 {
        let yes = *self.p.always.get_or_insert_with(|| {
            self.p.predicates += 2;
            self.p.predicates as u32 - 1
        });
        if value { yes } else { yes - 1 }
    }

    pub(super) fn take_local(&mut self, class: Class) -> u32 {
        let size = words(class);
        let free = &mut self.free[usize::from(class == Class::W64)];
        free.pop().unwrap_or_else(|| {
            self.local_words += size;
            self.local_words - size
        })
    }

    /// Where a destination lies, and whether it may be written in all lanes.
    pub(super) fn destination(&mut self, r: VReg, guarded: bool) -> (Element, u8) {
        let class = self.class(r);
        match self.places[r.0 as usize] {
            Some(Place::Uniform(u)) => (Element::Uniform(u), 0),
            Some(Place::Affine(k)) => (Element::Affine(k), 0),
            Some(Place::Vector { at, local }) => (
                vector_element(at, local, class),
                if local && !guarded { DIRECT } else { 0 },
            ),
            _ => {
                let at = self.take_local(class);
                self.places[r.0 as usize] = Some(Place::Vector { at, local: true });
                (vector_element(at, true, class), if guarded { 0 } else { DIRECT })
            }
        }
    }

    /// Gives the places of block-local registers back that instruction `k` reads or writes last.
    pub(super) fn release(&mut self, i: &IrInst, k: usize) {
        let reads = i
            .src
            .iter()
            .filter_map(|v| if let Val::Reg(r) = v { Some(*r) } else { None });
        for r in reads.chain(i.dst.iter().copied()).collect::<Vec<_>>() {
            if self.last_use[r.0 as usize] == k
                && let Some(Place::Vector { at, local: true }) = self.places[r.0 as usize]
            {
                self.places[r.0 as usize] = None;
                self.free[usize::from(self.class(r) == Class::W64)].push(at);
            }
        }
    }
}
