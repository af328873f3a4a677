//! What `beamline tokens` takes.

use std::path::PathBuf;

use clap::Args;

/// `beamline tokens`.
#[derive(Debug, Args)]
pub struct TokensArgs {
    /// The Secret that is to hold them.
    #[arg(long, value_name = "NAME")]
    pub secret: String,
    /// A label of the Secret; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub label: Vec<(String, String)>,
    /// The API of Kubernetes [default: that of the cluster this runs in].
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Where the pod's own token, namespace and the authority's certificate are.
    #[arg(long, value_name = "FOLDER", default_value = "/var/run/secrets/kubernetes.io/serviceaccount")]
    pub account: PathBuf,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a label is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
