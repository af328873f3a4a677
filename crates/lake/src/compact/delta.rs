//! The files of a Delta table.
//!
//! A commit that swaps files says so (`dataChange` false), so that readers of changes see nothing new. The files that
//! are no longer listed stay for those who read an earlier version, until they expire ([`tidy`]).

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow::array::RecordBatch;
use deltalake_core::{
    DeltaTable, DeltaTableError,
    kernel::{
        Action,
        transaction::{CommitBuilder, CommitProperties},
    },
    protocol::DeltaOperation,
    writer::{DeltaWriter, RecordBatchWriter},
};
use object_store::{ObjectStore, path::Path};
use sink::Table;

use super::{Compacted, delta_log::tidy, read};
use crate::{
    LakeError, Location,
    delta::{columns, hour_column, with_hour},
    delta_table::{delta, is_overtaken, load_table},
    layout::Layout,
    shape,
};

/// How often a commit is tried again that somebody else was first with.
const ATTEMPTS_MAX: usize = 64;

/// Merges the files of a table that are smaller than `target_bytes`, and drops hours before `keep_from`.
pub(super) async fn compact(
    location: &Location,
    (store, lake): (&Arc<dyn ObjectStore>, &Path),
    name: Table,
    layout: Layout,
    (target_bytes, keep_from): (u64, Option<&str>),
) -> Result<Compacted, LakeError> {
    let mut table = load_table(location, store, name).await?;
    let hour = hour_column(&layout.columns, &layout.time);
    let folder = lake.clone().join(name.name());
    let dropped = match (keep_from, &hour) {
        (Some(from), Some(hour)) => drop_before(&mut table, hour, from).await?,
        _ => 0,
    };
    // Files may be older than a column of the table, or have one that the stream has no more.
    let layout = Layout { columns: columns(&table, &layout)?, ..layout };
    let done = Compacted { table: name, merged: 0, made: 0, dropped, replaced: 0, log: None };
    let done = merge(&mut table, store, &folder, (&layout, hour.as_deref()), target_bytes, done).await?;
    Ok(Compacted { log: Some(tidy(table).await?), ..done })
}

/// Drops the files of hours before `from`.
async fn drop_before(table: &mut DeltaTable, hour: &str, from: &str) -> Result<usize, LakeError> {
    let context = "dropping old hours";
    let old: Vec<Action> = {
        let snapshot = table.snapshot().map_err(|error| delta(context, &error))?;
        let files = snapshot.log_data();
        let old = files.iter().filter(|file| {
            file.partition_values_map().get(hour).and_then(Option::as_deref).is_some_and(|hour| hour < from)
        });
        old.map(|file| Action::Remove(file.remove_action(true))).collect()
    };
    let count = old.len();
    if count > 0 {
        let operation = DeltaOperation::Delete { predicate: Some(format!("{hour} < '{from}'")) };
        let committed = commit(table, old, operation, CommitProperties::default()).await;
        committed.map_err(|error| delta(context, &error))?;
    }
    Ok(count)
}

/// Merges the small files of each hour.
async fn merge(
    table: &mut DeltaTable,
    store: &Arc<dyn ObjectStore>,
    folder: &Path,
    (layout, hour): (&Layout, Option<&str>),
    target_bytes: u64,
    mut done: Compacted,
) -> Result<Compacted, LakeError> {
    let mut hours: BTreeMap<Option<String>, Vec<Vec<(Path, Action)>>> = BTreeMap::new();
    {
        let snapshot = table.snapshot().map_err(|error| delta("merging files", &error))?;
        let mut filled: BTreeMap<Option<String>, u64> = BTreeMap::new();
        for file in snapshot.log_data().iter() {
            let size = u64::try_from(file.size()).unwrap_or(0);
            if size >= target_bytes {
                continue;
            }
            let of = hour.and_then(|hour| file.partition_values_map().get(hour).cloned().flatten());
            let bytes = filled.entry(of.clone()).or_default();
            let groups = hours.entry(of).or_insert_with(|| vec![Vec::new()]);
            if *bytes + size > target_bytes {
                groups.push(Vec::new());
                *bytes = 0;
            }
            *bytes += size;
            if let Some(group) = groups.last_mut() {
                group.push((file.object_store_path(), Action::Remove(file.remove_action(false))));
            }
        }
    }
    let groups: Vec<_> = hours
        .into_iter()
        .flat_map(|(of, groups)| groups.into_iter().map(move |group| (of.clone(), group)))
        .filter(|(_, group)| group.len() > 1)
        .collect();
    for (of, group) in groups {
        // Another compaction may have been here before.
        if !are_listed(table, &group)? {
            continue;
        }
        let of = hour.map(|_| of.as_deref().unwrap_or(shape::NO_TIME));
        let batches = read_all(store, folder, &group).await?;
        let (adds, rows) = write(table, &batches, layout, of).await?;
        let replaced = batches.iter().map(RecordBatch::num_rows).sum::<usize>() - rows;
        let (count, files) = (group.len(), adds.len());
        let target_size = i64::try_from(target_bytes).unwrap_or(i64::MAX);
        if swap(table, adds, group, target_size).await? {
            done.merged += count;
            done.made += files;
            done.replaced += replaced;
        }
    }
    Ok(done)
}

/// The rows of files.
async fn read_all(
    store: &Arc<dyn ObjectStore>,
    folder: &Path,
    group: &[(Path, Action)],
) -> Result<Vec<RecordBatch>, LakeError> {
    let mut batches = Vec::new();
    for (path, _) in group {
        let path = path.parts().fold(folder.clone(), |folder, part| folder.join(part));
        batches.extend(read(store, &path).await?);
    }
    Ok(batches)
}

/// Writes the rows of files into one, which no commit names yet, and gives how many there are.
async fn write(
    table: &DeltaTable,
    batches: &[RecordBatch],
    layout: &Layout,
    hour: Option<&str>,
) -> Result<(Vec<Action>, usize), LakeError> {
    let failed = |error: &DeltaTableError| delta("merging files", error);
    let mut writer = RecordBatchWriter::for_table(table)
        .map_err(|error| failed(&error))?
        .with_writer_properties(shape::properties()?);
    let mut count = 0;
    // The hour is in the name of the folder and not in the rows; those of one hour are sorted here.
    for (_, rows) in layout.merged(batches)? {
        count += rows.num_rows();
        writer.write(with_hour(rows, hour, &layout.time)?).await.map_err(|error| failed(&error))?;
    }
    let mut adds = writer.flush().await.map_err(|error| failed(&error))?;
    adds.iter_mut().for_each(|add| add.data_change = false);
    Ok((adds.into_iter().map(Action::Add).collect(), count))
}

/// Puts files in the place of others, in one commit. False where another compaction was first: its rows would be there
/// twice.
///
/// The library's own check of conflicts passes over files that were removed without a change of data, which is how a
/// compaction removes them. So each try is for the state that was looked at, and no other.
async fn swap(
    table: &mut DeltaTable,
    adds: Vec<Action>,
    group: Vec<(Path, Action)>,
    target_size: i64,
) -> Result<bool, LakeError> {
    for _ in 0..ATTEMPTS_MAX {
        if !are_listed(table, &group)? {
            return Ok(false);
        }
        let actions = adds.iter().cloned().chain(group.iter().map(|(_, remove)| remove.clone())).collect();
        let operation = DeltaOperation::Optimize { predicate: None, target_size };
        match commit(table, actions, operation, CommitProperties::default().with_max_retries(0)).await {
            Err(error) if is_overtaken(&error) => {
                table.update_state().await.map_err(|error| delta("reading the log", &error))?;
            }
            committed => return committed.map(|()| true).map_err(|error| delta("merging files", &error)),
        }
    }
    Err(LakeError::Busy { attempts: ATTEMPTS_MAX })
}

/// Whether the table still lists all of these files.
fn are_listed(table: &DeltaTable, group: &[(Path, Action)]) -> Result<bool, LakeError> {
    let snapshot = table.snapshot().map_err(|error| delta("merging files", &error))?;
    let listed: HashSet<Path> = snapshot.log_data().iter().map(|file| file.object_store_path()).collect();
    Ok(group.iter().all(|(path, _)| listed.contains(path)))
}

async fn commit(
    table: &mut DeltaTable,
    actions: Vec<Action>,
    operation: DeltaOperation,
    properties: CommitProperties,
) -> Result<(), DeltaTableError> {
    let snapshot = table.snapshot()?;
    // Once, at the end.
    let properties = properties.with_cleanup_expired_logs(Some(false));
    CommitBuilder::from(properties).with_actions(actions).build(Some(snapshot), table.log_store(), operation).await?;
    table.update_state().await
}
