//! Reading a file from any row on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use orc_rust::{ArrowReader, ArrowReaderBuilder, TimestampPrecision, projection::ProjectionMask, reader::ChunkReader};

use crate::{OrcError, bounded::Bounded, layout::fit};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// A file that has been opened.
pub struct File<R: ChunkReader> {
    builder: ArrowReaderBuilder<Bounded<R>>,
}

impl<R: ChunkReader> File<R> {
    /// Reads what the file says of itself. Times are in nanoseconds, of which Arrow holds the years 1677 to 2262, or else in
    /// microseconds.
    ///
    /// # Errors
    /// Where it is not an ORC file, or damaged.
    pub fn open(bytes: R, nanoseconds: bool) -> Result<Self, OrcError> {
        let bytes = Bounded(bytes);
        bytes.check()?;
        let precision = if nanoseconds { TimestampPrecision::Nanosecond } else { TimestampPrecision::Microsecond };
        let builder = no_panic(|| ArrowReaderBuilder::try_new(bytes))??;
        Ok(Self { builder: builder.with_timestamp_precision(precision) })
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.builder.schema()
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.builder.file_metadata().number_of_rows()
    }

    /// The rows from `first` on, of the columns that are wanted. Stripes before that are not read.
    pub fn read(self, wanted: impl Fn(&str) -> bool, first: u64) -> Rows<R> {
        let metadata = self.builder.file_metadata();
        let mut skip = first;
        let mut start = usize::MAX;
        for stripe in metadata.stripe_metadatas() {
            if skip < stripe.number_of_rows() {
                start = usize::try_from(stripe.offset()).unwrap_or(usize::MAX);
                break;
            }
            skip -= stripe.number_of_rows();
        }
        let root = metadata.root_data_type();
        let columns = root.children().iter().filter(|column| wanted(column.name()));
        let mask = ProjectionMask::roots(root, columns.map(|column| column.data_type().column_index()));
        let builder = self.builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        Rows { rows: builder.with_file_byte_range(start..usize::MAX).build(), skip }
    }

    /// All rows, as the columns of `table` and in its types. A column that the file does not have is null.
    pub fn read_as(self, table: SchemaRef) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
        let names: Vec<&str> = table.fields().iter().map(|field| field.name().as_str()).collect();
        let mask = ProjectionMask::named_roots(self.builder.file_metadata().root_data_type(), &names);
        let builder = self.builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        let columns = in_units_of(&table, &builder.schema());
        let rows = Rows { rows: builder.with_schema(columns).build(), skip: 0 };
        rows.map(move |rows| fit(&rows?, &table))
    }
}

/// Rows of a file.
pub struct Rows<R: ChunkReader> {
    rows: ArrowReader<Bounded<R>>,
    /// Rows that are still to be passed over.
    skip: u64,
}

impl<R: ChunkReader> Iterator for Rows<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rows = match no_panic(|| self.rows.next()) {
                Ok(Some(Ok(rows))) => rows,
                Ok(Some(Err(error))) | Err(error) => return Some(Err(error)),
                Ok(None) => return None,
            };
            let passed = usize::try_from(self.skip).unwrap_or(usize::MAX).min(rows.num_rows());
            self.skip -= passed as u64;
            if passed < rows.num_rows() {
                return Some(Ok(rows.slice(passed, rows.num_rows() - passed)));
            }
        }
    }
}

/// Reads a whole file.
///
/// # Errors
/// Where something in it cannot be read.
pub fn read_through<R: ChunkReader>(bytes: impl Fn() -> std::io::Result<R>) -> Result<(), OrcError> {
    let all = |nanoseconds| {
        let file = File::open(bytes().map_err(ArrowError::from)?, nanoseconds)?;
        file.read(|_| true, 0).try_for_each(|rows| rows.map(drop)).map_err(OrcError::from)
    };
    // Times that do not fit into one unit are not damage.
    all(false).or_else(|error| all(true).map_err(|_| error))
}

/// The library panics where the parts of a damaged file reach beyond others.
pub(crate) fn no_panic<T>(read: impl FnOnce() -> T) -> Result<T, ArrowError> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| panicked())
}

/// The error in place of such a panic.
pub(crate) fn panicked() -> ArrowError {
    ArrowError::ExternalError("its parts reach beyond the file".into())
}

/// The columns of a file, its times in the units of `table`, for what is in both.
pub(crate) fn in_units_of(table: &Schema, file: &Schema) -> SchemaRef {
    let fields = file.fields().iter().map(|field| {
        let wanted = table.field_with_name(field.name()).map(Field::data_type);
        match (field.data_type(), wanted) {
            (DataType::Timestamp(_, zone), Ok(DataType::Timestamp(unit, _))) => {
                Arc::new(Field::new(field.name(), DataType::Timestamp(*unit, zone.clone()), true))
            }
            _ => field.clone(),
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
