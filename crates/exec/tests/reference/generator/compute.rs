//! Instructions that compute.

use super::*;

impl Generator<'_> {
    /// What index arithmetic is made of.
    pub(super) fn affine(&mut self) {
        let d = self.register(&B32, Affine);
        let dd = self.register(&B64, Affine);
        let (a, b) = (self.s32(Affine), self.s32(Affine));
        let (u, c) = (self.s32(Uniform), self.constant() as i32);
        let ar = self.register(&B32, Affine);
        let adr = self.register(&B64, Affine);
        let n = self.rng.below(34);
        let text = match self.rng.below(22) {
            0 => format!("add.s32 {d}, {a}, {u}"),
            1 => format!("sub.s32 {d}, {u}, {a}"),
            2 => format!("mul.lo.s32 {d}, {a}, {c}"),
            3 => format!("mad.lo.s32 {d}, {ar}, {c}, {b}"),
            4 => format!("shl.b32 {d}, {ar}, {n}"),
            5 => format!("neg.s32 {d}, {ar}"),
            6 => format!("cvt.s64.s32 {dd}, {ar}"),
            7 => format!("cvt.u64.u32 {dd}, {ar}"),
            8 => format!("mul.wide.s32 {dd}, {ar}, {c}"),
            9 => format!("mul.wide.u32 {dd}, {ar}, {c}"),
            10 => format!("cvt.u32.u64 {d}, {adr}"),
            11 => format!("add.s64 {dd}, {adr}, {c}"),
            12 => format!("sub.s64 {dd}, {}, {adr}", self.s64(Uniform)),
            13 => format!("shl.b64 {dd}, {adr}, {n}"),
            14 => format!("mad.wide.s32 {dd}, {ar}, {c}, {adr}"),
            15 => format!("mad.wide.u32 {dd}, {ar}, {u}, {adr}"),
            16 => format!("and.b32 {d}, {ar}, {c}"),
            17 => format!("shr.s32 {d}, {ar}, {n}"),
            18 => format!("mov.u32 {d}, {}", self.special(Affine)),
            19 => format!("mul.lo.s64 {dd}, {adr}, {c}"),
            20 => format!("mad.lo.s64 {dd}, {adr}, {c}, {}", self.s64(Affine)),
            _ => format!("mov.b64 {dd}, {adr}"),
        };
        self.op(Affine, text);
    }

    pub(super) fn int32(&mut self, g: Group) {
        let d = self.register(&B32, g);
        let (a, b, c) = (self.s32(g), self.s32(g), self.s32(g));
        let t = self.rng.pick(&["u32", "s32"]);
        let text = match self.rng.below(27) {
            0 | 1 => format!("add.{t} {d}, {a}, {b}"),
            2 => format!("sub.{t} {d}, {a}, {b}"),
            3 => format!("mul.lo.{t} {d}, {a}, {b}"),
            4 => format!("mul.hi.{t} {d}, {a}, {b}"),
            5 => format!("mad.lo.{t} {d}, {a}, {b}, {c}"),
            6 => format!("mad.hi.{t} {d}, {a}, {b}, {c}"),
            7 => format!("div.{t} {d}, {a}, {b}"),
            8 => format!("rem.{t} {d}, {a}, {b}"),
            9 => format!("min.{t} {d}, {a}, {b}"),
            10 => format!("max.{t} {d}, {a}, {b}"),
            11 => format!("{}.b32 {d}, {a}, {b}", self.rng.pick(&["and", "or", "xor"])),
            12 => format!("shl.b32 {d}, {a}, {b}"),
            13 => format!("shr.{t} {d}, {a}, {b}"),
            14 => format!("abs.s32 {d}, {a}"),
            15 => format!("not.b32 {d}, {a}"),
            16 => format!("bfe.{t} {d}, {a}, {b}, {c}"),
            17 => format!("bfi.b32 {d}, {a}, {b}, {c}, {}", self.rng.below(34)),
            18 => format!("prmt.b32 {d}, {a}, {b}, {c}"),
            19 => format!(
                "shf.{}.b32 {d}, {a}, {b}, {c}",
                self.rng.pick(&["l.wrap", "r.clamp", "l.clamp", "r.wrap"])
            ),
            20 => format!("lop3.b32 {d}, {a}, {b}, {c}, {}", self.rng.below(256)),
            21 => format!("{}.b32 {d}, {a}", self.rng.pick(&["popc", "clz", "brev"])),
            22 => format!("sad.{t} {d}, {a}, {b}, {c}"),
            23 => format!("bfind.{t} {d}, {a}"),
            24 => format!("selp.b32 {d}, {a}, {b}, {}", self.reads(&PRED, g)),
            25 => format!("mov.u32 {d}, {}", self.special(g)),
            _ => format!("set.{}.u32.{t} {d}, {a}, {b}", self.rng.pick(&["lt", "ge", "eq"])),
        };
        self.op(g, text);
    }

    pub(super) fn int64(&mut self, g: Group) {
        let d = self.register(&B64, g);
        let (a, b, c) = (self.s64(g), self.s64(g), self.s64(g));
        let (n, m) = (self.s32(g), self.s32(g));
        let t = self.rng.pick(&["u64", "s64"]);
        let half = self.rng.pick(&["u32", "s32"]);
        let text = match self.rng.below(18) {
            0 => format!("add.{t} {d}, {a}, {b}"),
            1 => format!("sub.{t} {d}, {a}, {b}"),
            2 => format!("mul.lo.{t} {d}, {a}, {b}"),
            3 => format!("mul.hi.{t} {d}, {a}, {b}"),
            4 => format!("mad.lo.{t} {d}, {a}, {b}, {c}"),
            5 => format!("mul.wide.{half} {d}, {n}, {m}"),
            6 => format!("mad.wide.{half} {d}, {n}, {m}, {a}"),
            7 => format!("div.{t} {d}, {a}, {b}"),
            8 => format!("rem.{t} {d}, {a}, {b}"),
            9 => format!("min.{t} {d}, {a}, {b}"),
            10 => format!("max.{t} {d}, {a}, {b}"),
            11 => format!("{}.b64 {d}, {a}, {b}", self.rng.pick(&["and", "or", "xor"])),
            12 => format!("shl.b64 {d}, {a}, {n}"),
            13 => format!("shr.{t} {d}, {a}, {n}"),
            14 => format!("neg.s64 {d}, {a}"),
            15 => format!("bfe.{t} {d}, {a}, {n}, {m}"),
            16 => format!("selp.b64 {d}, {a}, {b}, {}", self.reads(&PRED, g)),
            _ => format!("not.b64 {d}, {a}"),
        };
        self.op(g, text);
    }

    pub(super) fn convert(&mut self, g: Group) {
        let (i, w) = (self.register(&B32, g), self.register(&B64, g));
        let (f, e, h) = (
            self.register(&F32, g),
            self.register(&F64, g),
            self.register(&B16, g),
        );
        let (si, sw) = (self.reads(&B32, g), self.reads(&B64, g));
        let (sf, se, sh) = (self.reads(&F32, g), self.reads(&F64, g), self.reads(&B16, g));
        let round = self.rng.pick(&["rni", "rzi", "rmi", "rpi"]);
        let r = self.rng.pick(&["rn", "rz", "rm", "rp"]);
        let (v, t) = match (self.rounding(g), self.format()) {
            (v, "bf16") => (v, "vf32"),
            both => both,
        };
        let text = match self.rng.below(30) {
            0 | 1 => format!("cvt.s64.s32 {w}, {si}"),
            2 | 3 => format!("cvt.u64.u32 {w}, {si}"),
            4 => format!("cvt.u32.u64 {i}, {sw}"),
            5 => format!("cvt.s32.s64 {i}, {sw}"),
            6 => format!("cvt.u16.u32 {h}, {si}"),
            7 => format!("cvt.u32.u16 {i}, {sh}"),
            8 => format!("cvt.s32.s16 {i}, {sh}"),
            9 => format!("cvt.s32.s8 {i}, {si}"),
            10 => format!("cvt.u32.u8 {i}, {si}"),
            11 => format!("cvt.s64.s16 {w}, {sh}"),
            12 => format!("cvt.sat.s16.s32 {h}, {si}"),
            13 => format!("cvt.{r}.f32.s32 {f}, {si}"),
            14 => format!("cvt.rn.f32.u32 {f}, {si}"),
            15 => format!("cvt.{r}.f32.u64 {f}, {sw}"),
            16 => format!("cvt.{round}.s32.f32 {i}, {sf}"),
            17 => format!("cvt.{round}.u32.f32 {i}, {sf}"),
            18 => format!("cvt.{round}.s64.f32 {w}, {sf}"),
            19 => format!("cvt.{round}.u64.f64 {w}, {se}"),
            20 => format!("cvt.f64.f32 {e}, {sf}"),
            21 => format!("cvt.{r}.f32.f64 {f}, {se}"),
            22 => format!("cvt.rn.f64.s32 {e}, {si}"),
            23 => format!("cvt.rn.f16.f32 {h}, {sf}"),
            24 => format!("cvt.f32.f16 {f}, {sh}"),
            25 => format!("cvt.{round}.f32.f32 {f}, {sf}"),
            26 => format!("cvt{v}.{t}.s32 {f}, {si}"),
            27 => format!("cvt{v}.{t}.f64 {f}, {se}"),
            28 => format!("cvt.{round}.s32.{t} {i}, {sf}"),
            _ => format!("cvt{v}.{t}.f32 {f}, {sf}"),
        };
        self.op(g, text);
    }

    pub(super) fn float(&mut self, g: Group) {
        let d = self.register(&F32, g);
        let (a, b, c) = (self.f32(g), self.f32(g), self.f32(g));
        let r = self.rng.pick(&["rn", "rn", "rz", "rm", "rp"]);
        let ftz = self.rng.pick(&["", "", ".ftz"]);
        let sat = self.rng.pick(&["", "", ".sat"]);
        let text = match self.rng.below(18) {
            0 => format!("add{ftz}{sat}.f32 {d}, {a}, {b}"),
            1 => format!("sub.{r}{ftz}.f32 {d}, {a}, {b}"),
            2 => format!("mul{ftz}{sat}.f32 {d}, {a}, {b}"),
            3 => format!("mul.{r}.f32 {d}, {a}, {b}"),
            4..=6 => format!("fma.{r}{ftz}{sat}.f32 {d}, {a}, {b}, {c}"),
            7 => format!("fma.rn.f32 {d}, {a}, {b}, {c}"),
            8 => format!("div.{r}.f32 {d}, {a}, {b}"),
            9 => format!("min{ftz}.f32 {d}, {a}, {b}"),
            10 => format!("max{ftz}.f32 {d}, {a}, {b}"),
            11 => format!("neg{ftz}.f32 {d}, {a}"),
            12 => format!("abs{ftz}.f32 {d}, {a}"),
            13 => format!("sqrt.{r}.f32 {d}, {a}"),
            14 => format!("rcp.{r}.f32 {d}, {a}"),
            15 => format!(
                "{}.approx{ftz}.f32 {d}, {a}",
                self.rng
                    .pick(&["ex2", "lg2", "rsqrt", "sin", "cos", "rcp", "sqrt"])
            ),
            16 => format!("selp.f32 {d}, {a}, {b}, {}", self.reads(&PRED, g)),
            _ => format!("mov.f32 {d}, {a}"),
        };
        self.op(g, text);
    }

    pub(super) fn variable(&mut self, g: Group) {
        let d = self.register(&F32, g);
        let (a, c) = (self.f32(g), self.f32(g));
        let mut b = self.reads(&F32, g);
        if self.rng.chance(10) {
            b = format!("-{b}");
        }
        let r = self.rounding(g);
        let sat = self.rng.pick(&["", "", "", ".sat"]);
        let t = self.format();
        let acc = match t {
            "bf16" => "",
            "vf32" => self.rng.pick(&["", "", "::launch::fp16", "::launch::e8m13"]),
            _ => self
                .rng
                .pick(&["", "", "::fp32", "::fp16", "::e8m13", "::bf16_sat", "::e5m2"]),
        };
        let text = match self.rng.below(16) {
            0 | 1 => format!("add{r}{sat}.{t} {d}, {a}, {b}"),
            2 => format!("sub{r}{sat}.{t} {d}, {a}, {b}"),
            3 | 4 => format!("mul{r}{sat}.{t} {d}, {a}, {b}"),
            5 => format!("div{r}.{t} {d}, {a}, {b}"),
            6..=8 => format!("fma{r}{sat}.{t} {d}, {a}, {b}, {c}"),
            9 | 10 => format!("fmam{r}{sat}.{t}{acc} {d}, {a}, {b}, {c}"),
            11 => format!("addm{r}{sat}.{t}{acc} {d}, {a}, {b}"),
            12 => format!("{}.{t} {d}, {a}, {b}", self.rng.pick(&["min", "max"])),
            13 => format!("{}.{t} {d}, {b}", self.rng.pick(&["neg", "abs"])),
            14 => format!("{}{r}.{t} {d}, {b}", self.rng.pick(&["sqrt", "rcp", "rsqrt"])),
            _ => format!(
                "{}{r}.{t} {d}, {b}",
                self.rng.pick(&["ex2", "lg2", "sin", "cos", "tanh"])
            ),
        };
        self.op(g, text);
    }

    /// A rounding; registers that must be the same in all threads are not rounded at random.
    fn rounding(&mut self, g: Group) -> &'static str {
        let all = [
            "", "", "", ".rn", ".rz", ".rm", ".rp", ".ra", ".ro", ".rs", ".rs", ".rs::4",
        ];
        self.rng.pick(&all[..if g == Uniform { 9 } else { 12 }])
    }

    /// A format: the launch's, early bf16, or one that the instruction names.
    fn format(&mut self) -> &'static str {
        self.rng.pick(&[
            "vf32",
            "vf32",
            "vf32",
            "bf16",
            "vf32::e5m2",
            "vf32::bf16",
            "vf32::fp16",
            "vf32::fp32",
            "vf32::e4m3fn_sat",
            "vf32::e4m3fnuz",
            "vf32::e6m3_ftz",
            "vf32::p9_n20_15",
        ])
    }

    pub(super) fn double_or_half(&mut self, g: Group) {
        let d = self.register(&F64, g);
        let (a, b, c) = (self.f64(g), self.f64(g), self.f64(g));
        let h = self.register(&B16, g);
        let (x, y, z) = (self.reads(&B16, g), self.reads(&B16, g), self.reads(&B16, g));
        let i = self.register(&B32, g);
        let (p, q) = (self.reads(&B32, g), self.reads(&B32, g));
        let text = match self.rng.below(13) {
            0 => format!("add.rn.f64 {d}, {a}, {b}"),
            1 => format!("mul.rn.f64 {d}, {a}, {b}"),
            2 => format!("fma.rn.f64 {d}, {a}, {b}, {c}"),
            3 => format!("sub.rz.f64 {d}, {a}, {b}"),
            4 => format!("div.rn.f64 {d}, {a}, {b}"),
            5 => format!("add.f16 {h}, {x}, {y}"),
            6 => format!("mul.f16 {h}, {x}, {y}"),
            7 => format!("fma.rn.f16 {h}, {x}, {y}, {z}"),
            8 => format!("add.s16 {h}, {x}, {y}"),
            9 => format!("mul.lo.u16 {h}, {x}, {y}"),
            10 => format!("mul.wide.s16 {i}, {x}, {y}"),
            11 => format!("add.f16x2 {i}, {p}, {q}"),
            _ => format!("shr.s16 {h}, {x}, {p}"),
        };
        self.op(g, text);
    }

    pub(super) fn predicate(&mut self, g: Group) {
        let d = self.register(&PRED, g);
        let (p, q) = (self.reads(&PRED, g), self.reads(&PRED, g));
        let not = self.rng.pick(&["", "", "!"]);
        let cmp = self.rng.pick(&["eq", "ne", "lt", "le", "gt", "ge"]);
        let fcmp = self.rng.pick(&[
            "eq", "ne", "lt", "gt", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
        ]);
        let combine = self.rng.pick(&["and", "or", "xor"]);
        let t = self.rng.pick(&["u32", "s32"]);
        let w = self.rng.pick(&["u64", "s64"]);
        let (a, b) = (self.s32(g), self.s32(g));
        let text = match self.rng.below(12) {
            0..=2 => format!("setp.{cmp}.{t} {d}, {a}, {b}"),
            3 => format!("setp.{cmp}.{combine}.{t} {d}, {a}, {b}, {not}{p}"),
            4 => {
                let mut second = self.register(&PRED, g);
                if second == d {
                    second = if g == Uniform { "%up2".into() } else { "%p5".into() };
                }
                if second == d {
                    return;
                }
                format!("setp.{cmp}.{combine}.{t} {d}|{second}, {a}, {b}, {p}")
            }
            5 => format!("setp.{cmp}.{w} {d}, {}, {}", self.s64(g), self.s64(g)),
            6 => format!("setp.{fcmp}.f32 {d}, {}, {}", self.f32(g), self.f32(g)),
            7 => format!(
                "setp.{fcmp}.{} {d}, {}, {}",
                self.format()
                    .replace("bf16", "vf32")
                    .replace("vf32::vf32", "vf32::bf16"),
                self.f32(g),
                self.f32(g)
            ),
            8 => format!("setp.{fcmp}.f64 {d}, {}, {}", self.f64(g), self.f64(g)),
            9 => format!("not.pred {d}, {p}"),
            10 => format!("mov.pred {d}, {p}"),
            _ => format!("{combine}.pred {d}, {p}, {q}"),
        };
        self.op(g, text);
    }

    pub(super) fn rare(&mut self, g: Group) {
        let (d, w, f) = (
            self.register(&B32, g),
            self.register(&B64, g),
            self.register(&F32, g),
        );
        let (a, b, c) = (self.s32(g), self.s32(g), self.s32(g));
        let s = self.s32(g);
        let text = match self.rng.below(7) {
            0 => format!("dp4a.s32.u32 {d}, {a}, {b}, {c}"),
            1 => format!("mul24.lo.s32 {d}, {a}, {b}"),
            2 => format!("mad24.hi.u32 {d}, {a}, {b}, {c}"),
            3 => format!("slct.b32.s32 {d}, {a}, {b}, {s}"),
            4 => format!(
                "slct.f32.f32 {f}, {}, {}, {}",
                self.f32(g),
                self.f32(g),
                self.f32(g)
            ),
            5 => format!("brev.b64 {w}, {}", self.s64(g)),
            _ => format!("popc.b64 {d}, {}", self.s64(g)),
        };
        self.op(g, text);
    }

    pub(super) fn pack(&mut self, g: Group) {
        let (d, w) = (self.register(&B32, g), self.register(&B64, g));
        let (a, b) = (self.reads(&B32, g), self.reads(&B32, g));
        let (x, y) = (self.reads(&B16, g), self.reads(&B16, g));
        let text = match self.rng.below(4) {
            0 => format!("mov.b64 {w}, {{{a}, {b}}}"),
            1 => {
                let (p, n) = B32[g as usize];
                let k = self.rng.below(n);
                format!("mov.b64 {{{p}{k}, {p}{}}}, {}", (k + 1) % n, self.reads(&B64, g))
            }
            2 => format!("mov.b32 {d}, {{{x}, {y}}}"),
            _ => {
                let (p, n) = B16[g as usize];
                let k = self.rng.below(n);
                format!("mov.b32 {{{p}{k}, {p}{}}}, {a}", (k + 1) % n)
            }
        };
        self.op(g, text);
    }

    pub(super) fn carry(&mut self, g: Group) {
        let (d, e) = (self.register(&B32, g), self.register(&B32, g));
        let (a, b) = (self.reads(&B32, g), self.reads(&B32, g));
        let (x, y) = (self.s32(g), self.s32(g));
        match self.rng.below(4) {
            0 => {
                self.line(format!("add.cc.u32 {d}, {a}, {b};"));
                self.line(format!("addc.cc.u32 {e}, {x}, {y};"));
                self.line(format!("addc.u32 {d}, {d}, 0;"));
            }
            1 => {
                self.line(format!("sub.cc.u32 {d}, {a}, {b};"));
                self.line(format!("subc.u32 {e}, {x}, {y};"));
            }
            2 => {
                let w = self.register(&B64, g);
                let (p, q) = (self.reads(&B64, g), self.reads(&B64, g));
                self.line(format!("add.cc.u64 {w}, {p}, {q};"));
                self.line(format!("addc.u32 {e}, {a}, {b};"));
            }
            _ => {
                self.line(format!("mad.lo.cc.u32 {d}, {a}, {b}, {x};"));
                self.line(format!("madc.hi.u32 {e}, {a}, {b}, {y};"));
            }
        }
    }
}
