//! What can be wrong with a program that should hold PTX. Each message says what is wrong, where, and what to do.

/// Why no PTX could be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read at all.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is no ELF file, or a broken one.
    #[error("{file} is not an executable or shared object (ELF): {what}; give the binary that nvcc linked")]
    NotElf {
        /// The file.
        file: String,
        /// What was found instead.
        what: String,
    },
    /// An ELF file without a fat binary section.
    #[error(
        "{file} is not a CUDA program: it has no section `.nv_fatbin`; \
         if its kernels lie in a shared library, give that library instead"
    )]
    NoFatbin {
        /// The file.
        file: String,
    },
    /// The CUDA runtime is inside the program, so no other one can take its place.
    #[error(
        "{file} has the CUDA runtime linked into it (nvcc's default), so Vernier's cannot take its place; \
         link it again with `nvcc --cudart shared`"
    )]
    StaticRuntime {
        /// The file.
        file: String,
    },
    /// A container holds nothing that is PTX.
    #[error(
        "{file}: the fat binary at offset {offset:#x} holds no PTX{found}; \
         compile with `nvcc -gencode arch=compute_75,code=compute_75`"
    )]
    MachineCodeOnly {
        /// The file.
        file: String,
        /// Where in the file the container begins, in bytes.
        offset: u64,
        /// What it holds instead, as words to append (`, only machine code for sm_75`); may be empty.
        found: String,
    },
    /// The bytes contradict the format.
    #[error("{file}: damaged fat binary at offset {offset:#x}: {what}; build the program again")]
    Malformed {
        /// The file.
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// An entry that would unpack to more than is accepted.
    #[error("{file}: fat binary at offset {offset:#x}: {what}")]
    TooLarge {
        /// The file.
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// How large, what is accepted, and how to accept more.
        what: String,
    },
    /// A fat binary of a kind that this crate does not know.
    #[error(
        "{file}: fat binary at offset {offset:#x}: {what}; compile with `nvcc --no-compress` or another toolkit version"
    )]
    Unsupported {
        /// The file.
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// What is not known.
        what: String,
    },
}
