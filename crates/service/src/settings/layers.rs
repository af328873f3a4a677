//! Where a value comes from.

use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc};

use clap::{Arg, ArgAction};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Environment(String),
    File(Arc<PathBuf>, usize),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(formatter, "--{name}"),
            Self::Environment(name) => formatter.write_str(name),
            Self::File(path, line) => write!(formatter, "{}:{line}", path.display()),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// What was given for a setting; several values where it takes several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) origin: Origin,
    pub(crate) values: Vec<String>,
}

/// The environment, by name.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The name of a setting, as flags and files have it.
pub(crate) fn name(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str())
}

/// Whether a setting is on or off, and as a flag needs no value.
pub(crate) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Whether a setting takes several values.
pub(crate) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The name of a setting in the environment.
pub(crate) fn variable(name: &str) -> String {
    format!("BEAMLINE_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// What the environment says of a setting: by its own name, or by the one that others gave it. An empty variable says
/// nothing, for that is how charts and Compose files leave one out.
pub(crate) fn from_environment(arg: &Arg, environment: Environment<'_>) -> Option<Result<Given, String>> {
    let usual = arg.get_env().map(|name| name.to_string_lossy().into_owned());
    let names = [Some(variable(name(arg))), usual];
    let (name, value) = names.into_iter().flatten().find_map(|name| {
        let value = environment(&name).filter(|value| !value.is_empty())?;
        Some((name, value))
    })?;
    let Ok(text) = value.into_string() else { return Some(Err(format!("{name}: its value is not UTF-8"))) };
    let values = match is_list(arg) {
        true => text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
        false => vec![text],
    };
    Some(Ok(Given { origin: Origin::Environment(name), values }))
}
