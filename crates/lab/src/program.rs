//! A deep-learning program: a folder with a Makefile and, perhaps, a `vernier.toml`.

use crate::error::Error;
use crate::settings::Settings;
use crate::suggest;
use std::fs;
use std::path::{Path, PathBuf};

/// A program that was found.
#[derive(Clone, Debug)]
pub struct Program {
    /// The folder's name.
    pub name: String,
    /// The folder, absolute.
    pub folder: PathBuf,
    /// What its `vernier.toml` says.
    pub settings: Settings,
}

/// The variable that names a folder of programs.
pub const PROGRAMS_VARIABLE: &str = "VERNIER_PROGRAMS";

/// Folders in which program names are looked up: `$VERNIER_PROGRAMS`, then `programs/` of the current folder
/// and of the folders above it.
fn shelves() -> Result<Vec<PathBuf>, Error> {
    let here = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
    let set = std::env::var_os(PROGRAMS_VARIABLE)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from);
    Ok(set
        .into_iter()
        .chain(here.ancestors().map(|f| f.join("programs")))
        .filter(|f| f.is_dir())
        .collect())
}

impl Program {
    /// Finds a program by its name or its folder.
    pub fn find(name: &str) -> Result<Program, Error> {
        let shelves = shelves()?;
        let named = shelves.iter().map(|s| s.join(name)).find(|f| f.is_dir());
        let folder = match named.filter(|_| !name.contains('/') && name != "." && name != "..") {
            Some(folder) => folder,
            None if Path::new(name).is_dir() => name.into(),
            None => return Err(missing(name, &shelves)),
        };
        let folder = folder
            .canonicalize()
            .map_err(|e| Error::file("open", &folder, &e))?;
        let name = folder
            .file_name()
            .map_or_else(|| name.to_string(), |n| n.to_string_lossy().into_owned());
        let settings = Settings::read(&folder)?;
        Ok(Program {
            name,
            folder,
            settings,
        })
    }

    /// The binary that `make` leaves.
    pub fn binary(&self, settings: &Settings) -> PathBuf {
        self.folder
            .join(settings.program.as_deref().unwrap_or(&self.name))
    }

    /// An error unless `make` would find a makefile.
    pub fn check_makefile(&self) -> Result<(), Error> {
        if ["GNUmakefile", "makefile", "Makefile"]
            .iter()
            .any(|m| self.folder.join(m).is_file())
        {
            return Ok(());
        }
        Err(Error::failed(
            format!(
                "{} has no Makefile, so the stage build cannot be done",
                self.folder.display()
            ),
            "a program builds with plain `make`; write one, or leave build out: --stage test",
        ))
    }
}

fn missing(name: &str, shelves: &[PathBuf]) -> Error {
    let mut known: Vec<String> = Vec::new();
    for shelf in shelves {
        for entry in fs::read_dir(shelf).into_iter().flatten().flatten() {
            let is_program =
                entry.path().join("Makefile").is_file() && entry.path().join(crate::settings::FILE).is_file();
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_program && !known.contains(&name) {
                known.push(name);
            }
        }
    }
    known.sort();
    let advice = if known.is_empty() {
        format!(
            "give the program's folder, run from a folder with programs/, or set {PROGRAMS_VARIABLE} to the folder of programs"
        )
    } else {
        suggest::advice(name, known.iter().map(String::as_str))
    };
    let looked: Vec<String> = shelves.iter().map(|s| s.display().to_string()).collect();
    let looked = if looked.is_empty() {
        String::new()
    } else {
        format!(" (looked in {})", looked.join(", "))
    };
    Error::failed(format!("there is no program `{name}`{looked}"), advice)
}
