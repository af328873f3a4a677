//! Bytes that somebody has tampered with: nothing panics, nothing vanishes, the others survive.

use std::collections::BTreeSet;

use codec::{Decoder, Limits, ValueSchema};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    generate::stream,
    roundtrip::decode_all,
    wire::{Blocks, framed},
};

/// One tampering.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index),
    Truncate(Index),
    Append(Vec<u8>),
    Replace(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    // Long counts and lengths are what hurts most.
    let byte = prop_oneof![any::<u8>(), prop::sample::select(vec![0, 1, 2, 0x7f, 0x80, 0xfe, 0xff])];
    prop_oneof![
        4 => (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| Change::Flip(at, bits)),
        4 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), vec(byte.clone(), 1..12)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => any::<Index>().prop_map(Change::Delete),
        2 => any::<Index>().prop_map(Change::Truncate),
        1 => vec(byte.clone(), 1..12).prop_map(Change::Append),
        1 => vec(byte, 0..40).prop_map(Change::Replace),
    ]
}

fn apply(change: &Change, message: &mut Vec<u8>) {
    match change {
        Change::Replace(bytes) => message.clone_from(bytes),
        Change::Append(bytes) => message.extend(bytes),
        _ if message.is_empty() => {}
        Change::Flip(at, bits) => {
            let at = at.index(message.len());
            message[at] ^= bits;
        }
        Change::Set(at, byte) => {
            let at = at.index(message.len());
            message[at] = *byte;
        }
        Change::Insert(at, bytes) => {
            let at = at.index(message.len());
            message.splice(at..at, bytes.iter().copied());
        }
        Change::Delete(at) => drop(message.remove(at.index(message.len()))),
        Change::Truncate(at) => message.truncate(at.index(message.len())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn tampered_messages_are_named_and_the_others_survive(
        (schema, rows) in stream(1..12),
        changes in vec((any::<Index>(), change()), 1..6),
    ) {
        let schema = ValueSchema::parse(&schema).unwrap();
        let limits = Limits { message_bytes_max: 4096, ..Limits::default() };
        let mut decoder = Decoder::new(schema.clone(), limits).unwrap();
        decoder.add_writer(7, schema.avro()).unwrap();
        let good: Vec<Vec<u8>> = rows.iter().map(|row| framed(7, row, Blocks::One)).collect();
        let whole = decode_all(&mut decoder, &good);

        let mut tampered = good.clone();
        for (message, change) in &changes {
            apply(change, &mut tampered[message.index(good.len())]);
        }
        let slices: Vec<&[u8]> = tampered.iter().map(Vec::as_slice).collect();
        let decoded = decoder.decode(&slices).unwrap();

        // Each message is in exactly one of the three, each in order.
        let rejected: Vec<usize> = decoded.rejected.iter().map(|rejected| rejected.message).collect();
        let unknown: Vec<usize> = decoded.unknown.iter().map(|(message, _)| *message).collect();
        for list in [&decoded.messages, &rejected, &unknown] {
            prop_assert!(list.is_sorted());
        }
        let all: BTreeSet<usize> = decoded.messages.iter().chain(&rejected).chain(&unknown).copied().collect();
        prop_assert_eq!(all.len(), decoded.messages.len() + rejected.len() + unknown.len());
        prop_assert_eq!(all, (0..good.len()).collect::<BTreeSet<_>>());
        prop_assert_eq!(decoded.rows.num_rows(), decoded.messages.len());
        prop_assert!(decoded.rejected.iter().all(|rejected| !rejected.reason.is_empty()));

        // A message fares the same on its own.
        for (index, message) in slices.iter().enumerate() {
            let alone = decoder.decode(&[message]).unwrap();
            let reason = decoded.rejected.iter().find(|rejected| rejected.message == index).map(|rejected| &rejected.reason);
            prop_assert_eq!(alone.rejected.first().map(|rejected| &rejected.reason), reason);
        }

        // What nobody touched is there, as it was.
        for index in (0..good.len()).filter(|index| tampered[*index] == good[*index]) {
            let row = decoded.messages.binary_search(&index);
            prop_assert!(row.is_ok(), "message {} is lost", index);
            prop_assert_eq!(decoded.rows.slice(row.unwrap(), 1), whole.slice(index, 1));
        }

        // Eight bytes a unit of the limit, twice for growing by doubling, for each of the messages.
        let bound = good.len() * 4096 * 16 + (1 << 16);
        prop_assert!(decoded.rows.get_array_memory_size() < bound);

        // The decoder is as good as new.
        prop_assert_eq!(decode_all(&mut decoder, &good), whole);
    }
}
