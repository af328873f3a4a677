//! What can go wrong with what is shown.

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A cursor that nobody gave out.
    #[error("the cursor is not one of this service; leave it out to begin with the present")]
    Cursor,
    /// A column that has no series.
    #[error("there is no series of `{column}`; there are {known}")]
    NoColumn {
        /// What was asked for.
        column: String,
        /// The columns that have one.
        known: String,
    },
    /// A key that has no series.
    #[error("there is no series of key `{key}`: it had no row here, or came after {limit} others")]
    NoKey {
        /// What was asked for.
        key: String,
        /// How many keys have one.
        limit: usize,
    },
    /// A resolution that is not kept.
    #[error("there are no buckets of {step} s; there are buckets of 1, 10 and 60 s")]
    NoStep {
        /// What was asked for.
        step: u32,
    },
}
