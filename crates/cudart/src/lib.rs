//! The C ABI of libcudart over the runtime.
