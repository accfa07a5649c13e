//! Pointers that move: rows of images, tiles, steps of loops. What an engine may know of such addresses from one
//! access to the next.

use super::*;

impl Generator<'_> {
    /// Reads around a pointer that moves, in the input buffer or in shared memory (then all threads take part).
    pub(super) fn walk(&mut self, shared: bool) {
        let size = if shared { self.block_slots * 8 } else { INPUT_BYTES };
        if size < 256 || self.function {
            return;
        }
        let n = self.walks;
        self.walks += 1;
        let narrow = shared && self.rng.chance(70);
        let (p, q, ty) = match narrow {
            true => (format!("%wn{n}"), format!("%wo{n}"), "u32"),
            false => (format!("%wk{n}"), format!("%wl{n}"), "s64"),
        };
        if shared {
            let (at, v) = (self.temp(), self.reads(&B64, Any));
            self.line(format!("mov.u32 {at}, exchange;"));
            self.line(format!("mad.lo.u32 {at}, %blin, 8, {at};"));
            self.line(format!("st.shared.b64 [{at}], {v};"));
            self.line("bar.sync 0;");
        }
        let unit = self.rng.pick(&[4, 4, 4, 8, 16]);
        let t = self.lane_pattern();
        // The start is in the first half; what is added and the offsets each stay within a quarter.
        self.line(format!("and.b32 {t}, {t}, {};", size / 2 / unit - 1));
        self.line(format!("mul.lo.u32 {t}, {t}, {unit};"));
        let down = self.rng.chance(30);
        if down {
            self.line(format!("add.u32 {t}, {t}, {};", size / 4));
        }
        match (shared, narrow) {
            (true, true) => {
                self.line(format!("mov.u32 {p}, exchange;"));
                self.line(format!("add.u32 {p}, {p}, {t};"));
            }
            (true, false) => {
                let base = self.temp();
                self.line(format!("mov.u32 {base}, exchange;"));
                self.line(format!("add.u32 {t}, {t}, {base};"));
                self.line(format!("cvt.u64.u32 {p}, {t};"));
            }
            (false, _) => {
                self.line(format!("cvt.u64.u32 {p}, {t};"));
                self.line(format!("add.s64 {p}, %in, {p};"));
            }
        }
        let (k, top) = (self.loops, self.label());
        self.loops += 1;
        let step = (size / 4 / 8 / unit + 1).min(1 + self.rng.below(20)) * unit;
        let step = if step * 6 > size / 4 { 0 } else { step as i32 };
        let step = if down { -step } else { step };
        let trips = match self.rng.below(3) {
            0 => "1".into(),
            1 => "%n".into(),
            _ => {
                let s = self.s32_register(Any);
                self.line(format!("and.b32 %lb{k}, {s}, 3;"));
                format!("%lb{k}")
            }
        };
        self.line(format!("mov.u32 %lc{k}, 0;"));
        self.place(&top);
        for _ in 0..1 + self.rng.below(3) {
            self.walk_reads(&p, shared, unit, size / 4);
            if self.rng.chance(40) {
                let by = self.rng.below(size / 8 / unit) * unit;
                let by = match self.rng.below(3) {
                    0 => {
                        let t = self.temp();
                        self.line(format!("mad.lo.u32 {t}, %ntid.x, 0, {by};"));
                        match narrow {
                            true => t,
                            false => {
                                let w = self.wide_temp();
                                self.line(format!("cvt.u64.u32 {w}, {t};"));
                                w
                            }
                        }
                    }
                    _ => by.to_string(),
                };
                self.line(format!("add.{ty} {q}, {p}, {by};"));
                self.walk_reads(&q, shared, unit, size / 8);
            }
        }
        match self.rng.below(5) {
            0 => {
                let (a, end) = (self.reads(&PRED, Any), self.label());
                self.line(format!("@{a} bra {end};"));
                self.line(format!("add.{ty} {p}, {p}, {step};"));
                if self.rng.chance(50) {
                    self.walk_reads(&p, shared, unit, size / 4);
                }
                self.place(&end);
            }
            1 => {
                let a = self.reads(&PRED, Any);
                self.line(format!("@{a} add.{ty} {p}, {p}, {step};"));
            }
            _ => self.line(format!("add.{ty} {p}, {p}, {step};")),
        }
        self.line(format!("add.s32 %lc{k}, %lc{k}, 1;"));
        self.line(format!("setp.lt.s32 %lp{k}, %lc{k}, {trips};"));
        self.line(format!("@%lp{k} bra {top};"));
        if shared {
            self.line("bar.sync 0;");
        }
    }

    /// Numbers that neighbouring threads have, as images and tiles are laid out.
    fn lane_pattern(&mut self) -> String {
        let (t, q) = (self.temp(), self.temp());
        match self.rng.below(7) {
            0 => self.line(format!("mov.u32 {t}, %blin;")),
            1 => {
                let row = self.rng.pick(&[8, 13, 16, 17, 28, 32, 33, 100]);
                self.line(format!("mad.lo.u32 {t}, %tid.y, {row}, %tidx;"));
            }
            2 => {
                let s = self.rng.below(6);
                self.line(format!("shr.u32 {t}, %blin, {s};"));
            }
            3 => {
                // Rows of 11 in rows of 13.
                self.line(format!("mul.lo.u32 {q}, %blin, 373;"));
                self.line(format!("shr.u32 {q}, {q}, 12;"));
                self.line(format!("mad.lo.u32 {t}, {q}, 2, %blin;"));
            }
            4 => {
                let (a, b) = (self.rng.below(8), self.rng.below(32));
                self.line(format!("xor.b32 {t}, %blin, {b};"));
                self.line(format!("mad.lo.u32 {t}, {t}, {a}, 3;"));
            }
            5 => self.line(format!("sub.u32 {t}, 200, %blin;")),
            _ => {
                let s = self.s32_register(Any);
                self.line(format!("mov.b32 {t}, {s};"));
            }
        }
        t
    }

    /// Reads at offsets below `span` from a pointer that is a multiple of `unit`.
    fn walk_reads(&mut self, p: &str, shared: bool, unit: u32, span: u32) {
        for _ in 0..1 + self.rng.below(4) {
            let (ty, bytes, to) = self.loaded(Any);
            if bytes > unit {
                continue;
            }
            let offset = self.rng.below((span - bytes) / unit + 1).min(40) * unit;
            let space = if shared { "shared" } else { "global" };
            let text = format!("ld.{space}.{ty} {to}, [{p}+{offset}]");
            if self.rng.chance(15) {
                let (a, end) = (self.reads(&PRED, Any), self.label());
                self.line(format!("@{a} bra {end};"));
                self.line(format!("{text};"));
                self.place(&end);
            } else {
                self.op(Any, text);
            }
        }
    }
}
