//! Options with bounds, and errors that say where; and what no machine can exceed.

use crate::Error;
use device::Settings;

/// Threads of a warp.
pub const WARP: u32 = 32;

/// Warps of a multiprocessor, at most: sets of them are words of 64 bits.
pub const MAX_WARPS: u32 = 64;

/// The longest latency of an arithmetic unit, cycles (GPGPU-Sim's MAX_ALU_LATENCY).
pub const MAX_LATENCY: u32 = 512;

/// Settings, with errors that say where.
pub(crate) struct Reader<'a>(pub &'a Settings);

impl Reader<'_> {
    /// An option that cannot be used.
    pub fn refuse<T>(&self, option: &'static str, what: impl Into<String>) -> Result<T, Error> {
        Err(Error::Option {
            option,
            value: self.0.get(option).to_owned(),
            what: what.into(),
            place: self.0.place(option),
        })
    }

    /// A number within bounds.
    pub fn number(&self, option: &'static str, least: u64, most: u64) -> Result<u32, Error> {
        let n = self.0.count(option);
        if n < least || n > most {
            return self.refuse(option, format!("performance simulation takes {least} to {most}"));
        }
        Ok(n as u32)
    }

    /// An option of which one value alone is modelled.
    pub fn only(&self, option: &'static str, value: &str, why: &str) -> Result<(), Error> {
        if self.0.get(option) == value {
            return Ok(());
        }
        self.refuse(option, format!("only `{value}` is modelled: {why}"))
    }
}
