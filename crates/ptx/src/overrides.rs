//! Brings instructions of a module to `.vf32`: a visitor over the tree that offers every instruction that may
//! be rewritten and does what it is told. It touches opcodes and types only (and swaps the operands of a sum
//! whose accumulator comes second); it never moves, adds or removes an instruction, so results can be compared
//! instruction by instruction, and copies (mov, ld, st, selp) stay as they are, but for those that hand on the result of
//! an expansion.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::ast::*;
use crate::flow::{self, Part};
use crate::isa::{self, Class};

/// An instruction on `.f32` or `.vf32` that may be rewritten.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The kernel or device function it is in.
    pub function: &'a str,
    /// Which of the two that is.
    pub kind: FunctionKind,
    /// The instruction as it stands.
    pub instruction: &'a Instruction,
    /// Its number among the instructions of the function, in the order of the text, nested blocks included; from 0.
    pub ordinal: usize,
    /// Its line in the PTX, from 1.
    pub line: u32,
    /// What it computes.
    pub class: Class,
    /// What it is to an expansion of nvcc's, if it belongs to one. Where the text has `.vf32` already, whoever wrote it
    /// wanted it narrow, and it is an instruction like others.
    pub part: Option<Part>,
    /// The `.loc` it stands under: where in the CUDA source it comes from.
    pub loc: Option<&'a Loc>,
    /// The name of the CUDA source file of `loc`.
    pub file: Option<&'a str>,
}

/// Which instruction to make of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `.f32` becomes `.vf32`; what has `.vf32` already keeps its instruction and changes its format.
    Vf32,
    /// The same, and `fmam` and `addm` become `fma` and `add`.
    Whole,
    /// The `.f32` result is rounded into the format: `.into`.
    Into,
    /// `fma` and `mad` become `fmam.vf32`: narrow product, FP32 accumulator.
    Fmam,
    /// `add` becomes `addm.vf32`, its first operand the FP32 accumulator.
    Addm,
    /// `add` becomes `addm.vf32`, its second operand the FP32 accumulator.
    AddmSecond,
}

/// How results are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rounding {
    /// To nearest, ties to even.
    Rn,
    /// Toward zero.
    Rz,
    /// Toward minus infinity.
    Rm,
    /// Toward plus infinity.
    Rp,
    /// To nearest, ties away from zero.
    Ra,
    /// To odd.
    Ro,
    /// Stochastically, with that many random bits or as many as can be used.
    Rs(Option<u8>),
}

impl Rounding {
    const fn modifier(self) -> Modifier {
        match self {
            Rounding::Rn => Modifier::Rn,
            Rounding::Rz => Modifier::Rz,
            Rounding::Rm => Modifier::Rm,
            Rounding::Rp => Modifier::Rp,
            Rounding::Ra => Modifier::Ra,
            Rounding::Ro => Modifier::Ro,
            Rounding::Rs(_) => Modifier::Rs,
        }
    }

    /// As `.into` names it.
    fn name(self) -> String {
        match self {
            Rounding::Rs(Some(bits)) => format!("rs{bits}"),
            other => other.modifier().text().to_owned(),
        }
    }

    const ALL: [Modifier; 7] = [
        Modifier::Rn,
        Modifier::Rz,
        Modifier::Rm,
        Modifier::Rp,
        Modifier::Ra,
        Modifier::Ro,
        Modifier::Rs,
    ];
}

/// What to make of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rewrite {
    /// Which instruction.
    pub form: Form,
    /// Its format; `None` is the launch's.
    pub format: Option<Word>,
    /// The format of the accumulator, for [`Form::Fmam`], [`Form::Addm`] and [`Form::AddmSecond`]; `None` is FP32.
    pub accumulator: Option<Word>,
    /// How it rounds; `None` leaves that as it is. Instructions that round nothing (`neg`, `max`, `setp`, an integer
    /// out of a `cvt`) stay as they are.
    pub rounding: Option<Rounding>,
    /// The factors of a multiply-add stay FP32, their product is rounded into the format: `.wide`.
    pub wide: bool,
}

impl From<Form> for Rewrite {
    /// In the launch's format, rounded as before.
    fn from(form: Form) -> Rewrite {
        Rewrite {
            form,
            format: None,
            accumulator: None,
            rounding: None,
            wide: false,
        }
    }
}

/// Instructions of one function that were rewritten alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What they compute.
    pub class: Class,
    /// As they were, `add.rn.f32`.
    pub from: String,
    /// As they are, `add.rn.vf32`.
    pub to: String,
    /// How many.
    pub count: usize,
}

/// What was rewritten in one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionReport {
    /// Its mangled name.
    pub name: String,
    /// Kernel or device function.
    pub kind: FunctionKind,
    /// What was rewritten, by class and mnemonic.
    pub changes: Vec<Change>,
    /// Sites that `select` wanted rewritten in a way they cannot be: mnemonic and rewrite.
    pub refused: Vec<(String, Rewrite)>,
}

/// What an override did to a module: one entry per function with a body, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The functions.
    pub functions: Vec<FunctionReport>,
}

impl FunctionReport {
    /// How many instructions were rewritten.
    pub fn total(&self) -> usize {
        self.changes.iter().map(|c| c.count).sum()
    }

    /// How many of each class.
    pub fn by_class(&self) -> BTreeMap<Class, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.class).or_insert(0) += change.count;
        }
        counts
    }
}

impl Report {
    /// How many instructions were rewritten.
    pub fn total(&self) -> usize {
        self.functions.iter().map(FunctionReport::total).sum()
    }

    /// The entry of a function.
    pub fn function(&self, name: &str) -> Option<&FunctionReport> {
        self.functions.iter().find(|f| f.name == name)
    }
}

impl fmt::Display for FunctionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FunctionKind::Kernel => "kernel",
            FunctionKind::Device => "function",
        };
        write!(f, "{kind} `{}`: {} instructions", self.name, self.total())?;
        for (i, (class, count)) in self.by_class().iter().enumerate() {
            write!(f, "{}{count} {class}", if i == 0 { ": " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    /// One line per function in which something was rewritten.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed = self.functions.iter().filter(|x| x.total() > 0);
        for (i, function) in changed.enumerate() {
            write!(f, "{}{function}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Offers every instruction that may be brought to `.vf32` (arithmetic on `.f32`, conversions from or to it), those that
/// have it already and those that hand on the result of an expansion, and rewrites it as `select` says.
pub fn to_vf32(module: &mut Module, select: &mut dyn FnMut(&Site) -> Option<Rewrite>) -> Report {
    let mut files = HashMap::new();
    for item in &module.items {
        if let Item::File { index, name, .. } = item {
            files.insert(*index, name.clone());
        }
    }
    let lines = Lines::new(&module.source);
    let mut report = Report::default();
    for function in module.functions_mut() {
        let parts = flow::expansions(function);
        let Function {
            name,
            kind,
            body: Some(body),
            ..
        } = function
        else {
            continue;
        };
        let mut visit = Visit {
            name: &name.name,
            kind: *kind,
            parts: &parts,
            files: &files,
            lines: &lines,
            ordinal: 0,
            loc: None,
            select,
            changes: BTreeMap::new(),
            refused: Vec::new(),
        };
        visit.statements(body);
        let Visit { changes, refused, .. } = visit;
        let changes = changes
            .into_iter()
            .map(|((class, from, to), count)| Change {
                class,
                from,
                to,
                count,
            })
            .collect();
        report.functions.push(FunctionReport {
            name: name.name.clone(),
            kind: *kind,
            changes,
            refused,
        });
    }
    report
}

/// Writes the early `.bf16` on f32 registers as `.vf32::bf16`, which is the same, wherever an override looks.
pub fn without_early_bf16(module: &mut Module) {
    let bf16 = Modifier::Type(ScalarType::Bf16);
    for function in module.functions_mut() {
        let mut early = false;
        function.each_instruction(&mut |i| early |= i.has(bf16));
        if !early {
            continue;
        }
        let mut narrow = Registers::default();
        for v in function.params.iter().chain(&function.returns) {
            narrow.declare(v);
        }
        let mut body = function.body.take();
        narrow.statements(body.as_deref_mut().unwrap_or_default());
        function.body = body;
    }
}

/// Registers of 16 bits, by name or prefix: `.bf16` on these is no early form. A name that is declared in several
/// scopes counts as it was declared last.
#[derive(Default)]
struct Registers {
    narrow: HashMap<String, (bool, bool)>,
}

impl Registers {
    fn declare(&mut self, v: &Variable) {
        if v.space == StateSpace::Reg {
            let entry = (v.range.is_some(), v.ty.bits() == 16);
            self.narrow.insert(v.name.name.clone(), entry);
        }
    }

    fn is_narrow(&self, name: &str) -> bool {
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let alone = self.narrow.get(name).filter(|(range, _)| !range);
        alone
            .or_else(|| self.narrow.get(prefix))
            .is_some_and(|(_, narrow)| *narrow)
    }

    fn statements(&mut self, body: &mut [Statement]) {
        for statement in body {
            match statement {
                Statement::Variable(v) => self.declare(v),
                Statement::Block { body, .. } => self.statements(body),
                Statement::Instruction(i) => self.instruction(i),
                _ => {}
            }
        }
    }

    fn instruction(&self, i: &mut Instruction) {
        let computes = matches!(i.opcode, Opcode::Fmam | Opcode::Addm)
            || (isa::entry(i.opcode).class.is_some()
                && !matches!(i.opcode, Opcode::Cvt | Opcode::Set | Opcode::Slct));
        let mut registers = i.operands.iter().filter_map(|o| match o {
            Operand::Name(name) => Some(self.is_narrow(&name.name)),
            _ => None,
        });
        let bf16 = Modifier::Type(ScalarType::Bf16);
        if !computes || registers.next_back() != Some(false) || i.numerics != Numerics::default() {
            return;
        }
        let mut new = i.clone();
        for m in new.modifiers.iter_mut().filter(|m| **m == bf16) {
            *m = Modifier::Type(ScalarType::Vf32);
            new.numerics.format = Word::new("bf16");
        }
        if isa::is_form(&new) {
            *i = new;
        }
    }
}

struct Visit<'a> {
    name: &'a str,
    kind: FunctionKind,
    parts: &'a BTreeMap<usize, Part>,
    files: &'a HashMap<u32, String>,
    lines: &'a Lines,
    ordinal: usize,
    loc: Option<Loc>,
    select: &'a mut dyn FnMut(&Site) -> Option<Rewrite>,
    changes: BTreeMap<(Class, String, String), usize>,
    refused: Vec<(String, Rewrite)>,
}

impl Visit<'_> {
    fn statements(&mut self, body: &mut [Statement]) {
        for statement in body {
            match statement {
                Statement::Block { body, .. } => self.statements(body),
                Statement::Loc(loc) => self.loc = Some(loc.clone()),
                Statement::Instruction(i) => self.instruction(i),
                _ => {}
            }
        }
    }

    fn instruction(&mut self, instruction: &mut Instruction) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let plain = !instruction.has(Modifier::Type(ScalarType::Vf32));
        let part = self.parts.get(&ordinal).copied().filter(|_| plain);
        let handed_on = (part == Some(Part::Result)).then_some(Class::Function);
        let Some(class) = class(instruction).or(handed_on) else {
            return;
        };
        let loc = self.loc.as_ref();
        let file = loc.and_then(|l| self.files.get(&l.file)).map(String::as_str);
        let site = Site {
            function: self.name,
            kind: self.kind,
            instruction,
            ordinal,
            line: self.lines.line(instruction.span.start),
            class,
            part,
            loc,
            file,
        };
        let Some(rewrite) = (self.select)(&site) else {
            return;
        };
        let from = instruction.mnemonic();
        match rewritten(instruction, rewrite) {
            Some(new) => {
                let changed = new.mnemonic() != from;
                *instruction = new;
                if !changed {
                    return;
                }
                *self
                    .changes
                    .entry((class, from, instruction.mnemonic()))
                    .or_insert(0) += 1;
            }
            None => self.refused.push((from, rewrite)),
        }
    }
}

/// The class of an instruction that is or may be brought to `.vf32`; `None` for every other.
pub fn class(instruction: &Instruction) -> Option<Class> {
    let class = match instruction.opcode {
        Opcode::Fmam => Class::Fma,
        Opcode::Addm => Class::Add,
        opcode => isa::entry(opcode).class?,
    };
    rewritten(instruction, Form::Vf32.into()).map(|_| class)
}

/// The instruction after a rewrite, if it can have it.
fn rewritten(instruction: &Instruction, rewrite: Rewrite) -> Option<Instruction> {
    let mut new = instruction.clone();
    if rewrite.form == Form::Into {
        new.modifiers.push(Modifier::Into);
        new.numerics.format = rewrite.format;
        new.numerics.into = rewrite.rounding.and_then(|r| Word::new(&r.name()));
        return (!instruction.has(Modifier::Into) && isa::is_form(&new)).then_some(new);
    }
    if isa::is_variable(instruction) {
        if !instruction.has(Modifier::Type(ScalarType::Vf32)) {
            return None;
        }
    } else {
        new.modifiers[place(instruction)?] = Modifier::Type(ScalarType::Vf32);
    }
    new.numerics.format = rewrite.format;
    match (rewrite.form, instruction.opcode) {
        (Form::Vf32, _) => {}
        (Form::Whole, opcode) => {
            new.opcode = match opcode {
                Opcode::Fmam => Opcode::Fma,
                Opcode::Addm => Opcode::Add,
                other => other,
            };
            new.numerics.accumulator = None;
        }
        (Form::Fmam, Opcode::Fma | Opcode::Mad | Opcode::Fmam) => new.opcode = Opcode::Fmam,
        // The text says which operand is the accumulator.
        (Form::Addm | Form::AddmSecond, Opcode::Addm) => {}
        (Form::Addm, Opcode::Add) => new.opcode = Opcode::Addm,
        (Form::AddmSecond, Opcode::Add) if new.operands.len() == 3 => {
            new.opcode = Opcode::Addm;
            new.operands.swap(1, 2);
        }
        _ => return None,
    }
    if !matches!(rewrite.form, Form::Vf32 | Form::Whole) {
        new.numerics.accumulator = rewrite.accumulator;
    }
    if rewrite.wide && !new.has(Modifier::Wide) {
        new.modifiers.insert(0, Modifier::Wide);
    }
    // The new form must be one of the table, executed by Vernier.
    if !isa::is_form(&new) {
        return None;
    }
    Some(match rewrite.rounding {
        Some(rounding) => rounded(&new, rounding).unwrap_or(new),
        None => new,
    })
}

/// The instruction with another rounding, if it rounds.
fn rounded(instruction: &Instruction, rounding: Rounding) -> Option<Instruction> {
    let mut new = instruction.clone();
    // `cvt` rounds as it says only into the format.
    if new.opcode == Opcode::Cvt && new.ty() != Some(ScalarType::Vf32) {
        return None;
    }
    match new.modifiers.iter().position(|m| Rounding::ALL.contains(m)) {
        Some(at) => new.modifiers[at] = rounding.modifier(),
        None => new.modifiers.insert(0, rounding.modifier()),
    }
    if let Rounding::Rs(bits) = rounding {
        new.numerics.random_bits = bits;
    }
    isa::is_form(&new).then_some(new)
}

/// Which modifier is the `.f32` that an override turns into `.vf32`.
fn place(instruction: &Instruction) -> Option<usize> {
    isa::entry(instruction.opcode).class?;
    if instruction.has(Modifier::Into) {
        return None;
    }
    let f32 = Modifier::Type(ScalarType::F32);
    let mut types = instruction
        .modifiers
        .iter()
        .enumerate()
        .filter(|(_, m)| matches!(m, Modifier::Type(_)));
    let (first, last) = (types.next()?, types.next_back());
    match (instruction.opcode, last) {
        // `set.lt.u32.f32`, `slct.f32.f32`: the second type is what is compared, the first what comes out.
        (Opcode::Set | Opcode::Slct, Some(second)) => (*second.1 == f32).then_some(second.0),
        (Opcode::Set | Opcode::Slct, None) => None,
        // Into the format from what is wider or exact; out of it into anything.
        (Opcode::Cvt, Some(second)) if *first.1 == f32 => {
            let Modifier::Type(from) = *second.1 else {
                return None;
            };
            let narrow = matches!(from, ScalarType::F16 | ScalarType::Bf16);
            (!narrow && from.bits() <= 64).then_some(first.0)
        }
        (Opcode::Cvt, Some(second)) => (*second.1 == f32).then_some(second.0),
        (_, None) => (*first.1 == f32).then_some(first.0),
        (_, Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(body: &str) -> Module {
        let text = format!(
            ".version 7.5\n.target sm_75\n.address_size 64\n.file 1 \"a.cu\"\n.entry k() {{\n.reg .f32 %f<9>;\n\
             .reg .f64 %d<3>;\n.reg .b16 %h<3>;\n.reg .s32 %r<9>;\n.reg .pred %p<3>;\n.reg .b64 %rd<3>;\n{body}\nret;\n}}\n"
        );
        let module = crate::parse("k.ptx", &text).unwrap_or_else(|e| panic!("{e}"));
        let checked = crate::check(module).unwrap_or_else(|e| panic!("{e}"));
        checked.into_tree()
    }

    fn mnemonics(module: &Module) -> Vec<String> {
        let mut all = Vec::new();
        let function = module.function("k").expect("the kernel");
        function.each_instruction(&mut |i| all.push(i.mnemonic()));
        all.pop();
        all
    }

    #[test]
    fn to_vf32_rewrites_arithmetic_and_leaves_copies() {
        let pairs = [
            ("add.f32 %f1, %f2, %f3;", "add.vf32"),
            ("add.ftz.sat.f32 %f1, %f2, 0f3F800000;", "add.ftz.sat.vf32"),
            ("sub.rn.f32 %f1, %f2, %f3;", "sub.rn.vf32"),
            ("mul.rz.f32 %f1, %f2, %f3;", "mul.rz.vf32"),
            ("fma.rn.ftz.f32 %f1, %f2, %f3, %f4;", "fma.rn.ftz.vf32"),
            ("mad.f32 %f1, %f2, %f3, %f4;", "mad.vf32"),
            ("div.rn.f32 %f1, %f2, %f3;", "div.rn.vf32"),
            ("div.full.ftz.f32 %f1, %f2, %f3;", "div.full.ftz.vf32"),
            ("neg.f32 %f1, %f2;", "neg.vf32"),
            ("abs.ftz.f32 %f1, %f2;", "abs.ftz.vf32"),
            ("max.f32 %f1, %f2, %f3;", "max.vf32"),
            ("max.NaN.f32 %f1, %f2, %f3;", "max.NaN.f32"),
            ("min.xorsign.abs.f32 %f1, %f2, %f3;", "min.xorsign.abs.f32"),
            ("setp.lt.and.f32 %p1|%p2, %f1, %f2, %p1;", "setp.lt.and.vf32"),
            ("set.gt.u32.f32 %r1, %f1, %f2;", "set.gt.u32.vf32"),
            ("set.gt.f32.s32 %f1, %r1, %r2;", "set.gt.f32.s32"),
            ("set.gt.f32.f32 %f1, %f2, %f3;", "set.gt.f32.vf32"),
            ("slct.s32.f32 %r1, %r2, %r3, %f1;", "slct.s32.vf32"),
            ("slct.f32.s32 %f1, %f2, %f3, %r1;", "slct.f32.s32"),
            ("ex2.approx.ftz.f32 %f1, %f2;", "ex2.approx.ftz.vf32"),
            ("sqrt.rn.f32 %f1, %f2;", "sqrt.rn.vf32"),
            ("rsqrt.approx.f32 %f1, %f2;", "rsqrt.approx.vf32"),
            ("rcp.rn.f32 %f1, %f2;", "rcp.rn.vf32"),
            ("tanh.approx.f32 %f1, %f2;", "tanh.approx.vf32"),
            ("cvt.rn.f32.s32 %f1, %r1;", "cvt.rn.vf32.s32"),
            ("cvt.rn.f32.f64 %f1, %d1;", "cvt.rn.vf32.f64"),
            ("cvt.rzi.s32.f32 %r1, %f1;", "cvt.rzi.s32.vf32"),
            ("cvt.rpi.f32.f32 %f1, %f2;", "cvt.rpi.vf32.f32"),
            ("cvt.f64.f32 %d1, %f1;", "cvt.f64.vf32"),
            ("cvt.rn.f16.f32 %h1, %f1;", "cvt.rn.f16.vf32"),
            ("cvt.f32.f16 %f1, %h1;", "cvt.f32.f16"),
            ("cvt.u64.u32 %rd1, %r1;", "cvt.u64.u32"),
            ("mov.f32 %f1, %f2;", "mov.f32"),
            ("selp.f32 %f1, %f2, %f3, %p1;", "selp.f32"),
            ("ld.global.f32 %f1, [%rd1];", "ld.global.f32"),
            ("st.global.f32 [%rd1], %f1;", "st.global.f32"),
            ("add.f64 %d1, %d2, %d2;", "add.f64"),
            ("add.s32 %r1, %r2, %r3;", "add.s32"),
            ("atom.global.add.f32 %f1, [%rd1], %f2;", "atom.global.add.f32"),
            ("copysign.f32 %f1, %f2, %f3;", "copysign.f32"),
        ];
        let body: Vec<&str> = pairs.iter().map(|(text, _)| *text).collect();
        let mut m = module(&body.join("\n"));
        let report = to_vf32(&mut m, &mut |_| Some(Form::Vf32.into()));
        let expected: Vec<&str> = pairs.iter().map(|(_, new)| *new).collect();
        assert_eq!(mnemonics(&m), expected);
        assert_eq!(crate::check(m.clone()).err().map(|e| e.to_string()), None);
        let rewritten = expected.iter().filter(|m| m.contains(".vf32")).count();
        assert_eq!(report.total(), rewritten);
        assert_eq!(
            to_vf32(&mut m, &mut |_| Some(Form::Vf32.into())).total(),
            0,
            "a second pass finds nothing"
        );
        let text = report.to_string();
        assert!(
            text.starts_with("kernel `k`: ") && text.contains("2 multiply-add"),
            "{text}"
        );
    }

    #[test]
    fn selection_sees_place_and_class_and_illegal_rewrites_are_refused() {
        let mut m = module(
            ".loc 1 7 3\nfma.rn.f32 %f1, %f2, %f3, %f1;\n.loc 1 8 3\n{\nadd.f32 %f1, %f2, %f1;\n}\nmul.f32 %f1, %f1, %f2;",
        );
        let mut seen = Vec::new();
        let report = to_vf32(&mut m, &mut |site| {
            seen.push((
                site.class,
                site.loc.map(|l| l.line),
                site.file.map(str::to_string),
            ));
            Some(match site.class {
                Class::Fma => Form::Fmam.into(),
                Class::Add => Form::AddmSecond.into(),
                _ => Rewrite::from(Form::Fmam),
            })
        });
        let file = Some("a.cu".to_string());
        assert_eq!(
            seen,
            [
                (Class::Fma, Some(7), file.clone()),
                (Class::Add, Some(8), file.clone()),
                (Class::Mul, Some(8), file)
            ]
        );
        assert_eq!(mnemonics(&m), ["fmam.rn.vf32", "addm.vf32", "mul.f32"]);
        assert!(m.to_string().contains("addm.vf32 \t%f1, %f1, %f2;"));
        assert_eq!(
            report.functions[0].refused,
            [("mul.f32".to_string(), Form::Fmam.into())]
        );
        assert_eq!(report.total(), 2);
    }

    #[test]
    fn a_rewrite_names_format_accumulator_and_rounding() {
        let text = "fma.rn.f32 %f1, %f2, %f3, %f1;\n{\nmov.f32 %f4, %f1;\nadd.f32 %f1, %f2, %f1;\n}\n\
                    cvt.rn.f32.s32 %f2, %r1;\ncvt.rzi.s32.f32 %r1, %f1;\nneg.f32 %f1, %f2;\nex2.approx.f32 %f1, %f2;";
        let mut m = module(text);
        let mut seen = Vec::new();
        let report = to_vf32(&mut m, &mut |site| {
            seen.push((site.ordinal, site.line));
            let (form, accumulator) = match site.class {
                Class::Fma => (Form::Fmam, Word::new("e8m13")),
                Class::Add => (Form::Addm, None),
                _ => (Form::Vf32, None),
            };
            Some(Rewrite {
                form,
                format: (site.class != Class::Add).then(|| Word::new("e5m2")).flatten(),
                accumulator,
                rounding: Some(Rounding::Rs(Some(8))),
                wide: false,
            })
        });
        let expected = [
            "fmam.rs::8.vf32::e5m2::e8m13",
            "mov.f32",
            "addm.rs::8.vf32",
            "cvt.rs::8.vf32::e5m2.s32",
            "cvt.rzi.s32.vf32::e5m2",
            "neg.vf32::e5m2",
            "ex2.rs::8.approx.vf32::e5m2",
        ];
        assert_eq!(mnemonics(&m), expected);
        let places = [(0, 12), (2, 15), (3, 17), (4, 18), (5, 19), (6, 20)];
        assert_eq!(seen, places);
        assert_eq!(report.total(), 6);
        let again = crate::parse("k.ptx", &m.to_string()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(crate::check(again.clone()).err().map(|e| e.to_string()), None);
        assert!(crate::same(&m, &again));
    }
}
