//! Tests that hold vfloat to GNU MPFR.
