//! The proposal put to the test: it loads, and what it derives can be computed for every row of the sample.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, new_null_array},
    compute,
    datatypes::{DataType, Field, FieldRef, Schema},
    json::{ReaderBuilder, reader::infer_json_schema_from_iterator},
};
use expr::Expression;
use stream::{FileReader, Stream};

use crate::{
    InferError,
    names::shown,
    plan::Plan,
    table::{Column, Table, float, whole},
};

/// The one file that the definition names.
struct Only<'a>(&'a str);

impl FileReader for Only<'_> {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }
}

pub(crate) fn check(table: &Table, plan: &Plan, avro: &str, definition: &str) -> Result<(), InferError> {
    let stream = Stream::load("the proposal", definition, &Only(avro))
        .map_err(|errors| InferError::check(errors.to_string()))?;
    let input = stream.input.arrow();
    let derived: Vec<(&str, &str, bool)> = (plan.columns.iter())
        .filter_map(|column| Some((column.name.as_str(), column.derive.as_ref()?.0.as_str(), column.required)))
        .collect();
    if derived.is_empty() {
        return Ok(());
    }
    let seen = file_schema(table, input, &derived)?;
    for (name, sql, required) in derived {
        let wrong = |message: String| InferError::check(format!("column `{name}`, derived as {sql}: {message}"));
        let expression = Expression::compile(sql, &seen).map_err(|error| wrong(error.to_string()))?;
        let batch = rows(table, &seen, expression.columns()).map_err(|message| wrong(message.clone()))?;
        let found = expression.evaluate(&batch).map_err(|error| wrong(error.to_string()))?;
        if let Some((row, reason)) = found.failed.first() {
            return Err(wrong(format!("row {row}: {reason}")));
        }
        if required && found.values.null_count() > 0 {
            return Err(wrong("it is null for some rows".to_owned()));
        }
        let field = input.field_with_name(name).map_err(|error| wrong(error.to_string()))?;
        let options = compute::CastOptions { safe: false, ..Default::default() };
        compute::cast_with_options(&found.values, field.data_type(), &options)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(())
}

/// The file's columns as the file source sees them: those of the schema in its types, others as found.
fn file_schema(table: &Table, input: &Schema, derived: &[(&str, &str, bool)]) -> Result<Schema, InferError> {
    let found: Vec<FieldRef> = match (&table.typed, &table.objects) {
        (Some(rows), _) => rows.schema_ref().fields().to_vec(),
        (_, Some(objects)) => {
            let schema = infer_json_schema_from_iterator(objects.iter().map(Ok));
            let schema = schema
                .map_err(|error| InferError::check(format!("a field is not the same type throughout: {error}")))?;
            schema.fields().to_vec()
        }
        _ => table.columns.iter().map(|column| Arc::new(Field::new(&column.name, found_type(column), true))).collect(),
    };
    let mut fields: Vec<FieldRef> = (found.into_iter())
        .map(|field| match input.field_with_name(field.name()) {
            Ok(known) if derived.iter().all(|(name, ..)| name != field.name()) => Arc::new(known.clone()),
            _ => field,
        })
        .collect();
    let names: Vec<&String> = fields.iter().map(|field| field.name()).collect();
    let twice = names
        .iter()
        .enumerate()
        .find(|(place, name)| names[..*place].contains(name) || ["_row", "_file"].contains(&name.as_str()));
    if let Some((_, name)) = twice {
        return Err(InferError::sample(format!(
            "the file has the column {} twice, or under a name that a row's place has; rename it",
            shown(name)
        )));
    }
    fields.push(Arc::new(Field::new("_row", DataType::Int64, false)));
    fields.push(Arc::new(Field::new("_file", DataType::Utf8, false)));
    Ok(Schema::new(fields))
}

/// What the file source takes a column of CSV for that the schema does not name.
fn found_type(column: &Column) -> DataType {
    let all = |fits: &dyn Fn(&str) -> bool| column.texts().next().is_some() && column.texts().all(fits);
    if all(&|text| whole(text).is_some() || text.trim().parse::<i64>().is_ok()) {
        DataType::Int64
    } else if all(&|text| float(text).is_some()) {
        DataType::Float64
    } else if all(&|text| matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "false" | "1" | "0")) {
        DataType::Boolean
    } else {
        DataType::Utf8
    }
}

/// The sample's rows, in the columns that are asked for.
fn rows(table: &Table, seen: &Schema, columns: &[String]) -> Result<RecordBatch, String> {
    let fields: Vec<FieldRef> = seen.fields().iter().filter(|field| columns.contains(field.name())).cloned().collect();
    let decoded = match &table.objects {
        Some(objects) => {
            let file: Vec<FieldRef> = fields.iter().filter(|field| !is_place(field)).cloned().collect();
            let mut decoder = ReaderBuilder::new(Arc::new(Schema::new(file)))
                .with_batch_size(table.rows.max(1))
                .build_decoder()
                .map_err(|error| error.to_string())?;
            decoder.serialize(objects).map_err(|error| error.to_string())?;
            decoder.flush().map_err(|error| error.to_string())?
        }
        None => None,
    };
    let column = |field: &FieldRef| -> Result<ArrayRef, String> {
        match (field.name().as_str(), &decoded, &table.typed) {
            ("_row", ..) => Ok(Arc::new(Int64Array::from_iter_values(0..table.rows as i64))),
            ("_file", ..) => Ok(Arc::new(StringArray::from(vec!["file"; table.rows]))),
            (name, Some(rows), _) | (name, None, Some(rows)) => {
                let found = rows.column_by_name(name).ok_or_else(|| format!("there is no column `{name}`"))?;
                compute::cast(found, field.data_type()).map_err(|error| error.to_string())
            }
            (name, ..) => cells(table, name, field.data_type()),
        }
    };
    let arrays = fields.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(table.rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| error.to_string())
}

fn is_place(field: &FieldRef) -> bool {
    field.name() == "_row" || field.name() == "_file"
}

fn cells(table: &Table, name: &str, data_type: &DataType) -> Result<ArrayRef, String> {
    let Some(column) = table.columns.iter().find(|column| column.name == name) else {
        return Ok(new_null_array(data_type, table.rows));
    };
    let text = column.cells.iter().map(|cell| match cell {
        crate::table::Cell::Text(text) if data_type == &DataType::Utf8 => Some(text.as_str()),
        crate::table::Cell::Text(text) => Some(text.trim()),
        _ => None,
    });
    let text: ArrayRef = Arc::new(text.collect::<StringArray>());
    compute::cast(&text, data_type).map_err(|error| error.to_string())
}
