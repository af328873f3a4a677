//! What makes an evaluation impossible.

/// What makes an evaluation impossible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A column that has another length than the labels.
    #[error("{name} has {found} values for {expected} events: give one for each")]
    Length {
        /// The column.
        name: String,
        /// How many values it has.
        found: usize,
        /// How many events there are.
        expected: usize,
    },
}
