//! What goes in comes out: bytes to rows to bytes, whatever the schema, the values and the cuts.

use arrow::{
    array::RecordBatch,
    compute::{cast, concat_batches},
};
use arrow_avro::{
    reader::ReaderBuilder,
    schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore},
};
use codec::{Decoder, Encoder, Limits, ValueSchema};
use proptest::prelude::*;

use crate::{
    generate::stream,
    wire::{Blocks, Datum, framed},
};

pub(crate) fn decoder(schema: &ValueSchema, id: u32) -> Decoder {
    let mut decoder = Decoder::new(schema.clone(), Limits::default()).unwrap();
    decoder.add_writer(id, schema.avro()).unwrap();
    decoder
}

/// Decodes messages that must all be good.
pub(crate) fn decode_all(decoder: &mut Decoder, messages: &[Vec<u8>]) -> RecordBatch {
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let decoded = decoder.decode(&messages).unwrap();
    assert_eq!((decoded.rejected, decoded.unknown), (vec![], vec![]));
    assert_eq!(decoded.messages, (0..messages.len()).collect::<Vec<_>>());
    decoded.rows
}

pub(crate) fn encode_all(encoder: &mut Encoder, rows: &RecordBatch) -> Vec<Vec<u8>> {
    let framed = encoder.encode(rows).unwrap();
    assert_eq!(framed.len(), rows.num_rows());
    (0..framed.len()).map(|row| framed.message(row).to_vec()).collect()
}

pub(crate) fn messages(rows: &[Datum], blocks: Blocks) -> Vec<Vec<u8>> {
    rows.iter().map(|row| framed(7, row, blocks)).collect()
}

/// Cuts at the given places, in order and without repetition.
fn pieces(len: usize, cuts: &[prop::sample::Index]) -> Vec<(usize, usize)> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).chain([0, len]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn bytes_come_back_as_they_were((schema, rows) in stream(0..12)) {
        let schema = ValueSchema::parse(&schema).unwrap();
        let plain = messages(&rows, Blocks::One);
        let batch = decode_all(&mut decoder(&schema, 7), &plain);
        prop_assert_eq!(batch.schema_ref(), schema.arrow());
        prop_assert_eq!(&encode_all(&mut Encoder::new(schema.clone(), 7).unwrap(), &batch), &plain);
        // Blocks are the writer's business and leave no trace.
        let blocks = messages(&rows, Blocks::EachWithSize);
        prop_assert_eq!(&decode_all(&mut decoder(&schema, 7), &blocks), &batch);
    }

    #[test]
    fn a_derived_schema_writes_the_same_bytes((schema, rows) in stream(1..6)) {
        let schema = ValueSchema::parse(&schema).unwrap();
        let derived = ValueSchema::derive(schema.arrow(), "root", "derived").unwrap();
        let again = ValueSchema::derive(schema.arrow(), "root", "derived").unwrap();
        prop_assert_eq!(derived.avro(), again.avro());
        let parsed = ValueSchema::parse(derived.avro()).unwrap();
        prop_assert_eq!(parsed.arrow(), derived.arrow());
        let plain = messages(&rows, Blocks::One);
        let batch = decode_all(&mut decoder(&schema, 7), &plain);
        prop_assert_eq!(encode_all(&mut Encoder::new(derived, 7).unwrap(), &batch), plain);
    }

    #[test]
    fn cuts_never_matter((schema, rows) in stream(1..20), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let schema = ValueSchema::parse(&schema).unwrap();
        let plain = messages(&rows, Blocks::One);
        let (mut decoder, mut encoder) = (decoder(&schema, 7), Encoder::new(schema.clone(), 7).unwrap());
        let whole = decode_all(&mut decoder, &plain);
        let mut decoded = Vec::new();
        let mut encoded = Vec::new();
        for (from, to) in pieces(plain.len(), &cuts) {
            decoded.push(decode_all(&mut decoder, &plain[from..to]));
            encoded.extend(encode_all(&mut encoder, &whole.slice(from, to - from)));
        }
        prop_assert_eq!(concat_batches(schema.arrow(), &decoded).unwrap(), whole);
        prop_assert_eq!(encoded, plain);
    }

    /// arrow-avro's own decoder says the same about good messages.
    #[test]
    fn arrow_avro_decodes_the_same((schema, rows) in stream(1..8)) {
        // arrow-avro takes a null type's column for one that cannot be null, and fails.
        prop_assume!(!schema.contains(r#""type":"null""#));
        let value_schema = ValueSchema::parse(&schema).unwrap();
        let plain = messages(&rows, Blocks::One);
        let ours = decode_all(&mut decoder(&value_schema, 7), &plain);
        let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
        // It reads a uuid's text into bytes, which ours leaves as text.
        let schema = schema.replace(r#""logicalType":"uuid","type":"string""#, r#""type":"string""#);
        let schema = schema.replace(r#""type":"string","logicalType":"uuid""#, r#""type":"string""#);
        let schema = schema.replace("\"logicalType\":\"duration\"", "\"logicalType\":\"none\"");
        store.set(Fingerprint::Id(7), AvroSchema::new(schema)).unwrap();
        let mut theirs = ReaderBuilder::new()
            .with_writer_schema_store(store)
            .with_active_fingerprint(Fingerprint::Id(7))
            .with_batch_size(1024)
            .build_decoder()
            .unwrap();
        for message in &plain {
            prop_assert_eq!(theirs.decode(message).unwrap(), message.len());
        }
        let theirs = theirs.flush().unwrap().unwrap();
        prop_assert_eq!(theirs.num_rows(), ours.num_rows());
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            // The types differ in metadata and in the name of the zone, which a cast removes.
            prop_assert_eq!(&cast(theirs, ours.data_type()).unwrap(), ours);
        }
    }
}
