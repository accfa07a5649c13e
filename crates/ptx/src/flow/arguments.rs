//! What a kernel does with its parameters: which are pointers, and what is read and written through them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::graph::Graph;
use crate::ast::*;

/// A parameter, or a pointer inside one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentUse {
    /// Which parameter, from 0.
    pub index: usize,
    /// Where in it, bytes: 0 but for pointers in structures passed by value.
    pub offset: u32,
    /// Size of the parameter, bytes.
    pub bytes: u32,
    /// Whether it is an address: memory is accessed through it or it was made an address of a state space.
    pub pointer: bool,
    /// Whether something is loaded through it.
    pub loads: bool,
    /// Whether something is stored through it.
    pub stores: bool,
    /// Whether atomics go through it.
    pub atomics: bool,
    /// Size of what is accessed, bytes; `None` if nothing or different sizes.
    pub element: Option<u32>,
    /// Something is accessed, and all of it as `.f32`.
    pub float: bool,
    /// The address goes where it is not followed: a called function, memory. What happens there is unknown.
    pub escapes: bool,
}

/// Where an address comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    /// A parameter's index and the offset in it.
    Parameter(usize, u32),
    /// A variable.
    Variable(String),
}

/// What a function does with its parameters: for each one entry, and one more for each further pointer in a
/// structure. Addresses are followed through copies, sums and conversions, not through memory and calls.
pub fn arguments(function: &Function) -> Vec<ArgumentUse> {
    let graph = Graph::new(function);
    let mut found: BTreeMap<(usize, u32), ArgumentUse> = BTreeMap::new();
    let entry = |index: usize, offset: u32| ArgumentUse {
        index,
        offset,
        bytes: function.params.get(index).map_or(0, size),
        pointer: false,
        loads: false,
        stores: false,
        atomics: false,
        element: None,
        float: false,
        escapes: false,
    };
    let roots = Roots {
        graph: &graph,
        function: Some(function),
    };
    let made: BTreeSet<Root> = (0..graph.instructions.len())
        .filter(|at| graph.instructions[*at].opcode == Opcode::Cvta)
        .flat_map(|at| roots.of(at, &graph.instructions[at].operands[1]))
        .collect();
    let mut types: BTreeMap<(usize, u32), BTreeSet<(u32, bool)>> = BTreeMap::new();
    for (at, i) in graph.instructions.iter().enumerate() {
        let address = i.operands.iter().find(|o| matches!(o, Operand::Address { .. }));
        let state = i.space();
        let outside = !matches!(
            state,
            Some(StateSpace::Param | StateSpace::Shared | StateSpace::Local | StateSpace::Const)
        );
        let accesses = matches!(
            i.opcode,
            Opcode::Ld | Opcode::Ldu | Opcode::St | Opcode::Atom | Opcode::Red
        );
        if let (true, true, Some(address)) = (accesses, outside, address) {
            let mut all = roots.of(at, address);
            // Of several, the one that was made an address is the pointer, the others are offsets.
            if all.len() > 1 && all.iter().any(|r| made.contains(r)) {
                all.retain(|r| made.contains(r));
            }
            for root in all {
                let Root::Parameter(index, offset) = root else {
                    continue;
                };
                let u = found
                    .entry((index, offset))
                    .or_insert_with(|| entry(index, offset));
                u.pointer = true;
                match i.opcode {
                    Opcode::Ld | Opcode::Ldu => u.loads = true,
                    Opcode::St => u.stores = true,
                    _ => u.atomics = true,
                }
                let ty = i.types().last();
                let element = ty.as_ref().map_or(0, |t| t.bytes());
                let float = ty.is_some_and(|t| matches!(t, ScalarType::F32 | ScalarType::Vf32));
                types.entry((index, offset)).or_default().insert((element, float));
            }
        }
        let stored = match i.opcode {
            Opcode::St => i.operands.get(1),
            _ => None,
        };
        if let Some(value) = stored {
            for root in roots.of(at, value) {
                if let (Root::Parameter(index, offset), true) =
                    (&root, made.contains(&root) || state == Some(StateSpace::Param))
                {
                    let u = found
                        .entry((*index, *offset))
                        .or_insert_with(|| entry(*index, *offset));
                    u.escapes = true;
                }
            }
        }
    }
    for root in made {
        if let Root::Parameter(index, offset) = root {
            found
                .entry((index, offset))
                .or_insert_with(|| entry(index, offset))
                .pointer = true;
        }
    }
    for (place, types) in types {
        let Some(u) = found.get_mut(&place) else { continue };
        let sizes: BTreeSet<u32> = types.iter().map(|(bytes, _)| *bytes).collect();
        if sizes.len() == 1 {
            u.element = sizes.first().copied();
        }
        u.float = types.iter().all(|(_, float)| *float);
    }
    for index in 0..function.params.len() {
        if !found.keys().any(|(i, _)| *i == index) {
            found.insert((index, 0), entry(index, 0));
        }
    }
    found.into_values().collect()
}

/// Size of a parameter, bytes.
fn size(v: &Variable) -> u32 {
    let elements: u64 = v.dims.iter().map(|d| d.unwrap_or(0)).product();
    v.ty.bytes() * u32::from(v.vector) * u32::try_from(elements).unwrap_or(u32::MAX)
}

/// The variables an address may lie in.
pub(super) fn variables(graph: &Graph, at: usize, address: &Operand) -> BTreeSet<String> {
    let function = None;
    let roots = Roots { graph, function }.of(at, address);
    roots
        .into_iter()
        .filter_map(|r| match r {
            Root::Variable(name) => Some(name),
            Root::Parameter(..) => None,
        })
        .collect()
}

struct Roots<'g, 'f> {
    graph: &'g Graph<'f>,
    /// Whose parameters count.
    function: Option<&'f Function>,
}

impl Roots<'_, '_> {
    /// What the registers and names of an operand may point into.
    fn of(&self, at: usize, operand: &Operand) -> BTreeSet<Root> {
        let mut found = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut open: Vec<(usize, &Operand)> = vec![(at, operand)];
        while let Some((at, operand)) = open.pop() {
            let name = match operand {
                Operand::Name(name) | Operand::Offset { base: name, .. } => Some(name),
                Operand::Address {
                    base: AddressBase::Name(name),
                    ..
                } => Some(name),
                Operand::Vector { elements, .. } => {
                    open.extend(elements.iter().map(|e| (at, e)));
                    None
                }
                _ => None,
            };
            let Some(name) = name else { continue };
            if self.graph.register(at, &name.name).is_none() {
                found.insert(Root::Variable(name.name.clone()));
                continue;
            }
            for write in self.graph.reaching(at, operand) {
                if !seen.insert(write) {
                    continue;
                }
                let from = self.graph.writes[write];
                let i = self.graph.instructions[from];
                let operands = &i.operands;
                match i.opcode {
                    Opcode::Ld if i.space() == Some(StateSpace::Param) => {
                        found.extend(self.parameter(i));
                    }
                    // What is scaled is an index.
                    Opcode::Mad => open.extend(operands.get(3).map(|c| (from, c))),
                    Opcode::Sub => open.extend(operands.get(1).map(|a| (from, a))),
                    Opcode::Mov
                    | Opcode::Cvta
                    | Opcode::Add
                    | Opcode::Cvt
                    | Opcode::Selp
                    | Opcode::And
                    | Opcode::Or
                    | Opcode::Min
                    | Opcode::Max => {
                        open.extend(operands.iter().skip(1).take(2).map(|o| (from, o)));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// The parameter that an `ld.param` loads, if it is as wide as an address.
    fn parameter(&self, i: &Instruction) -> Option<Root> {
        let Some(Operand::Address {
            base: AddressBase::Name(name),
            offset,
            ..
        }) = i.operands.get(1)
        else {
            return None;
        };
        let params = &self.function?.params;
        let index = params.iter().position(|p| p.name.name == name.name)?;
        let wide = i.ty().is_some_and(|t| t.bytes() >= 4);
        wide.then(|| Root::Parameter(index, u32::try_from(*offset).unwrap_or(0)))
    }
}
