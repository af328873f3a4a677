//! The sentence that goes with a column that does not exist.

use suggest::{IN_COLUMNS, sentence};

/// The nearest column, or all there are.
pub(crate) fn suggest<'a>(written: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    sentence(written, names, IN_COLUMNS, |list, count| match count {
        0 => "there are no columns".to_owned(),
        _ => format!("there are {list}"),
    })
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
        assert_eq!(suggest("temperature", []), "there are no columns");
    }
}
