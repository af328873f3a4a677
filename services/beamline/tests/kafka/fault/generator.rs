//! Faults of the generator. None of them can be where the source has ended.

use std::{thread, time::Duration};

use crate::{fleet::Fleet, places};

/// Longer than its transaction may stay open.
const PAUSE: Duration = Duration::from_secs(8);
/// How long a generator may take to see that another one has its place.
const FENCED_MAX: Duration = Duration::from_secs(60);

pub(super) fn kill(fleet: &mut Fleet<'_>) -> Option<String> {
    drop(fleet.take_generator()?);
    fleet.start_generator();
    Some("kill -9 generator".to_owned())
}

pub(super) fn pause(fleet: &mut Fleet<'_>) -> Option<String> {
    let generator = fleet.generator.as_ref().filter(|of| of.program.wait(Duration::ZERO).is_none())?;
    generator.program.signal("STOP").unwrap();
    thread::sleep(PAUSE);
    generator.program.signal("CONT").unwrap();
    thread::sleep(Duration::from_secs(2));
    let restarted = fleet.revive();
    Some(format!("pause generator for {} s, started again {restarted} times", PAUSE.as_secs()))
}

pub(super) fn second(fleet: &mut Fleet<'_>) -> Option<String> {
    let first = fleet.take_generator()?;
    fleet.start_generator();
    let ended = first.program.wait(FENCED_MAX);
    assert!(ended.is_some(), "two generators at once\n{}", first.program.log());
    Some("second generator, and the first one ended".to_owned())
}

pub(super) fn forget(fleet: &mut Fleet<'_>) -> Option<String> {
    drop(fleet.take_generator()?);
    places::forget(fleet.cluster, &kafka::Generator::group("particles"), &places::kafka_topics().raw);
    fleet.start_generator();
    Some("kill -9 generator, its group deleted".to_owned())
}
