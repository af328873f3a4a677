//! What the author of a definition may have meant by a name that does not exist.

use strsim::damerau_levenshtein;

/// A longer name is no slip of the pen, and a comparison takes memory by its length.
const NAME_BYTES_MAX: usize = 256;
/// How many names a list shows before it is cut.
const NAMES_SHOWN_MAX: usize = 24;
/// Among columns and functions, a letter in three may be wrong.
pub(crate) const LETTERS_A_SLIP: usize = 3;

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

/// The sentence that goes with an unknown name: the nearest one, or all there are.
pub(crate) fn suggest<'a>(written: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(written, names.clone(), LETTERS_A_SLIP) {
        return format!("did you mean `{name}`?");
    }
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => "there are no columns".to_owned(),
        count if count > NAMES_SHOWN_MAX => {
            format!("there are {} and {} more", all[..NAMES_SHOWN_MAX].join(", "), count - NAMES_SHOWN_MAX)
        }
        _ => format!("there are {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_the_list() {
        let names = ["energy_gev", "momentum_x", "momentum_y"];
        assert_eq!(suggest("enrgy_gev", names), "did you mean `energy_gev`?");
        assert_eq!(suggest("Energy_GeV", names), "did you mean `energy_gev`?");
        assert_eq!(suggest("temperature", names), "there are `energy_gev`, `momentum_x`, `momentum_y`");
        assert_eq!(nearest("momentum_z", names, 3), Some("momentum_x"));
    }
}
