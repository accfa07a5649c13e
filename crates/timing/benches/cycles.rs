//! How fast the model is: `cargo bench -p vernier-timing`. Elements per second are simulated core cycles per second; the
//! line before each says warp-instructions per second of the same launch.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::time::{Duration, Instant};

#[path = "../tests/machine/mod.rs"]
mod machine;

use machine::{Argument, Machine, Wide, Word, kernel};

const TILED: &str = include_str!("../../exec/benches/ptx/tiled.ptx");
const NAIVE: &str = include_str!("../../exec/benches/ptx/naive.ptx");

/// A launch, ready to be simulated again and again on machines of its own.
struct Job {
    name: &'static str,
    text: String,
    kernel: &'static str,
    grid: [u32; 3],
    block: [u32; 3],
    words: Vec<usize>,
    numbers: Vec<u32>,
}

impl Job {
    fn prepare(&self) -> (Machine, Vec<Argument>) {
        let machine = Machine::new(&self.text, "");
        let buffers = self.words.iter().map(|n| Wide(machine.buffer(&vec![0; 4 * n])));
        let mut arguments: Vec<Argument> = buffers.collect();
        arguments.extend(self.numbers.iter().map(|n| Word(*n)));
        (machine, arguments)
    }

    fn run(&self, (machine, arguments): &mut (Machine, Vec<Argument>)) -> timing::Report {
        machine
            .simulate(self.kernel, self.grid, self.block, arguments)
            .expect("a launch")
    }
}

/// A thread follows a pointer to itself: one warp, waiting nearly always.
fn chase() -> Job {
    let step = "ld.global.cg.u64 %rd3, [%rd1];\nadd.u64 %rd1, %rd1, %rd3;\n";
    let body = format!(
        "mov.u32 %r1, 0;\nL:\n{}add.u32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, 500;\n@%p1 bra L;",
        step.repeat(8)
    );
    Job {
        name: "chase",
        text: kernel(&body),
        kernel: "k",
        grid: [1, 1, 1],
        block: [32, 1, 1],
        words: vec![64],
        numbers: vec![],
    }
}

fn vecadd(n: u32) -> Job {
    let body = "mov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ntid.x;\nmov.u32 %r3, %tid.x;\nmad.lo.u32 %r4, %r1, %r2, %r3;\n\
                mul.wide.u32 %rd4, %r4, 4;\nadd.u64 %rd5, %rd1, %rd4;\nld.global.f32 %f1, [%rd5];\n\
                ld.global.f32 %f2, [%rd5+4194304];\nadd.f32 %f3, %f1, %f2;\nst.global.f32 [%rd5+8388608], %f3;";
    Job {
        name: "vecadd",
        text: kernel(body),
        kernel: "k",
        grid: [n / 256, 1, 1],
        block: [256, 1, 1],
        words: vec![3 << 20],
        numbers: vec![],
    }
}

fn product(name: &'static str, text: &str, kernel: &'static str, n: u32, block: [u32; 3]) -> Job {
    let words = (n * n) as usize;
    Job {
        name,
        text: text.to_owned(),
        kernel,
        grid: [n / block[0], n / block[1], 1],
        block,
        words: vec![words; 3],
        numbers: vec![n, n, n],
    }
}

fn bench(c: &mut Criterion) {
    let jobs = [
        chase(),
        vecadd(1 << 20),
        product("tiled 256", TILED, "tiled", 256, [16, 16, 1]),
        product("naive 256", NAIVE, "naive", 256, [32, 8, 1]),
    ];
    let mut group = c.benchmark_group("cycles");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5));
    for job in &jobs {
        let mut ready = job.prepare();
        let start = Instant::now();
        let report = job.run(&mut ready);
        let seconds = start.elapsed().as_secs_f64();
        let warps = report.statistics.warp_instructions as f64;
        println!(
            "{}: {} cycles, {:.0} warp-instructions, {:.0} of them per second",
            job.name,
            report.cycles,
            warps,
            warps / seconds
        );
        group.throughput(Throughput::Elements(report.cycles));
        group.bench_function(job.name, |b| {
            b.iter_batched(
                || job.prepare(),
                |mut ready| job.run(&mut ready),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
