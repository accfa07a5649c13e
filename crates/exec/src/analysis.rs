//! What can be known of a kernel before it runs: basic blocks, where diverging threads meet again (immediate
//! post-dominators), which registers live across blocks, and which hold the same value in all lanes of a warp.
//!
//! A register is *uniform* (stored once per warp) only if that can never be seen to be wrong:
//! 1. every definition computes from uniform operands under a uniform guard, by an operation whose result does
//!    not depend on the lane;
//! 2. while some lanes of a warp run one side of a divergent branch, they define no register that lanes waiting
//!    on another side, or where the sides meet, will still read.
//!
//! A register is *affine* if lane l holds base + l * stride with a stride known when the kernel is lowered
//! (modulo the register's width): then only the base is stored, under the same two rules, and address arithmetic
//! costs as much as on a uniform register. Widening an affine 32-bit register is affine only if no lane wraps
//! around, which the engine checks when it happens (see `affine`).
//!
//! Where a warp may let lanes run ahead of their meeting point (see `schedule`: spinning), rule 2 looks at
//! everything that can still be reached.

use crate::ir::{Ir, IrInst, Op, Space, VReg, Val};
use crate::lanes::Class;
use ptx::ast::SpecialRegister as S;

/// How the threads of a block are laid out in warps, as far as code depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockShape {
    /// One dimension: `%tid.y` and `%tid.z` are 0.
    Line,
    /// The x extent is a multiple of the warp size: `%tid.y` and `%tid.z` are the same in all lanes.
    Rows,
    /// Anything else.
    General,
}

impl BlockShape {
    /// The shape of a block.
    pub fn of(block: crate::Dim3) -> BlockShape {
        if block.y == 1 && block.z == 1 {
            BlockShape::Line
        } else if block.x.is_multiple_of(32) {
            BlockShape::Rows
        } else {
            BlockShape::General
        }
    }
}

/// A basic block.
#[derive(Debug, Default)]
pub struct Block {
    /// First instruction.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// Blocks that may follow; [`Cfg::EXIT`] for the end of the thread.
    pub next: Vec<usize>,
    /// Where all ways from here meet first; [`Cfg::EXIT`] when only at the end of the thread.
    pub meet: usize,
    /// May wait for other threads (atomics, volatile loads): lanes that run it often let others go ahead.
    pub spin: bool,
}

/// The control-flow graph.
#[derive(Debug, Default)]
pub struct Cfg {
    /// In the order of the code.
    pub blocks: Vec<Block>,
    /// Block of each instruction.
    pub block_of: Vec<usize>,
}

/// A set of small integers.
#[derive(Clone, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(n: usize) -> Bits {
        Bits(vec![0; n.div_ceil(64)])
    }
    fn has(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 != 0
    }
    fn add(&mut self, i: usize) -> bool {
        let old = self.0[i / 64];
        self.0[i / 64] |= 1 << (i % 64);
        old != self.0[i / 64]
    }
    fn unite(&mut self, o: &Bits) -> bool {
        let mut changed = false;
        for (a, b) in self.0.iter_mut().zip(&o.0) {
            changed |= *b & !*a != 0;
            *a |= b;
        }
        changed
    }
    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(w, &bits)| {
            let mut bits = bits;
            std::iter::from_fn(move || {
                let low = bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
                (low < 64).then_some(w * 64 + low as usize)
            })
        })
    }
}

impl Cfg {
    /// Stands for the end of the thread.
    pub const EXIT: usize = usize::MAX;

    /// Builds the graph.
    pub fn new(ir: &Ir) -> Cfg {
        let n = ir.insts.len();
        let mut leader = vec![false; n + 1];
        leader[0] = true;
        for l in &ir.labels {
            if (*l as usize) < n {
                leader[*l as usize] = true;
            }
        }
        for (k, i) in ir.insts.iter().enumerate() {
            if matches!(i.op, Op::Branch(_) | Op::BranchTable(_) | Op::Exit | Op::Return) {
                leader[k + 1] = true;
            }
            // Lanes may wait here while others run: nothing may be kept in block-local registers meanwhile.
            if i.op.may_wait() {
                leader[k] = true;
                leader[k + 1] = true;
            }
        }
        let starts: Vec<usize> = (0..n).filter(|k| leader[*k]).collect();
        let mut block_of = vec![0; n];
        let mut blocks: Vec<Block> = Vec::with_capacity(starts.len());
        for (b, &start) in starts.iter().enumerate() {
            let end = starts.get(b + 1).copied().unwrap_or(n);
            block_of[start..end].fill(b);
            let spin = ir.insts[start..end].iter().any(|i| may_spin(ir, i));
            blocks.push(Block {
                start,
                end,
                next: vec![],
                meet: Cfg::EXIT,
                spin,
            });
        }
        let block_at = |at: u32| block_of.get(at as usize).copied().unwrap_or(Cfg::EXIT);
        for b in 0..blocks.len() {
            let last = &ir.insts[blocks[b].end - 1];
            let fall = if b + 1 < blocks.len() { b + 1 } else { Cfg::EXIT };
            let mut next = match last.op {
                Op::Branch(l) => vec![block_at(ir.labels[l as usize])],
                Op::BranchTable(t) => ir.tables[t as usize]
                    .iter()
                    .map(|l| block_at(ir.labels[*l as usize]))
                    .collect(),
                Op::Exit | Op::Return => vec![Cfg::EXIT],
                _ => vec![fall],
            };
            let conditional = last.guard.is_some();
            if conditional && matches!(last.op, Op::Branch(_) | Op::BranchTable(_) | Op::Exit) {
                next.push(fall);
            }
            next.sort_unstable();
            next.dedup();
            blocks[b].next = next;
        }
        let mut cfg = Cfg { blocks, block_of };
        cfg.find_meets(&cfg.leaving(ir));
        cfg
    }

    /// By block: the successor by which lanes leave for good, if there is one. That is the lesser side of a branch
    /// when nothing but a bare return can be reached from both sides. Whoever leaves meets nobody, so where the
    /// others meet must not depend on it. A side whose lanes may wait for others is no such side.
    fn leaving(&self, ir: &Ir) -> Vec<Option<usize>> {
        let insts = |b: usize| &ir.insts[self.blocks[b].start..self.blocks[b].end];
        let bare =
            |b: usize| matches!(insts(b), [i] if i.guard.is_none() && matches!(i.op, Op::Exit | Op::Return));
        let waits = |b: usize| self.blocks[b].spin || insts(b).iter().any(|i| i.op.may_wait());
        let mut leaving = vec![None; self.blocks.len()];
        for (b, block) in self.blocks.iter().enumerate() {
            let [x, y] = block.next[..] else { continue };
            let side = |s: usize| -> Vec<usize> { self.region(s, b).iter().filter(|k| !bare(*k)).collect() };
            let (first, second) = (side(x), side(y));
            let (gone, out, other) = match first.len() < second.len() {
                true => (first, x, y),
                false if second.len() < first.len() => (second, y, x),
                false => continue,
            };
            let apart = self.region(other, b);
            if gone.iter().any(|k| apart.has(*k) || waits(*k)) {
                continue;
            }
            leaving[b] = Some(out);
            // In an endless loop the way out is the only way to the end.
            if !self.ends(other, &leaving) {
                leaving[b] = None;
            }
        }
        leaving
    }

    /// Whether the end of the thread can be reached from `from` without the edges of `leaving`.
    fn ends(&self, from: usize, leaving: &[Option<usize>]) -> bool {
        let mut seen = Bits::new(self.blocks.len());
        let mut todo = vec![from];
        while let Some(b) = todo.pop() {
            if b == Cfg::EXIT {
                return true;
            }
            if seen.add(b) {
                todo.extend(self.blocks[b].next.iter().filter(|s| leaving[b] != Some(**s)));
            }
        }
        false
    }

    /// Immediate post-dominators (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", on the
    /// reversed graph), the edges of `leaving` left out.
    fn find_meets(&mut self, leaving: &[Option<usize>]) {
        let n = self.blocks.len();
        // Node n is the exit. Post-order of the reversed graph from it.
        let mut before: Vec<Vec<usize>> = vec![vec![]; n + 1];
        for (b, block) in self.blocks.iter().enumerate() {
            for &s in block.next.iter().filter(|s| leaving[b] != Some(**s)) {
                before[if s == Cfg::EXIT { n } else { s }].push(b);
            }
        }
        let mut order = Vec::with_capacity(n + 1);
        let mut number = vec![usize::MAX; n + 1];
        let mut seen = vec![false; n + 1];
        let mut stack = vec![(n, 0)];
        seen[n] = true;
        while let Some((b, k)) = stack.pop() {
            if let Some(&p) = before[b].get(k) {
                stack.push((b, k + 1));
                if !seen[p] {
                    seen[p] = true;
                    stack.push((p, 0));
                }
            } else {
                number[b] = order.len();
                order.push(b);
            }
        }
        let mut meet = vec![usize::MAX; n + 1];
        meet[n] = n;
        let mut changed = true;
        while changed {
            changed = false;
            for &b in order.iter().rev().filter(|b| **b != n) {
                let mut common = usize::MAX;
                for &s in self.blocks[b].next.iter().filter(|s| leaving[b] != Some(**s)) {
                    let s = if s == Cfg::EXIT { n } else { s };
                    if meet[s] == usize::MAX {
                        continue;
                    }
                    common = if common == usize::MAX {
                        s
                    } else {
                        intersect(&meet, &number, common, s)
                    };
                }
                if meet[b] != common {
                    meet[b] = common;
                    changed = true;
                }
            }
        }
        for (b, block) in self.blocks.iter_mut().enumerate() {
            block.meet = if meet[b] >= n { Cfg::EXIT } else { meet[b] };
        }
    }

    /// Blocks reachable from `from` without passing `stop`, itself included; empty when `from` is `stop`.
    fn region(&self, from: usize, stop: usize) -> Bits {
        let mut seen = Bits::new(self.blocks.len());
        let mut todo = vec![from];
        while let Some(b) = todo.pop() {
            if b != stop && b != Cfg::EXIT && seen.add(b) {
                todo.extend(&self.blocks[b].next);
            }
        }
        seen
    }
}

fn intersect(meet: &[usize], number: &[usize], mut a: usize, mut b: usize) -> usize {
    while a != b {
        while number[a] < number[b] {
            a = meet[a];
        }
        while number[b] < number[a] {
            b = meet[b];
        }
    }
    a
}

fn may_spin(ir: &Ir, i: &IrInst) -> bool {
    match i.op {
        Op::Atom { .. } => true,
        Op::Call(_) => ir.callees_wait,
        Op::Load(a) => a.volatile,
        _ => false,
    }
}

/// How the values of a register in the lanes of a warp relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// No definition reached (yet).
    Nothing,
    /// Lane l holds base + l * stride; a stride of 0 is a uniform register.
    Affine(i64),
    /// Anything.
    Vector,
}

impl Pattern {
    /// The same in all lanes.
    pub fn is_uniform(self) -> bool {
        matches!(self, Pattern::Affine(0) | Pattern::Nothing)
    }

    fn join(self, other: Pattern) -> Pattern {
        match (self, other) {
            (Pattern::Nothing, x) | (x, Pattern::Nothing) => x,
            (a, b) if a == b => a,
            _ => Pattern::Vector,
        }
    }
}

/// What is known of the registers.
#[derive(Debug)]
pub struct Registers {
    /// How the lanes' values relate. (For predicates, a stride of 0: the same bit in all active lanes.)
    pub pattern: Vec<Pattern>,
    /// Block of a register all of whose uses lie in that block behind an unguarded definition.
    pub local_to: Vec<Option<usize>>,
    /// Read by some instruction.
    pub used: Vec<bool>,
}

/// Runs the analyses.
pub fn run(ir: &Ir, cfg: &Cfg, shape: BlockShape) -> Registers {
    let (local_to, used) = find_local(ir, cfg);
    let live = live_in(ir, cfg, &local_to);
    let pattern = find_patterns(ir, cfg, shape, &live);
    Registers {
        pattern,
        local_to,
        used,
    }
}

fn reads(i: &IrInst) -> impl Iterator<Item = VReg> + '_ {
    let sources = i.src.iter().filter_map(|v| match v {
        Val::Reg(r) => Some(*r),
        Val::Const(_) => None,
    });
    sources.chain(i.guard.map(|(p, _)| p))
}

fn find_local(ir: &Ir, cfg: &Cfg) -> (Vec<Option<usize>>, Vec<bool>) {
    let n = ir.regs.len();
    let mut local: Vec<Option<usize>> = vec![None; n];
    let mut global = vec![false; n];
    let mut used = vec![false; n];
    for (k, i) in ir.insts.iter().enumerate() {
        let b = cfg.block_of[k];
        for r in reads(i) {
            let r = r.0 as usize;
            used[r] = true;
            global[r] |= local[r] != Some(b);
        }
        for d in &i.dst {
            let d = d.0 as usize;
            match local[d] {
                None => {
                    local[d] = Some(b);
                    global[d] |= i.guard.is_some();
                }
                Some(other) => global[d] |= other != b,
            }
        }
    }
    for r in 0..n {
        if global[r] || ir.regs[r].special.is_some() {
            local[r] = None;
        }
    }
    (local, used)
}

/// Registers that some path from the start of each block reads before it writes them.
fn live_in(ir: &Ir, cfg: &Cfg, local: &[Option<usize>]) -> Vec<Bits> {
    let n = ir.regs.len();
    let mut uses = Vec::with_capacity(cfg.blocks.len());
    let mut kills = Vec::with_capacity(cfg.blocks.len());
    for block in &cfg.blocks {
        let (mut u, mut d) = (Bits::new(n), Bits::new(n));
        for i in &ir.insts[block.start..block.end] {
            for r in reads(i) {
                let r = r.0 as usize;
                if local[r].is_none() && !d.has(r) {
                    u.add(r);
                }
            }
            if i.guard.is_none() {
                for r in &i.dst {
                    d.add(r.0 as usize);
                }
            }
        }
        uses.push(u);
        kills.push(d);
    }
    let mut live = uses.clone();
    let mut changed = true;
    while changed {
        changed = false;
        for b in (0..cfg.blocks.len()).rev() {
            let mut out = Bits::new(n);
            for &s in &cfg.blocks[b].next {
                if s != Cfg::EXIT {
                    out.unite(&live[s]);
                }
            }
            for (o, k) in out.0.iter_mut().zip(&kills[b].0) {
                *o &= !k;
            }
            changed |= live[b].unite(&out);
        }
    }
    live
}

/// The pattern of a special register.
fn special_pattern(s: S, shape: BlockShape) -> Pattern {
    match s {
        S::Laneid => Pattern::Affine(1),
        S::TidX if shape != BlockShape::General => Pattern::Affine(1),
        S::TidX | S::LanemaskEq | S::LanemaskLt | S::LanemaskLe | S::LanemaskGt | S::LanemaskGe => {
            Pattern::Vector
        }
        S::TidY | S::TidZ if shape == BlockShape::General => Pattern::Vector,
        _ => Pattern::Affine(0),
    }
}

fn find_patterns(ir: &Ir, cfg: &Cfg, shape: BlockShape, live: &[Bits]) -> Vec<Pattern> {
    // What may be read before it is written is zero when a warp starts, in all lanes.
    let functions = ir.functions.iter().map(|f| cfg.block_of[f.first]);
    let entries: Vec<&Bits> = std::iter::once(0).chain(functions).map(|b| &live[b]).collect();
    let start = |k: usize| match entries.iter().any(|e| e.has(k)) {
        true => Pattern::Affine(0),
        false => Pattern::Nothing,
    };
    let mut pattern: Vec<Pattern> = ir
        .regs
        .iter()
        .enumerate()
        .map(|(k, r)| r.special.map_or(start(k), |s| special_pattern(s, shape)))
        .collect();
    let mut defs: Vec<Bits> = Vec::with_capacity(cfg.blocks.len());
    for block in &cfg.blocks {
        let mut d = Bits::new(ir.regs.len());
        for i in &ir.insts[block.start..block.end] {
            i.dst.iter().for_each(|r| {
                d.add(r.0 as usize);
            });
        }
        defs.push(d);
    }
    let mut diverges = vec![false; cfg.blocks.len()];
    // Blocks that some lanes of a warp may run while others wait.
    let mut divergent = Bits::new(cfg.blocks.len());
    // Some lanes of a warp may call a function that others do not.
    if let Some(f) = ir.functions.first() {
        (cfg.block_of[f.first]..cfg.blocks.len()).for_each(|b| {
            divergent.add(b);
        });
    }
    loop {
        let mut changed = false;
        for (k, i) in ir.insts.iter().enumerate() {
            if i.dst.is_empty() {
                continue;
            }
            let result = result_pattern(i, &pattern, divergent.has(cfg.block_of[k]));
            for d in &i.dst {
                let d = d.0 as usize;
                let wide = ir.regs[d].class == Class::Pred && !result.is_uniform();
                let joined = pattern[d].join(if wide { Pattern::Vector } else { result });
                changed |= joined != pattern[d];
                pattern[d] = joined;
            }
        }
        if changed {
            continue;
        }
        for (b, known) in diverges.iter_mut().enumerate() {
            if *known || !branch_diverges(&ir.insts[cfg.blocks[b].end - 1], &pattern) {
                continue;
            }
            *known = true;
            changed = true;
            split_at(cfg, b, &defs, live, &mut pattern, &mut divergent);
        }
        if !changed {
            return pattern;
        }
    }
}

fn branch_diverges(i: &IrInst, pattern: &[Pattern]) -> bool {
    let varies = |r: VReg| !pattern[r.0 as usize].is_uniform();
    let guard = i.guard.is_some_and(|(p, _)| varies(p));
    match i.op {
        Op::Branch(_) => guard,
        Op::BranchTable(_) => guard || i.src.iter().any(|v| matches!(v, Val::Reg(r) if varies(*r))),
        _ => false,
    }
}

/// Applies rule 2 to the divergent branch that ends block `b`.
fn split_at(
    cfg: &Cfg,
    b: usize,
    defs: &[Bits],
    live: &[Bits],
    pattern: &mut [Pattern],
    divergent: &mut Bits,
) {
    let n = pattern.len();
    let block = &cfg.blocks[b];
    let mut stop = block.meet;
    let mut regions: Vec<Bits> = block.next.iter().map(|s| cfg.region(*s, stop)).collect();
    if regions.iter().any(|r| r.iter().any(|b| cfg.blocks[b].spin)) {
        stop = Cfg::EXIT;
        regions = block.next.iter().map(|s| cfg.region(*s, stop)).collect();
    }
    let all = |sets: &[Bits], blocks: &Bits| {
        let mut sum = Bits::new(n);
        for b in blocks.iter() {
            sum.unite(&sets[b]);
        }
        sum
    };
    let defined: Vec<Bits> = regions.iter().map(|r| all(defs, r)).collect();
    let read: Vec<Bits> = regions.iter().map(|r| all(live, r)).collect();
    for (x, d) in defined.iter().enumerate() {
        let mut waiting = Bits::new(n);
        if stop != Cfg::EXIT {
            waiting.unite(&live[stop]);
        }
        for (y, r) in read.iter().enumerate() {
            if x != y {
                waiting.unite(r);
            }
        }
        for r in d.iter() {
            if waiting.has(r) {
                pattern[r] = Pattern::Vector;
            }
        }
    }
    for r in &regions {
        divergent.unite(r);
    }
}

/// Largest stride that is kept track of: lanes then stay within 2^24 of the base.
const MAX_STRIDE: i64 = 1 << 19;

/// Rule 1 for one instruction.
fn result_pattern(i: &IrInst, pattern: &[Pattern], divergent: bool) -> Pattern {
    let of = |v: &Val| match v {
        Val::Reg(r) => pattern[r.0 as usize],
        Val::Const(_) => Pattern::Affine(0),
    };
    let guard = i.guard.map_or(Pattern::Affine(0), |(p, _)| pattern[p.0 as usize]);
    let mut uniform = guard.is_uniform();
    let mut nothing = guard == Pattern::Nothing;
    for v in &i.src {
        uniform &= of(v).is_uniform();
        nothing |= of(v) == Pattern::Nothing;
    }
    let whether = |yes: bool| if yes { Pattern::Affine(0) } else { Pattern::Vector };
    match i.op {
        Op::Atom { .. } | Op::Shfl(_) | Op::Match { .. } | Op::Elect | Op::Activemask | Op::Clock(_) => {
            Pattern::Vector
        }
        // Every thread draws its own random bits.
        Op::Vf { f, spec } if spec.draws(f) => Pattern::Vector,
        // The same for all lanes that take part, which are all lanes of the warp only outside divergent code.
        Op::Vote(_) | Op::Redux(_) => {
            whether(!divergent && matches!(i.src.get(1), Some(Val::Const(0xffff_ffff))) && i.guard.is_none())
        }
        Op::Barrier { .. } => whether(!divergent && i.guard.is_none()),
        // Wait for the operands to be known.
        _ if nothing => Pattern::Nothing,
        Op::Load(a) => whether(uniform && a.space != Space::Local && a.space != Space::Generic),
        Op::Alu(alu) if !uniform && guard.is_uniform() => {
            let Some((f, _)) = crate::affine::of(alu) else {
                return Pattern::Vector;
            };
            let mut strides = [0i64; 3];
            for (stride, v) in strides.iter_mut().zip(&i.src) {
                match of(v) {
                    Pattern::Affine(s) => *stride = s,
                    _ => return Pattern::Vector,
                }
            }
            // A stride of 0 out of affine operands would be uniform only as long as none has wrapped.
            match f.stride(strides, &i.src, alu.src) {
                Some(s) if s != 0 && s.abs() <= MAX_STRIDE => Pattern::Affine(s),
                _ => Pattern::Vector,
            }
        }
        _ => whether(uniform),
    }
}
