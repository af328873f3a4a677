//! JSON objects to rows of a schema, bad ones isolated.
//!
//! Decoded by arrow-json in whole batches. Where a batch fails it is halved until the objects at fault stand alone, so
//! that a few bad ones cost little. Numbers in a time column are in the column's unit. A missing field is null.

use arrow::{
    array::RecordBatch,
    compute,
    datatypes::SchemaRef,
    error::ArrowError,
    json::{ReaderBuilder, reader::Decoder},
};

use crate::SourceError;

/// Decodes JSON objects.
pub(crate) struct JsonRows {
    schema: SchemaRef,
}

/// What came of some objects.
pub(crate) struct JsonDecoded {
    /// The good rows, in order.
    pub rows: RecordBatch,
    /// Which object each row is.
    pub indexes: Vec<u64>,
    /// Which objects are no rows, and why.
    pub rejected: Vec<(u64, String)>,
}

impl JsonRows {
    /// Rows of `schema`; fields that it lacks are ignored.
    ///
    /// # Errors
    /// Where the schema has a type that JSON cannot hold.
    pub(crate) fn new(schema: SchemaRef) -> Result<Self, SourceError> {
        let rows = Self { schema };
        rows.decoder(1).map_err(|error| SourceError::input(format!("the schema cannot be read from JSON: {error}")))?;
        Ok(rows)
    }

    fn decoder(&self, batch: usize) -> Result<Decoder, ArrowError> {
        ReaderBuilder::new(self.schema.clone()).with_batch_size(batch).build_decoder()
    }

    /// One row of each object that is one.
    pub(crate) fn decode(&self, objects: &[&[u8]]) -> Result<JsonDecoded, SourceError> {
        let mut batches = Vec::new();
        let (mut indexes, mut rejected) = (Vec::with_capacity(objects.len()), Vec::new());
        let mut pieces = vec![(0, objects.len())];
        while let Some((start, end)) = pieces.pop() {
            if start == end {
                continue;
            }
            match self.decode_all(&objects[start..end]) {
                Ok(rows) => {
                    indexes.extend(start as u64..end as u64);
                    batches.push(rows);
                }
                Err(error) if end - start == 1 => rejected.push((start as u64, reason(&error))),
                Err(_) => {
                    let middle = start + (end - start) / 2;
                    pieces.push((middle, end));
                    pieces.push((start, middle));
                }
            }
        }
        let rows = match batches.len() {
            1 => batches.swap_remove(0),
            _ => compute::concat_batches(&self.schema, &batches)?,
        };
        Ok(JsonDecoded { rows, indexes, rejected })
    }

    fn decode_all(&self, objects: &[&[u8]]) -> Result<RecordBatch, ArrowError> {
        let mut decoder = self.decoder(objects.len())?;
        for (index, object) in objects.iter().enumerate() {
            let object = object.trim_ascii();
            if object.first() != Some(&b'{') {
                return Err(ArrowError::JsonError("not an object".into()));
            }
            // The decoder takes one value after the other and knows no lines: exactly one must end here.
            let taken = decoder.decode(object)?;
            if decoder.has_partial_record() {
                return Err(ArrowError::JsonError("the object is not complete".into()));
            }
            if taken < object.len() || decoder.len() != index + 1 {
                return Err(ArrowError::JsonError("something follows the object".into()));
            }
        }
        let rows = decoder.flush()?;
        rows.ok_or_else(|| ArrowError::JsonError("not an object".into()))
    }
}

fn reason(error: &ArrowError) -> String {
    match error {
        ArrowError::JsonError(message) | ArrowError::InvalidArgumentError(message) => message.clone(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::AsArray,
        datatypes::{DataType, Field, Int64Type, Schema},
    };

    use super::*;

    #[test]
    fn bad_objects_are_isolated() {
        let nested = DataType::Struct(vec![Field::new("z", DataType::Float64, true)].into());
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("name", DataType::Utf8, true),
            Field::new("at", nested, true),
            Field::new("hits", DataType::new_list(DataType::Int64, true), true),
        ]);
        let rows = JsonRows::new(Arc::new(schema)).unwrap();
        let mut objects: Vec<&[u8]> = vec![br#"{"id": 1, "name": "a", "extra": [1, {}], "at": {"z": 2.5}, "hits": [1, 2]}"#; 100];
        let bad: [&[u8]; 11] = [
            br#"{"id": "x"}"#, br#"{"name": "a"}"#, br#"{"id": 1"#, br#"{"id": 1}{"id": 2}"#, b"[1]", b"1", b"nonsense",
            b"{\"id\": 1, \"name\": \"\xff\"}", b"{\"id\": 1}\0", b"{\"id\": NaN}", br#"{"id": 1, "at": 3}"#,
        ];
        for (index, bad) in bad.iter().enumerate() {
            objects[index * 7 + 3] = bad;
        }
        objects[99] = b" {\"id\": 2}  ";
        let decoded = rows.decode(&objects).unwrap();
        let found: Vec<u64> = decoded.rejected.iter().map(|(index, _)| *index).collect();
        assert_eq!(found, (0..11).map(|index| index * 7 + 3).collect::<Vec<_>>(), "{:?}", decoded.rejected);
        assert_eq!(decoded.rows.num_rows(), 89);
        assert_eq!(decoded.indexes.len(), 89);
        let ids = decoded.rows["id"].as_primitive::<Int64Type>();
        assert_eq!((ids.value(0), ids.value(88)), (1, 2));
        assert!(decoded.rejected[0].1.contains("\"x\""), "{}", decoded.rejected[0].1);
    }
}
