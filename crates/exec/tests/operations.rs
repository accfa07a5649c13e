//! Every operation on `.vf32` in several formats and every rounding against `vfloat`'s reference, and the random bits
//! of stochastic rounding: they depend on the thread's place and on nothing else.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use exec::Arena;
use vfloat::reference::{Arithmetic, Outcome};
use vfloat::stochastic::{LaunchStreams, Stream};
use vfloat::{Format, Rounding};

type Operation = fn(&Arithmetic, f32, f32, f32) -> Outcome;

/// Instructions on x, y, z (`$r` is the rounding, `$v` the type, `$a` the type with an accumulator): what they give, and
/// whether they round.
const OPERATIONS: &[(&str, Operation, bool)] = &[
    ("add$r.$v $d, %f1, %f2", |k, x, y, _| k.add(x, y), true),
    ("sub$r.$v $d, %f1, %f2", |k, x, y, _| k.sub(x, y), true),
    ("mul$r.$v $d, %f1, %f2", |k, x, y, _| k.mul(x, y), true),
    ("div$r.$v $d, %f1, %f2", |k, x, y, _| k.div(x, y), true),
    ("fma$r.$v $d, %f1, %f2, %f3", |k, x, y, z| k.fma(x, y, z), true),
    ("fmam$r.$a $d, %f1, %f2, %f3", |k, x, y, z| k.fmam(x, y, z), true),
    ("addm$r.$a $d, %f1, %f2", |k, x, y, _| k.addm(x, y), true),
    ("max.$v $d, %f1, %f2", |k, x, y, _| k.max(x, y), false),
    ("min.$v $d, %f1, %f2", |k, x, y, _| k.min(x, y), false),
    ("neg.$v $d, %f1", |k, x, _, _| k.neg(x), false),
    ("abs.$v $d, %f1", |k, x, _, _| k.abs(x), false),
    ("sqrt$r.$v $d, %f1", |k, x, _, _| k.sqrt(x), true),
    ("rsqrt$r.$v $d, %f1", |k, x, _, _| k.rsqrt(x), true),
    ("rcp$r.$v $d, %f1", |k, x, _, _| k.rcp(x), true),
    ("ex2$r.$v $d, %f1", |k, x, _, _| k.ex2(x), true),
    ("lg2$r.$v $d, %f1", |k, x, _, _| k.lg2(x), true),
    ("sin$r.$v $d, %f1", |k, x, _, _| k.sin(x), true),
    ("cos$r.$v $d, %f1", |k, x, _, _| k.cos(x), true),
    ("tanh$r.$v $d, %f1", |k, x, _, _| k.tanh(x), true),
    ("cvt$r.$v.f32 $d, %f1", |k, x, _, _| k.quantize(x), true),
];

/// Formats, each with an accumulator.
const FORMATS: &[(&str, &str)] = &[
    ("e5m2", "fp16"),
    ("e4m3", "fp32"),
    ("e4m3fn", "bf16"),
    ("e4m3fn_sat", "e8m13"),
    ("e5m2fnuz", "e5m2"),
    ("bf16", "fp32"),
    ("fp16_ftz", "fp32"),
    ("tf32", "tf32"),
    ("fp32", "fp32"),
    ("p9_n20_15", "e5m10_sat"),
];

const ROUNDINGS: &[(&str, Rounding)] = &[
    (".rn", Rounding::NearestEven),
    (".rz", Rounding::TowardZero),
    (".rm", Rounding::TowardNegative),
    (".rp", Rounding::TowardPositive),
    (".ra", Rounding::NearestAway),
    (".ro", Rounding::ToOdd),
    (".rs", Rounding::Stochastic(Rounding::RANDOM_BITS)),
    (".rs::3", Rounding::Stochastic(3)),
];

/// Loads x, y, z of the thread, runs `body`, stores `outputs` results from `%f10` on.
fn kernel(body: &str, outputs: usize) -> String {
    let stores: String = (0..outputs)
        .map(|n| format!("st.global.f32 [%rd4+{}], %f{};\n", 4 * n, 10 + n))
        .collect();
    format!(
        ".visible .entry k(.param .u64 in, .param .u64 out)\n{{\n.reg .f32 %f<40>;\n.reg .b32 %r<9>;\n.reg .b64 %rd<9>;\n\
         .reg .pred %p<4>;\nld.param.u64 %rd1, [in];\nld.param.u64 %rd2, [out];\nmov.u32 %r1, %tid.x;\nmov.u32 %r2, %tid.y;\n\
         mov.u32 %r3, %ntid.x;\nmad.lo.u32 %r1, %r2, %r3, %r1;\nmov.u32 %r4, %ctaid.x;\nmov.u32 %r5, %ntid.y;\n\
         mul.lo.u32 %r5, %r5, %r3;\nmad.lo.u32 %r4, %r4, %r5, %r1;\nmul.wide.u32 %rd3, %r4, 12;\nadd.s64 %rd3, %rd1, %rd3;\n\
         ld.global.f32 %f1, [%rd3];\nld.global.f32 %f2, [%rd3+4];\nld.global.f32 %f3, [%rd3+8];\n{body}\n\
         mul.wide.u32 %rd4, %r4, {};\nadd.s64 %rd4, %rd2, %rd4;\n{stores}ret;\n}}\n",
        4 * outputs
    )
}

/// x, y, z of `threads` threads: numbers of every magnitude that formats differ in, and special ones.
fn inputs(threads: usize) -> Vec<[f32; 3]> {
    const SPECIAL: [f32; 12] = [
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        448.0,
        57344.0,
        -65504.0,
        f32::MAX,
        1e-45,
        6.1e-5,
        -1.0,
    ];
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = (state >> 32) as u32;
        match bits % 8 {
            0 => SPECIAL[(bits >> 8) as usize % SPECIAL.len()],
            1..=4 => f32::from_bits(bits & 0x83ff_ffff | 0x3c00_0000),
            5 | 6 => f32::from_bits(bits & 0x8fff_ffff | 0x3000_0000),
            _ => f32::from_bits(bits),
        }
    };
    (0..threads).map(|_| [next(), next(), next()]).collect()
}

/// The results of each thread, bits.
fn run(device: &Device, grid: u32, block: u32, inputs: &[[f32; 3]], outputs: usize) -> Vec<Vec<u32>> {
    let threads = (grid * block * device.rows) as usize;
    let (given, out) = (
        device.buffer(12 * threads as u64),
        device.buffer((4 * threads * outputs) as u64),
    );
    let bytes: Vec<u8> = inputs.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
    device.memory.write(given, &bytes).expect("the buffer");
    let e = device.launch(grid, block, &[given, out]);
    assert!(e.trap.is_none(), "{:?}", e.trap);
    let bytes = device.bytes(out, 4 * threads * outputs);
    let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let words: Vec<u32> = bytes.chunks_exact(4).map(word).collect();
    words.chunks_exact(outputs).map(<[u32]>::to_vec).collect()
}

fn parse(text: &str) -> Format {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn every_operation_in_every_rounding_is_the_reference() {
    let inputs = inputs(192);
    for (format, accumulator) in FORMATS {
        for (suffix, rounding) in ROUNDINGS {
            let body: String = OPERATIONS
                .iter()
                .enumerate()
                .map(|(n, (text, _, _))| {
                    let text = text.replace("$r", suffix).replace("$d", &format!("%f{}", 10 + n));
                    let text = text.replace("$v", &format!("vf32::{format}"));
                    text.replace("$a", &format!("vf32::{format}::{accumulator}")) + ";\n"
                })
                .collect();
            let device = Device::new(&kernel(&body, OPERATIONS.len()), 1);
            let got = run(&device, 2, 96, &inputs, OPERATIONS.len());
            for (thread, (results, [x, y, z])) in got.iter().zip(&inputs).enumerate() {
                let streams = LaunchStreams::new(0, 0);
                let stream = Stream::thread(streams, thread as u64 / 96, thread as u32 % 96);
                let mut drawn = 0;
                for (result, (text, operation, rounds)) in results.iter().zip(OPERATIONS) {
                    let arithmetic = Arithmetic {
                        accumulator: parse(accumulator),
                        result: *rounding,
                        ..Arithmetic::new(parse(format))
                    };
                    let random = stream.draw(drawn);
                    drawn += u32::from(*rounds && rounding.is_stochastic());
                    let want = operation(&arithmetic.with_random(random), *x, *y, *z)
                        .value
                        .to_bits();
                    assert_eq!(
                        *result, want,
                        "{text} {suffix} {format} {accumulator} of {x} {y} {z} in thread {thread}"
                    );
                }
            }
        }
    }
}

/// A loop whose trip count depends on the thread, under divergence and predicates, each step rounded at random.
const WALK: &str = "mov.f32 %f10, %f1;\nand.b32 %r6, %r1, 7;\n$LOOP:\nadd.rs.vf32::e5m2 %f10, %f10, %f2;\n\
    and.b32 %r7, %r6, 1;\nsetp.eq.u32 %p1, %r7, 0;\n@%p1 mul.rs.vf32::bf16 %f10, %f10, 0f3F8CCCCD;\n\
    sub.s32 %r6, %r6, 1;\nsetp.ge.s32 %p2, %r6, 0;\n@%p2 bra $LOOP;\nfma.rs::8.vf32 %f10, %f10, %f2, %f3;";

#[test]
fn random_bits_depend_on_the_place_of_a_thread_alone() {
    let inputs = inputs(64 * 12);
    let mut one = Device::new(&kernel(WALK, 1), 1);
    one.numerics.format = Format::E4M3;
    one.random.seed = 7;
    let first = run(&one, 12, 64, &inputs, 1);
    assert_eq!(run(&one, 12, 64, &inputs, 1), first, "a second time");
    let mut four = Device::new(&kernel(WALK, 1), 4);
    four.numerics.format = Format::E4M3;
    four.random.seed = 7;
    assert_eq!(run(&four, 12, 64, &inputs, 1), first, "four CPU threads");
    // The same threads, counted in rows of 8, and with a barrier, which keeps all warps of the block alive.
    one.rows = 8;
    assert_eq!(run(&one, 12, 8, &inputs, 1), first, "another shape of block");
    let mut together = Device::new(&kernel(&format!("bar.sync 0;\n{WALK}\nbar.sync 0;"), 1), 2);
    together.numerics.format = Format::E4M3;
    together.random.seed = 7;
    assert_eq!(run(&together, 12, 64, &inputs, 1), first, "warps in turn");
    one.rows = 1;
    one.random.launch = 1;
    assert_ne!(run(&one, 12, 64, &inputs, 1), first, "the next launch");
    one.random = exec::RandomSource { seed: 8, launch: 0 };
    assert_ne!(run(&one, 12, 64, &inputs, 1), first, "another seed");
}

/// The mean of many roundings of x is x: 0.3 of the way from 1 to 1.25.
#[test]
fn stochastic_rounding_is_right_on_average() {
    let device = Device::new(&kernel("cvt.rs.vf32::e5m2.f32 %f10, %f1;", 1), 2);
    let threads = 1 << 14;
    let inputs = vec![[1.075f32, 0.0, 0.0]; threads];
    let got = run(&device, threads as u32 / 128, 128, &inputs, 1);
    let up = got.iter().filter(|r| r[0] == 1.25f32.to_bits()).count();
    let down = got.iter().filter(|r| r[0] == 1.0f32.to_bits()).count();
    assert_eq!(up + down, threads);
    // Six standard deviations: sqrt(n * 0.3 * 0.7) = 58.7.
    let expected = 0.3 * threads as f64;
    assert!(
        (up as f64 - expected).abs() < 6.0 * 58.7,
        "{up} of {threads} went up, not {expected}"
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let refused = |body: &str| {
        let memory = exec::Memory::new(1 << 20).expect("memory");
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n{}",
            kernel(body, 1)
        );
        let ptx = ptx::parse("bad.ptx", &text).expect("it parses");
        let ptx = ptx::check(ptx).expect("it makes sense");
        let module = exec::Module::load(ptx, &memory).expect("a module");
        module.kernel("k").expect_err("a refusal").to_string()
    };
    let message = refused("red.global.add.rs.vf32 [%rd2], %f1;");
    assert!(message.contains("cannot round stochastically"), "{message}");
    let message = refused("add.rs::29.vf32 %f10, %f1, %f2;");
    assert!(message.contains("1 to 28 random bits"), "{message}");
    let message = refused("fmam.vf32::e5m2::e5m99 %f10, %f1, %f2, %f3;");
    assert!(message.contains("`e5m99` makes no sense"), "{message}");
}
