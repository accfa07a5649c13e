//! Policies that a sweep makes itself: a template whose placeholders have values, and one layer in a format.
//!
//! Points name what a policy was made of (axes `template` and `layer`) beside the file that [`written`] keeps of it.

use super::axes::{AS_COMPILED, Point};
use super::written;
use policy::Policy;
use std::collections::BTreeMap;
use std::path::Path;
use tell::Error;

/// A policy that a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The beginning of its file's name.
    pub stem: String,
    /// Its text.
    pub text: String,
}

/// The placeholders of a template, `{{name}}`, with the line where each stands first, in the order of the text.
///
/// # Errors
/// A `{{` that begins no placeholder, with its line.
pub fn placeholders(file: &Path, text: &str) -> Result<Vec<(String, usize)>, Error> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for (line, part) in text.lines().enumerate() {
        for after in part.split("{{").skip(1) {
            let name = after.split_once("}}").map(|(name, _)| name.trim());
            let is_name =
                |n: &&str| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
            let name = name.filter(is_name).ok_or_else(|| Error::At {
                file: file.into(),
                line: line + 1,
                message: "`{{` begins no placeholder".into(),
                advice: "a placeholder is a name of letters, digits, `_` and `-`, as in {{first}}".into(),
            })?;
            if found.iter().all(|(n, _)| n != name) {
                found.push((name.into(), line + 1));
            }
        }
    }
    Ok(found)
}

/// The policy of every combination of values, the first name slowest, each with the words that tell it from the others.
///
/// # Errors
/// A combination that makes no policy: what is wrong, with the line of the template.
pub fn fill(file: &Path, text: &str, values: &[(String, Vec<String>)]) -> Result<Vec<(String, Made)>, Error> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut all: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (name, values) in values {
        let mut longer = Vec::new();
        for one in &all {
            for value in values {
                longer.push([&one[..], &[(name, value)]].concat());
            }
        }
        all = longer;
    }
    let make = |one: Vec<(&str, &str)>| {
        let told: Vec<String> = one.iter().map(|(n, v)| format!("{n} {v}")).collect();
        let told = told.join(", ");
        let mut parts = text.split("{{");
        let mut filled = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
            let value = one.iter().find(|(n, _)| *n == name.trim());
            filled += value.map_or("", |(_, v)| v);
            filled += rest;
        }
        Policy::parse(&file.display().to_string(), &filled)
            .map_err(|e| Error::failed(e.to_string(), format!("the template is filled in with {told}")))?;
        let mut stem = stem.to_string();
        one.iter().for_each(|(_, value)| stem += &format!("-{value}"));
        Ok((told, Made { stem, text: filled }))
    };
    all.into_iter().map(make).collect()
}

/// Gives a point the policy that its template or layer means, a file in `folder`. `templates` are policies by the words
/// that a point has for them.
///
/// # Errors
/// A second policy, a layer without a format; the file cannot be written.
pub fn resolve(point: &mut Point, templates: &BTreeMap<String, Made>, folder: &Path) -> Result<(), Error> {
    let sources = ["layer", "template", "policy"].map(|axis| point.contains_key(axis).then_some(axis));
    let given: Vec<&str> = sources.into_iter().flatten().collect();
    if let [one, other, ..] = given[..] {
        return Err(Error::Usage(format!(
            "{one} and {other} are two ways to give a trial its policy\n  = help: a template may speak of layers: `layer = \"{{{{name}}}}\"`"
        )));
    }
    let made = match given[..] {
        ["template"] => templates.get(&point["template"]).cloned(),
        ["layer"] => {
            let Some(format) = point.get("format").cloned() else {
                return Err(Error::Usage(
                    "which format shall the layer have?\n  = help: --format e5m2,e4m3, or --exponent and --significand; \
                     the rest of the program is as compiled"
                        .into(),
                ));
            };
            if format == AS_COMPILED {
                // Then every layer is as compiled, and which one is meant makes no difference.
                point.remove("layer");
                point.remove("accumulate");
                return Ok(());
            }
            let accumulate = point.get("accumulate").filter(|a| *a != AS_COMPILED);
            Some(layer(&point["layer"], &format, accumulate))
        }
        _ => None,
    };
    if let Some(made) = made {
        let path = written::keep(folder, &made.stem, &made.text)?;
        point.insert("policy".into(), path.to_string_lossy().into_owned());
    }
    Ok(())
}

/// The policy by which one layer computes in a format and the rest as compiled.
fn layer(layer: &str, format: &str, accumulate: Option<&String>) -> Made {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!(
        "[[rule]]\nlayer = {}\nformat = {}\n",
        quoted(layer),
        quoted(format)
    );
    let mut stem = format!("{layer}-{format}");
    if let Some(accumulate) = accumulate {
        text += &format!("accumulate = {}\n", quoted(accumulate));
        stem += &format!("-{accumulate}");
    }
    Made { stem, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# {{ first }} and {{rest}}\n[[rule]]\nformat = \"{{rest}}\"\n[[rule]]\nlayer = \"layer1\"\nformat = \"{{first}}\"\n";

    fn values(of: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        of.iter()
            .map(|(n, v)| (n.to_string(), v.iter().map(|v| v.to_string()).collect()))
            .collect()
    }

    #[test]
    fn every_combination_is_a_policy_with_a_name() {
        let file = Path::new("per-layer.toml");
        let names = placeholders(file, TEXT).unwrap();
        assert_eq!(names, [("first".to_string(), 1), ("rest".to_string(), 1)]);
        let all = fill(
            file,
            TEXT,
            &values(&[("first", &["e8m7", "e5m2"]), ("rest", &["e4m3", "fp16"])]),
        )
        .unwrap();
        let told: Vec<&str> = all.iter().map(|(t, _)| t.as_str()).collect();
        assert_eq!(
            told,
            [
                "first e8m7, rest e4m3",
                "first e8m7, rest fp16",
                "first e5m2, rest e4m3",
                "first e5m2, rest fp16"
            ]
        );
        assert_eq!(all[0].1.stem, "per-layer-e8m7-e4m3");
        assert!(
            all[0]
                .1
                .text
                .starts_with("# e8m7 and e4m3\n[[rule]]\nformat = \"e4m3\"\n")
        );
    }

    #[test]
    fn what_makes_no_policy_names_the_line_of_the_template() {
        let file = Path::new("per-layer.toml");
        let error = fill(
            file,
            TEXT,
            &values(&[("first", &["e8m7", "e99"]), ("rest", &["e4m3"])]),
        )
        .unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("per-layer.toml:6") && error.contains("first e99, rest e4m3"),
            "{error}"
        );
        for text in ["[[rule]]\nformat = \"{{first\"", "\n# {{}}", "\n{{a b}}"] {
            let error = placeholders(file, text).unwrap_err().to_string();
            assert!(error.contains("per-layer.toml:2"), "{error}");
        }
    }

    #[test]
    fn a_layer_in_a_format_is_a_policy_and_as_compiled_is_none() {
        let folder = std::env::temp_dir().join(format!("vernier-made-{}", std::process::id()));
        let point = |values: &[(&str, &str)]| -> Point {
            values
                .iter()
                .map(|(n, v)| (n.to_string(), v.to_string()))
                .collect()
        };
        let none = BTreeMap::new();
        let mut one = point(&[("layer", "layer\"1"), ("format", "e5m2"), ("accumulate", "fp32")]);
        resolve(&mut one, &none, &folder).unwrap();
        let policy = Policy::read(Path::new(&one["policy"])).unwrap();
        assert_eq!(policy.rules.len(), 1);
        assert!(policy.layers_wanted().is_some() && policy.rules[0].accumulate.is_some());
        let mut compiled = point(&[("layer", "layer1"), ("format", "none"), ("accumulate", "fp32")]);
        resolve(&mut compiled, &none, &folder).unwrap();
        assert_eq!(compiled, point(&[("format", "none")]));
        for (values, says) in [
            (&[("layer", "layer1")][..], "which format shall the layer have"),
            (
                &[("layer", "layer1"), ("format", "e5m2"), ("policy", "/p.toml")],
                "layer and policy are two ways",
            ),
        ] {
            let error = resolve(&mut point(values), &none, &folder)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
