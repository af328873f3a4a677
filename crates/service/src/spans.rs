//! Spans to a trace collector, which may be away: then they are given up and counted, and nothing waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use measure::TracedAs;
use opentelemetry::{
    Context, KeyValue, TraceId, global,
    trace::{Link, SpanKind},
};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SamplingResult, SdkTracerProvider, ShouldSample, Span,
        SpanData, SpanExporter, SpanProcessor,
    },
};
use opentelemetry_semantic_conventions::resource::{SERVICE_INSTANCE_ID, SERVICE_NAMESPACE, SERVICE_VERSION};

use crate::{Failure, by_service::ByService};

/// Spans that wait for the collector.
const QUEUE_SPANS_MAX: usize = 8192;
const BATCH_SPANS_MAX: usize = 512;
/// How long spans wait for company.
const LINGER: Duration = Duration::from_secs(1);
/// How long the collector may take for a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of the process waits for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// Where a collector takes spans, below its endpoint.
const TRACES_PATH: &str = "v1/traces";

/// Who sends spans, and where to.
#[derive(Debug, Clone)]
pub struct SpanSettings {
    /// The service's name.
    pub service: String,
    /// Which of its processes this is.
    pub instance: String,
    /// Where the collector takes OTLP over HTTP; nothing is sent where absent.
    pub endpoint: Option<String>,
    /// The share of traces that are begun here and kept.
    pub ratio: f64,
}

/// Sends spans until it is dropped.
#[derive(Debug)]
pub struct Spans {
    provider: Option<SdkTracerProvider>,
    traced_as: Option<TracedAs>,
}

impl Spans {
    /// Sends what `opentelemetry::global` traces from now on. Without an endpoint nothing is traced.
    ///
    /// # Errors
    /// For an endpoint that is none.
    pub fn start(settings: &SpanSettings) -> Result<Self, Failure> {
        // A trace that comes along is passed on, whether or not we add to it.
        global::set_text_map_propagator(TraceContextPropagator::new());
        let Some(endpoint) = &settings.endpoint else { return Ok(Self { provider: None, traced_as: None }) };
        let traced_as = TracedAs { service: service_name(&settings.service), instance: settings.instance.clone() };
        let waiting = Arc::new(AtomicUsize::new(0));
        let client = client(endpoint)?;
        let ours = exporter(endpoint, client.clone())?;
        let others = {
            let endpoint = endpoint.clone();
            move |service: &str| {
                let mut exporter = exporter(&endpoint, client.clone()).ok()?;
                exporter.set_resource(&resource(service.to_owned(), None));
                Some(exporter)
            }
        };
        let exporter = Counted { inner: ByService::new(ours, Box::new(others)), waiting: waiting.clone() };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_SPANS_MAX)
            .with_max_export_batch_size(BATCH_SPANS_MAX)
            .with_scheduled_delay(LINGER)
            .build();
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Kept { others: Sampler::TraceIdRatioBased(settings.ratio) })))
            .with_resource(resource(traced_as.service.clone(), Some(&traced_as.instance)))
            .with_span_processor(Bounded { inner: batches, waiting })
            .build();
        global::set_tracer_provider(provider.clone());
        tracing::info!(endpoint, ratio = settings.ratio, "tracing");
        Ok(Self { provider: Some(provider), traced_as: Some(traced_as) })
    }

    /// Who this process is in traces; nothing where none are sent.
    pub fn traced_as(&self) -> Option<TracedAs> {
        self.traced_as.clone()
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown_with_timeout(FLUSH_TIMEOUT)
        {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn client(endpoint: &str) -> Result<reqwest::blocking::Client, Failure> {
    let client = reqwest::blocking::Client::builder().timeout(EXPORT_TIMEOUT);
    let client = match endpoint.split_once("://") {
        Some(("https", _)) => client,
        // Without encryption no authority is needed, and a small container may have none.
        Some(("http", _)) => client.tls_certs_only([]),
        _ => return Err(wrong(endpoint, "must begin with http:// or https://, like http://collector:4318".to_owned())),
    };
    client.build().map_err(|error| wrong(endpoint, format!("cannot be used: {error}")))
}

fn exporter(endpoint: &str, client: reqwest::blocking::Client) -> Result<OtlpExporter, Failure> {
    OtlpExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/{TRACES_PATH}", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| wrong(endpoint, format!("cannot be used: {error}")))
}

fn wrong(endpoint: &str, reason: String) -> Failure {
    Failure::configuration(format!("`{endpoint}` (--otlp-endpoint) {reason}"))
}

/// What a service is called in traces, where `OTEL_SERVICE_NAME` does not say otherwise.
fn service_name(service: &str) -> String {
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => name,
        _ => format!("beamline-{service}"),
    }
}

/// A service, and which of its processes; what `OTEL_RESOURCE_ATTRIBUTES` says of the environment is of both.
fn resource(service: String, instance: Option<&str>) -> Resource {
    Resource::builder()
        .with_attributes([
            KeyValue::new(SERVICE_NAMESPACE, "beamline"),
            KeyValue::new(SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
        ])
        .with_attributes(instance.map(|instance| KeyValue::new(SERVICE_INSTANCE_ID, instance.to_owned())))
        .with_service_name(service)
        .build()
}

/// Keeps traces that say they are to be kept, and a share of the others.
#[derive(Debug, Clone)]
struct Kept {
    others: Sampler,
}

impl ShouldSample for Kept {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let kept = attributes.iter().any(|attribute| attribute.key.as_str() == measure::KEEP_SPAN);
        let sampler = if kept { &Sampler::AlwaysOn } else { &self.others };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Lets no more spans wait than the queue holds, so that every one given up is counted.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE_SPANS_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            measure::SPANS_DROPPED.of(["queue"]).increment(1);
            return;
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts what becomes of the spans that were let in.
#[derive(Debug)]
struct Counted<E> {
    inner: E,
    waiting: Arc<AtomicUsize>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.inner.export(batch).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        match &result {
            Ok(()) => measure::SPANS_EXPORTED.of([]).increment(spans as u64),
            Err(error) => {
                tracing::debug!(%error, spans, "the trace collector did not take spans");
                measure::SPANS_DROPPED.of(["collector"]).increment(spans as u64);
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
