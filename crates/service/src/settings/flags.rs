//! The flags of a command line, all mistakes at once.

use std::{collections::BTreeMap, ffi::OsString};

use clap::{Arg, Command};

use super::{
    layers::{Given, Origin, is_list, is_switch, name},
    secrets,
    suggestion::nearest,
};

/// What the command line says of each setting, by its name.
pub(crate) fn read(command: &Command, arguments: Vec<OsString>, wrong: &mut Vec<String>) -> BTreeMap<String, Given> {
    let mut given = BTreeMap::new();
    let words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
    let mut words = (1..).zip(words).peekable();
    while let Some((place, word)) = words.next() {
        let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
            // The word itself is not shown: it may be a password that went astray.
            wrong.push(format!(
                "word {place} of the command line is not a flag; flags begin with --, --help lists them"
            ));
            continue;
        };
        let (long, mut value) = match flag.split_once('=') {
            Some((long, value)) => (long.to_owned(), Some(value.to_owned())),
            None => (flag.to_owned(), None),
        };
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(&long));
        if value.is_none() && !arg.is_some_and(is_switch) {
            value = words.next_if(|(_, next)| !next.starts_with("--")).map(|(_, next)| next);
        }
        match arg {
            None => wrong.push(unknown(command, &long)),
            Some(arg) => match value.or_else(|| is_switch(arg).then(|| "true".to_owned())) {
                None => wrong.push(format!("--{long} needs a value")),
                Some(value) => add(&mut given, arg, value, wrong),
            },
        }
    }
    given
}

fn add(given: &mut BTreeMap<String, Given>, arg: &Arg, value: String, wrong: &mut Vec<String>) {
    let long = name(arg);
    match given.get_mut(long) {
        None => {
            let origin = Origin::Flag(long.to_owned());
            given.insert(long.to_owned(), Given { origin, values: vec![value] });
        }
        Some(given) if is_list(arg) => given.values.push(value),
        Some(_) => wrong.push(format!("--{long} stands there twice")),
    }
}

fn unknown(command: &Command, long: &str) -> String {
    if let Some(secret) = secrets::names(command).find(|secret| secret == long) {
        return format!("--{long}: {}", secrets::elsewhere(&secret));
    }
    match nearest(long, command.get_arguments().filter_map(Arg::get_long)) {
        Some(near) => format!("there is no --{long}; did you mean --{near}?"),
        None => format!("there is no --{long}; --help lists what there is"),
    }
}
