//! Our `libcudart.so`: where it lies, and the folder with its names for every CUDA version that is put first
//! in a program's library path.

use crate::cache;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

/// The names under which programs of CUDA 11, 12 and 13 (and older links) ask for the library.
pub const NAMES: [&str; 4] = [
    "libcudart.so",
    "libcudart.so.11.0",
    "libcudart.so.12",
    "libcudart.so.13",
];

/// Finds `libcudart.so` beside the running command. If it is missing there or not the one the command was
/// built with (`embedded`), it is written there, or into the cache when that folder is not writable.
pub fn place(embedded: &[u8]) -> Result<PathBuf, Error> {
    let exe = std::env::current_exe().map_err(|e| Error::file("find", "the vernier command", &e))?;
    let exe = exe.canonicalize().unwrap_or(exe);
    let beside = exe.with_file_name(NAMES[0]);
    if is(&beside, embedded) {
        return Ok(beside);
    }
    if write(&beside, embedded).is_ok() {
        return Ok(beside);
    }
    let folder = cache::folder()?.join("lib");
    cache::create(&folder)?;
    let path = folder.join(format!("libcudart-{}.so", env!("CARGO_PKG_VERSION")));
    if !is(&path, embedded) {
        write(&path, embedded).map_err(|e| Error::file("write", &path, &e))?;
    }
    Ok(path)
}

/// Whether the file holds exactly these bytes.
fn is(path: &Path, bytes: &[u8]) -> bool {
    fs::metadata(path).is_ok_and(|m| m.len() == bytes.len() as u64)
        && fs::read(path).is_ok_and(|b| b == bytes)
}

/// Writes beside and renames, so that a running program never sees half a library.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension(format!("part{}", std::process::id()));
    let done = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

/// A folder that holds nothing but [`NAMES`], links to `library`.
pub fn folder(library: &Path) -> Result<PathBuf, Error> {
    // One folder per library path: two builds of Vernier do not take each other's links away.
    let key = library
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let folder = cache::folder()?.join("links").join(format!("{key:016x}"));
    cache::create(&folder)?;
    for name in NAMES {
        let link = folder.join(name);
        if fs::read_link(&link).is_ok_and(|to| to == library) {
            continue;
        }
        let part = folder.join(format!("{name}.part{}", std::process::id()));
        std::os::unix::fs::symlink(library, &part)
            .and_then(|()| fs::rename(&part, &link))
            .map_err(|e| Error::file("create the link", &link, &e))?;
    }
    Ok(folder)
}
