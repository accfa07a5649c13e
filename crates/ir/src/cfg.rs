//! Control flow of a kernel: basic blocks, and where diverging threads meet again (immediate post-dominators).

use crate::{Ir, IrInst, Op};

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
pub(crate) struct Marks {
    now: u32,
    of: Vec<u32>,
}

impl Marks {
    pub(crate) fn new(n: usize) -> Marks {
        Marks {
            now: 1,
            of: vec![0; n],
        }
    }
    pub(crate) fn clear(&mut self) {
        self.now += 1;
    }
    pub(crate) fn has(&self, i: usize) -> bool {
        self.of[i] == self.now
    }
    /// Whether it is new.
    pub(crate) fn add(&mut self, i: usize) -> bool {
        std::mem::replace(&mut self.of[i], self.now) != self.now
    }
}

/// Goes from block to block, each one once.
pub(crate) struct Walk {
    seen: Marks,
    todo: Vec<usize>,
    /// The blocks met.
    met: Vec<usize>,
}

impl Walk {
    pub(crate) fn new(blocks: usize) -> Walk {
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
    pub(crate) fn region(&mut self, cfg: &Cfg, from: usize, stop: usize) -> Vec<usize> {
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
    pub(crate) fn predecessors(&self) -> Vec<Vec<usize>> {
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
