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
//! Where a warp may let lanes run ahead of their meeting point (see `schedule`: spinning, `.sync` instructions), rule 2
//! looks at everything that can still be reached.
//!
//! Rule 2 looks at the whole region of every divergent branch, which is quadratic in the depth of nesting. That much work
//! is bounded: in code nested beyond what people write, every register written behind a divergent branch is a vector.

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
    /// Lanes may wait here for lanes that wait at their meeting, which then run ahead of it.
    pub syncs: bool,
}

/// The control-flow graph.
#[derive(Debug, Default)]
pub struct Cfg {
    /// In the order of the code.
    pub blocks: Vec<Block>,
    /// Block of each instruction.
    pub block_of: Vec<usize>,
}

/// Marks on small numbers, all of which are taken away at once.
struct Marks {
    now: u32,
    of: Vec<u32>,
}

impl Marks {
    fn new(n: usize) -> Marks {
        Marks {
            now: 1,
            of: vec![0; n],
        }
    }
    fn clear(&mut self) {
        self.now += 1;
    }
    fn has(&self, i: usize) -> bool {
        self.of[i] == self.now
    }
    /// Whether it is new.
    fn add(&mut self, i: usize) -> bool {
        std::mem::replace(&mut self.of[i], self.now) != self.now
    }
}

/// Goes from block to block, each one once.
struct Walk {
    seen: Marks,
    todo: Vec<usize>,
    /// The blocks met.
    met: Vec<usize>,
}

impl Walk {
    fn new(blocks: usize) -> Walk {
        Walk {
            seen: Marks::new(blocks),
            todo: vec![],
            met: vec![],
        }
    }
    fn start(&mut self, from: usize) {
        self.seen.clear();
        self.met.clear();
        self.todo.clear();
        self.todo.push(from);
    }
    /// The next block that can be reached without passing `stop`.
    fn step(&mut self, cfg: &Cfg, stop: usize) -> Option<usize> {
        while let Some(b) = self.todo.pop() {
            if b != stop && b != Cfg::EXIT && self.seen.add(b) {
                self.todo.extend(&cfg.blocks[b].next);
                self.met.push(b);
                return Some(b);
            }
        }
        None
    }
    /// Blocks reachable from `from` without passing `stop`, itself included; none when `from` is `stop`.
    fn region(&mut self, cfg: &Cfg, from: usize, stop: usize) -> Vec<usize> {
        self.start(from);
        while self.step(cfg, stop).is_some() {}
        std::mem::take(&mut self.met)
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
            let syncs = ir.insts[start..end].iter().any(|i| i.op.has_members());
            blocks.push(Block {
                start,
                end,
                next: vec![],
                meet: Cfg::EXIT,
                spin,
                syncs,
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
        let leaving = cfg.leaving(ir);
        let n = cfg.blocks.len();
        let meets = cfg.post_dominators(|b, s| match s {
            _ if leaving[b] == Some(s) => None,
            Cfg::EXIT => Some(n),
            s => Some(s),
        });
        for (block, meet) in cfg.blocks.iter_mut().zip(meets) {
            block.meet = if meet >= n { Cfg::EXIT } else { meet };
        }
        cfg
    }

    /// By block: the successor by which lanes leave for good, if there is one. That is the lesser side of a branch
    /// when nothing but a bare return can be reached from both sides. Whoever leaves meets nobody, so where the
    /// others meet must not depend on it. A side whose lanes may wait for others is no such side.
    fn leaving(&self, ir: &Ir) -> Vec<Option<usize>> {
        let n = self.blocks.len();
        let insts = |b: usize| &ir.insts[self.blocks[b].start..self.blocks[b].end];
        let bare: Vec<bool> = (0..n)
            .map(|b| matches!(insts(b), [i] if i.guard.is_none() && matches!(i.op, Op::Exit | Op::Return)))
            .collect();
        let waits = |b: usize| self.blocks[b].spin || insts(b).iter().any(|i| i.op.may_wait());
        // Sides that share no more than that meet at the end only, if a bare return is the end.
        let meets = self.post_dominators(|_, s| match s {
            Cfg::EXIT => Some(n),
            s if bare[s] => Some(n),
            s => Some(s),
        });
        let before = self.predecessors();
        let mut walks = [Walk::new(n), Walk::new(n)];
        let mut candidates = Vec::new();
        for (b, block) in self.blocks.iter().enumerate() {
            let [x, y] = block.next[..] else { continue };
            if meets[b] < n {
                continue;
            }
            let Some((lesser, gone)) = self.lesser(b, [x, y], &bare, &before, &mut walks) else {
                continue;
            };
            if !gone.iter().any(|k| waits(*k)) {
                candidates.push((b, block.next[lesser], block.next[1 - lesser]));
            }
        }
        // In an endless loop the way out is the only way to the end: it is kept.
        let mut leaving = vec![None; n];
        for &(b, out, _) in &candidates {
            leaving[b] = Some(out);
        }
        let ends = self.all_that_end(&leaving, &before);
        candidates.retain(|(_, _, other)| *other != Cfg::EXIT && !ends[*other]);
        for &(b, ..) in &candidates {
            leaving[b] = None;
        }
        for (b, out, other) in candidates {
            leaving[b] = Some(out);
            if !self.ends(other, &leaving) {
                leaving[b] = None;
            }
        }
        leaving
    }

    /// Which side of the branch that ends `b` reaches fewer blocks, bare returns not counted, and these; None if some
    /// block can be reached from both. Takes time for the lesser side only, in all but odd graphs.
    fn lesser(
        &self,
        b: usize,
        sides: [usize; 2],
        bare: &[bool],
        before: &[Vec<usize>],
        walks: &mut [Walk; 2],
    ) -> Option<(usize, Vec<usize>)> {
        let mut counts = [0usize; 2];
        let mut whole = [false; 2];
        for (walk, side) in walks.iter_mut().zip(sides) {
            walk.start(side);
        }
        // In turn, until one is known wholly and the other is known to be larger.
        let mut turn = 0;
        let lesser = loop {
            match walks[turn].step(self, b) {
                Some(k) if bare[k] => {}
                Some(k) if walks[1 - turn].seen.has(k) => return None,
                Some(_) => counts[turn] += 1,
                None => whole[turn] = true,
            }
            match (0..2).find(|s| whole[*s] && counts[*s] < counts[1 - *s]) {
                Some(s) => break s,
                None if whole == [true; 2] => return None,
                None => {}
            }
            if !whole[1 - turn] {
                turn = 1 - turn;
            }
        };
        let gone: Vec<usize> = walks[lesser].met.iter().copied().filter(|k| !bare[*k]).collect();
        // Whoever comes from elsewhere may come from the other side.
        let inside = |walk: &Walk, k: usize| walk.seen.has(k);
        let entered = gone
            .iter()
            .flat_map(|k| &before[*k])
            .any(|p| *p != b && !inside(&walks[lesser], *p));
        if entered {
            while walks[1 - lesser].step(self, b).is_some() {}
            if gone.iter().any(|k| inside(&walks[1 - lesser], *k)) {
                return None;
            }
        }
        Some((lesser, gone))
    }

    /// By block, with one more entry for the end of the thread: the blocks before it.
    fn predecessors(&self) -> Vec<Vec<usize>> {
        let n = self.blocks.len();
        let mut before: Vec<Vec<usize>> = vec![vec![]; n + 1];
        for (b, block) in self.blocks.iter().enumerate() {
            for &s in &block.next {
                before[s.min(n)].push(b);
            }
        }
        before
    }

    /// The blocks from which the end of the thread can be reached without the edges of `leaving`.
    fn all_that_end(&self, leaving: &[Option<usize>], before: &[Vec<usize>]) -> Vec<bool> {
        let n = self.blocks.len();
        let mut ends = vec![false; n];
        let mut todo = vec![n];
        while let Some(s) = todo.pop() {
            let target = if s == n { Cfg::EXIT } else { s };
            for &p in &before[s] {
                if leaving[p] != Some(target) && !std::mem::replace(&mut ends[p], true) {
                    todo.push(p);
                }
            }
        }
        ends
    }

    /// Whether the end of the thread can be reached from `from` without the edges of `leaving`.
    fn ends(&self, from: usize, leaving: &[Option<usize>]) -> bool {
        let mut seen = vec![false; self.blocks.len()];
        let mut todo = vec![from];
        while let Some(b) = todo.pop() {
            if b == Cfg::EXIT {
                return true;
            }
            if !std::mem::replace(&mut seen[b], true) {
                todo.extend(self.blocks[b].next.iter().filter(|s| leaving[b] != Some(**s)));
            }
        }
        false
    }

    /// Immediate post-dominators (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", on the
    /// reversed graph). `edge` says where an edge from a block to a successor really leads: the number of blocks stands
    /// for the exit, None for nowhere. A block from which the exit cannot be reached has a larger number.
    fn post_dominators(&self, edge: impl Fn(usize, usize) -> Option<usize>) -> Vec<usize> {
        let n = self.blocks.len();
        let next = |b: usize| self.blocks[b].next.iter().map(move |s| (b, *s));
        // Node n is the exit. Post-order of the reversed graph from it.
        let mut before: Vec<Vec<usize>> = vec![vec![]; n + 1];
        for (b, s) in (0..n).flat_map(next) {
            if let Some(s) = edge(b, s) {
                before[s].push(b);
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
                for s in next(b).filter_map(|(b, s)| edge(b, s)) {
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
        meet.pop();
        meet
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

/// By block: registers that some path from its start reads before it writes them. Each register is followed backwards
/// from where it is read to where it is written, so that this takes no longer than the sets are large.
fn live_in(ir: &Ir, cfg: &Cfg, local: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut uses: Vec<(usize, usize)> = Vec::new();
    let mut kills: Vec<(usize, usize)> = Vec::new();
    let (mut used, mut killed) = (Marks::new(ir.regs.len()), Marks::new(ir.regs.len()));
    for (b, block) in cfg.blocks.iter().enumerate() {
        used.clear();
        killed.clear();
        for i in &ir.insts[block.start..block.end] {
            for r in reads(i).map(|r| r.0 as usize) {
                if local[r].is_none() && !killed.has(r) && used.add(r) {
                    uses.push((r, b));
                }
            }
            if i.guard.is_none() {
                for r in i.dst.iter().map(|r| r.0 as usize) {
                    if local[r].is_none() && killed.add(r) {
                        kills.push((r, b));
                    }
                }
            }
        }
    }
    uses.sort_unstable();
    kills.sort_unstable();
    let before = cfg.predecessors();
    let mut live: Vec<Vec<usize>> = vec![vec![]; cfg.blocks.len()];
    let (mut here, mut ends) = (Marks::new(cfg.blocks.len()), Marks::new(cfg.blocks.len()));
    let mut kills = kills.into_iter().peekable();
    let mut todo = Vec::new();
    for of in uses.chunk_by(|a, b| a.0 == b.0) {
        let r = of[0].0;
        here.clear();
        ends.clear();
        while kills.next_if(|k| k.0 < r).is_some() {}
        while let Some((_, b)) = kills.next_if(|k| k.0 == r) {
            ends.add(b);
        }
        todo.extend(of.iter().map(|(_, b)| *b));
        while let Some(b) = todo.pop() {
            if here.add(b) {
                live[b].push(r);
                todo.extend(before[b].iter().filter(|p| !ends.has(**p)));
            }
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

fn find_patterns(ir: &Ir, cfg: &Cfg, shape: BlockShape, live: &[Vec<usize>]) -> Vec<Pattern> {
    // What may be read before it is written is zero when a warp starts, in all lanes.
    let functions = ir.functions.iter().map(|f| cfg.block_of[f.first]);
    let mut read_first = Marks::new(ir.regs.len());
    for r in std::iter::once(0).chain(functions).flat_map(|b| &live[b]) {
        read_first.add(*r);
    }
    let start = |k: usize| match read_first.has(k) {
        true => Pattern::Affine(0),
        false => Pattern::Nothing,
    };
    let mut pattern: Vec<Pattern> = ir
        .regs
        .iter()
        .enumerate()
        .map(|(k, r)| r.special.map_or(start(k), |s| special_pattern(s, shape)))
        .collect();
    let defs: Vec<Vec<usize>> = cfg
        .blocks
        .iter()
        .map(|block| {
            let insts = &ir.insts[block.start..block.end];
            insts.iter().flat_map(|i| &i.dst).map(|d| d.0 as usize).collect()
        })
        .collect();
    let mut scratch = Scratch::new(ir, cfg);
    let mut diverges = vec![false; cfg.blocks.len()];
    // Blocks that some lanes of a warp may run while others wait.
    let mut divergent = vec![false; cfg.blocks.len()];
    // Some lanes of a warp may call a function that others do not.
    if let Some(f) = ir.functions.first() {
        divergent[cfg.block_of[f.first]..].fill(true);
    }
    loop {
        let mut changed = false;
        for (k, i) in ir.insts.iter().enumerate() {
            if i.dst.is_empty() {
                continue;
            }
            let result = result_pattern(i, &pattern, divergent[cfg.block_of[k]]);
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
            scratch.split_at(cfg, b, &defs, live, &mut pattern, &mut divergent);
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

/// How many blocks the regions of divergent branches may have in all, for each block of the kernel, until rule 2 is
/// applied coarsely: branches nested deeper than that, all of them divergent.
const REGIONS_PER_BLOCK: usize = 64;

/// What [`Scratch::split_at`] uses again and again.
struct Scratch {
    walk: Walk,
    /// Blocks that regions may still have in all.
    budget: usize,
    /// Blocks behind branches that were treated coarsely: what they define is a vector.
    coarse: Vec<bool>,
    /// Registers that may be read while others run: by registers, the first region that reads it.
    reader: Vec<usize>,
    read: Marks,
    /// Registers that several regions read, or the code behind the meeting.
    read_by_all: Marks,
}

impl Scratch {
    fn new(ir: &Ir, cfg: &Cfg) -> Scratch {
        Scratch {
            walk: Walk::new(cfg.blocks.len()),
            budget: REGIONS_PER_BLOCK * cfg.blocks.len(),
            coarse: vec![false; cfg.blocks.len()],
            reader: vec![0; ir.regs.len()],
            read: Marks::new(ir.regs.len()),
            read_by_all: Marks::new(ir.regs.len()),
        }
    }

    /// Applies rule 2 to the divergent branch that ends block `b`.
    fn split_at(
        &mut self,
        cfg: &Cfg,
        b: usize,
        defs: &[Vec<usize>],
        live: &[Vec<usize>],
        pattern: &mut [Pattern],
        divergent: &mut [bool],
    ) {
        let block = &cfg.blocks[b];
        if self.budget == 0 {
            return self.split_coarsely(cfg, b, defs, pattern, divergent);
        }
        let mut stop = block.meet;
        let mut regions: Vec<Vec<usize>> = block
            .next
            .iter()
            .map(|s| self.walk.region(cfg, *s, stop))
            .collect();
        let ahead = |b: &usize| cfg.blocks[*b].spin || cfg.blocks[*b].syncs;
        if regions.iter().flatten().any(ahead) {
            stop = Cfg::EXIT;
            regions = block
                .next
                .iter()
                .map(|s| self.walk.region(cfg, *s, stop))
                .collect();
        }
        self.read.clear();
        self.read_by_all.clear();
        for r in live.get(stop).into_iter().flatten() {
            self.read_by_all.add(*r);
        }
        for (y, region) in regions.iter().enumerate() {
            for &r in region.iter().flat_map(|b| &live[*b]) {
                if self.read.add(r) {
                    self.reader[r] = y;
                } else if self.reader[r] != y {
                    self.read_by_all.add(r);
                }
            }
        }
        for (x, region) in regions.iter().enumerate() {
            for &r in region.iter().flat_map(|b| &defs[*b]) {
                if self.read_by_all.has(r) || self.read.has(r) && self.reader[r] != x {
                    pattern[r] = Pattern::Vector;
                }
            }
        }
        let blocks: usize = regions.iter().map(Vec::len).sum();
        self.budget = self.budget.saturating_sub(blocks);
        for b in regions.into_iter().flatten() {
            divergent[b] = true;
        }
    }

    /// Rule 2 without looking who reads: all that is defined anywhere behind block `b` is a vector. Every block is
    /// visited once, however many branches come here.
    fn split_coarsely(
        &mut self,
        cfg: &Cfg,
        b: usize,
        defs: &[Vec<usize>],
        pattern: &mut [Pattern],
        divergent: &mut [bool],
    ) {
        let mut todo = cfg.blocks[b].next.clone();
        while let Some(b) = todo.pop() {
            if b == Cfg::EXIT || std::mem::replace(&mut self.coarse[b], true) {
                continue;
            }
            divergent[b] = true;
            for &r in &defs[b] {
                pattern[r] = Pattern::Vector;
            }
            todo.extend(&cfg.blocks[b].next);
        }
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
