//! The rules of a precision policy over a run: read early, so that a bad one is told before anything is built,
//! and held to account at the end.

use crate::settings::Settings;
use policy::layers::LayerMap;
use policy::{Policy, Stage};
use record::run::Rule;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tell::Error;
use tell::number::grouped;

/// A rule for the summary.
pub fn line(rule: &Rule) -> String {
    let counted =
        |n: u64, one: &str, many: &str| format!("{} {}", grouped(n), if n == 1 { one } else { many });
    let launches = match rule.of_launch {
        true => format!(", {}", counted(rule.launches, "launch", "launches")),
        false => String::new(),
    };
    let shadowed = match (rule.taken, rule.selected) {
        (0, n) if n > 0 && (!rule.of_launch || rule.launches > 0) => {
            format!(" ({} selected, later rules decide)", grouped(n))
        }
        _ => String::new(),
    };
    let where_ = rule.place.rsplit('/').next().unwrap_or(&rule.place);
    format!(
        "{where_}: {} in {}{launches}{shadowed}: {}",
        counted(rule.taken, "instruction", "instructions"),
        counted(rule.functions.len() as u64, "kernel", "kernels"),
        rule.says
    )
}

/// The policy that the settings ask for: the short form, and the file over it.
///
/// # Errors
/// What is wrong with it, as the library would say it.
pub fn read(settings: &Settings, short: bool) -> Result<Option<Policy>, Error> {
    let failed = |e: policy::Error| Error::failed(e.to_string(), "");
    let base = match short {
        true => Some(Policy::short("launch", settings.accumulate.as_deref()).map_err(failed)?),
        false => None,
    };
    let file = match &settings.policy {
        Some(path) => Some(Policy::read(path).map_err(failed)?),
        None => None,
    };
    Ok(match (base, file) {
        (Some(base), Some(file)) => Some(file.over(base)),
        (base, file) => file.or(base),
    })
}

/// The PTX files of a folder, in order.
pub fn ptx_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "ptx"))
        .collect();
    files.sort();
    files
}

/// Whether every rule selects something in what a program is about to run, as far as that can be seen in its binary and in
/// the PTX files of `folder`. A binary without PTX says nothing.
///
/// # Errors
/// The first rule that cannot take effect, with its line.
pub fn can_hold(policy: &Policy, binary: &Path, folder: Option<&Path>) -> Result<(), Error> {
    let mut texts = Vec::new();
    for file in folder.map(ptx_files).unwrap_or_default() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes = std::fs::read(&file).map_err(|e| Error::file("read", &file, &e))?;
        texts.push((name.into_owned(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    let files = texts.len();
    let containers = fatbin::executable(binary).unwrap_or_default();
    let images = fatbin::best_ptx(&containers).unwrap_or_default();
    let program = binary.file_name().unwrap_or_default().to_string_lossy();
    let embedded = images.iter().enumerate();
    texts.extend(embedded.map(|(i, image)| (image.file_name(&program, i + 1), image.text.clone())));
    let mut rules: Vec<Rule> = (0..policy.rules.len())
        .map(|number| Rule {
            number,
            ..Rule::default()
        })
        .collect();
    let mut from_files = BTreeSet::new();
    if texts.is_empty() {
        return Ok(());
    }
    for (n, (name, text)) in texts.iter().enumerate() {
        // What cannot be read is told by the run itself.
        let Ok(mut module) = ptx::parse(name, text) else {
            return Ok(());
        };
        let Ok(report) = policy.rewrite_whole(&mut module, &policy.all()) else {
            return Ok(());
        };
        for function in report.functions {
            if n < files {
                from_files.insert(function.name.clone());
            } else if from_files.contains(&function.name) {
                continue;
            }
            for site in function.sites {
                for rule in site.decision.selected {
                    rules[rule].selected += 1;
                    rules[rule].sums += u64::from(site.accumulates);
                }
            }
        }
    }
    check(policy, &rules)
}

/// Whether every layer that the policy names in `stage` is one of the map at `map`.
///
/// # Errors
/// The first that is not, with its line and the layers that there are; a map that cannot be read.
pub fn layers_are_there(policy: &Policy, map: &Path, stage: &str) -> Result<(), Error> {
    let text = std::fs::read_to_string(map).map_err(|e| Error::file("read", map, &e))?;
    let known =
        LayerMap::from_json(&text).map_err(|e| Error::failed(format!("{}: {e}", map.display()), ""))?;
    let layers = known.layers();
    let stage = Stage::from_name(stage);
    for (place, conditions) in policy.conditions() {
        let Some(wanted) = &conditions.layer else { continue };
        if conditions.stage.is_some() && conditions.stage != stage || layers.iter().any(|l| wanted.matches(l))
        {
            continue;
        }
        let there = match layers[..] {
            [] => "none was found in it".to_string(),
            _ => format!("it has {}", layers.join(", ")),
        };
        let text = place.message(
            &format!("the program has no such layer: {there}"),
            "`vernier layers PROGRAM` shows which launch belongs to which layer",
        );
        return Err(Error::failed(text, ""));
    }
    Ok(())
}

/// The first rule that did nothing although it could have.
///
/// # Errors
/// That, with the rule's line.
pub fn check(policy: &Policy, rules: &[Rule]) -> Result<(), Error> {
    for rule in rules {
        let Some(asked) = policy.rules.get(rule.number) else {
            continue;
        };
        let place = &asked.place;
        if asked.accumulate.is_some() && rule.sums == 0 && rule.selected > 0 {
            let text = place.message(policy::NO_SUMS, policy::MATCHES_NOTHING_HELP);
            return Err(Error::failed(text, ""));
        }
        // `--format` says what to do if there is something to do it to.
        if rule.selected == 0 && place.source.name != policy::SHORT_FORM {
            let text = place.message(policy::MATCHES_NOTHING, policy::MATCHES_NOTHING_HELP);
            return Err(Error::failed(text, ""));
        }
        if rule.of_launch && rule.launches == 0 && !rule.other_stage {
            let text = place.message(
                "the rule never held: its instructions are there, but no launch was what it selects",
                "launches are counted for each kernel of a process, from 0; `vernier layers PROGRAM` shows the layers",
            );
            return Err(Error::failed(text, ""));
        }
    }
    Ok(())
}
