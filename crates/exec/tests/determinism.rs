//! The same launch gives the same memory, output and counters for 1, 2 and 4 CPU threads, also where the order
//! of things could show; and threads that wait for each other all come to their end.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use exec::Execution;

/// Runs `text` with 1, 2 and 4 threads on a zeroed buffer of `bytes` bytes (the first argument): all runs must
/// agree. Gives one of them.
fn same(text: &str, grid: u32, block: u32, bytes: usize, cooperative: bool) -> (Execution, Vec<u8>) {
    let mut runs = [1, 2, 4].map(|threads| {
        let mut device = Device::new(text, threads);
        device.cooperative = cooperative;
        device.budget = Some(50_000_000);
        let buffer = device.buffer(bytes as u64);
        let execution = device.launch(grid, block, &[buffer]);
        if let Some(trap) = &execution.trap {
            panic!("{threads} threads: {trap}");
        }
        (execution, device.bytes(buffer, bytes))
    });
    for run in &runs[1..] {
        assert_eq!(run.1, runs[0].1, "memory");
        assert_eq!(run.0.stats, runs[0].0.stats, "counters");
        assert_eq!(
            String::from_utf8_lossy(&run.0.output),
            String::from_utf8_lossy(&runs[0].0.output),
            "output"
        );
    }
    std::mem::take(&mut runs[0])
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

const HEAD: &str = ".visible .entry k(.param .u64 a)\n{\n.reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %rd<16>; .reg .f32 %f<8>;\n\
    ld.param.u64 %rd0, [a];\nmov.u32 %r0, %tid.x;\nmov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ntid.x;\n\
    mad.lo.u32 %r3, %r1, %r2, %r0;\n";

#[test]
fn sums_of_floats_are_in_block_and_lane_order() {
    // 1 / (i + 1) is rounded at every step, so that any other order gives other bits.
    let text = format!(
        "{HEAD}cvt.rn.f32.u32 %f1, %r3;\nadd.f32 %f1, %f1, 0f3F800000;\nrcp.rn.f32 %f1, %f1;\n\
         red.global.add.f32 [%rd0], %f1;\natom.global.add.f32 %f2, [%rd0+4], %f1;\n\
         mul.wide.u32 %rd1, %r3, 4;\nadd.s64 %rd1, %rd1, %rd0;\nst.global.f32 [%rd1+8], %f2;\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 50, 70, 8 + 4 * 3500, false);
    let mut sum = 0.0f32;
    let values = words(&memory);
    for i in 0..3500 {
        assert_eq!(values[2 + i], sum.to_bits(), "the value before thread {i}");
        sum += 1.0 / (i as f32 + 1.0);
    }
    assert_eq!(values[..2], [sum.to_bits(), sum.to_bits()]);
}

#[test]
fn exchanges_and_counters_are_in_block_and_lane_order() {
    let text = format!(
        "{HEAD}atom.global.exch.b32 %r4, [%rd0], %r3;\natom.global.add.u32 %r5, [%rd0+4], 1;\n\
         mul.wide.u32 %rd1, %r3, 8;\nadd.s64 %rd1, %rd1, %rd0;\nst.global.v2.u32 [%rd1+8], {{%r4, %r5}};\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 40, 64, 8 + 8 * 2560, false);
    let values = words(&memory);
    for i in 0..2560u32 {
        let pair = &values[2 + 2 * i as usize..][..2];
        assert_eq!(pair, [i.saturating_sub(1), i], "thread {i}");
    }
}

#[test]
fn output_is_in_block_order() {
    // printf("%d %d\n", block, thread)
    let text = format!(
        ".extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 v);\n\
         .global .align 1 .b8 format[7] = {{37, 100, 32, 37, 100, 10, 0}};\n{HEAD}\
         .local .align 8 .b8 frame[8];\nmov.u64 %rd2, frame;\nst.local.u32 [%rd2], %r1;\nst.local.u32 [%rd2+4], %r0;\n\
         cvta.local.u64 %rd2, %rd2;\nmov.u64 %rd3, format;\n{{\n.param .b64 p0; .param .b64 p1; .param .b32 result;\n\
         st.param.b64 [p0], %rd3;\nst.param.b64 [p1], %rd2;\ncall (result), vprintf, (p0, p1);\n}}\nret;\n}}\n"
    );
    let (execution, _) = same(&text, 30, 33, 8, false);
    let expected: String = (0..30 * 33).map(|i| format!("{} {}\n", i / 33, i % 33)).collect();
    assert_eq!(String::from_utf8_lossy(&execution.output), expected);
}

#[test]
fn counters_count_each_thread_once() {
    // Thread i makes i + 1 trips of three instructions.
    let text = format!(
        "{HEAD}mov.u32 %r4, 0;\nLOOP:\nadd.u32 %r4, %r4, 1;\nsetp.le.u32 %p1, %r4, %r0;\n@%p1 bra LOOP;\n\
         setp.lt.or.s32 %p1, %r4, 1, %p1;\nret;\n}}\n"
    );
    let (execution, _) = same(&text, 100, 48, 8, false);
    let block = (1..=48).map(|trips| 5 + 1 + 3 * trips + 2).sum::<u64>();
    assert_eq!(execution.stats.thread_instructions, 100 * block);
}

/// All blocks count up a cell and wait for the others, `ROUNDS` times.
#[test]
fn blocks_of_a_cooperative_launch_meet() {
    let text = format!(
        "{HEAD}mov.u32 %r4, %nctaid.x;\nmov.u32 %r5, 0;\nROUND:\nadd.u32 %r5, %r5, 1;\n\
         mad.lo.u32 %r6, %r5, %r3, 7;\nmul.wide.u32 %rd1, %r3, 4;\nadd.s64 %rd1, %rd1, %rd0;\nst.global.u32 [%rd1+4096], %r6;\n\
         bar.sync 0;\nsetp.ne.u32 %p1, %r0, 0;\n@%p1 bra WAITED;\n\
         membar.gl;\nred.global.add.u32 [%rd0], 1;\nmul.lo.u32 %r7, %r4, %r5;\n\
         SPIN:\nld.volatile.global.u32 %r8, [%rd0];\nsetp.lt.u32 %p2, %r8, %r7;\n@%p2 bra SPIN;\n\
         WAITED:\nbar.sync 0;\n\
         add.u32 %r9, %r1, 1;\nrem.u32 %r9, %r9, %r4;\nmad.lo.u32 %r9, %r9, %r2, %r0;\nmul.wide.u32 %rd2, %r9, 4;\n\
         add.s64 %rd2, %rd2, %rd0;\nld.volatile.global.u32 %r10, [%rd2+4096];\nmad.lo.u32 %r11, %r11, 3, %r10;\n\
         bar.sync 0;\n@%p1 bra LEFT;\nred.global.add.u32 [%rd0+4], 1;\n\
         SPIN2:\nld.volatile.global.u32 %r8, [%rd0+4];\nsetp.lt.u32 %p2, %r8, %r7;\n@%p2 bra SPIN2;\n\
         LEFT:\nbar.sync 0;\nsetp.lt.u32 %p3, %r5, 3;\n@%p3 bra ROUND;\nst.global.u32 [%rd1+8192], %r11;\nret;\n}}\n"
    );
    let (blocks, threads) = (9u32, 40u32);
    let (_, memory) = same(&text, blocks, threads, 16384, true);
    let values = words(&memory);
    assert_eq!(values[..2], [27, 27]);
    for i in 0..blocks * threads {
        // The neighbour block's thread of the same index, in rounds 1 to 3.
        let n = (i + threads) % (blocks * threads);
        let sum = (1..=3).fold(0u32, |s, round| s * 3 + round * n + 7);
        assert_eq!(values[2048 + i as usize], sum, "thread {i}");
    }
}

#[test]
fn a_spin_lock_inside_a_warp_is_passed_on() {
    // while (atomicCAS(lock, 0, 1)) {}  count++;  atomicExch(lock, 0)
    let text = format!(
        "{HEAD}LOCK:\natom.global.cas.b32 %r4, [%rd0], 0, 1;\nsetp.ne.u32 %p1, %r4, 0;\n@%p1 bra LOCK;\n\
         ld.volatile.global.u32 %r5, [%rd0+4];\nadd.u32 %r5, %r5, 1;\nst.volatile.global.u32 [%rd0+4], %r5;\n\
         membar.gl;\natom.global.exch.b32 %r6, [%rd0], 0;\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 3, 64, 8, false);
    assert_eq!(words(&memory), [0, 192]);
}

#[test]
fn a_lane_may_wait_for_another_of_its_warp() {
    // Lane 5 waits until lane 20 has stored, which comes later in the code, and the other way round.
    for (waits, stores) in [(5, 20), (20, 5)] {
        let text = format!(
            "{HEAD}setp.ne.u32 %p1, %r0, {waits};\n@%p1 bra OTHERS;\n\
             SPIN:\nld.volatile.global.u32 %r4, [%rd0];\nsetp.eq.u32 %p2, %r4, 0;\n@%p2 bra SPIN;\n\
             st.global.u32 [%rd0+4], %r4;\nbra END;\n\
             OTHERS:\nsetp.ne.u32 %p3, %r0, {stores};\n@%p3 bra END;\nmov.u32 %r5, 77;\n\
             st.volatile.global.u32 [%rd0], %r5;\nEND:\nbar.warp.sync -1;\nret;\n}}\n"
        );
        let (_, memory) = same(&text, 1, 32, 8, false);
        assert_eq!(words(&memory), [77, 77]);
    }
}

#[test]
fn shared_sums_of_floats_are_in_lane_order() {
    let text = format!(
        "{HEAD}.shared .align 4 .f32 sum;\ncvt.rn.f32.u32 %f1, %r3;\nadd.f32 %f1, %f1, 0f3F800000;\nrcp.rn.f32 %f1, %f1;\n\
         red.shared.add.f32 [sum], %f1;\nbar.sync 0;\nsetp.ne.u32 %p1, %r0, 0;\n@%p1 ret;\nld.shared.f32 %f2, [sum];\n\
         mul.wide.u32 %rd1, %r1, 4;\nadd.s64 %rd1, %rd1, %rd0;\nst.global.f32 [%rd1], %f2;\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 20, 96, 80, false);
    for (b, bits) in words(&memory).into_iter().enumerate() {
        let sum = (0..96).fold(0.0f32, |s, t| s + 1.0 / ((b * 96 + t) as f32 + 1.0));
        assert_eq!(bits, sum.to_bits(), "block {b}");
    }
}

#[test]
fn what_is_read_before_it_is_written_is_zero() {
    // Every block leaves registers, shared and local memory full of ones behind for the next.
    let text = format!(
        ".shared .align 4 .b8 s[512];\n{HEAD}.reg .b32 %never<2>;\n.local .align 4 .b8 l[8];\n.reg .b64 %sp;\n\
         mov.u64 %sp, l;\nshl.b32 %r4, %r0, 2;\nmov.u32 %r5, s;\nadd.u32 %r5, %r5, %r4;\n\
         ld.shared.u32 %r6, [%r5];\nld.local.u32 %r7, [%sp+4];\nor.b32 %r6, %r6, %r7;\n\
         or.b32 %r6, %r6, %never1;\nmov.u32 %r8, -1;\nst.shared.u32 [%r5], %r8;\nst.local.u32 [%sp+4], %r8;\n\
         mov.u32 %never1, %r8;\nmul.wide.u32 %rd1, %r3, 4;\nadd.s64 %rd1, %rd1, %rd0;\n\
         add.u32 %r6, %r6, 1;\nst.global.u32 [%rd1], %r6;\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 20, 100, 4 * 2000, false);
    assert_eq!(words(&memory), vec![1; 2000]);
}

#[test]
fn clocks_pass_the_same_in_every_run() {
    let text = format!(
        "{HEAD}mov.u32 %r4, %clock;\nmov.u64 %rd2, %clock64;\nmov.u64 %rd3, %globaltimer;\ncvt.u32.u64 %r5, %rd2;\n\
         cvt.u32.u64 %r6, %rd3;\nmov.u32 %r7, %smid;\nmul.wide.u32 %rd1, %r3, 16;\nadd.s64 %rd1, %rd1, %rd0;\n\
         st.global.v4.u32 [%rd1], {{%r4, %r5, %r6, %r7}};\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 10, 64, 16 * 640, false);
    for read in words(&memory).chunks_exact(4) {
        assert!(read[0] < read[1] && read[1] < read[2], "time goes on: {read:?}");
        assert_eq!(read[3], 0, "there is one multiprocessor");
    }
}

#[test]
fn every_block_is_a_cluster_of_its_own() {
    let text = format!(
        "{HEAD}mov.u32 %r4, %clusterid.x;\nmov.u32 %r5, %nclusterid.x;\nmov.u32 %r6, %cluster_ctaid.x;\n\
         mov.u32 %r7, %cluster_nctaid.x;\nmul.wide.u32 %rd1, %r3, 16;\nadd.s64 %rd1, %rd1, %rd0;\n\
         st.global.v4.u32 [%rd1], {{%r4, %r5, %r6, %r7}};\nret;\n}}\n"
    );
    let (_, memory) = same(&text, 3, 32, 16 * 96, false);
    for (i, read) in words(&memory).chunks_exact(4).enumerate() {
        assert_eq!(read, [i as u32 / 32, 3, 0, 1], "thread {i}");
    }
}

#[test]
fn blocks_that_race_agree_when_they_run_in_order() {
    // Each of 200 blocks does a[0] = 3 * a[0] + block, 50 times, without an atomic; the last block stores last in a[1].
    let text = format!(
        "{HEAD}mov.u32 %r4, 0;\n$again:\nld.volatile.global.u32 %r5, [%rd0];\nmad.lo.u32 %r5, %r5, 3, %r1;\n\
         st.volatile.global.u32 [%rd0], %r5;\nadd.u32 %r4, %r4, 1;\nsetp.lt.u32 %p1, %r4, 50;\n@%p1 bra $again;\n\
         st.global.u32 [%rd0+4], %r1;\nret;\n}}\n"
    );
    let mut value = 0u32;
    for step in 0..200 * 50 {
        value = value.wrapping_mul(3).wrapping_add(step / 50);
    }
    for _ in 0..20 {
        let device = Device::new(&text, 4).in_order();
        let buffer = device.buffer(8);
        assert!(device.launch(200, 1, &[buffer]).trap.is_none());
        assert_eq!(words(&device.bytes(buffer, 8)), [value, 199]);
    }
}
