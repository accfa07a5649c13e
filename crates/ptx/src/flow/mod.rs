//! Data flow of a function: which of its instructions accumulate, which are nvcc's expansions of mathematical
//! functions, which only count or address, and what it does with the pointers among its parameters. Questions about the text; nothing is
//! changed and nothing executed. Instructions are named by their *ordinal*: their place in the text of the
//! function, from 0, nested blocks included.
//!
//! # What accumulates
//! An *additive* instruction is an add, sub, fma or mad on `.f32` or `.vf32` (fmam and addm among them) that does not
//! belong to an expansion. Its
//! additive operands are both operands of a sum and the addend `c` of `a * b + c`. An instruction whose addend
//! is also (through copies) one of its factors, or from which a factor is computed by one instruction, iterates on a
//! value and is not additive: a step of Newton's iteration (`x = x * e + x`), of a division (`q = (n - d * q) * r + q`),
//! the end of a polynomial (`p * x + x`), `x + x`, `x + k * x`. A sum *flows* from one
//! additive instruction to another when the result of the first reaches an additive operand of the second through
//! nothing but copies (mov, selp, the meeting of branches, predicated writes) and changes of sign; a value that is
//! multiplied, compared or converted on its way is a new value, so Horner's scheme (`p = p * x + c`), maxima and
//! moving averages are no sums. Additive instructions accumulate when
//!
//! - a sum flows from one back to itself: an accumulator of a loop, whatever the loop was made into. A step of
//!   constant size (`t += dt`) is one too: it loses its addend in a narrow format like any other sum;
//! - they stand on a path of at least [`SHORTEST`] along which a sum flows: an unrolled loop;
//! - it is the sum of two accumulators, or a rest of a loop: what is added to the loop's sum under a condition, so that
//!   the sum goes on with it or without it;
//! - one adds a value to what `shfl` brought of the same value from another lane, or loads from shared memory what it
//!   stores there again as a sum: steps of a tree.
//!
//! A chain ends where its reduction ends: a bias that is added to the sum of a loop, a step scaled by it, a residual are
//! arithmetic on the result, not part of it. The same holds behind a loop that was unrolled: an add of something that is
//! no product, where the chain before it sums products, does not belong to it.
//!
//! Additions of `red` and `atom` to memory are reported, though there is nothing to rewrite.

mod accumulations;
mod arguments;
mod counters;
mod expansions;
mod families;
mod graph;

pub use accumulations::{Accumulation, Role, SHORTEST, accumulations};
pub use arguments::{ArgumentUse, arguments};
pub use counters::counters;
pub use expansions::{Part, expansions};
