//! The page of `vernier report` in headless Chromium: its script runs, tables sort and filter, points show their commands,
//! both themes are drawn, it prints, and nothing comes from anywhere else.
//!
//! `cargo test --release -p vernier --features test-browser --test browser`; needs Chromium or Chrome (`VERNIER_CHROMIUM`
//! names another one).

mod support;

use lab::store::{DONE, FAILED, Store, Trial};
use resvg::tiny_skia::Pixmap;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{folder, run};

/// Names of browsers, the first that is there is taken.
const BROWSERS: [&str; 4] = [
    "chromium",
    "google-chrome",
    "google-chrome-stable",
    "chromium-browser",
];

/// The browser's program; the test fails by name where there is none.
fn browser() -> OsString {
    if let Some(named) = std::env::var_os("VERNIER_CHROMIUM").filter(|n| !n.is_empty()) {
        return named;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let found = BROWSERS.iter().find(|name| there(name));
    let missing = "no browser: install Chromium (Debian: apt-get install chromium), or set VERNIER_CHROMIUM";
    found.expect(missing).into()
}

/// Runs the browser on a page; its standard output.
fn browse(dir: &Path, page: &str, options: &[&str]) -> String {
    let program = browser();
    let profile = format!("--user-data-dir={}", dir.join("profile").display());
    let output = Command::new(&program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ])
        .args([
            "--window-size=1280,1600",
            "--virtual-time-budget=10000",
            "--enable-logging=stderr",
        ])
        .arg(profile)
        .args(options)
        .arg(format!("file://{}", dir.join(page).display()))
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", program.display());
    let console: Vec<&str> = said.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "the page has something to say: {console:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn trial(number: i64, format: &str, policy: Option<&str>, accuracy: Option<f64>) -> Trial {
    Trial {
        key: format!("{format} {policy:?}"),
        sweep: 1,
        program: "no such program".into(),
        format: Some(format.into()),
        policy: policy.map(|layer| format!("[[rule]]\nlayer = \"{layer}\"\nformat = \"e4m3\"\n")),
        stages: "test".into(),
        command: format!("vernier run toy --format {format} # {number}"),
        status: if accuracy.is_some() { DONE } else { FAILED }.into(),
        message: accuracy.is_none().then(|| "<b>it ended</b> & more".into()),
        accuracy,
        instructions: Some(number * 999),
        ..Trial::default()
    }
}

/// A page about some trials, in a folder of its own.
fn page(test: &str) -> PathBuf {
    let dir = folder(test);
    let mut store = Store::open(&dir.join("lab.db")).unwrap();
    let mut number = 0;
    let mut put = |format: &str, policy: Option<&str>, accuracy: Option<f64>| {
        number += 1;
        store.put(&trial(number, format, policy, accuracy)).unwrap();
    };
    put("none", None, Some(97.5));
    for (e, lost) in [(5, 1.0), (4, 2.0), (3, 30.0)] {
        for m in [3, 2, 1] {
            put(&format!("e{e}m{m}"), None, Some(97.0 - lost - 9.0 / f64::from(m)));
        }
    }
    put("none", Some("layer1"), Some(95.0));
    put("none", Some("layer2"), Some(9.5));
    put("e2m1", None, None);
    fs::write(dir.join("some values.f32"), 1.5f32.to_le_bytes()).unwrap();
    let output = run(
        &dir,
        &[
            "report",
            "lab.db",
            "-o",
            "page.html",
            "--values",
            "some values.f32",
        ],
    );
    assert!(output.status.success(), "{output:?}");
    dir
}

/// What is done to the page; it writes what it finds into `<pre id="result">`.
const SCRIPT: &str = include_str!("inputs/report.js");

#[test]
fn the_script_sorts_filters_and_shows_commands() {
    let dir = page("browser_script");
    let html = fs::read_to_string(dir.join("page.html")).unwrap();
    for outside in ["http:", "https:", "//fonts", "src=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
    fs::write(
        dir.join("tried.html"),
        html.replace("</body>", &format!("<script>{SCRIPT}</script></body>")),
    )
    .unwrap();
    let dom = browse(
        &dir,
        "tried.html",
        &["--dump-dom", "--blink-settings=preferredColorScheme=1"],
    );
    let (_, found) = dom
        .split_once("<pre id=\"result\">")
        .unwrap_or_else(|| panic!("{dom}"));
    let found = found.split("</pre>").next().unwrap_or_default();
    insta::assert_snapshot!(found);
}

/// A picture's mean brightness, 0 to 255, and how many colours it has.
fn seen(path: &Path) -> (f64, usize) {
    let picture = Pixmap::decode_png(&fs::read(path).unwrap()).unwrap();
    let mut colours = HashSet::new();
    let mut sum = 0.0;
    for pixel in picture.pixels() {
        let (r, g, b) = (pixel.red(), pixel.green(), pixel.blue());
        sum += f64::from(u32::from(r) + u32::from(g) + u32::from(b)) / 3.0;
        colours.insert((r, g, b));
    }
    (sum / picture.pixels().len() as f64, colours.len())
}

#[test]
fn both_themes_and_paper_are_drawn() {
    let dir = page("browser_themes");
    let shot = |name: &str, scheme: &str| {
        let file = dir.join(name);
        let options = [
            format!("--screenshot={}", file.display()),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        ];
        browse(&dir, "page.html", &options.each_ref().map(String::as_str));
        seen(&file)
    };
    let (light, light_colours) = shot("light.png", "1");
    let (dark, dark_colours) = shot("dark.png", "0");
    assert!(light > 220.0 && dark < 70.0, "brightness {light} and {dark}");
    assert!(
        light_colours > 50 && dark_colours > 50,
        "{light_colours} and {dark_colours} colours"
    );
    let pdf = dir.join("page.pdf");
    browse(&dir, "page.html", &[&format!("--print-to-pdf={}", pdf.display())]);
    let pdf = fs::read(pdf).unwrap();
    assert!(
        pdf.starts_with(b"%PDF-") && pdf.len() > 20_000,
        "{} bytes",
        pdf.len()
    );
}
