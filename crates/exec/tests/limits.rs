//! What no device has room for, and what would take for ever, ends in an error or a trap that says so.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use exec::{Engine, Launch, Memory, Module, OUTPUT_BYTES, TrapKind};

/// The error of the kernel `k` in `text`.
fn refused(text: &str) -> String {
    let text = format!(".version 8.0\n.target sm_80\n.address_size 64\n{text}");
    let tree = ptx::parse("test.ptx", &text).expect("PTX");
    let memory = Memory::new(1 << 30).expect("address space");
    let tree = match ptx::check(tree) {
        Ok(tree) => tree,
        Err(e) => return e.to_string(),
    };
    let module = match Module::load(tree, &memory) {
        Ok(m) => m,
        Err(e) => return e.to_string(),
    };
    let e = module.kernel("k").expect_err("an error").to_string();
    // The first lines are for people with colours.
    e.lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn kernel(declarations: &str, body: &str) -> String {
    format!(".visible .entry k(.param .u64 a)\n{{\n{declarations}\n{body}\nret;\n}}\n")
}

#[test]
fn what_no_device_has_room_for_is_refused_by_name_and_line() {
    for (declaration, what) in [
        (
            ".local .b8 l[1073741824];",
            "`l` must be at most 512 KiB, the local memory of a thread, not 1073741824 bytes",
        ),
        (
            ".local .b8 l[4294967297];",
            "`l` must be at most 512 KiB, the local memory of a thread, not 4294967297 bytes",
        ),
        (
            ".local .b64 l[4294967296][4294967296];",
            "`l` must be at most 512 KiB, the local memory of a thread, not more than 2^64 bytes",
        ),
        (
            ".local .b8 l[300000]; .local .b8 m[300000];",
            "600000 bytes of local memory",
        ),
        (
            ".shared .b8 g[4294967360];",
            "`g` must be at most 227 KiB, the shared memory of a block on any device, not 4294967360 bytes",
        ),
        (
            ".shared .b8 g[200000]; .shared .b8 h[200000];",
            "400000 bytes of shared memory",
        ),
        (
            ".reg .b32 %x<2147483647>;",
            "the number of registers of a function must be at most 2^22, not 2147483647",
        ),
    ] {
        let uses = declaration.replace(".shared .b8 g[200000]; .shared .b8 h[200000];", "");
        let body = if uses.is_empty() {
            ".reg .b32 %r<4>;\nmov.u32 %r0, g;\nmov.u32 %r1, h;"
        } else {
            ""
        };
        let error = refused(&kernel(declaration, body));
        assert!(
            error.contains(what) && error.contains("test.ptx:6"),
            "{declaration}: {error}"
        );
    }
    let parameter = ".visible .entry k(.param .align 4 .b8 a[40000])\n{\nret;\n}\n";
    assert!(
        refused(parameter).contains("40000 bytes of parameters"),
        "{}",
        refused(parameter)
    );
    let recursive = ".func f(.param .align 8 .b8 x[3000000000])\n{\n.param .align 8 .b8 y[3000000000];\ncall f, (y);\nret;\n}\n";
    let call = kernel("", "{\n.param .align 8 .b8 y[3000000000];\ncall f, (y);\n}");
    let error = refused(&format!("{recursive}{call}"));
    assert!(
        error.contains("`x` must be at most 512 KiB, not 3000000000 bytes") && error.contains("test.ptx:4"),
        "{error}"
    );
    let impossible = format!(".global .b64 g[4294967296][4294967296];\n{}", kernel("", ""));
    let error = refused(&impossible);
    assert!(
        error.contains("`g` must be at most 2^40 bytes, not more than 2^64 bytes"),
        "{error}"
    );
    let huge = format!(".global .b64 g[137438953472];\n{}", kernel("", ""));
    assert!(
        refused(&huge).contains("out of device memory"),
        "{}",
        refused(&huge)
    );
}

#[test]
fn constants_and_barriers_are_checked() {
    let constant = |body: &str| {
        format!(
            ".const .b32 c[4] = {{1, 2, 3, 4}};\n{}",
            kernel(".reg .b32 %r<4>;", body)
        )
    };
    let error = refused(&constant("mov.u32 %r0, 1;\nst.const.u32 [c], %r0;"));
    assert!(
        error.contains("st.const.u32") && error.contains("constant memory cannot be written"),
        "{error}"
    );
    let error = refused(&kernel("", "bar.sync 16;"));
    assert!(
        error.contains("bar.sync") && error.contains("there is no barrier 16"),
        "{error}"
    );
    let trap = |body: &str| {
        let text = kernel(".reg .b32 %r<4>; .reg .pred %p<2>; .reg .b64 %rd<4>;", body);
        Device::new(&text, 1)
            .launch(1, 64, &[0])
            .trap
            .expect("a trap")
            .kind
            .to_string()
    };
    for (body, what) in [
        (
            "mov.u32 %r0, %nctaid.x;\nadd.u32 %r0, %r0, 15;\nbar.sync %r0;",
            "there is no barrier 16",
        ),
        (
            "bar.sync 1, 33;",
            "a barrier for 33 threads: the number must be a multiple of 32",
        ),
        ("bar.sync 1, 0;", "a barrier for 0 threads"),
        (
            "bar.sync 1, 96;",
            "a barrier for 96 threads, but the block has 64",
        ),
        (
            "mov.u64 %rd0, a;\ncvta.param.u64 %rd1, %rd0;\nst.u64 [%rd1], %rd0;",
            "where kernel parameters lie",
        ),
    ] {
        assert!(trap(body).contains(what), "{body}: {}", trap(body));
    }
    let write = "mov.u64 %rd0, c;\ncvta.const.u64 %rd1, %rd0;\nst.u64 [%rd1], %rd0;\nret;\n}\n";
    let text = format!(
        ".const .b64 c[4] = {{1, 2, 3, 4}};\n.visible .entry k(.param .u64 a)\n{{\n.reg .b64 %rd<4>;\n{write}"
    );
    let kind = Device::new(&text, 1)
        .launch(1, 1, &[0])
        .trap
        .expect("a trap")
        .kind;
    assert!(
        matches!(
            kind,
            TrapKind::ReadOnly {
                what: "constants",
                ..
            }
        ),
        "{kind}"
    );
}

/// Stencils step back from an address by more than they have come: 32-bit addresses wrap around, in every small space.
#[test]
fn small_addresses_wrap_around() {
    let text = ".const .b32 c[4] = {1, 2, 3, 4};\n.visible .entry k(.param .u64 a)\n{\n.reg .b32 %r<8>; .reg .b64 %rd<4>;\n\
                .shared .b32 s[4]; .local .b32 l[4];\nld.param.u64 %rd0, [a];\n\
                mov.u32 %r0, 7;\nst.shared.u32 [s+4], %r0;\nmov.u32 %r0, 8;\nst.local.u32 [l+4], %r0;\n\
                mov.u32 %r1, c;\nadd.s32 %r1, %r1, -64;\nld.const.u32 %r2, [%r1+68];\nst.global.u32 [%rd0], %r2;\n\
                mov.u32 %r1, s;\nadd.s32 %r1, %r1, -64;\nld.shared.u32 %r2, [%r1+68];\nst.global.u32 [%rd0+4], %r2;\n\
                mov.u32 %r1, l;\nadd.s32 %r1, %r1, -64;\nld.local.u32 %r2, [%r1+68];\nst.global.u32 [%rd0+8], %r2;\n\
                mov.u32 %r1, %tid.x;\nshl.b32 %r1, %r1, 2;\nmov.u32 %r3, c;\nadd.u32 %r1, %r1, %r3;\n\
                add.s32 %r1, %r1, -256;\nld.const.u32 %r2, [%r1+256];\ncvt.u64.u32 %rd1, %tid.x;\nshl.b64 %rd1, %rd1, 2;\n\
                add.u64 %rd1, %rd1, %rd0;\nst.global.u32 [%rd1+12], %r2;\nret;\n}\n";
    let device = Device::new(text, 1);
    let out = device.buffer(28);
    let done = device.launch(1, 4, &[out]);
    assert!(done.trap.is_none(), "{:?}", done.trap);
    let words: Vec<u32> = device
        .bytes(out, 28)
        .chunks(4)
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(words, [2, 7, 8, 1, 2, 3, 4]);
}

#[test]
fn grids_and_blocks_beyond_a_device_are_refused() {
    let text = kernel("", "");
    let text = format!(".version 8.0\n.target sm_80\n.address_size 64\n{text}");
    let memory = Memory::new(1 << 30).unwrap();
    let tree = ptx::check(ptx::parse("test.ptx", &text).unwrap()).unwrap();
    let module = Module::load(tree, &memory).unwrap();
    let launch = |grid: [u32; 3], block: [u32; 3]| {
        let dims = |[x, y, z]: [u32; 3]| exec::Dim3 { x, y, z };
        let config = exec::LaunchConfig {
            grid: dims(grid),
            block: dims(block),
            dynamic_shared: 0,
            cooperative: false,
            random: exec::RandomSource::default(),
        };
        let numerics = exec::Numerics {
            format: vfloat::Format::FP32,
            input: vfloat::Rounding::TowardZero,
        };
        Engine::new(1).launch(&memory, &module, &Launch::new("k", config, &[0; 8], numerics))
    };
    let most = u32::MAX;
    assert!(
        launch([most; 3], [1; 3])
            .unwrap_err()
            .to_string()
            .contains("a grid of (4294967295,4294967295,4294967295)")
    );
    assert!(
        launch([1, 65536, 1], [1; 3])
            .unwrap_err()
            .to_string()
            .contains("(2147483647,65535,65535) are allowed")
    );
    assert!(
        launch([1; 3], [most; 3])
            .unwrap_err()
            .to_string()
            .contains("a block of")
    );
    assert!(launch([1; 3], [1; 3]).unwrap().trap.is_none());
}

/// Blocks that leave no trace and do not know which they are are done once, and counted as often as there are.
#[test]
fn the_largest_empty_grid_ends() {
    let empty = Device::new(&kernel(".reg .b32 %r<2>;", "mov.u32 %r0, %tid.x;"), 2);
    let done = empty.launch(i32::MAX as u32, 64, &[0]);
    assert!(done.trap.is_none());
    assert_eq!(
        done.stats.thread_instructions,
        2 * 64 * u64::from(i32::MAX as u32)
    );
    assert_eq!(done.stats.warp_instructions, 2 * 2 * u64::from(i32::MAX as u32));
    // A block that knows its number is not done in bulk.
    let body = ".reg .b32 %r<2>; .reg .b64 %rd<2>; .reg .pred %p<1>;";
    let count = "ld.param.u64 %rd0, [a];\nmov.u32 %r0, %ctaid.x;\nred.global.add.u32 [%rd0], %r0;";
    let device = Device::new(&kernel(body, count), 2);
    let out = device.buffer(4);
    assert!(device.launch(1000, 1, &[out]).trap.is_none());
    assert_eq!(device.bytes(out, 4), 499_500u32.to_le_bytes());
}

#[test]
fn the_budget_holds_for_all_blocks_together() {
    let store = ".reg .b64 %rd<2>;";
    let mut device = Device::new(
        &kernel(store, "ld.param.u64 %rd0, [a];\nst.global.u64 [%rd0], %rd0;"),
        2,
    );
    device.budget = Some(100_000);
    let out = device.buffer(8);
    let trap = device.launch(i32::MAX as u32, 32, &[out]).trap.expect("a trap");
    assert_eq!(
        trap.kind,
        TrapKind::InstructionBudget {
            limit: 100_000,
            all: true
        }
    );
    assert!(
        trap.to_string()
            .contains("the blocks of the launch together executed more than 100000"),
        "{trap}"
    );
    let mut empty = Device::new(&kernel("", ""), 2);
    empty.budget = Some(100_000);
    let trap = empty.launch(i32::MAX as u32, 32, &[out]).trap.expect("a trap");
    assert_eq!(
        trap.kind,
        TrapKind::InstructionBudget {
            limit: 100_000,
            all: true
        }
    );
}

/// A kernel that prints `format` with one 64-bit argument, `times` times in each thread.
fn printing(format: &str, argument: &str, times: u32) -> String {
    let bytes: Vec<String> = format.bytes().chain([0]).map(|b| b.to_string()).collect();
    format!(
        ".extern .func (.param .b32 r) vprintf (.param .b64 f, .param .b64 a);\n\
         .global .align 1 .b8 fmt[{}] = {{{}}};\n{}",
        bytes.len(),
        bytes.join(", "),
        kernel(
            ".local .align 8 .b8 depot[8]; .reg .b64 %rd<8>; .reg .b32 %r<4>; .reg .pred %p<1>;",
            &format!(
                "mov.u32 %r1, 0;\nL:\nmov.u64 %rd1, {argument};\nst.local.u64 [depot], %rd1;\n\
                 mov.u64 %rd2, depot;\ncvta.local.u64 %rd3, %rd2;\nmov.u64 %rd4, fmt;\ncvta.global.u64 %rd5, %rd4;\n\
                 {{\n.param .b64 f; .param .b64 a; .param .b32 r;\nst.param.b64 [f], %rd5;\nst.param.b64 [a], %rd3;\n\
                 call.uni (r), vprintf, (f, a);\n}}\nadd.u32 %r1, %r1, 1;\nsetp.lt.u32 %p0, %r1, {times};\n@%p0 bra L;"
            )
        )
    )
}

#[test]
fn printing_is_bounded_and_the_same_for_any_number_of_threads() {
    let null = Device::new(&printing("<%s>", "0", 1), 1).launch(1, 1, &[0]);
    assert_eq!(String::from_utf8(null.output).unwrap(), "<(null)>");
    let wide = Device::new(&printing("%2147483647d|", "5", 1), 1).launch(1, 1, &[0]);
    assert_eq!(wide.output.len(), (1 << 16) + 1);
    assert!(!wide.output_cut);
    let text = printing("%65536d", "5", 260);
    let outputs = [1, 2].map(|threads| {
        let done = Device::new(&text, threads).launch(4, 1, &[0]);
        assert!(done.output_cut && done.trap.is_none());
        done.output
    });
    assert_eq!(outputs[0].len(), OUTPUT_BYTES);
    assert!(outputs[0] == outputs[1]);
}
