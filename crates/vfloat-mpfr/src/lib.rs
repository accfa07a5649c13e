//! Tests that hold vfloat to GNU MPFR: the oracle and what the tests share.
//!
//! A crate of its own because MPFR's C build takes minutes. `VERNIER_EXHAUSTIVE=1` asks the tests for at least ten
//! million cases per operation instead of a sample.

pub mod check;
pub mod oracle;

#[path = "../../vfloat/tests/support/mod.rs"]
pub mod support;

/// Whether the long form of the tests is asked for.
pub fn exhaustive() -> bool {
    std::env::var_os("VERNIER_EXHAUSTIVE").is_some_and(|value| value == "1")
}
