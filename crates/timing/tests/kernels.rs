//! Whole kernels: memory after a simulated launch is what the engine alone leaves, and cycles are the same in every run.

mod machine;

use filetest::{Argument as Given, Case, Outcome};
use machine::{Argument, Machine, Wide, Word};

const TILED: &str = include_str!("../../exec/benches/ptx/tiled.ptx");
const REDUCTION: &str = include_str!("../../exec/benches/ptx/reduction.ptx");
const NAIVE: &str = include_str!("../../exec/benches/ptx/naive.ptx");

/// c[i] = a[i] + b[i], a thread for each.
const VECADD: &str = "
.visible .entry vecadd(.param .u64 a, .param .u64 b, .param .u64 c)
{
	.reg .b32 %r<8>; .reg .f32 %f<4>; .reg .b64 %rd<12>;
	ld.param.u64 %rd1, [a];
	ld.param.u64 %rd2, [b];
	ld.param.u64 %rd3, [c];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.u32 %r4, %r1, %r2, %r3;
	mul.wide.u32 %rd4, %r4, 4;
	add.u64 %rd5, %rd1, %rd4;
	add.u64 %rd6, %rd2, %rd4;
	add.u64 %rd7, %rd3, %rd4;
	ld.global.f32 %f1, [%rd5];
	ld.global.f32 %f2, [%rd6];
	add.f32 %f3, %f1, %f2;
	st.global.f32 [%rd7], %f3;
	ret;
}
";

/// Every thread adds its number, as a fraction, to one of four sums: the order of blocks shows in the last bits.
const SUMS: &str = "
.visible .entry sums(.param .u64 p)
{
	.reg .b32 %r<8>; .reg .f32 %f<4>; .reg .b64 %rd<6>;
	.shared .align 4 .f32 part;
	ld.param.u64 %rd1, [p];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.u32 %r4, %r1, %r2, %r3;
	cvt.rn.f32.u32 %f1, %r4;
	add.f32 %f1, %f1, 0f3F800000;
	rcp.rn.f32 %f1, %f1;
	atom.shared.add.f32 %f2, [part], %f1;
	bar.sync 0;
	and.b32 %r5, %r4, 3;
	mul.wide.u32 %rd2, %r5, 4;
	add.u64 %rd3, %rd1, %rd2;
	ld.shared.f32 %f3, [part];
	atom.global.add.f32 %f2, [%rd3], %f3;
	red.global.add.f32 [%rd3], %f2;
	ret;
}
";

/// Words from -1 to 1.
fn numbers(n: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / 8_388_608.0 - 1.0).to_le_bytes()
    };
    (0..n).flat_map(next).collect()
}

/// A kernel with its buffers (their words) and numbers.
struct Job {
    text: &'static str,
    name: &'static str,
    grid: [u32; 3],
    block: [u32; 3],
    words: &'static [usize],
    numbers: &'static [u32],
}

const JOBS: [Job; 6] = [
    Job {
        text: VECADD,
        name: "vecadd",
        grid: [96, 1, 1],
        block: [256, 1, 1],
        words: &[24576, 24576, 24576],
        numbers: &[],
    },
    Job {
        text: TILED,
        name: "tiled",
        grid: [4, 4, 1],
        block: [16, 16, 1],
        words: &[4096, 4096, 4096],
        numbers: &[64, 64, 64],
    },
    Job {
        text: NAIVE,
        name: "naive",
        grid: [2, 6, 1],
        block: [32, 8, 1],
        words: &[48 * 40, 40 * 64, 48 * 64],
        numbers: &[48, 64, 40],
    },
    Job {
        text: REDUCTION,
        name: "reduce_shared",
        grid: [20, 1, 1],
        block: [256, 1, 1],
        words: &[5000, 20],
        numbers: &[5000],
    },
    Job {
        text: REDUCTION,
        name: "reduce_shuffle",
        grid: [20, 1, 1],
        block: [256, 1, 1],
        words: &[5000, 20],
        numbers: &[5000],
    },
    Job {
        text: SUMS,
        name: "sums",
        grid: [37, 1, 1],
        block: [96, 1, 1],
        words: &[4],
        numbers: &[],
    },
];

impl Job {
    /// A machine with the job's buffers.
    fn prepare(&self, options: &str) -> (Machine, Vec<(u64, usize)>, Vec<Argument>) {
        let machine = Machine::new(self.text, options);
        let buffers: Vec<(u64, usize)> = self
            .words
            .iter()
            .map(|n| (machine.buffer(&numbers(*n)), 4 * n))
            .collect();
        let mut arguments: Vec<Argument> = buffers.iter().map(|b| Wide(b.0)).collect();
        arguments.extend(self.numbers.iter().map(|n| Word(*n)));
        (machine, buffers, arguments)
    }

    /// What its buffers hold afterwards, and its cycles if it was simulated.
    fn run(&self, options: Option<&str>) -> (Vec<Vec<u8>>, exec::Execution, Option<timing::Report>) {
        let (mut machine, buffers, arguments) = self.prepare(options.unwrap_or(""));
        let report = options.map(|_| {
            let report = machine.simulate(self.name, self.grid, self.block, &arguments);
            report.unwrap_or_else(|e| panic!("{}\n{options:?}: {e}", self.name))
        });
        let execution = match &report {
            Some(report) => report.execution.clone(),
            None => machine.execute(self.name, self.grid, self.block, &arguments),
        };
        assert_eq!(execution.trap, None, "{}", self.name);
        (
            buffers.iter().map(|b| machine.bytes(b.0, b.1)).collect(),
            execution,
            report,
        )
    }
}

#[test]
fn memory_and_counters_are_those_of_the_engine() {
    for job in &JOBS {
        let (expected, by_engine, _) = job.run(None);
        let (found, simulated, report) = job.run(Some(""));
        assert!(expected == found, "{}", job.name);
        assert_eq!(by_engine.stats, simulated.stats, "{}", job.name);
        let s = report.expect("a report").statistics;
        assert_eq!(
            s.warp_instructions, simulated.stats.warp_instructions,
            "{}",
            job.name
        );
    }
}

#[test]
fn cycles_and_counters_are_the_same_in_every_run() {
    for job in &JOBS {
        let runs: Vec<_> = (0..2).map(|_| job.run(Some("")).2.expect("a report")).collect();
        assert_eq!(runs[0].statistics, runs[1].statistics, "{}", job.name);
        assert!(runs[0].cycles > 0);
    }
}

/// Idle cycles that are skipped, and components that sleep, change no counter.
#[test]
fn skipping_changes_nothing() {
    let options = [
        "",
        "-gpgpu_scheduler lrr\n-gpgpu_clock_domains 1447:1311:1200:877\n-icnt_arbiter_algo 0",
        "-gpgpu_kernel_launch_latency 700\n-gpgpu_cache:dl1 S:4:128:4,L:T:m:L:L,A:8:2,4:0,32\n-gpgpu_adaptive_cache_config 0",
        "-gpgpu_simple_dram_model 1\n-gpgpu_n_clusters 3",
    ];
    for job in &JOBS {
        for options in options {
            let (mut machine, _, arguments) = job.prepare(options);
            machine.simulator.every_cycle();
            let slow = machine.simulate(job.name, job.grid, job.block, &arguments);
            let slow = slow.unwrap_or_else(|e| panic!("{}: {e}", job.name));
            let fast = job.run(Some(options)).2.expect("a report");
            assert_eq!(
                slow.statistics.text(),
                fast.statistics.text(),
                "{} {options}",
                job.name
            );
        }
    }
}

/// Results do not depend on the machine.
#[test]
fn every_policy_leaves_the_same_memory() {
    let options = [
        "-gpgpu_scheduler lrr",
        "-gpgpu_scheduler old",
        "-gpgpu_scheduler two_level_active:2:0:1",
        "-gpgpu_scheduler warp_limiting:2:3",
        "-gpgpu_max_insn_issue_per_warp 2",
        "-gpgpu_sub_core_model 0",
        "-gpgpu_num_int_units 0\n-gpgpu_num_dp_units 0\n-gpgpu_pipeline_widths 4,0,0,4,4,4,0,0,4,4,8,4,4\n\
         -ptx_opcode_latency_int 4,13,4,5,145,13",
        "-gpgpu_enable_specialized_operand_collector 1\n-gpgpu_operand_collector_num_units_gen 0\n\
         -gpgpu_operand_collector_num_units_int 2\n-gpgpu_operand_collector_num_in_ports_int 1\n\
         -gpgpu_operand_collector_num_out_ports_int 1\n-gpgpu_operand_collector_num_units_dp 2\n\
         -gpgpu_operand_collector_num_in_ports_dp 1\n-gpgpu_operand_collector_num_out_ports_dp 1",
        "-gpgpu_cache:dl1 none",
        "-gpgpu_cache:dl1 S:4:128:16,L:T:m:L:L,A:16:2,4:0,32\n-gpgpu_adaptive_cache_config 0",
        "-gpgpu_cache:dl1 S:4:128:4,L:L:m:N:L,A:8:2,4:0,32\n-gpgpu_adaptive_cache_config 0",
        "-gpgpu_cache:dl2 S:16:128:2,F:B:m:F:P,A:8:2,4:0,32",
        "-gpgpu_cache:dl2 S:16:128:2,L:B:m:N:L,A:8:2,4:0,32\n-dram_seperate_write_queue_enable 0",
        "-gpgpu_cache:dl2 S:16:128:2,L:T:m:L:X,A:8:2,4:0,16\n-dram_seperate_write_queue_enable 0",
        "-gpgpu_n_mem 4\n-gpgpu_n_sub_partition_per_mchannel 1\n-gpgpu_memory_partition_indexing 1",
        "-gpgpu_simple_dram_model 1",
        "-gpgpu_dram_scheduler 0\n-dram_seperate_write_queue_enable 0\n-dram_dual_bus_interface 0",
        "-icnt_arbiter_algo 0\n-icnt_in_buffer_limit 2\n-icnt_out_buffer_limit 1",
        "-icnt_grant_cycles 3\n-gpgpu_dram_partition_queues 4:1:1:1",
        "-gpgpu_perfect_mem 1",
        "-gpgpu_clock_domains 1447:1311:1200:877",
        "-gpgpu_n_clusters 3\n-gpgpu_n_cores_per_cluster 1",
    ];
    for job in &JOBS {
        let (expected, ..) = job.run(None);
        let mut cycles = std::collections::BTreeSet::new();
        for options in options {
            let (found, _, report) = job.run(Some(options));
            assert!(expected == found, "{} {options}", job.name);
            cycles.insert(report.expect("a report").cycles);
        }
        assert!(cycles.len() >= options.len() / 3, "{}: {cycles:?}", job.name);
    }
}

fn filetest(text: &str, case: &Case) -> Outcome {
    let mut machine = Machine::new(text, "");
    let (format, input) = case.numerics;
    machine.numerics = exec::Numerics { format, input };
    let (mut arguments, mut buffers) = (Vec::new(), Vec::new());
    for argument in &case.arguments {
        arguments.push(match argument {
            Given::Buffer(content) => {
                let at = machine.buffer(content);
                buffers.push((at, content.len()));
                Wide(at)
            }
            Given::Number(bytes) => {
                let mut word = [0; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                match bytes.len() {
                    8 => Wide(u64::from_le_bytes(word)),
                    _ => Word(u64::from_le_bytes(word) as u32),
                }
            }
        });
    }
    let report = machine
        .simulate(&case.kernel, [case.grid, 1, 1], [case.block, 1, 1], &arguments)
        .unwrap_or_else(|e| panic!("{}: {e}", case.line));
    match report.execution.trap {
        Some(trap) => Outcome::Trap(trap.to_string()),
        None => Outcome::Buffers(buffers.iter().map(|b| machine.bytes(b.0, b.1)).collect()),
    }
}

#[test]
fn kernels_compute_what_their_files_say() {
    let ran = filetest::check(filetest).unwrap_or_else(|e| panic!("{e}"));
    assert!(ran > 0);
}
