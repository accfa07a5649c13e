//! Containers out of ELF files: executables, shared objects, object files.

use crate::container::{Container, Reader};
use crate::error::Error;
use object::{Object, ObjectSection, ObjectSymbol};
use std::path::Path;

/// The sections that hold containers: those of whole programs, and those of relocatable device code (`nvcc -rdc=true`).
const SECTIONS: [&[u8]; 2] = [b".nv_fatbin", b"__nv_relfatbin"];

/// What a program calls before `main` to announce its kernels: undefined where the CUDA runtime is a shared library.
const REGISTER: &[u8] = b"__cudaRegisterFatBinary";

/// The containers of the program or library at `path`, in order; empty ones are left out.
///
/// # Errors
/// [`Error::Read`] when it cannot be read, else as [`executable_bytes`].
pub fn executable(path: &Path) -> Result<Vec<Container>, Error> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::Read {
        path: name.clone(),
        source,
    })?;
    executable_bytes(&name, &bytes)
}

/// The containers of an ELF file that is already in memory; `name` is what messages call it.
///
/// # Errors
/// [`Error::NotElf`], [`Error::NoFatbin`] when it is not a CUDA program, [`Error::StaticRuntime`] when the CUDA runtime is
/// linked into it, [`Error::Malformed`] or [`Error::Unsupported`] when a container cannot be read.
pub fn executable_bytes(name: &str, bytes: &[u8]) -> Result<Vec<Container>, Error> {
    let not_elf = |what: String| Error::NotElf {
        file: name.into(),
        what,
    };
    if !bytes.starts_with(b"\x7fELF") {
        let what = match bytes {
            [] => "it is empty".into(),
            [b'#', b'!', ..] => "it is a script".into(),
            _ => format!("it begins with {}", bytes[..bytes.len().min(8)].escape_ascii()),
        };
        return Err(not_elf(what));
    }
    let file = object::File::parse(bytes).map_err(|e| not_elf(e.to_string()))?;
    let mut containers: Vec<Container> = Vec::new();
    let mut found = false;
    for section in file.sections() {
        if !section.name_bytes().is_ok_and(|name| SECTIONS.contains(&name)) {
            continue;
        }
        found = true;
        let data = section
            .data()
            .map_err(|e| not_elf(format!("a fat binary section cannot be read ({e})")))?;
        let base = section.file_range().map_or(0, |(offset, _)| offset);
        section_containers(
            Reader {
                file: name,
                base,
                bytes: data,
            },
            &mut containers,
        )?;
    }
    if !found {
        return Err(Error::NoFatbin { file: name.into() });
    }
    if has_static_runtime(&file) {
        return Err(Error::StaticRuntime { file: name.into() });
    }
    Ok(containers)
}

/// Reads one container after another; zero bytes between them are padding.
fn section_containers(section: Reader, containers: &mut Vec<Container>) -> Result<(), Error> {
    let mut at = 0;
    while let Some(skip) = section.bytes[at..].iter().position(|&byte| byte != 0) {
        at += skip;
        let rest = Reader {
            base: section.base + at as u64,
            bytes: &section.bytes[at..],
            ..section
        };
        let mut container = rest.container()?;
        at += container.size;
        if !container.images().is_empty() {
            container.module = containers.len();
            containers.push(container);
        }
    }
    Ok(())
}

/// Whether the CUDA runtime is inside the file: what has fat binaries registers them, and the function that does so is
/// then not left to the dynamic linker. Object files are not linked yet.
fn has_static_runtime(file: &object::File) -> bool {
    let relocatable = file.kind() == object::ObjectKind::Relocatable;
    let left_open = file
        .dynamic_symbols()
        .any(|symbol| symbol.is_undefined() && symbol.name_bytes() == Ok(REGISTER));
    !relocatable && !left_open
}
