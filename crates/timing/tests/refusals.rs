//! What cannot be simulated is refused by name, with its place, and says what to do.

mod machine;

use machine::{Machine, VOLTA, Wide, device, kernel};
use timing::{Error, Simulator};

/// What a machine with `options` is refused with.
fn refusal(options: &str) -> String {
    match Simulator::new(&device(options)) {
        Ok(_) => panic!("{options} is taken"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn options_are_refused_with_their_place() {
    let line = VOLTA.lines().count() + 2;
    let cases = [
        (
            "-network_mode 1",
            "`-network_mode` is `1`: only `2` is modelled: networks of .icnt files are not",
        ),
        (
            "-gpgpu_perfect_inst_const_cache 0",
            "only `1` is modelled: misses of the instruction and constant caches are not",
        ),
        (
            "-ptx_opcode_latency_vp 4,13,4,14,39",
            "a latency of 14 is longer than the pipeline, 13 (MAX of -ptx_opcode_latency_fp, for .vf32 runs in the SP units)",
        ),
        (
            "-ptx_opcode_initiation_fp 2,2,2,6,4",
            "an initiation interval of 6 is longer than its latency, 5",
        ),
        (
            "-gpgpu_scheduler two_level_active:6:1:0",
            "two_level_active:WARPS:0:1 is modelled",
        ),
        (
            "-gpgpu_memory_partition_indexing 4",
            "0 (none), 1 (XOR) and 2 (IPOLY) are modelled",
        ),
        (
            "-gpgpu_cache:dl1 N:32:128:4,L:L:m:N:H,A:64:8,8",
            "only sectored caches are modelled",
        ),
        (
            "-gpgpu_cache:dl1 S:32:128:4,L:L:m:N:H,A:64:8,8",
            "set index `H` is not modelled",
        ),
        (
            "-gpgpu_cache:dl2 S:48:128:4,L:B:m:L:P,A:64:8,8",
            "the number of sets must be a power of two",
        ),
        (
            "-gpgpu_cache:dl2 S:32:128:24,L:B:m:L:P,S:192:4,32:0,32",
            "only associative MSHRs are modelled",
        ),
        (
            "-gpgpu_cache:dl2 S:32:128:24,L:B:s:L:P,A:192:4,32:0,32",
            "can neither be write-back (B) nor allocate for writes",
        ),
        (
            "-gpgpu_cache:dl2 S:32:128:24,L:B:m:N:P,A:192:4,32:0,32",
            "nothing would move",
        ),
        (
            "-gpgpu_coalesce_arch 20",
            "only accesses in sectors of 32 bytes are modelled",
        ),
        (
            "-gpgpu_shader_core_pipeline 4096:32",
            "at most 2048 threads are modelled",
        ),
        (
            "-gpgpu_pipeline_widths 4,4,4,4,2,4,4,4,4,4,8,4,4",
            "MEM: with -gpgpu_sub_core_model each scheduler has one place",
        ),
        (
            "-gpgpu_mem_addr_mapping RRBBCC",
            "the map has 6 letters; 64 are needed",
        ),
        (
            "-gpgpu_dram_timing_opt 16:1:3:2:28:12:40:12:2:3:10:4:2:3",
            "RCD must be larger than WL",
        ),
        ("-gpgpu_dram_timing_opt nbk=16:CCD=1", "RRD is missing"),
        (
            "-gpgpu_operand_collector_num_units_gen 0",
            "no operand collector serves the SP units",
        ),
        ("-gpgpu_l1_cache_write_ratio 25", "lines of L1 go by age alone"),
        ("-gpgpu_n_mem 100", "IPOLY needs 16, 32 or 64 slices"),
    ];
    for (options, expected) in cases {
        let said = refusal(options);
        assert!(said.contains(expected), "{options}:\n{said}");
        // The map is refused where the number of channels stands for itself.
        if options != "-gpgpu_n_mem 100"
            && options != "-gpgpu_cache:dl2 S:32:128:24,L:B:m:N:P,A:192:4,32:0,32"
        {
            assert!(
                said.ends_with(&format!("--> volta.config:{line}")),
                "{options}:\n{said}"
            );
        }
    }
}

/// The message with which a launch is refused.
fn launch(body: &str, options: &str, threads: u32) -> String {
    let mut machine = Machine::new(&kernel(body), options);
    let at = machine.buffer(&[0; 4096]);
    match machine.simulate("k", [2, 1, 1], [threads, 1, 1], &[Wide(at)]) {
        Ok(r) => panic!("{body}: {} cycles", r.cycles),
        Err(e) => e.to_string(),
    }
}

#[test]
fn kernels_are_refused_by_what_they_have() {
    let number = launch("mov.u32 %r1, 1;\nbar.sync %r1;", "", 32);
    assert!(
        number.contains("a register says which barrier it uses"),
        "{number}"
    );
    let size = launch("", "-gpgpu_shmem_size 8192\n-gpgpu_shmem_per_block 8192", 32);
    assert!(
        size.contains("16384 bytes of shared memory; a multiprocessor has 2048, 65536 and 8192"),
        "{size}"
    );
    let limit = launch("L:\nadd.u32 %r1, %r1, 1;\nbra L;", "-gpgpu_max_cycle 1000", 32);
    assert_eq!(limit, "kernel `k` was stopped: -gpgpu_max_cycle is 1000");
    // Half of the warp reads shared memory, half global memory, in one access.
    let mixed = "mov.u32 %r1, %tid.x;\nmov.u64 %rd2, s;\ncvta.shared.u64 %rd2, %rd2;\nsetp.lt.u32 %p1, %r1, 16;\n\
                 selp.b64 %rd3, %rd1, %rd2, %p1;\nld.u32 %r2, [%rd3];";
    let said = launch(mixed, "", 32);
    assert!(
        said.contains("lanes of one access that names no space go to different ones"),
        "{said}"
    );
}

/// A machine goes on after a launch that was given up, and traps are no errors.
#[test]
fn a_machine_outlives_what_goes_wrong() {
    let text = format!(
        "{}{}",
        kernel("ld.global.u32 %r1, [%rd1];\nst.global.u32 [%rd1+4], %r1;"),
        kernel("ld.global.u32 %r1, [%rd1];\nld.global.u32 %r1, [%rd1+1048576];").replace(" k(", " bad(")
    );
    let run = |machine: &mut Machine, at| machine.run("k", 3, 64, &[Wide(at)]).cycles;
    let mut machine = Machine::new(&text, "");
    let at = machine.buffer(&[1; 4096]);
    let first = run(&mut machine, at);
    let trapped = machine
        .simulate("bad", [3, 1, 1], [64, 1, 1], &[Wide(at)])
        .expect("a report");
    let trap = trapped.execution.trap.expect("a trap").to_string();
    assert!(trap.contains("out of bounds"), "{trap}");
    // Whose L2 is cold again.
    assert_eq!(run(&mut machine, at), first);
    let mut limited = Machine::new(&text, "-gpgpu_max_cycle 100");
    let at = limited.buffer(&[1; 4096]);
    let said = limited.simulate("k", [3, 1, 1], [64, 1, 1], &[Wide(at)]);
    assert!(matches!(said, Err(Error::Limit { .. })), "{said:?}");
}

/// The configurations of this repository that describe a machine with a crossbar can be simulated.
#[test]
fn the_configurations_here_are_taken_or_refused_by_name() {
    let config = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../configs")
            .join(name);
        let device = device::Device::from_file(&path).unwrap_or_else(|e| panic!("{e}"));
        Simulator::new(&device)
            .map(|s| s.config().cores())
            .map_err(|e| e.to_string())
    };
    assert_eq!(config("SM75_RTX2060"), Ok(30));
    let v100 = config("SM70_V100").expect_err("a network");
    assert!(v100.contains("`-network_mode` is `1`"), "{v100}");
    let default = config("default").expect_err("no machine");
    assert!(default.contains("-gpgpu_perfect_inst_const_cache"), "{default}");
}
