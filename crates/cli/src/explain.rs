//! `vernier explain`: which rule of a policy takes which instruction, and what it becomes.

use crate::Result;
use crate::rules::{self, Rules, Uses};
use crate::run::LIBRARY;
use clap::Args;
use policy::{Boundary, Outcome, Policy, SiteOutcome, names::Names};
use ptx::ast::FunctionKind;
use ptx::flow::Part;
use run::{library, loading};
use std::collections::BTreeSet;
use tell::Error;

#[derive(Args)]
#[command(
    after_help = "A `+` behind a class marks a sum over a loop (what `accumulate` is about), `e` an instruction inside an expansion of
expf or the like, which rules only take with `expansions = true`, `=` what rounds its result,
`i` a number that only counts or addresses (an index converted and back), which rules only take with `indices = true`. Exit code 1 when a rule matches nothing.

Examples:
  vernier explain mlp --policy policy.toml
  vernier explain kernels.ptx --policy policy.toml --kernel 'linear_*' --stage train
  vernier explain mlp --format e5m2 --accumulate fp32"
)]
pub struct Arguments {
    /// A PTX file, a CUDA binary, or a program's folder or name
    what: String,
    #[command(flatten)]
    rules: Rules,
    /// Only functions whose name (mangled or not) this pattern matches
    #[arg(long, value_name = "GLOB")]
    kernel: Option<String>,
}

/// Prints what the policy does to each kernel.
pub fn run(a: &Arguments) -> Result {
    let policy = a.rules.policy()?;
    let plan = a.rules.plan(&policy);
    let wanted = match &a.kernel {
        None => None,
        Some(pattern) => Some(
            policy::Globs::new(pattern)
                .map_err(|e| Error::Usage(format!("--kernel {pattern} is no pattern: {e}")))?,
        ),
    };
    if let Some(binary) = rules::binary(&a.what)? {
        let library_folder = library::folder(&library::place(LIBRARY)?)?;
        let env = vec![("LD_LIBRARY_PATH".into(), library_folder.clone().into())];
        loading::check(&binary, &env, &library_folder)?;
    }
    let mut uses = Uses::new(&policy);
    let mut has_source_lines = false;
    let mut kernels = BTreeSet::new();
    for (name, mut module) in rules::modules(&a.what)? {
        let mut copy = module.clone();
        let all = policy
            .rewrite_whole(&mut copy, &policy.all())
            .map_err(rules::failed)?;
        let report = policy.rewrite_whole(&mut module, &plan).map_err(rules::failed)?;
        has_source_lines |= report.has_source_lines;
        uses.add(&report, &all);
        let all_kernels = report.functions.iter().filter(|f| f.kind == FunctionKind::Kernel);
        kernels.extend(all_kernels.map(|f| f.name.clone()));
        for function in report.functions.iter().filter(|f| !f.sites.is_empty()) {
            let names = Names::of(&function.name);
            if wanted.as_ref().is_none_or(|g| g.matches_function(&names)) {
                show(&policy, &name, &names, function);
            }
        }
    }
    if policy.tensors_wanted().is_some() {
        outln!("tensors");
    }
    if let Some(loss) = &policy.loss_scale {
        outln!("  {}", tensor(&loss.scale, "the loss is scaled", &kernels));
        outln!("  {}", tensor(&loss.unscale, "gradients are unscaled", &kernels));
    }
    for boundary in &policy.boundaries {
        outln!("  {}", tensor(boundary, &boundary.summary(), &kernels));
    }
    outln!("rules");
    for line in uses.lines(&policy, &plan) {
        outln!("  {line}");
    }
    uses.check(&policy, has_source_lines)
}

/// Where a tensor's rule stands, what it says, and the kernels at whose launches it may hold.
fn tensor(tensor: &Boundary, what: &str, kernels: &BTreeSet<String>) -> String {
    let place = tensor.place.shown();
    let place = place.rsplit('/').next().unwrap_or(&place);
    let names: Vec<Names> = kernels.iter().map(|k| Names::of(k)).collect();
    let allowed = names.iter().filter(|n| tensor.conditions.allows(n));
    let allowed: Vec<&str> = allowed.map(Names::shown).collect();
    let at = match allowed.len() {
        0 => "at no kernel".into(),
        n if n == names.len() => "at every kernel".into(),
        _ => format!("at {}", allowed.join(", ")),
    };
    format!("{place}: {what}: {at}")
}

/// A table of one function's instructions.
fn show(policy: &Policy, file: &str, names: &Names, function: &Outcome) {
    let kind = match function.kind {
        FunctionKind::Kernel => "kernel",
        FunctionKind::Device => "function",
    };
    let total = function.sites.len();
    outln!(
        "{kind} {}: {} of {total} instructions that may be overridden ({file})",
        names.shown(),
        function.taken()
    );
    let rows: Vec<[String; 6]> = function.sites.iter().map(|s| row(policy, s)).collect();
    let widths: Vec<usize> = (0..6)
        .map(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}"));
        outln!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Line, source line, class, what it was, what it is, which rules.
fn row(policy: &Policy, site: &SiteOutcome) -> [String; 6] {
    let at = |rule: usize| {
        let place = policy.rules[rule].place.shown();
        place.rsplit('/').next().unwrap_or(&place).to_owned()
    };
    let d = &site.decision;
    let mut by: Vec<String> = d.format.map(at).into_iter().collect();
    let named = [("accumulate", d.accumulate), ("rounding", d.rounding)];
    by.extend(
        named
            .iter()
            .filter(|(_, rule)| *rule != d.format)
            .filter_map(|(what, rule)| rule.map(|rule| format!("{what} {}", at(rule)))),
    );
    let cuda = site.cuda.as_ref().map(|(file, line)| {
        let file = file.rsplit('/').next().unwrap_or(file);
        format!("{file}:{line}")
    });
    let marks = format!(
        "{}{}",
        if site.accumulates { " +" } else { "" },
        match site.expansion {
            _ if site.counts => " i",
            Some(Part::Inside) => " e",
            Some(Part::Result | Part::Fused) => " =",
            None => "",
        }
    );
    [
        site.line.to_string(),
        cuda.unwrap_or_default(),
        format!("{}{marks}", site.class.name()),
        site.from.clone(),
        site.to
            .clone()
            .map_or_else(|| "as it is".into(), |to| format!("-> {to}")),
        match by.is_empty() {
            true => "no rule".into(),
            false => by.join(", "),
        },
    ]
}
