//! `beamline topics place`: where a step goes on whose group has lost its offsets.

use kafka::{At, Choice, Placing, Step};
use service::{Failure, load_stream};

use super::{connect, say};
use crate::{
    cli::{PlaceArgs, PlaceAt, PlacedStep},
    on_kafka::failure,
};

pub(super) fn place(args: PlaceArgs) -> Result<(), Failure> {
    let stream = load_stream(&args.stream)?;
    let connection = connect(args.kafka)?;
    let step = match args.step {
        PlacedStep::Enricher => Step::Enrich,
        PlacedStep::AnomalyDetector => Step::Detect,
        PlacedStep::Aggregator => Step::Aggregate,
        PlacedStep::Merger => Step::Merge,
    };
    let placing = Placing::look(&stream, step, &connection).map_err(failure)?;
    let at = match args.at {
        Some(PlaceAt::Output) => At::Output,
        Some(PlaceAt::Latest) => At::Latest,
        Some(PlaceAt::Earliest) => At::Earliest,
        Some(PlaceAt::Time(time)) => At::Time(time),
        None => {
            for (name, at) in [("output", At::Output), ("latest", At::Latest), ("earliest", At::Earliest)] {
                print(name, &placing.choices(at).map_err(failure)?)?;
            }
            return say("nothing was changed; choose one with --at");
        }
    };
    let choices = placing.choices(at).map_err(failure)?;
    if choices.is_empty() {
        return say("the group has an offset for every partition: nothing is to be placed");
    }
    print("this choice", &choices)?;
    placing.place(&choices).map_err(failure)?;
    say("placed; what the step had learned and counted begins again there")
}

fn print(name: &str, choices: &[Choice]) -> Result<(), Failure> {
    for Choice { partition, offset, repeats, loses } in choices {
        let repeats = if *repeats == 0 { "repeats nothing".into() } else { format!("repeats up to {repeats} records") };
        let loses = if *loses == 0 { "loses nothing".into() } else { format!("loses up to {loses} records") };
        say(&format!("{name}: partition {partition} goes on at offset {offset}: {repeats}, {loses}"))?;
    }
    Ok(())
}
