//! What CUDA means: modules, memory, streams, events, launches, errors.
