//! The folder of a run under `runs/`, named by the time it began.

use crate::cache;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
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
            Some(_) => format!("{}-{name}", stamp(SystemTime::now())),
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
pub fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()) as i64;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to date in the proleptic Gregorian calendar, with years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}{month:02}{day:02}-{hour:02}{minute:02}{:02}",
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn stamps_are_utc_dates() {
        assert_eq!(stamp(UNIX_EPOCH), "19700101-000000");
        assert_eq!(
            stamp(UNIX_EPOCH + Duration::from_secs(951_782_400)),
            "20000229-000000"
        );
        assert_eq!(
            stamp(UNIX_EPOCH + Duration::from_secs(1_795_456_415)),
            "20261123-175335"
        );
    }
}
