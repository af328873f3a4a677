//! Why a source cannot be asked.

/// Why a source cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Result files, or the query itself.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The CQL store.
    #[error(transparent)]
    Cql(#[from] cql::CqlError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
}
