//! Traces that end in a store: the last span of each goes from reading a message until the store has it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::SystemTime,
};

use opentelemetry::{
    Context, KeyValue, global,
    trace::{Span, SpanContext, SpanKind, TraceContextExt, Tracer},
};
use rdkafka::message::{BorrowedMessage, Message};

use crate::messages::{hops::SCOPE, traceparent::parent};

/// Traced messages of a partition that wait for the store; older ones are forgotten.
const WAITING_MAX: usize = 1024;

/// Traced messages that have been read and are not stored yet.
#[derive(Default)]
pub(crate) struct Arrivals {
    /// What the spans call the store.
    store: String,
    /// By topic and partition, in the order of offsets.
    waiting: BTreeMap<(String, u32), VecDeque<Arrival>>,
}

struct Arrival {
    offset: u64,
    trace: SpanContext,
    read: SystemTime,
}

impl Arrivals {
    pub(crate) fn at(store: &str) -> Self {
        Self { store: store.to_owned(), waiting: BTreeMap::new() }
    }

    /// Notes the messages that carry a trace.
    pub(crate) fn read(&mut self, topic: &str, partition: u32, messages: &[&BorrowedMessage<'_>]) {
        for message in messages {
            let Some(trace) = parent(*message) else { continue };
            let waiting = self.waiting.entry((topic.to_owned(), partition)).or_default();
            if waiting.len() == WAITING_MAX {
                waiting.pop_front();
            }
            waiting.push_back(Arrival { offset: message.offset() as u64, trace, read: SystemTime::now() });
        }
    }

    /// The store has everything before these offsets.
    pub(crate) fn stored(&mut self, next: &BTreeMap<(String, u32), u64>) {
        let tracer = global::tracer(SCOPE);
        for (at, next) in next {
            let Some(waiting) = self.waiting.get_mut(at) else { continue };
            while let Some(arrival) = waiting.pop_front_if(|arrival| arrival.offset < *next) {
                tracer
                    .span_builder(format!("store {}", at.0))
                    .with_kind(SpanKind::Client)
                    .with_start_time(arrival.read)
                    .with_attributes(vec![
                        KeyValue::new("db.system.name", self.store.clone()),
                        KeyValue::new("db.operation.name", "insert"),
                        KeyValue::new("messaging.source.name", at.0.clone()),
                        KeyValue::new("messaging.source.partition.id", at.1.to_string()),
                        KeyValue::new("messaging.kafka.offset", arrival.offset as i64),
                    ])
                    .start_with_context(&tracer, &Context::new().with_remote_span_context(arrival.trace))
                    .end();
            }
        }
    }
}
