//! Which of the compiled instruction sets runs: found once, lowered by `VERNIER_ISA=baseline|v3`.

use std::sync::OnceLock;

/// An instruction set that loops over lanes are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What the target has by itself.
    Baseline,
    /// AVX2 and FMA (x86-64-v3).
    V3,
    /// AVX-512 F, BW, CD, DQ, VL (x86-64-v4).
    V4,
}

/// A loop over lanes that is compiled for each instruction set. `run` must be `#[inline(always)]`, and so must what it
/// calls, else it stays what the target has by itself.
pub(crate) trait Loop {
    /// Does it.
    fn run(self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn v3<L: Loop>(body: L) {
    body.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
fn v4<L: Loop>(body: L) {
    body.run();
}

/// Runs a loop with [`Isa::current`].
pub(crate) fn run<L: Loop>(body: L) {
    #[cfg(target_arch = "x86_64")]
    match Isa::current() {
        // SAFETY: the machine has every feature that the function is compiled for.
        Isa::V4 => return unsafe { v4(body) },
        // SAFETY: as above.
        Isa::V3 => return unsafe { v3(body) },
        Isa::Baseline => {}
    }
    body.run();
}

impl Isa {
    /// The best one of this machine, or what `VERNIER_ISA` lowers it to; asked once in a process.
    pub fn current() -> Isa {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let best = Isa::best();
            match std::env::var("VERNIER_ISA").as_deref() {
                Ok("baseline") => Isa::Baseline,
                Ok("v3") => best.min(Isa::V3),
                _ => best,
            }
        })
    }

    /// The best one of this machine.
    #[cfg(target_arch = "x86_64")]
    pub fn best() -> Isa {
        use std::arch::is_x86_feature_detected as has;
        let v4 =
            has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
        match has!("avx2") && has!("fma") {
            true if v4 => Isa::V4,
            true => Isa::V3,
            false => Isa::Baseline,
        }
    }

    /// The best one of this machine.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn best() -> Isa {
        Isa::Baseline
    }
}
