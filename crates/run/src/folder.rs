//! The folder of a run under `runs/`, named by the time it began.

use crate::cache;
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;

/// Where the files of one run lie; removed at the end when nothing is to be kept.
pub struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// `RUNS/STAMP-NAME`, a name that no other run has. Without `runs` a temporary one.
    pub fn create(runs: Option<&Path>, name: &str) -> Result<Folder, Error> {
        let parent = runs.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let parent = std::path::absolute(&parent).map_err(|e| Error::file("find", &parent, &e))?;
        cache::create(&parent)?;
        let stem = match runs {
            Some(_) => format!("{}-{name}", stamp(Timestamp::now())),
            None => format!("vernier-{}", std::process::id()),
        };
        for n in 0.. {
            let path = parent.join(if n == 0 {
                stem.clone()
            } else {
                format!("{stem}-{n}")
            });
            // What a program prints and computes is its user's, also in a folder that all may read.
            match cache::create_private(&path) {
                Ok(()) => {
                    return Ok(Folder {
                        path,
                        keep: runs.is_some(),
                    });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::file("create the folder", &path, &e)),
            }
        }
        unreachable!("the loop above has no end but return")
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it stays.
    pub fn is_kept(&self) -> bool {
        self.keep
    }

    /// A folder for the records of one stage.
    pub fn stage(&self, stage: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(stage);
        cache::create(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // A temporary folder that cannot be removed is the system's to clean.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// `20261123-175335`, UTC.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y%m%d-%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_utc_dates() {
        let at = |second: i64| stamp(Timestamp::from_second(second).unwrap());
        assert_eq!(at(0), "19700101-000000");
        assert_eq!(at(951_782_400), "20000229-000000");
        assert_eq!(at(1_795_456_415), "20261123-175335");
    }
}
