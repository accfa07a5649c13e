//! TOML with places: every value knows where it stands, so that every message shows its line.

use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use ptx::ast::{Source, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;

/// The text that is read.
#[derive(Clone)]
pub(crate) struct Reader(pub(crate) Arc<Source>);

/// A value under its key.
#[derive(Clone)]
pub(crate) struct Item<'a> {
    reader: &'a Reader,
    /// As the text has it.
    pub(crate) key: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

/// A text of the document, and where it stands.
pub(crate) struct Text<'a> {
    reader: &'a Reader,
    pub(crate) text: &'a str,
    span: Range<usize>,
}

pub(crate) fn span(range: Range<usize>) -> Span {
    Span {
        start: range.start as u32,
        end: range.end as u32,
    }
}

impl Reader {
    /// An error at a place.
    pub(crate) fn error(&self, place: Range<usize>, message: &str, help: &str) -> Error {
        let help = (!help.is_empty()).then_some(help);
        let text = ptx::render(&self.0, span(place), message, help);
        Error::At(text.trim_start_matches("error: ").to_owned())
    }

    /// Calls `each` with every key of a table.
    pub(crate) fn table<'a>(
        &'a self,
        table: &'a DeTable<'a>,
        what: &str,
        known: &[&'static str],
        each: &mut dyn FnMut(&'static str, Item<'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // In the order of the text, so that the first fault is told first.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name: &str = key.get_ref();
            let Some(known) = known.iter().find(|k| **k == name) else {
                let help = ptx::suggest::advice(name, known.iter().copied());
                return Err(self.error(key.span(), &format!("unknown key `{name}` in {what}"), &help));
            };
            each(
                known,
                Item {
                    reader: self,
                    key: name,
                    value,
                },
            )?;
        }
        Ok(())
    }
}

impl<'a> Item<'a> {
    /// An error at the value.
    pub(crate) fn error(&self, message: &str, help: &str) -> Error {
        self.reader.error(self.value.span(), message, help)
    }

    fn must_be(&self, what: &str) -> Error {
        self.error(&format!("`{}` must be {what}", self.key), "")
    }

    /// A text.
    pub(crate) fn text(&self) -> Result<Text<'a>, Error> {
        self.as_text().ok_or_else(|| self.must_be("a text"))
    }

    pub(crate) fn as_text(&self) -> Option<Text<'a>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(Text {
                reader: self.reader,
                text,
                span: self.value.span(),
            }),
            _ => None,
        }
    }

    /// A value, or each of a list of values.
    pub(crate) fn each(&self) -> Result<Vec<Item<'a>>, Error> {
        let items = match self.value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|value| Item {
                    value,
                    ..self.clone()
                })
                .collect(),
            _ => vec![self.clone()],
        };
        if items.is_empty() {
            return Err(self.error(&format!("`{}` is an empty list", self.key), ""));
        }
        Ok(items)
    }

    /// A text, or each of a list of texts.
    pub(crate) fn texts(&self) -> Result<Vec<Text<'a>>, Error> {
        let items = self.each()?;
        items
            .iter()
            .map(|i| i.as_text().ok_or_else(|| i.must_be("a text or a list of texts")))
            .collect()
    }

    /// A whole number, if it is one.
    pub(crate) fn as_integer<T: FromStr>(&self) -> Option<T> {
        match self.value.get_ref() {
            DeValue::Integer(n) if n.radix() == 10 => n.as_str().parse().ok(),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn integer<T: FromStr>(&self, what: &str) -> Result<T, Error> {
        self.as_integer().ok_or_else(|| self.must_be(what))
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Result<f64, Error> {
        let text = match self.value.get_ref() {
            DeValue::Integer(n) if n.radix() == 10 => n.as_str(),
            DeValue::Float(n) => n.as_str(),
            _ => "",
        };
        let parsed = text.parse().ok().filter(|n: &f64| n.is_finite());
        parsed.ok_or_else(|| self.must_be("a number"))
    }

    /// true or false.
    pub(crate) fn flag(&self) -> Result<bool, Error> {
        match self.value.get_ref() {
            DeValue::Boolean(b) => Ok(*b),
            _ => Err(self.must_be("true or false")),
        }
    }

    /// A table, if it is one.
    pub(crate) fn as_table(&self) -> Option<&'a DeTable<'a>> {
        match self.value.get_ref() {
            DeValue::Table(t) => Some(t),
            _ => None,
        }
    }

    /// A table.
    pub(crate) fn table(&self) -> Result<&'a DeTable<'a>, Error> {
        self.as_table()
            .ok_or_else(|| self.must_be("a table, whose header stands in brackets"))
    }

    /// Where the value stands.
    pub(crate) fn span(&self) -> Range<usize> {
        self.value.span()
    }
}

impl Text<'_> {
    /// An error at the text.
    pub(crate) fn error(&self, message: &str, help: &str) -> Error {
        self.reader.error(self.span.clone(), message, help)
    }

    /// The value that one of some words stands for.
    pub(crate) fn word<T: Copy>(&self, what: &str, words: &[(&'static str, T)]) -> Result<T, Error> {
        let found = words.iter().find(|(w, _)| *w == self.text);
        found.map(|(_, v)| *v).ok_or_else(|| {
            let help = ptx::suggest::advice(self.text, words.iter().map(|(w, _)| *w));
            self.error(&format!("there is no {what} `{}`", self.text), &help)
        })
    }

    /// What the text parses to.
    pub(crate) fn parse<T: FromStr<Err: std::fmt::Display>>(&self) -> Result<T, Error> {
        self.text
            .parse()
            .map_err(|e: T::Err| self.error(&e.to_string(), ""))
    }
}
