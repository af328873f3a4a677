//! Publishing can be repeated, and a crash at any step leaves nothing that a repeat does not mend.

use std::fs;

use store::{Manifest, Results, SelectionWriter, StoreError, Table, TableWriter};

use crate::fixture::{ask, events, filled, folder, options, schemas};

fn staged(results: &Results, first: u64) -> Vec<store::FileEntry> {
    let mut files = Vec::new();
    for partition in 0..3 {
        let rows = events(0, 50);
        let mut writer =
            TableWriter::new(results, Table::ProcessedData, partition, first, rows.schema(), &options()).unwrap();
        writer.write(&rows).unwrap();
        files.extend(writer.finish().unwrap());
        let mut selection = SelectionWriter::new(results, "high.energy_events", partition, first).unwrap();
        selection.write(&rows).unwrap();
        files.extend(selection.finish().unwrap());
    }
    files
}

fn all_files(results: &Results) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![results.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.strip_prefix(results.root()).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_crash_between_any_two_renames_is_mended_by_a_repeat() {
    for done in 0..=6 {
        let (_folder, results) = folder();
        let files = staged(&results, 7);
        results.publish(&files[..done]).unwrap();
        let again = Results::new(results.root());
        again.publish(&files).unwrap();
        again.publish(&files).unwrap();
        let mut expected: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        expected.sort();
        assert_eq!(all_files(&results), expected, "{done} renamed before the crash");
    }
}

#[test]
fn what_no_commit_lists_is_neither_seen_nor_kept() {
    let (_folder, results, manifest) = filled(&options());
    let before = all_files(&results);
    let lost = staged(&results, 900);
    results.publish(&lost[..4]).unwrap();
    store::write_atomic(&results.reports().join("statistics_000000000300.json"), b"{}").unwrap();
    let count = ask(&results, "SELECT count(*) AS n FROM processed_data").unwrap();
    assert_eq!(count.column(0).as_ref(), &arrow::array::Int64Array::from(vec![300]));
    results.remove_unlisted(&manifest).unwrap();
    let mut expected = before;
    expected.push("reports/statistics_000000000300.json".to_owned());
    assert_eq!(all_files(&results), expected);
}

#[test]
fn a_lost_file_is_named() {
    let (_folder, results) = folder();
    let files = staged(&results, 0);
    fs::remove_file(results.root().join(&files[2].staged)).unwrap();
    let error = results.publish(&files).unwrap_err();
    assert!(matches!(&error, StoreError::Missing { path } if path.ends_with(&files[2].path)), "{error}");
}

#[test]
fn manifests_of_another_time_are_refused() {
    let (_folder, results) = folder();
    assert_eq!(results.manifest().unwrap(), None);
    let mut manifest = Manifest::new("s", "f", "id", schemas());
    results.publish_manifest(&manifest).unwrap();
    assert_eq!(results.manifest().unwrap(), Some(manifest.clone()));
    manifest.version = 99;
    results.publish_manifest(&manifest).unwrap();
    assert!(matches!(results.manifest(), Err(StoreError::Newer { version: 99, .. })));
    fs::write(results.state().join("manifest.json"), b"{\"version\":1").unwrap();
    let error = results.manifest().unwrap_err().to_string();
    assert!(error.contains("manifest.json is damaged"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (folder, _) = folder();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Results::new(file.join("results")).create().unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }));
    assert!(error.to_string().contains("file/results"), "{error}");
    let none = ask(&Results::new(folder.path()), "SELECT 1").unwrap_err();
    assert!(matches!(none, StoreError::NoResults { .. }), "{none}");
}
