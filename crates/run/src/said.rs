//! What programs print about their results: accuracy, right answers, loss, epochs. The forms that are common are known;
//! a program that says it otherwise is given a pattern.

use regex::{Match, Regex};
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::LazyLock;

/// A regular expression whose first group is a number; with a second group the two are right answers and answers.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Pattern {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Pattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Pattern, String> {
        let regex = Regex::new(text).map_err(|e| {
            let why = e.to_string();
            let last = why.lines().last().unwrap_or_default().trim();
            format!(
                "`{text}` is no regular expression: {}",
                last.trim_start_matches("error: ")
            )
        })?;
        match regex.captures_len() {
            0 | 1 => Err(format!(
                "`{text}` does not say where the number is: put it into parentheses, as in 'score: ([0-9.]+)'"
            )),
            _ => Ok(Pattern(regex)),
        }
    }
}

/// The patterns of a program; where there is none, the common forms are heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns {
    /// Accuracy.
    pub accuracy: Option<Pattern>,
    /// Loss.
    pub loss: Option<Pattern>,
}

/// What a program printed about its results; of several lines the last counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Percent of the answers that are right.
    pub accuracy: Option<f64>,
    /// Answers that are right, and answers.
    pub correct: Option<(u32, u32)>,
    /// The loss.
    pub loss: Option<f64>,
    /// The epochs it spoke of, by their numbers.
    pub epochs: BTreeSet<u32>,
    /// An accuracy that is none: below 0 or above 100 %.
    pub refused: Option<String>,
}

/// A number as programs print it.
const NUMBER: &str = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?";
/// `N / M`.
const COUNTS: &str = r"(\d+)\s*(?:/|out of|of)\s*(\d+)";

fn regex(text: &str) -> Regex {
    // The texts are constants, which the tests compile.
    Regex::new(text).unwrap_or_else(|e| unreachable!("{e}"))
}

/// `Accuracy`, `test_acc`, `Top-1`, `Accuracy of the network on the 10000 test images`.
static ACCURACY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:^|[^a-z])(?:accuracy|acc|top[-_ ]?1)\b(?:\s+(?:of|on|for|over|after|at)\b[^:=%]*)?(?:\s+(?:is|was))?",
    )
});
/// What stands between a name and its number.
static BETWEEN: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:[^0-9A-Za-z%.+-]|[-+]\s)*"));
static LEADING_COUNTS: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^{COUNTS}")));
/// `9871 (98.71%`.
static COUNT_AND_PERCENT: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"^\d+\s*\(\s*({NUMBER})\s*%")));
static LEADING_NUMBER: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^({NUMBER})")));
/// Results of training do not count as those of the test.
static OF_TRAINING: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\btrain(?:ing)?(?:[-_ ]*set)?[-_ ]*$"));
/// `correct: 97 / 100`, `Correctly classified 97 of 100`.
static CORRECT: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?i)(?:^|[^a-z])correct(?:ly)?(?:\s+(?:classified|answers|predictions|images))?\b[^0-9A-Za-z%.+-]*{COUNTS}"
    ))
});
/// `97 / 100 correct`, `97 of 100 images are classified correctly`.
static COUNTS_CORRECT: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"(?i){COUNTS}\s+(?:[a-z]+\s+){{0,4}}?correct")));
static LOSS: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?i)(?:^|[^a-z])loss\b(?:\s+(?:is|was))?[\s:=(]*({NUMBER}|nan|inf)"
    ))
});
static EPOCH: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bepoch\b[\s:=#\[(]*(\d+)"));

/// Most epochs that are told apart.
const MOST_EPOCHS: usize = 100_000;

impl Said {
    /// Takes in a line of output.
    pub fn hear(&mut self, line: &[u8], patterns: &Patterns) {
        let Ok(line) = std::str::from_utf8(line) else {
            return;
        };
        match &patterns.accuracy {
            None => self.common(line),
            Some(Pattern(regex)) => {
                if let Some(found) = regex.captures(line) {
                    match (found.get(1), found.get(2)) {
                        (Some(right), Some(all)) => self.counts(right.as_str(), all.as_str()),
                        (Some(number), None) => self.number(number, line),
                        (None, _) => {}
                    }
                }
            }
        }
        let loss = match &patterns.loss {
            None => &*LOSS,
            Some(Pattern(regex)) => regex,
        };
        let number = loss.captures(line).and_then(|c| c.get(1)?.as_str().parse().ok());
        self.loss = number.or(self.loss);
        let epoch: Option<u32> = EPOCH.captures(line).and_then(|c| c.get(1)?.as_str().parse().ok());
        if self.epochs.len() < MOST_EPOCHS {
            self.epochs.extend(epoch);
        }
    }

    /// Adds what a later program said.
    pub fn then(&mut self, later: Said) {
        self.accuracy = later.accuracy.or(self.accuracy);
        self.correct = later.correct.or(self.correct);
        self.loss = later.loss.or(self.loss);
        self.refused = later.refused.or(self.refused.take());
        self.epochs.extend(later.epochs);
    }

    /// The accuracy, from the right answers if it was not printed itself, percent.
    pub fn percent(&self) -> Option<f64> {
        let counted = self.correct.filter(|(_, all)| *all > 0);
        self.accuracy
            .or(counted.map(|(right, all)| 100.0 * f64::from(right) / f64::from(all)))
    }

    /// The common forms.
    fn common(&mut self, line: &str) {
        for name in ACCURACY.find_iter(line) {
            let before = line[..name.start()].trim_end_matches(|c: char| !c.is_alphanumeric());
            if OF_TRAINING.is_match(before) {
                continue;
            }
            let rest = &line[name.end()..];
            let rest = &rest[BETWEEN.find(rest).map_or(0, |m| m.end())..];
            if let Some(counts) = LEADING_COUNTS.captures(rest) {
                self.counts(&counts[1], &counts[2]);
            } else if let Some(number) = COUNT_AND_PERCENT.captures(rest).and_then(|c| c.get(1)) {
                self.number(number, rest);
            } else if let Some(number) = LEADING_NUMBER.captures(rest).and_then(|c| c.get(1)) {
                self.number(number, rest);
            }
        }
        let counts = CORRECT.captures(line).or_else(|| COUNTS_CORRECT.captures(line));
        if let Some(counts) = counts {
            self.counts(&counts[1], &counts[2]);
        }
    }

    fn counts(&mut self, right: &str, all: &str) {
        let counts = right.parse().ok().zip(all.parse().ok());
        self.correct = counts.filter(|(right, all)| right <= all).or(self.correct);
    }

    /// An accuracy: percent with `%` behind it or above 1, else a fraction.
    fn number(&mut self, number: Match<'_>, line: &str) {
        let text = number.as_str();
        let Ok(value) = text.parse::<f64>() else { return };
        let is_percent = line[number.end()..].trim_start().starts_with('%');
        let is_fraction = !is_percent && value.abs() <= 1.0 && text.contains(['.', 'e', 'E']);
        let percent = if is_fraction { 100.0 * value } else { value };
        if (0.0..=100.0).contains(&percent) {
            self.accuracy = Some(percent);
        } else {
            self.refused = Some(text.into());
        }
    }
}

/// Whether a program, as its file has it, may print something that is heard: no doubt is no promise. A pattern of the
/// user's is trusted.
pub fn may_speak(file: &[u8], patterns: &Patterns) -> bool {
    const WORDS: [&[u8]; 6] = [b"accuracy", b"correct", b"top1", b"top-1", b"acc:", b"acc="];
    if patterns.accuracy.is_some() || patterns.loss.is_some() {
        return true;
    }
    let lower = file.to_ascii_lowercase();
    let has = |word: &[u8]| lower.windows(word.len()).any(|w| w == word);
    WORDS.iter().any(|w| has(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(patterns: &Patterns, lines: &[&str]) -> Said {
        let mut said = Said::default();
        lines.iter().for_each(|l| said.hear(l.as_bytes(), patterns));
        said
    }

    #[test]
    fn the_common_forms_of_accuracy_are_heard() {
        for (line, percent) in [
            ("accuracy: 97.53%", 97.53),
            ("Accuracy=93.50000%", 93.5),
            ("Top1: 9871 (98.71%)", 98.71),
            ("Top-1: 98.71 %", 98.71),
            ("Test Accuracy: 0.9871", 98.71),
            ("97 / 100 correct", 97.0),
            ("97/100 images were classified correctly", 97.0),
            ("correct: 97 / 100", 97.0),
            ("Correct: 97 out of 100", 97.0),
            ("accuracy: 9871/10000 (98.71%)", 98.71),
            ("Accuracy of the network on the 10000 test images: 97 %", 97.0),
            ("epoch 3 loss 0.25 test_acc: 98.5", 98.5),
            ("Train accuracy: 99.9%, test accuracy: 98.2%", 98.2),
            ("accuracy: 1.0", 100.0),
            ("accuracy: 1%", 1.0),
            ("Accuracy is 8.5e-1", 85.0),
        ] {
            let said = hear(&Patterns::default(), &[line]).percent();
            assert!(
                said.is_some_and(|a| (a - percent).abs() < 1e-9),
                "{line}: {said:?}"
            );
        }
        for line in [
            "accuracy: nan%",
            "accuracy drop: 0.5%",
            "training accuracy: 99%",
            "Train Acc = 0.98",
            "correct: 11 / 10",
            "correct: all",
            "0.5 of the incorrect",
            "maximum 97%",
        ] {
            let said = hear(&Patterns::default(), &[line]);
            assert_eq!((said.percent(), &said.refused), (None, &None), "{line}");
        }
    }

    #[test]
    fn an_accuracy_beyond_a_hundred_percent_is_none() {
        for line in ["accuracy: 120%", "accuracy: -3%", "Accuracy: 9871"] {
            let said = hear(&Patterns::default(), &[line]);
            assert_eq!(said.percent(), None, "{line}");
            assert!(said.refused.is_some(), "{line}");
        }
        assert_eq!(
            hear(&Patterns::default(), &["accuracy: 50%", "accuracy: 1e9%"]).percent(),
            Some(50.0)
        );
    }

    #[test]
    fn losses_epochs_and_the_last_of_each() {
        let said = hear(
            &Patterns::default(),
            &[
                "epoch 1 loss 0.5",
                "Epoch: 2, loss=2.5e-1",
                "no loss here",
                "done",
            ],
        );
        assert_eq!((said.loss, said.epochs.len()), (Some(0.25), 2));
        assert_eq!(hear(&Patterns::default(), &["loss: 1.5"]).loss, Some(1.5));
        // What is printed wins over what the counts say.
        let both = hear(
            &Patterns::default(),
            &["accuracy: 77.51%", "correct: 12699 / 16384"],
        );
        assert_eq!(
            (both.percent(), both.correct),
            (Some(77.51), Some((12699, 16384)))
        );
    }

    #[test]
    fn a_pattern_is_heard_instead() {
        let patterns = Patterns {
            accuracy: Some(r"score (\d+) from (\d+)".parse().unwrap()),
            loss: Some(r"E=([0-9.]+)".parse().unwrap()),
        };
        let said = hear(
            &patterns,
            &["accuracy: 1%", "score 3 from 4", "E=0.125", "loss 7"],
        );
        assert_eq!((said.percent(), said.loss), (Some(75.0), Some(0.125)));
        assert!(
            "a(".parse::<Pattern>()
                .unwrap_err()
                .contains("is no regular expression")
        );
        assert!("score".parse::<Pattern>().unwrap_err().contains("parentheses"));
    }

    #[test]
    fn a_program_that_never_speaks_of_results_is_known() {
        let none = Patterns::default();
        assert!(may_speak(b"\x7fELF\0Test Accuracy: %f\0", &none));
        assert!(!may_speak(b"\x7fELF\0done %d\0", &none));
    }
}
