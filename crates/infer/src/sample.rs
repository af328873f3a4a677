//! What comes in and what goes out.

use arrow::array::RecordBatch;
use stream::FileFormat;

/// Rows of a sample that are looked at: as many as the file source looks at for the types of derived columns.
pub const ROWS_MAX: usize = 10_000;

/// The beginning of a file.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The stream's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The file as the definition shall name it, relative to the definition.
    pub path: String,
    /// How the definition names the schema, relative to the definition.
    pub schema_path: String,
    /// What the file is.
    pub format: FileFormat,
    /// What was read of it.
    pub content: Content,
    /// Whether that is the whole file; otherwise a last, perhaps unfinished record is ignored.
    pub complete: bool,
    /// Whether rows are numbered where no column has a time that can be read; otherwise that is an error.
    pub no_time: bool,
    /// What a person should know of how it was read.
    pub notes: Vec<String>,
}

/// What was read of a file, unpacked.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text of CSV or JSON, in UTF-8.
    Text(Vec<u8>),
    /// Rows of a file that knows its types, as Parquet does.
    Rows(RecordBatch),
}

/// A definition that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The Avro schema of the raw events, as JSON.
    pub avro_schema: String,
    /// The definition in YAML, each guess with its reason in a comment.
    pub definition: String,
    /// The roles and features in short, each with its reason.
    pub guesses: Vec<String>,
    /// The format, where the file's name does not tell it.
    pub format: Option<&'static str>,
    /// What a person should know before running it.
    pub notes: Vec<String>,
}
