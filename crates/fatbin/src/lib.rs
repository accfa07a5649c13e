//! PTX out of CUDA executables and shared objects.
//!
//! `nvcc` puts one *fat binary container* per translation unit into a program. A container is a 16-byte header followed by
//! entries: PTX text or machine code, one per architecture, stored as they are or compressed with LZ4 or zstd. This crate
//! finds the containers (in a file, or in memory as `__cudaRegisterFatBinary` gets them) and hands out the PTX.
//! It never looks into machine code and never changes a character of the PTX.
//!
//! NVIDIA does not publish the container format. What is here was read off binaries that nvcc and fatbinary of CUDA 13
//! wrote (see `container.rs` for the layout) and agrees with what public parsers of the format say about CUDA 4 to 13.

mod compress;
mod container;
mod elf;
mod error;

pub use container::{Container, Image, Kind, container, container_at, registered_at};
pub use elf::{Dynamic, dynamic, executable, executable_bytes};
pub use error::Error;

/// One PTX text taken out of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PtxImage {
    /// Identifier in the entry, if any: usually the name of the source file.
    pub name: Option<String>,
    /// Architecture it was written for, as nvcc numbers them: 75 for `compute_75`.
    pub arch: u32,
    /// PTX ISA version, from the `.version` line of the text.
    pub version: (u32, u32),
    /// What follows `.target` in the text (`sm_75`, `sm_90a`).
    pub target: String,
    /// Options for the PTX assembler that the entry carries, if any.
    pub options: Option<String>,
    /// The text itself, byte for byte as nvcc wrote it.
    pub text: String,
    /// Which container of the file it came from, counted from 0.
    pub module: usize,
}

impl PtxImage {
    /// The file name that cuobjdump gives this image: `tensor.sm_75.ptx` when the entry has a name (`src/tensor.cu`),
    /// else `PROGRAM.N.sm_75.ptx`, where `number` counts the PTX images of the program from 1.
    pub fn file_name(&self, program: &str, number: usize) -> String {
        let target = if self.target.is_empty() {
            format!("sm_{}", self.arch)
        } else {
            self.target.clone()
        };
        let stem = self.name.as_deref().map(|name| {
            let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
            base.rsplit_once('.').map_or(base, |(stem, _)| stem)
        });
        match stem {
            Some(stem) if !stem.is_empty() => format!("{stem}.{target}.ptx"),
            _ => format!("{program}.{number}.{target}.ptx"),
        }
    }
}

/// The best PTX of each container that has any, in order. Containers with machine code only are passed over as long as
/// another one has PTX: nvcc writes such a container of its own for device linking.
///
/// # Errors
/// [`Error::MachineCodeOnly`] when no container holds PTX, and whatever [`Container::best_ptx`] reports of a broken entry.
pub fn best_ptx(containers: &[Container]) -> Result<Vec<PtxImage>, Error> {
    let mut images = Vec::new();
    let mut refusal = None;
    for container in containers {
        match container.best_ptx() {
            Ok(image) => images.push(image),
            Err(error @ Error::MachineCodeOnly { .. }) => refusal = refusal.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    match refusal {
        Some(error) if images.is_empty() => Err(error),
        _ => Ok(images),
    }
}
