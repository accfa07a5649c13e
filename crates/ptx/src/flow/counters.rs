//! Numbers that only count or address: floats that come from nothing but integers and constants, and end in nothing but
//! integers and comparisons among themselves: an index that is converted, computed with and converted back. Narrowed,
//! they would be other indices.

use std::collections::BTreeSet;

use super::graph::Graph;
use crate::ast::*;
use crate::isa::{Class, TypeKind};
use crate::overrides;

/// The instructions (ordinals) of a function that compute with such numbers.
pub fn counters(function: &Function) -> BTreeSet<usize> {
    let graph = Graph::new(function);
    let from_integer = |at: usize| {
        let i = graph.instructions[at];
        i.opcode == Opcode::Cvt && is_f32(i.ty()) && i.types().nth(1).is_some_and(is_integer)
    };
    if !(0..graph.instructions.len()).any(from_integer) {
        return BTreeSet::new();
    }
    // All that could be, less what is not: what reads or is read by something else.
    let mut all: BTreeSet<usize> = (0..graph.instructions.len())
        .filter(|at| carries(graph.instructions[*at]))
        .collect();
    // Whoever meets a stranger is one.
    let mut open: Vec<usize> = all.iter().copied().collect();
    while let Some(at) = open.pop() {
        let fits = || (from_integer(at) || reads_only(&graph, at, &all)) && read_only_by(&graph, at, &all);
        if all.contains(&at) && !fits() {
            all.remove(&at);
            open.extend(readers(&graph, at).into_iter().chain(sources(&graph, at)));
        }
    }
    // What comes from constants alone is no index.
    let mut reached: BTreeSet<usize> = all.iter().copied().filter(|at| from_integer(*at)).collect();
    let mut open: Vec<usize> = reached.iter().copied().collect();
    while let Some(at) = open.pop() {
        let neighbours = readers(&graph, at).into_iter().chain(sources(&graph, at));
        for other in neighbours.filter(|n| all.contains(n)) {
            if reached.insert(other) {
                open.push(other);
            }
        }
    }
    reached.retain(|at| overrides::class(graph.instructions[*at]).is_some());
    reached
}

fn is_f32(ty: Option<ScalarType>) -> bool {
    matches!(ty, Some(ScalarType::F32 | ScalarType::Vf32))
}

fn is_integer(ty: ScalarType) -> bool {
    matches!(ty.kind(), TypeKind::Signed | TypeKind::Unsigned)
}

/// Whether an instruction computes on f32, compares or copies it.
fn carries(i: &Instruction) -> bool {
    let copies = matches!(i.opcode, Opcode::Mov | Opcode::Selp) && is_f32(i.ty());
    overrides::class(i).is_some() || copies
}

/// Whether the result is an integer or a predicate: where such a number may end.
fn ends(i: &Instruction) -> bool {
    match overrides::class(i) {
        Some(Class::Convert) => i.ty().is_some_and(is_integer),
        Some(Class::Compare) => i.opcode == Opcode::Setp || i.ty().is_some_and(is_integer),
        _ => false,
    }
}

fn sources(graph: &Graph, at: usize) -> Vec<usize> {
    let read = graph.read_operands(at).iter();
    let writes = read.flat_map(|o| graph.reaching(at, o));
    writes.map(|w| graph.writes[w]).collect()
}

fn readers(graph: &Graph, at: usize) -> BTreeSet<usize> {
    let writes = graph.writes_at(at);
    writes.flat_map(|w| graph.readers(w)).copied().collect()
}

/// Whether every value that an instruction reads is a constant or from one of `all`; predicates do not count.
fn reads_only(graph: &Graph, at: usize, all: &BTreeSet<usize>) -> bool {
    let i = graph.instructions[at];
    let values = match i.opcode {
        Opcode::Selp => &i.operands[1..i.operands.len().min(3)],
        Opcode::Setp | Opcode::Set => &i.operands[1..i.operands.len().min(3)],
        _ => graph.read_operands(at),
    };
    values.iter().all(|o| match o {
        Operand::Immediate { .. } => true,
        Operand::Name(_) | Operand::Neg { .. } => {
            let from = graph.reaching(at, o);
            !from.is_empty() && from.iter().all(|w| all.contains(&graph.writes[*w]))
        }
        _ => false,
    })
}

/// Whether every reader of a result is one of `all`; what comes out as an integer or predicate may go anywhere.
fn read_only_by(graph: &Graph, at: usize, all: &BTreeSet<usize>) -> bool {
    let readers = readers(graph, at);
    ends(graph.instructions[at]) || (!readers.is_empty() && readers.iter().all(|r| all.contains(r)))
}
