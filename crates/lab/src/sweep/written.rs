//! Policies that a sweep or a search writes itself. Each is a file beside the store, named by its contents, so that
//! the command of a trial works as long as the store is there.

use run::cache;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

/// Folder of the policies that were written for trials of this store.
pub fn folder(store: &Path) -> PathBuf {
    store.parent().unwrap_or(Path::new("")).join("policies")
}

/// Writes a policy into a folder as `STEM-HASH.toml`, unless it is there, and gives its absolute path. What cannot
/// stand in a file's name becomes `_` in the stem.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn keep(folder: &Path, stem: &str, text: &str) -> Result<PathBuf, Error> {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    // Longest name of a file is 255 bytes.
    let stem: String = stem.chars().map(plain).take(200).collect();
    let folder = std::path::absolute(folder).map_err(|e| Error::file("find", folder, &e))?;
    cache::create(&folder)?;
    let path = folder.join(format!("{stem}-{}.toml", &cache::sha256_of_text(text)[..8]));
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(path);
    }
    // Another process may be at the same file: each writes its own and renames it.
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, text).map_err(|e| Error::file("write", &new, &e))?;
    fs::rename(&new, &path).map_err(|e| Error::file("write", &path, &e))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_policy_is_one_file_and_another_is_another() {
        let place = std::env::temp_dir().join(format!("vernier-written-{}", std::process::id()));
        let place = folder(&place.join("lab.db"));
        let one = keep(&place, "a b/c", "x = 1").unwrap();
        assert_eq!(keep(&place, "a b/c", "x = 1").unwrap(), one);
        let other = keep(&place, "a b/c", "x = 2").unwrap();
        assert_ne!(one, other);
        assert!(one.is_absolute() && one.file_name().unwrap().to_string_lossy().starts_with("a_b_c-"));
        assert_eq!(fs::read_to_string(&other).unwrap(), "x = 2");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 2);
        fs::remove_dir_all(place.parent().unwrap()).unwrap();
    }
}
