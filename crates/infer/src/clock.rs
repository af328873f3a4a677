//! Which column dates an event, and how its time is read.

use serde_json::json;

use crate::{
    InferError, calendar,
    derived::{best, derived},
    guess::Kind,
    names::{self, has_word, shown, words},
    planned::{Plan, Planned},
    table::{Cell, Column, Table},
    times, topic,
};

/// Words of times that are not the event's.
const OTHER_TIMES: [&str; 18] = [
    "birth",
    "birthday",
    "expiry",
    "expires",
    "updated",
    "modified",
    "end",
    "ended",
    "due",
    "deleted",
    "first",
    "last",
    "processed",
    "withdrawn",
    "validity",
    "hist",
    "ref",
    "reference",
];

/// Names that say that a column has the event's time.
const SURE: [&str; 9] =
    ["timestamp", "event_time", "event_timestamp", "time", "datetime", "date_time", "ts", "date", "obs_time"];

/// The last words of names that say so of text.
const SURE_ENDS: [&str; 6] = ["at", "time", "timestamp", "datetime", "date", "utc"];

/// Of so many rows one may be without a time.
const GAPS_SHARE: usize = 2;

/// Finds the time, or makes one of the rows' numbers.
///
/// # Errors
/// Where a column is named like a time and cannot be read as one, and `no_time` does not allow that.
pub(crate) fn time(plan: &mut Plan, table: &Table, no_time: bool) -> Result<(), InferError> {
    if !no_time && (joined(plan, table) || own(plan, table) || within(plan, table) || written(plan, table)) {
        return Ok(());
    }
    if let Some((sql, why)) = calendar::of_parts(plan, table).filter(|_| !no_time) {
        plan.time = derived(plan, table, "event_time", Kind::Time, sql, &why);
        plan.time_reason = format!("derived: {why}");
        return Ok(());
    }
    if let Some((column, value)) = unread(plan, table).filter(|_| !no_time) {
        return Err(InferError::sample(format!(
            "the column {} is named like a time, and {value:?} in it is not one that can be read; docs/inputs.md says what \
             can. With --no-time rows are numbered instead",
            shown(&column)
        )));
    }
    if table.topic.is_some() {
        let why = "no column has a time in every message: the time that its producer or broker gave it";
        plan.time = derived(plan, table, "message_time", Kind::Time, topic::TIME.to_owned(), why);
        plan.time_reason = format!("derived: {why}");
        return Ok(());
    }
    let sql = "to_timestamp_micros(1735689600000000 + _row * 1000000)".to_owned();
    let why = if no_time { "numbered, as --no-time asks" } else { "the file has no times" };
    plan.time = derived(plan, table, "row_time", Kind::Time, sql, &format!("{why}: a row a second, from 2025 on"));
    plan.time_reason = "derived: no column has a time in every row".to_owned();
    plan.notes.push(format!("no column has a time in every row, so `{}` is made of the row's number", plan.time));
    Ok(())
}

/// A column that is a time, or days that can be made one.
fn own(plan: &mut Plan, table: &Table) -> bool {
    let scores = plan.columns.iter().enumerate().map(|(place, column)| (place, score(column, table)));
    let Some(place) = best(scores) else { return false };
    let column = plan.columns[place].clone();
    let gaps = column.column(table).map_or(0, Column::gaps);
    if let Kind::Days(days) = column.kind {
        let why = days.reason(&column.name);
        plan.time = derived(plan, table, "event_time", Kind::Time, days.sql(&column.sql), &why);
        plan.time_reason = why;
    } else {
        plan.time = column.name;
        plan.time_reason = "a time that every row of the sample has".to_owned();
    }
    note_gaps(plan, gaps, table.rows);
    true
}

fn note_gaps(plan: &mut Plan, gaps: usize, rows: usize) {
    if gaps > 0 {
        plan.time_reason = format!("a time that {} of {rows} rows of the sample have", rows - gaps);
        plan.notes.push(format!("{gaps} of {rows} rows of the sample have no time; they will be dead letters"));
    }
}

/// A time within an object.
fn within(plan: &mut Plan, table: &Table) -> bool {
    let scores = plan.inner.iter().enumerate().map(|(place, column)| (place, score(column, table)));
    let Some(place) = best(scores) else { return false };
    let column = plan.inner[place].clone();
    let gaps = column.cells.as_ref().map_or(0, Column::gaps);
    let (sql, name, why) = match column.kind {
        Kind::Epoch(digits) => {
            (times::from_epoch(&column.sql, digits), column.name.as_str(), "a time within an object".to_owned())
        }
        Kind::Days(days) => (days.sql(&column.sql), "event_time", days.reason(&column.name)),
        _ => (column.sql.clone(), column.name.as_str(), "a time within an object".to_owned()),
    };
    plan.time = derived(plan, table, name, Kind::Time, sql, &why);
    plan.time_reason = match column.kind {
        Kind::Days(_) => why,
        _ => "a time within an object, which every row of the sample has".to_owned(),
    };
    note_gaps(plan, gaps, table.rows);
    true
}

fn score(planned: &Planned, table: &Table) -> u32 {
    let is_time = matches!(planned.kind, Kind::Time | Kind::Epoch(_) | Kind::Days(_));
    let enough = |column: &Column| column.gaps() * GAPS_SHARE <= column.cells.len();
    let Some(column) = planned.column(table).filter(|column| is_time && enough(column)) else { return 0 };
    let name = words(&column.name).join("_");
    let score = match name.as_str() {
        "timestamp" | "event_time" | "event_timestamp" => 1000,
        "time" | "datetime" | "ts" | "date_time" => 900,
        _ if has_word(&name, &["midpoint", "obs", "observation", "exposure"]) => 800,
        "jd" | "mjd" | "hjd" | "bjd" => 700,
        _ if has_word(&name, &["time", "timestamp", "ts", "datetime"]) => 600,
        _ if has_word(&name, &["created", "date", "at"]) => 400,
        _ => 200,
    };
    let score = if has_word(&name, &OTHER_TIMES) { score / 10 } else { score };
    if column.has_gaps() { score / 2 } else { score }
}

/// A date in one column and a time of day in another.
fn joined(plan: &mut Plan, table: &Table) -> bool {
    let all = |column: &Column, is: fn(&str) -> bool| {
        column.gaps() * GAPS_SHARE <= column.cells.len() && column.texts().next().is_some() && column.texts().all(is)
    };
    let find = |kinds: fn(&Kind) -> bool, is: fn(&str) -> bool, named: &[&str]| {
        plan.columns.iter().position(|planned| {
            let column = planned.column(table).filter(|column| column.field.is_none());
            kinds(&planned.kind) && column.is_some_and(|column| has_word(&column.name, named) && all(column, is))
        })
    };
    let date = find(|kind| matches!(kind, Kind::Time | Kind::Text), times::is_date, &["date", "day", "datum", "utc"]);
    let clock = find(|kind| *kind == Kind::Text, times::is_clock, &["time", "clock", "hour", "utc", "tod", "hms"]);
    let (Some(date), Some(clock)) = (date, clock) else { return false };
    let (Some(dates), Some(clocks)) = (plan.columns[date].column(table), plan.columns[clock].column(table)) else {
        return false;
    };
    let both_there = |(date, clock): (&Cell, &Cell)| match (date, clock) {
        (Cell::Text(date), Cell::Text(clock)) => Some(format!("{} {}", date.trim(), clock.trim())),
        _ => None,
    };
    let texts: Vec<String> = dates.cells.iter().zip(&clocks.cells).filter_map(both_there).collect();
    let gaps = table.rows - texts.len();
    if gaps * GAPS_SHARE > table.rows {
        return false;
    }
    let (date_sql, clock_sql) = (&plan.columns[date].sql, &plan.columns[clock].sql);
    // Where one of the two is missing there is no time: `concat` would make midnight of that.
    let both = match gaps {
        0 => format!("concat(trim({date_sql}), ' ', trim({clock_sql}))"),
        _ => format!("trim({date_sql}) || ' ' || trim({clock_sql})"),
    };
    let sql = if texts.iter().all(|text| times::is_time(text)) {
        format!("parse_timestamp({both})")
    } else if let Some(format) = times::format_of(texts.iter().map(String::as_str)) {
        format!("to_timestamp_micros({both}, {})", names::literal(format))
    } else {
        return false;
    };
    let why = format!("the date in {} and the time of day in {}", shown(&dates.name), shown(&clocks.name));
    // SQL joins texts.
    (plan.columns[date].kind, plan.columns[date].avro) = (Kind::Text, json!("string"));
    plan.columns[date].derive = plan.columns[date].derive.take().filter(|_| plan.columns[date].doc.is_some());
    plan.time = derived(plan, table, "event_time", Kind::Time, sql, &why);
    plan.time_reason = format!("joined: {why}");
    if gaps > 0 {
        plan.notes.push(format!("{gaps} of {} rows of the sample have no time; they will be dead letters", table.rows));
    }
    true
}

/// A time in another form than those that the sources know.
fn written(plan: &mut Plan, table: &Table) -> bool {
    let found = plan.columns.iter().filter(|planned| planned.kind == Kind::Text).find_map(|planned| {
        let column = planned.column(table).filter(|column| !column.has_gaps())?;
        let format = times::format_of(column.texts())?;
        let why = format!("{} is written {format}", shown(&column.name));
        Some((format!("to_timestamp_micros({}, {})", planned.sql, names::literal(format)), why))
    });
    let Some((sql, why)) = found else { return false };
    plan.time = derived(plan, table, "event_time", Kind::Time, sql, &why);
    plan.time_reason = format!("derived: {why}");
    true
}

/// A column that is named like the event's time, and a value in it that cannot be read.
fn unread(plan: &Plan, table: &Table) -> Option<(String, String)> {
    let is_sure = |planned: &&Planned| {
        let words = words(planned.doc.as_ref().unwrap_or(&planned.name));
        let is_text = planned.kind == Kind::Text;
        SURE.contains(&words.join("_").as_str())
            || is_text && words.last().is_some_and(|last| SURE_ENDS.contains(&last.as_str()))
    };
    let column = plan.columns.iter().find(is_sure)?.column(table)?;
    let bad = |text: &&str| !times::is_time(text) && !times::is_epoch(text);
    let value = column.texts().find(bad).or_else(|| column.texts().next())?;
    Some((column.name.clone(), value.chars().take(60).collect()))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            (plan.time.as_str(), plan.time_reason.as_str()),
            ("time", "a time that 1 of 2 rows of the sample have")
        );
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
            (
                "x,note,when\n1,a,13/03/2025 10:11\n",
                "2025-03-13T10:11:00Z",
                "derived: `when` is written %d/%m/%Y %H:%M",
            ),
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
        let message =
            |text: &str| assigned(table(text), false).err().map(|error| error.to_string()).unwrap_or_default();
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
}
