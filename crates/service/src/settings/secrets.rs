//! Passwords: from a file or from the environment, and from nowhere else.

use std::{collections::BTreeMap, fs, path::Path};

use clap::Command;
use secrecy::SecretString;

use super::layers::{Environment, Given, Origin, name, variable};

/// A password to be filled in.
#[derive(Debug)]
pub struct Secret<'a> {
    /// Its name: `kafka-password` for the argument `--kafka-password-file`.
    pub name: &'static str,
    /// Where it goes.
    pub value: &'a mut Option<SecretString>,
}

/// A password, and where it comes from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) origin: Origin,
    pub(crate) value: SecretString,
}

const FILE: &str = "-file";
const PASSWORD_FILE: &str = "-password-file";
/// Bytes of a password.
const PASSWORD_BYTES_MAX: u64 = 64 << 10;

/// The names of the passwords that a program takes.
pub(crate) fn names(command: &Command) -> impl Iterator<Item = String> {
    let files = command.get_arguments().map(name).filter(|name| name.ends_with(PASSWORD_FILE));
    files.map(|name| name.trim_end_matches(FILE).to_owned())
}

/// What to do instead of writing a password down where others see it.
pub(crate) fn elsewhere(name: &str) -> String {
    format!(
        "a password does not belong here, where others can see it; name its file with {name}{FILE}, or set {}",
        variable(name)
    )
}

/// Reads the passwords. A file that a flag names goes before the environment, and that before a file named elsewhere.
pub(crate) fn read(
    command: &Command,
    given: &BTreeMap<String, Given>,
    environment: Environment<'_>,
    wrong: &mut Vec<String>,
) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    for name in names(command) {
        let file = given.get(&format!("{name}{FILE}"));
        let secret = match file {
            Some(file) if matches!(file.origin, Origin::Flag(_)) => from_file(file),
            _ => from_environment(&name, environment).or_else(|| file.and_then(from_file)),
        };
        match secret {
            Some(Ok(secret)) => drop(found.insert(name, secret)),
            Some(Err(what)) => wrong.push(what),
            None => {}
        }
    }
    found
}

/// Reads one password for a program that has its own way with settings.
pub(crate) fn read_one(
    name: &str,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<Option<SecretString>, String> {
    let file = file.map(|path| Given {
        origin: Origin::Flag(format!("{name}{FILE}")),
        values: vec![path.to_string_lossy().into_owned()],
    });
    let secret = file.as_ref().and_then(from_file).or_else(|| from_environment(name, environment));
    secret.transpose().map(|found| found.map(|found| found.value))
}

fn from_environment(name: &str, environment: Environment<'_>) -> Option<Result<Found, String>> {
    let variable = variable(name);
    let value = environment(&variable).filter(|value| !value.is_empty())?;
    let text = value.into_string().map_err(|_| format!("{variable}: its value is not UTF-8"));
    Some(text.map(|text| Found { origin: Origin::Environment(variable), value: text.into() }))
}

fn from_file(file: &Given) -> Option<Result<Found, String>> {
    let path = file.values.first()?;
    let origin = file.origin.clone();
    let text = fs::metadata(path).and_then(|facts| match facts.len() {
        0..=PASSWORD_BYTES_MAX => fs::read_to_string(path),
        _ => Err(std::io::Error::other("it is too long for a password")),
    });
    Some(match text {
        // Editors end a file with a line break, which is not part of the password.
        Ok(text) => match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{origin}: the password file {path} is empty")),
            password => Ok(Found { origin, value: password.into() }),
        },
        Err(error) => Err(format!("{origin}: cannot read the password in {path}: {error}")),
    })
}
