//! `vernier report`: the trials of a store as one page, and its figures as files.
//!
//! The figures are part of the page, so that it also works on paper and without scripts; the script sorts tables, filters,
//! changes the theme and shows the command of a point.

use crate::figure::{Figure, clean};
use crate::group::{Group, Row, groups, rows};
use crate::page::{figures, page, table};
use crate::{Png, file_stem};
use lab::store::Trial;
use maud::{Markup, html};
use run::cache;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tell::number::grouped;
use tell::{Error, Result};

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
            rows: rows(trials),
            more: Vec::new(),
            source,
        }
    }

    /// The programs, in the order of the alphabet.
    pub fn programs(&self) -> BTreeSet<&str> {
        self.rows.iter().map(|r| r.trial.program.as_str()).collect()
    }

    /// The groups of trials, each with the figures that it has points for.
    fn groups(&self) -> Vec<(Group<'_>, Vec<Figure>)> {
        let groups = groups(&self.rows);
        let drawn: Vec<_> = (0..groups.len())
            .map(|i| groups[i].figures(&stem(&groups, i)))
            .collect();
        groups.into_iter().zip(drawn).collect()
    }

    /// The page.
    pub fn html(&self) -> String {
        let failed = self.rows.iter().filter(|r| !r.trial.is_done()).count();
        let last = self.rows.iter().map(|r| r.trial.finished.as_str()).max();
        let about = html! {
            (self.rows.len()) " trials, " (failed) " of them failed"
            @if let Some(last) = last.filter(|f| !f.is_empty()) { "; the last ended " (last) " UTC" }
            "."
        };
        let main = html! {
            @for (group, figures) in &self.groups() { (section(group, figures)) }
            @if !self.more.is_empty() { section { h2 { "Values and time" } (figures(&self.more)) } }
            (all(&self.rows))
        };
        let foot = html! {
            "From " (self.source) ", by Vernier " (env!("CARGO_PKG_VERSION"))
            ". Point at or select a point to see its command."
        };
        page("Vernier report", &about, &main, &foot)
    }

    /// Writes each figure as SVG and PNG and its data as CSV into a folder; returns how many figures.
    ///
    /// # Errors
    /// The folder or a file in it cannot be written.
    pub fn write_plots(&self, folder: &Path, png: Png<'_>) -> Result<usize> {
        cache::create(folder)?;
        let command = |row: usize| self.rows[row].trial.command.clone();
        let own: Vec<Figure> = self.groups().into_iter().flat_map(|g| g.1).collect();
        let mut count = 0;
        for figure in own.iter().chain(&self.more) {
            let svg = figure.svg_file();
            let png = png(&svg, &figure.name)?;
            let files = [
                ("svg", svg.into_bytes()),
                ("png", png),
                ("csv", figure.csv(&command)?.into_bytes()),
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
fn stem(groups: &[Group<'_>], i: usize) -> String {
    let program = &groups[i].program;
    match groups[..i].iter().filter(|g| &g.program == program).count() {
        0 => file_stem(program),
        n => format!("{}-{}", file_stem(program), n + 1),
    }
}

/// A trial that stands out.
fn fact(name: &str, row: &Row) -> Markup {
    html! {
        div {
            dt { (name) }
            dd {
                (format!("{:.2} %", row.trial.accuracy.unwrap_or(f64::NAN)))
                span {
                    (row.name())
                    @if let Some(bits) = row.bits {
                        @let decimals = usize::from(bits.fract() != 0.0);
                        ", " (format!("{bits:.decimals$}")) " bits"
                    }
                }
            }
        }
    }
}

fn section(group: &Group<'_>, drawn: &[Figure]) -> Markup {
    let front = group.front();
    let front_rows = html! {
        @for row in &front {
            tr {
                td.n { (format!("{:.1}", row.bits.unwrap_or(0.0))) }
                td.n { (format!("{:.2}", row.trial.accuracy.unwrap_or(0.0))) }
                td { (row.name()) }
                td { code { (row.trial.command) } }
            }
        }
    };
    html! {
        section {
            h2 { (group.program) " " span.soft { (group.conditions) } }
            dl.key {
                @if let Some(row) = group.baseline() { (fact("to compare with", row)) }
                @if let Some(row) = group.narrowest() { (fact("narrowest within 1 %", row)) }
            }
            @if drawn.is_empty() { p.soft { "Too few trials ended well to draw anything." } }
            (figures(drawn))
            @if front.len() > 1 {
                h3 { "Pareto front" }
                (table(None, &["#total bits", "#accuracy, %", "arithmetic", "command"], &front_rows))
            }
        }
    }
}

/// The columns of the table of all trials.
const COLUMNS: [&str; 10] = [
    "program",
    "arithmetic",
    "#bits",
    "#accuracy, %",
    "#loss",
    "#instructions",
    "#seconds",
    "stages",
    "result",
    "command",
];

fn all(rows: &[Row]) -> Markup {
    let lines = html! {
        @for row in rows {
            @let t = &row.trial;
            tr id={ "trial-" (row.number) } class=[(!t.is_done()).then_some("failed")] {
                td { (t.program) }
                td { (row.name()) }
                td.n { @if let Some(bits) = row.bits { (format!("{bits:.1}")) } }
                td.n { @if let Some(accuracy) = t.accuracy { (format!("{accuracy:.2}")) } }
                td.n { @if let Some(loss) = t.loss { (format!("{loss:.4}")) } }
                td.n { @if let Some(n) = t.instructions { (grouped(n.max(0) as u64)) } }
                td.n { (format!("{:.2}", t.seconds)) }
                td { (t.stages) }
                td.result { (clean(t.message.as_deref().filter(|_| !t.is_done()).unwrap_or(&t.status))) }
                td { code { (t.command) } }
            }
        }
    };
    html! {
        section {
            h2 { "All trials" }
            p { label { "Only those with " input #filter type="search" placeholder="mlp e5m2"; } }
            (table(Some("trials"), &COLUMNS, &lines))
        }
    }
}
