//! Kubernetes, as far as the autoscaler touches it: Deployments, their scale, and events about them.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::ObjectReference};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use serde_json::json;

use crate::error::AutoscalerError;

/// A Deployment as it is.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Replicas that are wanted.
    pub(crate) replicas: u32,
    /// Pods that are ready, all of them of the newest version; 0 while there are others.
    pub(crate) ready: u32,
    reference: ObjectReference,
}

/// The Deployments of a namespace.
#[derive(Clone)]
pub(crate) struct Cluster {
    deployments: Api<Deployment>,
    recorder: Recorder,
}

impl Cluster {
    pub(crate) fn new(client: Client, namespace: &str, instance: &str) -> Self {
        let reporter = Reporter { controller: "beamline-autoscaler".to_owned(), instance: Some(instance.to_owned()) };
        Self { deployments: Api::namespaced(client.clone(), namespace), recorder: Recorder::new(client, reporter) }
    }

    /// A Deployment as it is.
    pub(crate) async fn look(&self, name: &str) -> Result<Seen, AutoscalerError> {
        let found = self.deployments.get(name).await;
        let deployment = found.map_err(AutoscalerError::asking(format!("looking at deployment {name}")))?;
        Ok(seen(&deployment))
    }

    /// Asks for so many replicas.
    pub(crate) async fn scale(&self, name: &str, to: u32) -> Result<(), AutoscalerError> {
        let patch = Patch::Merge(json!({ "spec": { "replicas": to } }));
        let patched = self.deployments.patch_scale(name, &PatchParams::default(), &patch).await;
        patched.map(drop).map_err(AutoscalerError::asking(format!("scaling deployment {name} to {to}")))
    }

    /// Says at the Deployment what was done and why.
    pub(crate) async fn tell(&self, about: &Seen, note: String, is_up: bool) -> Result<(), AutoscalerError> {
        let event = Event {
            type_: EventType::Normal,
            reason: if is_up { "ScaledUp".to_owned() } else { "ScaledDown".to_owned() },
            note: Some(note),
            action: "Scale".to_owned(),
            secondary: None,
        };
        let published = self.recorder.publish(&event, &about.reference).await;
        published.map_err(AutoscalerError::asking("publishing an event"))
    }
}

fn seen(deployment: &Deployment) -> Seen {
    let spec = deployment.spec.as_ref();
    let status = deployment.status.clone().unwrap_or_default();
    let count = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    let observed = status.observed_generation.unwrap_or(0) >= deployment.metadata.generation.unwrap_or(0);
    let (total, updated, ready) =
        (count(status.replicas), count(status.updated_replicas), count(status.ready_replicas));
    Seen {
        replicas: spec.and_then(|spec| spec.replicas).map_or(1, |replicas| count(Some(replicas))),
        ready: if observed && total == updated { ready } else { 0 },
        reference: deployment.object_ref(&()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(generation: i64, status: serde_json::Value) -> Seen {
        let text = json!({
            "metadata": { "name": "d", "namespace": "n", "generation": generation },
            "spec": { "replicas": 2, "selector": {}, "template": {} },
            "status": status,
        });
        seen(&serde_json::from_value(text).unwrap())
    }

    #[test]
    fn pods_count_once_all_are_new() {
        let new = json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2 });
        assert_eq!(deployment(3, new.clone()).ready, 2);
        assert_eq!(deployment(4, new).ready, 0, "the controller has not seen the change yet");
        let rolling = json!({ "observedGeneration": 3, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 2 });
        assert_eq!(deployment(3, rolling).ready, 0);
        let seen = deployment(0, json!({}));
        assert_eq!((seen.replicas, seen.ready), (2, 0));
        assert_eq!(seen.reference.kind.as_deref(), Some("Deployment"));
    }
}
