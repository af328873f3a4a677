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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_names_with_dots_between_them_or_nothing() {
        assert!(["", "dev", "dev.beamline.test_1"].into_iter().all(|good| check_namespace(good).is_ok()));
        assert!([".", "dev..test", "dev.1st", "a-b", "dev."].into_iter().all(|wrong| check_namespace(wrong).is_err()));
        assert!(check_name("a.b").is_err() && check_name("a_b").is_ok());
    }
}
