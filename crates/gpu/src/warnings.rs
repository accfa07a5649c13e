//! Environment variables that are set but mean nothing: misspelt ones, GPGPU-Sim's, those without effect. Each is told
//! in a line: a run that silently is not what was asked for is worse than one that fails.

use crate::say;
use record::environment::of_process;
use record::variables::{self, ALL, GPGPU_SIM, OF_FORMAT};

/// What is wrong with a variable of this name, if something is.
fn meaningless(name: &str) -> Option<String> {
    if variables::row(name).is_some() {
        return None;
    }
    if let Some((_, instead)) = GPGPU_SIM.iter().find(|(n, _)| *n == name) {
        return Some(format!(
            "{name} is a variable of GPGPU-Sim's, which Vernier does not read: {instead}"
        ));
    }
    variables::is_ours(name).then(|| {
        let help = match ptx::suggest::nearest(name, ALL.iter().map(|r| r.name)) {
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
    let set: Vec<&str> = OF_FORMAT
        .into_iter()
        .filter(|n| of_process(n).is_some())
        .collect();
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

    #[test]
    fn what_is_misspelt_or_of_gpgpu_sim_is_told() {
        for row in ALL {
            assert_eq!(meaningless(row.name), None);
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
}
