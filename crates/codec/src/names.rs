//! Avro's rules for names, which `apache-avro` knows.

use apache_avro::schema::Name;

/// A letter or `_`, then letters, digits and `_`.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    match !name.contains('.') && Name::new(name).is_ok() {
        true => Ok(()),
        false => Err(format!("`{name}` is not an Avro name: use letters, digits and `_`, and begin with no digit")),
    }
}

/// Names with dots between them, or nothing.
pub(crate) fn check_namespace(namespace: &str) -> Result<(), String> {
    match namespace {
        "" => Ok(()),
        _ => namespace.split('.').try_for_each(check_name),
    }
}
