//! The settings of a CQL store out of the command line.

use std::{env, fs};

use cql::{Settings, Tls};

use crate::{Failure, cli::CqlArgs};

/// The environment variable with the password.
const PASSWORD: &str = "BEAMLINE_CQL_PASSWORD";

/// What the command line says about a CQL store.
pub(crate) fn settings(args: &CqlArgs) -> Result<Settings, Failure> {
    let password = match &args.password_file {
        Some(path) => {
            let text = fs::read_to_string(path);
            let text = text.map_err(|error| {
                Failure::configuration(format!("cannot read the password file {}: {error}", path.display()))
            })?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => env::var(PASSWORD).ok(),
    };
    let tls = args
        .ca_file
        .clone()
        .map(|ca_file| Tls { ca_file, identity: args.cert_file.clone().zip(args.key_file.clone()) });
    let settings = Settings {
        nodes: args.nodes.clone(),
        keyspace: args.keyspace.clone(),
        replication: args.replication,
        username: args.username.clone(),
        // A password alone in the environment is for somebody else.
        password: args.username.as_ref().and(password).map(Into::into),
        tls,
        datacenter: args.datacenter.clone(),
        ..Settings::default()
    };
    match settings.mistakes() {
        mistakes if mistakes.is_empty() => Ok(settings),
        mistakes => Err(Failure::configuration(mistakes.join("\n"))),
    }
}

/// What a person can mend is a configuration error; anything else went wrong at run time.
pub(crate) fn failure(error: cql::CqlError) -> Failure {
    match &error {
        cql::CqlError::Setting(_) | cql::CqlError::File { .. } | cql::CqlError::Layout { .. } => {
            Failure::configuration(error)
        }
        _ => Failure::run_time(error),
    }
}
