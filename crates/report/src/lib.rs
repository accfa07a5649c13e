//! `vernier report`: the trials of a store as one page that needs nothing but a browser, and its figures as files.
//!
//! The figures are drawn here, so that the page also works on paper and without scripts; the script sorts tables, filters,
//! changes the theme and shows the command of a point.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod dots;
mod facts;
mod figure;
mod group;
pub mod observe;
mod page;
pub mod study;

pub use dots::{Dot, Dots};
pub use facts::{distributions, factors, kernel_times, weights_of};
pub use figure::{Bars, Cell, Drawing, Figure, Heat, Line, Plot, Point, Series};

use group::Row;
use lab::store::Trial;
use run::cache;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tell::Error;

/// Makes a PNG of an SVG document and the name of its figure.
pub type Png<'a> = &'a dyn Fn(&str, &str) -> tell::Result<Vec<u8>>;

/// What a report shows.
pub struct Report {
    rows: Vec<Row>,
    /// Figures of programs beside those of their trials, in the order of the page.
    pub more: Vec<Figure>,
    /// Where the trials come from, for the page's foot.
    pub source: String,
}

impl Report {
    /// A report on these trials.
    pub fn new(trials: Vec<Trial>, source: String) -> Report {
        Report {
            rows: group::rows(trials),
            more: Vec::new(),
            source,
        }
    }

    /// The programs, in the order of the alphabet.
    pub fn programs(&self) -> BTreeSet<&str> {
        self.rows.iter().map(|r| r.trial.program.as_str()).collect()
    }

    /// The page.
    pub fn html(&self) -> String {
        page::html(self)
    }

    /// Every figure with the group that it belongs to.
    fn figures(&self) -> Vec<Figure> {
        let groups = group::groups(&self.rows);
        let drawn = groups
            .iter()
            .enumerate()
            .flat_map(|(i, g)| g.figures(&stem(&groups, i)));
        drawn.collect()
    }

    /// Writes each figure as SVG and PNG and its data as CSV into a folder; returns how many figures.
    ///
    /// # Errors
    /// The folder or a file in it cannot be written.
    pub fn write_plots(&self, folder: &Path, png: Png<'_>) -> Result<usize, Error> {
        cache::create(folder)?;
        let own = self.figures();
        let command = |row: usize| self.rows[row].trial.command.clone();
        let mut count = 0;
        for figure in own.iter().chain(&self.more) {
            let svg = figure.svg_file();
            let png = png(&svg, &figure.name)?;
            let files = [
                ("svg", svg.into_bytes()),
                ("png", png),
                ("csv", figure.csv(&command).into_bytes()),
            ];
            for (ending, bytes) in files {
                let path = folder.join(format!("{}.{ending}", figure.name));
                fs::write(&path, bytes).map_err(|e| Error::file("write", &path, &e))?;
            }
            count += 1;
        }
        Ok(count)
    }
}

/// The beginning of the names of a group's figures: the program, with a number from its second group on.
fn stem(groups: &[group::Group<'_>], i: usize) -> String {
    let program = &groups[i].program;
    match groups[..i].iter().filter(|g| &g.program == program).count() {
        0 => file_stem(program),
        n => format!("{}-{}", file_stem(program), n + 1),
    }
}

/// A text as part of a file's name.
pub fn file_stem(text: &str) -> String {
    text.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "-")
}

#[cfg(test)]
mod tests;
