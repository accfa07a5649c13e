//! Counters of a launch, and the profile by line.

use exec::{
    Arena, Dim3, Engine, Execution, InstructionClass as C, Launch, LaunchConfig, Memory, MemoryKind, Module,
    Numerics, Probes,
};

/// Each thread sums `n` times in a loop; half of the lanes do one more store.
const PTX: &str = r#".version 7.8
.target sm_75
.address_size 64
.file 1 "sums.cu"
.visible .entry sums(.param .u64 out, .param .u32 n)
{
	.reg .pred %p<3>;
	.reg .f32 %f<4>;
	.reg .b32 %r<6>;
	.reg .b64 %rd<6>;
	.shared .align 4 .b8 tile[256];
	.loc 1 7 0
	ld.param.u64 %rd1, [out];
	ld.param.u32 %r1, [n];
	cvta.to.global.u64 %rd2, %rd1;
	mov.u32 %r2, %tid.x;
	mul.wide.u32 %rd3, %r2, 4;
	add.s64 %rd4, %rd2, %rd3;
	mov.f32 %f1, 0f00000000;
	mov.u32 %r3, 0;
$LOOP:
	.loc 1 9 0
	fma.rn.f32 %f1, %f1, 0f3F000000, 0f3F800000;
	add.s32 %r3, %r3, 1;
	setp.lt.u32 %p1, %r3, %r1;
	@%p1 bra $LOOP;
	.loc 1 11 0
	st.global.f32 [%rd4], %f1;
	setp.gt.u32 %p2, %r2, 15;
	@%p2 bra $END;
	st.shared.f32 [tile], %f1;
$END:
	bar.sync 0;
	ret;
}
"#;

fn load(memory: &Memory) -> Module {
    let ptx = ptx::parse("sums.ptx", PTX).expect("valid PTX");
    Module::load(ptx::check(ptx).expect("PTX that makes sense"), memory).expect("a module")
}

fn profiled() -> Engine {
    Engine::new(2).probing(Probes {
        profile: true,
        ..Probes::default()
    })
}

fn launch(engine: &Engine, n: u32) -> Execution {
    let memory = Memory::new(1 << 20).expect("memory");
    let module = load(&memory);
    let out = memory.allocate(4096, MemoryKind::Device).expect("memory");
    run(engine, &memory, &module, out, n)
}

fn run(engine: &Engine, memory: &Memory, module: &Module, out: u64, n: u32) -> Execution {
    let mut params = out.to_le_bytes().to_vec();
    params.extend(n.to_le_bytes());
    let config = LaunchConfig {
        grid: Dim3 { x: 3, y: 1, z: 1 },
        block: Dim3 { x: 32, y: 1, z: 1 },
        dynamic_shared: 0,
        cooperative: false,
        random: exec::RandomSource::default(),
    };
    let numerics = Numerics {
        format: vfloat::Format::FP32,
        input: vfloat::Rounding::TowardZero,
    };
    let e = engine
        .launch(memory, module, &Launch::new("sums", config, &params, numerics))
        .expect("a launch");
    assert_eq!(e.trap, None);
    e
}

#[test]
fn instructions_are_counted_by_class() {
    let stats = launch(&Engine::new(2), 10).stats;
    let all = 3 * 32;
    let expected = [
        (C::Fp32Fma, 10 * all),
        (C::Integer, 2 * all + 10 * all),
        (C::Compare, 10 * all + all),
        (C::Move, 4 * all),
        (C::StoreGlobal, all),
        (C::StoreShared, all / 2),
        (C::LoadParam, 2 * all),
        (C::Barrier, all),
        (C::Control, 10 * all + all + all),
    ];
    for (class, n) in stats.classes.iter() {
        let want = expected.iter().find(|(c, _)| *c == class).map_or(0, |(_, n)| *n);
        assert_eq!(n, want, "{}", class.name());
    }
    assert_eq!(stats.classes.iter().count(), expected.len());
    assert_eq!(stats.classes.total(), stats.thread_instructions);
    let warps = 3 * (8 + 40 + 3 + 1 + 2);
    assert_eq!(stats.warp_instructions, warps);
    let share = stats.thread_instructions as f64 / (32 * warps) as f64;
    assert!((stats.active_lanes() - share).abs() < 1e-12 && share < 1.0);
}

#[test]
fn counters_do_not_depend_on_threads_or_profiling() {
    let one = launch(&Engine::new(1), 100).stats;
    assert_eq!(one, launch(&Engine::new(2), 100).stats);
    assert_eq!(one, launch(&profiled(), 100).stats);
}

#[test]
fn class_names_differ() {
    for (k, a) in C::ALL.iter().enumerate() {
        assert!(!a.meaning().is_empty());
        assert!(C::ALL[..k].iter().all(|b| b.name() != a.name()));
    }
}

#[test]
fn a_profile_finds_the_loop() {
    let memory = Memory::new(1 << 20).expect("memory");
    let module = load(&memory);
    let out = memory.allocate(4096, MemoryKind::Device).expect("memory");
    let engine = profiled();
    // Samples come with time; as many launches as it takes on this machine.
    let mut launches = 0;
    while engine.profile().iter().map(|l| l.samples).sum::<u64>() < 50 {
        run(&engine, &memory, &module, out, 100_000);
        launches += 1;
        assert!(launches < 5000, "no samples");
    }
    let lines = engine.profile();
    let of = |text: &str| {
        let found: Vec<_> = lines.iter().filter(|l| l.location.text.contains(text)).collect();
        assert_eq!(found.len(), 1, "{text}");
        found[0]
    };
    let fma = of("fma.rn.f32");
    assert_eq!(fma.kernel, "sums");
    assert_eq!(fma.location.file, "sums.ptx");
    assert_eq!(fma.location.line, 23);
    assert_eq!(fma.location.cuda, Some(("sums.cu".into(), 9)));
    assert_eq!(fma.thread_instructions, launches * 3 * 32 * 100_000);
    assert_eq!(fma.warp_instructions, launches * 3 * 100_000);
    assert_eq!(of("st.shared").thread_instructions, launches * 3 * 16);
    let in_loop: u64 = lines
        .iter()
        .filter(|l| (23..=26).contains(&l.location.line))
        .map(|l| l.samples)
        .sum();
    let all: u64 = lines.iter().map(|l| l.samples).sum();
    assert!(10 * in_loop > 9 * all, "{in_loop} of {all} samples in the loop");
}

#[test]
fn an_engine_that_does_not_profile_has_no_profile() {
    let engine = Engine::new(1);
    launch(&engine, 5);
    assert!(engine.profile().is_empty());
}

/// Half of the threads may return on one side of a branch; behind it all that are left go on together.
const LEAVING: &str = r#".version 7.8
.target sm_75
.address_size 64
.visible .entry leaving(.param .u64 out)
{
	.reg .pred %p<4>;
	.reg .b32 %r<4>;
	.reg .b64 %rd<4>;
	mov.u32 %r1, %tid.x;
	setp.gt.u32 %p1, %r1, 15;
	@%p1 bra $REST;
	setp.gt.u32 %p2, %r1, 7;
	@%p2 bra $END;
	mov.u32 %r2, 5;
$REST:
	ld.param.u64 %rd1, [out];
	mul.wide.u32 %rd2, %r1, 4;
	add.s64 %rd3, %rd1, %rd2;
	st.global.u32 [%rd3], %r2;
$END:
	ret;
}
"#;

#[test]
fn lanes_that_leave_do_not_keep_the_others_apart() {
    let memory = Memory::new(1 << 20).expect("memory");
    let ptx = ptx::parse("leaving.ptx", LEAVING).expect("valid PTX");
    let module = Module::load(ptx::check(ptx).expect("PTX that makes sense"), &memory).expect("a module");
    let out = memory.allocate(4096, MemoryKind::Device).expect("memory");
    let one = |x| Dim3 { x, y: 1, z: 1 };
    let config = LaunchConfig {
        grid: one(1),
        block: one(32),
        dynamic_shared: 0,
        cooperative: false,
        random: exec::RandomSource::default(),
    };
    let numerics = Numerics {
        format: vfloat::Format::FP32,
        input: vfloat::Rounding::TowardZero,
    };
    let done = Engine::new(1)
        .launch(
            &memory,
            &module,
            &Launch::new("leaving", config, &out.to_le_bytes(), numerics),
        )
        .expect("a launch");
    assert_eq!(done.trap, None);
    // 3 at the start, 2 of the first half, 1 of its first half, 4 of all that is left, and the return, of those
    // that leave early and of the others.
    assert_eq!(done.stats.warp_instructions, 3 + 2 + 1 + 4 + 2);
    assert_eq!(done.stats.thread_instructions, 3 * 32 + 2 * 16 + 8 + 4 * 24 + 32);
    let mut words = [0u8; 128];
    memory.read(out, &mut words).expect("memory");
    let words: Vec<u8> = words.chunks(4).map(|w| w[0]).collect();
    assert_eq!(words[..8], [5; 8]);
    assert_eq!(words[8..], [0; 24]);
}
