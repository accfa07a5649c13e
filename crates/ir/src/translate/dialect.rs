//! The early dialect of edited files: `.vf32` and `.bf16` on 32-bit registers, also on instructions that move bits
//! (SEMANTICS section 3). Such an instruction is brought to its plain form here, so that the rest of lowering knows
//! `.f32` that moves, and `.vf32` that computes.

use std::borrow::Cow;

use super::{Binding, Result, Translator, mnemonic};
use crate::{FormatSource, Op, Val, VfFn};
use ptx::ast::{Immediate, Instruction, Modifier, Opcode, Operand, ScalarType, Word};

use Opcode as O;
use ScalarType as T;

impl Translator<'_> {
    /// Of an instruction with `.into`: rounds what it wrote. Stores round what they write themselves.
    pub(super) fn round_result(&mut self, i: &Instruction) -> Result<()> {
        if !i.has(Modifier::Into) || i.opcode == O::St {
            return Ok(());
        }
        let d = self.destination(self.operand(i, 0)?, T::F32)?;
        let op = self.rounding_of(i)?;
        self.emit(op, vec![d], vec![Val::Reg(d)], true);
        self.variable = true;
        Ok(())
    }

    /// The rounding of an instruction with `.into`.
    pub(super) fn rounding_of(&self, i: &Instruction) -> Result<Op> {
        Ok(Op::Vf {
            f: VfFn::QuantizeF32,
            spec: self.spec(i, FormatSource::Launch)?,
        })
    }

    /// The instruction without its early forms and without `.into`.
    pub(super) fn plain<'i>(&self, i: &'i Instruction) -> Result<Cow<'i, Instruction>> {
        if i.has(Modifier::Into) && i.opcode != O::St {
            let mut plain = i.clone();
            plain.modifiers.retain(|m| *m != Modifier::Into);
            return Ok(Cow::Owned(plain));
        }
        if !i.types().any(|t| matches!(t, T::Vf32 | T::Bf16)) {
            return Ok(Cow::Borrowed(i));
        }
        let wide = |operands: &[Operand]| operands.iter().any(|o| self.is_32_bits_wide(o));
        let (d, sources) = i.operands.split_at(i.operands.len().min(1));
        // What each type is written on, whether it is only moved there.
        let places: &[(bool, &[Operand])] = match i.opcode {
            O::Mov | O::Selp => &[(true, &i.operands)],
            O::Ld | O::Ldu => &[(true, d)],
            O::St => &[(true, sources)],
            O::Set => &[(true, d), (false, &sources[..sources.len().min(2)])],
            O::Slct => &[
                (true, &i.operands[..i.operands.len().min(3)]),
                (false, &sources[sources.len().min(2)..]),
            ],
            O::Cvt => &[(false, d), (false, sources)],
            _ => return Ok(Cow::Borrowed(i)),
        };
        let mut plain = i.clone();
        let mut early = false;
        let types = plain
            .modifiers
            .iter_mut()
            .filter(|m| matches!(m, Modifier::Type(_)));
        for (m, (moved, operands)) in types.zip(places) {
            *m = match *m {
                Modifier::Type(T::Vf32) if *moved => Modifier::Type(T::F32),
                Modifier::Type(T::Bf16) if *moved && wide(operands) => Modifier::Type(T::F32),
                Modifier::Type(T::Bf16) if wide(operands) => {
                    early = true;
                    Modifier::Type(T::Vf32)
                }
                other => other,
            };
        }
        if early {
            if i.opcode == O::Cvt && i.types().any(|t| t == T::Vf32) {
                return self.refuse(
                    mnemonic(i),
                    "between `.bf16` on an f32 register and `.vf32`: write two conversions with .f32 between them",
                );
            }
            plain.numerics.format = Word::new("bf16");
        }
        Ok(Cow::Owned(plain))
    }

    /// Whether an operand is a 32-bit register or a number written as floating point: `.bf16` there is early.
    fn is_32_bits_wide(&self, o: &Operand) -> bool {
        match o {
            Operand::Name(n) => {
                matches!(self.lookup(&n.name), Ok(Binding::Reg(r)) if self.bits_of(r) == 32)
            }
            Operand::Component { base, .. } => {
                matches!(self.lookup(&base.name), Ok(Binding::Reg(r)) if self.bits_of(r) == 32)
            }
            Operand::Vector { elements, .. } => elements.iter().any(|e| self.is_32_bits_wide(e)),
            Operand::Neg { operand, .. } => self.is_32_bits_wide(operand),
            Operand::Immediate { value, .. } => matches!(value, Immediate::F32(_)),
            _ => false,
        }
    }
}
