//! One message into one row, by its plan.
//!
//! Checking and storing are one pass over the bytes. (Checking first and decoding with arrow-avro after it would read
//! every message twice, and arrow-avro still cannot take a row back.)

use std::collections::HashMap;

use crate::{
    avro::{Decimal, Kind, Record, Site},
    columns::{Column, Values},
    decimal,
    plan::{DEFAULT_WEIGHT_MAX, Plan, RecordPlan, Skip, Target, TextOf},
    wire::{Cursor, Problem, Read},
};

/// How often a record may be within itself, where it is passed over.
const NESTING_MAX: usize = 256;

/// Appends one value to a column. On an error some of it may have been appended: truncate the column.
pub(crate) fn read(plan: &Plan, column: &mut Column, cursor: &mut Cursor<'_>) -> Read<()> {
    match plan {
        Plan::Null => {
            column.push_null();
            return Ok(());
        }
        Plan::Nullable { null, accepted, value } => {
            if !cursor.is_null(*null)? {
                return read(value, column, cursor);
            }
            if !*accepted {
                return Err(Problem::new("null, which the reader's schema does not have here"));
            }
            column.push_null();
            return Ok(());
        }
        Plan::Union(branches) => {
            let branch = cursor.branch(branches.len())?;
            return match &branches[branch] {
                Some(plan) => read(plan, column, cursor),
                None => {
                    Err(Problem::new(format!("branch {branch} of the union, which the reader's schema does not have")))
                }
            };
        }
        _ => read_value(plan, &mut column.values, cursor)?,
    }
    if let Some(nulls) = &mut column.nulls {
        nulls.append_non_null();
    }
    Ok(())
}

#[inline(always)]
fn read_value(plan: &Plan, values: &mut Values, cursor: &mut Cursor<'_>) -> Read<()> {
    match (plan, values) {
        (Plan::Double, Values::Double(out)) => out.push(f64::from_le_bytes(cursor.array("double")?)),
        (Plan::Long, Values::Long(out)) => out.push(cursor.long("long")?),
        (Plan::Text, Values::Bytes { offsets, data }) => push_bytes(cursor.text()?, offsets, data)?,
        (Plan::Boolean, Values::Boolean(out)) => out.append(cursor.boolean()?),
        (Plan::Int, Values::Int(out)) => out.push(cursor.int()?),
        (Plan::IntToLong, Values::Long(out)) => out.push(i64::from(cursor.int()?)),
        (Plan::IntToFloat, Values::Float(out)) => out.push(cursor.int()? as f32),
        (Plan::IntToDouble, Values::Double(out)) => out.push(f64::from(cursor.int()?)),
        (Plan::LongToFloat, Values::Float(out)) => out.push(cursor.long("long")? as f32),
        (Plan::LongToDouble, Values::Double(out)) => out.push(cursor.long("long")? as f64),
        (Plan::Float, Values::Float(out)) => out.push(f32::from_le_bytes(cursor.array("float")?)),
        (Plan::FloatToDouble, Values::Double(out)) => out.push(f64::from(f32::from_le_bytes(cursor.array("float")?))),
        (Plan::Bytes, Values::Bytes { offsets, data }) => push_bytes(cursor.prefixed("bytes")?, offsets, data)?,
        (Plan::Fixed(size), Values::Fixed { data, .. }) => data.extend_from_slice(cursor.take(*size, "fixed")?),
        (Plan::Enum(plan), Values::Enum { keys, .. }) => {
            let symbol = cursor.symbol(plan.indices.len())?;
            match plan.indices[symbol] {
                Some(index) => keys.push(index),
                None => {
                    let symbol = &plan.symbols[symbol];
                    return Err(Problem::new(format!("symbol `{symbol}`, which the reader's enum does not have")));
                }
            }
        }
        (Plan::Decimal { decimal, size }, values) => read_decimal(*decimal, *size, values, cursor)?,
        (Plan::Record(plan), Values::Record { len, children }) => {
            read_record(plan, children, cursor)?;
            *len += 1;
        }
        (Plan::Array(plan, weight), Values::List { offsets, items }) => {
            cursor.blocks("array", *weight, |cursor| read(plan, items, cursor))?;
            offsets.push(offset(items.len())?);
        }
        (Plan::Map(plan, weight), Values::Map { offsets, keys, values }) => {
            cursor.blocks("map", *weight, |cursor| {
                read_value(&Plan::Text, &mut keys.values, cursor)?;
                read(plan, values, cursor)
            })?;
            offsets.push(offset(keys.len())?);
        }
        (Plan::AsText(of), Values::Bytes { offsets, data }) => {
            let text = text_of(of, cursor)?;
            push_bytes(text.as_bytes(), offsets, data)?;
        }
        _ => return Err(Problem::new("the plan does not go with its column, which is a defect of the decoder")),
    }
    Ok(())
}

fn text_of(of: &TextOf, cursor: &mut Cursor<'_>) -> Read<String> {
    Ok(match of {
        TextOf::Boolean => cursor.boolean()?.to_string(),
        TextOf::Int => cursor.int()?.to_string(),
        TextOf::Long => cursor.long("long")?.to_string(),
        TextOf::Float => f32::from_le_bytes(cursor.array("float")?).to_string(),
        TextOf::Double => f64::from_le_bytes(cursor.array("double")?).to_string(),
        TextOf::Enum(symbols) => symbols[cursor.symbol(symbols.len())?].clone(),
        TextOf::Uuid => {
            let hex = format!("{:032x}", u128::from_be_bytes(cursor.array("fixed")?));
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
    })
}

fn read_record(plan: &RecordPlan, children: &mut [Column], cursor: &mut Cursor<'_>) -> Read<()> {
    for field in &plan.fields {
        match &field.target {
            Target::Column(column, plan) => read(plan, &mut children[*column], cursor),
            Target::Skip(passed) => skip(passed, cursor),
        }
        .map_err(|problem| problem.within(&field.name))?;
    }
    for default in &plan.defaults {
        read(&default.plan, &mut children[default.column], &mut Cursor::new(&default.bytes, DEFAULT_WEIGHT_MAX))?;
    }
    Ok(())
}

fn read_decimal(decimal: Decimal, size: Option<usize>, values: &mut Values, cursor: &mut Cursor<'_>) -> Read<()> {
    let bytes = match size {
        Some(size) => cursor.take(size, "fixed")?,
        None => cursor.prefixed("bytes")?,
    };
    let too_large = || Problem::new(format!("decimal of more than {} digits", decimal.precision));
    match values {
        Values::Decimal128(out) => {
            let value = decimal::extend(bytes).map(i128::from_be_bytes);
            out.push(value.filter(|value| decimal::fits_i128(*value, decimal)).ok_or_else(too_large)?);
        }
        Values::Decimal256(out) => {
            let value = decimal::extend(bytes).map(arrow::datatypes::i256::from_be_bytes);
            out.push(value.filter(|value| decimal::fits_i256(*value, decimal)).ok_or_else(too_large)?);
        }
        _ => return Err(Problem::new("the plan does not go with its column, which is a defect of the decoder")),
    }
    Ok(())
}

#[inline(always)]
fn push_bytes(bytes: &[u8], offsets: &mut Vec<i32>, data: &mut Vec<u8>) -> Read<()> {
    data.extend_from_slice(bytes);
    offsets.push(offset(data.len())?);
    Ok(())
}

#[inline(always)]
fn offset(end: usize) -> Read<i32> {
    i32::try_from(end).map_err(|_| too_long())
}

#[cold]
fn too_long() -> Box<Problem> {
    Problem::new("the batch would have more than 2 GiB in one column; cut it smaller")
}

/// Passes over a value that the reader does not have, with the same checks.
pub(crate) fn skip(passed: &Skip, cursor: &mut Cursor<'_>) -> Read<()> {
    skip_site(&passed.site, &passed.types, 0, cursor)
}

type Types = HashMap<String, Record>;

fn skip_site(site: &Site, types: &Types, depth: usize, cursor: &mut Cursor<'_>) -> Read<()> {
    if let Some(null) = site.null
        && cursor.is_null(null.index())?
    {
        return Ok(());
    }
    skip_kind(&site.kind, types, depth, cursor)
}

fn skip_kind(kind: &Kind, types: &Types, depth: usize, cursor: &mut Cursor<'_>) -> Read<()> {
    match kind {
        Kind::Null => {}
        Kind::Boolean => drop(cursor.boolean()?),
        Kind::Int(_) => drop(cursor.int()?),
        Kind::Long(_) => drop(cursor.long("long")?),
        Kind::Float => drop(cursor.array::<4>("float")?),
        Kind::Double => drop(cursor.array::<8>("double")?),
        Kind::Bytes | Kind::Decimal(_) => drop(cursor.prefixed("bytes")?),
        Kind::String { .. } => cursor.skip_text()?,
        Kind::Fixed(fixed) => drop(cursor.take(fixed.size, "fixed")?),
        Kind::Enum(symbols) => drop(cursor.symbol(symbols.symbols.len())?),
        Kind::Record(record) => skip_fields(record, types, depth, cursor)?,
        Kind::Again(name) => {
            if depth == NESTING_MAX {
                return Err(Problem::new(format!("record `{name}` is within itself more than {NESTING_MAX} times")));
            }
            if let Some(record) = types.get(name) {
                skip_fields(record, types, depth + 1, cursor)?;
            }
        }
        Kind::Union(branches) => {
            let branch = cursor.branch(branches.len())?;
            skip_kind(&branches[branch], types, depth, cursor)?;
        }
        // What is skipped takes no memory.
        Kind::Array(items) => cursor.blocks("array", 0, |cursor| skip_site(items, types, depth, cursor))?,
        Kind::Map(values) => cursor
            .blocks("map", 0, |cursor| cursor.skip_text().and_then(|()| skip_site(values, types, depth, cursor)))?,
    }
    Ok(())
}

fn skip_fields(record: &Record, types: &Types, depth: usize, cursor: &mut Cursor<'_>) -> Read<()> {
    for field in &record.fields {
        skip_site(&field.site, types, depth, cursor).map_err(|problem| problem.within(&field.name))?;
    }
    Ok(())
}
