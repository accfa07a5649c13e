//! CUDA libraries beside the runtime: cuBLAS, cuDNN, the driver (libcuda) and their like need NVIDIA's driver and a GPU.
//! A program whose cublasCreate fails often goes on with what it has, and prints a wrong result. So a library of these
//! that the program loads, or tries to, is named once, and the command lets the run fail, unless
//! VERNIER_ALLOW_LIBRARIES says otherwise.

use crate::recorder::Recorder;
use crate::say;
use crate::sync::lock;
use record::run::Library;
use record::variables::ALLOW_LIBRARIES;
use record::{Environment, Event};
use std::collections::BTreeSet;
use std::ffi::{CStr, c_int, c_void};
use std::sync::Mutex;

/// Names without what follows (`.so.13`).
const LIBRARIES: [&str; 22] = [
    "libcublas",
    "libcublasLt",
    "libcuda",
    "libcudart",
    "libcudadevrt",
    "libcudss",
    "libcufft",
    "libcufftw",
    "libcufile",
    "libcurand",
    "libcusolver",
    "libcusolverMg",
    "libcusparse",
    "libcusparseLt",
    "libcutensor",
    "libnccl",
    "libnvJitLink",
    "libnvblas",
    "libnvcuvid",
    "libnvjpeg",
    "libnvrtc",
    "libnvvm",
];

/// Families whose members have names that go on.
const FAMILIES: [&str; 4] = ["libcudnn", "libcutensor", "libnpp", "libnvinfer"];

/// The file name of a CUDA library, and the name that stands for all its versions.
fn cuda_library(path: &str) -> Option<(&str, &str)> {
    let file = path.rsplit('/').next()?;
    let (stem, version) = file.split_once(".so")?;
    if !version.is_empty() && !version.starts_with('.') {
        return None;
    }
    // Python wheels add a hash: libcublas-01234567.so.11.
    let stem = stem.split('-').next()?;
    let known = LIBRARIES.contains(&stem) || FAMILIES.iter().any(|f| stem.starts_with(f));
    known.then_some((file, stem))
}

/// Whether VERNIER_ALLOW_LIBRARIES lets a library pass.
fn is_allowed(allowed: Option<&str>, file: &str, stem: &str) -> bool {
    let mut all = allowed.unwrap_or_default().split(',').map(str::trim);
    all.any(|word| matches!(word, "all" | "1") || word == stem || word == file)
}

/// What was named already.
#[derive(Default)]
pub(crate) struct Libraries(Mutex<BTreeSet<String>>);

/// Who is told, and what may pass.
pub(crate) struct Process<'a> {
    pub(crate) recorder: &'a Recorder,
    pub(crate) environment: &'a Environment,
}

impl Libraries {
    /// The program loads a library, or tries to.
    pub(crate) fn asked(&self, process: &Process<'_>, path: &str) {
        if let Some((file, stem)) = cuda_library(path)
            // Most names of the runtime are this very library's.
            && stem != "libcudart"
        {
            self.name(process, file, stem);
        }
    }

    fn name(&self, process: &Process<'_>, file: &str, stem: &str) {
        let mut named = lock(&self.0);
        if !named.insert(stem.to_owned()) {
            return;
        }
        drop(named);
        let names = process.environment.text(ALLOW_LIBRARIES.name());
        let allowed = is_allowed(names.as_deref(), file, stem);
        process.recorder.event(&Event::Library(Library {
            name: file.into(),
            allowed,
        }));
        if allowed {
            say::verbose(&format!(
                "the program loads {file}, as VERNIER_ALLOW_LIBRARIES says it may"
            ));
            return;
        }
        let what = match stem {
            "libcudart" => "a second CUDA runtime: launches that go there never reach Vernier",
            _ => {
                "a CUDA library that Vernier does not have: it needs NVIDIA's driver and a GPU, and fails here"
            }
        };
        say::error(&format!(
            "error: the program loads {file}, {what}. What the program makes of that means nothing\n   \
             = VERNIER_ALLOW_LIBRARIES={stem} lets the run pass nevertheless (several with commas, or `all`)"
        ));
    }

    /// Looks at what is loaded now.
    pub(crate) fn look(&self, process: &Process<'_>) {
        let mut found: Vec<String> = Vec::new();
        // SAFETY: the callback reads the loader's descriptions and pushes to `found`.
        unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut found).cast()) };
        for path in &found {
            if let Some((file, stem)) = cuda_library(path) {
                self.name(process, file, stem);
            }
        }
    }
}

/// Takes the path of one loaded object, unless this code itself is in it.
unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, found: *mut c_void) -> c_int {
    // SAFETY: the loader passes a valid description, whose name ends with NUL.
    unsafe {
        let info = &*info;
        if info.dlpi_name.is_null() || info.dlpi_phdr.is_null() {
            return 0;
        }
        let here = look as *const () as u64;
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        let is_ours = headers.iter().any(|h| {
            let start = info.dlpi_addr.wrapping_add(h.p_vaddr);
            h.p_type == libc::PT_LOAD && (start..start.wrapping_add(h.p_memsz)).contains(&here)
        });
        if !is_ours && let Ok(name) = CStr::from_ptr(info.dlpi_name).to_str() {
            (*found.cast::<Vec<String>>()).push(name.to_owned());
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_their_names() {
        for (path, stem) in [
            ("libcublas.so.13", "libcublas"),
            ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "libcuda"),
            ("libcudnn_ops_infer.so.8", "libcudnn_ops_infer"),
            ("/opt/torch/lib/libcublas-01234567.so.11.11.3.6", "libcublas"),
            ("libnppc.so", "libnppc"),
        ] {
            assert_eq!(cuda_library(path).map(|(_, stem)| stem), Some(stem), "{path}");
        }
        for path in [
            "libc.so.6",
            "libcudaish.so",
            "",
            "libcublas",
            "libcuda.so.1/x",
            "libcuda.something.so",
            "libcublas.sox",
        ] {
            assert_eq!(cuda_library(path), None, "{path}");
        }
    }

    #[test]
    fn libraries_pass_when_named() {
        let allowed = |text| is_allowed(text, "libcublas.so.13", "libcublas");
        assert!(!allowed(None) && !allowed(Some("libcuda, libcublasLt")));
        assert!(
            allowed(Some("all")) && allowed(Some("libcuda, libcublas")) && allowed(Some("libcublas.so.13"))
        );
    }
}
