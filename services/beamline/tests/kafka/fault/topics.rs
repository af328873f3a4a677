//! What others do to the topics of a stream.

use broker::Admin;

use crate::{
    fleet::Fleet,
    raw::{self, Event, noise},
    sizes::LIMIT,
};

const RAW: &str = "particles";
/// Partitions of the raw topic by the definition.
const PARTITIONS: u64 = 8;

/// Events that are as large as they may be, whose rows are larger, and events above the limit: each becomes a dead letter.
pub(super) fn huge_events(fleet: &mut Fleet<'_>, random: u64) -> String {
    let schema = raw::schema(fleet.cluster);
    let sized = |energy: f64, bytes: usize| Event::new("huge", energy, "D0").of_size(schema, bytes).framed(schema);
    let mut junk = noise(LIMIT).into_bytes();
    junk[0] = b'j';
    let events = vec![sized(2.0, LIMIT), sized(-1.0, LIMIT), junk, sized(2.0, LIMIT + 1), sized(2.0, 2_500_000)];
    send(fleet, events, random, "events of 1 to 2.5 MB")
}

/// Messages of each kind that cannot be read, or fail a rule.
pub(super) fn poison(fleet: &mut Fleet<'_>, random: u64) -> String {
    let schema = raw::schema(fleet.cluster);
    let event = |energy: f64| Event::new("poison", energy, "D0").framed(schema);
    let framed = |id: u32| [&[0], &id.to_be_bytes()[..], b"\x02a"].concat();
    let kinds = || {
        let torn = event(2.0)[..20].to_vec();
        let unknown = framed(0x4000_0000 + random as u32 % 0x1000_0000);
        [b"junk".to_vec(), Vec::new(), torn, event(-1.0), event(77.2), framed(0x7fff_fff0), unknown]
    };
    let messages = std::iter::repeat_with(kinds).take(PARTITIONS as usize).flatten().collect();
    send(fleet, messages, random, "messages of 7 bad kinds")
}

fn send(fleet: &mut Fleet<'_>, messages: Vec<Vec<u8>>, random: u64, what: &str) -> String {
    let number = messages.len() as u64;
    let to =
        messages.into_iter().enumerate().map(|(at, value)| (((random + at as u64) % PARTITIONS) as u32, "D0", value));
    raw::send(fleet.cluster, RAW, to);
    fleet.foreign += number;
    format!("{number} {what}")
}

/// Nobody of the stream writes into them, and what is read goes on.
pub(super) fn add_partitions(fleet: &mut Fleet<'_>) {
    let admin = Admin::connect(&fleet.cluster.connection()).unwrap();
    let partitions = PARTITIONS as u32 + 1;
    for topic in [RAW, "particles.enriched", "particles.scored"] {
        admin.add_partitions(topic, partitions).unwrap();
    }
}
