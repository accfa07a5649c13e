//! Checks a module and makes a [`Checked`] one of it, the only kind that `exec` takes. What holds afterwards, `exec`
//! may rely on:
//!
//! 1. Every register, variable, label and function that a body names is declared, in a scope around the use.
//! 2. No name is declared twice in one scope; no function or variable of the module is defined twice.
//! 3. Every instruction has one of the forms of the instruction table: no modifier that it cannot have, every
//!    modifier that it must have, as many operands as it takes, each of the right kind.
//! 4. A register's type suits its operand: same size (wider where PTX allows it), `.b` suits all, signed suits
//!    unsigned, floating point suits floating point, a predicate suits a predicate only.
//! 5. Variables fit in the memory they are in, registers in a function (`limits`).
//! 6. Guards are predicates, branches go to labels, `brx` to a list of labels, calls to functions or registers.
//!
//! Instructions that Vernier does not execute are passed by: [`unsupported`] lists them, for the function that
//! is about to run. What compiles under NVIDIA's tools must pass.

mod calls;
mod operands;

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::ast::*;
use crate::error::{Diagnostic, Error, Errors};
use crate::isa::{self, Modifier};
use crate::limits;
use crate::scope::Scopes;
use crate::suggest::nearest;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
enum Entity<'m> {
    Register {
        ty: ScalarType,
        vector: u8,
    },
    Variable(&'m Variable),
    Function,
    Label,
    /// `.branchtargets`
    Branches,
    /// `.calltargets`
    Calls(&'m [Ident]),
    Prototype(Signature<'m>),
}

impl Entity<'_> {
    fn what(self) -> &'static str {
        match self {
            Entity::Register { .. } => "register",
            Entity::Variable(_) => "variable",
            Entity::Function => "function",
            Entity::Label => "label",
            Entity::Branches => "list of labels",
            Entity::Calls(_) => "list of functions",
            Entity::Prototype(_) => "prototype",
        }
    }
}

/// What a variable declaration makes of a name.
fn entity(v: &Variable) -> Entity<'_> {
    match v.space {
        StateSpace::Reg | StateSpace::Sreg => Entity::Register {
            ty: v.ty,
            vector: v.vector,
        },
        _ => Entity::Variable(v),
    }
}

/// A module that has passed the check, wherever its text came from. [`check`] alone makes one, and nothing can change it:
/// what rewrites it takes the tree out, and has it checked again.
#[derive(Clone, Debug)]
pub struct Checked(Arc<Module>);

impl Checked {
    /// The tree, to be rewritten: no longer a checked one.
    pub fn into_tree(self) -> Module {
        Arc::unwrap_or_clone(self.0)
    }
}

impl Deref for Checked {
    type Target = Module;
    fn deref(&self) -> &Module {
        &self.0
    }
}

/// Checks every function of a module.
///
/// # Errors
/// Everything found, in the order of the text.
pub fn check(module: Module) -> Result<Checked, Errors> {
    faults(&module)?;
    Ok(Checked(Arc::new(module)))
}

fn faults(module: &Module) -> Result<(), Errors> {
    let mut checker = Checker {
        module,
        scopes: Scopes::default(),
        functions: FxHashMap::default(),
        forms: vec![FxHashMap::default(); Opcode::ALL.len()],
        registers: 0,
        errors: Vec::new(),
    };
    checker.module();
    if checker.errors.is_empty() {
        Ok(())
    } else {
        Err(Errors::new(module.source.clone(), checker.errors))
    }
}

/// The instructions of a function that Vernier does not execute, in the order of the text.
pub fn unsupported(function: &Function) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    function.each_instruction(&mut |i| {
        if !isa::is_supported(i) {
            let error = Error::Unsupported {
                mnemonic: i.mnemonic(),
            };
            let entry = isa::entry(i.opcode);
            let help = (!entry.supported).then(|| format!("`{}`: {}", i.opcode, entry.doc));
            found.push(Diagnostic {
                span: i.span,
                error,
                help,
            });
        }
    });
    found
}

/// A function's results and parameters.
#[derive(Clone, Copy, Debug)]
struct Signature<'m> {
    returns: &'m [Variable],
    params: &'m [Variable],
}

/// The forms that an instruction may have, by its modifiers.
type Forms = FxHashMap<Vec<Modifier>, Rc<[&'static isa::Shape]>>;

struct Checker<'m> {
    module: &'m Module,
    scopes: Scopes<'m, Entity<'m>>,
    functions: FxHashMap<&'m str, Signature<'m>>,
    /// By opcode: a module has few different instructions, each of them many times.
    forms: Vec<Forms>,
    /// Registers that the function has so far.
    registers: u64,
    errors: Vec<Diagnostic>,
}

impl<'m> Checker<'m> {
    fn error(&mut self, span: Span, error: Error, help: Option<String>) {
        self.errors.push(Diagnostic { span, error, help });
    }

    fn declare(&mut self, name: &'m Ident, range: Option<u32>, entity: Entity<'m>) {
        if name.name == "_" {
            return;
        }
        if let Some(first) = self.scopes.declare(&name.name, name.span, range, entity) {
            let first = self.module.source.position(first.start);
            let help = Some(format!("it was declared on line {}", first.0));
            self.error(
                name.span,
                Error::Duplicate {
                    name: name.name.clone(),
                    first,
                },
                help,
            );
        }
    }

    /// Refuses what no device has room for, so that nothing later has to.
    fn size(&mut self, v: &Variable) {
        let span = v.name.span;
        if matches!(v.space, StateSpace::Reg | StateSpace::Sreg) {
            let count = u64::from(v.range.unwrap_or(1)) * u64::from(v.vector);
            self.registers = self.registers.saturating_add(count);
            if self.registers > limits::REGISTERS && self.registers - count <= limits::REGISTERS {
                let (what, range) = ("the number of registers of a function", "at most 2^22");
                let value = self.registers;
                self.error(span, Error::OutOfRange { what, range, value }, None);
            }
            if v.vector > 1 && v.ty == ScalarType::Pred {
                let (expected, found) = ("single predicates".to_string(), "a vector of them".to_string());
                self.error(span, Error::Expected { expected, found }, None);
            } else if v.ty.bytes() * u32::from(v.vector) > limits::VECTOR_BYTES {
                let error = Error::Size {
                    name: v.name.name.clone(),
                    range: "at most 16 bytes, all elements of a vector together",
                    found: (v.ty.bytes() * u32::from(v.vector)).to_string(),
                };
                self.error(span, error, None);
            }
            return;
        }
        let one = u64::from(v.ty.bytes()) * u64::from(v.vector);
        let bytes = v
            .dims
            .iter()
            .try_fold(one, |all, d| all.checked_mul(d.unwrap_or(0)));
        let (most, range) = limits::of_variable(v.space);
        if bytes.is_none_or(|b| b > most) {
            let error = Error::Size {
                name: v.name.name.clone(),
                range,
                found: bytes.map_or("more than 2^64".to_string(), |b| b.to_string()),
            };
            self.error(span, error, None);
        }
    }

    fn declare_variable(&mut self, v: &'m Variable) {
        self.size(v);
        self.declare(&v.name, v.range, entity(v));
        if v.range.is_some() && !matches!(v.space, StateSpace::Reg) {
            let help = Some("only registers come in ranges; an array is `name[N]`".to_string());
            let (expected, found) = ("a variable".to_string(), format!("a range `{}<N>`", v.name.name));
            self.error(v.name.span, Error::Expected { expected, found }, help);
        }
    }

    /// Module scope first: functions may call functions further down.
    fn module(&mut self) {
        let mut defined: FxHashMap<&str, Span> = FxHashMap::default();
        for item in &self.module.items {
            let (name, is_definition) = match item {
                Item::Variable(v) => {
                    // `.extern` and the definition may stand in one module.
                    (&v.name, !matches!(v.linkage, Linkage::Extern | Linkage::Common))
                }
                Item::Function(f) => (&f.name, f.body.is_some()),
                Item::Alias { alias, .. } => (alias, true),
                _ => continue,
            };
            if !is_definition {
                continue;
            }
            if let Some(first) = defined.insert(&name.name, name.span) {
                let first = self.module.source.position(first.start);
                let help = Some(format!("it was declared on line {}", first.0));
                self.error(
                    name.span,
                    Error::Duplicate {
                        name: name.name.clone(),
                        first,
                    },
                    help,
                );
            }
        }
        for item in &self.module.items {
            match item {
                Item::Variable(v) => {
                    self.size(v);
                    self.scopes.declare(&v.name.name, v.name.span, v.range, entity(v));
                }
                Item::Function(f) => {
                    self.scopes
                        .declare(&f.name.name, f.name.span, None, Entity::Function);
                    let signature = Signature {
                        returns: &f.returns,
                        params: &f.params,
                    };
                    // A declaration says less than the definition.
                    if f.body.is_some() || !self.functions.contains_key(f.name.name.as_str()) {
                        self.functions.insert(&f.name.name, signature);
                    }
                }
                Item::Alias { alias, target, .. } => {
                    if let Some(signature) = self.functions.get(target.name.as_str()).copied() {
                        self.functions.insert(&alias.name, signature);
                    }
                    self.scopes
                        .declare(&alias.name, alias.span, None, Entity::Function);
                }
                _ => {}
            }
        }
        let module = self.module;
        for item in &module.items {
            match item {
                Item::Function(f) => self.function(f),
                Item::Variable(v) => {
                    if let Some(init) = &v.init {
                        self.initializer(init);
                    }
                }
                Item::Alias { target, .. } => {
                    self.expect_function(target);
                }
                _ => {}
            }
        }
    }

    fn initializer(&mut self, init: &'m Initializer) {
        match init {
            Initializer::List(list) => list.iter().for_each(|i| self.initializer(i)),
            Initializer::Value(_) => {}
            Initializer::Address { name, .. } | Initializer::Mask { name, .. } => {
                self.lookup("variable", name);
            }
        }
    }

    fn function(&mut self, f: &'m Function) {
        self.registers = 0;
        let Some(body) = &f.body else {
            return f.returns.iter().chain(&f.params).for_each(|v| self.size(v));
        };
        self.scopes.enter();
        for v in f.returns.iter().chain(&f.params) {
            self.declare_variable(v);
        }
        // The parameters and the outermost declarations of the body are one scope.
        self.statements(body);
        self.scopes.leave();
    }

    fn statements(&mut self, body: &'m [Statement]) {
        for statement in body {
            match statement {
                Statement::Label(label) => self.declare(label, None, Entity::Label),
                Statement::BranchTargets { label, .. } => self.declare(label, None, Entity::Branches),
                Statement::CallTargets { label, targets } => {
                    self.declare(label, None, Entity::Calls(targets));
                }
                Statement::CallPrototype {
                    label,
                    returns,
                    params,
                    ..
                } => {
                    returns.iter().chain(params).for_each(|v| self.size(v));
                    self.declare(label, None, Entity::Prototype(Signature { returns, params }));
                }
                _ => {}
            }
        }
        for statement in body {
            match statement {
                Statement::Variable(v) => self.declare_variable(v),
                Statement::Instruction(i) => self.instruction(i),
                Statement::Block { body, .. } => {
                    self.scopes.enter();
                    self.statements(body);
                    self.scopes.leave();
                }
                Statement::BranchTargets { targets, .. } => {
                    for target in targets {
                        self.expect_label(target);
                    }
                }
                Statement::CallTargets { targets, .. } => {
                    for target in targets {
                        self.expect_function(target);
                    }
                }
                _ => {}
            }
        }
    }

    /// What a name is, or an error.
    fn lookup(&mut self, what: &'static str, name: &Ident) -> Option<Entity<'m>> {
        let found = self.scopes.find(&name.name).map(|found| found.what);
        if found.is_none() {
            let help = match self.scopes.range_of(&name.name) {
                Some((prefix, n)) => Some(format!(
                    "`{prefix}<{n}>` declares `{prefix}0` to `{prefix}{}`",
                    n.saturating_sub(1)
                )),
                None => nearest(&name.name, self.scopes.names()).map(|w| format!("did you mean `{w}`?")),
            };
            let what = if name.name.starts_with('%') {
                "register"
            } else {
                what
            };
            self.error(
                name.span,
                Error::Undeclared {
                    what,
                    name: name.name.clone(),
                },
                help,
            );
        }
        found
    }

    fn expect_label(&mut self, name: &Ident) {
        match self.lookup("label", name) {
            Some(Entity::Label) | None => {}
            Some(other) => self.wrong_kind(name, "a label", other),
        }
    }

    fn expect_function(&mut self, name: &Ident) {
        match self.lookup("function", name) {
            Some(Entity::Function) | None => {}
            Some(other) => self.wrong_kind(name, "a function", other),
        }
    }

    fn wrong_kind(&mut self, name: &Ident, expected: &str, found: Entity) {
        let expected = expected.to_string();
        let found = format!("the {} `{}`", found.what(), name.name);
        self.error(name.span, Error::Expected { expected, found }, None);
    }

    fn instruction(&mut self, i: &'m Instruction) {
        if let Some(guard) = &i.guard {
            match self.lookup("predicate", &guard.register) {
                Some(Entity::Register {
                    ty: ScalarType::Pred, ..
                })
                | None => {}
                Some(other) => self.wrong_kind(&guard.register, "a predicate register", other),
            }
        }
        if isa::entry(i.opcode).forms.is_empty() {
            return;
        }
        let shapes = self.forms_of(i);
        if shapes.is_empty() {
            return self.modifiers(i);
        }
        if let Some(accumulator) = i.numerics.accumulator
            && !matches!(i.opcode, Opcode::Fmam | Opcode::Addm)
        {
            let error = Error::Numerics {
                text: i.mnemonic(),
                why: format!("`{}` has no accumulator", i.opcode),
            };
            let help = format!("leave out `::{accumulator}`; fmam and addm have accumulators");
            self.error(self.mnemonic_span(i), error, Some(help));
        }
        self.operands(i, &shapes);
    }

    /// The forms that allow the modifiers of an instruction.
    fn forms_of(&mut self, i: &Instruction) -> Rc<[&'static isa::Shape]> {
        let known = &mut self.forms[i.opcode as usize];
        if let Some(forms) = known.get(i.modifiers.as_slice()) {
            return forms.clone();
        }
        let fits = |s: &&isa::Shape| {
            let miss = s.compare(&i.modifiers);
            miss.extra.is_empty() && miss.missing.is_empty()
        };
        let forms: Rc<[_]> = isa::shapes(i.opcode).iter().filter(fits).collect();
        known.insert(i.modifiers.clone(), forms.clone());
        forms
    }

    /// Says what is wrong with the modifiers, held against the form that is nearest.
    fn modifiers(&mut self, i: &Instruction) {
        let shapes = isa::shapes(i.opcode);
        let misses: Vec<isa::Miss> = shapes.iter().map(|s| s.compare(&i.modifiers)).collect();
        let nearest_form =
            (0..shapes.len()).min_by_key(|n| (misses[*n].extra.len() * 2 + misses[*n].missing.len(), *n));
        let Some(n) = nearest_form else { return };
        let (shape, miss) = (&shapes[n], &misses[n]);
        let mnemonic = i.mnemonic();
        let span = self.mnemonic_span(i);
        if let Some(extra) = miss.extra.first() {
            let modifier = i.modifiers[*extra].text().to_string();
            let others: Vec<&str> = shape
                .slots
                .iter()
                .flat_map(|s| s.choices.iter().map(|m| m.text()))
                .collect();
            let anywhere = shapes
                .iter()
                .any(|s| s.slots.iter().any(|s| s.choices.contains(&i.modifiers[*extra])));
            let help = if anywhere {
                format!("not together with the other modifiers of `{mnemonic}`")
            } else if others.len() > 24 {
                format!("`{}` has no such form", i.opcode)
            } else {
                format!("here it may have {}", dotted(&others))
            };
            let span = self.modifier_span(span, *extra);
            self.error(
                span,
                Error::ModifierNotAllowed {
                    opcode: i.opcode.text(),
                    modifier,
                },
                Some(help),
            );
        } else if let Some(missing) = miss.missing.first() {
            let words: Vec<&str> = shape.slots[*missing]
                .choices
                .iter()
                .map(|m| m.text_in(i.opcode))
                .collect();
            let what = if shape.slots[*missing].is_type {
                "a type: "
            } else {
                ""
            };
            let missing = format!("{what}{}", dotted(&words));
            self.error(span, Error::ModifierMissing { mnemonic, missing }, None);
        }
    }

    /// Where opcode and modifiers stand.
    fn mnemonic_span(&self, i: &Instruction) -> Span {
        let text = self.module.source.slice(i.span);
        let guard = i.guard.as_ref().map_or(i.span.start, |g| g.register.span.end);
        let from = (guard.saturating_sub(i.span.start) as usize).min(text.len());
        let rest = text.get(from..).unwrap_or("");
        let start = rest.len() - rest.trim_start().len();
        let length = rest[start..]
            .find(|c: char| c.is_whitespace() || c == ';')
            .unwrap_or(rest.len() - start);
        let start = i.span.start + (from + start) as u32;
        Span {
            start,
            end: start + length as u32,
        }
    }

    /// Where modifier number `n` stands in a mnemonic; all of the mnemonic if it is not written there.
    fn modifier_span(&self, mnemonic: Span, n: usize) -> Span {
        let text = self.module.source.slice(mnemonic);
        let mut dots = text.match_indices('.').map(|(at, _)| at);
        let Some(start) = dots.nth(n) else { return mnemonic };
        let end = dots.next().unwrap_or(text.len());
        Span {
            start: mnemonic.start + start as u32,
            end: mnemonic.start + end as u32,
        }
    }

    fn has_type(i: &Instruction, ty: ScalarType) -> bool {
        i.modifiers.contains(&Modifier::Type(ty))
    }
}

/// `.a, .b or .c`
fn dotted(words: &[&str]) -> String {
    match words {
        [] => "no modifier".to_string(),
        [one] => format!("`.{one}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|w| format!("`.{w}`")).collect();
            format!("{} or `.{last}`", first.join(", "))
        }
    }
}
