//! A deep-learning program: a folder with a Makefile and, perhaps, a `vernier.toml`.

use crate::child;
use crate::settings::Settings;
use std::fs;
use std::path::{Path, PathBuf};
use tell::Error;
use tell::suggest;

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
const PROGRAMS_VARIABLE: &str = record::variables::PROGRAMS.name();

/// Folders in which program names are looked up: `$VERNIER_PROGRAMS`, then `programs/` of the current folder
/// and of the folders above it.
fn shelves(here: &Path) -> Vec<PathBuf> {
    let set = std::env::var_os(PROGRAMS_VARIABLE)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from);
    set.into_iter()
        .chain(here.ancestors().map(|f| f.join("programs")))
        .filter(|f| f.is_dir())
        .collect()
}

fn here() -> Result<PathBuf, Error> {
    std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))
}

fn is_path(text: &str) -> bool {
    text.contains('/') || text == "." || text == ".."
}

/// The folder of a program on a shelf that is seen from `from`.
fn shelved(name: &str, from: &Path) -> Option<PathBuf> {
    let mut folders = shelves(from).into_iter().map(|s| s.join(name));
    folders.find(|f| f.is_dir())
}

/// A program as a file in `folder` names it: a path is relative to that folder, a name is looked up from there. What the
/// command line would find by the same name keeps it.
pub fn named_in(text: &str, folder: &Path) -> String {
    let plain = folder.join(text);
    if is_path(text) {
        let whole = plain.canonicalize().unwrap_or(plain);
        return whole.to_string_lossy().into_owned();
    }
    let Ok(here) = here() else {
        return text.into();
    };
    let is_program = MAKEFILES
        .iter()
        .chain([&crate::settings::FILE])
        .any(|f| plain.join(f).is_file());
    let there = is_program.then_some(plain).or_else(|| shelved(text, folder));
    let from_here = shelved(text, &here).unwrap_or_else(|| here.join(text));
    match there {
        Some(there) if there.canonicalize().ok() != from_here.canonicalize().ok() => {
            there.to_string_lossy().into_owned()
        }
        _ => text.into(),
    }
}

/// What `make` reads.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

impl Program {
    /// Finds a program by its name or its folder.
    pub fn find(name: &str) -> Result<Program, Error> {
        let folder = Program::folder(name)?;
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

    /// The folder that a program's name or folder means, absolute.
    pub fn folder(name: &str) -> Result<PathBuf, Error> {
        let here = here()?;
        let folder = match shelved(name, &here).filter(|_| !is_path(name)) {
            Some(folder) => folder,
            None if Path::new(name).is_dir() => name.into(),
            None => return Err(missing(name, &shelves(&here))),
        };
        folder
            .canonicalize()
            .map_err(|e| Error::file("open", &folder, &e))
    }

    /// The binary, which must be there; else the names of those that are.
    pub fn built(&self, settings: &Settings) -> Result<PathBuf, Error> {
        let binary = self.binary(settings);
        if binary.is_file() {
            return Ok(binary);
        }
        let known = here().is_ok_and(|h| shelved(&self.name, &h).is_some());
        let named = if known {
            self.name.clone()
        } else {
            child::quoted(&self.folder.to_string_lossy())
        };
        let build = format!("build it first: vernier run {named} --stage build");
        let advice = match self.binaries()[..] {
            [] => format!(
                "{build}; `program = \"NAME\"` in vernier.toml, or --program, names it if it is called otherwise"
            ),
            ref names => format!(
                "there are {}: name the one that is meant with --program, or `program = \"NAME\"` in vernier.toml; or {build}",
                names.join(", ")
            ),
        };
        let message = format!("the program's binary {} is not there", binary.display());
        Err(Error::failed(message, advice))
    }

    /// The executables in the folder and one level below, by their names from there; no more than eight.
    fn binaries(&self) -> Vec<String> {
        const MOST: usize = 8;
        let list = |folder: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|e| e.path()).collect()
        };
        let mut files = list(&self.folder);
        let below: Vec<PathBuf> = files.iter().filter(|p| p.is_dir()).cloned().collect();
        files.extend(below.iter().flat_map(|f| list(f)));
        files.retain(|p| fatbin::dynamic(p).is_some_and(|d| d.interpreter.is_some()));
        let names = files.iter().filter_map(|p| p.strip_prefix(&self.folder).ok());
        let mut names: Vec<String> = names.map(|n| n.display().to_string()).collect();
        names.sort();
        names.truncate(MOST);
        names
    }

    /// The binary that `make` leaves.
    pub fn binary(&self, settings: &Settings) -> PathBuf {
        self.folder
            .join(settings.program.as_deref().unwrap_or(&self.name))
    }

    /// An error unless `make` would find a makefile.
    pub fn check_makefile(&self) -> Result<(), Error> {
        if MAKEFILES.iter().any(|m| self.folder.join(m).is_file()) {
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
