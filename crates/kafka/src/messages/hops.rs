//! Where messages have been: told once a batch, for traces that begin later.
//!
//! Whether an event is anomalous is known when it has been scored. The services that it came through cannot be asked for
//! its spans then, and spans of every event would cost more than the events. So the first message of a batch says in a
//! header who had the batch and when, for all that follow it, and whoever begins a trace tells these spans for them.
//! A message of somebody who says nothing is taken for one of the batch before it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use measure::TracedAs;
use opentelemetry::{
    Context, KeyValue,
    global::{self, BoxedTracer},
    trace::{Span, SpanKind, TraceContextExt, Tracer},
};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

/// The name of our instrumentation.
pub(crate) const SCOPE: &str = "beamline";
/// The header that says where a batch has been.
const HEADER: &str = "beamline-hops";
/// What is believed of it at most.
const HOPS_MAX: usize = 4;
const BYTES_MAX: usize = 1024;

/// What was done with messages on a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// A generator sent them.
    Send,
    /// A step took them and sent what came of them.
    Process,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Process => "process",
        }
    }
}

/// A service that had messages, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hop {
    operation: Operation,
    by: TracedAs,
    begun: SystemTime,
    ended: SystemTime,
}

impl Hop {
    /// Operation, service, instance, and the times in microseconds since 1970.
    fn text(&self) -> String {
        let word = |text: &str| text.replace([' ', ';'], "_");
        let (service, instance) = (word(&self.by.service), word(&self.by.instance));
        let micros = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        format!("{} {service} {instance} {} {}", self.operation.name(), micros(self.begun), micros(self.ended))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let operation = match words.next()? {
            "send" => Operation::Send,
            "process" => Operation::Process,
            _ => return None,
        };
        let by = TracedAs { service: words.next()?.to_owned(), instance: words.next()?.to_owned() };
        let mut time = || UNIX_EPOCH.checked_add(Duration::from_micros(words.next()?.parse().ok()?));
        Some(Self { operation, by, begun: time()?, ended: time()? })
    }

    /// Its span, told for the service that it is of. A send was over when the event was taken in.
    fn told(&self, tracer: &BoxedTracer, parent: &Context, taken_in: SystemTime, topic: &str) -> Context {
        let (kind, begun, ended) = match self.operation {
            Operation::Send => (SpanKind::Producer, taken_in, taken_in),
            Operation::Process => (SpanKind::Consumer, self.begun, self.ended),
        };
        let name = self.operation.name();
        let mut span = tracer
            .span_builder(format!("{name} {topic}"))
            .with_kind(kind)
            .with_start_time(begun)
            .with_attributes(vec![
                KeyValue::new(measure::KEEP_SPAN, true),
                KeyValue::new(measure::SPAN_OF, self.by.service.clone()),
                KeyValue::new("service.instance.id", self.by.instance.clone()),
                KeyValue::new("messaging.system", "kafka"),
                KeyValue::new("messaging.operation.name", name),
                KeyValue::new("messaging.operation.type", name),
                KeyValue::new("messaging.destination.name", topic.to_owned()),
            ])
            .start_with_context(tracer, parent);
        let context = Context::new().with_remote_span_context(span.span_context().clone());
        span.end_with_timestamp(ended);
        context
    }
}

/// What the messages of a partition have told.
#[derive(Debug, Default)]
pub(crate) struct Hops {
    /// By the offset from which each holds, ascending.
    told: Vec<(u64, String)>,
}

impl Hops {
    /// Takes note of what messages tell, which come behind those seen before.
    pub(crate) fn see<M: Message>(&mut self, messages: &[&M]) {
        // Of what was told before, only the last still holds.
        self.told.drain(..self.told.len().saturating_sub(1));
        let told = messages.iter().filter_map(|message| Some((message.offset() as u64, header_of(*message)?)));
        self.told.extend(told);
    }

    fn of(&self, position: u64) -> &str {
        let index = self.told.partition_point(|(since, _)| *since <= position);
        index.checked_sub(1).map_or("", |index| &self.told[index].1)
    }

    /// Begins the trace of the message at `position`: with the spans of its hops, the last of which is the parent of what
    /// follows; nothing where it has told of none.
    pub(crate) fn begin_trace(&self, position: u64, taken_in: SystemTime, topic: &str) -> Option<Context> {
        let tracer = global::tracer(SCOPE);
        let hops = self.of(position).split(';').filter_map(Hop::parse).take(HOPS_MAX);
        hops.fold(None, |parent: Option<Context>, hop| {
            Some(hop.told(&tracer, &parent.unwrap_or_default(), taken_in, topic))
        })
    }

    /// What the first of the messages that come of the one at `position` and its successors is to tell: they have been
    /// processed from `begun` until now.
    pub(crate) fn processed(&self, position: u64, by: &TracedAs, begun: SystemTime) -> String {
        let ended = SystemTime::now();
        let ours = Hop { operation: Operation::Process, by: by.clone(), begun, ended }.text();
        match self.of(position) {
            "" => ours,
            before => format!("{before};{ours}"),
        }
    }
}

/// What the first of the messages is to tell that are sent now and come from no other message.
pub(crate) fn sent(by: &TracedAs) -> String {
    let now = SystemTime::now();
    Hop { operation: Operation::Send, by: by.clone(), begun: now, ended: now }.text()
}

/// Headers with what the first message of a batch tells.
pub(crate) fn tell(headers: Option<OwnedHeaders>, hops: &str) -> OwnedHeaders {
    let headers = headers.unwrap_or_else(|| OwnedHeaders::new_with_capacity(1));
    headers.insert(Header { key: HEADER, value: Some(hops) })
}

fn header_of<M: Message>(message: &M) -> Option<String> {
    let value = message.headers()?.iter().find(|header| header.key == HEADER)?.value?;
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= BYTES_MAX)?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(service: &str) -> TracedAs {
        TracedAs { service: service.to_owned(), instance: "pod 7".to_owned() }
    }

    #[test]
    fn a_hop_is_read_as_it_was_written() {
        let begun = UNIX_EPOCH + Duration::from_micros(1_764_360_000_123_456);
        let text = Hops::default().processed(0, &by("enricher"), begun);
        let hop = Hop::parse(&text).unwrap();
        assert_eq!((hop.operation, hop.begun), (Operation::Process, begun));
        assert_eq!((hop.by.service.as_str(), hop.by.instance.as_str()), ("enricher", "pod_7"));
        assert!(hop.ended > begun);
    }

    #[test]
    fn what_is_no_hop_is_left_out() {
        for text in [
            "",
            "send",
            "send a b 1",
            "send a b 1 x",
            "send a b 1 -2",
            "eat a b 1 2",
            "send a b 1 99999999999999999999",
        ] {
            assert_eq!(Hop::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_told_holds_until_something_else_is() {
        let mut hops = Hops { told: vec![(3, "a".to_owned()), (7, "b".to_owned())] };
        assert_eq!([2, 3, 6, 7, 9].map(|position| hops.of(position).to_owned()), ["", "a", "a", "b", "b"]);
        assert!(hops.processed(8, &by("x"), UNIX_EPOCH).starts_with("b;process x pod_7 0 "));
        assert!(sent(&by("x")).starts_with("send x pod_7 "));
        hops.see::<rdkafka::message::OwnedMessage>(&[]);
        assert_eq!(hops.of(9), "b");
        assert_eq!(hops.told.len(), 1);
    }
}
