//! `vernier ptx override`: what a policy makes of PTX, as text that runs by itself.

use crate::Result;
use crate::rules::{self, Rules, Uses};
use clap::Args;
use std::fs;
use std::path::PathBuf;
use tell::Error;

#[derive(Args)]
#[command(
    after_help = "The files name their formats themselves: `vernier run PROGRAM --ptx DIR` needs no other option, and leaves the same
memory as with --policy.

Examples:
  vernier ptx override mlp --policy policy.toml -o ptx/
  vernier ptx override programs/cnn/cnn --format e5m2 --accumulate fp32 -o ptx/
  vernier ptx override kernels.ptx --policy policy.toml --stage train -o ptx/"
)]
pub struct Arguments {
    /// A PTX file, a CUDA binary, or a program's folder or name
    what: String,
    #[command(flatten)]
    rules: Rules,
    /// Where to write the files
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Writes every module as the policy has it.
pub fn run(a: &Arguments) -> Result {
    let policy = a.rules.policy()?;
    if let Some((place, what)) = policy.undecided(a.rules.known()) {
        let message = format!("the rule depends on the {what}, and text is the same in every launch");
        let help = format!("say with --{what} for which one the files shall be");
        return Err(Error::failed(place.message(&message, &help), ""));
    }
    let plan = a.rules.plan(&policy);
    let modules = rules::modules(&a.what)?;
    let mut uses = Uses::new(&policy);
    let mut has_source_lines = false;
    let mut texts = Vec::new();
    for (name, mut module) in modules {
        let mut copy = module.clone();
        let all = policy
            .rewrite_whole(&mut copy, &policy.all())
            .map_err(rules::failed)?;
        let report = policy.rewrite_whole(&mut module, &plan).map_err(rules::failed)?;
        has_source_lines |= report.has_source_lines;
        uses.add(&report, &all);
        texts.push((name, module.to_string()));
    }
    uses.check(&policy, has_source_lines)?;
    fs::create_dir_all(&a.output).map_err(|e| Error::file("create the folder", &a.output, &e))?;
    for (name, text) in texts {
        let path = a.output.join(name);
        fs::write(&path, text).map_err(|e| Error::file("write", &path, &e))?;
        outln!("{}", path.display());
    }
    for line in uses.lines(&policy, &plan) {
        outln!("  {line}");
    }
    let elsewhere = [
        ("input_rounding", policy.input_rounding.is_some()),
        ("seed", policy.seed.is_some()),
        (
            "quantize, scale and loss_scale",
            policy.tensors_wanted().is_some(),
        ),
    ];
    for (what, _) in elsewhere.iter().filter(|(_, there)| *there) {
        outln!("  {what} of the policy cannot be said in PTX: give it to the run");
    }
    Ok(())
}
