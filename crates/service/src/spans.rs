//! Spans to a trace collector, which may be away: then they are given up and counted, and nothing waits.

use std::{
    fs,
    path::Path,
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

use crate::{
    Failure,
    by_service::ByService,
    otel::{self, Sampling, Sending},
    settings::Environment,
    trace_ids::TraceIds,
    zipped::Client,
};

/// How long the end of the process waits for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

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
    /// Sends what `opentelemetry::global` traces from now on. Without an endpoint nothing is traced. OpenTelemetry's own
    /// variables are taken from `environment`.
    ///
    /// # Errors
    /// For an endpoint that cannot be used, and for variables that cannot be obeyed.
    pub fn start(settings: &SpanSettings, environment: Environment<'_>) -> Result<Self, Failure> {
        // A trace that comes along is passed on, whether or not we add to it.
        global::set_text_map_propagator(TraceContextPropagator::new());
        let sending = otel::read(environment, settings.endpoint.as_deref(), settings.ratio)?;
        let Some(sending) = sending else { return Ok(Self { provider: None, traced_as: None }) };
        let traced_as = TracedAs { service: service_name(&settings.service), instance: settings.instance.clone() };
        let waiting = Arc::new(AtomicUsize::new(0));
        let client = client(&sending)?;
        let ours = exporter(&sending, client.clone())?;
        let others = {
            let sending = sending.clone();
            move |service: &str| {
                let mut exporter = exporter(&sending, client.clone()).ok()?;
                exporter.set_resource(&resource(service.to_owned(), None));
                Some(exporter)
            }
        };
        let exporter = Counted { inner: ByService::new(ours, Box::new(others)), waiting: waiting.clone() };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(sending.queue)
            .with_max_export_batch_size(sending.batch)
            .with_scheduled_delay(sending.linger)
            .build();
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler(sending.sampling))
            .with_id_generator(TraceIds::default())
            .with_resource(resource(traced_as.service.clone(), Some(&traced_as.instance)))
            .with_span_processor(Bounded { inner: batches, waiting, queue: sending.queue })
            .build();
        global::set_tracer_provider(provider.clone());
        tracing::info!(endpoint = sending.address, share = sending.sampling.share.unwrap_or_default(), "tracing");
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

fn client(sending: &Sending) -> Result<Client, Failure> {
    let mut client = reqwest::blocking::Client::builder().timeout(sending.timeout);
    if let Some(path) = &sending.certificate {
        let authorities = reqwest::Certificate::from_pem_bundle(&pem(path)?);
        client = client.tls_certs_only(authorities.map_err(|error| not_pem(path, &error))?);
    } else if sending.address.starts_with("http://") {
        // Without encryption no authority is needed, and a small container may have none.
        client = client.tls_certs_only([]);
    }
    if let Some((certificate, key)) = &sending.identity {
        let both = [pem(certificate)?, pem(key)?].join(&b'\n');
        client = client.identity(reqwest::Identity::from_pem(&both).map_err(|error| not_pem(certificate, &error))?);
    }
    let inner = client.build().map_err(|error| wrong(&sending.address, &error))?;
    Ok(Client { inner, gzip: sending.gzip })
}

fn pem(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        let path = path.display();
        Failure::configuration(format!(
            "cannot read {path}, which OTEL_EXPORTER_OTLP_*CERTIFICATE or _KEY names: {error}"
        ))
    })
}

fn not_pem(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::configuration(format!("{} cannot be used as a certificate and key in PEM: {error}", path.display()))
}

fn exporter(sending: &Sending, client: Client) -> Result<OtlpExporter, Failure> {
    OtlpExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(sending.address.clone())
        .with_timeout(sending.timeout)
        .build()
        .map_err(|error| wrong(&sending.address, &error))
}

fn wrong(address: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::configuration(format!("traces cannot be sent to `{address}`: {error}"))
}

/// Which traces are kept. Those of anomalies are, unless none is to be.
fn sampler(sampling: Sampling) -> Box<dyn ShouldSample> {
    let begun_here: Box<dyn ShouldSample> = match sampling.share {
        Some(share) => Box::new(Kept { others: Sampler::TraceIdRatioBased(share) }),
        None => Box::new(Sampler::AlwaysOff),
    };
    if sampling.by_parent { Box::new(Sampler::ParentBased(begun_here)) } else { begun_here }
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
    /// Spans that the queue holds.
    queue: usize,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
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
