//! A time range of a topic through a definition once more, into topics of its own, beside production.
//!
//! No group is joined and no offset committed: whoever works on the stream does not notice. The same range of the same
//! topic and the same definition give the same records, for a partition's rows are taken in their order.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arrow::array::BooleanArray;
use broker::{Connection, Offsets};
use registry::Registry;
use stage::{DeadLetter, Ledger, Outputs, Rows, Stage, StateMemory};
use stream::{Stream, Topics};

use crate::{
    KafkaError, ReadTopic, Reader, Received, Step,
    client::{stable::wait_until_stable, transaction::TransactionalProducer},
    clock::SystemClock,
    messages::{
        dead_letters::DeadLetterRecord, framing::schema_id, outbound::Outbound, schemas::Register, size::Sizes,
        target::TooLarge, times::Times, trace::Traced,
    },
    read::reader::Unreadable,
    runtime::live::Live,
};

/// Records of a transaction.
const TRANSACTION_RECORDS: usize = 50_000;
/// How long a transaction may stay open.
const TRANSACTION: Duration = Duration::from_secs(60);
/// How long one look at the topic waits.
const LOOK: Duration = Duration::from_millis(200);
const STEP: Step = Step::Fused;

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The definition.
    pub stream: Arc<Stream>,
    /// The topic that is read.
    pub from: String,
    /// Where the results go.
    pub into: Topics,
    /// The cluster.
    pub connection: Connection,
    /// The registry.
    pub registry: Registry,
    /// What was taken in at these times, in milliseconds since 1970.
    pub taken_in: Range<i64>,
}

/// Enriches and detects; state begins empty at the beginning of the range. `told` hears how many records have been read.
/// Gives the account.
///
/// # Errors
/// `NotEmpty` where the results would come beside others; `Stopped` where `stop` is set before the end; and where the
/// cluster, the registry or the definition do not allow it.
pub fn replay(replay: &Replay, told: &dyn Fn(u64), stop: &AtomicBool) -> Result<Ledger, KafkaError> {
    let offsets = Offsets::connect(&replay.connection)?;
    let results = [&replay.into.scored, &replay.into.anomalies, &replay.into.dead_letters];
    for topic in results {
        for partition in 0..offsets.partitions(topic)? {
            let (first, end) = offsets.range(topic, partition)?;
            if first < end {
                return Err(KafkaError::NotEmpty { topic: topic.clone() });
            }
        }
    }
    let live = Live::of(&replay.connection);
    let register = Register::new(&live, &replay.registry, &replay.into);
    let mut session = Session {
        outbound: Outbound::new(STEP, &replay.stream, &replay.into, &register)?,
        producer: TransactionalProducer::connect(
            &replay.connection,
            &format!("beamline.{}.replay", replay.into.raw),
            TRANSACTION,
            Sizes::of(&replay.stream).message(),
        )?,
        sizes: Sizes::of(&replay.stream),
        replay,
        ledger: Ledger::default(),
        open: 0,
        stop,
    };
    for partition in 0..offsets.partitions(&replay.from)? {
        let start = offsets.at_time(&replay.from, partition, replay.taken_in.start.max(0))?;
        session.partition(partition, start..offsets.stable_end(&replay.from, partition)?, told)?;
    }
    session.commit()?;
    // A commit returns before all of it can be read.
    for topic in results {
        for partition in 0..offsets.partitions(topic)? {
            let (_, end) = offsets.range(topic, partition)?;
            wait_until_stable(&SystemClock, &offsets, topic, partition, end, stop)?;
        }
    }
    Ok(session.ledger)
}

struct Session<'a> {
    replay: &'a Replay,
    outbound: Outbound,
    producer: TransactionalProducer,
    sizes: Sizes,
    ledger: Ledger,
    /// Records of the open transaction.
    open: usize,
    stop: &'a AtomicBool,
}

impl Session<'_> {
    fn partition(&mut self, number: u32, range: Range<i64>, told: &dyn Fn(u64)) -> Result<(), KafkaError> {
        if range.is_empty() {
            return Ok(());
        }
        let Replay { connection, registry, stream, from, .. } = self.replay;
        let topic = ReadTopic { name: from.clone(), schema: STEP.input_schema(stream)? };
        let mut reader = Reader::assign(connection, registry, &topic, &[(number, range.start)])?;
        reader.refuse_above(Sizes::of(stream));
        let mut stage = STEP.stage(stream, &StateMemory::unbounded())?;
        let mut next = range.start;
        while next < range.end && !reader.ended().contains(&number) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(KafkaError::Stopped);
            }
            for received in reader.next(LOOK)? {
                next = received.next as i64;
                self.take(stage.as_mut(), received, range.end)?;
            }
            told(self.ledger.records);
            if self.open >= TRANSACTION_RECORDS {
                self.commit()?;
            }
        }
        Ok(())
    }

    fn take(&mut self, stage: &mut dyn Stage, received: Received, end: i64) -> Result<(), KafkaError> {
        let times = &self.replay.taken_in;
        let is_wanted = |position: u64, time: i64| (position as i64) < end && times.contains(&time);
        let places = received.positions.values().iter().zip(&received.times);
        let wanted: BooleanArray = places.clone().map(|(position, time)| Some(is_wanted(*position, *time))).collect();
        let mut taken_in: Vec<(u64, i64)> = places.map(|(position, time)| (*position, *time)).collect();
        let key = received.rows.schema().index_of(STEP.key(&self.replay.stream))?;
        let rows = Rows {
            keys: stage::key_text(received.rows.column(key))?,
            positions: received.positions,
            ingested: Some(received.times.iter().map(|time| time.saturating_mul(1000)).collect()),
            traces: received.traces,
            batch: received.rows,
        };
        let rows = rows.select(&wanted)?;
        let mut records = rows.len() as u64;
        let mut outputs = Outputs::default();
        stage.process(rows, &mut outputs)?;
        for unreadable in received.rejected.into_iter().filter(|record| is_wanted(record.position, record.time)) {
            taken_in.push((unreadable.position, unreadable.time));
            records += 1;
            let Unreadable { position, payload, reason, .. } = unreadable;
            outputs.dead_letters.push(match self.sizes.refuse(payload.len()) {
                Some(reason) => DeadLetter::oversized(position, payload, reason),
                None => DeadLetter::undecodable(position, payload, reason),
            });
        }
        taken_in.sort_unstable();
        self.send(received.partition, records, outputs, &Times::new(taken_in))
    }

    fn send(&mut self, partition: u32, records: u64, mut outputs: Outputs, times: &Times) -> Result<(), KafkaError> {
        if records == 0 {
            return Ok(());
        }
        if self.open == 0 {
            self.producer.begin()?;
        }
        let client = self.producer.client();
        self.ledger.records += records;
        self.ledger.filtered += outputs.filtered;
        self.ledger.unscored += outputs.unscored;
        let mut refused = Vec::new();
        for rows in &outputs.rows {
            let too_large = self.outbound.rows(client, partition, rows, times, &Traced::default())?;
            self.ledger.out += (rows.len() - too_large.len()) as u64;
            let raw = self.replay.stream.input.arrow().fields().len();
            for TooLarge { row, reason } in too_large {
                refused.push(rows.positions.value(row));
                let dead_letter = DeadLetter::oversized(rows.positions.value(row), rows.json(row, raw)?, reason);
                outputs.dead_letters.push(dead_letter);
            }
        }
        if let Some(found) = outputs.anomalies(&self.replay.stream, &refused)? {
            self.outbound.anomalies(client, partition, &found, times, &Traced::default())?;
            self.ledger.silences += outputs.silences();
            self.ledger.anomalies += found.len() as u64 - outputs.silences();
        }
        outputs.dead_letters.sort_by_key(|dead_letter| dead_letter.position);
        self.ledger.dead_lettered += outputs.dead_letters.len() as u64;
        let record = |dead_letter: DeadLetter| DeadLetterRecord {
            stage: STEP.name(),
            topic: self.replay.from.clone(),
            partition,
            schema_id: schema_id(&dead_letter.payload),
            trace_id: None,
            dead_letter,
        };
        let dead_letters: Vec<DeadLetterRecord> = outputs.dead_letters.into_iter().map(record).collect();
        self.outbound.dead_letters(client, partition, &dead_letters, times)?;
        self.producer.poll();
        self.open += records as usize;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), KafkaError> {
        if std::mem::take(&mut self.open) == 0 {
            return Ok(());
        }
        self.outbound.release_all(self.producer.client())?;
        self.producer.commit()
    }
}
