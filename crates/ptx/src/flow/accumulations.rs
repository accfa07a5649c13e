//! Sums that are carried on: which instructions accumulate, and on which side their accumulator stands.

use std::collections::{BTreeMap, BTreeSet};

use super::expansions::Part;
use super::graph::{Graph, Origin, Write};
use crate::ast::*;

/// The fewest additive instructions in a row that are a sum without a loop: one of four terms. Shorter ones are
/// mostly formulas.
pub const SHORTEST: usize = 3;

/// What an accumulating instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// fma, mad: the product of two values is added to the accumulator.
    Fmam,
    /// add whose first operand is the accumulator.
    Addm,
    /// add whose second operand is the accumulator.
    AddmSecond,
    /// add of two partial sums, or sub within a sum.
    Sum,
    /// `red` or `atom` that adds to memory: always FP32.
    Atomic,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Fmam => "multiply-add",
            Role::Addm | Role::AddmSecond => "add",
            Role::Sum => "sum of sums",
            Role::Atomic => "atomic",
        })
    }
}

/// An instruction that accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulation {
    /// What it is.
    pub role: Role,
    /// Whether its sum comes back to it: the accumulator of a loop.
    pub looped: bool,
    /// The first instruction (ordinal) of those between which the sum flows.
    pub chain: usize,
}

/// Every accumulating instruction of a function by its ordinal, by the rules at the head of [`crate::flow`].
pub fn accumulations(function: &Function) -> BTreeMap<usize, Accumulation> {
    let graph = Graph::new(function);
    let expanded = super::expansions::find(&graph);
    let mut found = Sums::new(&graph, &expanded).find();
    for (at, i) in graph.instructions.iter().enumerate() {
        let adds = matches!(i.opcode, Opcode::Red | Opcode::Atom) && i.has(Modifier::Add);
        if adds && matches!(i.ty(), Some(ScalarType::F32 | ScalarType::Vf32)) {
            let looped = false;
            let role = Role::Atomic;
            found.insert(
                at,
                Accumulation {
                    role,
                    looped,
                    chain: at,
                },
            );
        }
    }
    found
}

/// An additive operand: what reaches it.
struct Addend {
    /// Instructions whose result it is, copies and signs looked through.
    from: BTreeSet<usize>,
}

struct Node {
    /// By additive operand: two of a sum, one of a multiply-add.
    addends: Vec<Addend>,
}

struct Sums<'g, 'f> {
    graph: &'g Graph<'f>,
    nodes: BTreeMap<usize, Node>,
    /// Shared variables that partial sums are stored to.
    shared: BTreeSet<String>,
    accepted: BTreeSet<usize>,
    looped: BTreeSet<usize>,
    /// Arithmetic on the result of a sum of products.
    behind: BTreeSet<usize>,
}

impl<'g, 'f> Sums<'g, 'f> {
    fn new(graph: &'g Graph<'f>, expanded: &BTreeMap<usize, Part>) -> Self {
        let mut sums = Sums {
            graph,
            nodes: BTreeMap::new(),
            shared: BTreeSet::new(),
            accepted: BTreeSet::new(),
            looped: BTreeSet::new(),
            behind: BTreeSet::new(),
        };
        for at in 0..graph.instructions.len() {
            if matches!(expanded.get(&at), None | Some(Part::Fused))
                && let Some(node) = sums.node(at)
            {
                sums.nodes.insert(at, node);
            }
        }
        sums
    }

    fn origins(&self, at: usize, operand: &Operand) -> BTreeSet<usize> {
        let all = self.graph.origins(at, operand);
        all.into_iter()
            .filter_map(|o| match o {
                Origin::Write(w) => Some(self.graph.writes[w]),
                _ => None,
            })
            .collect()
    }

    /// The node of an additive instruction.
    fn node(&self, at: usize) -> Option<Node> {
        let i = self.graph.instructions[at];
        let f32_only = i.types().eq([ScalarType::F32]) || i.types().eq([ScalarType::Vf32]);
        let operands: &[Operand] = match (i.opcode, i.operands.len()) {
            (Opcode::Add | Opcode::Sub | Opcode::Addm, 3) if f32_only => &i.operands[1..],
            (Opcode::Fma | Opcode::Mad | Opcode::Fmam, 4) if f32_only => &i.operands[3..],
            _ => return None,
        };
        let from: Vec<BTreeSet<usize>> = operands.iter().map(|o| self.origins(at, o)).collect();
        let multiplied = match &from[..] {
            [c] => i.operands[1..3].iter().any(|factor| self.depends(at, factor, c)),
            [a, b] => (!a.is_empty() && a == b) || self.multiplies(a, b) || self.multiplies(b, a),
            _ => false,
        };
        (!multiplied).then(|| Node {
            addends: from.into_iter().map(|from| Addend { from }).collect(),
        })
    }

    /// Whether one of `products` is a product or quotient of something that depends on `values`.
    fn multiplies(&self, products: &BTreeSet<usize>, values: &BTreeSet<usize>) -> bool {
        products.iter().any(|at| {
            let i = self.graph.instructions[*at];
            matches!(i.opcode, Opcode::Mul | Opcode::Div)
                && i.operands[1..].iter().any(|f| self.depends(*at, f, values))
        })
    }

    /// Whether an operand is one of `values` or computed from one by a single instruction.
    fn depends(&self, at: usize, operand: &Operand, values: &BTreeSet<usize>) -> bool {
        let from = self.origins(at, operand);
        !from.is_disjoint(values)
            || from.iter().any(|f| {
                let computes = crate::overrides::class(self.graph.instructions[*f]).is_some();
                let mut read = self.graph.read_operands(*f).iter();
                computes && read.any(|o| !self.origins(*f, o).is_disjoint(values))
            })
    }

    fn find(mut self) -> BTreeMap<usize, Accumulation> {
        self.loops();
        self.leave_out_what_follows();
        self.chains();
        // Trees feed on sums and sums on trees: until nothing new is found.
        loop {
            let before = (self.accepted.len(), self.shared.len());
            self.trees();
            self.follow();
            self.stored();
            if before == (self.accepted.len(), self.shared.len()) {
                break;
            }
        }
        let chains = self.chain_names();
        let accepted = self.accepted.iter();
        accepted
            .map(|at| {
                let accumulation = Accumulation {
                    role: self.role(*at),
                    looped: self.looped.contains(at),
                    chain: chains[at],
                };
                (*at, accumulation)
            })
            .collect()
    }

    /// Nodes into which the sum of a node flows.
    fn flows(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut next: BTreeMap<usize, Vec<usize>> = self.nodes.keys().map(|k| (*k, Vec::new())).collect();
        for (at, node) in &self.nodes {
            for from in node.addends.iter().flat_map(|a| &a.from) {
                if let Some(to) = next.get_mut(from) {
                    to.push(*at);
                }
            }
        }
        next
    }

    /// Accepts every node whose sum flows back to it.
    fn loops(&mut self) {
        let next = self.flows();
        for start in self.nodes.keys() {
            let mut open = next[start].clone();
            let mut seen = BTreeSet::new();
            while let Some(at) = open.pop() {
                if at == *start {
                    self.looped.insert(at);
                    break;
                }
                if seen.insert(at) {
                    open.extend(&next[&at]);
                }
            }
        }
        self.accepted.extend(&self.looped);
    }

    /// Accepts straight paths of at least [`SHORTEST`] nodes.
    fn chains(&mut self) {
        // Longest path that ends at a node and that begins there, along the text.
        let next = self.flows();
        let straight = |at: &usize| !self.behind.contains(at) && !self.looped.contains(at);
        let mut to: BTreeMap<usize, usize> = BTreeMap::new();
        for at in self.nodes.keys().filter(|at| straight(at)) {
            let length = to.get(at).copied().unwrap_or(1);
            for n in next[at].iter().filter(|n| *n > at) {
                let known = to.entry(*n).or_insert(1);
                *known = (*known).max(length + 1);
            }
        }
        let mut from: BTreeMap<usize, usize> = BTreeMap::new();
        for at in self.nodes.keys().rev() {
            let belongs = |n: &&usize| *n > at && straight(n);
            let rest = next[at].iter().filter(belongs).map(|n| from[n]).max();
            from.insert(*at, rest.unwrap_or(0) + 1);
        }
        for at in self.nodes.keys() {
            let length = to.get(at).copied().unwrap_or(1) + from[at] - 1;
            if length >= SHORTEST && straight(at) {
                self.accepted.insert(*at);
            }
        }
    }

    /// What is added to a sum of products behind it and is no product: its readers are no part of the sum either.
    fn leave_out_what_follows(&mut self) {
        let products = |from: &BTreeSet<usize>| {
            let product = |p: &usize| matches!(self.graph.instructions[*p].opcode, Opcode::Mul);
            !from.is_empty() && from.iter().all(product)
        };
        let multiplies = |at: &usize| {
            let node = &self.nodes[at];
            node.addends.len() == 1 || node.addends.iter().any(|a| products(&a.from))
        };
        // Of at least two products, else it is a formula.
        let several = |at: &usize| {
            let mut from = self.nodes[at].addends.iter().flat_map(|a| &a.from);
            let before = |f: &usize| self.nodes.contains_key(f) && multiplies(f);
            multiplies(at) && (self.looped.contains(at) || from.any(before))
        };
        let mut outside: BTreeSet<usize> = BTreeSet::new();
        for (at, node) in &self.nodes {
            let [a, b] = &node.addends[..] else { continue };
            let sum_of_products = |x: &Addend| {
                let sums: Vec<&usize> = x.from.iter().filter(|f| self.nodes.contains_key(f)).collect();
                !sums.is_empty() && sums.iter().all(|f| several(f) || outside.contains(f))
            };
            let other = |x: &Addend| !products(&x.from) && x.from.iter().all(|f| !self.nodes.contains_key(f));
            if (sum_of_products(a) && other(b)) || (sum_of_products(b) && other(a)) {
                outside.insert(*at);
            }
        }
        outside.retain(|at| !self.looped.contains(at));
        self.behind = outside;
    }

    /// Accepts steps of trees over lanes and shared memory.
    fn trees(&mut self) {
        let mut new = Vec::new();
        for (at, node) in &self.nodes {
            let [a, b] = &node.addends[..] else { continue };
            let opcode = self.graph.instructions[*at].opcode;
            if self.accepted.contains(at) || !matches!(opcode, Opcode::Add | Opcode::Addm) {
                continue;
            }
            let shuffled = self.brought(&a.from).is_some_and(|s| !s.is_disjoint(&b.from))
                || self.brought(&b.from).is_some_and(|s| !s.is_disjoint(&a.from));
            let (la, lb) = (self.loaded(&a.from), self.loaded(&b.from));
            let loads = match (&la, &lb) {
                (Some(x), Some(y)) => x.union(y).cloned().collect(),
                (Some(x), None) if self.partial(b) => x.clone(),
                (None, Some(y)) if self.partial(a) => y.clone(),
                _ => BTreeSet::new(),
            };
            if shuffled || (!loads.is_empty() && !self.stores(*at).is_disjoint(&loads)) {
                new.push(*at);
            }
        }
        self.accepted.extend(new);
    }

    /// Accepts sums of accepted ones, and rests of loops: their sum goes where the loop's goes without them.
    fn follow(&mut self) {
        let mut new = Vec::new();
        for (at, node) in &self.nodes {
            let follows = match &node.addends[..] {
                [a, b] if self.partial(a) && self.partial(b) => true,
                addends => addends
                    .iter()
                    .any(|a| self.partial(a) && self.goes_on_without(*at, a)),
            };
            if follows {
                new.push(*at);
            }
        }
        self.accepted.extend(new);
    }

    /// Whether something reads, as one value, either the sum of a node or what was added to there.
    fn goes_on_without(&self, at: usize, addend: &Addend) -> bool {
        let mut open: Vec<Write> = self.graph.writes_at(at).collect();
        let mut seen = BTreeSet::new();
        while let Some(write) = open.pop() {
            for reader in self.graph.readers(write) {
                if !seen.insert(*reader) {
                    continue;
                }
                let i = self.graph.instructions[*reader];
                for operand in &i.operands[usize::from(i.opcode != Opcode::St)..] {
                    let from = self.origins(*reader, operand);
                    if from.contains(&at) && !from.is_disjoint(&addend.from) {
                        return true;
                    }
                }
                if matches!(i.opcode, Opcode::Mov | Opcode::Selp | Opcode::Neg) {
                    open.extend(self.graph.writes_at(*reader));
                }
            }
        }
        false
    }

    /// Notes which shared variables hold partial sums.
    fn stored(&mut self) {
        let stored: Vec<String> = self.accepted.iter().flat_map(|at| self.stores(*at)).collect();
        self.shared.extend(stored);
    }

    /// Of a value that is nothing but the result of shuffles: what was shuffled.
    fn brought(&self, from: &BTreeSet<usize>) -> Option<BTreeSet<usize>> {
        let mut sources = BTreeSet::new();
        for at in from {
            let i = self.graph.instructions[*at];
            if i.opcode != Opcode::Shfl || i.operands.len() < 2 {
                return None;
            }
            sources.extend(self.origins(*at, &i.operands[1]));
        }
        (!from.is_empty()).then_some(sources)
    }

    /// Of a value that is loaded from shared memory: the variables it may lie in.
    fn loaded(&self, from: &BTreeSet<usize>) -> Option<BTreeSet<String>> {
        let mut variables = BTreeSet::new();
        for at in from {
            let i = self.graph.instructions[*at];
            if i.opcode != Opcode::Ld || i.space() != Some(StateSpace::Shared) {
                return None;
            }
            variables.extend(super::arguments::variables(self.graph, *at, i.operands.get(1)?));
        }
        (!variables.is_empty()).then_some(variables)
    }

    /// The shared variables an instruction's result is stored to.
    fn stores(&self, at: usize) -> BTreeSet<String> {
        let mut variables = BTreeSet::new();
        let mut open: Vec<Write> = self.graph.writes_at(at).collect();
        let mut seen = BTreeSet::new();
        while let Some(write) = open.pop() {
            if !seen.insert(write) {
                continue;
            }
            for reader in self.graph.readers(write) {
                let i = self.graph.instructions[*reader];
                match i.opcode {
                    Opcode::Mov | Opcode::Selp => open.extend(self.graph.writes_at(*reader)),
                    Opcode::St if i.space() == Some(StateSpace::Shared) => {
                        let value = i.operands.get(1).map(|v| self.graph.reaching(*reader, v));
                        if value.is_some_and(|v| v.contains(&write)) {
                            let address = &i.operands[0];
                            variables.extend(super::arguments::variables(self.graph, *reader, address));
                        }
                    }
                    _ => {}
                }
            }
        }
        variables
    }

    /// Whether an addend is a partial sum: from this thread, from another lane, or from shared memory.
    fn partial(&self, addend: &Addend) -> bool {
        let accepted = |from: &BTreeSet<usize>| !from.is_disjoint(&self.accepted);
        accepted(&addend.from)
            || self.brought(&addend.from).is_some_and(|s| accepted(&s))
            || self
                .loaded(&addend.from)
                .is_some_and(|v| !v.is_disjoint(&self.shared))
    }

    fn role(&self, at: usize) -> Role {
        let node = &self.nodes[&at];
        let opcode = self.graph.instructions[at].opcode;
        let [a, b] = &node.addends[..] else {
            return Role::Fmam;
        };
        let product = |addend: &Addend| {
            let mut all = addend.from.iter();
            all.next().is_some_and(|first| {
                std::iter::once(first)
                    .chain(all)
                    .all(|p| self.graph.instructions[*p].opcode == Opcode::Mul)
            })
        };
        let shuffled = self.brought(&a.from).is_some_and(|s| !s.is_disjoint(&b.from))
            || self.brought(&b.from).is_some_and(|s| !s.is_disjoint(&a.from));
        let tree = shuffled || (self.loaded(&a.from).is_some() && self.loaded(&b.from).is_some());
        match (self.partial(a), self.partial(b)) {
            _ if opcode == Opcode::Sub => Role::Sum,
            (true, true) => Role::Sum,
            _ if tree => Role::Sum,
            (true, false) => Role::Addm,
            (false, true) => Role::AddmSecond,
            // The first sum of a chain: what is no product is the value it starts from.
            (false, false) if product(a) && !product(b) => Role::AddmSecond,
            (false, false) => Role::Addm,
        }
    }

    /// The first instruction of the chain of each accepted node.
    fn chain_names(&self) -> BTreeMap<usize, usize> {
        let mut names: BTreeMap<usize, usize> = self.accepted.iter().map(|at| (*at, *at)).collect();
        loop {
            let mut changed = false;
            for at in &self.accepted {
                for addend in &self.nodes[at].addends {
                    let brought = self.brought(&addend.from).unwrap_or_default();
                    for other in addend.from.union(&brought) {
                        let Some(theirs) = names.get(other).copied() else {
                            continue;
                        };
                        let first = theirs.min(names[at]);
                        for n in [other, at] {
                            if names[n] != first {
                                names.insert(*n, first);
                                changed = true;
                            }
                        }
                    }
                }
            }
            if !changed {
                return names;
            }
        }
    }
}
