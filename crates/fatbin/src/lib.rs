//! PTX out of CUDA executables and shared objects.
