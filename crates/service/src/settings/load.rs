//! The layers put together, checked as a whole, and turned into a program's settings.

use std::{collections::BTreeMap, error::Error, ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgAction, Command,
    builder::{OsStr, Resettable},
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{
    Settings, file, flags,
    layers::{Environment, Given, Origin, from_environment, is_switch, name, variable},
    print,
    secrets::{self, Found},
};
use crate::{Failure, process_name};

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked<S> {
    /// To run.
    Run(S),
    /// To print this and end.
    Print(String),
}

/// Reads the settings from all layers.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load<S: Settings>(arguments: Vec<OsString>, environment: Environment<'_>) -> Result<Asked<S>, Failure> {
    let command = command::<S>();
    if let Some(text) = help(&command, &arguments) {
        return Ok(Asked::Print(text));
    }
    let mut wrong = Vec::new();
    let mut given = layers(&command, arguments, environment, &mut wrong);
    let secrets = secrets::read(&command, &given, environment, &mut wrong);
    for arg in command.get_arguments() {
        match given.get(name(arg)) {
            Some(values) => wrong.extend(misfits(arg, values)),
            None if arg.is_required_set() => wrong.push(missing(arg)),
            None => {}
        }
    }
    // What does not fit has been said; the rest is checked as a whole where it can stand without it.
    given.retain(|name, values| {
        let arg = command.get_arguments().find(|arg| super::layers::name(arg) == name);
        arg.is_some_and(|arg| misfits(arg, values).is_empty())
    });
    match assemble::<S>(&command, &given, &secrets) {
        Ok(settings) => {
            wrong.extend(settings.check());
            if wrong.is_empty() {
                let print = given.get("print-config").is_some_and(is_on);
                return Ok(match print {
                    true => Asked::Print(print::effective::<S>(&command, &given, &secrets)),
                    false => Asked::Run(settings),
                });
            }
        }
        Err(what) if wrong.is_empty() => wrong.push(what),
        Err(_) => {}
    }
    Err(Failure::configuration(wrong.join("\n")))
}

/// The settings as arguments of clap; each may come from the environment, which we read ourselves.
fn command<S: Settings>() -> Command {
    let command = Command::new(S::NAME).about(S::ABOUT).version(env!("CARGO_PKG_VERSION")).max_term_width(110);
    S::augment_args(command)
}

/// What `--help` or `--version` prints, where it is asked for.
fn help(command: &Command, arguments: &[OsString]) -> Option<String> {
    let asks = |word: &OsString| ["-h", "--help", "-V", "--version"].iter().any(|flag| word == flag);
    let asked = arguments.iter().find(|word| asks(word))?;
    let after = "Settings come from flags, then the environment, then the file that --config names, then defaults.\n\
                 In the file a flag's name without -- is the setting's: `listen: 0.0.0.0:9464`.";
    let shown = command.clone().after_help(after).mut_args(|arg| {
        // Those that name their variable have it shown by clap.
        if arg.get_env().is_some() || name(&arg) == "print-config" {
            return arg.hide_env_values(true);
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let variable = variable(name(&arg));
        arg.help(format!("{help} [env: {variable}]"))
    });
    let words = [OsString::from(command.get_name()), asked.clone()];
    shown.try_get_matches_from(words).err().map(|error| error.to_string())
}

/// What each setting is given, from the first layer that says anything.
fn layers(
    command: &Command,
    arguments: Vec<OsString>,
    environment: Environment<'_>,
    wrong: &mut Vec<String>,
) -> BTreeMap<String, Given> {
    let mut given = flags::read(command, arguments, wrong);
    for arg in command.get_arguments() {
        match from_environment(arg, environment) {
            Some(Ok(values)) => drop(given.entry(name(arg).to_owned()).or_insert(values)),
            Some(Err(what)) => wrong.push(what),
            None => {}
        }
    }
    let host = || Given { origin: Origin::Default, values: vec![process_name::host()] };
    if let Some(path) = given.get("config").and_then(|config| config.values.first()) {
        for (name, values) in file::read(command, PathBuf::from(path), wrong) {
            given.entry(name).or_insert(values);
        }
    }
    given.entry("instance".to_owned()).or_insert_with(host);
    given
}

fn missing(arg: &Arg) -> String {
    let name = name(arg);
    format!("--{name} is missing; give it as a flag, as {} or as `{name}:` in the file", variable(name))
}

fn is_on(given: &Given) -> bool {
    given.values.iter().any(|value| truth(value) == Some(true))
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// What is wrong with the values of a setting, each by itself.
fn misfits(arg: &Arg, given: &Given) -> Vec<String> {
    let (name, origin) = (name(arg), &given.origin);
    let say = |value: &String, what: String| match origin {
        // A line of the file does not say by itself which setting it is about.
        Origin::File(..) => format!("{origin}: `{name}` is `{value}`, which does not fit: {what}"),
        _ => format!("{origin}: `{value}` does not fit: {what}"),
    };
    if is_switch(arg) {
        let odd = given.values.iter().filter(|value| truth(value).is_none());
        return odd.map(|value| say(value, "it must be true or false".to_owned())).collect();
    }
    let alone = Command::new("one").no_binary_name(true).disable_help_flag(true);
    let alone = alone.arg(bare(arg.clone()).action(ArgAction::Set));
    let misfit = |value: &String| {
        let error = alone.clone().try_get_matches_from([format!("--{name}={value}")]).err()?;
        Some(say(value, reason(&error)))
    };
    given.values.iter().filter_map(misfit).collect()
}

/// An argument that asks neither for itself nor for others.
fn bare(arg: Arg) -> Arg {
    arg.required(false).env(Resettable::<OsStr>::Reset)
}

fn reason(error: &clap::Error) -> String {
    match (error.kind(), error.get(ContextKind::ValidValue)) {
        (ErrorKind::InvalidValue, Some(ContextValue::Strings(valid))) if !valid.is_empty() => {
            format!("it must be one of {}", valid.join(", "))
        }
        (ErrorKind::InvalidValue, _) => "it must not be empty".to_owned(),
        _ => error.source().map_or_else(|| error.kind().to_string(), ToString::to_string),
    }
}

/// The settings, of values that each fit.
fn assemble<S: Settings>(
    command: &Command,
    given: &BTreeMap<String, Given>,
    secrets: &BTreeMap<String, Found>,
) -> Result<S, String> {
    let mut words = vec![command.get_name().to_owned()];
    for arg in command.get_arguments() {
        let Some(given) = given.get(name(arg)) else { continue };
        match is_switch(arg) {
            true if is_on(given) => words.push(format!("--{}", name(arg))),
            true => {}
            false => words.extend(given.values.iter().map(|value| format!("--{}={value}", name(arg)))),
        }
    }
    let strict = command.clone().mut_args(|arg| arg.env(Resettable::<OsStr>::Reset));
    let matches = strict.try_get_matches_from(words).map_err(|error| error.to_string())?;
    let mut settings = S::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    for secret in settings.secrets() {
        *secret.value = secrets.get(secret.name).map(|found| found.value.clone());
    }
    Ok(settings)
}
