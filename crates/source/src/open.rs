//! How a source is opened from a definition.

use std::sync::Arc;

use stream::Stream;

use crate::{
    Options, Source, SourceError,
    files::Files,
    http::HttpSource,
    log::Log,
    paced::{Pace, Paced},
    stdin::{self, StdinSource},
    synthetic::Synthetic,
};

/// Opens a source at its beginning.
///
/// # Errors
/// Where a file is missing or has not the columns of the schema, a profile cannot fill them, an address cannot be
/// listened on, or another process has the log.
pub fn open(source: &stream::Source, stream: &Arc<Stream>, options: &Options) -> Result<Box<dyn Source>, SourceError> {
    let schema = stream.input.arrow().clone();
    match source {
        stream::Source::Synthetic(definition) => {
            let opened = Box::new(Synthetic::open(definition, stream, options)?);
            let rate = definition.rate * options.speed.unwrap_or(1.0);
            Ok(if is_pace(rate) { Box::new(Paced::new(opened, Pace::Rate(rate))) } else { opened })
        }
        stream::Source::Files(definition) => {
            let opened = Box::new(Files::open(definition, stream, options)?);
            let speed = options.speed.or(definition.speed).filter(|speed| is_pace(*speed));
            let Some(speed) = speed else { return Ok(opened) };
            let column = schema.index_of(&stream.definition.spec.time)?;
            Ok(Box::new(Paced::new(opened, Pace::EventTime { column, speed })))
        }
        stream::Source::Http(definition) => {
            Ok(Box::new(HttpSource::open(definition, schema, stream.event_bytes_max(), Log::open(&options.log_dir)?)?))
        }
        stream::Source::Stdin(definition) => {
            let log = Log::open_with(&options.log_dir, stdin::SEGMENT_BYTES_MAX)?;
            Ok(Box::new(StdinSource::open(definition, schema, stream.event_bytes_max(), log, std::io::stdin())?))
        }
        stream::Source::Kafka(_) => Err(SourceError::input(
            "the stream's source is a topic of Kafka, which is read on Kafka only: say --kafka HOSTS --registry URL, or start \
             the generator",
        )),
    }
}

/// Whether a factor or rate holds anything back.
fn is_pace(pace: f64) -> bool {
    pace > 0.0 && pace.is_finite()
}
