//! The second line of defence behind `ptx::check`: every instruction of the flat list has registers of the classes that
//! the code for it reads and writes, and as many of them. Lane code trusts that without looking; what does not hold here
//! would read and write beyond a register's place. The list of a checked module passes, else the check has a gap.

use crate::ir::{AtomTy, BarrierFn, Ir, IrInst, Op, VReg, Val, VfFn};
use crate::lanes::Class;
use crate::scalar::ScalarOp;
use ptx::ast::Span;

/// What an operand's register may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Exactly that class.
    Of(Class),
    /// A number of either width.
    Number,
}

const PRED: Want = Want::Of(Class::Pred);
const WORD: Want = Want::Of(Class::W32);
const WIDE: Want = Want::Of(Class::W64);

impl Want {
    fn accepts(self, class: Class) -> bool {
        match self {
            Want::Of(wanted) => wanted == class,
            Want::Number => class != Class::Pred,
        }
    }

    /// For values of so many bytes: a wider register is cut, a narrower one has no room.
    fn of_bytes(bytes: u8) -> Want {
        if bytes == 8 { WIDE } else { Want::Number }
    }

    fn describe(self) -> &'static str {
        match self {
            Want::Of(Class::Pred) => "a predicate",
            Want::Of(Class::W32) => "a register of at most 32 bits",
            Want::Of(Class::W64) => "a register of 64 bits",
            Want::Number => "a register that is no predicate",
        }
    }
}

/// What [`check`] found.
pub struct Mismatch {
    /// The PTX instruction.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

/// The first instruction whose registers do not fit it.
pub fn check(ir: &Ir) -> Result<(), Box<Mismatch>> {
    for i in &ir.insts {
        if let Err(why) = instruction(ir, i) {
            let span = ir
                .origins
                .get(i.origin as usize)
                .map_or(Span::default(), |o| o.span);
            let message = format!("registers of a class that the code does not take: {why}");
            return Err(Box::new(Mismatch { span, message }));
        }
    }
    Ok(())
}

fn instruction(ir: &Ir, i: &IrInst) -> Result<(), String> {
    let class = |r: VReg| {
        let info = ir.regs.get(r.0 as usize);
        info.map(|r| r.class).ok_or("no such register".to_string())
    };
    let fits = |what: &str, n: usize, r: VReg, want: Want| match class(r)? {
        c if want.accepts(c) => Ok(()),
        c => Err(format!(
            "{what} {n} of {:?} must be {}, not {}",
            i.op,
            want.describe(),
            Want::Of(c).describe()
        )),
    };
    if let Some((p, _)) = i.guard {
        fits("guard", 0, p, PRED)?;
    }
    let (dst, src) = wanted(i);
    if (i.dst.len(), i.src.len()) != (dst.len(), src.len()) {
        return Err(format!(
            "{:?} has {} results and {} operands, not {} and {}",
            i.op,
            dst.len(),
            src.len(),
            i.dst.len(),
            i.src.len()
        ));
    }
    for (n, (r, want)) in i.dst.iter().zip(dst).enumerate() {
        fits("result", n, *r, want)?;
    }
    for (n, (v, want)) in i.src.iter().zip(src).enumerate() {
        if let Val::Reg(r) = v {
            fits("operand", n, *r, want)?;
        }
    }
    Ok(())
}

/// What the results and operands of an instruction must be, each of them.
fn wanted(i: &IrInst) -> (Vec<Want>, Vec<Want>) {
    use Want::Number;
    let same = |want: Want, n: usize| vec![want; n];
    match i.op {
        Op::Alu(alu) => (
            vec![Want::Of(alu.dst)],
            alu.src.iter().map(|c| Want::Of(*c)).collect(),
        ),
        Op::Scalar(op) => match op {
            ScalarOp::F1(_) => (vec![Number], same(Number, 1)),
            ScalarOp::F2(_) => (vec![Number], same(Number, 2)),
            ScalarOp::F3(_) => (vec![Number], same(Number, 3)),
            ScalarOp::F4(_) => (vec![Number], same(Number, 4)),
            ScalarOp::P1(_) => (vec![PRED], same(Number, 1)),
            ScalarOp::P2(_) => (vec![PRED], same(Number, 2)),
        },
        Op::Vf { f, .. } => match f {
            VfFn::QuantizeF64 | VfFn::QuantizeS64 | VfFn::QuantizeU64 => (vec![WORD], vec![WIDE]),
            VfFn::Fma | VfFn::Fmam => (vec![WORD], same(WORD, 3)),
            VfFn::Add | VfFn::Sub | VfFn::Mul | VfFn::Div | VfFn::Addm | VfFn::Max | VfFn::Min => {
                (vec![WORD], same(WORD, 2))
            }
            _ => (vec![WORD], vec![WORD]),
        },
        Op::Pred(_) => (vec![PRED], same(PRED, i.src.len().clamp(1, 2))),
        Op::Select(class) => {
            let value = if class == Class::W64 { WIDE } else { WORD };
            (vec![value], vec![value, value, PRED])
        }
        Op::BitOfPred => (vec![WORD], vec![PRED]),
        Op::CarryOut { wide, .. } => {
            let value = if wide { WIDE } else { WORD };
            (vec![PRED], vec![value, value, PRED])
        }
        Op::Clock(_) => (vec![Number], vec![]),
        Op::Load(a) => (same(Want::of_bytes(a.bytes), usize::from(a.count)), vec![Number]),
        Op::Store(a) => {
            let mut src = vec![Number];
            src.extend(same(Want::of_bytes(a.bytes), usize::from(a.count)));
            (vec![], src)
        }
        Op::Atom { f, ty, .. } => {
            let (value, halves) = match ty {
                AtomTy::B128 => (WIDE, 2),
                AtomTy::B64 | AtomTy::S64 | AtomTy::F64 => (WIDE, 1),
                _ => (Number, 1),
            };
            let operands = if f == crate::ir::AtomFn::Cas { 2 } else { 1 };
            let mut src = vec![Number];
            src.extend(same(value, operands * halves));
            let results = if i.dst.is_empty() { 0 } else { halves };
            (same(value, results), src)
        }
        // The membermask, of old forms left out, comes last.
        Op::Shfl(_) => {
            let members = usize::from(i.src.len() > 3);
            let mut dst = vec![WORD];
            dst.extend((i.dst.len() > 1).then_some(PRED));
            (dst, same(WORD, 3 + members))
        }
        Op::Vote(f) => {
            let result = if f == crate::ir::VoteFn::Ballot {
                WORD
            } else {
                PRED
            };
            let mut src = vec![PRED];
            src.extend((i.src.len() > 1).then_some(WORD));
            (vec![result], src)
        }
        Op::Match { all } => {
            let mut dst = vec![WORD];
            dst.extend(all.then_some(PRED));
            let mut src = vec![Number];
            src.extend((i.src.len() > 1).then_some(WORD));
            (dst, src)
        }
        Op::Redux(_) => (vec![WORD], vec![WORD, WORD]),
        Op::Activemask => (vec![WORD], vec![]),
        Op::Elect => (vec![WORD, PRED], vec![WORD]),
        Op::WarpSync => (vec![], vec![WORD]),
        Op::Barrier { f, .. } => {
            let votes = matches!(f, BarrierFn::Popc | BarrierFn::And | BarrierFn::Or);
            let mut src = vec![WORD, WORD];
            src.extend(votes.then_some(PRED));
            let dst = match f {
                BarrierFn::Popc => vec![WORD],
                BarrierFn::And | BarrierFn::Or => vec![PRED],
                BarrierFn::Sync | BarrierFn::Arrive => vec![],
            };
            (dst, src)
        }
        Op::BranchTable(_) => (vec![], vec![WORD]),
        Op::Call(_) => (vec![], same(WIDE, i.src.len().min(1))),
        Op::Printf => (vec![], same(Number, i.src.len().clamp(2, 3))),
        Op::AssertFail => (vec![], same(Number, 4)),
        Op::Branch(_) | Op::Exit | Op::Trap | Op::Return | Op::Nop => (vec![], vec![]),
    }
}

#[cfg(test)]
mod tests {
    use crate::translate::{self, Globals};

    /// What `check` says of a kernel that was never checked.
    fn found(body: &str) -> Option<String> {
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n.entry k(.param .u64 a)\n{{\n.reg .b32 %r<9>;\n.reg .b64 %rd<9>;\n\
             .reg .f32 %f<9>;\n.reg .pred %p<9>;\n.reg .b32 last;\n{body}\n}}\n"
        );
        let tree = ptx::parse("k.ptx", &text).expect("it parses");
        let kernel = tree.function("k").expect("a kernel");
        let ir =
            translate::run(&tree, kernel, &Globals::default()).unwrap_or_else(|r| panic!("{}", r.0.error));
        super::check(&ir).err().map(|m| {
            assert_eq!(tree.source.slice(m.span), body);
            m.message
        })
    }

    #[test]
    fn ill_typed_instructions_are_found_without_the_check() {
        let cases = [
            ("add.u64 %r1, %rd2, %rd3;", "result 0 of Add64"),
            ("add.u64 %rd1, %rd2, %r3;", "operand 1 of Add64"),
            ("fma.rn.f64 %f1, %f2, %f3, %f4;", "result 0 of FmaF64"),
            ("add.vf32 %f1, %rd2, %f3;", "operand 0 of VfAdd"),
            ("mad.wide.s32 %r1, %r2, %r3, %rd1;", "result 0 of MadWideS32"),
            ("ld.global.u64 %r1, [%rd1];", "result 0 of Load"),
            ("ld.global.v2.u32 {%r1, %p1}, [%rd1];", "result 1 of Load"),
            ("ld.global.u32 %r1, [%p1];", "operand 0 of Load"),
            ("ld.global.v2.u32 last, [%rd1];", "no such register"),
            ("st.global.u64 [%rd1], %r1;", "operand 1 of Store"),
            ("setp.lt.u32 %r1, %r2, %r3;", "result 0 of LtU32"),
            ("xor.pred %p1, %p2, %r1;", "operand 1 of PredXor"),
            ("@%r1 mov.u32 %r2, 0;", "guard 0 of"),
            ("copysign.f32 %p1, %f1, %f2;", "result 0 of Scalar"),
            ("selp.b64 %rd1, %rd2, %r1, %p1;", "operand 1 of"),
        ];
        for (body, what) in cases {
            let message = found(body).unwrap_or_else(|| panic!("{body} passes"));
            assert!(message.contains(what), "{body}: {message}");
        }
        assert_eq!(found("add.u64 %rd1, %rd2, %rd3;"), None);
    }
}
