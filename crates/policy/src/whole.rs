//! A module rewritten for all its kernels at once, to be written down as text: a device function then has one
//! text for all kernels that call it.

use std::collections::{BTreeMap, BTreeSet};

use ptx::ast::{Function, FunctionKind, Module, Operand, Statement};

use crate::apply::{Outcome, Report};
use crate::document::{Place, Policy};
use crate::error::Error;
use crate::names;
use crate::plan::Plan;
use crate::select::LaunchContext;

/// Which launch a text is for: what is not said is not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Whether the number of the launch is meant.
    pub launch: bool,
    /// Whether the stage is known.
    pub stage: bool,
    /// Whether the layer is known.
    pub layer: bool,
    /// Whether the phase is known.
    pub phase: bool,
}

impl Policy {
    /// The rules that hold in a launch, whatever the kernel.
    pub fn holding(&self, launch: &LaunchContext<'_>) -> Plan {
        Plan::of(self.rules.len(), |i| self.rules[i].conditions.hold(launch))
    }

    /// The first rule that asks for something of a launch that is not known, and the name of that.
    pub fn undecided(&self, known: Known) -> Option<(&Place, &'static str)> {
        self.rules.iter().find_map(|r| {
            let c = &r.conditions;
            let asked = [
                ("launch", c.launch.is_some(), known.launch),
                ("stage", c.stage.is_some(), known.stage),
                ("layer", c.layer.is_some(), known.layer),
                ("phase", c.phase.is_some(), known.phase),
            ];
            let first = asked.iter().find(|(_, asked, known)| *asked && !known);
            first.map(|(what, ..)| (&r.place, *what))
        })
    }

    /// Rewrites a module for the launches of all its kernels.
    ///
    /// # Errors
    /// [`Error::Shared`] where the rules say different things about a device function for kernels that call it.
    pub fn rewrite_whole(&self, module: &mut Module, plan: &Plan) -> Result<Report, Error> {
        let plain = module.clone();
        let mut report = self.rewrite(module, plan, None);
        if !self.depends_on_kernel(&plain) {
            return Ok(report);
        }
        let called = callers(&plain);
        let mut decided: BTreeMap<String, (String, Outcome)> = BTreeMap::new();
        let kernels: Vec<String> = plain.kernels().map(|k| k.name.name.clone()).collect();
        for kernel in kernels {
            let mut copy = plain.clone();
            let for_kernel = self.rewrite(&mut copy, plan, Some(&kernel));
            for outcome in for_kernel.functions {
                let calls = called.get(&outcome.name).is_some_and(|all| all.contains(&kernel));
                if outcome.kind == FunctionKind::Kernel || !calls {
                    continue;
                }
                match decided.get(&outcome.name) {
                    None => {
                        replace(module, &copy, &outcome.name);
                        decided.insert(outcome.name.clone(), (kernel.clone(), outcome));
                    }
                    Some((other, known)) => {
                        let same = known
                            .sites
                            .iter()
                            .map(|s| &s.to)
                            .eq(outcome.sites.iter().map(|s| &s.to));
                        if !same {
                            return Err(Error::Shared {
                                function: names::shown(&outcome.name),
                                kernels: format!("{}, {}", names::shown(other), names::shown(&kernel)),
                            });
                        }
                    }
                }
            }
        }
        for outcome in &mut report.functions {
            if let Some((_, found)) = decided.remove(&outcome.name) {
                *outcome = found;
            }
        }
        Ok(report)
    }
}

/// Puts a function of one module in the place of the same of another.
fn replace(module: &mut Module, from: &Module, name: &str) {
    let found = from.functions().find(|f| f.name.name == name && f.body.is_some());
    let there = module
        .functions_mut()
        .find(|f| f.name.name == name && f.body.is_some());
    if let (Some(there), Some(found)) = (there, found) {
        *there = found.clone();
    }
}

/// The kernels that may reach each device function, by name.
fn callers(module: &Module) -> BTreeMap<String, BTreeSet<String>> {
    let functions: BTreeMap<&str, &Function> = module
        .functions()
        .filter(|f| f.body.is_some())
        .map(|f| (f.name.name.as_str(), f))
        .collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for kernel in module.kernels() {
        let mut seen = BTreeSet::new();
        let mut todo = vec![kernel];
        while let Some(function) = todo.pop() {
            let mut named = BTreeSet::new();
            mentions(function.body.as_deref().unwrap_or_default(), &mut named);
            for name in named {
                if let Some(callee) = functions.get(name)
                    && seen.insert(name)
                {
                    todo.push(callee);
                }
            }
        }
        for name in seen {
            found
                .entry(name.to_owned())
                .or_default()
                .insert(kernel.name.name.clone());
        }
    }
    found
}

/// Every name among the operands: calls name what they call, and so does whoever takes an address.
fn mentions<'a>(body: &'a [Statement], found: &mut BTreeSet<&'a str>) {
    fn operand<'a>(o: &'a Operand, found: &mut BTreeSet<&'a str>) {
        match o {
            Operand::Name(name) => drop(found.insert(&name.name)),
            Operand::Vector { elements, .. } | Operand::List { elements, .. } => {
                elements.iter().for_each(|e| operand(e, found));
            }
            _ => {}
        }
    }
    for statement in body {
        match statement {
            Statement::Instruction(i) => i.operands.iter().for_each(|o| operand(o, found)),
            Statement::CallTargets { targets, .. } => {
                found.extend(targets.iter().map(|t| t.name.as_str()));
            }
            Statement::Block { body, .. } => mentions(body, found),
            _ => {}
        }
    }
}
