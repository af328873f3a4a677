//! Bad cells and rows: each becomes a dead letter that says why, and the rows around it go through.

use std::{
    fmt::Write,
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema},
};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use crate::place::{HEADER, Place, row, says};

/// Checks dead letters against (position, a part of the reason).
fn are(letters: &[Value], expected: &[(u64, &str)]) {
    let found: Vec<_> = letters.iter().map(|letter| letter["position"].as_u64().unwrap()).collect();
    assert_eq!(found, expected.iter().map(|(position, _)| *position).collect::<Vec<_>>(), "{letters:#?}");
    for (letter, (position, reason)) in letters.iter().zip(expected) {
        let said = letter["reason"].as_str().unwrap();
        assert!(said.contains(reason), "position {position}: {reason:?} in {said:?}");
        assert_eq!(letter["kind"], "decode");
    }
}

#[test]
fn csv_rows_that_are_none() {
    let place = Place::new();
    let time = "2025-01-01T00:00:00Z";
    let rows = [
        row("a"),
        format!("b,s1,{time},abc,1"),
        format!("c,s1,{time},2"),
        format!("d,s1,{time},3,4,5"),
        "e,s1,nonsense,3,4".to_owned(),
        "f,s1,2025-13-45,3,4".to_owned(),
        "g,s1,9999-12-31T23:59:59Z,3,4".to_owned(),
        "h,s1,1970-01-01T00:00:00Z,3,4".to_owned(),
        "i,s1,10000-01-01T00:00:00Z,3,4".to_owned(),
        "j,s1,0000-00-00T00:00:00Z,3,4".to_owned(),
        format!(",s1,{time},3,4"),
        format!("k,,{time},3,4"),
        "l,s1,,3,4".to_owned(),
        format!("m,s1,{time},,4"),
        format!("n,s1,{time},3,99999999999999999999"),
        format!("o,s1,{time},3,1.5"),
        format!("p,s1,\"{time},3,4"),
        format!("q,s1,{time},3,"),
        row("z"),
    ];
    place.write("in.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    let letters = place.replay("in.csv", "out");
    are(
        &letters,
        &[
            (1, "column `value`: \"abc\" is not a number"),
            (2, "4 fields where the header has 5"),
            (3, "6 fields where the header has 5"),
            (4, "column `time`: \"nonsense\" is not a time"),
            (5, "column `time`: \"2025-13-45\" is not a time"),
            (8, "column `time`: \"10000-01-01T00:00:00Z\" is not a time"),
            (9, "column `time`: \"0000-00-00T00:00:00Z\" is not a time"),
            (10, "column `id` is empty"),
            (11, "column `sensor` is empty"),
            (12, "column `time` is empty"),
            (13, "column `value` is empty"),
            (14, "column `hits`: \"99999999999999999999\" is not a whole number"),
            (15, "column `hits`: \"1.5\" is not a whole number"),
            (16, "a quote is opened and not closed"),
        ],
    );
    assert_eq!(place.ids("out"), ["a", "g", "h", "q", "z"]);
    let times = place.query("out", "SELECT time FROM processed_data WHERE id IN ('g', 'h') ORDER BY id");
    assert_eq!(
        (&times[0]["time"], &times[1]["time"]),
        (&"9999-12-31T23:59:59Z".into(), &"1970-01-01T00:00:00Z".into())
    );
    let payload = place.ok(&["dlq", "show", "--results", "out", "--position", "1", "--payload"]);
    assert_eq!(payload.trim_end(), rows[1], "the record as it came, ready for the repair");
}

#[test]
fn json_rows_that_are_none() {
    let place = Place::new();
    let good = |id: &str| format!(r#"{{"id":"{id}","sensor":"s","time":"2025-01-01T00:00:00Z","value":1}}"#);
    let with = |field: &str| {
        let name = field.split(':').next().unwrap();
        let fields = [r#""id":"x""#, r#""sensor":"s""#, r#""time":"2025-01-01T00:00:00Z""#, r#""value":1"#];
        let others: Vec<_> = fields.iter().copied().filter(|other| !other.starts_with(&format!("{name}:"))).collect();
        format!("{{{},{field}}}", others.join(","))
    };
    let rows = [
        good("a"),
        with(r#""value":"x""#),
        with(r#""value":true"#),
        with(r#""value":NaN"#),
        with(r#""id":null"#),
        with(r#""id":5"#),
        with(r#""sensor":null"#),
        with(r#""time":null"#),
        with(r#""time":"nonsense""#),
        with(r#""time":9999999999999999999"#),
        with(r#""time":"99999-12-31T23:59:59Z""#),
        with(r#""hits":[1]"#),
        r#"{"sensor":"s","time":"2025-01-01T00:00:00Z","value":1}"#.to_owned(),
        good("cut")[..30].to_owned(),
        "[1, 2]".to_owned(),
        "null".to_owned(),
        good("b").replace('}', r#","unknown":{"a":[1]}}"#),
        good("c").replace("2025-01-01", "9999-12-31"),
        good("d").replace("2025-01-01", "1970-01-01"),
        good("z"),
    ];
    place.write("in.jsonl", rows.join("\n"));
    let letters = place.replay("in.jsonl", "out");
    are(
        &letters,
        &[
            (1, "column `value`: \"x\" is not a number"),
            (2, "column `value`: true is not a number"),
            (3, "N"),
            (4, "column `id` is missing"),
            (5, "column `id`: 5 is not UTF-8 text"),
            (6, "column `sensor` is missing"),
            (7, "column `time` is missing"),
            (8, "column `time`: \"nonsense\" is not a time"),
            (9, "column `time`: the time is not within the years 0 to 9999"),
            (10, "column `time`: \"99999-12-31T23:59:59Z\" is not a time"),
            (11, "column `hits`: [1] is not a whole number"),
            (12, "column `id` is missing"),
            (13, "the object is not complete"),
            (14, "not an object"),
            (15, "not an object"),
        ],
    );
    assert_eq!(place.ids("out"), ["a", "b", "c", "d", "z"]);
}

#[test]
fn parquet_columns_that_do_not_fit() {
    let place = Place::new();
    let write = |name: &str, columns: Vec<(&str, ArrayRef)>| {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)).collect::<Vec<_>>(),
        )
        .unwrap();
        let mut writer = ArrowWriter::try_new(File::create(place.path(name)).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c"), Some("d"), Some("e"), Some("z")]));
    let sensors: ArrayRef =
        Arc::new(StringArray::from(vec![Some("s"), Some("s"), None, Some("s"), Some("s"), Some("s")]));
    let times: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![Some(0), Some(1), Some(2), None, Some(i64::MAX), Some(5)]));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let base = vec![("id", ids), ("sensor", sensors), ("time", times), ("value", values)];

    write("in.parquet", base.clone());
    let letters = place.replay("in.parquet", "out");
    are(
        &letters,
        &[
            (1, "column `id` is null"),
            (2, "column `sensor` is null"),
            (3, "column `time` is null"),
            (4, "column `time`: the time is not within the years 0 to 9999"),
        ],
    );
    assert_eq!(place.ids("out"), ["a", "z"]);

    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1", "2", "x", "4", "5", "6"]));
    write("texts.parquet", [&base[..3], &[("value", texts)]].concat());
    let letters = place.replay("texts.parquet", "texts");
    assert_eq!(letters.len(), 4, "text that is a number goes through: {letters:?}");

    write("missing.parquet", base[..3].to_vec());
    let said = place.fails(64, &["replay", "readings.yaml", "missing.parquet", "--out", "missing"]);
    says(&said, &["missing.parquet", "no column `value`", "`id`", "`sensor`", "`time`"]);

    let nested = Schema::new(vec![Field::new("x", DataType::Int64, true)]).fields;
    let nested: ArrayRef =
        Arc::new(arrow::array::StructArray::new(nested, vec![Arc::new(Int64Array::from(vec![1; 6]))], None));
    write("nested.parquet", [&base[..3], &[("value", nested)]].concat());
    let said = place.fails(64, &["replay", "readings.yaml", "nested.parquet", "--out", "nested"]);
    says(&said, &["column `value`", "cannot be read as"]);
}

#[test]
fn a_missing_csv_column_is_named_with_those_there_are() {
    let place = Place::new();
    place.write("in.csv", "id,sensor,value\na,s1,1\n");
    let said = place.fails(64, &["replay", "readings.yaml", "in.csv"]);
    says(&said, &["in.csv", "no column `time`", "`id`, `sensor`, `value`"]);
    place.write("in.csv", "id,sensor,time,value,time\na,s1,2025-01-01,1,2025-01-01\n");
    let said = place.fails(64, &["replay", "readings.yaml", "in.csv"]);
    says(&said, &["in.csv", "two columns `time`", "rename one"]);
    // Neither claimed the folder, and an optional column may be missing: the mended file goes through.
    place.write("mended.csv", "\u{feff}time,id,value,sensor\r\n2025-01-01,a,1,s1\r\n");
    place.ok(&["replay", "readings.yaml", "mended.csv"]);
    assert_eq!(place.ids("beamline-results/readings"), ["a"]);
}

#[test]
fn detectors_outlive_nan_and_infinities() {
    let place = Place::new();
    let mut text = format!("{HEADER}\n");
    for n in 0..4_000 {
        let value = match n % 100 {
            20 => "NaN".to_owned(),
            40 => "inf".to_owned(),
            60 => "1e308".to_owned(),
            _ if n == 3_999 => "1e6".to_owned(),
            _ => format!("{}.5", 20 + n * 37 % 101),
        };
        writeln!(text, "r{n},s1,2025-01-01T{:02}:{:02}:{:02}Z,{value},{n}", n / 3600, n / 60 % 60, n % 60).unwrap();
    }
    place.write("in.csv", text);
    assert!(place.replay("in.csv", "out").is_empty());
    assert_eq!(place.number("out", "count(*)"), 4_000);
    assert_eq!(place.number("out", "sum(CASE WHEN isnan(value) THEN 1 ELSE 0 END)"), 40);
    for score in ["anomaly_score", "score_ewma", "score_mahalanobis", "score_chains"] {
        let plain = "value < 1e9 AND NOT isnan(value) AND hits > 2000";
        let sum = format!(
            "sum(CASE WHEN {plain} AND ({score} IS NULL OR isnan({score}) OR abs({score}) > 1e300) THEN 1 ELSE 0 END)"
        );
        assert_eq!(place.number("out", &sum), 0, "{score} of a plain value is a number");
    }
    assert_eq!(
        place.number("out", "sum(CASE WHEN hits = 3999 AND anomalous THEN 1 ELSE 0 END)"),
        1,
        "an outlier is seen"
    );
    let alarms = place.number("out", "sum(CASE WHEN value < 1e5 AND anomalous THEN 1 ELSE 0 END)");
    assert!(alarms < 150, "{alarms} alarms on plain values");
}

#[test]
fn a_wrong_date_holds_up_no_paced_replay() {
    let place = Place::new();
    let at = |id: &str, time: &str| row(id).replace("2025-01-01T00:00:00Z", time);
    let rows = [
        at("a", "1970-01-01T00:00:00Z"),
        at("b", "2025-01-01T00:00:00Z"),
        at("c", "9999-12-31T23:59:59Z"),
        at("d", "2025-01-01T00:00:10Z"),
        at("e", "2025-01-01T00:00:30Z"),
    ];
    place.write("in.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    let begun = Instant::now();
    place.ok(&["replay", "readings.yaml", "in.csv", "--speed", "20", "--for", "100s", "--out", "out"]);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1), "20 seconds of events at 20 times their speed: {took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    place.verify("out");
    assert_eq!(place.ids("out"), ["a", "b", "c", "d", "e"]);
}
