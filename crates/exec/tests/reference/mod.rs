//! The simplest engine there is, to hold the fast one to: it walks the syntax tree, one thread at a time. It
//! knows nothing of how `exec` translates, analyses and stores things; ordinary arithmetic comes from
//! `exec::scalar`, variable precision from `vfloat::reference`.

pub mod generator;
pub mod machine;
pub mod prepare;
pub mod rng;
mod variable;
