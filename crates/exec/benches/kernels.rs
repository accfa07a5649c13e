//! How fast the engine is: `cargo bench --bench kernels`. Elements per second are thread-instructions per
//! second; where a launch is timed as a whole, launches per second. `VERNIER_ISA=v3 cargo bench` says what
//! processors without AVX-512 get.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use exec::{Arena, Dim3, Engine, Launch, LaunchConfig, Memory, MemoryKind, Module, Numerics};
use std::fmt::Write;
use std::time::Duration;
use vfloat::{Format, Rounding};

const NAIVE: &str = include_str!("ptx/naive.ptx");
const TILED: &str = include_str!("ptx/tiled.ptx");
const CONVOLUTION: &str = include_str!("ptx/convolution.ptx");
const MANDELBROT: &str = include_str!("ptx/mandelbrot.ptx");
const REDUCTION: &str = include_str!("ptx/reduction.ptx");
const STORE: &str = include_str!("ptx/store.ptx");

/// A kernel with its memory, ready to be launched again and again.
struct Kernel {
    memory: Memory,
    module: Module,
    name: &'static str,
    config: LaunchConfig,
    params: Vec<u8>,
    numerics: Numerics,
}

/// An argument of a kernel.
enum Argument {
    /// Device memory of so many 32-bit words, filled with numbers from -1 to 1.
    Buffer(usize),
    /// A 32-bit number.
    Number(u32),
}
use Argument::{Buffer, Number};

fn dims([x, y, z]: [u32; 3]) -> Dim3 {
    Dim3 { x, y, z }
}

impl Kernel {
    fn new(
        text: &str,
        name: &'static str,
        grid: [u32; 3],
        block: [u32; 3],
        arguments: &[Argument],
        format: Format,
    ) -> Kernel {
        let memory = Memory::new(1 << 30).expect("device memory");
        let ptx = ptx::parse(name, text).expect("PTX without faults");
        let ptx = ptx::check(ptx).expect("PTX that makes sense");
        let module = Module::load(ptx, &memory).expect("a module");
        let mut params = Vec::new();
        let mut state = 1u32;
        for a in arguments {
            match a {
                Buffer(words) => {
                    let number = |_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        ((state >> 8) as f32 / 8_388_608.0 - 1.0).to_le_bytes()
                    };
                    let bytes: Vec<u8> = (0..*words).flat_map(number).collect();
                    let at = memory
                        .allocate(4 * *words as u64, MemoryKind::Device)
                        .expect("memory");
                    memory.write(at, &bytes).expect("memory that was just allocated");
                    params.resize(params.len().next_multiple_of(8), 0);
                    params.extend(at.to_le_bytes());
                }
                Number(n) => params.extend(n.to_le_bytes()),
            }
        }
        Kernel {
            memory,
            module,
            name,
            config: LaunchConfig {
                grid: dims(grid),
                block: dims(block),
                dynamic_shared: 0,
                cooperative: false,
                random: exec::RandomSource::default(),
            },
            params,
            numerics: Numerics {
                format,
                input: Rounding::TowardZero,
            },
        }
    }

    /// Runs the kernel once; thread-instructions.
    fn launch(&self, engine: &Engine) -> u64 {
        let execution = engine
            .launch(
                &self.memory,
                &self.module,
                &Launch::new(self.name, self.config, &self.params, self.numerics),
            )
            .expect("a launch");
        assert_eq!(execution.trap, None);
        execution.stats.thread_instructions
    }
}

/// Product of 500 x 784 and 784 x 128, the first layer of programs/mlp over 500 images.
fn product(instruction: &str, format: Format) -> Kernel {
    let text = NAIVE.replace("fma.rn.f32", instruction);
    assert!(text.contains(instruction));
    let (m, k, n) = (500, 784, 128);
    let arguments = product_arguments(m, k, n);
    Kernel::new(&text, "naive", [4, 63, 1], [32, 8, 1], &arguments, format)
}

fn product_arguments(m: u32, k: u32, n: u32) -> [Argument; 6] {
    let buffer = |rows: u32, columns: u32| Buffer((rows * columns) as usize);
    [
        buffer(m, k),
        buffer(k, n),
        buffer(m, n),
        Number(m),
        Number(n),
        Number(k),
    ]
}

/// The second convolution of programs/cnn over 20 images: 32 channels of 13 x 13 to 64 of 11 x 11.
fn convolution() -> Kernel {
    let (images, inputs, outputs, rows) = (20, 32, 64, 13);
    let out = rows - 2;
    let arguments = [
        Buffer((images * inputs * rows * rows) as usize),
        Buffer((outputs * inputs * 9) as usize),
        Buffer(outputs as usize),
        Buffer((images * outputs * out * out) as usize),
        Number(inputs),
        Number(rows),
        Number(out),
    ];
    Kernel::new(
        CONVOLUTION,
        "convolution",
        [1, outputs, images],
        [128, 1, 1],
        &arguments,
        Format::FP32,
    )
}

fn kernels(c: &mut Criterion) {
    let all: [(&str, Kernel); 12] = [
        ("product f32", product("fma.rn.f32", Format::FP32)),
        ("product fmam bf16", product("fmam.rn.vf32", Format::BF16)),
        ("product fma.vf32 e5m2", product("fma.rn.vf32", Format::E5M2)),
        ("product fmam.vf32 e5m2", product("fmam.rn.vf32", Format::E5M2)),
        // The format is named by the instruction: as fast as the launch's.
        (
            "product fmam.vf32::e5m2",
            product("fmam.rn.vf32::e5m2", Format::FP32),
        ),
        (
            "product fmam.vf32::e5m2::e8m13",
            product("fmam.rn.vf32::e5m2::e8m13", Format::FP32),
        ),
        ("product fma.rs.vf32 e5m2", product("fma.rs.vf32", Format::E5M2)),
        (
            "tiled product f32",
            Kernel::new(
                TILED,
                "tiled",
                [8, 32, 1],
                [16, 16, 1],
                &product_arguments(500, 784, 128),
                Format::FP32,
            ),
        ),
        ("convolution f32", convolution()),
        (
            "mandelbrot",
            Kernel::new(
                MANDELBROT,
                "mandelbrot",
                [16, 32, 1],
                [16, 8, 1],
                &[Buffer(256 * 256), Number(256), Number(256)],
                Format::FP32,
            ),
        ),
        (
            "reduction, barriers",
            Kernel::new(
                REDUCTION,
                "reduce_shared",
                [512, 1, 1],
                [256, 1, 1],
                &[Buffer(512 * 256), Buffer(512), Number(512 * 256)],
                Format::FP32,
            ),
        ),
        (
            "reduction, shuffles",
            Kernel::new(
                REDUCTION,
                "reduce_shuffle",
                [512, 1, 1],
                [256, 1, 1],
                &[Buffer(512 * 256), Buffer(512), Number(512 * 256)],
                Format::FP32,
            ),
        ),
    ];
    for threads in [1, 2] {
        let mut group = c.benchmark_group(format!("{threads} thread{}", if threads > 1 { "s" } else { "" }));
        let engine = Engine::new(threads);
        for (name, kernel) in &all {
            group.throughput(Throughput::Elements(kernel.launch(&engine)));
            group.bench_function(*name, |b| b.iter(|| kernel.launch(&engine)));
        }
        group.finish();
    }
}

/// A module of 2,000 lines that is one kernel: arithmetic, loads, stores, a branch every 20 lines.
fn long_module() -> String {
    let mut text = String::from(
        ".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry long(.param .u64 out)\n{\n\
         .reg .pred %p<3>;\n.reg .b32 %r<9>;\n.reg .f32 %f<99>;\n.reg .b64 %rd<5>;\n\
         ld.param.u64 %rd1, [out];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\n",
    );
    let mut block = 0;
    while text.lines().count() < 1980 {
        let _ = writeln!(text, "ld.global.f32 %f1, [%rd3];");
        for k in 1..17 {
            let (a, b) = (k + block % 70, k);
            let _ = writeln!(text, "fma.rn.f32 %f{}, %f{a}, %f{b}, %f{k};", k + 1);
        }
        let _ = writeln!(
            text,
            "st.global.f32 [%rd3], %f17;\nsetp.gt.u32 %p1, %r1, {block};\n@%p1 bra $L{block};\n$L{block}:"
        );
        block += 1;
    }
    text.push_str("ret;\n}\n");
    text
}

fn launches(c: &mut Criterion) {
    let mut group = c.benchmark_group("launch");
    group.throughput(Throughput::Elements(1));
    let engine = Engine::new(2);
    let store = Kernel::new(STORE, "store", [1, 1, 1], [32, 1, 1], &[Buffer(32)], Format::FP32);
    group.bench_function("one block of 32 threads, one store", |b| {
        b.iter(|| store.launch(&engine))
    });
    let text = long_module();
    group.bench_function("first launch of a module of 2,000 lines, parsing included", |b| {
        b.iter_batched(
            || (),
            |()| {
                let arguments = [Buffer(32)];
                Kernel::new(&text, "long", [1, 1, 1], [32, 1, 1], &arguments, Format::FP32).launch(&engine)
            },
            BatchSize::PerIteration,
        )
    });
    group.finish();
}

/// Short, for 18 benches on a machine that is shared.
fn quick() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
}

criterion_group! { name = benches; config = quick(); targets = kernels, launches }
criterion_main!(benches);
