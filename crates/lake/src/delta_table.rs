//! Opening Delta tables, and what their errors mean.

use std::{error::Error, io, sync::Arc};

use deltalake_core::{
    DeltaTable, DeltaTableBuilder, DeltaTableError, kernel::transaction::TransactionError, logstore::logstore_factories,
};
use object_store::ObjectStore;
use sink::Table;

use crate::{LakeError, Location};

/// How often a commit that somebody else has overtaken is tried again.
pub(crate) const ATTEMPTS_MAX: usize = 8;
/// What errors of the library and its kernel say that have the store's as text alone, where the store did not answer.
const AWAY: &str = "Error interacting with object store: Generic ";

/// Cloud stores put an object only where none is (`If-None-Match`), and HDFS moves one only to where none is, which is all
/// that Delta's log asks of a store; this says so for their schemes, of which the library itself knows none.
pub(crate) fn allow_other_stores() {
    let factories = logstore_factories();
    let parse = |scheme: &str| url::Url::parse(&format!("{scheme}://")).ok();
    let Some(default) = parse("file").and_then(|url| factories.get(&url).map(|found| found.value().clone())) else {
        return;
    };
    for url in ["hdfs", "s3", "s3a", "gs", "az", "abfs", "abfss"].into_iter().filter_map(parse) {
        factories.insert(url, default.clone());
    }
}

/// A table, where it has been made.
pub(crate) async fn existing_table(
    location: &Location,
    store: &Arc<dyn ObjectStore>,
    table: Table,
) -> Result<Option<DeltaTable>, LakeError> {
    match unopened(location, store, table)?.verify_deltatable_existence().await {
        Ok(true) => load_table(location, store, table).await.map(Some),
        Ok(false) => Ok(None),
        Err(error) => Err(delta(&format!("opening {table}"), &error)),
    }
}

/// A table that is there.
pub(crate) async fn load_table(
    location: &Location,
    store: &Arc<dyn ObjectStore>,
    table: Table,
) -> Result<DeltaTable, LakeError> {
    let mut opened = unopened(location, store, table)?;
    opened.load().await.map_err(|error| delta(&format!("opening {table}"), &error))?;
    Ok(opened)
}

/// A table that has not been looked at, and may be missing.
pub(crate) fn unopened(
    location: &Location,
    store: &Arc<dyn ObjectStore>,
    table: Table,
) -> Result<DeltaTable, LakeError> {
    allow_other_stores();
    let failed = |error: DeltaTableError| delta(&format!("opening {table}"), &error);
    let url = location.folder(table.name());
    let builder = DeltaTableBuilder::from_url(url.clone()).map_err(failed)?;
    builder.with_storage_backend(store.clone(), url).build().map_err(failed)
}

pub(crate) fn is_overtaken(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_)
                    | TransactionError::VersionAlreadyExists(_)
                    | TransactionError::MaxCommitAttempts(_)
            }
    )
}

/// An error of a Delta table.
pub(crate) fn delta(context: &str, error: &DeltaTableError) -> LakeError {
    let temporary = is_overtaken(error)
        || is_away(error)
        || error.to_string().contains(AWAY)
        || matches!(error, DeltaTableError::Transaction { source: TransactionError::ObjectStore { .. } });
    LakeError::Delta { context: context.to_owned(), message: error.to_string(), temporary }
}

/// Whether the store did not answer, whatever the libraries have wrapped that in: Parquet's writer does, around an error of
/// reading and writing, which hides what it is made of.
fn is_away(error: &(dyn Error + 'static)) -> bool {
    let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    matches!(error.downcast_ref(), Some(object_store::Error::Generic { .. }))
        || within.is_some_and(|within| is_away(within))
        || error.source().is_some_and(is_away)
}

#[cfg(test)]
mod tests {
    use parquet::errors::ParquetError;

    use super::*;

    #[test]
    fn a_store_that_is_away_is_seen_through_every_wrapping() {
        let away = || object_store::Error::Generic { store: "HDFS", source: "connection refused".into() };
        let written = ParquetError::External(Box::new(io::Error::other(away())));
        for error in [
            DeltaTableError::ObjectStore { source: away() },
            DeltaTableError::Parquet { source: written },
            DeltaTableError::Parquet { source: ParquetError::External(Box::new(away())) },
        ] {
            assert!(delta("writing", &error).is_temporary(), "{error}");
        }
        let damaged = DeltaTableError::Parquet { source: ParquetError::General("bad page".to_owned()) };
        assert!(!delta("reading", &damaged).is_temporary());
    }
}
