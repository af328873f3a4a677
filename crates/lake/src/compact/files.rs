//! Plain Parquet and ORC files: a merged file is staged, committed in the log together with the files that it replaces, and then
//! takes their place. Whoever comes next finishes what a crash left between the two.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::RecordBatch;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use sink::Table;

use super::{Compacted, read, read_orc};
use crate::{
    Format, LakeError,
    layout::Layout,
    log::{Committed, Log, Move, Places, delete, join, staged},
    names, shape,
    sweep::sweep,
};

/// How often a commit is tried again that a writer was first with.
const ATTEMPTS_MAX: usize = 64;
/// How the folder of an hour begins.
const HOUR: &str = "hour=";

/// Files of one hour that become one.
type Group = Vec<String>;

/// Merges the files of a table that are smaller than `target_bytes`, and drops hours before `keep_from`.
pub(super) async fn compact(
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    (table, layout, format): (Table, &Layout, Format),
    (target_bytes, keep_from): (u64, Option<&str>),
) -> Result<Compacted, LakeError> {
    let mut log = Log::open(store, lake).await?;
    log.settle().await?;
    sweep(&mut log, store, lake).await?;
    let places = Places::open(store, lake, &[table.name()]).await?;
    let files: BTreeMap<String, u64> = places
        .of(table.name())
        .map(|(file, (_, bytes))| (file.clone(), *bytes))
        .filter(|(file, _)| is_stored(&log, file))
        .collect();
    let mut done = Compacted { table, merged: 0, made: 0, dropped: 0, replaced: 0, log: None };
    let old: Vec<String> = files.keys().filter(|file| is_before(file, keep_from)).cloned().collect();
    if !old.is_empty() && swap(&mut log, Move { id: names::attempt()?, add: Vec::new(), remove: old.clone() }).await? {
        done.dropped = old.len();
    }
    for (folder, group) in groups(files.into_iter().filter(|(file, _)| !is_before(file, keep_from)), target_bytes) {
        let count = group.len();
        if let Some(replaced) = merge(&mut log, store, lake, (&folder, group), layout, format).await? {
            done.merged += count;
            done.made += 1;
            done.replaced += replaced;
        }
    }
    Ok(done)
}

/// Whether the rows of a file are stored for good. Those of the first version may be replaced while their partition has
/// no position in the log.
fn is_stored(log: &Log, file: &str) -> bool {
    names::earlier(file)
        .is_none_or(|(topic, partition, first)| log.last().position(&topic, partition).is_some_and(|next| first < next))
}

fn is_before(file: &str, hour: Option<&str>) -> bool {
    let of = file.split('/').find_map(|part| part.strip_prefix(HOUR)).filter(|of| *of != shape::NO_TIME);
    of.zip(hour).is_some_and(|(of, hour)| of < hour)
}

/// The small files of each folder, as many together as fill one file.
fn groups(files: impl Iterator<Item = (String, u64)>, target_bytes: u64) -> Vec<(String, Group)> {
    let mut groups: Vec<(String, Group)> = Vec::new();
    let mut filled = 0;
    for (file, bytes) in files.filter(|(_, bytes)| *bytes < target_bytes) {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        match groups.last_mut().filter(|(of, _)| *of == folder && filled + bytes <= target_bytes) {
            Some((_, group)) => {
                group.push(file);
                filled += bytes;
            }
            None => {
                groups.push((folder, vec![file]));
                filled = bytes;
            }
        }
    }
    groups.retain(|(_, group)| group.len() > 1);
    groups
}

/// Merges files into one, and gives how many rows others have taken the place of. `None` where another compaction had
/// them first.
async fn merge(
    log: &mut Log,
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    (folder, group): (&str, Group),
    layout: &Layout,
    format: Format,
) -> Result<Option<usize>, LakeError> {
    let mut batches = Vec::new();
    for file in &group {
        let path = join(lake, file);
        let found = match format {
            Format::Orc => read_orc(store, &path, &layout.columns).await,
            Format::Parquet | Format::Delta => read(store, &path).await,
        };
        match found {
            Err(LakeError::Store { source: object_store::Error::NotFound { .. }, .. }) => return Ok(None),
            rows => batches.extend(rows?),
        }
    }
    let mut replaced: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let id = names::attempt()?;
    let mut add = Vec::new();
    // The rows of one folder are of one hour; this sorts them.
    for (number, (_, rows)) in layout.merged(&batches)?.into_iter().enumerate() {
        replaced -= rows.num_rows();
        let file = names::merged(folder, number, &id, format);
        let bytes = shape::encoded(&rows, format)?;
        store.put(&staged(lake, &file), bytes.into()).await.map_err(LakeError::store(format!("writing {file}")))?;
        add.push(file);
    }
    let swapped = swap(log, Move { id, add: add.clone(), remove: group }).await?;
    if !swapped {
        for file in &add {
            delete(store, &staged(lake, file)).await?;
        }
    }
    Ok(swapped.then_some(replaced))
}

/// Commits a change of files and carries it out. False where another compaction changed one of the files first.
async fn swap(log: &mut Log, change: Move) -> Result<bool, LakeError> {
    for _ in 0..ATTEMPTS_MAX {
        let mut entry = log.next(change.id.clone());
        entry.moves.push(change.clone());
        match log.commit(entry).await? {
            Committed::Done => {
                log.settle().await?;
                return Ok(true);
            }
            Committed::Overtaken(others) => {
                let gone =
                    |file: &String| others.iter().filter_map(|other| other.own()).any(|own| own.remove.contains(file));
                let swept = others.iter().any(|other| other.swept.contains(&change.id));
                if swept || change.remove.iter().any(gone) {
                    return Ok(false);
                }
            }
        }
    }
    Err(LakeError::Busy { attempts: ATTEMPTS_MAX })
}
