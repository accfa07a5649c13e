//! Mathematical functions that nvcc expanded in place: `expf` becomes a dozen instructions that split off the
//! integer part of an exponent by adding 1.5 * 2^23, `logf` takes a number apart bit by bit. Such a function is one
//! operation, though the text has many: an override leaves its inside as it is and rounds its result.
//!
//! They are recognised by the constants of their polynomials and reductions (`families.rs`) and by data flow: an
//! instruction with such a constant belongs to a function when a value flows between it and another of the same, past
//! at most a few others, and those belong to it too. Some constants say how many instructions of the function stand
//! before or behind them. A value of the function that leaves it is its result. Division, square root and the like are
//! single instructions in PTX and instructions like others.

use std::collections::{BTreeMap, BTreeSet};

use super::families::{
    EPSILON, FAMILIES, Family, HALF_TURNS, JUDGING, LOGARITHMS, POWERS, SINES, THRESHOLDS,
};
use super::graph::{Graph, Origin};
use crate::ast::*;
use crate::isa::{Class, TypeKind};
use crate::overrides;

/// What an instruction is to the function it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A step on the way.
    Inside,
    /// It gives the result, or hands it on: what a format rounds. Also a copy or a store, where the step that computes
    /// the result is one on the way too.
    Result,
    /// A multiply-add of the program whose product is the result: nvcc fused `expf(x) + c`.
    Fused,
}

/// The instructions (ordinals) of a function that belong to expansions, by the rules at the head of this file.
pub fn expansions(function: &Function) -> BTreeMap<usize, Part> {
    find(&Graph::new(function))
}

/// What an instruction is to a walk along values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Values do not pass: memory, comparisons.
    Wall,
    /// Copies and integer arithmetic: passes, and is never rewritten.
    Free,
    /// Arithmetic on f32: counts towards the gap.
    Counts,
    /// A function of one instruction: counts where a value is known to be inside, else a wall.
    Function,
}

fn step(i: &Instruction) -> Step {
    match overrides::class(i) {
        Some(Class::Compare) => Step::Wall,
        Some(Class::Function) if i.opcode != Opcode::Rcp => Step::Function,
        Some(_) => Step::Counts,
        None => match i.opcode {
            Opcode::Ld | Opcode::Ldu | Opcode::St | Opcode::Atom | Opcode::Red | Opcode::Call => Step::Wall,
            Opcode::Setp | Opcode::Shfl | Opcode::Ex2 | Opcode::Lg2 | Opcode::Sqrt => Step::Wall,
            _ => Step::Free,
        },
    }
}

/// [`expansions`] of a graph that is there already.
pub(super) fn find(graph: &Graph) -> BTreeMap<usize, Part> {
    let constants: Vec<Vec<u32>> = (0..graph.instructions.len())
        .map(|at| constants(graph, at))
        .collect();
    let known = |c: &u32| FAMILIES.iter().any(|f| f.own.contains(c) || f.alone.contains(c));
    if !constants.iter().flatten().any(known) {
        return rounded_halves(graph);
    }
    let mut search = Search::new(graph, constants);
    let active: Vec<bool> = FAMILIES.iter().map(|f| search.is_active(f)).collect();
    for (n, family) in FAMILIES.iter().enumerate().filter(|(n, _)| active[*n]) {
        // Of families that share a constant the last knows best what follows.
        let later = || FAMILIES.iter().zip(&active).skip(n + 1).filter(|(_, a)| **a);
        let better = |c: u32| later().any(|(f, _)| f.tails.iter().any(|(t, _)| *t == c));
        let tails: Vec<(u32, u8)> = family
            .tails
            .iter()
            .copied()
            .filter(|(c, _)| !better(*c))
            .collect();
        search.family(n, family, &tails);
    }
    search.comparisons();
    search.conversions();
    let mut parts = search.results();
    parts.extend(rounded_halves(graph));
    parts
}

/// roundf: `add.rz x, 0.5` with the sign of x, cut to an integer.
fn rounded_halves(graph: &Graph) -> BTreeMap<usize, Part> {
    let mut parts = BTreeMap::new();
    for (at, i) in graph.instructions.iter().enumerate() {
        if i.opcode != Opcode::Add || !i.has(Modifier::Rz) || i.ty() != Some(ScalarType::F32) {
            continue;
        }
        let readers: BTreeSet<usize> = graph
            .writes_at(at)
            .flat_map(|w| graph.readers(w))
            .copied()
            .collect();
        let cuts = |r: &usize| {
            let i = graph.instructions[*r];
            i.opcode == Opcode::Cvt && i.has(Modifier::Rzi) && i.types().eq([ScalarType::F32; 2])
        };
        if !readers.is_empty() && readers.iter().all(cuts) {
            parts.insert(at, Part::Inside);
            parts.extend(readers.into_iter().map(|r| (r, Part::Result)));
        }
    }
    parts
}

struct Search<'g, 'f> {
    graph: &'g Graph<'f>,
    /// By instruction: the constants it computes with.
    constants: Vec<Vec<u32>>,
    steps: Vec<Step>,
    /// Whose results an instruction reads, of those before it in the text.
    before: Vec<Vec<usize>>,
    found: BTreeSet<usize>,
    /// Those of `found` after which no more of the function comes.
    last: BTreeSet<usize>,
    /// Whose results the functions take as arguments.
    arguments: BTreeSet<usize>,
    /// The same of functions that look at the sign and kind of their arguments.
    judged: BTreeSet<usize>,
}

impl<'g, 'f> Search<'g, 'f> {
    fn new(graph: &'g Graph<'f>, constants: Vec<Vec<u32>>) -> Self {
        let count = graph.instructions.len();
        let before = (0..count)
            .map(|at| {
                let reads = graph.read_operands(at).iter();
                let writes = reads.flat_map(|o| graph.reaching(at, o));
                writes
                    .map(|w| graph.writes[w])
                    .filter(|from| *from < at)
                    .collect()
            })
            .collect();
        Search {
            graph,
            constants,
            steps: graph.instructions.iter().map(|i| step(i)).collect(),
            before,
            found: BTreeSet::new(),
            last: BTreeSet::new(),
            arguments: BTreeSet::new(),
            judged: BTreeSet::new(),
        }
    }

    fn count(&self) -> usize {
        self.steps.len()
    }

    fn has(&self, at: usize, list: &[u32]) -> bool {
        self.constants[at].iter().any(|c| list.contains(c))
    }

    fn computes(&self, at: usize) -> bool {
        matches!(self.steps[at], Step::Counts | Step::Function)
    }

    /// What a table of constants says of an instruction.
    fn said(&self, at: usize, table: &[(u32, u8)]) -> Option<u8> {
        let said = table.iter().filter(|(c, _)| self.constants[at].contains(c));
        said.map(|(_, n)| *n).max()
    }

    /// Whether there are enough constants of a family for one of its functions to be there.
    fn is_active(&self, family: &Family) -> bool {
        let known: BTreeSet<u32> = self.constants.iter().flatten().copied().collect();
        let own = family.own.iter().filter(|c| known.contains(c)).count();
        (own >= family.least || family.alone.iter().any(|c| known.contains(c)))
            && family.needs.is_none_or(|c| known.contains(&c))
    }

    /// Adds what belongs to the functions of a family.
    fn family(&mut self, number: usize, family: &Family, tails: &[(u32, u8)]) {
        let seeds = self.seeds(family);
        if seeds.is_empty() {
            return;
        }
        let mut region = seeds;
        let mut last = self.behind(family, tails, &mut region);
        self.ahead(family, &mut region);
        self.peculiar(number, &mut region, &mut last);
        self.between(&mut region, &last);
        let arguments = self.arguments(&region);
        if JUDGING.contains(&number) {
            self.judged.extend(&arguments);
        }
        self.arguments.extend(arguments);
        self.found.extend(region);
        self.last.extend(last);
    }

    /// Instructions with a constant of the family that are linked to another, and what stands between them.
    fn seeds(&self, family: &Family) -> BTreeSet<usize> {
        let count = self.count();
        let both = |at: usize, pair: [u32; 2]| pair.iter().all(|c| self.constants[at].contains(c));
        let own: Vec<bool> = (0..count)
            .map(|at| self.has(at, family.own) || family.pair.is_some_and(|p| both(at, p)))
            .collect();
        let mut found: BTreeSet<usize> = (0..count).filter(|at| self.has(*at, family.alone)).collect();
        let opening: Vec<bool> = (0..count).map(|at| self.has(at, family.opening)).collect();
        let closing: Vec<bool> = (0..count).map(|at| self.has(at, family.closing)).collect();
        // Counting instructions without a constant since the last with one, and until the next.
        let mut since: Vec<Option<u32>> = vec![None; count];
        let mut until: Vec<Option<u32>> = vec![None; count];
        let passed = |at: usize, known: Option<u32>, begins: bool| {
            if begins {
                return Some(0);
            }
            match self.steps[at] {
                Step::Wall | Step::Function => None,
                Step::Free => known,
                Step::Counts => known.map(|k| k + 1).filter(|k| *k <= family.gap),
            }
        };
        let mut reached = vec![false; count];
        for at in 0..count {
            let nearest = self.before[at].iter().filter_map(|b| since[*b]).min();
            reached[at] |= nearest.is_some() && own[at];
            since[at] = passed(at, nearest, own[at] || opening[at]);
        }
        let mut ahead: Vec<Option<u32>> = vec![None; count];
        for at in (0..count).rev() {
            reached[at] |= ahead[at].is_some() && (own[at] || opening[at]);
            until[at] = passed(at, ahead[at], own[at] || closing[at]);
            for b in &self.before[at] {
                ahead[*b] = match (ahead[*b], until[at]) {
                    (Some(a), Some(u)) => Some(a.min(u)),
                    (a, u) => a.or(u),
                };
            }
        }
        for at in 0..count {
            let between = match (since[at], until[at]) {
                (Some(s), Some(u)) => s + u <= family.gap + 1,
                _ => false,
            };
            let seed = (own[at] || opening[at]) && reached[at];
            if self.computes(at) && (seed || (between && !own[at] && !opening[at] && !closing[at])) {
                found.insert(at);
            }
            // An exponent that becomes a number, before it is scaled down by 2^-23.
            if seed && self.has(at, &[EPSILON]) {
                let feeds = self.before[at].iter();
                found.extend(feeds.filter(|b| self.graph.instructions[**b].opcode == Opcode::Cvt));
            }
        }
        found
    }

    /// Adds the ends of functions, as far behind as the family's constants say; those after which nothing comes.
    fn behind(&self, family: &Family, tails: &[(u32, u8)], region: &mut BTreeSet<usize>) -> BTreeSet<usize> {
        let mut last = BTreeSet::new();
        let mut left: Vec<Option<u8>> = vec![None; self.count()];
        // Whether a value is the function's, copies and integers looked through.
        let mut own: Vec<bool> = vec![false; self.count()];
        for at in 0..self.count() {
            let from = self.before[at].iter();
            let inflow = from.clone().filter_map(|b| left[*b]).min();
            let of_it = from.clone().any(|b| own[*b]);
            left[at] = match self.steps[at] {
                Step::Wall => None,
                Step::Free => inflow,
                Step::Counts | Step::Function => {
                    let closes = of_it && self.has(at, family.closing);
                    let sign = matches!(self.graph.instructions[at].opcode, Opcode::Neg | Opcode::Abs);
                    let joins = closes || inflow.is_some_and(|n| n > 0);
                    if joins {
                        region.insert(at);
                    }
                    match (region.contains(&at), self.said(at, tails)) {
                        (false, _) => None,
                        (true, Some(n)) if !joins || closes => Some(n),
                        // Signs do not count: editions differ in them.
                        (true, _) if sign => inflow,
                        (true, _) => joins.then(|| inflow.map_or(0, |n| n.saturating_sub(1))),
                    }
                }
            };
            own[at] = match self.steps[at] {
                Step::Wall => false,
                Step::Free => of_it,
                _ => region.contains(&at),
            };
            if region.contains(&at) && left[at] == Some(0) {
                last.insert(at);
            }
        }
        last
    }

    /// Adds the beginnings of functions, as far ahead as the family's constants say.
    fn ahead(&self, family: &Family, region: &mut BTreeSet<usize>) {
        let mut left: Vec<Option<u8>> = vec![None; self.count()];
        for at in (0..self.count()).rev() {
            let wanted = left[at];
            let hands_on = match self.steps[at] {
                Step::Wall => None,
                Step::Free => wanted,
                Step::Counts | Step::Function => {
                    if wanted.is_some_and(|n| n > 0) {
                        region.insert(at);
                    }
                    match region.contains(&at) {
                        // The absolute value of the argument is where functions begin.
                        true if self.graph.instructions[at].opcode == Opcode::Abs => None,
                        true => self
                            .said(at, family.heads)
                            .max(wanted.map(|n| n.saturating_sub(1))),
                        false => None,
                    }
                }
            };
            for b in &self.before[at] {
                left[*b] = left[*b].max(hands_on);
            }
        }
    }

    /// What only some families have.
    fn peculiar(&self, number: usize, region: &mut BTreeSet<usize>, last: &mut BTreeSet<usize>) {
        const INFINITY: u32 = 0x7F80_0000;
        let arguments = self.arguments(region);
        for at in 0..self.count() {
            let i = self.graph.instructions[at];
            let argument = self.before[at].iter().any(|b| arguments.contains(b));
            match (number, i.opcode) {
                (LOGARITHMS, Opcode::Fma) if self.has(at, &[INFINITY]) => {
                    region.insert(at);
                    last.insert(at);
                }
                (LOGARITHMS, Opcode::Add) if i.has(Modifier::Rz) && self.has(at, &[0x3F80_0000]) => {
                    region.insert(at);
                }
                (SINES | HALF_TURNS, Opcode::Mul) if i.has(Modifier::Rn) && self.has(at, &[0]) => {
                    region.insert(at);
                }
                // The reduced argument comes back from binary64.
                (SINES, Opcode::Cvt) if i.types().eq([ScalarType::F32, ScalarType::F64]) => {
                    let scaled = |b: &usize| self.computes_with(*b, 0x3BF9_21FB_5444_2D19);
                    if self.before[at].iter().any(scaled) {
                        region.insert(at);
                    }
                }
                // x + x, x + y for what is infinite or not a number.
                (POWERS, Opcode::Add) if argument && self.constants[at].is_empty() => {
                    let twice = i.operands.get(1) == i.operands.get(2);
                    if twice || i.has(Modifier::Rn) || self.before[at].iter().all(|b| arguments.contains(b)) {
                        region.insert(at);
                        last.insert(at);
                    }
                }
                // Whether the exponent is an odd number: it is halved, cut and doubled; whether it is an integer.
                (POWERS, Opcode::Mul) if argument && self.has(at, &[0x3F00_0000]) => {
                    region.extend(self.only_compared(at));
                }
                (POWERS | SINES | HALF_TURNS, Opcode::Cvt)
                    if argument && i.types().eq([ScalarType::F32; 2]) =>
                {
                    region.extend(self.only_compared(at));
                }
                _ => {}
            }
        }
    }

    /// Values that instructions of the region read and that are none of theirs, absolute values looked through.
    fn arguments(&self, region: &BTreeSet<usize>) -> BTreeSet<usize> {
        let outside = |b: &usize| !region.contains(b) && self.steps[*b] != Step::Free;
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for at in region {
            let mut open = self.before[*at].clone();
            while let Some(b) = open.pop() {
                let i = self.graph.instructions[b];
                if matches!(i.opcode, Opcode::Abs | Opcode::Selp) {
                    open.extend(&self.before[b]);
                } else if outside(&b) {
                    found.insert(b);
                }
            }
        }
        found
    }

    fn computes_with(&self, at: usize, constant: u64) -> bool {
        let read = self.graph.read_operands(at).iter();
        read.flat_map(|o| self.graph.origins(at, o))
            .any(|o| o == Origin::Constant(constant))
    }

    /// An instruction and what is computed from it, if all of that ends in comparisons.
    fn only_compared(&self, start: usize) -> BTreeSet<usize> {
        let mut all = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            for reader in self.readers(at) {
                match self.steps[reader] {
                    Step::Wall if self.graph.instructions[reader].opcode == Opcode::Setp => {}
                    Step::Counts if reader > at => {
                        if all.insert(reader) {
                            open.push(reader);
                        }
                    }
                    _ => return BTreeSet::new(),
                }
            }
        }
        all
    }

    fn readers(&self, at: usize) -> BTreeSet<usize> {
        let writes = self.graph.writes_at(at);
        writes.flat_map(|w| self.graph.readers(w)).copied().collect()
    }

    /// Adds what values pass on their way from one instruction of the region to another.
    fn between(&self, region: &mut BTreeSet<usize>, last: &BTreeSet<usize>) {
        const FARTHEST: u32 = 8;
        let count = self.count();
        let mut since: Vec<Option<u32>> = vec![None; count];
        for at in 0..count {
            let nearest = self.before[at].iter().filter_map(|b| since[*b]).min();
            since[at] = match self.steps[at] {
                Step::Wall => None,
                Step::Free => nearest,
                _ if last.contains(&at) => None,
                _ if region.contains(&at) => Some(0),
                _ => nearest.map(|n| n + 1).filter(|n| *n <= FARTHEST),
            };
        }
        let mut until: Vec<Option<u32>> = vec![None; count];
        let mut joined = Vec::new();
        for at in (0..count).rev() {
            let hands_on = match self.steps[at] {
                Step::Wall => None,
                Step::Free => until[at],
                _ if region.contains(&at) => Some(0),
                _ => {
                    if let (Some(s), Some(u)) = (since[at], until[at])
                        && s + u <= FARTHEST
                    {
                        joined.push(at);
                    }
                    until[at].map(|n| n + 1)
                }
            };
            for b in &self.before[at] {
                until[*b] = match (until[*b], hands_on) {
                    (Some(a), Some(u)) => Some(a.min(u)),
                    (a, u) => a.or(u),
                };
            }
        }
        region.extend(joined);
    }

    /// Adds absolute values and signs that serve nothing else, and numbers that become exponents.
    fn conversions(&mut self) {
        let signs = (0..self.count()).rev().filter(|at| {
            let readers = self.readers(*at);
            let serves = |r: &usize| self.found.contains(r) || !self.computes(*r);
            self.graph.instructions[*at].opcode == Opcode::Abs
                && self.computes(*at)
                && readers.iter().any(|r| self.found.contains(r))
                && readers.iter().all(serves)
        });
        let signs: Vec<usize> = signs.collect();
        self.found.extend(signs);
        let exponents: Vec<usize> = (0..self.count())
            .filter(|at| {
                let i = self.graph.instructions[*at];
                let integer = i.ty().is_some_and(|t| t.kind() != TypeKind::Float);
                let inside = |b: &usize| self.found.contains(b) && !self.last.contains(b);
                i.opcode == Opcode::Cvt && integer && self.before[*at].iter().any(inside)
            })
            .collect();
        self.found.extend(exponents);
    }

    /// Adds comparisons of what the functions compute, and with the numbers that only they compare with.
    fn comparisons(&mut self) {
        let mut inside = vec![false; self.count()];
        let mut compared = Vec::new();
        let abs = |b: &usize| self.graph.instructions[*b].opcode == Opcode::Abs;
        for at in 0..self.count() {
            let of_it = self.before[at].iter().any(|b| inside[*b]);
            inside[at] = match self.steps[at] {
                Step::Free => of_it,
                Step::Wall => false,
                _ if abs(&at) => of_it || self.found.contains(&at),
                _ => self.found.contains(&at) && !self.last.contains(&at),
            };
            let i = self.graph.instructions[at];
            if overrides::class(i) != Some(Class::Compare) {
                continue;
            }
            let numbers: BTreeSet<u32> = compared_with(self.graph, at).collect();
            let one_of = |all: &BTreeSet<usize>| {
                let mut open = self.before[at].clone();
                while let Some(b) = open.pop() {
                    if all.contains(&b) {
                        return true;
                    }
                    if abs(&b) || self.graph.instructions[b].opcode == Opcode::Selp {
                        open.extend(&self.before[b]);
                    }
                }
                false
            };
            let argument = one_of(&self.arguments);
            // logf(0), pow(x, 1) and the like.
            let special = argument
                && (i.has(Modifier::Eq) || i.has(Modifier::Neu))
                && numbers.iter().all(|c| matches!(c, 0 | 0x3F80_0000));
            let judged = !numbers.is_empty() && one_of(&self.judged);
            if of_it || special || judged || (argument && numbers.iter().any(|c| THRESHOLDS.contains(c))) {
                compared.push(at);
            }
        }
        self.found.extend(compared);
    }

    /// Which instructions give the results.
    fn results(&self) -> BTreeMap<usize, Part> {
        let mut parts: BTreeMap<usize, Part> = self.found.iter().map(|at| (*at, Part::Inside)).collect();
        // Values that leave without being rounded.
        let mut left = Vec::new();
        for at in self.found.iter().filter(|at| self.computes(**at)) {
            let (inside, outside) = self.goes(*at);
            if self.is_fused(*at) {
                parts.insert(*at, Part::Fused);
            } else if outside && !inside && is_f32(self.graph.instructions[*at]) {
                parts.insert(*at, Part::Result);
            } else if outside {
                left.push(*at);
            }
        }
        self.hand_on(&left, &mut parts);
        parts
    }

    /// Marks copies, else stores, that hand on nothing but results that are not rounded where they are computed.
    fn hand_on(&self, left: &[usize], parts: &mut BTreeMap<usize, Part>) {
        let mut carries: BTreeSet<usize> = left.iter().copied().collect();
        let mut signed = BTreeSet::new();
        for at in 0..self.count() {
            let i = self.graph.instructions[at];
            let from = |all: &dyn Fn(&usize) -> bool| self.before[at].iter().any(all);
            if self.steps[at] == Step::Free && from(&|b| signed.contains(b) || parts.contains_key(b)) {
                signed.insert(at);
            }
            let value = match i.opcode {
                Opcode::Mov | Opcode::Selp if self.steps[at] == Step::Free => 1,
                Opcode::St => 1,
                _ => {
                    // The sign is put in, as an integer or with copysign.
                    if self.steps[at] == Step::Free && from(&|b| carries.contains(b)) {
                        carries.insert(at);
                    }
                    continue;
                }
            };
            let fits = matches!(
                i.types().collect::<Vec<_>>()[..],
                [ScalarType::F32 | ScalarType::B32]
            );
            let selected = usize::from(i.opcode == Opcode::Selp);
            let values = i.operands.get(value..=value + selected).unwrap_or_default();
            let mut from = values.iter().flat_map(|o| self.graph.origins(at, o));
            let ours = |o: Origin| match o {
                Origin::Write(w) => {
                    let w = self.graph.writes[w];
                    carries.contains(&w) || parts.contains_key(&w) || signed.contains(&w)
                }
                Origin::Constant(_) => true,
                Origin::Other => false,
            };
            let unrounded = values.iter().any(|o| {
                let writes = self.graph.reaching(at, o);
                writes.iter().any(|w| carries.contains(&self.graph.writes[*w]))
            });
            if !fits || i.vector() != 1 || !unrounded || !from.all(ours) {
                continue;
            }
            let (inside, outside) = self.goes(at);
            if i.opcode == Opcode::St || (outside && !inside) {
                parts.insert(at, Part::Result);
            } else {
                carries.insert(at);
            }
        }
    }

    /// Whether a value goes to instructions of the functions further down, and whether elsewhere.
    fn goes(&self, at: usize) -> (bool, bool) {
        let (mut inside, mut outside) = (false, false);
        // What reads the last value of a function is another: exp(exp(x)).
        let ends = self.last.contains(&at);
        let mut seen = BTreeSet::new();
        let mut open = vec![at];
        while let Some(from) = open.pop() {
            for reader in self.readers(from) {
                match self.steps[reader] {
                    Step::Free => {
                        if seen.insert(reader) {
                            open.push(reader);
                        }
                    }
                    _ if self.found.contains(&reader)
                        && reader > at
                        && (!ends || self.last.contains(&reader)) =>
                    {
                        inside = true;
                    }
                    _ => outside = true,
                }
            }
        }
        (inside, outside)
    }

    /// A multiply-add of an exponential and a power of two to something that is none of the function's.
    fn is_fused(&self, at: usize) -> bool {
        let i = self.graph.instructions[at];
        if !matches!(i.opcode, Opcode::Fma | Opcode::Mad) || i.operands.len() != 4 || !self.last.contains(&at)
        {
            return false;
        }
        let origins = |n: usize| {
            let all = self.graph.origins(at, &i.operands[n]).into_iter();
            all.filter_map(|o| match o {
                Origin::Write(w) => Some(self.graph.writes[w]),
                _ => None,
            })
        };
        let power = |o: usize| self.found.contains(&o) && self.graph.instructions[o].opcode == Opcode::Ex2;
        let factor = (1..3).any(|n| origins(n).any(power));
        factor && !origins(3).any(|o| self.found.contains(&o) && !self.last.contains(&o))
    }
}

fn is_f32(i: &Instruction) -> bool {
    i.ty() == Some(ScalarType::F32)
}

/// The constants without sign that a sum, product or multiply-add on f32 computes with.
fn constants(graph: &Graph, at: usize) -> Vec<u32> {
    let arithmetic = matches!(
        overrides::class(graph.instructions[at]),
        Some(Class::Add | Class::Mul | Class::Fma)
    );
    match arithmetic {
        true => compared_with(graph, at).collect(),
        false => Vec::new(),
    }
}

/// The constants without sign among the operands of an instruction.
fn compared_with<'g>(graph: &'g Graph<'_>, at: usize) -> impl Iterator<Item = u32> + 'g {
    let read = graph.read_operands(at).iter();
    let origins = read.flat_map(move |o| graph.origins(at, o));
    origins.filter_map(|o| match o {
        Origin::Constant(bits) => Some(bits as u32 & 0x7FFF_FFFF),
        _ => None,
    })
}
