//! What decides which instructions run: branches, loops, calls; and what threads do together.

use super::*;

impl Generator<'_> {
    /// A predicate to branch on, often freshly computed.
    pub(super) fn condition(&mut self) -> String {
        let g = self.group();
        if self.rng.chance(50) {
            self.reads(&PRED, g)
        } else {
            let d = self.register(&PRED, g);
            let (a, b) = (self.s32(g), self.s32(g));
            let cmp = self.rng.pick(&["lt.u32", "ge.s32", "ne.u32", "eq.s32", "gt.u32"]);
            self.line(format!("setp.{cmp} {d}, {a}, {b};"));
            d
        }
    }

    pub(super) fn branch(&mut self, depth: u32) {
        let p = self.condition();
        let not = self.rng.pick(&["", "!"]);
        let end = self.label();
        let (n, m) = (1 + self.rng.below(5), 1 + self.rng.below(4));
        self.targets.push(end.clone());
        if self.rng.chance(45) {
            self.line(format!("@{not}{p} bra {end};"));
            self.sequence(n, depth + 1, false);
        } else {
            let other = self.label();
            self.line(format!("@{not}{p} bra {other};"));
            self.targets.push(other.clone());
            self.sequence(n, depth + 1, false);
            if self.rng.chance(80) {
                // Else it falls through into the other side.
                let uni = self.rng.pick(&["", ".uni"]);
                self.line(format!("bra{uni} {end};"));
            }
            self.targets.pop();
            self.place(&other);
            self.sequence(m, depth + 1, false);
        }
        self.targets.pop();
        self.place(&end);
    }

    /// A loop whose trip count is uniform or not; what may follow from it is inside `targets`.
    pub(super) fn repeat(&mut self, depth: u32) {
        let g = self.group();
        let most = if self.spinning && depth == 0 {
            255
        } else if depth == 0 {
            7
        } else {
            3
        };
        let k = self.loops;
        self.loops += 1;
        let start = self.rng.pick(&[0, 0, 1, -2, 100, i32::MAX - 3]);
        let step = self.rng.pick(&[1, 1, 1, 4, -1, -3]);
        let trips = if self.rng.chance(30) {
            format!("{}", self.rng.below(most + 1))
        } else {
            self.s32_register(g)
        };
        let (top, next, end) = (self.label(), self.label(), self.label());
        self.line(format!("and.b32 %lb{k}, {trips}, {most};"));
        let bottom = self.rng.chance(50);
        if bottom {
            self.line(format!("add.u32 %lb{k}, %lb{k}, 1;"));
        }
        self.line(format!("mov.u32 %lc{k}, {start};"));
        self.line(format!("mad.lo.s32 %lb{k}, %lb{k}, {step}, {start};"));
        self.place(&top);
        if !bottom {
            self.line(format!("setp.eq.s32 %lp{k}, %lc{k}, %lb{k};"));
            self.line(format!("@%lp{k} bra {end};"));
        }
        self.targets.push(end.clone());
        self.targets.push(next.clone());
        let n = 1 + self.rng.below(5);
        self.sequence(n, depth + 1, false);
        self.targets.pop();
        self.place(&next);
        self.line(format!("add.s32 %lc{k}, %lc{k}, {step};"));
        if self.rng.chance(25) {
            // Leaves at the end of a trip, as loops with two conditions do.
            let p = self.condition();
            self.line(format!("@{p} bra {end};"));
        }
        self.targets.pop();
        if bottom {
            self.line(format!("setp.ne.s32 %lp{k}, %lc{k}, %lb{k};"));
            self.line(format!("@%lp{k} bra {top};"));
        } else {
            self.line(format!("bra.uni {top};"));
        }
        self.place(&end);
    }

    /// A loop that all threads of the block run together: barriers may be inside.
    pub(super) fn convergent_loop(&mut self, depth: u32) {
        let k = self.loops;
        self.loops += 1;
        let (top, end) = (self.label(), self.label());
        let bound = if self.rng.chance(50) {
            "%n".into()
        } else {
            format!("{}", self.rng.below(4))
        };
        self.line(format!("mov.u32 %lc{k}, 0;"));
        self.place(&top);
        self.line(format!("setp.ge.u32 %lp{k}, %lc{k}, {bound};"));
        self.line(format!("@%lp{k} bra {end};"));
        let n = 2 + self.rng.below(5);
        self.sequence(n, depth + 1, true);
        self.line(format!("add.u32 %lc{k}, %lc{k}, 1;"));
        self.line(format!("bra {top};"));
        self.place(&end);
    }

    pub(super) fn table(&mut self, depth: u32) {
        let g = self.group();
        let (t, s) = (self.temp(), self.s32(g));
        let n = 2 + self.rng.below(3);
        let labels: Vec<String> = (0..n).map(|_| self.label()).collect();
        let (end, targets) = (self.label(), self.label());
        self.line(format!("rem.u32 {t}, {s}, {n};"));
        self.line(format!("{targets}: .branchtargets {};", labels.join(", ")));
        self.line(format!("brx.idx {t}, {targets};"));
        self.targets.push(end.clone());
        for l in &labels {
            self.place(l);
            let n = 1 + self.rng.below(2);
            self.sequence(n, depth + 1, false);
            if self.rng.chance(75) {
                self.line(format!("bra {end};"));
            }
        }
        self.targets.pop();
        self.place(&end);
    }

    pub(super) fn jump(&mut self) {
        let p = self.condition();
        let not = self.rng.pick(&["", "!"]);
        let k = self.rng.below(self.targets.len() as u32) as usize;
        let to = self.targets[k].clone();
        self.line(format!("@{not}{p} bra {to};"));
    }

    pub(super) fn leave(&mut self) {
        let p = self.condition();
        let how = if self.function {
            "ret"
        } else {
            self.rng.pick(&["ret", "exit"])
        };
        self.line(format!("@{p} {how};"));
    }

    pub(super) fn call(&mut self) {
        let callee = self.rng.below(self.callees);
        let id = self.label();
        let id = &id[1..];
        let g = self.group();
        let (a, b, c) = (self.reads(&B32, g), self.reads(&B64, g), self.reads(&F32, g));
        let d = self.register(&B32, Any);
        let guard = if self.rng.chance(20) {
            format!("@{} ", self.reads(&PRED, Any))
        } else {
            String::new()
        };
        let input = if self.function { "%fin" } else { "%in" };
        self.line("{");
        self.line(format!(
            ".param .b32 {id}a; .param .b64 {id}b; .param .b32 {id}c; .param .b64 {id}d; .param .b32 {id}r;"
        ));
        self.line(format!("st.param.b32 [{id}r], {a};"));
        self.line(format!("st.param.b32 [{id}a], {a};"));
        self.line(format!("st.param.b64 [{id}b], {b};"));
        self.line(format!("st.param.f32 [{id}c], {c};"));
        self.line(format!("st.param.b64 [{id}d], {input};"));
        self.line(format!(
            "{guard}call ({id}r), fun{callee}, ({id}a, {id}b, {id}c, {id}d);"
        ));
        self.line(format!("ld.param.b32 {d}, [{id}r];"));
        self.line("}");
    }

    /// Values through shared memory.
    pub(super) fn exchange(&mut self) {
        let (ty, set): (&str, &[(&str, u32); 3]) = match self.rng.below(3) {
            0 => ("b64", &B64),
            1 => ("f32", &F32),
            _ => ("b32", &B32),
        };
        let bytes = if ty == "b64" { 8 } else { 4 };
        let (t, base) = (self.temp(), self.temp());
        let g = self.group();
        let v = self.reads(set, g);
        self.line(format!("mov.u32 {base}, exchange;"));
        self.line(format!("mad.lo.u32 {t}, %blin, {bytes}, {base};"));
        self.line(format!("st.shared.{ty} [{t}], {v};"));
        self.line("bar.sync 0;");
        for _ in 0..1 + self.rng.below(2) {
            let g = self.group();
            let d = self.register(set, g);
            let (s, at) = (self.s32(g), self.temp());
            let n = self.block_slots;
            match self.rng.below(3) {
                0 if g != Uniform => {
                    let by = self.rng.below(40);
                    self.line(format!("add.u32 {at}, %blin, {by};"));
                    self.line(format!("and.b32 {at}, {at}, {};", n - 1));
                }
                1 if g != Uniform => self.line(format!("sub.u32 {at}, {}, %blin;", n - 1)),
                _ => self.line(format!("and.b32 {at}, {s}, {};", n - 1)),
            }
            self.line(format!("mad.lo.u32 {at}, {at}, {bytes}, {base};"));
            if self.rng.chance(25) {
                let w = self.wide_temp();
                self.line(format!("cvt.u64.u32 {w}, {at};"));
                self.line(format!("cvta.shared.u64 {w}, {w};"));
                self.op(g, format!("ld.{ty} {d}, [{w}]"));
            } else {
                self.op(g, format!("ld.shared.{ty} {d}, [{at}]"));
            }
        }
        self.line("bar.sync 0;");
    }

    /// Atomics in shared memory between barriers.
    pub(super) fn shared_counters(&mut self) {
        let f = self
            .rng
            .pick(&["add.u32", "min.s32", "xor.b32", "or.b32", "max.u32"]);
        let (t, at) = (self.temp(), self.temp());
        self.line(format!("mov.u32 {at}, counters;"));
        for _ in 0..1 + self.rng.below(2) {
            let (s, v) = (self.s32(Any), self.reads(&B32, Any));
            self.line(format!("and.b32 {t}, {s}, 252;"));
            self.line(format!("add.u32 {t}, {t}, {at};"));
            self.op(Any, format!("red.shared.{f} [{t}], {v}"));
        }
        self.line("bar.sync 0;");
        let g = self.group();
        let (s, d) = (self.s32(g), self.register(&B32, g));
        self.line(format!("and.b32 {t}, {s}, 252;"));
        self.line(format!("add.u32 {t}, {t}, {at};"));
        self.op(g, format!("ld.shared.u32 {d}, [{t}]"));
        self.line("bar.sync 0;");
    }

    /// Reductions over the block at a barrier.
    pub(super) fn block_votes(&mut self) {
        let p = self.reads(&PRED, Any);
        if self.rng.chance(50) {
            let d = self.register(&B32, Any);
            self.line(format!("bar.red.popc.u32 {d}, 0, {p};"));
        } else {
            let d = self.register(&PRED, Any);
            let f = self.rng.pick(&["and", "or"]);
            self.line(format!("bar.red.{f}.pred {d}, 0, {p};"));
        }
    }

    /// Votes of each half of the warp on its own side of a branch.
    pub(super) fn half_warps(&mut self) {
        let (low, end) = (self.label(), self.label());
        let (p, q) = (self.register(&PRED, Any), self.reads(&PRED, Any));
        let (a, b) = (self.register(&B32, Any), self.register(&B32, Any));
        let u = self.register(&B32, Uniform);
        self.line(format!("mov.u32 {a}, %laneid;"));
        self.line(format!("setp.lt.u32 {p}, {a}, 16;"));
        self.line(format!("@{p} bra {low};"));
        self.line(format!("vote.sync.ballot.b32 {b}, {q}, -65536;"));
        self.line(format!("add.u32 {u}, {u}, 1;"));
        self.line(format!("bra {end};"));
        self.place(&low);
        self.line(format!("vote.sync.ballot.b32 {b}, {q}, 65535;"));
        self.place(&end);
        self.line("bar.warp.sync -1;");
    }

    /// Shuffles, votes, matches and reductions of whole warps.
    pub(super) fn across_lanes(&mut self) {
        let d = self.register(&B32, Any);
        let p = self.register(&PRED, Any);
        let v = self.reads(&B32, Any);
        let q = self.reads(&PRED, Any);
        let whole = self.full_warps && !self.exits;
        match self.rng.below(if whole { 8 } else { 4 }) {
            0 => self.line(format!("vote.sync.ballot.b32 {d}, {q}, -1;")),
            1 => {
                let f = self.rng.pick(&["all", "any", "uni"]);
                self.line(format!("vote.sync.{f}.pred {p}, {q}, -1;"));
            }
            2 => {
                let all = [
                    "add.u32", "min.s32", "max.u32", "and.b32", "or.b32", "xor.b32", "max.s32",
                ];
                let f = self.rng.pick(&all);
                self.line(format!("redux.sync.{f} {d}, {v}, -1;"));
            }
            3 => {
                let d = self.register(&B32, Any);
                if self.rng.chance(50) {
                    self.line(format!("match.any.sync.b32 {d}, {v}, -1;"));
                } else {
                    self.line(format!("match.all.sync.b32 {d}|{p}, {v}, -1;"));
                }
            }
            _ => {
                let g = self.group();
                let (mode, clamp) = self.rng.pick(&[
                    ("up", 0),
                    ("down", 31),
                    ("bfly", 31),
                    ("idx", 31),
                    ("down", 0x181f),
                    ("idx", 0x181f),
                    ("up", 0x1800),
                ]);
                let d = self.register(&B32, Any);
                let b = self.s32(g);
                let to = if self.rng.chance(50) {
                    format!("{d}|{p}")
                } else {
                    d
                };
                self.line(format!("shfl.sync.{mode}.b32 {to}, {v}, {b}, {clamp}, -1;"));
            }
        }
    }
}
