//! JSON objects that are in memory, as records: what a case of a stream begins with.

use arrow::{array::UInt64Array, datatypes::SchemaRef};
use bytes::Bytes;
use stream::JsonOptions;

use crate::{Records, Rejected, SourceError, json_rows::JsonRows};

/// Decodes JSON texts as the other sources do. The first has position 0, and each that is not a row of `schema` is among
/// the rejected.
///
/// # Errors
/// Where the schema has a type that JSON cannot hold.
pub fn decode_objects(schema: SchemaRef, objects: &[Bytes]) -> Result<Records, SourceError> {
    let texts: Vec<&[u8]> = objects.iter().map(Bytes::as_ref).collect();
    let decoded = JsonRows::new(schema, JsonOptions::default())?.decode(&texts)?;
    let rejected = decoded.rejected.into_iter().map(|(position, reason)| {
        let (payload, reason) = Rejected::kept(&objects[position as usize], reason);
        Rejected { position, payload, reason }
    });
    Ok(Records { rows: decoded.rows, positions: UInt64Array::from(decoded.indexes), rejected: rejected.collect() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn bad_objects_keep_their_positions() {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        let objects = [r#"{"id": 1}"#, "{", r#"{"id": 3}"#].map(Bytes::from);
        let records = decode_objects(schema, &objects).unwrap();
        assert_eq!(records.positions.values(), &[0, 2]);
        assert_eq!(records.rejected[0].position, 1);
        assert_eq!(records.rejected[0].payload, "{");
    }
}
