//! Two tests of the same questions, answer by answer: which of them each has right, and whether chance explains the
//! difference. A program writes its answers into the file that VERNIER_ANSWERS names: a character for each, `1` right, `0`
//! wrong (programs/README.md). Answers are only compared if they are whole and their run did not fail.

use crate::launch::FormatSummary;
use crate::settings::Stage;
use crate::summary::{SUMMARY, Summary};
use serde::Serialize;
use std::fs;
use std::path::Path;
use tell::Error;
use tell::number::grouped;

/// Its name in the record of the stage test.
pub const FILE: &str = "answers";
/// What can be compared.
const ADVICE: &str = "name the folder of a run's record (runs/STAMP-PROGRAM, which `vernier run` keeps without --no-record), \
     or a file of answers";

/// The answers of a test.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The folder or file, as it was named.
    pub name: String,
    /// Program and format, as far as they are known.
    pub what: String,
    /// In the order of the test: which are right.
    pub right: Vec<bool>,
}

impl Answers {
    /// Reads the answers of a run, from the folder of its record, or a file of answers.
    ///
    /// # Errors
    /// There are none, they are not whole, or their run failed.
    pub fn read(path: &Path) -> Result<Answers, Error> {
        let name = path.display().to_string();
        if !path.exists() {
            return Err(Error::failed(format!("there is no run {name}"), ADVICE));
        }
        if path.is_file() {
            return Ok(Answers {
                right: characters(path)?,
                what: String::new(),
                name,
            });
        }
        let summary = path.join(SUMMARY);
        if !summary.is_file() {
            let message = format!("{name} is no record of a run: it has no {SUMMARY}");
            return Err(Error::failed(message, ADVICE));
        }
        let said = Summary::read(&summary)?;
        let program = match said.program.as_str() {
            "" => "program",
            name => name,
        };
        if let Some(why) = &said.error {
            let why = why.lines().next().unwrap_or_default();
            return Err(Error::failed(
                format!("{name}: the run of {program} failed, so its answers mean nothing: {why}"),
                "compare runs that came to their end",
            ));
        }
        if !said.stages.iter().any(|s| s.stage == Stage::Test.name()) {
            return Err(Error::failed(
                format!("{name}: this run of {program} has no stage test, and so no answers"),
                "`vernier run PROGRAM --stage build,test` tests it and keeps them",
            ));
        }
        let file = path.join(Stage::Test.name()).join(FILE);
        if !file.is_file() {
            return Err(Error::failed(
                format!("{name}: {program} wrote no answers in its test"),
                "programs/README.md says how a program does that (VERNIER_ANSWERS); runs from before it did are to be \
                 run again",
            ));
        }
        let right = characters(&file)?;
        let correct = right.iter().filter(|r| **r).count();
        if let Some((c, n)) = said.correct
            && (c as usize, n as usize) != (correct, right.len())
        {
            return Err(Error::failed(
                format!(
                    "{}: {correct} of {} answers are right, but {program} said {c} of {n}",
                    file.display(),
                    right.len()
                ),
                "the program must write one character for each answer of its test (programs/README.md)",
            ));
        }
        Ok(Answers {
            what: format!("{program}, {}", format_of(&said.format)),
            right,
            name,
        })
    }

    /// How many are right.
    pub fn correct(&self) -> usize {
        self.right.iter().filter(|r| **r).count()
    }

    /// The same in percent.
    pub fn percent(&self) -> f64 {
        100.0 * self.correct() as f64 / self.right.len() as f64
    }
}

/// The characters of a file of answers; a line may end behind them.
fn characters(file: &Path) -> Result<Vec<bool>, Error> {
    let bytes = fs::read(file).map_err(|e| Error::file("read", file, &e))?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let form = "a file of answers holds one character for each: 1 right, 0 wrong";
    if text.is_empty() {
        return Err(Error::failed(
            format!("{} holds no answers", file.display()),
            form,
        ));
    }
    let answer = |(at, byte): (usize, &u8)| match byte {
        b'0' => Ok(false),
        b'1' => Ok(true),
        other => Err(Error::failed(
            format!(
                "{}: answer {at} (the first is 0) is `{}`, neither 0 nor 1",
                file.display(),
                other.escape_ascii()
            ),
            form,
        )),
    };
    text.iter().enumerate().map(answer).collect()
}

/// `e4m3, sums in fp32`, from the summary of a run.
fn format_of(format: &FormatSummary) -> String {
    let named = (!format.name.is_empty()).then_some(format.name.as_str());
    let mut parts = vec![named.unwrap_or("as compiled").to_string()];
    if !format.accumulate.is_empty() {
        parts.push(format!("sums in {}", format.accumulate));
    }
    if let Some(policy) = &format.policy {
        let policy = format!("policy {}", policy.file_name().unwrap_or_default().display());
        match named {
            None => parts[0] = policy,
            Some(_) => parts.push(policy),
        }
    }
    parts.join(", ")
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Answers of each test.
    pub answers: usize,
    /// Right in both.
    pub both: usize,
    /// Right in the first alone: their indices, from 0.
    pub only_first: Vec<usize>,
    /// Right in the second alone.
    pub only_second: Vec<usize>,
    /// Wrong in both.
    pub neither: usize,
    /// Accuracy of the second less that of the first, percentage points.
    pub difference_points: f64,
    /// McNemar's test, exact and two-sided: how probable so uneven a division of the answers that differ is, or a more uneven
    /// one, if each were as likely to be the first's as the second's.
    pub p_value: f64,
}

impl Comparison {
    /// Compares answer by answer.
    ///
    /// # Errors
    /// The tests have different numbers of answers.
    pub fn of(first: &Answers, second: &Answers) -> Result<Comparison, Error> {
        let (n, m) = (first.right.len(), second.right.len());
        if n != m {
            let (n, m) = (grouped(n as u64), grouped(m as u64));
            return Err(Error::failed(
                format!("{} has {n} answers, {} has {m}", first.name, second.name),
                "compare tests of the same questions: the same program or data, and the same VERNIER_TEST_IMAGES",
            ));
        }
        let pairs = || first.right.iter().zip(&second.right).enumerate();
        let count = |wanted: (bool, bool)| pairs().filter(|(_, (a, b))| (**a, **b) == wanted).count();
        let at = |wanted: (bool, bool)| -> Vec<usize> {
            let found = pairs().filter(|(_, (a, b))| (**a, **b) == wanted);
            found.map(|(i, _)| i).collect()
        };
        let (only_first, only_second) = (at((true, false)), at((false, true)));
        let (b, c) = (only_first.len(), only_second.len());
        Ok(Comparison {
            answers: n,
            both: count((true, true)),
            neither: count((false, false)),
            difference_points: 100.0 * (c as f64 - b as f64) / n as f64,
            p_value: mcnemar(b as u64, c as u64),
            only_first,
            only_second,
        })
    }

    /// The answers that differ, in order: the index, and whether it is the first that has it right.
    pub fn differing(&self) -> Vec<(usize, bool)> {
        let first = self.only_first.iter().map(|i| (*i, true));
        let mut all: Vec<_> = first
            .chain(self.only_second.iter().map(|i| (*i, false)))
            .collect();
        all.sort_unstable();
        all
    }
}

/// Two-sided p value of McNemar's exact test: twice the probability that of b + c throws of a fair coin no more than the
/// smaller of b and c are heads, at most 1.
pub fn mcnemar(b: u64, c: u64) -> f64 {
    let (n, few) = (b + c, b.min(c));
    // ln(C(n, few) / 2^n): the largest term of the sum. From there each is smaller by k / (n - k + 1).
    let choose: f64 = (1..=few).map(|i| ((n - few + i) as f64 / i as f64).ln()).sum();
    let mut term = (choose - n as f64 * std::f64::consts::LN_2).exp();
    let mut sum = term;
    for k in (1..=few).rev() {
        term *= k as f64 / (n - k + 1) as f64;
        sum += term;
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn answers(text: &str) -> Answers {
        Answers {
            name: "a".into(),
            what: String::new(),
            right: text.bytes().map(|b| b == b'1').collect(),
        }
    }

    /// p values by sums of binomial coefficients in whole numbers.
    #[test]
    fn p_values_are_those_of_the_binomial_distribution() {
        for (b, c, p) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (7, 7, 1.0),
            (8, 7, 1.0),
            (5, 15, 2.0 * 21_700.0 / f64::from(1 << 20)),
            (15, 5, 0.041_389_465_332_031_25),
            (0, 10, 2.0 / 1024.0),
            (2, 8, 2.0 * 56.0 / 1024.0),
            (0, 1000, 2f64.powi(-999)),
        ] {
            let got = mcnemar(b, c);
            assert!((got - p).abs() <= 1e-10 * p, "{b}, {c}: {got}, not {p}");
        }
        assert_eq!(mcnemar(0, 100_000), 0.0);
        // Large counts: the normal distribution with a correction for continuity, z = (|b - c| - 1) / sqrt(b + c) = 3.
        let got = mcnemar(500_000 - 1501, 500_000 + 1500);
        assert!((got - 0.002_70).abs() < 0.000_02, "{got}");
    }

    #[test]
    fn every_answer_falls_into_one_of_four() {
        let c = Comparison::of(&answers("1101001"), &answers("1010011")).unwrap();
        assert_eq!((c.answers, c.both, c.neither), (7, 2, 1));
        assert_eq!(
            (&c.only_first[..], &c.only_second[..]),
            (&[1, 3][..], &[2, 5][..])
        );
        assert_eq!(c.differing(), [(1, true), (2, false), (3, true), (5, false)]);
        assert_eq!((c.difference_points, c.p_value), (0.0, 1.0));
        let c = Comparison::of(&answers("1100"), &answers("0000")).unwrap();
        assert_eq!((c.difference_points, c.p_value), (-50.0, 0.5));
    }

    /// A folder for one test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("vernier-compare-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("test")).unwrap();
        folder
    }

    #[test]
    fn what_cannot_be_compared_is_named() {
        let dir = folder("refused");
        let refused = |path: &Path, words: &[&str]| {
            let text = Answers::read(path).unwrap_err().to_string();
            for word in words.iter().chain(&["= help: "]) {
                assert!(text.contains(word), "{word} is not in: {text}");
            }
        };
        refused(&dir.join("none"), &["there is no run ", "none"]);
        refused(&dir, &["no record of a run", "summary.json"]);
        let summary = |text: &str| fs::write(dir.join("summary.json"), text).unwrap();
        summary("{");
        refused(&dir, &["no summary of a run"]);
        summary(r#"{"program": "mlp", "stages": [{"stage": "build"}]}"#);
        refused(&dir, &["mlp has no stage test", "--stage build,test"]);
        summary(r#"{"program": "mlp", "stages": [{"stage": "test"}], "error": "went wrong\n  = help: x"}"#);
        refused(&dir, &["run of mlp failed", "mean nothing: went wrong\n"]);
        let good = r#"{"program": "mlp", "stages": [{"stage": "test"}], "correct": [2, 3], "format": {"name": "e4m3"}}"#;
        summary(good);
        refused(&dir, &["mlp wrote no answers", "VERNIER_ANSWERS"]);
        let file = dir.join("test/answers");
        for (text, words) in [
            ("", &["holds no answers"][..]),
            ("10x", &["answer 2 (the first is 0) is `x`, neither 0 nor 1"]),
            ("1\n0", &["answer 1", "`\\n`"]),
            ("10", &["1 of 2 answers are right, but mlp said 2 of 3"]),
        ] {
            fs::write(&file, text).unwrap();
            refused(&dir, words);
        }
        fs::write(&file, "101").unwrap();
        let read = Answers::read(&dir).unwrap();
        assert_eq!((read.what.as_str(), read.correct()), ("mlp, e4m3", 2));
        fs::write(&file, "0110\n").unwrap();
        let other = Answers::read(&file).unwrap();
        assert_eq!((other.what.as_str(), other.percent()), ("", 50.0));
        let text = Comparison::of(&read, &other).unwrap_err().to_string();
        assert!(
            text.contains("has 3 answers") && text.contains("has 4\n"),
            "{text}"
        );
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_run_is_named_by_what_it_computed_in() {
        let of = |text| format_of(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"name": ""}"#), "as compiled");
        assert_eq!(
            of(r#"{"name": "e4m3", "accumulate": "fp32"}"#),
            "e4m3, sums in fp32"
        );
        assert_eq!(of(r#"{"name": "", "policy": "/a/b.toml"}"#), "policy b.toml");
    }
}
