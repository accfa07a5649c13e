//! Lowers a PTX kernel to warp code and executes it.
