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
