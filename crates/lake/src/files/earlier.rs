//! Files of the first version, which had no log: a writer deleted what was written beyond its committed position, and
//! wrote it again.
//!
//! That is still done with such files when a partition is begun with. Their positions are found once, when the log
//! begins, for a consumer group that has none: the last file of a partition may hold anything from its first position on,
//! so reading goes on there and the file is replaced.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::TryStreamExt;
use object_store::{ObjectStore, path::Path};
use sink::{Batch, Table, TopicPartition};

use crate::{
    LakeError,
    log::{Log, delete, join, relative},
    names,
};

/// Begins the log with what the files of the first version show.
pub(super) async fn begin(
    log: &mut Log,
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    tables: impl Iterator<Item = Table>,
) -> Result<(), LakeError> {
    let mut found: BTreeMap<String, BTreeMap<u32, u64>> = BTreeMap::new();
    for table in tables {
        for (topic, partition, first) in files(store, lake, table).await?.into_values() {
            let last = found.entry(topic).or_default().entry(partition).or_default();
            *last = first.max(*last);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    tracing::info!(topics = found.len(), "the lake has files of the first version, and goes on from them with a log");
    let mut entry = log.next(names::attempt()?);
    entry.found = found;
    // Where another writer was first it has found the same.
    log.commit(entry).await.map(|_| ())
}

/// Deletes the files of the first version that lie at or beyond the position that each of these partitions begins at,
/// unless that has been done.
pub(super) async fn clear(
    log: &Log,
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    batches: &[Batch],
    begun: &mut BTreeSet<(Table, TopicPartition)>,
) -> Result<(), LakeError> {
    if log.last().found.is_empty() {
        return Ok(());
    }
    let mut begins: BTreeMap<Table, BTreeMap<TopicPartition, u64>> = BTreeMap::new();
    for batch in batches {
        let at = (batch.topic.clone(), batch.partition);
        if !begun.contains(&(batch.table, at.clone())) {
            let kept = log.last().position(&batch.topic, batch.partition);
            begins.entry(batch.table).or_default().insert(at, kept.unwrap_or_else(|| batch.first()));
        }
    }
    for (table, begins) in begins {
        for (file, (topic, partition, first)) in files(store, lake, table).await? {
            if begins.get(&(topic, partition)).is_some_and(|begin| first >= *begin) {
                delete(store, &join(lake, &file)).await?;
            }
        }
        begun.extend(begins.into_keys().map(|at| (table, at)));
    }
    Ok(())
}

/// The files of the first version in a table, with topic, partition and first position.
async fn files(
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    table: Table,
) -> Result<BTreeMap<String, (String, u32, u64)>, LakeError> {
    let folder = join(lake, table.name());
    let mut listed = store.list(Some(&folder));
    let mut files = BTreeMap::new();
    while let Some(meta) = listed.try_next().await.map_err(LakeError::store(format!("listing {folder}")))? {
        let Some(file) = relative(lake, &meta.location) else { continue };
        if let Some(first) = names::earlier(&file) {
            files.insert(file, first);
        }
    }
    Ok(files)
}
