//! The log of a Delta table, and the files that nothing in it names any more.
//!
//! A reader begins at the last checkpoint, so that a table opens as quickly after a hundred thousand commits as after a
//! hundred. How long entries of the log and files that were merged or dropped stay is a property of the table, as for every
//! engine: `delta.logRetentionDuration` (30 days) and `delta.deletedFileRetentionDuration` (7 days).

use deltalake_core::{
    DeltaTable, DeltaTableError,
    operations::vacuum::VacuumMode,
    protocol::checkpoints::{cleanup_metadata, create_checkpoint},
};

use crate::{LakeError, delta_table::delta};

/// What was done to the log of a Delta table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tidied {
    /// The version that there is a checkpoint of.
    pub checkpoint: u64,
    /// Entries and checkpoints of the log that had expired.
    pub expired: usize,
    /// Files that no version of the table names that somebody may still read.
    pub deleted: usize,
}

/// Writes a checkpoint, and deletes what has expired of the log before it and files that are not listed any more.
pub(super) async fn tidy(table: DeltaTable) -> Result<Tidied, LakeError> {
    let failed = |error: DeltaTableError| delta("cleaning up", &error);
    let checkpoint = table.snapshot().map_err(failed)?.version();
    create_checkpoint(&table, None).await.map_err(failed)?;
    let expired = cleanup_metadata(&table, None).await.map_err(failed)?;
    // What a killed writer left is in no entry of the log: it is found by a look at all files.
    let (_, vacuumed) = table.vacuum().with_mode(VacuumMode::Full).await.map_err(failed)?;
    Ok(Tidied { checkpoint, expired, deleted: vacuumed.files_deleted.len() })
}
