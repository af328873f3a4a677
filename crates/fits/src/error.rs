//! Why a FITS file cannot be read.

/// Why a FITS file cannot be read. The text is written for the person whose file it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitsError {
    /// The header is not one of FITS, or contradicts itself.
    #[error("the header is damaged: {0}")]
    Header(String),
    /// A column is described in a way that the standard does not have.
    #[error("column `{column}`: {reason}")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong with its description.
        reason: String,
    },
    /// The table is stored in a form that is not read.
    #[error("{0}")]
    Form(String),
    /// An array of variable length that does not lie within the file.
    #[error(
        "column `{column}`: an array is said to lie at byte {offset} of the heap, {bytes} bytes long, and {reason}"
    )]
    Array {
        /// Its name.
        column: String,
        /// Where in the heap.
        offset: u64,
        /// How long.
        bytes: u64,
        /// Why that cannot be.
        reason: String,
    },
    /// The columns cannot be put together.
    #[error("the columns cannot be put together: {0}")]
    Arrow(String),
}
