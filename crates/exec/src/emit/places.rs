//! Where registers lie: those that live longer than a block have places of their own, the others share.
//!
//! A register has a [`Place`], typed, until an instruction is encoded; [`Emitter::element`] alone makes an offset of it. It
//! can, because what comes first in each register file ([`Lasting`]) is laid out before any instruction is emitted.

use super::{Emitter, blank, offset, words};
use crate::affine;
use crate::machine::{Element, Extent};
use crate::program::AffineReg;
use crate::warp::DIRECT;
use ir::{Class, Ir, IrInst, Pattern, Registers, VReg, Val};
use ptx::ast::SpecialRegister;

/// Where a register lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Uniform register.
    Uniform(u32),
    /// Constant; they follow the uniform registers.
    Constant(u32),
    /// Affine register, by index in [`crate::program::Program::affine_regs`].
    Affine(u32),
    /// Vector register that lives longer than a block, by word.
    Lasting(u32),
    /// Block-local vector register, by word; they follow the lasting ones.
    Local(u32),
    /// Predicate.
    Predicate(u32),
}

/// The places of all registers but block-local vectors.
pub(super) struct Lasting {
    /// By virtual register.
    pub places: Vec<Option<Place>>,
    /// By virtual register: the last instruction that reads or writes it.
    pub last_use: Vec<usize>,
    /// Affine registers, whose spare vectors have no place yet.
    pub affine_regs: Vec<AffineReg>,
    /// Special registers that the kernel reads.
    pub specials: Vec<(SpecialRegister, Element)>,
    /// What the special registers take of each file.
    pub carried: Extent,
    /// What all of them take.
    pub extent: Extent,
}

impl Lasting {
    /// Places everything but block-local vector registers.
    pub fn new(ir: &Ir, registers: &Registers) -> Lasting {
        let mut all = Lasting {
            places: vec![None; ir.regs.len()],
            last_use: vec![0; ir.regs.len()],
            affine_regs: vec![],
            specials: vec![],
            carried: Extent::default(),
            extent: Extent::default(),
        };
        // Special registers lie in the same places in the kernel and the functions that are not inlined, which
        // else have a register file of their own for each call.
        for k in (0..ir.regs.len()).filter(|k| ir.regs[*k].special.is_some()) {
            all.places[k] = all.place(ir, registers, k);
        }
        all.carried = all.extent;
        let mut largest = all.carried;
        let mut functions = ir.functions.iter().peekable();
        for (k, i) in ir.insts.iter().enumerate() {
            if functions.next_if(|f| f.first == k).is_some() {
                largest = largest.max(all.extent);
                all.extent = all.carried;
            }
            let reads = i
                .src
                .iter()
                .filter_map(|v| if let Val::Reg(r) = v { Some(*r) } else { None });
            for r in reads.chain(i.guard.map(|(p, _)| p)).chain(i.dst.iter().copied()) {
                let r = r.0 as usize;
                all.last_use[r] = k;
                if all.places[r].is_none() {
                    all.places[r] = all.place(ir, registers, r);
                }
            }
        }
        all.extent = largest.max(all.extent);
        for (info, place) in ir.regs.iter().zip(&all.places) {
            if let (Some(s), Some(place)) = (info.special, *place) {
                let element = match (place, info.class) {
                    (Place::Uniform(u), _) => Element::Uniform(u),
                    (Place::Affine(k), _) => Element::Uniform(all.affine_regs[k as usize].base),
                    (Place::Lasting(at), Class::W64) => Element::Wide(at),
                    (Place::Lasting(at), _) => Element::Narrow(at),
                    (Place::Predicate(_) | Place::Constant(_) | Place::Local(_), _) => continue,
                };
                all.specials.push((s, element));
            }
        }
        all
    }

    /// A place for register `k`; None if it is block-local.
    fn place(&mut self, ir: &Ir, registers: &Registers, k: usize) -> Option<Place> {
        let Extent {
            words: vectors,
            uniforms,
            predicates,
        } = &mut self.extent;
        let class = ir.regs[k].class;
        Some(match registers.pattern[k] {
            _ if class == Class::Pred => {
                *predicates += 1;
                Place::Predicate(*predicates as u32 - 1)
            }
            Pattern::Affine(stride) if stride != 0 => {
                *uniforms += 1;
                let id = self.affine_regs.len() as u32;
                self.affine_regs.push(AffineReg {
                    base: *uniforms as u32 - 1,
                    stride,
                    spare: 0,
                    id,
                    wide: class == Class::W64,
                });
                Place::Affine(id)
            }
            pattern if pattern.is_uniform() => {
                *uniforms += 1;
                Place::Uniform(*uniforms as u32 - 1)
            }
            _ if registers.local_to[k].is_some() => return None,
            _ => {
                let at = *vectors as u32;
                *vectors += words(class) as usize;
                Place::Lasting(at)
            }
        })
    }
}

impl Emitter<'_> {
    /// The operand that an instruction names for what lies at `place`.
    fn element(&self, place: Place, class: Class) -> Element {
        let vector = |at: u32| match class {
            Class::W64 => Element::Wide(at),
            _ => Element::Narrow(at),
        };
        match place {
            Place::Uniform(u) => Element::Uniform(u),
            Place::Constant(n) => Element::Uniform(self.lasting.uniforms as u32 + n),
            Place::Affine(k) => Element::Affine(k),
            Place::Lasting(at) => vector(at),
            Place::Local(at) => vector(self.lasting.words as u32 + at),
            // By its number, as everywhere: the code that reads it knows what it is.
            Place::Predicate(p) => Element::Uniform(p),
        }
    }

    /// A constant, as a uniform register.
    pub(super) fn constant(&mut self, bits: u64) -> Element {
        let n = self.constants.len() as u32;
        let n = *self.constants.entry(bits).or_insert(n);
        self.element(Place::Constant(n), Class::W64)
    }

    /// Where a source lies; `bits` of a constant are those of the operand's class.
    pub(super) fn source(&mut self, v: Val) -> Element {
        match v {
            Val::Const(bits) => self.constant(bits),
            Val::Reg(r) => match (self.places[r.0 as usize], self.class(r)) {
                (Some(Place::Affine(k)), class) => self.spread(r, k, class),
                // Read but never written: any value will do.
                (None | Some(Place::Predicate(_)), _) => self.constant(0),
                (Some(place), class) => self.element(place, class),
            },
        }
    }

    /// A vector with the lanes of affine register `k`.
    pub(super) fn spread(&mut self, r: VReg, k: u32, class: Class) -> Element {
        if let Some(e) = self.spread.get(&r) {
            return *e;
        }
        let (_, e) = self.take_local(class);
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

    /// A block-local vector that nobody uses, and the operand that names it.
    pub(super) fn take_local(&mut self, class: Class) -> (Place, Element) {
        let size = words(class);
        let free = &mut self.free[usize::from(class == Class::W64)];
        let at = free.pop().unwrap_or_else(|| {
            self.local_words += size;
            self.local_words - size
        });
        let place = Place::Local(at);
        (place, self.element(place, class))
    }

    /// Gives a block-local vector back.
    pub(super) fn give_back(&mut self, place: Place, class: Class) {
        if let Place::Local(at) = place {
            self.free[usize::from(class == Class::W64)].push(at);
        }
    }

    /// Where a destination lies, and whether it may be written in all lanes.
    pub(super) fn destination(&mut self, r: VReg, guarded: bool) -> (Element, u8) {
        let class = self.class(r);
        let place = match self.places[r.0 as usize] {
            Some(place) if !matches!(place, Place::Predicate(_)) => place,
            _ => {
                let (place, _) = self.take_local(class);
                self.places[r.0 as usize] = Some(place);
                place
            }
        };
        let everywhere = matches!(place, Place::Local(_)) && !guarded;
        (self.element(place, class), if everywhere { DIRECT } else { 0 })
    }

    /// Gives the places of block-local registers back that instruction `k` reads or writes last.
    pub(super) fn release(&mut self, i: &IrInst, k: usize) {
        let reads = i
            .src
            .iter()
            .filter_map(|v| if let Val::Reg(r) = v { Some(*r) } else { None });
        for r in reads.chain(i.dst.iter().copied()).collect::<Vec<_>>() {
            if self.last_use[r.0 as usize] == k
                && let Some(place @ Place::Local(_)) = self.places[r.0 as usize]
            {
                self.places[r.0 as usize] = None;
                self.give_back(place, self.class(r));
            }
        }
    }
}
