//! Which columns the schema gets, under which names, of which types, and what must be derived.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;

use crate::{
    InferError,
    guess::{self, Kind},
    inner,
    names::{self, quoted, shown},
    planned::{Plan, Planned, avro_type, sql_name, typed},
    table::{Cell, Column, Table},
    times, unnamed,
};

/// Bytes of images and the like that a row keeps at most in a column.
const BYTES_MAX: usize = 1_024;

/// Plans all columns that a stream can have; roles are not given yet.
pub(crate) fn plan(table: &mut Table) -> Result<Plan, InferError> {
    let mut plan = Plan::default();
    let kinds: Vec<Kind> = kinds(table);
    let mut used: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut left_out = Vec::new();
    for ((origin, column), kind) in table.columns.iter().enumerate().zip(kinds) {
        let twice = table.columns.iter().filter(|other| other.name == column.name).count() > 1;
        let why = match &kind {
            _ if column.name.is_empty() => Some("it has no name".to_owned()),
            _ if twice => Some("the name stands twice".to_owned()),
            _ if column.name.contains('\0') => Some("its name has a zero byte".to_owned()),
            _ if column.bytes > BYTES_MAX => Some(format!("{} KiB of bytes a row", column.bytes.div_ceil(1024))),
            Kind::Mixed(why) => Some(why.clone()),
            _ => None,
        };
        if let Some(why) = why {
            left_out.push(format!("{} ({why})", shown(&column.name)));
            if table.objects.is_some() && table.topic.is_none() && inner::has_objects_only(column) {
                inner::add(&mut plan, table, origin, column);
            }
            continue;
        }
        if let (Kind::Nested(avro), true) = (&kind, table.objects.is_some()) {
            left_out.extend(unnamed::within(column, avro));
        }
        let legal = names::is_legal(&column.name) && !names::is_taken(&column.name);
        let name = if legal { column.name.clone() } else { names::legal(&column.name, &used) };
        if !legal {
            used.push(name.clone());
            plan.notes.push(format!(
                "column {} is called `{name}` in the stream: its own name cannot stand in a schema",
                shown(&column.name)
            ));
        }
        inner::add(&mut plan, table, origin, column);
        plan.columns.push(planned(table, origin, column, name, kind, legal));
    }
    if !left_out.is_empty() {
        plan.notes.push(format!("these columns are left out: {}", left_out.join(", ")));
    }
    if table.columns.is_empty() {
        return Err(InferError::sample("the objects of the sample are empty; give a file with some values"));
    }
    if plan.columns.is_empty() {
        let names = table.columns.iter().map(|column| shown(&column.name)).collect::<Vec<_>>().join(", ");
        return Err(InferError::sample(format!(
            "the sample has no column that a schema can name; it has {names}; rename them"
        )));
    }
    Ok(plan)
}

/// What each column holds. Settings of the source that this takes are added to the table's.
fn kinds(table: &mut Table) -> Vec<Kind> {
    let mut missing = BTreeSet::new();
    let mut as_written = Vec::new();
    let mut kinds = Vec::with_capacity(table.columns.len());
    for column in &mut table.columns {
        kinds.push(match &column.field {
            Some(field) => typed(column, field),
            None if table.objects.is_some() => {
                let (kind, written) = guess::of_json(column);
                as_written.extend(written.then(|| shown(&column.name)));
                kind
            }
            None => {
                let (kind, markers) = guess::of_csv(column, table.csv.decimal_comma);
                if table.csv.decimal_comma {
                    with_points(column, &kind);
                }
                column.forget(&markers);
                missing.extend(markers);
                kind
            }
        });
    }
    if !missing.is_empty() {
        let list =
            missing.iter().map(|marker| format!("\"{}\"", marker.replace('\\', "\\\\"))).collect::<Vec<_>>().join(", ");
        table.settings.push((
            format!("missing: [{list}]"),
            "cells among numbers and times that say that there is none".to_owned(),
        ));
        table.csv.missing = missing.into_iter().collect();
    }
    if !as_written.is_empty() {
        let reason = format!("numbers among the texts, or beyond 64 bits, in {}", as_written.join(", "));
        table.settings.push(("as_written: true".to_owned(), reason));
        table.json.as_written = true;
    }
    kinds
}

/// Writes the numbers of a column with decimal points, as everything behind reads them.
fn with_points(column: &mut Column, kind: &Kind) {
    if !matches!(kind, Kind::Double | Kind::Long | Kind::Days(_)) {
        return;
    }
    for cell in &mut column.cells {
        if let Cell::Text(text) = cell
            && let Some(number) = text::float_with_comma(text.as_bytes())
        {
            *text = number.to_string();
        }
    }
}

fn planned(table: &Table, origin: usize, column: &Column, name: String, kind: Kind, legal: bool) -> Planned {
    let sql = quoted(&sql_name(column));
    let derive = match &kind {
        Kind::Epoch(digits) => Some((times::from_epoch(&sql, *digits), "a number since 1970 in the file".to_owned())),
        Kind::Time if needs_micros(column) => {
            Some((format!("date_trunc('microsecond', {sql})"), "nanoseconds in the file".to_owned()))
        }
        Kind::Time if !legal && table.objects.is_none() && column.field.is_none() => {
            let sql = match times::epoch_digits(column.texts()) {
                Some(digits) => times::from_epoch(&sql, digits),
                None => sql.clone(),
            };
            Some((sql, format!("the file calls it {}", shown(&column.name))))
        }
        _ if !legal => Some((sql.clone(), format!("the file calls it {}", shown(&column.name)))),
        _ => None,
    };
    let avro = avro_type(&kind);
    let doc = (!legal).then(|| column.name.clone());
    Planned { name, origin: Some(origin), kind, avro, required: false, derive, sql, cells: None, doc }
}

fn needs_micros(column: &Column) -> bool {
    let nanos =
        |data_type: &DataType| matches!(data_type, DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _));
    column.field.as_ref().is_some_and(|field| nanos(field.data_type()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    };

    use super::*;
    use crate::{examples::table, typed_table};

    fn planned_of(text: &str) -> Plan {
        plan(&mut table(text)).unwrap()
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.columns.iter().map(|column| column.name.as_str()).collect()
    }

    fn typed_plan(columns: Vec<(&str, ArrayRef)>) -> Result<Plan, InferError> {
        let columns = columns.into_iter().map(|(name, values)| (name, values, true));
        plan(&mut typed_table::read(&RecordBatch::try_from_iter_with_nullable(columns).unwrap()).unwrap())
    }

    fn derived(plan: &Plan, name: &str) -> Option<(String, String)> {
        plan.columns.iter().find(|column| column.name == name).unwrap().derive.clone()
    }

    #[test]
    fn what_no_schema_can_name_is_left_out() {
        let plan = planned_of("a,,b,b\n1,2,3,4\n");
        assert_eq!(
            (names(&plan), plan.notes.last().unwrap().as_str()),
            (
                vec!["a"],
                "these columns are left out: `` (it has no name), `b` (the name stands twice), `b` (the name stands twice)"
            )
        );
        let plan = planned_of("{\"a\": 1, \"z\\u0000\": 1, \"m\": {\"@x\": 1}}\n");
        let wanted = "these columns are left out: `z ` (its name has a zero byte), `m` (the names within it cannot stand in a schema)";
        assert_eq!((names(&plan), plan.notes[0].as_str()), (vec!["a"], wanted));
        let plan = planned_of("{\"o\": {\"x\": 1, \"@y\": 2}}\n");
        assert_eq!(plan.notes, ["these columns are left out: `o.@y` (its name cannot stand in a schema)"]);
        let bytes = |count: usize| {
            let values: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&vec![0; count], &vec![0; count]]));
            typed_plan(vec![("a", Arc::new(StringArray::from(vec!["x", "y"]))), ("b", values)]).unwrap()
        };
        assert_eq!((names(&bytes(1_024)), names(&bytes(1_025))), (vec!["a", "b"], vec!["a"]));
        assert_eq!(bytes(1_025).notes, ["these columns are left out: `b` (2 KiB of bytes a row)"]);
        let message = |text: &str| super::plan(&mut table(text)).unwrap_err().to_string();
        assert!(
            message("b,b\n1,2\n")
                .contains("the sample has no column that a schema can name; it has `b`, `b`; rename them")
        );
        assert!(message("{}\n").contains("the objects of the sample are empty"));
    }

    #[test]
    fn a_name_that_cannot_stand_is_replaced_and_derived() {
        let plan = planned_of("a b,a_b,when made,_row,x\n1,2,1700000000,3,4\n");
        assert_eq!(names(&plan), ["a_b_2", "a_b", "when_made", "row", "x"]);
        let called = |sql: &str, name: &str| Some((sql.to_owned(), format!("the file calls it `{name}`")));
        assert_eq!(derived(&plan, "a_b_2"), called("\"a b\"", "a b"));
        assert_eq!(derived(&plan, "row"), called("\"__row\"", "_row"));
        let sql = "to_timestamp_micros(CAST(round(\"when made\" * 1000000.0) AS BIGINT))";
        assert_eq!(derived(&plan, "when_made"), called(sql, "when made"));
        assert_eq!((derived(&plan, "a_b"), derived(&plan, "x")), (None, None));
        assert_eq!(plan.columns[0].doc.as_deref(), Some("a b"));
        assert_eq!(
            plan.notes[0],
            "column `a b` is called `a_b_2` in the stream: its own name cannot stand in a schema"
        );
        let plan = planned_of("made at,at\n2025-01-01T00:00:00Z,2025-01-01T00:00:00Z\n");
        assert_eq!((derived(&plan, "made_at"), derived(&plan, "at")), (called("\"made at\"", "made at"), None));
        // In JSON a number of a time is not one that SQL reads by itself.
        let plan = planned_of("{\"ts\": 1700000000123, \"made at\": \"1700000000\"}\n");
        let sql = "to_timestamp_micros(CAST(\"ts\" * 1000 AS BIGINT))";
        assert_eq!(derived(&plan, "ts"), Some((sql.to_owned(), "a number since 1970 in the file".to_owned())));
        assert_eq!(derived(&plan, "made_at"), called("\"made at\"", "made at"));
    }

    #[test]
    fn nanoseconds_are_cut_to_microseconds() {
        let plan = typed_plan(vec![
            ("n", Arc::new(TimestampNanosecondArray::from(vec![1, 2]))),
            ("u", Arc::new(TimestampMicrosecondArray::from(vec![1, 2]))),
        ])
        .unwrap();
        let cut = ("date_trunc('microsecond', \"n\")".to_owned(), "nanoseconds in the file".to_owned());
        assert_eq!((derived(&plan, "n"), derived(&plan, "u")), (Some(cut), None));
    }

    #[test]
    fn settings_that_the_columns_take_are_added() {
        let of = |text: &str| {
            let mut table = table(text);
            plan(&mut table).unwrap();
            table
        };
        let csv = of("a,b\n1,x\nNA,y\n\\N,z\n");
        assert_eq!(
            csv.settings,
            [(
                "missing: [\"NA\", \"\\\\N\"]".to_owned(),
                "cells among numbers and times that say that there is none".to_owned()
            )]
        );
        assert_eq!((csv.csv.missing.clone(), csv.columns[0].gaps()), (vec!["NA".to_owned(), "\\N".to_owned()], 2));
        let json = of("{\"a\": 1, \"b\": 1}\n{\"a\": \"x\", \"b\": 2}\n");
        assert_eq!(
            json.settings,
            [("as_written: true".to_owned(), "numbers among the texts, or beyond 64 bits, in `a`".to_owned())]
        );
        assert!(json.json.as_written && json.objects.is_some());
        let none = of("a,b\n1,x\n");
        assert!(none.settings.is_empty() && none.csv.missing.is_empty() && !none.json.as_written);
        let comma = of("a;b;c\n1,5;x;2,5\n1.234;y;word\n");
        assert_eq!(comma.columns[0].texts().collect::<Vec<_>>(), ["1.5", "1234"]);
        assert_eq!(comma.columns[2].texts().collect::<Vec<_>>(), ["2,5", "word"], "a text stays as it is");
    }
}
