//! No address of a lane leaves its allocation, on any path: random address patterns, warm first and then around the
//! ends of allocations, 0, 2^32 and 2^64, in freed memory and misaligned, under masks of all shapes, against an oracle
//! that looks at one lane after the other; on every instruction set of the machine. Trap and thread, or all of memory,
//! must agree. The argument that this tests is at the head of `src/access.rs`.
//!
//! `VERNIER_EXHAUSTIVE=1` runs 200,000 cases, an ordinary run 20,000. `VERNIER_SEED=N` runs the cases of one kernel.

#[path = "addresses/kernel.rs"]
mod kernel;
#[path = "addresses/oracle.rs"]
mod oracle;
#[path = "reference/rng.rs"]
mod rng;

use exec::{
    Arena, Dim3, Engine, Isa, Launch, LaunchConfig, Memory, MemoryKind, Module, Numerics, RandomSource,
    TrapKind,
};
use kernel::{Kernel, LANES, ROUNDS};
use oracle::{Case, Fault, Piece, World};
use rng::Rng;

/// Cases of one kernel.
const CASES: u64 = 100;

/// The device that a kernel's cases run on.
struct Bench {
    memory: Memory,
    /// One for each instruction set.
    modules: Vec<(Isa, Module)>,
    engine: Engine,
    /// Addresses, steps, flags: what the lanes of each round read.
    table: u64,
    /// What loads and atomics return.
    out: u64,
    /// Where accesses go.
    world: World,
}

impl Bench {
    fn new(kernel: &Kernel, rng: &mut Rng) -> Bench {
        let tree = ptx::parse("addresses.ptx", &kernel.ptx()).expect("valid PTX");
        let tree = ptx::check(tree).expect("PTX that passes the check");
        let memory = Memory::new(1 << 28).expect("address space");
        let isas = [Isa::Baseline, Isa::V3, Isa::V4]
            .into_iter()
            .filter(|i| *i <= Isa::best());
        let first = Module::load(tree.clone(), &memory).expect("a module");
        let modules: Vec<_> = isas
            .map(|isa| (isa, first.variant(tree.clone()).lowered_for(isa)))
            .collect();
        let allocate = |bytes: u64| memory.allocate(bytes, MemoryKind::Device).expect("device memory");
        let table = allocate(kernel::TABLE_BYTES);
        let out = allocate(kernel.out_bytes());
        let sizes = [4096, 96, 1 << rng.below(12), 16 * u64::from(1 + rng.below(40))];
        let mut pieces: Vec<Piece> = sizes
            .iter()
            .map(|bytes| Piece::new(allocate(*bytes), *bytes))
            .collect();
        let gone = allocate(2048);
        memory.free(gone).expect("it was allocated");
        let c = first.global("cst").expect("the constant variable");
        let constant = Piece {
            constant: true,
            ..Piece::new(c.address, c.size)
        };
        // The first one is where constant kernels aim.
        pieces.insert(0, constant);
        let mut params = Vec::new();
        for word in [table, out, 0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00] {
            params.extend_from_slice(&u64::to_le_bytes(word));
        }
        let own = [
            (table, table + kernel::TABLE_BYTES),
            (out, out + kernel.out_bytes()),
        ];
        let world = World {
            pieces,
            gone: Piece::new(gone, 2048),
            own,
            params,
        };
        Bench {
            memory,
            modules,
            engine: Engine::new(1),
            table,
            out,
            world,
        }
    }

    /// Runs a case everywhere; what differs, if anything does.
    fn differs(&self, kernel: &Kernel, case: &Case) -> Result<(), String> {
        let mut expected = self.world.filled(kernel);
        let fault = oracle::run(kernel, case, &mut expected);
        if fault.is_some_and(|(f, _)| f == Fault::Unknown) {
            return Ok(());
        }
        let config = LaunchConfig {
            grid: Dim3 { x: 1, y: 1, z: 1 },
            block: Dim3 {
                x: case.threads,
                y: 1,
                z: 1,
            },
            dynamic_shared: 0,
            cooperative: false,
            random: RandomSource::default(),
        };
        let numerics = Numerics {
            format: vfloat::Format::FP32,
            input: vfloat::Rounding::TowardZero,
        };
        for (isa, module) in &self.modules {
            let start = self.world.filled(kernel);
            let written = [(self.table, case.table())];
            let filled = start.world.pieces.iter().map(|p| (p.start, p.bytes.clone()));
            let cleared = [(self.out, vec![0; kernel.out_bytes() as usize])];
            for (at, bytes) in written.into_iter().chain(filled).chain(cleared) {
                self.memory.write(at, &bytes).map_err(|e| e.to_string())?;
            }
            let done = self
                .engine
                .launch(
                    &self.memory,
                    module,
                    &Launch::new("k", config, &self.world.params, numerics),
                )
                .map_err(|e| e.to_string())?;
            let trapped = done.trap.as_ref().map(|t| match t.kind {
                TrapKind::OutOfBounds { .. } => (Fault::OutOfBounds, t.thread.x),
                TrapKind::Misaligned { .. } => (Fault::Misaligned, t.thread.x),
                TrapKind::ReadOnly { .. } => (Fault::ReadOnly, t.thread.x),
                _ => (Fault::Unknown, t.thread.x),
            });
            if trapped != fault {
                return Err(format!("{isa:?}: the trap is {trapped:?}, expected {fault:?}"));
            }
            let results = Piece {
                start: self.out,
                bytes: expected.out.clone(),
                constant: false,
            };
            for piece in expected.world.pieces.iter().chain([&results]) {
                let mut now = vec![0; piece.bytes.len()];
                self.memory
                    .read(piece.start, &mut now)
                    .map_err(|e| e.to_string())?;
                if let Some(k) = (0..now.len()).find(|k| now[*k] != piece.bytes[*k]) {
                    return Err(format!(
                        "{isa:?}: byte {k} of the {} bytes at {:#x} is {:#x}, expected {:#x}",
                        now.len(),
                        piece.start,
                        now[k],
                        piece.bytes[k]
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Runs `cases` cases of the kernel with this seed; those that differ, and how many ended in a trap.
fn kernel_differs(seed: u64, cases: u64) -> (Vec<String>, u64) {
    let mut rng = Rng::new(seed);
    let kernel = Kernel::random(&mut rng);
    let bench = Bench::new(&kernel, &mut rng);
    let (mut failed, mut traps) = (Vec::new(), 0);
    for k in 0..cases {
        let case = Case::random(&kernel, &bench.world, &mut rng);
        let mut expected = bench.world.filled(&kernel);
        traps += u64::from(oracle::run(&kernel, &case, &mut expected).is_some());
        if let Err(what) = bench.differs(&kernel, &case) {
            failed.push(format!(
                "seed {seed}, case {k}: {what}\n{case:?}\n{}",
                kernel.ptx()
            ));
            if failed.len() == 3 {
                break;
            }
        }
    }
    (failed, traps)
}

#[test]
fn no_address_leaves_its_allocation() {
    if let Some(seed) = std::env::var("VERNIER_SEED").ok().and_then(|s| s.parse().ok()) {
        let (failed, _) = kernel_differs(seed, CASES);
        assert!(failed.is_empty(), "{}", failed.join("\n\n"));
        return;
    }
    let exhaustive = std::env::var("VERNIER_EXHAUSTIVE").is_ok_and(|v| v == "1");
    let kernels = if exhaustive { 2000 } else { 200 };
    let (mut failed, mut traps) = (Vec::new(), 0);
    for seed in 0..kernels {
        let (f, t) = kernel_differs(seed, CASES);
        failed.extend(f);
        traps += t;
        assert!(failed.len() < 10, "{}", failed.join("\n\n"));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    // Cases that all trap at once, or never, would test little.
    let cases = kernels * CASES;
    assert!(
        (cases / 4..cases * 3 / 4).contains(&traps),
        "{traps} of {cases} cases trap"
    );
}

/// Two rounds of the same store: first in bounds, then one half of the warp below address 0 (the two halves around
/// both ends of 32 bits at once passed as an interval).
#[test]
fn half_a_warp_below_zero_does_not_pass() {
    let store = Kernel::shared_words();
    let mut rng = Rng::new(1);
    let bench = Bench::new(&store, &mut rng);
    let mut case = Case::quiet();
    for (l, a) in case.addresses[0].iter_mut().enumerate() {
        *a = 4 * (l as u64 ^ 1);
    }
    for round in 1..ROUNDS {
        for l in 0..LANES {
            let down = if l < LANES / 2 { 4 * l as u64 } else { 0 };
            case.addresses[round][l] = 64u64.wrapping_sub(down + 64) & 0xffff_ffff;
        }
    }
    bench.differs(&store, &case).unwrap();
}
