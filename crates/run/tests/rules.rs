//! What is known before a program runs: rules that cannot take effect, and which map of layers is its own.

use layers::Layers;
use layers::log::Log;
use policy::Policy;
use record::variables;
use run::rules;
use run::settings::Settings;
use run::target::Target;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vernier-rules-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn kernel(body: &str) -> String {
    format!(
        ".version 7.5\n.target sm_75\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n.reg .f32 %f<9>;\n{body}\nret;\n}}\n"
    )
}

#[test]
fn a_rule_that_cannot_take_effect_is_told_before_the_run() {
    let folder = folder("hold");
    let nowhere = Path::new("/nowhere/program");
    let can = |policy: &str| {
        let policy = Policy::parse("p.toml", policy).unwrap();
        rules::can_hold(&policy, nowhere, Some(&folder)).map_err(|e| e.to_string())
    };
    // Nothing is known of the program: nothing is said.
    assert_eq!(can("[[rule]]\nkernel = \"other\"\nformat = \"bf16\"\n"), Ok(()));
    // Text that is in the dialect already can be taken.
    fs::write(
        folder.join("k.ptx"),
        kernel("mul.vf32 %f1, %f2, %f3;\nfmam.rn.vf32 %f4, %f1, %f2, %f4;"),
    )
    .unwrap();
    assert_eq!(can("[[rule]]\nclass = \"mul\"\nformat = \"bf16\"\n"), Ok(()));
    let message = can("[[rule]]\nkernel = \"other\"\nformat = \"bf16\"\n").unwrap_err();
    assert!(
        message.contains("p.toml:1") && message.contains(policy::MATCHES_NOTHING),
        "{message}"
    );
    let message = can("[[rule]]\nclass = \"mul\"\nformat = \"bf16\"\naccumulate = \"fp32\"\n").unwrap_err();
    assert!(message.contains(policy::NO_SUMS), "{message}");
    // What is not read is told by the run.
    fs::write(folder.join("k.ptx"), "no PTX").unwrap();
    assert_eq!(can("[[rule]]\nkernel = \"other\"\nformat = \"bf16\"\n"), Ok(()));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_map_of_layers_belongs_to_a_binary_and_the_ptx_it_reads() {
    let folder = folder("map");
    let binary = folder.join("program");
    fs::write(&binary, format!("a program of {}", std::process::id())).unwrap();
    let ptx = folder.join("ptx");
    fs::create_dir(&ptx).unwrap();
    fs::write(ptx.join("k.ptx"), kernel("mul.f32 %f1, %f2, %f3;")).unwrap();
    let target = Target {
        binary,
        arguments: Vec::new(),
        folder: folder.clone(),
        env: Vec::new(),
        kind: "test".into(),
    };
    let embedded = Settings::default();
    let edited = Settings {
        ptx: Some(ptx.clone()),
        ..Settings::default()
    };
    let place = |settings: &Settings| target.place(settings).unwrap();
    let before = place(&edited);
    assert_ne!(place(&embedded), before);
    fs::write(ptx.join("k.ptx"), kernel("mul.vf32 %f1, %f2, %f3;")).unwrap();
    assert_ne!(place(&edited), before);
    // A map without layers is kept for whoever looks at it, and hides none.
    let nothing = Layers::of(&Log::parse("").unwrap());
    let kept = target.keep(&nothing, &edited).unwrap();
    assert!(kept.is_file());
    assert_eq!(target.known(&edited).unwrap(), None);
    fs::remove_file(kept).unwrap();
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_said_of_a_run_reaches_the_program() {
    let folder = folder("environment");
    let file = "deterministic = true\nthreads = 2\nmax_instructions = 9\npolicy = \"p.toml\"\n";
    fs::write(folder.join("p.toml"), "[[rule]]\nformat = \"bf16\"\n").unwrap();
    let file = Settings::parse(Path::new("vernier.toml"), file, &folder).unwrap();
    let set = |flags: Settings| {
        let settings = flags.over(file.clone());
        let launch = run::launch::prepare(&settings, &folder, &folder).unwrap();
        let text = |name: &str| {
            let found = launch.env.iter().rev().find(|(n, _)| n == name);
            found.map(|(_, value)| value.to_string_lossy().into_owned())
        };
        let names = [
            variables::DETERMINISTIC.name(),
            variables::THREADS.name(),
            variables::MAX_INSTRUCTIONS.name(),
            variables::OBSERVE.name(),
        ];
        assert_eq!(
            text(variables::POLICY.name()),
            Some(folder.join("p.toml").to_string_lossy().into_owned())
        );
        names.map(text)
    };
    let some = |text: &str| Some(text.to_string());
    assert_eq!(set(Settings::default()), [some("1"), some("2"), some("9"), None]);
    let flags = Settings {
        threads: Some(7),
        deterministic: Some(false),
        observe_out: Some(folder.clone()),
        ..Settings::default()
    };
    assert_eq!(set(flags), [some("0"), some("7"), some("9"), some("*")]);
    fs::remove_dir_all(&folder).unwrap();
}
