//! What a run is asked to do: options of the command line over keys of the program's `vernier.toml`.

pub use crate::options::Settings;
use crate::options::{Kind, OPTIONS, RunOption};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tell::Error;
use tell::suggest;
use toml::de::{DeTable, DeValue};
use vfloat::Format;

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
            let Some(key) = keys().find(|k| k.name() == name.get_ref()) else {
                let advice = suggest::advice(name.get_ref(), keys().map(|k| k.name()));
                return Err(at(
                    name.span().start,
                    format!("unknown key `{}`", name.get_ref()),
                    advice,
                ));
            };
            let set = key.set(&mut settings, value.get_ref(), folder);
            set.map_err(|e| {
                at(
                    value.span().start,
                    format!("`{}` must be {}{e}", key.name(), key.allowed()),
                    String::new(),
                )
            })?;
        }
        Ok(settings)
    }
}

/// The file's name in a program's folder.
pub const FILE: &str = "vernier.toml";

/// A key of `vernier.toml`.
enum Key {
    /// A run option.
    Option(&'static RunOption),
    /// What is no run option.
    Own(&'static OwnKey),
}

/// A key that is no run option. `set` returns what to add to "must be ALLOWED".
struct OwnKey {
    name: &'static str,
    allowed: &'static str,
    set: fn(&mut Settings, &DeValue<'_>) -> Result<(), String>,
}

/// All keys, in the order of the manual.
fn keys() -> impl Iterator<Item = Key> + Clone {
    let options = OPTIONS.iter().filter(|o| !o.allowed.is_empty());
    OWN_KEYS.iter().map(Key::Own).chain(options.map(Key::Option))
}

impl Key {
    fn name(&self) -> &'static str {
        match self {
            Key::Option(option) => option.name,
            Key::Own(key) => key.name,
        }
    }

    fn allowed(&self) -> &'static str {
        match self {
            Key::Option(option) => option.allowed,
            Key::Own(key) => key.allowed,
        }
    }

    /// Gives it a value; else what to add to "must be ALLOWED".
    fn set(&self, settings: &mut Settings, value: &DeValue<'_>, folder: &Path) -> Result<(), String> {
        let option = match self {
            Key::Own(key) => return (key.set)(settings, value),
            Key::Option(option) => option,
        };
        match (option.kind, value) {
            (Kind::Text(set), _) => set(settings, string(value)?).map_err(|e| format!(": {e}")),
            (Kind::Number(set), DeValue::Integer(n)) if n.radix() == 10 => {
                set(settings, n.as_str()).map_err(|_| String::new())
            }
            (Kind::Path(set), _) => {
                set(settings, folder.join(string(value)?));
                Ok(())
            }
            (Kind::Config(set), _) => {
                set(settings, config(string(value)?, folder));
                Ok(())
            }
            (Kind::Flag(set), DeValue::Boolean(on)) => {
                set(settings, *on);
                Ok(())
            }
            _ => Err(String::new()),
        }
    }
}

/// The table of the manual: keys, what they may be, and the options of the same meaning.
pub fn keys_markdown() -> String {
    let mut table = "| key | value | option |\n|---|---|---|\n".to_string();
    for key in keys() {
        let option = match key {
            Key::Option(option) => format!("`--{}`", option.flag),
            Key::Own(_) => String::new(),
        };
        table += &format!("| `{}` | {} | {option} |\n", key.name(), key.allowed());
    }
    table
}

fn string<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    match value {
        DeValue::String(text) => Ok(text),
        _ => Err(String::new()),
    }
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

/// The keys that are no run options.
const OWN_KEYS: &[OwnKey] = &[
    OwnKey {
        name: "program",
        allowed: "the binary's name, a string",
        set: |s, v| {
            s.program = Some(string(v)?.into());
            Ok(())
        },
    },
    OwnKey {
        name: "stages",
        allowed: "a list of stages",
        set: |s, v| {
            s.stages = Some(stages(&strings(v)?).map_err(|e| format!(": {e}"))?);
            Ok(())
        },
    },
    OwnKey {
        name: "needs",
        allowed: "a list of data sets (\"mnist\")",
        set: |s, v| {
            s.needs = needs(&strings(v)?)?;
            Ok(())
        },
    },
    OwnKey {
        name: "env",
        allowed: "a table of strings",
        set: |s, v| {
            s.env = table(v)?;
            Ok(())
        },
    },
    OwnKey {
        name: "output",
        allowed: "a table of `accuracy` and `loss`, regular expressions with the number in parentheses",
        set: |s, v| {
            for (name, text) in table(v)? {
                let pattern = text.parse().map_err(|e| format!(": {e}"))?;
                match name.as_str() {
                    "accuracy" => s.accuracy_pattern = Some(pattern),
                    "loss" => s.loss_pattern = Some(pattern),
                    _ => return Err(format!(": there is no `{name}`")),
                }
            }
            Ok(())
        },
    },
];

/// What sums run in, as `--accumulate` takes it.
pub fn accumulator(text: &str) -> Result<String, String> {
    if text != "none" {
        text.parse::<Format>().map_err(|e| format!("{e}, or none"))?;
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
        stages.push(word.parse().map_err(|e| format!("`{word}` is none; {e}"))?);
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
    use crate::said::Pattern;
    use vfloat::Rounding;

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
            deterministic = true
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
        assert_eq!((s.threads, s.deterministic), (Some(2), Some(true)));
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
        let flag = parse("deterministic = 1").unwrap_err();
        assert_eq!(
            flag,
            "`deterministic` must be true or false\n  --> vernier.toml:1"
        );
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
