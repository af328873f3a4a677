//! `beamline tokens`: the two tokens of a dashboard in a Secret of Kubernetes, made once and then left alone.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::{Read, Write, stdout},
    thread,
    time::Duration,
};

use reqwest::{Certificate, StatusCode, blocking::Client};
use serde_json::{Value, json};

use crate::{Failure, cli::TokensArgs};

/// Bytes of randomness in a token.
const TOKEN_BYTES: usize = 32;
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How often the API is asked where it does not answer.
const TRIES_MAX: u32 = 5;
const AGAIN: Duration = Duration::from_secs(2);

/// Makes the Secret, unless there is one: `create` is all that it may do, so it neither reads nor changes another.
pub(crate) fn tokens(args: TokensArgs) -> Result<(), Failure> {
    let account = |name: &str| {
        let path = args.account.join(name);
        fs::read_to_string(&path).map_err(|error| {
            Failure::configuration(format!("cannot read {}: {error}; this runs in a pod of Kubernetes", path.display()))
        })
    };
    let (token, namespace) = (account("token")?, account("namespace")?);
    let namespace = namespace.trim();
    let server = args.server.clone().or_else(of_this_cluster).ok_or_else(|| {
        Failure::configuration("there is no KUBERNETES_SERVICE_HOST; say where the API is with --server")
    })?;
    let mut client = Client::builder().timeout(ANSWER_MAX);
    if server.starts_with("https:") {
        let authority = Certificate::from_pem(account("ca.crt")?.as_bytes()).map_err(Failure::configuration)?;
        client = client.tls_certs_only([authority]);
    }
    let client = client.build().map_err(Failure::run_time)?;
    let labels: BTreeMap<&str, &str> = args.label.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": args.secret, "labels": labels },
        "stringData": { "viewer": random()?, "operator": random()? },
    });
    let url = format!("{server}/api/v1/namespaces/{namespace}/secrets");
    let (status, answer) = create(&client, &url, token.trim(), &secret)?;
    let said = match status {
        StatusCode::CREATED => format!("Secret {} holds a token for viewers and one for operators", args.secret),
        StatusCode::CONFLICT => format!("Secret {} is there already, and is left as it is", args.secret),
        other => {
            let reason = answer["message"].as_str().unwrap_or_default();
            return Err(Failure::run_time(format!("cannot make Secret {}: {other} {reason}", args.secret)));
        }
    };
    writeln!(stdout(), "{said}").map_err(Failure::run_time)
}

/// The API, as Kubernetes says it in each pod's environment.
fn of_this_cluster() -> Option<String> {
    let (host, port) = (env::var("KUBERNETES_SERVICE_HOST").ok()?, env::var("KUBERNETES_SERVICE_PORT").ok()?);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Some(format!("https://{host}:{port}"))
}

/// A request that did not come through is sent again: a Secret is made once, whoever asks for it.
fn create(client: &Client, url: &str, token: &str, secret: &Value) -> Result<(StatusCode, Value), Failure> {
    let mut left = TRIES_MAX;
    loop {
        left -= 1;
        match client.post(url).bearer_auth(token).json(secret).send() {
            Ok(answer) if answer.status().is_server_error() && left > 0 => {}
            Ok(answer) => return Ok((answer.status(), answer.json().unwrap_or_default())),
            Err(error) if left == 0 => return Err(Failure::run_time(format!("{url} does not answer: {error}"))),
            Err(error) => tracing::warn!(%error, "the API of Kubernetes does not answer; it is asked again"),
        }
        thread::sleep(AGAIN);
    }
}

/// A token that cannot be guessed, in hexadecimal.
fn random() -> Result<String, Failure> {
    let mut bytes = [0; TOKEN_BYTES];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(|error| Failure::run_time(format!("no randomness for a token: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
