//! Scales the Deployments of a stream's services on their lag and where it is going.
//!
//! [`Scaler`] decides and knows neither clock nor cluster; the rest looks at Kafka and Kubernetes, and does what it
//! says. One process of several acts: the one that holds the lease.

mod act;
mod cluster;
mod error;
mod history;
mod lease;
mod policy;
mod settings;
mod target;

use service::{Context, Failure};

pub use self::{
    history::Sample,
    policy::{Decision, Hold, Policy, Scaler, View},
    settings::AutoscalerSettings,
};

/// Scales until told to stop.
///
/// # Errors
/// Where the targets cannot be read, or neither Kafka nor Kubernetes can be reached at the start.
pub fn run(settings: AutoscalerSettings, context: Context) -> Result<(), Failure> {
    let targets = target::read(&settings.targets)?;
    // kube is built with one provider of cryptography, which has to be named once a process.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(Failure::run_time)?.block_on(act::watch(settings, targets, context)).map_err(Failure::run_time)
}
