//! What can be wrong with a lookup.

/// What can be wrong with a lookup. The text of each variant is written for the author of a stream definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// A column that is not there, of the table or of the stream.
    #[error("column `{column}` does not exist")]
    UnknownColumn {
        /// As written.
        column: String,
    },
    /// The stream's column cannot be compared with the table's.
    #[error("{message}")]
    Type {
        /// The two types.
        message: String,
    },
    /// A table that cannot be used.
    #[error("{message}")]
    Table {
        /// What is wrong with it.
        message: String,
    },
}
