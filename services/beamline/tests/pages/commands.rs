//! Every command of `beamline` with its arguments, as Markdown, from clap.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

const HEAD: &str = "\
# Commands

After reading this page you can look up every command of `beamline` and everything that it takes.

`beamline COMMAND --help` says the same in a terminal. A test compares this page with the program (`make docs-pages`
writes it). Results go to standard output, everything else to standard error. Exit codes: 0; 1 (something that ran went
wrong); 64 (the command line or a definition has to be changed).

Every command also takes `--quiet` (nothing but errors) and `--log-format auto|text|json`. The services (`generator`,
`enricher`, `anomaly-detector`, `aggregator`, `writer`, `dashboard`, `autoscaler`) say what they take with `--help`.
";

pub(crate) fn page() -> String {
    let mut root = beamline::Cli::command();
    root.build();
    let mut text = HEAD.to_owned();
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut text, command, "beamline", 2);
    }
    text
}

fn section(text: &mut String, command: &Command, parent: &str, level: usize) {
    let name = format!("{parent} {}", command.get_name());
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{} {name}\n", "#".repeat(level));
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(text, "{}", sentence(&about));
    let arguments: Vec<&Arg> = command.get_arguments().filter(|arg| !is_everywhere(arg)).collect();
    if !arguments.is_empty() {
        text.push_str("\n| argument | meaning |\n|---|---|\n");
    }
    for argument in arguments {
        let _ = writeln!(text, "| {} | {} |", usage(argument), meaning(argument));
    }
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        let lines = examples.lines().skip_while(|line| line.starts_with("Example"));
        let _ = writeln!(text, "\n```\n{}\n```", lines.collect::<Vec<_>>().join("\n").trim_end());
    }
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        section(text, command, &name, level + 1);
    }
}

/// What every command takes is said once.
fn is_everywhere(argument: &Arg) -> bool {
    argument.is_hide_set() || argument.is_global_set() || ["help", "version"].contains(&argument.get_id().as_str())
}

fn usage(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let values: Vec<String> = argument.get_value_names().into_iter().flatten().map(|name| name.to_string()).collect();
    let value = if takes_value { values.join(" ") } else { String::new() };
    let several = argument.get_num_args().is_some_and(|number| number.max_values() > 1);
    let dots = if several { "..." } else { "" };
    let mut names: Vec<String> = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    if names.is_empty() {
        return format!("`{value}{dots}`");
    }
    format!("`{}`", format!("{} {value}{dots}", names.join(", ")).trim_end())
}

fn meaning(argument: &Arg) -> String {
    let mut text = sentence(&argument.get_help().map(ToString::to_string).unwrap_or_default());
    let choices: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if argument.get_action().takes_values() && !choices.is_empty() {
        let _ = write!(text, " One of {}.", choices.join(", "));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, " Default: {}.", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, " Variable: `{}`.", variable.to_string_lossy());
    }
    text.replace('|', "\\|")
}

/// Help texts of clap end without a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', ':', ']']) { text.to_owned() } else { format!("{text}.") }
}
