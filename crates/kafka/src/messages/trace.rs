//! Traces: one from the generator's send through every step, for the messages that carry one.
//!
//! Names and attributes follow OpenTelemetry's conventions for messaging. A message without a `traceparent` costs a
//! look for its headers and nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Context, KeyValue,
    global::{self, BoxedTracer},
    trace::{Link, Span, SpanContext, SpanKind, TraceContextExt, Tracer},
};
use rdkafka::message::{Message, OwnedHeaders};
use stage::{TraceId, Traces};

use measure::{BeginTrace, KEEP_SPAN as KEEP};

use crate::messages::{
    hops::{self, Hops, SCOPE},
    times::Times,
    traceparent::{header, parent},
};

/// Links of a batch's span at most.
const LINKS_MAX: usize = 128;

/// Where messages were read from, and by whom.
pub(crate) struct Consumed<'a> {
    pub topic: &'a str,
    pub partition: u32,
    pub group: &'a str,
    pub client_id: &'a str,
}

/// The traces that messages came with, by offset, ascending.
#[derive(Debug, Default)]
pub(crate) struct Parents(Vec<(u64, SpanContext)>);

impl Parents {
    pub(crate) fn of<M: Message>(messages: &[&M]) -> Self {
        let traced = messages.iter().filter_map(|message| Some((message.offset() as u64, parent(*message)?)));
        Self(traced.collect())
    }

    /// Their ids.
    pub(crate) fn traces(&self) -> Traces {
        let id = |parent: &SpanContext| TraceId(u128::from_be_bytes(parent.trace_id().to_bytes()));
        self.0.iter().map(|(offset, parent)| (*offset, id(parent))).collect()
    }

    /// Those of messages from this offset on.
    pub(crate) fn since(mut self, offset: u64) -> Self {
        self.0.drain(..self.0.partition_point(|(of, _)| *of < offset));
        self
    }
}

/// The traced messages of a batch, with the span of each.
#[derive(Default)]
pub(crate) struct Traced {
    /// By offset, ascending: a context with the span of processing it.
    messages: Vec<(u64, Context)>,
    /// The span of the batch as a whole.
    batch: Option<Context>,
    /// What the first message that comes of the batch tells.
    hops: Option<String>,
}

impl Traced {
    /// Begins a span for each message that carries a trace, and one for the batch of so many that links to them.
    pub(crate) fn of(Parents(parents): Parents, messages: usize, by: &Consumed<'_>) -> Self {
        if parents.is_empty() {
            return Self::default();
        }
        let topic = by.topic;
        let tracer = global::tracer(SCOPE);
        let common = || {
            vec![
                KeyValue::new("messaging.system", "kafka"),
                KeyValue::new("messaging.operation.name", "process"),
                KeyValue::new("messaging.operation.type", "process"),
                KeyValue::new("messaging.destination.name", topic.to_owned()),
                KeyValue::new("messaging.destination.partition.id", by.partition.to_string()),
                KeyValue::new("messaging.consumer.group.name", by.group.to_owned()),
                KeyValue::new("messaging.client.id", by.client_id.to_owned()),
            ]
        };
        let mut attributes = common();
        attributes.push(KeyValue::new("messaging.batch.message_count", messages as i64));
        let links: Vec<Link> =
            parents.iter().take(LINKS_MAX).map(|(_, parent)| Link::with_context(parent.clone())).collect();
        let batch = tracer
            .span_builder(format!("poll {topic}"))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .with_links(links)
            .start_with_context(&tracer, &Context::new());
        let batch = Context::new().with_span(batch);
        let link = Link::with_context(batch.span().span_context().clone());
        let messages = parents
            .into_iter()
            .map(|(offset, parent)| {
                let mut attributes = common();
                attributes.push(KeyValue::new("messaging.kafka.offset", offset as i64));
                let context = Context::new().with_remote_span_context(parent);
                let span = tracer
                    .span_builder(format!("process {topic}"))
                    .with_kind(SpanKind::Consumer)
                    .with_attributes(attributes)
                    .with_links(vec![link.clone()])
                    .start_with_context(&tracer, &context);
                // Where nothing is exported the trace still goes through.
                let context = if span.span_context().is_sampled() { context.with_span(span) } else { context };
                (offset, context)
            })
            .collect();
        Self { messages, batch: Some(batch), hops: None }
    }

    /// Has the first message that comes of the batch tell where it has been.
    pub(crate) fn tell(&mut self, hops: String) {
        self.hops = Some(hops);
    }

    /// Begins the trace that each of these events of `topic` is to have, whatever ratio is kept, where it came with none: with
    /// what its hops have told, on the way from the topic `raw`. Where nothing has been told, with the time that it was taken in, which
    /// says at least how long the event had been under way. It goes on with what comes of the event.
    pub(crate) fn begin_for(
        &mut self,
        events: impl Iterator<Item = (u64, TraceId)>,
        (times, hops, begun): (&Times, &Hops, SystemTime),
        (raw, topic): (&str, &str),
    ) {
        let tracer = global::tracer(SCOPE);
        for (position, trace) in events.take(LINKS_MAX) {
            let Err(index) = self.messages.binary_search_by_key(&position, |(offset, _)| *offset) else { continue };
            let taken_in = UNIX_EPOCH + Duration::from_millis(times.of(position).max(0) as u64);
            let _begun_as = Context::new().with_value(BeginTrace(trace.0)).attach();
            let parent = hops.begin_trace(position, taken_in, raw);
            let span = tracer
                .span_builder(format!("anomaly in {topic}"))
                .with_kind(SpanKind::Consumer)
                .with_start_time(if parent.is_some() { begun } else { taken_in })
                .with_attributes(vec![
                    KeyValue::new(KEEP, true),
                    KeyValue::new("messaging.system", "kafka"),
                    KeyValue::new("messaging.destination.name", topic.to_owned()),
                    KeyValue::new("messaging.kafka.offset", position as i64),
                ])
                .start_with_context(&tracer, &parent.unwrap_or_default());
            // Where nothing is exported there is no trace.
            if span.span_context().is_sampled() {
                self.messages.insert(index, (position, Context::new().with_span(span)));
            }
        }
    }

    fn find(&self, position: u64) -> Option<&Context> {
        let index = self.messages.binary_search_by_key(&position, |(offset, _)| *offset).ok()?;
        Some(&self.messages[index].1)
    }

    /// The headers of what comes of a message and goes to `topic`: a span of its own for the send where it is traced, and
    /// what the first is to tell.
    pub(crate) fn headers(&self, position: u64, first: bool, topic: &str, partition: u32) -> Option<OwnedHeaders> {
        let traced = self.find(position).map(|context| header(sent(context, topic, partition)));
        match self.hops.as_deref().filter(|_| first) {
            Some(hops) => Some(hops::tell(traced, hops)),
            None => traced,
        }
    }

    /// The headers of a copy, which gets no span of its own.
    pub(crate) fn carried(&self, position: u64) -> Option<OwnedHeaders> {
        self.find(position).map(|context| header(context.span().span_context().clone()))
    }

    /// The trace that a message belongs to.
    pub(crate) fn trace_id(&self, position: u64) -> Option<String> {
        self.find(position).map(|context| context.span().span_context().trace_id().to_string())
    }

    /// Ends the spans.
    pub(crate) fn end(self) {
        for (_, context) in &self.messages {
            context.span().end();
        }
        if let Some(batch) = self.batch {
            batch.span().end();
        }
    }
}

/// What a message carries that comes of one with this trace: the span of the send, and where nothing is exported the trace
/// as it was.
fn sent(parent: &Context, topic: &str, partition: u32) -> SpanContext {
    let sent = send(&global::tracer(SCOPE), parent, topic, partition);
    if sent.is_sampled() { sent } else { parent.span().span_context().clone() }
}

/// The span of a send. One that begins a trace was chosen: nobody is to choose among the chosen ones again.
fn send(tracer: &BoxedTracer, parent: &Context, topic: &str, partition: u32) -> SpanContext {
    let mut span = tracer
        .span_builder(format!("send {topic}"))
        .with_kind(SpanKind::Producer)
        .with_attributes(vec![
            KeyValue::new("messaging.system", "kafka"),
            KeyValue::new("messaging.operation.name", "send"),
            KeyValue::new("messaging.operation.type", "send"),
            KeyValue::new("messaging.destination.name", topic.to_owned()),
            KeyValue::new("messaging.destination.partition.id", partition.to_string()),
            KeyValue::new(KEEP, true),
        ])
        .start_with_context(tracer, parent);
    let context = span.span_context().clone();
    span.end();
    context
}

/// Decides at the head of the pipeline which events are traced: evenly, one in so many by position, so that it costs
/// nothing for the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    every: Option<u64>,
}

impl Sampling {
    /// Of `ratio` of the events.
    pub(crate) fn of(ratio: f64) -> Self {
        Self { every: (ratio > 0.0).then(|| (1.0 / ratio.min(1.0)).round() as u64) }
    }

    /// Whether any event is sampled.
    pub(crate) fn is_on(self) -> bool {
        self.every.is_some()
    }

    /// The headers of an event at `position` that came with no trace: the beginning of its own, where it is sampled.
    pub(crate) fn headers(
        self,
        position: u64,
        trace: impl FnOnce() -> TraceId,
        topic: &str,
        partition: u32,
    ) -> Option<OwnedHeaders> {
        self.every.filter(|every| position.is_multiple_of(*every))?;
        let _begun_as = Context::new().with_value(BeginTrace(trace().0)).attach();
        let context = send(&global::tracer(SCOPE), &Context::new(), topic, partition);
        (context.is_valid() && context.is_sampled()).then(|| header(context))
    }
}

/// The headers of what comes of a message of somebody else's trace: it goes on with it.
pub(crate) fn joined(parent: SpanContext, topic: &str, partition: u32) -> OwnedHeaders {
    header(sent(&Context::new().with_remote_span_context(parent), topic, partition))
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        SpanId, TraceFlags,
        trace::{TraceId as Id, TraceState},
    };
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

    use super::*;

    fn traced(offset: u64, id: u128) -> (u64, SpanContext) {
        let (trace, span) = (Id::from(id), SpanId::from(7_u64));
        (offset, SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE))
    }

    #[test]
    fn the_traces_of_messages_are_known_by_offset() {
        let parents = Parents(vec![traced(3, 0xa), traced(9, 0xb)]);
        let traces = parents.traces();
        assert_eq!([3, 4, 9].map(|offset| traces.of(offset)), [Some(TraceId(0xa)), None, Some(TraceId(0xb))]);
        let live = parents.since(4);
        assert_eq!(live.0.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [9]);
    }

    /// What is stored must not depend on whether a service on the way sends traces: the next one goes by the header.
    #[test]
    fn a_trace_goes_through_a_service_that_keeps_none() {
        let off = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        let consumed = Consumed { topic: "t", partition: 0, group: "g", client_id: "c" };
        let headers = || {
            let traced = Traced::of(Parents(vec![traced(3, 0xa)]), 1, &consumed);
            let sent = traced.headers(3, false, "u", 0).unwrap();
            [sent, traced.carried(3).unwrap(), joined(self::traced(3, 0xa).1, "u", 0)]
        };
        let before = headers();
        global::set_tracer_provider(off);
        for headers in [before, headers()].concat() {
            let carried = crate::messages::traceparent::carried(&headers).unwrap();
            assert_eq!((carried.trace_id(), carried.is_sampled()), (Id::from(0xa), true));
        }
    }
}
