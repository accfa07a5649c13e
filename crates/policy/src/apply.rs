//! Rewrites a module as the rules of a plan say, and tells which rule took which instruction.

use std::collections::{BTreeMap, BTreeSet};

use ptx::Word;
use ptx::ast::{Function, FunctionKind, Item, Modifier, Module, ScalarType};
use ptx::flow::{self, Part, Role};
use ptx::overrides::{self, Form, Rewrite, Site};
use rustc_hash::FxHashMap;
use vfloat::{Format, Rounding};

use crate::document::{Accumulate, FormatChoice, Policy, Rule};
use crate::names::Names;
use crate::plan::Plan;
use crate::select::ClassName;

/// Which rules decided about an instruction: numbers in [`Policy::rules`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Every rule that selects it.
    pub selected: Vec<usize>,
    /// The rule that gives the format.
    pub format: Option<usize>,
    /// The rule that gives the accumulator.
    pub accumulate: Option<usize>,
    /// The rule that gives the rounding.
    pub rounding: Option<usize>,
}

impl Decision {
    /// The rules that had a say.
    pub fn takers(&self) -> BTreeSet<usize> {
        [self.format, self.accumulate, self.rounding]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// An instruction that may be overridden, and what became of it.
#[derive(Clone, Debug)]
pub struct SiteOutcome {
    /// Its number among the instructions of the function, from 0.
    pub ordinal: usize,
    /// Its line in the PTX, from 1.
    pub line: u32,
    /// File and line in the CUDA source, where the PTX has `.loc`.
    pub cuda: Option<(String, u32)>,
    /// What it does.
    pub class: ClassName,
    /// Whether it is a sum that runs over a loop or joins such sums.
    pub accumulates: bool,
    /// What it is to a sequence into which nvcc expanded a mathematical function, if it belongs to one.
    pub expansion: Option<Part>,
    /// Whether it computes with a number that only counts or addresses: an index converted to a float and back.
    pub counts: bool,
    /// Whether the text has `.vf32` there already.
    pub narrow: bool,
    /// As it was, `fma.rn.f32`.
    pub from: String,
    /// As it is, if it was rewritten.
    pub to: Option<String>,
    /// By which rules.
    pub decision: Decision,
}

/// What happened in one function.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its mangled name.
    pub name: String,
    /// Kernel or device function.
    pub kind: FunctionKind,
    /// Every instruction that may be overridden, in the order of the text.
    pub sites: Vec<SiteOutcome>,
}

impl Outcome {
    /// How many instructions were rewritten.
    pub fn taken(&self) -> usize {
        self.sites.iter().filter(|s| s.to.is_some()).count()
    }
}

/// What happened in a module.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its functions with a body, in the order of the text.
    pub functions: Vec<Outcome>,
    /// Whether the text says where in the CUDA source it comes from.
    pub has_source_lines: bool,
}

/// What the data flow of a function says about its instructions.
struct Flow {
    roles: BTreeMap<usize, Role>,
    counters: BTreeSet<usize>,
}

impl Policy {
    /// Whether a kernel's code depends on which kernel it is: device functions are shared, and rules that select
    /// kernels hold in the functions that these call.
    pub fn depends_on_kernel(&self, module: &Module) -> bool {
        self.rules.iter().any(|r| r.conditions.kernel.is_some())
            && module
                .functions()
                .any(|f| f.kind == FunctionKind::Device && f.body.is_some())
    }

    /// Rewrites a module for the launches of `kernel`, or, without one, for those of every kernel. Instructions
    /// only change their opcode, type and modifiers (and the operands of a sum their order).
    pub fn rewrite(&self, module: &mut Module, plan: &Plan, kernel: Option<&str>) -> Report {
        overrides::without_early_bf16(module);
        let rules: Vec<(usize, &Rule)> = self
            .rules
            .iter()
            .enumerate()
            .filter(|(i, _)| plan.has(*i))
            .collect();
        let kernel = kernel.map(Names::of);
        let sums = rules
            .iter()
            .any(|(_, r)| r.accumulate.is_some() || wants_class(r, ClassName::Accumulate));
        let mut facts: FxHashMap<String, (Vec<usize>, Flow)> = FxHashMap::default();
        for f in module.functions().filter(|f| f.body.is_some()) {
            let names = Names::of(&f.name.name);
            let holds = |rule: &Rule| {
                let device = f.kind == FunctionKind::Device;
                let called = kernel.as_ref().filter(|_| device);
                rule.conditions.allows(&names) || called.is_some_and(|k| rule.conditions.allows(k))
            };
            let hold = rules.iter().filter(|(_, r)| holds(r)).map(|(i, _)| *i);
            facts.insert(f.name.name.clone(), (hold.collect(), flow(f, sums)));
        }
        let text_name = module.source.name.clone();
        let mut outcomes: FxHashMap<String, Vec<SiteOutcome>> = FxHashMap::default();
        overrides::to_vf32(module, &mut |site| {
            let (hold, flow) = facts.get(site.function)?;
            let mut outcome = outcome(site, flow);
            for &i in hold {
                self.consider(i, site, &text_name, &mut outcome, flow);
            }
            let rewrite = self.rewritten(&outcome, flow.roles.get(&site.ordinal).copied());
            match outcomes.get_mut(site.function) {
                Some(list) => list.push(outcome),
                None => drop(outcomes.insert(site.function.to_owned(), vec![outcome])),
            }
            rewrite
        });
        let has_source_lines = module.items.iter().any(|i| matches!(i, Item::File { .. }));
        let functions = module.functions().filter(|f| f.body.is_some()).map(|f| Outcome {
            name: f.name.name.clone(),
            kind: f.kind,
            sites: finished(f, outcomes.remove(&f.name.name).unwrap_or_default()),
        });
        Report {
            functions: functions.collect(),
            has_source_lines,
        }
    }

    /// Lets a rule say what it has to say about an instruction.
    fn consider(&self, number: usize, site: &Site<'_>, text: &str, outcome: &mut SiteOutcome, flow: &Flow) {
        let rule = &self.rules[number];
        let class = rule.class.as_ref().is_none_or(|classes| {
            classes
                .iter()
                .any(|c| *c == outcome.class || (*c == ClassName::Accumulate && outcome.accumulates))
        });
        let cuda = rule.line.as_ref().is_none_or(|lines| {
            let place = site.file.zip(site.loc);
            place.is_some_and(|(file, loc)| lines.iter().any(|l| l.has(file, loc.line)))
        });
        let ptx = rule
            .ptx
            .as_ref()
            .is_none_or(|lines| lines.iter().any(|l| l.has(text, site.line)));
        let inside = outcome.expansion == Some(Part::Inside);
        let left = (inside && !rule.expansions) || (outcome.counts && !rule.indices);
        if !class || !cuda || !ptx || left {
            return;
        }
        let sum = flow.roles.contains_key(&site.ordinal);
        let rounds = !matches!(
            outcome.class,
            ClassName::Compare | ClassName::MinMax | ClassName::Sign
        );
        let decision = &mut outcome.decision;
        let mut says = false;
        if rule.format.is_some() {
            decision.format = Some(number);
            says = true;
        }
        if rule.accumulate.is_some() && sum {
            decision.accumulate = Some(number);
            says = true;
        }
        if rule.rounding.is_some() && rounds {
            decision.rounding = Some(number);
            says = true;
        }
        if says {
            decision.selected.push(number);
        }
    }

    /// Whether the rule that gives the format takes expansions apart.
    fn takes_apart(&self, decision: &Decision) -> bool {
        let rule = decision.format.and_then(|i| self.rules.get(i));
        rule.is_some_and(|r| r.expansions)
    }

    /// What an instruction becomes.
    fn rewritten(&self, outcome: &SiteOutcome, role: Option<Role>) -> Option<Rewrite> {
        let decision = &outcome.decision;
        let rule = |i: Option<usize>| i.and_then(|i| self.rules.get(i));
        let format = match rule(decision.format)?.format? {
            FormatChoice::Leave => return None,
            FormatChoice::Launch => None,
            FormatChoice::Fixed(format) => Some(format),
        };
        let accumulate = rule(decision.accumulate).and_then(|r| r.accumulate);
        let accumulator = match accumulate {
            Some(Accumulate::In(format)) => Some(format),
            _ => None,
        };
        let part = outcome.expansion.filter(|_| !self.takes_apart(decision));
        let (form, format, accumulator) = match (role, accumulator) {
            _ if part == Some(Part::Result) => (Form::Into, format, None),
            (Some(role), Some(a)) => match role {
                // Additions to memory are no instructions that an override brings to another format.
                Role::Atomic => return None,
                // A sum of two accumulators is one itself: wholly in their format.
                Role::Sum if a == Format::FP32 && !outcome.narrow => return None,
                Role::Sum => (Form::Vf32, Some(a), None),
                Role::Fmam => (Form::Fmam, format, Some(a)),
                Role::Addm => (Form::Addm, format, Some(a)),
                Role::AddmSecond => (Form::AddmSecond, format, Some(a)),
            },
            // Text that has `fmam` and `addm` keeps them unless a rule wants other sums.
            _ if accumulate == Some(Accumulate::None) => (Form::Whole, format, None),
            _ => (Form::Vf32, format, None),
        };
        let accumulator = accumulator.filter(|a| *a != Format::FP32);
        Some(Rewrite {
            form,
            format: format.and_then(word),
            accumulator: accumulator.and_then(word),
            rounding: rule(decision.rounding).and_then(|r| r.rounding).map(rounding),
            wide: part == Some(Part::Fused),
        })
    }
}

/// A format as PTX text names it.
fn word(format: Format) -> Option<Word> {
    Word::new(&format.ident())
}

/// A rounding as PTX has it.
fn rounding(rounding: Rounding) -> overrides::Rounding {
    match rounding {
        Rounding::NearestEven => overrides::Rounding::Rn,
        Rounding::TowardZero => overrides::Rounding::Rz,
        Rounding::TowardNegative => overrides::Rounding::Rm,
        Rounding::TowardPositive => overrides::Rounding::Rp,
        Rounding::NearestAway => overrides::Rounding::Ra,
        Rounding::ToOdd => overrides::Rounding::Ro,
        Rounding::Stochastic(Rounding::RANDOM_BITS) => overrides::Rounding::Rs(None),
        Rounding::Stochastic(bits) => overrides::Rounding::Rs(Some(bits)),
    }
}

fn wants_class(rule: &Rule, class: ClassName) -> bool {
    rule.class.as_ref().is_some_and(|c| c.contains(&class))
}

fn flow(function: &Function, sums: bool) -> Flow {
    let roles = match sums {
        true => flow::accumulations(function),
        false => BTreeMap::new(),
    };
    Flow {
        roles: roles.into_iter().map(|(i, a)| (i, a.role)).collect(),
        counters: flow::counters(function),
    }
}

fn outcome(site: &Site<'_>, flow: &Flow) -> SiteOutcome {
    SiteOutcome {
        ordinal: site.ordinal,
        line: site.line,
        cuda: site
            .file
            .zip(site.loc)
            .map(|(file, loc)| (file.to_owned(), loc.line)),
        class: match site.part {
            // The function as a whole, whatever its last step is.
            Some(Part::Result) => ClassName::Transcendental,
            _ => ClassName::of(site.class, site.instruction),
        },
        accumulates: flow.roles.contains_key(&site.ordinal),
        expansion: site.part,
        counts: flow.counters.contains(&site.ordinal),
        narrow: site.instruction.has(Modifier::Type(ScalarType::Vf32)),
        from: site.instruction.mnemonic(),
        to: None,
        decision: Decision::default(),
    }
}

/// Notes how the instructions read now.
fn finished(function: &Function, mut sites: Vec<SiteOutcome>) -> Vec<SiteOutcome> {
    let mut instructions = Vec::new();
    function.each_instruction(&mut |i| instructions.push(i));
    for site in &mut sites {
        let now = instructions.get(site.ordinal).map(|i| i.mnemonic());
        site.to = now.filter(|now| *now != site.from);
    }
    sites
}
