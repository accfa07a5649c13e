//! What a run is asked to do: options of the command line over keys of the program's `vernier.toml`.

use crate::error::Error;
use crate::said::Pattern;
use crate::suggest;
use record::variables::Override;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::de::{DeTable, DeValue};
use vfloat::{Format, Rounding};

/// A part of a run, in the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `make`.
    Build,
    /// `PROG -train` or `-train-increment`.
    Train,
    /// `PROG -test`.
    Test,
    /// What Vernier made beside the program away.
    Cleanup,
}

impl Stage {
    /// All, with their names.
    pub const ALL: [(&'static str, Stage); 4] = [
        ("build", Stage::Build),
        ("train", Stage::Train),
        ("test", Stage::Test),
        ("cleanup", Stage::Cleanup),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Stage::ALL
            .iter()
            .find(|(_, s)| *s == self)
            .map_or("", |(name, _)| name)
    }
}

impl FromStr for Stage {
    type Err = String;
    fn from_str(text: &str) -> Result<Stage, String> {
        let text = text.trim();
        let found = Stage::ALL
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        found
            .map(|(_, s)| *s)
            .ok_or_else(|| "the stages are build, train, test and cleanup".into())
    }
}

/// A format, and how the user spelled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFormat {
    /// The user's word.
    pub text: String,
    /// What it means.
    pub format: Format,
}

impl FromStr for NamedFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<NamedFormat, String> {
        let format = text.parse().map_err(|e: vfloat::FormatError| e.to_string())?;
        Ok(NamedFormat {
            text: text.trim().to_string(),
            format,
        })
    }
}

/// Everything that can be asked for; `None` and empty mean: not said here. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Name of the binary in the program's folder.
    pub program: Option<String>,
    /// Stages to do, sorted.
    pub stages: Option<Vec<Stage>>,
    /// The weights of the run: trained into and tested from.
    pub weights: Option<PathBuf>,
    /// The weights that training continues from, or that a test alone reads.
    pub weights_in: Option<PathBuf>,
    /// The weights that training writes.
    pub weights_out: Option<PathBuf>,
    /// Epochs to train.
    pub epochs: Option<u32>,
    /// Epochs that the weights have already seen.
    pub start_epoch: Option<u32>,
    /// Epochs that they shall have seen.
    pub end_epoch: Option<u32>,
    /// VF_*.
    pub format: Option<NamedFormat>,
    /// VERNIER_INPUT_ROUNDING.
    pub input_rounding: Option<Rounding>,
    /// What sums run in: a format's text, or `none`.
    pub accumulate: Option<String>,
    /// The file of the precision policy.
    pub policy: Option<PathBuf>,
    /// VERNIER_OVERRIDE.
    pub r#override: Option<Override>,
    /// Device configuration: a file, or a folder with a `gpgpusim.config`, or a name under `configs/`.
    pub config: Option<PathBuf>,
    /// Folder of edited PTX files.
    pub ptx: Option<PathBuf>,
    /// Log file.
    pub log: Option<PathBuf>,
    /// Threads of the engine.
    pub threads: Option<u32>,
    /// Thread-instructions a block may execute.
    pub max_instructions: Option<u64>,
    /// Seconds a stage may take.
    pub timeout: Option<u64>,
    /// Data sets that training needs.
    pub needs: Vec<String>,
    /// How the program says its accuracy.
    pub accuracy_pattern: Option<Pattern>,
    /// How it says its loss.
    pub loss_pattern: Option<Pattern>,
    /// The stage cleanup runs `make clean` too.
    pub clean_build: bool,
    /// More environment for the program.
    pub env: Vec<(String, String)>,
    /// How much the library says.
    pub words: Words,
    /// Find out where the time of kernels goes.
    pub profile: bool,
    /// Look at what the numbers do.
    pub observe: crate::observe::Options,
}

/// How much the library inside the program says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Errors only.
    Few,
    /// One line for what matters.
    #[default]
    Usual,
    /// More.
    Many,
}

impl Settings {
    /// These settings, and `other`'s where these say nothing.
    pub fn over(self, other: Settings) -> Settings {
        let mut env = other.env;
        env.extend(self.env);
        Settings {
            program: self.program.or(other.program),
            stages: self.stages.or(other.stages),
            weights: self.weights.or(other.weights),
            weights_in: self.weights_in.or(other.weights_in),
            weights_out: self.weights_out.or(other.weights_out),
            epochs: self.epochs.or(other.epochs),
            start_epoch: self.start_epoch.or(other.start_epoch),
            end_epoch: self.end_epoch.or(other.end_epoch),
            format: self.format.or(other.format),
            input_rounding: self.input_rounding.or(other.input_rounding),
            accumulate: self.accumulate.or(other.accumulate),
            policy: self.policy.or(other.policy),
            r#override: self.r#override.or(other.r#override),
            config: self.config.or(other.config),
            ptx: self.ptx.or(other.ptx),
            log: self.log.or(other.log),
            threads: self.threads.or(other.threads),
            max_instructions: self.max_instructions.or(other.max_instructions),
            timeout: self.timeout.or(other.timeout),
            needs: if self.needs.is_empty() {
                other.needs
            } else {
                self.needs
            },
            accuracy_pattern: self.accuracy_pattern.or(other.accuracy_pattern),
            loss_pattern: self.loss_pattern.or(other.loss_pattern),
            clean_build: self.clean_build || other.clean_build,
            env,
            words: self.words,
            profile: self.profile,
            observe: self.observe,
        }
    }

    /// Reads `vernier.toml` in a program's folder; nothing set when there is none.
    pub fn read(folder: &Path) -> Result<Settings, Error> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Settings::parse(&path, &text, folder),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(e) => Err(Error::file("read", &path, &e)),
        }
    }

    /// Reads the text of a `vernier.toml`. Relative paths in it are relative to `folder`.
    pub fn parse(file: &Path, text: &str, folder: &Path) -> Result<Settings, Error> {
        let line_of = |offset: usize| {
            text.as_bytes()[..offset.min(text.len())]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1
        };
        let at = |offset: usize, message: String, advice: String| Error::At {
            file: file.into(),
            line: line_of(offset),
            message,
            advice,
        };
        let table = DeTable::parse(text).map_err(|e| {
            at(
                e.span().map_or(0, |s| s.start),
                e.message().to_string(),
                String::new(),
            )
        })?;
        let mut settings = Settings::default();
        for (name, value) in table.get_ref() {
            let Some(key) = KEYS.iter().find(|k| k.name == name.get_ref().as_ref()) else {
                let advice = suggest::advice(name.get_ref(), KEYS.iter().map(|k| k.name));
                return Err(at(
                    name.span().start,
                    format!("unknown key `{}`", name.get_ref()),
                    advice,
                ));
            };
            let set = (key.set)(&mut settings, value.get_ref(), folder);
            set.map_err(|e| {
                at(
                    value.span().start,
                    format!("`{}` must be {}{e}", key.name, key.allowed),
                    String::new(),
                )
            })?;
        }
        Ok(settings)
    }
}

/// The file's name in a program's folder.
pub const FILE: &str = "vernier.toml";

/// A key of `vernier.toml`. `set` returns what to add to "must be ALLOWED".
struct Key {
    name: &'static str,
    allowed: &'static str,
    set: fn(&mut Settings, &DeValue<'_>, &Path) -> Result<(), String>,
}

fn string<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    match value {
        DeValue::String(text) => Ok(text),
        _ => Err(String::new()),
    }
}

fn number<T: FromStr>(value: &DeValue<'_>) -> Result<T, String> {
    match value {
        DeValue::Integer(n) if n.radix() == 10 => n.as_str().parse().map_err(|_| String::new()),
        _ => Err(String::new()),
    }
}

fn word<T: FromStr<Err: std::fmt::Display>>(value: &DeValue<'_>) -> Result<T, String> {
    string(value)?.parse().map_err(|e: T::Err| format!(": {e}"))
}

fn path(value: &DeValue<'_>, folder: &Path) -> Result<PathBuf, String> {
    Ok(folder.join(string(value)?))
}

fn strings(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(items) => items
            .iter()
            .map(|i| string(i.get_ref()).map(str::to_string))
            .collect(),
        _ => Err(String::new()),
    }
}

/// Shorthand for a row of [`KEYS`].
macro_rules! key {
    ($name:literal, $allowed:literal, |$s:ident, $v:ident, $f:ident| $body:expr) => {
        Key {
            name: $name,
            allowed: $allowed,
            set: |$s, $v, $f| {
                let _ = $f;
                $body;
                Ok(())
            },
        }
    };
}

/// All keys, as the manual lists them.
const KEYS: &[Key] = &[
    key!("program", "the binary's name, a string", |s, v, f| s.program =
        Some(string(v)?.into())),
    key!("stages", "a list of stages", |s, v, f| s.stages =
        Some(stages(&strings(v)?)?)),
    key!("weights", "a file name", |s, v, f| s.weights = Some(path(v, f)?)),
    key!("weights_in", "a file name", |s, v, f| s.weights_in =
        Some(path(v, f)?)),
    key!("weights_out", "a file name", |s, v, f| s.weights_out =
        Some(path(v, f)?)),
    key!("epochs", "a number of epochs", |s, v, f| s.epochs =
        Some(number(v)?)),
    key!("start_epoch", "a number of epochs", |s, v, f| s.start_epoch =
        Some(number(v)?)),
    key!("end_epoch", "a number of epochs", |s, v, f| s.end_epoch =
        Some(number(v)?)),
    key!("format", "a format (`vernier format` lists them)", |s, v, f| s
        .format =
        Some(word(v)?)),
    key!("input_rounding", "rz, rm, rn, rp, ra or ro", |s, v, f| s
        .input_rounding =
        Some(Rounding::for_operands(string(v)?).map_err(|e| format!(": {e}"))?)),
    key!("accumulate", "a format or \"none\"", |s, v, f| s.accumulate =
        Some(accumulator(string(v)?)?)),
    key!("policy", "a file name", |s, v, f| s.policy = Some(path(v, f)?)),
    key!("override", "\"vf32\" or \"none\"", |s, v, f| s.r#override =
        Some(word(v)?)),
    key!(
        "config",
        "a file, a folder or a name under configs/",
        |s, v, f| s.config = Some(config(string(v)?, f))
    ),
    key!("ptx", "a folder", |s, v, f| s.ptx = Some(path(v, f)?)),
    key!("log", "a file name", |s, v, f| s.log = Some(path(v, f)?)),
    key!("threads", "a number of threads", |s, v, f| s.threads =
        Some(number(v)?)),
    key!(
        "max_instructions",
        "a number of thread-instructions",
        |s, v, f| s.max_instructions = Some(number(v)?)
    ),
    key!("timeout", "a number of seconds", |s, v, f| s.timeout =
        Some(number(v)?)),
    key!("needs", "a list of data sets (\"mnist\")", |s, v, f| s.needs =
        needs(&strings(v)?)?),
    key!("env", "a table of strings", |s, v, f| s.env = table(v)?),
    key!(
        "output",
        "a table of `accuracy` and `loss`, regular expressions with the number in parentheses",
        |s, v, f| for (name, text) in table(v)? {
            let pattern = text.parse().map_err(|e| format!(": {e}"))?;
            match name.as_str() {
                "accuracy" => s.accuracy_pattern = Some(pattern),
                "loss" => s.loss_pattern = Some(pattern),
                _ => return Err(format!(": there is no `{name}`")),
            }
        }
    ),
];

/// What sums run in, as `--accumulate` takes it.
pub fn accumulator(text: &str) -> Result<String, String> {
    if text != "none" {
        text.parse::<Format>().map_err(|e| format!(": {e}, or none"))?;
    }
    Ok(text.to_owned())
}

fn needs(names: &[String]) -> Result<Vec<String>, String> {
    match names.iter().find(|n| *n != "mnist") {
        Some(n) => Err(format!(": there is no `{n}`")),
        None => Ok(names.to_vec()),
    }
}

fn table(value: &DeValue<'_>) -> Result<Vec<(String, String)>, String> {
    match value {
        DeValue::Table(t) => t
            .iter()
            .map(|(k, v)| Ok((k.get_ref().to_string(), string(v.get_ref())?.to_string())))
            .collect(),
        _ => Err(String::new()),
    }
}

/// Stages from words, sorted into the order in which they are done, each once.
pub fn stages(words: &[String]) -> Result<Vec<Stage>, String> {
    let mut stages = Vec::new();
    for word in words {
        stages.push(word.parse().map_err(|e| format!(": `{word}` is none; {e}"))?);
    }
    stages.sort();
    stages.dedup();
    Ok(stages)
}

/// The path that a configuration's name means: relative to `folder`, or a name under a `configs/` of `folder`
/// or of a folder above it. Whether it is there is found out when it is read.
pub fn config(text: &str, folder: &Path) -> PathBuf {
    let plain = folder.join(text);
    if plain.exists() || text.contains('/') {
        return plain;
    }
    let named = folder
        .ancestors()
        .map(|f| f.join("configs").join(text))
        .find(|c| c.exists());
    named.unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(Path::new("vernier.toml"), text, Path::new("/p")).map_err(|e| e.to_string())
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            program = "mlp"
            stages = ["test", "build"]
            weights = "weights.bin"
            epochs = 5
            format = "bf16"
            input_rounding = "rm"
            override = "none"
            threads = 2
            needs = ["mnist"]
            env = { A = "1" }
            [output]
            accuracy = 'score (\d+)'
        "#;
        let s = parse(text).unwrap();
        assert_eq!(
            s.accuracy_pattern.as_ref().map(Pattern::as_str),
            Some(r"score (\d+)")
        );
        assert_eq!(s.stages, Some(vec![Stage::Build, Stage::Test]));
        assert_eq!(s.weights.as_deref(), Some(Path::new("/p/weights.bin")));
        assert_eq!(s.format.unwrap().format, Format::BF16);
        assert_eq!(s.input_rounding, Some(Rounding::TowardNegative));
        assert_eq!(s.env, [("A".to_string(), "1".to_string())]);
    }

    #[test]
    fn errors_name_line_key_and_what_is_allowed() {
        let unknown = parse("epochs = 3\nweihgts = \"x\"\n").unwrap_err();
        assert_eq!(
            unknown,
            "unknown key `weihgts`\n  --> vernier.toml:2\n  = help: did you mean `weights`?"
        );
        let stage = parse("stages = [\"biuld\"]").unwrap_err();
        assert!(
            stage.contains("`biuld` is none; the stages are build, train, test and cleanup"),
            "{stage}"
        );
        let epochs = parse("\nepochs = \"many\"").unwrap_err();
        assert_eq!(
            epochs,
            "`epochs` must be a number of epochs\n  --> vernier.toml:2"
        );
        assert!(parse("format = \"bf17\"").unwrap_err().contains("bf17"));
        assert!(parse("= 3").unwrap_err().contains("vernier.toml:1"));
        let pattern = parse("epochs = 1\n[output]\naccuracy = 'score'\n").unwrap_err();
        assert!(
            pattern.contains("vernier.toml:2") && pattern.contains("parentheses"),
            "{pattern}"
        );
        let pattern = parse("[output]\nacuracy = '(x)'\n").unwrap_err();
        assert!(pattern.contains("there is no `acuracy`"), "{pattern}");
    }

    #[test]
    fn flags_win() {
        let file = parse("epochs = 5\nweights = \"a\"\nenv = { A = \"1\" }").unwrap();
        let flags = Settings {
            epochs: Some(1),
            ..Settings::default()
        };
        let both = flags.over(file);
        assert_eq!((both.epochs, both.weights), (Some(1), Some("/p/a".into())));
    }
}
