//! Translation of what reaches beyond a lane's registers: loads, stores, atomics, address conversion, barriers,
//! shuffles and votes.

use super::scope::{Binding, Place};
use super::{Result, Translator, has_other, mnemonic};
use crate::op::{BARRIERS, NO_COUNT};
use crate::window;
use crate::{
    Access, AluOp, AtomFn, AtomTy, BarrierFn, Class, FormatSource, Op, PredFn, ReduceFn, ShflFn, Space, VReg,
    Val, VoteFn,
};
use ptx::ast::{AddressBase, Instruction, Item, Modifier, Opcode, Operand, ScalarType, StateSpace};

impl Translator<'_> {
    /// Translates `i` if it is one of these; false if not.
    pub(super) fn memory(&mut self, i: &Instruction) -> Result<bool> {
        match i.opcode {
            Opcode::Ld | Opcode::Ldu => self.load(i)?,
            Opcode::St => self.store(i)?,
            Opcode::Atom | Opcode::Red if i.opcode == Opcode::Atom || !has_other(i, "async") => {
                self.atomic(i)?
            }
            Opcode::Cvta => self.convert_address(i)?,
            Opcode::Isspacep => self.is_space(i)?,
            Opcode::Bar | Opcode::Barrier => self.barrier(i)?,
            Opcode::Shfl => self.shuffle(i)?,
            Opcode::Vote => self.vote(i)?,
            Opcode::Match => self.match_lanes(i)?,
            Opcode::Redux => self.redux(i)?,
            Opcode::Activemask => {
                let d = self.destination(self.operand(i, 0)?, ScalarType::B32)?;
                self.emit(Op::Activemask, vec![d], vec![], true);
            }
            Opcode::Elect => {
                let (d, p) = self.pair(i, ScalarType::B32)?;
                let members = self.source(self.operand(i, 1)?, ScalarType::B32)?;
                let p = p.unwrap_or_else(|| self.new_reg(1));
                self.emit(Op::Elect, vec![d, p], vec![members], true);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn space(&self, i: &Instruction, place: Option<Place>) -> Result<Space> {
        Ok(match i.space().map(StateSpace::base) {
            None => Space::Generic,
            Some(StateSpace::Global | StateSpace::Const) => Space::Global,
            Some(StateSpace::Shared) => Space::Shared,
            Some(StateSpace::Local) => Space::Local,
            // Parameters of calls live in local memory.
            Some(StateSpace::Param) if matches!(place, Some(Place::Local(_) | Place::Frame(_))) => {
                Space::Local
            }
            Some(StateSpace::Param) => Space::Param,
            Some(other) => return self.refuse(mnemonic(i), format!("state space .{other} is not supported")),
        })
    }

    /// An address operand: base, offset, and the variable it starts from, if one.
    fn address(&mut self, i: &Instruction, n: usize) -> Result<(Val, i64, Option<Place>)> {
        let (base, offset) = match self.operand(i, n)? {
            Operand::Address { base, offset, .. } => (base.clone(), *offset),
            Operand::Name(name) => (AddressBase::Name(name.clone()), 0),
            _ => return self.refuse(mnemonic(i), "an address in brackets must stand here"),
        };
        match base {
            AddressBase::Absolute => Ok((Val::Const(offset as u64), 0, None)),
            AddressBase::Name(n) => match self.lookup(&n.name)? {
                Binding::Reg(r) => Ok((Val::Reg(r), offset, None)),
                Binding::Place(p) => match (p, self.frame_base) {
                    (Place::Frame(at), Some(base)) => Ok((Val::Reg(base), i64::from(at) + offset, Some(p))),
                    _ => Ok((Val::Const(p.offset().wrapping_add(offset as u64)), 0, Some(p))),
                },
                _ => self.refuse(format!("`{}`", n.name), "a label is no address"),
            },
        }
    }

    /// Generic accesses to a variable by name: where it really is.
    fn resolve_generic(space: Space, place: Option<Place>) -> Space {
        match (space, place) {
            (Space::Generic, Some(Place::Global(_))) => Space::Global,
            (Space::Generic, Some(Place::Shared(_))) => Space::Shared,
            (Space::Generic, Some(Place::Local(_) | Place::Frame(_))) => Space::Local,
            (Space::Generic, Some(Place::Param(_))) => Space::Param,
            (s, _) => s,
        }
    }

    fn access(&self, i: &Instruction, space: Space, offset: i64) -> Result<(Access, ScalarType)> {
        let Some(mut ty) = i.ty() else {
            return self.refuse(mnemonic(i), "a type is missing");
        };
        let mut count = i.vector() as u8;
        // Two registers of 64 bits.
        if ty == ScalarType::B128 && count == 1 {
            (ty, count) = (ScalarType::B64, 2);
        }
        if ty.bits() > 64 || ty.bits() < 8 {
            return self.refuse(mnemonic(i), format!("accesses of type .{ty} are not supported"));
        }
        let signed = matches!(
            ty,
            ScalarType::S8 | ScalarType::S16 | ScalarType::S32 | ScalarType::S64
        );
        let volatile = i.has(Modifier::Volatile) || i.has(Modifier::Relaxed) || i.has(Modifier::Acquire);
        let access = Access {
            space,
            bytes: ty.bytes() as u8,
            signed,
            count,
            offset,
            volatile,
        };
        Ok((access, ty))
    }

    /// The destinations of `count` elements: registers in braces, one register with all of them, or `_`.
    fn destinations(&mut self, o: &Operand, ty: ScalarType, count: u32) -> Result<Vec<VReg>> {
        match o {
            Operand::Vector { elements, .. } => elements.iter().map(|e| self.destination(e, ty)).collect(),
            Operand::Sink(_) => Ok((0..count).map(|_| self.new_reg(ty.bits())).collect()),
            o => {
                let first = self.destination(o, ty)?;
                Ok((0..count).map(|k| VReg(first.0 + k)).collect())
            }
        }
    }

    fn load(&mut self, i: &Instruction) -> Result<()> {
        let (mut base, mut offset, place) = self.address(i, 1)?;
        if let (Val::Reg(r), Some(StateSpace::Const)) = (base, i.space().map(StateSpace::base))
            && self.bits_of(r) <= 32
        {
            (base, offset) = (self.constant_address(i, r, offset)?, 0);
        }
        let space = Self::resolve_generic(self.space(i, place)?, place);
        let (access, ty) = self.access(i, space, offset)?;
        let dst = self.destinations(self.operand(i, 0)?, ty, u32::from(access.count))?;
        if dst.len() != usize::from(access.count) {
            return self.refuse(mnemonic(i), format!("{} destinations are needed", access.count));
        }
        self.emit(Op::Load(access), dst, vec![base], true);
        Ok(())
    }

    /// The 64-bit address that a 32-bit one in constant memory stands for. It wraps around at 2^32; the upper half is that
    /// of the module's constants, which lie near each other.
    fn constant_address(&mut self, i: &Instruction, r: VReg, offset: i64) -> Result<Val> {
        let constants = self.module.items.iter().filter_map(|item| match item {
            Item::Variable(v) if v.space.base() == StateSpace::Const => self.globals.get(&v.name.name),
            _ => None,
        });
        let (first, last) = constants.fold((u64::MAX, 0), |(a, b), at| (a.min(*at), b.max(*at)));
        if first > last || last - first > u64::from(u32::MAX / 2) {
            return self.refuse(
                mnemonic(i),
                "32-bit addresses need constants of this module, near each other",
            );
        }
        let (low, wide, sum) = (self.new_reg(32), self.new_reg(64), self.new_reg(64));
        let by = (offset as u64).wrapping_sub(first) & 0xffff_ffff;
        self.emit(
            Op::Alu(AluOp::Add32),
            vec![low],
            vec![Val::Reg(r), Val::Const(by)],
            false,
        );
        self.emit(
            Op::Alu(AluOp::ZeroExtend32),
            vec![wide],
            vec![Val::Reg(low)],
            false,
        );
        self.emit(
            Op::Alu(AluOp::Add64),
            vec![sum],
            vec![Val::Reg(wide), Val::Const(first)],
            false,
        );
        Ok(Val::Reg(sum))
    }

    /// Constants cannot be written (PTX ISA, "Constant State Space").
    fn writable(&self, i: &Instruction) -> Result<()> {
        match i.space().map(StateSpace::base) {
            Some(StateSpace::Const) => {
                self.refuse(mnemonic(i), "constant memory cannot be written by kernels")
            }
            _ => Ok(()),
        }
    }

    fn store(&mut self, i: &Instruction) -> Result<()> {
        self.writable(i)?;
        if has_other(i, "async") || has_other(i, "bulk") {
            return self.refuse(mnemonic(i), "asynchronous stores are not supported");
        }
        let (base, offset, place) = self.address(i, 0)?;
        let space = Self::resolve_generic(self.space(i, place)?, place);
        let (access, ty) = self.access(i, space, offset)?;
        if access.space == Space::Param {
            return self.refuse(mnemonic(i), "kernel parameters cannot be written");
        }
        let mut src = vec![base];
        match self.operand(i, 1)? {
            // What stands for `_` stays as it is in memory.
            Operand::Vector { elements, .. } if elements.iter().any(|e| matches!(e, Operand::Sink(_))) => {
                for (k, e) in elements.iter().enumerate() {
                    if matches!(e, Operand::Sink(_)) {
                        continue;
                    }
                    let value = self.source(e, ty)?;
                    let one = Access {
                        count: 1,
                        offset: access.offset + k as i64 * i64::from(access.bytes),
                        ..access
                    };
                    self.emit(Op::Store(one), vec![], vec![base, value], true);
                }
                return Ok(());
            }
            Operand::Vector { elements, .. } => {
                for e in elements {
                    src.push(self.source(e, ty)?);
                }
            }
            o => {
                let mut first = self.source(o, ty)?;
                if i.has(Modifier::Into) {
                    let op = self.rounding_of(i)?;
                    let rounded = self.new_reg(32);
                    self.emit(op, vec![rounded], vec![first], false);
                    self.variable = true;
                    first = Val::Reg(rounded);
                }
                src.push(first);
                for k in 1..u32::from(access.count) {
                    match first {
                        Val::Reg(r) => src.push(Val::Reg(VReg(r.0 + k))),
                        Val::Const(_) => return self.refuse(mnemonic(i), "a vector must stand here"),
                    }
                }
            }
        }
        if src.len() != usize::from(access.count) + 1 {
            return self.refuse(mnemonic(i), format!("{} sources are needed", access.count));
        }
        self.emit(Op::Store(access), vec![], src, true);
        Ok(())
    }

    fn atomic(&mut self, i: &Instruction) -> Result<()> {
        self.writable(i)?;
        let red = i.opcode == Opcode::Red;
        let first = usize::from(!red);
        let (base, offset, place) = self.address(i, first)?;
        let space = Self::resolve_generic(self.space(i, place)?, place);
        const FUNCTIONS: &[(Modifier, AtomFn)] = &[
            (Modifier::Add, AtomFn::Add),
            (Modifier::Inc, AtomFn::Inc),
            (Modifier::Dec, AtomFn::Dec),
            (Modifier::Min, AtomFn::Min),
            (Modifier::Max, AtomFn::Max),
            (Modifier::And, AtomFn::And),
            (Modifier::Or, AtomFn::Or),
            (Modifier::Xor, AtomFn::Xor),
            (Modifier::Exch, AtomFn::Exch),
            (Modifier::Cas, AtomFn::Cas),
        ];
        let Some(f) = FUNCTIONS.iter().find(|(m, _)| i.has(*m)).map(|(_, f)| *f) else {
            return self.refuse(mnemonic(i), "this atomic operation is not supported");
        };
        let Some(ty) = i.ty() else {
            return self.refuse(mnemonic(i), "a type is missing");
        };
        use ScalarType as T;
        let arithmetic = matches!(f, AtomFn::Add | AtomFn::Min | AtomFn::Max);
        let element = match ty {
            T::B16 | T::U16 => AtomTy::B16,
            T::B32 | T::U32 => AtomTy::B32,
            T::B64 | T::U64 => AtomTy::B64,
            T::B128 if matches!(f, AtomFn::Exch | AtomFn::Cas) => AtomTy::B128,
            T::S32 => AtomTy::S32,
            T::S64 => AtomTy::S64,
            T::F32 if f == AtomFn::Add => AtomTy::F32,
            T::F64 if f == AtomFn::Add => AtomTy::F64,
            T::Vf32 if f == AtomFn::Add => AtomTy::Vf32,
            T::F16 if arithmetic => AtomTy::F16,
            T::F16x2 if arithmetic => AtomTy::F16x2,
            T::Bf16 if arithmetic => AtomTy::Bf16,
            T::Bf16x2 if arithmetic => AtomTy::Bf16x2,
            _ => return self.refuse(mnemonic(i), "this type is not supported in this atomic operation"),
        };
        if i.vector() != 1 {
            return self.refuse(mnemonic(i), "vector atomics are not supported");
        }
        let mut src = vec![base];
        let operands = if f == AtomFn::Cas { 2 } else { 1 };
        for k in 0..operands {
            let value = self.source(self.operand(i, first + 1 + k)?, ty)?;
            src.push(value);
            match value {
                Val::Reg(r) if element == AtomTy::B128 => src.push(Val::Reg(VReg(r.0 + 1))),
                _ => {}
            }
        }
        let dst = match (red, self.operand(i, 0)?) {
            (true, _) | (_, Operand::Sink(_)) => vec![],
            (false, o) if element == AtomTy::B128 => self.destinations(o, T::B64, 2)?,
            (false, o) => vec![self.destination(o, ty)?],
        };
        self.variable = element == AtomTy::Vf32;
        let vf = match self.variable {
            true => Some(self.spec(i, FormatSource::Launch)?),
            false => None,
        };
        if vf.is_some_and(|spec| spec.rounding.is_stochastic()) {
            return self.refuse(
                mnemonic(i),
                "an atomic operation cannot round stochastically: use another rounding",
            );
        }
        self.emit(
            Op::Atom {
                f,
                ty: element,
                space,
                offset,
                vf,
            },
            dst,
            src,
            true,
        );
        Ok(())
    }

    /// cvta: generic addresses of shared, local and parameter memory are windows (see `window`).
    fn convert_address(&mut self, i: &Instruction) -> Result<()> {
        let ty = i.ty().unwrap_or(ScalarType::U64);
        let d = self.destination(self.operand(i, 0)?, ty)?;
        let to = i.has(Modifier::To);
        let s = self.source(self.operand(i, 1)?, ty)?;
        let base = match i.space().map(StateSpace::base) {
            Some(StateSpace::Shared) => window::SHARED,
            Some(StateSpace::Local) => window::LOCAL,
            Some(StateSpace::Param) => match self.operand(i, 1)? {
                // `.param` variables inside functions live in local memory.
                Operand::Name(n) => match self.lookup(&n.name)? {
                    Binding::Place(Place::Local(_) | Place::Frame(_)) => window::LOCAL,
                    _ => window::PARAM,
                },
                _ => window::PARAM,
            },
            _ => 0,
        };
        if base == 0 {
            self.copy(d, s);
        } else if self.bits_of(d) != 64 {
            return self.refuse(
                mnemonic(i),
                "32-bit generic addresses of this state space are not supported",
            );
        } else {
            let op = if to { AluOp::Sub64 } else { AluOp::Add64 };
            self.emit(Op::Alu(op), vec![d], vec![s, Val::Const(base)], true);
        }
        Ok(())
    }

    fn is_space(&mut self, i: &Instruction) -> Result<()> {
        let p = self.destination(self.operand(i, 0)?, ScalarType::Pred)?;
        let mut a = self.source(self.operand(i, 1)?, ScalarType::U64)?;
        if let Val::Reg(r) = a
            && self.class(r) == Class::W32
        {
            let wide = self.new_reg(64);
            self.emit(Op::Alu(AluOp::ZeroExtend32), vec![wide], vec![a], false);
            a = Val::Reg(wide);
        }
        let window = |space| match space {
            StateSpace::Shared => Some(window::SHARED),
            StateSpace::Local => Some(window::LOCAL),
            StateSpace::Param => Some(window::PARAM),
            _ => None,
        };
        let top = self.new_reg(64);
        let mask = Val::Const(window::MASK);
        self.emit(Op::Alu(AluOp::And64), vec![top], vec![a, mask], false);
        let top = Val::Reg(top);
        match i.space().map(StateSpace::base).and_then(window) {
            Some(w) => self.emit(Op::Alu(AluOp::Eq64), vec![p], vec![top, Val::Const(w)], true),
            // Global (and constant) is whatever lies in no window.
            None => self.emit(
                Op::Alu(AluOp::LtU64),
                vec![p],
                vec![top, Val::Const(window::PARAM)],
                true,
            ),
        }
        Ok(())
    }

    fn barrier(&mut self, i: &Instruction) -> Result<()> {
        if i.has(Modifier::Cluster) {
            return self.refuse(mnemonic(i), "clusters are not supported");
        }
        if i.has(Modifier::Warp) {
            let members = self.source(self.operand(i, 0)?, ScalarType::B32)?;
            self.emit(Op::WarpSync, vec![], vec![members], true);
            return Ok(());
        }
        // `bar` is `barrier.aligned`.
        let aligned = i.opcode == Opcode::Bar || i.has(Modifier::Aligned);
        let red = i.has(Modifier::Red);
        let f = match () {
            () if i.has(Modifier::Arrive) => BarrierFn::Arrive,
            () if red && i.has(Modifier::Popc) => BarrierFn::Popc,
            () if red && i.has(Modifier::And) => BarrierFn::And,
            () if red && i.has(Modifier::Or) => BarrierFn::Or,
            () => BarrierFn::Sync,
        };
        let (dst, first) = match f {
            BarrierFn::Popc => (vec![self.destination(self.operand(i, 0)?, ScalarType::U32)?], 1),
            BarrierFn::And | BarrierFn::Or => {
                (vec![self.destination(self.operand(i, 0)?, ScalarType::Pred)?], 1)
            }
            _ => (vec![], 0),
        };
        let last = i.operands.len() - usize::from(red);
        let id = match i.operands.get(first) {
            Some(o) => self.source(o, ScalarType::U32)?,
            None => Val::Const(0),
        };
        let count = if last > first + 1 {
            self.source(self.operand(i, first + 1)?, ScalarType::U32)?
        } else {
            Val::Const(NO_COUNT)
        };
        if let Val::Const(n) = id
            && n >= BARRIERS
        {
            return self.refuse(
                mnemonic(i),
                format!("there is no barrier {n}: a block has {BARRIERS}, from 0 on"),
            );
        }
        let mut src = vec![id, count];
        if red {
            src.push(self.source(self.operand(i, last)?, ScalarType::Pred)?);
        }
        self.emit(Op::Barrier { f, aligned }, dst, src, true);
        Ok(())
    }

    /// A destination `d` or `d|p`.
    fn pair(&mut self, i: &Instruction, ty: ScalarType) -> Result<(VReg, Option<VReg>)> {
        match self.operand(i, 0)? {
            Operand::Pair { first, second } => {
                let d = self.destination(first, ty)?;
                Ok((d, Some(self.destination(second, ScalarType::Pred)?)))
            }
            o => Ok((self.destination(o, ty)?, None)),
        }
    }

    fn shuffle(&mut self, i: &Instruction) -> Result<()> {
        let f = match () {
            () if i.has(Modifier::Up) => ShflFn::Up,
            () if i.has(Modifier::Down) => ShflFn::Down,
            () if i.has(Modifier::Bfly) => ShflFn::Bfly,
            () => ShflFn::Idx,
        };
        let (d, p) = self.pair(i, ScalarType::B32)?;
        let mut src = Vec::new();
        for n in 1..4 {
            src.push(self.source(self.operand(i, n)?, ScalarType::B32)?);
        }
        src.extend(self.members(i, 4)?);
        let dst = [Some(d), p].into_iter().flatten().collect();
        self.emit(Op::Shfl(f), dst, src, true);
        Ok(())
    }

    /// The membermask of a `.sync` instruction; old forms without it mean the lanes that happen to be active.
    fn members(&mut self, i: &Instruction, n: usize) -> Result<Option<Val>> {
        match i.has(Modifier::Sync) {
            true => self.source(self.operand(i, n)?, ScalarType::B32).map(Some),
            false => Ok(None),
        }
    }

    fn vote(&mut self, i: &Instruction) -> Result<()> {
        const FUNCTIONS: &[(Modifier, VoteFn)] = &[
            (Modifier::Ballot, VoteFn::Ballot),
            (Modifier::All, VoteFn::All),
            (Modifier::Any, VoteFn::Any),
            (Modifier::Uni, VoteFn::Uni),
        ];
        let Some(&(_, f)) = FUNCTIONS.iter().find(|(m, _)| i.has(*m)) else {
            return self.refuse(mnemonic(i), "this vote is not supported");
        };
        let ty = if f == VoteFn::Ballot {
            ScalarType::B32
        } else {
            ScalarType::Pred
        };
        let d = self.destination(self.operand(i, 0)?, ty)?;
        let p = self.source(self.operand(i, 1)?, ScalarType::Pred)?;
        let src = [Some(p), self.members(i, 2)?].into_iter().flatten().collect();
        self.emit(Op::Vote(f), vec![d], src, true);
        Ok(())
    }

    fn match_lanes(&mut self, i: &Instruction) -> Result<()> {
        let ty = i.ty().unwrap_or(ScalarType::B32);
        let (d, p) = self.pair(i, ScalarType::B32)?;
        let value = self.source(self.operand(i, 1)?, ty)?;
        let src = [Some(value), self.members(i, 2)?].into_iter().flatten().collect();
        let all = i.has(Modifier::All);
        let dst = if all {
            vec![d, p.unwrap_or_else(|| self.new_reg(1))]
        } else {
            vec![d]
        };
        self.emit(Op::Match { all }, dst, src, true);
        Ok(())
    }

    fn redux(&mut self, i: &Instruction) -> Result<()> {
        let signed = i.ty() == Some(ScalarType::S32);
        if i.ty() == Some(ScalarType::F32) {
            return self.refuse(mnemonic(i), "redux of floating-point values is not supported");
        }
        let f = match () {
            () if i.has(Modifier::Add) => ReduceFn::Add,
            () if i.has(Modifier::Min) && signed => ReduceFn::MinS,
            () if i.has(Modifier::Max) && signed => ReduceFn::MaxS,
            () if i.has(Modifier::Min) => ReduceFn::MinU,
            () if i.has(Modifier::Max) => ReduceFn::MaxU,
            () if i.has(Modifier::And) => ReduceFn::And,
            () if i.has(Modifier::Or) => ReduceFn::Or,
            () if i.has(Modifier::Xor) => ReduceFn::Xor,
            () => return self.refuse(mnemonic(i), "this reduction is not supported"),
        };
        let d = self.destination(self.operand(i, 0)?, ScalarType::B32)?;
        let value = self.source(self.operand(i, 1)?, ScalarType::B32)?;
        let members = self.source(self.operand(i, 2)?, ScalarType::B32)?;
        self.emit(Op::Redux(f), vec![d], vec![value, members], true);
        Ok(())
    }

    /// `mov` with a vector on one side: packs or unpacks.
    pub(super) fn move_vector(&mut self, i: &Instruction, ty: ScalarType) -> Result<()> {
        // One register in braces is that register.
        let single = |o: &Operand| match o {
            Operand::Vector { elements, .. } if elements.len() == 1 && i.vector() == 1 => elements[0].clone(),
            o => o.clone(),
        };
        let (d, s) = (single(self.operand(i, 0)?), single(self.operand(i, 1)?));
        if ty == ScalarType::B128 || i.vector() > 1 {
            return self.move_elements(i, ty, &d, &s);
        }
        match (d, s) {
            (Operand::Vector { elements, .. }, s) => {
                let part = ty.bits() / elements.len() as u32;
                let part_ty = if part == 32 {
                    ScalarType::B32
                } else {
                    ScalarType::B16
                };
                let mut value = self.source(&s, ty)?;
                // An element may be the source itself: `mov.b32 {%r1, %r2}, %r1`.
                let dst = elements
                    .iter()
                    .map(|e| self.destination(e, part_ty))
                    .collect::<Result<Vec<VReg>>>()?;
                if dst.iter().any(|d| value == Val::Reg(*d)) {
                    let copy = self.new_reg(ty.bits());
                    self.copy(copy, value);
                    value = Val::Reg(copy);
                }
                for (k, d) in dst.into_iter().enumerate() {
                    self.extract(d, value, ty.bits(), part * k as u32, part);
                }
            }
            (d, Operand::Vector { elements, .. }) => {
                let d = self.destination(&d, ty)?;
                let part = ty.bits() / elements.len() as u32;
                let part_ty = match part {
                    32 => ScalarType::B32,
                    16 => ScalarType::B16,
                    _ => ScalarType::B8,
                };
                let parts = elements
                    .iter()
                    .map(|e| self.source(e, part_ty))
                    .collect::<Result<Vec<Val>>>()?;
                self.pack(d, &parts, ty.bits(), part);
            }
            (d, s) => {
                let (d, s) = (self.destination(&d, ty)?, self.source(&s, ty)?);
                self.copy(d, s);
            }
        }
        Ok(())
    }

    /// `mov` of vectors and of 128 bits, element by element: of registers in braces, of a vector register, of a special one.
    fn move_elements(&mut self, i: &Instruction, ty: ScalarType, d: &Operand, s: &Operand) -> Result<()> {
        let (ty, count) = match ty {
            ScalarType::B128 => (ScalarType::B64, 2),
            ty => (ty, i.vector()),
        };
        let mut values = match s {
            // 128 bits of four words.
            Operand::Vector { elements, .. } if elements.len() == 2 * count => {
                let words = elements.iter().map(|e| self.source(e, ScalarType::B32));
                let words = words.collect::<Result<Vec<Val>>>()?;
                let pairs = words.chunks_exact(2).map(|pair| {
                    let wide = self.new_reg(64);
                    self.pack(wide, pair, 64, 32);
                    Val::Reg(wide)
                });
                pairs.collect()
            }
            Operand::Vector { elements, .. } => elements
                .iter()
                .map(|e| self.source(e, ty))
                .collect::<Result<Vec<Val>>>()?,
            o => match self.source(o, ty)? {
                Val::Reg(r) => (0..count as u32).map(|k| Val::Reg(VReg(r.0 + k))).collect(),
                Val::Const(_) => return self.refuse(mnemonic(i), "a vector must stand here"),
            },
        };
        if let Operand::Vector { elements, .. } = d
            && elements.len() == 2 * count
        {
            for (k, e) in elements.iter().enumerate() {
                let word = self.destination(e, ScalarType::B32)?;
                let value = values.get(k / 2).copied().unwrap_or(Val::Const(0));
                self.extract(word, value, 64, 32 * (k % 2) as u32, 32);
            }
            return Ok(());
        }
        let dst = self.destinations(d, ty, count as u32)?;
        if dst.len() != count || values.len() != count {
            return self.refuse(
                mnemonic(i),
                format!("both sides must have {count} registers of .{ty}"),
            );
        }
        // What is overwritten before it is read is kept first.
        for value in &mut values {
            if dst.iter().any(|d| *value == Val::Reg(*d)) {
                let copy = self.new_reg(ty.bits());
                self.copy(copy, *value);
                *value = Val::Reg(copy);
            }
        }
        for (d, value) in dst.into_iter().zip(values) {
            self.copy(d, value);
        }
        Ok(())
    }

    fn extract(&mut self, d: VReg, value: Val, bits: u32, from: u32, part: u32) {
        let alu = |a| Op::Alu(a);
        if bits == 64 {
            let word = if part == 32 { d } else { self.new_reg(32) };
            let half = if from >= 32 {
                AluOp::High64
            } else {
                AluOp::Truncate64
            };
            self.emit(alu(half), vec![word], vec![value], false);
            if part != 32 {
                self.extract(d, Val::Reg(word), 32, from % 32, part);
            }
        } else {
            let shifted = if from == 0 {
                value
            } else {
                let r = self.new_reg(32);
                self.emit(
                    alu(AluOp::ShrU32),
                    vec![r],
                    vec![value, Val::Const(u64::from(from))],
                    false,
                );
                Val::Reg(r)
            };
            let low = if part == 16 {
                AluOp::ZeroExtend16
            } else {
                AluOp::ZeroExtend8
            };
            self.emit(alu(low), vec![d], vec![shifted], false);
        }
    }

    fn pack(&mut self, d: VReg, parts: &[Val], bits: u32, part: u32) {
        if bits == 64 && part == 32 {
            self.emit(Op::Alu(AluOp::Pack64), vec![d], parts.to_vec(), false);
        } else if bits == 64 {
            let (low, high) = parts.split_at(parts.len() / 2);
            let (l, h) = (self.new_reg(32), self.new_reg(32));
            self.pack(l, low, 32, part);
            self.pack(h, high, 32, part);
            self.emit(
                Op::Alu(AluOp::Pack64),
                vec![d],
                vec![Val::Reg(l), Val::Reg(h)],
                false,
            );
        } else {
            // Registers narrower than 32 bits may hold anything above their width; the last part's is shifted out.
            let low = if part == 16 {
                AluOp::ZeroExtend16
            } else {
                AluOp::ZeroExtend8
            };
            let clean = |t: &mut Self, p: Val| {
                let r = t.new_reg(32);
                t.emit(Op::Alu(low), vec![r], vec![p], false);
                Val::Reg(r)
            };
            let mut sum = clean(self, parts[0]);
            for (k, p) in parts.iter().enumerate().skip(1) {
                let p = if k + 1 < parts.len() { clean(self, *p) } else { *p };
                let shifted = self.new_reg(32);
                let by = Val::Const(u64::from(part) * k as u64);
                self.emit(Op::Alu(AluOp::Shl32), vec![shifted], vec![p, by], false);
                let r = self.new_reg(32);
                self.emit(Op::Alu(AluOp::Or32), vec![r], vec![sum, Val::Reg(shifted)], false);
                sum = Val::Reg(r);
            }
            self.copy(d, sum);
        }
    }

    /// A 0-or-1 register from a predicate, and back.
    pub(super) fn bit_of(&mut self, p: Val) -> Val {
        let r = self.new_reg(32);
        self.emit(Op::BitOfPred, vec![r], vec![p], false);
        Val::Reg(r)
    }

    /// Combines two predicates.
    pub(super) fn predicate(&mut self, f: PredFn, d: VReg, src: Vec<Val>) {
        self.emit(Op::Pred(f), vec![d], src, false);
    }

    /// The class of a register.
    pub(super) fn class(&self, r: VReg) -> Class {
        self.ir.regs[r.0 as usize].class
    }
}
