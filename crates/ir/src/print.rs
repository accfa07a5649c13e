//! Kernels as text, for people and for tests of passes. A register shows its class where it is written: `%3:b32`, `%4:b64`,
//! `%5:pred`; after the analyses also how its lanes relate: `%3:b32 uniform`, `%4:b64 lane*8` (affine with that stride). An
//! operation that is a PTX instruction of its own has its name (`lop3.b32`); the others have names without a type behind
//! a dot (`add32`). An instruction that stands for none of PTX, made along the way, begins with `+`.

use crate::{Access, BarrierFn, Cfg, Class, FormatSource, Ir, IrInst, Op, Pattern, Registers, VReg, Val};
use ptx::ast::{Lines, Source};
use std::fmt::{self, Display, Formatter};

/// A kernel, ready to be printed.
pub struct Text<'a> {
    /// The kernel.
    pub ir: &'a Ir,
    /// The PTX text that its places lie in: then every instruction shows its line.
    pub source: Option<&'a Source>,
    /// What the analyses found.
    pub analysis: Option<(&'a Cfg, &'a Registers)>,
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ir = self.ir;
        writeln!(
            f,
            "params {} bytes, shared {} bytes, local {} bytes",
            ir.params_bytes, ir.shared_bytes, ir.local_bytes
        )?;
        for (n, r) in ir.regs.iter().enumerate() {
            if let Some(special) = r.special {
                writeln!(f, "%{n}:{}{} = {special}", class(r.class), self.pattern(n))?;
            }
        }
        let lines = self.source.map(Lines::new);
        let mut labels: Vec<(u32, usize)> = ir.labels.iter().enumerate().map(|(n, at)| (*at, n)).collect();
        labels.sort_unstable();
        let mut labels = labels.into_iter().peekable();
        let mut line_before = None;
        for k in 0..=ir.insts.len() {
            while let Some((_, n)) = labels.next_if(|(at, _)| *at as usize == k) {
                if self.analysis.is_none() {
                    writeln!(f, "L{n}:")?;
                }
            }
            let Some(i) = ir.insts.get(k) else { break };
            self.heads(f, k)?;
            let text = self.instruction(i);
            let line = lines
                .as_ref()
                .map(|l| l.line(ir.origins[i.origin as usize].span.start));
            match line.filter(|_| line != line_before) {
                Some(line) => writeln!(f, "  {text:<60} ; {line}")?,
                None => writeln!(f, "  {text}")?,
            }
            line_before = line;
        }
        Ok(())
    }
}

impl Text<'_> {
    /// What begins at an instruction: a function, a block.
    fn heads(&self, f: &mut Formatter<'_>, k: usize) -> fmt::Result {
        for (n, function) in self.ir.functions.iter().enumerate() {
            if function.first == k {
                writeln!(f, "function {n}: local {} bytes", function.local_bytes)?;
            }
        }
        let Some((cfg, _)) = self.analysis else {
            return Ok(());
        };
        let n = cfg.block_of[k];
        let block = &cfg.blocks[n];
        if block.start != k {
            return Ok(());
        }
        let name = |b: &usize| match *b {
            Cfg::EXIT => "end".to_string(),
            b => format!("B{b}"),
        };
        let next: Vec<String> = block.next.iter().map(name).collect();
        write!(f, "B{n}: to {}", next.join(", "))?;
        if block.next.len() > 1 {
            write!(f, ", meeting at {}", name(&block.meet))?;
        }
        writeln!(f, "{}", if block.spin { ", may spin" } else { "" })
    }

    fn pattern(&self, register: usize) -> String {
        match self.analysis.map(|(_, r)| r.pattern[register]) {
            Some(Pattern::Affine(0)) => " uniform".into(),
            Some(Pattern::Affine(stride)) => format!(" lane*{stride}"),
            Some(Pattern::Nothing | Pattern::Vector) | None => String::new(),
        }
    }

    /// The target of a jump.
    fn target(&self, label: u32) -> String {
        match self.analysis {
            Some((cfg, _)) => match cfg.block_of.get(self.ir.labels[label as usize] as usize) {
                Some(b) => format!("B{b}"),
                None => "end".into(),
            },
            None => format!("L{label}"),
        }
    }

    fn instruction(&self, i: &IrInst) -> String {
        let mut text = String::from(if i.counts { "  " } else { "+ " });
        if let Some((p, negated)) = i.guard {
            text += &format!("@{}%{} ", if negated { "!" } else { "" }, p.0);
        }
        let dst: Vec<String> = i
            .dst
            .iter()
            .map(|d| {
                let n = d.0 as usize;
                format!("%{n}:{}{}", class(self.ir.regs[n].class), self.pattern(n))
            })
            .collect();
        if !dst.is_empty() {
            text += &dst.join(", ");
            text += " = ";
        }
        text += &match i.op {
            Op::Branch(l) => format!("branch {}", self.target(l)),
            Op::BranchTable(t) => {
                let targets = self.ir.tables[t as usize].iter().map(|l| self.target(*l));
                let targets: Vec<String> = targets.collect();
                format!("branch_table {} of {}", operands(&i.src), targets.join(", "))
            }
            op => operation(self.ir, &op, i),
        };
        text
    }
}

/// One instruction as text, for messages: [`crate::verify`] may say it of one that is wrong in any way.
pub(crate) fn instruction(ir: &Ir, i: &IrInst) -> String {
    let dst: Vec<String> = i.dst.iter().map(|d| register(ir, *d)).collect();
    let equals = if dst.is_empty() { "" } else { " = " };
    format!("{}{equals}{}", dst.join(", "), operation(ir, &i.op, i))
}

fn register(ir: &Ir, r: VReg) -> String {
    match ir.regs.get(r.0 as usize) {
        Some(info) => format!("%{}:{}", r.0, class(info.class)),
        None => format!("%{}", r.0),
    }
}

pub(crate) fn class(c: Class) -> &'static str {
    match c {
        Class::Pred => "pred",
        Class::W32 => "b32",
        Class::W64 => "b64",
    }
}

fn operand(v: Val) -> String {
    match v {
        Val::Reg(r) => format!("%{}", r.0),
        Val::Const(c) if c < 1 << 16 => c.to_string(),
        Val::Const(c) => format!("{c:#x}"),
    }
}

fn operands(list: &[Val]) -> String {
    let texts: Vec<String> = list.iter().map(|v| operand(*v)).collect();
    texts.join(", ")
}

/// `MulWideU32` as `mul_wide_u32`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn memory(i: &IrInst, offset: i64) -> String {
    let base = i.src.first().map_or(String::new(), |v| operand(*v));
    match offset {
        0 => format!("[{base}]"),
        o if o < 0 => format!("[{base} - {}]", o.unsigned_abs()),
        o => format!("[{base} + {o}]"),
    }
}

fn access(a: &Access) -> String {
    let kind = if a.signed { "s" } else { "b" };
    let count = if a.count > 1 {
        format!("x{}", a.count)
    } else {
        String::new()
    };
    let volatile = if a.volatile { ".volatile" } else { "" };
    let space = snake(&format!("{:?}", a.space));
    format!("{space}.{kind}{}{count}{volatile}", u32::from(a.bytes) * 8)
}

/// Operation and sources.
fn operation(ir: &Ir, op: &Op, i: &IrInst) -> String {
    let plain = |name: String| match i.src.is_empty() {
        true => name,
        false => format!("{name} {}", operands(&i.src)),
    };
    let behind = |rest: &[Val]| match rest.is_empty() {
        true => String::new(),
        false => format!(", {}", operands(rest)),
    };
    match *op {
        Op::Alu(op) => plain(snake(op.name())),
        Op::Scalar(n) => plain(match ir.scalars.get(n as usize) {
            Some(s) => s.instruction.mnemonic(),
            None => format!("scalar {n}"),
        }),
        Op::Vf { f, spec } => {
            let format = match spec.format {
                FormatSource::Launch => "launch".to_string(),
                FormatSource::Fixed(format) => format.name(),
            };
            let accumulator = spec.accumulator;
            plain(format!(
                "vf.{}<{format}, {accumulator}, {}>",
                snake(&format!("{f:?}")),
                spec.rounding
            ))
        }
        Op::Pred(f) => plain(format!("pred.{}", snake(&format!("{f:?}")))),
        Op::Select(c) => plain(format!("select.{}", class(c))),
        Op::BitOfPred => plain("bit_of_pred".into()),
        Op::CarryOut { subtract, wide } => plain(format!(
            "{}{}",
            if subtract { "borrow_out" } else { "carry_out" },
            if wide { 64 } else { 32 }
        )),
        Op::Clock(s) => s.to_string(),
        Op::Load(a) => format!("load.{} {}", access(&a), memory(i, a.offset)),
        Op::Store(a) => format!(
            "store.{} {}{}",
            access(&a),
            memory(i, a.offset),
            behind(i.src.get(1..).unwrap_or_default())
        ),
        Op::Atom {
            f, ty, space, offset, ..
        } => format!(
            "atom.{}.{}.{} {}{}",
            snake(&format!("{space:?}")),
            snake(&format!("{f:?}")),
            format!("{ty:?}").to_lowercase(),
            memory(i, offset),
            behind(i.src.get(1..).unwrap_or_default())
        ),
        Op::Shfl(f) => plain(format!("shfl.{}", snake(&format!("{f:?}")))),
        Op::Vote(f) => plain(format!("vote.{}", snake(&format!("{f:?}")))),
        Op::Match { all } => plain(format!("match.{}", if all { "all" } else { "any" })),
        Op::Redux(f) => plain(format!("redux.{}", snake(&format!("{f:?}")))),
        Op::Activemask => plain("activemask".into()),
        Op::Elect => plain("elect".into()),
        Op::WarpSync => plain("warp_sync".into()),
        Op::Barrier { f, aligned } => {
            let list: Vec<String> = i
                .src
                .iter()
                .map(|v| match *v {
                    Val::Const(u64::MAX) => "all".into(),
                    v => operand(v),
                })
                .collect();
            let f = match f {
                BarrierFn::Sync => String::new(),
                f => format!(".{}", snake(&format!("{f:?}"))),
            };
            let aligned = if aligned { ".aligned" } else { "" };
            format!("barrier{f}{aligned} {}", list.join(", "))
        }
        Op::Branch(l) => format!("branch L{l}"),
        Op::BranchTable(t) => plain(format!("branch_table {t}:")),
        Op::Exit => plain("exit".into()),
        Op::Trap => plain("trap".into()),
        Op::Call(n) => match ir.calls.get(n as usize).and_then(|c| c.function) {
            Some(f) => format!("call function {f}"),
            None => format!("call at {}", operands(&i.src)),
        },
        Op::Return => plain("return".into()),
        Op::Printf => plain("printf".into()),
        Op::AssertFail => plain("assert_fail".into()),
        Op::Nop => plain("nop".into()),
    }
}
