//! What somebody may have meant by a name that does not exist: the nearest one that does, or all there are.
//!
//! For names in a definition, in a query and in settings alike. Near is the Damerau-Levenshtein distance of `strsim`.

use strsim::damerau_levenshtein;

/// Among columns, tables and functions, a letter in three may be wrong.
pub const IN_COLUMNS: usize = 3;
/// Among fields and settings, which are short and alike, a letter in four may be wrong.
pub const IN_FIELDS: usize = 4;
/// A longer name is not a slip of the pen, and a comparison takes memory by its length.
const NAME_BYTES_MAX: usize = 256;
/// How many names a list shows before it is cut.
const NAMES_SHOWN_MAX: usize = 24;

/// The name nearest to `written`, where one is near enough to be meant: at most one letter in `letters_a_slip` differs.
/// Upper and lower case count as the same; of two equally near ones it is the first.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>, letters_a_slip: usize) -> Option<&'a str> {
    if written.len() > NAME_BYTES_MAX {
        return None;
    }
    let written = written.to_lowercase();
    let limit = (written.chars().count() / letters_a_slip).max(1);
    names
        .into_iter()
        .map(|name| (damerau_levenshtein(&written, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The sentence that goes with an unknown name: the nearest one, or what `all` makes of the list of all names and their
/// number.
pub fn sentence<'a>(
    written: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
    letters_a_slip: usize,
    all: impl FnOnce(&str, usize) -> String,
) -> String {
    match nearest(written, names.clone(), letters_a_slip) {
        Some(name) => format!("did you mean `{name}`?"),
        None => all(&list(names.clone()), names.into_iter().count()),
    }
}

/// The names, quoted and separated by commas; a long list is cut.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
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
        let names = ["energy_gev", "momentum_x", "momentum_y"];
        let suggest = |written: &str| sentence(written, names, IN_COLUMNS, |list, count| format!("{count}: {list}"));
        assert_eq!(suggest("enrgy_gev"), "did you mean `energy_gev`?");
        assert_eq!(suggest("Energy_GeV"), "did you mean `energy_gev`?");
        assert_eq!(suggest("temperature"), "3: `energy_gev`, `momentum_x`, `momentum_y`");
        assert_eq!(nearest("momentum_z", names, IN_COLUMNS), Some("momentum_x"));
    }

    #[test]
    fn how_much_may_be_wrong_depends_on_what_is_named() {
        assert_eq!(nearest("treshhold", ["threshold"], IN_FIELDS), Some("threshold"));
        assert_eq!(nearest("trshhald", ["threshold"], IN_FIELDS), None);
        assert_eq!(nearest("x", ["y"], IN_FIELDS), Some("y"), "one letter may always be wrong");
    }

    #[test]
    fn a_name_that_is_too_long_is_not_compared() {
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(nearest(&long, [long.as_str()], IN_FIELDS), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..30).map(|index| format!("column_{index}")).collect();
        let listed = list(names.iter().map(String::as_str));
        assert!(listed.ends_with("`column_23` and 6 more"), "{listed}");
    }
}
