//! Reads `sweep.toml`: a request as a file.

use super::axes::{self, Point};
use super::request::{self, Request};
use crate::error::Error;
use std::fs;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a file. Paths in it are relative to its folder. Every axis is a key, with a value or a list of them;
/// `exponent` and `significand` make formats; `[sample]` has `count` and `seed`; each `[[trial]]` is a point;
/// `title` and `about` are words for a page ([`crate::study`]).
///
/// # Errors
/// What is wrong, with its line.
pub fn read(path: &Path) -> Result<Request, Error> {
    let text = fs::read_to_string(path).map_err(|e| Error::file("read", path, &e))?;
    let whole = std::path::absolute(path).map_err(|e| Error::file("find", path, &e))?;
    parse(path, &text, whole.parent().unwrap_or(Path::new("/")))
}

fn parse(file: &Path, text: &str, folder: &Path) -> Result<Request, Error> {
    let with = |offset: usize, message: String, advice: String| Error::At {
        file: file.into(),
        line: text.as_bytes()[..offset.min(text.len())]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1,
        message,
        advice,
    };
    let at = |offset: usize, message: String| with(offset, message, String::new());
    let table =
        DeTable::parse(text).map_err(|e| at(e.span().map_or(0, |s| s.start), e.message().to_string()))?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    // The grid's order is the file's.
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut request = Request::default();
    for (key, value) in entries {
        let wrong = |message: String| at(value.span().start, message);
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("sample", DeValue::Table(table)) => {
                let mut sample = (None, 0);
                for (name, value) in table {
                    let number = scalar(value.get_ref()).and_then(|t| t.parse::<u64>().ok());
                    match (name.get_ref().as_ref(), number) {
                        ("count", Some(n)) => sample.0 = Some(n as usize),
                        ("seed", Some(n)) => sample.1 = n,
                        (name, _) => {
                            let message =
                                format!("`{name}`: a sample has a `count` and a `seed`, whole numbers");
                            return Err(at(value.span().start, message));
                        }
                    }
                }
                let count = sample.0.ok_or_else(|| wrong("a sample needs a `count`".into()))?;
                request.sample = Some((count, sample.1));
            }
            ("trial", DeValue::Array(points)) => {
                for point in points.iter() {
                    let point =
                        self::point(point, folder).map_err(|(offset, m, advice)| with(offset, m, advice))?;
                    request.list.push(point);
                }
            }
            ("title", DeValue::String(text)) => request.title = Some(text.trim().into()),
            ("about", DeValue::String(text)) => request.about = Some(text.trim().into()),
            ("title" | "about", _) => return Err(wrong("a text is wanted".into())),
            ("sample" | "trial", _) => {
                return Err(wrong(
                    "`sample` is a table, [sample], and `trial` a list of tables, [[trial]]".into(),
                ));
            }
            (name, value) => {
                if !["exponent", "significand"].contains(&name) {
                    axes::axis(name).map_err(|(m, advice)| with(key.span().start, m, advice))?;
                }
                let texts = match value {
                    DeValue::Array(items) => items.iter().map(|i| scalar(i.get_ref())).collect(),
                    one => scalar(one).map(|t| vec![t]),
                };
                let texts: Vec<String> =
                    texts.ok_or_else(|| wrong(format!("`{name}` must be a value or a list of values")))?;
                request.set(name, request::values(name, &texts, folder)?);
            }
        }
    }
    Ok(request)
}

fn point(table: &Spanned<DeValue<'_>>, folder: &Path) -> Result<Point, (usize, String, String)> {
    let DeValue::Table(entries) = table.get_ref() else {
        let message = "`trial` is a list of tables, [[trial]]".into();
        return Err((table.span().start, message, String::new()));
    };
    let mut point = Point::new();
    for (key, value) in entries {
        let axis = axes::axis(key.get_ref()).map_err(|(m, advice)| (key.span().start, m, advice))?;
        let text = scalar(value.get_ref()).ok_or_else(|| {
            let message = format!("`{}` must be one value", axis.name);
            (value.span().start, message, String::new())
        })?;
        point.insert(axis.name.into(), axis.value(&text, folder));
    }
    Ok(point)
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(n) if n.radix() == 10 => Some(n.as_str().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, String> {
        parse(Path::new("sweep.toml"), text, Path::new("/s")).map_err(|e| e.to_string())
    }

    #[test]
    fn grids_samples_and_lists_are_read() {
        let text = r#"
            program = "mlp"
            exponent = "8..7"
            significand = [7, "3..2"]
            ptx = ["a", "/b"]
            sample = { count = 5, seed = 3 }
            [[trial]]
            format = "bf16"
            ptx = "c"
        "#;
        let request = read(text).unwrap();
        assert_eq!(
            request.axes[3],
            ("ptx".to_string(), vec!["/s/a".into(), "/b".into()])
        );
        assert_eq!(
            (request.sample, request.list[0]["ptx"].as_str()),
            (Some((5, 3)), "/s/c")
        );
        assert_eq!(request.points().unwrap().len(), 6);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line, message) in [
            ("\nformats = 3", 2, "did you mean `format`"),
            ("program = \"mlp\"\nformat = true", 2, "must be a value or a list"),
            ("[sample]\nseed = 1", 1, "needs a `count`"),
            ("[sample]\ncount = \"x\"", 2, "whole numbers"),
            ("[[trial]]\nformat = [\"a\"]", 2, "must be one value"),
            ("trial = 3", 1, "list of tables"),
            ("title = 3", 1, "a text is wanted"),
            ("=", 1, ""),
        ] {
            let error = read(text).unwrap_err();
            assert!(
                error.contains(&format!("sweep.toml:{line}")) && error.contains(message),
                "{error}"
            );
        }
    }
}
