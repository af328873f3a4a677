//! What somebody may have meant by the name of a setting that does not exist.

use strsim::damerau_levenshtein;

/// In the name of a setting, a letter in four may be wrong.
const LETTERS_A_SLIP: usize = 4;
/// A longer name is no slip of the pen, and a comparison takes memory by its length.
const NAME_BYTES_MAX: usize = 128;

/// The name nearest to `written`, where one is near enough to be meant. (The definition of a stream has the same in
/// `expr`, which would bring the whole of DataFusion into a service that reads no stream.)
pub(crate) fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > NAME_BYTES_MAX {
        return None;
    }
    let written = written.to_lowercase().replace('_', "-");
    let limit = (written.chars().count() / LETTERS_A_SLIP).max(1);
    let near = names.into_iter().map(|name| (damerau_levenshtein(&written, name), name));
    near.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_nothing() {
        let names = ["kafka-bootstrap", "kafka-security", "listen"];
        assert_eq!(nearest("kafka_bootstap", names), Some("kafka-bootstrap"));
        assert_eq!(nearest("Listen", names), Some("listen"));
        assert_eq!(nearest("threshold", names), None);
    }
}
