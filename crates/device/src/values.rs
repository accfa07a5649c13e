//! Values with parts: clocks, caches, latencies.

use crate::options::count_of;

/// Clocks in MHz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocks {
    /// Multiprocessors.
    pub core: f64,
    /// Interconnect.
    pub interconnect: f64,
    /// L2 cache.
    pub l2: f64,
    /// Memory, its command clock.
    pub memory: f64,
}

/// Four positive clocks separated by colons.
pub(crate) fn clocks(value: &str) -> Option<Clocks> {
    let parts: Option<Vec<f64>> = value.split(':').map(|part| part.trim().parse().ok()).collect();
    match parts?[..] {
        [core, interconnect, l2, memory] => {
            let usable = [core, interconnect, l2, memory]
                .iter()
                .all(|clock| clock.is_finite() && *clock > 0.0);
            usable.then_some(Clocks {
                core,
                interconnect,
                l2,
                memory,
            })
        }
        _ => None,
    }
}

/// Geometry of a cache; the policies that follow stay text until performance simulation reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Number of sets.
    pub sets: u64,
    /// Line size in bytes.
    pub line: u64,
    /// Lines in each set.
    pub ways: u64,
    /// What follows the first comma.
    pub policies: String,
}

impl Cache {
    /// Reads `[S:|N:]SETS:LINE:WAYS,policies...`; `None` if `value` is not of that form.
    pub fn parse(value: &str) -> Option<Cache> {
        let (geometry, policies) = value.split_once(',')?;
        let geometry = geometry
            .strip_prefix("S:")
            .or(geometry.strip_prefix("N:"))
            .unwrap_or(geometry);
        let parts: Option<Vec<u64>> = geometry.split(':').map(count_of).collect();
        let groups = policies.split(',').count();
        match parts?[..] {
            [sets, line, ways] if sets > 0 && line > 0 && ways > 0 && groups >= 2 => {
                sets.checked_mul(line)?.checked_mul(ways)?;
                Some(Cache {
                    sets,
                    line,
                    ways,
                    policies: policies.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.sets * self.line * self.ways
    }
}

/// Cycles for each class of operation of one number type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationCycles {
    /// Addition and subtraction.
    pub add: u32,
    /// Maximum, minimum, comparison.
    pub max: u32,
    /// Multiplication.
    pub mul: u32,
    /// Multiplication with addition.
    pub mad: u32,
    /// Division.
    pub div: u32,
}

/// Cycles of every kind of operation: either latencies or initiation intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycles {
    /// Integers.
    pub int: OperationCycles,
    /// Single precision.
    pub fp: OperationCycles,
    /// Double precision.
    pub dp: OperationCycles,
    /// Variable precision (`.vf32`).
    pub vp: OperationCycles,
    /// Exchanges between the lanes of a warp.
    pub shuffle: u32,
    /// Special functions.
    pub sfu: u32,
    /// Tensor cores.
    pub tensor: u32,
}
