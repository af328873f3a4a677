//! Every command line of `beamline` in the documentation is one that the program takes.

use clap::{Parser, error::ErrorKind};

/// A command line as a page has it.
pub(crate) struct Line {
    pub(crate) words: Vec<String>,
    /// In running text a command may be named without all that it needs.
    in_text: bool,
}

/// The command lines of a page: in its code blocks, and in backticks.
pub(crate) fn lines(page: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut fenced, mut continued) = (false, String::new());
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced || line.starts_with("    ") {
            match line.trim_end().strip_suffix('\\') {
                Some(begin) => continued += begin,
                None => lines.extend(commands(&(std::mem::take(&mut continued) + line), false)),
            }
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2);
        lines.extend(quoted.flat_map(|quoted| commands(quoted, true)));
    }
    lines
}

/// The calls of `beamline` in a line of a shell.
fn commands(line: &str, in_text: bool) -> Vec<Line> {
    let is_ours = |words: &Vec<String>| words.first().is_some_and(|word| word.rsplit('/').next() == Some("beamline"));
    let found = split(line).into_iter().filter(is_ours);
    // What is left out, or may be left out, makes it no command.
    let complete = found.filter(|words| !words.iter().any(|word| word.contains("...") || word.starts_with('[')));
    complete.filter(|words| words.len() > 1).map(|words| Line { words, in_text }).collect()
}

/// The simple commands of a line, each as its words.
fn split(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '|' | '&' | ';' | '<' | '>' | '(' | ')') => {
                words.extend(word.take());
                if letter != ' ' {
                    commands.push(std::mem::take(&mut words));
                }
            }
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

/// What the program says against a line, if anything.
pub(crate) fn refused(line: &Line) -> Option<String> {
    let error = beamline::Cli::try_parse_from(&line.words).err()?;
    let text = error.to_string();
    // Where the servers are may be in the environment.
    let from_environment = || {
        let missing = text.lines().skip(1).take_while(|line| line.starts_with("  "));
        missing.map(str::trim).all(|name| name.starts_with("--kafka-bootstrap") || name.starts_with("--registry-url"))
    };
    let fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument => line.in_text || from_environment(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => line.in_text,
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => line.in_text,
        // `beamline COMMAND --help` stands for each of them.
        ErrorKind::InvalidSubcommand => line.words[1].bytes().all(|byte| byte.is_ascii_uppercase()),
        _ => false,
    };
    (!fine).then_some(text)
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let page = "Text with `beamline topics` and `beamline dlq lst`.\n\n    cat x | beamline run a.yaml --stdin jsonl # all\n\
                \n```\nbeamline query \\\n  --no-such 'SELECT 1; SELECT 2'\nbeamline query\n```\n";
    let found = lines(page);
    let refused: Vec<bool> = found.iter().map(|line| refused(line).is_some()).collect();
    assert_eq!(refused, [false, true, false, true, true]);
    assert_eq!(found[3].words, ["beamline", "query", "--no-such", "SELECT 1; SELECT 2"]);
}
