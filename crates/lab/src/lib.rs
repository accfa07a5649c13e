//! Programs, stages, policies and run records.
