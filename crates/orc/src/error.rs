//! What can go wrong with an ORC file.

use arrow::{datatypes::DataType, error::ArrowError};

use crate::types::help;

/// What can go wrong with an ORC file.
#[derive(Debug, thiserror::Error)]
pub enum OrcError {
    /// A column of a type that the writer lacks.
    #[error("column `{column}` has the type {data_type}, which is not written to ORC files; {}", help(data_type))]
    Column {
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// A file says of itself what no ORC file says.
    #[error("it is not an ORC file: {0}")]
    NotOrc(&'static str),
    /// The library.
    #[error(transparent)]
    Library(#[from] orc_rust::error::OrcError),
    /// Columns that do not go together.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}
