//! Kernels on a simulated machine, for tests.

#![allow(dead_code)] // no test needs all of it

use device::Device;
use exec::{
    Arena, Dim3, Engine, Execution, LaunchConfig, Memory, MemoryKind, Module, Numerics, RandomSource,
};
use timing::{Error, Launch, Report, Simulator};
use vfloat::{Format, Rounding};

/// The machine of most tests.
pub const VOLTA: &str = include_str!("volta.config");

/// What stands before every kernel.
pub const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// A configuration: the Volta with some options after it.
pub fn device(options: &str) -> Device {
    Device::parse("volta.config", &format!("{VOLTA}\n{options}")).unwrap_or_else(|e| panic!("{e}"))
}

/// A module in memory, and a machine to run it on.
pub struct Machine {
    pub memory: Memory,
    pub simulator: Simulator,
    module: Module,
    engine: Engine,
    pub numerics: Numerics,
}

/// What a kernel is launched with.
#[derive(Clone, Copy)]
pub enum Argument {
    /// An address, or a number of 64 bits.
    Wide(u64),
    /// A number of 32 bits.
    Word(u32),
}
pub use Argument::{Wide, Word};

impl Machine {
    /// Kernels of `text`, on the Volta with `options`.
    pub fn new(text: &str, options: &str) -> Machine {
        let text = match text.contains(".version") {
            true => text.to_owned(),
            false => format!("{HEADER}{text}"),
        };
        let ptx = ptx::parse("test.ptx", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let ptx = ptx::check(ptx).unwrap_or_else(|e| panic!("{e}"));
        let memory = Memory::new(1 << 30).expect("address space");
        Machine {
            module: Module::load(ptx, &memory).expect("a module"),
            memory,
            simulator: Simulator::new(&device(options)).unwrap_or_else(|e| panic!("{e}")),
            engine: Engine::new(1),
            numerics: Numerics {
                format: Format::FP32,
                input: Rounding::TowardZero,
            },
        }
    }

    /// Device memory with these bytes.
    pub fn buffer(&self, bytes: &[u8]) -> u64 {
        let at = self
            .memory
            .allocate(bytes.len() as u64, MemoryKind::Device)
            .expect("device memory");
        self.memory.write(at, bytes).expect("the buffer");
        at
    }

    /// What is there.
    pub fn bytes(&self, at: u64, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        self.memory.read(at, &mut out).expect("inside a buffer");
        out
    }

    fn parts(grid: [u32; 3], block: [u32; 3], arguments: &[Argument]) -> (LaunchConfig, Vec<u8>) {
        let dims = |[x, y, z]: [u32; 3]| Dim3 { x, y, z };
        let mut params = Vec::new();
        for a in arguments {
            match a {
                Wide(n) => {
                    params.resize(usize::next_multiple_of(params.len(), 8), 0);
                    params.extend(n.to_le_bytes());
                }
                Word(n) => params.extend(n.to_le_bytes()),
            }
        }
        let config = LaunchConfig {
            grid: dims(grid),
            block: dims(block),
            dynamic_shared: 0,
            cooperative: false,
            random: RandomSource::default(),
        };
        (config, params)
    }

    /// Simulates a launch.
    pub fn simulate(
        &mut self,
        kernel: &str,
        grid: [u32; 3],
        block: [u32; 3],
        arguments: &[Argument],
    ) -> Result<Report, Error> {
        let (config, params) = Machine::parts(grid, block, arguments);
        self.simulator.simulate(&Launch {
            engine: &self.engine,
            memory: &self.memory,
            module: &self.module,
            asked: &exec::Launch::new(kernel, config, &params, self.numerics),
        })
    }

    /// Simulates a launch that must go well.
    pub fn run(&mut self, kernel: &str, grid: u32, block: u32, arguments: &[Argument]) -> Report {
        let report = self
            .simulate(kernel, [grid, 1, 1], [block, 1, 1], arguments)
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(report.execution.trap, None);
        report
    }

    /// Runs a launch on the engine alone.
    pub fn execute(
        &self,
        kernel: &str,
        grid: [u32; 3],
        block: [u32; 3],
        arguments: &[Argument],
    ) -> Execution {
        let (config, params) = Machine::parts(grid, block, arguments);
        let asked = exec::Launch::new(kernel, config, &params, self.numerics);
        self.engine
            .launch(&self.memory, &self.module, &asked)
            .expect("a launch")
    }
}

/// A kernel `k(p)` with registers %r, %f, %fd, %rd, %p, and `%rd1` = p.
pub fn kernel(body: &str) -> String {
    format!(
        ".visible .entry k(.param .u64 p)\n{{\n.reg .pred %p<8>; .reg .b32 %r<40>; .reg .f32 %f<40>; .reg .f64 %fd<8>; .reg .b64 %rd<40>;\n\
         .shared .align 16 .b8 s[16384];\nld.param.u64 %rd1, [p];\n{body}\nret;\n}}\n"
    )
}

/// Cycles of a block of `threads` with `body`.
pub fn cycles(body: &str, threads: u32, options: &str) -> u64 {
    let mut machine = Machine::new(&kernel(body), options);
    let at = machine.buffer(&[0; 1 << 16]);
    machine.run("k", 1, threads, &[Wide(at)]).cycles
}
