//! Stages in boxes, stages without state, and both steps as one.

use arrow::array::DictionaryArray;
use arrow::datatypes::Int32Type;
use bytes::Bytes;

use super::*;
use crate::{
    Aggregate, DeadLetterKind, Detect, Enrich, Key, Ledger, Pipeline, StageError, StateSize, key_text, partition_of,
};

const SPEC: &str = "  detect: { features: [value], layers: { mahalanobis: false, chains: false } }\n  aggregate:\n    \
                    - { name: m, window: 60s, group_by: [sensor], select: { n: \"count(*)\" } }";

#[test]
fn a_stage_in_a_box_does_what_it_does() {
    let stream = stream(SPEC);
    let boxed = || -> [Box<dyn Stage>; 2] {
        [
            Box::new(Detect::new(stream.clone()).unwrap().unwrap()),
            Box::new(Aggregate::new(stream.clone()).unwrap().unwrap()),
        ]
    };
    for (mut stage, mut restored) in boxed().into_iter().zip(boxed()) {
        // Through the box, and not through what is in it.
        let through = |stage: &mut Box<dyn Stage>, out: &mut Outputs| {
            <Box<dyn Stage> as Stage>::process(stage, timed(&stream, "a", &[(0, 1.0), (1, 2.0)]), out).unwrap();
            <Box<dyn Stage> as Stage>::flush(stage, out).unwrap();
        };
        let mut out = Outputs::default();
        through(&mut stage, &mut out);
        assert!(out.rows.len() + out.changed.len() == 1);
        assert_eq!(<Box<dyn Stage> as Stage>::horizon(&stage), Some(10));
        let state = <Box<dyn Stage> as Stage>::state(&stage);
        assert_eq!(state.keys, 1);
        let snapshots = <Box<dyn Stage> as Stage>::snapshots(&mut stage, 1 << 20).unwrap();
        assert!(!snapshots.is_empty() && snapshots.iter().all(|(key, state)| !key.is_empty() && !state.is_empty()));
        for (key, snapshot) in snapshots {
            <Box<dyn Stage> as Stage>::restore(&mut restored, key, &snapshot).unwrap();
        }
        assert_eq!((restored.state(), restored.horizon()), (state, None));
    }
}

#[test]
fn a_stage_without_state_has_nothing_to_hand_on_later() {
    struct Nothing;
    impl Stage for Nothing {
        fn process(&mut self, _rows: Rows, _out: &mut Outputs) -> Result<(), StageError> {
            Ok(())
        }
    }
    assert_eq!((Nothing.horizon(), Nothing.state()), (None, StateSize::default()));
    assert_eq!(Nothing.snapshots(1 << 20).unwrap(), Vec::<(Key, Bytes)>::new());
    assert!(Nothing.restore("a".into(), b"state").is_ok());
}

#[test]
fn both_steps_as_one_keep_the_detectors_state() {
    let stream = stream(&format!("{SPEC}\n  quality:\n    - {{ name: low, check: \"value < 100\" }}"));
    let mut pipeline = Pipeline::new(&stream).unwrap();
    let out = taken(&mut pipeline, timed(&stream, "a", &[(0, 1.0), (1, 200.0), (2, 2.0)]));
    assert_eq!((out.rows[0].len(), out.dead_letters.len()), (2, 1));
    assert_eq!((pipeline.horizon(), pipeline.state().keys), (Some(10), 1));
    let snapshots = pipeline.snapshots(1 << 20).unwrap();
    assert_eq!((snapshots.len(), pipeline.horizon()), (1, None));
    let mut restored = Pipeline::new(&stream).unwrap();
    for (key, snapshot) in snapshots {
        restored.restore(key, &snapshot).unwrap();
    }
    assert_eq!(restored.state(), pipeline.state());

    let plain = self::stream("");
    let mut without = Pipeline::new(&plain).unwrap();
    let out = taken(&mut without, timed(&plain, "a", &[(0, 1.0)]));
    assert_eq!((out.rows.len(), without.horizon(), without.state()), (1, None, StateSize::default()));
    assert_eq!(without.snapshots(1 << 20).unwrap(), Vec::<(Key, Bytes)>::new());
    assert!(without.restore("a".into(), b"anything").is_ok());
}

#[test]
fn dead_letters_of_both_steps_come_in_the_order_of_their_rows() {
    let stream = stream(
        "  quality:\n    - { name: low, check: \"value < 100\" }\n  detect: { features: [\"1 / cast(value as bigint)\"] }",
    );
    let out =
        taken(&mut Pipeline::new(&stream).unwrap(), timed(&stream, "a", &[(0, 0.0), (1, 200.0), (2, 0.0), (3, 1.0)]));
    assert_eq!(out.dead_letters.iter().map(|dead_letter| dead_letter.position).collect::<Vec<_>>(), [10, 20, 30]);
    let enriched = taken(&mut Enrich::new(stream.clone()), timed(&stream, "a", &[(0, 200.0)]));
    assert!(enriched.rows.is_empty(), "nothing is handed on where no row is left");
}

#[test]
fn a_ledger_adds_every_count() {
    let one = Ledger {
        records: 1,
        out: 2,
        filtered: 3,
        dead_lettered: 4,
        late: 5,
        anomalies: 6,
        unscored: 7,
        overdue: 8,
        ahead: 9,
        probes: 10,
        silences: 13,
        reasons: [("r".to_owned(), 11)].into(),
        dead_letter_rules: [("d".to_owned(), 12)].into(),
    };
    let mut sum = one.clone();
    sum += &one;
    sum += &Ledger::default();
    let twice = Ledger {
        records: 2,
        out: 4,
        filtered: 6,
        dead_lettered: 8,
        late: 10,
        anomalies: 12,
        unscored: 14,
        overdue: 16,
        ahead: 18,
        probes: 20,
        silences: 26,
        reasons: [("r".to_owned(), 22)].into(),
        dead_letter_rules: [("d".to_owned(), 24)].into(),
    };
    assert_eq!(sum, twice);
    for (out, filtered, dead_lettered, late) in [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)] {
        let ledger =
            Ledger { records: 3, out: 1 + out, filtered: filtered + 1, dead_lettered, late, ..Ledger::default() };
        assert!(ledger.balances(), "{ledger:?}");
        assert!(!Ledger { records: 2, ..ledger.clone() }.balances() && !Ledger { records: 4, ..ledger }.balances());
    }
}

#[test]
fn keys_are_text_and_have_a_partition_as_on_kafka() {
    let text =
        |values: ArrayRef| key_text(&values).unwrap().iter().map(|key| key.unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(text(Arc::new(Int64Array::from(vec![Some(7), None]))), ["7", ""]);
    let names: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b")].into_iter().collect();
    assert_eq!(text(Arc::new(names)), ["a", "", "b"]);
    // As Kafka's own partitioner has it: murmur2 without its sign, modulo the partitions.
    assert_eq!(
        ["21", "foobar", "abc", ""].map(|key| partition_of(key.as_bytes(), 7)),
        [
            (-973_932_308_i32 as u32 & 0x7fff_ffff) % 7,
            (-790_332_482_i32 as u32 & 0x7fff_ffff) % 7,
            479_470_107 % 7,
            275_646_681 % 7,
        ]
    );
}

#[test]
fn dead_letters_say_what_kind_they_are() {
    use DeadLetterKind::{Decode, Expression, Identity, Quality, Size};
    let names = [Decode, Identity, Quality, Expression, Size].map(DeadLetterKind::name);
    assert_eq!(names, ["decode", "identity", "quality", "expression", "size"]);
    let payload = Bytes::from_static(b"bytes");
    let large = DeadLetter::oversized(7, payload.clone(), "too large".to_owned());
    assert_eq!((large.position, large.kind, large.rule.as_str(), &large.payload), (7, Size, "", &payload));
    let bad = DeadLetter::undecodable(8, payload.clone(), "no schema".to_owned());
    assert_eq!((bad.position, bad.kind, bad.reason.as_str(), &bad.payload), (8, Decode, "no schema", &payload));
}
