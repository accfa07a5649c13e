//! From the analysed list to a [`Program`]: registers get their places, operations the code that fits how
//! their operands are stored.
//!
//! Vector registers that live in one block share places with those of other blocks (their lanes may be written
//! whatever the mask says, since nobody reads what inactive lanes hold); those that live longer have a place
//! of their own.

mod memory;
mod places;
mod probes;
mod surveys;

use crate::affine;
use crate::alu;
use crate::call;
use crate::collective;
use crate::control::{NO_STEP, NOWHERE};
use crate::cross;
use crate::lanes::{Alu, Coded, Isa, Shape, UNIFORM};
use crate::machine::{Element, Extent, LANES, Operand};
use crate::probe::asked::Asked;
use crate::program::{AffineOp, BlockInfo, CrossOp, Function, Program, StepSite};
use crate::scalar;
use crate::vf;
use crate::warp::{ALIAS, DIRECT, Inst, OpFn};
use ir::{
    AffineFn, BarrierFn, BlockShape, Cfg, Class, Ir, IrInst, Numerics, Op, Registers, Space, VReg, Val,
};
use places::{Lasting, Place};
use rustc_hash::FxHashMap;

/// Makes the program for one block shape and one way to compute.
///
/// # Errors
/// An instruction that computes in one lane has no meaning, in words: never after `translate`, which asks.
pub fn run(
    ir: &Ir,
    shape: BlockShape,
    numerics: &Numerics,
    isa: Isa,
    asked: Asked,
) -> Result<Program, String> {
    let cfg = Cfg::new(ir);
    let registers = ir::registers::run(ir, &cfg, shape);
    let scalars = ir
        .scalars
        .iter()
        .map(|s| scalar::scalar_op(&s.instruction))
        .collect::<Result<_, _>>()?;
    let lasting = Lasting::new(ir, &registers);
    let mut e = Emitter {
        ir,
        cfg: &cfg,
        registers: &registers,
        numerics,
        isa,
        places: lasting.places,
        last_use: lasting.last_use,
        lasting: lasting.extent,
        constants: FxHashMap::default(),
        free: [vec![], vec![]],
        local_words: 0,
        local_high: 0,
        spread: FxHashMap::default(),
        surveys: FxHashMap::default(),
        guarded: false,
        origin: 0,
        step: NO_STEP,
        p: Program {
            code: vec![],
            blocks: vec![],
            classes: vec![],
            counted: vec![],
            memory_ops: vec![],
            affine_regs: lasting.affine_regs,
            affine_ops: vec![],
            cross_ops: vec![],
            tables: vec![],
            vector_words: 0,
            lasting_words: lasting.extent.words,
            uniforms: lasting.extent.uniforms,
            constants: vec![],
            predicates: lasting.extent.predicates,
            always: None,
            specials: lasting.specials,
            origins: vec![],
            locs: ir.locs.clone(),
            surveys: 0,
            lasting_surveys: 0,
            shared_bytes: ir.shared_bytes,
            frame_bytes: ir.local_bytes.next_multiple_of(16),
            local_bytes: ir.local_bytes.next_multiple_of(16),
            calls: ir.calls.clone(),
            functions: vec![],
            carried: lasting.carried,
            together: asked.steps,
            ordered: false,
            alike: !asked.any() && blocks_are_alike(ir),
            draws: false,
            kept: vec![],
            asked,
            sites: vec![],
            follows: vec![],
            steps: vec![],
            step_sites: match asked.steps {
                true => vec![StepSite::default(); ir.insts.len()],
                false => vec![],
            },
            scalars,
        },
    };
    e.plan_surveys();
    e.blocks();
    Ok(e.finish())
}

struct Emitter<'a> {
    ir: &'a Ir,
    cfg: &'a Cfg,
    registers: &'a Registers,
    numerics: &'a Numerics,
    isa: Isa,
    /// By virtual register; those of block-local vectors come and go.
    places: Vec<Option<Place>>,
    /// By virtual register: the last instruction that reads or writes it.
    last_use: Vec<usize>,
    /// What the registers that live longer than a block take of each file.
    lasting: Extent,
    constants: FxHashMap<u64, u32>,
    /// Free block-local places of one and two registers' size.
    free: [Vec<u32>; 2],
    local_words: u32,
    local_high: u32,
    /// Affine registers that this block has spread into vectors already.
    spread: FxHashMap<VReg, Element>,
    /// The registers that have a survey.
    surveys: FxHashMap<surveys::Key, surveys::Slot>,
    /// The instruction being emitted has a guard.
    guarded: bool,
    /// Where it comes from.
    origin: u32,
    /// Its number in [`Program::steps`].
    step: u32,
    p: Program,
}

impl Emitter<'_> {
    fn class(&self, r: VReg) -> Class {
        self.ir.regs[r.0 as usize].class
    }

    fn blocks(&mut self) {
        let starts: Vec<usize> = self.cfg.blocks.iter().map(|b| b.start).collect();
        let mut positions = Vec::with_capacity(starts.len());
        let mut fixups: Vec<(usize, Fixup)> = Vec::new();
        for (n, block) in self.cfg.blocks.iter().enumerate() {
            positions.push(self.p.code.len() as u32);
            let insts = &self.ir.insts[block.start..block.end];
            let counted = insts.iter().filter(|i| i.counts).count() as u32;
            let variable = insts.iter().filter(|i| i.counts && i.variable).count() as u32;
            self.p.blocks.push(BlockInfo {
                instructions: counted,
                variable,
            });
            let origins = insts.iter().filter(|i| i.counts).map(|i| i.origin as usize);
            self.p.count_block(n as u32, origins.map(|o| self.ir.origins[o]));
            let mut enter = blank(cross::enter);
            enter.d = n as u32;
            enter.a = counted;
            enter.x = u16::from(block.spin);
            self.push(enter, insts[0].origin);
            self.p.together |= block.spin;
            self.local_words = 0;
            self.spread.clear();
            self.begin_surveys(n);
            self.free = [vec![], vec![]];
            for (k, i) in insts.iter().enumerate() {
                self.instruction(i, block.start + k, n, &mut fixups);
            }
            self.local_high = self.local_high.max(self.local_words);
        }
        let position = |block: usize| positions.get(block).copied().unwrap_or(NOWHERE);
        for (at, fixup) in fixups {
            let i = &mut self.p.code[at];
            let block = match fixup {
                Fixup::Branch { block, label } => {
                    let target = self.cfg.block_of.get(self.ir.labels[label as usize] as usize);
                    i.imm = i64::from(target.map_or(NOWHERE, |b| position(*b)));
                    block
                }
                Fixup::Table { block } => block,
            };
            i.b = match self.cfg.blocks[block].meet {
                Cfg::EXIT => NOWHERE,
                meet => position(meet),
            };
        }
        for f in &self.ir.functions {
            let entry = self.cfg.block_of[self.ir.labels[f.entry as usize] as usize];
            let base = match self.places[f.base.0 as usize] {
                Some(Place::Uniform(u)) => Some(u),
                _ => None,
            };
            self.p.functions.push(Function {
                entry: positions[entry],
                address: f.address,
                base,
                local_bytes: f.local_bytes,
                returns: f.returns.clone(),
                params: f.params.clone(),
            });
        }
        if !self.ir.functions.is_empty() {
            self.p.local_bytes += call::STACK_BYTES;
        }
        for t in &self.ir.tables {
            let to = |l: &u32| {
                self.cfg
                    .block_of
                    .get(self.ir.labels[*l as usize] as usize)
                    .map_or(NOWHERE, |b| position(*b))
            };
            self.p.tables.push(t.iter().map(to).collect());
        }
    }

    /// What is known only when every block has been emitted.
    fn finish(mut self) -> Program {
        let spares = self.lasting.words as u32 + self.local_high;
        for r in &mut self.p.affine_regs {
            r.spare = spares + r.id * words(Class::W64);
        }
        self.p.vector_words = spares as usize + self.p.affine_regs.len() * words(Class::W64) as usize;
        self.p.constants = vec![0; self.constants.len()];
        for (value, at) in &self.constants {
            self.p.constants[*at as usize] = *value;
        }
        self.p
    }

    fn push(&mut self, i: Inst, origin: u32) {
        if !self.p.step_sites.is_empty() {
            self.p.steps.push(self.step);
        }
        self.p.code.push(i);
        self.p.origins.push(self.ir.origins[origin as usize]);
    }

    /// An operation on affine and uniform operands.
    fn affine(&mut self, alu: &'static Alu, i: &IrInst, dst: u32) {
        let (f, run) = match i.op {
            Op::Alu(op) => (op.affine(), affine::code(op)),
            _ => (None, None),
        };
        let (f, run) = (f.unwrap_or(AffineFn::Move), run.unwrap_or(cross::trap));
        let mut src = [Element::Uniform(0); 3];
        for (e, (v, class)) in src.iter_mut().zip(i.src.iter().zip(alu.src)) {
            *e = match (v, class) {
                (Val::Const(bits), Class::W32) => self.constant(bits & 0xffff_ffff),
                _ => self.address(*v),
            };
        }
        let regs = &self.p.affine_regs;
        let base = |e: Element| match e {
            Element::Affine(k) => regs[k as usize].base,
            other => offset(other),
        };
        let stride = match src[0] {
            Element::Affine(k) => regs[k as usize].stride,
            _ => 0,
        };
        let mut inst = blank(run);
        inst.d = regs[dst as usize].base;
        [inst.a, inst.b, inst.c] = src.map(base);
        inst.imm = self.p.affine_ops.len() as i64;
        self.p.affine_ops.push(AffineOp { f, dst, src, stride });
        self.spread.remove(&i.dst[0]);
        self.push(inst, i.origin);
    }

    fn instruction(&mut self, i: &IrInst, k: usize, block: usize, fixups: &mut Vec<(usize, Fixup)>) {
        self.guarded = i.guard.is_some();
        self.origin = i.origin;
        // Fields that the guard needs in every kind of instruction.
        let guard = i.guard.map(|(p, negated)| (self.predicate(Val::Reg(p)), negated));
        let step = self.begin_step(i, k);
        match i.op {
            Op::Branch(label) => {
                let mut inst = blank(cross::branch);
                if let Some((p, negated)) = guard {
                    inst.c = p + 1;
                    inst.x = u16::from(negated);
                }
                fixups.push((self.p.code.len(), Fixup::Branch { block, label }));
                self.push(inst, i.origin);
            }
            Op::BranchTable(t) => {
                let mut src = vec![Operand::Value(self.source(i.src[0]))];
                let mut inst = blank(cross::branch_table);
                if let Some((p, negated)) = guard {
                    src.push(Operand::Predicate(p));
                    inst.x = u16::from(negated);
                }
                inst.a = t;
                inst.c = self.cross_op(CrossOp { dst: vec![], src });
                fixups.push((self.p.code.len(), Fixup::Table { block }));
                self.push(inst, i.origin);
            }
            Op::Exit => {
                let mut inst = blank(cross::exit);
                if let Some((p, negated)) = guard {
                    inst.c = p + 1;
                    inst.x = u16::from(negated);
                }
                self.push(inst, i.origin);
            }
            _ => {
                let first = self.p.code.len();
                self.plain(i);
                self.redefine(i);
                if let Some((p, negated)) = guard {
                    for inst in &mut self.p.code[first..] {
                        inst.guard = p + 1;
                        inst.guard_negated = negated;
                    }
                }
            }
        }
        self.end_step(i, step, guard);
        self.release(i, k);
    }

    /// Everything that is no jump.
    fn plain(&mut self, i: &IrInst) {
        let observed = self.before(i);
        match i.op {
            Op::Alu(op) => self.alu(alu::code(op), i, 0),
            Op::Vf { f, spec } => {
                self.p.draws |= spec.draws(f);
                let chosen = vf::choose(f, &spec.lanes(self.numerics));
                self.p.kept.push(chosen.ops);
                self.alu(chosen.alu, i, chosen.address);
            }
            Op::Pred(f) => {
                let mut inst = blank(cross::pred(f));
                inst.a = self.predicate(i.src[0]);
                inst.b = i.src.get(1).map_or(inst.a, |v| self.predicate(*v));
                inst.d = self.predicate(Val::Reg(i.dst[0]));
                self.push(inst, i.origin);
            }
            Op::Select(class) => self.select(i, class),
            Op::Load(a) => self.load(i, a),
            Op::Store(a) => self.store(i, a),
            Op::Atom {
                f,
                ty,
                space,
                offset,
                vf,
            } => self.atomic(i, f, ty, space, offset, vf),
            _ => self.cross(i),
        }
        self.after(i, observed);
    }

    /// Places destinations; the flags that hold for all of them.
    fn destinations(&mut self, i: &IrInst, guarded: bool) -> u8 {
        i.dst
            .iter()
            .fold(DIRECT, |flags, d| flags & self.destination(*d, guarded).1)
    }

    fn elements(&mut self, regs: &[VReg]) -> Vec<Element> {
        regs.iter().map(|r| self.source(Val::Reg(*r))).collect()
    }

    fn cross_op(&mut self, op: CrossOp) -> u32 {
        self.p.cross_ops.push(op);
        self.p.cross_ops.len() as u32 - 1
    }

    fn operand(&mut self, v: Val, class: Option<Class>) -> Operand {
        match v {
            Val::Reg(r) if self.class(r) == Class::Pred => Operand::Predicate(self.predicate(v)),
            Val::Const(_) if class == Some(Class::Pred) => Operand::Predicate(self.predicate(v)),
            _ => Operand::Value(self.source(v)),
        }
    }

    /// Instructions whose operands are listed in a [`CrossOp`].
    fn cross(&mut self, i: &IrInst) {
        let mut inst = blank(cross::nop);
        let run: OpFn = match i.op {
            Op::Scalar(n) => {
                inst.a = n;
                cross::scalar
            }
            Op::BitOfPred => cross::bit_of_pred,
            Op::CarryOut { subtract, wide } => {
                inst.x = u16::from(subtract) | u16::from(wide) << 1;
                cross::carry_out
            }
            Op::Clock(s) => {
                use ptx::ast::SpecialRegister as S;
                inst.x = u16::from(matches!(s, S::ClockHi | S::GlobaltimerHi));
                cross::clock
            }
            Op::Activemask => collective::activemask,
            Op::Barrier { f, aligned } => {
                self.p.together = true;
                inst.x = f as u16;
                inst.b = u32::from(aligned);
                cross::barrier
            }
            Op::Call(site) => {
                inst.a = site;
                call::call
            }
            Op::Return => call::ret,
            Op::Printf => cross::printf,
            Op::AssertFail => cross::assert_fail,
            Op::Trap => cross::trap,
            op => match collective::code(&op, self.isa) {
                Some((run, kind)) => {
                    inst.x = kind;
                    run
                }
                None => cross::nop,
            },
        };
        inst.run = run;
        let src = i
            .src
            .iter()
            .enumerate()
            .map(|(n, v)| self.operand(*v, source_class(&i.op, n)))
            .collect();
        for d in &i.dst {
            if self.class(*d) != Class::Pred {
                self.destination(*d, true);
            }
        }
        let dst = i.dst.iter().map(|d| self.operand(Val::Reg(*d), None)).collect();
        inst.c = self.cross_op(CrossOp { dst, src });
        self.push(inst, i.origin);
    }

    fn select(&mut self, i: &IrInst, class: Class) {
        let (a, b) = (self.source(i.src[0]), self.source(i.src[1]));
        let p = self.predicate(i.src[2]);
        let (d, mut flags) = self.destination(i.dst[0], i.guard.is_some());
        let uniform = |e: Element| matches!(e, Element::Uniform(_));
        let run = if uniform(d) {
            cross::select_uniform
        } else {
            let table = if class == Class::W64 {
                &cross::SELECT64
            } else {
                &cross::SELECT32
            };
            table[usize::from(uniform(a)) + 2 * usize::from(uniform(b))][self.isa as usize]
        };
        if d == a || d == b {
            flags |= ALIAS;
        }
        let mut inst = blank(run);
        inst.flags = flags;
        (inst.d, inst.a, inst.b, inst.c) = (offset(d), offset(a), offset(b), p);
        self.push(inst, i.origin);
    }

    /// A lane function: finds the code for the way its operands are stored, moving uniform operands into
    /// vectors where there is none.
    fn alu(&mut self, alu: &'static Alu, i: &IrInst, imm: i64) {
        if let (Class::W32 | Class::W64, Some(Place::Affine(k))) = (alu.dst, self.places[i.dst[0].0 as usize])
        {
            return self.affine(alu, i, k);
        }
        let guarded = i.guard.is_some();
        let mut src: Vec<Element> = Vec::with_capacity(3);
        for (v, class) in i.src.iter().zip(alu.src) {
            let bits = match (v, class) {
                (Val::Const(bits), Class::W32) => Val::Const(bits & 0xffff_ffff),
                (v, _) => *v,
            };
            src.push(self.source(bits));
        }
        let predicate = alu.dst == Class::Pred;
        let uniform_result = if predicate {
            src.iter().all(|s| matches!(s, Element::Uniform(_)))
        } else {
            self.registers.pattern[i.dst[0].0 as usize].is_uniform()
        };
        let (d, mut flags) = if predicate {
            (Element::Uniform(self.predicate(Val::Reg(i.dst[0]))), 0)
        } else {
            self.destination(i.dst[0], guarded)
        };
        let mut temporaries = Vec::new();
        let run = if uniform_result {
            alu.code(UNIFORM, self.isa)
        } else {
            loop {
                let shape = src.iter().enumerate().fold(0 as Shape, |s, (n, e)| {
                    s | (Shape::from(matches!(e, Element::Uniform(_))) << n)
                });
                if let Some(code) = alu.code(shape, self.isa) {
                    break Some(code);
                }
                let Some(n) = src.iter().position(|e| matches!(e, Element::Uniform(_))) else {
                    break None;
                };
                let class = alu.src[n];
                let (place, vector) = self.take_local(class);
                temporaries.push((place, class));
                let splat = if class == Class::W64 {
                    alu::Mov64::ALU
                } else {
                    alu::Mov32::ALU
                };
                let mut inst = blank(splat.code(1, self.isa).unwrap_or(cross::nop));
                (inst.d, inst.a, inst.flags) = (offset(vector), offset(src[n]), DIRECT);
                self.push(inst, i.origin);
                src[n] = vector;
            }
        };
        if !predicate && src.contains(&d) {
            flags |= ALIAS;
        }
        let mut inst = blank(run.unwrap_or(cross::trap));
        inst.flags = flags;
        inst.imm = imm;
        inst.d = offset(d);
        let fields = [&mut inst.a, &mut inst.b, &mut inst.c];
        for (field, s) in fields.into_iter().zip(&src) {
            *field = offset(*s);
        }
        self.push(inst, i.origin);
        for (place, class) in temporaries {
            self.give_back(place, class);
        }
    }
}

/// Something that is known only when all blocks have their positions.
enum Fixup {
    Branch { block: usize, label: u32 },
    Table { block: usize },
}

fn offset(e: Element) -> u32 {
    match e {
        Element::Uniform(x) | Element::Narrow(x) | Element::Wide(x) | Element::Affine(x) => x,
    }
}

/// Words of a vector register.
fn words(class: Class) -> u32 {
    let one = LANES as u32;
    if class == Class::W64 { 2 * one } else { one }
}

/// Whether a block leaves no trace outside itself and does not know which one it is.
fn blocks_are_alike(ir: &Ir) -> bool {
    use ptx::ast::SpecialRegister as S;
    let outside = |space: Space| !matches!(space, Space::Shared | Space::Local);
    ir.insts.iter().all(|i| match i.op {
        Op::Store(a) => !outside(a.space),
        Op::Atom { space, .. } => !outside(space),
        Op::Printf | Op::Call(_) => false,
        Op::Vf { f, spec } => !spec.draws(f),
        _ => true,
    }) && !ir.regs.iter().any(|r| {
        matches!(
            r.special,
            Some(S::CtaidX | S::CtaidY | S::CtaidZ | S::Envreg1 | S::Envreg2)
        )
    })
}

fn blank(run: OpFn) -> Inst {
    Inst {
        run,
        d: 0,
        a: 0,
        b: 0,
        c: 0,
        guard: 0,
        guard_negated: false,
        flags: 0,
        x: 0,
        imm: 0,
    }
}

/// Class of a source where a constant may stand for a predicate.
fn source_class(op: &Op, n: usize) -> Option<Class> {
    let predicate = match op {
        Op::BitOfPred => n == 0,
        Op::CarryOut { .. } => n == 2,
        Op::Vote(_) => n == 0,
        Op::Barrier { f, .. } => n == 2 && matches!(f, BarrierFn::Popc | BarrierFn::And | BarrierFn::Or),
        _ => false,
    };
    predicate.then_some(Class::Pred)
}
