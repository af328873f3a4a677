//! Why no definition can be proposed.

/// Why no definition can be proposed. The text is written for the person who gave the sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// The sample cannot be used.
    #[error("{message}")]
    Sample {
        /// What is wrong with it, and what would help.
        message: String,
    },
    /// The proposal failed its own check.
    #[error("no definition of this sample stands the check: {message}")]
    Check {
        /// What failed.
        message: String,
    },
}

impl InferError {
    pub(crate) fn sample(message: impl Into<String>) -> Self {
        InferError::Sample { message: message.into() }
    }

    pub(crate) fn check(message: impl Into<String>) -> Self {
        InferError::Check { message: message.into() }
    }
}
