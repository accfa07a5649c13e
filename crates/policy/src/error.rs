//! What can be wrong with a policy, as a person reads it.

/// Why a policy is no policy, or does not fit the program. The texts stand by themselves: file, line, the line
/// with a caret under the place, and help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A document that cannot be read.
    #[error("cannot read the policy {file}: {reason}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// Something in the document is wrong.
    #[error("{0}")]
    At(String),
    /// The policy says different things about one function for the kernels that call it.
    #[error(
        "function `{function}` is called by kernels for which the policy says different things ({kernels}): as text it can only be \
         one of them; select the kernels alike, or run with --policy, where each kernel has its own"
    )]
    Shared {
        /// The device function.
        function: String,
        /// Who calls it.
        kernels: String,
    },
}
