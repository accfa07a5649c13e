//! Kernels that access memory at addresses that they read from a table, round after round.

use crate::rng::Rng;
use std::fmt::Write;

/// Lanes of the warp.
pub const LANES: usize = 32;
/// Rounds of a kernel: the first ones warm its fast paths.
pub const ROUNDS: usize = 6;
/// Bytes of the table for one round: an address, a step and a flag for each lane, 8 bytes each.
pub const ROUND_BYTES: u64 = 3 * 8 * LANES as u64;
/// Bytes of the table.
pub const TABLE_BYTES: u64 = ROUNDS as u64 * ROUND_BYTES;
/// Bytes of a thread's local array, of the shared array, and of the constant variable.
pub const LOCAL_BYTES: u64 = 256;
/// See [`LOCAL_BYTES`].
pub const SHARED_BYTES: u64 = 512;
/// See [`LOCAL_BYTES`].
pub const CONST_BYTES: u64 = 256;
/// Bytes of the kernel's parameters.
pub const PARAM_BYTES: u64 = 32;

/// Where accesses go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Global,
    Shared,
    Local,
    Param,
    Const,
    /// Generic addresses of any of the others.
    Generic,
}

/// How the addresses are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A register that is read from the table lane by lane.
    Vector,
    /// The same address for all lanes (lane 0's).
    Uniform,
    /// Lane 0's address plus lane times stride.
    Affine(i64),
    /// As `Affine`, in 32 bits, then widened without sign (shared offsets only), which may break it.
    Widened(i64),
    /// Lane by lane; moved by lane 0's step, twice.
    Moved,
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Load,
    Store,
    /// atom.add
    Add,
}

/// One access: what, the bytes of an element, how many elements, offset.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub action: Action,
    pub bytes: u64,
    pub count: u64,
    pub offset: i64,
}

impl Access {
    /// Bytes that a lane moves.
    pub fn size(self) -> u64 {
        self.bytes * self.count
    }
}

/// How lanes are switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    None,
    /// By a guard on the access.
    Guard,
    /// By a branch around it.
    Branch,
}

/// A kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub space: Space,
    pub form: Form,
    /// The address register has 64 bits, else 32.
    pub wide: bool,
    pub masking: Masking,
    /// Done in each round, in this order, all from one register.
    pub accesses: Vec<Access>,
}

impl Kernel {
    pub fn random(rng: &mut Rng) -> Kernel {
        use Space as S;
        let space = rng.pick(&[
            S::Global,
            S::Global,
            S::Shared,
            S::Shared,
            S::Local,
            S::Param,
            S::Const,
            S::Generic,
        ]);
        let narrow = matches!(space, S::Shared | S::Local | S::Param);
        let stride = rng.pick(&[4, 4, 4, -4, 8, 16, 1, 2, -8, 64, 0x1000, -0x4000]);
        let form = match rng.below(10) {
            0..=3 => Form::Vector,
            4 => Form::Uniform,
            5 | 6 => Form::Affine(stride),
            7 if narrow => Form::Widened(stride),
            _ => Form::Moved,
        };
        let wide = !narrow || matches!(form, Form::Widened(_)) || rng.chance(40);
        let bytes = rng.pick(&[4, 4, 4, 4, 8, 1, 2]);
        let counts: &[u64] = match (bytes, space) {
            (4, S::Global) => &[1, 1, 1, 2, 4, 8],
            (4, _) => &[1, 1, 1, 2, 4],
            (8, S::Global) => &[1, 1, 2, 4],
            _ => &[1, 1, 2],
        };
        let accesses = (0..1 + rng.below(3))
            .map(|_| {
                let action = match (rng.below(6), space) {
                    (_, S::Param | S::Const) => Action::Load,
                    (0, _) if bytes >= 4 => Action::Add,
                    (1..=2, _) => Action::Store,
                    _ => Action::Load,
                };
                let count = if action == Action::Add {
                    1
                } else {
                    rng.pick(counts)
                };
                let near = rng.pick(&[0, 0, 0, 1, -1, 2, 4, -4, 32, -32, 100]) * (bytes * count) as i64;
                let offset = if rng.chance(4) {
                    rng.pick(&[i64::from(i32::MAX), i64::from(i32::MIN), 3])
                } else {
                    near
                };
                Access {
                    action,
                    bytes,
                    count,
                    offset,
                }
            })
            .collect();
        let masking = rng.pick(&[Masking::None, Masking::None, Masking::Guard, Masking::Branch]);
        Kernel {
            space,
            form,
            wide,
            masking,
            accesses,
        }
    }

    /// One 32-bit store to shared memory, by all lanes.
    pub fn shared_words() -> Kernel {
        let store = Access {
            action: Action::Store,
            bytes: 4,
            count: 1,
            offset: 0,
        };
        Kernel {
            space: Space::Shared,
            form: Form::Vector,
            wide: false,
            masking: Masking::None,
            accesses: vec![store],
        }
    }

    /// Bytes of what loads and atomics return: 32 for each lane, access, step and round, and the memory that only the
    /// kernel sees, copied at its end.
    pub fn out_bytes(&self) -> u64 {
        self.copies_at() + SHARED_BYTES + LOCAL_BYTES * LANES as u64
    }

    /// Where the copies begin.
    pub fn copies_at(&self) -> u64 {
        (ROUNDS * self.steps() * self.accesses.len() * LANES) as u64 * 32
    }

    /// How often the accesses of a round are done.
    pub fn steps(&self) -> usize {
        if self.form == Form::Moved { 3 } else { 1 }
    }

    /// Bytes of the widest access.
    pub fn widest(&self) -> u64 {
        self.accesses.iter().map(|a| a.size()).max().unwrap_or(1)
    }

    /// How far other accesses, lanes and steps reach below and above the first access of lane 0, bytes. Steps of warm
    /// rounds go up by at most twice the widest access.
    pub fn reach(&self) -> (u64, u64) {
        let first = self.accesses[0].offset;
        let offsets = self.accesses.iter().map(|a| a.offset - first);
        let (mut low, mut high) = offsets.fold((0, 0), |(l, h), o| (o.min(l), o.max(h)));
        if let Form::Affine(s) | Form::Widened(s) = self.form {
            low += (31 * s).min(0);
            high += (31 * s).max(0);
        }
        let steps = if self.form == Form::Moved {
            4 * self.widest()
        } else {
            0
        };
        (low.unsigned_abs(), high as u64 + self.widest() + steps)
    }

    /// The text.
    pub fn ptx(&self) -> String {
        let mut t = String::from(
            ".version 8.8\n.target sm_100\n.address_size 64\n.const .align 16 .b8 cst[256];\n\
             .visible .entry k(.param .u64 table, .param .u64 out, .param .u64 c, .param .u64 d)\n{\n\
             .reg .pred %p<4>; .reg .b16 %h<8>; .reg .b32 %r<32>; .reg .b64 %rd<32>;\n",
        );
        let _ = writeln!(
            t,
            ".local .align 16 .b8 loc[{LOCAL_BYTES}];\n.shared .align 16 .b8 sh[{SHARED_BYTES}];"
        );
        t += "ld.param.u64 %rd0, [table];\nld.param.u64 %rd1, [out];\nmov.u32 %r0, %tid.x;\nmov.u32 %r1, 0;\n\
              mul.wide.u32 %rd2, %r0, 8;\nmul.wide.u32 %rd9, %r0, 32;\nadd.u64 %rd3, %rd1, %rd9;\n";
        // What only the kernel sees is filled as `oracle::World::filled` says.
        t += "mov.u64 %rd4, loc;\nmov.u32 %r2, 0;\nFL:\nmad.lo.u32 %r3, %r2, 0x1030507, %r0;\nst.local.u32 [%rd4], %r3;\n\
              add.u64 %rd4, %rd4, 4;\nadd.u32 %r2, %r2, 1;\n";
        let _ = writeln!(t, "setp.lt.u32 %p0, %r2, {};\n@%p0 bra FL;", LOCAL_BYTES / 4);
        t += "mov.u64 %rd4, sh;\nmov.u32 %r2, 0;\nFS:\nmul.lo.u32 %r3, %r2, 0x1030507;\nst.shared.u32 [%rd4], %r3;\n\
              add.u64 %rd4, %rd4, 4;\nadd.u32 %r2, %r2, 1;\n";
        let _ = writeln!(t, "setp.lt.u32 %p0, %r2, {};\n@%p0 bra FS;", SHARED_BYTES / 4);
        t += "ROUND:\nadd.u64 %rd6, %rd0, %rd2;\n";
        // The flag, the step of lane 0, and the address.
        let _ = writeln!(
            t,
            "ld.global.u32 %r4, [%rd6+{}];\nsetp.ne.u32 %p1, %r4, 0;",
            16 * LANES
        );
        let _ = writeln!(
            t,
            "ld.global.u64 %rd7, [%rd0+{}];\ncvt.u32.u64 %r7, %rd7;",
            8 * LANES
        );
        let (a, add) = if self.wide {
            ("%rd8", "add.u64 %rd8, %rd8, %rd7;")
        } else {
            ("%r8", "add.u32 %r8, %r8, %r7;")
        };
        let (bits, w) = if self.wide { ("u64", "rd") } else { ("u32", "r") };
        match self.form {
            Form::Vector | Form::Moved => {
                let _ = writeln!(t, "ld.global.{bits} {a}, [%rd6];");
            }
            Form::Uniform => {
                let _ = writeln!(t, "ld.global.{bits} {a}, [%rd0];");
            }
            Form::Affine(s) => {
                let _ = writeln!(t, "ld.global.{bits} %{w}10, [%rd0];");
                match self.wide {
                    true => writeln!(t, "mul.wide.s32 %rd11, %r0, {s};\nadd.u64 {a}, %rd10, %rd11;"),
                    false => writeln!(t, "mad.lo.s32 {a}, %r0, {s}, %r10;"),
                }
                .unwrap_or_default();
            }
            Form::Widened(s) => {
                let _ = writeln!(
                    t,
                    "ld.global.u32 %r10, [%rd0];\nmad.lo.s32 %r11, %r0, {s}, %r10;\ncvt.u64.u32 {a}, %r11;"
                );
            }
        }
        if self.masking == Masking::Branch {
            t += "@!%p1 bra SKIP;\n";
        }
        for step in 0..self.steps() {
            if step > 0 {
                let _ = writeln!(t, "{add}");
            }
            for (k, access) in self.accesses.iter().enumerate() {
                self.access(
                    &mut t,
                    a,
                    access,
                    ((step * self.accesses.len() + k) * LANES * 32) as u64,
                );
            }
        }
        let per_round = self.steps() * self.accesses.len() * LANES * 32;
        let _ = writeln!(
            t,
            "SKIP:\nadd.u64 %rd0, %rd0, {ROUND_BYTES};\nadd.u64 %rd3, %rd3, {per_round};\nadd.u32 %r1, %r1, 1;\n\
             setp.lt.u32 %p0, %r1, {ROUNDS};\n@%p0 bra ROUND;"
        );
        self.copy_out(&mut t);
        t + "ret;\n}\n"
    }

    /// One access; what it returns goes to `at` bytes behind `%rd3`, whoever runs it.
    fn access(&self, t: &mut String, a: &str, access: &Access, at: u64) {
        let guard = if self.masking == Masking::Guard {
            "@%p1 "
        } else {
            ""
        };
        let space = match self.space {
            Space::Global => ".global",
            Space::Shared => ".shared",
            Space::Local => ".local",
            Space::Param => ".param",
            Space::Const => ".const",
            Space::Generic => "",
        };
        let (ty, class) = match access.bytes {
            1 => ("u8", "%h"),
            2 => ("u16", "%h"),
            4 => ("u32", "%r"),
            _ => ("u64", "%rd"),
        };
        let registers: Vec<String> = (0..access.count)
            .map(|k| format!("{class}{}", if class == "%h" { k } else { 20 + k }))
            .collect();
        let list = match access.count {
            1 => registers[0].clone(),
            _ => format!("{{{}}}", registers.join(", ")),
        };
        let vector = if access.count == 1 {
            String::new()
        } else {
            format!(".v{}", access.count)
        };
        let offset = access.offset;
        // What is stored: the lane's number, a constant, and the number of the element.
        for (k, r) in registers.iter().enumerate() {
            let value = format!("mad.lo.u32 %r5, %r0, 3, {};", 7 + k);
            let _ = match access.bytes {
                1 | 2 => writeln!(t, "{value}\ncvt.u16.u32 {r}, %r5;"),
                4 => writeln!(t, "mad.lo.u32 {r}, %r0, 3, {};", 7 + k),
                _ => writeln!(t, "{value}\ncvt.u64.u32 {r}, %r5;"),
            };
        }
        match access.action {
            Action::Load => {
                let _ = writeln!(t, "{guard}ld{space}{vector}.{ty} {list}, [{a}+{offset}];");
            }
            Action::Store => {
                let _ = writeln!(t, "{guard}st{space}{vector}.{ty} [{a}+{offset}], {list};");
            }
            Action::Add => {
                let _ = writeln!(
                    t,
                    "{guard}atom{space}.add.{ty} {}, [{a}+{offset}], {};",
                    registers[0], registers[0]
                );
            }
        }
        for (k, r) in registers.iter().enumerate() {
            let _ = writeln!(t, "st.global.{ty} [%rd3+{}], {r};", at + k as u64 * access.bytes);
        }
    }

    /// Copies shared memory (by thread 0) and each thread's local memory to the end of the output.
    fn copy_out(&self, t: &mut String) {
        let at = self.copies_at();
        let _ = writeln!(
            t,
            "add.u64 %rd12, %rd1, {at};\nmul.wide.u32 %rd14, %r0, {LOCAL_BYTES};\nadd.u64 %rd13, %rd12, %rd14;\n\
             mov.u32 %r2, 0;\nmov.u64 %rd4, loc;\n\
             CL:\nld.local.u32 %r3, [%rd4];\nst.global.u32 [%rd13+{SHARED_BYTES}], %r3;\nadd.u64 %rd4, %rd4, 4;\n\
             add.u64 %rd13, %rd13, 4;\nadd.u32 %r2, %r2, 1;\nsetp.lt.u32 %p0, %r2, {};\n@%p0 bra CL;\n\
             setp.ne.u32 %p2, %r0, 0;\n@%p2 bra END;\nmov.u32 %r2, 0;\nmov.u64 %rd4, sh;\n\
             CS:\nld.shared.u32 %r3, [%rd4];\nst.global.u32 [%rd12], %r3;\nadd.u64 %rd4, %rd4, 4;\n\
             add.u64 %rd12, %rd12, 4;\nadd.u32 %r2, %r2, 1;\nsetp.lt.u32 %p0, %r2, {};\n@%p0 bra CS;\nEND:",
            LOCAL_BYTES / 4,
            SHARED_BYTES / 4
        );
    }
}
