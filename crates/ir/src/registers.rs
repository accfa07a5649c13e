//! What can be known of a kernel's registers before it runs: which live across blocks, and which hold the same value in
//! all lanes of a warp.
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
//! around, which whoever executes it checks when it happens (see `AffineFn`).
//!
//! Where a warp may let lanes run ahead of their meeting point (spinning, `.sync` instructions), rule 2
//! looks at everything that can still be reached.
//!
//! Rule 2 looks at the whole region of every divergent branch, which is quadratic in the depth of nesting. That much work
//! is bounded: in code nested beyond what people write, every register written behind a divergent branch is a vector.

use crate::cfg::{Cfg, Marks, Walk};
use crate::{Class, Ir, IrInst, Op, Space, VReg, Val};
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
    /// The shape of a block of so many threads in each dimension.
    pub fn of([x, y, z]: [u32; 3]) -> BlockShape {
        if y == 1 && z == 1 {
            BlockShape::Line
        } else if x.is_multiple_of(32) {
            BlockShape::Rows
        } else {
            BlockShape::General
        }
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
            let Some(f) = alu.affine() else {
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
            match f.stride(strides, &i.src, alu.src()) {
                Some(s) if s != 0 && s.abs() <= MAX_STRIDE => Pattern::Affine(s),
                _ => Pattern::Vector,
            }
        }
        _ => whether(uniform),
    }
}
