//! Reading a table's columns from a file piece by piece: of the bytes, those of these columns alone.

use std::panic::AssertUnwindSafe;

use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError};
use futures::{FutureExt, Stream, StreamExt, stream};
use orc_rust::{ArrowReaderBuilder, projection::ProjectionMask, reader::AsyncChunkReader};

use crate::{
    OrcError,
    bounded::{BoundedPieces, check_tail},
    file::{in_units_of, panicked},
    layout::fit,
};

/// Bytes at the end of a file in which what it ends with stands.
const TAIL_BYTES: u64 = 256;

/// The rows of a file, as the columns of `schema` and in its types. A column that the file does not have is null.
///
/// # Errors
/// Where it is not an ORC file, or damaged.
pub async fn rows<R: AsyncChunkReader + 'static>(
    mut pieces: R,
    schema: SchemaRef,
    batch_rows: usize,
) -> Result<impl Stream<Item = Result<RecordBatch, ArrowError>> + Send, OrcError> {
    let failed = |error: std::io::Error| OrcError::from(ArrowError::from(error));
    let length = pieces.len().await.map_err(failed)?;
    let tail = length.min(TAIL_BYTES);
    check_tail(&pieces.get_bytes(length - tail, tail).await.map_err(failed)?)?;
    let opening = ArrowReaderBuilder::try_new_async(BoundedPieces { pieces, length });
    let builder = AssertUnwindSafe(opening).catch_unwind().await.map_err(|_| OrcError::from(panicked()))??;
    let root = builder.file_metadata().root_data_type();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mask = ProjectionMask::named_roots(root, &names);
    let builder = builder.with_projection(mask).with_batch_size(batch_rows);
    let columns = in_units_of(&schema, &builder.schema());
    let decoded = AssertUnwindSafe(builder.with_schema(columns).build_async()).catch_unwind();
    Ok(decoded.flat_map(move |decoded| {
        let rows = decoded.unwrap_or_else(|_| Err(panicked()));
        stream::iter([rows.and_then(|rows| fit(&rows, &schema))])
    }))
}
