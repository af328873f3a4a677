//! What can be wrong with a schema or a batch as a whole. A bad message is not an error but a [`crate::Rejected`].

/// What can be wrong with a schema or a batch as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The text is not an Avro schema that a stream can have.
    #[error("{message}")]
    Schema {
        /// What is wrong with it.
        message: String,
    },
    /// The writer's schema cannot be read with the reader's.
    #[error("schema {id} cannot be read as `{reader}`: {message}")]
    Resolution {
        /// The writer's schema id.
        id: u32,
        /// The reader's full name.
        reader: String,
        /// What does not fit.
        message: String,
    },
    /// Messages that cannot be decoded at once, because a limit is exceeded.
    #[error("cannot decode: {message}")]
    Decode {
        /// Which limit.
        message: String,
    },
    /// A batch that cannot be written with the schema.
    #[error("cannot encode: {message}")]
    Encode {
        /// What does not fit.
        message: String,
    },
}
