//! Environment variables that are set but mean nothing: misspelt ones, GPGPU-Sim's, those without effect. Each is told
//! in a line: a run that silently is not what was asked for is worse than one that fails.

use crate::say;
use crate::settings::variable;

/// Every variable of Vernier's: those of docs/environment.md.
const KNOWN: [&str; 45] = [
    "PTX_SIM_MODE_FUNC",
    "VERNIER_ACCUMULATE",
    "VERNIER_ALLOW_LIBRARIES",
    "VERNIER_ANSWERS",
    "VERNIER_CACHE",
    "VERNIER_CHROMIUM",
    "VERNIER_DATA_DIR",
    "VERNIER_DETERMINISTIC",
    "VERNIER_DIGEST",
    "VERNIER_EMBEDDED_LIBRARY",
    "VERNIER_EXHAUSTIVE",
    "VERNIER_FORMAT",
    "VERNIER_INPUT_ROUNDING",
    "VERNIER_ISA",
    "VERNIER_LAUNCH_LOG",
    "VERNIER_LAUNCH_STOP",
    "VERNIER_LAYERS",
    "VERNIER_LIBCUDART",
    "VERNIER_MAX_INSTRUCTIONS",
    "VERNIER_MAX_UNPACKED",
    "VERNIER_MNIST_DIR",
    "VERNIER_OBSERVE",
    "VERNIER_OBSERVE_EVERY",
    "VERNIER_OVERRIDE",
    "VERNIER_POLICY",
    "VERNIER_PROFILE",
    "VERNIER_PROGRAMS",
    "VERNIER_PTX_DIR",
    "VERNIER_PTX_OUT",
    "VERNIER_QUIET",
    "VERNIER_RUNS",
    "VERNIER_RUN_DIR",
    "VERNIER_SEED",
    "VERNIER_SHADOW",
    "VERNIER_STAGE",
    "VERNIER_STOP_AT",
    "VERNIER_TEST_IMAGES",
    "VERNIER_THREADS",
    "VERNIER_TRAIN_IMAGES",
    "VERNIER_UNPACKED",
    "VERNIER_VERBOSE",
    "VERNIER_WRITE_DOCS",
    "VF_EXPONENT_MAX",
    "VF_EXPONENT_MIN",
    "VF_SIGNIFICAND",
];

/// Those that say what `.vf32` means.
const FORMAT: [&str; 4] = [
    "VERNIER_FORMAT",
    "VF_SIGNIFICAND",
    "VF_EXPONENT_MIN",
    "VF_EXPONENT_MAX",
];

/// GPGPU-Sim's variables that Vernier does not read, and what does their work.
const GPGPU_SIM: [(&str, &str); 4] = [
    (
        "PTX_SIM_USE_PTX_FILE",
        "VERNIER_PTX_DIR=FOLDER takes the kernels of the PTX files in a folder",
    ),
    (
        "PTX_SIM_KERNELFILE",
        "VERNIER_PTX_DIR=FOLDER takes the kernels of the PTX files in a folder",
    ),
    (
        "PTX_SIM_DEBUG",
        "VERNIER_VERBOSE=1 says more, VERNIER_OBSERVE shows what the numbers do",
    ),
    (
        "PTX_SIM_SAVE",
        "VERNIER_PTX_OUT=FOLDER is where the program's PTX is written (without it, the working directory)",
    ),
];

/// What is wrong with a variable of this name, if something is.
fn meaningless(name: &str) -> Option<String> {
    if KNOWN.contains(&name) {
        return None;
    }
    if let Some((_, instead)) = GPGPU_SIM.iter().find(|(n, _)| *n == name) {
        return Some(format!(
            "{name} is a variable of GPGPU-Sim's, which Vernier does not read: {instead}"
        ));
    }
    let ours = ["VERNIER_", "VF_", "VF32_", "PTX_SIM_"];
    ours.iter().any(|prefix| name.starts_with(prefix)).then(|| {
        let help = match ptx::suggest::nearest(name, KNOWN) {
            Some(near) => format!("did you mean {near}?"),
            None => "docs/environment.md lists those that there are".into(),
        };
        format!("{name} is no variable of Vernier's and is not read: {help}")
    })
}

/// Says which variables of the process mean nothing.
pub(crate) fn warn() {
    let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let mut all: Vec<String> = set
        .filter_map(|(name, _)| meaningless(&name.to_string_lossy()))
        .collect();
    all.sort();
    all.iter().for_each(|text| say::info(text));
}

/// Says that a format is set, but nothing ran in it.
pub(crate) fn warn_without_effect() {
    let set: Vec<&str> = FORMAT.into_iter().filter(|n| variable(n).is_some()).collect();
    if !set.is_empty() {
        say::info(&format!(
            "no effect of {}: no kernel executed a `.vf32` instruction. VERNIER_OVERRIDE=vf32 rewrites every f32 \
             instruction (`vernier exec --format` sets both), or write `.vf32` in the PTX",
            set.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_misspelt_or_of_gpgpu_sim_is_told() {
        for name in KNOWN {
            assert_eq!(meaningless(name), None);
        }
        for (name, near) in [
            ("VERNIER_FROMAT", "VERNIER_FORMAT"),
            ("VF_SIGNIFICANT", "VF_SIGNIFICAND"),
            ("VF32_SIGNIFICAND", "VF_SIGNIFICAND"),
            ("VERNIER_TREADS", "VERNIER_THREADS"),
            ("PTX_SIM_MODE_FUNCT", "PTX_SIM_MODE_FUNC"),
        ] {
            let text = meaningless(name).unwrap();
            assert!(text.contains(&format!("did you mean {near}?")), "{text}");
        }
        for (name, instead) in [
            ("PTX_SIM_USE_PTX_FILE", "VERNIER_PTX_DIR"),
            ("PTX_SIM_KERNELFILE", "VERNIER_PTX_DIR"),
            ("PTX_SIM_DEBUG", "VERNIER_VERBOSE"),
            ("PTX_SIM_SAVE", "VERNIER_PTX_OUT"),
        ] {
            let text = meaningless(name).unwrap();
            assert!(text.contains("GPGPU-Sim") && text.contains(instead), "{text}");
        }
        assert!(meaningless("VF_QUITE_ANOTHER_THING").is_some());
        assert_eq!(meaningless("PATH"), None);
        assert_eq!(meaningless("VFAT"), None);
    }

    #[test]
    fn the_manual_lists_the_known_ones() {
        let manual = include_str!("../../../docs/environment.md");
        let words = manual.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
        let ours = |w: &&str| ["VERNIER_", "VF_", "PTX_SIM_"].iter().any(|p| w.starts_with(p));
        let listed: BTreeSet<&str> = words.filter(ours).collect();
        assert_eq!(listed, KNOWN.into_iter().collect());
    }
}
