//! Which CUDA version the program was built with: a few structures and numbers differ. The program says so by
//! the name of the library it needs (libcudart.so.11.0, .12, .13).

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

/// The major version of CUDA a program was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CudaVersion {
    /// CUDA 11.x.
    V11,
    /// CUDA 12.x.
    V12,
    /// CUDA 13.x.
    V13,
}

impl CudaVersion {
    /// What cudaRuntimeGetVersion answers: 1000 * major + 10 * minor of the last release of that major.
    pub fn runtime_version(self) -> i32 {
        match self {
            CudaVersion::V11 => 11080,
            CudaVersion::V12 => 12090,
            CudaVersion::V13 => 13030,
        }
    }
    /// 11, 12 or 13.
    pub fn major(self) -> u32 {
        self.runtime_version() as u32 / 1000
    }

    /// The version of the running program: of the first loaded object (the program itself comes first) that
    /// names a versioned libcudart. CUDA 13 when none does.
    pub fn of_program() -> CudaVersion {
        static VERSION: OnceLock<CudaVersion> = OnceLock::new();
        *VERSION.get_or_init(|| {
            let mut found: Option<CudaVersion> = None;
            // SAFETY: the callback only reads the loaded objects' own tables and writes `found`.
            unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut found).cast()) };
            found.unwrap_or(CudaVersion::V13)
        })
    }

    fn of_library(name: &str) -> Option<CudaVersion> {
        let version = name.strip_prefix("libcudart.so.")?;
        match version.split('.').next()? {
            "11" => Some(CudaVersion::V11),
            "12" => Some(CudaVersion::V12),
            "13" => Some(CudaVersion::V13),
            _ => None,
        }
    }
}

const DT_NULL: i64 = 0;
const DT_NEEDED: i64 = 1;
const DT_STRTAB: i64 = 5;

/// Looks for a needed libcudart in one object; stops at the first.
unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, found: *mut c_void) -> c_int {
    // SAFETY: the loader passes a valid description; dynamic sections end with DT_NULL, names with NUL.
    unsafe {
        let info = &*info;
        if info.dlpi_phdr.is_null() {
            return 0;
        }
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        let Some(dynamic) = headers.iter().find(|h| h.p_type == libc::PT_DYNAMIC) else {
            return 0;
        };
        let first = (info.dlpi_addr + dynamic.p_vaddr) as *const [i64; 2];
        let entries = || (0..).map(|i| *first.add(i)).take_while(|e| e[0] != DT_NULL);
        let Some(strings) = entries().find(|e| e[0] == DT_STRTAB).map(|e| e[1] as u64) else {
            return 0;
        };
        // glibc stores the address; others (and the vDSO) leave the offset.
        let strings = if strings < info.dlpi_addr {
            strings + info.dlpi_addr
        } else {
            strings
        };
        for entry in entries().filter(|e| e[0] == DT_NEEDED) {
            let name = CStr::from_ptr((strings + entry[1] as u64) as *const std::ffi::c_char);
            if let Some(version) = name.to_str().ok().and_then(CudaVersion::of_library) {
                *found.cast::<Option<CudaVersion>>() = Some(version);
                return 1;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries() {
        assert_eq!(
            CudaVersion::of_library("libcudart.so.11.0"),
            Some(CudaVersion::V11)
        );
        assert_eq!(CudaVersion::of_library("libcudart.so.12"), Some(CudaVersion::V12));
        assert_eq!(CudaVersion::of_library("libcudart.so.13"), Some(CudaVersion::V13));
        assert_eq!(CudaVersion::of_library("libcudart.so"), None);
        assert_eq!(CudaVersion::of_library("libc.so.6"), None);
        assert_eq!(CudaVersion::of_program(), CudaVersion::V13);
    }
}
