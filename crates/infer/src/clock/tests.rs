//! Which columns are taken for the time of an event, and how their values become one.

use crate::examples::{assigned, moments, plan_of, table};

/// The time that is found, and how it came about.
fn found(text: &str) -> (String, String) {
    let plan = plan_of(text);
    (plan.time, plan.time_reason)
}

#[test]
fn the_best_name_wins_whatever_the_order() {
    // Each is a worse name than the one before.
    let names =
        ["event_time", "datetime", "obs_midpoint", "mjd", "start_time", "created", "other", "end_date", "last_one"];
    let value = |name: &str| if name == "mjd" { "60676.5" } else { "2025-01-01T00:00:00Z" };
    for (place, better) in names.iter().enumerate() {
        for worse in &names[place + 1..] {
            for (one, two) in [(better, worse), (worse, better)] {
                let text = format!("{one},{two}\n{},{}\n", value(one), value(two));
                let plan = plan_of(&text);
                match *better {
                    "mjd" => assert!(plan.time_reason.starts_with("`mjd` is a Modified Julian Date"), "{text}"),
                    better => assert_eq!(plan.time, better, "{text}"),
                }
            }
        }
    }
    for name in ["updated", "expiry_date", "timestamp", "event_timestamp", "ts", "date_time", "created_at"] {
        let (time, reason) = found(&format!("{name}\n2025-01-01T00:00:00Z\n"));
        assert_eq!((time.as_str(), reason.as_str()), (name, "a time that every row of the sample has"));
    }
}

#[test]
fn every_second_row_may_be_without_a_time_but_a_column_without_gaps_is_better() {
    let moment = "2025-01-01T00:00:00Z";
    let text = format!("x,time\n1,{moment}\n2,\n");
    let plan = plan_of(&text);
    assert_eq!((plan.time.as_str(), plan.time_reason.as_str()), ("time", "a time that 1 of 2 rows of the sample have"));
    assert_eq!(plan.notes, ["1 of 2 rows of the sample have no time; they will be dead letters"]);
    let plan = plan_of(&format!("x,seen\n1,{moment}\n2,\n3,\n"));
    assert_eq!(plan.time, "row_time");
    // Half as good: behind the start, but before what was created.
    assert_eq!(found(&format!("time,start_time\n{moment},{moment}\n,{moment}\n")).0, "start_time");
    assert_eq!(found(&format!("created,time\n{moment},{moment}\n{moment},\n")).0, "time");
}

#[test]
fn times_of_other_kinds_are_read() {
    for (text, moment, reason) in [
        (
            "id,mjd\n1,60676.5\n",
            "2025-01-01T12:00:00Z",
            "`mjd` is a Modified Julian Date, as its name says, taken as UTC; 'utc', 'tai' and 'tt' are possible",
        ),
        (
            "jd,x\n2460677.0,1\n",
            "2025-01-01T12:00:00Z",
            "`jd` is a Julian Date, as its name says, taken as UTC; 'utc', 'tai' and 'tt' are possible",
        ),
        (
            "when,x\n01/Mar/2025:10:11:12 +0000,1\n",
            "2025-03-01T10:11:12Z",
            "derived: `when` is written %d/%b/%Y:%H:%M:%S %z",
        ),
        ("x,note,when\n1,a,13/03/2025 10:11\n", "2025-03-13T10:11:00Z", "derived: `when` is written %d/%m/%Y %H:%M"),
        ("id,v\n1,2\n", "2025-01-01T00:00:01Z", "derived: no column has a time in every row"),
    ] {
        assert_eq!(moments(text).len(), 1, "{text}");
        assert!(moments(text)[0].starts_with(&moment[..moment.len() - 1]), "{:?} of {text}", moments(text));
        assert_eq!(found(text).1, reason, "{text}");
    }
    // One that some rows lack is not derived.
    assert_eq!(found("x,note\n1,13/03/2025 10:11\n2,\n").0, "row_time");
}

#[test]
fn a_date_and_a_time_of_day_are_one_time() {
    for (text, moment) in [
        ("date,time\n2025-03-04,10:11:12\n", "2025-03-04T10:11:12"),
        ("x,Day,Clock\n7, 2025-03-04 , 10:11 \n", "2025-03-04T10:11:00"),
        ("tod,utc_date\n10:11:12.5,2025/03/04\n", "2025-03-04T10:11:12.5"),
        ("date,time\n03/14/2025,10:11:12\n", "2025-03-14T10:11:12"),
        ("date,time\n14.03.2025,10:11\n", "2025-03-14T10:11:00"),
    ] {
        assert!(moments(text)[0].starts_with(moment), "{:?} of {text}", moments(text));
        let plan = plan_of(text);
        assert!(plan.time == "event_time" && plan.time_reason.starts_with("joined: the date in "), "{text}");
        assert_eq!(plan.notes, Vec::<String>::new());
    }
}

#[test]
fn of_a_whole_date_and_time_of_day_sql_joins_the_texts() {
    let sql = |text: &str| {
        let plan = plan_of(text);
        plan.columns.iter().find(|column| column.name == plan.time).unwrap().derive.clone().unwrap().0
    };
    let whole = "date,time\n2025-03-04,10:11\n";
    assert_eq!(sql(whole), "parse_timestamp(concat(trim(\"date\"), ' ', trim(\"time\")))");
    let gaps = "date,time\n2025-03-04,10:11\n,10:12\n";
    assert_eq!(sql(gaps), "parse_timestamp(trim(\"date\") || ' ' || trim(\"time\"))");
}

#[test]
fn where_one_of_the_two_is_missing_there_is_no_time() {
    let text = "date,time\n2025-03-04,10:11\n2025-03-04,\n,10:12\n2025-03-05,10:13\n";
    assert_eq!(moments(text), ["2025-03-04T10:11:00Z", "null", "null", "2025-03-05T10:13:00Z"]);
    assert_eq!(plan_of(text).notes, ["2 of 4 rows of the sample have no time; they will be dead letters"]);
    // The date alone is a time as well, and is taken where too few rows have both, or where nothing is a time of day.
    for text in [
        "date,time\n2025-03-04,10:11\n2025-03-04,\n2025-03-04,\n",
        "date,time\n2025-03-04,\n2025-03-04,10:11\n,10:12\n2025-03-04,\n",
        "date,time\n2025-03-04,noon\n",
        "date,time\n2025-03-04,\n",
        "date,span\n2025-03-04,10:11\n",
    ] {
        assert_eq!(found(text).0, "date", "{text}");
    }
}

#[test]
fn a_name_that_is_sure_needs_a_time_that_can_be_read() {
    let message = |text: &str| assigned(table(text), false).err().map(|error| error.to_string()).unwrap_or_default();
    for (name, value) in [
        ("timestamp", "yesterday"),
        ("Event Time", "soon"),
        ("date_time", "12"),
        ("created_at", "x"),
        ("start_date", "y"),
        ("some_utc", "z"),
    ] {
        let text = format!("x,{name}\n1,{value}\n2,{value}\n");
        let wanted = format!("the column `{name}` is named like a time, and \"{value}\" in it is not one");
        assert!(message(&text).contains(&wanted), "{}", message(&text));
    }
    let mixed = message("x,ts\n1,2025-01-01T00:00:00Z\n2,1700000000\n3,never\n");
    assert!(mixed.contains("\"never\" in it"), "{mixed}");
    // A number may be anything, and so may a name that is not sure.
    for text in ["x,some_time\n1,12\n", "x,somewhere\n1,far\n", "x,timeline\n1,far\n"] {
        assert_eq!(message(text), "", "{text}");
    }
    let long = message(&format!("x,ts\n1,{}\n", "a".repeat(70)));
    assert!(long.contains(&format!("\"{}\"", "a".repeat(60))), "{long}");
}

#[test]
fn rows_are_numbered_where_that_is_asked_for() {
    for text in ["x,timestamp\n1,yesterday\n", "x,year\n1,2025\n", "x,time\n1,2025-01-01T00:00:00Z\n"] {
        let (plan, _) = assigned(table(text), true).unwrap();
        assert_eq!(plan.time, "row_time", "{text}");
        let time = plan.columns.iter().find(|column| column.name == "row_time").unwrap();
        let (_, why) = time.derive.clone().unwrap();
        assert_eq!(why, "numbered, as --no-time asks: a row a second, from 2025 on");
    }
}

#[test]
fn a_time_within_an_object_is_taken_out_of_it() {
    for (json, name, sql, reason) in [
        (
            r#"{"m": {"time": "2025-01-01T00:00:00Z"}}"#,
            "time",
            "\"m\"['time']",
            "a time within an object, which every row of the sample has",
        ),
        (
            r#"{"m": {"ts": 1700000000123}}"#,
            "ts",
            "to_timestamp_micros(CAST(\"m\"['ts'] * 1000 AS BIGINT))",
            "a time within an object, which every row of the sample has",
        ),
        (
            r#"{"m": {"mjd": 60676.5}}"#,
            "event_time",
            "mjd_to_timestamp(\"m\"['mjd'], 'utc')",
            "`mjd` is a Modified Julian Date, as its name says, taken as UTC; 'utc', 'tai' and 'tt' are possible",
        ),
    ] {
        let plan = plan_of(&format!("{json}\n"));
        let column = plan.columns.iter().find(|column| column.name == plan.time).unwrap();
        let derived = column.derive.as_ref().map(|(sql, _)| sql.as_str());
        assert_eq!((plan.time.as_str(), derived, plan.time_reason.as_str()), (name, Some(sql), reason));
    }
    let some = "{\"m\": {\"time\": \"2025-01-01T00:00:00Z\"}}\n{\"m\": {\"x\": 1}}\n";
    assert_eq!(found(some).1, "a time that 1 of 2 rows of the sample have");
}
