//! A module's code in its place: the texts it was made of, what a policy makes of each, its kernels and variables.

use crate::code::Code;
use crate::error::Error;
use crate::policy::Active;
use crate::sync::lock;
use backend::{GlobalInfo, KernelInfo};
use policy::Plan;
use ptx::ast::{Initializer, ScalarType};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Code in its place.
pub(crate) type OnDevice = Arc<dyn backend::Module>;

/// One text's part of a module.
pub(crate) struct Unit {
    /// As the text has it; its variables are those of all variants.
    pub(crate) module: OnDevice,
    /// Whether what a policy makes of it depends on the kernel that is launched.
    pub(crate) by_kernel: bool,
    /// What policies made of it: by the rules that hold, then by kernel (one for all, under "", where it does not
    /// matter).
    pub(crate) variants: Mutex<FxHashMap<Plan, FxHashMap<String, OnDevice>>>,
    /// Number in `.target sm_NN`.
    pub(crate) arch: u32,
}

/// A module whose code is in place.
pub(crate) struct Loaded {
    /// For messages: `mlp.1`.
    pub(crate) name: String,
    pub(crate) units: Vec<Unit>,
    /// Which unit holds a kernel.
    pub(crate) kernels: BTreeMap<String, usize>,
    pub(crate) variables: BTreeMap<String, GlobalInfo>,
    pub(crate) infos: Mutex<HashMap<String, Arc<KernelInfo>>>,
}

/// A kernel ready to be asked about or launched.
pub(crate) struct Kernel {
    pub(crate) module: OnDevice,
    pub(crate) info: Arc<KernelInfo>,
    /// Number in `.target sm_NN`.
    pub(crate) arch: u32,
}

impl Unit {
    /// The code for launches of `kernel` under a plan.
    fn code(&self, kernel: &str, by: Option<(&Active, &Plan)>) -> Result<OnDevice, Error> {
        let Some((active, plan)) = by else {
            return Ok(self.module.clone());
        };
        let scope = if self.by_kernel { kernel } else { "" };
        let mut variants = lock(&self.variants);
        if let Some(known) = variants.get(plan).and_then(|all| all.get(scope)) {
            return Ok(known.clone());
        }
        let (module, report) = self.rewritten(active, plan, self.by_kernel.then_some(kernel))?;
        if self.by_kernel {
            // Which instructions of device functions a rule selects is only known by who calls them.
            active.survey(&report);
        }
        active.applied(&report);
        let all = variants.entry(plan.clone()).or_default();
        all.insert(scope.to_owned(), module.clone());
        Ok(module)
    }

    pub(crate) fn rewritten(
        &self,
        active: &Active,
        plan: &Plan,
        kernel: Option<&str>,
    ) -> Result<(OnDevice, policy::Report), Error> {
        let mut tree = self.module.ptx().clone().into_tree();
        let report = active.policy.rewrite(&mut tree, plan, kernel);
        let checked = ptx::check(tree).map_err(not_ptx)?;
        Ok((self.module.variant(checked)?, report))
    }
}

impl Loaded {
    /// A kernel by its mangled name, as a policy's rules have it.
    pub(crate) fn kernel(&self, name: &str, by: Option<(&Active, &Plan)>) -> Result<Kernel, Error> {
        let unit = self
            .kernels
            .get(name)
            .map(|&i| &self.units[i])
            .ok_or_else(|| Error::Module {
                code: Code::INVALID_DEVICE_FUNCTION,
                reason: format!("no kernel `{name}` in the PTX of module {}", self.name),
            })?;
        let module = unit.code(name, by)?;
        let known = lock(&self.infos).get(name).cloned();
        let info = match known {
            Some(info) => info,
            None => {
                let info = module.kernel(name)?;
                lock(&self.infos).insert(name.to_owned(), info.clone());
                info
            }
        };
        Ok(Kernel {
            module,
            info,
            arch: unit.arch,
        })
    }

    /// A variable by its mangled name.
    pub(crate) fn variable(&self, name: &str) -> Option<GlobalInfo> {
        self.variables.get(name).copied()
    }

    /// Bytes of all constant variables.
    pub(crate) fn constant_bytes(&self) -> u64 {
        self.variables
            .values()
            .filter(|v| v.constant)
            .map(|v| v.size)
            .sum()
    }

    /// The variables that a digest of memory takes in, in the order of their names (in which compilers put numbers of
    /// their own), with the bytes that are addresses in their initial
    /// values. What the program cannot name and the text initialises (tables of virtual functions, strings) is the
    /// compiler's own and not among them.
    pub(crate) fn for_digest(&self, named: &BTreeSet<String>) -> Vec<(GlobalInfo, Vec<Range<usize>>)> {
        let all = self.variables.iter().filter_map(|(name, info)| {
            let initial = self.units.iter().find_map(|u| initial(u.module.ptx(), name));
            let is_compilers = !named.contains(name) && (initial.is_some() || info.constant);
            (!is_compilers).then(|| (*info, initial.unwrap_or_default()))
        });
        all.collect()
    }

    /// Whether a variable of the module lies at an address.
    pub(crate) fn holds(&self, address: u64) -> bool {
        self.variables.values().any(|v| v.address == address)
    }

    pub(crate) fn unload(&self) {
        for unit in &self.units {
            unit.module.unload();
        }
    }
}

/// What the rules that hold in every launch rewrite, by function; takes note of what all rules select.
pub(crate) fn overridden(unit: &Unit, active: &Active) -> Result<Vec<(String, u64)>, Error> {
    let always = active.policy.always();
    let (module, report) = unit.rewritten(active, &always, None)?;
    if active.policy.all() == always {
        active.survey(&report);
    } else {
        let (_, all) = unit.rewritten(active, &active.policy.all(), None)?;
        active.survey(&all);
    }
    active.applied(&report);
    if !unit.by_kernel {
        let variant = [(String::new(), module)].into_iter().collect();
        lock(&unit.variants).insert(always, variant);
    }
    let counts = report
        .functions
        .iter()
        .map(|f| (f.name.clone(), f.taken() as u64));
    Ok(counts.filter(|(_, n)| *n > 0).collect())
}

pub(crate) fn not_ptx(errors: ptx::Errors) -> Error {
    Error::Module {
        code: Code::INVALID_PTX,
        reason: errors.to_string(),
    }
}

/// What a text gives a variable to begin with, as far as it matters to whoever compares memory: whether there is
/// an initial value, and which of its bytes are (parts of) addresses, whose values depend on what else the module
/// holds.
fn initial(ptx: &ptx::ast::Module, name: &str) -> Option<Vec<Range<usize>>> {
    let variable = ptx.variables().find(|v| v.name.name == name)?;
    let mut ranges = Vec::new();
    address_bytes(variable.init.as_ref()?, variable.ty, &mut 0, &mut ranges);
    Some(ranges)
}

/// Which of the bytes that an initial value has are addresses.
fn address_bytes(init: &Initializer, ty: ScalarType, at: &mut usize, ranges: &mut Vec<Range<usize>>) {
    let bytes = match init {
        Initializer::List(list) => return list.iter().for_each(|i| address_bytes(i, ty, at, ranges)),
        Initializer::Mask { .. } => 1,
        Initializer::Value(_) | Initializer::Address { .. } => (ty.bytes() as usize).min(8),
    };
    if !matches!(init, Initializer::Value(_)) {
        ranges.push(*at..*at + bytes);
    }
    *at += bytes;
}
