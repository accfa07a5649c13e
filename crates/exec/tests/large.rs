//! Texts that are large or nested deeply are lowered in time that grows little faster than they do, and give the right
//! result: a pass that is quadratic takes minutes here.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use std::fmt::Write;

/// The word that thread 0 of a block of 32 leaves.
fn result(text: &str) -> u32 {
    let start = std::time::Instant::now();
    let device = Device::new(text, 1);
    let loaded = start.elapsed();
    let out = device.buffer(4);
    let done = device.launch(1, 32, &[out]);
    println!(
        "{} bytes: loaded in {loaded:.2?}, run in {:.2?}",
        text.len(),
        start.elapsed() - loaded
    );
    assert!(done.trap.is_none(), "{:?}", done.trap);
    u32::from_le_bytes(device.bytes(out, 4).try_into().unwrap())
}

/// A kernel with `%r0` = `%tid.x`, that stores `%r1`.
fn kernel(registers: usize, body: &str) -> String {
    format!(
        ".visible .entry k(.param .u64 a)\n{{\n.reg .pred %p<4>; .reg .b32 %r<{registers}>; .reg .b64 %rd<8>;\n\
         ld.param.u64 %rd0, [a];\nmov.u32 %r0, %tid.x;\nmov.u32 %r1, 0;\n{body}\
         setp.eq.u32 %p1, %r0, 0;\n@%p1 st.global.u32 [%rd0], %r1;\nret;\n}}\n"
    )
}

/// A kernel that adds what `f(0)` returns; `functions` define it.
fn caller(functions: &str, callee: &str) -> String {
    let call = format!(
        "{{\n.param .u32 p; .param .u32 q;\nst.param.u32 [p], %r0;\ncall.uni (q), {callee}, (p);\n\
         ld.param.u32 %r1, [q];\n}}\n"
    );
    format!("{functions}{}", kernel(4, &call))
}

/// Functions `f0` (adds 1) to `fN`, each of which calls the one before `times` times.
fn functions(n: usize, times: usize) -> String {
    let mut t = String::new();
    for i in 0..=n {
        let _ = writeln!(
            t,
            ".func (.param .u32 r) f{i}(.param .u32 x)\n{{\n.reg .b32 %r<4>;\nld.param.u32 %r0, [x];"
        );
        for _ in 0..if i == 0 { 0 } else { times } {
            let _ = writeln!(
                t,
                "{{\n.param .u32 p; .param .u32 q;\nst.param.u32 [p], %r0;\ncall.uni (q), f{}, (p);\n\
                 ld.param.u32 %r0, [q];\n}}",
                i - 1
            );
        }
        if i == 0 {
            t += "add.u32 %r0, %r0, 1;\n";
        }
        t += "st.param.u32 [r], %r0;\nret;\n}\n";
    }
    t
}

#[test]
fn many_branches_one_after_the_other() {
    let n = 32_000u32;
    let mut body = String::new();
    for i in 0..n {
        let _ = writeln!(
            body,
            "setp.eq.u32 %p0, %r0, {};\n@%p0 bra L{i};\nadd.u32 %r1, %r1, {i};\nL{i}:",
            i % 7
        );
    }
    assert_eq!(
        result(&kernel(4, &body)),
        (0..n).filter(|i| i % 7 != 0).sum::<u32>()
    );
}

#[test]
fn branches_nested_deeply() {
    let n = 10_000u32;
    let mut body = String::new();
    for i in 0..n {
        let _ = writeln!(
            body,
            "setp.eq.u32 %p0, %r0, {};\n@%p0 bra L{i};\nadd.u32 %r1, %r1, {i};",
            i + 1
        );
    }
    for i in (0..n).rev() {
        let _ = writeln!(body, "L{i}:\nadd.u32 %r1, %r1, 1;");
    }
    assert_eq!(result(&kernel(4, &body)), (0..n).sum::<u32>() + n);
}

/// Both sides of every branch, atomics (behind which rule 2 looks at all that follows), and a register that is uniform at
/// every level: whatever the analysis makes of it, the result is right.
#[test]
fn branches_nested_deeply_with_other_sides_and_atomics() {
    let n = 10_000u32;
    let mut body = "mov.u32 %r2, 0;\n".to_string();
    for i in 0..n {
        let _ = writeln!(
            body,
            "setp.eq.u32 %p0, %r0, {};\n@%p0 bra E{i};\nadd.u32 %r1, %r1, {i};\nadd.u32 %r2, %r2, 1;",
            i + 1
        );
        if i % 100 == 0 {
            body += "atom.global.add.u32 %r3, [%rd0], 0;\n";
        }
    }
    for i in (0..n).rev() {
        let _ = writeln!(
            body,
            "bra.uni L{i};\nE{i}:\nsub.u32 %r1, %r1, 7;\nadd.u32 %r2, %r2, 2;\nL{i}:\nadd.u32 %r1, %r1, %r2;"
        );
    }
    // Thread 0 takes every branch's first side.
    let sum: u64 = (0..u64::from(n)).sum();
    let expected = sum + u64::from(n) * u64::from(n);
    assert_eq!(result(&kernel(4, &body)), expected as u32);
}

/// As before, and every thread is looked at: thread t leaves at level t - 1 and adds what it finds on its way back.
#[test]
fn all_lanes_of_deep_nesting() {
    let n = 3_000u32;
    let mut body = "mov.u32 %r2, 0;\nmov.u32 %r3, 5;\n".to_string();
    for i in 0..n {
        let _ = writeln!(
            body,
            "setp.eq.u32 %p0, %r0, {};\n@%p0 bra L{i};\nadd.u32 %r2, %r2, 1;\nmov.u32 %r3, {i};",
            i + 1
        );
    }
    for i in (0..n).rev() {
        let _ = writeln!(body, "L{i}:\nadd.u32 %r1, %r1, %r3;\nadd.u32 %r1, %r1, %r2;");
    }
    // Sums over the lanes, so that one word tells.
    body += "redux.sync.add.u32 %r1, %r1, 0xffffffff;\n";
    let lane = |t: u32| -> u32 {
        // Lanes above 0 leave at level t - 1; lane 0 goes through all of them.
        let levels = if t == 0 { n } else { t - 1 };
        let last = if levels == 0 { 5 } else { levels - 1 };
        let back = if t == 0 { n } else { t };
        back.wrapping_mul(last).wrapping_add(back.wrapping_mul(levels))
    };
    let expected = (0..32).map(lane).fold(0, u32::wrapping_add);
    assert_eq!(result(&kernel(4, &body)), expected);
}

#[test]
fn many_loops() {
    let n = 8_000usize;
    let mut body = String::new();
    for i in 0..n {
        let r = 2 + i % 8;
        let _ = writeln!(
            body,
            "mov.u32 %r{r}, 0;\nL{i}:\nadd.u32 %r1, %r1, %r{r};\nadd.u32 %r{r}, %r{r}, 1;\n\
             setp.lt.u32 %p0, %r{r}, 3;\n@%p0 bra L{i};"
        );
    }
    assert_eq!(result(&kernel(12, &body)), 3 * n as u32);
}

#[test]
fn many_registers_live_at_once() {
    let n = 20_000usize;
    let mut body = String::new();
    for i in 0..n {
        let _ = writeln!(body, "add.u32 %r{}, %r0, {i};", i + 2);
    }
    for i in 0..n {
        let _ = writeln!(body, "add.u32 %r1, %r1, %r{};", i + 2);
    }
    assert_eq!(result(&kernel(n + 4, &body)), (0..n as u32).sum::<u32>());
}

/// 2^16 calls if all were inlined.
#[test]
fn calls_that_double_at_each_level() {
    assert_eq!(result(&caller(&functions(16, 2), "f16")), 1 << 16);
}

#[test]
fn calls_nested_deeply() {
    assert_eq!(result(&caller(&functions(2000, 1), "f2000")), 1);
}
