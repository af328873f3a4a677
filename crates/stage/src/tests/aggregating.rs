//! Windows as a step of a pipeline.

use super::*;
use crate::Aggregate;

#[test]
fn a_late_event_is_handed_on_with_what_it_was_late_for() {
    let stream = stream(
        "  aggregate:\n    - { name: m, window: 60s, lateness: 0s, group_by: [sensor], select: { n: \"count(*)\" } }\n    \
         - { name: h, window: 120s, lateness: 0s, select: { n: \"count(*)\" } }",
    );
    let mut stage = Aggregate::new(stream.clone()).unwrap().unwrap();
    let given = timed(
        &stream,
        "a",
        &[(0, 1.0), (100 * SECOND, 2.0), (10 * SECOND, 3.0), (300 * SECOND, 4.0), (20 * SECOND, 5.0)],
    );
    let out = taken(&mut stage, given);
    assert_eq!(out.late_events, 2, "each counts once");
    let late = &out.late[0];
    assert_eq!(late.positions.values().as_ref(), [30, 50, 50]);
    assert_eq!(late.keys.iter().flatten().collect::<Vec<_>>(), ["a"; 3]);
    let columns = late.batch.columns();
    assert_eq!(columns[0].as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["m", "m", "h"]);
    assert_eq!(
        columns[1].as_primitive::<Float64Type>().iter().collect::<Vec<_>>(),
        [Some(40.0), Some(240.0), Some(180.0)]
    );
    assert_eq!(columns[2].as_string::<i32>().value(0), "its window had closed 40 s before");
    assert_eq!(numbers(&late.batch, "value"), [Some(3.0), Some(5.0), Some(5.0)]);
    let more = timed(&stream, "a", &[(30 * SECOND, 6.0)]);
    let mut again = Outputs { late_events: 2, ..Outputs::default() };
    stage.process(more, &mut again).unwrap();
    assert_eq!(again.late_events, 3, "counts are added to");
    assert!(Aggregate::new(self::stream("")).unwrap().is_none());
}

#[test]
fn an_event_without_a_time_is_left_out_with_the_reason() {
    let stream =
        stream("  aggregate:\n    - { name: m, window: 60s, group_by: [sensor], select: { n: \"count(*)\" } }");
    let mut stage = Aggregate::new(stream.clone()).unwrap().unwrap();
    let out = taken(&mut stage, rows(&stream, &[(Some("a"), None, Some(1.0))]));
    assert_eq!(out.late[0].batch.columns()[2].as_string::<i32>().value(0), "its time is beyond all bounds");
}

#[test]
fn times_far_ahead_in_files_are_counted() {
    let stream = stream(
        "  max_ahead: 1h\n  source: { files: { paths: [\"*.csv\"] } }\n  aggregate:\n    - { name: m, window: 60s, group_by: [sensor], select: { n: \"count(*)\" } }",
    );
    let mut stage = Aggregate::new(stream.clone()).unwrap().unwrap();
    let mut out = Outputs { ahead: 5, ..Outputs::default() };
    stage.process(timed(&stream, "a", &[(0, 1.0), (90_000 * SECOND, 2.0), (80_000 * SECOND, 2.0)]), &mut out).unwrap();
    assert_eq!(out.ahead, 7);
    let mut flushed = Outputs::default();
    stage.flush(&mut flushed).unwrap();
    assert_eq!(flushed.clock, Some(1_735_689_600 * SECOND));
    let ends = flushed.changed[0]["window_end"].as_primitive::<TimestampMicrosecondType>().clone();
    assert_eq!(ends.len(), 3);
}
