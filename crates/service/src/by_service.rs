//! Spans that one service tells for others: each goes out under the name of the service that it is of.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

/// Services that are told for at most: their names come with messages. Spans of others go out as ours.
const SERVICES_MAX: usize = 8;

/// Makes the exporter of a service of this name.
type Make = Box<dyn Fn(&str) -> Option<OtlpExporter> + Send + Sync>;

/// Exports spans as the service that they say they are of.
pub(crate) struct ByService {
    ours: OtlpExporter,
    make: Make,
    others: Mutex<BTreeMap<String, Arc<OtlpExporter>>>,
}

impl std::fmt::Debug for ByService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByService").field("ours", &self.ours).finish_non_exhaustive()
    }
}

impl ByService {
    /// Spans that say nothing go to `ours`, those of others to what `make` makes.
    pub(crate) fn new(ours: OtlpExporter, make: Make) -> Self {
        Self { ours, make, others: Mutex::default() }
    }

    fn other(&self, service: &str) -> Option<Arc<OtlpExporter>> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = others.len() >= SERVICES_MAX;
        match others.entry(service.to_owned()) {
            Entry::Occupied(other) => Some(other.get().clone()),
            Entry::Vacant(_) if is_full => None,
            Entry::Vacant(place) => Some(place.insert(Arc::new((self.make)(service)?)).clone()),
        }
    }
}

impl SpanExporter for ByService {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (mut ours, mut others) = (Vec::new(), BTreeMap::<String, Vec<SpanData>>::new());
        for span in batch {
            match service_of(&span) {
                None => ours.push(span),
                Some(service) => others.entry(service).or_default().push(span),
            }
        }
        for (service, spans) in others {
            match self.other(&service) {
                Some(other) => other.export(spans).await?,
                None => ours.extend(spans),
            }
        }
        if ours.is_empty() { Ok(()) } else { self.ours.export(ours).await }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.ours.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.ours.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.ours.set_resource(resource);
    }
}

/// The service that a span is told for.
fn service_of(span: &SpanData) -> Option<String> {
    let said = span.attributes.iter().find(|attribute| attribute.key.as_str() == measure::SPAN_OF)?;
    Some(said.value.as_str().into_owned())
}
