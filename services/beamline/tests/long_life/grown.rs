//! A results folder that has seen many commits already: grown by the program itself, one event a commit.

use std::{env, io::Read, path::PathBuf, sync::atomic::AtomicU64, time::Instant};

use store::Results;

use crate::{
    Place, copy,
    soak::{listen, post},
};

/// Commits of one run of the program, after which growing can be carried on where it is interrupted.
const RUN: u64 = 50_000;

/// Grows the results of a place to `BEAMLINE_GROWN` commits (none by default) and gives their position. They grow in the folder
/// `BEAMLINE_GROWN_IN`, where that is given, and are copied: in a file system in memory they take a third of the time. What the folder
/// has already is carried on.
pub(crate) fn grow(place: &Place) -> u64 {
    let commits: u64 = env::var("BEAMLINE_GROWN").map_or(0, |commits| commits.parse().unwrap());
    let results = place.path("results");
    let grown = env::var_os("BEAMLINE_GROWN_IN")
        .map_or_else(|| results.clone(), |folder| PathBuf::from(folder).join("results"));
    let position = || Results::new(&grown).manifest().unwrap().map_or(0, |manifest| manifest.position);
    while position() < commits {
        let (first, begun) = (position(), Instant::now());
        let end = commits.min(first + RUN);
        let (mut child, address) = listen(place, &grown, end, 1);
        post(&address, &AtomicU64::new(first), end);
        let mut summary = String::new();
        child.stdout.take().unwrap().read_to_string(&mut summary).unwrap();
        assert!(child.wait().unwrap().success(), "{summary}");
        assert_eq!(position(), end, "{summary}");
        let each = begun.elapsed().as_secs_f64() * 1e3 / (end - first) as f64;
        println!("grown to {end} commits, {each:.2} ms each");
    }
    if grown != results {
        copy(&grown, &results);
    }
    position()
}
