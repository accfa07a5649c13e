//! A loaded module: its variables in device memory, its kernels lowered when they are first needed.

use crate::emit;
use crate::lanes::Isa;
use crate::memory::Memory;
use crate::probe::asked::Asked;
use crate::program::Program;
use crate::scalar;
use backend::{Arena, Dim3, Error, GlobalInfo, KernelInfo, MemoryKind};
use ir::translate::{self, Globals};
use ir::{BlockShape, FormatSource, Ir, Numerics, Op, Pass};
use ptx::Checked;
use ptx::ast::{
    Function, FunctionKind, Immediate, Initializer, Item, Linkage, ScalarType, StateSpace, Variable,
};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a program is specialised for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ProgramKey {
    shape: BlockShape,
    /// `None` for kernels without launch-format arithmetic: one program serves every format.
    numerics: Option<Numerics>,
    /// What it tells.
    asked: Asked,
}

#[derive(Default)]
struct Lowered {
    ir: FxHashMap<String, Arc<Ir>>,
    info: FxHashMap<String, Arc<KernelInfo>>,
    /// By kernel.
    programs: FxHashMap<String, FxHashMap<ProgramKey, Arc<Program>>>,
}

/// A module whose variables live in device memory.
pub struct Module {
    ptx: Checked,
    globals: FxHashMap<String, GlobalInfo>,
    addresses: Globals,
    isa: Isa,
    lowered: Mutex<Lowered>,
}

impl Module {
    /// Places the variables of `ptx` in `memory`. Kernels are lowered when first launched or asked about, so
    /// an unsupported instruction in one kernel does not keep others from running.
    ///
    /// # Errors
    /// Device memory that does not suffice for the variables, and initial values that make no sense.
    pub fn load(ptx: Checked, memory: &Memory) -> Result<Module, Error> {
        let mut globals = FxHashMap::default();
        let variables = || {
            ptx.items.iter().filter_map(|i| match i {
                Item::Variable(v)
                    if v.linkage != Linkage::Extern
                        && matches!(v.space.base(), StateSpace::Global | StateSpace::Const) =>
                {
                    Some(v)
                }
                _ => None,
            })
        };
        for v in variables() {
            let size = variable_size(v);
            let constant = v.space.base() == StateSpace::Const;
            let kind = match v.managed {
                true => MemoryKind::Managed,
                false if constant => MemoryKind::Constant,
                false => MemoryKind::Module,
            };
            let address = memory.allocate_aligned(size, u64::from(translate::align_of(v)), kind)?;
            globals.insert(
                v.name.name.clone(),
                GlobalInfo {
                    address,
                    size,
                    managed: v.managed,
                    constant,
                },
            );
        }
        let functions = translate::function_addresses(&ptx).map(|(n, a)| (n.to_string(), a));
        let variables_at = globals.iter().map(|(n, g)| (n.clone(), g.address));
        let addresses: Globals = functions.chain(variables_at).collect();
        for v in variables() {
            if let Some(init) = &v.init {
                let mut bytes = Vec::new();
                flatten(init, v.ty, &addresses, &mut bytes);
                let g = &globals[&v.name.name];
                bytes.truncate(g.size as usize);
                memory.write(g.address, &bytes)?;
            }
        }
        Ok(Module {
            ptx,
            globals,
            addresses,
            isa: Isa::current(),
            lowered: Mutex::default(),
        })
    }

    /// This module with kernels lowered for another instruction set than [`Isa::current`]: for tests of all of them.
    /// At most the machine's best one is taken.
    pub fn lowered_for(mut self, isa: Isa) -> Module {
        self.isa = isa.min(Isa::best());
        self
    }

    /// The same module with other instructions: `ptx` differs from the tree of this one by overrides only, and the
    /// two share their variables. They belong to this one: it alone is to be unloaded.
    pub fn variant(&self, ptx: Checked) -> Module {
        Module {
            ptx,
            globals: self.globals.clone(),
            addresses: self.addresses.clone(),
            isa: self.isa,
            lowered: Mutex::default(),
        }
    }

    /// Gives the variables' memory back.
    pub fn unload(&self, memory: &Memory) {
        for g in self.globals.values() {
            // A variable can only be missing when it has been given back already.
            let _ = memory.free(g.address);
        }
    }

    /// The tree the module was made of.
    pub fn ptx(&self) -> &Checked {
        &self.ptx
    }

    /// Mangled names of all kernels, in the order of the text.
    pub fn kernels(&self) -> Vec<&str> {
        self.kernel_functions().map(|f| f.name.name.as_str()).collect()
    }

    fn kernel_functions(&self) -> impl Iterator<Item = &Function> {
        self.ptx.items.iter().filter_map(|i| match i {
            Item::Function(f) if f.kind == FunctionKind::Kernel && f.body.is_some() => Some(f),
            _ => None,
        })
    }

    /// A `.global` or `.const` variable.
    pub fn global(&self, name: &str) -> Option<GlobalInfo> {
        self.globals.get(name).copied()
    }

    fn lowered(&self) -> MutexGuard<'_, Lowered> {
        self.lowered.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A kernel before code is made for it.
    pub(crate) fn ir(&self, name: &str) -> Result<Arc<Ir>, Error> {
        if let Some(ir) = self.lowered().ir.get(name) {
            return Ok(ir.clone());
        }
        let Some(f) = self.kernel_functions().find(|f| f.name.name == name) else {
            return Err(Error::NoKernel {
                name: name.into(),
                module: self.ptx.source.name.clone(),
            });
        };
        let ir = translate::run(&self.ptx, f, &self.addresses, &scalar::signature).map_err(|r| {
            let text = r.0.render(&self.ptx.source);
            Error::Ptx(format!("kernel `{name}` cannot run:\n{text}"))
        })?;
        // Lane code relies on it: it reads and writes registers by their class, unchecked.
        ir::verify::run(&ir).map_err(|f| {
            let origin = f.at.and_then(|at| ir.origins.get(ir.insts[at].origin as usize));
            let span = origin.map(|o| o.span).unwrap_or_default();
            fault(name, ptx::render(&self.ptx.source, span, &f.what, None))
        })?;
        let ir = Arc::new(ir);
        self.lowered().ir.insert(name.into(), ir.clone());
        Ok(ir)
    }

    /// The program for a launch.
    pub(crate) fn program(
        &self,
        name: &str,
        shape: BlockShape,
        numerics: &Numerics,
        asked: Asked,
    ) -> Result<Arc<Program>, Error> {
        let ir = self.ir(name)?;
        let depends = ir.insts.iter().any(|i| match i.op {
            Op::Vf { spec, .. } | Op::Atom { vf: Some(spec), .. } => {
                spec.format == FormatSource::Launch || numerics.input != vfloat::Rounding::TowardZero
            }
            _ => false,
        });
        let key = ProgramKey {
            shape,
            numerics: depends.then_some(*numerics),
            asked,
        };
        if let Some(p) = self.lowered().programs.get(name).and_then(|of| of.get(&key)) {
            return Ok(p.clone());
        }
        let p = emit::run(&ir, shape, numerics, self.isa, asked).map_err(|what| fault(name, what))?;
        let p = Arc::new(p);
        let mut lowered = self.lowered();
        lowered
            .programs
            .entry(name.into())
            .or_default()
            .insert(key, p.clone());
        Ok(p)
    }

    /// A kernel after a pass, as text (see [`ir::print`]), for blocks of this shape.
    ///
    /// # Errors
    /// No such kernel, or one that Vernier cannot run.
    pub fn text(&self, name: &str, after: Pass, block: Dim3) -> Result<String, Error> {
        let ir = self.ir(name)?;
        let shape = BlockShape::of([block.x, block.y, block.z]);
        let analysed = (after == Pass::Analyse).then(|| {
            let cfg = ir::Cfg::new(&ir);
            let registers = ir::registers::run(&ir, &cfg, shape);
            (cfg, registers)
        });
        let text = ir::print::Text {
            ir: &ir,
            source: Some(&self.ptx.source),
            analysis: analysed.as_ref().map(|(cfg, registers)| (cfg, registers)),
        };
        Ok(text.to_string())
    }

    /// Facts about a kernel.
    ///
    /// # Errors
    /// No such kernel, or one that Vernier cannot run.
    pub fn kernel(&self, name: &str) -> Result<Arc<KernelInfo>, Error> {
        if let Some(info) = self.lowered().info.get(name) {
            return Ok(info.clone());
        }
        let ir = self.ir(name)?;
        let fp32 = Numerics {
            format: vfloat::Format::FP32,
            input: vfloat::Rounding::TowardZero,
        };
        let program = self.program(name, BlockShape::Line, &fp32, Asked::default())?;
        let max_threads = self
            .kernel_functions()
            .find(|f| f.name.name == name)
            .and_then(|f| {
                f.directives
                    .iter()
                    .find(|d| matches!(d.name.as_str(), ".maxntid" | ".reqntid"))
            })
            .map_or(1024, |d| d.values.iter().product::<u64>().clamp(1, 1024) as u32);
        let info = Arc::new(KernelInfo {
            name: name.to_string(),
            params: ir.params.clone(),
            params_size: ir.params_bytes as usize,
            static_shared: ir.shared_bytes as usize,
            local: ir.local_bytes as usize,
            registers: (program.vector_words as u32 / 32 + program.uniforms as u32 / 2).clamp(8, 255),
            max_threads,
        });
        self.lowered().info.insert(name.to_string(), info.clone());
        Ok(info)
    }
}

fn fault(kernel: &str, what: String) -> Error {
    Error::Fault {
        kernel: kernel.into(),
        what,
    }
}

/// Bytes of a variable; an array without a size has that of its initial value.
fn variable_size(v: &Variable) -> u64 {
    match (&v.init, translate::size_of(v)) {
        (Some(init), 0) => {
            let mut bytes = Vec::new();
            flatten(init, v.ty, &Globals::default(), &mut bytes);
            bytes.len() as u64
        }
        (_, size) => size,
    }
}

/// The bytes of an initial value.
fn flatten(init: &Initializer, ty: ScalarType, globals: &Globals, bytes: &mut Vec<u8>) {
    let size = ty.bytes() as usize;
    match init {
        Initializer::List(list) => list.iter().for_each(|i| flatten(i, ty, globals, bytes)),
        Initializer::Value(v) => {
            let bits = match (*v, ty) {
                (
                    Immediate::Int {
                        bits,
                        unsigned: false,
                    },
                    ScalarType::F32,
                ) => u64::from((bits as i64 as f32).to_bits()),
                (
                    Immediate::Int {
                        bits,
                        unsigned: false,
                    },
                    ScalarType::F64,
                ) => (bits as i64 as f64).to_bits(),
                (Immediate::Int { bits, .. }, _) => bits,
                (Immediate::F32(b), ScalarType::F64) => f64::from(f32::from_bits(b)).to_bits(),
                (Immediate::F32(b), _) => u64::from(b),
                (Immediate::F64(b), ScalarType::F32) => u64::from((f64::from_bits(b) as f32).to_bits()),
                (Immediate::F64(b), _) => b,
            };
            bytes.extend_from_slice(&bits.to_le_bytes()[..size.min(8)]);
        }
        Initializer::Address { name, offset, .. } => {
            let at = globals
                .get(&name.name)
                .map_or(0, |a| a.wrapping_add(*offset as u64));
            bytes.extend_from_slice(&at.to_le_bytes()[..size.min(8)]);
        }
        Initializer::Mask { mask, name, .. } => {
            let at = globals.get(&name.name).copied().unwrap_or(0) & mask;
            bytes.push((at >> (mask.trailing_zeros() & 63)) as u8);
        }
    }
}
