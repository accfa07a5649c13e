//! The page of the studies, Markdown, and the files of its figures beside it.

use super::figures::{self, Kind};
use super::{EXTENT, NEAR, REPEATS, Results, Study, compiled, is_as_compiled, table};
use crate::figure::{Drawing, Figure};
use lab::sweep::{Point, axes};
use run::cache;
use run::settings::Stage;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use tell::Error;

/// Everything that the page shows.
pub struct Page<'a> {
    /// What makes it.
    pub command: String,
    /// What the studies taught, Markdown; may be empty.
    pub summary: String,
    /// The studies.
    pub parts: Vec<Part<'a>>,
}

/// A study with its results.
pub struct Part<'a> {
    /// The study.
    pub study: &'a Study,
    /// What runs this study alone.
    pub command: String,
    /// Its results.
    pub results: Results<'a>,
}

impl Page<'_> {
    /// The page. `folder` is where its figures lie, as links name it; without, it has none.
    pub fn markdown(&self, folder: Option<&str>) -> String {
        let all = || self.parts.iter().flat_map(|p| p.results.iter());
        let last = all().flat_map(|(_, t)| t).map(|t| t.finished.as_str()).max();
        let date = last
            .and_then(|t| t.split(' ').next())
            .unwrap_or("(nothing was run)");
        let mut page = format!(
            "# Accuracy in many formats\n\n    {}\n\nruns what the store does not have and writes this page. Last trial: {date}, Vernier \
             {}.\nEach number is the percentage that the network gets right with its arithmetic in the format of the \
             row.\n*sums in fp32*: products in that format, what sums over a loop in FP32. **Bold**: within {NEAR:.0} percentage \
             point of the program as compiled.\n",
            self.command,
            env!("CARGO_PKG_VERSION"),
        );
        page += &self.programs();
        if !self.summary.is_empty() {
            let _ = write!(page, "\n{}\n", self.summary);
        }
        for part in &self.parts {
            page += &self.part(part, folder);
        }
        page
    }

    /// Writes the page into a file and its figures into the folder beside it that has its name. Returns how many figures.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, path: &Path) -> Result<usize, Error> {
        let folder = path.with_extension("");
        if folder == path {
            return Err(Error::failed(
                format!(
                    "{} has no ending, and its figures need a folder of that name",
                    path.display()
                ),
                "name the page with one, as in -o study.md",
            ));
        }
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let page = self.markdown(Some(&name));
        cache::create(&folder)?;
        let mut count = 0;
        for figure in self
            .parts
            .iter()
            .flat_map(|p| figures::figures(p.study, p.results))
        {
            let file = folder.join(format!("{}.svg", figure.name));
            fs::write(&file, figure.svg_file()).map_err(|e| Error::file("write", &file, &e))?;
            count += 1;
        }
        fs::write(path, page).map_err(|e| Error::file("write", path, &e))?;
        Ok(count)
    }

    /// The accuracy of a program as compiled, under the conditions of a study: of its own trials, else of another study that tests
    /// the same weights.
    fn compiled(&self, results: Results<'_>, program: &str) -> Option<f64> {
        compiled(results, program).or_else(|| {
            let tested = |p: &Point| p.get("stage").is_none_or(|s| s == Stage::Test.name());
            let here = results.iter().all(|(p, _)| tested(p));
            let others = self
                .parts
                .iter()
                .filter(|p| here && p.results.iter().all(|(p, _)| tested(p)));
            others.filter_map(|p| compiled(p.results, program)).next()
        })
    }

    /// What was run: each program with the weights that were tested and what they get right as compiled.
    fn programs(&self) -> String {
        let mut found: BTreeMap<&str, (String, String)> = BTreeMap::new();
        for part in &self.parts {
            for (point, trial) in part.results {
                let Some(trial) = trial else { continue };
                let accuracy = trial.accuracy.filter(|_| is_as_compiled(point));
                if let (Some(accuracy), Some(weights)) = (accuracy, &trial.weights_hash) {
                    let words = (format!("{accuracy:.2}"), format!("{weights:.8}"));
                    found.entry(&trial.program).or_insert(words);
                }
            }
        }
        if found.is_empty() {
            return String::new();
        }
        let words = |l: [&str; 3]| l.map(str::to_string).to_vec();
        let mut lines = vec![
            words(["program", "as compiled, %", "weights (SHA-256)"]),
            words(["---", "--:", "---"]),
        ];
        lines.extend(found.iter().map(|(p, (a, w))| words([p, a, w])));
        format!("\n{}", table::markdown(&lines))
    }

    fn part(&self, part: &Part<'_>, folder: Option<&str>) -> String {
        let (study, results) = (part.study, part.results);
        let mut text = format!("\n## {}\n\n", study.title);
        if !study.about.is_empty() {
            let _ = write!(text, "{}\n\n", study.about);
        }
        let _ = write!(text, "    {}\n\n", part.command);
        let extent = extent(results);
        if !extent.is_empty() {
            let _ = write!(text, "In all trials: {extent}.\n\n");
        }
        let best = |program: &str| self.compiled(results, program);
        let figures = figures::figures(study, results);
        match study.kind {
            Kind::Grid | Kind::Layers => {
                if study.kind == Kind::Grid {
                    let _ = writeln!(text, "{}", figures::narrowest(results, &best));
                }
                for figure in &figures {
                    text += &image(figure, folder);
                }
                text += &heat_tables(&figures, results, &best);
            }
            _ => {
                for figure in &figures {
                    text += &image(figure, folder);
                }
                text += &table::tables(results, &best);
            }
        }
        if !study.discussion.is_empty() {
            let _ = write!(text, "\n{}\n", study.discussion);
        }
        text
    }
}

/// The numbers of maps, folded away: the maps have them too, but not as text.
fn heat_tables(figures: &[Figure], results: Results<'_>, best: &dyn Fn(&str) -> Option<f64>) -> String {
    let programs = super::programs(results);
    let mut text = String::from("<details><summary>The numbers as text</summary>\n");
    for figure in figures {
        let Drawing::Heat(heat) = &figure.drawing else {
            continue;
        };
        // A map's title begins with its program.
        let program = programs.iter().find(|p| figure.title.starts_with(**p));
        let best = program.and_then(|p| best(p));
        let _ = write!(text, "\n{}\n\n{}", figure.title, figures::heat_table(heat, best));
    }
    text + "\n</details>\n"
}

/// A figure on the page, with its title above it.
fn image(figure: &Figure, folder: Option<&str>) -> String {
    match folder {
        Some(folder) => format!("*{0}*\n\n![{0}]({folder}/{1}.svg)\n\n", figure.title, figure.name),
        None => String::new(),
    }
}

/// What all trials of a study have in common, where it is not what a trial has anyhow.
fn extent(results: Results<'_>) -> String {
    let (_, same) = table::heads(results);
    let mut words: Vec<String> = same.iter().map(|(head, v)| format!("{head} {v}")).collect();
    for name in EXTENT.iter().chain(&REPEATS) {
        let mut values: Vec<&str> = Vec::new();
        for (point, _) in results {
            values.extend(point.get(*name).map(String::as_str));
        }
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            let head = axes::axis(name).map_or(*name, |a| a.head);
            words.push(format!("{head} {}", values.join(" or ")));
        }
    }
    words.join(", ")
}
