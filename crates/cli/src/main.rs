//! The `vernier` command.
fn main() {}
