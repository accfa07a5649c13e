//! A kernel as the model sees it: neutral records, one for each instruction. Nothing here knows what an instruction computes.

use crate::Error;
use crate::config::CoreSpec;
use crate::pipe::Pipe;
use device::Cycles;
use exec::InstructionClass;
use exec::steps::{Needed, Order, StaticInstruction};
use ir::Space;
use ptx::isa::{Unit, Work};

/// Where an access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Global memory.
    Global,
    /// Constants and parameters.
    Constant,
    /// The block's shared memory.
    Shared,
    /// The thread's own memory.
    Local,
    /// The address says.
    Generic,
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// Reads.
    Load,
    /// Writes.
    Store,
    /// Both, at L2 (or in shared memory).
    Atomic,
}

/// An access to memory.
#[derive(Clone, Copy, Debug)]
pub struct MemoryAccess {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: AccessKind,
    /// Bytes of a thread.
    pub bytes: u32,
}

/// What an instruction has warps wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing.
    Free,
    /// A barrier.
    Barrier {
        /// Its number.
        number: u8,
        /// Threads that it needs; none: all of the block.
        threads: Option<u32>,
        /// The warp waits there.
        waits: bool,
    },
    /// The warp's own accesses.
    Fence,
    /// It may end the warp.
    End,
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct Inst {
    /// Who executes it.
    pub pipe: Pipe,
    /// Cycles to the result.
    pub latency: u32,
    /// Cycles until the unit takes the next one.
    pub initiation: u32,
    /// Registers that are read from the register file, in order.
    pub reads: Box<[u32]>,
    /// Registers that are written.
    pub writes: Box<[u32]>,
    /// Words of a scoreboard with the registers that must be free before it issues.
    pub needs: Box<[(u32, u64)]>,
    /// Same, for the registers that it writes.
    pub takes: Box<[(u32, u64)]>,
    /// Its access to memory.
    pub access: Option<MemoryAccess>,
    /// What it waits for.
    pub wait: Wait,
}

/// A kernel.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its instructions, in the order of the text.
    pub insts: Vec<Inst>,
    /// 64-bit words that a scoreboard of its registers has.
    pub words: usize,
    /// It changes memory with atomics.
    pub atomics: bool,
}

/// Words and bits of a set of registers.
fn words(registers: impl Iterator<Item = u32>) -> Box<[(u32, u64)]> {
    let mut list: Vec<(u32, u64)> = Vec::new();
    for r in registers {
        let (word, bit) = (r / 64, 1 << (r % 64));
        match list.iter_mut().find(|w| w.0 == word) {
            Some(w) => w.1 |= bit,
            None => list.push((word, bit)),
        }
    }
    list.into()
}

/// Unit, latency and initiation interval: GPGPU-Sim's table of opcodes, over the classes of the instruction table.
fn timing(i: &StaticInstruction, spec: &CoreSpec) -> (Pipe, u32, u32) {
    let both = |f: &dyn Fn(&Cycles) -> u32| (f(&spec.latency), f(&spec.initiation));
    let instead = |pipe: Pipe, other: Pipe| {
        if spec.units[pipe as usize] > 0 {
            pipe
        } else {
            other
        }
    };
    let (pipe, (latency, initiation)) = match (i.latency.unit, i.latency.work) {
        (Unit::Memory, _) => (Pipe::Mem, (1, 1)),
        _ if i.order == Order::Fence => (Pipe::Mem, (1, 1)),
        (Unit::Tensor, _) => (Pipe::Tensor, both(&|c| c.tensor)),
        (Unit::Sfu, _) => (Pipe::Sfu, both(&|c| c.sfu)),
        (_, Work::Shuffle) => (Pipe::Int, both(&|c| c.shuffle)),
        // Comparisons and selections are of the table's "everything else".
        _ if i.class == InstructionClass::Compare => (Pipe::Int, (1, 1)),
        (unit, work) => {
            let (pipe, of): (Pipe, fn(&Cycles) -> &device::OperationCycles) = match unit {
                Unit::Fp32 => (Pipe::Sp, |c| &c.fp),
                Unit::Variable => (Pipe::Sp, |c| &c.vp),
                Unit::Fp64 => (Pipe::Dp, |c| &c.dp),
                _ => (Pipe::Int, |c| &c.int),
            };
            match work {
                Work::Add => (pipe, both(&|c| of(c).add)),
                Work::Max => (pipe, both(&|c| of(c).max)),
                Work::Mul => (pipe, both(&|c| of(c).mul)),
                Work::Mad => (pipe, both(&|c| of(c).mad)),
                Work::Div => (Pipe::Sfu, both(&|c| of(c).div)),
                _ => (Pipe::Int, (1, 1)),
            }
        }
    };
    let pipe = match pipe {
        Pipe::Int => instead(Pipe::Int, Pipe::Sp),
        Pipe::Dp => instead(Pipe::Dp, Pipe::Sfu),
        pipe => pipe,
    };
    (pipe, latency, initiation)
}

impl Program {
    /// The records of a kernel.
    ///
    /// # Errors
    /// What the model does not know, by name.
    pub fn new(kernel: &str, list: &[StaticInstruction], spec: &CoreSpec) -> Result<Program, Error> {
        let refuse = |what: &str| {
            Err(Error::Kernel {
                kernel: kernel.into(),
                what: what.into(),
            })
        };
        let mut insts = Vec::with_capacity(list.len());
        let mut most = 0;
        for i in list {
            let (pipe, latency, initiation) = timing(i, spec);
            if spec.units[pipe as usize] == 0 {
                return refuse(
                    "it has matrix instructions, and the configuration no tensor cores (-gpgpu_tensor_core_avail)",
                );
            }
            let guard = i.reads.len() - usize::from(i.guarded);
            let wait = match i.order {
                Order::Free => Wait::Free,
                Order::Fence => Wait::Fence,
                Order::End => Wait::End,
                Order::Barrier {
                    number,
                    threads,
                    waits,
                } => {
                    let (Some(number), false) = (number, threads == Needed::Register) else {
                        return refuse(
                            "a register says which barrier it uses, or for how many threads; timing knows only constants",
                        );
                    };
                    if number >= spec.barriers {
                        return refuse("it uses a barrier that -gpgpu_num_cta_barriers does not have");
                    }
                    Wait::Barrier {
                        number: number as u8,
                        threads: match threads {
                            Needed::Threads(n) => Some(n),
                            _ => None,
                        },
                        waits,
                    }
                }
            };
            let access = i.access.map(|a| MemoryAccess {
                place: match a.space {
                    Space::Global if i.class == InstructionClass::LoadConst => Place::Constant,
                    Space::Global => Place::Global,
                    Space::Shared => Place::Shared,
                    Space::Local => Place::Local,
                    Space::Param => Place::Constant,
                    Space::Generic => Place::Generic,
                },
                kind: match (a.loads, a.stores) {
                    (true, true) => AccessKind::Atomic,
                    (_, true) => AccessKind::Store,
                    _ => AccessKind::Load,
                },
                bytes: a.bytes,
            });
            let all = || i.reads.iter().chain(&i.writes).copied();
            most = all().fold(most, |m: u32, r| m.max(r + 1));
            insts.push(Inst {
                pipe,
                latency,
                initiation,
                // The guard is not read from the banks.
                reads: i.reads[..guard].into(),
                writes: i.writes.clone().into(),
                needs: words(all()),
                takes: words(i.writes.iter().copied()),
                access,
                wait,
            });
        }
        Ok(Program {
            insts,
            words: most.div_ceil(64).max(1) as usize,
            atomics: list.iter().any(|i| i.access.is_some_and(|a| a.loads && a.stores)),
        })
    }
}
