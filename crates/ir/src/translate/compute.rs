//! Translation of computing instructions: which lane function, which operands. Ordinary PTX that has SIMD code
//! is in `tables`; the rest is an operation of the back end's for each lane (`Op::Scalar`); `.vf32` (and early `.bf16` on f32 registers) through `vf`.

use super::{Result, Signature, Translator, mnemonic, tables};
use crate::{AluOp, Class, FormatSource, Op, PredFn, Scalar, VReg, Val, VfFn, VfSpec};
use ptx::ast::{Instruction, Modifier, Opcode, Operand, ScalarType};
use vfloat::Format;

use Modifier as M;
use Opcode as O;
use ScalarType as T;

impl Translator<'_> {
    pub(super) fn compute(&mut self, i: &Instruction) -> Result<()> {
        if let Some(format) = self.variable_format(i)? {
            self.variable = true;
            let spec = self.spec(i, format)?;
            return self.variable(i, spec);
        }
        match i.opcode {
            O::Setp => return self.set_predicate(i),
            O::Set => return self.set(i),
            O::Selp => return self.select(i),
            O::Mov => return self.mov(i),
            O::Cvt => return self.convert(i),
            O::Addc | O::Subc | O::Madc => return self.with_carry(i),
            O::Add | O::Sub | O::Mad if i.has(M::Cc) => return self.with_carry(i),
            O::And | O::Or | O::Xor | O::Not if i.ty() == Some(T::Pred) => return self.predicate_logic(i),
            O::Lop3 if matches!(i.operands.first(), Some(Operand::Pair { .. })) => {
                return self.lop3_with_predicate(i);
            }
            _ => {}
        }
        let Some(ty) = i.ty() else {
            return self.refuse(mnemonic(i), "this instruction is not supported");
        };
        // `min` and `max` may have a third operand.
        let fits = |alu: &AluOp| i.operands.len() == alu.src().len() + 1;
        if let Some(alu) = tables::fast(i, ty).filter(fits) {
            // Shift amounts are 32 bits whatever the type.
            let shift = matches!(i.opcode, O::Shl | O::Shr);
            let wide = i.has(M::Wide);
            let result = if alu.dst() == Class::W64 { T::B64 } else { ty };
            let d = self.destination(self.operand(i, 0)?, result)?;
            let mut src = Vec::new();
            for n in 1..=alu.src().len() {
                let operand_ty = match n {
                    2 if shift => T::U32,
                    3 if wide => T::U64,
                    _ => ty,
                };
                src.push(self.source(self.operand(i, n)?, operand_ty)?);
            }
            self.emit(Op::Alu(alu), vec![d], src, true);
            return Ok(());
        }
        self.lane_by_lane(i, ty)
    }

    /// The slow way: one call per lane.
    fn lane_by_lane(&mut self, i: &Instruction, ty: ScalarType) -> Result<()> {
        let op = self.scalar(i, i)?;
        let last = i.types().last().unwrap_or(ty);
        let mut src = Vec::new();
        for (n, o) in i.operands.iter().enumerate().skip(1) {
            let operand_ty = match (i.opcode, n) {
                (O::Shl | O::Shr | O::Shf, 2..) if n == i.operands.len() - 1 => T::U32,
                (O::Bfe, 2 | 3) | (O::Bfi, 3 | 4) | (O::Bmsk, _) => T::U32,
                (O::Lop3, 4) | (O::Prmt, _) | (O::Szext, 2) | (O::Fns, _) => T::U32,
                (O::Mad | O::Mul, 3) if i.has(M::Wide) => T::U64,
                (O::Slct, 3) => last,
                (O::Slct, _) => ty,
                (O::Dp4a | O::Dp2a, _) => T::B32,
                (O::Popc | O::Clz | O::Bfind | O::Testp, 1) => last,
                _ => last,
            };
            src.push(self.source(o, operand_ty)?);
        }
        let d = self.destination(self.operand(i, 0)?, ty)?;
        self.emit(op, vec![d], src, true);
        Ok(())
    }

    /// The operation that computes in each lane what `what` does, for instruction `i`; refused if it has no meaning.
    fn scalar(&mut self, i: &Instruction, what: &Instruction) -> Result<Op> {
        // The meaning depends on nothing else.
        let same = |s: &Scalar| {
            let of = &s.instruction;
            of.opcode == what.opcode
                && of.modifiers == what.modifiers
                && of.operands.len() == what.operands.len()
        };
        if let Some(known) = self.ir.scalars.iter().position(same) {
            return Ok(Op::Scalar(known as u32));
        }
        let Signature { sources, predicate } = match (self.computes)(what) {
            Ok(signature) => signature,
            Err(why) => return self.refuse(mnemonic(i), why),
        };
        self.ir.scalars.push(Scalar {
            instruction: what.clone(),
            sources,
            predicate,
        });
        Ok(Op::Scalar(self.ir.scalars.len() as u32 - 1))
    }

    fn mov(&mut self, i: &Instruction) -> Result<()> {
        let Some(ty) = i.ty() else {
            return self.refuse(mnemonic(i), "a type is missing");
        };
        let vector = |o: Option<&Operand>| matches!(o, Some(Operand::Vector { .. }));
        if vector(i.operands.first()) || vector(i.operands.get(1)) || ty == T::B128 || i.vector() > 1 {
            return self.move_vector(i, ty);
        }
        let d = self.destination(self.operand(i, 0)?, ty)?;
        let mut s = self.source(self.operand(i, 1)?, ty)?;
        // `mov.u32 %r, %clock64`-like mixes: take the low word, or extend.
        if let Val::Reg(r) = s {
            let same = self.class(r) == self.class(d);
            if !same && self.class(r) == Class::W64 && self.class(d) == Class::W32 {
                let low = self.new_reg(32);
                self.emit(Op::Alu(AluOp::Truncate64), vec![low], vec![s], false);
                s = Val::Reg(low);
            } else if !same && self.class(r) == Class::W32 && self.class(d) == Class::W64 {
                let wide = self.new_reg(64);
                self.emit(Op::Alu(AluOp::ZeroExtend32), vec![wide], vec![s], false);
                s = Val::Reg(wide);
            } else if !same {
                return self.refuse(
                    mnemonic(i),
                    "a predicate and a value cannot be moved into each other",
                );
            }
        }
        self.copy(d, s);
        Ok(())
    }

    fn predicate_logic(&mut self, i: &Instruction) -> Result<()> {
        let d = self.destination(self.operand(i, 0)?, T::Pred)?;
        let mut src = vec![self.source(self.operand(i, 1)?, T::Pred)?];
        let f = match i.opcode {
            O::Not => PredFn::Not,
            O::And => PredFn::And,
            O::Or => PredFn::Or,
            _ => PredFn::Xor,
        };
        if f != PredFn::Not {
            src.push(self.source(self.operand(i, 2)?, T::Pred)?);
        }
        self.predicate(f, d, src);
        Ok(())
    }

    fn select(&mut self, i: &Instruction) -> Result<()> {
        let Some(ty) = i.ty() else {
            return self.refuse(mnemonic(i), "a type is missing");
        };
        let d = self.destination(self.operand(i, 0)?, ty)?;
        let a = self.source(self.operand(i, 1)?, ty)?;
        let b = self.source(self.operand(i, 2)?, ty)?;
        let p = self.source(self.operand(i, 3)?, T::Pred)?;
        self.emit(Op::Select(self.class(d)), vec![d], vec![a, b, p], true);
        Ok(())
    }

    /// A predicate that holds the comparison `i` makes between operands 1 and 2, without the combination.
    fn comparison(&mut self, i: &Instruction, ty: ScalarType, a: Val, b: Val) -> Result<VReg> {
        let p = self.new_reg(1);
        // The row decides by the comparison alone; combination and destination type are dealt with elsewhere.
        let Some(c) = tables::COMPARISONS.iter().find(|c| i.has(**c)) else {
            return self.refuse(mnemonic(i), "the comparison is missing");
        };
        let row = tables::comparison(*c, ty);
        let op = match row {
            Some(alu) if !i.has(M::Ftz) => Op::Alu(alu),
            _ => {
                let mut plain = i.clone();
                plain.opcode = O::Setp;
                plain.modifiers = vec![*c, M::Type(ty)];
                if i.has(M::Ftz) {
                    plain.modifiers.insert(1, M::Ftz);
                }
                self.scalar(i, &plain)?
            }
        };
        self.emit(op, vec![p], vec![a, b], true);
        Ok(p)
    }

    /// Combines a comparison with operand `n` as `.and`, `.or`, `.xor` say.
    fn combined(&mut self, i: &Instruction, p: Val, n: usize) -> Result<Val> {
        const COMBINE: &[(Modifier, PredFn)] =
            &[(M::And, PredFn::And), (M::Or, PredFn::Or), (M::Xor, PredFn::Xor)];
        let Some((_, f)) = COMBINE.iter().find(|(m, _)| i.has(*m)) else {
            return Ok(p);
        };
        let c = self.source(self.operand(i, n)?, T::Pred)?;
        let d = self.new_reg(1);
        self.predicate(*f, d, vec![p, c]);
        Ok(Val::Reg(d))
    }

    fn set_predicate(&mut self, i: &Instruction) -> Result<()> {
        let Some(ty) = i.ty() else {
            return self.refuse(mnemonic(i), "a type is missing");
        };
        let a = self.source(self.operand(i, 1)?, ty)?;
        let b = self.source(self.operand(i, 2)?, ty)?;
        self.set_predicate_of(i, ty, a, b)
    }

    fn set_predicate_of(&mut self, i: &Instruction, ty: ScalarType, a: Val, b: Val) -> Result<()> {
        if matches!(ty, T::F16x2 | T::Bf16x2) {
            return self.set_predicates_of_halves(i, ty, a, b);
        }
        let p = Val::Reg(self.comparison(i, ty, a, b)?);
        let (d, q) = match self.operand(i, 0)? {
            Operand::Pair { first, second } => (
                self.destination(first, T::Pred)?,
                Some(self.destination(second, T::Pred)?),
            ),
            o => (self.destination(o, T::Pred)?, None),
        };
        let q_value = match q {
            Some(_) => {
                let n = self.new_reg(1);
                self.predicate(PredFn::Not, n, vec![p]);
                Some(self.combined(i, Val::Reg(n), 3)?)
            }
            None => None,
        };
        let p = self.combined(i, p, 3)?;
        // The comparison wrote a fresh predicate; when it is the whole result, let it write `d` itself.
        match (self.ir.insts.last_mut(), q) {
            (Some(last), None) if [Val::Reg(last.dst[0])] == [p] => last.dst[0] = d,
            _ => self.predicate(PredFn::Mov, d, vec![p]),
        }
        if let (Some(q), Some(v)) = (q, q_value) {
            self.predicate(PredFn::Mov, q, vec![v]);
        }
        Ok(())
    }

    /// setp on a packed type: p compares the low halves, q the high ones.
    fn set_predicates_of_halves(&mut self, i: &Instruction, ty: ScalarType, a: Val, b: Val) -> Result<()> {
        let Operand::Pair { first, second } = self.operand(i, 0)?.clone() else {
            return self.refuse(mnemonic(i), "two predicates must stand here, one for each half");
        };
        let [high_a, high_b] = [a, b].map(|v| {
            let high = self.new_reg(32);
            self.emit(Op::Alu(AluOp::ShrU32), vec![high], vec![v, Val::Const(16)], false);
            Val::Reg(high)
        });
        let low = Val::Reg(self.comparison(i, ty, a, b)?);
        let high = Val::Reg(self.comparison(i, ty, high_a, high_b)?);
        // Both before either is written: the combining predicate may be one of them.
        let (low, high) = (self.combined(i, low, 3)?, self.combined(i, high, 3)?);
        for (o, p) in [(first, low), (second, high)] {
            let d = self.destination(&o, T::Pred)?;
            self.predicate(PredFn::Mov, d, vec![p]);
        }
        Ok(())
    }

    /// lop3.or d|p, a, b, c, table, q: p = (d != 0) or q; likewise with and.
    fn lop3_with_predicate(&mut self, i: &Instruction) -> Result<()> {
        let (Operand::Pair { first, second }, Some(last)) = (self.operand(i, 0)?.clone(), i.operands.last())
        else {
            return self.refuse(mnemonic(i), "a register and a predicate must stand here");
        };
        let f = if i.has(M::Or) { PredFn::Or } else { PredFn::And };
        let q = self.source(last, T::Pred)?;
        let mut plain = i.clone();
        plain.modifiers.retain(|m| !matches!(m, M::Or | M::And));
        plain.operands.pop();
        let d = self.new_reg(32);
        let mut src = Vec::new();
        for o in &plain.operands[1..] {
            src.push(self.source(o, T::B32)?);
        }
        let op = self.scalar(i, &plain)?;
        self.emit(op, vec![d], src, true);
        let any = self.new_reg(1);
        self.emit(
            Op::Alu(AluOp::Ne32),
            vec![any],
            vec![Val::Reg(d), Val::Const(0)],
            false,
        );
        let p = self.destination(&second, T::Pred)?;
        self.predicate(f, p, vec![Val::Reg(any), q]);
        let to = self.destination(&first, T::B32)?;
        self.copy(to, Val::Reg(d));
        Ok(())
    }

    /// set.cmp.dtype.stype: all ones or 1.0 where the comparison holds.
    fn set(&mut self, i: &Instruction) -> Result<()> {
        let mut types = i.types();
        let (Some(to), Some(from)) = (types.next(), types.next()) else {
            return self.refuse(mnemonic(i), "two types are needed");
        };
        let a = self.source(self.operand(i, 1)?, from)?;
        let b = self.source(self.operand(i, 2)?, from)?;
        self.set_of(i, to, from, a, b)
    }

    fn set_of(&mut self, i: &Instruction, to: ScalarType, from: ScalarType, a: Val, b: Val) -> Result<()> {
        let yes: u64 = match to {
            T::F32 | T::Vf32 => u64::from(1.0f32.to_bits()),
            T::U32 | T::S32 => u64::from(u32::MAX),
            T::U16 | T::S16 => 0xffff,
            T::F16 => 0x3c00,
            T::Bf16 => 0x3f80,
            _ => return self.lane_by_lane(i, to),
        };
        if matches!(from, T::F16x2 | T::Bf16x2) {
            return self.lane_by_lane(i, to);
        }
        let p = Val::Reg(self.comparison(i, from, a, b)?);
        let p = self.combined(i, p, 3)?;
        let d = self.destination(self.operand(i, 0)?, to)?;
        self.emit(
            Op::Select(self.class(d)),
            vec![d],
            vec![Val::Const(yes), Val::Const(0), p],
            true,
        );
        Ok(())
    }

    fn convert(&mut self, i: &Instruction) -> Result<()> {
        let mut types = i.types();
        let (Some(to), Some(from)) = (types.next(), types.next()) else {
            return self.refuse(mnemonic(i), "two types are needed");
        };
        let row = tables::conversion(i, to, from);
        let d = self.destination(self.operand(i, 0)?, to)?;
        let mut src = Vec::new();
        for o in &i.operands[1..] {
            src.push(self.source(o, from)?);
        }
        // A register wider than the source type holds garbage above it, or not at all for the fast rows.
        match row {
            Some(alu) if self.ir.regs[d.0 as usize].class == alu.dst() && self.fits(&src, alu) => {
                self.emit(Op::Alu(alu), vec![d], src, true);
            }
            _ => {
                let src = src.into_iter().map(|v| self.narrowed(v, from)).collect();
                let op = self.scalar(i, i)?;
                self.emit(op, vec![d], src, true);
            }
        }
        Ok(())
    }

    /// Whether the registers have the classes that the code reads.
    fn fits(&self, src: &[Val], alu: AluOp) -> bool {
        src.iter().zip(alu.src()).all(|(v, c)| match v {
            Val::Reg(r) => self.class(*r) == *c,
            Val::Const(_) => true,
        })
    }

    /// The low bits that an operand type reads of a wider register.
    fn narrowed(&mut self, v: Val, ty: ScalarType) -> Val {
        let Val::Reg(r) = v else { return v };
        let mut v = v;
        if self.class(r) == Class::W64 && ty.bits() <= 32 {
            let low = self.new_reg(32);
            self.emit(Op::Alu(AluOp::Truncate64), vec![low], vec![v], false);
            v = Val::Reg(low);
        }
        let alu = match (ty.bits(), self.bits_of(r)) {
            (8, 9..) => AluOp::ZeroExtend8,
            (16, 17..) => AluOp::ZeroExtend16,
            _ => return v,
        };
        let low = self.new_reg(ty.bits());
        self.emit(Op::Alu(alu), vec![low], vec![v], false);
        Val::Reg(low)
    }

    /// Extended-precision arithmetic through the carry flag.
    fn with_carry(&mut self, i: &Instruction) -> Result<()> {
        let Some(ty) = i.ty() else {
            return self.refuse(mnemonic(i), "a type is missing");
        };
        let wide = ty.bits() == 64;
        let flag = match self.carry {
            Some(c) => c,
            None => {
                let c = self.new_reg(1);
                self.carry = Some(c);
                c
            }
        };
        let reads = matches!(i.opcode, O::Addc | O::Subc | O::Madc);
        let subtract = matches!(i.opcode, O::Sub | O::Subc);
        let d = self.destination(self.operand(i, 0)?, ty)?;
        let a = self.source(self.operand(i, 1)?, ty)?;
        let mut b = self.source(self.operand(i, 2)?, ty)?;
        let mut a = a;
        if matches!(i.opcode, O::Mad | O::Madc) {
            let mut plain = i.clone();
            plain.opcode = O::Mul;
            plain.modifiers.retain(|m| *m != M::Cc);
            let product = self.new_reg(ty.bits());
            let op = match tables::fast(&plain, ty) {
                Some(alu) => Op::Alu(alu),
                None => self.scalar(i, &plain)?,
            };
            self.emit(op, vec![product], vec![a, b], false);
            a = Val::Reg(product);
            b = self.source(self.operand(i, 3)?, ty)?;
        }
        // The flag holds the carry of GPUs: set by a subtraction that borrows nothing.
        let carry_in = match (reads, subtract) {
            (false, _) => Val::Const(0),
            (true, false) => Val::Reg(flag),
            (true, true) => {
                let borrow = self.new_reg(1);
                self.predicate(PredFn::Not, borrow, vec![Val::Reg(flag)]);
                Val::Reg(borrow)
            }
        };
        // Sum and carry-out read the same operands, so neither may overwrite them before both are done.
        let out = self.new_reg(1);
        if i.has(M::Cc) {
            self.emit(
                Op::CarryOut { subtract, wide },
                vec![out],
                vec![a, b, carry_in],
                false,
            );
        }
        let (add, extend) = match (subtract, wide) {
            (false, false) => (AluOp::Add32, false),
            (true, false) => (AluOp::Sub32, false),
            (false, true) => (AluOp::Add64, true),
            (true, true) => (AluOp::Sub64, true),
        };
        if reads {
            let mut bit = self.bit_of(carry_in);
            if extend {
                let r = self.new_reg(64);
                self.emit(Op::Alu(AluOp::ZeroExtend32), vec![r], vec![bit], false);
                bit = Val::Reg(r);
            }
            let partial = self.new_reg(ty.bits());
            self.emit(Op::Alu(add), vec![partial], vec![a, b], false);
            self.emit(Op::Alu(add), vec![d], vec![Val::Reg(partial), bit], true);
        } else {
            self.emit(Op::Alu(add), vec![d], vec![a, b], true);
        }
        if i.has(M::Cc) {
            let f = if subtract { PredFn::Not } else { PredFn::Mov };
            self.predicate(f, flag, vec![Val::Reg(out)]);
        }
        Ok(())
    }

    /// The format of a variable-precision instruction: `.vf32`, `fmam`, `addm`, or `.bf16` on f32 registers.
    fn variable_format(&self, i: &Instruction) -> Result<Option<FormatSource>> {
        if i.types().any(|t| t == T::Vf32) {
            return Ok(Some(FormatSource::Launch));
        }
        let dialect = matches!(i.opcode, O::Fmam | O::Addm);
        // `plain` has dealt with those of two types and with moves.
        let other = matches!(
            i.opcode,
            O::Cvt | O::Set | O::Slct | O::Mov | O::Selp | O::Atom | O::Red
        );
        if i.types().any(|t| t == T::Bf16) && !other {
            let wide = i.operands.iter().any(|o| match o {
                Operand::Name(n) => {
                    matches!(self.lookup(&n.name), Ok(super::Binding::Reg(r)) if self.bits_of(r) == 32)
                }
                _ => false,
            });
            if dialect || wide {
                return Ok(Some(FormatSource::Fixed(Format::BF16)));
            }
        }
        if dialect {
            return Ok(Some(FormatSource::Launch));
        }
        Ok(None)
    }

    /// The arithmetic that `i` names.
    pub(super) fn spec(&self, i: &Instruction, format: FormatSource) -> Result<VfSpec> {
        crate::numerics::spec(i, format)
            .map_err(|fault| super::Refusal(Box::new(fault.diagnostic(&self.module.source, self.span))))
    }

    fn variable(&mut self, i: &Instruction, spec: VfSpec) -> Result<()> {
        let vf = |f| Op::Vf { f, spec };
        let (f, operands) = match i.opcode {
            O::Add => (VfFn::Add, 2),
            O::Sub => (VfFn::Sub, 2),
            O::Mul => (VfFn::Mul, 2),
            O::Div => (VfFn::Div, 2),
            O::Fma | O::Mad => (VfFn::Fma, 3),
            O::Fmam => (VfFn::Fmam, 3),
            O::Addm => (VfFn::Addm, 2),
            O::Max => (VfFn::Max, 2),
            O::Min => (VfFn::Min, 2),
            O::Neg => (VfFn::Neg, 1),
            O::Abs => (VfFn::Abs, 1),
            O::Sqrt => (VfFn::Sqrt, 1),
            O::Rsqrt => (VfFn::Rsqrt, 1),
            O::Rcp => (VfFn::Rcp, 1),
            O::Ex2 => (VfFn::Ex2, 1),
            O::Lg2 => (VfFn::Lg2, 1),
            O::Sin => (VfFn::Sin, 1),
            O::Cos => (VfFn::Cos, 1),
            O::Tanh => (VfFn::Tanh, 1),
            O::Setp | O::Set => {
                let to = i.ty().unwrap_or(T::Vf32);
                let a = self.variable_source(i, 1, vf(VfFn::Neg))?;
                let b = self.variable_source(i, 2, vf(VfFn::Neg))?;
                let (a, b) = (
                    self.variable_value(vf(VfFn::Truncate), a),
                    self.variable_value(vf(VfFn::Truncate), b),
                );
                return match i.opcode {
                    O::Setp => self.set_predicate_of(i, T::F32, a, b),
                    _ => self.set_of(i, to, T::F32, a, b),
                };
            }
            O::Slct => {
                // slct d, a, b, c: the sign of T(c) chooses; only c is compared.
                let c = self.source(self.operand(i, 3)?, T::F32)?;
                let c = self.variable_value(vf(VfFn::Truncate), c);
                let a = self.source(self.operand(i, 1)?, T::B32)?;
                let b = self.source(self.operand(i, 2)?, T::B32)?;
                let p = self.new_reg(1);
                self.emit(Op::Alu(AluOp::GeF32), vec![p], vec![c, Val::Const(0)], false);
                let d = self.destination(self.operand(i, 0)?, T::B32)?;
                self.emit(Op::Select(self.class(d)), vec![d], vec![a, b, Val::Reg(p)], true);
                return Ok(());
            }
            O::Cvt => return self.variable_convert(i, spec),
            _ => return self.refuse(mnemonic(i), "this instruction has no variable-precision form"),
        };
        if i.has(M::Wide) {
            return self.wide_product(i, spec);
        }
        let mut src = Vec::new();
        for n in 1..=operands {
            // Accumulators are ordinary f32 operands.
            let wide = matches!((i.opcode, n), (O::Fmam, 3) | (O::Addm, 1));
            src.push(if wide {
                self.source(self.operand(i, n)?, T::F32)?
            } else {
                self.variable_source(i, n, vf(VfFn::Neg))?
            });
        }
        let d = self.destination(self.operand(i, 0)?, T::F32)?;
        if i.has(M::Sat) {
            let r = self.new_reg(32);
            self.emit(vf(f), vec![r], src, false);
            self.emit(vf(VfFn::Saturate), vec![d], vec![Val::Reg(r)], true);
        } else {
            self.emit(vf(f), vec![d], src, true);
        }
        Ok(())
    }

    /// `.wide`: the product of FP32 factors is rounded into the format, and added as in fma and fmam.
    fn wide_product(&mut self, i: &Instruction, spec: VfSpec) -> Result<()> {
        let vf = |f| Op::Vf { f, spec };
        let factors = [1, 2].map(|n| self.operand(i, n).cloned());
        let [a, b] = factors;
        let factors = vec![self.source(&a?, T::F32)?, self.source(&b?, T::F32)?];
        let product = self.new_reg(32);
        self.emit(Op::Alu(AluOp::MulF32), vec![product], factors, false);
        self.emit(
            vf(VfFn::QuantizeF32),
            vec![product],
            vec![Val::Reg(product)],
            false,
        );
        let product = Val::Reg(product);
        let d = self.destination(self.operand(i, 0)?, T::F32)?;
        let (f, src) = match i.opcode {
            O::Fmam => (
                VfFn::Addm,
                vec![self.source(self.operand(i, 3)?, T::F32)?, product],
            ),
            _ => (
                VfFn::Add,
                vec![product, self.variable_source(i, 3, vf(VfFn::Neg))?],
            ),
        };
        self.emit(vf(f), vec![d], src, true);
        self.saturated(i, vf(VfFn::Saturate), d)
    }

    /// Operand `n`, which enters the format: of `-a` that is T(a) with the sign changed (SEMANTICS section 3).
    fn variable_source(&mut self, i: &Instruction, n: usize, negate: Op) -> Result<Val> {
        match self.operand(i, n)? {
            Operand::Neg { operand, .. } => {
                let v = self.source(operand, T::F32)?;
                Ok(self.variable_value(negate, v))
            }
            o => self.source(o, T::F32),
        }
    }

    fn variable_value(&mut self, op: Op, v: Val) -> Val {
        let r = self.new_reg(32);
        self.emit(op, vec![r], vec![v], false);
        Val::Reg(r)
    }

    /// `-a` on an operand of an ordinary type: the sign changed.
    pub(super) fn negated(&mut self, v: Val, ty: ScalarType) -> Result<Val> {
        let alu = match ty {
            T::F32 | T::Vf32 => AluOp::NegF32,
            T::S32 | T::U32 | T::B32 => AluOp::Neg32,
            T::S64 | T::U64 | T::B64 => AluOp::Neg64,
            _ => return self.refuse("operand negation", format!("not supported for type .{ty}")),
        };
        let r = self.new_reg(ty.bits());
        self.emit(Op::Alu(alu), vec![r], vec![v], false);
        Ok(Val::Reg(r))
    }

    fn variable_convert(&mut self, i: &Instruction, spec: VfSpec) -> Result<()> {
        let mut types = i.types();
        let (Some(to), Some(from)) = (types.next(), types.next()) else {
            return self.refuse(mnemonic(i), "two types are needed");
        };
        let vf = |f| Op::Vf { f, spec };
        let a = self.source(self.operand(i, 1)?, from)?;
        let integral = [M::Rni, M::Rzi, M::Rmi, M::Rpi].into_iter().find(|m| i.has(*m));
        // What the ordinary conversion does to a value already in the format.
        let ordinary = |from: ScalarType, to: ScalarType, extra: &[Modifier]| {
            let mut plain = i.clone();
            plain.modifiers = extra.to_vec();
            plain.modifiers.extend([M::Type(to), M::Type(from)]);
            plain
        };
        let d = self.destination(self.operand(i, 0)?, if to == T::Vf32 { T::F32 } else { to })?;
        if from == T::Vf32 {
            let t = self.variable_value(vf(VfFn::Truncate), a);
            if to == T::Vf32 && integral.is_none() {
                self.emit(vf(VfFn::QuantizeF32), vec![d], vec![t], true);
                return self.saturated(i, vf(VfFn::Saturate), d);
            }
            let plain_to = if to == T::Vf32 { T::F32 } else { to };
            let extra: Vec<Modifier> = i
                .modifiers
                .iter()
                .copied()
                .filter(|m| !matches!(m, M::Type(_) | M::Sat | M::Ftz))
                .collect();
            let op = self.scalar(i, &ordinary(T::F32, plain_to, &extra))?;
            if to == T::Vf32 {
                let r = self.variable_value(op, t);
                self.emit(vf(VfFn::QuantizeF32), vec![d], vec![r], true);
            } else {
                self.emit(op, vec![d], vec![t], true);
            }
            return self.saturated(i, vf(VfFn::Saturate), d);
        }
        // To vf32: R(x).
        let (quantize, wide) = match from {
            T::F32 => (VfFn::QuantizeF32, None),
            T::F64 => (VfFn::QuantizeF64, None),
            T::S64 => (VfFn::QuantizeS64, None),
            T::U64 => (VfFn::QuantizeU64, None),
            T::S32 | T::S16 | T::S8 => (VfFn::QuantizeS64, Some(T::S64)),
            T::U32 | T::U16 | T::U8 => (VfFn::QuantizeU64, Some(T::U64)),
            T::F16 | T::Bf16 => (VfFn::QuantizeF32, Some(T::F32)),
            _ => return self.refuse(mnemonic(i), format!("conversion from .{from} is not supported")),
        };
        let mut value = a;
        if let Some(wide) = wide {
            value = self.narrowed(value, from);
            let op = self.scalar(i, &ordinary(from, wide, &[]))?;
            let r = self.new_reg(wide.bits());
            self.emit(op, vec![r], vec![value], false);
            value = Val::Reg(r);
        }
        if let Some(m) = integral {
            let t = if from == T::F32 {
                self.variable_value(vf(VfFn::Truncate), value)
            } else {
                value
            };
            if quantize != VfFn::QuantizeF32 {
                return self.refuse(mnemonic(i), "integer rounding needs an f32 source");
            }
            let op = self.scalar(i, &ordinary(T::F32, T::F32, &[m]))?;
            value = self.variable_value(op, t);
        }
        self.emit(vf(quantize), vec![d], vec![value], true);
        self.saturated(i, vf(VfFn::Saturate), d)
    }

    fn saturated(&mut self, i: &Instruction, op: Op, d: VReg) -> Result<()> {
        if i.has(M::Sat) && self.class(d) == Class::W32 && i.ty() == Some(T::Vf32) {
            self.emit(op, vec![d], vec![Val::Reg(d)], false);
        }
        Ok(())
    }
}
