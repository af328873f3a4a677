//! A Delta table that an earlier version made, with the columns that this one writes.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake_core::{
    DeltaTable, DeltaTableError,
    kernel::{StructField, StructType, engine::arrow_conversion::TryIntoKernel},
};
use object_store::ObjectStore;
use sink::Table;

use crate::{
    LakeError, Location,
    delta_table::{ATTEMPTS_MAX, delta, load_table},
};

/// Adds the columns that the table lacks and that can be null, and lets those be null that now can: one commit, which
/// older rows need no change for.
pub(crate) async fn widen(
    mut table: DeltaTable,
    location: &Location,
    store: &Arc<dyn ObjectStore>,
    name: Table,
    schema: &SchemaRef,
) -> Result<DeltaTable, LakeError> {
    let failed = |error: DeltaTableError| delta(&format!("adding columns to {name}"), &error);
    let wanted: StructType = schema.as_ref().try_into_kernel().map_err(|error| LakeError::rows(name.name(), error))?;
    let mut refused = None;
    for _ in 0..ATTEMPTS_MAX {
        let there = table.snapshot().map_err(failed)?.schema();
        let missing = wanted.fields().filter(|field| there.field(field.name()).is_none() && !field.is_nullable());
        let missing: Vec<&str> = missing.map(|field| field.name().as_str()).collect();
        if !missing.is_empty() {
            let message = format!(
                "the Delta table lacks {}, which cannot be null: add the columns with another tool, or choose another place",
                missing.join(", ")
            );
            return Err(LakeError::rows(name.name(), message));
        }
        let narrow = |field: &&StructField| {
            field.is_nullable() && there.field(field.name()).is_none_or(|there| !there.is_nullable())
        };
        let fields: Vec<StructField> = wanted.fields().filter(narrow).cloned().collect();
        if fields.is_empty() {
            return Ok(table);
        }
        // Refused where another writer is adding them too: the next look tells.
        refused = table.add_columns().with_fields(fields).await.err();
        table = load_table(location, store, name).await?;
    }
    refused.map_or(Ok(table), |error| Err(failed(error)))
}
