//! Which lines of an input only repeat what an earlier run has logged.

use std::collections::VecDeque;

use super::Line;
use crate::{
    SourceError,
    log::{Entry, Log, Records, Trimmed, encode},
};

/// What an earlier run has logged, as long as the input repeats it.
pub(super) struct Repeated {
    /// What is compared line by line: the log's beginning, and behind what was trimmed its end.
    records: Records,
    /// Segments in between that were let go of, those that are still to be repeated.
    trimmed: VecDeque<Trimmed>,
    /// The lines since such a segment's beginning as the log had them: the segment's digest decides of them.
    held: Vec<u8>,
    held_lines: u64,
    /// Whether the first segment was repeated, and others than it are compared: then it is the same input.
    known: bool,
}

/// What becomes of a line.
pub(super) enum Fate {
    /// It repeats the log, as far as can be told.
    Repeats,
    /// The log was repeated whole, and the line is new.
    New,
    /// It differs: it is new, and so are the log's first lines, so many, that it was held to repeat.
    Differs(u64),
    /// Its segment's digest differs: all lines of it are new, these bytes of them, the line among them.
    SegmentDiffers(Vec<u8>),
}

impl Repeated {
    /// What `log` holds; `None` where it is empty.
    pub(super) fn of(log: &Log) -> Result<Option<Self>, SourceError> {
        let end = log.durable();
        if end == 0 {
            return Ok(None);
        }
        let trimmed: VecDeque<Trimmed> = log.trimmed()?.into();
        let first_end = trimmed.front().map_or(end, |trimmed| trimmed.first);
        let records = Records::at(log.folder(), 0, first_end)?;
        Ok(Some(Self { records, trimmed, held: Vec::new(), held_lines: 0, known: false }))
    }

    /// Compares the next line.
    pub(super) fn take(&mut self, line: &Line, log: &Log) -> Result<Fate, SourceError> {
        let (payload, cut) = line;
        let position = self.records.position();
        if let Some(record) = self.records.next()? {
            if record.payload == *payload && record.cut == *cut {
                return Ok(Fate::Repeats);
            }
            // Where the same input differs late, only that is new; another one that begins the same is new from its beginning.
            return Ok(Fate::Differs(if self.known { 0 } else { position }));
        }
        let Some(next) = self.trimmed.front() else { return Ok(Fate::New) };
        self.known = true;
        encode(&Entry { payload, cut: *cut }, &mut self.held);
        self.held_lines += 1;
        if self.held_lines < next.records {
            return Ok(Fate::Repeats);
        }
        let held = std::mem::take(&mut self.held);
        self.held_lines = 0;
        if !next.is(&held) {
            return Ok(Fate::SegmentDiffers(held));
        }
        let end = next.end();
        self.trimmed.pop_front();
        if self.trimmed.is_empty() {
            self.records = Records::at(log.folder(), end, log.durable())?;
        }
        Ok(Fate::Repeats)
    }
}
