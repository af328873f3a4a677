//! Lets go of staged files that were never committed: what a writer left that was killed between the two.
//!
//! They are named in a commit before they are deleted. A writer that is still about to commit them is overtaken by that
//! commit, sees its own name in it and stages its rows once more, so that no commit ever names files that are gone.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, path::Path};

use crate::{
    LakeError,
    log::{Committed, Log, delete, staged_folder},
    names::{attempt, attempt_of},
};

/// How long staged files are left alone, by the store's own clock.
const AGE: Duration = Duration::from_secs(24 * 3_600);
/// How many attempts are named in one commit; the others wait for the next time.
const SWEPT_MAX: usize = 1_000;

/// Deletes staged files that are older than a day and were not committed.
pub(crate) async fn sweep(log: &mut Log, store: &Arc<dyn ObjectStore>, lake: &Path) -> Result<(), LakeError> {
    sweep_older(log, store, lake, AGE).await
}

pub(crate) async fn sweep_older(
    log: &mut Log,
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    age: Duration,
) -> Result<(), LakeError> {
    let folder = staged_folder(lake);
    let found: Vec<ObjectMeta> =
        store.list(Some(&folder)).try_collect().await.map_err(LakeError::store(format!("listing {folder}")))?;
    let newest = found.iter().map(|meta| SystemTime::from(meta.last_modified)).max();
    let Some(now) = newest.max(log.put_at().await?) else { return Ok(()) };
    let is_old = |meta: &ObjectMeta| now.duration_since(meta.last_modified.into()).is_ok_and(|since| since >= age);
    let old: Vec<(String, Path)> = found
        .into_iter()
        .filter(is_old)
        .filter_map(|meta| Some((attempt_of(meta.location.filename()?)?.to_owned(), meta.location)))
        .collect();
    let waiting: BTreeSet<&str> = log.last().moves.iter().map(|moved| moved.id.as_str()).collect();
    let swept: BTreeSet<&str> = old.iter().map(|(id, _)| id.as_str()).filter(|id| !waiting.contains(id)).collect();
    let swept: Vec<String> = swept.into_iter().take(SWEPT_MAX).map(str::to_owned).collect();
    if swept.is_empty() {
        return Ok(());
    }
    let mut entry = log.next(attempt()?);
    entry.swept.clone_from(&swept);
    if let Committed::Overtaken(_) = log.commit(entry).await? {
        // One of them may have been committed meanwhile.
        return Ok(());
    }
    for (_, path) in old.iter().filter(|(id, _)| swept.contains(id)) {
        delete(store, path).await?;
    }
    Ok(())
}
