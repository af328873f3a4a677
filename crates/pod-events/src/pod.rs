//! The pod that a process runs in.

use std::ffi::OsString;

use k8s_openapi::api::core::v1::ObjectReference;

/// The pod that a process runs in, as the downward API names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid: without it `kubectl describe` does not count an event as one of the pod.
    pub uid: String,
}

impl Pod {
    /// What `POD_NAME`, `POD_NAMESPACE` and `POD_UID` say; nothing where one of them is missing or empty.
    pub(crate) fn from_environment(environment: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |name| environment(name)?.into_string().ok().filter(|text| !text.is_empty());
        Some(Self { name: text("POD_NAME")?, namespace: text("POD_NAMESPACE")?, uid: text("POD_UID")? })
    }

    /// What an event is about.
    pub(crate) fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectReference::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_needs_all_three_variables() {
        let named = |names: &'static [&str]| {
            Pod::from_environment(&move |name| names.contains(&name).then(|| OsString::from(name.to_lowercase())))
        };
        let pod = Pod { name: "pod_name".into(), namespace: "pod_namespace".into(), uid: "pod_uid".into() };
        assert_eq!(named(&["POD_NAME", "POD_NAMESPACE", "POD_UID"]), Some(pod));
        assert_eq!(named(&["POD_NAME", "POD_NAMESPACE"]), None);
        assert_eq!(Pod::from_environment(&|_| Some(OsString::new())), None);
    }
}
