//! The kernels of crate `filetest` on the engine, on every instruction set there is.

use exec::{
    Arena, Dim3, Engine, Isa, Launch, LaunchConfig, Limits, Memory, MemoryKind, Module, Numerics,
    RandomSource,
};
use filetest::{Argument, Case, Outcome};

fn run(isa: Isa, text: &str, case: &Case) -> Outcome {
    let ptx = ptx::parse(&case.file.to_string_lossy(), text).unwrap_or_else(|e| panic!("{e}"));
    let ptx = ptx::check(ptx).unwrap_or_else(|e| panic!("{e}"));
    let memory = Memory::new(1 << 30).expect("address space");
    let module = Module::load(ptx, &memory).expect("a module").lowered_for(isa);
    let info = module.kernel(&case.kernel).unwrap_or_else(|e| panic!("{e}"));
    let (mut params, mut buffers) = (vec![0; info.params_size], Vec::new());
    for (argument, param) in case.arguments.iter().zip(&info.params) {
        let bytes = match argument {
            Argument::Number(bytes) => bytes.clone(),
            Argument::Buffer(content) => {
                let at = memory
                    .allocate(content.len() as u64, MemoryKind::Device)
                    .expect("memory");
                memory.write(at, content).expect("the buffer");
                buffers.push((at, content.len()));
                at.to_le_bytes().to_vec()
            }
        };
        params[param.offset..param.offset + bytes.len()].copy_from_slice(&bytes);
    }
    let line = |x| Dim3 { x, y: 1, z: 1 };
    let config = LaunchConfig {
        grid: line(case.grid),
        block: line(case.block),
        dynamic_shared: 0,
        cooperative: false,
        random: RandomSource::default(),
    };
    let (format, input) = case.numerics;
    let numerics = Numerics { format, input };
    let (engine, limits) = (Engine::new(2), Limits::default());
    let done = engine
        .launch(
            &memory,
            &module,
            &Launch {
                limits,
                ..Launch::new(&case.kernel, config, &params, numerics)
            },
        )
        .unwrap_or_else(|e| panic!("{}: {e}", case.line));
    match done.trap {
        Some(trap) => Outcome::Trap(trap.to_string()),
        None => Outcome::Buffers(
            buffers
                .into_iter()
                .map(|(at, bytes)| {
                    let mut content = vec![0; bytes];
                    memory.read(at, &mut content).expect("the buffer");
                    content
                })
                .collect(),
        ),
    }
}

#[test]
fn kernels_compute_what_their_files_say() {
    for isa in [Isa::Baseline, Isa::V3, Isa::V4] {
        if isa <= Isa::best() {
            let ran =
                filetest::check(|text, case| run(isa, text, case)).unwrap_or_else(|e| panic!("{isa:?}\n{e}"));
            assert!(ran > 0);
        }
    }
}
