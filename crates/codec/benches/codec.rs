//! Nanoseconds a row of decoding and encoding, at 4,096 rows a batch.
//!
//! `decode_arrow_avro` is the same good batch by arrow-avro's own decoder, which checks less, for comparison.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use arrow_avro::{
    reader::ReaderBuilder,
    schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore},
};
use codec::{Decoder, Encoder, Limits, ValueSchema};
use divan::{Bencher, counter::ItemsCount};

const ROWS: usize = 4096;
const ID: u32 = 7;
const EVENT: &str = r#"{"type": "record", "name": "ParticleEvent", "namespace": "lab", "fields": [
    {"name": "event_id", "type": "string"},
    {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "particle_type", "type": {"type": "enum", "name": "ParticleType", "symbols": ["muon", "pion", "kaon"]}},
    {"name": "energy_gev", "type": "double"},
    {"name": "momentum_x", "type": "double"},
    {"name": "momentum_y", "type": "double"},
    {"name": "momentum_z", "type": "double"},
    {"name": "detector_id", "type": "string"},
    {"name": "is_anomaly", "type": "boolean"}]}"#;

fn main() {
    divan::main();
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn message(row: usize) -> Vec<u8> {
    let mut out = vec![0];
    out.extend(ID.to_be_bytes());
    let text = |text: &str, out: &mut Vec<u8>| {
        long(text.len() as i64, out);
        out.extend(text.as_bytes());
    };
    text(&format!("event-{row:010}"), &mut out);
    long(1_735_689_600_000_000 + row as i64 * 1000, &mut out);
    long(row as i64 % 3, &mut out);
    for factor in [1.0, 0.5, -0.25, 0.125] {
        out.extend((row as f64 * factor).to_le_bytes());
    }
    text(&format!("det_{:02}", row % 16), &mut out);
    out.push(u8::from(row.is_multiple_of(100)));
    out
}

fn decoder() -> Decoder {
    let mut decoder = Decoder::new(ValueSchema::parse(EVENT).unwrap(), Limits::default()).unwrap();
    decoder.add_writer(ID, EVENT).unwrap();
    decoder
}

fn decode(bencher: Bencher<'_, '_>, messages: &[Vec<u8>]) {
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let mut decoder = decoder();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| decoder.decode(&messages).unwrap());
}

#[divan::bench]
fn decode_good(bencher: Bencher<'_, '_>) {
    decode(bencher, &(0..ROWS).map(message).collect::<Vec<_>>());
}

/// Bad in the last byte, so that most of the row has to be taken back.
#[divan::bench]
fn decode_one_bad_in_a_thousand(bencher: Bencher<'_, '_>) {
    let bad = |row: usize| {
        let mut message = message(row);
        if row % 1000 == 500 {
            *message.last_mut().unwrap() = 7;
        }
        message
    };
    decode(bencher, &(0..ROWS).map(bad).collect::<Vec<_>>());
}

#[divan::bench]
fn decode_arrow_avro(bencher: Bencher<'_, '_>) {
    let messages: Vec<Vec<u8>> = (0..ROWS).map(message).collect();
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    store.set(Fingerprint::Id(ID), AvroSchema::new(EVENT.into())).unwrap();
    let mut decoder = ReaderBuilder::new()
        .with_writer_schema_store(store)
        .with_active_fingerprint(Fingerprint::Id(ID))
        .with_batch_size(ROWS)
        .build_decoder()
        .unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for message in &messages {
            decoder.decode(message).unwrap();
        }
        decoder.flush().unwrap().unwrap()
    });
}

/// The nine columns and what the enricher and the detector add to them.
#[divan::bench]
fn encode_15_columns(bencher: Bencher<'_, '_>) {
    let messages: Vec<Vec<u8>> = (0..ROWS).map(message).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let rows = decoder().decode(&messages).unwrap().rows;
    let floats = || Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| row as f64))) as ArrayRef;
    let reasons = StringArray::from_iter((0..ROWS).map(|row| (row.is_multiple_of(100)).then_some("ewma,mahalanobis")));
    let flags = BooleanArray::from_iter((0..ROWS).map(|row| Some(row.is_multiple_of(100))));
    let added: [(&str, ArrayRef, bool); 6] = [
        ("pt", floats(), true),
        ("eta", floats(), true),
        ("mass_gev", floats(), true),
        ("anomalous", Arc::new(flags), false),
        ("anomaly_score", floats(), false),
        ("anomaly_reasons", Arc::new(reasons), true),
    ];
    let mut fields: Vec<Field> = rows.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns = rows.columns().to_vec();
    for (name, column, null) in added {
        let data_type: &DataType = column.data_type();
        fields.push(Field::new(name, data_type.clone(), null));
        columns.push(column);
    }
    let schema = Schema::new(fields);
    let mut encoder = Encoder::new(ValueSchema::derive(&schema, "scored", "lab").unwrap(), ID).unwrap();
    let rows = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| encoder.encode(&rows).unwrap());
}
