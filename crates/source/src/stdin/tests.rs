//! Inputs given again, in part, changed, and after what was committed has been let go of.

use std::io::Cursor as Bytes;

use arrow::{
    array::AsArray,
    datatypes::{DataType, Field, Int64Type, Schema},
};

use super::*;
use crate::RECORD_BYTES_MAX;

fn open(folder: &Path, format: FileFormat, segment_bytes_max: u64, input: &str) -> StdinSource {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let log = Log::open_with(folder, segment_bytes_max).unwrap();
    let input = Bytes::new(input.as_bytes().to_vec());
    StdinSource::open(&stream::Stdin::of(format), schema, RECORD_BYTES_MAX, log, input).unwrap()
}

fn run(folder: &Path, format: FileFormat, input: &str) -> (Vec<i64>, usize) {
    drain(&mut open(folder, format, SEGMENT_BYTES_MAX, input))
}

fn drain(source: &mut StdinSource) -> (Vec<i64>, usize) {
    let (mut ids, mut rejected) = (Vec::new(), 0);
    loop {
        match source.next(3).unwrap() {
            Next::End => return (ids, rejected),
            Next::Idle => {}
            Next::Records(records) => {
                ids.extend(records.rows["id"].as_primitive::<Int64Type>().values());
                rejected += records.rejected.len();
            }
        }
    }
}

fn lines(ids: &[i64]) -> String {
    ids.iter().map(|id| format!("{{\"id\": {id}}}\n")).collect()
}

#[test]
fn the_same_input_again_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |ids: &[i64]| run(folder.path(), FileFormat::Jsonl, &lines(ids)).0;
    assert_eq!(run(&[1, 2, 2]), [1, 2, 2]);
    assert_eq!(run(&[1, 2, 2]), [1, 2, 2]);
    assert_eq!(run(&[1, 2]), [1, 2, 2], "a beginning of the same input");
    assert_eq!(run(&[1, 2, 2, 3]), [1, 2, 2, 3], "more of the same input");
    assert_eq!(run(&[1, 2, 5, 6]), [1, 2, 2, 3, 1, 2, 5, 6], "another input that begins the same");
}

#[test]
fn csv_keeps_its_header_and_bad_lines_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), FileFormat::Csv, "x,id\na,1\nb,no\nc,3"), (vec![1, 3], 1));
    assert_eq!(run(folder.path(), FileFormat::Csv, "x,id\na,1\nb,no\nc,3"), (vec![1, 3], 1));
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let definition = stream::Stdin::of(FileFormat::Csv);
    let (log, input) = (Log::open(folder.path()).unwrap(), Bytes::new(b"id\n1\n".to_vec()));
    let opened = StdinSource::open(&definition, schema, RECORD_BYTES_MAX, log, input);
    let error = opened.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("another folder"), "{error}");
}

#[test]
fn a_line_without_end_is_cut_and_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let input = format!("{}{}\n{}", lines(&[1]), "x".repeat(3 << 20), lines(&[2]));
    assert_eq!(run(folder.path(), FileFormat::Jsonl, &input), (vec![1, 2], 1));
}

/// Takes an input in as a run does that has committed the first `committed` lines, in segments of about 1,000 bytes.
fn run_on(folder: &Path, input: &str, committed: u64) -> Vec<i64> {
    let mut source = open(folder, FileFormat::Jsonl, 1_000, input);
    source.seek(&Cursor { position: committed, ..Cursor::default() }).unwrap();
    let ids = drain(&mut source).0;
    let position = source.cursor().position;
    source.repeated = None;
    source.forget_before(position).unwrap();
    ids
}

fn bytes(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn what_was_committed_is_let_go_of_and_the_same_input_again_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut input, mut committed, mut sizes) = (Vec::new(), 0, Vec::new());
    for round in 0..20 {
        input.extend(round * 1_000..(round + 1) * 1_000);
        let taken = run_on(folder.path(), &lines(&input), committed);
        assert_eq!(taken, input[committed as usize..], "round {round}: only the new lines");
        committed += 1_000;
        sizes.push(bytes(folder.path()));
        assert!(Log::open(folder.path()).unwrap().trimmed().unwrap().len() as i64 >= round - 2);
    }
    assert!(sizes[19] < 80_000, "400 kB were logged: {sizes:?}");
    let again = run_on(folder.path(), &lines(&input[..12_345]), committed);
    assert!(again.is_empty(), "a beginning of the same input");
}

#[test]
fn another_input_is_taken_in_whole_though_the_log_was_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let input: Vec<i64> = (0..5_000).collect();
    for end in (100..=5_000).step_by(100) {
        assert_eq!(run_on(folder.path(), &lines(&input[..end]), end as u64 - 100).len(), 100);
    }
    let other = [0, 1, 2, -3, -4];
    assert_eq!(run_on(folder.path(), &lines(&other), 5_000), other, "it differs in the first segment");
    let mut late = input.clone();
    late[4_000] = -1;
    let taken = run_on(folder.path(), &lines(&late), 5_005);
    let new: Vec<i64> = taken.iter().copied().filter(|id| *id < 0).collect();
    assert_eq!(new, [-1], "it differs in a segment that was let go of");
    assert_eq!(taken[taken.len() - 999..], late[4_001..], "all behind it counts as new");
    assert!(taken.len() < 1_200, "and no more than that segment before it: {}", taken.len());
}
