//! Blocks on a multiprocessor: how many fit, their warps and barriers.

use crate::Error;
use crate::config::CoreSpec;
use crate::feed::Feed;
use crate::reader::WARP;

/// What a block needs.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Threads.
    pub threads: u32,
    /// Registers of a thread.
    pub registers: u32,
    /// Shared memory, bytes.
    pub shared: u64,
}

/// Blocks that a multiprocessor holds at a time, of a launch of `blocks` blocks on `cores` multiprocessors. Registers are
/// rounded up to four for each thread, nothing else is rounded.
///
/// # Errors
/// Not even one fits.
pub fn occupancy(kernel: &str, spec: &CoreSpec, needs: Needs, blocks: u64, cores: u32) -> Result<u32, Error> {
    let threads = needs.threads.next_multiple_of(WARP);
    let registers = threads * needs.registers.next_multiple_of(4);
    let by_shared = match needs.shared {
        0 => u64::MAX,
        shared => spec.shared / shared,
    };
    let most = u64::from(spec.warps * WARP / threads)
        .min(by_shared)
        .min(u64::from(
            spec.registers.checked_div(registers).unwrap_or(u32::MAX),
        ))
        .min(spec.ctas.into());
    // A grid that does not fill the machine is spread over all multiprocessors.
    let most = most.min(blocks.div_ceil(cores.into()));
    match most {
        0 if spec.ignore_limits => Ok(1),
        0 => Err(Error::Kernel {
            kernel: kernel.into(),
            what: format!(
                "a block needs {threads} threads, {registers} registers and {} bytes of shared memory; a multiprocessor has {}, {} and {} \
                 (-gpgpu_ignore_resources_limitation 1 lets it run alone)",
                needs.shared,
                spec.warps * WARP,
                spec.registers,
                spec.shared
            ),
        }),
        n => Ok(n as u32),
    }
}

impl CoreSpec {
    /// Ways of the adaptive L1 while blocks use `shared` bytes of shared memory; none: as configured. With a unified size it
    /// gets what the smallest fitting step of `-gpgpu_shmem_option` leaves of it; else, as in GPGPU-Sim 4.0, its part of four
    /// times its configured size.
    ///
    /// # Errors
    /// No step fits.
    pub fn adaptive_ways(&self, kernel: &str, ways: u32, shared: u64) -> Result<Option<u32>, Error> {
        let most = u64::from(ways * crate::cachespec::MULTIPLIER);
        let Some((unified, times, steps)) = &self.unified else {
            if shared >= self.shared {
                return Ok(None);
            }
            let sixteenths = match shared {
                0 => 16,
                1..=0x2000 => 15,
                0x2001..=0x4000 => 14,
                0x4001..=0x8000 => 12,
                0x8001..=0x1_0000 => 8,
                _ => 4,
            };
            return Ok(Some((most * sixteenths / 16) as u32));
        };
        match steps.iter().find(|s| **s >= shared) {
            // A cache of no ways would be none: one is left.
            Some(step) => Ok(Some(
                (u64::from(ways) * times * (unified - step) / unified).max(1) as u32,
            )),
            None => Err(Error::Kernel {
                kernel: kernel.into(),
                what: format!(
                    "its blocks use {shared} bytes of shared memory, and no step of -gpgpu_shmem_option is as large"
                ),
            }),
        }
    }
}

/// A block on a multiprocessor.
pub struct Cta<'s> {
    /// Its number in the launch.
    pub number: u64,
    /// What it does.
    pub feed: Feed<'s>,
    /// Its first warp.
    pub first: u8,
    /// Its warps, as bits.
    pub warps: u64,
    /// Those that have not ended.
    pub active: u64,
    /// Those that still hold their place.
    pub resident: u64,
    /// By barrier: warps that have come.
    barriers: [u64; 16],
}

impl<'s> Cta<'s> {
    /// A block whose warps begin at `first`.
    pub fn new(number: u64, feed: Feed<'s>, first: u8) -> Cta<'s> {
        let n = feed.warps() as u32;
        let ones = if n >= 64 { u64::MAX } else { (1 << n) - 1 };
        let warps = ones << first;
        Cta {
            number,
            feed,
            first,
            warps,
            active: warps,
            resident: warps,
            barriers: [0; 16],
        }
    }

    /// A warp comes to a barrier; the warps that may go on now.
    pub fn arrive(&mut self, barrier: u8, warp: u8, threads: Option<u32>) -> u64 {
        let at = &mut self.barriers[barrier as usize & 15];
        *at |= 1 << warp;
        let complete = match threads {
            None => *at & self.active == self.active,
            Some(n) => at.count_ones() * WARP >= n,
        };
        if complete { std::mem::take(at) } else { 0 }
    }

    /// A warp ends; the warps that may go on because it need not be waited for.
    pub fn end(&mut self, warp: u8) -> u64 {
        self.active &= !(1 << warp);
        let mut released = 0;
        for at in self.barriers.iter_mut().filter(|at| **at != 0) {
            if *at & self.active == self.active {
                released |= std::mem::take(at);
            }
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adaptive_cache_takes_what_shared_memory_leaves() {
        let device =
            device::Device::parse("f", include_str!("../tests/machine/volta.config")).expect("a device");
        let mut spec = crate::Config::new(&device).expect("a machine").core;
        let kib = |spec: &CoreSpec, shared: u64| {
            let ways = spec.adaptive_ways("k", 256, shared).expect("a size");
            ways.unwrap_or(256) * 128 / 1024
        };
        let sizes = [0u64, 1, 8 << 10, 9 << 10, 32 << 10, 48 << 10, 64 << 10, 96 << 10];
        assert_eq!(sizes.map(|s| kib(&spec, s)), [128, 120, 120, 112, 96, 64, 64, 32]);
        // 128 KiB in steps: 4 times the 32 KiB that are configured.
        spec.unified = Some((128 << 10, 4, vec![0, 32 << 10, 64 << 10]));
        assert_eq!(
            [0, 1, 32 << 10, 33 << 10].map(|s| kib(&spec, s)),
            [128, 96, 96, 64]
        );
        assert!(spec.adaptive_ways("k", 256, 65 << 10).is_err());
    }
}
