//! Random kernels. A seed gives a kernel, a launch and the numbers it starts from; every kernel ends, is free of
//! races and touches only memory it may touch, so that its result is one number.
//!
//! Registers come in three groups: `u` is only ever computed from what is the same in all threads, `a` also from
//! thread indices by whatever operation, `r` (and `f`, `d`, `h`) from anything. Each may be written anywhere:
//! what an engine concludes from how a value is computed must survive where it is computed.

use super::rng::Rng;
use exec::{Dim3, Numerics};
use vfloat::{Format, Rounding};

/// Bytes of the buffer that kernels read, behind which 64 more are allocated.
pub const INPUT_BYTES: u32 = 16384;
/// Bytes of the buffer for atomics.
pub const ATOMIC_BYTES: u32 = 4096;
/// Elements of the table in constant memory.
const TABLE: u32 = 64;

/// A kernel to run.
pub struct Case {
    /// The PTX module; the kernel is `k`. Parameters: input, output and atomic buffer, then n, x, y, z.
    pub ptx: String,
    pub grid: Dim3,
    pub block: Dim3,
    pub dynamic_shared: u32,
    pub output_bytes: u32,
    pub numerics: Numerics,
    pub n: u32,
    pub x: u32,
    pub y: u32,
    pub z: u64,
}

/// The groups, each also reading the ones before.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Group {
    Uniform,
    Affine,
    Any,
}
use Group::{Affine, Any, Uniform};

struct Generator<'r> {
    rng: &'r mut Rng,
    lines: Vec<String>,
    labels: u32,
    temps: u32,
    wide_temps: u32,
    loops: u32,
    /// Places that may be branched to: ends of what we are inside of, without leaving the convergent part.
    targets: Vec<String>,
    /// Output slots given out, and how each is addressed.
    sites: Vec<Site>,
    atomic_sites: u32,
    /// Threads of the grid, rounded up to a power of two.
    slots: u32,
    block_slots: u32,
    statements: i32,
    exits: bool,
    full_warps: bool,
    function: bool,
    callees: u32,
    block: Dim3,
    grid: Dim3,
    spinning: bool,
}

#[derive(Clone, Copy)]
struct Site {
    mapping: u32,
    odd: u32,
    add: u32,
    scale: u32,
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let rng = &mut Rng::new(seed);
    let (grid, block) = shape(rng);
    let threads = block.count() as u32;
    let spinning = rng.chance(4);
    let mut g = Generator {
        lines: vec![],
        labels: 0,
        temps: 0,
        wide_temps: 0,
        loops: 0,
        targets: vec![],
        sites: vec![],
        atomic_sites: 0,
        slots: (grid.count() as u32 * threads).next_power_of_two(),
        block_slots: threads.next_power_of_two(),
        statements: if spinning { 14 } else { 20 + rng.below(60) as i32 },
        exits: rng.chance(25),
        full_warps: threads.is_multiple_of(32),
        function: false,
        callees: rng.below(3),
        block,
        grid,
        spinning,
        rng,
    };
    let mut text = String::from(".version 8.0\n.target sm_80\n.address_size 64\n");
    let table: Vec<String> = (0..TABLE).map(|_| (g.rng.bits() as u32).to_string()).collect();
    text += &format!(".const .align 16 .b32 table[{TABLE}] = {{{}}};\n", table.join(", "));
    text += ".shared .align 16 .b8 counters[256];\n.extern .shared .align 16 .b8 exchange[];\n";
    for k in 0..g.callees {
        text += &g.callee(k);
    }
    text += &g.kernel();
    let named: Vec<Format> = Format::NAMED.iter().map(|(_, f)| *f).collect();
    let format = if g.rng.chance(60) {
        g.rng.pick(&named)
    } else {
        let e = 2 + g.rng.below(7);
        let m = 1 + g.rng.below(23);
        Format::ieee(e, m).unwrap_or(Format::FP32)
    };
    let inputs = [
        Rounding::TowardZero,
        Rounding::TowardZero,
        Rounding::NearestEven,
        Rounding::TowardNegative,
        Rounding::TowardPositive,
    ];
    Case {
        ptx: text,
        grid,
        block,
        dynamic_shared: g.block_slots * 8,
        output_bytes: g.sites.len() as u32 * g.slots * 16,
        numerics: Numerics {
            format,
            input: g.rng.pick(&inputs),
        },
        n: g.rng.below(6),
        x: g.constant() as u32,
        y: (g.rng.bits() as u32 & 0x8fff_ffff) + 0x3800_0000,
        z: g.rng.bits(),
    }
}

fn shape(rng: &mut Rng) -> (Dim3, Dim3) {
    let dim = |x, y, z| Dim3 { x, y, z };
    let block = match rng.below(8) {
        0 => dim(32, 1, 1),
        1 => dim(64, 1, 1),
        2 => dim(1 + rng.below(70), 1, 1),
        3 => dim(32, 1 + rng.below(3), 1),
        4 => dim(8, 1 + rng.below(10), 1),
        5 => dim(1 + rng.below(40), 1 + rng.below(3), 1),
        6 => dim(4, 4, 1 + rng.below(5)),
        _ => dim(96, 1, 1),
    };
    let grid = match rng.below(4) {
        0 => dim(1, 1, 1),
        1 => dim(1 + rng.below(4), 1, 1),
        2 => dim(2, 2, 1),
        _ => dim(2, 1, 1),
    };
    (grid, block)
}

/// Registers of a group: prefix and number.
const B32: [(&str, u32); 3] = [("%u", 6), ("%a", 8), ("%r", 8)];
const B64: [(&str, u32); 3] = [("%ud", 4), ("%ad", 6), ("%rd", 5)];
const F32: [(&str, u32); 3] = [("%uf", 3), ("%f", 4), ("%f", 8)];
const F64: [(&str, u32); 3] = [("%ue", 2), ("%e", 4), ("%e", 4)];
const B16: [(&str, u32); 3] = [("%uh", 2), ("%h", 4), ("%h", 4)];
const PRED: [(&str, u32); 3] = [("%up", 3), ("%p", 3), ("%p", 6)];

impl Generator<'_> {
    fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("$L{}", self.labels)
    }

    fn place(&mut self, label: &str) {
        self.lines.push(format!("{label}:"));
    }

    fn temp(&mut self) -> String {
        self.temps += 1;
        format!("%t{}", self.temps - 1)
    }

    fn wide_temp(&mut self) -> String {
        self.wide_temps += 1;
        format!("%td{}", self.wide_temps - 1)
    }

    fn group(&mut self) -> Group {
        self.rng.pick(&[Uniform, Affine, Affine, Any, Any])
    }

    /// A register of exactly this group.
    fn register(&mut self, set: &[(&str, u32); 3], g: Group) -> String {
        let (prefix, n) = set[g as usize];
        format!("{prefix}{}", self.rng.below(n))
    }

    /// A register of this group or one before.
    fn reads(&mut self, set: &[(&str, u32); 3], g: Group) -> String {
        let from = match (g, self.rng.below(4)) {
            (Uniform, _) | (_, 0) => Uniform,
            (Affine, _) | (_, 1) => Affine,
            _ => Any,
        };
        self.register(set, from)
    }

    fn constant(&mut self) -> i64 {
        let few = [
            0,
            1,
            2,
            3,
            4,
            5,
            8,
            16,
            31,
            32,
            33,
            64,
            255,
            -1,
            -2,
            -4,
            -16,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_fff0,
            0xffff_ffe8,
            0x1_0000,
        ];
        if self.rng.chance(80) {
            self.rng.pick(&few)
        } else {
            i64::from(self.rng.bits() as u32)
        }
    }

    /// A 32-bit source.
    fn s32(&mut self, g: Group) -> String {
        match self.rng.below(10) {
            0 | 1 => format!("{}", self.constant() as i32),
            2 if self.loops > 0 => format!("%lc{}", self.rng.below(self.loops)),
            3 if self.rng.chance(30) => self.special(g),
            _ => self.reads(&B32, g),
        }
    }

    fn special(&mut self, g: Group) -> String {
        let same = ["%ctaid.x", "%ctaid.y", "%ntid.x", "%nctaid.x", "%warpid", "%ntid.y"];
        let other = [
            "%tid.x",
            "%tid.x",
            "%tid.y",
            "%tid.z",
            "%laneid",
            "%lanemask_lt",
            "%lanemask_eq",
        ];
        if g == Uniform || self.rng.chance(30) {
            self.rng.pick(&same[..if g == Uniform { 4 } else { 6 }]).into()
        } else {
            self.rng.pick(&other).into()
        }
    }

    fn s64(&mut self, g: Group) -> String {
        if self.rng.chance(20) {
            format!("{}", self.constant())
        } else {
            self.reads(&B64, g)
        }
    }

    fn f32(&mut self, g: Group) -> String {
        match self.rng.below(12) {
            0 => format!("0f{:08X}", self.rng.bits() as u32),
            1 => self.rng.pick(&["0f3F800000", "0f00000000", "0fBF800000", "0f80000000", "0f7F800000", "0f40490FDB"]).into(),
            _ => self.reads(&F32, g),
        }
    }

    fn f64(&mut self, g: Group) -> String {
        if self.rng.chance(10) {
            "0d3FF8000000000000".into()
        } else {
            self.reads(&F64, g)
        }
    }

    /// Emits a computing instruction, under a guard now and then.
    fn op(&mut self, g: Group, text: String) {
        let guard = match self.rng.below(12) {
            0 => Some(self.reads(&PRED, g)),
            1 => Some(self.reads(&PRED, Any)),
            _ => None,
        };
        let not = if self.rng.chance(40) { "!" } else { "" };
        match guard {
            Some(p) => self.line(format!("@{not}{p} {text};")),
            None => self.line(format!("{text};")),
        }
    }

    /// Some statements.
    fn sequence(&mut self, count: u32, depth: u32, convergent: bool) {
        for _ in 0..count {
            if self.statements <= 0 {
                return;
            }
            self.statements -= 1;
            self.statement(depth, convergent);
        }
    }

    fn statement(&mut self, depth: u32, convergent: bool) {
        let g = self.group();
        if convergent && !self.function && self.rng.chance(12) {
            return match self.rng.below(8) {
                0 | 1 => self.exchange(),
                2 => self.shared_counters(),
                3 => self.half_warps(),
                4 => self.block_votes(),
                5 if depth < 2 => self.convergent_loop(depth),
                _ => self.across_lanes(),
            };
        }
        match self.rng.below(100) {
            0..=15 => self.int32(g),
            16..=23 => self.int64(g),
            24..=29 => self.convert(g),
            30..=36 => self.float(g),
            37..=43 => self.variable(g),
            44..=46 => self.double_or_half(g),
            47..=53 => self.predicate(g),
            54..=56 => self.rare(g),
            57..=61 => self.read(g),
            62..=66 => self.write(),
            67 => self.read_back(g),
            68..=70 => self.local(g),
            71 | 72 => self.atomic(),
            73 | 74 => self.pack(g),
            75 => self.carry(g),
            76..=83 if depth < 3 => self.branch(depth),
            84..=88 if depth < 3 => self.repeat(depth, convergent),
            89 | 90 if depth < 3 => self.table(depth),
            91..=94 if !self.targets.is_empty() => self.jump(),
            95 if self.exits && !self.function && depth > 0 => self.leave(),
            96 if self.function => self.leave(),
            97 | 98 if self.callees > 0 => self.call(g),
            _ => self.affine(),
        }
    }

    /// What index arithmetic is made of.
    fn affine(&mut self) {
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

    fn int32(&mut self, g: Group) {
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
            19 => format!("shf.{}.b32 {d}, {a}, {b}, {c}", self.rng.pick(&["l.wrap", "r.clamp", "l.clamp", "r.wrap"])),
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

    fn int64(&mut self, g: Group) {
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

    fn convert(&mut self, g: Group) {
        let (i, w) = (self.register(&B32, g), self.register(&B64, g));
        let (f, e, h) = (self.register(&F32, g), self.register(&F64, g), self.register(&B16, g));
        let (si, sw) = (self.reads(&B32, g), self.reads(&B64, g));
        let (sf, se, sh) = (self.reads(&F32, g), self.reads(&F64, g), self.reads(&B16, g));
        let round = self.rng.pick(&["rni", "rzi", "rmi", "rpi"]);
        let r = self.rng.pick(&["rn", "rz", "rm", "rp"]);
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
            26 => format!("cvt.{r}.vf32.s32 {f}, {si}"),
            27 => format!("cvt.{r}.vf32.f64 {f}, {se}"),
            28 => format!("cvt.{round}.s32.vf32 {i}, {sf}"),
            _ => format!("cvt.{r}.vf32.f32 {f}, {sf}"),
        };
        self.op(g, text);
    }

    fn float(&mut self, g: Group) {
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
            15 => format!("{}.approx{ftz}.f32 {d}, {a}", self.rng.pick(&["ex2", "lg2", "rsqrt", "sin", "cos", "rcp", "sqrt"])),
            16 => format!("selp.f32 {d}, {a}, {b}, {}", self.reads(&PRED, g)),
            _ => format!("mov.f32 {d}, {a}"),
        };
        self.op(g, text);
    }

    fn variable(&mut self, g: Group) {
        let d = self.register(&F32, g);
        let (a, c) = (self.f32(g), self.f32(g));
        let mut b = self.reads(&F32, g);
        if self.rng.chance(10) {
            b = format!("-{b}");
        }
        let r = self.rng.pick(&["", "", ".rn", ".rz", ".rm", ".rp"]);
        let sat = self.rng.pick(&["", "", "", ".sat"]);
        let t = self.rng.pick(&["vf32", "vf32", "vf32", "bf16"]);
        let text = match self.rng.below(16) {
            0 | 1 => format!("add{r}{sat}.{t} {d}, {a}, {b}"),
            2 => format!("sub{r}{sat}.{t} {d}, {a}, {b}"),
            3 | 4 => format!("mul{r}{sat}.{t} {d}, {a}, {b}"),
            5 => format!("div{r}.{t} {d}, {a}, {b}"),
            6..=8 => format!("fma{r}{sat}.{t} {d}, {a}, {b}, {c}"),
            9 | 10 => format!("fmam{r}{sat}.{t} {d}, {a}, {b}, {c}"),
            11 => format!("addm{r}{sat}.{t} {d}, {a}, {b}"),
            12 => format!("{}.{t} {d}, {a}, {b}", self.rng.pick(&["min", "max"])),
            13 => format!("{}.{t} {d}, {b}", self.rng.pick(&["neg", "abs"])),
            14 => format!("{}{r}.vf32 {d}, {b}", self.rng.pick(&["sqrt", "rcp", "rsqrt"])),
            _ => format!("{}{r}.vf32 {d}, {b}", self.rng.pick(&["ex2", "lg2", "sin", "cos", "tanh"])),
        };
        self.op(g, text);
    }

    fn double_or_half(&mut self, g: Group) {
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

    fn predicate(&mut self, g: Group) {
        let d = self.register(&PRED, g);
        let (p, q) = (self.reads(&PRED, g), self.reads(&PRED, g));
        let not = self.rng.pick(&["", "", "!"]);
        let cmp = self.rng.pick(&["eq", "ne", "lt", "le", "gt", "ge"]);
        let fcmp = self.rng.pick(&["eq", "ne", "lt", "gt", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"]);
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
            7 => format!("setp.{fcmp}.vf32 {d}, {}, {}", self.f32(g), self.f32(g)),
            8 => format!("setp.{fcmp}.f64 {d}, {}, {}", self.f64(g), self.f64(g)),
            9 => format!("not.pred {d}, {p}"),
            10 => format!("mov.pred {d}, {p}"),
            _ => format!("{combine}.pred {d}, {p}, {q}"),
        };
        self.op(g, text);
    }

    fn rare(&mut self, g: Group) {
        let (d, w, f) = (self.register(&B32, g), self.register(&B64, g), self.register(&F32, g));
        let (a, b, c) = (self.s32(g), self.s32(g), self.s32(g));
        let s = self.s32(g);
        let text = match self.rng.below(7) {
            0 => format!("dp4a.s32.u32 {d}, {a}, {b}, {c}"),
            1 => format!("mul24.lo.s32 {d}, {a}, {b}"),
            2 => format!("mad24.hi.u32 {d}, {a}, {b}, {c}"),
            3 => format!("slct.b32.s32 {d}, {a}, {b}, {s}"),
            4 => format!("slct.f32.f32 {f}, {}, {}, {}", self.f32(g), self.f32(g), self.f32(g)),
            5 => format!("brev.b64 {w}, {}", self.s64(g)),
            _ => format!("popc.b64 {d}, {}", self.s64(g)),
        };
        self.op(g, text);
    }

    /// An address in the input buffer for `bytes` bytes: register and offset.
    fn input_address(&mut self, g: Group, bytes: u32) -> String {
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
        let wide = if negative { "s32" } else { self.rng.pick(&["s32", "u32"]) };
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
    fn loaded(&mut self, g: Group) -> (&'static str, u32, String) {
        let list = |gen_: &mut Self, set: &[(&str, u32); 3], n: usize| {
            let mut names: Vec<String> = Vec::new();
            let (prefix, count) = set[g as usize];
            let first = gen_.rng.below(count);
            for k in 0..n as u32 {
                names.push(format!("{prefix}{}", (first + k) % count));
            }
            if n == 1 { names.remove(0) } else { format!("{{{}}}", names.join(", ")) }
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
            11 => ("v4.f32", 16, if g == Any { list(self, &F32, 4) } else { "{%f0, %f2, %f1, %f7}".into() }),
            _ => ("v4.u32", 16, list(self, &B32, 4)),
        }
    }

    fn read(&mut self, g: Group) {
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
        let how = self.rng.pick(&["global.", "global.", "global.nc.", "", "volatile.global."]);
        self.op(g, format!("ld.{how}{ty} {to}, {from}"));
    }

    /// The address of this thread's place in an output slot.
    fn output_address(&mut self, site: Site, k: u32) -> String {
        let (t, w) = (self.temp(), self.wide_temp());
        let n = self.slots;
        let mut offset = k * n * 16;
        let Site { mapping, odd, add, scale } = site;
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
    fn write(&mut self) {
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

    fn s32_register(&mut self, g: Group) -> String {
        if self.loops > 0 && self.rng.chance(30) {
            format!("%lc{}", self.rng.below(self.loops))
        } else {
            self.reads(&B32, g)
        }
    }

    /// Reads what this thread may have stored before.
    fn read_back(&mut self, g: Group) {
        if self.sites.is_empty() || self.function {
            return;
        }
        let k = self.rng.below(self.sites.len() as u32);
        let from = self.output_address(self.sites[k as usize], k);
        let _ = g;
        let d = self.register(&B32, Any);
        self.op(Any, format!("ld.global.u8 {d}, {from}"));
    }

    fn local(&mut self, g: Group) {
        if self.function {
            return;
        }
        let (t, w) = (self.temp(), self.wide_temp());
        let store = self.rng.chance(50);
        let (ty, bytes, d) = self.loaded(g);
        let s = self.s32(g);
        self.line(format!("and.b32 {t}, {s}, {};", 128 - bytes));
        self.line(format!("cvt.u64.u32 {w}, {t};"));
        let (base, space) = self.rng.pick(&[("%stack", ".local"), ("%stack", ".local"), ("%generic", "")]);
        self.line(format!("add.s64 {w}, {w}, {base};"));
        if store {
            let from = d;
            let ty = if ty == "s32" && from.contains('d') { "b32" } else { ty };
            self.op(g, format!("st{space}.{ty} [{w}], {from}"));
        } else {
            self.op(g, format!("ld{space}.{ty} {d}, [{w}]"));
        }
    }

    /// A commutative atomic in global memory whose old value nobody sees.
    fn atomic(&mut self) {
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
        let v = if bytes == 8 { self.reads(&B64, g) } else { self.reads(&B32, g) };
        let text = match self.rng.below(3) {
            0 if bytes == 4 => format!("atom.global.{f}.{ty} %junk, [{w}+{}], {v}", k * 64),
            _ => format!("red.global.{f}.{ty} [{w}+{}], {v}", k * 64),
        };
        self.op(Any, text);
    }

    fn pack(&mut self, g: Group) {
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

    fn carry(&mut self, g: Group) {
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

    /// A predicate to branch on, often freshly computed.
    fn condition(&mut self) -> String {
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

    fn branch(&mut self, depth: u32) {
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
    fn repeat(&mut self, depth: u32, _convergent: bool) {
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
    fn convergent_loop(&mut self, depth: u32) {
        let k = self.loops;
        self.loops += 1;
        let (top, end) = (self.label(), self.label());
        let bound = if self.rng.chance(50) { "%n".into() } else { format!("{}", self.rng.below(4)) };
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

    fn table(&mut self, depth: u32) {
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

    fn jump(&mut self) {
        let p = self.condition();
        let not = self.rng.pick(&["", "!"]);
        let k = self.rng.below(self.targets.len() as u32) as usize;
        let to = self.targets[k].clone();
        self.line(format!("@{not}{p} bra {to};"));
    }

    fn leave(&mut self) {
        let p = self.condition();
        let how = if self.function { "ret" } else { self.rng.pick(&["ret", "exit"]) };
        self.line(format!("@{p} {how};"));
    }

    fn call(&mut self, g: Group) {
        let _ = g;
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
        self.line(format!("{guard}call ({id}r), fun{callee}, ({id}a, {id}b, {id}c, {id}d);"));
        self.line(format!("ld.param.b32 {d}, [{id}r];"));
        self.line("}");
    }

    /// Values through shared memory.
    fn exchange(&mut self) {
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
    fn shared_counters(&mut self) {
        let f = self.rng.pick(&["add.u32", "min.s32", "xor.b32", "or.b32", "max.u32"]);
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
    fn block_votes(&mut self) {
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
    fn half_warps(&mut self) {
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
    fn across_lanes(&mut self) {
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
                let all = ["add.u32", "min.s32", "max.u32", "and.b32", "or.b32", "xor.b32", "max.s32"];
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
                let to = if self.rng.chance(50) { format!("{d}|{p}") } else { d };
                self.line(format!("shfl.sync.{mode}.b32 {to}, {v}, {b}, {clamp}, -1;"));
            }
        }
    }

    fn declarations(&self) -> String {
        let mut text = String::new();
        let mut sets = vec![
            ("b32", "%u", 6),
            ("b32", "%a", 8),
            ("b32", "%r", 8),
            ("b64", "%ud", 4),
            ("b64", "%ad", 6),
            ("b64", "%rd", 5),
            ("f32", "%uf", 3),
            ("f32", "%f", 8),
            ("f64", "%ue", 2),
            ("f64", "%e", 4),
            ("b16", "%uh", 2),
            ("b16", "%h", 4),
            ("pred", "%up", 3),
            ("pred", "%p", 6),
        ];
        sets.push(("b32", "%t", self.temps + 1));
        sets.push(("b64", "%td", self.wide_temps + 1));
        sets.push(("b32", "%lc", self.loops + 1));
        sets.push(("b32", "%lb", self.loops + 1));
        sets.push(("pred", "%lp", self.loops + 1));
        for (ty, name, n) in sets {
            text += &format!(".reg .{ty} {name}<{n}>;\n");
        }
        text
    }

    /// A device function: (b32 a, b64 b, f32 c, b64 input) -> b32.
    fn callee(&mut self, k: u32) -> String {
        let kept = (
            self.statements,
            std::mem::take(&mut self.lines),
            self.callees,
            std::mem::take(&mut self.targets),
        );
        (self.temps, self.wide_temps, self.loops) = (0, 0, 0);
        self.statements = 8;
        self.callees = k;
        self.function = true;
        for n in 0..3 {
            self.line(format!("ld.param.b32 %r{n}, [pa];"));
            self.line(format!("ld.param.b64 %rd{n}, [pb];"));
            self.line(format!("ld.param.f32 %f{n}, [pc];"));
        }
        self.line("ld.param.b64 %fin, [pd];");
        self.line("mov.u32 %u0, 5;");
        self.line("mov.u32 %a0, %tid.x;");
        self.line("mul.lo.s32 %a1, %r0, 3;");
        self.line("st.param.b32 [result], %r0;");
        self.sequence(12, 1, false);
        let back = self.reads(&B32, Any);
        self.line(format!("st.param.b32 [result], {back};"));
        if self.rng.chance(50) {
            self.line("ret;");
        }
        let text = format!(
            ".func (.param .b32 result) fun{k} (.param .b32 pa, .param .b64 pb, .param .b32 pc, .param .b64 pd)\n\
             {{\n{}.reg .b64 %fin;\n{}\n}}\n",
            self.declarations(),
            self.lines.join("\n")
        );
        (self.statements, self.lines, self.callees, self.targets) = kept;
        self.function = false;
        text
    }

    fn kernel(&mut self) -> String {
        (self.temps, self.wide_temps, self.loops) = (0, 0, 0);
        self.begin();
        while self.statements > 0 {
            self.sequence(4, 0, true);
        }
        // What registers hold in the end.
        for set in [&B32, &B64, &F32, &F64] {
            for group in [Uniform, Affine, Any] {
                let n = set[group as usize].1;
                for _ in 0..n {
                    if self.rng.chance(35) {
                        self.last_write(set, group);
                    }
                }
            }
        }
        for k in 0..self.loops {
            if self.rng.chance(50) {
                let name = format!("%lc{k}");
                self.write_register("b32", 4, &name);
            }
        }
        for name in ["%up0", "%up1", "%p0", "%p3"] {
            let t = self.temp();
            self.line(format!("selp.b32 {t}, 1, 0, {name};"));
            self.write_register("b32", 4, &t);
        }
        if self.rng.chance(80) {
            self.line("ret;");
        }
        format!(
            ".visible .entry k (.param .u64 pin, .param .u64 pout, .param .u64 patomics, .param .u32 pn, \
             .param .u32 px, .param .f32 py, .param .u64 pz)\n{{\n{}{}{}\n}}\n",
            self.declarations(),
            ".reg .b64 %in, %out, %atomics, %stack, %generic;\n.reg .b32 %lin, %blin, %tidx, %ctax, %n, %junk;\n\
             .local .align 16 .b8 frame[128];\n",
            self.lines.join("\n")
        )
    }

    fn last_write(&mut self, set: &[(&str, u32); 3], group: Group) {
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

    fn write_register(&mut self, ty: &str, bytes: u32, name: &str) {
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

    /// Loads parameters and gives every register a first value.
    fn begin(&mut self) {
        for text in [
            "ld.param.u64 %in, [pin];",
            "ld.param.u64 %out, [pout];",
            "ld.param.u64 %atomics, [patomics];",
            "ld.param.u32 %n, [pn];",
            "mov.u32 %tidx, %tid.x;",
            "mov.u32 %ctax, %ctaid.x;",
            "mov.u64 %stack, frame;",
            "cvta.local.u64 %generic, %stack;",
            "ld.param.u32 %u0, [px];",
            "ld.param.u32 %u1, [pn];",
            "mov.u32 %u2, %ctaid.x;",
            "mov.u32 %u3, %ntid.x;",
            "mov.u32 %u4, 3;",
            "ld.param.u64 %ud0, [pz];",
            "cvt.u64.u32 %ud1, %u0;",
            "ld.param.f32 %uf0, [py];",
            "mov.f32 %uf1, 0f3F800000;",
            "cvt.f64.f32 %ue0, %uf0;",
            "cvt.u16.u32 %uh0, %u0;",
            "setp.lt.u32 %up0, %u2, 1;",
            "setp.ne.u32 %up1, %u0, %u1;",
            "mov.u32 %a1, %laneid;",
            "mov.u32 %a3, %tid.y;",
        ] {
            self.line(text);
        }
        // The thread's number in its block and in the grid.
        if self.block.y == 1 && self.block.z == 1 && self.rng.chance(70) {
            self.line("mov.u32 %blin, %tid.x;");
        } else {
            self.line("mad.lo.u32 %blin, %tid.z, %ntid.y, %tid.y;");
            self.line("mad.lo.u32 %blin, %blin, %ntid.x, %tid.x;");
        }
        let threads = self.block.count();
        if self.grid.y == 1 && self.rng.chance(60) {
            self.line(format!("mad.lo.s32 %lin, %ctaid.x, {threads}, %blin;"));
        } else {
            self.line("mad.lo.u32 %lin, %ctaid.y, %nctaid.x, %ctaid.x;");
            self.line(format!("mad.lo.u32 %lin, %lin, {threads}, %blin;"));
        }
        self.line("mov.u32 %a0, %lin;");
        self.line("sub.s32 %a2, 15, %tidx;");
        self.line("mad.lo.s32 %a4, %a1, 4, -64;");
        self.line("cvt.s64.s32 %ad0, %a2;");
        self.line("mul.wide.u32 %ad1, %a0, 12;");
        self.line("cvt.u64.u32 %ad2, %a4;");
        self.line("setp.lt.s32 %p0, %a2, 3;");
        self.line("setp.ne.u32 %p1, %a1, 5;");
        for k in 0..8 {
            let from = self.input_address(Affine, 4);
            self.line(format!("ld.global.b32 %r{k}, {from};"));
            let from = self.input_address(Affine, 4);
            self.line(format!("ld.global.f32 %f{k}, {from};"));
        }
        for k in 0..5 {
            let from = self.input_address(Affine, 8);
            self.line(format!("ld.global.b64 %rd{k}, {from};"));
        }
        for k in 0..4 {
            let from = self.input_address(Affine, 8);
            self.line(format!("ld.global.f64 %e{k}, {from};"));
            self.line(format!("cvt.u16.u32 %h{k}, %r{k};"));
            self.line(format!("setp.lt.s32 %p{}, %r{k}, 1000;", k + 2));
        }
        for k in 0..16 {
            self.line(format!("st.local.b64 [%stack+{}], %rd{};", k * 8, k % 5));
        }
    }
}
