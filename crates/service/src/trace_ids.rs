//! The ids of traces: whoever begins one may say which it has, so that it is found by what was stored.

use measure::BeginTrace;
use opentelemetry::{Context, SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// Gives a new trace the id that the current context says, and else a random one.
#[derive(Debug, Default)]
pub(crate) struct TraceIds(RandomIdGenerator);

impl IdGenerator for TraceIds {
    fn new_trace_id(&self) -> TraceId {
        let said = Context::map_current(|context| context.get::<BeginTrace>().copied());
        said.map_or_else(|| self.0.new_trace_id(), |BeginTrace(id)| TraceId::from(id))
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span, Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    #[test]
    fn a_trace_has_the_id_that_was_said_and_its_children_too() {
        let provider = SdkTracerProvider::builder().with_id_generator(TraceIds::default()).build();
        let tracer = provider.tracer("t");
        let root = |of: &Context| tracer.start_with_context("root", of).span_context().clone();
        let said = {
            let _said = Context::new().with_value(BeginTrace(0xabc)).attach();
            root(&Context::new())
        };
        assert_eq!(said.trace_id(), TraceId::from(0xabc));
        let drawn = root(&Context::new()).trace_id();
        assert_ne!(drawn, said.trace_id());
        let _said = Context::new().with_value(BeginTrace(0xdef)).attach();
        let parent = opentelemetry::trace::TraceContextExt::with_remote_span_context(&Context::new(), said);
        assert_eq!(root(&parent).trace_id(), TraceId::from(0xabc), "a trace that goes on keeps its id");
    }
}
