//! From the syntax tree of a kernel to the flat list: scopes and names are resolved, device functions
//! inlined at their calls (recursive and indirect ones excepted, see `calls`), variables placed. What Vernier does not execute is refused here, by name and place.

mod calls;
mod compute;
mod dialect;
mod limits;
mod memory;
mod scope;
mod tables;

use crate::{AluOp, Class, Ir, IrInst, Op, Origin, PredFn, RegInfo, VReg, Val};
pub use calls::function_addresses;
pub use limits::{align_of, size_of};
use ptx::Checked;
use ptx::ast::{
    Function, Ident, Immediate, Instruction, Modifier, Module, Opcode, Operand, ScalarType, Span,
    SpecialRegister, StateSpace, Statement, Variable,
};
use ptx::limits::{LOCAL_BYTES, PARAMETER_BYTES, REGISTERS, SHARED_BYTES};
use ptx::scope::Scopes;
use ptx::visit;
use rustc_hash::{FxHashMap, FxHashSet};
use scope::{Binding, Place};

/// Instructions a kernel may have after inlining, a guard against code that explodes.
const MAX_INSTRUCTIONS: usize = 4_000_000;
/// What is wrong, and where.
#[derive(Debug, Clone)]
pub struct Refusal(pub Box<ptx::Diagnostic>);

type Result<T> = std::result::Result<T, Refusal>;

/// Variables of the module that live in device memory, and device functions, by name: address.
pub type Globals = FxHashMap<String, u64>;

/// What an instruction that computes in one lane looks like to a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Sources that it reads.
    pub sources: usize,
    /// Whether its result is a predicate.
    pub predicate: bool,
}

/// What a back end computes in one lane, or why it cannot, in words. Of the instruction only opcode, modifiers and the number
/// of operands count.
pub type Computes<'a> = &'a dyn Fn(&Instruction) -> std::result::Result<Signature, String>;

/// Translates `function`, a kernel of `module`, for a back end that computes what `computes` says.
///
/// # Errors
/// What Vernier does not execute, with its place.
pub fn run(module: &Checked, function: &Function, globals: &Globals, computes: Computes) -> Result<Ir> {
    let module: &Module = module;
    let all = module.items.iter().filter_map(|i| match i {
        ptx::ast::Item::Function(f) => Some(f),
        _ => None,
    });
    let named = |f: &'_ &Function| f.body.is_some();
    let mut functions: FxHashMap<&str, &Function> = all
        .clone()
        .filter(named)
        .map(|f| (f.name.name.as_str(), f))
        .collect();
    // In order: an alias may stand for another.
    for item in &module.items {
        if let ptx::ast::Item::Alias { alias, target, .. } = item
            && let Some(f) = functions.get(target.name.as_str()).copied()
        {
            functions.insert(&alias.name, f);
        }
    }
    let mut t = Translator {
        module,
        globals,
        computes,
        functions,
        declared: all.map(|f| f.name.name.as_str()).collect(),
        inline_sizes: FxHashMap::default(),
        ir: Ir::default(),
        scopes: Scopes::default(),
        shared: FxHashMap::default(),
        shared_done: 0,
        specials: FxHashMap::default(),
        inlining: Vec::new(),
        outlined: Vec::new(),
        targets: Vec::new(),
        prototypes: Vec::new(),
        frame_base: None,
        frame_bytes: 0,
        loc: 0,
        carry: None,
        span: Span::default(),
        variable: false,
    };
    t.kernel(function)?;
    t.out_of_line()?;
    Ok(t.ir)
}

struct Translator<'a> {
    module: &'a Module,
    globals: &'a Globals,
    computes: Computes<'a>,
    functions: FxHashMap<&'a str, &'a Function>,
    /// Names of all functions, those without a body too.
    declared: FxHashSet<&'a str>,
    /// Instructions of functions with all that they call, if everything were inlined; empty if everything is.
    inline_sizes: FxHashMap<&'a str, u64>,
    ir: Ir,
    scopes: Scopes<'a, Binding>,
    /// Shared variables by the address of their declaration: offset.
    shared: FxHashMap<*const Variable, u32>,
    /// Bytes of static shared memory placed so far.
    shared_done: u32,
    specials: FxHashMap<SpecialRegister, VReg>,
    inlining: Vec<Inlined<'a>>,
    /// Functions that are called where they are not inlined, as in [`Ir::functions`].
    outlined: Vec<&'a Function>,
    /// The labels of each [`Binding::Targets`].
    targets: Vec<Vec<u32>>,
    /// Results and parameters of each [`Binding::Prototype`].
    prototypes: Vec<(&'a [Variable], &'a [Variable])>,
    /// Where the frame of the function starts, if it is one that is not inlined.
    frame_base: Option<VReg>,
    /// Bytes of the frame so far.
    frame_bytes: u32,
    /// Index of the current `.loc` plus one.
    loc: u32,
    /// The carry flag of `add.cc` and the like.
    carry: Option<VReg>,
    /// The instruction being translated.
    span: Span,
    /// It computes in a variable format.
    variable: bool,
}

/// A function whose body is being translated.
struct Inlined<'a> {
    name: &'a str,
    /// Label after the body.
    end: u32,
    kernel: bool,
}

/// The class a register of `bits` bits needs.
fn class_of(bits: u32) -> Class {
    match bits {
        1 => Class::Pred,
        64 => Class::W64,
        _ => Class::W32,
    }
}

impl<'a> Translator<'a> {
    fn refuse<T>(&self, what: impl Into<String>, help: impl Into<String>) -> Result<T> {
        let help: String = help.into();
        Err(Refusal(Box::new(ptx::Diagnostic {
            span: self.span,
            error: ptx::Error::Unsupported {
                mnemonic: what.into(),
            },
            help: (!help.is_empty()).then_some(help),
        })))
    }

    fn kernel(&mut self, function: &'a Function) -> Result<()> {
        self.place_shared(function)?;
        self.plan_inlining(function);
        self.scopes.enter();
        let mut offset = 0u32;
        for p in &function.params {
            self.span = p.span;
            let size = size_of(p) as u32;
            offset = offset.next_multiple_of(align_of(p));
            self.limit(
                "parameters of the kernel",
                u64::from(offset) + u64::from(size),
                PARAMETER_BYTES,
            )?;
            self.ir.params.push(crate::ParamInfo {
                offset: offset as usize,
                size: size as usize,
            });
            self.bind(&p.name, None, Binding::Place(Place::Param(offset)));
            offset += size;
        }
        self.ir.params_bytes = offset;
        let end = self.new_label();
        self.inlining.push(Inlined {
            name: &function.name.name,
            end,
            kernel: true,
        });
        self.body(function.body.as_deref().unwrap_or_default())?;
        self.place_label(end);
        self.emit(Op::Exit, vec![], vec![], false);
        self.inlining.pop();
        self.scopes.leave();
        self.ir.local_bytes = self.frame_bytes;
        Ok(())
    }

    /// Places the shared variables that the kernel and the functions it may call use. Dynamic ones
    /// (`extern __shared__`, no size) all start where the static ones end.
    fn place_shared(&mut self, kernel: &'a Function) -> Result<()> {
        let mut reached: Vec<&'a Function> = vec![kernel];
        let mut known = FxHashSet::from_iter([std::ptr::from_ref(kernel)]);
        let mut names: Vec<&'a str> = Vec::new();
        let mut declared: Vec<&'a Variable> = Vec::new();
        let mut next = 0;
        while next < reached.len() {
            let f = reached[next];
            next += 1;
            visit::statements(f.body.as_deref().unwrap_or_default(), &mut |s| match s {
                Statement::Variable(v) if v.space.base() == StateSpace::Shared => declared.push(v),
                Statement::Instruction(i) => {
                    if self.is_indirect(i) {
                        names.extend(self.pointees().map(|f| f.name.name.as_str()));
                    }
                    for o in &i.operands {
                        o.each_name(&mut |n| names.push(&n.name));
                    }
                }
                _ => {}
            });
            for name in names.drain(..) {
                if let Some(&g) = self.functions.get(name) {
                    if known.insert(std::ptr::from_ref(g)) {
                        reached.push(g);
                    }
                } else if let Some(v) = module_shared(self.module, name)
                    && !declared.iter().any(|d| std::ptr::eq(*d, v))
                {
                    declared.push(v);
                }
            }
        }
        let mut dynamic_align = 16;
        for v in declared.iter().filter(|v| size_of(v) > 0) {
            self.span = v.span;
            self.shared_done = self.shared_done.next_multiple_of(align_of(v));
            let end = u64::from(self.shared_done) + size_of(v);
            self.limit("shared memory in a block", end, SHARED_BYTES)?;
            self.shared.insert(*v, self.shared_done);
            self.shared_done = end as u32;
        }
        for v in declared.iter().filter(|v| size_of(v) == 0) {
            dynamic_align = dynamic_align.max(align_of(v));
        }
        self.shared_done = self.shared_done.next_multiple_of(dynamic_align);
        for v in declared.iter().filter(|v| size_of(v) == 0) {
            self.shared.insert(*v, self.shared_done);
        }
        self.ir.shared_bytes = self.shared_done;
        Ok(())
    }

    fn new_label(&mut self) -> u32 {
        self.ir.labels.push(u32::MAX);
        self.ir.labels.len() as u32 - 1
    }

    fn place_label(&mut self, label: u32) {
        self.ir.labels[label as usize] = self.ir.insts.len() as u32;
    }

    fn new_reg(&mut self, bits: u32) -> VReg {
        self.ir.regs.push(RegInfo {
            class: class_of(bits),
            bits,
            special: None,
        });
        VReg(self.ir.regs.len() as u32 - 1)
    }

    fn bits_of(&self, r: VReg) -> u32 {
        self.ir.regs[r.0 as usize].bits
    }

    /// Appends an instruction; `counts` for the one that stands for the PTX instruction.
    fn emit(&mut self, op: Op, dst: Vec<VReg>, src: Vec<Val>, counts: bool) {
        let origin = self.ir.origins.len() as u32 - u32::from(!self.ir.origins.is_empty());
        if self.ir.origins.is_empty() {
            self.ir.origins.push(Origin::of_span(self.span, self.loc));
        }
        self.ir.insts.push(IrInst {
            op,
            dst,
            src,
            guard: None,
            origin,
            counts,
            variable: false,
        });
    }

    fn bind(&mut self, name: &'a Ident, range: Option<u32>, binding: Binding) {
        self.scopes.declare(&name.name, name.span, range, binding);
    }

    fn body(&mut self, body: &'a [Statement]) -> Result<()> {
        self.scopes.enter();
        // Labels may be used before they stand.
        for s in body {
            match s {
                Statement::Label(l) => {
                    let label = self.new_label();
                    self.bind(l, None, Binding::Label(label));
                }
                Statement::CallPrototype { .. } | Statement::CallTargets { .. } => self.prototype(s),
                _ => {}
            }
        }
        // Lists of labels say what the labels mean where the list stands.
        for s in body {
            if let Statement::BranchTargets { label, targets } = s {
                let labels = targets
                    .iter()
                    .map(|t| self.label(&t.name))
                    .collect::<Result<_>>()?;
                self.targets.push(labels);
                self.bind(label, None, Binding::Targets(self.targets.len() - 1));
            }
        }
        for s in body {
            match s {
                Statement::Label(l) => {
                    if let Some(Binding::Label(label)) = self.named(&l.name) {
                        self.place_label(label);
                    }
                }
                Statement::Variable(v) => self.declare(v)?,
                Statement::Instruction(i) => self.instruction(i)?,
                Statement::Block { body, .. } => self.body(body)?,
                Statement::Loc(l) => {
                    self.ir.locs.push((l.file, l.line));
                    self.loc = self.ir.locs.len() as u32;
                }
                Statement::Pragma { .. }
                | Statement::BranchTargets { .. }
                | Statement::CallTargets { .. }
                | Statement::CallPrototype { .. } => {}
            }
        }
        self.scopes.leave();
        Ok(())
    }

    fn declare(&mut self, v: &'a Variable) -> Result<()> {
        self.span = v.span;
        let name = &v.name.name;
        match v.space.base() {
            StateSpace::Reg => {
                // 128 bits are two registers of 64.
                let (bits, halves) = match v.ty.bits() {
                    128 => (64, 2),
                    bits => (bits, 1),
                };
                let stride = u32::from(v.vector) * halves;
                let count = u64::from(v.range.unwrap_or(1)) * u64::from(stride);
                let first = self.ir.regs.len() as u32;
                if u64::from(first) + count > REGISTERS {
                    return self.refuse(
                        format!(".reg .{} {name}", v.ty),
                        "the kernel has more than 2^22 registers after inlining its calls",
                    );
                }
                let info = RegInfo {
                    class: class_of(bits),
                    bits,
                    special: None,
                };
                self.ir.regs.extend(std::iter::repeat_n(info, count as usize));
                let binding = match v.range {
                    Some(_) => Binding::Range(VReg(first), stride),
                    None => Binding::Reg(VReg(first)),
                };
                self.bind(&v.name, v.range, binding);
            }
            StateSpace::Local | StateSpace::Param => {
                // `.param` variables of calls live in the thread's local memory, like a stack frame.
                let place = self.frame(size_of(v), align_of(v))?;
                self.bind(&v.name, None, Binding::Place(place));
            }
            StateSpace::Shared => {
                let at = self.shared[&std::ptr::from_ref(v)];
                self.bind(&v.name, None, Binding::Place(Place::Shared(at)));
            }
            other => {
                return self.refuse(
                    format!(".{other} {name}"),
                    "this state space is not supported inside functions",
                );
            }
        }
        Ok(())
    }

    /// Reserves local memory.
    fn frame(&mut self, size: u64, align: u32) -> Result<Place> {
        let at = self.frame_bytes.next_multiple_of(align);
        let end = u64::from(at).saturating_add(size);
        self.limit("local memory in a thread", end, LOCAL_BYTES)?;
        self.frame_bytes = end as u32;
        Ok(match self.frame_base {
            Some(_) => Place::Frame(at),
            None => Place::Local(at),
        })
    }

    /// The address of a variable plus `offset`, as a value of type `ty`.
    fn address_of(&mut self, p: Place, offset: i64, ty: ScalarType) -> Val {
        let at = p.offset().wrapping_add(offset as u64);
        let (Place::Frame(_), Some(base)) = (p, self.frame_base) else {
            return Val::Const(at);
        };
        let sum = self.new_reg(64);
        let src = vec![Val::Reg(base), Val::Const(at)];
        self.emit(Op::Alu(AluOp::Add64), vec![sum], src, false);
        if ty.bits() > 32 {
            return Val::Reg(sum);
        }
        let low = self.new_reg(32);
        let src = vec![Val::Reg(sum)];
        self.emit(Op::Alu(AluOp::Truncate64), vec![low], src, false);
        Val::Reg(low)
    }

    /// What a name of the function means here.
    fn named(&self, name: &str) -> Option<Binding> {
        let found = self.scopes.find(name)?;
        Some(match found.what {
            Binding::Range(first, stride) => Binding::Reg(VReg(first.0 + found.number * stride)),
            other => other,
        })
    }

    /// What a name means here.
    fn lookup(&self, name: &str) -> Result<Binding> {
        if let Some(b) = self.named(name) {
            return Ok(b);
        }
        if let Some(v) = module_shared(self.module, name)
            && let Some(&at) = self.shared.get(&std::ptr::from_ref(v))
        {
            return Ok(Binding::Place(Place::Shared(at)));
        }
        if let Some(&address) = self.globals.get(name) {
            return Ok(Binding::Place(Place::Global(address)));
        }
        if self.functions.contains_key(name) {
            return self.refuse(
                format!("address of kernel `{name}`"),
                "device-side launches are not supported",
            );
        }
        self.refuse(
            format!("`{name}`"),
            "this name is not declared (an external symbol of another module?)",
        )
    }

    fn special(&mut self, register: SpecialRegister) -> Result<Val> {
        use SpecialRegister as S;
        Ok(match register {
            S::WarpSz => Val::Const(32),
            S::ClusteridX | S::ClusteridY | S::ClusteridZ => {
                return self.special(match register {
                    S::ClusteridX => S::CtaidX,
                    S::ClusteridY => S::CtaidY,
                    _ => S::CtaidZ,
                });
            }
            S::NclusteridX | S::NclusteridY | S::NclusteridZ => {
                return self.special(match register {
                    S::NclusteridX => S::NctaidX,
                    S::NclusteridY => S::NctaidY,
                    _ => S::NctaidZ,
                });
            }
            // A launch without clusters: each block is a cluster of its own.
            S::ClusterCtaidX
            | S::ClusterCtaidY
            | S::ClusterCtaidZ
            | S::ClusterCtarank
            | S::IsExplicitCluster => Val::Const(0),
            S::ClusterNctaidX | S::ClusterNctaidY | S::ClusterNctaidZ | S::ClusterNctarank => Val::Const(1),
            S::Clock | S::ClockHi | S::Clock64 | S::Globaltimer | S::GlobaltimerLo | S::GlobaltimerHi => {
                let d = self.new_reg(register.bits());
                self.emit(Op::Clock(register), vec![d], vec![], false);
                Val::Reg(d)
            }
            S::AggrSmemSize
            | S::ReservedSmemOffsetBegin
            | S::ReservedSmemOffsetEnd
            | S::ReservedSmemOffsetCap
            | S::ReservedSmemOffset0
            | S::ReservedSmemOffset1
            | S::CurrentGraphExec
            | S::Pm0
            | S::Pm1
            | S::Pm2
            | S::Pm3
            | S::Pm4
            | S::Pm5
            | S::Pm6
            | S::Pm7
            | S::Pm0Wide
            | S::Pm1Wide
            | S::Pm2Wide
            | S::Pm3Wide
            | S::Pm4Wide
            | S::Pm5Wide
            | S::Pm6Wide
            | S::Pm7Wide => return self.refuse(register.text(), "this special register is not supported"),
            _ => {
                if let Some(&r) = self.specials.get(&register) {
                    return Ok(Val::Reg(r));
                }
                let r = self.new_reg(register.bits());
                self.ir.regs[r.0 as usize].special = Some(register);
                self.specials.insert(register, r);
                Val::Reg(r)
            }
        })
    }

    /// A source operand of `bits` bits (immediates are brought to that type; for floats `ty` says which).
    fn source(&mut self, o: &Operand, ty: ScalarType) -> Result<Val> {
        match o {
            Operand::Name(n) => match self.lookup(&n.name)? {
                Binding::Reg(r) => Ok(Val::Reg(r)),
                Binding::Place(p) => Ok(self.address_of(p, 0, ty)),
                _ => self.refuse(format!("`{}`", n.name), "a label is no value"),
            },
            Operand::Offset { base, offset } => match self.lookup(&base.name)? {
                Binding::Place(p) => Ok(self.address_of(p, *offset, ty)),
                _ => self.refuse(format!("`{}`", base.name), "only variables have an address"),
            },
            Operand::Component { base, index } => match self.lookup(&base.name)? {
                Binding::Reg(r) => Ok(Val::Reg(VReg(r.0 + u32::from(*index)))),
                _ => self.refuse(
                    format!("`{}`", base.name),
                    "only vector registers have components",
                ),
            },
            Operand::Special { register, .. } => self.special(*register),
            Operand::Immediate { value, .. } => Ok(Val::Const(immediate(*value, ty))),
            Operand::Not { operand, .. } => {
                let v = self.source(operand, ScalarType::Pred)?;
                let d = self.new_reg(1);
                self.emit(Op::Pred(PredFn::Not), vec![d], vec![v], false);
                Ok(Val::Reg(d))
            }
            Operand::Neg { operand, .. } => {
                let v = self.source(operand, ty)?;
                self.negated(v, ty)
            }
            Operand::Vector { .. }
            | Operand::List { .. }
            | Operand::Pair { .. }
            | Operand::Address { .. }
            | Operand::AddressList { .. } => self.refuse("operand", "a register or number must stand here"),
            Operand::Sink(_) => self.refuse("`_`", "only a destination can be thrown away"),
        }
    }

    /// A destination register; `_` gives a register nobody reads.
    fn destination(&mut self, o: &Operand, ty: ScalarType) -> Result<VReg> {
        match o {
            Operand::Name(n) => match self.lookup(&n.name)? {
                Binding::Reg(r) => Ok(r),
                _ => self.refuse(format!("`{}`", n.name), "a destination must be a register"),
            },
            Operand::Component { base, index } => match self.lookup(&base.name)? {
                Binding::Reg(r) => Ok(VReg(r.0 + u32::from(*index))),
                _ => self.refuse(
                    format!("`{}`", base.name),
                    "only vector registers have components",
                ),
            },
            Operand::Sink(_) => Ok(self.new_reg(ty.bits())),
            _ => self.refuse("operand", "a destination must be a register"),
        }
    }

    fn operand<'i>(&self, i: &'i Instruction, n: usize) -> Result<&'i Operand> {
        match i.operands.get(n) {
            Some(o) => Ok(o),
            None => self.refuse(mnemonic(i), format!("operand {} is missing", n + 1)),
        }
    }

    fn instruction(&mut self, i: &'a Instruction) -> Result<()> {
        self.span = i.span;
        self.variable = false;
        if self.ir.insts.len() > MAX_INSTRUCTIONS {
            return self.refuse(
                mnemonic(i),
                "the kernel has too many instructions after inlining its calls",
            );
        }
        let latency = ptx::isa::latency(i);
        self.ir.origins.push(Origin {
            span: i.span,
            loc: self.loc,
            class: crate::InstructionClass::of(i, latency),
            latency,
        });
        if let Some(kind) = crate::kind_of(i) {
            let sat = i.has(Modifier::Sat);
            self.ir
                .plain
                .insert(self.ir.origins.len() as u32 - 1, (kind, sat));
        }
        let first = self.ir.insts.len();
        match i.opcode {
            Opcode::Bra => self.branch(i)?,
            Opcode::Brx => self.branch_table(i)?,
            Opcode::Exit => self.emit(Op::Exit, vec![], vec![], true),
            Opcode::Ret => {
                let Some(top) = self.inlining.last() else {
                    return Ok(());
                };
                let op = if top.kernel { Op::Exit } else { Op::Branch(top.end) };
                self.emit(op, vec![], vec![], true);
            }
            Opcode::Call => return self.call(i, first),
            Opcode::Trap | Opcode::Brkpt => self.emit(Op::Trap, vec![], vec![], true),
            Opcode::Membar
            | Opcode::Fence
            | Opcode::Prefetch
            | Opcode::Prefetchu
            | Opcode::Nanosleep
            | Opcode::Discard
            | Opcode::Griddepcontrol
            | Opcode::Applypriority
            | Opcode::Setmaxnreg
            | Opcode::Pmevent => self.emit(Op::Nop, vec![], vec![], true),
            _ => {
                let plain = self.plain(i)?;
                if !self.memory(&plain)? {
                    self.compute(&plain)?;
                }
                self.round_result(i)?;
            }
        }
        self.guard(i, first)
    }

    /// Puts the guard of `i` on everything translated since `first`, and counts the instruction once.
    fn guard(&mut self, i: &Instruction, first: usize) -> Result<()> {
        for inst in &mut self.ir.insts[first..] {
            inst.counts = false;
        }
        if let Some(last) = self.ir.insts[first..].last_mut() {
            last.counts = true;
            last.variable = self.variable;
        }
        let Some(g) = &i.guard else { return Ok(()) };
        let Binding::Reg(p) = self.lookup(&g.register.name)? else {
            return self.refuse(
                format!("@{}", g.register.name),
                "a guard must be a predicate register",
            );
        };
        // What may wait for other lanes is branched around instead.
        if self.ir.insts[first..].iter().any(|i| i.op.may_wait()) {
            let after = self.new_label();
            self.place_label(after);
            self.ir.labels[after as usize] += 1;
            let origin = self.ir.origins.len() as u32 - 1;
            let guard = Some((p, !g.negated));
            let skip = IrInst {
                op: Op::Branch(after),
                dst: vec![],
                src: vec![],
                guard,
                origin,
                counts: false,
                variable: false,
            };
            self.ir.insts.insert(first, skip);
            return Ok(());
        }
        for inst in &mut self.ir.insts[first..] {
            inst.guard = Some((p, g.negated));
        }
        // An instruction that changes its own guard must be guarded by the old value throughout.
        let several = self.ir.insts.len() - first > 1;
        if several && self.ir.insts[first..].iter().any(|x| x.dst.contains(&p)) {
            let copy = self.new_reg(1);
            let origin = self.ir.origins.len() as u32 - 1;
            let mov = IrInst {
                op: Op::Pred(PredFn::Mov),
                dst: vec![copy],
                src: vec![Val::Reg(p)],
                guard: None,
                origin,
                counts: false,
                variable: false,
            };
            self.ir.insts.insert(first, mov);
            for inst in &mut self.ir.insts[first + 1..] {
                inst.guard = Some((copy, g.negated));
            }
        }
        Ok(())
    }

    fn label(&self, name: &str) -> Result<u32> {
        match self.named(name) {
            Some(Binding::Label(l)) => Ok(l),
            _ => self.refuse(format!("`{name}`"), "no such label"),
        }
    }

    fn branch(&mut self, i: &Instruction) -> Result<()> {
        let Operand::Name(n) = self.operand(i, 0)? else {
            return self.refuse(mnemonic(i), "the target must be a label");
        };
        let label = self.label(&n.name)?;
        self.emit(Op::Branch(label), vec![], vec![], true);
        Ok(())
    }

    fn branch_table(&mut self, i: &Instruction) -> Result<()> {
        let index = self.source(self.operand(i, 0)?, ScalarType::U32)?;
        let labels = match self.operand(i, 1)? {
            Operand::Name(n) => match self.named(&n.name) {
                Some(Binding::Targets(t)) => self.targets[t].clone(),
                _ => return self.refuse(format!("`{}`", n.name), "no such .branchtargets"),
            },
            _ => {
                return self.refuse(
                    mnemonic(i),
                    "the second operand must be the label of a .branchtargets",
                );
            }
        };
        self.ir.tables.push(labels);
        self.emit(
            Op::BranchTable(self.ir.tables.len() as u32 - 1),
            vec![],
            vec![index],
            true,
        );
        Ok(())
    }

    /// d = s, by class.
    fn copy(&mut self, d: VReg, s: Val) {
        let op = match self.ir.regs[d.0 as usize].class {
            Class::Pred => Op::Pred(PredFn::Mov),
            Class::W32 => Op::Alu(AluOp::Mov32),
            Class::W64 => Op::Alu(AluOp::Mov64),
        };
        self.emit(op, vec![d], vec![s], false);
    }
}

fn module_shared<'a>(module: &'a Module, name: &str) -> Option<&'a Variable> {
    module.items.iter().find_map(|i| match i {
        ptx::ast::Item::Variable(v) if v.name.name == name && v.space.base() == StateSpace::Shared => Some(v),
        _ => None,
    })
}

/// The bits of a number as a register of type `ty` holds it.
fn immediate(value: Immediate, ty: ScalarType) -> u64 {
    use ScalarType as T;
    let wide = match (value, ty) {
        (Immediate::F32(bits), T::F64) => f64::from(f32::from_bits(bits)).to_bits(),
        (Immediate::F32(bits), _) => u64::from(bits),
        (Immediate::F64(bits), T::F32 | T::Vf32 | T::Bf16 | T::Tf32) => {
            u64::from((f64::from_bits(bits) as f32).to_bits())
        }
        (Immediate::F64(bits), _) => bits,
        (Immediate::Int { bits, .. }, _) => bits,
    };
    match ty.bits() {
        1 => {
            if wide != 0 {
                u64::from(u32::MAX)
            } else {
                0
            }
        }
        64.. => wide,
        bits => wide & ((1 << bits) - 1),
    }
}

/// An instruction as written, without operands.
pub fn mnemonic(i: &Instruction) -> String {
    i.mnemonic()
}

/// Whether `i` carries a modifier that only some forms have, spelled `text`.
fn has_other(i: &Instruction, text: &str) -> bool {
    i.modifiers
        .iter()
        .any(|m| matches!(m, Modifier::Other(t) if *t == text))
}
