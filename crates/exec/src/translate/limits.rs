//! How large variables are, and what no device has room for.

use super::{Result, Translator};
use ptx::ast::{StateSpace, Variable};

/// Virtual registers, likewise.
pub(super) const MAX_REGISTERS: u64 = 1 << 20;
/// Local memory of a thread, bytes (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
pub(super) const MAX_LOCAL: u64 = 512 << 10;
/// Shared memory of a block, bytes: the most that any device has (227 KiB, the same table).
pub(super) const MAX_SHARED: u64 = 227 << 10;
/// Parameters of a kernel, bytes (PTX ISA, "Kernel Function Parameter Attributes", since 8.1).
pub(super) const MAX_PARAMS: u64 = 32_764;

/// Bytes of a variable.
pub fn size_of(v: &Variable) -> u64 {
    let element = u64::from(v.ty.bytes()) * u64::from(v.vector);
    v.dims
        .iter()
        .fold(element, |n, d| n.saturating_mul(d.unwrap_or(0)))
}

/// Alignment of a variable, bytes.
pub fn align_of(v: &Variable) -> u32 {
    v.align.unwrap_or(v.ty.bytes() * u32::from(v.vector)).max(1)
}

impl Translator<'_> {
    /// Refuses what no device has room for.
    pub(super) fn limit(&self, what: &str, bytes: u64, limit: u64) -> Result<()> {
        match bytes <= limit {
            true => Ok(()),
            false => self.refuse(
                format!("{bytes} bytes of {what}"),
                format!("at most {limit} bytes are possible, on any device"),
            ),
        }
    }

    /// Checks the size of a variable by itself, so that offsets can be added up in 32 bits.
    pub(super) fn check_size(&mut self, v: &Variable) -> Result<()> {
        self.span = v.span;
        let bytes = size_of(v);
        match v.space.base() {
            StateSpace::Local | StateSpace::Param => self.limit("local memory in a thread", bytes, MAX_LOCAL),
            StateSpace::Shared => self.limit("shared memory in a block", bytes, MAX_SHARED),
            StateSpace::Reg => {
                let count = u64::from(v.range.unwrap_or(1)) * u64::from(v.vector);
                match count <= MAX_REGISTERS {
                    true => Ok(()),
                    false => self.refuse(
                        format!("{count} registers `{}`", v.name.name),
                        format!("at most {MAX_REGISTERS} are possible"),
                    ),
                }
            }
            _ => Ok(()),
        }
    }
}
