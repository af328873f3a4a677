//! The variables that OpenTelemetry defines for every program that sends traces
//! (OpenTelemetry specification 1.50, "Environment Variable Specification" and "OTLP Exporter"). Each is obeyed or
//! refused by its name: one that is passed over in silence is found only when a trace is missed.

use std::{path::PathBuf, time::Duration};

use crate::{Failure, settings::Environment};

/// Spans that wait for the collector, where nothing else is said.
const QUEUE_SPANS: usize = 8192;
/// Spans that may wait at most, whatever is said: about 64 MB.
const QUEUE_SPANS_MAX: usize = 65_536;
/// Spans that are sent together, where nothing else is said.
const BATCH_SPANS: usize = 512;
/// How long spans wait for company, where nothing else is said.
const LINGER: Duration = Duration::from_secs(1);
/// How long the collector may take for a batch, where nothing else is said.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait that can be asked for.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Where a collector takes spans, below its endpoint.
const TRACES_PATH: &str = "v1/traces";

/// How traces are sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sending {
    /// The address that spans are posted to.
    pub(crate) address: String,
    /// Authorities to trust in place of the system's, in PEM.
    pub(crate) certificate: Option<PathBuf>,
    /// Our own certificate and its key, in PEM.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// How long the collector may take for a batch.
    pub(crate) timeout: Duration,
    /// Whether what is sent is compressed with gzip.
    pub(crate) gzip: bool,
    /// Which traces are kept.
    pub(crate) sampling: Sampling,
    /// Spans that wait for the collector.
    pub(crate) queue: usize,
    /// Spans that are sent together.
    pub(crate) batch: usize,
    /// How long spans wait for company.
    pub(crate) linger: Duration,
}

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampling {
    /// Whether a trace that comes along keeps the decision that was made where it began.
    pub(crate) by_parent: bool,
    /// The share of the traces that are begun here; none at all where absent, those of anomalies included.
    pub(crate) share: Option<f64>,
}

/// Reads the variables. `endpoint` and `share` are what our own settings say. Gives nothing where nothing is to be sent.
///
/// # Errors
/// Every variable that cannot be obeyed, by its name.
pub(crate) fn read(
    environment: Environment<'_>,
    endpoint: Option<&str>,
    share: f64,
) -> Result<Option<Sending>, Failure> {
    let mut reader = Reader { environment, wrong: Vec::new() };
    let sending = reader.sending(endpoint, share);
    let wrong = reader.wrong.into_iter().map(Failure::configuration).collect();
    Failure::all(wrong).map(|()| sending)
}

struct Reader<'a> {
    environment: Environment<'a>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn sending(&mut self, endpoint: Option<&str>, share: f64) -> Option<Sending> {
        let disabled = self.one_of("OTEL_SDK_DISABLED", &["true", "false"]).is_some_and(|word| word == "true");
        let exporter = self.one_of("OTEL_TRACES_EXPORTER", &["otlp", "none"]);
        self.propagators();
        let sampling = self.sampling(share);
        self.for_traces("PROTOCOL", |reader, name| reader.one_of(name, &["http/protobuf"]));
        let gzip = self.for_traces("COMPRESSION", |reader, name| reader.one_of(name, &["gzip", "none"]));
        let timeout = self.for_traces("TIMEOUT", Self::wait).unwrap_or(EXPORT_TIMEOUT);
        let timeout = self.wait("OTEL_BSP_EXPORT_TIMEOUT").map_or(timeout, |limit| limit.min(timeout));
        let certificate = self.for_traces("CERTIFICATE", Self::file);
        let keys = [self.for_traces("CLIENT_CERTIFICATE", Self::file), self.for_traces("CLIENT_KEY", Self::file)];
        let queue = self.count("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE_SPANS_MAX).unwrap_or(QUEUE_SPANS);
        let batch = self.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", queue).unwrap_or(BATCH_SPANS.min(queue));
        let linger = self.wait("OTEL_BSP_SCHEDULE_DELAY").unwrap_or(LINGER);
        self.one_of("OTEL_BSP_MAX_CONCURRENT_EXPORTS", &["1"]);
        let identity = match keys {
            [Some(certificate), Some(key)] => Some((certificate, key)),
            [None, None] => None,
            _ => {
                self.refuse(
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                    "needs OTEL_EXPORTER_OTLP_CLIENT_KEY, and the other way round",
                );
                None
            }
        };
        let of_traces = self.value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        if let Some(address) = of_traces.as_deref().filter(|address| !is_address(address)) {
            self.refuse(
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                &format!("is `{address}`, and must be like http://collector:4318/v1/traces, without credentials"),
            );
        }
        let below = |endpoint: &str| format!("{}/{TRACES_PATH}", endpoint.trim_end_matches('/'));
        let address =
            of_traces.or_else(|| endpoint.map(below)).filter(|_| !disabled && exporter.as_deref() != Some("none"))?;
        let gzip = gzip.as_deref() == Some("gzip");
        Some(Sending { address, certificate, identity, timeout, gzip, sampling, queue, batch, linger })
    }

    /// What a variable says; an empty one says nothing.
    fn value(&mut self, name: &str) -> Option<String> {
        let value = (self.environment)(name).filter(|value| !value.is_empty())?;
        let text = value.into_string();
        if text.is_err() {
            self.refuse(name, "is not UTF-8");
        }
        text.ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn refuse(&mut self, name: &str, why: &str) {
        self.wrong.push(format!("{name} {why}"));
    }

    /// What the variable for traces says, or else the one for all signals.
    fn for_traces<T>(&mut self, end: &str, read: impl Fn(&mut Self, &str) -> Option<T>) -> Option<T> {
        let of_traces = read(self, &format!("OTEL_EXPORTER_OTLP_TRACES_{end}"));
        let of_all = read(self, &format!("OTEL_EXPORTER_OTLP_{end}"));
        of_traces.or(of_all)
    }

    fn one_of(&mut self, name: &str, known: &[&str]) -> Option<String> {
        let value = self.value(name)?.to_ascii_lowercase();
        if !known.contains(&value.as_str()) {
            self.refuse(name, &format!("is `{value}`; only {} can be obeyed", known.join(" and ")));
            return None;
        }
        Some(value)
    }

    /// Milliseconds.
    fn wait(&mut self, name: &str) -> Option<Duration> {
        let value = self.value(name)?;
        match value.parse().map(Duration::from_millis) {
            Ok(wait) if !wait.is_zero() && wait <= WAIT_MAX => Some(wait),
            _ => {
                self.refuse(
                    name,
                    &format!("is `{value}`, and must be milliseconds from 1 to {}", WAIT_MAX.as_millis()),
                );
                None
            }
        }
    }

    fn count(&mut self, name: &str, most: usize) -> Option<usize> {
        let value = self.value(name)?;
        match value.parse() {
            Ok(count) if (1..=most).contains(&count) => Some(count),
            _ => {
                self.refuse(name, &format!("is `{value}`, and must be a number of spans from 1 to {most}"));
                None
            }
        }
    }

    fn file(&mut self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }

    /// W3C trace context is what messages carry. Baggage, which most set along with it, we have none of.
    fn propagators(&mut self) {
        let name = "OTEL_PROPAGATORS";
        let Some(value) = self.value(name) else { return };
        let odd = value.split(',').map(str::trim).find(|word| !["tracecontext", "baggage"].contains(word));
        if let Some(odd) = odd {
            self.refuse(name, &format!("has `{odd}`; only tracecontext can be obeyed"));
        }
    }

    fn sampling(&mut self, share: f64) -> Sampling {
        let names = ["always_on", "always_off", "traceidratio"];
        let by_parent = names.map(|name| format!("parentbased_{name}"));
        let known: Vec<&str> = names.into_iter().chain(by_parent.iter().map(String::as_str)).collect();
        let sampler = self.one_of("OTEL_TRACES_SAMPLER", &known);
        let argument = self.value("OTEL_TRACES_SAMPLER_ARG");
        let Some(sampler) = sampler else { return Sampling { by_parent: true, share: Some(share) } };
        let (by_parent, sampler) = match sampler.strip_prefix("parentbased_") {
            Some(sampler) => (true, sampler),
            None => (false, sampler.as_str()),
        };
        let share = match sampler {
            "always_on" => Some(1.0),
            "always_off" => None,
            _ => {
                let ratio = argument.as_deref().map_or(Some(1.0), |ratio| ratio.parse().ok());
                let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
                if ratio.is_none() {
                    let value = argument.unwrap_or_default();
                    self.refuse("OTEL_TRACES_SAMPLER_ARG", &format!("is `{value}`, and must be a share from 0 to 1"));
                }
                ratio
            }
        };
        Sampling { by_parent, share }
    }
}

fn is_address(address: &str) -> bool {
    matches!(address.split_once("://"), Some(("http" | "https", rest)) if !rest.is_empty() && !rest.contains('@'))
}

#[cfg(test)]
mod tests;
