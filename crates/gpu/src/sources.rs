//! The override workflow: PTX of the program's modules is written as text files, and text files take the place
//! of embedded kernels. A file that a person edited is never overwritten.

use crate::code::Code;
use crate::error::Error;
use crate::say;
use ptx::Checked;
use ptx::ast::{Function, Module};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A parsed PTX file.
pub(crate) struct PtxFile {
    pub(crate) path: PathBuf,
    pub(crate) tree: Checked,
}

/// All PTX files of a folder, in the order of their names.
pub(crate) struct PtxFiles {
    pub(crate) files: Vec<PtxFile>,
    /// Which file defines a kernel; the first of several with the same text.
    by_kernel: BTreeMap<String, usize>,
}

fn module_error(reason: String) -> Error {
    Error::Module {
        code: Code::INVALID_PTX,
        reason,
    }
}

/// Writes one module's PTX. A file of the same name stays as it is, whatever it holds.
pub(crate) fn write(folder: &Path, file_name: &str, text: &str) {
    let path = folder.join(file_name);
    match std::fs::read(&path) {
        Ok(there) if there == text.as_bytes() => return,
        Ok(_) => {
            say::once(&format!(
                "{} differs from the embedded PTX and is left alone; it is not used unless the configuration says \
                 `-gpgpu_generate_ptx 0` or VERNIER_PTX_DIR names its folder",
                path.display()
            ));
            return;
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => {
            say::once(&format!(
                "cannot read {}: {e}; its PTX is not written",
                path.display()
            ));
            return;
        }
    }
    match write_new(folder, file_name, text, &path) {
        Ok(()) => say::verbose(&format!("wrote {}", path.display())),
        Err(e) => {
            say::once(&format!(
                "cannot write {}: {e} (VERNIER_PTX_OUT=none writes no PTX, VERNIER_PTX_OUT=DIR another folder)",
                path.display()
            ));
        }
    }
}

/// Writes a file that is not there, under a temporary name first, so that another process never reads half of it. The
/// temporary file is a new one: others may write in the folder, and a link that lies in the way must not be followed.
fn write_new(folder: &Path, file_name: &str, text: &str, path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let part = folder.join(format!(".{file_name}.{}.part", std::process::id()));
    let open = || File::options().write(true).create_new(true).open(&part);
    let mut file = open().or_else(|e| match e.kind() {
        // What an earlier process with our number left, or a trap: the name goes, not what it may lead to.
        std::io::ErrorKind::AlreadyExists => std::fs::remove_file(&part).and_then(|()| open()),
        _ => Err(e),
    })?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| std::fs::rename(&part, path));
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&part);
    })
}

/// Reads every `*.ptx` of a folder.
///
/// # Errors
/// A folder or file that cannot be read, PTX that does not parse, two different texts for one kernel.
pub(crate) fn read(folder: &Path) -> Result<PtxFiles, Error> {
    let unreadable = |path: &Path, e: &dyn std::fmt::Display| {
        module_error(format!("cannot read PTX from {}: {e}", path.display()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, &e))? {
        let path = entry.map_err(|e| unreadable(folder, &e))?.path();
        let hidden = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|e| e == "ptx") {
            // `./mlp.1.sm_75.ptx` reads better without the dot.
            paths.push(path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path));
        }
    }
    paths.sort();
    let mut all = PtxFiles {
        files: Vec::new(),
        by_kernel: BTreeMap::new(),
    };
    for path in paths {
        let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
        let text = String::from_utf8_lossy(&bytes);
        let tree = ptx::parse(&path.to_string_lossy(), &text).map_err(|e| module_error(e.to_string()))?;
        // At once: a misspelt register should not wait for its launch.
        let tree = ptx::check(tree).map_err(|e| module_error(e.to_string()))?;
        all.add(PtxFile { path, tree })?;
    }
    Ok(all)
}

impl PtxFiles {
    fn add(&mut self, file: PtxFile) -> Result<(), Error> {
        let index = self.files.len();
        for kernel in file.tree.kernels() {
            let name = &kernel.name.name;
            match self.by_kernel.get(name).map(|&i| &self.files[i]) {
                None => {
                    self.by_kernel.insert(name.clone(), index);
                }
                // A template instantiated in two source files stands in both modules, and so in both files.
                Some(other) if is_same_text(kernel, &file.tree, &other.tree) => {}
                Some(other) => {
                    return Err(module_error(format!(
                        "kernel `{name}` is defined in both {} and {}: a kernel can come from one file only; \
                         keep the one that is meant and move the other away, or put it alone into a folder that --ptx DIR \
                         (VERNIER_PTX_DIR) names",
                        other.path.display(),
                        file.path.display()
                    )));
                }
            }
        }
        self.files.push(file);
        Ok(())
    }

    /// The files that define some of `kernels`, in order, each with those that come from it.
    pub(crate) fn for_kernels<'a>(
        &self,
        kernels: impl Iterator<Item = &'a str>,
    ) -> Vec<(&PtxFile, BTreeSet<&'a str>)> {
        let mut chosen: BTreeMap<usize, BTreeSet<&'a str>> = BTreeMap::new();
        for kernel in kernels {
            if let Some(&index) = self.by_kernel.get(kernel) {
                chosen.entry(index).or_default().insert(kernel);
            }
        }
        chosen
            .into_iter()
            .map(|(i, kernels)| (&self.files[i], kernels))
            .collect()
    }
}

/// Whether a weak kernel has the same text, comments and layout included, in another module.
fn is_same_text(kernel: &Function, tree: &Module, other: &Module) -> bool {
    let Some(twin) = other.function(&kernel.name.name) else {
        return false;
    };
    let weak = |f: &Function| f.linkage == ptx::ast::Linkage::Weak;
    weak(kernel) && weak(twin) && whole_text(kernel, tree) == whole_text(twin, other)
}

/// A function from its header to its closing brace.
fn whole_text<'a>(function: &Function, tree: &'a Module) -> &'a str {
    let text = tree
        .source
        .text
        .get(function.span.start as usize..)
        .unwrap_or_default();
    let mut depth = 0usize;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return &text[..=i],
            b'}' => depth -= 1,
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("vernier-sources-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn kernel(linkage: &str, name: &str, body: &str) -> String {
        format!(
            ".version 7.0\n.target sm_75\n.address_size 64\n{linkage} .entry {name}()\n{{\n{body}\nret;\n}}\n"
        )
    }

    #[test]
    fn an_edited_file_is_left_alone() {
        let folder = folder("edited");
        write(&folder, "a.sm_75.ptx", "one");
        write(&folder, "a.sm_75.ptx", "two");
        assert_eq!(
            std::fs::read_to_string(folder.join("a.sm_75.ptx")).unwrap(),
            "one"
        );
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_link_in_the_way_of_the_temporary_file_is_not_followed() {
        let folder = folder("link");
        let victim = folder.join("victim");
        std::fs::write(&victim, "precious").unwrap();
        let part = folder.join(format!(".a.sm_75.ptx.{}.part", std::process::id()));
        std::os::unix::fs::symlink(&victim, &part).unwrap();
        write(&folder, "a.sm_75.ptx", "text");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        let path = folder.join("a.sm_75.ptx");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "text");
        assert!(!path.is_symlink() && !part.is_symlink());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn two_files_with_one_kernel_are_refused_by_name() {
        let folder = folder("double");
        std::fs::write(folder.join("a.ptx"), kernel(".visible", "k", "")).unwrap();
        std::fs::write(folder.join("b.ptx"), kernel(".visible", "k", "")).unwrap();
        let message = read(&folder).err().unwrap().to_string();
        assert!(
            message.contains("`k`") && message.contains("a.ptx") && message.contains("b.ptx"),
            "{message}"
        );
        std::fs::write(folder.join("a.ptx"), kernel(".weak", "k", "")).unwrap();
        std::fs::write(folder.join("b.ptx"), kernel(".weak", "k", "")).unwrap();
        let files = read(&folder).unwrap();
        assert!(files.for_kernels(["l"].into_iter()).is_empty());
        assert_eq!(
            files.for_kernels(["k"].into_iter())[0].0.path,
            folder.join("a.ptx")
        );
        std::fs::write(folder.join("b.ptx"), kernel(".weak", "k", "bar.sync 0;")).unwrap();
        assert!(read(&folder).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn broken_files_are_told_with_their_line() {
        let folder = folder("broken");
        std::fs::write(
            folder.join("a.ptx"),
            kernel(".visible", "k", "ad.f32 %f1, %f2, %f3;"),
        )
        .unwrap();
        let message = read(&folder).err().unwrap().to_string();
        assert!(
            message.contains("a.ptx:6") && message.contains("ad.f32"),
            "{message}"
        );
        let message = read(&folder.join("nowhere")).err().unwrap().to_string();
        assert!(message.contains("nowhere"), "{message}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
