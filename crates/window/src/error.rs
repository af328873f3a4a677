//! What can go wrong with windows as a whole; an event that an aggregate does not take is not an error.

/// What can go wrong with windows as a whole.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The definition's expressions do not fit the rows.
    #[error("aggregate {aggregate}: {source}")]
    Expression {
        /// Which aggregate.
        aggregate: String,
        /// What is wrong.
        source: expr::ExprError,
    },
    /// A snapshot or partial that is damaged, or of another version or definition.
    #[error("the state of a window cannot be read: {0}; start over without it")]
    State(&'static str),
    /// A batch that cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// A sketch that cannot be computed.
    #[error("sketch: {0}")]
    Sketch(#[from] datafusion_common::DataFusionError),
}
