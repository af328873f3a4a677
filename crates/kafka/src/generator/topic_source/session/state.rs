//! What a session has: its membership, what it reads, and where its events go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Offsets, Reports};
use rdkafka::consumer::{BaseConsumer, Consumer};
use registry::Registry;
use source::MessageReader;

use super::super::{
    catalog::Catalog,
    cluster::{connection_of, registry_of},
    lane::Lane,
    member::Member,
    polled::reader_of,
};
use crate::{
    KafkaError,
    generator::{
        outlet::Outlet,
        probing::Probing,
        settings::{Generator, START_MAX},
    },
};

/// How long a member may be silent before its lanes go to others.
const SESSION: Duration = Duration::from_secs(10);
/// How long a schema is asked for before the generator says that it waits: meanwhile it heeds neither its group nor a
/// signal, and its transaction grows old.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(2);

/// A member of the group, with a producer and a reader.
pub(in crate::generator::topic_source) struct Session<'a> {
    pub(super) generator: &'a Generator,
    pub(super) definition: &'a stream::Kafka,
    pub(super) group: String,
    pub(super) reader: MessageReader,
    pub(super) registry: Registry,
    pub(super) offsets: Offsets,
    pub(super) member: BaseConsumer<Member>,
    pub(super) source: Arc<BaseConsumer<Reports>>,
    pub(super) catalog: Catalog,
    pub(super) outlet: Outlet<'a>,
    pub(super) probing: Probing,
    pub(super) lanes: BTreeMap<u32, Lane>,
    /// Lanes that are ours and not read yet.
    pub(super) waiting: BTreeSet<u32>,
    pub(super) looked: Option<Instant>,
    pub(super) shown: Instant,
    pub(super) begun: Instant,
    pub(super) joined: bool,
}

impl<'a> Session<'a> {
    pub(in crate::generator::topic_source) fn open(
        generator: &'a Generator,
        definition: &'a stream::Kafka,
    ) -> Result<Self, KafkaError> {
        let group = Generator::group(generator.stream.name());
        let connection = connection_of(definition, &generator.base, &generator.connection)?;
        connection.check(START_MAX)?;
        let source = Arc::new(reader_of(&connection, generator)?);
        let catalog = Catalog::new(source.clone(), definition, &generator.topics)?;
        let outlet = Outlet::connect(generator, &format!("{group}.{}", generator.instance))?;
        let member: BaseConsumer<Member> = generator.connection.client(Member::default(), |config| {
            config
                .set("group.id", &group)
                .set("enable.auto.commit", "false")
                .set("enable.auto.offset.store", "false")
                .set("auto.offset.reset", "error")
                .set("partition.assignment.strategy", "cooperative-sticky")
                .set("session.timeout.ms", SESSION.as_millis().to_string())
                .set("heartbeat.interval.ms", (SESSION.as_millis() / 4).to_string())
                .set("max.poll.interval.ms", "300000");
        })?;
        let subscribed = member.subscribe(&[&generator.topics.raw]);
        subscribed.map_err(|source| KafkaError::Client { what: "subscribing", source })?;
        Ok(Self {
            reader: MessageReader::new(definition, &generator.stream)?,
            registry: registry_of(definition, &generator.base, &generator.registry)?.retrying_for(REGISTRY_PATIENCE),
            offsets: Offsets::connect(&generator.connection)?,
            generator,
            definition,
            group,
            member,
            source,
            catalog,
            outlet,
            probing: Probing::new(generator.probe_every()),
            lanes: BTreeMap::new(),
            waiting: BTreeSet::new(),
            looked: None,
            shown: Instant::now(),
            begun: Instant::now(),
            joined: false,
        })
    }
}
