//! Vernier's cache folder: where it is, how two processes keep out of each other's way, and how a thing
//! gets into it whole or not at all.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tell::Error;

/// `$VERNIER_CACHE`, else `$XDG_CACHE_HOME/vernier`, else `~/.cache/vernier`.
pub fn folder() -> Result<PathBuf, Error> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let folder = set(record::variables::CACHE.name())
        .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("vernier")))
        .or_else(|| set("HOME").map(|d| d.join(".cache").join("vernier")))
        .ok_or_else(|| {
            Error::failed(
                "no cache folder: HOME is not set",
                "set VERNIER_CACHE to a folder",
            )
        })?;
    std::path::absolute(&folder).map_err(|e| Error::file("find", &folder, &e))
}

/// Creates a folder and its parents.
pub fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|e| Error::file("create the folder", folder, &e))
}

/// Creates a folder that nobody else may look into; the one above it must be there, the folder itself must not.
pub fn create_private(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(folder)
}

/// Creates a file that nobody else may read, or empties it.
pub fn create_private_file(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// Held while something is put into the cache; freed when dropped, also when the process is killed.
pub struct Lock(
    #[allow(dead_code)] // is only held
    File,
);

/// Waits until no other process installs `name`.
pub fn lock(name: &str) -> Result<Lock, Error> {
    let folder = folder()?;
    create(&folder)?;
    let path = folder.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(|e| Error::file("create", &path, &e))?;
    file.lock().map_err(|e| Error::file("lock", &path, &e))?;
    Ok(Lock(file))
}

/// A folder that becomes `target` when it is complete, and vanishes otherwise.
pub struct Draft {
    path: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// An empty folder beside `target`. Call with the lock of `target` held: what a killed process left
    /// behind is removed first.
    pub fn new(target: &Path) -> Result<Draft, Error> {
        let mut name = target.file_name().unwrap_or_default().to_os_string();
        name.push(".part");
        let path = target.with_file_name(name);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|e| Error::file("remove", &path, &e))?;
        }
        create(&path)?;
        Ok(Draft {
            path,
            target: target.into(),
        })
    }

    /// Where to put things.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the folder in its place, instead of what may be there.
    pub fn finish(self) -> Result<(), Error> {
        if self.target.exists() {
            fs::remove_dir_all(&self.target).map_err(|e| Error::file("remove", &self.target, &e))?;
        }
        fs::rename(&self.path, &self.target).map_err(|e| Error::file("create", &self.target, &e))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After `finish` there is nothing left to remove; a leftover is removed by the next `new`.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|e| Error::file("read", path, &e))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file
            .read(&mut buffer)
            .map_err(|e| Error::file("read", path, &e))?
        {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// The SHA-256 of a text, in hexadecimal.
pub fn sha256_of_text(text: &str) -> String {
    Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes in a folder and all below it; what cannot be read counts nothing.
pub fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => size(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_appears_whole_or_not_at_all() {
        let dir = std::env::temp_dir().join(format!("vernier-draft-{}", std::process::id()));
        let target = dir.join("thing");
        let draft = Draft::new(&target).unwrap();
        fs::write(draft.path().join("a"), "abc").unwrap();
        drop(draft);
        assert!(!target.exists() && !dir.join("thing.part").exists());
        let draft = Draft::new(&target).unwrap();
        fs::write(draft.path().join("a"), "abc").unwrap();
        draft.finish().unwrap();
        assert_eq!(size(&target), 3);
        let hash = sha256(&target.join("a")).unwrap();
        assert_eq!(
            hash,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        fs::remove_dir_all(&dir).unwrap();
    }
}
