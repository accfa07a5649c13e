//! Containers out of ELF files: executables, shared objects, object files.

use crate::container::{Container, Reader};
use crate::error::Error;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
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
    if has_static_runtime(&file, bytes) {
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

/// Whether the CUDA runtime is inside the file. What needs the shared one has it outside, with kernels or without. Else
/// what has fat binaries registers them, and the function that does so is not left to the dynamic linker. Object files
/// are not linked yet.
fn has_static_runtime(file: &object::File, bytes: &[u8]) -> bool {
    let relocatable = file.kind() == object::ObjectKind::Relocatable;
    let needed = dynamic_of(bytes).is_some_and(|d| d.cudart().is_some());
    let left_open = || {
        file.dynamic_symbols()
            .any(|symbol| symbol.is_undefined() && symbol.name_bytes() == Ok(REGISTER))
    };
    !relocatable && !needed && !left_open()
}

/// What an executable or shared library asks of the dynamic loader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// The loader itself; none in shared libraries and in what is statically linked.
    pub interpreter: Option<String>,
    /// The libraries it needs, as it names them.
    pub needed: Vec<String>,
    /// DT_RPATH: folders searched before LD_LIBRARY_PATH, unless there is a DT_RUNPATH.
    pub rpath: Option<String>,
    /// DT_RUNPATH: folders searched after LD_LIBRARY_PATH.
    pub runpath: Option<String>,
}

impl Dynamic {
    /// The shared CUDA runtime that it needs, as it names it.
    pub fn cudart(&self) -> Option<&str> {
        let base = |n: &str| {
            n.rsplit('/')
                .next()
                .unwrap_or_default()
                .starts_with("libcudart.so")
        };
        self.needed.iter().map(String::as_str).find(|n| base(n))
    }
}

/// What the program or library at `path` asks of the dynamic loader; `None` when it cannot be read or is no 64-bit
/// little-endian ELF file.
pub fn dynamic(path: &Path) -> Option<Dynamic> {
    dynamic_of(&std::fs::read(path).ok()?)
}

fn dynamic_of(bytes: &[u8]) -> Option<Dynamic> {
    let endian = object::LittleEndian;
    let header = elf::FileHeader64::<object::LittleEndian>::parse(bytes).ok()?;
    let segments = header.program_headers(endian, bytes).ok()?;
    let mut dynamic = Dynamic::default();
    for segment in segments {
        if let Ok(Some(interpreter)) = segment.interpreter(endian, bytes) {
            dynamic.interpreter = Some(String::from_utf8_lossy(interpreter).into_owned());
        }
    }
    let entries = segments
        .iter()
        .find_map(|s| s.dynamic(endian, bytes).ok().flatten())
        .unwrap_or_default();
    let entries = || {
        let all = entries.iter().map(|e| (e.d_tag(endian), e.d_val(endian)));
        all.take_while(|(tag, _)| *tag != elf::DT_NULL)
    };
    let value = |wanted| entries().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
    let table = value(elf::DT_STRTAB).zip(value(elf::DT_STRSZ));
    let table = table.and_then(|(at, size)| {
        let part = |s: &elf::ProgramHeader64<_>| s.data_range(endian, bytes, at, size).ok()?;
        segments.iter().find_map(part)
    });
    let text = |at: u64| {
        let rest = table?.get(usize::try_from(at).ok()?..)?;
        let end = rest.iter().position(|b| *b == 0)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    let named = |wanted| {
        let of_tag = entries().filter(move |(tag, _)| *tag == wanted);
        of_tag.filter_map(|(_, at)| text(at)).collect::<Vec<_>>()
    };
    dynamic.needed = named(elf::DT_NEEDED);
    dynamic.rpath = named(elf::DT_RPATH).pop();
    dynamic.runpath = named(elf::DT_RUNPATH).pop();
    Some(dynamic)
}
