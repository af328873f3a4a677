//! The headers that carry a trace from message to message, as OpenTelemetry's `TraceContextPropagator` reads and writes
//! them (W3C Trace Context).

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

/// The header that names the trace and the span.
const TRACEPARENT: &str = "traceparent";
/// The lengths of its parts. The propagator takes shorter ones too.
const PART_LENGTHS: [usize; 4] = [2, 32, 16, 2];

/// The trace that a message carries, where it is sampled.
pub(crate) fn parent<M: Message>(message: &M) -> Option<SpanContext> {
    read(&Carried(message.headers()?)).filter(SpanContext::is_sampled)
}

/// The headers that carry a trace on.
pub(crate) fn header(context: SpanContext) -> OwnedHeaders {
    let mut carrier = Carrier(OwnedHeaders::new_with_capacity(1));
    TraceContextPropagator::new().inject_context(&Context::new().with_remote_span_context(context), &mut carrier);
    carrier.0
}

/// The trace that headers carry.
#[cfg(test)]
pub(crate) fn carried(headers: &OwnedHeaders) -> Option<SpanContext> {
    read(&Carried(headers))
}

fn read(carried: &dyn Extractor) -> Option<SpanContext> {
    let text = carried.get(TRACEPARENT)?;
    if !text.split('-').map(str::len).take(PART_LENGTHS.len()).eq(PART_LENGTHS) {
        return None;
    }
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), carried);
    Some(context.span().span_context().clone()).filter(SpanContext::is_valid)
}

/// Headers that are read.
struct Carried<'a, H>(&'a H);

impl<H: Headers> Extractor for Carried<'_, H> {
    fn get(&self, key: &str) -> Option<&str> {
        let header = self.0.iter().find(|header| header.key == key)?;
        std::str::from_utf8(header.value?).ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|header| header.key).collect()
    }
}

/// Headers that are written.
struct Carrier(OwnedHeaders);

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        // A trace without a state of its own gets no header for it.
        if !value.is_empty() {
            let headers = std::mem::take(&mut self.0);
            self.0 = headers.insert(Header { key, value: Some(&value) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<SpanContext> {
        read(&Carried(&OwnedHeaders::new().insert(Header { key: TRACEPARENT, value: Some(text) })))
    }

    #[test]
    fn reads_what_other_tracers_write() {
        let context = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context.is_sampled());
        for wrong in ["", "00-4bf9-00f0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "junk"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_trace_is_written_as_it_was_read_with_its_state() {
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for state in [None, Some("vendor=1")] {
            let mut headers = OwnedHeaders::new().insert(Header { key: TRACEPARENT, value: Some(traceparent) });
            if let Some(state) = state {
                headers = headers.insert(Header { key: "tracestate", value: Some(state) });
            }
            let written = header(read(&Carried(&headers)).unwrap());
            assert_eq!(Carried(&written).get(TRACEPARENT), Some(traceparent));
            assert_eq!(Carried(&written).get("tracestate"), state);
            assert_eq!(written.count(), if state.is_some() { 2 } else { 1 });
        }
    }
}
