//! Who reads what whom wrote: the instructions of a function in text order, its basic blocks, and for every
//! register read the writes that can reach it. Registers may be written many times (nvcc writes the values
//! that meet behind a loop or a branch to one register); names are resolved by scope.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::ast::*;
use crate::isa;

/// A register of the function, after its name was resolved.
type Register = usize;
/// A write of a register: an index into [`Graph::writes`].
pub(super) type Write = usize;

/// Where a value comes from, copies looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// An instruction that is no copy.
    Write(Write),
    /// A constant's bits.
    Constant(u64),
    /// A register nobody writes, a variable's address, a special register.
    Other,
}

#[derive(Default)]
struct Scope {
    parent: Option<usize>,
    /// Names and prefixes of registers declared here, with how many.
    registers: HashMap<String, Option<u32>>,
    labels: HashMap<String, usize>,
    lists: HashMap<String, Vec<String>>,
}

/// A function made ready for questions.
pub(super) struct Graph<'f> {
    /// By ordinal: position in text order, nested blocks included.
    pub instructions: Vec<&'f Instruction>,
    /// The instruction that does each write, in order.
    pub writes: Vec<usize>,
    /// Instructions that read a write, by write, in order.
    readers: Vec<Vec<usize>>,
    scopes: Vec<Scope>,
    scope_of: Vec<usize>,
    registers: HashMap<(usize, String), Register>,
    writes_of: Vec<Vec<Write>>,
    /// First instruction of each basic block, and the number of instructions at the end.
    starts: Vec<usize>,
    before: Vec<Vec<usize>>,
    entering: RefCell<HashMap<(usize, Register), Vec<Write>>>,
}

impl<'f> Graph<'f> {
    /// Looks at a function; one without a body has no instructions.
    pub fn new(function: &'f Function) -> Self {
        let mut graph = Graph {
            instructions: Vec::new(),
            writes: Vec::new(),
            readers: Vec::new(),
            scopes: vec![Scope::default()],
            scope_of: Vec::new(),
            registers: HashMap::new(),
            writes_of: Vec::new(),
            starts: Vec::new(),
            before: Vec::new(),
            entering: RefCell::default(),
        };
        for v in function.params.iter().chain(&function.returns) {
            graph.declare(0, v);
        }
        graph.flatten(function.body.as_deref().unwrap_or_default(), 0);
        graph.find_writes();
        graph.find_blocks();
        graph.find_readers();
        graph
    }

    fn declare(&mut self, scope: usize, v: &Variable) {
        if v.space == StateSpace::Reg {
            self.scopes[scope].registers.insert(v.name.name.clone(), v.range);
        }
    }

    fn flatten(&mut self, body: &'f [Statement], scope: usize) {
        for statement in body {
            match statement {
                Statement::Variable(v) => self.declare(scope, v),
                Statement::Label(label) => {
                    let at = self.instructions.len();
                    self.scopes[scope].labels.insert(label.name.clone(), at);
                }
                Statement::BranchTargets { label, targets } => {
                    let names = targets.iter().map(|t| t.name.clone()).collect();
                    self.scopes[scope].lists.insert(label.name.clone(), names);
                }
                Statement::Instruction(i) => {
                    self.instructions.push(i);
                    self.scope_of.push(scope);
                }
                Statement::Block { body, .. } => {
                    let inner = self.scopes.len();
                    self.scopes.push(Scope {
                        parent: Some(scope),
                        ..Scope::default()
                    });
                    self.flatten(body, inner);
                }
                _ => {}
            }
        }
    }

    /// The scopes from `scope` outwards.
    fn outwards(&self, scope: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(scope), |s| self.scopes[*s].parent)
    }

    /// The register that a name means in an instruction; `None` for variables, functions and labels.
    pub fn register(&self, at: usize, name: &str) -> Option<Register> {
        let scope = self
            .outwards(self.scope_of[at])
            .find(|s| declares(&self.scopes[*s].registers, name))?;
        self.registers.get(&(scope, name.to_string())).copied()
    }

    fn label(&self, scope: usize, name: &str) -> Option<usize> {
        self.outwards(scope)
            .find_map(|s| self.scopes[s].labels.get(name).copied())
    }

    fn find_writes(&mut self) {
        for at in 0..self.instructions.len() {
            let instruction = self.instructions[at];
            let written = destinations(instruction);
            let mut mentioned = Vec::new();
            for operand in &instruction.operands {
                names(operand, &mut mentioned);
            }
            for name in mentioned {
                let scopes: Vec<usize> = self.outwards(self.scope_of[at]).collect();
                let Some(scope) = scopes
                    .into_iter()
                    .find(|s| declares(&self.scopes[*s].registers, name))
                else {
                    continue;
                };
                let next = self.registers.len();
                let register = *self.registers.entry((scope, name.to_string())).or_insert(next);
                if register == next {
                    self.writes_of.push(Vec::new());
                }
                if written.contains(&name)
                    && self.writes_of[register].last().map(|w| self.writes[*w]) != Some(at)
                {
                    self.writes_of[register].push(self.writes.len());
                    self.writes.push(at);
                }
            }
        }
    }

    fn find_blocks(&mut self) {
        let count = self.instructions.len();
        let mut starts: BTreeSet<usize> = [0].into();
        for scope in &self.scopes {
            starts.extend(scope.labels.values());
        }
        let ends = |i: &Instruction| {
            matches!(
                i.opcode,
                Opcode::Bra | Opcode::Brx | Opcode::Ret | Opcode::Exit | Opcode::Trap
            )
        };
        starts.extend(
            (0..count)
                .filter(|at| ends(self.instructions[*at]))
                .map(|at| at + 1),
        );
        starts.retain(|s| *s < count);
        self.starts = starts.into_iter().collect();
        self.before = vec![Vec::new(); self.starts.len()];
        for block in 0..self.starts.len() {
            let last = self.end(block) - 1;
            let i = self.instructions[last];
            let scope = self.scope_of[last];
            let targets: Vec<usize> = match (i.opcode, i.operands.last()) {
                (Opcode::Bra, Some(Operand::Name(l))) => self.label(scope, &l.name).into_iter().collect(),
                (Opcode::Brx, Some(Operand::Name(l))) => self
                    .outwards(scope)
                    .find_map(|s| self.scopes[s].lists.get(&l.name))
                    .into_iter()
                    .flatten()
                    .filter_map(|l| self.label(scope, l))
                    .collect(),
                _ => Vec::new(),
            };
            let falls = !ends(i) || i.guard.is_some();
            let next = falls.then_some(last + 1);
            for target in targets.into_iter().chain(next).filter(|t| *t < count) {
                let target = self.block(target);
                self.before[target].push(block);
            }
        }
    }

    fn find_readers(&mut self) {
        let mut readers = vec![Vec::new(); self.writes.len()];
        for at in 0..self.instructions.len() {
            let mut seen = HashSet::new();
            for operand in self.read_operands(at) {
                for write in self.reaching(at, operand) {
                    if seen.insert(write) {
                        readers[write].push(at);
                    }
                }
            }
        }
        self.readers = readers;
    }

    fn block(&self, at: usize) -> usize {
        self.starts.partition_point(|s| *s <= at) - 1
    }

    fn end(&self, block: usize) -> usize {
        self.starts
            .get(block + 1)
            .copied()
            .unwrap_or(self.instructions.len())
    }

    /// The operands an instruction reads: all but its destination; of a store the address too.
    pub fn read_operands(&self, at: usize) -> &'f [Operand] {
        let i = self.instructions[at];
        &i.operands[usize::from(!destinations(i).is_empty())..]
    }

    /// The instructions that read a write.
    pub fn readers(&self, write: Write) -> &[usize] {
        &self.readers[write]
    }

    /// The writes of an instruction.
    pub fn writes_at(&self, at: usize) -> impl Iterator<Item = Write> + '_ {
        let first = self.writes.partition_point(|w| *w < at);
        (first..self.writes.len()).take_while(move |w| self.writes[*w] == at)
    }

    /// The writes that can reach the registers of an operand.
    pub fn reaching(&self, at: usize, operand: &Operand) -> Vec<Write> {
        let mut mentioned = Vec::new();
        names(operand, &mut mentioned);
        let mut all = Vec::new();
        for name in mentioned {
            if let Some(register) = self.register(at, name) {
                all.extend(self.reaching_register(at, register));
            }
        }
        all
    }

    /// The writes of a register that can reach the reading instruction.
    fn reaching_register(&self, at: usize, register: Register) -> Vec<Write> {
        let all = &self.writes_of[register];
        if all.len() <= 1 {
            return all.clone();
        }
        let block = self.block(at);
        let mut found = Vec::new();
        if !self.last_in(block, at, register, &mut found) {
            found.extend(self.entering(block, register));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Adds the writes of a block before `limit` that live at `limit`; whether the last of them always happens.
    fn last_in(&self, block: usize, limit: usize, register: Register, found: &mut Vec<Write>) -> bool {
        let all = &self.writes_of[register];
        let behind = all.partition_point(|w| self.writes[*w] < limit);
        for write in all[..behind].iter().rev() {
            let at = self.writes[*write];
            if at < self.starts[block] {
                return false;
            }
            found.push(*write);
            if self.instructions[at].guard.is_none() {
                return true;
            }
        }
        false
    }

    /// The writes of a register that reach the beginning of a block.
    fn entering(&self, block: usize, register: Register) -> Vec<Write> {
        if let Some(known) = self.entering.borrow().get(&(block, register)) {
            return known.clone();
        }
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut open = self.before[block].clone();
        while let Some(b) = open.pop() {
            if seen.insert(b) && !self.last_in(b, self.end(b), register, &mut found) {
                open.extend(&self.before[b]);
            }
        }
        found.sort_unstable();
        found.dedup();
        self.entering
            .borrow_mut()
            .insert((block, register), found.clone());
        found
    }

    /// Where an operand's value comes from, copies (mov, either side of selp, values that meet) and changes of sign
    /// looked through.
    pub fn origins(&self, at: usize, operand: &Operand) -> BTreeSet<Origin> {
        let mut found = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut open = vec![(at, operand)];
        while let Some((at, operand)) = open.pop() {
            let name = match operand {
                Operand::Name(name) => &name.name,
                Operand::Neg { operand, .. } => {
                    open.push((at, operand));
                    continue;
                }
                Operand::Immediate { value, .. } => {
                    found.insert(Origin::Constant(match *value {
                        Immediate::Int { bits, .. } | Immediate::F64(bits) => bits,
                        Immediate::F32(bits) => bits.into(),
                    }));
                    continue;
                }
                _ => {
                    found.insert(Origin::Other);
                    continue;
                }
            };
            let writes = match self.register(at, name) {
                Some(register) => self.reaching_register(at, register),
                None => Vec::new(),
            };
            if writes.is_empty() {
                found.insert(Origin::Other);
            }
            for write in writes {
                if !seen.insert(write) {
                    continue;
                }
                let from = self.writes[write];
                let i = self.instructions[from];
                match (i.opcode, i.operands.len()) {
                    (Opcode::Mov, 2) if is_value(&i.operands[0]) && is_value(&i.operands[1]) => {
                        open.push((from, &i.operands[1]));
                    }
                    (Opcode::Selp, 4) => open.extend([(from, &i.operands[1]), (from, &i.operands[2])]),
                    (Opcode::Neg, 2) => open.push((from, &i.operands[1])),
                    _ => {
                        found.insert(Origin::Write(write));
                    }
                }
            }
        }
        found
    }
}

/// A register or a number: what mov copies as a whole.
fn is_value(operand: &Operand) -> bool {
    matches!(operand, Operand::Name(_) | Operand::Immediate { .. })
}

/// Whether a scope declares a register of that name, alone or in a range.
fn declares(registers: &HashMap<String, Option<u32>>, name: &str) -> bool {
    if registers.get(name).is_some_and(Option::is_none) {
        return true;
    }
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    (1..=digits).any(|n| {
        let (prefix, number) = name.split_at(name.len() - n);
        let count = registers.get(prefix).copied().flatten();
        count.is_some_and(|count| number.parse().is_ok_and(|k: u32| k < count))
    })
}

/// Every name in an operand.
fn names<'o>(operand: &'o Operand, found: &mut Vec<&'o str>) {
    operand.each_name(&mut |name| found.push(&name.name));
}

/// The names an instruction writes.
fn destinations(i: &Instruction) -> Vec<&str> {
    let mut found = Vec::new();
    let written = match i.opcode {
        Opcode::Call => matches!(i.operands.first(), Some(Operand::List { .. })),
        Opcode::Bar | Opcode::Barrier => i.has(Modifier::Red),
        opcode => {
            let shapes = isa::shapes(opcode).iter();
            let mut ways = shapes.flat_map(|s| &s.operands);
            ways.any(|way| way.first().is_some_and(|p| p.written))
        }
    };
    if let (true, Some(first)) = (written, i.operands.first()) {
        names(first, &mut found);
    }
    found
}
