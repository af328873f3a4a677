//! What becomes of the events of a stream where nothing befalls it: its stages, one after the other, without a runtime.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use source::{Next, Router};
use stage::{Outputs, Pipeline, Stage};
use stream::Stream;

use crate::soak::fingerprints::Fingerprints;

/// Records that are taken at once.
const RECORDS: usize = 65_536;

/// Takes the first events of a stream's source through its stages.
pub(crate) fn run(stream: &Arc<Stream>, events: u64) -> Fingerprints {
    // As fast as it goes, with the times that the rate gives.
    let options = source::Options {
        base: Path::new(".").to_owned(),
        started: 0,
        log_dir: Path::new(".").to_owned(),
        speed: Some(f64::INFINITY),
    };
    let spec = &stream.definition.spec;
    let mut source = source::open(spec.source.as_ref().unwrap(), stream, &options).unwrap();
    let router = Router::new(&spec.key, spec.partitions);
    let mut partitions: BTreeMap<u32, Pipeline> =
        (0..spec.partitions).map(|number| (number, Pipeline::new(stream).unwrap())).collect();
    let (mut found, mut left) = (Fingerprints::of(events), events);
    while left > 0 {
        let Next::Records(records) = source.next(RECORDS.min(left as usize)).unwrap() else { break };
        left -= records.positions.len() as u64;
        for share in router.route(records).unwrap() {
            let mut outputs = Outputs::default();
            let pipeline = partitions.get_mut(&share.partition).unwrap();
            pipeline.process(share.rows.unwrap(), &mut outputs).unwrap();
            outputs.rows.iter().for_each(|rows| found.add(&rows.batch));
        }
    }
    found
}
