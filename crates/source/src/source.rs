//! The trait of all sources, and how one is opened from a definition.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use stream::Stream;

use crate::{
    Cursor, Next, Progress, SourceError,
    files::Files,
    http::HttpSource,
    log::Log,
    paced::{Pace, Paced},
    stdin::{self, StdinSource},
    synthetic::Synthetic,
};

/// A source that can be read again: the same records at the same positions, however often and in whatever pieces.
pub trait Source: Send {
    /// The next records, `rows_max` at most (and never more than [`crate::RECORDS_MAX`]). Never blocks for longer than
    /// about 50 ms.
    ///
    /// # Errors
    /// Where the source as a whole cannot go on; a bad record is among the rejected ones. What came before the failure
    /// has been given by then.
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError>;

    /// Goes to where `cursor` was taken; `Cursor::default()` is the beginning.
    ///
    /// # Errors
    /// Where the source no longer has that place.
    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError>;

    /// Where the next record comes from.
    fn cursor(&self) -> Cursor;

    /// How far the source has come.
    fn progress(&self) -> Progress;

    /// Records before `position` will not be asked for again: a source that keeps them itself may let them go.
    ///
    /// # Errors
    /// Where they cannot be deleted.
    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        let _ = position;
        Ok(())
    }

    /// The address that events can be posted to, for a source that listens.
    fn address(&self) -> Option<SocketAddr> {
        None
    }
}

/// What a source needs to know besides its definition.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder that relative paths refer to.
    pub base: PathBuf,
    /// The moment of the first start in microseconds since 1970, the same at every restart: event time of the first
    /// synthetic event where the definition names none.
    pub started: i64,
    /// The folder of the durable log, for sources that need one.
    pub log_dir: PathBuf,
    /// In place of the definition's: how many times faster than it happened a replay goes (0: as fast as possible), or
    /// by which factor a synthetic source exceeds its rate. Never changes the records.
    pub speed: Option<f64>,
}

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
