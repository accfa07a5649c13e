//! The reference: runs a kernel one thread at a time. A thread runs until it ends or must wait for others at a
//! barrier, shuffle or vote; those are answered when everybody concerned waits. Slow, and meant to be obvious.

use super::prepare::{Arg, Func, Ins, Place, Prepared};
use super::variable;
use exec::scalar::ScalarOp;
use exec::{Dim3, Numerics, RandomSource};
use ptx::ast::{Immediate, Modifier as M, Opcode as O, ScalarType as T, SpecialRegister as S, StateSpace};
use vfloat::stochastic::{LaunchStreams, Stream};

/// What is wrong with a kernel (or the reference): nothing that a generated kernel may do.
pub type Result<X> = std::result::Result<X, String>;

/// Generic addresses of shared memory start here, those of local memory at twice that.
const WINDOW: u64 = 1 << 60;

/// Device memory: start and bytes of each region.
pub type Memory = Vec<(u64, Vec<u8>)>;

/// A launch.
pub struct Launch<'a> {
    pub prepared: &'a Prepared<'a>,
    pub kernel: &'a str,
    pub grid: Dim3,
    pub block: Dim3,
    pub params: &'a [u8],
    pub dynamic_shared: u64,
    pub numerics: Numerics,
    pub random: RandomSource,
    /// Instructions a thread may execute.
    pub limit: u64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Running,
    Ended,
    Barrier,
    /// Waits for these lanes of its warp.
    Members(u32),
}

struct Frame {
    function: usize,
    pc: usize,
    regs: Vec<u64>,
    /// Where its variables start in local memory.
    base: u64,
    /// Where its results go, in local memory.
    results: Vec<u64>,
}

struct Thread {
    index: u32,
    tid: Dim3,
    frames: Vec<Frame>,
    local: Vec<u8>,
    carry: bool,
    state: State,
    executed: u64,
    /// Its random bits, and how many instructions have taken some.
    stream: Stream,
    drawn: u32,
}

struct Block<'a> {
    launch: &'a Launch<'a>,
    ctaid: Dim3,
    shared: Vec<u8>,
    memory: &'a mut Memory,
}

/// Runs a kernel; the number of thread-instructions.
pub fn run(launch: &Launch, memory: &mut Memory) -> Result<u64> {
    let p = launch.prepared;
    let kernel = p
        .names
        .iter()
        .position(|n| *n == launch.kernel)
        .ok_or("no such kernel")?;
    let mut executed = 0;
    for b in 0..launch.grid.count() {
        let mut block = Block {
            launch,
            ctaid: launch.grid.unrank(b),
            shared: vec![0; (p.shared + launch.dynamic_shared) as usize],
            memory,
        };
        let mut threads: Vec<Thread> = (0..launch.block.count())
            .map(|k| Thread::new(b, k as u32, launch, kernel))
            .collect();
        block.run(&mut threads)?;
        executed += threads.iter().map(|t| t.executed).sum::<u64>();
    }
    Ok(executed)
}

impl Thread {
    fn new(block: u64, index: u32, launch: &Launch, kernel: usize) -> Thread {
        let f = &launch.prepared.functions[kernel];
        let frame = Frame {
            function: kernel,
            pc: 0,
            regs: vec![0; f.regs.len()],
            base: 0,
            results: vec![],
        };
        Thread {
            index,
            tid: launch.block.unrank(index.into()),
            frames: vec![frame],
            local: vec![0; f.frame as usize],
            carry: false,
            state: State::Running,
            executed: 0,
            stream: Stream::thread(
                LaunchStreams::new(launch.random.seed, launch.random.launch),
                block,
                index,
            ),
            drawn: 0,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a running thread has a frame")
    }

    /// Where it stands: function and position.
    fn at(&self) -> (usize, usize) {
        self.frames.last().map_or((0, 0), |f| (f.function, f.pc))
    }

    fn set(&mut self, d: &Arg, f: &Func, value: u64) -> Result<()> {
        match d {
            Arg::Reg(r) => {
                self.frame().regs[*r] = value & ones(f.regs[*r]);
                Ok(())
            }
            Arg::Sink => Ok(()),
            other => Err(format!("{other:?} is no destination")),
        }
    }
}

fn ones(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

fn signed(value: u64, bits: u32) -> u64 {
    ((value << (64 - bits)) as i64 >> (64 - bits)) as u64
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}

impl<'a> Block<'a> {
    fn run(&mut self, threads: &mut [Thread]) -> Result<()> {
        loop {
            for t in threads.iter_mut() {
                while t.state == State::Running {
                    self.step(t)?;
                }
            }
            let mut moved = false;
            for warp in threads.chunks_mut(32) {
                moved |= self.meet_in_warp(warp)?;
            }
            if moved {
                continue;
            }
            if threads.iter().all(|t| t.state == State::Ended) {
                return Ok(());
            }
            let mut live = threads.iter().filter(|t| t.state != State::Ended);
            let first = live.next().map(Thread::at);
            if threads
                .iter()
                .any(|t| t.state != State::Ended && (t.state != State::Barrier || Some(t.at()) != first))
            {
                return Err("threads wait for each other for ever".into());
            }
            self.meet_in_block(threads)?;
        }
    }

    fn function(&self, t: &Thread) -> &'a Func<'a> {
        &self.launch.prepared.functions[t.at().0]
    }

    fn instruction(&self, t: &Thread) -> &'a Ins<'a> {
        &self.function(t).ins[t.at().1]
    }

    fn step(&mut self, t: &mut Thread) -> Result<()> {
        let f = self.function(t);
        let Some(i) = f.ins.get(t.at().1) else {
            self.leave(t);
            return Ok(());
        };
        if t.executed > self.launch.limit {
            return Err("instruction limit".into());
        }
        let active = i
            .guard
            .is_none_or(|(p, negated)| (t.frame().regs[p] != 0) != negated);
        let waits = matches!(
            i.inst.opcode,
            O::Bar | O::Barrier | O::Shfl | O::Vote | O::Match | O::Redux | O::Call
        );
        // A guarded instruction counts whether the guard holds or not, except where lanes branch around it.
        t.executed += u64::from(active || !waits);
        t.frame().pc += 1;
        if !active {
            return Ok(());
        }
        self.execute(t, f, i)
            .map_err(|e| format!("{e} at `{}` {:?}", i.inst.mnemonic(), i.args))
    }

    /// The running function ends.
    fn leave(&mut self, t: &mut Thread) {
        let Some(ended) = t.frames.pop() else { return };
        let f = &self.launch.prepared.functions[ended.function];
        for (to, (from, bytes)) in ended.results.iter().zip(&f.returns) {
            let from = (ended.base + from) as usize;
            t.local.copy_within(from..from + *bytes as usize, *to as usize);
        }
        if t.frames.is_empty() {
            t.state = State::Ended;
        } else {
            t.local.truncate(ended.base as usize);
        }
    }

    fn call(&mut self, t: &mut Thread, args: &[Arg]) -> Result<()> {
        let (callee, at) = args
            .iter()
            .enumerate()
            .find_map(|(k, a)| match a {
                Arg::Function(f) => Some((*f, k)),
                _ => None,
            })
            .ok_or("no function")?;
        let base = t.frame().base;
        let places = |a: Option<&Arg>| -> Vec<u64> {
            let Some(Arg::Many(list)) = a else { return vec![] };
            list.iter()
                .map(|a| match a {
                    Arg::Address(Place::Frame(o), _) => base + o,
                    other => panic!("argument {other:?}"),
                })
                .collect()
        };
        let results = places(at.checked_sub(1).and_then(|k| args.get(k)));
        let arguments = places(args.get(at + 1));
        let f = &self.launch.prepared.functions[callee];
        let new = t.local.len() as u64;
        t.local.resize((new + f.frame) as usize, 0);
        for (from, (to, bytes)) in arguments.iter().zip(&f.params) {
            let from = *from as usize;
            t.local
                .copy_within(from..from + *bytes as usize, (new + to) as usize);
        }
        t.frames.push(Frame {
            function: callee,
            pc: 0,
            regs: vec![0; f.regs.len()],
            base: new,
            results,
        });
        Ok(())
    }

    fn special(&self, t: &Thread, s: S) -> Result<u64> {
        let (grid, block, lane) = (self.launch.grid, self.launch.block, t.index % 32);
        let bit = 1u32 << lane;
        Ok(u64::from(match s {
            S::TidX => t.tid.x,
            S::TidY => t.tid.y,
            S::TidZ => t.tid.z,
            S::NtidX => block.x,
            S::NtidY => block.y,
            S::NtidZ => block.z,
            S::CtaidX => self.ctaid.x,
            S::CtaidY => self.ctaid.y,
            S::CtaidZ => self.ctaid.z,
            S::NctaidX => grid.x,
            S::NctaidY => grid.y,
            S::NctaidZ => grid.z,
            S::Laneid => lane,
            S::Warpid => t.index / 32,
            S::LanemaskEq => bit,
            S::LanemaskLt => bit - 1,
            S::LanemaskLe => (bit - 1) | bit,
            S::LanemaskGe => !(bit - 1),
            S::LanemaskGt => !((bit - 1) | bit),
            other => return Err(format!("special register {other:?}")),
        }))
    }

    /// The bits of a source operand. `ty` says how to negate.
    pub(super) fn value(&self, t: &Thread, a: &Arg, ty: T) -> Result<u64> {
        Ok(match a {
            Arg::Reg(r) => t.frames.last().map_or(0, |f| f.regs[*r]),
            Arg::Number(Immediate::Int { bits, .. }) => *bits,
            Arg::Number(Immediate::F32(b)) => u64::from(*b),
            Arg::Number(Immediate::F64(b)) => *b,
            Arg::Special(s) => self.special(t, *s)?,
            Arg::Address(p, offset) => self.address(t, *p).wrapping_add(*offset as u64),
            Arg::Not(a) => self.value(t, a, T::Pred)? ^ 1,
            Arg::Negated(a) => {
                let v = self.value(t, a, ty)?;
                match ty {
                    T::F32 => v ^ 1 << 31,
                    T::F64 => v ^ 1 << 63,
                    _ => v.wrapping_neg(),
                }
            }
            other => return Err(format!("{other:?} is no value")),
        })
    }

    /// An address within its space.
    fn address(&self, t: &Thread, p: Place) -> u64 {
        match p {
            Place::Global(a) | Place::Shared(a) | Place::Param(a) => a,
            Place::Frame(a) => t.frames.last().map_or(0, |f| f.base) + a,
        }
    }

    /// Memory at an address operand: the bytes from there on.
    fn at<'m>(&'m mut self, t: &'m mut Thread, i: &Ins, a: &Arg, bytes: u64) -> Result<&'m mut [u8]> {
        let Arg::Memory(base, offset) = a else {
            return Err("no address".into());
        };
        let mut address = self.value(t, base, T::U64)?.wrapping_add(*offset as u64);
        let mut space = i.inst.space();
        if let (Some(StateSpace::Param), Arg::Address(Place::Frame(_), _)) = (space, &**base) {
            space = Some(StateSpace::Local);
        }
        if space.is_none() && address >= WINDOW {
            let local = address >= 2 * WINDOW;
            space = Some(if local {
                StateSpace::Local
            } else {
                StateSpace::Shared
            });
            address &= WINDOW - 1;
        }
        let none = format!("{address:#x} is outside of memory");
        if !address.is_multiple_of(bytes) {
            return Err(format!("{address:#x} is misaligned"));
        }
        match space {
            Some(StateSpace::Shared) => slice(&mut self.shared, address, bytes).ok_or(none),
            Some(StateSpace::Local) => slice(&mut t.local, address, bytes).ok_or(none),
            Some(StateSpace::Param) => Err("parameters are read only".into()),
            _ => self
                .memory
                .iter_mut()
                .find_map(|(start, m)| slice(m, address.checked_sub(*start)?, bytes))
                .ok_or(none),
        }
    }

    fn load(&mut self, t: &mut Thread, f: &Func, i: &Ins, ty: T) -> Result<()> {
        let (n, size) = (i.inst.vector(), u64::from(ty.bytes()));
        let bytes: Vec<u8> = match (&i.args[1], i.inst.space()) {
            (Arg::Memory(base, offset), Some(StateSpace::Param)) if f.kernel => match **base {
                Arg::Address(Place::Param(at), _) => {
                    let from = at as usize + *offset as usize;
                    self.launch.params[from..from + n * size as usize].to_vec()
                }
                _ => self.at(t, i, &i.args[1], size * n as u64)?.to_vec(),
            },
            _ => self.at(t, i, &i.args[1], size * n as u64)?.to_vec(),
        };
        let one = std::slice::from_ref(&i.args[0]);
        let to = if let Arg::Many(list) = &i.args[0] {
            list
        } else {
            one
        };
        for (d, b) in to.iter().zip(bytes.chunks(size as usize)) {
            let mut v = number(b);
            if matches!(ty, T::S8 | T::S16 | T::S32 | T::S64) {
                v = signed(v, ty.bits());
            }
            t.set(d, f, v)?;
        }
        Ok(())
    }

    fn store(&mut self, t: &mut Thread, i: &Ins, ty: T) -> Result<()> {
        let one = std::slice::from_ref(&i.args[1]);
        let from = if let Arg::Many(list) = &i.args[1] {
            list
        } else {
            one
        };
        let mut bytes = Vec::new();
        for a in from {
            let v = self.value(t, a, ty)?.to_le_bytes();
            bytes.extend_from_slice(&v[..ty.bytes() as usize]);
        }
        let size = bytes.len() as u64;
        self.at(t, i, &i.args[0], size)?.copy_from_slice(&bytes);
        Ok(())
    }

    fn atomic(&mut self, t: &mut Thread, f: &Func, i: &Ins, ty: T) -> Result<()> {
        let first = usize::from(i.inst.opcode == O::Atom);
        let b = self.value(t, &i.args[first + 1], ty)? & ones(ty.bits());
        let bits = ty.bits();
        let m = self.at(t, i, &i.args[first], u64::from(ty.bytes()))?;
        let old = number(m);
        let signs = matches!(ty, T::S32 | T::S64);
        let less = if signs {
            (signed(old, bits) as i64) < signed(b, bits) as i64
        } else {
            old < b
        };
        let new = match () {
            () if i.inst.has(M::Add) => old.wrapping_add(b),
            () if i.inst.has(M::Min) => {
                if less {
                    old
                } else {
                    b
                }
            }
            () if i.inst.has(M::Max) => {
                if less {
                    b
                } else {
                    old
                }
            }
            () if i.inst.has(M::And) => old & b,
            () if i.inst.has(M::Or) => old | b,
            () if i.inst.has(M::Xor) => old ^ b,
            () => return Err("atomic operation".into()),
        };
        let n = m.len();
        m.copy_from_slice(&new.to_le_bytes()[..n]);
        if first == 1 {
            t.set(&i.args[0], f, old)?;
        }
        Ok(())
    }

    fn execute(&mut self, t: &mut Thread, f: &Func, i: &Ins) -> Result<()> {
        let ty = i.inst.ty().unwrap_or(T::B32);
        let a = &i.args;
        match i.inst.opcode {
            O::Bra => {
                let Arg::Label(at) = a[0] else {
                    return Err("no label".into());
                };
                t.frame().pc = at;
                Ok(())
            }
            O::Brx => {
                let (index, Arg::Targets(to)) = (self.value(t, &a[0], T::U32)?, &a[1]) else {
                    return Err("no targets".into());
                };
                t.frame().pc = *to.get(index as usize).ok_or("outside the table")?;
                Ok(())
            }
            O::Exit => {
                t.state = State::Ended;
                Ok(())
            }
            O::Ret => {
                self.leave(t);
                Ok(())
            }
            O::Call => self.call(t, a),
            O::Bar | O::Barrier if !i.inst.has(M::Warp) => self.wait(t, State::Barrier),
            O::Bar | O::Barrier => {
                let members = self.value(t, &a[0], T::B32)? as u32;
                self.wait(t, State::Members(members))
            }
            O::Shfl | O::Vote | O::Match | O::Redux => {
                let members = self.value(t, a.last().ok_or("no members")?, T::B32)? as u32;
                self.wait(t, State::Members(members))
            }
            O::Ld => self.load(t, f, i, ty),
            O::St => self.store(t, i, ty),
            O::Atom | O::Red => self.atomic(t, f, i, ty),
            O::Membar | O::Fence => Ok(()),
            O::Cvta => {
                let v = self.value(t, &a[1], ty)?;
                let window = match i.inst.space() {
                    Some(StateSpace::Shared) => WINDOW,
                    Some(StateSpace::Local) => 2 * WINDOW,
                    _ => 0,
                };
                let to = i.inst.has(M::To);
                let v = if to {
                    v.wrapping_sub(window)
                } else {
                    v.wrapping_add(window)
                };
                t.set(&a[0], f, v)
            }
            O::Mov => self.mov(t, f, i, ty),
            O::Selp => {
                let p = self.value(t, &a[3], T::Pred)? & 1 != 0;
                let v = self.value(t, if p { &a[1] } else { &a[2] }, ty)?;
                t.set(&a[0], f, v)
            }
            O::And | O::Or | O::Xor | O::Not if ty == T::Pred => {
                let x = self.value(t, &a[1], ty)? & 1;
                let y = if a.len() > 2 {
                    self.value(t, &a[2], ty)? & 1
                } else {
                    0
                };
                let v = match i.inst.opcode {
                    O::And => x & y,
                    O::Or => x | y,
                    O::Xor => x ^ y,
                    _ => x ^ 1,
                };
                t.set(&a[0], f, v)
            }
            O::Addc | O::Subc | O::Madc => self.carry(t, f, i, ty),
            O::Add | O::Sub | O::Mad if i.inst.has(M::Cc) => self.carry(t, f, i, ty),
            _ => {
                if let Some(arithmetic) = self.variable(f, i) {
                    return self.variable_step(t, f, i, arithmetic);
                }
                let s = |n: usize| self.value(t, &a[n], ty);
                let v = match i.scalar.ok_or("no meaning")? {
                    ScalarOp::F1(g) => g(s(1)?),
                    ScalarOp::F2(g) => g(s(1)?, s(2)?),
                    ScalarOp::F3(g) => g(s(1)?, s(2)?, s(3)?),
                    ScalarOp::F4(g) => g(s(1)?, s(2)?, s(3)?, s(4)?),
                    ScalarOp::P1(g) => u64::from(g(s(1)?)),
                    ScalarOp::P2(g) => {
                        let holds = g(s(1)?, s(2)?);
                        return self.set_predicates(t, f, i, holds);
                    }
                };
                t.set(&a[0], f, v)
            }
        }
    }

    /// The end of `setp`: p or p|q, combined with a third predicate or not.
    fn set_predicates(&mut self, t: &mut Thread, f: &Func, i: &Ins, holds: bool) -> Result<()> {
        let third = match i.args.get(3) {
            Some(c) => self.value(t, c, T::Pred)? & 1 != 0,
            None => true,
        };
        let combined = |x: bool| match () {
            () if i.inst.has(M::And) => x & third,
            () if i.inst.has(M::Or) => x | third,
            () if i.inst.has(M::Xor) => x ^ third,
            () => x,
        };
        match &i.args[0] {
            Arg::Pair(p, q) => {
                t.set(p, f, combined(holds).into())?;
                t.set(q, f, combined(!holds).into())
            }
            p => t.set(p, f, combined(holds).into()),
        }
    }

    fn mov(&mut self, t: &mut Thread, f: &Func, i: &Ins, ty: T) -> Result<()> {
        match (&i.args[0], &i.args[1]) {
            (Arg::Many(to), from) => {
                let v = self.value(t, from, ty)?;
                let part = ty.bits() / to.len() as u32;
                for (k, d) in to.iter().enumerate() {
                    t.set(d, f, v >> (part * k as u32) & ones(part))?;
                }
                Ok(())
            }
            (d, Arg::Many(from)) => {
                let part = ty.bits() / from.len() as u32;
                let mut v = 0;
                for (k, s) in from.iter().enumerate() {
                    v |= (self.value(t, s, ty)? & ones(part)) << (part * k as u32);
                }
                t.set(d, f, v)
            }
            (d, s) => {
                let v = self.value(t, s, ty)?;
                t.set(d, f, v)
            }
        }
    }

    /// Arithmetic with the carry flag.
    fn carry(&mut self, t: &mut Thread, f: &Func, i: &Ins, ty: T) -> Result<()> {
        let bits = ty.bits();
        let s = |n: usize| Ok::<u128, String>(u128::from(self.value(t, &i.args[n], ty)? & ones(bits)));
        let (mut x, mut y) = (s(1)?, s(2)?);
        if matches!(i.inst.opcode, O::Mad | O::Madc) {
            let product = x * y;
            x = if i.inst.has(M::Hi) {
                product >> bits
            } else {
                product
            } & u128::from(ones(bits));
            y = s(3)?;
        }
        let reads = matches!(i.inst.opcode, O::Addc | O::Subc | O::Madc);
        let c = u128::from(reads && t.carry);
        let (value, out) = if matches!(i.inst.opcode, O::Sub | O::Subc) {
            (x.wrapping_sub(y).wrapping_sub(c), x < y + c)
        } else {
            (x + y + c, (x + y + c) >> bits != 0)
        };
        if i.inst.has(M::Cc) {
            t.carry = out;
        }
        t.set(&i.args[0], f, value as u64)
    }

    /// The arithmetic of an instruction in a variable format, if it is one.
    fn variable(&self, f: &Func, i: &Ins) -> Option<vfloat::reference::Arithmetic> {
        let width = i.args.iter().find_map(|a| match a {
            Arg::Reg(r) => Some(f.regs[*r]),
            _ => None,
        });
        variable::arithmetic(i.inst, width, &self.launch.numerics)
    }

    fn variable_step(
        &mut self,
        t: &mut Thread,
        f: &Func,
        i: &Ins,
        arithmetic: vfloat::reference::Arithmetic,
    ) -> Result<()> {
        let mut values = Vec::new();
        for (n, a) in i.args.iter().enumerate().skip(1) {
            // Accumulators are ordinary operands.
            let wide = matches!((i.inst.opcode, n), (O::Fmam, 3) | (O::Addm, 1));
            values.push(match a {
                // Operand negation is neg: T first.
                Arg::Negated(a) if !wide => {
                    let x = self.value(t, a, T::F32)?;
                    u64::from(arithmetic.neg(f32::from_bits(x as u32)).value.to_bits())
                }
                a => self.value(t, a, T::F32)?,
            });
        }
        let mut arithmetic = arithmetic;
        if arithmetic.result.is_stochastic() {
            arithmetic = arithmetic.with_random(t.stream.draw(t.drawn));
            t.drawn += 1;
        }
        match variable::compute(i.inst, &arithmetic, &values)? {
            variable::Answer::Value(v) => t.set(&i.args[0], f, v),
            variable::Answer::Holds(h) => self.set_predicates(t, f, i, h),
        }
    }

    /// The thread waits at the instruction it has just begun.
    fn wait(&mut self, t: &mut Thread, state: State) -> Result<()> {
        t.frame().pc -= 1;
        t.state = state;
        Ok(())
    }

    /// Answers the instructions for which all lanes concerned are there.
    fn meet_in_warp(&mut self, warp: &mut [Thread]) -> Result<bool> {
        let mut moved = false;
        for k in 0..warp.len() {
            let State::Members(members) = warp[k].state else {
                continue;
            };
            let at = warp[k].at();
            let there = |t: &Thread| matches!(t.state, State::Members(_)) && t.at() == at;
            let wanted = |t: &Thread| members >> (t.index % 32) & 1 != 0 && t.state != State::Ended;
            if warp.iter().any(|t| wanted(t) && !there(t)) {
                continue;
            }
            moved = true;
            let lanes: Vec<usize> = (0..warp.len())
                .filter(|l| wanted(&warp[*l]) && there(&warp[*l]))
                .collect();
            self.answer(warp, &lanes)?;
            for l in lanes {
                warp[l].frame().pc += 1;
                warp[l].state = State::Running;
            }
        }
        Ok(moved)
    }

    /// What a shuffle, vote, match or reduction gives to the lanes that take part.
    fn answer(&mut self, warp: &mut [Thread], lanes: &[usize]) -> Result<()> {
        let i = self.instruction(&warp[lanes[0]]);
        let f = self.function(&warp[lanes[0]]);
        let all = lanes.iter().fold(0u32, |m, l| m | 1 << l);
        let mut operands: Vec<Vec<u64>> = vec![vec![]; warp.len()];
        for &l in lanes {
            for a in i.args.iter().skip(1) {
                operands[l].push(self.value(&warp[l], a, T::B32)?);
            }
        }
        for &l in lanes {
            let true_in = |m: &usize| operands[*m].first().is_some_and(|p| p & 1 != 0);
            let yes = lanes.iter().filter(|m| true_in(m)).fold(0u32, |m, l| m | 1 << l);
            let (value, predicate) = match i.inst.opcode {
                O::Shfl => {
                    let (from, inside) = shuffled(i, l as u32, operands[l][1] as u32, operands[l][2] as u32);
                    let from = from as usize;
                    if all >> from & 1 == 0 {
                        return Err("shuffle from a lane that is not there".into());
                    }
                    (operands[from][0], inside)
                }
                O::Vote if i.inst.has(M::Ballot) => (yes.into(), false),
                O::Vote if i.inst.has(M::All) => (u64::from(yes == all), false),
                O::Vote if i.inst.has(M::Any) => (u64::from(yes != 0), false),
                O::Vote => (u64::from(yes == 0 || yes == all), false),
                O::Match => {
                    let equal = lanes.iter().filter(|m| operands[**m][0] == operands[l][0]);
                    let equal = equal.fold(0u32, |m, l| m | 1 << l);
                    if i.inst.has(M::All) {
                        (if equal == all { all.into() } else { 0 }, equal == all)
                    } else {
                        (equal.into(), false)
                    }
                }
                O::Redux => (
                    reduced(i, lanes.iter().map(|l| operands[*l][0] as u32)).into(),
                    false,
                ),
                _ => continue,
            };
            match &i.args[0] {
                Arg::Pair(d, p) => {
                    warp[l].set(d, f, value)?;
                    warp[l].set(p, f, predicate.into())?;
                }
                d => warp[l].set(d, f, value)?,
            }
        }
        Ok(())
    }

    /// Everybody is at a barrier.
    fn meet_in_block(&mut self, threads: &mut [Thread]) -> Result<()> {
        let mut votes = (0u64, true);
        for t in threads.iter().filter(|t| t.state == State::Barrier) {
            let i = self.instruction(t);
            if i.inst.has(M::Red) {
                let p = self.value(t, i.args.last().ok_or("no predicate")?, T::Pred)? & 1;
                votes = (votes.0 + p, votes.1 & (p != 0));
            }
        }
        for t in threads.iter_mut().filter(|t| t.state == State::Barrier) {
            let (i, f) = (self.instruction(t), self.function(t));
            if i.inst.has(M::Red) {
                let v = match () {
                    () if i.inst.has(M::Popc) => votes.0,
                    () if i.inst.has(M::And) => votes.1.into(),
                    () => u64::from(votes.0 != 0),
                };
                t.set(&i.args[0], f, v)?;
            }
            t.frame().pc += 1;
            t.state = State::Running;
        }
        Ok(())
    }
}

/// PTX ISA, "shfl.sync": the lane to read, and whether it is inside the segment.
fn shuffled(i: &Ins, lane: u32, b: u32, c: u32) -> (u32, bool) {
    let (b, clamp, segment) = ((b & 31) as i32, (c & 31) as i32, (c >> 8 & 31) as i32);
    let lane = lane as i32;
    let last = lane & segment | clamp & !segment;
    let first = lane & segment;
    let (from, inside) = match () {
        () if i.inst.has(M::Up) => (lane - b, lane - b >= last),
        () if i.inst.has(M::Down) => (lane + b, lane + b <= last),
        () if i.inst.has(M::Bfly) => (lane ^ b, lane ^ b <= last),
        () => (first | b & !segment, first | b & !segment <= last),
    };
    (if inside { from } else { lane } as u32, inside)
}

fn reduced(i: &Ins, values: impl Iterator<Item = u32>) -> u32 {
    let signed = i.inst.ty() == Some(T::S32);
    let f = |a: u32, b: u32| match () {
        () if i.inst.has(M::Add) => a.wrapping_add(b),
        () if i.inst.has(M::And) => a & b,
        () if i.inst.has(M::Or) => a | b,
        () if i.inst.has(M::Xor) => a ^ b,
        () if i.inst.has(M::Min) && signed => (a as i32).min(b as i32) as u32,
        () if i.inst.has(M::Max) && signed => (a as i32).max(b as i32) as u32,
        () if i.inst.has(M::Min) => a.min(b),
        () => a.max(b),
    };
    values.reduce(f).unwrap_or(0)
}

fn slice(m: &mut [u8], at: u64, bytes: u64) -> Option<&mut [u8]> {
    let end = at.checked_add(bytes)?;
    m.get_mut(usize::try_from(at).ok()?..usize::try_from(end).ok()?)
}
