//! Events that say on a service's own pod why it is not ready, so that `kubectl describe pod` shows it.
//!
//! What becomes an event follows from the conditions that the service's parts report ([`service::Health`]); a thread of
//! its own publishes it. A crate of its own, and not a part of `service`, so that a program which does not run in a pod
//! is built without Kubernetes' client.

mod changes;
mod error;
mod limit;
mod pod;
mod publisher;

use std::{ffi::OsString, sync::Arc, thread};

use kube::Config;
use service::{Context, Failure};

pub use self::{
    pod::Pod,
    publisher::{Pace, publish},
};

/// `run`, and beside it events about the pod that the process runs in, where it runs in one.
pub fn with_events<S>(
    run: impl FnOnce(S, Context) -> Result<(), Failure>,
) -> impl FnOnce(S, Context) -> Result<(), Failure> {
    move |settings, context| {
        start(&context, &|name| std::env::var_os(name));
        run(settings, context)
    }
}

/// Starts the thread, where the environment names a pod and a token is mounted. It ends with the process, which never
/// waits for it.
fn start(context: &Context, environment: &dyn Fn(&str) -> Option<OsString>) {
    let Some(pod) = Pod::from_environment(environment) else {
        return tracing::debug!("no events of a pod: POD_NAME, POD_NAMESPACE and POD_UID do not name one");
    };
    let config = match Config::incluster() {
        Ok(config) => config,
        Err(error) => return tracing::debug!(%error, "no events of the pod: the cluster's API is not known"),
    };
    let (conditions, stop) = (context.health.conditions(), Arc::clone(&context.stop));
    let reporter = format!("beamline-{}", context.name);
    let run = move || publish(config, pod, reporter, conditions, &stop, Pace::default());
    if let Err(error) = thread::Builder::new().name("pod-events".to_owned()).spawn(run) {
        tracing::warn!(%error, "no events of the pod");
    }
}
