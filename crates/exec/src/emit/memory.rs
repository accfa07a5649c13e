//! Emission of loads, stores and atomics: the special code for common addresses, and surveys.

use super::{Emitter, blank};
use crate::access;
use crate::atomics;
use crate::cross;
use crate::machine::Element;
use crate::program::MemoryOp;
use crate::survey;
use crate::warp::{Inst, OpFn};
use ir::{Access, AtomFn, AtomTy, Class, IrInst, Space, VReg, Val, VfSpec};

impl Emitter<'_> {
    /// Emits a load.
    pub(super) fn load(&mut self, i: &IrInst, a: Access) {
        let guarded = i.guard.is_some();
        let address = self.address(i.src[0]);
        let flags = self.destinations(i, guarded);
        let elements = self.elements(&i.dst);
        let uniform = matches!(address, Element::Uniform(_))
            && elements.iter().all(|e| matches!(e, Element::Uniform(_)));
        let shared = usize::from(a.space == Space::Shared);
        // A 32-bit register holds no global address: the general code does what is asked for all the same.
        let by_word =
            a.space == Space::Shared || a.space == Space::Global && self.bits_of(i.src[0]) == u64::MAX;
        let mut inst = blank(cross::nop);
        let code = match (address, elements.as_slice()) {
            (Element::Uniform(at), [Element::Uniform(d)]) if a.bytes == 4 && !a.signed && by_word => {
                (inst.a, inst.d) = (at, *d);
                access::LOAD_WORD[shared]
            }
            (Element::Affine(k), [Element::Narrow(d)])
                if a.bytes == 4 && self.p.affine_regs[k as usize].stride == 4 && by_word =>
            {
                (inst.a, inst.d) = (self.p.affine_regs[k as usize].base, *d);
                access::LOAD_WORDS[shared]
            }
            _ if uniform => access::LOAD_UNIFORM,
            (Element::Affine(_), _) if matches!(a.space, Space::Global | Space::Shared) => {
                access::LOAD_AFFINE
            }
            _ => access::LOAD,
        };
        inst.run = code[self.isa as usize];
        if by_survey(a.space, address) {
            let word = match elements.as_slice() {
                [Element::Narrow(d)] if a.bytes == 4 => Some(*d),
                _ => None,
            };
            inst.d = word.unwrap_or(0);
            self.survey(&mut inst, i, survey::load_code(self.isa, word.is_some()));
        }
        inst.flags = flags;
        inst.imm = a.offset;
        let op = MemoryOp {
            bits: match i.dst.first().map(|d| self.class(*d)) {
                Some(Class::W32) => u64::from(u32::MAX),
                _ => u64::MAX,
            },
            ..self.moves(i, a, elements, access::LOAD[self.isa as usize])
        };
        self.memory(inst, i, op);
    }

    /// Emits a store.
    pub(super) fn store(&mut self, i: &IrInst, a: Access) {
        let address = self.address(i.src[0]);
        let elements = i.src[1..].iter().map(|v| self.source(*v)).collect();
        let code = match address {
            Element::Affine(_) if matches!(a.space, Space::Global | Space::Shared) => access::STORE_AFFINE,
            _ => access::STORE,
        };
        let mut inst = blank(code[self.isa as usize]);
        if by_survey(a.space, address) {
            self.survey(&mut inst, i, survey::store_code(self.isa));
        }
        inst.imm = a.offset;
        let op = self.moves(i, a, elements, access::STORE[self.isa as usize]);
        self.memory(inst, i, op);
    }

    pub(super) fn atomic(
        &mut self,
        i: &IrInst,
        f: AtomFn,
        ty: AtomTy,
        space: Space,
        offset: i64,
        vf: Option<VfSpec>,
    ) {
        let operands = i.src[1..].iter().map(|v| self.source(*v)).collect();
        // The old value matters only if somebody reads it, or half of it.
        let read = i.dst.iter().any(|d| self.registers.used[d.0 as usize]);
        let wanted: &[VReg] = if read { &i.dst } else { &[] };
        let commutes = matches!(
            f,
            AtomFn::Add | AtomFn::Min | AtomFn::Max | AtomFn::And | AtomFn::Or | AtomFn::Xor
        ) && matches!(
            ty,
            AtomTy::B32 | AtomTy::B64 | AtomTy::S32 | AtomTy::S64 | AtomTy::B16
        );
        let everywhere = !matches!(space, Space::Shared | Space::Local);
        self.p.ordered |= everywhere && !(commutes && wanted.is_empty());
        for d in &i.dst {
            self.destination(*d, i.guard.is_some());
        }
        let elements = self.elements(wanted);
        let mut inst = blank(atomics::ATOM);
        inst.imm = offset;
        let op = MemoryOp {
            bytes: ty.bytes() as u8,
            elements,
            atom: Some((f, ty)),
            operands,
            vf: vf.map(|spec| spec.lanes(self.numerics)),
            ..self.accessed(i, space, atomics::ATOM)
        };
        self.memory(inst, i, op);
    }

    fn memory(&mut self, mut inst: Inst, i: &IrInst, op: MemoryOp) {
        inst.c = self.p.memory_ops.len() as u32;
        self.p.memory_ops.push(op);
        self.push(inst, i.origin);
    }

    /// The bits of an address register that count.
    fn bits_of(&self, address: Val) -> u64 {
        match address {
            Val::Reg(r) if self.class(r) == Class::W32 => u64::from(u32::MAX),
            _ => u64::MAX,
        }
    }

    /// The side table entry of an access that moves nothing yet: where it goes. `general` is its code for any
    /// addresses.
    fn accessed(&mut self, i: &IrInst, space: Space, general: OpFn) -> MemoryOp {
        MemoryOp {
            space,
            address: self.address(i.src[0]),
            register_bits: self.bits_of(i.src[0]),
            space_bits: space.address_bits(),
            bytes: 0,
            signed: false,
            bits: u64::MAX,
            elements: vec![],
            atom: None,
            operands: vec![],
            vf: None,
            general,
        }
    }

    /// The side table entry of a load or store.
    fn moves(&mut self, i: &IrInst, a: Access, elements: Vec<Element>, general: OpFn) -> MemoryOp {
        MemoryOp {
            bytes: a.bytes,
            signed: a.signed,
            elements,
            ..self.accessed(i, a.space, general)
        }
    }
}

/// Whether an access finds out about its addresses by surveys.
fn by_survey(space: Space, address: Element) -> bool {
    matches!(space, Space::Global | Space::Shared) && matches!(address, Element::Narrow(_) | Element::Wide(_))
}
