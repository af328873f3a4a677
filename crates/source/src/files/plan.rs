//! Which columns are read from the files, which are derived, and how rows of the stream's schema come of them.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array},
    compute,
    datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef},
};
use expr::{ExprError, Expression};
use stream::{CsvOptions, JsonOptions, Stream};

use super::fit::{self, Bad};
use crate::{Records, Rejected, SourceError, columns::beside_place};

/// How rows of the stream's schema come of a file's.
pub(crate) struct Plan {
    file_schema: SchemaRef,
    required: Vec<bool>,
    event_bytes_max: usize,
    /// The stream's input schema.
    schema: SchemaRef,
    origins: Vec<Origin>,
    /// File columns, then `_row` and `_file`: what the derived columns see.
    seen: SchemaRef,
    csv: CsvOptions,
    json: JsonOptions,
}

/// Where a column comes from.
enum Origin {
    File(usize),
    Derived(Box<Expression>),
}

impl Plan {
    /// The plan for files that have the columns `found`; where nothing is derived they need not be known.
    ///
    /// # Errors
    /// Where a derived column is none of the schema's, or its expression does not fit the file.
    pub(crate) fn new(definition: &stream::Files, stream: &Arc<Stream>, found: &Fields) -> Result<Self, SourceError> {
        let schema = stream.input.arrow().clone();
        if let Some(name) = definition.derive.keys().find(|name| schema.index_of(name).is_err()) {
            return Err(SourceError::input(format!("derive: the schema has no column `{name}`")));
        }
        let mut read = BTreeSet::new();
        let narrow = file_fields(definition, &schema, found, same);
        let compiles = |sql: &String| Expression::compile(sql, &with_place(&narrow)).is_ok();
        // An expression may look for what a record of the stream's leaves out.
        let found = match definition.derive.values().all(compiles) {
            true => narrow,
            false => file_fields(definition, &schema, found, widened),
        };
        if !definition.derive.is_empty() {
            let seen = with_place(&found);
            for (name, sql) in &definition.derive {
                let expression = Expression::compile(sql, &seen).map_err(|error| bad_expression(name, &error))?;
                read.extend(expression.columns().iter().cloned());
            }
        }
        let mut fields: Vec<FieldRef> = Vec::new();
        let mut required = Vec::new();
        for field in schema.fields() {
            let derived = definition.derive.contains_key(field.name());
            if !derived {
                required.push(!field.is_nullable() || read.contains(field.name()));
                let seen = found.iter().find(|found| read.contains(found.name()) && found.name() == field.name());
                fields.push(seen.unwrap_or(field).clone());
            }
        }
        for field in found {
            if read.contains(field.name()) && !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(field);
                required.push(true);
            }
        }
        // Compiled again, against the columns that are read only.
        let seen = with_place(&fields);
        let mut origins = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            origins.push(match definition.derive.get(field.name()) {
                Some(sql) => Origin::Derived(Box::new(
                    Expression::compile(sql, &seen).map_err(|error| bad_expression(field.name(), &error))?,
                )),
                None => {
                    let index = fields.iter().position(|known| known.name() == field.name()).unwrap_or_default();
                    Origin::File(index)
                }
            });
        }
        Ok(Self {
            file_schema: Arc::new(Schema::new(fields)),
            required,
            event_bytes_max: stream.event_bytes_max(),
            schema,
            origins,
            seen: Arc::new(seen),
            csv: definition.csv.clone(),
            json: definition.json,
        })
    }

    /// How CSV is written.
    pub(crate) fn csv(&self) -> &CsvOptions {
        &self.csv
    }

    /// How JSON is written.
    pub(crate) fn json(&self) -> JsonOptions {
        self.json
    }

    /// Bytes of a line at most.
    pub(crate) fn event_bytes_max(&self) -> usize {
        self.event_bytes_max
    }

    /// The columns to read from each file.
    pub(crate) fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// For each of them, whether every file must have it.
    pub(crate) fn required(&self) -> &[bool] {
        &self.required
    }

    /// Rows of the stream's schema, of the records at `positions` of the file called `file`.
    pub(crate) fn rows(&self, rows: RecordBatch, positions: UInt64Array, file: &str) -> Result<Records, SourceError> {
        let mut bad = Bad::new();
        let derives = self.origins.iter().any(|origin| matches!(origin, Origin::Derived(_)));
        let seen = if derives { self.with_place(&rows, &positions, file)? } else { rows };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.origins.len());
        for (origin, field) in self.origins.iter().zip(self.schema.fields()) {
            columns.push(match origin {
                Origin::File(index) => match seen.column(*index) {
                    column if column.data_type() == field.data_type() => column.clone(),
                    column => fit::fit_column(column, field, &mut bad)?,
                },
                Origin::Derived(expression) => {
                    let evaluated = expression.evaluate(&seen).map_err(|error| bad_expression(field.name(), &error))?;
                    for (row, reason) in evaluated.failed {
                        bad.entry(row).or_insert_with(|| format!("derived column `{}`: {reason}", field.name()));
                    }
                    fit::fit_column(&evaluated.values, field, &mut bad)?
                }
            });
        }
        let (rows, _) = fit::keep_good(&self.schema, columns, seen.num_rows(), &bad)?;
        if bad.is_empty() {
            return Ok(Records { rows, positions, rejected: Vec::new() });
        }
        let kept = (0..seen.num_rows()).map(|row| Some(!bad.contains_key(&row))).collect();
        let kept = UInt64Array::from(compute::filter(&positions, &kept)?.to_data());
        let rejected = fit::rejected(&seen, bad)?
            .into_iter()
            .map(|(row, payload, reason)| Rejected { position: positions.value(row), payload, reason })
            .collect();
        Ok(Records { rows, positions: kept, rejected })
    }

    fn with_place(&self, rows: &RecordBatch, positions: &UInt64Array, file: &str) -> Result<RecordBatch, SourceError> {
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(positions.values().iter().map(|position| *position as i64).collect::<Int64Array>()));
        columns.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(file, rows.num_rows()))));
        Ok(RecordBatch::try_new(self.seen.clone(), columns)?)
    }
}

/// The columns of a file: those of the stream's schema in its types, `typed` with what the file has (unless they are derived
/// anew), others as found.
fn file_fields(
    definition: &stream::Files,
    schema: &SchemaRef,
    found: &Fields,
    typed: fn(&DataType, &DataType) -> DataType,
) -> Vec<FieldRef> {
    let as_in_schema = |field: &FieldRef| match schema.field_with_name(field.name()) {
        Ok(known) if !definition.derive.contains_key(field.name()) => {
            match typed(known.data_type(), field.data_type()) {
                data_type if data_type == *known.data_type() => Arc::new(known.clone()),
                data_type => Arc::new(Field::new(known.name(), data_type, known.is_nullable())),
            }
        }
        _ => field.clone(),
    };
    found.iter().map(as_in_schema).map(|field| beside_place(&field)).collect()
}

/// The stream's type alone.
fn same(known: &DataType, _: &DataType) -> DataType {
    known.clone()
}

/// The stream's type, records with what else the file has in them.
fn widened(known: &DataType, found: &DataType) -> DataType {
    let (DataType::Struct(known), DataType::Struct(found)) = (known, found) else { return known.clone() };
    let inner = known.iter().map(|field| match found.find(field.name()) {
        Some((_, found)) => {
            let data_type = widened(field.data_type(), found.data_type());
            Arc::new(field.as_ref().clone().with_data_type(data_type))
        }
        None => field.clone(),
    });
    let more = found.iter().filter(|field| known.find(field.name()).is_none());
    DataType::Struct(inner.chain(more.cloned()).collect())
}

fn with_place(fields: &[FieldRef]) -> Schema {
    let mut fields = fields.to_vec();
    fields.push(Arc::new(Field::new("_row", DataType::Int64, false)));
    fields.push(Arc::new(Field::new("_file", DataType::Utf8, false)));
    Schema::new(fields)
}

fn bad_expression(column: &str, error: &ExprError) -> SourceError {
    let suggestion = match error {
        ExprError::UnknownColumn { suggestion, .. } | ExprError::UnknownFunction { suggestion, .. } => {
            format!("; {suggestion}")
        }
        _ => String::new(),
    };
    SourceError::input(format!("derive: column `{column}`: {error}{suggestion}"))
}
