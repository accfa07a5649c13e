//! Studies: sweeps with a title, a file each in a folder, whose results stand together on one page with figures.
//!
//! `mod.rs` reads them, `page.rs` writes the page, `table.rs` its tables, `figures.rs` its figures. Neither page nor figures
//! say anything that depends on the machine or on when they are made: the same results make the same bytes.

mod figures;
mod page;
mod table;

pub use page::{Page, Part};

use figures::Kind;
use lab::store::Trial;
use lab::sweep::{Point, axes, file};
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;
use tell::suggest;

/// Where studies lie when nobody says where.
pub const DEFAULT: &str = "studies";

/// The file beside the studies with what they taught, Markdown.
const SUMMARY: &str = "summary.md";

/// The axes that make columns.
const COLUMNS: [&str; 2] = ["program", "accumulate"];

/// The axes whose values say how much of a program is run; they stand in the page's text.
const EXTENT: [&str; 3] = ["images", "timeout", "max_instructions"];

/// The axes whose values repeat a trial under other chances: seeds, and the number of training images, from which their order
/// follows. A row of a table has the mean over them.
const REPEATS: [&str; 2] = ["seed", "train_images"];

/// A result within so many percentage points of the program as compiled is emphasised.
const NEAR: f64 = 1.0;

/// A study.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The name of its file, without `.toml` and without the number (`01-`) that gives it its place on the page.
    pub name: String,
    /// The heading on the page.
    pub title: String,
    /// What is asked, a paragraph below it.
    pub about: String,
    /// What the answer is, below the figures; empty where the page shows other results than those it speaks of.
    pub discussion: String,
    /// What is drawn.
    kind: Kind,
    /// Its trials, in order.
    pub points: Vec<Point>,
}

/// What of the studies is wanted.
#[derive(Clone, Debug, Default)]
pub struct Choice<'a> {
    /// Names of studies; empty for all.
    pub names: &'a [String],
    /// Only the trials of these programs; empty for all.
    pub programs: &'a [String],
    /// Test the first so many images only.
    pub images: Option<u64>,
}

impl Choice<'_> {
    /// Whether the trials are those that discussions speak of.
    fn whole_trials(&self) -> bool {
        self.programs.is_empty() && self.images.is_none()
    }
}

/// Reads the studies of a folder, in the order of their files' names. Studies without a trial of the chosen programs are left out.
/// Policies that a study makes itself are written into `policies`.
///
/// # Errors
/// No such folder or study, a file that is no sweep, programs of which no study speaks.
pub fn read(folder: &Path, choice: &Choice<'_>, policies: &Path) -> Result<Vec<Study>, Error> {
    let files = files(folder)?;
    let known: Vec<String> = files.iter().map(|p| name_of(p)).collect();
    for name in choice.names {
        if !known.contains(name) {
            let advice = suggest::advice(name, known.iter().map(String::as_str));
            let message = format!("there is no study `{name}` in {}", folder.display());
            return Err(Error::failed(message, advice));
        }
    }
    let mut studies = Vec::new();
    for (path, name) in files.iter().zip(known) {
        if !choice.names.is_empty() && !choice.names.contains(&name) {
            continue;
        }
        let request = file::read(path)?;
        let mut points = request.points(policies)?;
        points.retain(|p| choice.programs.is_empty() || choice.programs.contains(&p["program"]));
        if let Some(images) = choice.images {
            for point in &mut points {
                point.insert("images".into(), images.to_string());
            }
        }
        if points.is_empty() {
            continue;
        }
        let mut words = request.words;
        let mut word = |key: &str| words.remove(key).unwrap_or_default();
        let figure = word("figure");
        let kind = Kind::named(&figure).map_err(|(message, advice)| {
            Error::failed(
                format!("{}: figure = \"{figure}\": {message}", path.display()),
                advice,
            )
        })?;
        let (title, about, discussion) = (word("title"), word("about"), word("discussion"));
        studies.push(Study {
            title: if title.is_empty() { name.clone() } else { title },
            about,
            discussion: if choice.whole_trials() {
                discussion
            } else {
                String::new()
            },
            name,
            kind,
            points,
        });
    }
    if studies.is_empty() {
        let message = format!("{} holds no studies of what was asked for", folder.display());
        return Err(Error::failed(
            message,
            "a study is a file NAME.toml as `vernier sweep` reads it, with a `title`",
        ));
    }
    Ok(studies)
}

/// What the studies of a folder taught, if somebody wrote it down and everything is shown of which it speaks.
///
/// # Errors
/// The file is there and cannot be read.
pub fn summary(folder: &Path, choice: &Choice<'_>) -> Result<String, Error> {
    let path = folder.join(SUMMARY);
    if !choice.whole_trials() || !choice.names.is_empty() || !path.exists() {
        return Ok(String::new());
    }
    let text = fs::read_to_string(&path).map_err(|e| Error::file("read", &path, &e))?;
    Ok(text.trim().into())
}

/// The files of a folder's studies.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|e| Error::file("read", folder, &e))?;
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    Ok(files)
}

/// `01-formats.toml` is the study `formats`.
fn name_of(path: &Path) -> String {
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match stem.split_once('-') {
        Some((number, name)) if number.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name.into(),
        _ => stem,
    }
}

/// Results of a study, in the order of its points.
pub type Results<'a> = &'a [(Point, Option<Trial>)];

/// A program as compiled: nothing is overridden.
fn is_as_compiled(point: &Point) -> bool {
    let plain = ["program", "format", "accumulate", "layer", "stage", "epochs"];
    point
        .keys()
        .all(|a| plain.contains(&a.as_str()) || EXTENT.contains(&a.as_str()) || REPEATS.contains(&a.as_str()))
        && point.get("format").is_none_or(|f| f == axes::AS_COMPILED)
}

/// What sums run in, where it is not what the rest does.
fn sums(point: &Point) -> Option<&str> {
    let sums = point.get("accumulate").map(String::as_str);
    sums.filter(|a| *a != axes::AS_COMPILED)
}

/// Mean, least and most.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    mean: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of some numbers, if there are any.
    fn of(values: &[f64]) -> Option<Spread> {
        let count = values.len() as f64;
        (!values.is_empty()).then(|| Spread {
            mean: values.iter().sum::<f64>() / count,
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// The accuracy of a program as compiled among results of one study, over its repetitions; of a study of policies alone, none.
fn compiled(results: Results<'_>, program: &str) -> Option<f64> {
    let own = results
        .iter()
        .filter(|(p, _)| p["program"] == program && is_as_compiled(p));
    let values: Vec<f64> = own.filter_map(|(_, t)| t.as_ref()?.accuracy).collect();
    Spread::of(&values).map(|s| s.mean)
}

/// The programs of results, in their order.
fn programs<'r>(results: Results<'r>) -> Vec<&'r str> {
    let mut all = Vec::new();
    for (point, _) in results {
        let program = point["program"].as_str();
        if !all.contains(&program) {
            all.push(program);
        }
    }
    all
}

#[cfg(test)]
mod tests;
