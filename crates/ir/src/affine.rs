//! Arithmetic that keeps registers affine: lane l holds base + l * stride. Exact modulo the register's width, but for
//! widening a 32-bit register some lane of which has wrapped around; whoever executes it has to look.

use crate::{AluOp, Class, Val};

/// Operations that keep values affine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AffineFn {
    /// a
    Move,
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b, one a constant
    Mul,
    /// a << b, b a constant
    Shl,
    /// a * b + c, a or b a constant
    Mad,
    /// The low word of a.
    Truncate,
    /// a, sign-extended; exact if no lane wraps as a signed number.
    SignExtend,
    /// a, zero-extended; exact if no lane wraps as an unsigned number.
    ZeroExtend,
    /// a * b of sign-extended operands, b a constant.
    MulWideS,
    /// a * b of zero-extended operands, b a constant.
    MulWideU,
    /// a * b + c of sign-extended a and b, b a constant.
    MadWideS,
    /// a * b + c of zero-extended a and b, b a constant.
    MadWideU,
}

impl AffineFn {
    /// The stride of the result, or None if it is not affine.
    pub fn stride(self, s: [i64; 3], src: &[Val], classes: &[Class]) -> Option<i64> {
        let constant = |n: usize| match src.get(n) {
            Some(Val::Const(c)) => Some(*c as i64),
            _ => None,
        };
        // A factor as a signed number of its operand's width, if it is small enough to be a stride.
        let narrow = |n: usize| match (constant(n)?, classes[n]) {
            (c, Class::W64) => i32::try_from(c).ok().map(i64::from),
            (c, _) => Some(i64::from(c as i32)),
        };
        match self {
            AffineFn::Move | AffineFn::Truncate | AffineFn::SignExtend | AffineFn::ZeroExtend => Some(s[0]),
            AffineFn::Add => s[0].checked_add(s[1]),
            AffineFn::Sub => s[0].checked_sub(s[1]),
            AffineFn::Shl => match (s[1], constant(1)) {
                (0, Some(c @ 0..=20)) => Some(s[0] << c),
                _ => None,
            },
            AffineFn::Mul | AffineFn::Mad => {
                let product = match (s[0], s[1]) {
                    (0, 0) => 0,
                    (a, 0) => a.checked_mul(narrow(1)?)?,
                    (0, b) => b.checked_mul(narrow(0)?)?,
                    _ => return None,
                };
                product.checked_add(s[2])
            }
            AffineFn::MulWideS | AffineFn::MulWideU | AffineFn::MadWideS | AffineFn::MadWideU => {
                // The emitter's check looks at operand a alone.
                let product = match (s[0], s[1]) {
                    (0, 0) => 0,
                    (a, 0) => match narrow(1)? {
                        c if c >= 0 => a.checked_mul(c)?,
                        c if matches!(self, AffineFn::MulWideS | AffineFn::MadWideS) => a.checked_mul(c)?,
                        _ => return None,
                    },
                    _ => return None,
                };
                product.checked_add(s[2])
            }
        }
    }
}

impl AluOp {
    /// What it does to affine registers, if its result can be one.
    pub fn affine(self) -> Option<AffineFn> {
        Some(match self {
            AluOp::Mov32 => AffineFn::Move,
            AluOp::Mov64 => AffineFn::Move,
            AluOp::Add32 => AffineFn::Add,
            AluOp::Add64 => AffineFn::Add,
            AluOp::Sub32 => AffineFn::Sub,
            AluOp::Sub64 => AffineFn::Sub,
            AluOp::Mul32 => AffineFn::Mul,
            AluOp::Mul64 => AffineFn::Mul,
            AluOp::Shl32 => AffineFn::Shl,
            AluOp::Shl64 => AffineFn::Shl,
            AluOp::Mad32 => AffineFn::Mad,
            AluOp::Mad64 => AffineFn::Mad,
            AluOp::Truncate64 => AffineFn::Truncate,
            AluOp::SignExtend32 => AffineFn::SignExtend,
            AluOp::ZeroExtend32 => AffineFn::ZeroExtend,
            AluOp::MulWideS32 => AffineFn::MulWideS,
            AluOp::MulWideU32 => AffineFn::MulWideU,
            AluOp::MadWideS32 => AffineFn::MadWideS,
            AluOp::MadWideU32 => AffineFn::MadWideU,
            _ => return None,
        })
    }
}
