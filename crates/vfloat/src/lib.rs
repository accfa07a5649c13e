//! Number formats and exact arithmetic, scalar and slices.
//!
//! What is here, from the definition to the fast form:
//!
//! * [`mod@format`]: a number format ([`Format`]) and a rounding mode ([`Rounding`]), with their texts.
//! * [`reference`](mod@reference): the readable definition of every operation, on integers, with status flags.
//! * [`lanes`]: the same operations without flags and without branches, for loops that become SIMD.
//! * [`stochastic`]: the random bits of stochastic rounding.
//! * [`block`]: formats of tensors: shared scales (MX, NVFP4), integers.
//! * [`slices`]: those loops, compiled for several instruction sets and picked at run time.
//! * [`functions`]: ex2, lg2, sin, cos, tanh, rsqrt, so that rounding them once into any format is right.
//! * [`inspect`]: exponents and significand widths of values and their distributions.
//!
//! `T(x)` is how a source operand enters a format (cut to P bits), `R(x)` is how an exact result is rounded
//! once into it. Nothing here depends on the host's mathematical library: results are the same everywhere.

pub mod block;
pub mod format;
pub mod functions;
pub mod inspect;
pub mod isa;
pub mod lanes;
pub mod reference;
pub mod slices;
pub mod stochastic;

mod double_double;
mod error;
mod rounding;
mod texts;

pub use block::TensorFormat;
pub use error::FormatError;
pub use format::{Format, Overflow};
pub use lanes::{LaneOps, LaneVisitor, Lanes};
pub use reference::{Arithmetic, Outcome, Status};
pub use rounding::Rounding;

/// The bits of the one NaN that arithmetic returns.
pub const CANONICAL_NAN_BITS: u32 = 0x7fff_ffff;

/// The one NaN that arithmetic returns (a positive quiet NaN, all payload bits set).
pub const CANONICAL_NAN: f32 = f32::from_bits(CANONICAL_NAN_BITS);
