//! nvcc: found on the machine, or installed from NVIDIA's Python wheels into the cache.

use crate::cache::{self, Draft};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tell::Error;

/// A wheel, and what its files for x86-64 and for 64-bit Arm are: pip refuses any other.
struct Wheel {
    name: &'static str,
    version: &'static str,
    sha256: [&'static str; 2],
}

/// The wheels that together make one CUDA tree: compiler driver, cicc and libdevice, host headers, runtime
/// headers and library, C++ headers. Versions belong together (CUDA 13.3).
const WHEELS: [Wheel; 5] = [
    Wheel {
        name: "nvidia-cuda-nvcc",
        version: "13.5.37",
        sha256: [
            "f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7",
            "588eda18eb5076ae859fe272844b526459228af22df0b117f54eec3aa82bc9c8",
        ],
    },
    Wheel {
        name: "nvidia-nvvm",
        version: "13.5.37",
        sha256: [
            "c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070",
            "b659bd3115b7ac7ec8931e67d0e2c0dd09cd35b08a6a7372df6f8f22c67da80a",
        ],
    },
    Wheel {
        name: "nvidia-cuda-crt",
        version: "13.5.37",
        sha256: [
            "e898b7f73d3035fa89915a3f7bf3b54a73e90249746111aed295822c4729bb29",
            "9ed2c565fdf3244fa6719769a80a466b85bfd4b1467ea339353bc91c971d09e0",
        ],
    },
    Wheel {
        name: "nvidia-cuda-runtime",
        version: "13.5.37",
        sha256: [
            "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
            "de2dc5a7367974228b0a69588a9acc9340d3768bef1bf38bf0801eb08497cd2d",
        ],
    },
    Wheel {
        name: "nvidia-cuda-cccl",
        version: "13.3.5.0.6",
        sha256: [
            "d5230098fa2df5021e1a00c0c4eee41797671a91119d31e892463e5ccf3ee326",
            "6f30b8076b3e69951c459c94ae190bde51924b320076ebaec376d36848b4c76e",
        ],
    },
];

/// The wheels as pip's requirements.
fn requirements() -> String {
    let line = |w: &Wheel| {
        let [one, other] = w.sha256;
        format!(
            "{}=={} --hash=sha256:{one} --hash=sha256:{other}\n",
            w.name, w.version
        )
    };
    WHEELS.iter().map(line).collect()
}

/// Folder in the cache; the number changes whenever [`WHEELS`] or the fix-ups do.
const FOLDER: &str = "cuda-13.3-1";

/// Bytes that pass through the draft folder during an installation (wheels and what they unpack to,
/// measured); only the progress bar uses it.
const INSTALL_BYTES: u64 = 480_000_000;

/// Where a toolchain was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `$CUDA_HOME/bin/nvcc`.
    CudaHome,
    /// `nvcc` in `PATH`.
    Path,
    /// Installed by Vernier.
    Cache,
}

/// A CUDA toolkit that can compile.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The compiler, full path.
    pub nvcc: PathBuf,
    /// The folder above its `bin`.
    pub home: PathBuf,
    /// How it was found.
    pub origin: Origin,
}

impl Toolchain {
    fn at(nvcc: PathBuf, origin: Origin) -> Toolchain {
        let home = nvcc
            .parent()
            .and_then(Path::parent)
            .map(Path::to_path_buf)
            .unwrap_or_default();
        Toolchain { nvcc, home, origin }
    }

    /// The line of `nvcc --version` that has the release, or why nvcc does not run.
    pub fn version(&self) -> Result<String, Error> {
        let broken = |reason: String| {
            let advice = match self.origin {
                Origin::Cache => format!("remove {} and try again", self.home.display()),
                _ => "correct CUDA_HOME or PATH, or take nvcc out of both to let Vernier install it".into(),
            };
            Error::failed(format!("{} does not run: {reason}", self.nvcc.display()), advice)
        };
        let output = Command::new(&self.nvcc)
            .arg("--version")
            .output()
            .map_err(|e| broken(tell::error::io_reason(&e)))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|l| l.contains("release"));
        match line {
            Some(line) if output.status.success() => Ok(line.trim().to_string()),
            _ => Err(broken(String::from_utf8_lossy(&output.stderr).trim().to_string())),
        }
    }

    /// Environment for `make`: nvcc's own folder first in PATH (nvcc finds its parts from the path it is
    /// called by, so a link elsewhere would not do), CUDA_HOME, and NVCC unless the user set it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let bin = self.home.join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut env = vec![
            ("PATH".to_string(), format!("{}:{path}", bin.display())),
            ("CUDA_HOME".to_string(), self.home.display().to_string()),
        ];
        if std::env::var_os("NVCC").is_none() {
            env.push(("NVCC".to_string(), self.nvcc.display().to_string()));
        }
        env
    }
}

fn executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// The first executable of that name in PATH.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|d| d.join(name))
        .find(|p| executable(p))
}

/// Looks in `$CUDA_HOME`, `PATH` and the cache; installs nothing.
pub fn find() -> Result<Option<Toolchain>, Error> {
    if let Some(home) = std::env::var_os("CUDA_HOME").filter(|v| !v.is_empty()) {
        let nvcc = Path::new(&home).join("bin").join("nvcc");
        if executable(&nvcc) {
            return Ok(Some(Toolchain::at(nvcc, Origin::CudaHome)));
        }
    }
    if let Some(nvcc) = in_path("nvcc") {
        // /usr/bin/nvcc may be a link into the toolkit: its home is where the real file lies.
        let nvcc = nvcc.canonicalize().unwrap_or(nvcc);
        return Ok(Some(Toolchain::at(nvcc, Origin::Path)));
    }
    Ok(installed(&cache::folder()?.join(FOLDER)))
}

fn installed(folder: &Path) -> Option<Toolchain> {
    let nvcc = tree(folder)?.join("bin").join("nvcc");
    executable(&nvcc).then(|| Toolchain::at(nvcc, Origin::Cache))
}

/// The CUDA tree inside a folder of wheels: `nvidia/cu13`.
fn tree(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder.join("nvidia")).ok()?;
    let mut trees: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join("bin/nvcc").is_file())
        .collect();
    trees.sort();
    trees.pop()
}

/// Finds nvcc or installs it, asking nothing.
pub fn get() -> Result<Toolchain, Error> {
    if let Some(found) = find()? {
        return Ok(found);
    }
    let _lock = cache::lock("toolchain")?;
    let target = cache::folder()?.join(FOLDER);
    // Another process may have installed it while this one waited for the lock.
    if let Some(found) = installed(&target) {
        return Ok(found);
    }
    let draft = Draft::new(&target)?;
    download(draft.path())?;
    fix_up(draft.path())?;
    draft.finish()?;
    installed(&target).ok_or_else(|| {
        Error::failed(
            "NVIDIA's wheels were installed but hold no nvcc",
            "install the CUDA toolkit and set CUDA_HOME",
        )
    })
}

/// `pip install --target`, with a progress bar over the bytes that arrived.
fn download(folder: &Path) -> Result<(), Error> {
    let by_hand = "or install the CUDA toolkit yourself and set CUDA_HOME to its folder";
    let python = in_path("python3").ok_or_else(|| {
        Error::failed(
            "no nvcc on this machine, and no python3 to install it with",
            format!("install python3 with pip (Debian, Ubuntu: apt-get install python3-pip), {by_hand}"),
        )
    })?;
    let pip = Command::new(&python)
        .args(["-m", "pip", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !pip.is_ok_and(|s| s.success()) {
        return Err(Error::failed(
            format!(
                "no nvcc on this machine, and {} has no pip to install it with",
                python.display()
            ),
            format!("install pip (Debian, Ubuntu: apt-get install python3-pip), {by_hand}"),
        ));
    }
    let scratch = folder.join(".tmp");
    cache::create(&scratch)?;
    let wanted = scratch.join("requirements.txt");
    fs::write(&wanted, requirements()).map_err(|e| Error::file("write", &wanted, &e))?;
    let mut child = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--no-input",
            "--no-deps",
            "--no-warn-script-location",
        ])
        .args([
            "--progress-bar",
            "off",
            "--only-binary",
            ":all:",
            "--upgrade",
            "--target",
        ])
        .arg(folder)
        .arg("--requirement")
        .arg(&wanted)
        // --target touches nothing of the system's Python, so the guard of distributions does not concern it.
        .envs([
            ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
            ("PIP_USER", "0"),
            ("PIP_REQUIRE_VIRTUALENV", "0"),
        ])
        .env("TMPDIR", &scratch)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Error::file("run", &python, &e))?;
    let bar = bar(INSTALL_BYTES, "installing nvcc (NVIDIA's Python wheels)");
    let errors = child.stderr.take().map(|pipe| {
        std::thread::spawn(move || {
            BufReader::new(pipe)
                .lines()
                .map_while(Result::ok)
                .collect::<Vec<_>>()
        })
    });
    let steps = child.stdout.take().map(|pipe| {
        let bar = bar.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if let Some(wheel) = line.strip_prefix("Collecting ") {
                    bar.set_message(wheel.split([' ', '=']).next().unwrap_or_default().to_string());
                } else if line.starts_with("Installing") {
                    bar.set_message("unpacking");
                }
            }
        })
    });
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {
                bar.set_position(cache::size(folder).min(INSTALL_BYTES));
                std::thread::sleep(Duration::from_millis(200));
            }
            Err(e) => return Err(Error::file("wait for", &python, &e)),
        }
    };
    bar.finish_and_clear();
    if let Some(steps) = steps {
        let _ = steps.join();
    }
    let errors = errors.and_then(|t| t.join().ok()).unwrap_or_default();
    if !status.success() {
        let fatal: Vec<String> = errors
            .iter()
            .filter(|l| l.starts_with("ERROR"))
            .take(3)
            .cloned()
            .collect();
        let why = if fatal.is_empty() { errors } else { fatal }.join("\n");
        return Err(Error::failed(
            format!(
                "pip could not install nvcc ({}=={}):\n{why}",
                WHEELS[0].name, WHEELS[0].version
            ),
            format!(
                "check the network connection and the free space of {}, {by_hand}",
                folder.display()
            ),
        ));
    }
    let _ = fs::remove_dir_all(&scratch);
    Ok(())
}

/// What the wheels lack: the name that `-lcudart` looks for, and executable bits if pip dropped them.
fn fix_up(folder: &Path) -> Result<(), Error> {
    let Some(tree) = tree(folder) else {
        return Err(Error::failed(
            "NVIDIA's wheels hold no nvcc",
            "install the CUDA toolkit and set CUDA_HOME",
        ));
    };
    let lib = tree.join("lib");
    let link = lib.join("libcudart.so");
    if !link.exists() {
        let versioned = fs::read_dir(&lib).into_iter().flatten().flatten();
        let name = versioned
            .map(|e| e.file_name())
            .find(|n| n.to_string_lossy().starts_with("libcudart.so."));
        if let Some(name) = name {
            std::os::unix::fs::symlink(name, &link).map_err(|e| Error::file("create the link", &link, &e))?;
        }
    }
    let lib64 = tree.join("lib64");
    if !lib64.exists() {
        std::os::unix::fs::symlink("lib", &lib64).map_err(|e| Error::file("create the link", &lib64, &e))?;
    }
    for bin in [tree.join("bin"), tree.join("nvvm/bin")] {
        for entry in fs::read_dir(&bin).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_file() && !executable(&path) && path.extension().is_none() {
                let set = fs::set_permissions(&path, fs::Permissions::from_mode(0o755));
                set.map_err(|e| Error::file("make executable", &path, &e))?;
            }
        }
    }
    Ok(())
}

/// A bar over bytes, on a terminal; elsewhere one line that says what begins.
pub(crate) fn bar(total_bytes: u64, what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        tell::errln!("vernier: {what}");
        return ProgressBar::hidden();
    }
    let template = "vernier: {prefix} [{bar:30}] {bytes}/{total_bytes} {msg} ({elapsed})";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total_bytes)
        .with_style(style.progress_chars("=> "))
        .with_prefix(what.to_string())
}
