//! What a kernel does wrong ends the launch with a message that names what happened, the PTX line, the kernel,
//! the block and the thread; the same one for any number of CPU threads.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use exec::{Arena, Dim3, TrapKind};

/// A kernel with parameters `a` and `b` whose body begins in line 8 of the file; `%rd0` and `%rd1` hold the
/// parameters, `%r0` is `%tid.x` and `%r1` is `%ctaid.x`. The body's first line is line 12.
fn kernel(body: &str) -> String {
    format!(
        ".visible .entry k(.param .u64 a, .param .u64 b)\n{{\n.reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %rd<16>; .reg .f32 %f<8>;\n\
         .shared .align 16 .b8 tile[64];\n\
         ld.param.u64 %rd0, [a];\nld.param.u64 %rd1, [b];\nmov.u32 %r0, %tid.x;\nmov.u32 %r1, %ctaid.x;\n{body}\nret;\n}}\n"
    )
}

/// The message of the trap that `body` ends in, with 2 blocks of 64 threads.
fn message(body: &str, args: impl Fn(&Device) -> [u64; 2]) -> String {
    let mut messages = [1, 2].map(|threads| {
        let mut device = Device::new(&kernel(body), threads);
        device.budget = Some(100_000);
        let args = args(&device);
        let text = device.launch(2, 64, &args).trap.expect("a trap").to_string();
        // Addresses differ from device to device: name them, and leave out distances that depend on them.
        let text = args.iter().zip(["A", "B"]).fold(
            text,
            |t, (a, name)| {
                if *a > 4096 { relative(&t, *a, name) } else { t }
            },
        );
        let words = text.split(' ');
        let words = words.map(|w| {
            if w.parse::<u64>().is_ok_and(|n| n > 1 << 24) {
                "N"
            } else {
                w
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    assert_eq!(messages[0], messages[1]);
    std::mem::take(&mut messages[0])
}

/// Writes hexadecimal numbers within a megabyte of `base` as `name+offset`.
fn relative(text: &str, base: u64, name: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(k) = rest.find("0x") {
        let digits = rest[k + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        let end = k + 2 + digits;
        let value = u64::from_str_radix(&rest[k + 2..end], 16).unwrap_or(0);
        out += &rest[..k];
        match value.wrapping_sub(base) as i64 {
            0 => out += name,
            d if d.abs() < 1 << 20 => out += &format!("{name}{d:+}"),
            _ => out += &rest[k..end],
        }
        rest = &rest[end..];
    }
    out + rest
}

fn buffer(device: &Device) -> [u64; 2] {
    [device.buffer(64), 0]
}

const LAST: &str = "kernel `k`, block (0,0,0)";

#[test]
fn global_accesses_behind_the_end() {
    assert_eq!(
        message(
            "mul.wide.u32 %rd2, %r0, 4;\nadd.s64 %rd2, %rd2, %rd0;\nst.global.u32 [%rd2+16], %r0;",
            buffer
        ),
        format!(
            "store of 4 bytes at global address A+64 is out of bounds: 0 bytes behind the end of the 64 bytes \
             allocated at A\n  --> test.ptx:14: st.global.u32 [%rd2+16], %r0;\n   in {LAST}, thread (12,0,0)"
        )
    );
    assert_eq!(
        message("ld.global.u32 %r2, [%rd0+-4];", buffer),
        format!(
            "load of 4 bytes at global address A-4 is out of bounds: 4 bytes before the 64 bytes allocated at A\n  \
             --> test.ptx:12: ld.global.u32 %r2, [%rd0+-4];\n   in {LAST}, thread (0,0,0)"
        )
    );
    assert_eq!(
        message("ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd0+64];", buffer)
            .lines()
            .next(),
        Some(
            "load of 16 bytes at global address A+64 is out of bounds: 0 bytes behind the end of the 64 bytes \
             allocated at A"
        )
    );
    assert_eq!(
        message("red.global.add.u32 [%rd0+72], %r0;", buffer)
            .lines()
            .next(),
        Some(
            "atomic operation of 4 bytes at global address A+72 is out of bounds: 8 bytes behind the end of the \
             64 bytes allocated at A"
        )
    );
    // Half of the value lies inside.
    assert_eq!(
        message("ld.global.u64 %rd2, [%rd0];", |d| [d.buffer(4), 0])
            .lines()
            .next(),
        Some(
            "load of 8 bytes at global address A is out of bounds: it crosses the end of the 4 bytes allocated at A"
        )
    );
}

#[test]
fn only_lanes_that_access_are_at_fault() {
    // Lane 33 is the first whose guard holds and whose address is wrong.
    assert_eq!(
        message(
            "setp.gt.u32 %p1, %r0, 32;\nmul.wide.u32 %rd2, %r0, 4;\nadd.s64 %rd2, %rd2, %rd0;\n\
             @%p1 ld.global.u32 %r2, [%rd2];",
            |d| [d.buffer(64), 0]
        ),
        format!(
            "load of 4 bytes at global address A+132 is out of bounds: 68 bytes behind the end of the 64 bytes \
             allocated at A\n  --> test.ptx:15: @%p1 ld.global.u32 %r2, [%rd2];\n   in {LAST}, thread (33,0,0)"
        )
    );
}

#[test]
fn null_pointers_are_called_that() {
    let text = message("st.global.u32 [%rd1+8], %r0;", buffer);
    let first = text.lines().next().unwrap_or_default();
    assert!(
        first.starts_with(
            "store of 4 bytes at global address 0x8 (a null pointer?) is out of bounds: nothing is allocated near it"
        ),
        "{text}"
    );
    let text = message("ld.f32 %f1, [%rd1];", buffer);
    assert!(
        text.starts_with(
            "load of 4 bytes at global address 0x0 (a null pointer?) is out of bounds: nothing is allocated"
        ),
        "{text}"
    );
}

#[test]
fn memory_given_back_is_out_of_bounds() {
    let text = message("ld.global.u32 %r2, [%rd0];", |d| {
        let a = d.buffer(4096);
        d.buffer(64);
        d.memory.free(a).expect("a was allocated");
        [a, 0]
    });
    assert!(
        text.starts_with("load of 4 bytes at global address A is out of bounds: "),
        "{text}"
    );
    // A buffer that an earlier launch used is forgotten too.
    let device = Device::new(&kernel("st.global.u32 [%rd0], %r0;"), 1);
    let a = device.buffer(64);
    assert!(device.launch(1, 32, &[a, 0]).trap.is_none());
    device.memory.free(a).expect("a was allocated");
    let trap = device.launch(1, 32, &[a, 0]).trap.expect("a trap");
    assert!(
        matches!(trap.kind, TrapKind::OutOfBounds { address, .. } if address == a),
        "{trap}"
    );
}

#[test]
fn shared_and_local_memory_have_their_ends() {
    assert_eq!(
        message(
            "mov.u32 %r2, tile;\nshl.b32 %r3, %r0, 2;\nadd.u32 %r2, %r2, %r3;\nst.shared.u32 [%r2], %r0;",
            buffer
        ),
        format!(
            "store of 4 bytes at shared address 0x40 is out of bounds: shared memory here has 64 bytes\n  \
             --> test.ptx:15: st.shared.u32 [%r2], %r0;\n   in {LAST}, thread (16,0,0)"
        )
    );
    // An index below zero does not wrap into what is allowed.
    assert_eq!(
        message(
            "mov.u32 %r2, tile;\nadd.u32 %r2, %r2, -4;\nld.shared.u32 %r3, [%r2];",
            buffer
        )
        .lines()
        .next(),
        Some(
            "load of 4 bytes at shared address 0xfffffffc is out of bounds: shared memory here has 64 bytes"
        )
    );
    assert_eq!(
        message(
            "mov.u32 %r2, tile;\ncvt.u64.u32 %rd2, %r2;\ncvta.shared.u64 %rd2, %rd2;\nld.u32 %r3, [%rd2+60];\n\
             ld.u32 %r3, [%rd2+64];",
            buffer
        ),
        format!(
            "load of 4 bytes at shared address 0x40 is out of bounds: shared memory here has 64 bytes\n  \
             --> test.ptx:16: ld.u32 %r3, [%rd2+64];\n   in {LAST}, thread (0,0,0)"
        )
    );
    let local = ".local .align 16 .b8 frame[32];\nmov.u64 %rd2, frame;\nmul.wide.u32 %rd3, %r0, 8;\n\
                 add.s64 %rd2, %rd2, %rd3;\nst.local.u64 [%rd2], %rd0;";
    assert_eq!(
        message(local, buffer),
        format!(
            "store of 8 bytes at local address 0x20 is out of bounds: local memory here has 32 bytes\n  \
             --> test.ptx:16: st.local.u64 [%rd2], %rd0;\n   in {LAST}, thread (4,0,0)"
        )
    );
    let text = message("mov.u64 %rd2, a;\nld.param.u64 %rd3, [%rd2+16];", buffer);
    assert!(
        text.starts_with(
            "load of 8 bytes at parameter address 0x10 is out of bounds: parameter memory here has 16 bytes\n"
        ),
        "{text}"
    );
}

#[test]
fn misaligned_accesses() {
    assert_eq!(
        message("ld.global.u32 %r2, [%rd0+2];", buffer),
        format!(
            "load of 4 bytes at global address A+2, which is no multiple of 4\n  \
             --> test.ptx:12: ld.global.u32 %r2, [%rd0+2];\n   in {LAST}, thread (0,0,0)"
        )
    );
    assert_eq!(
        message("ld.global.v2.f32 {%f1, %f2}, [%rd0+4];", buffer)
            .lines()
            .next(),
        Some("load of 8 bytes at global address A+4, which is no multiple of 8")
    );
    // Every lane is looked at, not just the first.
    assert_eq!(
        message(
            "setp.eq.u32 %p1, %r0, 40;\nselp.u32 %r2, 2, 4, %p1;\nst.shared.u32 [%r2], %r0;",
            buffer
        ),
        format!(
            "store of 4 bytes at shared address 0x2, which is no multiple of 4\n  \
             --> test.ptx:14: st.shared.u32 [%r2], %r0;\n   in {LAST}, thread (40,0,0)"
        )
    );
    assert_eq!(
        message("red.shared.add.u32 [tile+6], %r0;", buffer)
            .lines()
            .next(),
        Some("atomic operation of 4 bytes at shared address 0x6, which is no multiple of 4")
    );
}

#[test]
fn barriers_that_some_threads_do_not_reach() {
    assert_eq!(
        message(
            "setp.lt.u32 %p1, %r0, 10;\n@%p1 bra LOW;\nbar.sync 0;\nbra END;\nLOW:\nadd.u32 %r2, %r0, 1;\nbar.sync 1;\nEND:",
            buffer
        ),
        format!(
            "divergent barrier: lanes 0xfffffc00 of the warp wait here, but lanes 0x000003ff have not ended and \
             went another way (a barrier must be reached by all threads of the block or none)\n  \
             --> test.ptx:14: bar.sync 0;\n   in {LAST}, thread (10,0,0)"
        )
    );
    assert_eq!(
        message(
            "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra LOW;\nbar.sync 2;\nbra END;\nLOW:\nbar.sync 3;\nEND:",
            buffer
        ),
        format!(
            "divergent barrier: threads of the block wait at different barriers, or at one that not enough threads \
             reach\n  --> test.ptx:17: bar.sync 3;\n   in {LAST}, thread (0,0,0)"
        )
    );
    // Threads that have ended are not waited for.
    let device = Device::new(
        &kernel("setp.lt.u32 %p1, %r0, 40;\n@%p1 ret;\nbar.sync 0;\nst.global.u32 [%rd0], %r0;"),
        2,
    );
    let a = device.buffer(64);
    assert!(device.launch(1, 64, &[a, 0]).trap.is_none());
}

#[test]
fn lanes_of_a_membermask_that_never_come() {
    let text = message(
        "setp.lt.u32 %p1, %r0, 4;\n@%p1 bra LOW;\nvote.sync.ballot.b32 %r2, %p1, -1;\nbra END;\nLOW:\nbar.sync 0;\nEND:",
        buffer,
    );
    assert!(text.starts_with("divergent barrier: "), "{text}");
    assert!(text.contains("in kernel `k`, block (0,0,0)"), "{text}");
}

#[test]
fn endless_loops_meet_the_budget() {
    let text = message("LOOP:\nadd.u32 %r2, %r2, 1;\nbra LOOP;", buffer);
    assert!(
        text.starts_with(
            "the instruction budget is used up: a block executed more than 100000 thread-instructions"
        ),
        "{text}"
    );
    assert!(
        text.contains("  --> test.ptx:13: add.u32 %r2, %r2, 1;\n"),
        "{text}"
    );
    assert!(
        text.ends_with("in kernel `k`, block (0,0,0), thread (0,0,0)"),
        "{text}"
    );
    // A loop that only some threads never leave.
    let text = message(
        "setp.ne.u32 %p1, %r0, 5;\n@%p1 ret;\nLOOP:\nld.volatile.global.u32 %r2, [%rd0];\nsetp.eq.u32 %p2, %r2, 0;\n@%p2 bra LOOP;",
        buffer,
    );
    assert!(text.starts_with("the instruction budget is used up"), "{text}");
    assert!(text.ends_with("thread (5,0,0)"), "{text}");
}

#[test]
fn failed_assertions_and_trap_instructions() {
    let declarations = ".extern .func __assertfail (.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 g, .param .b64 s);\n\
        .global .align 1 .b8 text[6] = {120, 32, 62, 32, 48, 0};\n\
        .global .align 1 .b8 file[5] = {97, 46, 99, 117, 0};\n\
        .global .align 1 .b8 name[2] = {107, 0};\n";
    let body = "setp.ne.u32 %p1, %r0, 37;\n@%p1 bra END;\n{\n\
        .param .b64 p0; .param .b64 p1; .param .b32 p2; .param .b64 p3; .param .b64 p4;\n\
        mov.u64 %rd2, text; st.param.b64 [p0], %rd2;\n\
        mov.u64 %rd3, file; st.param.b64 [p1], %rd3;\n\
        st.param.b32 [p2], 42;\n\
        mov.u64 %rd4, name; st.param.b64 [p3], %rd4;\n\
        st.param.b64 [p4], 1;\n\
        call __assertfail, (p0, p1, p2, p3, p4);\n}\nEND:";
    let device = Device::new(&format!("{declarations}{}", kernel(body)), 1);
    let a = device.buffer(64);
    let trap = device.launch(1, 64, &[a, 0]).trap.expect("a trap");
    assert_eq!(
        trap.to_string(),
        "assertion `x > 0` failed in k (a.cu:42)\n  --> test.ptx:25: call __assertfail, (p0, p1, p2, p3, p4);\n   \
         in kernel `k`, block (0,0,0), thread (37,0,0)"
    );
    assert_eq!(
        message("setp.eq.u32 %p1, %r0, 3;\n@%p1 trap;", buffer),
        format!(
            "the kernel executed a trap instruction\n  --> test.ptx:13: @%p1 trap;\n   in {LAST}, thread (3,0,0)"
        )
    );
}

#[test]
fn indices_outside_a_jump_table() {
    assert_eq!(
        message(
            "shr.u32 %r2, %r0, 3;\nT: .branchtargets L0, L1, L2;\nbrx.idx %r2, T;\nL0:\nL1:\nL2:",
            buffer
        ),
        format!(
            "branch index 3 is outside its table\n  --> test.ptx:14: brx.idx %r2, T;\n   in {LAST}, thread (24,0,0)"
        )
    );
}

#[test]
fn the_first_block_that_traps_is_reported() {
    // Later blocks trap at once, the first one that does only after a while.
    let body = "setp.ne.u32 %p1, %r1, 7;\n@%p1 bra LATE;\nmov.u32 %r2, 0;\nLOOP:\nadd.u32 %r2, %r2, 1;\n\
        setp.lt.u32 %p2, %r2, 5000;\n@%p2 bra LOOP;\ntrap;\nLATE:\nsetp.lt.u32 %p3, %r1, 7;\n@%p3 ret;\n\
        st.global.u32 [%rd1], %r0;";
    for threads in [1, 2, 4] {
        let device = Device::new(&kernel(body), threads);
        let trap = device.launch(200, 32, &[0, 0]).trap.expect("a trap");
        assert_eq!(trap.block, Dim3 { x: 7, y: 0, z: 0 }, "{threads} threads: {trap}");
        assert_eq!(trap.kind, TrapKind::TrapInstruction);
    }
}

#[test]
fn a_trap_leaves_the_engine_usable() {
    let device = Device::new(
        &kernel("add.s64 %rd2, %rd0, %rd1;\nmov.u32 %r2, 7;\nst.global.u32 [%rd2], %r2;"),
        2,
    );
    let a = device.buffer(64);
    assert!(device.launch(8, 32, &[a, 64]).trap.is_some());
    assert!(device.launch(8, 32, &[a, 4]).trap.is_none());
    assert_eq!(device.bytes(a, 12), [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
}
