//! Locks. A thread that panicked while it held one has ended its call with an error; what it left is as good as before.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for a lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
