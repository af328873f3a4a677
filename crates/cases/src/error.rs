//! What can go wrong with cases, besides that they disagree.

/// What can go wrong with cases, besides that they disagree.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// A case names a column that its table lacks.
    #[error("case `{case}`: {table} have no column `{column}`; they have {}", known.join(", "))]
    Column {
        /// The case's name.
        case: String,
        /// Rows, anomalies, dead letters, ...
        table: String,
        /// The column.
        column: String,
        /// The columns that there are.
        known: Vec<String>,
    },
    /// A case names an aggregate that the stream lacks.
    #[error("case `{case}`: the stream has no aggregate `{aggregate}`; it has {}", known.join(", "))]
    Aggregate {
        /// The case's name.
        case: String,
        /// The aggregate.
        aggregate: String,
        /// The aggregates that there are.
        known: Vec<String>,
    },
    /// A case that expects nothing passes whatever happens.
    #[error("case `{case}` expects nothing; give it rows, filtered, dead_letters, anomalies, late or windows")]
    Empty {
        /// The case's name.
        case: String,
    },
    /// A stage cannot go on.
    #[error(transparent)]
    Stage(#[from] stage::StageError),
    /// Results cannot be put together.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// Results are not JSON.
    #[error("a result cannot be shown: {0}")]
    Json(#[from] serde_json::Error),
}
