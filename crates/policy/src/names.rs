//! Names of kernels as people write them.

use cpp_demangle::{DemangleOptions, Symbol};

/// The ways in which a kernel may be called in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// As the PTX has it: `_ZN2nn6linearIfEEvPT_`.
    pub mangled: String,
    /// As CUDA has it: `void nn::linear<float>(float*)`; `None` for names that are not mangled (`extern "C"`).
    pub demangled: Option<String>,
    /// Without result and parameters: `nn::linear<float>`.
    pub short: Option<String>,
}

impl Names {
    /// All names of the function with this mangled name.
    pub fn of(mangled: &str) -> Names {
        let symbol = Symbol::new(mangled).ok();
        let text = |options: DemangleOptions| symbol.as_ref()?.demangle_with_options(&options).ok();
        let demangled = text(DemangleOptions::new());
        let short = text(DemangleOptions::new().no_params().no_return_type());
        Names {
            mangled: mangled.to_owned(),
            demangled,
            short,
        }
    }

    /// For messages: the short demangled name, else the mangled one.
    pub fn shown(&self) -> &str {
        self.short.as_deref().unwrap_or(&self.mangled)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        [Some(&self.mangled), self.demangled.as_ref(), self.short.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// The name to show for a mangled one.
pub fn shown(mangled: &str) -> String {
    Names::of(mangled).shown().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled_and_plain_ones_stay() {
        let names = Names::of("_ZN2nn6linearIfEEvPT_i");
        assert_eq!(names.short.as_deref(), Some("nn::linear<float>"));
        assert_eq!(
            names.demangled.as_deref(),
            Some("void nn::linear<float>(float*, int)")
        );
        let plain = Names::of("linear_forward");
        assert_eq!((plain.shown(), plain.all().count()), ("linear_forward", 1));
        assert_eq!(shown("_Z4softPf"), "soft");
    }
}
