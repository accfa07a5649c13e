//! The kernels of crate `filetest` on the engine, on every instruction set there is.

#[path = "reference/device.rs"]
#[allow(dead_code)] // each test needs some of it
mod device;

use device::Device;
use exec::{Isa, Numerics};
use filetest::{Argument, Case, Outcome};

fn run(isa: Isa, text: &str, case: &Case) -> Outcome {
    let mut device = Device::load(&case.file.to_string_lossy(), text, 2).lowered_for(isa);
    let (format, input) = case.numerics;
    device.numerics = Numerics { format, input };
    let (infos, size) = device.params(&case.kernel);
    let (mut params, mut buffers) = (vec![0; size], Vec::new());
    for (argument, param) in case.arguments.iter().zip(&infos) {
        let bytes = match argument {
            Argument::Number(bytes) => bytes.clone(),
            Argument::Buffer(content) => {
                let at = device.filled(content);
                buffers.push((at, content.len()));
                at.to_le_bytes().to_vec()
            }
        };
        params[param.offset..param.offset + bytes.len()].copy_from_slice(&bytes);
    }
    match device.run(&case.kernel, case.grid, case.block, &params).trap {
        Some(trap) => Outcome::Trap(trap.to_string()),
        None => {
            let contents = buffers.into_iter().map(|(at, bytes)| device.bytes(at, bytes));
            Outcome::Buffers(contents.collect())
        }
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
