//! Memory: where a thread may read and write without anybody noticing the order.

use super::*;

impl Generator<'_> {
    /// An address in the input buffer for `bytes` bytes: register and offset.
    pub(super) fn input_address(&mut self, g: Group, bytes: u32) -> String {
        let (t, w) = (self.temp(), self.wide_temp());
        let mask = INPUT_BYTES - bytes;
        let base = if self.function { "%fin" } else { "%in" };
        if self.function || self.rng.chance(50) {
            let s = self.s32(g);
            self.line(format!("and.b32 {t}, {s}, {mask};"));
            self.line(format!("cvt.u64.u32 {w}, {t};"));
            self.line(format!("add.s64 {w}, {w}, {base};"));
            return format!("[{w}]");
        }
        // tid.x * step + ctaid.x * block + k, inside the buffer by construction.
        let step = self.rng.below(9) as i32 - 4;
        let block = self.rng.below(3) as i32 * 8;
        let middle = INPUT_BYTES as i32 / 2 / bytes as i32;
        let k = middle + self.rng.below(64) as i32 - 32;
        let wrap = self.constant() as i32;
        self.line(format!("mul.lo.s32 {t}, %tidx, {step};"));
        self.line(format!("mad.lo.s32 {t}, %ctax, {block}, {t};"));
        let negative = self.rng.chance(40);
        let bias = if negative { k - middle } else { k };
        self.line(format!("add.s32 {t}, {t}, {};", bias.wrapping_add(wrap)));
        self.line(format!("sub.s32 {t}, {t}, {wrap};"));
        let wide = if negative {
            "s32"
        } else {
            self.rng.pick(&["s32", "u32"])
        };
        match self.rng.below(4) {
            0 => self.line(format!("mad.wide.{wide} {w}, {t}, {bytes}, {base};")),
            1 => {
                let x = self.rng.pick(&["s64.s32", "s64.s32"]);
                self.line(format!("cvt.{x} {w}, {t};"));
                self.line(format!("shl.b64 {w}, {w}, {};", bytes.ilog2()));
                self.line(format!("add.s64 {w}, {base}, {w};"));
            }
            2 => {
                self.line(format!("shl.b32 {t}, {t}, {};", bytes.ilog2()));
                self.line(format!("cvt.s64.s32 {w}, {t};"));
                self.line(format!("add.s64 {w}, {w}, {base};"));
            }
            _ => {
                self.line(format!("mul.wide.{wide} {w}, {t}, {bytes};"));
                self.line(format!("add.s64 {w}, {w}, {base};"));
            }
        }
        let offset = if negative { middle * bytes as i32 } else { 0 };
        format!("[{w}+{offset}]")
    }

    /// Load types: what is written, bytes, and how many destinations of which set.
    pub(super) fn loaded(&mut self, g: Group) -> (&'static str, u32, String) {
        let list = |gen_: &mut Self, set: &[(&str, u32); 3], n: usize| {
            let mut names: Vec<String> = Vec::new();
            let (prefix, count) = set[g as usize];
            let first = gen_.rng.below(count);
            for k in 0..n as u32 {
                names.push(format!("{prefix}{}", (first + k) % count));
            }
            if n == 1 {
                names.remove(0)
            } else {
                format!("{{{}}}", names.join(", "))
            }
        };
        match self.rng.below(13) {
            0 => ("u8", 1, list(self, &B32, 1)),
            1 => ("s8", 1, list(self, &B32, 1)),
            2 => ("s16", 2, list(self, &B32, 1)),
            3 => ("u16", 2, list(self, &B16, 1)),
            4 | 5 => ("b32", 4, list(self, &B32, 1)),
            6 => ("f32", 4, list(self, &F32, 1)),
            7 => ("s32", 4, list(self, &B64, 1)),
            8 => ("b64", 8, list(self, &B64, 1)),
            9 => ("f64", 8, list(self, &F64, 1)),
            10 => ("v2.b32", 8, list(self, &B32, 2)),
            11 => (
                "v4.f32",
                16,
                if g == Any {
                    list(self, &F32, 4)
                } else {
                    "{%f0, %f2, %f1, %f7}".into()
                },
            ),
            _ => ("v4.u32", 16, list(self, &B32, 4)),
        }
    }

    pub(super) fn read(&mut self, g: Group) {
        let (ty, bytes, to) = self.loaded(g);
        if self.rng.chance(12) {
            let (t, w) = (self.temp(), self.wide_temp());
            let s = self.s32(g);
            self.line(format!("and.b32 {t}, {s}, {};", TABLE * 4 - bytes));
            self.line(format!("cvt.u64.u32 {w}, {t};"));
            let base = self.wide_temp();
            self.line(format!("mov.u64 {base}, table;"));
            self.line(format!("add.s64 {w}, {w}, {base};"));
            return self.op(g, format!("ld.const.{ty} {to}, [{w}]"));
        }
        let from = self.input_address(g, bytes);
        let how = self
            .rng
            .pick(&["global.", "global.", "global.nc.", "", "volatile.global."]);
        self.op(g, format!("ld.{how}{ty} {to}, {from}"));
    }

    /// The address of this thread's place in an output slot.
    pub(super) fn output_address(&mut self, site: Site, k: u32) -> String {
        let (t, w) = (self.temp(), self.wide_temp());
        let n = self.slots;
        let mut offset = k * n * 16;
        let Site {
            mapping,
            odd,
            add,
            scale,
        } = site;
        let mut signed = false;
        match mapping {
            0 => self.line(format!("mov.u32 {t}, %lin;")),
            1 => self.line(format!("sub.u32 {t}, {}, %lin;", n - 1)),
            2 => self.line(format!("xor.b32 {t}, %lin, {};", add % n)),
            3 => {
                self.line(format!("mad.lo.u32 {t}, %lin, {odd}, {add};"));
                self.line(format!("and.b32 {t}, {t}, {};", n - 1));
            }
            4 => {
                self.line(format!("add.u32 {t}, %lin, {};", 0xffff_ff00u32 as i32));
                self.line(format!("add.u32 {t}, {t}, 256;"));
            }
            5 => {
                self.line(format!("shl.b32 {t}, %lin, 20;"));
                self.line(format!("shr.u32 {t}, {t}, 20;"));
            }
            6 => {
                signed = true;
                offset += n * scale;
                self.line(format!("sub.s32 {t}, %lin, {n};"));
            }
            _ => {
                // A product that wraps: lin * (2^31 + 1) without its top bit.
                self.line(format!("mul.lo.u32 {t}, %lin, {};", 0x8000_0001u32 as i32));
                self.line(format!("and.b32 {t}, {t}, 2147483647;"));
            }
        }
        let wide = if signed { "s32" } else { "u32" };
        match self.rng.below(4) {
            0 => self.line(format!("mad.wide.{wide} {w}, {t}, {scale}, %out;")),
            1 => {
                self.line(format!("mul.wide.{wide} {w}, {t}, {scale};"));
                self.line(format!("add.s64 {w}, %out, {w};"));
            }
            2 => {
                self.line(format!("cvt.s64.s32 {w}, {t};"));
                self.line(format!("shl.b64 {w}, {w}, {};", scale.ilog2()));
                self.line(format!("add.s64 {w}, {w}, %out;"));
            }
            _ => {
                self.line(format!("shl.b32 {t}, {t}, {};", scale.ilog2()));
                self.line(format!("cvt.s64.s32 {w}, {t};"));
                self.line(format!("add.s64 {w}, {w}, %out;"));
            }
        }
        format!("[{w}+{offset}]")
    }

    /// Stores something into a new output slot.
    pub(super) fn write(&mut self) {
        if self.function {
            return;
        }
        let g = self.group();
        let (ty, bytes, from) = match self.rng.below(11) {
            0 => ("b8", 1, self.reads(&B32, g)),
            1 => ("b16", 2, self.reads(&B16, g)),
            2 | 3 => ("b32", 4, self.s32_register(g)),
            4 | 5 => ("f32", 4, self.reads(&F32, g)),
            6 => ("b64", 8, self.reads(&B64, g)),
            7 => ("f64", 8, self.reads(&F64, g)),
            8 => {
                let (a, b) = (self.reads(&B32, g), self.reads(&B32, g));
                ("v2.b32", 8, format!("{{{a}, {b}}}"))
            }
            9 => {
                let (a, b) = (self.reads(&B64, g), self.reads(&B64, g));
                ("v2.b64", 16, format!("{{{a}, {b}}}"))
            }
            _ => {
                let (a, b) = (self.reads(&F32, g), self.reads(&F32, Any));
                ("v4.f32", 16, format!("{{{a}, {b}, {b}, {a}}}"))
            }
        };
        let site = Site {
            mapping: self.rng.below(8),
            odd: self.rng.below(64) * 2 + 1,
            add: self.rng.below(1000),
            scale: self.rng.pick(&[bytes, bytes, 16]),
        };
        let k = self.sites.len() as u32;
        self.sites.push(site);
        let to = self.output_address(site, k);
        let how = self.rng.pick(&["global.", "global.", ""]);
        let text = format!("st.{how}{ty} {to}, {from}");
        self.op(Any, text);
    }

    pub(super) fn s32_register(&mut self, g: Group) -> String {
        if self.loops > 0 && self.rng.chance(30) {
            format!("%lc{}", self.rng.below(self.loops))
        } else {
            self.reads(&B32, g)
        }
    }

    /// Reads what this thread may have stored before.
    pub(super) fn read_back(&mut self) {
        if self.sites.is_empty() || self.function {
            return;
        }
        let k = self.rng.below(self.sites.len() as u32);
        let from = self.output_address(self.sites[k as usize], k);
        let d = self.register(&B32, Any);
        self.op(Any, format!("ld.global.u8 {d}, {from}"));
    }

    pub(super) fn local(&mut self, g: Group) {
        if self.function {
            return;
        }
        let (t, w) = (self.temp(), self.wide_temp());
        let store = self.rng.chance(50);
        let (ty, bytes, d) = self.loaded(g);
        let s = self.s32(g);
        self.line(format!("and.b32 {t}, {s}, {};", 128 - bytes));
        self.line(format!("cvt.u64.u32 {w}, {t};"));
        let (base, space) = self
            .rng
            .pick(&[("%stack", ".local"), ("%stack", ".local"), ("%generic", "")]);
        self.line(format!("add.s64 {w}, {w}, {base};"));
        if store {
            let from = d;
            let ty = if ty == "s32" && from.contains('d') {
                "b32"
            } else {
                ty
            };
            self.op(g, format!("st{space}.{ty} [{w}], {from}"));
        } else {
            self.op(g, format!("ld{space}.{ty} {d}, [{w}]"));
        }
    }

    /// A commutative atomic in global memory whose old value nobody sees.
    pub(super) fn atomic(&mut self) {
        if self.function || self.atomic_sites >= ATOMIC_BYTES / 64 {
            return;
        }
        let k = self.atomic_sites;
        self.atomic_sites += 1;
        let (f, ty, bytes) = self.rng.pick(&[
            ("add", "u32", 4),
            ("add", "u32", 4),
            ("min", "s32", 4),
            ("max", "u32", 4),
            ("and", "b32", 4),
            ("or", "b32", 4),
            ("xor", "b32", 4),
            ("add", "u64", 8),
            ("max", "s64", 8),
        ]);
        let (t, w) = (self.temp(), self.wide_temp());
        let g = self.group();
        let s = self.s32(g);
        self.line(format!("and.b32 {t}, {s}, {};", 64 - bytes));
        self.line(format!("cvt.u64.u32 {w}, {t};"));
        self.line(format!("add.s64 {w}, {w}, %atomics;"));
        let g = self.group();
        let v = if bytes == 8 {
            self.reads(&B64, g)
        } else {
            self.reads(&B32, g)
        };
        let text = match self.rng.below(3) {
            0 if bytes == 4 => format!("atom.global.{f}.{ty} %junk, [{w}+{}], {v}", k * 64),
            _ => format!("red.global.{f}.{ty} [{w}+{}], {v}", k * 64),
        };
        self.op(Any, text);
    }

    pub(super) fn last_write(&mut self, set: &[(&str, u32); 3], group: Group) {
        let name = self.register(set, group);
        let ty = match set[0].0 {
            "%u" => "b32",
            "%uf" => "f32",
            "%ue" => "f64",
            _ => "b64",
        };
        let bytes = if ty.ends_with("64") { 8 } else { 4 };
        self.write_register(ty, bytes, &name);
    }

    pub(super) fn write_register(&mut self, ty: &str, bytes: u32, name: &str) {
        let site = Site {
            mapping: self.rng.below(8),
            odd: self.rng.below(64) * 2 + 1,
            add: self.rng.below(1000),
            scale: bytes,
        };
        let k = self.sites.len() as u32;
        self.sites.push(site);
        let to = self.output_address(site, k);
        self.line(format!("st.global.{ty} {to}, {name};"));
    }
}
