//! A configuration file as it stands: options with their values and lines, each checked against the table.

use crate::error::{Error, Place, did_you_mean};
use crate::options::{OPTIONS, OptionSpec, Use, count_of};
use std::collections::BTreeMap;

/// The value of an option and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    value: String,
    line: usize,
}

/// All options of one configuration; what the file does not set has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    file: String,
    set: BTreeMap<&'static str, Setting>,
}

impl Settings {
    /// Reads the text of a `gpgpusim.config`: options and values separated by white space, `#` up to the end of the line is
    /// comment, a value in quotation marks may hold white space and go over several lines. The last of several values
    /// for one option holds.
    ///
    /// # Errors
    /// [`Error::UnknownOption`], [`Error::MissingValue`], [`Error::BadValue`] or [`Error::Syntax`], for the first thing
    /// that is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Settings, Error> {
        let mut settings = Settings {
            file: file.to_owned(),
            set: BTreeMap::new(),
        };
        let mut words = Words { rest: text, line: 1 };
        while let Some((name, line)) = words.next().map_err(|line| settings.unclosed(line))? {
            let place = settings.place_of(line);
            let Some(option) = OptionSpec::find(&name) else {
                return Err(settings.not_an_option(name, place));
            };
            let missing = || Error::MissingValue {
                name: name.clone(),
                allowed: option.kind.allowed(),
                place: settings.place_of(line),
            };
            // What begins with `-` and is no number is the next option.
            if words
                .clone()
                .next()
                .ok()
                .flatten()
                .is_some_and(|(word, _)| is_option(&word))
            {
                return Err(missing());
            }
            let (value, line) = words
                .next()
                .map_err(|line| settings.unclosed(line))?
                .ok_or_else(missing)?;
            if !option.kind.accepts(&value) {
                let allowed = option.kind.allowed();
                return Err(Error::BadValue {
                    name,
                    value,
                    allowed,
                    place: settings.place_of(line),
                });
            }
            settings.set.insert(option.name, Setting { value, line });
        }
        Ok(settings)
    }

    /// What the file is called.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether the file sets an option.
    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains_key(name)
    }

    /// The value of an option, or its default; empty for an option without either.
    pub fn get(&self, name: &str) -> &str {
        let default = || OptionSpec::find(name).map_or("", |option| option.default);
        self.set
            .get(name)
            .map_or_else(default, |setting| setting.value.as_str())
    }

    /// A flag, as [`Settings::get`] finds it.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == "1"
    }

    /// A number that is not negative, as [`Settings::get`] finds it; 0 for what is no such number.
    pub fn count(&self, name: &str) -> u64 {
        count_of(self.get(name)).unwrap_or(0)
    }

    /// The numbers in a value, whatever separates them; what is no number is left out.
    pub fn counts(&self, name: &str) -> Vec<u64> {
        self.get(name).split([':', ',']).filter_map(count_of).collect()
    }

    /// Every option of the table with its value, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static OptionSpec, &str)> {
        OPTIONS.iter().map(|option| (option, self.get(option.name)))
    }

    /// The options that ask for something that Vernier does not do: set to another value than their default although they
    /// are [`Use::Never`] used. Worth a line of output, no reason to stop.
    pub fn without_effect(&self) -> Vec<(&'static str, Place)> {
        let asked = self
            .iter()
            .filter(|(option, value)| option.used == Use::Never && *value != option.default);
        asked
            .map(|(option, _)| (option.name, self.place(option.name)))
            .collect()
    }

    /// Where an option is set; line 1 if it is not.
    pub fn place(&self, name: &str) -> Place {
        self.place_of(self.set.get(name).map_or(1, |setting| setting.line))
    }

    /// Sets an option as if the file did, at line 0: for settings that come from elsewhere.
    ///
    /// # Errors
    /// [`Error::UnknownOption`] or [`Error::BadValue`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let Some(option) = OptionSpec::find(name) else {
            return Err(self.not_an_option(name.to_owned(), self.place_of(0)));
        };
        if !option.kind.accepts(value) {
            let allowed = option.kind.allowed();
            let (name, value) = (name.to_owned(), value.to_owned());
            return Err(Error::BadValue {
                name,
                value,
                allowed,
                place: self.place_of(0),
            });
        }
        self.set.insert(
            option.name,
            Setting {
                value: value.to_owned(),
                line: 0,
            },
        );
        Ok(())
    }

    fn place_of(&self, line: usize) -> Place {
        Place {
            file: self.file.clone(),
            line,
        }
    }

    fn unclosed(&self, line: usize) -> Error {
        Error::Syntax {
            what: "a quotation mark is never closed".into(),
            place: self.place_of(line),
        }
    }

    fn not_an_option(&self, name: String, place: Place) -> Error {
        if is_option(&name) {
            let hint = did_you_mean(&name, OPTIONS.iter().map(|option| option.name));
            return Error::UnknownOption { name, hint, place };
        }
        let what = format!("`{name}` stands where an option (such as `-gpgpu_n_clusters`) is expected");
        Error::Syntax { what, place }
    }
}

/// Whether a word is meant as the name of an option.
fn is_option(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// The words of a configuration file, with their lines.
#[derive(Clone)]
struct Words<'a> {
    rest: &'a str,
    line: usize,
}

impl Words<'_> {
    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }

    /// The next word and its line; `Err` with the line of a quotation mark that is never closed.
    fn next(&mut self) -> Result<Option<(String, usize)>, usize> {
        loop {
            self.skip(self.rest.len() - self.rest.trim_start().len());
            if !self.rest.starts_with('#') {
                break;
            }
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
        let line = self.line;
        if self.rest.is_empty() {
            return Ok(None);
        }
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let end = quoted.find('"').ok_or(line)?;
            // A value over several lines loses what indents the lines after the first.
            let value = quoted[..end].lines().map(str::trim).collect::<Vec<_>>().concat();
            self.skip(end + 2);
            return Ok(Some((value, line)));
        }
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || c == '#')
            .unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.skip(end);
        Ok(Some((word, line)))
    }
}
