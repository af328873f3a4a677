//! The committed files, with what commits ask of them, at a cost that does not grow with their number.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use store::{Dropped, FileEntry, Table};

use crate::aggregates::is_unclosed;

/// A family may have so many files of one size before they are merged into one, however few rows they have.
pub(crate) const SMALL_FILES_MAX: usize = 128;
/// A file with fewer rows is small; with so many rows in files of one size they are merged, into one that is not.
const SMALL_FILE_ROWS: u64 = 65_536;
/// Files of one size have up to 16 times the rows of the smallest: merged, they are of the next size, so that a row is
/// written again once a size and not at each merge.
const SIZE_BITS: u32 = 4;
/// How many files a commit drops at most.
const EXPIRED_MAX: usize = 1024;

/// The committed files.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    files: BTreeMap<Arc<str>, FileEntry>,
    bytes: u64,
    /// Files with results of windows that are not closed.
    unclosed: BTreeSet<Arc<str>>,
    /// Small files, by family and size.
    small: BTreeMap<(Arc<str>, u32), Small>,
    /// Those of them that are enough for a merge.
    crowded: BTreeSet<(Arc<str>, u32)>,
    /// Files by the latest event time in them; those without event time by when they were written.
    by_event: BTreeSet<(i64, Arc<str>)>,
    by_writing: BTreeSet<(i64, Arc<str>)>,
}

/// Small files of one family and size.
#[derive(Debug, Default)]
struct Small {
    files: BTreeSet<Arc<str>>,
    rows: u64,
}

impl Small {
    /// Whether they are enough for a merge.
    fn are_enough(&self) -> bool {
        self.files.len() >= SMALL_FILES_MAX || (self.files.len() > 1 && self.rows >= SMALL_FILE_ROWS)
    }
}

impl Catalog {
    pub(crate) fn new(files: impl IntoIterator<Item = FileEntry>) -> Self {
        let mut catalog = Self::default();
        files.into_iter().for_each(|file| catalog.insert(file));
        catalog
    }

    pub(crate) fn insert(&mut self, file: FileEntry) {
        self.remove(&file.path);
        let path: Arc<str> = file.path.as_str().into();
        self.bytes += file.bytes;
        if is_unclosed(&file) {
            self.unclosed.insert(path.clone());
        } else {
            match (file.time_max, file.written) {
                (Some(time), _) => drop(self.by_event.insert((time, path.clone()))),
                (None, Some(time)) => drop(self.by_writing.insert((time, path.clone()))),
                (None, None) => {}
            }
            if let Some(size) = size(&file) {
                let place = (file.family().into(), size);
                let small = self.small.entry(place.clone()).or_default();
                small.files.insert(path.clone());
                small.rows += file.rows;
                if small.are_enough() {
                    self.crowded.insert(place);
                }
            }
        }
        self.files.insert(path, file);
    }

    pub(crate) fn remove(&mut self, path: &str) {
        let Some((path, file)) = self.files.remove_entry(path) else { return };
        self.bytes -= file.bytes;
        self.unclosed.remove(&path);
        file.time_max.map(|time| self.by_event.remove(&(time, path.clone())));
        file.written.map(|time| self.by_writing.remove(&(time, path.clone())));
        let Some(size) = size(&file) else { return };
        let place = (file.family().into(), size);
        if let Some(small) = self.small.get_mut(&place) {
            small.files.remove(&path);
            small.rows -= file.rows;
            if !small.are_enough() {
                self.crowded.remove(&place);
            }
            if small.files.is_empty() {
                self.small.remove(&place);
            }
        }
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &FileEntry> + Clone {
        self.files.values()
    }

    /// Files with results of windows that are not closed, which a commit replaces.
    pub(crate) fn unclosed(&self) -> Vec<FileEntry> {
        self.unclosed.iter().filter_map(|path| self.files.get(path)).cloned().collect()
    }

    /// Groups of small files to be merged now; at the end of a run, `last`, all that can be.
    pub(crate) fn mergeable(&self, last: bool) -> Vec<Vec<FileEntry>> {
        let entries =
            |small: &Small| small.files.iter().filter_map(|path| self.files.get(path)).cloned().collect::<Vec<_>>();
        if !last {
            return self.crowded.iter().filter_map(|place| self.small.get(place)).map(entries).collect();
        }
        let mut families: BTreeMap<&str, Vec<FileEntry>> = BTreeMap::new();
        for ((family, _), small) in &self.small {
            families.entry(family).or_default().extend(entries(small));
        }
        families.into_values().filter(|files| files.len() > 1).collect()
    }

    /// Files that are wholly older than `keep`, the oldest first. `now` is in microseconds since 1970. The age of an event
    /// counts from the latest one, so that a replay of old events keeps them; from `now` where that is earlier, so that one
    /// event with a time to come drops nothing.
    pub(crate) fn expired(&self, keep: Duration, now: i64) -> Vec<FileEntry> {
        let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let latest = self.by_event.last().map_or(now, |(time, _)| *time).min(now);
        let older = |files: &BTreeSet<(i64, Arc<str>)>, than: i64| {
            let older = files.iter().take_while(|(time, _)| *time < than.saturating_sub(keep));
            older.map(|(_, path)| path.clone()).collect::<Vec<_>>()
        };
        let paths = older(&self.by_event, latest).into_iter().chain(older(&self.by_writing, now));
        paths.take(EXPIRED_MAX).filter_map(|path| self.files.get(&path)).cloned().collect()
    }
}

/// The size of a small file: how often it can be merged with its like before it is none.
fn size(file: &FileEntry) -> Option<u32> {
    let small = file.rows < SMALL_FILE_ROWS && !is_unclosed(file);
    small.then(|| file.rows.max(1).ilog2() / SIZE_BITS)
}

/// Adds these files to what retention has dropped.
pub(crate) fn add_dropped(dropped: &mut BTreeMap<Table, Dropped>, files: &[FileEntry]) {
    for file in files {
        let dropped = dropped.entry(file.table).or_default();
        dropped.files += 1;
        dropped.rows += file.rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, rows: u64, time: Option<i64>) -> FileEntry {
        FileEntry {
            table: Table::ProcessedData,
            path: format!("processed_data/part-00000-{number:012}.parquet"),
            staged: String::new(),
            rows,
            bytes: 10,
            partition: 0,
            first_position: number,
            last_position: number,
            time_min: time,
            time_max: time,
            written: Some(number as i64),
        }
    }

    /// Merges as the committer does, and gives how many rows were written for it.
    fn merge(catalog: &mut Catalog, next: &mut u64) -> u64 {
        let mut written = 0;
        for files in catalog.mergeable(false) {
            files.iter().for_each(|file| catalog.remove(&file.path));
            let rows = files.iter().map(|file| file.rows).sum();
            written += rows;
            *next += 1;
            catalog.insert(file(*next, rows, Some(0)));
        }
        written
    }

    #[test]
    fn a_row_is_merged_a_few_times_and_few_small_files_are_left() {
        let (mut catalog, mut next, mut written) = (Catalog::default(), 1_000_000, 0);
        for number in 0..200_000 {
            catalog.insert(file(number, 1, Some(0)));
            written += merge(&mut catalog, &mut next);
        }
        let rows: u64 = catalog.files().map(|file| file.rows).sum();
        assert_eq!(rows, 200_000);
        assert!(catalog.len() <= 4 * SMALL_FILES_MAX + 4, "{} files", catalog.len());
        assert!(written <= 4 * 200_000, "{written} rows were written again");
        assert_eq!(catalog.bytes(), 10 * catalog.len() as u64);
        let last = catalog.mergeable(true);
        assert_eq!(last.len(), 1, "at the end all small files become one");
        last[0].iter().for_each(|file| catalog.remove(&file.path));
        assert!(catalog.small.is_empty() && catalog.crowded.is_empty());
    }

    #[test]
    fn a_row_of_a_live_stream_is_merged_once() {
        let (mut catalog, mut next, mut written) = (Catalog::default(), 1_000_000, 0);
        for number in 0..660 {
            catalog.insert(file(number, 1000, Some(0)));
            written += merge(&mut catalog, &mut next);
        }
        assert_eq!((written, catalog.len()), (660_000, 10), "a merged file is large");
    }

    #[test]
    fn files_wholly_older_expire() {
        let (day, keep) = (86_400_000_000, Duration::from_secs(86_400));
        let times = [0, day, 2 * day - 1, 2 * day];
        let mut catalog = Catalog::new(times.into_iter().zip(0..).map(|(time, number)| file(number, 5, Some(time))));
        catalog.insert(file(9, 7, None));
        let expired = |catalog: &Catalog, now| {
            catalog.expired(keep, now).iter().map(|file| file.first_position).collect::<Vec<_>>()
        };
        assert_eq!(expired(&catalog, 100), [0_u64; 0], "by a clock that is behind the events nothing is old");
        assert_eq!(expired(&catalog, 2 * day), [0, 9], "one was written long before, and has no event time");
        catalog.insert(file(10, 5, Some(1000 * day)));
        assert_eq!(expired(&catalog, 2 * day), [0, 9], "a time to come makes nothing old");
        assert_eq!(expired(&catalog, 1000 * day), [0, 1, 2, 3, 9]);
        let mut dropped = BTreeMap::new();
        add_dropped(&mut dropped, &catalog.expired(keep, 2 * day));
        assert_eq!(dropped[&Table::ProcessedData], Dropped { files: 2, rows: 12 });
    }
}
