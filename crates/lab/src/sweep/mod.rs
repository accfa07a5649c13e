//! Sweeps: many trials of programs, each a [`Point`] of values, run side by side and kept in a [`Store`](crate::store).
//!
//! [`request`] says which points, [`file`] reads that from `sweep.toml`, [`axes`] is the table of what a point can say,
//! [`trial`] makes a run of a point and knows what decides its result, [`made`] makes policies of templates and layers,
//! [`written`] keeps policies that a sweep or search writes itself, [`runner`] runs what is missing, [`slurm`] does so on a
//! cluster, [`watch`] says who is told, [`table`] prints.

pub mod axes;
pub mod file;
pub mod made;
pub mod random;
pub mod request;
pub mod runner;
pub mod slurm;
pub mod table;
pub mod trial;
pub mod watch;
pub mod written;

pub use axes::Point;
pub use request::Request;
