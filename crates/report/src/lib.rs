//! What runs and trials showed, for people: figures, pages, tables.
//!
//! | module | what it has |
//! |---|---|
//! | `figure` | every kind of drawing, as SVG and as CSV |
//! | `page` | the one HTML page around them |
//! | `trials`, `group` | `vernier report`: trials that can be compared, their figures and their page |
//! | `facts` | figures of a program: its weights, what its kernels multiply, where their time goes |
//! | [`observe`] | what numbers did in a run, by PTX line |
//! | [`study`] | `vernier study`: sweeps with a question, on one Markdown page |

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod facts;
mod figure;
mod group;
pub mod observe;
mod page;
pub mod study;
mod trials;

pub use facts::{distributions, factors, kernel_times, weights_of};
pub use figure::Figure;
pub use trials::Report;

/// Makes a PNG of an SVG document and the name of its figure.
pub type Png<'a> = &'a dyn Fn(&str, &str) -> tell::Result<Vec<u8>>;

/// A text as part of a file's name.
fn file_stem(text: &str) -> String {
    text.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "-")
}

#[cfg(test)]
mod tests;
