//! What a rule selects by: names, launches, stages, phases, classes of instructions, lines.

use globset::{GlobBuilder, GlobMatcher};
use ptx::ast::{Instruction, Opcode};
use ptx::isa::Class;
use serde::{Deserialize, Serialize};

use crate::names::Names;

/// A stage of a run in which kernels are launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Stage {
    Train,
    Test,
}

impl Stage {
    /// All, with their names.
    pub const ALL: [(&'static str, Stage); 2] = [("train", Stage::Train), ("test", Stage::Test)];

    /// The stage of this name.
    pub fn from_name(name: &str) -> Option<Stage> {
        Stage::ALL.iter().find(|(n, _)| *n == name).map(|(_, s)| *s)
    }
}

/// A phase of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names say it
pub enum Phase {
    Forward,
    Backward,
    Update,
}

impl Phase {
    /// All, with their names.
    pub const ALL: [(&'static str, Phase); 3] = [
        ("forward", Phase::Forward),
        ("backward", Phase::Backward),
        ("update", Phase::Update),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Phase::ALL
            .iter()
            .find(|(_, p)| *p == self)
            .map_or("", |(name, _)| name)
    }
}

/// What instructions do, as policies say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the table below says it
pub enum ClassName {
    Add,
    Mul,
    Fma,
    Div,
    Sqrt,
    Transcendental,
    Compare,
    MinMax,
    Convert,
    Sign,
    Accumulate,
}

impl ClassName {
    /// All, with their names and what they hold.
    pub const ALL: [(&'static str, ClassName, &'static str); 11] = [
        ("add", ClassName::Add, "add, sub"),
        ("mul", ClassName::Mul, "mul"),
        ("fma", ClassName::Fma, "fma, mad"),
        ("div", ClassName::Div, "div, rcp"),
        ("sqrt", ClassName::Sqrt, "sqrt, rsqrt"),
        (
            "transcendental",
            ClassName::Transcendental,
            "ex2, lg2, sin, cos, tanh",
        ),
        ("compare", ClassName::Compare, "setp, set, slct"),
        ("minmax", ClassName::MinMax, "min, max"),
        ("convert", ClassName::Convert, "cvt"),
        ("sign", ClassName::Sign, "neg, abs"),
        (
            "accumulate",
            ClassName::Accumulate,
            "sums that run over a loop or join such sums",
        ),
    ];

    /// The class of an instruction that may be overridden; never [`ClassName::Accumulate`], which is a matter of
    /// its data flow.
    pub fn of(class: Class, instruction: &Instruction) -> ClassName {
        match (class, instruction.opcode) {
            (Class::Function, Opcode::Sqrt | Opcode::Rsqrt) => ClassName::Sqrt,
            (Class::Function, Opcode::Rcp) | (Class::Div, _) => ClassName::Div,
            (Class::Function, _) => ClassName::Transcendental,
            (Class::Add, _) => ClassName::Add,
            (Class::Mul, _) => ClassName::Mul,
            (Class::Fma, _) => ClassName::Fma,
            (Class::Compare, _) => ClassName::Compare,
            (Class::MinMax, _) => ClassName::MinMax,
            (Class::Convert, _) => ClassName::Convert,
            (Class::Sign, _) => ClassName::Sign,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        ClassName::ALL
            .iter()
            .find(|(_, c, _)| *c == self)
            .map_or("", |(n, _, _)| n)
    }
}

/// Patterns of which one must match: `*` any text, `?` one character, `[ab]`, `{one,other}`.
#[derive(Clone, Debug)]
pub struct Globs(Vec<GlobMatcher>);

impl Globs {
    /// One pattern more.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn add(&mut self, pattern: &str) -> Result<(), String> {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(false)
            .backslash_escape(true)
            .build();
        self.0
            .push(glob.map_err(|e| e.kind().to_string())?.compile_matcher());
        Ok(())
    }

    /// One pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(pattern: &str) -> Result<Globs, String> {
        let mut all = Globs::none();
        all.add(pattern)?;
        Ok(all)
    }

    pub(crate) fn none() -> Globs {
        Globs(Vec::new())
    }

    /// The patterns, as they were written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|g| g.glob().glob())
    }

    /// Whether one of the patterns matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|g| g.is_match(text))
    }

    /// Whether one of the patterns matches a function by its mangled name, the demangled one or its short form.
    pub fn matches_mangled(&self, name: &str) -> bool {
        self.matches_function(&Names::of(name))
    }

    /// Whether one of the patterns matches one of a function's names.
    pub fn matches_function(&self, names: &Names) -> bool {
        names.all().any(|n| self.matches(n))
    }
}

/// Some launches of a kernel, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launches {
    /// The first.
    pub first: u64,
    /// The one after the last.
    pub end: u64,
    /// Every how many.
    pub every: u64,
}

impl Launches {
    /// Whether launch `n` is one of them.
    pub fn has(&self, n: u64) -> bool {
        (self.first..self.end).contains(&n) && (n - self.first).is_multiple_of(self.every)
    }
}

/// Lines of a source file, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The end of the file's path; `None` is any file.
    pub file: Option<String>,
    /// The first line, from 1.
    pub first: u32,
    /// The last line.
    pub last: u32,
}

impl Lines {
    /// Whether a line of a file is one of them.
    pub fn has(&self, file: &str, line: u32) -> bool {
        let named = |want: &String| {
            let rest = file.strip_suffix(want.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        (self.first..=self.last).contains(&line) && self.file.as_ref().is_none_or(named)
    }
}

/// A launch, as rules see it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LaunchContext<'a> {
    /// Which launch of this kernel in this process, from 0.
    pub number: u64,
    /// The stage of the run, if it is known.
    pub stage: Option<Stage>,
    /// The layer that the launch belongs to, if it is known.
    pub layer: Option<&'a str>,
    /// The phase of training that it belongs to, if it is known.
    pub phase: Option<Phase>,
}

/// When a rule holds. What is not said holds always; all that is said must hold.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Names of kernels.
    pub kernel: Option<Globs>,
    /// Launches of a kernel; one of them.
    pub launch: Option<Vec<Launches>>,
    /// The stage.
    pub stage: Option<Stage>,
    /// Phases of training; one of them.
    pub phase: Option<Vec<Phase>>,
    /// Names of layers.
    pub layer: Option<Globs>,
}

impl Conditions {
    /// Whether they say more than which kernel: whether they can differ from launch to launch.
    pub fn is_of_launch(&self) -> bool {
        self.launch.is_some() || self.stage.is_some() || self.is_of_layer()
    }

    /// Whether they need to know the layers of the program.
    pub fn is_of_layer(&self) -> bool {
        self.phase.is_some() || self.layer.is_some()
    }

    /// Whether they can hold for a kernel at all.
    pub fn allows(&self, kernel: &Names) -> bool {
        self.kernel.as_ref().is_none_or(|g| g.matches_function(kernel))
    }

    /// Whether what they say of the launch holds, whatever the kernel.
    pub fn hold(&self, launch: &LaunchContext<'_>) -> bool {
        self.launch
            .as_ref()
            .is_none_or(|l| l.iter().any(|l| l.has(launch.number)))
            && self.stage.is_none_or(|s| launch.stage == Some(s))
            && self
                .phase
                .as_ref()
                .is_none_or(|p| launch.phase.is_some_and(|phase| p.contains(&phase)))
            && self
                .layer
                .as_ref()
                .is_none_or(|g| launch.layer.is_some_and(|layer| g.matches(layer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_are_counted_and_lines_belong_to_files() {
        let every = Launches {
            first: 1,
            end: u64::MAX,
            every: 4,
        };
        let hit: Vec<u64> = (0..12).filter(|n| every.has(*n)).collect();
        assert_eq!(hit, [1, 5, 9]);
        let lines = Lines {
            file: Some("mlp.cu".into()),
            first: 40,
            last: 52,
        };
        assert!(lines.has("/a/b/mlp.cu", 40) && lines.has("mlp.cu", 52));
        assert!(!lines.has("/a/b/xmlp.cu", 40) && !lines.has("mlp.cu", 53));
    }

    #[test]
    fn globs_take_every_name_of_a_kernel() {
        let mut globs = Globs::none();
        globs.add("nn::*").unwrap();
        globs.add("*_forward").unwrap();
        assert!(globs.matches_function(&Names::of("_ZN2nn6linearIfEEvPT_i")));
        assert!(globs.matches_function(&Names::of("linear_forward")));
        assert!(!globs.matches_function(&Names::of("linear_backward")));
        assert!(globs.add("a[").is_err());
    }
}
