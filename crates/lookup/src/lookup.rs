//! Columns looked up in a reference table.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array},
    compute::{can_cast_types, cast, kernels::cmp::not_distinct, nullif, take},
    datatypes::{DataType, FieldRef, Schema},
    error::ArrowError,
    row::{RowConverter, SortField},
    util::display::array_value_to_string,
};
use hashbrown::HashMap;

use crate::LookupError;

/// A reference table, indexed by one column.
#[derive(Debug)]
pub struct Lookup {
    stream_column: String,
    table_column: String,
    /// The type of the table's keys, which the stream's values are cast to.
    key_type: DataType,
    /// Keys as bytes that are equal where the keys are.
    converter: RowConverter,
    rows: HashMap<Box<[u8]>, u32>,
    fields: Vec<FieldRef>,
    columns: Vec<ArrayRef>,
}

impl Lookup {
    /// Indexes `table` by `table_column` for rows whose `stream_column` (of any type that can be compared with it)
    /// holds the same value. `columns` are the table's columns to give. Rows without a key are left out.
    ///
    /// # Errors
    /// `UnknownColumn` for a column that the table does not have; `Table` for a value that stands twice in the table,
    /// or keys of a type that cannot be compared.
    pub fn new(
        table: &RecordBatch,
        stream_column: &str,
        table_column: &str,
        columns: &[String],
    ) -> Result<Self, LookupError> {
        let schema = table.schema_ref();
        let keys = plain(&table.column(position(schema, table_column)?).clone()).map_err(failed)?;
        let positions = columns.iter().map(|name| position(schema, name)).collect::<Result<Vec<_>, _>>()?;
        let key_type = keys.data_type().clone();
        let converter = RowConverter::new(vec![SortField::new(key_type.clone())]).map_err(|_| LookupError::Table {
            message: format!("the table's column `{table_column}` is {key_type}, which cannot be looked up"),
        })?;
        let rows = index(&converter, &keys, table_column)?;
        Ok(Self {
            stream_column: stream_column.to_owned(),
            table_column: table_column.to_owned(),
            key_type,
            converter,
            rows,
            fields: positions.iter().map(|&at| Arc::new(schema.field(at).clone().with_nullable(true))).collect(),
            columns: positions.iter().map(|&at| table.column(at).clone()).collect(),
        })
    }

    /// Whether rows of `schema` can be looked up.
    ///
    /// # Errors
    /// `UnknownColumn` where the stream's column is missing, `Type` where it cannot be compared with the table's.
    pub fn check(&self, schema: &Schema) -> Result<(), LookupError> {
        let found = schema.field(position(schema, &self.stream_column)?).data_type();
        if can_cast_types(found, &self.key_type) {
            return Ok(());
        }
        let message = format!(
            "the column `{}` is {found}, which cannot be compared with the table's `{}`, which is {}",
            self.stream_column, self.table_column, self.key_type
        );
        Err(LookupError::Type { message })
    }

    /// The stream's column that is looked up.
    pub fn stream_column(&self) -> &str {
        &self.stream_column
    }

    /// The columns it adds; all nullable.
    pub fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    /// One array for each of `fields`, a value a row of `batch`; null where the table has no such row.
    ///
    /// # Errors
    /// `UnknownColumn` or `Type` as [`Lookup::check`] says; never for a row's value.
    pub fn columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, LookupError> {
        self.check(batch.schema_ref())?;
        let values = batch.column(position(batch.schema_ref(), &self.stream_column)?);
        let rows = self.find(values).map_err(failed)?;
        self.columns.iter().map(|column| take(column, &rows, None).map_err(failed)).collect()
    }

    /// The table's row for each value, null where there is none.
    fn find(&self, values: &ArrayRef) -> Result<UInt32Array, ArrowError> {
        // Of a dictionary (an enum) only the different values are looked up.
        if let Some(dictionary) = values.as_any_dictionary_opt() {
            let found: ArrayRef = Arc::new(self.find(dictionary.values())?);
            let found = take(&found, dictionary.keys(), None)?;
            return Ok(found.as_primitive().clone());
        }
        let keys = cast_exactly(values, &self.key_type)?;
        let bytes = self.converter.convert_columns(std::slice::from_ref(&keys))?;
        Ok((0..keys.len())
            .map(|row| if keys.is_null(row) { None } else { self.rows.get(bytes.row(row).as_ref()).copied() })
            .collect())
    }
}

fn index(
    converter: &RowConverter,
    keys: &ArrayRef,
    table_column: &str,
) -> Result<HashMap<Box<[u8]>, u32>, LookupError> {
    let bytes = converter.convert_columns(std::slice::from_ref(keys)).map_err(failed)?;
    let mut rows = HashMap::with_capacity(keys.len());
    for (row, key) in (0u32..).zip(bytes.iter()) {
        if keys.is_valid(row as usize) && rows.insert(Box::from(key.as_ref()), row).is_some() {
            let value = array_value_to_string(keys, row as usize).map_err(failed)?;
            let message = format!("the value `{value}` stands twice in the table's column `{table_column}`");
            return Err(LookupError::Table { message });
        }
    }
    Ok(rows)
}

/// The values in another type; null where they have no counterpart, also where a cast would round them.
fn cast_exactly(values: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let there = cast(values, to)?;
    if !(values.data_type().is_floating() && to.is_integer()) {
        return Ok(there);
    }
    let back = cast(&there, values.data_type())?;
    let rounded: BooleanArray = arrow::compute::not(&not_distinct(&back, values)?)?;
    nullif(&there, &rounded)
}

/// The values themselves where they are kept as a dictionary.
fn plain(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match values.data_type() {
        DataType::Dictionary(_, of) => cast(values, of),
        _ => Ok(values.clone()),
    }
}

fn position(schema: &Schema, name: &str) -> Result<usize, LookupError> {
    schema.index_of(name).map_err(|_| LookupError::UnknownColumn { column: name.to_owned() })
}

fn failed(error: ArrowError) -> LookupError {
    LookupError::Table { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray},
        datatypes::{Float32Type, Float64Type, Int32Type},
    };

    use super::*;

    fn table() -> RecordBatch {
        let names = StringArray::from(vec![Some("electron"), Some("muon"), None, None]);
        let masses = Float64Array::from(vec![0.000511, 0.105658, 1.77686, 0.0]);
        RecordBatch::try_from_iter([
            ("name", Arc::new(names) as ArrayRef),
            ("pdg", Arc::new(Int64Array::from(vec![11, 13, 15, 22]))),
            ("mass", Arc::new(masses)),
        ])
        .unwrap()
    }

    fn masses(on: &str, values: ArrayRef) -> Vec<Option<f64>> {
        let lookup = Lookup::new(&table(), "kind", on, &["mass".to_owned()]).unwrap();
        let batch = RecordBatch::try_from_iter_with_nullable([("kind", values, true)]).unwrap();
        lookup.columns(&batch).unwrap()[0].as_primitive::<Float64Type>().iter().collect()
    }

    #[test]
    fn each_row_gets_its_values_or_null() {
        let kinds = StringArray::from(vec![Some("muon"), None, Some("graviton"), Some("electron")]);
        assert_eq!(masses("name", Arc::new(kinds)), [Some(0.105658), None, None, Some(0.000511)]);
        let kinds: DictionaryArray<Int32Type> = vec![Some("muon"), None, Some("muon"), Some("x")].into_iter().collect();
        assert_eq!(masses("name", Arc::new(kinds)), [Some(0.105658), None, Some(0.105658), None]);
        assert_eq!(masses("pdg", Arc::new(Int64Array::from(vec![22, 12]))), [Some(0.0), None]);
    }

    #[test]
    fn values_of_another_type_match_only_where_they_are_equal() {
        let text = StringArray::from(vec!["13", "13.5", "muon", ""]);
        assert_eq!(masses("pdg", Arc::new(text)), [Some(0.105658), None, None, None]);
        let numbers = Float64Array::from(vec![13.0, 13.5, f64::NAN, f64::INFINITY, 1e300]);
        assert_eq!(masses("pdg", Arc::new(numbers)), [Some(0.105658), None, None, None, None]);
    }

    #[test]
    fn a_table_in_single_precision_is_found_by_the_doubles_that_round_to_it() {
        let table =
            RecordBatch::try_from_iter([("size", Arc::new(Float32Array::from(vec![0.5, 0.1])) as ArrayRef)]).unwrap();
        let lookup = Lookup::new(&table, "size", "size", &["size".to_owned()]).unwrap();
        let doubles = Arc::new(Float64Array::from(vec![0.1, 0.2])) as ArrayRef;
        let found = lookup.columns(&RecordBatch::try_from_iter([("size", doubles)]).unwrap()).unwrap();
        assert_eq!(found[0].as_primitive::<Float32Type>().iter().collect::<Vec<_>>(), [Some(0.1), None]);
    }

    #[test]
    fn a_table_may_keep_its_keys_as_a_dictionary() {
        let names: DictionaryArray<Int32Type> = vec!["muon", "electron"].into_iter().collect();
        let masses = Float64Array::from(vec![0.105658, 0.000511]);
        let columns = [("name", Arc::new(names) as ArrayRef), ("mass", Arc::new(masses))];
        let table = RecordBatch::try_from_iter(columns).unwrap();
        let lookup = Lookup::new(&table, "kind", "name", &["mass".to_owned()]).unwrap();
        let kinds = Arc::new(StringArray::from(vec!["electron", "tau"])) as ArrayRef;
        let found = lookup.columns(&RecordBatch::try_from_iter([("kind", kinds)]).unwrap()).unwrap();
        assert_eq!(found[0].as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(0.000511), None]);
    }

    #[test]
    fn a_number_that_is_not_whole_is_not_found_in_a_dictionary_of_whole_ones() {
        let numbers = DictionaryArray::new(Int32Array::from(vec![1, 0]), Arc::new(Int64Array::from(vec![11, 13])));
        let table = RecordBatch::try_from_iter([("pdg", Arc::new(numbers) as ArrayRef)]).unwrap();
        let lookup = Lookup::new(&table, "kind", "pdg", &["pdg".to_owned()]).unwrap();
        let kinds = Arc::new(Float64Array::from(vec![13.0, 13.5])) as ArrayRef;
        let found = lookup.columns(&RecordBatch::try_from_iter([("kind", kinds)]).unwrap()).unwrap();
        assert_eq!((found[0].is_valid(0), found[0].is_valid(1)), (true, false));
    }

    #[test]
    fn a_lookup_says_what_it_reads_and_what_it_adds() {
        let lookup = Lookup::new(&table(), "kind", "pdg", &["mass".to_owned(), "name".to_owned()]).unwrap();
        assert_eq!(lookup.stream_column(), "kind");
        let fields: Vec<_> = lookup.fields().iter().map(|field| (field.name().as_str(), field.is_nullable())).collect();
        assert_eq!(fields, [("mass", true), ("name", true)]);
    }

    #[test]
    fn mistakes_are_named() {
        let lookup = |on: &str, column: &str| Lookup::new(&table(), "kind", on, &[column.to_owned()]).map(|_| ());
        let unknown = |column: &str| Err(LookupError::UnknownColumn { column: column.into() });
        assert_eq!(lookup("nam", "mass"), unknown("nam"));
        assert_eq!(lookup("name", "charge"), unknown("charge"));
        let keys = Int64Array::from(vec![Some(1), None, None, Some(7), Some(7)]);
        let twice = RecordBatch::try_from_iter([("k", Arc::new(keys) as ArrayRef)]).unwrap();
        let error = Lookup::new(&twice, "k", "k", &[]).unwrap_err();
        assert_eq!(error.to_string(), "the value `7` stands twice in the table's column `k`");
        let lookup = Lookup::new(&table(), "kind", "pdg", &[]).unwrap();
        assert_eq!(lookup.check(table().schema_ref()), unknown("kind"));
    }
}
