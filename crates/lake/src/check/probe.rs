//! Whether the place takes files as the writers need it: tried with a file that is deleted again.

use std::sync::Arc;

use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, path::Path};

use super::{About, Finding, Verdict};
use crate::{LakeError, Location, log::join, names};

/// What to do where a store does not answer.
pub(super) const UNREACHABLE: &str =
    "check the address, and the endpoint and region that the environment names (AWS_ENDPOINT, AWS_REGION, ...)";

/// What came of it.
pub(super) struct Probed {
    pub(super) finding: Finding,
    /// The store's own time in milliseconds since 1970; `None` on a disk.
    pub(super) time: Option<i64>,
}

/// Puts a file only where there is none, as every commit is put; puts it there again, which has to be refused; and
/// deletes it.
pub(super) async fn probe(location: &Location, store: &Arc<dyn ObjectStore>, lake: &Path) -> Result<Probed, LakeError> {
    let path = folder(location, lake)?.join(format!("_beamline-check-{}", names::attempt()?));
    let failed = |error| LakeError::Store { context: format!("{} cannot be written", location.url()), source: error };
    let put = async || store.put_opts(&path, "check".into(), PutMode::Create.into()).await;
    put().await.map_err(failed)?;
    let again = put().await;
    let written_at = store.head(&path).await.map(|meta| meta.last_modified.timestamp_millis());
    store.delete(&path).await.map_err(|error| LakeError::Store {
        context: format!("{} can be written, but {path} cannot be deleted", location.url()),
        source: error,
    })?;
    let finding = match again {
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            Finding::new(About::Store, Verdict::Good, format!("{} may be written and deleted", location.url()))
        }
        Err(error) => return Err(failed(error)),
        Ok(_) => {
            let text = format!(
                "{} puts a file where one is already, so that two writers could undo each other's commits; choose a \
                 store that obeys `If-None-Match`",
                location.url()
            );
            Finding::new(About::Store, Verdict::Wrong, text)
        }
    };
    let time = if is_disk(location) { None } else { Some(written_at.map_err(failed)?) };
    Ok(Probed { finding, time })
}

/// Where the file is put: in the lake; on a disk, in the lowest folder of its path that is there, so that no folder is
/// made.
fn folder(location: &Location, lake: &Path) -> Result<Path, LakeError> {
    if !is_disk(location) {
        return Ok(join(lake, "_beamline"));
    }
    let refused = |message: String| LakeError::Location { url: location.url().to_string(), message };
    let path = location.url().to_file_path().map_err(|()| refused("it is not a path".to_owned()))?;
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(&path);
    if !there.is_dir() {
        return Err(refused(format!("{} is a file; choose a folder", there.display())));
    }
    Path::from_absolute_path(there).map_err(|error| refused(error.to_string()))
}

fn is_disk(location: &Location) -> bool {
    location.url().scheme() == "file"
}

/// What to do about an error.
pub(super) fn remedy(location: &Location, error: &LakeError) -> &'static str {
    match error {
        LakeError::Location { .. } => "name another place with --lake, or set what the environment lacks",
        LakeError::Store { .. } if is_disk(location) => "choose a folder that this user may write and delete in",
        LakeError::Store { source: Error::NotFound { .. }, .. } => "make the bucket first, or name another",
        LakeError::Store { source: Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, .. } => {
            "check the credentials in the environment (AWS_ACCESS_KEY_ID, ...); they need the rights to list, read, put \
             and delete"
        }
        LakeError::Store { .. } => UNREACHABLE,
        _ => "choose another place, or mend what lies there",
    }
}
