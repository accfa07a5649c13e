//! What the tests of the command share: the command in a clean environment, folders of their own, binaries that
//! nvcc made, and texts without the paths and times of this machine.
#![allow(dead_code)] // each test binary uses a part

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// An empty folder for one test.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

/// `vernier` in `folder`, without variables that would change what it does.
pub fn vernier(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vernier"));
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = text.starts_with("VF_") || text.starts_with("VERNIER_") && text != "VERNIER_CACHE";
        if ours
            || ["SIM_CONFIG_PATH", "PTX_SIM_MODE_FUNC", "LD_LIBRARY_PATH", "NVCC"].contains(&text.as_ref())
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `vernier` with these arguments in `folder`.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    vernier(folder).args(args).output().unwrap()
}

/// nvcc, found or installed by `vernier toolchain`.
pub fn nvcc() -> &'static Path {
    static NVCC: OnceLock<PathBuf> = OnceLock::new();
    NVCC.get_or_init(|| {
        let output = run(Path::new(env!("CARGO_TARGET_TMPDIR")), &["toolchain", "--path"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// Compiles a source of tests/inputs unless it was compiled before; returns the binary.
pub fn compile(source: &str, name: &str, options: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/inputs")
        .join(source);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inputs");
    fs::create_dir_all(&folder).unwrap();
    let binary = folder.join(name);
    let time = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
    if time(&binary) > time(&source) {
        return binary;
    }
    let part = folder.join(format!("{name}.{}", std::process::id()));
    let status = Command::new(nvcc())
        .args(options)
        .arg("-o")
        .arg(&part)
        .arg(&source)
        .status()
        .unwrap();
    assert!(status.success(), "nvcc failed on {}", source.display());
    fs::rename(&part, &binary).unwrap();
    binary
}

/// The options that a program for Vernier is compiled with.
pub const SHARED: &[&str] = &[
    "--cudart",
    "shared",
    "-gencode",
    "arch=compute_75,code=compute_75",
];

/// The binary of tests/inputs/bad.cu: faults on demand.
pub fn bad() -> PathBuf {
    static BAD: OnceLock<PathBuf> = OnceLock::new();
    BAD.get_or_init(|| compile("bad.cu", "bad", SHARED)).clone()
}

/// Exit code, standard output and standard error as one text, without what differs between machines and runs.
pub fn report(output: &Output, folder: &Path) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let code = output.status.code().map_or("none".to_string(), |c| c.to_string());
    let mut text = format!("exit code {code}\n");
    for (name, stream) in [("stdout", out), ("stderr", err)] {
        if !stream.is_empty() {
            text += &format!("--- {name}\n{}\n", stream.trim_end());
        }
    }
    plain(&text, folder)
}

/// A text with [DIR], [ROOT], [TMP], [TIME], [ADDRESS], [NUMBER] instead of what changes.
pub fn plain(text: &str, folder: &Path) -> String {
    let root = root();
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let nvcc_home = nvcc_home();
    let mut places: Vec<(PathBuf, &str)> =
        vec![(folder.into(), "[DIR]"), (tmp.into(), "[TMP]"), (root, "[ROOT]")];
    places.extend(nvcc_home.map(|home| (home, "[CUDA]")));
    let mut text = text.to_string();
    for (path, name) in places {
        for path in [path.canonicalize().unwrap_or(path.clone()), path] {
            text = text.replace(&*path.to_string_lossy(), name);
        }
    }
    // Where the target folder lies inside the repository, its programs are found too.
    let text = text.replace(", [ROOT]/programs", "");
    // Counters by kind are no part of a message.
    let counters = ["kinds ", "memory ", "active lanes "].map(|name| format!("vernier:   {name}"));
    let told = text
        .lines()
        .filter(|l| !counters.iter().any(|c| l.starts_with(c)));
    let lines = told.map(|line| {
        let words = line.split(' ').map(plain_word).collect::<Vec<_>>();
        let words: Vec<String> = words
            .iter()
            .enumerate()
            .map(|(i, w)| {
                let seconds = words
                    .get(i + 1)
                    .is_some_and(|u| u.trim_end_matches([',', ')', ':']) == "s");
                if seconds && w.trim_start_matches('(').parse::<f64>().is_ok() {
                    "[TIME]".into()
                } else {
                    w.clone()
                }
            })
            .collect();
        let line = words.join(" ");
        // How fast the engine was.
        let speed = line.find(" (").filter(|_| line.ends_with("/s in kernels)"));
        line[..speed.unwrap_or(line.len())].trim_end().to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn nvcc_home() -> Option<PathBuf> {
    nvcc().parent()?.parent().map(Path::to_path_buf)
}

/// Addresses, process numbers and stamps out of a word.
fn plain_word(word: &str) -> String {
    if let Some(at) = word.find("0x7") {
        let digits = word[at + 2..].chars().take_while(char::is_ascii_hexdigit).count();
        if digits >= 10 {
            return format!("{}[ADDRESS]{}", &word[..at], &word[at + 2 + digits..]);
        }
    }
    // A run-record folder: runs/YYYYMMDD-HHMMSS-NAME.
    if let Some(at) = word.find("runs/") {
        let stamp = &word[at + 5..];
        let is_stamp = |s: &str| s.len() > 15 && s.chars().take(8).all(|c| c.is_ascii_digit());
        if is_stamp(stamp) {
            return format!("{}runs/[STAMP]{}", &word[..at], &stamp[15..]);
        }
    }
    word.to_string()
}

/// Copies files (not folders) whose names are given from one folder to another.
pub fn copy<N: AsRef<OsStr>>(from: &Path, to: &Path, names: &[N]) {
    for name in names {
        let name = Path::new(name.as_ref());
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Replaces one piece of a text, which must be there.
pub fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not in the text");
    text.replacen(from, to, 1)
}

/// A folder with a program `toy` that is this shell script; it says that it loaded the library, as a CUDA program would.
pub fn scripted(name: &str, script: &str) -> PathBuf {
    let dir = folder(name);
    let home = dir.join("programs/toy");
    fs::create_dir_all(&home).unwrap();
    let start = record::Event::Start(record::run::Start {
        version: record::VERSION,
        pid: 1,
        program: "toy".into(),
        time_unix_s: 0.0,
        vernier: "0".into(),
        cuda: 13,
    });
    let start = serde_json::to_string(&start).unwrap();
    let record = format!("[ -z \"$VERNIER_RUN_DIR\" ] || echo '{start}' > \"$VERNIER_RUN_DIR\"/$$.jsonl");
    let (first, rest) = script.split_once('\n').unwrap();
    fs::write(home.join("toy.sh"), format!("{first}\n{record}\n{rest}")).unwrap();
    fs::write(
        home.join("Makefile"),
        "toy: toy.sh\n\tcp toy.sh toy\n\tchmod +x toy\n",
    )
    .unwrap();
    fs::write(home.join("weights"), "w").unwrap();
    fs::write(home.join("vernier.toml"), "weights = \"weights\"\n").unwrap();
    dir
}

/// A program whose accuracy is 90 % and the significand's bits behind the point, which fails with 5 of them, takes PAUSE seconds, and
/// writes each run into `log`.
pub fn toy(name: &str, pause: &str) -> PathBuf {
    let script = format!(
        "#!/bin/sh\n\
         echo \"$VF_SIGNIFICAND $1 $VERNIER_TEST_IMAGES\" >> log\n\
         sleep {pause}\n\
         if [ \"$VF_SIGNIFICAND\" = 5 ]; then echo 'five is right out' >&2; exit 3; fi\n\
         if [ \"$1\" = -train ]; then echo \"epoch $2 loss 0.$VF_SIGNIFICAND\"; echo w > \"$3\"; exit 0; fi\n\
         echo \"accuracy: 90.${{VF_SIGNIFICAND:-9}}%\"\n"
    );
    scripted(name, &script)
}

/// What the program was run with, a line each run.
pub fn log(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join("programs/toy/log")).unwrap_or_default();
    text.lines().map(|l| l.trim().to_string()).collect()
}

/// Waits for something that must come within a minute.
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
