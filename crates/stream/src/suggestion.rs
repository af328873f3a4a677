//! What the author of a definition may have meant by a name that is not there.

pub(crate) use suggest::list;
use suggest::{IN_FIELDS, sentence};

/// The name nearest to `written`, where one is near enough to be meant.
pub(crate) fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    suggest::nearest(written, names, IN_FIELDS)
}

/// The sentence that goes with an unknown name: the nearest one, or all there are.
pub(crate) fn suggest<'a>(written: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    sentence(written, names, IN_FIELDS, |list, count| match count {
        0 => "there are none".to_owned(),
        1 => format!("there is only {list}"),
        _ => format!("there are {list}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_the_list() {
        let names = ["threshold", "rate", "seed"];
        assert_eq!(suggest("treshold", names), "did you mean `threshold`?");
        assert_eq!(suggest("Seed", names), "did you mean `seed`?");
        assert_eq!(suggest("window", names), "there are `threshold`, `rate`, `seed`");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..30).map(|index| format!("column_{index}")).collect();
        let listed = list(names.iter().map(String::as_str));
        assert!(listed.ends_with("`column_23` and 6 more"), "{listed}");
    }
}
