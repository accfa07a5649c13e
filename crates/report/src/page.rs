//! The page: text, figures and tables in one HTML file.

use super::figure::{Figure, STYLE, escaped, put};
use super::group::{Group, Row, groups};
use super::{Report, stem};
use std::fmt::Write;
use tell::number::grouped;

/// The page of a report.
pub fn html(report: &Report) -> String {
    let groups = groups(&report.rows);
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Vernier report</title>";
    put!(
        out,
        "<style>{}{STYLE}</style></head><body>",
        include_str!("page.css")
    );
    out += "<header><h1>Vernier report</h1><p class=\"soft\">";
    let failed = report.rows.iter().filter(|r| !r.trial.is_done()).count();
    put!(out, "{} trials, {failed} of them failed", report.rows.len());
    let last = report
        .rows
        .iter()
        .map(|r| r.trial.finished.as_str())
        .max()
        .filter(|f| !f.is_empty());
    if let Some(last) = last {
        put!(out, "; the last ended {} UTC", escaped(last));
    }
    out += ".</p><button id=\"theme\" type=\"button\" title=\"light, dark or as the system has it\">Theme</button></header><main>";
    for (i, group) in groups.iter().enumerate() {
        section(&mut out, group, &stem(&groups, i));
    }
    if !report.more.is_empty() {
        out += "<section><h2>Values and time</h2><div class=\"figures\">";
        for figure in &report.more {
            show(&mut out, figure);
        }
        out += "</div></section>";
    }
    table(&mut out, &report.rows);
    put!(
        out,
        "</main><footer class=\"soft\">From {}, by Vernier {}.",
        escaped(&report.source),
        env!("CARGO_PKG_VERSION")
    );
    out += " Point at or select a point to see its command.</footer>";
    out += "<aside id=\"picked\" hidden><pre></pre><button type=\"button\" id=\"copy\">Copy command</button>";
    out += "<button type=\"button\" id=\"close\" aria-label=\"close\">&times;</button></aside>";
    put!(
        out,
        "<script>{}</script></body></html>\n",
        include_str!("page.js")
    );
    out
}

fn section(out: &mut String, group: &Group<'_>, stem: &str) {
    let (program, conditions) = (escaped(&group.program), escaped(&group.conditions));
    put!(
        out,
        "<section><h2>{program} <span class=\"soft\">{conditions}</span></h2><dl class=\"key\">"
    );
    let mut fact = |name: &str, row: &Row| {
        let accuracy = row.trial.accuracy.unwrap_or(f64::NAN);
        put!(
            out,
            "<div><dt>{name}</dt><dd>{accuracy:.2} %<span>{}",
            escaped(&row.name())
        );
        if let Some(bits) = row.bits {
            let decimals = usize::from(bits.fract() != 0.0);
            put!(out, ", {bits:.decimals$} bits");
        }
        *out += "</span></dd></div>";
    };
    if let Some(row) = group.baseline() {
        fact("to compare with", row);
    }
    if let Some(row) = group.narrowest() {
        fact("narrowest within 1 %", row);
    }
    *out += "</dl>";
    let figures = group.figures(stem);
    if figures.is_empty() {
        *out += "<p class=\"soft\">Too few trials ended well to draw anything.</p>";
    }
    *out += "<div class=\"figures\">";
    for figure in &figures {
        show(out, figure);
    }
    *out += "</div>";
    let front = group.front();
    if front.len() > 1 {
        *out += "<h3>Pareto front</h3><div class=\"wide\"><table class=\"sortable\"><thead><tr>";
        heads(out, &["#total bits", "#accuracy, %", "arithmetic", "command"]);
        *out += "</tr></thead><tbody>";
        for row in front {
            put!(out, "<tr><td class=\"n\">{:.1}</td>", row.bits.unwrap_or(0.0));
            put!(
                out,
                "<td class=\"n\">{:.2}</td>",
                row.trial.accuracy.unwrap_or(0.0)
            );
            put!(
                out,
                "<td>{}</td><td><code>{}</code></td></tr>",
                escaped(&row.name()),
                escaped(&row.trial.command)
            );
        }
        *out += "</tbody></table></div>";
    }
    *out += "</section>";
}

fn show(out: &mut String, figure: &Figure) {
    put!(
        out,
        "<figure id=\"{}\"><h3>{}</h3>",
        escaped(&figure.name),
        escaped(&figure.title)
    );
    put!(
        out,
        "{}<figcaption>{}</figcaption></figure>",
        figure.svg(),
        escaped(&figure.caption)
    );
}

/// Heads of columns; those that begin with `#` are of numbers.
fn heads(out: &mut String, names: &[&str]) {
    for name in names {
        let (class, name) = match name.strip_prefix('#') {
            Some(name) => (" class=\"n\"", name),
            None => ("", *name),
        };
        put!(
            out,
            "<th scope=\"col\"{class}><button type=\"button\">{name}</button></th>"
        );
    }
}

/// A number in a cell, or nothing.
fn cell(out: &mut String, value: Option<String>) {
    put!(out, "<td class=\"n\">{}</td>", value.unwrap_or_default());
}

fn table(out: &mut String, rows: &[Row]) {
    *out += "<section><h2>All trials</h2><p><label>Only those with <input id=\"filter\" type=\"search\" \
             placeholder=\"mlp e5m2\"></label></p><div class=\"wide\"><table class=\"sortable\" id=\"trials\"><thead><tr>";
    heads(
        out,
        &[
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
        ],
    );
    *out += "</tr></thead><tbody>";
    for row in rows {
        let t = &row.trial;
        let class = if t.is_done() { "" } else { " class=\"failed\"" };
        put!(
            out,
            "<tr id=\"trial-{}\"{class}><td>{}</td>",
            row.number,
            escaped(&t.program)
        );
        put!(out, "<td>{}</td>", escaped(&row.name()));
        cell(out, row.bits.map(|b| format!("{b:.1}")));
        cell(out, t.accuracy.map(|a| format!("{a:.2}")));
        cell(out, t.loss.map(|l| format!("{l:.4}")));
        cell(out, t.instructions.map(|n| grouped(n.max(0) as u64)));
        cell(out, Some(format!("{:.2}", t.seconds)));
        put!(out, "<td>{}</td>", escaped(&t.stages));
        let result = t.message.as_deref().filter(|_| !t.is_done()).unwrap_or(&t.status);
        put!(
            out,
            "<td class=\"result\">{}</td><td><code>{}</code></td></tr>",
            escaped(result),
            escaped(&t.command)
        );
    }
    *out += "</tbody></table></div></section>";
}
