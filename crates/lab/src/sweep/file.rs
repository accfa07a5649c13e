//! Reads `sweep.toml`: a request as a file.

use super::axes::{self, Point};
use super::made;
use super::request::{self, MOST, Request, WORDS};
use std::fs;
use std::path::Path;
use tell::Error;
use tell::suggest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a file. Paths in it are relative to its folder. Every axis is a key, with a value or a list of them;
/// `exponent` and `significand` make formats; `[sample]` has `count` and `seed`; `[template]` a `file` and values of its placeholders; each `[[trial]]` is a point;
/// those of [`WORDS`] are texts for a page ([`report::study`]).
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
            ("template", DeValue::Table(table)) => self::template(file, table, &with, &mut request)?,
            ("trial", DeValue::Array(points)) => {
                for point in points.iter() {
                    let point =
                        self::point(point, folder).map_err(|(offset, m, advice)| with(offset, m, advice))?;
                    request.list.push(point);
                }
            }
            (name, DeValue::String(text)) if WORDS.contains(&name) => {
                request.words.insert(name.into(), text.trim().into());
            }
            (name, _) if WORDS.contains(&name) => return Err(wrong("a text is wanted".into())),
            ("sample" | "template" | "trial", _) => {
                return Err(wrong(
                    "`sample` and `template` are tables, [sample] and [template], and `trial` is a list of tables, [[trial]]"
                        .into(),
                ));
            }
            (name, value) => {
                if !["exponent", "significand"].contains(&name) {
                    axes::axis(name).map_err(|(m, advice)| with(key.span().start, m, advice))?;
                }
                let texts = scalars(value)
                    .ok_or_else(|| wrong(format!("`{name}` must be a value or a list of values")))?;
                if let ("policy" | "layer", Some(_)) = (name, table.get_ref().get("template")) {
                    let message = format!("`{name}` and [template] are two ways to give a trial its policy");
                    let advice = "a template may speak of layers: `layer = \"{{name}}\"`";
                    return Err(with(key.span().start, message, advice.into()));
                }
                request.set(name, request::values(name, &texts, folder)?);
            }
        }
    }
    Ok(request)
}

/// Reads `[template]`: its policies become the values of the axis `template`.
fn template(
    file: &Path,
    table: &DeTable<'_>,
    error: &dyn Fn(usize, String, String) -> Error,
    request: &mut Request,
) -> Result<(), Error> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let begin = entries.first().map_or(0, |(key, _)| key.span().start);
    let name = match table.get("file").map(|f| f.get_ref()) {
        Some(DeValue::String(name)) => name,
        _ => {
            let message = "a template needs a `file`, the policy with placeholders".into();
            return Err(error(begin, message, String::new()));
        }
    };
    let path = file.parent().unwrap_or(Path::new("")).join(&**name);
    let text = fs::read_to_string(&path).map_err(|e| Error::file("read", &path, &e))?;
    let placeholders = made::placeholders(&path, &text)?;
    let mut values = Vec::new();
    for (key, value) in entries {
        let name = key.get_ref().as_ref();
        if name == "file" {
            continue;
        }
        if placeholders.iter().all(|(n, _)| n != name) {
            let message = format!("`{name}` has values, and {} no {{{{{name}}}}}", path.display());
            let names = placeholders.iter().map(|(n, _)| n.as_str());
            return Err(error(key.span().start, message, suggest::advice(name, names)));
        }
        let texts = scalars(value.get_ref()).filter(|t| !t.is_empty() && t.iter().all(|t| !t.contains('\n')));
        let texts = texts.ok_or_else(|| {
            let message = format!("`{name}` must be a value of one line or a list of them");
            error(value.span().start, message, String::new())
        })?;
        values.push((name.to_string(), texts));
    }
    if let Some((name, line)) = placeholders
        .iter()
        .find(|(n, _)| values.iter().all(|(v, _)| v != n))
    {
        return Err(Error::At {
            file: path,
            line: *line,
            message: format!("{{{{{name}}}}} has no values"),
            advice: format!(
                "give it some below [template] in {}: {name} = [\"e5m2\"]",
                file.display()
            ),
        });
    }
    let size = values.iter().try_fold(1usize, |n, (_, v)| n.checked_mul(v.len()));
    if size.is_none_or(|n| n > MOST) {
        let message = format!("the template makes more than {MOST} policies");
        return Err(error(begin, message, "give its placeholders fewer values".into()));
    }
    let made = made::fill(&path, &text, &values)?;
    request.set("template", made.iter().map(|(told, _)| told.clone()).collect());
    request.templates = made.into_iter().collect();
    Ok(())
}

fn point(table: &Spanned<DeValue<'_>>, folder: &Path) -> Result<Point, (usize, String, String)> {
    let DeValue::Table(entries) = table.get_ref() else {
        let message = "`trial` is a list of tables, [[trial]]".into();
        return Err((table.span().start, message, String::new()));
    };
    let mut point = Point::new();
    for (key, value) in entries {
        let axis = axes::axis(key.get_ref()).map_err(|(m, advice)| (key.span().start, m, advice))?;
        if axis.name == "template" {
            let message = "a template belongs to the grid".into();
            let advice = "say `policy` here, or begin [template] without a trial around it".into();
            return Err((key.span().start, message, advice));
        }
        let text = scalar(value.get_ref()).ok_or_else(|| {
            let message = format!("`{}` must be one value", axis.name);
            (value.span().start, message, String::new())
        })?;
        point.insert(axis.name.into(), axis.value(&text, folder));
    }
    Ok(point)
}

/// A value, or a list of them.
fn scalars(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(items) => items.iter().map(|i| scalar(i.get_ref())).collect(),
        one => scalar(one).map(|t| vec![t]),
    }
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
        assert_eq!(request.points(Path::new("no folder")).unwrap().len(), 6);
    }

    #[test]
    fn a_template_becomes_policies_of_the_grid() {
        let folder = std::env::temp_dir().join(format!("vernier-template-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let policy =
            "[[rule]]\nformat = \"{{rest}}\"\n[[rule]]\nlayer = \"layer1\"\nformat = \"{{first}}\"\n";
        fs::write(folder.join("p.toml"), policy).unwrap();
        let write = |text: &str| fs::write(folder.join("sweep.toml"), text).unwrap();
        let good = "program = \"mlp\"\nimages = [1, 2]\n[template]\nfile = \"p.toml\"\nfirst = [\"e8m7\", \"e5m2\"]\nrest = \"fp16\"\n";
        write(good);
        let request = super::read(&folder.join("sweep.toml")).unwrap();
        let points = request.points(&folder.join("policies")).unwrap();
        assert_eq!(points.len(), 4);
        assert_eq!(points[1]["template"], "first e5m2, rest fp16");
        let kept = fs::read_to_string(&points[1]["policy"]).unwrap();
        assert_eq!(
            kept,
            policy.replace("{{rest}}", "fp16").replace("{{first}}", "e5m2")
        );
        assert!(points[1]["policy"].contains("/policies/p-e5m2-fp16-"));
        for (from, to, place, says) in [
            ("rest = ", "rset = ", "sweep.toml:6", "did you mean `rest`"),
            ("rest = \"fp16\"\n", "", "p.toml:2", "{{rest}} has no values"),
            ("fp16", "fp17", "p.toml:2", "first e8m7, rest fp17"),
            ("\"fp16\"", "{ a = 1 }", "sweep.toml:6", "a value of one line"),
            (
                "images = [1, 2]",
                "policy = \"p.toml\"",
                "sweep.toml:2",
                "two ways",
            ),
            (
                "images = [1, 2]",
                "layer = \"layer1\"",
                "sweep.toml:2",
                "two ways",
            ),
            ("file = \"p.toml\"", "", "sweep.toml:5", "needs a `file`"),
            ("p.toml", "q.toml", "q.toml", "cannot read"),
            ("[template]", "[[template]]", "sweep.toml:3", "are tables"),
            (
                "images = [1, 2]",
                "trial = [{ template = 1 }]",
                "sweep.toml:2",
                "belongs to the grid",
            ),
        ] {
            write(&good.replace(from, to));
            let error = super::read(&folder.join("sweep.toml")).unwrap_err().to_string();
            assert!(error.contains(place) && error.contains(says), "{from}: {error}");
        }
        fs::remove_dir_all(&folder).unwrap();
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
