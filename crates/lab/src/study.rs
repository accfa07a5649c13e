//! Studies: sweeps with a title, a file each in a folder, whose results stand together on one page.
//!
//! The page says nothing that depends on the machine or on when it is made: the same results make the same page.

use crate::error::Error;
use crate::settings::Stage;
use crate::store::Trial;
use crate::suggest;
use crate::sweep::axes::{self, AS_COMPILED, AXES};
use crate::sweep::{Point, file};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Where studies lie when nobody says where.
pub const DEFAULT: &str = "studies";

/// The axes that make columns; the others make rows.
const COLUMNS: [&str; 2] = ["program", "accumulate"];

/// The axes whose values say how much of a program is run; they stand in the page's text.
const EXTENT: [&str; 4] = ["images", "train_images", "timeout", "max_instructions"];

/// A result within so many percentage points of the program as compiled is emphasised.
const NEAR: f64 = 1.0;

/// A study.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The name of its file, without `.toml`.
    pub name: String,
    /// The heading on the page.
    pub title: String,
    /// A paragraph below it.
    pub about: String,
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

/// Reads the studies of a folder, in the order of their names. Studies without a trial of the chosen programs are left out.
/// Policies that a study makes itself are written into `policies`.
///
/// # Errors
/// No such folder or study, a file that is no sweep, programs of which no study speaks.
pub fn read(folder: &Path, choice: &Choice<'_>, policies: &Path) -> Result<Vec<Study>, Error> {
    let entries = fs::read_dir(folder).map_err(|e| Error::file("read", folder, &e))?;
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let stem = |p: &Path| p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let known: Vec<String> = files.iter().map(|p| stem(p)).collect();
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
        if !points.is_empty() {
            studies.push(Study {
                title: request.title.unwrap_or_else(|| name.clone()),
                about: request.about.unwrap_or_default(),
                name,
                points,
            });
        }
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

/// Results of a study, in the order of its points.
pub type Results<'a> = &'a [(Point, Option<Trial>)];

/// The page: a table for each study. `command` is what makes it.
pub fn markdown(studies: &[(&Study, Results<'_>)], command: &str) -> String {
    let all = || studies.iter().flat_map(|(_, results)| results.iter());
    let last = all().flat_map(|(_, t)| t).map(|t| t.finished.as_str()).max();
    let date = last
        .and_then(|t| t.split(' ').next())
        .unwrap_or("(nothing was run)");
    let mut page = format!(
        "# Accuracy in many formats\n\n    {command}\n\nruns what the store does not have and writes this page. Last trial: {date}, Vernier \
         {}.\nEach number is the percentage that the trained network gets right with its arithmetic in the format of the \
         row.\n*sums in fp32*: products in that format, what sums over a loop in FP32. **Bold**: within {NEAR:.0} percentage \
         point of the program as compiled.\n",
        env!("CARGO_PKG_VERSION"),
    );
    let extent = extent(all().map(|(p, _)| p));
    if !extent.is_empty() {
        let _ = writeln!(page, "Only a part is run: {extent}.");
    }
    let compiled: BTreeMap<&str, f64> = all()
        .filter(|(p, _)| is_as_compiled(p))
        .filter_map(|(p, t)| Some((p["program"].as_str(), t.as_ref()?.accuracy?)))
        .collect();
    if !compiled.is_empty() {
        let parts: Vec<String> = compiled.iter().map(|(p, a)| format!("{p} {a:.2} %")).collect();
        let _ = writeln!(page, "\nAs compiled: {}.", parts.join(", "));
    }
    for (study, results) in studies {
        let _ = write!(page, "\n## {}\n\n", study.title);
        if !study.about.is_empty() {
            let _ = write!(page, "{}\n\n", study.about);
        }
        page += &table(results, &compiled);
    }
    page
}

/// A program as compiled, tested with the weights that came with it.
fn is_as_compiled(point: &Point) -> bool {
    let plain = ["program", "format", "accumulate", "stage"];
    point
        .keys()
        .all(|a| plain.contains(&a.as_str()) || EXTENT.contains(&a.as_str()))
        && point.get("format").is_none_or(|f| f == AS_COMPILED)
        && point.get("stage").is_none_or(|s| s == Stage::Test.name())
}

/// What of the programs is run, where that is not everything.
fn extent<'p>(points: impl Iterator<Item = &'p Point>) -> String {
    let mut values: BTreeMap<(usize, &str), &str> = BTreeMap::new();
    for point in points {
        for (i, name) in EXTENT.iter().enumerate() {
            if let Some(value) = point.get(*name) {
                values.insert((i, value), axes::axis(name).map_or(name, |a| a.head));
            }
        }
    }
    let words: Vec<String> = values
        .iter()
        .map(|((_, v), head)| format!("{head} {v}"))
        .collect();
    words.join(", ")
}

/// A point's values of the axes that make rows, as they are shown.
fn row_of(point: &Point) -> Vec<(&'static str, String)> {
    let apart = |name: &str| COLUMNS.contains(&name) || EXTENT.contains(&name);
    let axes = AXES.iter().filter(|a| !apart(a.name));
    axes.filter_map(|a| Some((a.head, plain(&a.cell(point)?))))
        .collect()
}

/// A file's name without its ending; what could end a cell of the table is left away.
fn plain(text: &str) -> String {
    text.strip_suffix(".toml").unwrap_or(text).replace('|', " ")
}

/// The table of one study.
fn table(results: Results<'_>, compiled: &BTreeMap<&str, f64>) -> String {
    let column_of = |p: &Point| {
        let sums = p.get("accumulate").filter(|a| *a != AS_COMPILED);
        (p["program"].clone(), sums.cloned())
    };
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    let mut cells = BTreeMap::new();
    for (point, trial) in results {
        let (column, row) = (column_of(point), row_of(point));
        let at = |list: &mut Vec<_>, item| {
            list.iter().position(|x| *x == item).unwrap_or_else(|| {
                list.push(item);
                list.len() - 1
            })
        };
        let column = at(&mut columns, column);
        let row = match rows.iter().position(|r| *r == row) {
            Some(at) => at,
            None => {
                rows.push(row);
                rows.len() - 1
            }
        };
        cells.insert((row, column), cell(point, trial.as_ref(), compiled));
    }
    let mut heads: Vec<&str> = Vec::new();
    for axis in AXES {
        if rows.iter().flatten().any(|(head, _)| *head == axis.head) {
            heads.push(axis.head);
        }
    }
    let mut lines = vec![Vec::new(), Vec::new()];
    for head in &heads {
        lines[0].push((*head).to_string());
        lines[1].push("---".to_string());
    }
    for (program, sums) in &columns {
        let sums = sums.as_ref().map_or(String::new(), |s| format!(", sums in {s}"));
        lines[0].push(format!("{program}{sums}"));
        lines[1].push("--:".to_string());
    }
    let label = |row: &[(&str, String)], head: &str| {
        let value = row.iter().find(|(h, _)| *h == head);
        value.map_or(String::new(), |(_, v)| v.clone())
    };
    for (r, row) in rows.iter().enumerate() {
        let labels = heads.iter().map(|head| label(row, head));
        let numbers = (0..columns.len()).map(|c| cells.get(&(r, c)).cloned().unwrap_or_default());
        lines.push(labels.chain(numbers).collect());
    }
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    text
}

fn cell(point: &Point, trial: Option<&Trial>, compiled: &BTreeMap<&str, f64>) -> String {
    match trial {
        None => "not run".into(),
        Some(t) if !t.is_done() => "failed".into(),
        Some(t) => match (t.accuracy, compiled.get(point["program"].as_str())) {
            (Some(a), Some(best)) if a >= best - NEAR => format!("**{a:.2}**"),
            (Some(a), _) => format!("{a:.2}"),
            (None, _) => "no accuracy".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DONE, FAILED};

    fn point(values: &[(&str, &str)]) -> Point {
        values
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()))
            .collect()
    }

    fn trial(accuracy: f64) -> Option<Trial> {
        Some(Trial {
            status: DONE.into(),
            accuracy: Some(accuracy),
            finished: "2026-11-23 17:53:35".into(),
            ..Trial::default()
        })
    }

    #[test]
    fn programs_and_sums_are_columns_and_the_rest_rows() {
        let failed = Some(Trial {
            status: FAILED.into(),
            message: Some("it ended with exit code 3\nmore".into()),
            ..Trial::default()
        });
        let results = vec![
            (
                point(&[("program", "mlp"), ("format", "none"), ("images", "7")]),
                trial(96.0),
            ),
            (point(&[("program", "mlp"), ("format", "e5m2")]), trial(94.99)),
            (
                point(&[("program", "mlp"), ("format", "e5m2"), ("accumulate", "fp32")]),
                trial(95.0),
            ),
            (
                point(&[("program", "mlp"), ("format", "e5m2"), ("policy", "/a/x.toml")]),
                None,
            ),
            (point(&[("program", "cnn"), ("format", "e5m2")]), failed),
        ];
        let study = Study {
            name: "formats".into(),
            title: "Formats".into(),
            about: "Words.".into(),
            points: results.iter().map(|(p, _)| p.clone()).collect(),
        };
        let page = markdown(&[(&study, &results)], "vernier study");
        let table = "\
## Formats

Words.

| format | policy | mlp | mlp, sums in fp32 | cnn |
| --- | --- | --: | --: | --: |
| none |  | **96.00** |  |  |
| e5m2 |  | 94.99 | **95.00** | failed |
| e5m2 | x | not run |  |  |
";
        assert!(page.ends_with(table), "{page}");
        for words in [
            "    vernier study\n",
            "Last trial: 2026-11-23,",
            "images 7",
            "As compiled: mlp 96.00 %.",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }

    #[test]
    fn the_studies_of_this_repository_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../studies");
        let policies = std::env::temp_dir().join(format!("vernier-studies-{}", std::process::id()));
        let all = read(&folder, &Choice::default(), &policies).unwrap();
        assert!(all.len() >= 6 && all.iter().all(|s| s.title != s.name && !s.about.is_empty()));
        for point in all.iter().flat_map(|s| &s.points) {
            assert!(
                point.get("policy").is_none_or(|p| Path::new(p).is_file()),
                "{point:?}"
            );
        }
        let (names, programs) = (["formats".to_string()], ["mlp".to_string()]);
        let choice = Choice {
            names: &names,
            programs: &programs,
            images: Some(10),
        };
        let one = read(&folder, &choice, &policies).unwrap();
        assert_eq!(one.len(), 1);
        assert!(
            one[0]
                .points
                .iter()
                .all(|p| p["program"] == "mlp" && p["images"] == "10")
        );
    }

    #[test]
    fn what_is_not_there_is_said() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../studies");
        let policies = std::env::temp_dir().join(format!("vernier-studies-{}", std::process::id()));
        let said = |names: &[&str], programs: &[&str]| {
            let list = |l: &[&str]| l.iter().map(|s| s.to_string()).collect::<Vec<_>>();
            let choice = Choice {
                names: &list(names),
                programs: &list(programs),
                images: None,
            };
            read(&folder, &choice, &policies).unwrap_err().to_string()
        };
        assert!(said(&["format"], &[]).contains("did you mean `formats`"));
        assert!(said(&[], &["mpl"]).contains("no studies"));
    }
}
