//! The ladder of TIMING: small kernels whose cycles have a closed form. What is compared are differences between kernels,
//! so that starting and ending a launch cancel out.

mod machine;

use exec::Arena;
use machine::{Machine, Wide, cycles, kernel};

/// Cycles that each of `instruction` adds to a dependent chain: what 48 more of them cost, divided.
fn each(setup: &str, instruction: &str, options: &str) -> u64 {
    let chain = |n: usize| {
        cycles(
            &format!("{setup}\n{}", format!("{instruction}\n").repeat(n)),
            32,
            options,
        )
    };
    let (short, long) = (chain(16), chain(64));
    assert!(
        (long - short).is_multiple_of(48),
        "{instruction}: {short}, {long}"
    );
    (long - short) / 48
}

/// (1) A result can be used latency + 5 cycles after its instruction was issued.
#[test]
fn a_dependent_chain_takes_latency_plus_five() {
    let rows = [
        ("add.u32 %r1, %r1, %r1;", 4),
        ("mul.lo.u32 %r1, %r1, %r1;", 4),
        ("mad.lo.u32 %r1, %r1, %r2, %r1;", 5),
        ("max.u32 %r1, %r1, %r1;", 13),
        ("add.f32 %f1, %f1, %f1;", 4),
        ("mul.f32 %f1, %f1, %f1;", 4),
        ("fma.rn.f32 %f1, %f1, %f2, %f1;", 5),
        ("add.f64 %fd1, %fd1, %fd1;", 8),
        ("ex2.approx.f32 %f1, %f1;", 100),
        ("div.rn.f32 %f1, %f1, %f1;", 39),
        ("add.vf32 %f1, %f1, %f1;", 4),
        ("xor.b32 %r1, %r1, %r1;", 1),
    ];
    let wrong: Vec<_> = rows
        .into_iter()
        .map(|(i, latency)| (i, each("", i, ""), latency + 5))
        .filter(|r| r.1 != r.2)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// (2) Two reads of a bank fit in the two steps of a cycle; a third one costs a cycle.
#[test]
fn the_third_operand_of_a_bank_costs_a_cycle() {
    let two = each("", "mad.lo.u32 %r1, %r1, %r1, 7;", "");
    let three = each("", "mad.lo.u32 %r1, %r1, %r1, %r1;", "");
    assert_eq!((two, three), (10, 11));
    // One step in a cycle: each further operand of the bank costs one.
    let slow = |i: &str| each("", i, "-gpgpu_reg_file_port_throughput 1");
    let one = slow("mad.lo.u32 %r1, %r1, 7, 7;");
    assert_eq!(slow("mad.lo.u32 %r1, %r1, %r1, 7;"), one + 1);
    assert_eq!(slow("mad.lo.u32 %r1, %r1, %r1, %r1;"), one + 2);
}

/// (3) A branch that is taken costs one issue slot more than one that is not.
#[test]
fn a_taken_branch_costs_one_cycle() {
    let setup = "setp.ne.u32 %p1, 0, 0;";
    let chain = |n: usize, f: &dyn Fn(usize) -> String| {
        let body: String = (0..n).map(f).collect();
        cycles(&format!("{setup}\n{body}\nEND:"), 32, "")
    };
    let each = |f: &dyn Fn(usize) -> String| {
        let apart = chain(80, f) - chain(16, f);
        assert!(apart.is_multiple_of(64), "{apart}");
        apart / 64
    };
    assert_eq!(each(&|_| "@%p1 bra END;\n".into()), 1);
    assert_eq!(
        each(&|k| format!("bra.uni L{k};\nxor.b32 %r9, 1, 2;\nL{k}:\n")),
        2
    );
}

/// (5) n words of a bank take n cycles.
#[test]
fn conflicts_of_banks_add_cycles() {
    let chain = |stride: u32| {
        let setup = format!(
            "mov.u32 %r1, %tid.x;\nmul.lo.u32 %r1, %r1, {};\nmov.u32 %r2, s;\nadd.u32 %r2, %r2, %r1;",
            4 * stride
        );
        each(&setup, "ld.shared.u32 %r3, [%r2];\nadd.u32 %r2, %r2, %r3;", "")
    };
    // 20 + 4 to the use of a shared load, 4 + 5 to that of a sum.
    let base = 20 + 4 + 4 + 5;
    for (stride, words) in [
        (1, 1),
        (2, 2),
        (3, 1),
        (4, 4),
        (6, 2),
        (8, 8),
        (16, 16),
        (31, 1),
        (32, 32),
    ] {
        assert_eq!(chain(stride), base + words - 1, "stride {stride}");
    }
}

/// A ring of pointers, `apart` bytes from one to the next.
fn ring(machine: &Machine, n: usize, apart: usize) -> u64 {
    let at = machine.buffer(&vec![0; n * apart]);
    let bytes: Vec<u8> = (0..n)
        .flat_map(|k| {
            let next = at + ((k + 1) % n * apart) as u64;
            let mut place = vec![0; apart];
            place[..8].copy_from_slice(&next.to_le_bytes());
            place
        })
        .collect();
    machine.memory.write(at, &bytes).expect("the ring");
    at
}

/// Cycles of each step of a thread that follows a ring of `n` pointers, in the first launch and in the second.
fn chase(n: usize, apart: usize, options: &str) -> [f64; 2] {
    let steps = |k: usize| {
        let mut machine = Machine::new(&kernel(&"ld.global.u64 %rd1, [%rd1];\n".repeat(k)), options);
        let at = ring(&machine, n, apart);
        [0, 1].map(|_| machine.run("k", 1, 1, &[Wide(at)]).cycles)
    };
    let (short, long) = (steps(16), steps(112));
    [0, 1].map(|i| (long[i] - short[i]) as f64 / 96.0)
}

/// (4) From a load to the use of what it has loaded.
#[test]
fn each_level_of_memory_has_its_latency() {
    // L1: its latency and 3.
    assert_eq!(chase(1, 32, ""), [23.0, 23.0]);
    // L2, which keeps what the first launch has read; L1 does not. Memory adds, where each access opens a row of an idle
    // bank: 100 core cycles before the channel, RCD + CL = 24 command clocks (34 core cycles), and six between queues.
    assert_eq!(chase(128, 4096, ""), [332.0, 192.0]);
    // A longer RCD shows as it is, in command clocks of 850 MHz.
    let timing = "16:1:3:112:128:12:140:12:2:3:10:4:2:3";
    let [slow, _] = chase(128, 4096, &format!("-gpgpu_dram_timing_opt {timing}"));
    assert!((slow - 332.0 - 100.0 * 1200.0 / 850.0).abs() < 1.0, "{slow}");
    // Past L1 there is neither its latency nor the cycle in its miss queue.
    assert_eq!(chase(128, 4096, "-gpgpu_gmem_skip_L1D 1")[1], 192.0 - 20.0 - 1.0);
    // The parts show one by one.
    assert_eq!(chase(128, 4096, "-gpgpu_l2_rop_latency 60")[1], 92.0);
    assert_eq!(chase(1, 32, "-gpgpu_l1_latency 41")[0], 44.0);
    // Memory that answers at once: what is left is the way to L1 and back.
    assert_eq!(chase(128, 4096, "-gpgpu_perfect_mem 1")[0], 27.0);
}

/// (6) A kernel of stores ends when the last one is acknowledged, and moves no more than it stores.
#[test]
fn stores_are_waited_for() {
    let body = |stores: usize| {
        let one = |k: usize| format!("st.global.u32 [%rd2+{}], %r1;\n", k * 4096);
        format!(
            "mov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.u64 %rd2, %rd1, %rd2;\n{}",
            (0..stores).map(one).collect::<String>()
        )
    };
    let run = |stores: usize| {
        let mut machine = Machine::new(&kernel(&body(stores)), "");
        let at = machine.buffer(&vec![0; 1 << 17]);
        machine.run("k", 1, 32, &[Wide(at)])
    };
    let (none, one, many) = (run(0), run(1), run(24));
    // To L2 and back takes what a load takes; the acknowledgement is not written to a register.
    let way = one.cycles - none.cycles;
    assert!((185..200).contains(&way), "{way}");
    // Further ones follow, four sectors each, one packet in a cycle.
    assert_eq!(many.cycles - one.cycles, 4 * 23);
    assert_eq!(
        (many.statistics.network_writes, many.statistics.network_reads),
        (4 * 24, 0)
    );
    // L2 keeps them: whole sectors need not be read first.
    assert_eq!((many.statistics.dram.reads, many.statistics.dram.writes), (0, 0));
}

/// (7) A cluster starts a block in a cycle, on one multiprocessor after the other.
#[test]
fn blocks_start_one_by_one_in_each_cluster() {
    let cycles = |blocks: u32| {
        Machine::new(&kernel(""), "")
            .run("k", blocks, 32, &[Wide(0)])
            .cycles
    };
    let one = cycles(1);
    assert_eq!(
        [cycles(40), cycles(80), cycles(160), cycles(320)],
        [one, one + 1, one + 3, one + 7]
    );
    // What a launch costs before its first block, and for each.
    let with = |options: &str| {
        Machine::new(&kernel(""), options)
            .run("k", 40, 32, &[Wide(0)])
            .cycles
    };
    assert_eq!(with("-gpgpu_kernel_launch_latency 5000"), one + 5000);
    assert_eq!(with("-gpgpu_TB_launch_latency 10"), one + 400);
}

/// (8) A stream fills memory where the number of channels is a power of two. With 24, hashed to 32 and reduced by division,
/// 8 channels get half of it: two thirds is what can be reached.
#[test]
fn a_stream_reaches_the_bandwidth_of_memory() {
    // Each thread reads twice 16 bytes, 8 MiB apart.
    let body = "mov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ntid.x;\nmov.u32 %r3, %tid.x;\nmad.lo.u32 %r4, %r1, %r2, %r3;\n\
                mul.wide.u32 %rd4, %r4, 16;\nadd.u64 %rd5, %rd1, %rd4;\nld.global.v4.u32 {%r5,%r6,%r7,%r8}, [%rd5];\n\
                ld.global.v4.u32 {%r15,%r16,%r17,%r18}, [%rd5+8388608];";
    let utilisation = |options: &str| {
        let mut machine = Machine::new(&kernel(body), options);
        let at = machine.buffer(&vec![0; 16 << 20]);
        let s = machine.run("k", 2048, 256, &[Wide(at)]).statistics;
        assert_eq!(s.dram.reads, (16 << 20) / 32);
        s.dram.transfer as f64 / (s.dram_cycles * s.channels) as f64
    };
    let (power, odd) = (utilisation("-gpgpu_n_mem 32"), utilisation(""));
    assert!(power > 0.94, "{power}");
    assert!((0.6..2.0 / 3.0).contains(&odd), "{odd}");
}

/// Copies leave what they copy in L2, unless the configuration says otherwise.
#[test]
fn what_was_copied_lies_in_l2() {
    let steps = |k: usize, options: &str| {
        let mut machine = Machine::new(&kernel(&"ld.global.u64 %rd1, [%rd1];\n".repeat(k)), options);
        let at = ring(&machine, 128, 4096);
        machine.simulator.copied(&machine.memory, at, 128 * 4096);
        machine.run("k", 1, 1, &[Wide(at)]).cycles
    };
    let each = |options: &str| (steps(112, options) - steps(16, options)) as f64 / 96.0;
    assert_eq!(each(""), 192.0);
    assert_eq!(each("-gpgpu_perf_sim_memcpy 0"), 332.0);
}

/// With enough warps not latency decides but the initiation interval: four SP units that take an instruction every second
/// cycle do two in a cycle; variable precision, which the configuration lets begin in every cycle, is held back by issue alone.
#[test]
fn throughput_is_units_by_initiation_interval() {
    let cycles_each = |instruction: &str, options: &str| {
        let run = |n: usize| {
            let one = |k: usize| instruction.replace('#', &(k % 4 + 4).to_string());
            let body: String = (0..n).map(one).collect();
            cycles(&body, 1024, options)
        };
        // 32 warps, 128 instructions more in each.
        (run(192) - run(64)) as f64 / (32.0 * 128.0)
    };
    let near =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.05, "{found} {expected}");
    near(cycles_each("add.f32 %f#, %f1, %f2;\n", ""), 2.0 / 4.0);
    near(cycles_each("add.f64 %fd#, %fd1, %fd2;\n", ""), 4.0 / 4.0);
    near(cycles_each("ex2.approx.f32 %f#, %f1;\n", ""), 8.0 / 4.0);
    near(
        cycles_each("add.f32 %f#, %f1, %f2;\n", "-gpgpu_num_sp_units 2"),
        2.0 / 2.0,
    );
    let slow = "-ptx_opcode_initiation_vp 4,4,4,4,4";
    near(cycles_each("add.vf32 %f#, %f1, %f2;\n", slow), 4.0 / 4.0);
    // Four schedulers, one instruction each.
    near(cycles_each("add.vf32 %f#, %f1, %f2;\n", ""), 1.0 / 4.0);
}
