//! What `--observe` counts: kernels small enough to count by hand, the same for any number of CPU threads.

use exec::observe::{Fact, Kernels, Kind, Observation, Observe};
use exec::{
    Arena, Dim3, Engine, Execution, Launch, LaunchConfig, Memory, MemoryKind, Module, Numerics, Probes,
    TrapKind,
};

/// A kernel over lanes: `%f1`, `%f2`, `%f3` are a, b and c of the thread; the result goes to `%f4`.
fn kernel(body: &str) -> String {
    format!(
        r#".version 7.8
.target sm_75
.address_size 64
.file 1 "k.cu"
.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d)
{{
	.reg .pred %p<3>;
	.reg .f32 %f<9>;
	.reg .b32 %r<6>;
	.reg .b64 %rd<12>;
	ld.param.u64 %rd1, [a];
	ld.param.u64 %rd2, [b];
	ld.param.u64 %rd3, [c];
	ld.param.u64 %rd4, [d];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.u32 %r4, %r1, %r2, %r3;
	mul.wide.u32 %rd5, %r4, 4;
	add.s64 %rd6, %rd1, %rd5;
	add.s64 %rd7, %rd2, %rd5;
	add.s64 %rd8, %rd3, %rd5;
	add.s64 %rd9, %rd4, %rd5;
	ld.global.f32 %f1, [%rd6];
	ld.global.f32 %f2, [%rd7];
	ld.global.f32 %f3, [%rd8];
	.loc 1 7 0
{body}
	st.global.f32 [%rd9], %f4;
	ret;
}}
"#
    )
}

struct Run {
    observations: Vec<Observation>,
    execution: Execution,
    out: Vec<f32>,
}

fn observed(kernels: Option<&'static str>, stop: &str) -> Observe {
    Observe {
        kernels: kernels.map(|name| Kernels::new(move |k| name == "*" || k == name)),
        stop: if stop.is_empty() {
            Default::default()
        } else {
            stop.parse().expect("a stop")
        },
        ..Observe::default()
    }
}

/// Runs a body over threads whose operands are `lanes`, blocks of 32 threads.
fn run(body: &str, lanes: &[[f32; 3]], format: &str, threads: usize, observe: Observe) -> Run {
    let memory = Memory::new(1 << 24).expect("memory");
    let ptx = ptx::parse("k.ptx", &kernel(body)).expect("valid PTX");
    let module = Module::load(ptx::check(ptx).expect("PTX that makes sense"), &memory).expect("a module");
    let count = lanes.len();
    let mut params = Vec::new();
    let mut out = 0;
    for k in 0..4 {
        out = memory
            .allocate(4 * count as u64, MemoryKind::Device)
            .expect("memory");
        if k < 3 {
            let bytes: Vec<u8> = lanes.iter().flat_map(|l| l[k].to_le_bytes()).collect();
            memory.write(out, &bytes).expect("a write");
        }
        params.extend(out.to_le_bytes());
    }
    let block = count.min(32) as u32;
    let config = LaunchConfig {
        grid: Dim3 {
            x: count as u32 / block,
            y: 1,
            z: 1,
        },
        block: Dim3 { x: block, y: 1, z: 1 },
        dynamic_shared: 0,
        cooperative: false,
        random: exec::RandomSource::default(),
    };
    let numerics = Numerics {
        format: format.parse().expect("a format"),
        input: vfloat::Rounding::TowardZero,
    };
    let engine = Engine::new(threads).probing(Probes {
        observe,
        ..Probes::default()
    });
    let execution = engine
        .launch(&memory, &module, &Launch::new("k", config, &params, numerics))
        .expect("a launch");
    let mut bytes = vec![0; 4 * count];
    memory.read(out, &mut bytes).expect("a read");
    Run {
        observations: engine.observations(),
        execution,
        out: bytes
            .chunks(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
    }
}

fn all(body: &str, lanes: &[[f32; 3]], format: &str) -> Vec<Observation> {
    let r = run(body, lanes, format, 1, observed(Some("*"), ""));
    assert_eq!(r.execution.trap, None);
    r.observations
}

fn facts(o: &Observation) -> Vec<(&'static str, u64)> {
    let all = Fact::ALL.iter().map(|f| (f.name(), o.tally.get(*f)));
    all.filter(|(_, n)| *n > 0).collect()
}

const MAX: f32 = f32::MAX;
const TINY: f32 = 1e-30;
const INF: f32 = f32::INFINITY;

#[test]
fn a_sum_in_binary32() {
    let lanes = [
        [1.0, 2.0, 0.0],      // exact
        [1.0, 0.1, 0.0],      // inexact
        [1e9, 1.0, 0.0],      // swamped and inexact
        [MAX, MAX, 0.0],      // overflow, inexact
        [1.0, -1.0, 0.0],     // cancels to nothing
        [1.0, -0.9375, 0.0],  // cancels 4 bits: 2^0 to 2^-4
        [INF, -INF, 0.0],     // makes a NaN
        [f32::NAN, 1.0, 0.0], // NaN in
        [1e-40, 0.0, 0.0],    // subnormal, a zero operand
    ];
    let o = &all("add.f32 %f4, %f1, %f2;", &lanes, "fp32")[0];
    assert_eq!(
        (o.kind, o.format.as_str(), o.location.line),
        (Kind::Add, "fp32", 28)
    );
    assert_eq!(o.location.cuda, Some(("k.cu".into(), 7)));
    assert_eq!(o.tally.executions, 9);
    assert_eq!(
        facts(o),
        [
            ("overflow", 1),
            ("subnormal", 1),
            ("nan_made", 1),
            ("nan_in", 1),
            ("inexact", 3),
            ("swamped", 1)
        ]
    );
    let mut lost = [0; 26];
    (lost[25], lost[4]) = (1, 1);
    assert_eq!(o.tally.lost[1..], lost[1..]);
    let a = &o.tally.operands[0];
    assert_eq!((a.zeros(), a.nans(), a.infinities()), (0, 1, 1));
    let exponents: Vec<_> = a.finite().collect();
    assert_eq!(exponents, [(-127, 1), (0, 4), (29, 1), (127, 1)]);
    assert_eq!(o.tally.operands[1].zeros(), 1);
    assert_eq!(
        a.widths().map(|(_, n)| n).sum::<u64>(),
        a.finite().map(|(_, n)| n).sum::<u64>()
    );
    assert_eq!((o.tally.result.zeros(), o.tally.result.nans()), (1, 2));
    assert_eq!(o.tally.cut, [0; 3]);
}

#[test]
fn products_quotients_and_functions() {
    let body = "mul.f32 %f5, %f1, %f2;\ndiv.rn.f32 %f6, %f1, %f2;\nsqrt.rn.f32 %f7, %f1;\nrcp.rn.f32 %f8, %f2;\nadd.f32 %f4, %f5, %f6;";
    let lanes = [
        [4.0, 2.0, 0.0],
        [TINY, TINY, 0.0], // product underflows
        [MAX, 2.0, 0.0],   // product overflows
        [1.0, 0.0, 0.0],   // pole of the quotient and the reciprocal
        [0.0, 0.0, 0.0],   // 0/0, pole of the reciprocal
        [2.0, 3.0, 0.0],   // quotient, root and reciprocal inexact
        [-1.0, 1.0, 0.0],  // no root
    ];
    let o = all(body, &lanes, "fp32");
    let by = |k| facts(o.iter().find(|o| o.kind == k).expect("a line"));
    assert_eq!(by(Kind::Mul), [("overflow", 1), ("underflow", 1), ("inexact", 2)]);
    assert_eq!(by(Kind::Div), [("nan_made", 1), ("pole", 1), ("inexact", 1)]);
    assert_eq!(by(Kind::Sqrt), [("nan_made", 1), ("inexact", 3)]);
    assert_eq!(by(Kind::Rcp), [("pole", 2), ("inexact", 2)]);
}

#[test]
fn a_multiply_add_in_e4m3_rounds_its_product() {
    let lanes = [
        [1.5, 1.5, 1.0],        // product 2.25 is a value; sum 3.25 too
        [1.125, 1.125, 0.0],    // product 1.265625 is rounded
        [1.1, 1.0, 0.0],        // a is cut to 1
        [0.01, 0.01, 1.0],      // T leaves 0.009765625 of 0.01; the product underflows
        [16.0, 16.0, 0.0],      // product overflows, the result with it
        [240.0, 1.0, 8.0],      // the sum overflows
        [16.0, 1.0, 0.0625],    // c vanishes
        [0.015625, 0.125, 0.0], // subnormal 2^-9
    ];
    let o = &all("fma.rn.vf32 %f4, %f1, %f2, %f3;", &lanes, "e4m3")[0];
    assert_eq!((o.kind, o.format.as_str()), (Kind::Fma, "e4m3"));
    assert_eq!(
        facts(o),
        [
            ("overflow", 2),
            ("subnormal", 1),
            ("inexact", 5),
            ("swamped", 1),
            ("product_overflow", 1),
            ("product_underflow", 1)
        ]
    );
    assert_eq!(o.tally.cut, [2, 1, 0]);
}

#[test]
fn an_accumulator_is_binary32() {
    let lanes = [[300.0, 1.0, 1e30], [1.1, 1.0, 0.0]];
    let o = &all("fmam.rn.vf32 %f4, %f1, %f2, %f3;", &lanes, "e4m3")[0];
    // T cuts 300 to 240 and 1.1 to 1; 240 vanishes in 1e30.
    assert_eq!(
        (o.format.as_str(), facts(o)),
        ("fp32", vec![("inexact", 1), ("swamped", 1)])
    );
    assert_eq!(o.tally.cut, [2, 0, 0]);
}

#[test]
fn guards_overwritten_sources_and_uniform_operands() {
    // Lanes with a > 2 only; the destination is a source; 1.5 is the same for all lanes.
    let body = "setp.gt.f32 %p1, %f1, 0f40000000;\nmov.f32 %f4, %f1;\n@%p1 add.f32 %f4, %f4, 0f3FC00000;";
    let lanes = [[1.0, 0.0, 0.0], [4.0, 0.0, 0.0], [8.0, 0.0, 0.0]];
    let r = run(body, &lanes, "fp32", 1, observed(Some("k"), ""));
    assert_eq!(r.out, [1.0, 5.5, 9.5]);
    let t = &r.observations[0].tally;
    assert_eq!(t.executions, 2);
    assert_eq!(t.operands[0].finite().collect::<Vec<_>>(), [(2, 1), (3, 1)]);
    assert_eq!(t.operands[1].finite().collect::<Vec<_>>(), [(0, 2)]);
    assert_eq!(t.result.finite().collect::<Vec<_>>(), [(2, 1), (3, 1)]);
    // 4 and 8; 1.5; 5.5 and 9.5.
    let widths = [&t.operands[0], &t.operands[1], &t.result].map(|v| v.widths().collect::<Vec<_>>());
    assert_eq!(widths, [vec![(1, 2)], vec![(2, 2)], vec![(4, 1), (5, 1)]]);
}

/// Operands of many blocks, from a small generator.
fn many() -> Vec<[f32; 3]> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from_bits(0x3000_0000 + (state >> 4))
    };
    (0..32 * 50).map(|_| [next(), next(), next()]).collect()
}

#[test]
fn threads_and_observing_change_nothing() {
    let body = "fma.rn.vf32 %f4, %f1, %f2, %f3;\nadd.f32 %f4, %f4, %f1;";
    let lanes = many();
    let one = run(body, &lanes, "e5m2", 1, observed(Some("*"), ""));
    let four = run(body, &lanes, "e5m2", 4, observed(Some("*"), ""));
    assert_eq!(one.observations, four.observations);
    assert_eq!(one.observations.len(), 2);
    let off = run(body, &lanes, "e5m2", 4, observed(None, ""));
    assert_eq!(off.observations, []);
    let bits = |r: &Run| r.out.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&one), bits(&off));
    assert_eq!(one.execution.stats, off.execution.stats);
    let other = run(body, &lanes, "e5m2", 4, observed(Some("linear*"), ""));
    assert_eq!(other.observations, []);
}

#[test]
fn a_launch_stops_at_the_first_nan_infinity_or_overflow() {
    let lanes = [[1.0, 1.0, 0.0], [200.0, 4.0, 0.0], [INF, 0.0, 0.0]];
    let stopped = |stop, format| {
        let r = run("mul.vf32 %f4, %f1, %f2;", &lanes, format, 1, observed(None, stop));
        assert_eq!(r.observations, []);
        r.execution.trap
    };
    let trap = stopped("nan", "e4m3").expect("a trap");
    assert_eq!((trap.thread.x, trap.location.line), (2, 28));
    let trap = stopped("inf", "e4m3").expect("a trap");
    let TrapKind::Number {
        what,
        operands,
        result,
        format,
        ..
    } = &trap.kind
    else {
        panic!("{trap}")
    };
    assert_eq!(
        (*what, format.as_str(), trap.thread.x),
        ("an infinity", "e4m3", 1)
    );
    assert_eq!(
        (operands.as_slice(), *result),
        (&[0x4348_0000, 0x4080_0000][..], 0x7f80_0000)
    );
    assert_eq!(
        trap.to_string().lines().next(),
        Some(
            "stopped at an infinity: mul in format e4m3 of 200.0 (0x43480000), 4.0 (0x40800000) gives inf (0x7f800000)"
        )
    );
    assert_eq!(stopped("inf,overflow", "bf16"), None);
}

fn shadowed() -> Observe {
    Observe {
        shadow: true,
        ..observed(Some("*"), "")
    }
}

#[test]
fn a_shadow_knows_what_cancellation_hides() {
    // (a + b) - a: binary32 loses b, which its shadow keeps. Through a move, a selection, shared memory and a shuffle.
    let body = "add.f32 %f5, %f1, %f2;
	mov.f32 %f6, %f5;
	setp.gt.f32 %p1, %f1, 0f00000000;
	selp.f32 %f7, %f6, %f2, %p1;
	st.global.f32 [%rd9], %f7;
	ld.global.f32 %f8, [%rd9];
	mov.b32 %r4, %f8;
	shfl.sync.idx.b32 %r5, %r4, 0, 31, -1;
	mov.b32 %f8, %r5;
	sub.f32 %f4, %f8, %f1;";
    let lanes = [[1e8, 1.0, 0.0]; 32];
    let r = run(body, &lanes, "fp32", 4, shadowed());
    assert_eq!(r.out, [0.0; 32]);
    let errors = |k| {
        r.observations
            .iter()
            .find(|o| o.kind == k)
            .and_then(|o| o.errors.clone())
            .expect("errors")
    };
    let add = errors(Kind::Add);
    // 1e8 instead of 100000001; a unit in the last place of 1e8 is 8.
    assert_eq!((add.count, add.exact, add.apart, add.max_ulps), (32, 0, 0, 0.125));
    assert!((add.max_relative - 1e-8).abs() < 1e-15 && (add.mean_relative() - 1e-8).abs() < 1e-15);
    assert_eq!(add.histogram, [(-27, 32)]);
    // 0 instead of 1.
    let sub = errors(Kind::Sub);
    assert_eq!((sub.count, sub.max_relative, sub.sum_relative), (32, 1.0, 32.0));
}

#[test]
fn a_shadow_ends_where_bits_are_changed() {
    // An integer instruction makes 1e8 + 8 of the sum: the value stands for itself from there on.
    let body = "add.f32 %f5, %f1, %f2;
	mov.b32 %r4, %f5;
	add.u32 %r4, %r4, 1;
	mov.b32 %f6, %r4;
	sub.f32 %f4, %f6, %f1;";
    let r = run(body, &[[1e8, 1.0, 0.0]], "fp32", 1, shadowed());
    assert_eq!(r.out, [8.0]);
    let sub = r.observations[1].errors.clone().expect("errors");
    assert_eq!((sub.count, sub.exact), (1, 1));
}

#[test]
fn rounding_to_integer_by_adding_a_number_is_meant() {
    // 2.75 + 1.5 * 2^23 - 1.5 * 2^23 is 3, in the shadow too.
    let body = "add.f32 %f5, %f1, 0f4B400000;\nadd.f32 %f6, %f5, 0fCB400000;\nsub.f32 %f4, %f1, %f6;";
    let r = run(body, &[[2.75, 0.0, 0.0]], "fp32", 1, shadowed());
    assert_eq!(r.out, [-0.25]);
    assert!(
        r.observations
            .iter()
            .all(|o| o.errors.as_ref().is_some_and(|e| e.exact == e.count))
    );
}

#[test]
fn shadows_of_narrow_arithmetic_and_atomics() {
    let body = "fma.rn.vf32 %f4, %f1, %f2, %f3;\nred.global.add.f32 [%rd1], %f4;\nld.global.f32 %f5, [%rd1];\nmul.f32 %f4, %f5, 0f3F800000;";
    let lanes: Vec<[f32; 3]> = (0..32).map(|_| [1.0, 1.125, 0.3]).collect();
    let r = run(body, &lanes, "e5m2", 1, shadowed());
    let fma = r.observations[0].errors.clone().expect("errors");
    // e5m2: T(1.125) = 1, T(0.3) = 0.25; 1 + 0.25 = 1.25. The shadow is 1.125 + 0.3 (of binary32).
    let exact = 1.125 + f64::from(0.3f32);
    assert_eq!(fma.max_relative, (exact - 1.25) / exact);
    assert_eq!(fma.max_ulps, (exact - 1.25) / 0.25);
    // a[0] began as 1, and every thread added; lane 0 reads when all have.
    let mul = r.observations[1].errors.clone().expect("errors");
    let (real, shadow) = (1.0 + 32.0 * 1.25, 1.0 + 32.0 * exact);
    assert!((mul.max_relative - (shadow - real) / shadow).abs() < 1e-12);
}

#[test]
fn shadows_do_not_depend_on_threads_and_change_nothing() {
    let body = "fma.rn.vf32 %f4, %f1, %f2, %f3;\nadd.f32 %f4, %f4, %f1;";
    let one = run(body, &many(), "e5m2", 1, shadowed());
    let four = run(body, &many(), "e5m2", 4, shadowed());
    assert_eq!(one.observations, four.observations);
    let off = run(body, &many(), "e5m2", 4, observed(None, ""));
    assert_eq!(one.out, off.out);
}
