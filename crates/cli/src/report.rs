//! `vernier report`: a page about what sweeps and searches kept.

use crate::Result;
use clap::Args;
use lab::store::{self, Store};
use report::{Figure, Report};
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

#[derive(Args)]
#[command(after_help = "Examples:
  vernier report -o report.html
  vernier report runs/lab.db --sweep 3 -o mlp.html --plots figures
  vernier report -o report.html --values activations.f32")]
pub struct Arguments {
    /// The store
    #[arg(value_name = "STORE", default_value = store::DEFAULT)]
    store: PathBuf,
    /// The page to write: one HTML file that needs nothing else
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Also write every figure as SVG and PNG and its data as CSV into this folder
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Only the trials that this sweep or search ran
    #[arg(long, value_name = "ID")]
    sweep: Option<i64>,
    /// Show the distributions of these values too: a weights file, numbers as text, or raw little-endian f32
    #[arg(long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Folder of the run records, for the time of kernels and what `vernier run --observe` saw
    #[arg(long, value_name = "DIR", env = record::variables::RUNS.name(), default_value = "runs")]
    runs: PathBuf,
}

/// The distributions of the values of a file; values in a form that nobody here knows cost the page their figures only.
fn figures_of(whose: &str, what: &str, file: &Path) -> Vec<Figure> {
    report::distributions(whose, what, file).unwrap_or_else(|e| {
        let why = e.to_string();
        let why = why.lines().next().unwrap_or_default();
        errln!("vernier: no figures of the {what} of {whose}: {why}");
        Vec::new()
    })
}

/// Writes the page and says where it lies.
pub fn run(arguments: &Arguments) -> Result {
    if let Some(missing) = arguments.values.iter().find(|v| !v.is_file()) {
        return Err(Error::failed(
            format!("there is no file {}", missing.display()),
            "--values names a weights file, numbers as text, or raw little-endian f32",
        ));
    }
    let mut trials = Store::existing(&arguments.store)?.trials()?;
    trials.retain(|t| arguments.sweep.is_none_or(|id| t.sweep == id));
    if trials.is_empty() {
        let message = match arguments.sweep {
            Some(id) => format!(
                "the store {} holds no trials of sweep {id}",
                arguments.store.display()
            ),
            None => format!("the store {} holds no trials", arguments.store.display()),
        };
        return Err(Error::failed(
            message,
            "`vernier sweep` makes some; `vernier store sweeps` lists what is there",
        ));
    }
    let count = trials.len();
    let mut page = Report::new(trials, arguments.store.display().to_string());
    let programs: Vec<String> = page.programs().into_iter().map(str::to_string).collect();
    for program in &programs {
        // A program that is no longer there, or has no trained weights, has nothing to show.
        if let Some(weights) = report::weights_of(program) {
            page.more.extend(figures_of(program, "weights", &weights));
        }
        page.more.extend(report::factors(program, &arguments.runs));
        page.more.extend(report::kernel_times(program, &arguments.runs));
    }
    for values in &arguments.values {
        let name = values.file_stem().unwrap_or_default().to_string_lossy();
        page.more.extend(figures_of(&name, "values", values));
    }
    fs::write(&arguments.output, page.html()).map_err(|e| Error::file("write", &arguments.output, &e))?;
    outln!(
        "{}: {count} trials of {}",
        arguments.output.display(),
        programs.join(", ")
    );
    if let Some(folder) = &arguments.plots {
        outln!(
            "{}: {} figures, each as SVG, PNG and CSV",
            folder.display(),
            page.write_plots(folder, &raster::png)?
        );
    }
    Ok(())
}
