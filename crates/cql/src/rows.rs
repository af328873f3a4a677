//! Rows of a batch ready to be bound to an insert, and how they fall into partitions.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt64Array},
    compute::{CastOptions, cast, cast_with_options},
    datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use scylla::{
    errors::SerializationError,
    serialize::{
        row::{RowSerializationContext, SerializeRow},
        writers::RowWriter,
    },
};

use sink::Table;

use crate::{
    CqlError,
    cells::Cells,
    layout::{Layout, Order, Source},
};

/// Rows of a batch, ready to be bound.
#[derive(Debug)]
pub(crate) struct Bindable {
    /// For each column of the insert, in its order.
    sources: Vec<Source>,
    /// The columns of the rows; `None` where the batch has none, which is null.
    cells: Vec<Option<Cells>>,
    /// Milliseconds of the event's time, or the position.
    order: Vec<i64>,
    buckets: Vec<i64>,
    /// What CQL calls the rows' timestamps, in microseconds: of two writes of one row the later one stays. It follows from
    /// the record alone, never from the clock of whoever writes it: a writer that was paused, and writes a record that has
    /// been replaced since, cannot win.
    write_times: Vec<i64>,
    /// The key as text; `None` where the bucket alone is the partition key.
    keys: Option<StringArray>,
    /// The group as one text, where the table has one.
    groups: Option<StringArray>,
    /// Whether a null is left out rather than written: a written null is a tombstone.
    leave_nulls: bool,
    /// About how many bytes a row has.
    pub(crate) row_bytes: usize,
}

/// A partition of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PartitionKey {
    pub(crate) bucket: i64,
    pub(crate) key: Box<str>,
}

impl Bindable {
    /// Makes rows ready.
    ///
    /// # Errors
    /// `Value` with the column where a value cannot be held, or is null where the primary key needs one.
    pub(crate) fn new(
        layout: &Layout,
        rows: &RecordBatch,
        positions: &UInt64Array,
        times: &Int64Array,
    ) -> Result<Self, CqlError> {
        let schema = rows.schema();
        if let Some(extra) = schema.fields().iter().find(|field| layout.schema.index_of(field.name()).is_err()) {
            return Err(CqlError::value(extra.name(), "the table has no such column; run `beamline store apply`"));
        }
        let fields = layout.schema.fields();
        let cells = fields.iter().map(|field| {
            let Some(values) = rows.column_by_name(field.name()) else { return Ok(None) };
            let values = match values.data_type() == field.data_type() {
                true => values.clone(),
                false => cast(values, field.data_type()).map_err(|error| CqlError::value(field.name(), error))?,
            };
            Cells::of(field, &values).map(Some)
        });
        let cells: Vec<Option<Cells>> = cells.collect::<Result<_, CqlError>>()?;
        for index in layout.key.iter().chain(&layout.identity) {
            let whole = cells[*index].as_ref().is_some_and(|cells| (0..rows.num_rows()).all(|row| !cells.is_null(row)));
            if !whole && rows.num_rows() > 0 {
                return Err(CqlError::value(fields[*index].name(), "it is null in a row, but identifies it"));
            }
        }
        let micros = order(layout, rows)?;
        let order: Vec<i64> = match layout.order {
            Order::Time { .. } => micros.iter().map(|micros| micros.div_euclid(1_000)).collect(),
            Order::Position { .. } => micros.clone(),
        };
        let upserts = layout.table == Table::Aggregates;
        let taken_in = times.values().iter().map(|millis| millis.saturating_mul(1_000));
        let of_record = micros.iter().zip(positions.values()).zip(taken_in);
        let write_times = of_record.map(|((micros, position), taken_in)| match layout.order {
            // Of the results of one window the last one in the topic is the one to stay.
            Order::Time { .. } if upserts => i64::try_from(*position).unwrap_or(i64::MAX).saturating_add(1),
            // Stores refuse rows from the future, and a clock ahead must not hide a later repair.
            Order::Time { .. } => (*micros).min(taken_in),
            Order::Position { .. } => taken_in,
        });
        let keys = layout.key.map(|key| -> Result<StringArray, CqlError> {
            let values = rows.column_by_name(fields[key].name());
            let values = values.ok_or_else(|| CqlError::value(fields[key].name(), "the rows have no such column"))?;
            let text = cast(values, &DataType::Utf8).map_err(|error| CqlError::value(fields[key].name(), error))?;
            Ok(text.as_string::<i32>().clone())
        });
        Ok(Self {
            sources: layout.columns().all().map(|column| column.source).collect(),
            buckets: order.iter().map(|order| layout.bucket_of(*order)).collect(),
            write_times: write_times.collect(),
            keys: keys.transpose()?,
            leave_nulls: !upserts,
            groups: (!layout.group.is_empty()).then(|| groups(layout, rows)).transpose()?,
            row_bytes: rows.get_array_memory_size() / rows.num_rows().max(1),
            cells,
            order,
        })
    }

    /// The rows of each partition, in the order in which the first of each comes.
    pub(crate) fn partitions(&self) -> Vec<(PartitionKey, Vec<usize>)> {
        let mut places: HashMap<(i64, &str), usize> = HashMap::new();
        let mut partitions: Vec<(PartitionKey, Vec<usize>)> = Vec::new();
        for (row, bucket) in self.buckets.iter().enumerate() {
            let key = self.keys.as_ref().map_or("", |keys| keys.value(row));
            let place = *places.entry((*bucket, key)).or_insert_with(|| {
                partitions.push((PartitionKey { bucket: *bucket, key: key.into() }, Vec::new()));
                partitions.len() - 1
            });
            partitions[place].1.push(row);
        }
        partitions
    }

    /// One row, to be bound.
    pub(crate) fn row(&self, row: usize) -> BoundRow<'_> {
        BoundRow { rows: self, row }
    }
}

/// Microseconds of each row's time, or its position.
fn order(layout: &Layout, rows: &RecordBatch) -> Result<Vec<i64>, CqlError> {
    let field = layout.schema.field(layout.order.column());
    let failed = |message: &str| CqlError::value(field.name(), message);
    let values = rows.column_by_name(field.name()).ok_or_else(|| failed("the rows have no such column"))?;
    let values = match layout.order {
        Order::Position { .. } => {
            let values = cast(values, &DataType::Int64).map_err(|_| failed("it is not a position"))?;
            values.as_primitive::<Int64Type>().clone()
        }
        Order::Time { .. } => {
            let micros = micros(values).map_err(|_| failed("it is not a time"))?;
            let micros = micros.as_primitive_opt::<TimestampMicrosecondType>();
            micros.ok_or_else(|| failed("it is not a time"))?.reinterpret_cast::<Int64Type>()
        }
    };
    if layout.table == Table::Aggregates {
        // A window over the whole stream has no beginning.
        return Ok(values.iter().map(Option::unwrap_or_default).collect());
    }
    if values.null_count() > 0 {
        return Err(failed("it is null or no time in a row, but orders the rows"));
    }
    Ok(values.values().to_vec())
}

/// The values of the group's columns as one text for each row: lengths keep them apart, and `-` is a null.
fn groups(layout: &Layout, rows: &RecordBatch) -> Result<StringArray, CqlError> {
    let mut groups = vec![String::new(); rows.num_rows()];
    for index in &layout.group {
        let field = layout.schema.field(*index);
        let Some(values) = rows.column_by_name(field.name()) else { continue };
        let text = cast(values, &DataType::Utf8).map_err(|error| CqlError::value(field.name(), error))?;
        for (group, value) in groups.iter_mut().zip(text.as_string::<i32>()) {
            match value {
                Some(value) => group.push_str(&format!("{}:{value} ", value.len())),
                None => group.push_str("- "),
            }
        }
    }
    Ok(StringArray::from(groups))
}

/// Times in microseconds; without a zone they are in UTC, and have the same microseconds either way.
fn micros(values: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let zone = match values.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some("+00:00".into()),
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(values, &DataType::Timestamp(TimeUnit::Microsecond, zone), &options)
}

/// A row as the values of an insert.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundRow<'a> {
    rows: &'a Bindable,
    row: usize,
}

impl SerializeRow for BoundRow<'_> {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter<'_>) -> Result<(), SerializationError> {
        let (rows, row) = (self.rows, self.row);
        for source in &rows.sources {
            let cell = writer.make_cell_writer();
            match source {
                Source::Bucket => cell.set_value(&rows.buckets[row].to_be_bytes()).map(|_| ()),
                Source::Group => {
                    let group = rows.groups.as_ref().map_or("", |groups| groups.value(row));
                    cell.set_value(group.as_bytes()).map(|_| ())
                }
                Source::EventTime => cell.set_value(&rows.order[row].to_be_bytes()).map(|_| ()),
                Source::Column(column) => match &rows.cells[*column] {
                    Some(cells) if !cells.is_null(row) => cells.write(row, cell),
                    _ if rows.leave_nulls => {
                        cell.set_unset();
                        Ok(())
                    }
                    _ => {
                        cell.set_null();
                        Ok(())
                    }
                },
            }
            .map_err(SerializationError::new)?;
        }
        writer.make_cell_writer().set_value(&rows.write_times[row].to_be_bytes()).map_err(SerializationError::new)?;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}
