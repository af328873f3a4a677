//! Deletes files some time after a commit has replaced or dropped them, so that no query loses what it reads.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, SystemTime},
};

use crate::{Results, StoreError, results::remove};

/// How long a file stays at least, for readers that hold no lease. With a lease that is older than its removal it stays until
/// the query ends, an hour at most.
pub const DELETE_AFTER: Duration = Duration::from_secs(10);
/// How many files wait at most; one more, and the oldest goes whoever reads it.
pub const WAITING_FILES_MAX: usize = 262_144;
/// How often is looked after those that wait.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Files that no manifest lists any more, and that wait for their deletion.
#[derive(Debug)]
pub struct Deferred {
    results: Results,
    waiting_max: usize,
    /// With the moment of their removal, the oldest first.
    waiting: VecDeque<(SystemTime, String)>,
    paths: HashSet<String>,
    swept: SystemTime,
}

impl Deferred {
    /// With nothing that waits.
    pub fn new(results: &Results) -> Self {
        let (waiting, paths) = (VecDeque::new(), HashSet::new());
        let (results, waiting_max) = (results.clone(), WAITING_FILES_MAX);
        Self { results, waiting_max, waiting, paths, swept: SystemTime::UNIX_EPOCH }
    }

    /// Puts paths, relative to the results' folder, among those that wait: the manifest does not list them since `now`.
    pub fn push(&mut self, paths: impl IntoIterator<Item = String>, now: SystemTime) {
        for path in paths {
            if self.paths.insert(path.clone()) {
                self.waiting.push_back((now, path));
            }
        }
    }

    /// Whether a file waits at this path.
    pub fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Lets go of a path that has become another file's.
    pub fn keep(&mut self, path: &str) {
        if self.paths.remove(path) {
            self.waiting.retain(|(_, other)| other != path);
        }
    }

    /// How many files wait.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Deletes what is due. It looks once a second, however often it is called.
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn sweep(&mut self, now: SystemTime) -> Result<(), StoreError> {
        let recently = now.duration_since(self.swept).is_ok_and(|since| since < SWEEP_EVERY);
        if self.waiting.is_empty() || (recently && self.waiting.len() <= self.waiting_max) {
            return Ok(());
        }
        self.swept = now;
        self.delete(now, DELETE_AFTER)
    }

    /// Deletes what no query holds, at the end of a run. What one does is cleared away by the next run.
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn finish(&mut self, now: SystemTime) -> Result<(), StoreError> {
        self.delete(now, Duration::ZERO)
    }

    fn delete(&mut self, now: SystemTime, after: Duration) -> Result<(), StoreError> {
        let oldest_lease = self.results.oldest_lease(now);
        while let Some((removed, path)) = self.waiting.front() {
            let due = now.duration_since(*removed).is_ok_and(|age| age >= after);
            let held = oldest_lease.is_some_and(|taken| taken <= *removed);
            if self.waiting.len() <= self.waiting_max && (!due || held) {
                break;
            }
            remove(&self.results.root().join(path))?;
            self.paths.remove(path);
            self.waiting.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn removed(results: &Results, name: &str) -> String {
        fs::write(results.root().join(name), b"rows").unwrap();
        name.to_owned()
    }

    fn exists(results: &Results, name: &str) -> bool {
        results.root().join(name).exists()
    }

    #[test]
    fn a_file_stays_until_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(folder.path());
        fs::create_dir(results.state()).unwrap();
        let (mut deferred, begun) = (Deferred::new(&results), SystemTime::now());
        deferred.push([removed(&results, "a"), removed(&results, "b")], begun);
        deferred.push([removed(&results, "c")], begun + DELETE_AFTER / 2);
        deferred.keep("b");
        assert!(deferred.contains("a") && !deferred.contains("b"));
        deferred.sweep(begun + DELETE_AFTER - SWEEP_EVERY).unwrap();
        assert!(exists(&results, "a"));
        deferred.sweep(begun + DELETE_AFTER).unwrap();
        assert!(!exists(&results, "a") && exists(&results, "b") && exists(&results, "c"));
        deferred.finish(begun + DELETE_AFTER).unwrap();
        assert!(!exists(&results, "c") && deferred.is_empty());
    }

    #[test]
    fn a_query_that_began_before_holds_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(folder.path());
        fs::create_dir(results.state()).unwrap();
        let mut deferred = Deferred::new(&results);
        let lease = results.lease().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let begun = SystemTime::now();
        deferred.push([removed(&results, "a")], begun);
        deferred.sweep(begun + 10 * DELETE_AFTER).unwrap();
        deferred.finish(begun + 10 * DELETE_AFTER).unwrap();
        assert!(exists(&results, "a"), "the query goes on");
        drop(lease);
        std::thread::sleep(Duration::from_millis(20));
        let _later = results.lease().unwrap();
        deferred.sweep(begun + 20 * DELETE_AFTER).unwrap();
        assert!(!exists(&results, "a"), "a query that began later does not need it");
        let _forgotten = results.lease().unwrap();
        deferred.push([removed(&results, "b")], SystemTime::now());
        deferred.sweep(SystemTime::now() + crate::lease::LEASE_TIME_MAX).unwrap();
        assert!(!exists(&results, "b"), "no query holds a file longer than its limit");
    }

    #[test]
    fn no_more_files_wait_than_may() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(folder.path());
        fs::create_dir(results.state()).unwrap();
        let _lease = results.lease().unwrap();
        let (mut deferred, begun) = (Deferred::new(&results), SystemTime::now());
        deferred.waiting_max = 3;
        for number in 0..5 {
            deferred.push([removed(&results, &number.to_string())], begun);
            deferred.sweep(begun).unwrap();
        }
        let left: Vec<bool> = (0..5).map(|number| exists(&results, &number.to_string())).collect();
        assert_eq!(left, [false, false, true, true, true]);
    }
}
