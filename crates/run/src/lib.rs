//! Programs under Vernier: what they are told, how they are built and run, and what their records say.
//!
//! Programs run as child processes with Vernier's `libcudart.so` first in the library path; everything the library must
//! know goes through environment variables ([`launch`]), everything it found out comes back in a run-record folder
//! ([`totals`]). Nothing here parses arguments or links the engine.
//!
//! | modules | what they are for |
//! |---|---|
//! | [`settings`], [`options`] | what can be asked for: flags, keys of `vernier.toml` |
//! | [`program`], [`toolchain`], [`data`], [`cache`], [`library`] | what must be there before a program runs |
//! | [`launch`], [`rules`], [`tensors`], [`loading`] | what a program gets, and whether it can work |
//! | [`child`], [`output`], [`said`] | the process, where its words go, and results among them |
//! | [`stages`], [`target`], [`bench`] | runs: stage by stage, for a look at the first launches, for their time |
//! | [`folder`], [`totals`], [`summary`], [`profile`], [`compare`], [`weights`] | what came of it |

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bench;
pub mod cache;
pub mod child;
pub mod compare;
pub mod data;
pub mod folder;
pub mod launch;
pub mod library;
pub mod loading;
pub mod options;
pub mod output;
pub mod profile;
pub mod program;
pub mod rules;
pub mod said;
pub mod settings;
pub mod stages;
pub mod summary;
pub mod target;
pub mod tensors;
pub mod toolchain;
pub mod totals;
pub mod weights;
