//! The passes that a kernel goes through, by name.

/// A pass of lowering, after which a kernel can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// From the syntax tree: names resolved, calls inlined.
    Translate,
    /// Basic blocks, meeting points, how the lanes of registers relate.
    Analyse,
}

impl Pass {
    /// Every pass with its name, in the order they run.
    pub const ALL: [(&str, Pass); 2] = [("translate", Pass::Translate), ("analyse", Pass::Analyse)];
}
