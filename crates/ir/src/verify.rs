//! What holds of every kernel that a back end is given. Lane code relies on it: it reads and writes registers by their
//! class, unchecked.
//!
//! 1. Registers, labels, tables, places, calls and functions that are named exist.
//! 2. A register's class fits its width: `pred` has 1 bit, `b64` 64, `b32` up to 32.
//! 3. Every operand has the class that the operation asks for; guards are predicates. A constant may stand for any
//!    source.
//! 4. There are as many sources and destinations as the operation has, and as many registers as a load or store has
//!    elements.
//! 5. Registers that stand for special registers are never written.
//! 6. Jumps lead to instructions, or to the end of the list.

use crate::print;
use crate::{AtomFn, AtomTy, BarrierFn, Class, Ir, IrInst, Op, PredFn, VReg, Val, VfFn, VoteFn};

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index of the instruction; none if it is no single one.
    pub at: Option<usize>,
    /// What is wrong with it, in words, the instruction included.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

/// Checks a kernel against the list at the head of this file.
///
/// # Errors
/// The first thing that does not hold.
pub fn run(ir: &Ir) -> Result<(), Fault> {
    let broken = |what: String| Err(Fault { at: None, what });
    for (n, r) in ir.regs.iter().enumerate() {
        let fits = match r.class {
            Class::Pred => r.bits == 1,
            Class::W32 => (1..=32).contains(&r.bits),
            Class::W64 => r.bits == 64,
        };
        if !fits {
            return broken(format!(
                "register %{n} has {} bits and class {}",
                r.bits,
                print::class(r.class)
            ));
        }
    }
    for (n, at) in ir.labels.iter().enumerate() {
        if *at as usize > ir.insts.len() {
            return broken(format!("label L{n} has no place"));
        }
    }
    if let Some(l) = ir
        .tables
        .iter()
        .flatten()
        .find(|l| **l as usize >= ir.labels.len())
    {
        return broken(format!("a branch table names label L{l}, which is none"));
    }
    for (n, f) in ir.functions.iter().enumerate() {
        let entry = ir.labels.get(f.entry as usize).copied();
        if f.first >= ir.insts.len() || entry.is_none_or(|e| e as usize >= ir.insts.len()) {
            return broken(format!("function {n} has no instructions"));
        }
        if ir
            .regs
            .get(f.base.0 as usize)
            .is_none_or(|r| r.class == Class::Pred)
        {
            return broken(format!("function {n} has no register for the base of its frame"));
        }
    }
    for (n, c) in ir.calls.iter().enumerate() {
        if c.function.is_some_and(|f| f as usize >= ir.functions.len()) {
            return broken(format!("call {n} is of no function"));
        }
    }
    for (at, i) in ir.insts.iter().enumerate() {
        if let Err(what) = instruction(ir, i) {
            return Err(Fault {
                at: Some(at),
                what: format!("`{}`: {what}", print::instruction(ir, i)),
            });
        }
    }
    Ok(())
}

/// What may stand in a place.
#[derive(Clone, Copy)]
enum Want {
    /// This class.
    Of(Class),
    /// 32 or 64 bits.
    Number,
    /// Any class.
    Any,
}

const P: Want = Want::Of(Class::Pred);
const W32: Want = Want::Of(Class::W32);
const W64: Want = Want::Of(Class::W64);

/// Operands of an operation: those that there must be, and those that may follow.
struct Operands {
    must: Vec<Want>,
    may: Vec<Want>,
}

fn exactly(must: impl Into<Vec<Want>>) -> Operands {
    Operands {
        must: must.into(),
        may: vec![],
    }
}

fn up_to(must: impl Into<Vec<Want>>, may: impl Into<Vec<Want>>) -> Operands {
    Operands {
        must: must.into(),
        may: may.into(),
    }
}

fn of(classes: &[Class]) -> Operands {
    exactly(classes.iter().map(|c| Want::Of(*c)).collect::<Vec<_>>())
}

/// An element of a load or store: what has 8 bytes needs a wide register, what has less may stand in one.
fn element(bytes: u8) -> Want {
    if bytes == 8 { W64 } else { Want::Number }
}

/// Destinations and sources of an operation; None if it names what is not there.
fn signature(ir: &Ir, op: &Op) -> Option<(Operands, Operands)> {
    Some(match *op {
        Op::Alu(op) => (of(&[op.dst()]), of(op.src())),
        Op::Scalar(n) => {
            let s = ir.scalars.get(n as usize)?;
            let d = if s.predicate { P } else { Want::Any };
            (exactly([d]), exactly(vec![Want::Any; s.sources]))
        }
        Op::Vf { f, .. } => {
            let src = match f {
                VfFn::Fma | VfFn::Fmam => vec![W32; 3],
                VfFn::Add | VfFn::Sub | VfFn::Mul | VfFn::Div | VfFn::Addm | VfFn::Max | VfFn::Min => {
                    vec![W32; 2]
                }
                VfFn::QuantizeF64 | VfFn::QuantizeS64 | VfFn::QuantizeU64 => vec![W64],
                _ => vec![W32],
            };
            (exactly([W32]), exactly(src))
        }
        Op::Pred(PredFn::Mov | PredFn::Not) => (exactly([P]), exactly([P])),
        Op::Pred(_) => (exactly([P]), exactly([P, P])),
        Op::Select(c) => (of(&[c]), of(&[c, c, Class::Pred])),
        Op::BitOfPred => (exactly([W32]), exactly([P])),
        Op::CarryOut { wide, .. } => {
            let number = if wide { W64 } else { W32 };
            (exactly([P]), exactly([number, number, P]))
        }
        Op::Clock(_) => (exactly([Want::Number]), exactly([])),
        Op::Load(a) => (
            exactly(vec![element(a.bytes); usize::from(a.count)]),
            exactly([Want::Number]),
        ),
        Op::Store(a) => {
            let mut src = vec![Want::Number];
            src.extend(vec![element(a.bytes); usize::from(a.count)]);
            (exactly([]), exactly(src))
        }
        Op::Atom { f, ty, .. } => {
            let (one, registers) = match ty {
                AtomTy::B64 | AtomTy::S64 | AtomTy::F64 => (W64, 1),
                AtomTy::B128 => (W64, 2),
                _ => (W32, 1),
            };
            let operands = if f == AtomFn::Cas { 2 } else { 1 };
            let mut src = vec![Want::Number];
            src.extend(vec![one; operands * registers]);
            (up_to([], vec![one; registers]), exactly(src))
        }
        Op::Shfl(_) => (up_to([W32], [P]), up_to([W32; 3], [W32])),
        Op::Vote(VoteFn::Ballot) => (exactly([W32]), up_to([P], [W32])),
        Op::Vote(_) => (exactly([P]), up_to([P], [W32])),
        Op::Match { all } => (
            up_to([W32], if all { vec![P] } else { vec![] }),
            exactly([Want::Number, W32]),
        ),
        Op::Redux(_) => (exactly([W32]), exactly([W32, W32])),
        Op::Activemask => (exactly([W32]), exactly([])),
        Op::Elect => (exactly([W32, P]), exactly([W32])),
        Op::WarpSync => (exactly([]), exactly([W32])),
        Op::Barrier { f, .. } => match f {
            BarrierFn::Sync | BarrierFn::Arrive => (exactly([]), exactly([Want::Number, Want::Number])),
            BarrierFn::Popc => (exactly([W32]), exactly([Want::Number, Want::Number, P])),
            BarrierFn::And | BarrierFn::Or => (exactly([P]), exactly([Want::Number, Want::Number, P])),
        },
        Op::Branch(l) => {
            ir.labels.get(l as usize)?;
            (exactly([]), exactly([]))
        }
        Op::BranchTable(t) => {
            ir.tables.get(t as usize)?;
            (exactly([]), exactly([Want::Number]))
        }
        Op::Call(n) => match ir.calls.get(n as usize)?.function {
            Some(_) => (exactly([]), exactly([])),
            None => (exactly([]), exactly([Want::Number])),
        },
        Op::Printf => (exactly([]), up_to([Want::Number; 2], [Want::Number])),
        Op::AssertFail => (exactly([]), exactly([Want::Number; 4])),
        Op::Exit | Op::Trap | Op::Return | Op::Nop => (exactly([]), exactly([])),
    })
}

fn class_of(ir: &Ir, r: VReg) -> Result<Class, String> {
    let info = ir.regs.get(r.0 as usize);
    info.map(|r| r.class)
        .ok_or_else(|| format!("there is no register %{}", r.0))
}

fn count(what: &str, has: usize, wants: &Operands) -> Result<(), String> {
    let (least, most) = (wants.must.len(), wants.must.len() + wants.may.len());
    if (least..=most).contains(&has) {
        return Ok(());
    }
    let number = match most == least {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    };
    Err(format!("{has} {what}s, not {number}"))
}

fn fits(what: &str, n: usize, class: Class, want: Want) -> Result<(), String> {
    let wanted = match want {
        Want::Of(c) if c == class => return Ok(()),
        Want::Number if class != Class::Pred => return Ok(()),
        Want::Any => return Ok(()),
        Want::Of(c) => print::class(c),
        Want::Number => "b32 or b64",
    };
    Err(format!("{what} {n} is {}, not {wanted}", print::class(class)))
}

fn instruction(ir: &Ir, i: &IrInst) -> Result<(), String> {
    if i.origin as usize >= ir.origins.len() {
        return Err("it comes from nowhere".into());
    }
    if let Some((p, _)) = i.guard
        && class_of(ir, p)? != Class::Pred
    {
        return Err(format!("its guard %{} is no predicate", p.0));
    }
    let Some((dst, src)) = signature(ir, &i.op) else {
        return Err("what it names is not there".into());
    };
    count("destination", i.dst.len(), &dst)?;
    count("source", i.src.len(), &src)?;
    for (n, (d, want)) in i.dst.iter().zip(dst.must.iter().chain(&dst.may)).enumerate() {
        fits("destination", n, class_of(ir, *d)?, *want)?;
        if ir.regs[d.0 as usize].special.is_some() {
            return Err(format!("it writes the special register %{}", d.0));
        }
    }
    for (n, (v, want)) in i.src.iter().zip(src.must.iter().chain(&src.may)).enumerate() {
        if let Val::Reg(r) = v {
            fits("source", n, class_of(ir, *r)?, *want)?;
        }
    }
    Ok(())
}
