//! What `vernier explain` and `vernier ptx override` share: which policy, for which launch, over which PTX; and
//! how often each rule was used.

use crate::Result;
use clap::Args;
use policy::{Known, LaunchContext, Phase, Plan, Policy, Report, Stage};
use run::program::Program;
use run::settings::NamedFormat;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tell::Error;

/// The policy.
#[derive(Args)]
pub struct Rules {
    /// The precision policy: a TOML file of rules (docs/policy.md)
    #[arg(long, value_name = "FILE", required_unless_present = "format")]
    policy: Option<PathBuf>,
    /// The short form: every f32 arithmetic instruction in this format; with --policy, its rules come after
    #[arg(long, value_name = "FORMAT")]
    format: Option<NamedFormat>,
    /// What sums over a loop run in, with --format: a format, or none
    #[arg(long, value_name = "FORMAT", value_parser = run::settings::accumulator, requires = "format")]
    accumulate: Option<String>,
    /// For this launch of each kernel, counted from 0
    #[arg(long, value_name = "N")]
    launch: Option<u64>,
    /// For this stage: train or test
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    stage: Option<Stage>,
    /// For this layer
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,
    /// For this phase: forward, backward or update
    #[arg(long, value_name = "PHASE", value_parser = phase)]
    phase: Option<Phase>,
}

fn stage(text: &str) -> std::result::Result<Stage, String> {
    Stage::from_name(text).ok_or_else(|| "the stages are train and test".into())
}

fn phase(text: &str) -> std::result::Result<Phase, String> {
    let found = Phase::ALL.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, p)| *p)
        .ok_or_else(|| "the phases are forward, backward and update".into())
}

/// A policy's or a document's error for people.
pub fn failed(error: impl std::fmt::Display) -> Error {
    Error::failed(run::launch::strip(&error.to_string()), "")
}

impl Rules {
    /// The policy.
    pub fn policy(&self) -> Result<Arc<Policy>> {
        let base = match &self.format {
            Some(f) => Some(Policy::short(&f.text, self.accumulate.as_deref()).map_err(failed)?),
            None => None,
        };
        let file = match &self.policy {
            Some(path) => Some(Policy::read(path).map_err(failed)?),
            None => None,
        };
        let whole = match (base, file) {
            (Some(base), Some(file)) => file.over(base),
            (base, file) => file.or(base).unwrap_or_default(),
        };
        Ok(Arc::new(whole))
    }

    /// What is known of the launch.
    pub fn known(&self) -> Known {
        Known {
            launch: self.launch.is_some(),
            stage: self.stage.is_some(),
            layer: self.layer.is_some(),
            phase: self.phase.is_some(),
        }
    }

    /// The rules that hold in the launch that the options describe. A rule that asks for what they do not say holds not.
    pub fn plan(&self, policy: &Policy) -> Plan {
        policy.holding(&LaunchContext {
            // No rule for launches holds in this one.
            number: self.launch.unwrap_or(u64::MAX),
            stage: self.stage,
            layer: self.layer.as_deref(),
            phase: self.phase,
        })
    }
}

/// The binary that is meant: a file, or a program's; `None` for a PTX file.
pub fn binary(what: &str) -> Result<Option<PathBuf>> {
    let path = Path::new(what);
    if path.extension().is_some_and(|e| e == "ptx") {
        return Ok(None);
    }
    if path.is_file() {
        return Ok(Some(path.to_path_buf()));
    }
    let program = Program::find(what)?;
    program.built(&program.settings).map(Some)
}

/// The PTX of a file, a binary or a program, each text with the name of its file, parsed and checked.
pub fn modules(what: &str) -> Result<Vec<(String, ptx::ast::Module)>> {
    let path = Path::new(what);
    let Some(binary) = binary(what)? else {
        let module = crate::ptx_check::parse(path)?.into_tree();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Ok(vec![(name.into_owned(), module)]);
    };
    let containers = fatbin::executable(&binary).map_err(failed)?;
    let images = fatbin::best_ptx(&containers).map_err(failed)?;
    let program = binary.file_name().unwrap_or_default().to_string_lossy();
    let parsed = images.iter().enumerate().map(|(i, image)| {
        let name = image.file_name(&program, i + 1);
        let module = ptx::parse(&name, &image.text).map_err(failed)?;
        Ok((name, module))
    });
    parsed.collect()
}

/// How often a rule was used.
#[derive(Default)]
pub struct Use {
    selected: usize,
    sums: usize,
    taken: usize,
    functions: BTreeSet<String>,
}

/// Counts over modules.
pub struct Uses(Vec<Use>);

impl Uses {
    /// Nothing yet.
    pub fn new(policy: &Policy) -> Uses {
        Uses(policy.rules.iter().map(|_| Use::default()).collect())
    }

    /// Adds what was done in one module; `all` is what would have been if every rule held.
    pub fn add(&mut self, report: &Report, all: &Report) {
        for site in all.functions.iter().flat_map(|f| &f.sites) {
            for &i in &site.decision.selected {
                self.0[i].selected += 1;
                self.0[i].sums += usize::from(site.accumulates);
            }
        }
        for function in &report.functions {
            for i in function.sites.iter().flat_map(|s| s.decision.takers()) {
                self.0[i].taken += 1;
                self.0[i].functions.insert(function.name.clone());
            }
        }
    }

    /// A line for each rule.
    pub fn lines(&self, policy: &Policy, plan: &Plan) -> Vec<String> {
        let rows = policy.rules.iter().zip(&self.0).enumerate();
        rows.map(|(i, (rule, used))| {
            let place = rule.place.shown();
            let place = place.rsplit('/').next().unwrap_or(&place);
            let done = match plan.has(i) {
                false => format!("holds not in this launch, selects {}", used.selected),
                true if used.taken == 0 && used.selected > 0 => {
                    format!("{} selected, later rules decide", used.selected)
                }
                true => format!(
                    "{} instruction{} in {} function{}",
                    used.taken,
                    if used.taken == 1 { "" } else { "s" },
                    used.functions.len(),
                    if used.functions.len() == 1 { "" } else { "s" }
                ),
            };
            format!("{place}: {done}: {}", rule.summary())
        })
        .collect()
    }

    /// The first rule that selects nothing.
    ///
    /// # Errors
    /// That, with the rule's line.
    pub fn check(&self, policy: &Policy, has_source_lines: bool) -> Result {
        for (rule, used) in policy.rules.iter().zip(&self.0) {
            let (message, help) = match (used.selected, used.sums) {
                (0, _) if rule.line.is_some() && !has_source_lines => (
                    "the rule matches nothing: the PTX does not say which line of the CUDA source it comes from",
                    "compile with nvcc -lineinfo, or select by lines of PTX (ptx = \"FILE:LINE\")",
                ),
                (0, _) => (policy::MATCHES_NOTHING, policy::MATCHES_NOTHING_HELP),
                (_, 0) if rule.accumulate.is_some() => (policy::NO_SUMS, policy::MATCHES_NOTHING_HELP),
                _ => continue,
            };
            return Err(Error::failed(rule.place.message(message, help), ""));
        }
        Ok(())
    }
}
