//! A worker's state between two polls: its partitions, its producer and the open transaction.

mod commit;
mod taking;
mod watch;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rdkafka::message::Message;
use stage::{DeadLetter, Ledger, Outputs, Rows};

use crate::{
    KafkaError, Options, Step,
    cluster::{Cluster, END_MAX, Intake, Producer},
    messages::{
        dead_letters::DeadLetterRecord,
        inbound::Inbound,
        outbound::{Outbound, traces},
        place, probe,
        schemas::Register,
        size::Sizes,
        target::TooLarge,
        times::Times,
        trace::{Consumed, Parents, Traced},
    },
    mutant::Mutant,
    runtime::{load::Loads, meters::Meters, partition::Partition},
};

/// A worker's state between two polls.
pub(crate) struct Core<C: Cluster> {
    cluster: C,
    options: Arc<Options>,
    sizes: Sizes,
    producer: C::Producer,
    inbound: Inbound,
    outbound: Outbound,
    /// The partitions that are being taken.
    loads: Loads<C>,
    /// Those whose state is there, and since when: the client has yet to be sent where they begin.
    loaded: BTreeMap<u32, (Partition, Instant)>,
    /// When places were last kept in the compacted topic, of a step that does not do so with every commit.
    placed: Instant,
    /// Whether this is the last commit.
    leaving: bool,
    /// Whether this commit only writes down what changed.
    quiet: bool,
    /// When it was last said that the input does not keep long what is needed.
    warned: Option<Instant>,
    partitions: BTreeMap<u32, Partition>,
    /// When the first record of the open transaction came.
    open: Option<Instant>,
    /// When the first record of the batch came.
    came: Instant,
    /// Rows of the open transaction, dropped ones included.
    rows: usize,
    meters: Meters,
}

impl<C: Cluster> Core<C> {
    /// Connects the producer, which fences what an earlier worker of this name left behind.
    pub(crate) fn new(cluster: &C, options: &Arc<Options>, number: usize) -> Result<Self, KafkaError> {
        let (step, topics, registry) = (options.step, &options.topics, &options.registry);
        let stream = &options.stream;
        let sizes = Sizes::of(stream);
        let outbound = Outbound::new(step, stream, topics, &Register::new(cluster, registry, topics))?;
        let id = options.transactional_id(number);
        let producer = cluster.producer(&id, options.transaction_timeout, options.message_bytes())?;
        Ok(Self {
            inbound: Inbound::of_values(step.input_schema(stream)?, registry.clone(), sizes.input(step))?
                .of_topic(step.input(topics))
                .with_witness(&topics.dead_letters),
            meters: Meters::new(stream.name(), step.name()),
            sizes,
            options: options.clone(),
            producer,
            outbound,
            loads: Loads::new(cluster, options),
            loaded: BTreeMap::new(),
            placed: cluster.now(),
            leaving: false,
            quiet: false,
            warned: None,
            partitions: BTreeMap::new(),
            open: None,
            came: cluster.now(),
            rows: 0,
            cluster: cluster.clone(),
        })
    }

    pub(crate) fn input(&self) -> &str {
        self.options.step.input(&self.options.topics)
    }

    pub(crate) fn rebalanced(&mut self) {
        self.meters.rebalanced(self.owned().len());
    }

    /// Processes messages, which may be of several partitions, each partition's in order.
    pub(crate) fn process<M: Message>(&mut self, messages: &[M]) -> Result<(), KafkaError> {
        let mut of: BTreeMap<u32, Vec<&M>> = BTreeMap::new();
        // They come in runs, a fetch after the other.
        for run in messages.chunk_by(|one, next| one.partition() == next.partition()) {
            of.entry(run[0].partition() as u32).or_default().extend(run);
        }
        for (number, messages) in of {
            self.process_partition(number, &messages)?;
        }
        self.producer.client().serve(Duration::ZERO);
        if Mutant::BeginEachBatch.is_chosen() && self.open.is_some() {
            self.producer.end(END_MAX)?;
            self.producer.begin()?;
        }
        Ok(())
    }

    fn process_partition<M: Message>(&mut self, number: u32, messages: &[&M]) -> Result<(), KafkaError> {
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let next = partition.next;
        let messages = &messages[messages.partition_point(|message| message.offset() < next)..];
        let Some(last) = messages.last() else { return Ok(()) };
        partition.next = last.offset() + 1;
        partition.last = place::mark(*last);
        let (probes, records): (Vec<_>, Vec<_>) =
            messages.iter().copied().partition(|message| probe::header(*message).is_some());
        let mut records = &records[..];
        while let Some(partition) = self.partitions.get_mut(&number).filter(|_| !records.is_empty()) {
            let (now, later) = records.split_at(partition.meanings.see(records));
            self.process_records(number, now)?;
            records = later;
        }
        self.pass_on(number, &probes)
    }

    /// Passes probes on, behind the rows of the records that came with them.
    fn pass_on<M: Message>(&mut self, number: u32, probes: &[&M]) -> Result<(), KafkaError> {
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        self.meters.restored(partition.restored(self.cluster.now()));
        let live = &probes[probes.partition_point(|probe| probe.offset() < partition.committed)..];
        if live.is_empty() {
            return Ok(());
        }
        partition.touched = true;
        partition.ledger.probes += live.len() as u64;
        self.rows += live.len();
        self.begin()?;
        self.outbound.probes(self.producer.client(), number, live)
    }

    fn process_records<M: Message>(&mut self, number: u32, messages: &[&M]) -> Result<(), KafkaError> {
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let begun = SystemTime::now();
        if self.options.traced_as.is_some() {
            partition.hops.see(messages);
        }
        let payloads: Vec<&[u8]> = messages.iter().map(|message| message.payload().unwrap_or_default()).collect();
        // What is above the limit is not looked into.
        let refused = |payload: &[u8]| self.sizes.refuse(payload.len()).filter(|_| self.options.step != Step::Merge);
        let readable: Vec<&[u8]> =
            payloads.iter().map(|payload| if refused(payload).is_some() { &[] } else { *payload }).collect();
        let decoded = self.inbound.decode(&readable, &partition.meanings)?;
        let key = decoded.rows.schema().index_of(self.options.step.key(&self.options.stream))?;
        let parents = Parents::of(messages);
        let rows = Rows {
            keys: stage::key_text(decoded.rows.column(key))?,
            positions: decoded.messages.iter().map(|message| messages[*message].offset() as u64).collect(),
            batch: decoded.rows,
            ingested: Some(decoded.messages.iter().map(|message| taken_in(messages[*message])).collect()),
            traces: parents.traces(),
        };
        let committed = partition.committed;
        let live = messages.partition_point(|message| message.offset() < committed);
        let mut outputs = partition.process(rows)?;
        if live == messages.len() {
            return Ok(());
        }
        partition.touched = true;
        let rejected = decoded.rejected.into_iter().filter(|(message, _)| *message >= live);
        outputs.dead_letters.extend(rejected.map(|(message, reason)| {
            let (offset, payload) = (messages[message].offset() as u64, payloads[message]);
            match refused(payload) {
                Some(reason) => DeadLetter::oversized(offset, payload.to_vec().into(), reason),
                None => DeadLetter::undecodable(offset, payload.to_vec().into(), reason),
            }
        }));
        self.send(number, (&messages[live..], parents.since(committed as u64)), outputs, begun)
    }

    /// Sends what came of messages, whose processing began at `begun`, in the open transaction.
    fn send<M: Message>(
        &mut self,
        number: u32,
        (messages, parents): (&[&M], Parents),
        mut outputs: Outputs,
        begun: SystemTime,
    ) -> Result<(), KafkaError> {
        self.begin()?;
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let (step, topics) = (self.options.step, &self.options.topics);
        let time = |message: &&M| message.timestamp().to_millis().unwrap_or_default();
        let times = Times::new(messages.iter().map(|message| (message.offset() as u64, time(message))).collect());
        let consumed = Consumed {
            topic: step.input(topics),
            partition: number,
            group: &self.options.group,
            client_id: &self.options.connection.client_id,
        };
        let mut traced = Traced::of(parents, messages.len(), &consumed);
        if let (true, Some(by), Some(first)) = (step.tells_hops(), &self.options.traced_as, messages.first()) {
            traced.tell(partition.hops.processed(first.offset() as u64, by, begun));
        }
        let mut ledger = Ledger {
            records: messages.len() as u64,
            filtered: outputs.filtered,
            unscored: outputs.unscored,
            late: outputs.late_events,
            ..Ledger::default()
        };
        let raw = self.options.stream.input.arrow().fields().len();
        let mut refused = Vec::new();
        for rows in &outputs.rows {
            let input = step.input(topics);
            traced.begin_for(traces(rows), (&times, &partition.hops, begun), (&topics.raw, input));
            let too_large = self.outbound.rows(self.producer.client(), number, rows, &times, &traced)?;
            ledger.out += (rows.len() - too_large.len()) as u64;
            for TooLarge { row, reason } in too_large {
                refused.push(rows.positions.value(row));
                let dead_letter = DeadLetter::oversized(rows.positions.value(row), rows.json(row, raw)?, reason);
                outputs.dead_letters.push(dead_letter);
            }
        }
        ledger.silences = outputs.silences();
        if step.detects()
            && let Some(found) = outputs.anomalies(&self.options.stream, &refused)?
        {
            self.outbound.anomalies(self.producer.client(), number, &found, &times, &traced)?;
            ledger.anomalies = found.len() as u64 - ledger.silences;
            self.meters.alarms(&found);
        }
        outputs.dead_letters.sort_by_key(|dead_letter| dead_letter.position);
        ledger.dead_lettered = outputs.dead_letters.len() as u64;
        if step.aggregates() {
            ledger.out = ledger.records - ledger.dead_lettered - ledger.late;
        }
        for rows in &outputs.late {
            self.outbound.late(self.producer.client(), number, rows, &times, &traced)?;
        }
        let place = (step, step.input(topics), number);
        let record = |dead_letter: DeadLetter| {
            let trace_id = traced.trace_id(dead_letter.position);
            DeadLetterRecord::on(dead_letter, place, messages, trace_id, self.sizes)
        };
        let dead_letters: Vec<DeadLetterRecord> = outputs.dead_letters.into_iter().map(record).collect();
        self.outbound.dead_letters(self.producer.client(), number, &dead_letters, &times)?;
        traced.end();
        let (first, last) = times.ends();
        self.meters.processed(&ledger, &dead_letters, first, last);
        self.rows += messages.len();
        partition.ledger += &ledger;
        partition.open_records += messages.len();
        partition.open_bytes += messages.iter().map(|message| bytes_of(*message)).sum::<usize>();
        Ok(())
    }
}

fn bytes_of(message: &impl Message) -> usize {
    message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)
}

/// When a message was taken in, in microseconds since 1970: at the end of time where it does not say, so that nothing is
/// ahead of it.
fn taken_in(message: &impl Message) -> i64 {
    message.timestamp().to_millis().map_or(i64::MAX, |millis| millis.saturating_mul(1000))
}
