//! Rows of files: one after another, without anything between them.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
};

use crate::{
    CodecError, FileSchema,
    avro::{Kind, NullBranch, Record, Site},
    columns::Column,
    derive,
    plan::{Plan, Skip},
    read::{self, read},
    rules::Rules,
    types,
    wire::Cursor,
};

/// Memory that a row's arrays and maps may take beyond its bytes, in units of eight bytes.
const ROW_UNITS_MAX: u64 = 1 << 20;

/// Decodes rows of a file into the columns that are wanted.
///
/// A row is checked while it is stored. One whose values the columns cannot have is rejected, and the next one is found
/// behind it; where not even its end can be found, the rows before it are given and the failure is told.
#[derive(Debug)]
pub struct RowDecoder {
    plan: Plan,
    whole: Skip,
    rows: Column,
    arrow: SchemaRef,
    takes_bytes: bool,
}

/// Some rows in a file.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Bytes that begin with the first of them.
    pub bytes: &'a [u8],
    /// How many to read.
    pub count: usize,
}

/// What came of some rows.
#[derive(Debug)]
pub struct DecodedRows {
    /// The good ones, in order.
    pub rows: RecordBatch,
    /// For each of them which it was, counted over all pieces.
    pub indexes: Vec<u64>,
    /// The bad ones, in order: which, its bytes, and why.
    pub rejected: Vec<(u64, Vec<u8>, String)>,
    /// Bytes that were read of each piece.
    pub taken: Vec<usize>,
    /// Why the rows that are not among the former could not be read.
    pub failure: Option<String>,
}

impl RowDecoder {
    /// A decoder of the columns of `wanted` that the file has, or whose Avro field (in the metadata) has a default. A
    /// column is found by its name or by its field's aliases. It has its wanted type where the file's can be read so
    /// without a loss, and else the file's own; it may have nulls wherever the file has some.
    ///
    /// # Errors
    /// [`CodecError::Schema`] where a column can be read in neither way.
    pub fn new(file: &FileSchema, wanted: &Schema) -> Result<Self, CodecError> {
        let rules = Rules::of(file.writer(), true);
        let mut fields = Vec::new();
        for column in wanted.fields() {
            let fail =
                |message: String| CodecError::Schema { message: format!("column `{}`: {message}", column.name()) };
            let mut field = derive::reader_field(column).map_err(fail)?;
            let position = |name: &String| file.writer().fields.iter().find(|other| other.name == *name);
            match position(&field.name).or_else(|| field.aliases.iter().find_map(position)) {
                Some(written) => {
                    let loose = loosened(&field.site, &written.site);
                    field.site = match rules.site(&written.site, &loose) {
                        Ok(_) => loose,
                        Err(reason) => {
                            file.column(&written.name).map(|own| own.site.clone()).ok_or_else(|| fail(reason))?
                        }
                    };
                    field.default = None;
                    fields.push(field);
                }
                None if field.default.is_some() => fields.push(field),
                None => {}
            }
        }
        let reader = Record { named: file.writer().named.clone(), fields };
        let plan = rules.record(file.writer(), &reader).map_err(|message| CodecError::Schema { message })?;
        let whole = rules.skip(&Site::required(Kind::Record(file.writer().clone())));
        let arrow = Arc::new(Schema::new(types::fields(&reader)));
        let takes_bytes = whole.site.takes_bytes();
        Ok(Self { plan, whole, rows: Column::of_record(&reader), arrow, takes_bytes })
    }

    /// The columns that it gives.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// Whether every row takes at least one byte; otherwise the bytes do not bound the rows.
    pub fn takes_bytes(&self) -> bool {
        self.takes_bytes
    }

    /// Decodes the rows of some pieces, which follow one another.
    ///
    /// # Errors
    /// [`CodecError::Decode`] where a column would be too long; give fewer rows.
    pub fn decode(&mut self, pieces: &[Rows<'_>]) -> Result<DecodedRows, CodecError> {
        // Text is checked a column at a time, which is quicker; only where that fails, a row at a time.
        match self.decode_with(pieces, false) {
            Ok(decoded) => Ok(decoded),
            Err(_) => self.decode_with(pieces, true).map_err(|error| CodecError::Decode { message: error.to_string() }),
        }
    }

    fn decode_with(&mut self, pieces: &[Rows<'_>], check_text: bool) -> Result<DecodedRows, ArrowError> {
        self.rows.truncate(0);
        self.rows.reserve(pieces.iter().map(|piece| piece.count.min(piece.bytes.len())).sum());
        let (mut indexes, mut rejected, mut taken) = (Vec::new(), Vec::new(), Vec::with_capacity(pieces.len()));
        let (mut index, mut failure) = (0, None);
        for piece in pieces {
            let mut rest = piece.bytes;
            for _ in 0..piece.count {
                match self.row(rest, indexes.len(), check_text) {
                    Row::Good(left) => {
                        rest = &rest[rest.len() - left..];
                        indexes.push(index);
                    }
                    Row::Bad(left, reason) => {
                        let (row, after) = rest.split_at(rest.len() - left);
                        rejected.push((index, row.to_vec(), reason));
                        rest = after;
                    }
                    Row::Unreadable(reason) => {
                        failure = Some(reason);
                        break;
                    }
                }
                index += 1;
            }
            taken.push(piece.bytes.len() - rest.len());
            if failure.is_some() {
                break;
            }
        }
        let columns = self.rows.take_children()?;
        let options = RecordBatchOptions::new().with_row_count(Some(indexes.len()));
        let rows = RecordBatch::try_new_with_options(self.arrow.clone(), columns, &options)?;
        Ok(DecodedRows { rows, indexes, rejected, taken, failure })
    }

    /// Appends one row; on a failure the columns are as before.
    fn row(&mut self, bytes: &[u8], before: usize, check_text: bool) -> Row {
        let cursor = Cursor::new(bytes, ROW_UNITS_MAX.max(bytes.len() as u64));
        let mut first = if check_text { cursor.clone() } else { cursor.clone().with_text_unchecked() };
        let Err(problem) = read(&self.plan, &mut self.rows, &mut first) else { return Row::Good(first.len()) };
        self.rows.truncate(before);
        // With text checked too: the reason must not depend on which rows are read together.
        let problem = read(&self.plan, &mut self.rows, &mut cursor.clone()).err().unwrap_or(problem);
        self.rows.truncate(before);
        let mut passed = cursor.without_text_checks();
        match read::skip(&self.whole, &mut passed) {
            Ok(()) => Row::Bad(passed.len(), problem.to_string()),
            Err(_) => Row::Unreadable(problem.to_string()),
        }
    }
}

/// What came of a row, and how many bytes are left behind it.
enum Row {
    Good(usize),
    Bad(usize, String),
    Unreadable(String),
}

/// The type that is wanted, with nulls where the file has some at this place.
fn loosened(wanted: &Site, written: &Site) -> Site {
    let has_null =
        written.null.is_some() || matches!(&written.kind, Kind::Union(branches) if branches.contains(&Kind::Null));
    Site { null: wanted.null.or(has_null.then_some(NullBranch::First)), kind: wanted.kind.clone() }
}
