//! Names: which a schema may have, and what they say about a column.

pub(crate) use stream::names::{CODES, IDENTITIES, LABELS, MEASURED, has_word, words};

/// Names of the detector's columns and of a row's place, which a schema cannot have.
pub(crate) fn is_taken(name: &str) -> bool {
    stream::columns::RESERVED.contains(&name) || name == "_row" || name == "_file"
}

/// Whether Avro allows a name.
pub(crate) fn is_legal(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    first && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A legal name near to `name` that is not one of `used`.
pub(crate) fn legal(name: &str, used: &[String]) -> String {
    let mut words = transliterated(name)
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    if words.is_empty() {
        words = "column".to_owned();
    }
    if words.starts_with(|first: char| first.is_ascii_digit()) {
        words.insert(0, '_');
    }
    unused(&words, used)
}

/// A name with letters of ASCII in place of those that are near to them.
fn transliterated(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars() {
        match NEAR.iter().find(|(letters, _)| letters.contains(letter)) {
            Some((_, near)) => plain.push_str(near),
            // An accent that stands behind its letter.
            None if ('\u{300}'..='\u{36f}').contains(&letter) => {}
            None => plain.push(letter),
        }
    }
    plain
}

/// Letters, and what of ASCII is near to them.
const NEAR: [(&str, &str); 43] = [
    ("àáâãåāăą", "a"),
    ("ÀÁÂÃÅĀĂĄ", "A"),
    ("ä", "ae"),
    ("Ä", "Ae"),
    ("æ", "ae"),
    ("Æ", "Ae"),
    ("çćčĉċ", "c"),
    ("ÇĆČĈĊ", "C"),
    ("ďđð", "d"),
    ("ĎĐÐ", "D"),
    ("èéêëēĕėęě", "e"),
    ("ÈÉÊËĒĔĖĘĚ", "E"),
    ("ĝğġģ", "g"),
    ("ĜĞĠĢ", "G"),
    ("ìíîïĩīĭįı", "i"),
    ("ÌÍÎÏĨĪĬĮİ", "I"),
    ("ĺļľł", "l"),
    ("ĹĻĽŁ", "L"),
    ("ñńņň", "n"),
    ("ÑŃŅŇ", "N"),
    ("òóôõøōŏő", "o"),
    ("ÒÓÔÕØŌŎŐ", "O"),
    ("ö", "oe"),
    ("Ö", "Oe"),
    ("œ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ŚŜŞŠȘ", "S"),
    ("ß", "ss"),
    ("ţťțþ", "t"),
    ("ùúûũūŭůűų", "u"),
    ("ÙÚÛŨŪŬŮŰŲ", "U"),
    ("ü", "ue"),
    ("Ü", "Ue"),
    ("ýÿ", "y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
    ("µμ", "u"),
    ("α", "alpha"),
    ("δΔ", "delta"),
    ("λ", "lambda"),
    ("σΣ", "sigma"),
    ("%", " percent "),
];

/// `name`, or `name` with the first number that makes it new.
pub(crate) fn unused(name: &str, used: &[String]) -> String {
    let is_new = |name: &str| !is_taken(name) && !used.iter().any(|other| other == name);
    if is_new(name) {
        return name.to_owned();
    }
    (2..).map(|number| format!("{name}_{number}")).find(|name| is_new(name)).unwrap_or_default()
}

/// A column's name as SQL has it without doubt.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text as SQL has it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as a comment or message shows it: in one line, and not too long.
pub(crate) fn shown(name: &str) -> String {
    let mut shown: String =
        name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(60).collect();
    shown = shown.replace(['\u{2028}', '\u{2029}', '\u{feff}'], " ");
    format!("`{shown}`")
}

/// Words of times.
pub(crate) const TIMES: [&str; 18] = [
    "time",
    "timestamp",
    "ts",
    "date",
    "datetime",
    "epoch",
    "at",
    "when",
    "created",
    "updated",
    "start",
    "end",
    "unixtime",
    "utc",
    "day",
    "moment",
    "started",
    "occurred",
];

/// Words of whole numbers: identities, codes and counts.
pub(crate) const WHOLE: [&str; 42] = [
    "id", "uid", "uuid", "number", "no", "num", "nr", "count", "counts", "n", "code", "status", "flag", "is", "has",
    "label", "class", "type", "kind", "year", "month", "day", "hour", "minute", "weekday", "port", "index", "idx",
    "rank", "run", "event", "lumi", "bytes", "size", "quantity", "qty", "version", "seq", "sequence", "offset", "pdg",
    "candid",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_legal_by_the_rules_of_avro() {
        assert!(["a", "_", "A1_b", "_1"].into_iter().all(is_legal));
        assert!(!["", "1a", "a b", "a-b", "é", "a.b"].into_iter().any(is_legal));
        assert!(["_row", "_file", "anomalous", "anomaly_score"].into_iter().all(is_taken) && !is_taken("row"));
    }

    #[test]
    fn the_nearest_legal_name_is_found() {
        for (name, wanted) in [
            ("Temp (C)", "Temp_C"),
            ("2nd", "_2nd"),
            ("größe", "groesse"),
            ("Ångström", "Angstroem"),
            ("e\u{301}t\u{36f}\u{300}e", "ete"),
            ("温度", "column"),
            ("", "column"),
            ("humidity %", "humidity_percent"),
            ("µm", "um"),
            ("_row", "row"),
            ("used", "used_2"),
            ("anomalous", "anomalous_2"),
        ] {
            assert_eq!(legal(name, &["used".to_owned()]), wanted, "{name}");
        }
        let used = ["a", "a_2", "a_3"].map(str::to_owned);
        assert_eq!((unused("a", &used), unused("b", &used)), ("a_4".to_owned(), "b".to_owned()));
        // What stands just beyond the accents is not one.
        assert_eq!(transliterated("a\u{2ff}b\u{370}"), "a\u{2ff}b\u{370}");
    }

    #[test]
    fn names_and_texts_are_quoted_and_shown() {
        assert_eq!((quoted("a\"b"), literal("it's")), ("\"a\"\"b\"".to_owned(), "'it''s'".to_owned()));
        assert_eq!(shown("a\nb\u{2028}c"), "`a b c`");
        assert_eq!(shown(&"é".repeat(61)), format!("`{}`", "é".repeat(60)));
    }
}
