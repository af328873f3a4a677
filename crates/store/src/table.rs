//! The tables of a stream's results.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
pub use sink::Table;

/// The columns of the dead letters: where the record stood, its partition, the kind of failure, the rule or column
/// that it failed at, the reason as a sentence, and its bytes.
pub fn dead_letters_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("position", DataType::Int64, false),
        Field::new("partition", DataType::Int32, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("rule", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, false),
        Field::new("payload", DataType::Binary, false),
    ]))
}
