//! Whatever becomes of a definition, it never panics, and every error stands within the file.

use proptest::prelude::*;

use crate::fixture::{GOOD, load};

/// One change of a text.
#[derive(Debug, Clone)]
enum Mutation {
    DeleteLine(usize),
    RepeatLine(usize),
    SwapLines(usize, usize),
    Replace(usize, char),
    Insert(usize, char),
    Delete(usize),
    Cut(usize),
    Indent(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let letter = prop_oneof![
        prop::sample::select("{}[]:,-#&*!|>'\"%@`~?\t \n\r\u{feff}\u{0}0.e_ax".chars().collect::<Vec<_>>()),
        any::<char>(),
    ];
    let place = any::<prop::sample::Index>().prop_map(|index| index.index(10_000));
    prop_oneof![
        place.clone().prop_map(Mutation::DeleteLine),
        place.clone().prop_map(Mutation::RepeatLine),
        (place.clone(), place.clone()).prop_map(|(first, second)| Mutation::SwapLines(first, second)),
        (place.clone(), letter.clone()).prop_map(|(at, letter)| Mutation::Replace(at, letter)),
        (place.clone(), letter).prop_map(|(at, letter)| Mutation::Insert(at, letter)),
        place.clone().prop_map(Mutation::Delete),
        place.clone().prop_map(Mutation::Cut),
        (place, 0_usize..6).prop_map(|(line, by)| Mutation::Indent(line, by)),
    ]
}

fn apply(text: &str, mutation: &Mutation) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut letters: Vec<char> = text.chars().collect();
    let (rows, length) = (lines.len(), letters.len());
    if rows == 0 {
        return text.to_owned();
    }
    let indented;
    match *mutation {
        Mutation::DeleteLine(line) => drop(lines.remove(line % rows)),
        Mutation::RepeatLine(line) => lines.insert(line % rows, lines[line % rows]),
        Mutation::SwapLines(first, second) => lines.swap(first % rows, second % rows),
        Mutation::Indent(line, by) => {
            indented = format!("{}{}", " ".repeat(by), lines[line % rows].trim_start());
            lines[line % rows] = &indented;
        }
        Mutation::Replace(at, letter) => {
            letters[at % length] = letter;
            return letters.into_iter().collect();
        }
        Mutation::Insert(at, letter) => {
            letters.insert(at % length, letter);
            return letters.into_iter().collect();
        }
        Mutation::Delete(at) => {
            letters.remove(at % length);
            return letters.into_iter().collect();
        }
        Mutation::Cut(at) => return letters[..at % length].iter().collect(),
    }
    lines.join("\n") + "\n"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn errors_stand_within_the_file(mutations in prop::collection::vec(mutation(), 1..5)) {
        let text = mutations.iter().fold(GOOD.to_owned(), |text, mutation| apply(&text, mutation));
        let Err(errors) = load(&text) else { return Ok(()) };
        prop_assert!(!errors.0.is_empty());
        let lines: Vec<&str> = text.lines().collect();
        for error in &errors.0 {
            prop_assert!((1..=lines.len().max(1)).contains(&error.line), "{error}");
            let length = lines.get(error.line - 1).map_or(0, |line| line.chars().count());
            prop_assert!((1..=length + 1).contains(&error.column), "{error}");
            // What the types refuse, the check of the structure must have found, at its place.
            prop_assert!(!error.message.starts_with("the types refuse"), "{error}\n{text}");
            prop_assert!(!error.message.starts_with("nothing follows"), "{error}\n{text}");
        }
        let places: Vec<_> = errors.0.iter().map(|error| (error.line, error.column)).collect();
        prop_assert!(places.is_sorted());
    }
}
