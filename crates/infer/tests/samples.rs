//! Samples of many forms: what is proposed for each, and that the file source then takes every row.
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf, sync::Arc};

use infer::{Content, InferError, Proposal, Sample, infer};
use proptest::prelude::*;
use source::{Next, Options};
use stream::{FileFormat, FileReader, Stream};

struct Only(String);

impl FileReader for Only {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.clone().into_bytes())
    }
}

fn propose(file: &str, text: &str) -> Result<Proposal, InferError> {
    let format = if file.ends_with(".jsonl") { FileFormat::Jsonl } else { FileFormat::Csv };
    let name = file.split('.').next().unwrap_or_default().to_owned();
    infer(&Sample {
        schema_path: format!("{name}.avsc"),
        name,
        path: file.to_owned(),
        format,
        content: Content::Text(text.into()),
        complete: true,
        no_time: false,
        notes: Vec::new(),
    })
}

/// Rows taken, and the reasons of those that were not.
fn replay(file: &str, text: &str, proposal: &Proposal) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), text).unwrap();
    let stream = Stream::load("proposal", &proposal.definition, &Only(proposal.avro_schema.clone())).unwrap();
    let from = stream.definition.spec.source.clone().unwrap();
    let options = Options { base: folder.path().to_owned(), started: 0, log_dir: PathBuf::new(), speed: None };
    let mut source = source::open(&from, &Arc::new(stream), &options).unwrap();
    let (mut rows, mut reasons) = (0, Vec::new());
    while let Next::Records(records) = source.next(10_000).unwrap() {
        rows += records.rows.num_rows();
        reasons.extend(records.rejected.into_iter().map(|rejected| rejected.reason));
    }
    (rows, reasons)
}

fn lines(header: &str, row: impl Fn(usize) -> String) -> String {
    let rows = (0..200).map(|index| row(index) + "\n").collect::<String>();
    if header.is_empty() { rows } else { format!("{header}\n{rows}") }
}

fn wave(index: usize) -> f64 {
    (index as f64 * 0.7).sin() * 10.0
}

fn samples() -> Vec<(&'static str, String)> {
    vec![
        ("series.csv", lines("timestamp,value", |i| format!("2024-01-01 00:{:02}:{:02},{}", i / 60, i % 60, wave(i)))),
        (
            "particles.csv",
            lines("event,pdg_id,px,py,pz,E", |i| {
                format!("{},{},{},{},{},{}", i / 4, 11 + i % 3, wave(i), wave(i + 1), wave(i + 2), wave(i).exp())
            }),
        ),
        (
            "clicks.csv",
            lines("event_time,user_id,event_type,product_id,session_id", |i| {
                format!(
                    "2024-01-01T00:00:{:02}.5Z,u{},{},{},s{}",
                    i % 60,
                    i % 17,
                    ["view", "cart"][i % 2],
                    if i % 3 == 0 { String::new() } else { format!("p{i}") },
                    i / 5
                )
            }),
        ),
        (
            "sensors.csv",
            lines("reading_id,time,sensor_id,temperature,humidity", |i| {
                format!(
                    "r{i},{},s{},{},{}",
                    1_700_000_000 + i,
                    i % 4,
                    if i % 9 == 0 { "NA".to_owned() } else { format!("{}", 20 + i % 7) },
                    40.0 + wave(i)
                )
            }),
        ),
        (
            "odd.csv",
            lines("Event Time,Temp (C),2nd,order,anomaly_score,Größe,host name", |i| {
                format!(
                    "2024-01-01 00:00:{:02},{},{},{},{},{},\"h,{}\"",
                    i % 60,
                    wave(i),
                    i % 5,
                    wave(i + 3),
                    wave(i),
                    wave(i),
                    i % 3
                )
            }),
        ),
        (
            "server.csv",
            lines("when,host,status,bytes,path", |i| {
                format!(
                    "05/Mar/2024:10:11:{:02} +0000,h{},{},{},/a/{i}",
                    i % 60,
                    i % 5,
                    [200, 404][i % 2],
                    (i * i * i) % 99_991 + 1
                )
            }),
        ),
        (
            "prices.jsonl",
            lines("", |i| {
                format!(
                    r#"{{"trade_id": {i}, "ts": {}, "symbol": "S{}", "price": {}, "@x": 1.5}}"#,
                    1_700_000_000_123u64 + i as u64,
                    i % 3,
                    (wave(i) * 0.3).exp()
                )
            }),
        ),
        (
            "nested.jsonl",
            lines("", |i| {
                format!(
                    r#"{{"meta": {{"time": "2024-01-01T00:00:{:02}Z", "device": "d{}"}}, "data": {{"x": {}, "tags": ["a"], "odd-name": 1}}, "mixed": {}}}"#,
                    i % 60,
                    i % 3,
                    wave(i),
                    if i % 2 == 0 { "1" } else { "\"a\"" }
                )
            }),
        ),
    ]
}

#[test]
fn each_form_has_its_definition_and_every_row_is_taken() {
    for (file, text) in samples() {
        let proposal = propose(file, &text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (rows, reasons) = replay(file, &text, &proposal);
        assert_eq!((rows, reasons.first()), (200, None), "{file}\n{}\n{}", proposal.definition, proposal.avro_schema);
        insta::assert_snapshot!(file.replace('.', "_"), proposal.definition);
    }
}

#[test]
fn what_cannot_be_used_is_said() {
    let message = |file: &str, text: &str| propose(file, text).unwrap_err().to_string();
    assert!(message("a.csv", "").contains("empty"));
    assert!(message("a.csv", "x,y\n").contains("no rows"));
    assert!(message("a.csv", "1.5,2\n3,4\n").contains("no names: 1.5,2"));
    let error = message("a.csv", "x,timestamp\n1,yesterday\n2,today\n");
    assert!(error.contains("`timestamp`") && error.contains("\"yesterday\"") && error.contains("--no-time"), "{error}");
    assert!(message("a.csv", "a,a\n1,2\n").contains("`a`"));
    assert!(message("a.jsonl", "nonsense\n").contains("JSON"));
    let error = message("a.csv", "id,created_at,x\n1,sometime,2\n2,never,3\n");
    assert!(error.contains("`created_at`") && error.contains("\"sometime\""), "{error}");
    let headless = "1,2025-03-01 10:00:00,s0\n2,2025-03-01 10:00:01,s1\n";
    assert!(message("a.csv", headless).contains("holds values and no names: 1,2025-03-01 10:00:00,s0"));
    assert!(message("a.csv", "id  x\n1   2.5\n12  3\n").contains("aligned with blanks"));
    let quoted = message("a.csv", "id,name\n1,'a, b'\n");
    assert!(quoted.contains("the 2 fields of the header; the first has 3: 1 | 'a |  b'"), "{quoted}");
    // Days since 1900, as spreadsheets have them for 2025: as a Modified Julian Date it would be 1984.
    assert!(message("a.csv", "id,time\n1,45717.25\n2,45718.5\n").contains("`time`"));
}

#[test]
fn a_date_and_a_time_of_day_are_joined_also_where_some_are_missing() {
    let text = "id,date,time\n1,2025-01-01,10:00:00.5\n2,2025-01-02,\n3,2025-01-03,11:00\n";
    let proposal = propose("a.csv", text).unwrap();
    assert!(proposal.definition.contains("trim(\\\"date\\\") || ' ' || trim(\\\"time\\\")"), "{}", proposal.definition);
    assert!(proposal.notes.contains(&"1 of 3 rows of the sample have no time; they will be dead letters".to_owned()));
    let (rows, reasons) = replay("a.csv", text, &proposal);
    assert_eq!((rows, reasons.len()), (2, 1), "{reasons:?}");
}

#[test]
fn text_of_another_encoding_is_named() {
    let sample = |bytes: &[u8]| Sample {
        schema_path: "a.avsc".to_owned(),
        name: "a".to_owned(),
        path: "a.csv".to_owned(),
        format: FileFormat::Csv,
        content: Content::Text(bytes.to_vec()),
        complete: true,
        no_time: true,
        notes: Vec::new(),
    };
    let error = infer(&sample(b"id,name\n1,M\xfcller\n")).unwrap_err().to_string();
    assert!(error.contains("iconv -f WINDOWS-1252 -t UTF-8"), "{error}");
    let error = infer(&sample(b"id,gr\xf6\xdfe\n1,2\n")).unwrap_err().to_string();
    assert!(error.contains("iconv -f WINDOWS-1252 -t UTF-8"), "{error}");
    let notes = infer(&sample(b"id,name\n1,Miller\n2,M\xfcller\n")).unwrap().notes;
    assert!(notes.iter().any(|note| note.starts_with("1 records of the sample are not UTF-8")), "{notes:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Either a clear error, or a definition with which the file source takes every row.
    #[test]
    fn random_files_are_taken_whole_or_refused(
        names in prop::collection::vec("[a-zA-Z_ .%é\"-]{1,8}|time|id|user|value|order", 1..6),
        kinds in prop::collection::vec(0usize..9, 6),
        gaps in prop::collection::vec(any::<u8>(), 6),
        texts in prop::collection::vec("\\PC{0,6}|007|-|NA| |1e3|99999999999999999999", 24),
    ) {
        let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let header = names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(",");
        let cell = |row: usize, column: usize| {
            if gaps[column] < 60 && row % 3 == 1 {
                return if names.len() == 1 { "0".to_owned() } else { String::new() };
            }
            match kinds[column] {
                0 => row.to_string(),
                1 => format!("{}", wave(row)),
                2 => format!("2024-02-{:02}", row % 28 + 1),
                3 => (1_700_000_000 + row).to_string(),
                4 => ["true", "False"][row % 2].to_owned(),
                5 => ["1.5", "NA", "2"][row % 3].to_owned(),
                6 => quote(&format!("s{},{}", row % 3, column)),
                7 => "9".repeat(row % 25 + 1),
                _ => quote(&texts[(row * 5 + column) % texts.len()]),
            }
        };
        let rows: String =
            (0..40).map(|row| (0..names.len()).map(|column| cell(row, column)).collect::<Vec<_>>().join(",") + "\n").collect();
        let text = format!("{header}\n{rows}");
        match propose("random.csv", &text) {
            Ok(proposal) => {
                let (_, mut reasons) = replay("random.csv", &text, &proposal);
                // A row without a time is a dead letter, and the proposal says so.
                if proposal.notes.iter().any(|note| note.contains("have no time")) {
                    reasons.retain(|reason| !reason.ends_with("is empty") && !reason.ends_with("is null"));
                }
                prop_assert!(reasons.is_empty(), "{:?}\n{text}\n{}", reasons, proposal.definition);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
