//! A device with one module on it, for tests that launch kernels by hand.

use exec::steps::Steps;
use exec::{
    Arena, Dim3, Engine, Execution, Isa, Launch, LaunchConfig, Limits, Memory, MemoryKind, Module, Numerics,
    ParamInfo, RandomSource,
};
use vfloat::{Format, Rounding};

/// Memory, a module and an engine.
pub struct Device {
    pub memory: Memory,
    module: Module,
    engine: Engine,
    /// Limit on thread-instructions of a block.
    pub budget: Option<u64>,
    pub cooperative: bool,
    pub numerics: Numerics,
    pub random: RandomSource,
    /// Threads of a block in y direction.
    pub rows: u32,
}

/// What stands before every kernel: three lines, so that the first line of the text is line 4.
pub const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

impl Device {
    /// Loads `text`, which stands behind [`HEADER`], and starts `threads` CPU threads.
    pub fn new(text: &str, threads: usize) -> Device {
        Device::load("test.ptx", &format!("{HEADER}{text}"), threads)
    }

    /// Loads a whole file.
    pub fn load(name: &str, text: &str, threads: usize) -> Device {
        let ptx = ptx::parse(name, text).unwrap_or_else(|e| panic!("{e}"));
        let memory = Memory::new(1 << 30).expect("address space");
        let ptx = ptx::check(ptx).unwrap_or_else(|e| panic!("{e}"));
        let module = Module::load(ptx, &memory).expect("a module");
        Device {
            memory,
            module,
            engine: Engine::new(threads),
            budget: None,
            cooperative: false,
            numerics: Numerics {
                format: Format::FP32,
                input: Rounding::TowardZero,
            },
            random: RandomSource::default(),
            rows: 1,
        }
    }

    /// From now on kernels come from the module as `rewrite` leaves it; variables stay.
    #[allow(dead_code)] // not every test rewrites
    pub fn rewrite(&mut self, rewrite: impl FnOnce(&mut ptx::ast::Module)) {
        let mut tree = self.module.ptx().clone().into_tree();
        rewrite(&mut tree);
        let tree = ptx::check(tree).expect("a rewriting that makes sense");
        self.module = self.module.variant(tree);
    }

    /// From now on blocks run one after the other, in order.
    #[allow(dead_code)] // one test needs it
    pub fn in_order(mut self) -> Device {
        self.engine = self.engine.in_order();
        self
    }

    /// From now on kernels are lowered for this instruction set.
    #[allow(dead_code)] // one test needs it
    pub fn lowered_for(mut self, isa: Isa) -> Device {
        self.module = self.module.lowered_for(isa);
        self
    }

    /// Where the parameters of a kernel lie, and how large their block is.
    #[allow(dead_code)] // one test needs it
    pub fn params(&self, kernel: &str) -> (Vec<ParamInfo>, usize) {
        let info = self.module.kernel(kernel).unwrap_or_else(|e| panic!("{e}"));
        (info.params.clone(), info.params_size)
    }

    /// Zeroed device memory.
    pub fn buffer(&self, bytes: u64) -> u64 {
        self.filled(&vec![0; bytes as usize])
    }

    /// Device memory that holds this.
    pub fn filled(&self, content: &[u8]) -> u64 {
        let bytes = content.len() as u64;
        let at = self.memory.allocate(bytes, MemoryKind::Device);
        let at = at.expect("device memory");
        self.memory.write(at, content).expect("the buffer");
        at
    }

    /// The bytes at an address.
    pub fn bytes(&self, at: u64, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        self.memory.read(at, &mut out).expect("inside a buffer");
        out
    }

    fn config(&self, grid: u32, block: u32) -> LaunchConfig {
        let line = |x| Dim3 { x, y: 1, z: 1 };
        LaunchConfig {
            grid: line(grid),
            block: Dim3 {
                y: self.rows,
                ..line(block)
            },
            dynamic_shared: 0,
            cooperative: self.cooperative,
            random: self.random,
        }
    }

    /// Begins to step through a launch of kernel `k` with this parameter block.
    #[allow(dead_code)] // one test needs it
    pub fn steps<'a>(&'a self, grid: u32, block: u32, params: &'a [u8]) -> Steps<'a> {
        let (config, limits) = (self.config(grid, block), Limits::default());
        self.engine
            .steps(
                &self.memory,
                &self.module,
                &Launch {
                    limits,
                    ..Launch::new("k", config, params, self.numerics)
                },
            )
            .expect("a launch")
    }

    /// Runs kernel `k` with 64-bit arguments.
    pub fn launch(&self, grid: u32, block: u32, args: &[u64]) -> Execution {
        let params: Vec<u8> = args.iter().flat_map(|a| a.to_le_bytes()).collect();
        self.run("k", grid, block, &params)
    }

    /// Runs a kernel with this parameter block.
    pub fn run(&self, kernel: &str, grid: u32, block: u32, params: &[u8]) -> Execution {
        let config = self.config(grid, block);
        let limits = Limits {
            instructions: self.budget,
        };
        self.engine
            .launch(
                &self.memory,
                &self.module,
                &Launch {
                    limits,
                    ..Launch::new(kernel, config, params, self.numerics)
                },
            )
            .unwrap_or_else(|e| panic!("{e}"))
    }
}
