//! What the servers are made of: fetched once by Maven, Go and Python, then kept in a folder of the user.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{ServerError, process::run};

/// The folder of one server, filled by `fill` if it is not there yet.
///
/// Test processes that start together wait for the one that fills it. A folder appears whole or not at all.
pub(crate) fn folder(
    name: &str,
    version: &str,
    fill: impl FnOnce(&Path) -> Result<(), ServerError>,
) -> Result<PathBuf, ServerError> {
    let root = root()?;
    let folder = root.join(format!("{name}-{version}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&root).map_err(ServerError::file(&root))?;
    let _lock = lock(&root.join(format!("{name}.lock")))?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let unfinished = tempfile::Builder::new().prefix(name).tempdir_in(&root).map_err(ServerError::file(&root))?;
    fill(unfinished.path())?;
    fs::rename(unfinished.path(), &folder).map_err(ServerError::file(&folder))?;
    Ok(folder)
}

/// Wait for a lock among processes. It goes with the file.
fn lock(path: &Path) -> Result<File, ServerError> {
    let file = File::create(path).map_err(ServerError::file(path))?;
    file.lock().map_err(ServerError::file(path))?;
    Ok(file)
}

fn root() -> Result<PathBuf, ServerError> {
    if let Some(root) = std::env::var_os("BEAMLINE_SERVERS") {
        return Ok(root.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    cache
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .map(|cache| cache.join("beamline-servers"))
        .ok_or_else(|| ServerError::Options("no folder to keep servers in; set BEAMLINE_SERVERS to one".to_owned()))
}

/// Fetch the dependencies of a `pom.xml` into `lib` of `folder`.
pub(crate) fn fetch_jars(pom: &str, folder: &Path) -> Result<(), ServerError> {
    maven(pom, folder, &["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"])
}

/// Fetch what a `pom.xml` lists for its dependency plugin.
pub(crate) fn fetch_items(pom: &str, folder: &Path) -> Result<(), ServerError> {
    maven(pom, folder, &["dependency:copy"])
}

fn maven(pom: &str, folder: &Path, goal: &[&str]) -> Result<(), ServerError> {
    let pom_file = folder.join("pom.xml");
    fs::write(&pom_file, pom).map_err(ServerError::file(&pom_file))?;
    // Maven's own cache does not bear two of it at once.
    let _lock = lock(&folder.with_file_name("maven.lock"))?;
    run(Command::new("mvn").args(["-q", "-B"]).args(goal).current_dir(folder))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_only_when_it_is_full() {
        // The folder of the user must not be touched, and the environment is not ours to change: a name of our own.
        let name = format!("test-{}", std::process::id());
        let failed = folder(&name, "1", |_| Err(ServerError::Options("no".to_owned())));
        assert!(failed.is_err());
        let full = folder(&name, "1", |path| fs::write(path.join("x"), "1").map_err(ServerError::file(path))).unwrap();
        assert!(full.join("x").is_file());
        let again = folder(&name, "1", |_| panic!("it is there already")).unwrap();
        assert_eq!(again, full);
        fs::remove_dir_all(&full).unwrap();
        fs::remove_file(full.with_file_name(format!("{name}.lock"))).unwrap();
    }
}
