//! What the author of a definition may have meant by a name that is not there.

/// How many names a list shows before it is cut.
const NAMES_SHOWN_MAX: usize = 24;

/// Among fields, which are short and alike, a letter in four may be wrong.
const LETTERS_A_SLIP: usize = 4;

/// The name nearest to `written`, where one is near enough to be meant.
pub(crate) fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    expr::nearest(written, names, LETTERS_A_SLIP)
}

/// The sentence that goes with an unknown name: the nearest one, or all there are.
pub(crate) fn suggest<'a>(written: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(written, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => match names.clone().into_iter().count() {
            0 => "there are none".to_owned(),
            1 => format!("there is only {}", list(names)),
            _ => format!("there are {}", list(names)),
        },
    }
}

/// The names, quoted and separated by commas.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.get(..NAMES_SHOWN_MAX) {
        Some(shown) if names.len() > NAMES_SHOWN_MAX => {
            format!("{} and {} more", shown.join(", "), names.len() - NAMES_SHOWN_MAX)
        }
        _ => names.join(", "),
    }
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
