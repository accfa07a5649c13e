//! Random kernels through the engine and through the simplest reference there is (see `reference`): all of
//! memory and the counters must agree: with one CPU thread, with two, and stepped through in random order.
//!
//! `VERNIER_EXHAUSTIVE=1` runs 10,000 kernels. `VERNIER_SEED=N` runs one and shows it.

mod reference;

use exec::steps::{Progressed, Steps};
use exec::{Arena, Engine, Launch, LaunchConfig, Limits, Memory, MemoryKind, Module, Stats, Trap};
use reference::generator::{ATOMIC_BYTES, Case, INPUT_BYTES, case};
use reference::machine;
use reference::prepare::prepare;
use reference::rng::Rng;
use std::collections::HashMap;
use std::fmt::Write;

/// Kernels in an ordinary run.
const KERNELS: u64 = 1000;
/// Kernels with `VERNIER_EXHAUSTIVE=1`.
const EXHAUSTIVE: u64 = 10_000;
/// Thread-instructions that no generated kernel reaches: per thread, and per block.
const THREAD_LIMIT: u64 = 200_000;

/// What both sides start from: plausible numbers of every kind.
fn input() -> Vec<u8> {
    let mut rng = Rng::new(7);
    let mut bytes = Vec::new();
    while bytes.len() < INPUT_BYTES as usize + 64 {
        let word = match rng.below(8) {
            0 => rng.bits() as u32,
            1 => rng.below(100),
            2 => rng.below(100).wrapping_neg(),
            3 => rng.pick(&[
                0,
                0x8000_0000,
                0x7f80_0000,
                0xff80_0000,
                0x7fc0_0000,
                1,
                0x0080_0000,
            ]),
            _ => (rng.below(65536) as f32 / 1024.0 - 32.0).to_bits(),
        };
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Runs a case on both sides; what differs, if anything does.
fn differs(case: &Case, engines: &[Engine]) -> Result<(), String> {
    let ptx = ptx::parse("random.ptx", &case.ptx).map_err(|e| format!("does not parse: {e:?}"))?;
    let ptx = ptx::check(ptx).map_err(|e| format!("is not valid: {e:?}"))?;
    let memory = Memory::new(1 << 28).map_err(|e| e.to_string())?;
    let module = Module::load(ptx.clone(), &memory).map_err(|e| e.to_string())?;
    let input = input();
    let output: Vec<u8> = vec![0x5a; case.output_bytes.max(16) as usize];
    let atomics: Vec<u8> = input[..ATOMIC_BYTES as usize].to_vec();
    let mut start: machine::Memory = Vec::new();
    for bytes in [input, output, atomics] {
        let at = memory
            .allocate(bytes.len() as u64, MemoryKind::Device)
            .map_err(|e| e.to_string())?;
        start.push((at, bytes));
    }
    let mut params = Vec::new();
    for (at, _) in &start {
        params.extend_from_slice(&at.to_le_bytes());
    }
    for word in [case.n, case.x, case.y, 0] {
        params.extend_from_slice(&word.to_le_bytes());
    }
    params.extend_from_slice(&case.z.to_le_bytes());
    // The table is read by both sides where the engine has it.
    let table = module.global("table").ok_or("no table")?;
    let mut bytes = vec![0; table.size as usize];
    memory
        .read(table.address, &mut bytes)
        .map_err(|e| e.to_string())?;
    start.push((table.address, bytes));

    let globals = HashMap::from([("table".to_string(), table.address)]);
    let prepared = prepare(&ptx, &globals);
    let launch = machine::Launch {
        prepared: &prepared,
        kernel: "k",
        grid: case.grid,
        block: case.block,
        params: &params,
        dynamic_shared: case.dynamic_shared.into(),
        numerics: case.numerics,
        random: case.random,
        limit: THREAD_LIMIT,
    };
    let mut expected = start.clone();
    let instructions = machine::run(&launch, &mut expected).map_err(|e| format!("the reference: {e}"))?;

    let config = LaunchConfig {
        grid: case.grid,
        block: case.block,
        dynamic_shared: case.dynamic_shared,
        cooperative: false,
        random: case.random,
    };
    let limits = Limits {
        instructions: Some(THREAD_LIMIT * 128),
    };
    for way in ["one CPU thread", "two CPU threads", "stepped"] {
        for (at, bytes) in &start {
            memory.write(*at, bytes).map_err(|e| e.to_string())?;
        }
        let engine = &engines[usize::from(way == "two CPU threads")];
        let (trap, stats) = match way {
            "stepped" => {
                let steps = engine.steps(
                    &memory,
                    &module,
                    &Launch {
                        limits,
                        ..Launch::new("k", config, &params, case.numerics)
                    },
                );
                stepped(&steps.map_err(|e| e.to_string())?, case)?
            }
            _ => {
                let done = engine.launch(
                    &memory,
                    &module,
                    &Launch {
                        limits,
                        ..Launch::new("k", config, &params, case.numerics)
                    },
                );
                let done = done.map_err(|e| e.to_string())?;
                (done.trap, done.stats)
            }
        };
        if let Some(trap) = trap {
            return Err(format!("{way}: a trap: {trap}"));
        }
        for ((at, bytes), name) in expected.iter().zip(["input", "output", "atomics", "table"]) {
            let mut now = vec![0; bytes.len()];
            memory.read(*at, &mut now).map_err(|e| e.to_string())?;
            if now != *bytes {
                return Err(format!("{way}: {}", first_difference(case, name, bytes, &now)));
            }
        }
        if stats.thread_instructions != instructions {
            return Err(format!(
                "{way}: {} thread-instructions, the reference has {instructions}",
                stats.thread_instructions
            ));
        }
    }
    Ok(())
}

/// Steps through the blocks of a launch, in any order of blocks and warps. What the steps say must add up to what the
/// counters say.
fn stepped(steps: &Steps, case: &Case) -> Result<(Option<Trap>, Stats), String> {
    let mut rng = Rng::new(steps.blocks() ^ case.x as u64);
    let mut blocks: Vec<_> = (0..steps.blocks()).map(|b| steps.block(b)).collect();
    let (mut total, mut seen) = (Stats::default(), Stats::default());
    while !blocks.is_empty() {
        let b = rng.below(blocks.len() as u32) as usize;
        let warp = rng.below(blocks[b].warps() as u32) as usize;
        // Some go far, some one step.
        for _ in 0..=rng.below(20) {
            match blocks[b].step(warp) {
                Progressed::Step(s) => {
                    seen.warp_instructions += 1;
                    seen.thread_instructions += u64::from(s.active.count_ones());
                    if s.executed & !s.active != 0 || s.instruction as usize >= steps.instructions().len() {
                        return Err(format!("stepped: {s:?} cannot be"));
                    }
                    let facts = &steps.instructions()[s.instruction as usize];
                    if s.addresses.is_some() != (facts.access.is_some() && s.executed != 0) {
                        return Err(format!("stepped: {s:?} of {facts:?}"));
                    }
                }
                Progressed::Waits | Progressed::Done => break,
                Progressed::Trap(trap) => return Ok((Some(*trap), total)),
            }
        }
        if blocks[b].is_done() {
            total += blocks.swap_remove(b).stats();
        }
    }
    let sums = |s: &Stats| (s.warp_instructions, s.thread_instructions);
    match sums(&seen) == sums(&total) {
        true => Ok((None, total)),
        false => Err(format!(
            "stepped: {:?} steps and lanes, but the counters have {:?}",
            sums(&seen),
            sums(&total)
        )),
    }
}

fn first_difference(case: &Case, name: &str, expected: &[u8], now: &[u8]) -> String {
    let count = expected.iter().zip(now).filter(|(a, b)| a != b).count();
    let Some(k) = expected.iter().zip(now).position(|(a, b)| a != b) else {
        return "nothing".into();
    };
    let line = k / 16 * 16;
    let slots = (case.grid.count() * case.block.count()).next_power_of_two() as usize * 16;
    format!(
        "{count} bytes of {name} differ, the first at offset {k} (slot {}):\n  expected {:02x?}\n  engine   {:02x?}",
        k / slots,
        &expected[line..line + 16],
        &now[line..line + 16]
    )
}

/// The register that a line names first: its destination, if it has one.
fn first_register(line: &str) -> &str {
    let registers = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '%' && c != '.');
    registers.into_iter().find(|w| w.starts_with('%')).unwrap_or("")
}

/// Whether a line names a register at all.
fn names(line: &str, register: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '%' && c != '.')
        .any(|w| w == register)
}

/// Registers that addresses are made of: without them there would be races.
fn of_addresses(register: &str) -> bool {
    let all = ["%lin", "%blin", "%in", "%out", "%atomics", "%stack", "%generic"];
    all.contains(&register) || register.starts_with("%t") && register.ends_with(|c: char| c.is_ascii_digit())
}

/// Whether line `k` may be left out.
fn removable(lines: &[&str], k: usize) -> bool {
    let line = lines[k];
    let first = first_register(line);
    let kept = ["bar.", "{", "}", ".", "("]
        .iter()
        .any(|start| line.starts_with(start));
    let stores = line.contains("st.") || line.contains("red.");
    !kept && (stores || !of_addresses(first))
}

/// Leaves out addresses that nothing uses any more.
fn without_dead_addresses(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    loop {
        let code = || lines.iter().filter(|l| !l.starts_with('.'));
        let dead = code().map(|l| first_register(l)).find(|r| {
            let reads = |l: &str| first_register(l) != *r || l.contains("st.") || l.contains("red.");
            of_addresses(r) && !code().any(|l| names(l, r) && reads(l))
        });
        let Some(dead) = dead.map(str::to_string) else {
            break;
        };
        lines.retain(|l| first_register(l) != dead || l.starts_with('.'));
    }
    lines.join("\n") + "\n"
}

/// Leaves out what a difference does not need, a few lines at a time.
fn shrink(case: &mut Case, engines: &[Engine]) -> String {
    let mut what = String::new();
    for chunk in [64, 32, 16, 8, 4, 2, 1, 1, 1, 1] {
        let mut k = 0;
        loop {
            let lines: Vec<&str> = case.ptx.lines().collect();
            if k >= lines.len() {
                break;
            }
            let gone = |n: &usize| (k..k + chunk).contains(n) && removable(&lines, *n);
            let left: Vec<&str> = (0..lines.len()).filter(|n| !gone(n)).map(|n| lines[n]).collect();
            let shorter = left.len() < lines.len();
            let text = left.join("\n") + "\n";
            let before = std::mem::replace(&mut case.ptx, text);
            match differs(case, engines) {
                Err(w) if shorter && w.contains("CPU threads") && !w.contains("budget") => what = w,
                _ => {
                    case.ptx = before;
                    k += chunk;
                }
            }
        }
    }
    let shorter = without_dead_addresses(&case.ptx);
    let before = std::mem::replace(&mut case.ptx, shorter);
    match differs(case, engines) {
        Err(w) if w.contains("CPU threads") => what = w,
        _ => case.ptx = before,
    }
    what
}

fn report(seed: u64, case: &Case, what: &str) -> String {
    let mut text = format!(
        "seed {seed}, grid {}, block {}, format {} input {:?}, n {} x {:#x} y {:#x} z {:#x}\n{what}\n",
        case.grid,
        case.block,
        case.numerics.format.name(),
        case.numerics.input,
        case.n,
        case.x,
        case.y,
        case.z
    );
    for (k, line) in case.ptx.lines().enumerate() {
        let _ = writeln!(text, "{:4} {line}", k + 1);
    }
    let _ = writeln!(text, "\nseed {seed}: {what}");
    text
}

#[test]
fn the_engine_does_what_the_reference_does() {
    let engines = [Engine::new(1), Engine::new(2)];
    if let Some(seed) = std::env::var("VERNIER_SEED").ok().and_then(|s| s.parse().ok()) {
        let c = case(seed);
        let mut result = differs(&c, &engines);
        let mut c = c;
        if result.is_err() {
            result = Err(shrink(&mut c, &engines));
        }
        println!("{}", report(seed, &c, &format!("{result:?}")));
        result.unwrap();
        return;
    }
    let exhaustive = std::env::var("VERNIER_EXHAUSTIVE").is_ok_and(|v| v == "1");
    let mut failed = Vec::new();
    for seed in 0..if exhaustive { EXHAUSTIVE } else { KERNELS } {
        let mut c = case(seed);
        if let Err(mut what) = differs(&c, &engines) {
            if failed.is_empty() {
                let shorter = shrink(&mut c, &engines);
                if !shorter.is_empty() {
                    what = shorter;
                }
                println!("{}", report(seed, &c, &what));
            }
            println!("seed {seed}: {what}");
            failed.push(seed);
            if failed.len() == 20 {
                break;
            }
        }
    }
    assert!(
        failed.is_empty(),
        "these seeds differ, the first is shown above: {failed:?}"
    );
}
