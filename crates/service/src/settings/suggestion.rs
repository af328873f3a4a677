//! What somebody may have meant by the name of a setting that does not exist.

/// The name nearest to `written`, where one is near enough to be meant. In files and variables `_` stands for `-`.
pub(crate) fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    suggest::nearest(&written.replace('_', "-"), names, suggest::IN_FIELDS)
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
