//! Whether a program gets our `libcudart.so`. What its loader would take is asked before it runs; a run in which no
//! process loaded the library is no run under Vernier, whatever it printed.

use crate::launch::{self, Launch};
use crate::{library, toolchain};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tell::Error;

/// A variable of ours that stands in the library and in no other.
const OURS: &[u8] = record::variables::RUN_DIR.name().as_bytes();

/// A path as it is; a name in the current folder, else in PATH.
pub(crate) fn find(binary: &str) -> Result<PathBuf, Error> {
    let path = PathBuf::from(binary);
    let found = if path.is_file() {
        Some(path)
    } else {
        toolchain::in_path(binary).filter(|_| !binary.contains('/'))
    };
    let found = found.ok_or_else(|| {
        let what = if Path::new(binary).is_dir() {
            "is a folder"
        } else {
            "is not there"
        };
        Error::failed(
            format!("the binary {binary} {what}"),
            "vernier exec [OPTIONS] -- BINARY ARGS runs a CUDA binary that nvcc has linked",
        )
    })?;
    std::path::absolute(&found).map_err(|e| Error::file("find", &found, &e))
}

/// Refuses a CUDA binary that cannot work under Vernier. Scripts and other programs pass: they may start one that can.
pub(crate) fn check_binary(path: &Path, launch: &Launch, library_folder: &Path) -> Result<(), Error> {
    let checked = fatbin::executable(path).and_then(|containers| fatbin::best_ptx(&containers).map(drop));
    match checked {
        Ok(()) | Err(fatbin::Error::NotElf { .. } | fatbin::Error::NoFatbin { .. }) => {}
        Err(fatbin::Error::MachineCodeOnly { .. }) if launch.reads_ptx => {}
        Err(e) => return Err(Error::failed(launch::strip(&e.to_string()), "")),
    }
    check(path, &launch.env, library_folder)
}

/// Refuses a program whose loader would take another CUDA runtime than the one in `library_folder`. `env` is what the
/// program gets. Programs of which nothing is known (scripts, libraries opened later) pass.
///
/// # Errors
/// Which one it would take, why, and what helps.
pub fn check(binary: &Path, env: &[(OsString, OsString)], library_folder: &Path) -> Result<(), Error> {
    let Some(dynamic) = fatbin::dynamic(binary) else {
        return Ok(());
    };
    let Some(taken) = asked(binary, &dynamic, env) else {
        return Ok(());
    };
    let shown = binary.display();
    let (name, path) = match taken {
        Taken::File { name, path } if is_ours(&path, library_folder) => {
            let _ = name;
            return Ok(());
        }
        Taken::File { name, path } => (name, path),
        Taken::Missing(name) => {
            return Err(Error::failed(
                format!("{shown} needs {name}, and Vernier stands in for {}", stands_in()),
                "build it with CUDA 11, 12 or 13: nvcc --cudart shared",
            ));
        }
    };
    let (cause, advice) = if name.contains('/') {
        (
            format!("it was linked with the path {name}"),
            "link it again with -lcudart instead of the file's path (nvcc --cudart shared does)".to_string(),
        )
    } else if !library::NAMES.contains(&name.as_str()) {
        (
            format!("Vernier stands in for {}", stands_in()),
            "build it with CUDA 11, 12 or 13: nvcc --cudart shared".into(),
        )
    } else if dynamic.rpath.is_some() && dynamic.runpath.is_none() {
        (
            format!(
                "its DT_RPATH ({}) comes before the library path",
                dynamic.rpath.as_deref().unwrap_or_default()
            ),
            "link it again without -rpath, or with -Wl,--enable-new-dtags; or take it out: patchelf --remove-rpath"
                .into(),
        )
    } else if sets_user(binary) {
        (
            "it is set-user-ID, and the loader then ignores LD_LIBRARY_PATH".into(),
            "run a copy without that bit".into(),
        )
    } else {
        (
            "what stands before LD_LIBRARY_PATH decides: LD_PRELOAD, or the DT_RPATH of a library that it needs".into(),
            format!("LD_DEBUG=libs {shown} shows who asks for it; unset LD_PRELOAD, or link that library again without -rpath"),
        )
    };
    Err(Error::failed(
        format!(
            "{shown} would load {} instead of Vernier's libcudart, so nothing would run under Vernier: {cause}",
            path.display()
        ),
        advice,
    ))
}

/// What the end of a run says in which no process loaded the library.
pub fn never(program: &str, binary: &Path, env: &[(OsString, OsString)]) -> Error {
    let shown = binary.display();
    let passing = "what it starts must keep LD_LIBRARY_PATH and VERNIER_RUN_DIR (no env -i, no sudo), be linked with the \
                   shared CUDA runtime (nvcc --cudart shared), and have no DT_RPATH to another one";
    let (cause, advice) = match fatbin::dynamic(binary) {
        None => (
            format!("{shown} is a script or another wrapper, and what it started did not get the library"),
            passing.to_string(),
        ),
        Some(d) if sets_user(binary) => (
            format!("{shown} is set-user-ID, and the loader then ignores LD_LIBRARY_PATH"),
            format!("run a copy without that bit{}", if d.cudart().is_some() { "" } else { ", linked with the shared CUDA runtime" }),
        ),
        Some(d) if d.cudart().is_some() => (
            format!("{shown} is linked with the shared CUDA runtime and made no CUDA call"),
            "what it does by itself, without a kernel, is not simulated; run it with arguments that make it compute".into(),
        ),
        Some(d) if d.needed.iter().any(|n| n.starts_with("libcuda.so")) => (
            format!("{shown} is linked with libcuda (the driver API), for which Vernier has no library yet"),
            "use the runtime API: nvcc --cudart shared".into(),
        ),
        Some(d) if d.interpreter.is_none() => (
            format!("{shown} is statically linked, so no library can take another's place"),
            "link it dynamically, with nvcc --cudart shared".into(),
        ),
        Some(d) => match asked(binary, &d, env) {
            Some(_) => (
                format!("{shown} loads the library through another one, and made no CUDA call"),
                "run it with arguments that make it compute".into(),
            ),
            None => (
                format!("{shown} is not linked with the CUDA runtime: it uses no CUDA, or starts a program that does without passing its environment on"),
                format!("name the program that has the kernels; {passing}"),
            ),
        },
    };
    Error::failed(
        format!(
            "no process of {program} loaded Vernier's libcudart.so, so it did not run under Vernier and its results mean nothing \
             here: {cause}"
        ),
        advice,
    )
}

fn stands_in() -> String {
    library::NAMES.join(", ")
}

/// What a loader finds for the CUDA runtime.
enum Taken {
    /// This file, under the name that was asked for.
    File { name: String, path: PathBuf },
    /// Nothing.
    Missing(String),
}

/// Asks the program's loader what it would take for libcudart. `None`: it needs none, or cannot be asked.
fn asked(binary: &Path, dynamic: &fatbin::Dynamic, env: &[(OsString, OsString)]) -> Option<Taken> {
    let interpreter = dynamic.interpreter.as_deref()?;
    // A loader of the system's, not one that came with the binary: it is only asked.
    if !["/lib", "/usr/lib", "/nix/", "/gnu/"]
        .iter()
        .any(|p| interpreter.starts_with(p))
    {
        return None;
    }
    // A name without a slash would be looked up like a library's.
    let binary = std::path::absolute(binary).ok()?;
    let set = env
        .iter()
        .filter(|(name, _)| name.to_string_lossy().starts_with("LD_"));
    let output = Command::new(interpreter)
        .arg("--list")
        .arg(binary)
        .envs(set.cloned())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    listed(&String::from_utf8_lossy(&output.stdout))
}

/// `libcudart.so.13 => /a/libcudart.so.13 (0x...)`, `libcudart.so.9.0 => not found`, `/a/libcudart.so.13 (0x...)`.
fn listed(text: &str) -> Option<Taken> {
    text.lines().map(str::trim).find_map(|line| {
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        let name = name.split(" (0x").next().unwrap_or_default();
        let is_it = name
            .rsplit('/')
            .next()
            .is_some_and(|n| n.starts_with("libcudart.so"));
        let place = place.split(" (0x").next().unwrap_or_default();
        is_it.then(|| match place {
            "not found" => Taken::Missing(name.into()),
            path => Taken::File {
                name: name.into(),
                path: path.into(),
            },
        })
    })
}

/// Our library: the one that was built in, or another build of it that the program was given.
fn is_ours(path: &Path, library_folder: &Path) -> bool {
    let real = |p: &Path| fs::canonicalize(p).ok();
    let own = real(&library_folder.join(library::NAMES[0]));
    if own.is_some() && real(path) == own {
        return true;
    }
    fs::read(path).is_ok_and(|bytes| bytes.windows(OURS.len()).any(|w| w == OURS))
}

fn sets_user(binary: &Path) -> bool {
    const SET_USER_OR_GROUP: u32 = 0o6000;
    fs::metadata(binary).is_ok_and(|m| m.mode() & SET_USER_OR_GROUP != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_loader_lists_is_understood() {
        let text = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibcudart.so.13 => /cuda/lib/libcudart.so.13 (0x00007f)\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n";
        assert!(matches!(listed(text), Some(Taken::File { name, path })
            if name == "libcudart.so.13" && path == Path::new("/cuda/lib/libcudart.so.13")));
        assert!(
            matches!(listed("\tlibcudart.so.9.0 => not found\n"), Some(Taken::Missing(n)) if n == "libcudart.so.9.0")
        );
        assert!(
            matches!(listed("\t/x/libcudart.so.12 (0x0)\n"), Some(Taken::File { name, .. }) if name.contains('/'))
        );
        assert!(listed("\tlibc.so.6 => /lib/libc.so.6 (0x1)\n").is_none());
    }
}
