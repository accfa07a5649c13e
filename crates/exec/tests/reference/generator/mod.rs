//! Random kernels. A seed gives a kernel, a launch and the numbers it starts from; every kernel ends, is free of
//! races and touches only memory it may touch, so that its result is one number.
//!
//! Registers come in three groups: `u` is only ever computed from what is the same in all threads, `a` also from
//! thread indices by whatever operation, `r` (and `f`, `d`, `h`) from anything. Each may be written anywhere:
//! what an engine concludes from how a value is computed must survive where it is computed.

mod compute;
mod control;
mod places;
mod walk;

use super::rng::Rng;
use exec::{Dim3, Numerics, RandomSource};
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
    pub random: RandomSource,
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
    walks: u32,
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
        walks: 0,
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
    text += &format!(
        ".const .align 16 .b32 table[{TABLE}] = {{{}}};\n",
        table.join(", ")
    );
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
        random: RandomSource {
            seed: g.rng.bits(),
            launch: u64::from(g.rng.below(4)),
        },
        n: g.rng.below(6),
        x: g.constant() as u32,
        y: (g.rng.bits() as u32 & 0x8fff_ffff) + 0x3800_0000,
        z: g.rng.bits(),
    }
}

fn shape(rng: &mut Rng) -> (Dim3, Dim3) {
    let dim = |x, y, z| Dim3 { x, y, z };
    let block = match rng.below(10) {
        0 => dim(32, 1, 1),
        1 => dim(64, 1, 1),
        2 => dim(1 + rng.below(70), 1, 1),
        3 => dim(32, 1 + rng.below(3), 1),
        4 => dim(8, 1 + rng.below(10), 1),
        5 => dim(1 + rng.below(40), 1 + rng.below(3), 1),
        6 => dim(4, 4, 1 + rng.below(5)),
        7 => dim(16, [2, 4, 16][rng.below(3) as usize], 1),
        8 => rng.pick(&[
            dim(8, 8, 1),
            dim(4, 8, 1),
            dim(32, 4, 1),
            dim(10, 10, 1),
            dim(2, 16, 1),
        ]),
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
        let same = [
            "%ctaid.x",
            "%ctaid.y",
            "%ntid.x",
            "%nctaid.x",
            "%warpid",
            "%ntid.y",
        ];
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
            1 => self
                .rng
                .pick(&[
                    "0f3F800000",
                    "0f00000000",
                    "0fBF800000",
                    "0f80000000",
                    "0f7F800000",
                    "0f40490FDB",
                ])
                .into(),
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
            return match self.rng.below(9) {
                0 | 1 => self.exchange(),
                8 => self.walk(true),
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
            57..=60 => self.read(g),
            61 => self.walk(false),
            62..=66 => self.write(),
            67 => self.read_back(),
            68..=70 => self.local(g),
            71 | 72 => self.atomic(),
            73 | 74 => self.pack(g),
            75 => self.carry(g),
            76..=83 if depth < 3 => self.branch(depth),
            84..=88 if depth < 3 => self.repeat(depth),
            89 | 90 if depth < 3 => self.table(depth),
            91..=94 if !self.targets.is_empty() => self.jump(),
            95 if self.exits && !self.function && depth > 0 => self.leave(),
            96 if self.function => self.leave(),
            97 | 98 if self.callees > 0 => self.call(),
            _ => self.affine(),
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
        sets.extend(["%wk", "%wl"].map(|w| ("b64", w, self.walks + 1)));
        sets.extend(["%wn", "%wo"].map(|w| ("b32", w, self.walks + 1)));
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
        self.line("mov.u32 %a0, %tid.x;");
        self.line("mul.lo.s32 %a1, %r0, 3;");
        // Unlike a kernel's, a function's registers must all be written before they are read: an engine may
        // keep what an earlier call left in them.
        self.initialise();
        self.line("st.param.b32 [result], %r0;");
        self.sequence(12, 1, false);
        let back = self.reads(&B32, Any);
        self.line(format!("st.param.b32 [result], {back};"));
        if self.rng.chance(50) {
            self.line("ret;");
        }
        for k in 0..self.loops {
            self.lines.insert(0, format!("mov.u32 %lc{k}, {k};"));
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

    /// Gives the registers of a function that its parameters do not go to a first value.
    fn initialise(&mut self) {
        for k in 0..6 {
            self.line(format!("mov.u32 %u{k}, {};", 5 * k));
        }
        for k in 2..8 {
            self.line(format!("mad.lo.s32 %a{k}, %a0, {}, {k};", k % 3));
        }
        for k in 3..8 {
            self.line(format!("xor.b32 %r{k}, %r0, {};", 1000 * k));
            self.line(format!("mul.f32 %f{k}, %f0, 0f3F{k}00000;"));
        }
        for k in 0..6 {
            self.line(format!("cvt.s64.s32 %ad{k}, %a{};", k + 1));
            self.line(format!("setp.lt.s32 %p{k}, %r{k}, {};", 100 * k));
        }
        for k in 0..4 {
            self.line(format!("mov.u64 %ud{k}, {k};"));
            self.line(format!("cvt.f64.f32 %e{k}, %f{k};"));
            self.line(format!("cvt.u16.u32 %h{k}, %r{k};"));
        }
        for k in 3..5 {
            self.line(format!("not.b64 %rd{k}, %rd0;"));
        }
        for k in 0..3 {
            self.line(format!("mov.f32 %uf{k}, 0f3F80000{k};"));
            self.line(format!("setp.eq.u32 %up{k}, %u1, {};", 5 * k));
        }
        for k in 0..2 {
            self.line(format!("mov.f64 %ue{k}, 0d400000000000000{k};"));
            self.line(format!("cvt.u16.u32 %uh{k}, %u{k};"));
        }
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
