//! Number formats and exact arithmetic, scalar and slices.
