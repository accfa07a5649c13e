//! What the program may ask about a kernel and set for it, and how many of its blocks fit a multiprocessor.

use crate::code::Code;
use crate::context::Context;
use crate::error::Error;
use crate::facts::Facts;
use crate::loaded::{Kernel, Loaded};
use crate::module::{Function, FunctionSettings, Module};
use std::sync::Arc;

/// cudaFuncAttributes, without its layout. Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // CUDA's names
pub struct FunctionAttributes {
    pub static_shared: u64,
    pub constant: u64,
    pub local: u64,
    pub max_threads: u32,
    pub registers: u32,
    pub ptx_version: u32,
    pub binary_version: u32,
    pub max_dynamic_shared: u32,
    pub carveout: i32,
}

/// Registers are given to warps in units of so many per thread, shared memory to blocks in units of so many
/// bytes (CUDA occupancy calculator, compute capability 7.5).
const REGISTER_UNIT: u32 = 8;
const SHARED_UNIT: u64 = 256;

/// Blocks of a kernel that fit a multiprocessor at once.
pub(crate) fn blocks_per_multiprocessor(f: &Facts, threads: u32, registers: u32, shared: u64) -> u32 {
    if threads == 0 || threads > f.max_threads_per_block || shared > u64::from(f.shared_per_block_optin) {
        return 0;
    }
    let rounded = threads.next_multiple_of(f.warp_size.max(1));
    let by_threads = f.max_threads_per_multiprocessor / rounded;
    let per_block = registers.next_multiple_of(REGISTER_UNIT).max(REGISTER_UNIT) * rounded;
    let by_registers = f.registers_per_multiprocessor / per_block;
    let by_shared = match shared.next_multiple_of(SHARED_UNIT) {
        0 => u32::MAX,
        bytes => u32::try_from(u64::from(f.shared_per_multiprocessor) / bytes).unwrap_or(u32::MAX),
    };
    // Registers of PTX are virtual, so their number never keeps a block from running at all.
    by_threads
        .min(by_registers.max(1))
        .min(by_shared)
        .min(f.max_blocks_per_multiprocessor)
}

impl Context {
    /// A kernel of a module by its mangled name.
    ///
    /// # Errors
    /// The module's code cannot be had, or has no such kernel.
    pub fn function(&self, module: &Arc<Module>, name: &str) -> Result<Arc<Function>, Error> {
        let function = Function::new(module.clone(), name);
        self.steady(&*self.loaded(module)?, name)?;
        Ok(Arc::new(function))
    }

    /// Offset and size of each parameter, in bytes.
    ///
    /// # Errors
    /// Its code cannot be had.
    pub fn function_params(&self, function: &Function) -> Result<Vec<(usize, usize)>, Error> {
        let loaded = self.loaded(&function.module)?;
        let kernel = self.steady(&loaded, &function.name)?;
        Ok(kernel.info.params.iter().map(|p| (p.offset, p.size)).collect())
    }

    /// A kernel as most of its launches have it.
    fn steady(&self, loaded: &Loaded, name: &str) -> Result<Kernel, Error> {
        let active = self.ready()?.policy.as_ref();
        let always = active.map(|a| a.policy.always());
        loaded.kernel(name, active.zip(always.as_ref()))
    }

    /// cudaFuncGetAttributes.
    ///
    /// # Errors
    /// Its code cannot be had.
    pub fn function_attributes(&self, function: &Function) -> Result<FunctionAttributes, Error> {
        let facts = &self.ready()?.facts;
        let loaded = self.loaded(&function.module)?;
        let kernel = self.steady(&loaded, &function.name)?;
        let settings = *function.settings();
        let info = &kernel.info;
        let shared = info.static_shared as u64;
        let (major, minor) = facts.compute_capability;
        Ok(FunctionAttributes {
            static_shared: shared,
            constant: loaded.constant_bytes(),
            local: info.local as u64,
            max_threads: info.max_threads.min(facts.max_threads_per_block),
            registers: info.registers,
            // The virtual architecture, whatever the name says: Thrust and CUB look it up among those that they were
            // compiled for. The machine code is what a driver makes of it for the device.
            ptx_version: kernel.arch,
            binary_version: kernel.arch.max(10 * major + minor),
            max_dynamic_shared: dynamic_limit(facts, &settings, shared),
            carveout: settings.carveout.unwrap_or(-1),
        })
    }

    /// cudaFuncSetAttribute: 8 is the dynamic shared memory a launch may ask for, 9 the carve-out; the
    /// attributes of clusters are refused.
    ///
    /// # Errors
    /// More than the device has, an attribute that is none.
    pub fn function_set_attribute(
        &self,
        function: &Function,
        attribute: u32,
        value: i32,
    ) -> Result<(), Error> {
        let facts = &self.ready()?.facts;
        let fixed = match attribute {
            8 => self.function_attributes(function)?.static_shared,
            _ => 0,
        };
        let mut settings = function.settings();
        match attribute {
            8 => {
                let all = facts.shared_per_block_optin;
                let allowed = u64::from(all).saturating_sub(fixed);
                let value = u32::try_from(value).ok().filter(|v| u64::from(*v) <= allowed).ok_or_else(|| {
                    Error::value(format!(
                        "kernel `{}`: {value} bytes of dynamic and {fixed} bytes of static shared memory, but a block of \
                         this device has at most {all}",
                        function.name
                    ))
                })?;
                settings.max_dynamic_shared = Some(value);
            }
            9 if (-1..=100).contains(&value) => settings.carveout = Some(value),
            10..=16 => {
                return Err(Error::NotSupported(format!(
                    "function attribute {attribute}: no thread block clusters"
                )));
            }
            _ => {
                return Err(Error::value(format!(
                    "function attribute {attribute} cannot be {value}"
                )));
            }
        }
        Ok(())
    }

    /// Blocks of `threads` threads with `dynamic_shared` bytes that fit a multiprocessor.
    ///
    /// # Errors
    /// Its code cannot be had.
    pub fn occupancy(&self, function: &Function, threads: i32, dynamic_shared: usize) -> Result<u32, Error> {
        let facts = &self.ready()?.facts;
        let a = self.function_attributes(function)?;
        let threads = u32::try_from(threads)
            .ok()
            .filter(|t| *t > 0)
            .ok_or_else(|| Error::value(format!("a block of {threads} threads")))?;
        if threads > a.max_threads {
            return Ok(0);
        }
        Ok(blocks_per_multiprocessor(
            facts,
            threads,
            a.registers,
            a.static_shared + dynamic_shared as u64,
        ))
    }

    /// Dynamic shared memory that each of `blocks` blocks on a multiprocessor may have, bytes.
    ///
    /// # Errors
    /// Its code cannot be had, or no blocks.
    pub fn available_dynamic_shared(&self, function: &Function, blocks: i32) -> Result<u64, Error> {
        let facts = &self.ready()?.facts;
        let a = self.function_attributes(function)?;
        let blocks = u64::try_from(blocks)
            .ok()
            .filter(|b| *b > 0)
            .ok_or_else(|| Error::argument(Code::INVALID_VALUE, format!("{blocks} blocks")))?;
        let share = u64::from(facts.shared_per_multiprocessor) / blocks / SHARED_UNIT * SHARED_UNIT;
        Ok(share
            .min(facts.shared_per_block_optin.into())
            .saturating_sub(a.static_shared))
    }
}

/// Dynamic shared memory that a launch may ask for: what the program asked for, or what every kernel may have.
pub(crate) fn dynamic_limit(facts: &Facts, settings: &FunctionSettings, static_shared: u64) -> u32 {
    settings.max_dynamic_shared.unwrap_or_else(|| {
        u32::try_from(u64::from(facts.shared_per_block).saturating_sub(static_shared)).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occupancy_is_bounded_by_each_resource() {
        let f = Facts::default();
        assert_eq!(blocks_per_multiprocessor(&f, 256, 16, 0), 4);
        assert_eq!(blocks_per_multiprocessor(&f, 32, 16, 0), 16);
        assert_eq!(blocks_per_multiprocessor(&f, 256, 128, 0), 2);
        assert_eq!(blocks_per_multiprocessor(&f, 64, 16, 20 << 10), 3);
        assert_eq!(blocks_per_multiprocessor(&f, 64, 16, 65 << 10), 0);
        assert_eq!(blocks_per_multiprocessor(&f, 1025, 16, 0), 0);
        assert_eq!(blocks_per_multiprocessor(&f, 1024, 255, 0), 1);
    }
}
