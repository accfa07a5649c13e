//! Names of a syntax tree resolved once, so that the reference does not look them up at every step. Nothing is
//! analysed or rewritten: each PTX instruction stays one instruction with the operands written.

use exec::scalar::{ScalarOp, scalar_op};
use ptx::ast::{
    AddressBase, Function, FunctionKind, Immediate, Instruction, Item, Linkage, Module, Operand,
    SpecialRegister, StateSpace, Statement, Variable,
};
use std::collections::HashMap;

/// Where a variable lies.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Device address.
    Global(u64),
    /// Offset in the block's shared memory.
    Shared(u64),
    /// Offset in the kernel's parameters.
    Param(u64),
    /// Offset in the frame of the running function.
    Frame(u64),
}

/// An operand.
#[derive(Clone, Debug)]
pub enum Arg {
    Reg(usize),
    Number(Immediate),
    Special(SpecialRegister),
    Address(Place, i64),
    /// `[base + offset]`
    Memory(Box<Arg>, i64),
    Many(Vec<Arg>),
    Pair(Box<Arg>, Box<Arg>),
    Negated(Box<Arg>),
    Not(Box<Arg>),
    /// Position in the function's list.
    Label(usize),
    Targets(Vec<usize>),
    Function(usize),
    Sink,
}

/// An instruction.
pub struct Ins<'a> {
    pub inst: &'a Instruction,
    pub args: Vec<Arg>,
    pub guard: Option<(usize, bool)>,
    pub scalar: Option<ScalarOp>,
}

/// A function.
pub struct Func<'a> {
    pub ins: Vec<Ins<'a>>,
    /// Width of each register, bits.
    pub regs: Vec<u32>,
    /// Bytes of its `.param` and `.local` variables.
    pub frame: u64,
    /// Offset in the frame and bytes of each formal parameter.
    pub params: Vec<(u64, u64)>,
    pub returns: Vec<(u64, u64)>,
    pub kernel: bool,
}

/// A module.
pub struct Prepared<'a> {
    pub functions: Vec<Func<'a>>,
    pub names: Vec<&'a str>,
    /// Static shared memory, bytes, where dynamic shared memory starts.
    pub shared: u64,
}

enum Meaning {
    Reg(usize),
    Var(Place),
}

#[derive(Default)]
struct Names<'a> {
    known: HashMap<&'a str, Meaning>,
    /// `.reg .b32 %r<9>`: prefix, first register, count.
    ranges: Vec<(&'a str, usize, u32)>,
    labels: HashMap<&'a str, usize>,
    targets: HashMap<&'a str, Vec<&'a str>>,
}

fn bytes_of(v: &Variable) -> u64 {
    let elements: u64 = v.dims.iter().map(|d| d.unwrap_or(0)).product();
    u64::from(v.ty.bytes()) * u64::from(v.vector) * elements
}

fn align_of(v: &Variable) -> u64 {
    u64::from(v.align.unwrap_or(v.ty.bytes() * u32::from(v.vector)))
}

fn place(end: &mut u64, v: &Variable) -> u64 {
    let at = end.next_multiple_of(align_of(v));
    *end = at + bytes_of(v);
    at
}

/// Resolves the names of `module`. Module-scope variables in device memory have the addresses `globals`.
pub fn prepare<'a>(module: &'a Module, globals: &HashMap<String, u64>) -> Prepared<'a> {
    let defined: Vec<&Function> = module.functions().filter(|f| f.body.is_some()).collect();
    let names: Vec<&str> = defined.iter().map(|f| f.name.name.as_str()).collect();
    let mut shared = 0;
    let mut outer: HashMap<&str, Place> = HashMap::new();
    let mut dynamic = Vec::new();
    for item in &module.items {
        if let Item::Variable(v) = item {
            let name = v.name.name.as_str();
            match (v.space.base(), v.linkage) {
                (StateSpace::Shared, Linkage::Extern) => dynamic.push(name),
                (StateSpace::Shared, _) => {
                    let at = place(&mut shared, v);
                    outer.insert(name, Place::Shared(at));
                }
                _ => {
                    outer.insert(name, Place::Global(globals[name]));
                }
            }
        }
    }
    let shared = shared.next_multiple_of(16);
    for name in dynamic {
        outer.insert(name, Place::Shared(shared));
    }
    let functions = defined.iter().map(|f| function(f, &names, &outer)).collect();
    Prepared {
        functions,
        names,
        shared,
    }
}

fn function<'a>(f: &'a Function, names: &[&str], outer: &HashMap<&str, Place>) -> Func<'a> {
    let kernel = f.kind == FunctionKind::Kernel;
    let mut scope = Names::default();
    let mut func = Func {
        ins: vec![],
        regs: vec![],
        frame: 0,
        params: vec![],
        returns: vec![],
        kernel,
    };
    let mut end = 0;
    for v in &f.params {
        let at = place(&mut end, v);
        let here = if kernel {
            Place::Param(at)
        } else {
            Place::Frame(at)
        };
        scope.known.insert(&v.name.name, Meaning::Var(here));
        func.params.push((at, bytes_of(v)));
    }
    for v in &f.returns {
        let at = place(&mut end, v);
        scope.known.insert(&v.name.name, Meaning::Var(Place::Frame(at)));
        func.returns.push((at, bytes_of(v)));
    }
    func.frame = if kernel { 0 } else { end };
    let mut list = Vec::new();
    flatten(
        f.body.as_deref().unwrap_or_default(),
        &mut scope,
        &mut func,
        &mut list,
    );
    func.frame = func.frame.next_multiple_of(16);
    for inst in list {
        let guard = inst.guard.as_ref().map(|g| match scope.find(&g.register.name) {
            Some(Arg::Reg(r)) => (r, g.negated),
            _ => panic!("no predicate {}", g.register.name),
        });
        let args = inst
            .operands
            .iter()
            .map(|o| scope.argument(o, names, outer))
            .collect();
        func.ins.push(Ins {
            inst,
            args,
            guard,
            scalar: scalar_op(inst).ok(),
        });
    }
    func
}

fn flatten<'a>(
    body: &'a [Statement],
    scope: &mut Names<'a>,
    func: &mut Func<'a>,
    list: &mut Vec<&'a Instruction>,
) {
    for s in body {
        match s {
            Statement::Label(l) => {
                scope.labels.insert(&l.name, list.len());
            }
            Statement::Instruction(i) => list.push(i),
            Statement::Block { body, .. } => flatten(body, scope, func, list),
            Statement::BranchTargets { label, targets } => {
                let to = targets.iter().map(|t| t.name.as_str()).collect();
                scope.targets.insert(&label.name, to);
            }
            Statement::Variable(v) if v.space == StateSpace::Reg => {
                let first = func.regs.len();
                let count = v.range.unwrap_or(1);
                func.regs.extend((0..count).map(|_| v.ty.bits()));
                match v.range {
                    Some(n) => scope.ranges.push((&v.name.name, first, n)),
                    None => {
                        scope.known.insert(&v.name.name, Meaning::Reg(first));
                    }
                }
            }
            Statement::Variable(v) => {
                let at = place(&mut func.frame, v);
                scope.known.insert(&v.name.name, Meaning::Var(Place::Frame(at)));
            }
            _ => {}
        }
    }
}

impl Names<'_> {
    fn find(&self, name: &str) -> Option<Arg> {
        match self.known.get(name) {
            Some(Meaning::Reg(r)) => return Some(Arg::Reg(*r)),
            Some(Meaning::Var(p)) => return Some(Arg::Address(*p, 0)),
            None => {}
        }
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: u32 = name[prefix.len()..].parse().ok()?;
        let (_, first, _) = self
            .ranges
            .iter()
            .find(|(p, _, count)| *p == prefix && number < *count)?;
        Some(Arg::Reg(first + number as usize))
    }

    fn name(&self, name: &str, functions: &[&str], outer: &HashMap<&str, Place>) -> Arg {
        if let Some(a) = self.find(name) {
            return a;
        }
        if let Some(at) = self.labels.get(name) {
            return Arg::Label(*at);
        }
        if let Some(t) = self.targets.get(name) {
            return Arg::Targets(t.iter().map(|l| self.labels[l]).collect());
        }
        if let Some(p) = outer.get(name) {
            return Arg::Address(*p, 0);
        }
        match functions.iter().position(|f| *f == name) {
            Some(f) => Arg::Function(f),
            None => panic!("unknown name {name}"),
        }
    }

    fn argument(&self, o: &Operand, functions: &[&str], outer: &HashMap<&str, Place>) -> Arg {
        let again = |o: &Operand| Box::new(self.argument(o, functions, outer));
        match o {
            Operand::Name(n) => self.name(&n.name, functions, outer),
            Operand::Special { register, .. } => Arg::Special(*register),
            Operand::Immediate { value, .. } => Arg::Number(*value),
            Operand::Offset { base, offset } => match self.name(&base.name, functions, outer) {
                Arg::Address(p, _) => Arg::Address(p, *offset),
                other => panic!("no variable: {other:?}"),
            },
            Operand::Address { base, offset, .. } => {
                let base = match base {
                    AddressBase::Name(n) => self.name(&n.name, functions, outer),
                    AddressBase::Absolute => panic!("absolute addresses are not generated"),
                };
                Arg::Memory(Box::new(base), *offset)
            }
            Operand::Vector { elements, .. } | Operand::List { elements, .. } => Arg::Many(
                elements
                    .iter()
                    .map(|e| self.argument(e, functions, outer))
                    .collect(),
            ),
            Operand::Pair { first, second } => Arg::Pair(again(first), again(second)),
            Operand::Neg { operand, .. } => Arg::Negated(again(operand)),
            Operand::Not { operand, .. } => Arg::Not(again(operand)),
            Operand::Sink(_) => Arg::Sink,
            other => panic!("operand {other:?} is not generated"),
        }
    }
}
