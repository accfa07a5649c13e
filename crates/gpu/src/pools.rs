//! Memory pools: objects with attributes that are kept and answered. Every pool takes from the same memory, and
//! a freed range is free at once.

use crate::error::Error;
use crate::sync::lock;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

/// The pool that the device begins with.
pub const DEFAULT_POOL: usize = 0x100;

/// Attributes of a pool (cudaMemPoolAttr): 1 to 3 are switches that are on, 4 the release threshold, 5 to 8
/// bytes reserved and used.
const ATTRIBUTES: std::ops::RangeInclusive<u32> = 1..=8;

/// From here on: reserved bytes, their highest number, used bytes, their highest number.
const FIRST_COUNTER: u32 = 5;

/// All pools of the process.
pub struct Pools(Mutex<State>);

struct State {
    made: usize,
    current: usize,
    pools: HashMap<usize, BTreeMap<u32, u64>>,
}

impl Default for Pools {
    fn default() -> Pools {
        let pools = HashMap::from([(DEFAULT_POOL, BTreeMap::new())]);
        Pools(Mutex::new(State {
            made: DEFAULT_POOL,
            current: DEFAULT_POOL,
            pools,
        }))
    }
}

fn invalid(pool: usize) -> Error {
    Error::value(format!("{pool:#x} is not a live memory pool"))
}

impl Pools {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Makes a pool.
    pub fn create(&self) -> usize {
        let mut state = self.state();
        state.made += 0x100;
        let handle = state.made;
        state.pools.insert(handle, BTreeMap::new());
        handle
    }

    /// Ends a pool.
    ///
    /// # Errors
    /// Not a live pool, or the default one.
    pub fn destroy(&self, pool: usize) -> Result<(), Error> {
        let mut state = self.state();
        if pool == DEFAULT_POOL || state.pools.remove(&pool).is_none() {
            return Err(invalid(pool));
        }
        if state.current == pool {
            state.current = DEFAULT_POOL;
        }
        Ok(())
    }

    /// Checks that a handle is a live pool.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, pool: usize) -> Result<(), Error> {
        self.state()
            .pools
            .contains_key(&pool)
            .then_some(())
            .ok_or_else(|| invalid(pool))
    }

    /// The pool that cudaMallocAsync takes from.
    pub fn current(&self) -> usize {
        self.state().current
    }

    /// Sets the pool that cudaMallocAsync takes from.
    ///
    /// # Errors
    /// Not a live pool.
    pub fn set_current(&self, pool: usize) -> Result<(), Error> {
        self.check(pool)?;
        self.state().current = pool;
        Ok(())
    }

    /// Keeps an attribute.
    ///
    /// # Errors
    /// Not a live pool, or not an attribute.
    pub fn set_attribute(&self, pool: usize, attribute: u32, value: u64) -> Result<(), Error> {
        let mut state = self.state();
        let attributes = state.pools.get_mut(&pool).ok_or_else(|| invalid(pool))?;
        if !ATTRIBUTES.contains(&attribute) {
            return Err(Error::value(format!(
                "memory pool attribute {attribute} is not known"
            )));
        }
        if attribute >= FIRST_COUNTER && (attribute % 2 == 1 || value != 0) {
            return Err(Error::value(format!(
                "memory pool attribute {attribute} cannot be set to {value}: high water marks can be set to 0, bytes in use \
                 not at all"
            )));
        }
        attributes.insert(attribute, value);
        Ok(())
    }

    /// Answers an attribute; bytes in use, `used`, are those of the whole device.
    ///
    /// # Errors
    /// Not a live pool, or not an attribute.
    pub fn attribute(&self, pool: usize, attribute: u32, used: u64) -> Result<u64, Error> {
        let state = self.state();
        let attributes = state.pools.get(&pool).ok_or_else(|| invalid(pool))?;
        match attribute {
            1..=4 => Ok(attributes
                .get(&attribute)
                .copied()
                .unwrap_or(u64::from(attribute < 4))),
            5..=8 => Ok(used),
            _ => Err(Error::value(format!(
                "memory pool attribute {attribute} is not known"
            ))),
        }
    }
}
