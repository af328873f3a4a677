//! What a column is called in an input, where that is not its name in SQL.
//!
//! A row's place is `_row` and `_file` in SQL. An input's own column of one of these names is `__row` or `__file`; the
//! field's metadata keep what the input calls it.

use arrow::datatypes::{Field, FieldRef};

/// The metadata key of the name that the input has.
const OWN_NAME: &str = "input.name";

/// What a row's place is called.
pub(crate) const PLACE: [&str; 2] = ["_row", "_file"];

/// The name that the input has for a column.
pub(crate) fn own_name(field: &Field) -> &str {
    field.metadata().get(OWN_NAME).map_or(field.name(), String::as_str)
}

/// The field under the name that the input has.
pub(crate) fn with_own_name(field: &Field) -> Field {
    field.clone().with_name(own_name(field))
}

/// The field as SQL knows it.
pub(crate) fn beside_place(field: &FieldRef) -> FieldRef {
    if !PLACE.contains(&field.name().as_str()) {
        return field.clone();
    }
    let metadata = [(OWN_NAME.to_owned(), field.name().clone())].into();
    field.as_ref().clone().with_name(format!("_{}", field.name())).with_metadata(metadata).into()
}
