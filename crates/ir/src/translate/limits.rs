//! How large variables are, and what is refused when many of them come to too much together; a single one that is too
//! large never gets here (`ptx::limits`).

use super::{Result, Translator};
use ptx::ast::Variable;

/// Bytes of a variable; 0 for an array whose size is left open.
pub fn size_of(v: &Variable) -> u64 {
    v.bytes().unwrap_or(0)
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
}
