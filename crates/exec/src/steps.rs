//! The step stream: a launch that goes on one warp instruction at a time, and says what each one did. Whoever drives it
//! decides which warp of which block goes on, and how far; nothing runs ahead. Timing models and checkers are built on
//! this alone. Results are those of [`Engine::launch`] for kernels without races, in whatever order warps go on.
//!
//! ```text
//! let mut steps = engine.steps(&memory, &module, &launch)?;
//! let mut block = steps.block(0);
//! while !block.is_done() {
//!     for warp in 0..block.warps() {
//!         match block.step(warp) { Progressed::Step(s) => ..., Progressed::Waits | Progressed::Done => ..., Progressed::Trap(t) => ... }
//!     }
//! }
//! ```

use crate::access::lane_bits;
use crate::cross::{guard as guard_of, lanes_of};
use crate::engine::{Engine, Workspace, check};
use crate::machine::LANES;
use crate::memory::Memory;
use crate::module::Module;
use crate::probe::asked::Asked;
use crate::program::{Program, StepSite};
use crate::runner::{Advance, BlockRunner, Launch, Room};
use crate::warp::Warp;
use backend::{Error, Stats, Trap};
use ir::window;
use ir::{BarrierFn, BlockShape, InstructionClass, IrInst, Op, Space, VReg, Val};
use ptx::ast::Span;
use ptx::isa::{Latency, Work};

/// What does not change of a PTX instruction, whoever executes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticInstruction {
    /// Where it stands in the PTX text.
    pub span: Span,
    /// What counters call it.
    pub class: InstructionClass,
    /// Its unit, and which of the unit's latencies it has.
    pub latency: Latency,
    /// Virtual registers that it reads, its guard last. Special registers are none.
    pub reads: Vec<u32>,
    /// Whether it has a guard: the last of `reads`.
    pub guarded: bool,
    /// Virtual registers that it writes.
    pub writes: Vec<u32>,
    /// Its access to memory.
    pub access: Option<StaticAccess>,
    /// What it has other warps or threads wait for.
    pub order: Order,
}

/// What an instruction does to the order of warps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing.
    Free,
    /// It comes to a barrier of the block.
    Barrier {
        /// Which; none if a register says.
        number: Option<u32>,
        /// How many threads it needs.
        threads: Needed,
        /// It waits there, rather than arriving and going on.
        waits: bool,
    },
    /// It waits for the thread's own accesses to memory: a fence.
    Fence,
    /// It ends threads.
    End,
}

/// How many threads a barrier needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// All of the block.
    Block,
    /// So many.
    Threads(u32),
    /// A register says.
    Register,
}

/// Where a generic address leads: the space, and the address in it.
pub fn generic(address: u64) -> (Space, u64) {
    let space = match address & window::MASK {
        window::PARAM => Space::Param,
        window::SHARED => Space::Shared,
        window::LOCAL => Space::Local,
        _ => return (Space::Global, address),
    };
    (space, address & !window::MASK)
}

/// What does not change of an access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticAccess {
    /// Where.
    pub space: Space,
    /// Bytes of a thread: of all elements of a vector.
    pub bytes: u32,
    /// It reads memory.
    pub loads: bool,
    /// It writes memory.
    pub stores: bool,
}

/// One warp instruction that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one: index in [`Steps::instructions`].
    pub instruction: u32,
    /// Lanes that came to it.
    pub active: u32,
    /// Lanes that executed it: those whose guard was true.
    pub executed: u32,
    /// Where they went in memory, if anywhere.
    pub addresses: Option<Addresses>,
}

/// Addresses of the lanes that executed an access. Global and generic ones are device addresses, those of shared, local and
/// parameter memory offsets in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// The same for all.
    Uniform(u64),
    /// `base + stride * lane`, modulo 2^64.
    Line {
        /// What lane 0 has, or would have.
        base: u64,
        /// Added for each lane, bytes.
        stride: i64,
    },
    /// By lane; 0 for those that did not execute it.
    Each(Box<[u64; LANES]>),
}

impl Addresses {
    /// That of a lane that executed the access.
    pub fn of(&self, lane: u32) -> u64 {
        match self {
            Addresses::Uniform(address) => *address,
            Addresses::Line { base, stride } => base.wrapping_add((stride * i64::from(lane)) as u64),
            Addresses::Each(all) => all[lane as usize % LANES],
        }
    }

    /// The shortest form of what the lanes of `mask`, at least one, have.
    fn compressed(all: [u64; LANES], mask: u32) -> Addresses {
        let mut lanes = lanes_of(mask);
        let first = lanes.next().unwrap_or(0);
        let stride = match lanes.next() {
            None => 0,
            Some(second) => {
                let (apart, lanes) = (
                    all[second].wrapping_sub(all[first]) as i64,
                    (second - first) as i64,
                );
                // Not a whole number of bytes for each lane: no line, which the check below finds out.
                apart / lanes
            }
        };
        let base = all[first].wrapping_sub((stride.wrapping_mul(first as i64)) as u64);
        let on_line = |l: usize| base.wrapping_add(stride.wrapping_mul(l as i64) as u64);
        match lanes_of(mask).all(|l| all[l] == on_line(l)) {
            true if stride == 0 => Addresses::Uniform(base),
            true => Addresses::Line { base, stride },
            false => Addresses::Each(Box::new(all)),
        }
    }
}

/// What became of [`Block::step`].
#[derive(Debug)]
pub enum Progressed {
    /// The warp executed an instruction.
    Step(Step),
    /// It waits for other warps: at a barrier, or for memory that another one has to write. Nothing was executed.
    Waits,
    /// All its threads have ended.
    Done,
    /// The block has trapped; it must not go on.
    Trap(Box<Trap>),
}

/// A launch that is stepped through.
pub struct Steps<'a> {
    launch: Launch<'a>,
    instructions: Vec<StaticInstruction>,
    /// By number in [`Program::steps`]: index in `instructions`.
    index: Vec<u32>,
    blocks: u64,
    /// Given back when the launch is over.
    _workspace: Workspace<'a>,
}

/// A block that is stepped through. It does not outlive its launch.
pub struct Block<'s> {
    runner: BlockRunner<'s>,
    program: &'s Program,
    index: &'s [u32],
}

impl Engine {
    /// Begins a launch that goes on one warp instruction at a time. As for [`Engine::launch`].
    ///
    /// # Errors
    /// As for [`Engine::launch`].
    pub fn steps<'a>(
        &self,
        memory: &'a Memory,
        module: &Module,
        asked: &backend::Launch<'a>,
    ) -> Result<Steps<'a>, Error> {
        let backend::Launch {
            kernel,
            config,
            params,
            numerics,
            limits,
            ..
        } = *asked;
        let blocks = check(module, kernel, &config, params)?;
        let workspace = Workspace::new(memory, config.cooperative)?;
        let shape = BlockShape::of([config.block.x, config.block.y, config.block.z]);
        let asked = Asked {
            steps: true,
            ..Asked::default()
        };
        let program = module.program(kernel, shape, &numerics, asked)?;
        let ir = module.ir(kernel)?;
        let (mut instructions, mut index) = (Vec::new(), vec![u32::MAX; ir.insts.len()]);
        for (i, index) in ir.insts.iter().zip(&mut index).filter(|(i, _)| i.counts) {
            *index = instructions.len() as u32;
            instructions.push(facts(&ir, i));
        }
        let launch = Launch {
            program,
            kernel,
            ptx: module.ptx().clone(),
            config,
            params,
            snapshot: memory.snapshot(),
            budget: limits.instructions.unwrap_or(u64::MAX),
            grid_id: self.next_grid_id(),
            workspace: workspace.address,
            probed: None,
        };
        Ok(Steps {
            launch,
            instructions,
            index,
            blocks,
            _workspace: workspace,
        })
    }
}

/// What does not change of an instruction.
fn facts(ir: &ir::Ir, i: &IrInst) -> StaticInstruction {
    let origin = ir.origins[i.origin as usize];
    let stored = |r: VReg| ir.regs[r.0 as usize].special.is_none().then_some(r.0);
    let sources = i.src.iter().filter_map(|v| match v {
        Val::Reg(r) => stored(*r),
        Val::Const(_) => None,
    });
    let order = match i.op {
        Op::Barrier { f, .. } => Order::Barrier {
            number: match i.src.first() {
                Some(Val::Const(n)) => u32::try_from(*n).ok(),
                _ => None,
            },
            threads: match i.src.get(1) {
                Some(Val::Const(n)) => u32::try_from(*n).map_or(Needed::Block, Needed::Threads),
                _ => Needed::Register,
            },
            waits: f != BarrierFn::Arrive,
        },
        Op::Nop if origin.latency.work == Work::Barrier => Order::Fence,
        Op::Exit => Order::End,
        _ => Order::Free,
    };
    let access = match i.op {
        Op::Load(a) | Op::Store(a) => Some(StaticAccess {
            space: a.space,
            bytes: u32::from(a.bytes) * u32::from(a.count),
            loads: matches!(i.op, Op::Load(_)),
            stores: matches!(i.op, Op::Store(_)),
        }),
        Op::Atom { ty, space, .. } => Some(StaticAccess {
            space,
            bytes: ty.bytes(),
            loads: true,
            stores: true,
        }),
        _ => None,
    };
    StaticInstruction {
        span: origin.span,
        class: origin.class,
        latency: origin.latency,
        reads: sources.chain(i.guard.map(|(p, _)| p.0)).collect(),
        guarded: i.guard.is_some(),
        writes: i.dst.iter().map(|d| d.0).collect(),
        access,
        order,
    }
}

impl Steps<'_> {
    /// The PTX instructions of the kernel, calls inlined, in the order of the text that runs.
    pub fn instructions(&self) -> &[StaticInstruction] {
        &self.instructions
    }

    /// Blocks of the launch.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Threads of a block.
    pub fn threads(&self) -> u64 {
        self.launch.config.block.count()
    }

    /// Whether results depend on the order in which blocks run, so that [`Engine::launch`] runs them one after the other:
    /// floating-point atomics, and those whose old value is used.
    pub fn ordered(&self) -> bool {
        self.launch.program.ordered
    }

    /// Brings a block of the launch (below [`Steps::blocks`]) to its first instruction. Each has registers and shared
    /// memory of its own; as many may be under way as the caller wants.
    pub fn block(&self, number: u64) -> Block<'_> {
        let mut runner = BlockRunner::new(&self.launch, Room::default());
        runner.start(self.launch.config.grid.unrank(number));
        Block {
            runner,
            program: &self.launch.program,
            index: &self.index,
        }
    }
}

impl Block<'_> {
    /// Its warps.
    pub fn warps(&self) -> usize {
        self.runner.warps()
    }

    /// Whether all its threads have ended.
    pub fn is_done(&self) -> bool {
        self.runner.is_done()
    }

    /// Lets a warp (below [`Block::warps`]) execute its next instruction, if it can.
    pub fn step(&mut self, warp: usize) -> Progressed {
        let mut seen = None;
        let program = self.program;
        let advance = self.runner.step(warp, |w, number| {
            // SAFETY: the runner laid the warp out for the launch's program.
            seen = Some((number, unsafe { look(program, w, number) }));
        });
        match (advance, seen) {
            (Advance::Trap(trap), _) => Progressed::Trap(trap),
            (Advance::Stepped, Some((number, mut step))) => {
                step.instruction = self.index[number as usize];
                Progressed::Step(step)
            }
            (Advance::Done, _) => Progressed::Done,
            (Advance::Waits | Advance::Stepped, _) => Progressed::Waits,
        }
    }

    /// What it printed since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.runner.take_output()
    }

    /// Its counters so far: those of a launch when it is done.
    pub fn stats(&self) -> Stats {
        self.runner.stats()
    }
}

/// What the running split of `w` is about to do.
///
/// # Safety
/// The warp is laid out for `p`.
unsafe fn look(p: &Program, w: &Warp, number: u32) -> Step {
    let StepSite { guard, memory } = p.step_sites[number as usize];
    let executed = match guard {
        None => w.mask,
        // SAFETY: a predicate of this program.
        Some((predicate, negated)) => w.mask & unsafe { guard_of(w, predicate + 1, negated) },
    };
    let addresses = memory.filter(|_| executed != 0).map(|(op, offset)| {
        let op = &p.memory_ops[op as usize];
        let mut all = [0; LANES];
        for l in lanes_of(executed) {
            // SAFETY: the emitter says where the operand lies.
            let register = unsafe { lane_bits(w, op.address, l) };
            all[l] = op.effective(register, offset as u64);
        }
        Addresses::compressed(all, executed)
    });
    Step {
        instruction: 0,
        active: w.mask,
        executed,
        addresses,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_their_shortest_form() {
        let all = |f: &dyn Fn(u64) -> u64| std::array::from_fn(|l| f(l as u64));
        let uniform = Addresses::compressed(all(&|_| 7), u32::MAX);
        assert_eq!(uniform, Addresses::Uniform(7));
        let line = Addresses::compressed(all(&|l| 100u64.wrapping_sub(8 * l)), 0xf0f0);
        assert_eq!(
            line,
            Addresses::Line {
                base: 100,
                stride: -8
            }
        );
        // One lane is the same for all that there are; two are a line.
        assert_eq!(Addresses::compressed(all(&|l| l * l), 8), Addresses::Uniform(9));
        let each = Addresses::compressed(all(&|l| l * l), 0b111);
        assert_eq!((0..3).map(|l| each.of(l)).collect::<Vec<_>>(), [0, 1, 4]);
        assert!(matches!(each, Addresses::Each(_)));
        // Half a byte for each lane is no stride.
        let half = Addresses::compressed(all(&|l| l / 2), 0b101);
        assert_eq!(half.of(2), 1);
        // Around the end of the address space.
        let wrapped = Addresses::compressed(all(&|l| (8 * l).wrapping_sub(16)), u32::MAX);
        assert_eq!(
            (wrapped.of(0), wrapped.of(2), wrapped.of(31)),
            (u64::MAX - 15, 0, 232)
        );
    }
}
